// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Lanes of the AVX-512 tier (F, DQ, VL, IFMA): 8 elements. Contracts in lanes_scalar.h.
//
// Notation: p = 2^64 - 2^32 + 1, eps = 2^32 - 1 = 2^64 mod p, 2^96 = -1 (mod p).
#include "field/fe.h"

#include <immintrin.h>
#include <string.h>

#define LANES             8
#define VACC_MAX_PRODUCTS 2048

typedef __m512i vfe;

static inline vfe vfe_load(const fe *p)
{
    return _mm512_loadu_si512(p);
}

static inline void vfe_store(fe *p, vfe a)
{
    _mm512_storeu_si512(p, a);
}

static inline vfe vfe_load_n(const fe *p, size_t n)
{
    return n >= LANES ? vfe_load(p) : _mm512_maskz_loadu_epi64((__mmask8)((1U << n) - 1), p);
}

static inline void vfe_store_n(fe *p, vfe a, size_t n)
{
    if (n >= LANES)
        vfe_store(p, a);
    else
        _mm512_mask_storeu_epi64(p, (__mmask8)((1U << n) - 1), a);
}

static inline vfe vfe_set1(fe a)
{
    return _mm512_set1_epi64((long long)a);
}

static inline vfe vfe_zero(void)
{
    return _mm512_setzero_si512();
}

// a, as a value that the compiler cannot see through: it would turn t - (p - m) into t + m - p, one
// instruction more where p - m is needed for a comparison anyway.
static inline vfe vfe_opaque_(vfe a)
{
    __asm__("" : "+v"(a));
    return a;
}

// p - a
static inline vfe vfe_p_minus_(vfe a)
{
    return vfe_opaque_(_mm512_sub_epi64(vfe_set1(FE_P), a));
}

// t - n mod p for any t < 2^64 and 0 <= n <= p with t - n < p: one borrow, one fix.
static inline vfe vfe_sub_fix_(vfe t, vfe n)
{
    __mmask8 borrow = _mm512_cmplt_epu64_mask(t, n);
    vfe r = _mm512_sub_epi64(t, n);
    return _mm512_mask_add_epi64(r, borrow, r, vfe_set1(FE_P));
}

static inline vfe vfe_sub(vfe a, vfe b)
{
    return vfe_sub_fix_(a, b);
}

// a - (p - b); p - b <= p and a - (p - b) <= a < p.
static inline vfe vfe_add(vfe a, vfe b)
{
    return vfe_sub_fix_(a, vfe_p_minus_(b));
}

static inline vfe vfe_neg(vfe a)
{
    return _mm512_maskz_sub_epi64(_mm512_test_epi64_mask(a, a), vfe_set1(FE_P), a);
}

static inline vfe vfe_double(vfe a)
{
    return vfe_add(a, a);
}

// hi 2^64 + lo mod p, canonical, for any hi and lo. With hi = h0 + 2^32 h1:
// x = (lo - h1) + eps h0. t = lo - h1 with a borrow worth eps; then t - (p - eps h0). Here
// m = eps h0 <= 2^64 - 2^33 + 1 < p, and t - (p - m) <= 2^64 - 1 - p + m <= p - 2, so that the
// one conditional addition of p leaves a canonical value.
static inline vfe vfe_reduce128_(vfe hi, vfe lo)
{
    const vfe eps = vfe_set1(FE_EPSILON);
    vfe h1 = _mm512_srli_epi64(hi, 32);
    __mmask8 borrow = _mm512_cmplt_epu64_mask(lo, h1);
    vfe t = _mm512_sub_epi64(lo, h1);
    t = _mm512_mask_sub_epi64(t, borrow, t, eps); // t >= 2^64 - 2^32 there: no second borrow
    vfe n = vfe_p_minus_(_mm512_mul_epu32(hi, eps));
    return vfe_sub_fix_(t, n);
}

static inline vfe vfe_hi32_(vfe a)
{
    return _mm512_castps_si512(_mm512_movehdup_ps(_mm512_castsi512_ps(a)));
}

// The 128-bit product by four 32-bit products; the low halves of the lanes of bh are the high
// halves of b. No sum overflows: (2^32 - 1)^2 + 2 (2^32 - 1) = 2^64 - 1.
static inline void vfe_mul_wide_(vfe a, vfe b, vfe bh, vfe *hi, vfe *lo)
{
    vfe ah = vfe_hi32_(a);
    vfe ll = _mm512_mul_epu32(a, b), lh = _mm512_mul_epu32(a, bh);
    vfe hl = _mm512_mul_epu32(ah, b), hh = _mm512_mul_epu32(ah, bh);
    vfe t0 = _mm512_add_epi64(hl, _mm512_srli_epi64(ll, 32));
    vfe t1 = _mm512_add_epi64(lh, _mm512_and_si512(t0, vfe_set1(FE_EPSILON)));
    vfe t2 = _mm512_add_epi64(hh, _mm512_srli_epi64(t0, 32));
    *hi = _mm512_add_epi64(t2, _mm512_srli_epi64(t1, 32));
    *lo = _mm512_castps_si512(
        _mm512_mask_moveldup_ps(_mm512_castsi512_ps(ll), 0xAAAA, _mm512_castsi512_ps(t1)));
}

static inline vfe vfe_mul(vfe a, vfe b)
{
    vfe hi, lo;
    vfe_mul_wide_(a, b, vfe_hi32_(b), &hi, &lo);
    return vfe_reduce128_(hi, lo);
}

// Both halves of *w come spread from memory, which spares a shuffle.
static inline vfe vfe_mul_spread(vfe a, const fe *w)
{
    int high;
    memcpy(&high, (const char *)w + 4, 4);
    vfe hi, lo;
    vfe_mul_wide_(a, vfe_set1(*w), _mm512_set1_epi32(high), &hi, &lo);
    return vfe_reduce128_(hi, lo);
}

// e <= 32: a 2^e = lo + eps h, h < 2^32: lo - (p - eps h), with the bounds of vfe_reduce128_.
// 32 < e < 64: the general reduction. e >= 64: with f = 96 - e <= 32, a 2^e = -(a 2^-f), and
// 2^-f = -eps 2^(32 - f) gives a 2^-f = (a >> f) - eps l, l = the low 32 bits of a << (32 - f).
static inline vfe vfe_mul_2exp(vfe a, unsigned e)
{
    if (e == 0)
        return a;
    const vfe eps = vfe_set1(FE_EPSILON);
    if (e >= 64) {
        vfe l = _mm512_mul_epu32(_mm512_slli_epi64(a, e - 64), eps);
        return vfe_sub_fix_(l, _mm512_srli_epi64(a, 96 - e));
    }
    vfe lo = _mm512_slli_epi64(a, e), hi = _mm512_srli_epi64(a, 64 - e);
    if (e > 32)
        return vfe_reduce128_(hi, lo);
    return vfe_sub_fix_(lo, vfe_p_minus_(_mm512_mul_epu32(hi, eps)));
}

static inline void vfe_stream(fe *p, vfe a)
{
    _mm512_stream_si512((void *)p, a);
}

static inline vfe vfe_sqr(vfe a)
{
    vfe ah = vfe_hi32_(a);
    vfe ll = _mm512_mul_epu32(a, a), lh = _mm512_mul_epu32(a, ah), hh = _mm512_mul_epu32(ah, ah);
    // a^2 = ll + 2^33 lh + 2^64 hh, and 2^33 lh = ((lh << 33) mod 2^64) + 2^64 (lh >> 31).
    vfe mid = _mm512_slli_epi64(lh, 33);
    vfe lo = _mm512_add_epi64(ll, mid);
    vfe hi = _mm512_add_epi64(hh, _mm512_srli_epi64(lh, 31));
    __mmask8 carry = _mm512_cmplt_epu64_mask(lo, mid);
    hi = _mm512_mask_add_epi64(hi, carry, hi, vfe_set1(1));
    return vfe_reduce128_(hi, lo);
}

// c + a b < 2^128, one reduction.
static inline vfe vfe_mul_add(vfe a, vfe b, vfe c)
{
    vfe hi, lo;
    vfe_mul_wide_(a, b, vfe_hi32_(b), &hi, &lo);
    lo = _mm512_add_epi64(lo, c);
    __mmask8 carry = _mm512_cmplt_epu64_mask(lo, c);
    hi = _mm512_mask_add_epi64(hi, carry, hi, vfe_set1(1));
    return vfe_reduce128_(hi, lo);
}

static inline vfe vfe_select_zero(vfe test, vfe if_zero, vfe otherwise)
{
    return _mm512_mask_blend_epi64(_mm512_test_epi64_mask(test, test), if_zero, otherwise);
}

static inline fe vfe_sum(vfe a)
{
    fe t[LANES];
    vfe_store(t, a);
    fe s = t[0];
    for (int i = 1; i < LANES; i++)
        s = fe_add(s, t[i]);
    return s;
}

static inline void vfe_deinterleave(const fe *p, vfe *even, vfe *odd)
{
    const vfe e = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const vfe o = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    vfe a = vfe_load(p), b = vfe_load(p + 8);
    *even = _mm512_permutex2var_epi64(a, e, b);
    *odd = _mm512_permutex2var_epi64(a, o, b);
}

static inline void vfe_interleave_store(fe *p, vfe even, vfe odd)
{
    const vfe l = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const vfe h = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    vfe_store(p, _mm512_permutex2var_epi64(even, l, odd));
    vfe_store(p + 8, _mm512_permutex2var_epi64(even, h, odd));
}

// Sums of products by IFMA, reduced once. a = a0 + 2^32 a1 and, with s = a0 + a1,
//   a b = (a0 b0 - a1 b1) + 2^32 (sa sb - a0 b0)                                    (mod p)
// because 2^64 = 2^32 - 1: three limb products (Karatsuba) in place of four. Every limb is kept
// shifted left by 10, so that a product carries 2^20: vpmadd52huq then adds (product >> 32) and
// vpmadd52luq adds (product mod 2^32) << 20. Bounds: a limb is below 2^33, doubled below 2^34,
// with its shift below 2^44 <= 2^52; a low part is below 2^52, so 2^11 products stay below 2^63
// and differences are good signed numbers; a high part is below 2^(34 + 34 - 32) = 2^36.
typedef struct vlimb {
    vfe lo, hi, sum;
} vlimb;

static inline vlimb vlimb_of(vfe a)
{
    vlimb r;
    r.lo = _mm512_and_si512(_mm512_slli_epi64(a, 10), vfe_set1(FE_EPSILON << 10));
    r.hi = _mm512_and_si512(_mm512_srli_epi64(a, 22), vfe_set1(FE_EPSILON << 10));
    r.sum = _mm512_add_epi64(r.lo, r.hi);
    return r;
}

static inline vlimb vlimb_double(vlimb a)
{
    return (vlimb){_mm512_add_epi64(a.lo, a.lo), _mm512_add_epi64(a.hi, a.hi),
                   _mm512_add_epi64(a.sum, a.sum)};
}

typedef struct vlimb_fixed {
    uint64_t lo, hi, sum;
} vlimb_fixed;

static inline vlimb_fixed vlimb_fixed_of(fe a)
{
    uint64_t lo = (a & FE_EPSILON) << 10, hi = a >> 32 << 10;
    return (vlimb_fixed){lo, hi, lo + hi};
}

static inline vlimb vlimb_spread(const vlimb_fixed *a)
{
    return (vlimb){vfe_set1(a->lo), vfe_set1(a->hi), vfe_set1(a->sum)};
}

typedef struct vacc {
    vfe l0, h0, l1, h1, lm, hm; // low and high parts of the sums of a0 b0, a1 b1, sa sb
} vacc;

static inline vacc vacc_zero(void)
{
    vfe z = vfe_zero();
    return (vacc){z, z, z, z, z, z};
}

static inline void vacc_mul(vacc *acc, vlimb a, vlimb b)
{
    acc->l0 = _mm512_madd52lo_epu64(acc->l0, a.lo, b.lo);
    acc->h0 = _mm512_madd52hi_epu64(acc->h0, a.lo, b.lo);
    acc->l1 = _mm512_madd52lo_epu64(acc->l1, a.hi, b.hi);
    acc->h1 = _mm512_madd52hi_epu64(acc->h1, a.hi, b.hi);
    acc->lm = _mm512_madd52lo_epu64(acc->lm, a.sum, b.sum);
    acc->hm = _mm512_madd52hi_epu64(acc->hm, a.sum, b.sum);
}

// With P = (l >> 20) + 2^32 h for each sum, the value is P0 - P1 + 2^32 (Pm - P0); 2^64 = 2^32 - 1
// turns it into x + 2^32 y, |x| and |y| < 2^43 + 2^48 < 2^49.
// Then 2^32 y = u + eps yh with u = (y << 32) mod 2^64 <= p - 1 and yh = y >> 32 (floor), and
// z = x + eps yh has |z| < 2^50.
static inline vfe vacc_reduce(const vacc *acc)
{
    vfe x = _mm512_srai_epi64(_mm512_sub_epi64(acc->l0, acc->l1), 20);
    vfe y = _mm512_srai_epi64(_mm512_sub_epi64(acc->lm, acc->l0), 20);
    x = _mm512_add_epi64(x, _mm512_sub_epi64(acc->h0, acc->hm));
    y = _mm512_add_epi64(y, _mm512_sub_epi64(acc->hm, acc->h1));
    vfe u = _mm512_slli_epi64(y, 32);
    vfe yh = _mm512_srai_epi64(y, 32);
    vfe z = _mm512_add_epi64(x, _mm512_sub_epi64(_mm512_slli_epi64(yh, 32), yh));
    z = _mm512_mask_add_epi64(z, _mm512_movepi64_mask(z), z, vfe_set1(FE_P));
    return vfe_add(u, z);
}

#include "field/lanes_ext.inc"
