// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon, 8 states at a time. Integers mod 2^52 by IFMA, limbs of 32 bits.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"
#include "hash/states_avx512.h"

#include <string.h>

enum { LIMBS = 2, GROUPS = 2, SBOX_WAYS = 8 };
#define SCALAR_OPS    poseidon_ops_scalar
#define TABLE_LAYERS  poseidon_layers_32
#define TABLE_BETWEEN poseidon_between_32

static inline vfe vint_add(vfe a, vfe b)
{
    return _mm512_add_epi64(a, b);
}

static inline vfe vint_sub(vfe a, vfe b)
{
    return _mm512_sub_epi64(a, b);
}

// The multiplier takes the low 52 bits of its operands and adds the low 52 bits of the product:
// exact mod 2^52, for negative numbers too.
static inline vfe vint_mac(vfe acc, vfe x, int64_t c)
{
    return _mm512_madd52lo_epu64(acc, x, _mm512_set1_epi64(c));
}

static inline vfe vint_set1(int64_t c)
{
    return _mm512_set1_epi64(c);
}

static inline void limbs_of(vfe l[LIMBS], vfe a)
{
    l[0] = lower_half(a);
    l[1] = upper_half(a);
}

static inline vfe limbs_join(const vfe l[LIMBS])
{
    return halves_join(l[0], l[1]);
}

// As halves_join, on 4 times the limbs of which only the low 52 bits count: the upper half of a
// product with 2^k shifts them right by 52 - k.
static inline vfe limbs_join_quarter(const vfe l[LIMBS])
{
    vfe b = _mm512_madd52hi_epu64(vfe_zero(), l[1], vfe_set1(1ULL << 18));
    vfe z = _mm512_madd52lo_epu64(vfe_zero(), b, vfe_set1(FE_EPSILON));
    z = _mm512_madd52hi_epu64(z, l[0], vfe_set1(1ULL << 50));
    return residue_add(_mm512_slli_epi64(l[1], 30), z); // the low 2 bits of l[1] are zero
}

#include "hash/poseidon_kernel.inc"

const hash_ops poseidon_ops_avx512 = {
    .id = HASH_POSEIDON,
    .name = "poseidon",
    .tier = "avx512",
    .permute_many = permute_many,
    .compress_many = compress_many,
    .hash_rows = hash_rows,
};
