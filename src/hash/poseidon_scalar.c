// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon (eprint 2019/458) as the paper writes it: the specification of the other tiers.
//
// A round adds 16 constants, raises all elements (full round) or element 0 (partial round) to the
// 7th power and multiplies by the matrix: 4 full, 22 partial, 4 full rounds.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"

#include <string.h>

static fe pow7(fe x)
{
    fe x2 = fe_sqr(x), x3 = fe_mul(x2, x), x4 = fe_sqr(x2);
    return fe_mul(x3, x4);
}

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

static void permute(fe s[HASH_WIDTH])
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

const hash_ops poseidon_ops_scalar = {
    .id = HASH_POSEIDON,
    .name = "poseidon",
    .tier = "scalar",
    .permute_many = permute_many,
    .compress_many = compress_many,
    .hash_rows = hash_rows,
};
