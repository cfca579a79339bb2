// SPDX-License-Identifier: Apache-2.0 OR MIT
// A run cut into several instances, with small instances so that it stays affordable: the same file
// whatever waits in memory or on disk, and nothing but the whole file is a proof. argv: sha256.elf
#include "unit/prover/open_program.h"

#include "prover/prover.h"

enum { INPUT_BYTES = 6000, MAX_INSTANCES = 8 };

static zisk_program program;
static const char *elf_path;

static int set_up(void **state)
{
    (void)state;
    open_program(&program, elf_path, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zisk_program_close(&program);
    return 0;
}

typedef struct job_proof {
    size_t n;
    contribution all[MAX_INSTANCES];
    proof_writer proofs[MAX_INSTANCES];
    uint32_t publics[VM_PUBLICS];
} job_proof;

static zisk_job *open_job(uint8_t seed, size_t keep, const char *spill_dir, pool *threads)
{
    uint8_t bytes[INPUT_BYTES];
    for (int i = 0; i < INPUT_BYTES; i++)
        bytes[i] = (uint8_t)(i * 7 + seed);
    vm_input input;
    must(vm_input_load(&input, &program.vm.map, bytes, sizeof bytes, true));
    zisk_job_options options = {
        .max_class = WHIR_CLASS_23, .keep = keep, .spill_dir = spill_dir, .threads = threads};
    zisk_job *job;
    must(zisk_job_open(&job, &program, &input, &options));
    vm_input_clear(&input);
    return job;
}

static job_proof prove(uint8_t seed, size_t keep, const char *spill_dir)
{
    pool *threads;
    must(pool_open(&threads, 2));
    zisk_job *job = open_job(seed, keep, spill_dir, threads);
    job_proof p = {.n = zisk_job_plan(job)->n};
    print_message("%llu steps, %zu instances\n", (unsigned long long)zisk_job_run(job)->steps, p.n);
    assert_in_range(p.n, 3, MAX_INSTANCES);
    for (size_t i = p.n; i-- > 0;) // any order
        must(zisk_job_contribute(&p.all[i], job, i));
    for (size_t i = 0; i < p.n; i++) {
        proof_writer_init(&p.proofs[i]);
        must(zisk_job_prove(&p.proofs[i], job, p.all, i));
    }
    memcpy(p.publics, zisk_job_run(job)->publics, sizeof p.publics);
    zisk_job_close(job);
    pool_close(threads);
    return p;
}

static void clear(job_proof *p)
{
    for (size_t i = 0; i < p->n; i++)
        proof_writer_clear(&p->proofs[i]);
}

// NULL when accepted.
static const char *verdict(const job_proof *p)
{
    uint64_t *words;
    size_t n;
    must(zisk_bundle(&words, &n, &program, p->publics, p->all, p->proofs, p->n));
    status s = zisk_verify(NULL, words, n, zisk_program_key(&program), p->publics);
    free(words);
    assert_true(s == ZK_OK || s == ZK_EPROOF);
    return s == ZK_OK ? NULL : status_message();
}

static void same_proofs_from_memory_disk_and_another_worker(void **state)
{
    (void)state;
    job_proof kept = prove(1, MAX_INSTANCES, NULL);
    assert_null(verdict(&kept));
    job_proof spilled = prove(1, 0, "/tmp");
    assert_int_equal(kept.n, spilled.n);
    for (size_t i = 0; i < kept.n; i++) {
        assert_int_equal(kept.proofs[i].n_words, spilled.proofs[i].n_words);
        assert_memory_equal(kept.proofs[i].words, spilled.proofs[i].words,
                            8 * kept.proofs[i].n_words);
    }
    // A worker that has seen nothing but the contributions proves one instance of its own.
    zisk_job *other = open_job(1, 0, NULL, NULL);
    proof_writer w;
    proof_writer_init(&w);
    must(zisk_job_prove(&w, other, kept.all, 1));
    assert_int_equal(w.n_words, kept.proofs[1].n_words);
    assert_memory_equal(w.words, kept.proofs[1].words, 8 * w.n_words);
    // Other contributions, other challenge, other proof; and the first one again.
    contribution wrong[MAX_INSTANCES];
    memcpy(wrong, kept.all, sizeof wrong);
    wrong[0].root.e[0] = fe_add(wrong[0].root.e[0], 1);
    for (int i = 0; i < 2; i++) {
        w.n_words = 0;
        must(zisk_job_prove(&w, other, i == 0 ? wrong : kept.all, 1));
        assert_true((memcmp(w.words, kept.proofs[1].words, 8 * w.n_words) == 0) == (i == 1));
    }
    // And refuses to prove under a contribution that is not its own.
    memcpy(wrong, kept.all, sizeof wrong);
    wrong[1].root.e[0] = fe_add(wrong[1].root.e[0], 1);
    assert_int_equal(zisk_job_prove(&w, other, wrong, 1), ZK_EINVAL);
    proof_writer_clear(&w);
    zisk_job_close(other);
    clear(&spilled);
    clear(&kept);
}

static void nothing_but_the_whole_job_is_a_proof(void **state)
{
    (void)state;
    job_proof p = prove(1, MAX_INSTANCES, NULL), q = prove(2, MAX_INSTANCES, NULL);
    assert_null(verdict(&p));
    assert_int_equal(p.n, q.n);

    job_proof bad = p; // an instance is missing
    bad.n--;
    assert_non_null(verdict(&bad));
    bad = p; // one twice in place of another
    bad.all[2] = p.all[1];
    bad.all[2].index = 2;
    bad.proofs[2] = p.proofs[1];
    assert_non_null(verdict(&bad));
    bad = p; // one from a run on another input, contribution and proof
    bad.all[1] = q.all[1];
    bad.proofs[1] = q.proofs[1];
    assert_non_null(verdict(&bad));
    bad = p; // proofs in another order
    bad.proofs[1] = p.proofs[2];
    bad.proofs[2] = p.proofs[1];
    assert_non_null(verdict(&bad));
    bad = p; // all of another run, with these outputs
    memcpy(bad.all, q.all, sizeof bad.all);
    memcpy(bad.proofs, q.proofs, sizeof bad.proofs);
    assert_non_null(verdict(&bad));

    // Halves of two runs on different inputs, honestly proved under one challenge: every instance's
    // proof is valid, only the bus can tell.
    zisk_job *a = open_job(1, MAX_INSTANCES, NULL, NULL),
             *b = open_job(2, MAX_INSTANCES, NULL, NULL);
    contribution mixed[MAX_INSTANCES];
    for (size_t i = 0; i < p.n; i++)
        must(zisk_job_contribute(&mixed[i], i == 1 ? b : a, i));
    job_proof mixture = {.n = p.n};
    memcpy(mixture.all, mixed, sizeof mixed);
    memcpy(mixture.publics, p.publics, sizeof p.publics);
    // Both jobs hash the outputs of their own run into the challenge: give b those of a.
    memcpy((uint32_t *)zisk_job_run(b)->publics, p.publics, sizeof p.publics);
    for (size_t i = 0; i < p.n; i++) {
        proof_writer_init(&mixture.proofs[i]);
        must(zisk_job_prove(&mixture.proofs[i], i == 1 ? b : a, mixed, i));
    }
    const char *reason = verdict(&mixture);
    assert_non_null(reason);
    assert_string_equal(reason, "the bus is not balanced");
    zisk_job_close(a);
    zisk_job_close(b);
    clear(&mixture);
    clear(&p);
    clear(&q);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    elf_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_proofs_from_memory_disk_and_another_worker),
        cmocka_unit_test(nothing_but_the_whole_job_is_a_proof),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
