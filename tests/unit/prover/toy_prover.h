// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Proves jobs of the toy machine and verifies them: contributions, challenge, proofs, root checks.
#include "unit/must.h"

#include "prover/instance.h"
#include "toys/toys.h"
#include "verifier/job_verify.h"

enum { TOY_MAX_INSTANCES = 8, TOY_PUBLICS = 3 };

typedef struct toy_proof {
    size_t n;
    contribution contributions[TOY_MAX_INSTANCES];
    proof_writer proofs[TOY_MAX_INSTANCES];
    fe publics[TOY_PUBLICS];
} toy_proof;

static inline status fill_squares(void *arg, uint32_t slot, fe *const *columns, unsigned log_height)
{
    const toy_machine *t = arg;
    assert_int_equal(slot, TOY_SQUARES);
    assert_int_equal(log_height, TOY_LOG_SQUARES);
    for (int j = 0; j < 2; j++)
        memcpy(columns[j], t->squares + ((size_t)j << TOY_LOG_SQUARES),
               sizeof(fe) << TOY_LOG_SQUARES);
    return ZK_OK;
}

static inline void toy_key(prover_key *key, const toy_machine *t)
{
    uint8_t heights[MACHINE_MAX_SLOTS] = {[TOY_SQUARES] = TOY_LOG_SQUARES};
    digest program = {{1, 2, 3, 4}};
    must(prover_key_new(key, &t->m, hash_get(HASH_POSEIDON), program, heights, fill_squares,
                        (void *)t, WHIR_CLASS_TEST_10, NULL, NULL));
}

// The instance of a toy job, committed cells copied.
static inline instance toy_instance_of(const toy_job *job, size_t i, const prover_key *key,
                                       uint32_t class_id)
{
    instance_header header = {.class_id = class_id};
    memcpy(header.log_heights, job->instances[i].log_heights, TOY_SLOT_COUNT);
    header.preprocessed = header.log_heights[TOY_SQUARES] != 0;
    instance in;
    must(instance_new(&in, key, &header));
    toy_stack(in.stack, &job->instances[i], &job->t->m, &in.layout);
    return in;
}

// What a dishonest prover changes between the honest steps; NULL members do nothing.
typedef struct toy_attack {
    void (*cells)(instance *in, size_t index);
    void (*contributions)(contribution *c, size_t n);
} toy_attack;

static inline toy_proof toy_prove(const toy_job *job, const prover_key *key, uint32_t class_id,
                                  pool *threads, const toy_attack *attack)
{
    toy_proof p = {.n = job->n_instances, .publics = {7, 8, FE_P - 1}};
    assert_true(p.n <= TOY_MAX_INSTANCES);
    instance instances[TOY_MAX_INSTANCES];
    whir_commitment commitments[TOY_MAX_INSTANCES] = {0};
    for (size_t i = 0; i < p.n; i++) {
        instances[i] = toy_instance_of(job, i, key, class_id);
        if (attack != NULL && attack->cells != NULL)
            attack->cells(&instances[i], i);
        must(instance_commit(&p.contributions[i], &commitments[i], &instances[i], (uint32_t)i,
                             threads, NULL));
        // What a worker with little memory keeps: the tree above the leaves.
        if (i % 2 == 1) {
            whir_drop_code(&commitments[i]);
            merkle_drop_leaves(&commitments[i].tree);
        }
    }
    if (attack != NULL && attack->contributions != NULL)
        attack->contributions(p.contributions, p.n);
    digest challenge = job_challenge(&key->key, p.publics, TOY_PUBLICS, p.contributions, p.n);
    for (size_t i = 0; i < p.n; i++) {
        proof_writer_init(&p.proofs[i]);
        must(instance_prove(&p.proofs[i], &instances[i], &commitments[i], challenge,
                            &p.contributions[i], threads, NULL, NULL));
        whir_clear(&commitments[i]);
        instance_clear(&instances[i]);
    }
    return p;
}

static inline void toy_proof_clear(toy_proof *p)
{
    for (size_t i = 0; i < p->n; i++)
        proof_writer_clear(&p->proofs[i]);
}

// NULL when accepted, else the reason.
static inline const char *toy_verify(const toy_proof *p, const toy_job *job, const proof_key *key)
{
    static instance_scratch scratch;
    job_statement statement = {.key = key,
                               .publics = p->publics,
                               .n_publics = TOY_PUBLICS,
                               .boundary = job->boundary,
                               .n_boundary = job->n_boundary,
                               .allow_test_classes = true};
    job_verifier v;
    job_verifier_open(&v, &statement, p->contributions, p->n, &scratch);
    for (size_t i = 0; i < p->n; i++)
        (void)job_verifier_add(&v, p->proofs[i].words, p->proofs[i].n_words);
    bool accepted = job_verifier_finish(&v);
    assert_true(accepted == (v.reason == NULL));
    return v.reason;
}
