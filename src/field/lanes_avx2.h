// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Lanes of the AVX2 tier: 4 elements. Contracts in lanes_scalar.h.
//
// AVX2 compares signed numbers only, so unsigned values are compared with their top bit flipped:
// a^s below is a with bit 63 flipped, which is a - 2^63 mod 2^64; differences do not feel it.
// Adding p is subtracting eps = 2^32 - 1 = 2^64 - p, and eps is a compare mask shifted right by 32.
#include "field/fe.h"

#include <immintrin.h>
#include <string.h>

#define LANES             4
#define VACC_MAX_PRODUCTS 2048

typedef __m256i vfe;

static inline vfe vfe_load(const fe *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline void vfe_store(fe *p, vfe a)
{
    _mm256_storeu_si256((__m256i *)p, a);
}

// All ones in the first n lanes.
static inline vfe vfe_first_(size_t n)
{
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x((long long)n), _mm256_setr_epi64x(0, 1, 2, 3));
}

static inline vfe vfe_load_n(const fe *p, size_t n)
{
    return n >= LANES ? vfe_load(p) : _mm256_maskload_epi64((const long long *)p, vfe_first_(n));
}

static inline void vfe_store_n(fe *p, vfe a, size_t n)
{
    if (n >= LANES)
        vfe_store(p, a);
    else
        _mm256_maskstore_epi64((long long *)p, vfe_first_(n), a);
}

static inline vfe vfe_set1(fe a)
{
    return _mm256_set1_epi64x((long long)a);
}

static inline vfe vfe_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vfe vfe_flip_(vfe a)
{
    return _mm256_xor_si256(a, vfe_set1(1ULL << 63));
}

// (p - a)^s, as a value that the compiler cannot see through: it would turn t - (p - m) into
// t + m - p, one instruction more where p - m is needed for a comparison anyway.
static inline vfe vfe_p_minus_flipped_(vfe a)
{
    vfe n = _mm256_sub_epi64(vfe_set1(FE_P ^ (1ULL << 63)), a);
    __asm__("" : "+x"(n));
    return n;
}

// t - n mod p from ts = t^s and ns = n^s, for any t < 2^64 and 0 <= n <= p with t - n < p.
static inline vfe vfe_sub_fix_(vfe ts, vfe ns)
{
    vfe borrow = _mm256_cmpgt_epi64(ns, ts);
    vfe r = _mm256_sub_epi64(ts, ns);
    return _mm256_sub_epi64(r, _mm256_srli_epi64(borrow, 32));
}

static inline vfe vfe_sub(vfe a, vfe b)
{
    return vfe_sub_fix_(vfe_flip_(a), vfe_flip_(b));
}

// a - (p - b)
static inline vfe vfe_add(vfe a, vfe b)
{
    return vfe_sub_fix_(vfe_flip_(a), vfe_p_minus_flipped_(b));
}

static inline vfe vfe_neg(vfe a)
{
    vfe zero = _mm256_cmpeq_epi64(a, vfe_zero());
    return _mm256_andnot_si256(zero, _mm256_sub_epi64(vfe_set1(FE_P), a));
}

static inline vfe vfe_double(vfe a)
{
    return vfe_add(a, a);
}

// hi 2^64 + lo mod p, canonical, for any hi and lo; the bounds are those of lanes_avx512.h:
// t = lo - h1 with a borrow worth eps, then t - (p - eps h0) with one conditional addition of p.
static inline vfe vfe_reduce128_(vfe hi, vfe lo)
{
    vfe h1 = _mm256_srli_epi64(hi, 32);
    vfe los = vfe_flip_(lo);
    vfe ts = _mm256_sub_epi64(los, h1);
    vfe borrow = _mm256_cmpgt_epi64(ts, los);
    ts = _mm256_sub_epi64(ts, _mm256_srli_epi64(borrow, 32));
    vfe m = _mm256_mul_epu32(hi, vfe_set1(FE_EPSILON));
    return vfe_sub_fix_(ts, vfe_p_minus_flipped_(m));
}

static inline vfe vfe_hi32_(vfe a)
{
    return _mm256_castps_si256(_mm256_movehdup_ps(_mm256_castsi256_ps(a)));
}

// The low halves of the lanes of bh are the high halves of b. No sum overflows:
// (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
static inline void vfe_mul_wide_(vfe a, vfe b, vfe bh, vfe *hi, vfe *lo)
{
    vfe ah = vfe_hi32_(a);
    vfe ll = _mm256_mul_epu32(a, b), lh = _mm256_mul_epu32(a, bh);
    vfe hl = _mm256_mul_epu32(ah, b), hh = _mm256_mul_epu32(ah, bh);
    vfe t0 = _mm256_add_epi64(hl, _mm256_srli_epi64(ll, 32));
    vfe t1 = _mm256_add_epi64(lh, _mm256_and_si256(t0, vfe_set1(FE_EPSILON)));
    vfe t2 = _mm256_add_epi64(hh, _mm256_srli_epi64(t0, 32));
    *hi = _mm256_add_epi64(t2, _mm256_srli_epi64(t1, 32));
    *lo = _mm256_blend_epi32(ll, _mm256_slli_epi64(t1, 32), 0xAA);
}

static inline vfe vfe_mul(vfe a, vfe b)
{
    vfe hi, lo;
    vfe_mul_wide_(a, b, vfe_hi32_(b), &hi, &lo);
    return vfe_reduce128_(hi, lo);
}

static inline vfe vfe_mul_spread(vfe a, const fe *w)
{
    int high;
    memcpy(&high, (const char *)w + 4, 4);
    vfe hi, lo;
    vfe_mul_wide_(a, vfe_set1(*w), _mm256_set1_epi32(high), &hi, &lo);
    return vfe_reduce128_(hi, lo);
}

// The three cases and their bounds are those of lanes_avx512.h.
static inline vfe vfe_mul_2exp(vfe a, unsigned e)
{
    if (e == 0)
        return a;
    const vfe eps = vfe_set1(FE_EPSILON);
    if (e >= 64) {
        vfe l = _mm256_mul_epu32(_mm256_slli_epi64(a, (int)e - 64), eps);
        return vfe_sub_fix_(vfe_flip_(l), vfe_flip_(_mm256_srli_epi64(a, 96 - (int)e)));
    }
    vfe lo = _mm256_slli_epi64(a, (int)e), hi = _mm256_srli_epi64(a, 64 - (int)e);
    if (e > 32)
        return vfe_reduce128_(hi, lo);
    vfe n = vfe_p_minus_flipped_(_mm256_mul_epu32(hi, eps));
    return vfe_sub_fix_(vfe_flip_(lo), n);
}

static inline void vfe_stream(fe *p, vfe a)
{
    _mm256_stream_si256((__m256i *)p, a);
}

static inline vfe vfe_sqr(vfe a)
{
    return vfe_mul(a, a);
}

// c + a b < 2^128, one reduction.
static inline vfe vfe_mul_add(vfe a, vfe b, vfe c)
{
    vfe hi, lo;
    vfe_mul_wide_(a, b, vfe_hi32_(b), &hi, &lo);
    lo = _mm256_add_epi64(lo, c);
    vfe carry = _mm256_cmpgt_epi64(vfe_flip_(c), vfe_flip_(lo)); // -1 on carry
    return vfe_reduce128_(_mm256_sub_epi64(hi, carry), lo);
}

static inline vfe vfe_select_zero(vfe test, vfe if_zero, vfe otherwise)
{
    return _mm256_blendv_epi8(otherwise, if_zero, _mm256_cmpeq_epi64(test, vfe_zero()));
}

static inline fe vfe_sum(vfe a)
{
    fe t[LANES];
    vfe_store(t, a);
    return fe_add(fe_add(t[0], t[1]), fe_add(t[2], t[3]));
}

static inline void vfe_deinterleave(const fe *p, vfe *even, vfe *odd)
{
    vfe a = vfe_load(p), b = vfe_load(p + 4);
    *even = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(a, b), 0xD8);
    *odd = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(a, b), 0xD8);
}

static inline void vfe_interleave_store(fe *p, vfe even, vfe odd)
{
    vfe e = _mm256_permute4x64_epi64(even, 0xD8), o = _mm256_permute4x64_epi64(odd, 0xD8);
    vfe_store(p, _mm256_unpacklo_epi64(e, o));
    vfe_store(p + 4, _mm256_unpackhi_epi64(e, o));
}

// Sums of products, reduced once: the four 32-bit products of each pair are cut at 32 bits and
// summed by weight. A limb is below 2^33 when doubled, so vpmuludq cannot take it: a doubled
// operand is doubled in the field instead.
typedef struct vlimb {
    vfe v, hi; // vpmuludq reads the low halves: v for limb 0, hi for limb 1
} vlimb;

static inline vlimb vlimb_of(vfe a)
{
    return (vlimb){a, vfe_hi32_(a)};
}

static inline vlimb vlimb_double(vlimb a)
{
    return vlimb_of(vfe_double(a.v));
}

typedef struct vlimb_fixed {
    uint64_t v, hi;
} vlimb_fixed;

static inline vlimb_fixed vlimb_fixed_of(fe a)
{
    return (vlimb_fixed){a, a >> 32};
}

static inline vlimb vlimb_spread(const vlimb_fixed *a)
{
    return (vlimb){vfe_set1(a->v), vfe_set1(a->hi)};
}

typedef struct vacc {
    vfe w0, w1, w2, w3; // weights 1, 2^32, 2^64, 2^96; each < 3 * 2^32 * VACC_MAX_PRODUCTS < 2^45
} vacc;

static inline vacc vacc_zero(void)
{
    vfe z = vfe_zero();
    return (vacc){z, z, z, z};
}

static inline void vacc_mul(vacc *acc, vlimb a, vlimb b)
{
    const vfe m = vfe_set1(FE_EPSILON);
    vfe ll = _mm256_mul_epu32(a.v, b.v), lh = _mm256_mul_epu32(a.v, b.hi);
    vfe hl = _mm256_mul_epu32(a.hi, b.v), hh = _mm256_mul_epu32(a.hi, b.hi);
    // (2^32 - 1)^2 + (2^32 - 1) < 2^64
    vfe mid = _mm256_add_epi64(hl, _mm256_srli_epi64(ll, 32));
    vfe top = _mm256_add_epi64(hh, _mm256_srli_epi64(lh, 32));
    acc->w0 = _mm256_add_epi64(acc->w0, _mm256_and_si256(ll, m));
    acc->w1 = _mm256_add_epi64(acc->w1,
                               _mm256_add_epi64(_mm256_and_si256(lh, m), _mm256_and_si256(mid, m)));
    acc->w2 = _mm256_add_epi64(
        acc->w2, _mm256_add_epi64(_mm256_srli_epi64(mid, 32), _mm256_and_si256(top, m)));
    acc->w3 = _mm256_add_epi64(acc->w3, _mm256_srli_epi64(top, 32));
}

// w0 - w2 - w3 + 2^32 (w1 + w2), by 2^64 = 2^32 - 1 and 2^96 = -1. With y = w1 + w2 < 2^46,
// 2^32 y = u + eps yh, u = (y << 32) mod 2^64 <= p - 1, yh = y >> 32; the rest is z, |z| < 2^48.
static inline vfe vacc_reduce(const vacc *acc)
{
    vfe y = _mm256_add_epi64(acc->w1, acc->w2);
    vfe u = _mm256_slli_epi64(y, 32);
    vfe yh = _mm256_srli_epi64(y, 32);
    vfe z = _mm256_sub_epi64(acc->w0, _mm256_add_epi64(acc->w2, acc->w3));
    z = _mm256_add_epi64(z, _mm256_sub_epi64(_mm256_slli_epi64(yh, 32), yh));
    vfe negative = _mm256_cmpgt_epi64(vfe_zero(), z);
    z = _mm256_sub_epi64(z, _mm256_srli_epi64(negative, 32)); // + p
    return vfe_add(u, z);
}

#include "field/lanes_ext.inc"
