// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the permutations share on AVX-512: residues that are not canonical, several multiplications
// in step, states of 16 elements in memory to and from one vector an element (8 states at a time).
#include "field/lanes_avx512.h"
#include "hash/hash.h"
#include "hash/unroll.h"

// ---- Multiplication of n independent pairs, step by step, so that the steps of one hide the
// latency of the others. Any 64-bit residues in and out, not canonical. hi 2^64 + lo with
// hi = h0 + 2^32 h1 is (lo - h1) + eps h0: a borrow and a carry, each worth eps. After a borrow
// lo - h1 is at least 2^64 - 2^32, after a carry the sum is at most 2^64 - 2^33: neither comes
// twice.

// Upper halves in the places that multiplications read; what is above them is junk.
static inline vfe odd_words(vfe a)
{
    return _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(a)));
}

static inline vfe vfe_canonical(vfe a)
{
    return _mm512_min_epu64(a, _mm512_sub_epi64(a, vfe_set1(FE_P)));
}

// a + b for b <= p: a carry is worth eps and leaves at most p - 1.
static inline vfe residue_add(vfe a, vfe b)
{
    vfe r = _mm512_add_epi64(a, b);
    return _mm512_mask_add_epi64(r, _mm512_cmplt_epu64_mask(r, b), r, vfe_set1(FE_EPSILON));
}

static inline vfe lower_half(vfe a)
{
    return _mm512_and_si512(a, vfe_set1(FE_EPSILON));
}

static inline vfe upper_half(vfe a)
{
    return _mm512_srli_epi64(a, 32);
}

// lo + 2^32 hi for lo, hi < 2^50. With hi = a + 2^32 b: 2^32 a + (lo + eps b), the second below
// 2^50 + 2^50.
static inline vfe halves_join(vfe lo, vfe hi)
{
    vfe z = _mm512_madd52lo_epu64(lo, upper_half(hi), vfe_set1(FE_EPSILON));
    return residue_add(_mm512_slli_epi64(hi, 32), z);
}

ALWAYS_INLINE void reduce_many(vfe *r, const vfe *hi, vfe *lo, int n)
{
    const vfe eps = vfe_set1(FE_EPSILON);
    vfe h[16];
    __mmask8 m[16];
    EACH h[i] = _mm512_srli_epi64(hi[i], 32);
    EACH m[i] = _mm512_cmplt_epu64_mask(lo[i], h[i]);
    EACH lo[i] = _mm512_sub_epi64(lo[i], h[i]);
    EACH h[i] = _mm512_mul_epu32(hi[i], eps);
    EACH lo[i] = _mm512_mask_sub_epi64(lo[i], m[i], lo[i], eps);
    EACH r[i] = _mm512_add_epi64(lo[i], h[i]);
    EACH m[i] = _mm512_cmplt_epu64_mask(r[i], h[i]);
    EACH r[i] = _mm512_mask_add_epi64(r[i], m[i], r[i], eps);
}

// No sum overflows: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
ALWAYS_INLINE void mul_many(vfe *r, const vfe *a, const vfe *b, int n)
{
    vfe ah[16], bh[16], ll[16], lh[16], hl[16], hh[16];
    EACH ah[i] = odd_words(a[i]);
    EACH bh[i] = odd_words(b[i]);
    EACH ll[i] = _mm512_mul_epu32(a[i], b[i]);
    EACH hl[i] = _mm512_mul_epu32(ah[i], b[i]);
    EACH lh[i] = _mm512_mul_epu32(a[i], bh[i]);
    EACH hh[i] = _mm512_mul_epu32(ah[i], bh[i]);
    EACH hl[i] = _mm512_add_epi64(hl[i], upper_half(ll[i]));
    EACH lh[i] = _mm512_add_epi64(lh[i], lower_half(hl[i]));
    EACH hh[i] = _mm512_add_epi64(hh[i], upper_half(hl[i]));
    EACH hh[i] = _mm512_add_epi64(hh[i], upper_half(lh[i]));
    EACH ll[i] = _mm512_castps_si512(
        _mm512_mask_moveldup_ps(_mm512_castsi512_ps(ll[i]), 0xAAAA, _mm512_castsi512_ps(lh[i])));
    reduce_many(r, hh, ll, n);
}

// a^2 = ll + 2^33 lh + 2^64 hh. With m = lh + (ll >> 33) < 2^64: 2^33 m and the low 33 bits of ll
// fill 2^64 together, and m >> 31 goes up.
ALWAYS_INLINE void sqr_many(vfe *r, const vfe *a, int n)
{
    const vfe low33 = vfe_set1((1ULL << 33) - 1);
    vfe ah[16], ll[16], lh[16], hh[16];
    EACH ah[i] = odd_words(a[i]);
    EACH lh[i] = _mm512_mul_epu32(a[i], ah[i]);
    EACH ll[i] = _mm512_mul_epu32(a[i], a[i]);
    EACH hh[i] = _mm512_mul_epu32(ah[i], ah[i]);
    EACH lh[i] = _mm512_add_epi64(lh[i], _mm512_srli_epi64(ll[i], 33));
    EACH hh[i] = _mm512_add_epi64(hh[i], _mm512_srli_epi64(lh[i], 31));
    EACH lh[i] = _mm512_slli_epi64(lh[i], 33);
    EACH ll[i] = _mm512_ternarylogic_epi64(lh[i], ll[i], low33, 0xF8); // lh | (ll & low33)
    reduce_many(r, hh, ll, n);
}

// ---- Loads and stores.

static inline void transpose_8x8(vfe r[8])
{
    vfe a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
    }
    // a[2 k + h]: 128-bit block m holds rows 2 k, 2 k + 1 of column 2 m + h.
    for (int h = 0; h < 2; h++) {
        b[h] = _mm512_shuffle_i64x2(a[h], a[2 + h], 0x88);
        b[2 + h] = _mm512_shuffle_i64x2(a[4 + h], a[6 + h], 0x88);
        b[4 + h] = _mm512_shuffle_i64x2(a[h], a[2 + h], 0xDD);
        b[6 + h] = _mm512_shuffle_i64x2(a[4 + h], a[6 + h], 0xDD);
    }
    // b[h], b[2 + h]: columns h and 4 + h; b[4 + h], b[6 + h]: columns 2 + h and 6 + h.
    for (int h = 0; h < 2; h++) {
        r[h] = _mm512_shuffle_i64x2(b[h], b[2 + h], 0x88);
        r[4 + h] = _mm512_shuffle_i64x2(b[h], b[2 + h], 0xDD);
        r[2 + h] = _mm512_shuffle_i64x2(b[4 + h], b[6 + h], 0x88);
        r[6 + h] = _mm512_shuffle_i64x2(b[4 + h], b[6 + h], 0xDD);
    }
}

static inline void load_states(vfe s[HASH_WIDTH], const fe *in)
{
    for (int half = 0; half < 16; half += 8) {
        for (int i = 0; i < 8; i++)
            s[half + i] = vfe_load(in + i * HASH_WIDTH + half);
        transpose_8x8(s + half);
    }
}

static inline void store_states(fe *out, const vfe s[HASH_WIDTH])
{
    for (int half = 0; half < 16; half += 8) {
        vfe t[8];
        for (int i = 0; i < 8; i++)
            t[i] = s[half + i];
        transpose_8x8(t);
        for (int i = 0; i < 8; i++)
            vfe_store(out + i * HASH_WIDTH + half, t[i]);
    }
}

// Elements 0..3 of each state.
static inline void store_digests(digest *out, const vfe s[HASH_WIDTH])
{
    vfe t[8] = {s[0], s[1], s[2], s[3], s[0], s[1], s[2], s[3]};
    transpose_8x8(t);
    for (int i = 0; i < 8; i++)
        _mm256_storeu_si256((__m256i *)out[i].e, _mm512_castsi512_si256(t[i]));
}

#include "hash/states.inc"
