// SPDX-License-Identifier: Apache-2.0 OR MIT
// The example guests, each run as a native program and as RISC-V code under qemu-riscv64 (both
// memory maps, both compilers): all must publish the same 256 bytes, and those must be right.
#include "unit/test.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *build_dir;
static char work_dir[] = "/tmp/zisk-examples-XXXXXX";

typedef struct outcome {
    int exit_code; // -1 for a signal
    size_t size;
    uint8_t output[256];
} outcome;

static void path_in(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", work_dir, name);
}

// Runs argv with `input` as standard input; standard output is collected.
static outcome run(const char *const argv[], const uint8_t *input, size_t size)
{
    outcome o = {.exit_code = -1};
    char in_path[256], out_path[256];
    path_in(in_path, "in");
    path_in(out_path, "out");
    FILE *f = fopen(in_path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(input, 1, size, f), size);
    assert_int_equal(fclose(f), 0);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, in_path, O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t pid;
    const int rc =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        fail_msg("cannot start %s: %s", argv[0], strerror(rc));
    int wait_status;
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    if (WIFEXITED(wait_status))
        o.exit_code = WEXITSTATUS(wait_status);
    f = fopen(out_path, "rb");
    assert_non_null(f);
    o.size = fread(o.output, 1, sizeof o.output, f);
    fclose(f);
    return o;
}

static outcome run_native(const char *name, const uint8_t *input, size_t size)
{
    char program[256], output[256];
    snprintf(program, sizeof program, "%s/bin/native_%s", build_dir, name);
    path_in(output, "publics");
    unlink(output);
    setenv("ZISK_OUTPUT", output, 1);
    outcome o = run((const char *[]){program, NULL}, input, size);
    FILE *f = fopen(output, "rb");
    o.size = f != NULL ? fread(o.output, 1, sizeof o.output, f) : 0;
    if (f != NULL)
        fclose(f);
    return o;
}

static outcome run_qemu(const char *name, const uint8_t *input, size_t size)
{
    char elf[256];
    snprintf(elf, sizeof elf, "%s/guests/%s.elf", build_dir, name);
    return run((const char *[]){"qemu-riscv64", elf, NULL}, input, size);
}

// All builds of an example on one input: same exit code and, on success, same output.
static outcome run_all(const char *name, const uint8_t *input, size_t size)
{
    const outcome native = run_native(name, input, size);
    for (int map = 'b'; map <= 'c'; map++) {
        char elf[64];
        snprintf(elf, sizeof elf, "%s-qemu-%c", name, map);
        const outcome q = run_qemu(elf, input, size);
        assert_int_equal(q.exit_code, native.exit_code);
        assert_int_equal(q.size, 256);
        if (native.exit_code == 0) {
            assert_int_equal(native.size, 256);
            assert_memory_equal(q.output, native.output, 256);
        }
    }
    return native;
}

static void fill(uint8_t *out, size_t size, test_rng *rng)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)test_rng_u64(rng);
}

static void assert_zero_from(const outcome *o, size_t from)
{
    for (size_t i = from; i < sizeof o->output; i++)
        assert_int_equal(o->output[i], 0);
}

static void test_fibonacci(void **state)
{
    (void)state;
    const uint32_t n = 93; // F(93) = 12200160415121876738, the largest below 2^64
    const uint64_t expected = 12200160415121876738ULL;
    outcome o = run_all("fibonacci", (const uint8_t *)&n, sizeof n);
    assert_int_equal(o.exit_code, 0);
    assert_memory_equal(o.output, &n, 4);
    assert_memory_equal(o.output + 4, &expected, 8);
    assert_zero_from(&o, 12);

    o = run_all("fibonacci", NULL, 0);
    assert_int_equal(o.exit_code, 0);
    assert_int_equal(o.output[0], 20);
    assert_int_equal(o.output[4] | o.output[5] << 8, 6765);

    o = run_all("fibonacci", (const uint8_t *)"abc", 3);
    assert_int_equal(o.exit_code, 1);
}

static void test_sha256(void **state)
{
    (void)state;
    static uint8_t input[70000];
    test_rng rng = test_rng_new(1);
    fill(input, sizeof input, &rng);
    const size_t sizes[] = {0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, sizeof input};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t digest[32];
        SHA256(input, sizes[i], digest);
        const outcome o = run_all("sha256", input, sizes[i]);
        assert_int_equal(o.exit_code, 0);
        assert_memory_equal(o.output, digest, 32);
        assert_zero_from(&o, 32);
    }
    uint8_t digest[32];
    SHA256(input, 777, digest);
    const char *const variants[] = {"sha256-qemu-clang", "sha256-qemu-imac"};
    for (size_t i = 0; i < 2; i++) {
        const outcome o = run_qemu(variants[i], input, 777);
        assert_int_equal(o.exit_code, 0);
        assert_memory_equal(o.output, digest, 32);
    }
}

static void test_library(void **state)
{
    (void)state;
    static const char expected[] = "9223372036854775808 -5 0xabc   hey|12  |z 00001234";
    const outcome native = run_native("library", NULL, 0), q = run_qemu("library-qemu", NULL, 0);
    assert_int_equal(native.exit_code, 0);
    assert_memory_equal(native.output, expected, sizeof expected);
    assert_int_equal(q.exit_code, 0);
    assert_memory_equal(q.output, expected, sizeof expected);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fibonacci),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_library),
    };
    if (argc != 2 || mkdtemp(work_dir) == NULL) {
        fprintf(stderr, "usage: test_examples BUILD_DIR\n");
        return 1;
    }
    build_dir = argv[1];
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[256];
    const char *const files[] = {"in", "out", "publics"};
    for (size_t i = 0; i < 3; i++) {
        path_in(path, files[i]);
        unlink(path);
    }
    rmdir(work_dir);
    return failed;
}
