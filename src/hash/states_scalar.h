// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the permutations share on one state at a time in plain C; names and results as in
// states_avx512.h.
#include "field/lanes_scalar.h"
#include "hash/hash.h"
#include "hash/unroll.h"

#include <string.h>

static inline vfe vfe_canonical(vfe a)
{
    return fe_from_u64(a);
}

// a + b for b <= p: a carry is worth eps and leaves at most p - 1.
static inline vfe residue_add(vfe a, vfe b)
{
    vfe r = a + b;
    return r + fe_epsilon_if(r < b);
}

static inline vfe lower_half(vfe a)
{
    return a & FE_EPSILON;
}

static inline vfe upper_half(vfe a)
{
    return a >> 32;
}

// lo + 2^32 hi for lo, hi < 2^50.
static inline vfe halves_join(vfe lo, vfe hi)
{
    return residue_add(hi << 32, lo + upper_half(hi) * FE_EPSILON);
}

// As fe_mul (the bounds are there), for any 64-bit residues and not canonical.
static inline vfe residue_mul(vfe a, vfe b)
{
    unsigned __int128 x = (unsigned __int128)a * b;
    uint64_t lo = (uint64_t)x, hi = (uint64_t)(x >> 64);
    uint64_t h1 = upper_half(hi), t = lo - h1;
    t -= fe_epsilon_if(lo < h1);
    uint64_t u = lower_half(hi) * FE_EPSILON, r = t + u;
    return r + fe_epsilon_if(r < u);
}

ALWAYS_INLINE void mul_many(vfe *r, const vfe *a, const vfe *b, int n)
{
    EACH r[i] = residue_mul(a[i], b[i]);
}

// The processor keeps several of these chains under way by itself.
ALWAYS_INLINE void pow7_many(vfe *x, int n)
{
    EACH
    {
        vfe x2 = residue_mul(x[i], x[i]);
        vfe x3 = residue_mul(x2, x[i]), x4 = residue_mul(x2, x2);
        x[i] = residue_mul(x3, x4);
    }
}

static inline void load_states(vfe s[HASH_WIDTH], const fe *in)
{
    memcpy(s, in, HASH_WIDTH * sizeof(fe));
}

static inline void store_states(fe *out, const vfe s[HASH_WIDTH])
{
    memcpy(out, s, HASH_WIDTH * sizeof(fe));
}

static inline void store_digests(digest *out, const vfe s[HASH_WIDTH])
{
    memcpy(out->e, s, sizeof *out);
}
