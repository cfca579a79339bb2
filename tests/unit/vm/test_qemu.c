// SPDX-License-Identifier: Apache-2.0 OR MIT
// Differential test: random guests run here and under qemu-riscv64 must leave the same registers
// and memory; the same runs, in small chunks, go through the replay oracle.
//
//   test_qemu [--count PROGRAMS] [--seed SEED]
#include "random_guest.h"
#include "run_guest.h"

#include <sys/stat.h>
#include <unistd.h>

static unsigned n_programs = 400;
static uint64_t first_seed = 1;

static vm_rows executed; // by all guests

enum { PROGRAMS_A_GUEST = 40, MAX_ITEMS = 120 };

static void write_file(int fd, const uint8_t *data, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t w = write(fd, data + at, n - at);
        assert_true(w > 0);
        at += (size_t)w;
    }
}

// What the guest writes under the emulator.
static void run_qemu(uint8_t out[GUEST_DATA_BYTES], const uint8_t *elf, size_t n, uint64_t seed)
{
    char path[] = "/tmp/zisk-test-qemu-XXXXXX";
    char line[128];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    write_file(fd, elf, n);
    close(fd);
    chmod(path, 0700);
    snprintf(line, sizeof line, "qemu-riscv64 %s", path);
    FILE *f = popen(line, "r");
    assert_non_null(f);
    size_t got = fread(out, 1, GUEST_DATA_BYTES, f);
    int code = pclose(f);
    unlink(path);
    if (got != GUEST_DATA_BYTES || code != 0)
        fail_msg("seed %llu: the emulator ended with %d after %zu bytes", (unsigned long long)seed,
                 code, got);
}

static void compare(const uint8_t *ours, const uint8_t *theirs, uint64_t seed)
{
    for (unsigned at = 0; at < GUEST_DATA_BYTES; at += 8) {
        if (memcmp(ours + at, theirs + at, 8) == 0)
            continue;
        uint64_t a;
        uint64_t b;
        memcpy(&a, ours + at, 8);
        memcpy(&b, theirs + at, 8);
        int in_dump = (int)at - RANDOM_WORK_BYTES;
        fail_msg("seed %llu: word 0x%llx (program %d, x%d) is %llx here, %llx under the emulator",
                 (unsigned long long)seed, (unsigned long long)GUEST_DATA + at,
                 in_dump < 0 ? -1 : in_dump / RANDOM_DUMP_BYTES,
                 in_dump < 0 ? -1 : in_dump % RANDOM_DUMP_BYTES / 8, (unsigned long long)a,
                 (unsigned long long)b);
    }
}

static void one_guest(uint64_t seed)
{
    test_rng rng = {seed};
    guest g;
    kept_run k;
    uint8_t ours[GUEST_DATA_BYTES];
    uint8_t theirs[GUEST_DATA_BYTES];
    size_t n;
    random_guest(&g, &rng, PROGRAMS_A_GUEST, MAX_ITEMS);
    uint8_t *elf = guest_elf(&n, &g);
    vm_options options = {.chunk_log = 4 + (unsigned)(seed % 9)};
    if (run_elf(&k, elf, n, options) != ZK_OK)
        fail_msg("seed %llu: %s", (unsigned long long)seed, status_message());
    for (unsigned op = 0; op < VM_OP_COUNT; op++)
        executed.by_op[op] += vm_machine_rows(k.machine)->by_op[op];
    for (unsigned c = 0; c < VM_CLASS_COUNT; c++)
        executed.by_class[c] += vm_machine_rows(k.machine)->by_class[c];
    final_data(ours, &k, &g);
    run_qemu(theirs, elf, n, seed);
    compare(ours, theirs, seed);
    check_replay(&k);
    kept_run_clear(&k);
    free(elf);
    guest_clear(&g);
}

static void agrees_with_qemu(void **state)
{
    (void)state;
    if (system("qemu-riscv64 --version >/dev/null 2>&1") != 0) {
        print_message("qemu-riscv64 is not installed (package qemu-user): nothing was compared\n");
        skip();
    }
    for (unsigned k = 0; k * PROGRAMS_A_GUEST < n_programs; k++)
        one_guest(first_seed + k);
    if (n_programs < 400)
        return;
    for (unsigned op = OP_lui; op < VM_OP_COUNT; op++) // CSRs and calls are this machine's own
        if (strchr("CZKFQGX", vm_op_info[op].format) == NULL && op != OP_mark &&
            executed.by_op[op] == 0)
            fail_msg("no program executed %s", vm_op_info[op].mnemonic);
    assert_true(executed.by_class[VM_CLASS_LOAD_CROSS] > 100);
    assert_true(executed.by_class[VM_CLASS_STORE_CROSS] > 100);
}

int main(int argc, char **argv)
{
    for (int a = 1; a + 1 < argc; a += 2) {
        if (strcmp(argv[a], "--count") == 0)
            n_programs = (unsigned)strtoul(argv[a + 1], NULL, 0);
        else if (strcmp(argv[a], "--seed") == 0)
            first_seed = strtoull(argv[a + 1], NULL, 0);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_qemu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
