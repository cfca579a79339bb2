// SPDX-License-Identifier: Apache-2.0 OR MIT
// Poseidon, one state at a time. Integers are 64-bit words: sums stay below 2^51.1.
#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"
#include "hash/states_scalar.h"

enum { LIMBS = 2, GROUPS = 1, SBOX_WAYS = 16 };
#define SCALAR_OPS    poseidon_ops_scalar
#define TABLE_LAYERS  poseidon_layers_32
#define TABLE_BETWEEN poseidon_between_32

// Negative numbers wrap, and wrap back.
static inline vfe vint_add(vfe a, vfe b)
{
    return a + b;
}

static inline vfe vint_sub(vfe a, vfe b)
{
    return a - b;
}

static inline vfe vint_mac(vfe acc, vfe x, int64_t c)
{
    return acc + x * (uint64_t)c;
}

static inline vfe vint_set1(int64_t c)
{
    return (uint64_t)c;
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

static inline vfe limbs_join_quarter(const vfe l[LIMBS])
{
    return halves_join(l[0] >> 2, l[1] >> 2);
}

#include "hash/poseidon_kernel.inc"

const hash_ops poseidon_ops_scalar = {
    .id = HASH_POSEIDON,
    .name = "poseidon",
    .tier = "scalar",
    .permute_many = permute_many,
    .compress_many = compress_many,
    .hash_rows = hash_rows,
};
