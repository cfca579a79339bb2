// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon, 4 states at a time. Integers by signed 32-bit multiplications, limbs of 22, 21, 21
// bits.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"
#include "hash/states_avx2.h"

#include <string.h>

enum { LIMBS = 3, GROUPS = 1, SBOX_WAYS = 2 };
#define SCALAR_OPS    poseidon_ops_scalar
#define TABLE_LAYERS  poseidon_layers_22
#define TABLE_BETWEEN poseidon_between_22

static inline vfe vint_add(vfe a, vfe b)
{
    return _mm256_add_epi64(a, b);
}

static inline vfe vint_sub(vfe a, vfe b)
{
    return _mm256_sub_epi64(a, b);
}

// |x| and |c| below 2^31: sums of four limbs are below 2^24, (M t)[0] is below 2^30.6.
static inline vfe vint_mac(vfe acc, vfe x, int64_t c)
{
    return _mm256_add_epi64(acc, _mm256_mul_epi32(x, _mm256_set1_epi64x(c)));
}

static inline vfe vint_set1(int64_t c)
{
    return _mm256_set1_epi64x(c);
}

static inline void limbs_of(vfe l[LIMBS], vfe a)
{
    const vfe mask = vfe_set1((1ULL << 21) - 1);
    l[0] = _mm256_and_si256(a, vfe_set1((1ULL << 22) - 1));
    l[1] = _mm256_and_si256(_mm256_srli_epi64(a, 22), mask);
    l[2] = _mm256_srli_epi64(a, 43);
}

// l0 + 2^22 l1 + 2^43 l2 with l2 = a + 2^21 b: 2^43 a + (l0 + 2^22 l1 + eps b), the first at most
// 2^64 - 2^43, the second for limbs below 2^40 below 2^63.
static inline vfe join_(vfe l0, vfe l1_shifted, vfe l2_shifted, vfe b)
{
    vfe z = _mm256_add_epi64(l0, l1_shifted);
    z = _mm256_add_epi64(z, _mm256_sub_epi64(_mm256_slli_epi64(b, 32), b));
    return residue_add(l2_shifted, z);
}

static inline vfe limbs_join(const vfe l[LIMBS])
{
    return join_(l[0], _mm256_slli_epi64(l[1], 22), _mm256_slli_epi64(l[2], 43),
                 _mm256_srli_epi64(l[2], 21));
}

static inline vfe limbs_join_quarter(const vfe l[LIMBS])
{
    return join_(_mm256_srli_epi64(l[0], 2), _mm256_slli_epi64(l[1], 20),
                 _mm256_slli_epi64(l[2], 41), _mm256_srli_epi64(l[2], 23));
}

#include "hash/poseidon_kernel.inc"

const hash_ops poseidon_ops_avx2 = {
    .id = HASH_POSEIDON,
    .name = "poseidon",
    .tier = "avx2",
    .permute_many = permute_many,
    .compress_many = compress_many,
    .hash_rows = hash_rows,
};
