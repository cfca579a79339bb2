// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/bundle.h"

// Head: magic, version, kind, hash, abi, entry, slots, instances, preprocessed class, 3 reserved
// zeros, key digest (4), publics (64), preprocessed root (4), heights of the key one a word, then
// the contributions: class, preprocessed, root (4), answer (3), heights one a word.
enum {
    AT_MAGIC,
    AT_VERSION,
    AT_KIND,
    AT_HASH,
    AT_ABI,
    AT_ENTRY,
    AT_SLOTS,
    AT_INSTANCES,
    AT_CLASS,
    AT_RESERVED,
    AT_KEY = 12,
    AT_PUBLICS = 16,
    AT_ROOT = AT_PUBLICS + BUNDLE_PUBLICS,
    AT_HEIGHTS = AT_ROOT + HASH_DIGEST,
    CONTRIBUTION_FIXED = 2 + HASH_DIGEST + 3,
};
_Static_assert(AT_PUBLICS + BUNDLE_PUBLICS == BUNDLE_FIXED_WORDS, "the head's fixed part");

size_t bundle_contribution_words(size_t n_slots)
{
    _Static_assert(CONTRIBUTION_FIXED + MACHINE_MAX_SLOTS == BUNDLE_CONTRIBUTION_MAX_WORDS, "");
    return CONTRIBUTION_FIXED + n_slots;
}

size_t bundle_head_words(size_t n_slots, size_t n_instances)
{
    return AT_HEIGHTS + n_slots + n_instances * bundle_contribution_words(n_slots);
}

static bool read_digest(digest *out, const uint64_t *words)
{
    bool ok = true;
    for (unsigned k = 0; k < HASH_DIGEST; k++) {
        out->e[k] = words[k];
        ok = ok && fe_is_canonical(words[k]);
    }
    return ok;
}

static bool read_heights(uint8_t *out, const uint64_t *words, size_t n)
{
    for (size_t s = 0; s < n; s++) {
        if (words[s] > CHIP_MAX_LOG_HEIGHT)
            return false;
        out[s] = (uint8_t)words[s];
    }
    for (size_t s = n; s < MACHINE_MAX_SLOTS; s++)
        out[s] = 0;
    return true;
}

bool bundle_parse(bundle_head *head, const char **reason, const uint64_t *words, size_t n)
{
#define REFUSE_IF(cond, text)                                                                      \
    do {                                                                                           \
        if (cond) {                                                                                \
            *reason = (text);                                                                      \
            return false;                                                                          \
        }                                                                                          \
    } while (0)
    REFUSE_IF(n < AT_HEIGHTS || words[AT_MAGIC] != BUNDLE_MAGIC, "not a proof file");
    REFUSE_IF(words[AT_VERSION] != BUNDLE_VERSION, "a proof file of another version");
    REFUSE_IF(words[AT_KIND] != BUNDLE_KIND_INSTANCES, "a proof of an unknown kind");
    head->hash = words[AT_HASH];
    head->abi = words[AT_ABI];
    head->entry = words[AT_ENTRY];
    head->n_slots = words[AT_SLOTS];
    head->n_instances = words[AT_INSTANCES];
    REFUSE_IF(head->entry >> 32 != 0, "an entry point outside the address space");
    REFUSE_IF(head->n_slots == 0 || head->n_slots > MACHINE_MAX_SLOTS, "an impossible machine");
    REFUSE_IF(head->n_instances == 0 || head->n_instances > JOB_MAX_INSTANCES,
              "the number of instances is out of range");
    REFUSE_IF(words[AT_CLASS] > 0xff, "an unknown parameter class");
    head->preprocessed_class = (uint32_t)words[AT_CLASS];
    for (int i = AT_RESERVED; i < AT_KEY; i++)
        REFUSE_IF(words[i] != 0, "a reserved word is not zero");
    REFUSE_IF(!read_digest(&head->key_digest, words + AT_KEY), "the key digest is malformed");
    for (int i = 0; i < BUNDLE_PUBLICS; i++) {
        head->publics[i] = words[AT_PUBLICS + i];
        REFUSE_IF(head->publics[i] >> 32 != 0, "a public output has more than 32 bits");
    }
    REFUSE_IF(!read_digest(&head->preprocessed_root, words + AT_ROOT),
              "the root of the program is malformed");
    head->n_words = bundle_head_words(head->n_slots, head->n_instances);
    REFUSE_IF(n < head->n_words, "the file ends early");
    REFUSE_IF(!read_heights(head->preprocessed_heights, words + AT_HEIGHTS, head->n_slots),
              "a height is out of range");
#undef REFUSE_IF
    return true;
}

bool bundle_read_contribution(contribution *out, const uint64_t *words, size_t n_slots,
                              uint32_t index)
{
    *out = (contribution){.index = index};
    if (words[0] > 0xff || words[1] > 1)
        return false;
    out->header.class_id = (uint32_t)words[0];
    out->header.preprocessed = words[1] == 1;
    for (unsigned k = 0; k < 3; k++)
        out->answer.c[k] = words[2 + HASH_DIGEST + k];
    return read_digest(&out->root, words + 2) && fe3_is_canonical(out->answer) &&
           read_heights(out->header.log_heights, words + CONTRIBUTION_FIXED, n_slots);
}

void bundle_write_contribution(uint64_t *words, const contribution *c, size_t n_slots)
{
    words[0] = c->header.class_id;
    words[1] = c->header.preprocessed;
    for (unsigned k = 0; k < HASH_DIGEST; k++)
        words[2 + k] = c->root.e[k];
    for (unsigned k = 0; k < 3; k++)
        words[2 + HASH_DIGEST + k] = c->answer.c[k];
    for (size_t s = 0; s < n_slots; s++)
        words[CONTRIBUTION_FIXED + s] = c->header.log_heights[s];
}

bool bundle_contribution(contribution *out, const bundle_head *head, const uint64_t *words,
                         size_t i)
{
    size_t n_slots = head->n_slots;
    return bundle_read_contribution(
        out, words + AT_HEIGHTS + n_slots + i * bundle_contribution_words(n_slots), n_slots,
        (uint32_t)i);
}

void bundle_write_head(uint64_t *words, const proof_key *key, uint64_t abi, uint64_t entry,
                       const uint32_t publics[BUNDLE_PUBLICS], const contribution *contributions,
                       size_t n_instances)
{
    size_t n_slots = key->machine->n_slots;
    for (size_t i = 0; i < AT_HEIGHTS; i++)
        words[i] = 0;
    words[AT_MAGIC] = BUNDLE_MAGIC;
    words[AT_VERSION] = BUNDLE_VERSION;
    words[AT_KIND] = BUNDLE_KIND_INSTANCES;
    words[AT_HASH] = key->hash->id;
    words[AT_ABI] = abi;
    words[AT_ENTRY] = entry;
    words[AT_SLOTS] = n_slots;
    words[AT_INSTANCES] = n_instances;
    words[AT_CLASS] = key->preprocessed_class;
    for (unsigned k = 0; k < HASH_DIGEST; k++) {
        words[AT_KEY + k] = key->digest.e[k];
        words[AT_ROOT + k] = key->preprocessed_root.e[k];
    }
    for (int i = 0; i < BUNDLE_PUBLICS; i++)
        words[AT_PUBLICS + i] = publics[i];
    for (size_t s = 0; s < n_slots; s++)
        words[AT_HEIGHTS + s] = key->preprocessed_heights[s];
    for (size_t i = 0; i < n_instances; i++)
        bundle_write_contribution(words + AT_HEIGHTS + n_slots +
                                      i * bundle_contribution_words(n_slots),
                                  &contributions[i], n_slots);
}
