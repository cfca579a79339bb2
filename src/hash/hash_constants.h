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
