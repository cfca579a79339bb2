// SPDX-License-Identifier: Apache-2.0 OR MIT
// The two permutations as their papers write them: the specification of all tiers. Tests compare
// the scalar tier with it; nothing else is meant to be fast here.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"

#include <string.h>

static fe pow7(fe x)
{
    fe x2 = fe_sqr(x), x3 = fe_mul(x2, x), x4 = fe_sqr(x2);
    return fe_mul(x3, x4);
}

// ---- Poseidon (eprint 2019/458): 4 full, 22 partial, 4 full rounds. A round adds 16 constants,
// raises all elements (full round) or element 0 (partial round) to the 7th power and multiplies by
// the matrix.

// Circulant product. The entries sum to 371 < 2^9 and fe_reduce128 takes any 128-bit value, so one
// reduction an element is enough.
static void multiply_by_matrix(fe s[HASH_WIDTH])
{
    fe t[HASH_WIDTH];
    for (unsigned i = 0; i < HASH_WIDTH; i++) {
        unsigned __int128 sum = 0;
        for (unsigned j = 0; j < HASH_WIDTH; j++)
            sum += (unsigned __int128)s[j] * poseidon_mds_column[(i - j) % HASH_WIDTH];
        t[i] = fe_reduce128(sum);
    }
    memcpy(s, t, sizeof t);
}

void poseidon_by_definition(fe s[HASH_WIDTH])
{
    for (unsigned r = 0; r < POSEIDON_ROUNDS; r++) {
        bool full = r < HASH_HALF_FULL_ROUNDS || r >= POSEIDON_ROUNDS - HASH_HALF_FULL_ROUNDS;
        for (unsigned i = 0; i < HASH_WIDTH; i++)
            s[i] = fe_add(s[i], poseidon_round_constants[r][i]);
        for (unsigned i = 0; i < (full ? HASH_WIDTH : 1); i++)
            s[i] = pow7(s[i]);
        multiply_by_matrix(s);
    }
}

// ---- Poseidon2 (eprint 2023/323): the outer matrix; then 4 full rounds (16 constants, x^7 on all,
// outer matrix), 22 partial rounds (one constant and x^7 on element 0, inner matrix), 4 full
// rounds.

// circ(2 M4, M4, M4, M4): M4 on each group of four, then every group gets the sum of all groups.
static void multiply_by_outer_matrix(fe s[HASH_WIDTH])
{
    static const fe m4[4][4] = {{5, 7, 1, 3}, {4, 6, 1, 1}, {1, 3, 5, 7}, {1, 1, 4, 6}};
    fe t[HASH_WIDTH], sum[4] = {0, 0, 0, 0};
    for (unsigned i = 0; i < HASH_WIDTH; i++) {
        const fe *group = s + i / 4 * 4;
        t[i] = 0;
        for (unsigned j = 0; j < 4; j++)
            t[i] = fe_mul_add(m4[i % 4][j], group[j], t[i]);
        sum[i % 4] = fe_add(sum[i % 4], t[i]);
    }
    for (unsigned i = 0; i < HASH_WIDTH; i++)
        s[i] = fe_add(t[i], sum[i % 4]);
}

// J + diag(d), J the matrix of ones.
static void multiply_by_inner_matrix(fe s[HASH_WIDTH])
{
    fe sum = 0;
    for (unsigned i = 0; i < HASH_WIDTH; i++)
        sum = fe_add(sum, s[i]);
    for (unsigned i = 0; i < HASH_WIDTH; i++)
        s[i] = fe_mul_add(s[i], poseidon2_diagonal[i], sum);
}

static const fe *full_rounds(fe s[HASH_WIDTH], const fe *constants)
{
    for (unsigned r = 0; r < HASH_HALF_FULL_ROUNDS; r++) {
        for (unsigned i = 0; i < HASH_WIDTH; i++)
            s[i] = pow7(fe_add(s[i], *constants++));
        multiply_by_outer_matrix(s);
    }
    return constants;
}

void poseidon2_by_definition(fe s[HASH_WIDTH])
{
    multiply_by_outer_matrix(s);
    const fe *constants = full_rounds(s, poseidon2_round_constants);
    for (unsigned r = 0; r < HASH_PARTIAL_ROUNDS; r++) {
        s[0] = pow7(fe_add(s[0], *constants++));
        multiply_by_inner_matrix(s);
    }
    full_rounds(s, constants);
}
