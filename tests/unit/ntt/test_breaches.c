// SPDX-License-Identifier: Apache-2.0 OR MIT
// Breaches of our own contracts: ZK_ASSERT ends the process in every build, ZK_VERIFY in those that
// have it compiled in, and the message says where.
#include "unit/test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ntt/ntt.h"

// Runs fn in a process of its own. True when it was aborted, with `text` on stderr.
static bool aborts(void (*fn)(void), const char *text)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        fn();
        _exit(0);
    }
    close(ends[1]);
    char said[4096];
    size_t n = 0;
    for (ssize_t k; n + 1 < sizeof said && (k = read(ends[0], said + n, sizeof said - 1 - n)) > 0;)
        n += (size_t)k;
    said[n] = '\0';
    close(ends[0]);
    int end;
    assert_int_equal(waitpid(child, &end, 0), child);
    return WIFSIGNALED(end) && WTERMSIG(end) == SIGABRT && strstr(said, text) != NULL;
}

static void broken_assertion(void)
{
    volatile int three = 3;
    ZK_ASSERT(three == 4);
}

static void kept_assertion(void)
{
    volatile int three = 3;
    ZK_ASSERT(three == 3);
}

static fe cells[64];

static void value_beyond_the_field(void)
{
    volatile fe beyond = FE_P;
    cells[0] = fe_add(beyond, 0);
}

static void overlapping_buffers(void)
{
    if (ntt_encode(cells + 8, cells, 4, 1, 1, NULL) != ZK_OK)
        _exit(1);
}

static void touching_buffers(void)
{
    if (ntt_encode(cells + 16, cells, 4, 1, 1, NULL) != ZK_OK)
        _exit(1);
}

static void assertions_hold_in_every_build(void **state)
{
    (void)state;
    assert_true(aborts(broken_assertion, "test_breaches.c:"));
    assert_true(aborts(broken_assertion, "invariant broken: three == 4"));
    assert_false(aborts(kept_assertion, ""));
}

static void contracts_are_verified_in_debug_builds(void **state)
{
    (void)state;
#ifdef ZK_VERIFY_BUILD
    assert_true(aborts(value_beyond_the_field, "invariant broken: a < FE_P"));
    assert_true(aborts(overlapping_buffers, "ntt_select.c"));
#else
    assert_false(aborts(value_beyond_the_field, ""));
    (void)overlapping_buffers;
#endif
    assert_false(aborts(touching_buffers, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertions_hold_in_every_build),
        cmocka_unit_test(contracts_are_verified_in_debug_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
