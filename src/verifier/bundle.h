// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The proof file: the bundle of all instance proofs of a job, with what is needed to check it
// against the digest of a key. Layout: doc/proof-format.md.
//
// A file is a sequence of little-endian 64-bit words: the head, then the proofs of the instances in
// order. Every number of the head is bounded before it is used, and the sizes of all parts follow
// from it: a file has exactly one valid length.
#include "verifier/job_verify.h"

#define BUNDLE_MAGIC 0x465250434b53495aULL // "ZISKCPRF"

enum {
    BUNDLE_VERSION = 1,
    BUNDLE_KIND_INSTANCES = 1, // later kinds: recursive proofs
    BUNDLE_PUBLICS = 64,
    BUNDLE_FIXED_WORDS = 16 + BUNDLE_PUBLICS, // of the head before key heights and contributions
    BUNDLE_CONTRIBUTION_MAX_WORDS = 9 + MACHINE_MAX_SLOTS,
};

// The head, parsed. Nothing in it is trusted: the key's digest and the publics are compared with
// what the verifier's caller knows.
typedef struct bundle_head {
    uint64_t hash; // hash_id
    uint64_t abi;  // generation of the memory map
    uint64_t entry;
    uint64_t publics[BUNDLE_PUBLICS]; // below 2^32
    uint64_t n_slots;
    uint64_t n_instances;
    digest key_digest;
    uint32_t preprocessed_class;
    uint8_t preprocessed_heights[MACHINE_MAX_SLOTS];
    digest preprocessed_root;
    size_t n_words; // of the head, contributions included
} bundle_head;

// Parses the head of words[n]; contributions[i] are read by bundle_contribution. False with a
// constant reason when it is not a proof file of this version.
bool bundle_parse(bundle_head *head, const char **reason, const uint64_t *words, size_t n);

// A contribution as words: class, preprocessed, root (4), answer (3), heights one a word. The form
// in a proof file and between coordinator and workers. Reading returns false when it is malformed.
size_t bundle_contribution_words(size_t n_slots);
void bundle_write_contribution(uint64_t *words, const contribution *c, size_t n_slots);
bool bundle_read_contribution(contribution *out, const uint64_t *words, size_t n_slots,
                              uint32_t index);

// Contribution i of a file whose head was parsed; false when it is malformed.
bool bundle_contribution(contribution *out, const bundle_head *head, const uint64_t *words,
                         size_t i);

// Words of the head of a bundle with n_slots and n_instances.
size_t bundle_head_words(size_t n_slots, size_t n_instances);
// Writes them.
void bundle_write_head(uint64_t *words, const proof_key *key, uint64_t abi, uint64_t entry,
                       const uint32_t publics[BUNDLE_PUBLICS], const contribution *contributions,
                       size_t n_instances);
