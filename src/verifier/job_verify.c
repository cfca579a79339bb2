// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/job_verify.h"

static const whir_params *class_params(const job_statement *s, uint32_t class_id)
{
    return s->allow_test_classes ? whir_params_any(class_id) : whir_params_shipped(class_id);
}

// Everything that the challenge absorbs has to be a field element.
static const char *check_contribution(const job_statement *statement, const contribution *c)
{
    const proof_key *key = statement->key;
    const whir_params *params = class_params(statement, c->header.class_id);
    if (params == NULL)
        return "unknown parameter class";
    if (!proof_key_allows_class(key, params))
        return "a parameter class that no instance of the machine may have";
    if (c->header.preprocessed && key->preprocessed_class == 0)
        return "preprocessed chips in a machine without any";
    if (!fe3_is_canonical(c->answer))
        return "an out-of-domain answer is not below p";
    for (unsigned k = 0; k < HASH_DIGEST; k++)
        if (!fe_is_canonical(c->root.e[k]))
            return "a root is not below p";
    for (uint32_t s = key->machine->n_slots; s < MACHINE_MAX_SLOTS; s++)
        if (c->header.log_heights[s] != 0)
            return "a height for a chip that is not there";
    return NULL;
}

const char *job_root_open(job_root *out, const job_statement *statement,
                          const contribution *contributions, size_t n)
{
    const proof_key *key = statement->key;
    if (key->preprocessed_class != 0 && class_params(statement, key->preprocessed_class) == NULL)
        return "the key's own parameter class is unknown";
    if (n == 0 || n > JOB_MAX_INSTANCES)
        return "the number of instances is out of range";
    if (statement->n_publics > JOB_MAX_PUBLICS)
        return "too many public values";
    for (size_t i = 0; i < statement->n_publics; i++)
        if (!fe_is_canonical(statement->publics[i]))
            return "a public value is not below p";
    for (size_t i = 0; i < n; i++) {
        if (contributions[i].index != i)
            return "the contributions are not in the order of the plan";
        const char *reason = check_contribution(statement, &contributions[i]);
        if (reason != NULL)
            return reason;
    }
    out->challenge = job_challenge(key, statement->publics, statement->n_publics, contributions, n);
    out->bus = bus_challenge_from(key, out->challenge);
    out->boundary = fe3_zero();
    fe3 beta_powers[TUPLE_MAX_FIELDS + 1];
    beta_powers[0] = fe3_one();
    for (unsigned t = 1; t <= TUPLE_MAX_FIELDS; t++)
        beta_powers[t] = fe3_mul(beta_powers[t - 1], out->bus.beta);
    for (size_t i = 0; i < statement->n_boundary; i++) {
        fe3 d = tuple_denominator(&statement->boundary[i], out->bus.gamma, beta_powers);
        if (fe3_is_zero(d))
            return "a boundary tuple has denominator zero";
        fe3 fraction = fe3_mul_fe(fe3_inv(d), statement->boundary[i].multiplicity);
        out->boundary = fe3_add(out->boundary, fraction);
    }
    return NULL;
}

const char *job_instance_check(instance_share *out, const job_statement *statement,
                               const job_root *root, const contribution *c, const uint64_t *words,
                               size_t n_words, instance_scratch *scratch)
{
    const proof_key *key = statement->key;
    const whir_params *params = class_params(statement, c->header.class_id);
    proof_reader reader = proof_reader_open(words, n_words);
    contribution_elements elements;
    contribution_to_elements(&elements, c);
    instance_sum sum;
    instance_verify(&sum, key, params, c->header.preprocessed, root->challenge, root->bus,
                    &elements, &reader, scratch);
    if (!reader.ok)
        return reader.reason;
    if (!proof_reader_finished(&reader))
        return "the proof of an instance is too long";
    out->sum = fe3_mul(sum.p, fe3_inv(sum.q));
    out->n_tuples = 0;
    // The heights are in range now: instance_verify has looked at them.
    for (uint32_t s = 0; s < key->machine->n_slots; s++)
        if (c->header.log_heights[s] != 0)
            out->n_tuples += (uint64_t)key->machine->slots[s].c->n_interactions
                             << c->header.log_heights[s];
    return NULL;
}

const char *job_share_add(instance_share *total, const instance_share *share)
{
    total->sum = fe3_add(total->sum, share->sum);
    total->n_tuples += share->n_tuples;
    return total->n_tuples >> JOB_MAX_LOG_TUPLES != 0 ? "too many tuples in one job" : NULL;
}

const char *job_total_check(const instance_share *total)
{
    return fe3_is_zero(total->sum) ? NULL : "the bus is not balanced";
}

static void refuse(job_verifier *v, const char *reason)
{
    if (v->reason == NULL)
        v->reason = reason;
}

void job_verifier_open(job_verifier *v, const job_statement *statement,
                       const contribution *contributions, size_t n, instance_scratch *scratch)
{
    *v = (job_verifier){.statement = statement,
                        .contributions = contributions,
                        .n_instances = n,
                        .scratch = scratch};
    v->reason = job_root_open(&v->root, statement, contributions, n);
    if (v->reason == NULL)
        v->total.sum = v->root.boundary;
}

bool job_verifier_add(job_verifier *v, const uint64_t *words, size_t n_words)
{
    if (v->n_added == v->n_instances)
        refuse(v, "more proofs than instances");
    if (v->reason != NULL)
        return false;
    instance_share share;
    v->reason = job_instance_check(&share, v->statement, &v->root, &v->contributions[v->n_added++],
                                   words, n_words, v->scratch);
    if (v->reason == NULL)
        v->reason = job_share_add(&v->total, &share);
    return v->reason == NULL;
}

bool job_verifier_finish(job_verifier *v)
{
    if (v->n_added != v->n_instances)
        refuse(v, "an instance has no proof");
    if (v->reason == NULL)
        v->reason = job_total_check(&v->total);
    return v->reason == NULL;
}
