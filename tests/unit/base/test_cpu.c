// SPDX-License-Identifier: Apache-2.0 OR MIT
// The ladder under every value of ZISK_CPU. The tier is computed once a process, so each case runs
// in a child that has not asked before.
#include "unit/test.h"

#include "base/cpu.h"

#include <sys/wait.h>
#include <unistd.h>

enum { REFUSED = 64 };

// Tier that a fresh process uses with ZISK_CPU=value (NULL: unset), plus REFUSED when
// cpu_check_environment does not accept the value.
static int tier_in_child(const char *value)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (value == NULL)
            unsetenv("ZISK_CPU");
        else
            setenv("ZISK_CPU", value, 1);
        int code = cpu_check_environment() == ZK_OK ? 0 : REFUSED;
        _exit(code + (int)cpu_tier_current());
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void environment_lowers_the_tier(void **state)
{
    (void)state;
    int best = (int)cpu_tier_detected();
    assert_int_equal(tier_in_child(NULL), best);
    assert_int_equal(tier_in_child(""), best);
    for (int t = 0; t < CPU_TIER_COUNT; t++) {
        int expected = t <= best ? t : REFUSED + best;
        assert_int_equal(tier_in_child(cpu_tier_name((cpu_tier)t)), expected);
    }
}

static void unusable_values_are_refused(void **state)
{
    (void)state;
    int best = (int)cpu_tier_detected();
    const char *const bad[] = {"AVX2", "avx", "avx2 ", "avx1024", "1", "auto", "unknown"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tier_in_child(bad[i]), REFUSED + best);
}

// The emulated machines of tests/CMakeLists.txt say which tier they must be taken for.
static void emulated_machine_is_recognised(void **state)
{
    (void)state;
    const char *expected = getenv("ZISK_TEST_TIER");
    if (expected == NULL)
        skip();
    assert_string_equal(cpu_tier_name(cpu_tier_detected()), expected);
}

static void force_changes_the_tier(void **state)
{
    (void)state;
    cpu_tier before = cpu_tier_current();
    for (int t = 0; t <= (int)cpu_tier_detected(); t++) {
        cpu_tier_force((cpu_tier)t);
        assert_int_equal(cpu_tier_current(), t);
    }
    cpu_tier_force(before);
}

static void names_round_trip(void **state)
{
    (void)state;
    assert_string_equal(cpu_tier_name(CPU_SCALAR), "scalar");
    assert_string_equal(cpu_tier_name(CPU_AVX2), "avx2");
    assert_string_equal(cpu_tier_name(CPU_AVX512), "avx512");
    assert_string_equal(cpu_tier_name((cpu_tier)17), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_lowers_the_tier),
        cmocka_unit_test(unusable_values_are_refused),
        cmocka_unit_test(emulated_machine_is_recognised),
        cmocka_unit_test(force_changes_the_tier),
        cmocka_unit_test(names_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
