// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "curves.h"

#include <stdlib.h>
#include <string.h>

#if ZISK_PRECOMPILES

#include "zisk_precompiles.h"

// The machine's calls on points as arrays of words.
#define DEFINE_CALLS(name, point)                                                                  \
    static void name##_add(uint64_t *p1, const uint64_t *p2)                                       \
    {                                                                                              \
        zisk_##name##_add((point *)p1, (const point *)p2);                                         \
    }                                                                                              \
    static void name##_twice(uint64_t *p)                                                          \
    {                                                                                              \
        zisk_##name##_double((point *)p);                                                          \
    }
DEFINE_CALLS(secp256k1, zisk_point256)
DEFINE_CALLS(secp256r1, zisk_point256)
DEFINE_CALLS(bn254, zisk_point256)
DEFINE_CALLS(bls12_381, zisk_point384)
#define CALLS(name) name##_add, name##_twice

void mul_add_mod(uint64_t *d, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                 const uint64_t *m, unsigned n)
{
    if (n == LIMBS_256)
        zisk_arith256_mod(d, a, b, c, m);
    else
        zisk_arith384_mod(d, a, b, c, m);
}

// The prover proposes the inverse, the product proves it.
void inverse_mod_256(uint64_t *out, const uint64_t *a, const uint64_t *m)
{
    static const uint64_t zero[4], one[4] = {1};
    uint64_t inverse[4], product[4];
    ZISK_HINT_WORDS(2, a);
    ZISK_HINT_WORDS(2, m);
    ZISK_HINT_CALL(21);
    (void)zisk_hint_result(); // whether there is one: the product tells
    for (unsigned i = 0; i < 4; i++)
        inverse[i] = zisk_hint_result();
    mul_add_mod(product, a, inverse, zero, m, 4);
    if (!limbs_equal(product, one, 4) || !limbs_less(inverse, m, 4))
        abort();
    memcpy(out, inverse, sizeof inverse);
}

#else

#define CALLS(name) NULL, NULL

// One digit of a division: u[0 .. n] -= digit v, for v with its top bit set and u < 2^64 v. The
// estimate from the top two limbs is at most 2 too large (Knuth, TAOCP 2, 4.3.1 D).
static void divide_step(uint64_t *u, const uint64_t *v, unsigned n)
{
    const unsigned __int128 top = (unsigned __int128)u[n] << 64 | u[n - 1];
    const uint64_t digit = u[n] >= v[n - 1] ? ~0ULL : (uint64_t)(top / v[n - 1]);
    uint64_t carry = 0, borrow = 0;
    for (unsigned i = 0; i < n; i++) {
        const unsigned __int128 t = (unsigned __int128)digit * v[i] + carry + borrow;
        borrow = u[i] < (uint64_t)t;
        u[i] -= (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    const uint64_t last = u[n];
    u[n] = last - carry - borrow;
    bool negative = last < carry || last - carry < borrow;
    while (negative) {
        const uint64_t overflow = limbs_add(u, u, v, n);
        u[n] += overflow;
        negative = overflow == 0 || u[n] != 0;
    }
}

void mul_add_mod(uint64_t *d, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                 const uint64_t *m, unsigned n)
{
    uint64_t u[2 * LIMBS_384 + 1], v[LIMBS_384];
    unsigned nm = n;
    while (m[nm - 1] == 0)
        nm--;
    limbs_mul(u, a, b, n);
    uint64_t carry = limbs_add(u, u, c, n);
    for (unsigned i = n; carry != 0; i++)
        carry = ++u[i] == 0;
    u[2 * n] = 0;
    memcpy(v, m, nm * sizeof *v);
    const unsigned shift = (unsigned)__builtin_clzll(m[nm - 1]);
    for (unsigned i = 0; i < shift; i++) {
        limbs_add(u, u, u, 2 * n + 1);
        limbs_add(v, v, v, nm);
    }
    for (unsigned i = 2 * n - nm + 1; i-- > 0;)
        divide_step(u + i, v, nm);
    for (unsigned i = 0; i < shift; i++)
        limbs_halve(u, 0, nm);
    for (unsigned i = 0; i < n; i++)
        d[i] = i < nm ? u[i] : 0;
}

void inverse_mod_256(uint64_t *out, const uint64_t *a, const uint64_t *m)
{
    limbs_inverse(out, a, m, LIMBS_256);
}

#endif

// SEC 2, 2.4.1.
const ec_curve ec_secp256k1 = {
    4,
    {0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff},
    {0},
    {7},
    {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff},
    CALLS(secp256k1),
};
// SEC 2, 2.4.2.
const ec_curve ec_secp256r1 = {
    4,
    {0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001},
    {0xfffffffffffffffc, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001},
    {0x3bce3c3e27d2604b, 0x651d06b0cc53b0f6, 0xb3ebbd55769886bc, 0x5ac635d8aa3a93e7},
    {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000},
    CALLS(secp256r1),
};
// EIP-196.
const ec_curve ec_bn254 = {
    4,
    {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029},
    {0},
    {3},
    {0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029},
    CALLS(bn254),
};
// EIP-2537, G1.
const ec_curve ec_bls12_381 = {
    6,
    {0xb9feffffffffaaab, 0x1eabfffeb153ffff, 0x6730d2a0f6b0f624, 0x64774b84f38512bf,
     0x4b1ba7b6434bacd7, 0x1a0111ea397fe69a},
    {0},
    {4},
    {0xffffffff00000001, 0x53bda402fffe5bfe, 0x3339d80809a1d805, 0x73eda753299d7d48},
    CALLS(bls12_381),
};

static const uint64_t zero[LIMBS_384];

static void sub_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const ec_curve *c)
{
    if (limbs_sub(out, a, b, c->n) != 0)
        limbs_add(out, out, c->p, c->n);
}

bool ec_is_on_curve(const ec_point *p, const ec_curve *c)
{
    const unsigned n = c->n;
    const uint64_t *x = p->xy, *y = p->xy + n;
    uint64_t left[LIMBS_384], right[LIMBS_384];
    if (p->infinite)
        return true;
    if (!limbs_less(x, c->p, n) || !limbs_less(y, c->p, n))
        return false;
    mul_add_mod(left, y, y, zero, c->p, n);
    mul_add_mod(right, x, x, c->a, c->p, n);
    mul_add_mod(right, right, x, c->b, c->p, n);
    return limbs_equal(left, right, n);
}

// p1 := p1 + p2, or p1 + p1 for p2 NULL, by chord or tangent.
static void add_plain(uint64_t *p1, const uint64_t *p2, const ec_curve *c)
{
    static const uint64_t three[LIMBS_384] = {3};
    const unsigned n = c->n;
    uint64_t slope[LIMBS_384], down[LIMBS_384], x[LIMBS_384];
    if (p2 != NULL) {
        sub_mod(slope, p2 + n, p1 + n, c);
        sub_mod(down, p2, p1, c);
    } else {
        mul_add_mod(slope, p1, p1, zero, c->p, n);
        mul_add_mod(slope, slope, three, c->a, c->p, n);
        sub_mod(down, zero, p1 + n, c);
        sub_mod(down, p1 + n, down, c);
        p2 = p1;
    }
    limbs_inverse(down, down, c->p, n);
    mul_add_mod(slope, slope, down, zero, c->p, n);
    mul_add_mod(x, slope, slope, zero, c->p, n);
    sub_mod(x, x, p1, c);
    sub_mod(x, x, p2, c);
    sub_mod(down, p1, x, c);
    mul_add_mod(down, down, slope, zero, c->p, n);
    sub_mod(p1 + n, down, p1 + n, c);
    memcpy(p1, x, n * sizeof *x);
}

void ec_add(ec_point *out, const ec_point *p, const ec_point *q, const ec_curve *c)
{
    const unsigned n = c->n;
    if (p->infinite || q->infinite) {
        *out = p->infinite ? *q : *p;
        return;
    }
    if (out != p)
        *out = *p;
    if (!limbs_equal(out->xy, q->xy, n)) {
        if (c->add != NULL)
            c->add(out->xy, q->xy);
        else
            add_plain(out->xy, q->xy, c);
    } else if (limbs_equal(out->xy + n, q->xy + n, n) && !limbs_is_zero(q->xy + n, n)) {
        if (c->twice != NULL)
            c->twice(out->xy);
        else
            add_plain(out->xy, NULL, c);
    } else {
        out->infinite = true;
    }
}

void ec_double_mul(ec_point *out, const uint64_t *k1, const ec_point *p1, const uint64_t *k2,
                   const ec_point *p2, const ec_curve *c)
{
    ec_point both, sum = {.infinite = true};
    ec_add(&both, p1, p2, c);
    for (unsigned i = 64 * LIMBS_256; i-- > 0;) {
        const unsigned bit1 = limbs_bit(k1, i), bit2 = limbs_bit(k2, i);
        if (!sum.infinite)
            ec_add(&sum, &sum, &sum, c);
        if ((bit1 | bit2) != 0)
            ec_add(&sum, &sum, bit1 == 0 ? p2 : bit2 == 0 ? p1 : &both, c);
    }
    *out = sum;
}

void ec_mul(ec_point *out, const uint64_t *k, const ec_point *p, const ec_curve *c)
{
    const ec_point infinity = {.infinite = true};
    ec_double_mul(out, k, p, zero, &infinity, c);
}
