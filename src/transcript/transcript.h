// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Fiat-Shamir transcript: a duplex sponge over field elements, used by prover, verifier and
// recursion alike. Every value a challenge depends on is absorbed before it.
//
// State of 16 elements, rate 12 (0..11), capacity 12..15. An absorb call writes one header element
// (label * 2^32 + element count, label < 2^24, count < 2^32) and then the elements, overwriting
// rate positions in turn; a full rate is permuted. A squeeze after an absorb permutes once and
// then reads rate positions 0.. in turn, permuting again when they are used up; an absorb after a
// squeeze starts at rate position 0 after the permutation that it needs. Two different sequences
// of (label, elements) never lead to the same sequence of permutation inputs: the header carries
// the length, and capacity element 12 counts the switches from squeezing to absorbing.
#include "hash/hash.h"

struct pool;

// Labels of what is absorbed. New labels at the end; the values are part of the proof format.
typedef enum transcript_label {
    LABEL_PROTOCOL = 1, // version, parameter set
    LABEL_KEY = 2,      // program key digest
    LABEL_PUBLICS = 3,
    LABEL_COUNT = 4,  // numbers of instances and the like
    LABEL_HEADER = 5, // instance header
    LABEL_ROOT = 6,
    LABEL_OOD_ANSWER = 7,
    LABEL_CHALLENGE = 8, // the global challenge, absorbed by each instance transcript
    LABEL_GKR_ROOT = 9,
    LABEL_GKR_ROUND = 10, // round polynomials of GKR
    LABEL_GKR_LAYER = 11, // claims at the end of a layer
    LABEL_ZEROCHECK_ROUND = 12,
    LABEL_CLAIMS = 13, // column evaluations
    LABEL_WHIR_ROUND = 14,
    LABEL_FINAL_POLY = 15,
    LABEL_NONCE = 16,
    LABEL_BYTES = 17,
    LABEL_CONTRIBUTION = 18,
} transcript_label;

typedef struct transcript {
    const hash_ops *hash;
    fe state[HASH_WIDTH];
    unsigned position; // next rate position
    bool squeezing;
} transcript;

void transcript_init(transcript *t, const hash_ops *hash, uint64_t domain);
void transcript_absorb_fe(transcript *t, transcript_label label, const fe *data, size_t n);
void transcript_absorb_fe3(transcript *t, transcript_label label, const fe3 *data, size_t n);
void transcript_absorb_digest(transcript *t, transcript_label label, digest d);
void transcript_absorb_u64(transcript *t, transcript_label label, uint64_t value); // as 2 x 32 bit
void transcript_absorb_bytes(transcript *t, transcript_label label, const void *data, size_t n);

fe transcript_squeeze_fe(transcript *t);   // uniform in F
fe3 transcript_squeeze_fe3(transcript *t); // three elements
digest transcript_squeeze_digest(transcript *t);

// n indices below 2^log_bound, log_bound <= 32: the low bits of one squeezed element each (the
// bias is below 2^(log_bound - 64)). Not sorted, repetitions possible.
void transcript_squeeze_indices(transcript *t, unsigned log_bound, uint64_t *indices, size_t n);

// Proof of work. The nonce is valid when, in a copy of the transcript that absorbed it under
// LABEL_NONCE, the low `bits` bits of the first squeezed element are zero. bits <= 32;
// bits = 0 accepts nonce 0 only. Nonces are below 2^40.
// grind: the smallest valid nonce, searched in parallel; absorbs it. ZK_ECANCELED; ZK_ELIMIT when
// no nonce below 2^40 is valid.
MUST_CHECK status transcript_grind(transcript *t, unsigned bits, struct pool *pool,
                                   uint64_t *nonce);
// check: absorbs the nonce, consumes one squeezed element, returns validity.
bool transcript_check_nonce(transcript *t, unsigned bits, uint64_t nonce);
