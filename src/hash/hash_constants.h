// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Constants of the two permutations; width 16 over Goldilocks, x^7, 8 full and 22 partial rounds.
//
// hash_constants.c is written by tools/gen_hash_constants.c and compared with its output in CI.
//  - Round constants: the Grain LFSR of the Poseidon paper (eprint 2019/458, appendix E) with
//    field = prime, S-box = x^alpha (0), n = 64, t = 16, R_F = 8, R_P = 22. Poseidon uses 30 x 16
//    of them, Poseidon2 (which has one constant in a partial round) the first 150.
//  - Matrix of Poseidon: circulant, as published for width 16 by Plonky3 (goldilocks/src/mds.rs)
//    and pil2-proofman (fields/src/poseidon1_constants.rs).
//  - Inner matrix of Poseidon2: J + diag(d), d as published by HorizenLabs/poseidon2
//    (poseidon2_instance_goldilocks.rs) and pil2-proofman (fields/src/poseidon2_constants.rs).
#include "hash/hash.h"

enum { HASH_HALF_FULL_ROUNDS = 4, HASH_PARTIAL_ROUNDS = 22 };
enum { POSEIDON_ROUNDS = 2 * HASH_HALF_FULL_ROUNDS + HASH_PARTIAL_ROUNDS };
enum { POSEIDON2_CONSTANTS = 2 * HASH_HALF_FULL_ROUNDS * HASH_WIDTH + HASH_PARTIAL_ROUNDS };

extern const fe poseidon_round_constants[POSEIDON_ROUNDS][HASH_WIDTH];

// First column: entry (i, j) of the matrix is poseidon_mds_column[(i - j) mod 16].
extern const fe poseidon_mds_column[HASH_WIDTH];

// In order of use: 4 x 16 for the first full rounds, 22 for the partial rounds, 4 x 16.
extern const fe poseidon2_round_constants[POSEIDON2_CONSTANTS];
extern const fe poseidon2_diagonal[HASH_WIDTH];

// ---- For poseidon_kernel.inc: the same permutation in 8 full layers and 11 pairs of partial
// rounds.
//
// A pair with round constants a, b (the ones added before the second round of the pair and after
// it) maps t, element 0 already raised to the 7th power, to
//     M^2 t + (y - (M t)[0]) M e0 + (M a' + b),   y = ((M t)[0] + a[0])^7,
// where a' is a without its element 0.
enum { POSEIDON_PAIRS = HASH_PARTIAL_ROUNDS / 2 };
enum { POSEIDON_LAYERS = 2 * HASH_HALF_FULL_ROUNDS + POSEIDON_PAIRS };

// A circulant matrix of first column c, split over x^16 - 1 = (x^4 - 1)(x^4 + 1)(x^8 + 1):
// p = c mod x^4 - 1, q = c mod x^4 + 1, v = 2 c mod x^8 + 1. Entry (i, j) of the small matrices is
// p[3 + i - j], q[3 + i - j], v[7 + i - j]. For P = p s, Q = q s, V = v s with s reduced likewise,
// 4 (c s)[i] = P[i mod 4] +- Q[i mod 4] +- V[i mod 8]: Q positive for i mod 8 < 4, V for i < 8.
typedef struct poseidon_circulant {
    int64_t p[7], q[7], v[15];
} poseidon_circulant;

extern const poseidon_circulant poseidon_mds_split;         // sum of the entries of a row: 371
extern const poseidon_circulant poseidon_mds_squared_split; // 371^2 = 137641 < 2^17.1

// A vector a in the same form: (p, q, v) of 4 a, so that it can be added before the last step.
typedef struct poseidon_split {
    int64_t p[4], q[4], v[8];
} poseidon_split;

// What is added after each layer, cut into limbs at bit 32, or at bits 22 and 43; likewise a[0] of
// each pair.
extern const poseidon_split poseidon_layers_32[POSEIDON_LAYERS][2];
extern const poseidon_split poseidon_layers_22[POSEIDON_LAYERS][3];
extern const uint64_t poseidon_between_32[POSEIDON_PAIRS][2];
extern const uint64_t poseidon_between_22[POSEIDON_PAIRS][3];
