// SPDX-License-Identifier: Apache-2.0 OR MIT
// Whatever runs can be proved: random guests over all of RV64IMAC, compressed or not, satisfy every
// constraint and balance the bus. (That they compute the right thing is tested against an emulator
// in tests/unit/vm; here the same guests meet the chips.)
//
//   test_random_guests ENVIRONMENT_ELF [--count GUESTS] [--seed SEED] [--prove]
//
// A guest that fails is written to /tmp/zisk-random-SEED.elf, for `zisk check` and `zisk disasm`.
#include "unit/must.h"
#include "unit/vm/random_guest.h"

#include "base/file.h"
#include "prover/check_job.h"
#include "prover/prover.h"

static const char *environment_elf;
static unsigned n_guests = 8;
static uint64_t first_seed = 1;
static bool also_prove;
static uint64_t rows[EXECUTION_CHIP_COUNT]; // over all runs

static void check_job(zisk_job *job, pool *threads, const char *name)
{
    byte_buffer report = buffer_new();
    bool ok;
    must(zisk_check(&ok, &report, zisk_job_run(job), zisk_job_plan(job), threads, NULL));
    if (!ok)
        fail_msg("%s: %.*s", name, (int)report.size, (const char *)report.data);
    buffer_clear(&report);
}

static void prove_job(const zisk_program *program, zisk_job *job)
{
    const uint32_t *publics = zisk_job_run(job)->publics;
    uint32_t n = zisk_job_plan(job)->n;
    contribution *all = calloc(n, sizeof *all);
    proof_writer *proofs = calloc(n, sizeof *proofs);
    assert_non_null(all);
    assert_non_null(proofs);
    for (uint32_t i = 0; i < n; i++)
        must(zisk_job_contribute(&all[i], job, i));
    for (uint32_t i = 0; i < n; i++) {
        proof_writer_init(&proofs[i]);
        must(zisk_job_prove(&proofs[i], job, all, i));
    }
    uint64_t *words;
    size_t n_words;
    must(zisk_bundle(&words, &n_words, program, publics, all, proofs, n));
    must(zisk_verify(NULL, words, n_words, zisk_program_key(program), publics));
    for (uint32_t i = 0; i < n; i++)
        proof_writer_clear(&proofs[i]);
    free(words);
    free(proofs);
    free(all);
}

static void one_elf(const void *elf, size_t n, unsigned chunk_log, const char *name)
{
    zisk_program program;
    zisk_job *job;
    pool *threads;
    vm_input input = {0};
    must(pool_open(&threads, 2));
    must(zisk_program_open(&program, elf, n, VM_ABI_AUTO, threads, NULL));
    zisk_job_options options = {.threads = threads, .vm.chunk_log = chunk_log, .keep = 1};
    must(zisk_job_open(&job, &program, &input, &options));
    check_job(job, threads, name);
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        rows[k] += zisk_job_run(job)->row_count[k];
    if (also_prove)
        prove_job(&program, job);
    zisk_job_close(job);
    zisk_program_close(&program);
    pool_close(threads);
}

static void random_guests_can_be_proved(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + n_guests; seed++) {
        test_rng rng = {seed};
        guest g;
        size_t n;
        char path[64];
        random_guest(&g, &rng, RANDOM_PROGRAMS, 120);
        uint8_t *elf = guest_elf(&n, &g);
        snprintf(path, sizeof path, "/tmp/zisk-random-%llu.elf", (unsigned long long)seed);
        must(file_write_atomic(path, elf, n));
        // Chunks of 16 steps and more: each boundary between chunks is a seam of the replay.
        one_elf(elf, n, 4 + (unsigned)(seed % 10), path);
        remove(path);
        free(elf);
        guest_clear(&g);
    }
}

static void rare_instructions_can_be_proved(void **state)
{
    (void)state;
    byte_buffer elf = buffer_new();
    must(file_read(&elf, environment_elf, 1 << 24));
    one_elf(elf.data, elf.size, 0, environment_elf);
    buffer_clear(&elf);
}

// Runs after the others: no chip went untested.
static void every_chip_had_rows(void **state)
{
    (void)state;
    if (n_guests < 8)
        skip();
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (rows[k] == 0)
            fail_msg("no guest had a row of %s", execution_specs[k]->name);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    environment_elf = argv[1];
    for (int a = 2; a < argc; a++) {
        if (strcmp(argv[a], "--prove") == 0)
            also_prove = true;
        else if (strcmp(argv[a], "--count") == 0 && a + 1 < argc)
            n_guests = (unsigned)strtoul(argv[++a], NULL, 0);
        else if (strcmp(argv[a], "--seed") == 0 && a + 1 < argc)
            first_seed = strtoull(argv[++a], NULL, 0);
        else
            return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_guests_can_be_proved),
        cmocka_unit_test(rare_instructions_can_be_proved),
        cmocka_unit_test(every_chip_had_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
