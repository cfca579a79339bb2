// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The Goldilocks field F = GF(p), p = 2^64 - 2^32 + 1, and its cubic extension K = F[x]/(x^3 - 2).
//
// Properties of the types:
//  - An `fe` in memory is canonical: 0 <= v < p. Every function here takes and returns canonical
//    values; a value from outside is brought in by fe_from_u64 (reduces) or fe_is_canonical
//    (refuses). Kernels may use other representations inside, never across a function boundary.
//  - An `fe3` is c[0] + c[1] x + c[2] x^2 with canonical coefficients. x^3 - 2 is irreducible
//    since 2 is no cube in F. x^p = w x with w = 2^64 mod p = 2^32 - 1, a cube root of unity, so
//    the Frobenius map is two multiplications.
//  - Nothing here runs in constant time: proofs are sound, not zero-knowledge, and hold no secrets
//    of ours.
// Identities used below: 2^64 = 2^32 - 1 and 2^96 = -1 (mod p).
#include "base/assumptions.h"
#include "base/status.h"

typedef uint64_t fe;
typedef struct fe3 {
    fe c[3];
} fe3;

#define FE_P           0xFFFFFFFF00000001ULL // 2^64 - 2^32 + 1
#define FE_EPSILON     0xFFFFFFFFULL         // 2^64 mod p = 2^32 - 1
#define FE_GENERATOR   7ULL                  // generates F*
#define FE_TWO_ADICITY 32                    // p - 1 = 2^32 * (2^32 - 1)

static inline bool fe_is_canonical(uint64_t a)
{
    return a < FE_P;
}

// Any 64-bit value to its residue.
static inline fe fe_from_u64(uint64_t a)
{
    return a >= FE_P ? a - FE_P : a;
}

static inline fe fe_add(fe a, fe b)
{
    ZK_VERIFY(a < FE_P && b < FE_P);
    // a + b - p, taken back when it borrows. No overflow: p - b >= 1 and a < p.
    uint64_t t = a - (FE_P - b);
    return a < FE_P - b ? t + FE_P : t;
}

static inline fe fe_sub(fe a, fe b)
{
    ZK_VERIFY(a < FE_P && b < FE_P);
    uint64_t t = a - b;
    return a < b ? t + FE_P : t;
}

static inline fe fe_neg(fe a)
{
    ZK_VERIFY(a < FE_P);
    return a == 0 ? 0 : FE_P - a;
}

static inline fe fe_double(fe a)
{
    return fe_add(a, a);
}

// What a carry or borrow out of 64 bits is worth, by a mask.
static inline uint64_t fe_epsilon_if(bool carry)
{
    return (uint32_t)(0U - (uint32_t)carry);
}

// Any 128-bit value to its residue. With x = lo + 2^64 (h0 + 2^32 h1), h0, h1 < 2^32:
// x = lo - h1 + (2^32 - 1) h0 (mod p). The carry is as good as random: no branch may depend on it.
static inline fe fe_reduce128(unsigned __int128 x)
{
    uint64_t lo = (uint64_t)x, hi = (uint64_t)(x >> 64);
    uint64_t h0 = hi & FE_EPSILON, h1 = hi >> 32;
    uint64_t t = lo - h1;
    t -= fe_epsilon_if(lo < h1); // borrow; t >= 2^64 - 2^32, no underflow
    uint64_t u = h0 * FE_EPSILON;
    uint64_t r = t + u;
    r += fe_epsilon_if(r < u); // carry; r <= 2^64 - 2^33, no second carry
    return fe_from_u64(r);
}

static inline fe fe_mul(fe a, fe b)
{
    ZK_VERIFY(a < FE_P && b < FE_P);
    return fe_reduce128((unsigned __int128)a * b);
}

static inline fe fe_sqr(fe a)
{
    return fe_mul(a, a);
}

// c + a b with one reduction.
static inline fe fe_mul_add(fe a, fe b, fe c)
{
    ZK_VERIFY(a < FE_P && b < FE_P && c < FE_P);
    return fe_reduce128((unsigned __int128)a * b + c);
}

// The *circuit subset*: code that a recursion circuit will be recorded from (verifier halves,
// transcript, path checks) touches field values only through the functions of this header and of
// hash/hash.h. It never applies C operators to them and never branches or indexes on them; a choice
// that depends on data goes through fe_select with a bit from fe_to_bits.

// bit is 0 or 1.
static inline fe fe_select(fe bit, fe if_one, fe if_zero)
{
    ZK_VERIFY(bit <= 1);
    return if_zero ^ ((if_zero ^ if_one) & (0 - bit));
}

// The low n <= 64 bits of the canonical value, least significant first.
static inline void fe_to_bits(fe *bits, fe a, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        bits[i] = (a >> i) & 1;
}

// 1 if a = b, else 0.
static inline fe fe_equal_bit(fe a, fe b)
{
    return a == b;
}

// A constant of the program, below p.
static inline fe fe_const(uint64_t a)
{
    ZK_VERIFY(a < FE_P);
    return a;
}

fe fe_pow(fe a, uint64_t exponent);      // fe_pow(0, 0) = 1
fe fe_inv(fe a);                         // a != 0; fe_inv(0) = 0
fe fe_root_of_unity(unsigned log_order); // primitive root of order 2^log_order, log_order <= 32;
                                         // fe_root_of_unity(k) = fe_root_of_unity(k + 1)^2

static inline fe3 fe3_zero(void)
{
    return (fe3){{0, 0, 0}};
}

static inline fe3 fe3_one(void)
{
    return (fe3){{1, 0, 0}};
}

static inline fe3 fe3_from_fe(fe a)
{
    return (fe3){{a, 0, 0}};
}

static inline bool fe3_equal(fe3 a, fe3 b)
{
    return ((a.c[0] ^ b.c[0]) | (a.c[1] ^ b.c[1]) | (a.c[2] ^ b.c[2])) == 0;
}

static inline bool fe3_is_zero(fe3 a)
{
    return (a.c[0] | a.c[1] | a.c[2]) == 0;
}

static inline bool fe3_is_canonical(fe3 a)
{
    return a.c[0] < FE_P && a.c[1] < FE_P && a.c[2] < FE_P;
}

static inline fe3 fe3_add(fe3 a, fe3 b)
{
    return (fe3){{fe_add(a.c[0], b.c[0]), fe_add(a.c[1], b.c[1]), fe_add(a.c[2], b.c[2])}};
}

static inline fe3 fe3_sub(fe3 a, fe3 b)
{
    return (fe3){{fe_sub(a.c[0], b.c[0]), fe_sub(a.c[1], b.c[1]), fe_sub(a.c[2], b.c[2])}};
}

static inline fe3 fe3_neg(fe3 a)
{
    return (fe3){{fe_neg(a.c[0]), fe_neg(a.c[1]), fe_neg(a.c[2])}};
}

static inline fe3 fe3_add_fe(fe3 a, fe b)
{
    return (fe3){{fe_add(a.c[0], b), a.c[1], a.c[2]}};
}

static inline fe3 fe3_mul_fe(fe3 a, fe b)
{
    return (fe3){{fe_mul(a.c[0], b), fe_mul(a.c[1], b), fe_mul(a.c[2], b)}};
}

static inline fe3 fe3_select(fe bit, fe3 if_one, fe3 if_zero)
{
    return (fe3){{fe_select(bit, if_one.c[0], if_zero.c[0]),
                  fe_select(bit, if_one.c[1], if_zero.c[1]),
                  fe_select(bit, if_one.c[2], if_zero.c[2])}};
}

// Schoolbook with x^3 = 2: c0 = a0 b0 + 2 (a1 b2 + a2 b1), c1 = a0 b1 + a1 b0 + 2 a2 b2,
// c2 = a0 b2 + a1 b1 + a2 b0.
static inline fe3 fe3_mul(fe3 a, fe3 b)
{
    fe d0 = fe_mul(a.c[0], b.c[0]), d1 = fe_mul(a.c[1], b.c[1]), d2 = fe_mul(a.c[2], b.c[2]);
    fe e01 = fe_mul_add(a.c[0], b.c[1], fe_mul(a.c[1], b.c[0]));
    fe e02 = fe_mul_add(a.c[0], b.c[2], fe_mul(a.c[2], b.c[0]));
    fe e12 = fe_mul_add(a.c[1], b.c[2], fe_mul(a.c[2], b.c[1]));
    return (fe3){{fe_add(d0, fe_double(e12)), fe_add(e01, fe_double(d2)), fe_add(e02, d1)}};
}

static inline fe3 fe3_sqr(fe3 a)
{
    return fe3_mul(a, a);
}

fe3 fe3_pow(fe3 a, uint64_t exponent);
fe3 fe3_inv(fe3 a); // a != 0; fe3_inv(0) = 0. By the norm to F.
