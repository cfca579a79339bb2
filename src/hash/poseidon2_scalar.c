// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon2 (eprint 2023/323) as the paper writes it: the specification of the other tiers.
//
// The outer matrix first; then 4 full rounds (16 constants, x^7 on all, outer matrix), 22 partial
// rounds (one constant and x^7 on element 0, inner matrix), 4 full rounds.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"

#include <string.h>

static fe pow7(fe x)
{
    fe x2 = fe_sqr(x), x3 = fe_mul(x2, x), x4 = fe_sqr(x2);
    return fe_mul(x3, x4);
}

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

static void permute(fe s[HASH_WIDTH])
{
    multiply_by_outer_matrix(s);
    const fe *constants = full_rounds(s, poseidon2_round_constants);
    for (unsigned r = 0; r < HASH_PARTIAL_ROUNDS; r++) {
        s[0] = pow7(fe_add(s[0], *constants++));
        multiply_by_inner_matrix(s);
    }
    full_rounds(s, constants);
}

static void permute_many(fe *states, size_t n)
{
    for (size_t i = 0; i < n; i++)
        permute(states + i * HASH_WIDTH);
}

static void compress_many(digest *out, const fe *in, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        fe s[HASH_WIDTH];
        digest d;
        memcpy(s, in + i * HASH_WIDTH, sizeof s);
        permute(s);
        for (unsigned j = 0; j < HASH_DIGEST; j++)
            d.e[j] = fe_add(s[j], in[i * HASH_WIDTH + j]);
        out[i] = d;
    }
}

static void hash_rows(digest *out, const fe *in, size_t n, size_t width)
{
    hash_rows_by_chunks(compress_many, out, in, n, width);
}

const hash_ops poseidon2_ops_scalar = {
    .id = HASH_POSEIDON2,
    .name = "poseidon2",
    .tier = "scalar",
    .permute_many = permute_many,
    .compress_many = compress_many,
    .hash_rows = hash_rows,
};
