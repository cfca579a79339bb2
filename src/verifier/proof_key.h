// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What a verifier knows before it sees a proof, and what a proof is about.
//
// A key fixes the machine (by its digest), the hash, the preprocessed columns (by the root of their
// commitment) and a digest of the program. It never comes from a proof.
#include "air/machine.h"
#include "transcript/transcript.h"
#include "whir/whir_params.h"

enum {
    PROTOCOL_VERSION = 1,
    INSTANCE_MIN_LOG_HEIGHT = CHIP_MIN_LOG_HEIGHT,
    JOB_MAX_PUBLICS = 256,
    JOB_MAX_INSTANCES = 1 << 14,
    PROOF_KEY_POINT_SCRATCH = 1 << 14, // most registers of a chip's program at a point
    JOB_MAX_LOG_TUPLES = 46, // tuples of a job are fewer than 2^46: no multiplicity wraps mod p
};

// Domains of the transcripts and digests of the protocol.
typedef enum proof_domain {
    DOMAIN_KEY = 0x6b6579,
    DOMAIN_COMMIT = 0x636d74, // out-of-domain point of a contribution
    DOMAIN_JOB = 0x6a6f62,    // global challenge
    DOMAIN_BUS = 0x627573,    // gamma and beta
    DOMAIN_INSTANCE = 0x696e73,
} proof_domain;

typedef struct proof_key {
    const machine *machine; // borrowed
    const hash_ops *hash;
    digest machine_digest;
    digest program; // chosen by the layer above: code, image, memory map
    // Preprocessed columns: parameter class of their commitment (0: the machine has none), heights
    // of the slots that have some (0 elsewhere), root.
    uint32_t preprocessed_class;
    uint8_t preprocessed_heights[MACHINE_MAX_SLOTS];
    digest preprocessed_root;
    digest digest; // of all of the above and the protocol version: proof_key_seal
} proof_key;

// Fills machine_digest and digest from the other fields. ZK_EINVAL: heights or class do not fit the
// machine, or the preprocessed columns not the class; ZK_ENOMEM.
MUST_CHECK status proof_key_seal(proof_key *key);

// The heights of an instance. `preprocessed` says whether the preprocessed chips are in it: all of
// them or none.
typedef struct instance_header {
    uint32_t class_id;
    bool preprocessed;
    uint8_t log_heights[MACHINE_MAX_SLOTS]; // 0: absent
} instance_header;

// What a worker says of an instance before the global challenge is known.
typedef struct contribution {
    uint32_t index; // in the plan, 0 .. n - 1
    instance_header header;
    digest root;
    fe3 answer; // f(z) at the out-of-domain point
} contribution;

typedef struct bus_challenge {
    fe3 gamma, beta;
} bus_challenge;

// Largest log2 height of a chip in an instance of the class: rounds of the zerocheck.
static inline unsigned instance_max_log_height(const whir_params *params)
{
    unsigned h = params->log_stack - 2U;
    return h < 22 ? h : 22;
}

// Whether an instance may be of the class: it is none for preprocessed columns alone, and every
// chip alone fits into its stack with the smallest height. A condition on machine and class, not on
// a proof; other classes are refused.
bool proof_key_allows_class(const proof_key *key, const whir_params *params);

// Is the header one that an honest prover may send: known class, heights in range, everything
// fits, preprocessed chips as the key says? ZK_EPROOF with the reason. allow_test: accept the
// insecure test classes, for tests only.
MUST_CHECK status instance_header_check(const instance_header *header, const proof_key *key,
                                        bool allow_test);

// The global challenge over publics and all contributions in order of their index, and what the bus
// draws from it.
digest job_challenge(const proof_key *key, const fe *publics, size_t n_publics,
                     const contribution *contributions, size_t n);
bus_challenge bus_challenge_from(const proof_key *key, digest challenge);

// A contribution as field elements: what transcripts absorb and circuits see.
typedef struct contribution_elements {
    fe head[3 + MACHINE_MAX_SLOTS]; // index, class, preprocessed, heights of the machine's slots
    digest root;
    fe3 answer;
} contribution_elements;
void contribution_to_elements(contribution_elements *out, const contribution *c);

// The start of an instance's own transcript. Circuit subset.
void instance_transcript(transcript *t, const proof_key *key, digest challenge,
                         const contribution_elements *c);
// The out-of-domain point that the contribution answers; the answer itself is not looked at.
// Circuit subset.
fe3 contribution_point(const proof_key *key, const contribution_elements *c);

// Words of the proof of an instance; the same for all instances of a class and kind.
size_t instance_proof_words(const proof_key *key, const whir_params *params, bool preprocessed);
