// SPDX-License-Identifier: Apache-2.0 OR MIT
// The part of proof_key.h that verifying needs: transcripts, challenges, sizes. No heap, no libc.
#include "verifier/proof_key.h"

#include "sumcheck/gkr.h"

bool proof_key_allows_class(const proof_key *key, const whir_params *params)
{
    if (params->is_fixed)
        return false;
    size_t most = (size_t)1 << (params->log_stack - INSTANCE_MIN_LOG_HEIGHT);
    for (uint32_t s = 0; s < key->machine->n_slots; s++) {
        const chip *c = key->machine->slots[s].c;
        if (c->n_committed > most || c->n_interactions > most)
            return false;
    }
    return true;
}

void contribution_to_elements(contribution_elements *out, const contribution *c)
{
    out->head[0] = fe_const(c->index);
    out->head[1] = fe_const(c->header.class_id);
    out->head[2] = fe_const(c->header.preprocessed);
    for (uint32_t s = 0; s < MACHINE_MAX_SLOTS; s++)
        out->head[3 + s] = fe_const(c->header.log_heights[s]);
    out->root = c->root;
    out->answer = c->answer;
}

static void absorb_head(transcript *t, const proof_key *key, const contribution_elements *c)
{
    transcript_absorb_fe(t, LABEL_HEADER, c->head, 3 + key->machine->n_slots);
    transcript_absorb_digest(t, LABEL_ROOT, c->root);
}

static void absorb_contribution(transcript *t, const proof_key *key, const contribution_elements *c)
{
    absorb_head(t, key, c);
    transcript_absorb_fe3(t, LABEL_OOD_ANSWER, &c->answer, 1);
}

fe3 contribution_point(const proof_key *key, const contribution_elements *c)
{
    transcript t;
    transcript_init(&t, key->hash, DOMAIN_COMMIT);
    transcript_absorb_digest(&t, LABEL_KEY, key->digest);
    absorb_head(&t, key, c);
    return transcript_squeeze_fe3(&t);
}

digest job_challenge(const proof_key *key, const fe *publics, size_t n_publics,
                     const contribution *contributions, size_t n)
{
    transcript t;
    transcript_init(&t, key->hash, DOMAIN_JOB);
    transcript_absorb_u64(&t, LABEL_PROTOCOL, PROTOCOL_VERSION);
    transcript_absorb_digest(&t, LABEL_KEY, key->digest);
    transcript_absorb_fe(&t, LABEL_PUBLICS, publics, n_publics);
    transcript_absorb_u64(&t, LABEL_COUNT, n);
    for (size_t i = 0; i < n; i++) {
        contribution_elements c;
        contribution_to_elements(&c, &contributions[i]);
        absorb_contribution(&t, key, &c);
    }
    return transcript_squeeze_digest(&t);
}

bus_challenge bus_challenge_from(const proof_key *key, digest challenge)
{
    transcript t;
    transcript_init(&t, key->hash, DOMAIN_BUS);
    transcript_absorb_digest(&t, LABEL_CHALLENGE, challenge);
    bus_challenge bus;
    bus.gamma = transcript_squeeze_fe3(&t);
    bus.beta = transcript_squeeze_fe3(&t);
    return bus;
}

void instance_transcript(transcript *t, const proof_key *key, digest challenge,
                         const contribution_elements *c)
{
    transcript_init(t, key->hash, DOMAIN_INSTANCE);
    transcript_absorb_digest(t, LABEL_CHALLENGE, challenge);
    absorb_contribution(t, key, c);
}

size_t instance_proof_words(const proof_key *key, const whir_params *params, bool preprocessed)
{
    const machine *m = key->machine;
    size_t claims = 0;
    for (uint32_t s = 0; s < m->n_slots; s++)
        claims += m->slots[s].c->n_committed + m->slots[s].c->n_preprocessed;
    size_t words = gkr_proof_words(params->log_stack) +
                   3 * (size_t)m->max_degree * instance_max_log_height(params) + 3 * claims +
                   whir_proof_words(params);
    if (preprocessed)
        words += whir_proof_words(whir_params_any(key->preprocessed_class));
    return words;
}
