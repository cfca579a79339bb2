// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/job_verify.h"

static void refuse(job_verifier *v, const char *reason)
{
    if (v->reason == NULL)
        v->reason = reason;
}

static const whir_params *class_params(const job_statement *s, uint32_t class_id)
{
    return s->allow_test_classes ? whir_params_any(class_id) : whir_params_shipped(class_id);
}

void job_verifier_open(job_verifier *v, const job_statement *statement,
                       const contribution *contributions, size_t n, instance_scratch *scratch)
{
    *v = (job_verifier){.statement = statement,
                        .contributions = contributions,
                        .n_instances = n,
                        .total = fe3_zero(),
                        .scratch = scratch};
    const proof_key *key = statement->key;
    if (key->preprocessed_class != 0 && class_params(statement, key->preprocessed_class) == NULL)
        refuse(v, "the key's own parameter class is unknown");
    if (n == 0 || n > JOB_MAX_INSTANCES)
        refuse(v, "the number of instances is out of range");
    if (statement->n_publics > JOB_MAX_PUBLICS)
        refuse(v, "too many public values");
    for (size_t i = 0; i < statement->n_publics && v->reason == NULL; i++)
        if (!fe_is_canonical(statement->publics[i]))
            refuse(v, "a public value is not below p");
    // Everything that the challenge absorbs has to be a field element.
    for (size_t i = 0; i < n && v->reason == NULL; i++) {
        const contribution *c = &contributions[i];
        if (c->index != i)
            refuse(v, "the contributions are not in the order of the plan");
        const whir_params *params = class_params(statement, c->header.class_id);
        if (params == NULL)
            refuse(v, "unknown parameter class");
        else if (!proof_key_allows_class(key, params))
            refuse(v, "a parameter class that no instance of the machine may have");
        if (c->header.preprocessed && key->preprocessed_class == 0)
            refuse(v, "preprocessed chips in a machine without any");
        if (!fe3_is_canonical(c->answer))
            refuse(v, "an out-of-domain answer is not below p");
        for (unsigned k = 0; k < HASH_DIGEST; k++)
            if (!fe_is_canonical(c->root.e[k]))
                refuse(v, "a root is not below p");
        for (uint32_t s = key->machine->n_slots; s < MACHINE_MAX_SLOTS; s++)
            if (c->header.log_heights[s] != 0)
                refuse(v, "a height for a chip that is not there");
    }
    if (v->reason != NULL)
        return;
    v->challenge = job_challenge(key, statement->publics, statement->n_publics, contributions, n);
    v->bus = bus_challenge_from(key, v->challenge);
    fe3 beta_powers[TUPLE_MAX_FIELDS + 1];
    beta_powers[0] = fe3_one();
    for (unsigned t = 1; t <= TUPLE_MAX_FIELDS; t++)
        beta_powers[t] = fe3_mul(beta_powers[t - 1], v->bus.beta);
    for (size_t i = 0; i < statement->n_boundary; i++) {
        fe3 d = tuple_denominator(&statement->boundary[i], v->bus.gamma, beta_powers);
        if (fe3_is_zero(d))
            refuse(v, "a boundary tuple has denominator zero");
        fe3 fraction = fe3_mul_fe(fe3_inv(d), statement->boundary[i].multiplicity);
        v->total = fe3_add(v->total, fraction);
    }
}

bool job_verifier_add(job_verifier *v, const uint64_t *words, size_t n_words)
{
    if (v->n_added == v->n_instances)
        refuse(v, "more proofs than instances");
    if (v->reason != NULL)
        return false;
    const proof_key *key = v->statement->key;
    const contribution *c = &v->contributions[v->n_added++];
    const whir_params *params = class_params(v->statement, c->header.class_id);

    proof_reader reader = proof_reader_open(words, n_words);
    contribution_elements elements;
    contribution_to_elements(&elements, c);
    instance_sum sum;
    instance_verify(&sum, key, params, c->header.preprocessed, v->challenge, v->bus, &elements,
                    &reader, v->scratch);
    if (!reader.ok)
        refuse(v, reader.reason);
    else if (!proof_reader_finished(&reader))
        refuse(v, "the proof of an instance is too long");
    if (v->reason != NULL)
        return false;

    // The heights are in range now: instance_verify has looked at them.
    for (uint32_t s = 0; s < key->machine->n_slots; s++)
        if (c->header.log_heights[s] != 0)
            v->n_tuples += (uint64_t)key->machine->slots[s].c->n_interactions
                           << c->header.log_heights[s];
    if (v->n_tuples >> JOB_MAX_LOG_TUPLES != 0)
        refuse(v, "too many tuples in one job");
    v->total = fe3_add(v->total, fe3_mul(sum.p, fe3_inv(sum.q)));
    return v->reason == NULL;
}

bool job_verifier_finish(job_verifier *v)
{
    if (v->n_added != v->n_instances)
        refuse(v, "an instance has no proof");
    if (v->reason == NULL && !fe3_is_zero(v->total))
        refuse(v, "the bus is not balanced");
    return v->reason == NULL;
}
