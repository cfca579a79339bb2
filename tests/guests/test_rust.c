// SPDX-License-Identifier: Apache-2.0 OR MIT
// The example guest in Rust: built by its own script, then run natively and on the machine in both
// memory maps. All must publish the same bytes, and those must be right.
#include "unit/test.h"

#include "guest_run.h"

#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

enum { SKIPPED = 77 };

static outcome run_twins(const uint8_t *input, size_t size)
{
    const outcome native = run_native("rust-median", input, size);
    const char *const elves[] = {"rust-median", "rust-median-b"};
    for (size_t i = 0; i < 2; i++) {
        const outcome z = run_zisk(elves[i], input, size);
        assert_int_equal(z.exit_code, native.exit_code);
        if (native.exit_code == 0) {
            assert_int_equal(native.size, 256);
            assert_memory_equal(z.output, native.output, 256);
        }
    }
    return native;
}

static int ascending(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_median(void **state)
{
    (void)state;
    static uint64_t numbers[1000];
    const size_t counts[] = {1, 2, 5, 64, 1000};
    test_rng rng = test_rng_new(4);
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        const size_t n = counts[k];
        unsigned __int128 sum = 0; // leaves 64 bits
        for (size_t i = 0; i < n; i++)
            sum += numbers[i] = test_rng_u64(&rng) >> test_rng_u64(&rng) % 4;
        const outcome o = run_twins((const uint8_t *)numbers, 8 * n);
        assert_int_equal(o.exit_code, 0);
        qsort(numbers, n, sizeof numbers[0], ascending);
        uint8_t expected[256] = {0};
        memcpy(expected, (const uint64_t[]){n, numbers[0], numbers[(n - 1) / 2], numbers[n - 1]},
               32);
        memcpy(expected + 32, &sum, 16);
        assert_memory_equal(o.output, expected, sizeof expected);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    assert_int_equal(run_twins((const uint8_t *)"12345678ab", 10).exit_code, 1);
    // A panic says why, and has the exit code of abort().
    assert_int_equal(run_twins(NULL, 0).exit_code, 134);
    const outcome z = run_zisk("rust-median", NULL, 0);
    assert_non_null(strstr(z.printed, "no numbers, no median"));
}

static void test_constraints(void **state)
{
    (void)state;
    const uint64_t numbers[] = {7, UINT64_MAX, 3, 1ULL << 40};
    assert_true(check_zisk("rust-median", (const uint8_t *)numbers, sizeof numbers));
    assert_true(check_zisk("rust-median-b", (const uint8_t *)numbers, sizeof numbers));
    assert_false(check_zisk("rust-median", NULL, 0)); // a failed execution
}

// Returns the exit code of `script build_dir`, -1 when there is none.
static int build(char *script, char *build_dir)
{
    pid_t pid;
    int wait_status;
    if (posix_spawn(&pid, script, NULL, NULL, (char *[]){script, build_dir, NULL}, environ) != 0 ||
        waitpid(pid, &wait_status, 0) != pid || !WIFEXITED(wait_status))
        return -1;
    return WEXITSTATUS(wait_status);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_constraints),
    };
    if (argc != 3) {
        fprintf(stderr, "usage: %s BUILD_DIR BUILD_SCRIPT\n", argv[0]);
        return 1;
    }
    const int built = build(argv[2], argv[1]);
    if (built == SKIPPED)
        return SKIPPED;
    if (built != 0) {
        fprintf(stderr, "%s failed with %d\n", argv[2], built);
        return 1;
    }
    return guest_run_main(2, argv, tests, sizeof tests / sizeof tests[0]);
}
