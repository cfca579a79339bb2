// SPDX-License-Identifier: Apache-2.0 OR MIT
// Linked to the directed tests of the machine: every guest that they run to its end also has to
// satisfy every constraint of the chips and to balance the bus, and every n-th is proved and
// verified (ZISK_PROVE_EVERY=n; 0 or unset: none). A guest that calls a precompile without a chip
// has to be refused instead.
#include "unit/must.h"
#include "unit/vm/run_guest.h"

#include "prover/check_job.h"
#include "prover/prover.h"

#include <unistd.h>

static pool *threads;
static unsigned prove_every, n_checked, n_proved, n_refused;

static void prove(const zisk_program *program, zisk_job *job)
{
    enum { MOST = 16 };
    const uint32_t *publics = zisk_job_run(job)->publics;
    const size_t n = zisk_job_plan(job)->n;
    contribution all[MOST];
    proof_writer proofs[MOST];
    uint64_t *words;
    size_t n_words;
    assert_in_range(n, 1, MOST);
    for (size_t i = 0; i < n; i++)
        must(zisk_job_contribute(&all[i], job, i));
    for (size_t i = 0; i < n; i++) {
        proof_writer_init(&proofs[i]);
        must(zisk_job_prove(&proofs[i], job, all, i));
    }
    must(zisk_bundle(&words, &n_words, program, publics, all, proofs, n));
    must(zisk_verify(NULL, words, n_words, zisk_program_key(program), publics));
    for (size_t i = 0; i < n; i++)
        proof_writer_clear(&proofs[i]);
    free(words);
    n_proved++;
}

static bool calls_what_has_no_chip(const kept_run *k)
{
    for (unsigned c = 0; c < vm_precompile_count; c++)
        if (vm_machine_rows(k->machine)->calls[c] != 0)
            return true;
    return false;
}

static void also_checked(const void *elf, size_t n, const vm_options *options, const kept_run *k)
{
    zisk_program program;
    zisk_job *job;
    const zisk_job_options job_options = {
        .threads = threads, .vm.chunk_log = options->chunk_log, .keep = 1};
    must(zisk_program_open(&program, elf, n, VM_ABI_AUTO, threads, NULL));
    assert_int_equal(program.vm.map.abi, GUEST_ABI);
    if (calls_what_has_no_chip(k)) {
        assert_int_equal(zisk_job_open(&job, &program, &k->input, &job_options), ZK_EGUEST);
        n_refused++;
    } else {
        byte_buffer report = buffer_new();
        bool ok;
        must(zisk_job_open(&job, &program, &k->input, &job_options));
        must(zisk_check(&ok, &report, zisk_job_run(job), zisk_job_plan(job), threads, NULL));
        if (!ok)
            fail_msg("%.*s", (int)report.size, (const char *)report.data);
        assert_int_equal(zisk_job_run(job)->steps, vm_machine_steps(k->machine));
        buffer_clear(&report);
        if (prove_every != 0 && n_checked % prove_every == 0)
            prove(&program, job);
        n_checked++;
        zisk_job_close(job);
    }
    zisk_program_close(&program);
}

__attribute__((constructor)) static void start(void)
{
    const char *every = getenv("ZISK_PROVE_EVERY");
    prove_every = every != NULL ? (unsigned)strtoul(every, NULL, 10) : 0;
    if (pool_open(&threads, 2) != ZK_OK)
        abort();
    run_guest_also = also_checked;
}

// A test whose guests never came here must not pass.
__attribute__((destructor)) static void end(void)
{
    fprintf(stderr, "%u guests checked, %u of them proved; %u refused for a precompile\n",
            n_checked, n_proved, n_refused);
    if (n_checked == 0 || (prove_every != 0 && n_proved == 0))
        _exit(1);
    pool_close(threads);
}
