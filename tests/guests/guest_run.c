// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "guest_run.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *build_dir;
static char work_dir[] = "/tmp/zisk-examples-XXXXXX";

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
    assert_true(size == 0 || fwrite(input, 1, size, f) == size);
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

outcome run_native(const char *name, const uint8_t *input, size_t size)
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

outcome run_qemu(const char *name, const uint8_t *input, size_t size)
{
    char elf[256];
    snprintf(elf, sizeof elf, "%s/guests/%s.elf", build_dir, name);
    return run((const char *[]){"qemu-riscv64", elf, NULL}, input, size);
}

outcome run_zisk(const char *name, const uint8_t *input, size_t size)
{
    static char text[1 << 16]; // what the guest printed, then one line of JSON
    char zisk[256], elf[256], in_path[256], out_path[256];
    snprintf(zisk, sizeof zisk, "%s/bin/zisk", build_dir);
    snprintf(elf, sizeof elf, "%s/guests/%s.elf", build_dir, name);
    path_in(in_path, "in");
    path_in(out_path, "out");
    outcome o = run((const char *[]){zisk, "run", elf, "--json", "--raw-input", in_path, NULL},
                    input, size);
    assert_in_range(o.exit_code, 0, 1);
    FILE *f = fopen(out_path, "rb");
    assert_non_null(f);
    const size_t length = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[length] = '\0';
    const char *code = strstr(text, "{\"exit_code\":"), *publics = strstr(text, "\"publics\":[");
    if (code == NULL || publics == NULL)
        fail_msg("zisk run %s printed no result", elf);
    o.exit_code = atoi(code + strlen("{\"exit_code\":"));
    const char *at = publics + strlen("\"publics\":[");
    o.size = sizeof o.output;
    for (unsigned i = 0; i < 64; i++) {
        char *end;
        const uint32_t word = (uint32_t)strtoul(at, &end, 10);
        assert_true(end > at && *end == (i < 63 ? ',' : ']'));
        memcpy(o.output + 4 * i, &word, 4);
        at = end + 1;
    }
    o.printed = text;
    return o;
}

bool check_zisk(const char *name, const uint8_t *input, size_t size)
{
    char zisk[256], elf[256], in_path[256];
    snprintf(zisk, sizeof zisk, "%s/bin/zisk", build_dir);
    snprintf(elf, sizeof elf, "%s/guests/%s.elf", build_dir, name);
    path_in(in_path, "in");
    const char *const argv[] = {zisk, "check", elf, "--raw-input", in_path, NULL};
    return run(argv, input, size).exit_code == 0;
}

static void assert_same(const outcome *o, const outcome *native)
{
    assert_int_equal(o->exit_code, native->exit_code);
    assert_int_equal(o->size, 256);
    if (native->exit_code == 0) {
        assert_int_equal(native->size, 256);
        assert_memory_equal(o->output, native->output, 256);
    }
}

outcome run_all(const char *name, const uint8_t *input, size_t size)
{
    const outcome native = run_native(name, input, size);
    for (int map = 'b'; map <= 'c'; map++) {
        char elf[64];
        if (map == 'c' || native.exit_code == 0) { // refusals are many, and qemu starts slowly
            snprintf(elf, sizeof elf, "%s-qemu-%c", name, map);
            const outcome q = run_qemu(elf, input, size);
            assert_same(&q, &native);
        }
        snprintf(elf, sizeof elf, "%s%s", name, map == 'b' ? "-b" : "");
        const outcome z = run_zisk(elf, input, size);
        assert_same(&z, &native);
    }
    return native;
}

void fill(uint8_t *out, size_t size, test_rng *rng)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)test_rng_u64(rng);
}

int guest_run_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n)
{
    if (argc != 2 || mkdtemp(work_dir) == NULL) {
        fprintf(stderr, "usage: %s BUILD_DIR\n", argv[0]);
        return 1;
    }
    build_dir = argv[1];
    const int failed = _cmocka_run_group_tests("guests", tests, n, NULL, NULL);
    char path[256];
    const char *const files[] = {"in", "out", "publics"};
    for (size_t i = 0; i < 3; i++) {
        path_in(path, files[i]);
        unlink(path);
    }
    rmdir(work_dir);
    return failed;
}
