// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Fiat-Shamir transcript: a duplex sponge over field elements, used by prover, verifier and
// recursion alike. Every value a challenge depends on is absorbed before it.
//
// State of 16 elements, rate 12 (0..11), capacity 12..15. Initially zero but for the domain in
// element 13 and 2 in element 14 (which the sponges of hash/ set to 0 and 1).
//  - An absorb call writes one header element (label * 2^32 + element count, label < 2^24, count <
//    2^32) and then the elements, overwriting rate positions in turn. The state is permuted when
//    an element is to be written and the rate is full.
//  - The first squeeze after an absorb zeroes the rate positions that were not written, adds 1 to
//    element 12 and permutes; squeezes read rate positions 0.. in turn and permute again when they
//    are used up. An absorb after a squeeze adds 1 to element 12 and starts at position 0.
// Two different sequences of calls never lead to the same sequence of permutation inputs: element
// 12 tells where phases begin and end, a header is never 0 and carries the length of what follows.
//
// Written in the circuit subset (field/fe.h) but for grinding and bytes: positions depend on the
// calls alone, never on values.
#include "hash/hash.h"

struct pool;

// Labels of what is absorbed. New labels at the end; the values are part of the proof format. A
// label stands for one kind of value.
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
    unsigned position; // next rate position to write or read
    bool squeezing;
} transcript;

void transcript_init(transcript *t, const hash_ops *hash, uint64_t domain);
void transcript_absorb_fe(transcript *t, transcript_label label, const fe *data, size_t n);
void transcript_absorb_fe3(transcript *t, transcript_label label, const fe3 *data, size_t n);
void transcript_absorb_digest(transcript *t, transcript_label label, digest d);
void transcript_absorb_u64(transcript *t, transcript_label label, uint64_t value); // as 2 x 32 bit

// As elements of 7 bytes, little-endian, after padding with 0x01 and zeros to a multiple of 7.
void transcript_absorb_bytes(transcript *t, transcript_label label, const void *data, size_t n);

fe transcript_squeeze_fe(transcript *t);   // uniform in F
fe3 transcript_squeeze_fe3(transcript *t); // three elements
digest transcript_squeeze_digest(transcript *t);

// n indices below 2^log_bound, log_bound <= 32: the low bits of one squeezed element each (the
// bias is below 2^(log_bound - 64)). Not sorted, repetitions possible.
void transcript_squeeze_indices(transcript *t, unsigned log_bound, uint64_t *indices, size_t n);

// One such index as bits, least significant first; n_bits <= 32.
void transcript_squeeze_index_bits(transcript *t, unsigned n_bits, fe *bits);

// Proof of work. The nonce is one element, absorbed under LABEL_NONCE; it is valid when the low
// `bits` bits of the element that is squeezed next are zero. bits <= 32; bits = 0 accepts nonce 0
// only. Nonces are below 2^40.
// grind: the smallest valid nonce, searched in parallel (the same for any number of threads);
// leaves *t as transcript_check_nonce does. ZK_ELIMIT when no nonce below 2^40 is valid.
MUST_CHECK status transcript_grind(transcript *t, unsigned bits, struct pool *threads,
                                   uint64_t *nonce);
// check: absorbs the nonce, consumes one squeezed element, returns validity.
bool transcript_check_nonce(transcript *t, unsigned bits, uint64_t nonce);

// The part of the check that a circuit records: absorbs the nonce and gives the low n_bits bits of
// the element squeezed next, all of which the caller must find to be zero.
void transcript_nonce_bits(transcript *t, fe nonce, unsigned n_bits, fe *bits);
