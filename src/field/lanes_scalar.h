// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Lanes: one set of names over 1, 4 or 8 field elements, so that a vector kernel is written once.
//
// A kernel body `x.inc` uses only the names below; x_scalar.c, x_avx2.c and x_avx512.c each
// include the lanes header of their tier and then the body. The three headers agree on every name
// and every result; this one is the specification and lists the contracts.
//
//  LANES          elements in a `vfe`
//  vfe            LANES canonical field elements; every function takes and returns canonical lanes
//  vfe_load/store unaligned memory of LANES elements
//  vfe_load_n/vfe_store_n
//                 the same for the first min(n, LANES) elements: a loop is
//                 for (size_t i = 0; i < n; i += LANES) { ... vfe_load_n(a + i, n - i) ... }
//  vfe_deinterleave / vfe_interleave_store
//                 2 * LANES elements p[0..] <-> even = p[0], p[2], ..., odd = p[1], p[3], ...
//  vfe_sum        sum of the lanes
//  vlimb          an operand split for vacc_mul (split a constant once, outside the loop)
//  vacc           lazy sum of products: vacc_zero, vacc_mul any number of times up to
//                 VACC_MAX_PRODUCTS products, then vacc_reduce
// From lanes_ext.inc, the same text for all tiers:
//  vfe3           LANES elements of K, planar: element i of a K-vector of stride s in memory is
//                 (p[i], p[s + i], p[2 s + i])
//  vlimb3, vacc3  as vlimb and vacc over K; vacc3_mul counts as 3 products, vacc3_mul_fe as 1
#include "field/fe.h"

#define LANES             1
#define VACC_MAX_PRODUCTS 2048

typedef fe vfe;

static inline vfe vfe_load(const fe *p)
{
    return *p;
}

static inline void vfe_store(fe *p, vfe a)
{
    *p = a;
}

// The first min(n, LANES) elements; the lanes above read as zero, and are not stored.
static inline vfe vfe_load_n(const fe *p, size_t n)
{
    return n == 0 ? 0 : *p;
}

static inline void vfe_store_n(fe *p, vfe a, size_t n)
{
    if (n != 0)
        *p = a;
}

static inline vfe vfe_set1(fe a)
{
    return a;
}

static inline vfe vfe_zero(void)
{
    return 0;
}

static inline vfe vfe_add(vfe a, vfe b)
{
    return fe_add(a, b);
}

static inline vfe vfe_sub(vfe a, vfe b)
{
    return fe_sub(a, b);
}

static inline vfe vfe_neg(vfe a)
{
    return fe_neg(a);
}

static inline vfe vfe_double(vfe a)
{
    return fe_double(a);
}

static inline vfe vfe_mul(vfe a, vfe b)
{
    return fe_mul(a, b);
}

static inline vfe vfe_sqr(vfe a)
{
    return fe_sqr(a);
}

// c + a b
static inline vfe vfe_mul_add(vfe a, vfe b, vfe c)
{
    return fe_mul_add(a, b, c);
}

// In each lane: `test` is zero ? if_zero : otherwise.
static inline vfe vfe_select_zero(vfe test, vfe if_zero, vfe otherwise)
{
    return test == 0 ? if_zero : otherwise;
}

// a b with b = *w in all lanes.
static inline vfe vfe_mul_spread(vfe a, const fe *w)
{
    return fe_mul(a, *w);
}

// 2^e a for a compile-time constant e < 96; 2^96 = -1.
static inline vfe vfe_mul_2exp(vfe a, unsigned e)
{
    ZK_VERIFY(e < 96);
    fe x =
        e < 64 ? fe_reduce128((unsigned __int128)a << e) : fe_reduce128((unsigned __int128)a << 32);
    return e < 64 ? x : fe_reduce128((unsigned __int128)x << (e - 32));
}

// A store that bypasses the caches, for p on a multiple of the vector's size.
static inline void vfe_stream(fe *p, vfe a)
{
    *p = a;
}

static inline fe vfe_sum(vfe a)
{
    return a;
}

static inline void vfe_deinterleave(const fe *p, vfe *even, vfe *odd)
{
    *even = p[0];
    *odd = p[1];
}

static inline void vfe_interleave_store(fe *p, vfe even, vfe odd)
{
    p[0] = even;
    p[1] = odd;
}

typedef struct vlimb {
    fe v;
} vlimb;

static inline vlimb vlimb_of(vfe a)
{
    return (vlimb){a};
}

// The split of 2 a, without the cost of a field addition.
static inline vlimb vlimb_double(vlimb a)
{
    return (vlimb){fe_double(a.v)};
}

// A split constant, the same in all lanes: small in memory, spread when used.
typedef struct vlimb_fixed {
    fe v;
} vlimb_fixed;

static inline vlimb_fixed vlimb_fixed_of(fe a)
{
    return (vlimb_fixed){a};
}

static inline vlimb vlimb_spread(const vlimb_fixed *a)
{
    return (vlimb){a->v};
}

// s[0] + 2^64 s[1] + 2^128 s[2]
typedef struct vacc {
    uint64_t s[3];
} vacc;

static inline vacc vacc_zero(void)
{
    return (vacc){{0, 0, 0}};
}

static inline void vacc_mul(vacc *acc, vlimb a, vlimb b)
{
    unsigned __int128 t = (unsigned __int128)a.v * b.v + acc->s[0]; // < 2^128: (2^64 - 1)^2 + 2^64
    acc->s[0] = (uint64_t)t;
    uint64_t hi = (uint64_t)(t >> 64);
    acc->s[1] += hi;
    acc->s[2] += acc->s[1] < hi;
}

// s[2] <= VACC_MAX_PRODUCTS, and 2^128 = -2^32 (mod p).
static inline vfe vacc_reduce(const vacc *acc)
{
    fe low = fe_reduce128((unsigned __int128)acc->s[1] << 64 | acc->s[0]);
    return fe_sub(low, acc->s[2] << 32);
}

#include "field/lanes_ext.inc"
