// SPDX-License-Identifier: Apache-2.0 OR MIT
// What makes keys and headers, and says in words what is wrong with them. The verifying path does
// not come here: it has no messages, hence no libc.
#include "verifier/proof_key.h"

// The preprocessed columns have heights of their class and fit into its stack.
static status check_preprocessed(const proof_key *key)
{
    const machine *m = key->machine;
    const whir_params *params = whir_params_any(key->preprocessed_class);
    FAIL_IF(params == NULL, ZK_EINVAL, "unknown parameter class %u of the preprocessed columns",
            key->preprocessed_class);
    unsigned most = instance_max_log_height(params);
    uint64_t cells = 0;
    for (uint32_t s = 0; s < m->n_slots; s++) {
        const chip *c = m->slots[s].c;
        unsigned h = key->preprocessed_heights[s];
        if (c->n_preprocessed == 0)
            continue;
        FAIL_IF(h < INSTANCE_MIN_LOG_HEIGHT || h > most, ZK_EINVAL,
                "chip %s: preprocessed columns of height 2^%u; class %s takes 2^%d to 2^%u",
                c->name, h, params->name, INSTANCE_MIN_LOG_HEIGHT, most);
        cells += (uint64_t)c->n_preprocessed << h;
    }
    FAIL_IF(cells > 1ULL << params->log_stack, ZK_EINVAL,
            "the preprocessed columns take %llu cells and class %s has 2^%u",
            (unsigned long long)cells, params->name, params->log_stack);
    return ZK_OK;
}

status proof_key_seal(proof_key *key)
{
    const machine *m = key->machine;
    FAIL_IF(m->point_scratch > PROOF_KEY_POINT_SCRATCH, ZK_ELIMIT,
            "the constraints of a chip need %zu registers at a point; %d is the limit",
            m->point_scratch, PROOF_KEY_POINT_SCRATCH);
    TRY(machine_digest(&key->machine_digest, m, key->hash));
    bool any = false;
    for (uint32_t s = 0; s < m->n_slots; s++) {
        bool has = m->slots[s].c->n_preprocessed > 0;
        any = any || has;
        FAIL_IF(has != (key->preprocessed_heights[s] != 0), ZK_EINVAL,
                "chip %s: %s preprocessed columns, but height 2^%u in the key", m->slots[s].c->name,
                has ? "it has" : "it has no", key->preprocessed_heights[s]);
    }
    FAIL_IF(any != (key->preprocessed_class != 0), ZK_EINVAL,
            "the class of the preprocessed commitment is %u", key->preprocessed_class);
    if (any)
        TRY(check_preprocessed(key));

    transcript t;
    transcript_init(&t, key->hash, DOMAIN_KEY);
    transcript_absorb_u64(&t, LABEL_PROTOCOL, PROTOCOL_VERSION);
    transcript_absorb_u64(&t, LABEL_PROTOCOL, key->hash->id);
    transcript_absorb_digest(&t, LABEL_KEY, key->machine_digest);
    transcript_absorb_digest(&t, LABEL_KEY, key->program);
    transcript_absorb_u64(&t, LABEL_COUNT, key->preprocessed_class);
    transcript_absorb_bytes(&t, LABEL_HEADER, key->preprocessed_heights, m->n_slots);
    transcript_absorb_digest(&t, LABEL_ROOT, key->preprocessed_root);
    key->digest = transcript_squeeze_digest(&t);
    return ZK_OK;
}

status instance_header_check(const instance_header *header, const proof_key *key, bool allow_test)
{
    const machine *m = key->machine;
    const whir_params *params =
        allow_test ? whir_params_any(header->class_id) : whir_params_shipped(header->class_id);
    FAIL_IF(params == NULL, ZK_EPROOF, "unknown parameter class %u", header->class_id);
    FAIL_IF(header->preprocessed && key->preprocessed_class == 0, ZK_EPROOF,
            "preprocessed chips in an instance of a machine without any");
    machine_layout layout;
    TRY(machine_layout_compute(&layout, m, header->log_heights, instance_max_log_height(params),
                               params->log_stack));
    FAIL_IF(layout.n_leaves == 0, ZK_EPROOF, "an instance without any chip");
    FAIL_IF(!proof_key_allows_class(key, params), ZK_EPROOF,
            "an instance of this machine cannot be of class %s", params->name);
    for (uint32_t s = 0; s < m->n_slots; s++) {
        uint8_t fixed = key->preprocessed_heights[s];
        uint8_t expected = header->preprocessed ? fixed : 0;
        FAIL_IF(fixed != 0 && header->log_heights[s] != expected, ZK_EPROOF,
                "preprocessed chip %s has height 2^%u instead of 2^%u", m->slots[s].c->name,
                header->log_heights[s], expected);
    }
    for (uint32_t s = m->n_slots; s < MACHINE_MAX_SLOTS; s++)
        FAIL_IF(header->log_heights[s] != 0, ZK_EPROOF, "a height for a chip that is not there");
    return ZK_OK;
}
