// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the permutations share on AVX2; names and results as in states_avx512.h, 4 states at a time.
#include "field/lanes_avx2.h"
#include "hash/hash.h"
#include "hash/unroll.h"

static inline vfe flip(vfe a)
{
    return _mm256_xor_si256(a, vfe_set1(1ULL << 63));
}

// Upper halves in the places that multiplications read; what is above them is junk.
static inline vfe odd_words(vfe a)
{
    return _mm256_castps_si256(_mm256_movehdup_ps(_mm256_castsi256_ps(a)));
}

// -1 where the unsigned a is less than b, both with bit 63 flipped.
static inline vfe less_flipped_(vfe a, vfe b)
{
    return _mm256_cmpgt_epi64(b, a);
}

static inline vfe eps_where_(vfe mask)
{
    return _mm256_srli_epi64(mask, 32);
}

static inline vfe vfe_canonical(vfe a)
{
    vfe small = less_flipped_(flip(a), vfe_set1(FE_P ^ (1ULL << 63)));
    return _mm256_sub_epi64(a, _mm256_andnot_si256(small, vfe_set1(FE_P)));
}

// a + b for b <= p.
static inline vfe residue_add(vfe a, vfe b)
{
    vfe flipped = flip(a);
    vfe r = _mm256_add_epi64(flipped, b);
    r = _mm256_add_epi64(r, eps_where_(less_flipped_(r, flipped)));
    return flip(r);
}

static inline vfe lower_half(vfe a)
{
    return _mm256_and_si256(a, vfe_set1(FE_EPSILON));
}

static inline vfe upper_half(vfe a)
{
    return _mm256_srli_epi64(a, 32);
}

// lo + 2^32 hi for lo, hi < 2^50.
static inline vfe halves_join(vfe lo, vfe hi)
{
    vfe b = upper_half(hi);
    vfe z = _mm256_add_epi64(lo, _mm256_sub_epi64(_mm256_slli_epi64(b, 32), b));
    return residue_add(_mm256_slli_epi64(hi, 32), z);
}

// On values with bit 63 flipped sums and differences stay flipped.
ALWAYS_INLINE void reduce_many(vfe *r, const vfe *hi, vfe *lo, int n)
{
    vfe h[16], t[16];
    EACH h[i] = _mm256_srli_epi64(hi[i], 32);
    EACH lo[i] = flip(lo[i]);
    EACH t[i] = _mm256_sub_epi64(lo[i], h[i]);
    EACH t[i] = _mm256_sub_epi64(t[i], eps_where_(less_flipped_(lo[i], t[i])));
    EACH h[i] = _mm256_mul_epu32(hi[i], vfe_set1(FE_EPSILON));
    EACH h[i] = _mm256_add_epi64(t[i], h[i]);
    EACH h[i] = _mm256_add_epi64(h[i], eps_where_(less_flipped_(h[i], t[i])));
    EACH r[i] = flip(h[i]);
}

// No sum overflows: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
ALWAYS_INLINE void mul_many(vfe *r, const vfe *a, const vfe *b, int n)
{
    vfe ah[16], bh[16], ll[16], lh[16], hl[16], hh[16];
    EACH ah[i] = odd_words(a[i]);
    EACH bh[i] = odd_words(b[i]);
    EACH ll[i] = _mm256_mul_epu32(a[i], b[i]);
    EACH hl[i] = _mm256_mul_epu32(ah[i], b[i]);
    EACH lh[i] = _mm256_mul_epu32(a[i], bh[i]);
    EACH hh[i] = _mm256_mul_epu32(ah[i], bh[i]);
    EACH hl[i] = _mm256_add_epi64(hl[i], upper_half(ll[i]));
    EACH lh[i] = _mm256_add_epi64(lh[i], lower_half(hl[i]));
    EACH hh[i] = _mm256_add_epi64(hh[i], upper_half(hl[i]));
    EACH hh[i] = _mm256_add_epi64(hh[i], upper_half(lh[i]));
    EACH ll[i] = _mm256_blend_epi32(ll[i], _mm256_slli_epi64(lh[i], 32), 0xAA);
    reduce_many(r, hh, ll, n);
}

// a^2 = ll + 2^33 lh + 2^64 hh. With m = lh + (ll >> 33) < 2^64: 2^33 m and the low 33 bits of ll
// fill 2^64 together, and m >> 31 goes up.
ALWAYS_INLINE void sqr_many(vfe *r, const vfe *a, int n)
{
    vfe ll[16], lh[16], hh[16];
    EACH hh[i] = odd_words(a[i]);
    EACH lh[i] = _mm256_mul_epu32(a[i], hh[i]);
    EACH ll[i] = _mm256_mul_epu32(a[i], a[i]);
    EACH hh[i] = _mm256_mul_epu32(hh[i], hh[i]);
    EACH lh[i] = _mm256_add_epi64(lh[i], _mm256_srli_epi64(ll[i], 33));
    EACH hh[i] = _mm256_add_epi64(hh[i], _mm256_srli_epi64(lh[i], 31));
    EACH ll[i] = _mm256_and_si256(ll[i], vfe_set1((1ULL << 33) - 1));
    EACH ll[i] = _mm256_or_si256(ll[i], _mm256_slli_epi64(lh[i], 33));
    reduce_many(r, hh, ll, n);
}

// ---- Loads and stores.

static inline void transpose_4x4(vfe r[4])
{
    vfe a = _mm256_unpacklo_epi64(r[0], r[1]), b = _mm256_unpackhi_epi64(r[0], r[1]);
    vfe c = _mm256_unpacklo_epi64(r[2], r[3]), d = _mm256_unpackhi_epi64(r[2], r[3]);
    r[0] = _mm256_permute2x128_si256(a, c, 0x20);
    r[1] = _mm256_permute2x128_si256(b, d, 0x20);
    r[2] = _mm256_permute2x128_si256(a, c, 0x31);
    r[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

static inline void load_states(vfe s[HASH_WIDTH], const fe *in)
{
    for (int j = 0; j < 16; j += 4) {
        for (int i = 0; i < 4; i++)
            s[j + i] = vfe_load(in + i * HASH_WIDTH + j);
        transpose_4x4(s + j);
    }
}

static inline void store_states(fe *out, const vfe s[HASH_WIDTH])
{
    for (int j = 0; j < 16; j += 4) {
        vfe t[4] = {s[j], s[j + 1], s[j + 2], s[j + 3]};
        transpose_4x4(t);
        for (int i = 0; i < 4; i++)
            vfe_store(out + i * HASH_WIDTH + j, t[i]);
    }
}

// Elements 0..3 of each state.
static inline void store_digests(digest *out, const vfe s[HASH_WIDTH])
{
    vfe t[4] = {s[0], s[1], s[2], s[3]};
    transpose_4x4(t);
    for (int i = 0; i < 4; i++)
        vfe_store(out[i].e, t[i]);
}

#include "hash/states.inc"
