// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "secp256k1.h"

#include "limbs.h"

#if !ZISK_PRECOMPILES // else secp256k1_calls.c

const uint64_t k1_p[4] = {0xfffffffefffffc2f, ~0ULL, ~0ULL, ~0ULL};
const uint64_t k1_n[4] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, ~0ULL};
const k1_point k1_g = {
    {0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac},
    {0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465},
};

// ---- The field. An element is any number below 2^256; only fe_normalize brings it below p. ----

typedef struct fe {
    uint64_t l[4];
} fe;

static const uint64_t FOLD = 0x1000003d1; // 2^256 mod p

// a := a + extra * 2^256 below 2^256, for extra < 2^34.
static void fe_fold(fe *a, uint64_t extra)
{
    while (extra != 0) {
        const unsigned __int128 t = (unsigned __int128)extra * FOLD + a->l[0];
        uint64_t carry = (uint64_t)(t >> 64);
        a->l[0] = (uint64_t)t;
        for (unsigned i = 1; i < 4 && carry != 0; i++) {
            a->l[i] += carry;
            carry = a->l[i] < carry;
        }
        extra = carry;
    }
}

static void fe_add(fe *out, const fe *a, const fe *b)
{
    if (limbs_add(out->l, a->l, b->l, 4) != 0)
        fe_fold(out, 1);
}

// A borrow means that 2^256 was added, which is FOLD too much.
static void fe_sub(fe *out, const fe *a, const fe *b)
{
    static const uint64_t fold[4] = {FOLD, 0, 0, 0};
    uint64_t borrow = limbs_sub(out->l, a->l, b->l, 4);
    while (borrow != 0)
        borrow = limbs_sub(out->l, out->l, fold, 4);
}

// out = t mod p for 8 limbs: the upper four count FOLD times each.
static void fe_reduce(fe *out, const uint64_t t[8])
{
    unsigned __int128 c = 0;
    for (unsigned i = 0; i < 4; i++) {
        c += (unsigned __int128)t[i + 4] * FOLD + t[i];
        out->l[i] = (uint64_t)c;
        c >>= 64;
    }
    fe_fold(out, (uint64_t)c); // c < 2^34: the sum was below 2^256 (1 + FOLD)
}

static void fe_mul(fe *out, const fe *a, const fe *b)
{
    const uint64_t b0 = b->l[0], b1 = b->l[1], b2 = b->l[2], b3 = b->l[3];
    uint64_t t[8];
    unsigned __int128 c;
    c = (unsigned __int128)a->l[0] * b0;
    t[0] = (uint64_t)c;
    c = (unsigned __int128)a->l[0] * b1 + (uint64_t)(c >> 64);
    t[1] = (uint64_t)c;
    c = (unsigned __int128)a->l[0] * b2 + (uint64_t)(c >> 64);
    t[2] = (uint64_t)c;
    c = (unsigned __int128)a->l[0] * b3 + (uint64_t)(c >> 64);
    t[3] = (uint64_t)c;
    t[4] = (uint64_t)(c >> 64);
#pragma GCC unroll 3
    for (unsigned i = 1; i < 4; i++) {
        const uint64_t x = a->l[i];
        c = (unsigned __int128)x * b0 + t[i];
        t[i] = (uint64_t)c;
        c = (unsigned __int128)x * b1 + t[i + 1] + (uint64_t)(c >> 64);
        t[i + 1] = (uint64_t)c;
        c = (unsigned __int128)x * b2 + t[i + 2] + (uint64_t)(c >> 64);
        t[i + 2] = (uint64_t)c;
        c = (unsigned __int128)x * b3 + t[i + 3] + (uint64_t)(c >> 64);
        t[i + 3] = (uint64_t)c;
        t[i + 4] = (uint64_t)(c >> 64);
    }
    fe_reduce(out, t);
}

// The six products of different limbs once and doubled, then the four squares.
static void fe_sqr(fe *out, const fe *a)
{
    const uint64_t a0 = a->l[0], a1 = a->l[1], a2 = a->l[2], a3 = a->l[3];
    uint64_t t[8];
    unsigned __int128 c;
    c = (unsigned __int128)a0 * a1;
    t[1] = (uint64_t)c;
    c = (unsigned __int128)a0 * a2 + (uint64_t)(c >> 64);
    t[2] = (uint64_t)c;
    c = (unsigned __int128)a0 * a3 + (uint64_t)(c >> 64);
    t[3] = (uint64_t)c;
    t[4] = (uint64_t)(c >> 64);
    c = (unsigned __int128)a1 * a2 + t[3];
    t[3] = (uint64_t)c;
    c = (unsigned __int128)a1 * a3 + t[4] + (uint64_t)(c >> 64);
    t[4] = (uint64_t)c;
    t[5] = (uint64_t)(c >> 64);
    c = (unsigned __int128)a2 * a3 + t[5];
    t[5] = (uint64_t)c;
    t[6] = (uint64_t)(c >> 64);
    t[7] = t[6] >> 63;
    t[6] = t[6] << 1 | t[5] >> 63;
    t[5] = t[5] << 1 | t[4] >> 63;
    t[4] = t[4] << 1 | t[3] >> 63;
    t[3] = t[3] << 1 | t[2] >> 63;
    t[2] = t[2] << 1 | t[1] >> 63;
    t[1] = t[1] << 1;
    const unsigned __int128 s0 = (unsigned __int128)a0 * a0, s1 = (unsigned __int128)a1 * a1;
    const unsigned __int128 s2 = (unsigned __int128)a2 * a2, s3 = (unsigned __int128)a3 * a3;
    t[0] = (uint64_t)s0;
    c = (unsigned __int128)t[1] + (uint64_t)(s0 >> 64);
    t[1] = (uint64_t)c;
    c = (unsigned __int128)t[2] + (uint64_t)s1 + (uint64_t)(c >> 64);
    t[2] = (uint64_t)c;
    c = (unsigned __int128)t[3] + (uint64_t)(s1 >> 64) + (uint64_t)(c >> 64);
    t[3] = (uint64_t)c;
    c = (unsigned __int128)t[4] + (uint64_t)s2 + (uint64_t)(c >> 64);
    t[4] = (uint64_t)c;
    c = (unsigned __int128)t[5] + (uint64_t)(s2 >> 64) + (uint64_t)(c >> 64);
    t[5] = (uint64_t)c;
    c = (unsigned __int128)t[6] + (uint64_t)s3 + (uint64_t)(c >> 64);
    t[6] = (uint64_t)c;
    t[7] += (uint64_t)(s3 >> 64) + (uint64_t)(c >> 64);
    fe_reduce(out, t);
}

static void fe_normalize(fe *a)
{
    if (!limbs_less(a->l, k1_p, 4))
        limbs_sub(a->l, a->l, k1_p, 4);
}

static bool fe_is_zero(const fe *a)
{
    return limbs_is_zero(a->l, 4) || limbs_equal(a->l, k1_p, 4);
}

static bool fe_equal(const fe *a, const fe *b)
{
    fe d;
    fe_sub(&d, a, b);
    return fe_is_zero(&d);
}

static fe fe_from(const uint64_t a[4])
{
    return (fe){{a[0], a[1], a[2], a[3]}};
}

static void fe_to(uint64_t out[4], fe a)
{
    fe_normalize(&a);
    for (unsigned i = 0; i < 4; i++)
        out[i] = a.l[i];
}

// x^3 + 7.
static void fe_curve(fe *out, const fe *x)
{
    static const fe seven = {{7, 0, 0, 0}};
    fe t;
    fe_sqr(&t, x);
    fe_mul(&t, &t, x);
    fe_add(out, &t, &seven);
}

// ---- Points in Jacobian coordinates: (X / Z^2, Y / Z^3), infinity has Z = 0 ----

typedef struct jacobian {
    fe x, y, z;
} jacobian;

// Doubling "dbl-2009-l" of the Explicit-Formulas Database, a = 0. No point has y = 0: n is odd.
static void point_double(jacobian *out, const jacobian *p)
{
    fe a, b, c, d, e, f, t;
    fe_sqr(&a, &p->x);
    fe_sqr(&b, &p->y);
    fe_sqr(&c, &b);
    fe_mul(&d, &p->x, &b); // D = 2 ((X + B)^2 - A - C) = 4 X B
    fe_add(&d, &d, &d);
    fe_add(&d, &d, &d);
    fe_add(&e, &a, &a);
    fe_add(&e, &e, &a);
    fe_sqr(&f, &e);
    fe_mul(&t, &p->y, &p->z);
    fe_add(&out->z, &t, &t);
    fe_sub(&f, &f, &d);
    fe_sub(&out->x, &f, &d);
    fe_sub(&t, &d, &out->x);
    fe_mul(&t, &e, &t);
    fe_add(&c, &c, &c);
    fe_add(&c, &c, &c);
    fe_add(&c, &c, &c);
    fe_sub(&out->y, &t, &c);
}

// Addition of an affine point ("madd" with Z2 = 1), complete: equal, opposite and infinity too.
static void point_add(jacobian *out, const jacobian *p, const fe *x2, const fe *y2)
{
    static const fe one = {{1, 0, 0, 0}};
    if (fe_is_zero(&p->z)) {
        *out = (jacobian){*x2, *y2, one};
        return;
    }
    fe zz, u, s, h, r, hh, hhh, v, t;
    fe_sqr(&zz, &p->z);
    fe_mul(&u, x2, &zz);
    fe_mul(&s, &p->z, &zz);
    fe_mul(&s, y2, &s);
    fe_sub(&h, &u, &p->x);
    fe_sub(&r, &s, &p->y);
    if (fe_is_zero(&h)) {
        if (fe_is_zero(&r))
            point_double(out, p);
        else
            *out = (jacobian){one, one, {{0, 0, 0, 0}}};
        return;
    }
    fe_sqr(&hh, &h);
    fe_mul(&hhh, &hh, &h);
    fe_mul(&v, &p->x, &hh);
    fe_mul(&out->z, &p->z, &h);
    fe_mul(&s, &p->y, &hhh);
    fe_sqr(&t, &r);
    fe_sub(&t, &t, &hhh);
    fe_sub(&t, &t, &v);
    fe_sub(&out->x, &t, &v);
    fe_sub(&t, &v, &out->x);
    fe_mul(&t, &r, &t);
    fe_sub(&out->y, &t, &s);
}

// z[i] := 1 / z[i] for all i by one inversion (Montgomery's trick); none is zero.
static void invert_all(fe *z, unsigned n)
{
    fe prefix[16], all = z[0];
    for (unsigned i = 1; i < n; i++) {
        prefix[i] = all;
        fe_mul(&all, &all, &z[i]);
    }
    fe_normalize(&all);
    limbs_inverse(all.l, all.l, k1_p, 4);
    for (unsigned i = n - 1; i > 0; i--) {
        fe t;
        fe_mul(&t, &all, &prefix[i]);
        fe_mul(&all, &all, &z[i]);
        z[i] = t;
    }
    z[0] = all;
}

typedef struct affine {
    fe x, y;
} affine;

static void to_affine(affine *out, const jacobian *p, const fe *z_inverse)
{
    fe zz;
    fe_sqr(&zz, z_inverse);
    fe_mul(&out->x, &p->x, &zz);
    fe_mul(&zz, &zz, z_inverse);
    fe_mul(&out->y, &p->y, &zz);
}

// ---- Multiplication: windowed non-adjacent forms, one chain of doublings for both scalars ----

enum { Q_WINDOW = 5, Q_TABLE = 1 << (Q_WINDOW - 2), G_WINDOW = 7, MAX_DIGITS = 257 };

#include "secp256k1_table.h"

// table[i] = (2 i + 1) p. The multiples of a point of prime order n > 32 are different and finite.
//
// With 2 p = (x : y : z), the map (x, y) -> (x z^2, y z^3) leads to a curve of the same shape, only
// with another constant, in which 2 p is affine; no formula above knows the constant. Computing
// there and multiplying the Z of the results by z saves an inversion.
static void odd_multiples(affine table[Q_TABLE], const affine *p)
{
    static const fe one = {{1, 0, 0, 0}};
    jacobian multiples[Q_TABLE], two;
    fe z[Q_TABLE], zz;
    point_double(&two, &(jacobian){p->x, p->y, one});
    fe_sqr(&zz, &two.z);
    fe_mul(&multiples[0].x, &p->x, &zz);
    fe_mul(&zz, &zz, &two.z);
    fe_mul(&multiples[0].y, &p->y, &zz);
    multiples[0].z = one;
    for (unsigned i = 1; i < Q_TABLE; i++)
        point_add(&multiples[i], &multiples[i - 1], &two.x, &two.y);
    for (unsigned i = 0; i < Q_TABLE; i++)
        fe_mul(&z[i], &multiples[i].z, &two.z);
    invert_all(z, Q_TABLE);
    for (unsigned i = 0; i < Q_TABLE; i++)
        to_affine(&table[i], &multiples[i], &z[i]);
}

// k = sum digits[i] 2^i, digits zero or odd with |digit| < 2^(w-1), any two nonzero ones at least w
// apart. Returns the number of digits, <= MAX_DIGITS.
static unsigned recode(int8_t digits[MAX_DIGITS], const uint64_t k[4], unsigned w)
{
    unsigned n = 0, carry = 0;
    for (unsigned i = 0; i < MAX_DIGITS;) {
        const unsigned bit = i < 256 ? limbs_bit(k, i) : 0;
        digits[i] = 0;
        if (bit == carry) { // the remaining number is even
            i++;
            continue;
        }
        unsigned window = carry;
        for (unsigned j = 0; j < w && i + j < 256; j++)
            window += limbs_bit(k, i + j) << j;
        carry = window >> (w - 1); // window in [1, 2^w): from the half upwards, subtract 2^w
        digits[i] = (int8_t)((int)window - (int)(carry << w));
        n = i + 1;
        for (unsigned j = 1; j < w && i + j < MAX_DIGITS; j++)
            digits[i + j] = 0;
        i += w;
    }
    return n;
}

static void add_digit(jacobian *sum, const affine *table, int digit)
{
    if (digit == 0)
        return;
    const affine *p = &table[(digit < 0 ? -digit : digit) / 2];
    fe y = p->y;
    if (digit < 0) {
        static const fe zero = {{0, 0, 0, 0}};
        fe_sub(&y, &zero, &y);
    }
    point_add(sum, sum, &p->x, &y);
}

bool k1_double_mul(k1_point *out, const uint64_t u1[4], const uint64_t u2[4], const k1_point *q)
{
    affine q_table[Q_TABLE];
    int8_t digits1[MAX_DIGITS], digits2[MAX_DIGITS];
    odd_multiples(q_table, &(affine){fe_from(q->x), fe_from(q->y)});
    const unsigned n1 = recode(digits1, u1, G_WINDOW), n2 = recode(digits2, u2, Q_WINDOW);
    jacobian sum = {.z = {{0, 0, 0, 0}}};
    for (unsigned i = n1 > n2 ? n1 : n2; i-- > 0;) {
        if (!fe_is_zero(&sum.z))
            point_double(&sum, &sum);
        if (i < n1)
            add_digit(&sum, g_table, digits1[i]);
        if (i < n2)
            add_digit(&sum, q_table, digits2[i]);
    }
    if (fe_is_zero(&sum.z))
        return false;
    affine a;
    invert_all(&sum.z, 1);
    to_affine(&a, &sum, &sum.z);
    fe_to(out->x, a.x);
    fe_to(out->y, a.y);
    return true;
}

bool k1_is_on_curve(const k1_point *p)
{
    if (!limbs_less(p->x, k1_p, 4) || !limbs_less(p->y, k1_p, 4))
        return false;
    const fe x = fe_from(p->x), y = fe_from(p->y);
    fe left, right;
    fe_sqr(&left, &y);
    fe_curve(&right, &x);
    return fe_equal(&left, &right);
}

bool k1_lift_x(k1_point *out, const uint64_t x[4], bool odd)
{
    // p = 3 mod 4, so a square root of t, if there is one, is t^((p + 1) / 4).
    static const uint64_t exponent[4] = {0xffffffffbfffff0c, ~0ULL, ~0ULL, 0x3fffffffffffffff};
    const fe fx = fe_from(x);
    fe t, root = {{1, 0, 0, 0}}, check;
    fe_curve(&t, &fx);
    for (unsigned i = 254; i-- > 0;) {
        fe_sqr(&root, &root);
        if (limbs_bit(exponent, i) != 0)
            fe_mul(&root, &root, &t);
    }
    fe_sqr(&check, &root);
    if (!fe_equal(&check, &t))
        return false;
    fe_to(out->x, fx);
    fe_to(out->y, root); // never zero: no point has order 2
    if ((out->y[0] & 1) != odd)
        limbs_sub(out->y, k1_p, out->y, 4);
    return true;
}

void k1_scalar_mul(uint64_t out[4], const uint64_t a[4], const uint64_t b[4])
{
    // 2^256 - n. A pass takes 512 bits to 385, then to 258, then below 2^256 in one or two more.
    static const uint64_t fold[3] = {0x402da1732fc9bebf, 0x4551231950b75fc4, 1};
    uint64_t t[8];
    limbs_mul(t, a, b, 4);
    while ((t[4] | t[5] | t[6] | t[7]) != 0) {
        const uint64_t high[4] = {t[4], t[5], t[6], t[7]};
        t[4] = t[5] = t[6] = t[7] = 0;
        for (unsigned i = 0; i < 4; i++) {
            uint64_t carry = 0;
            for (unsigned j = 0; j < 3 || carry != 0; j++) {
                const unsigned __int128 s =
                    (unsigned __int128)high[i] * (j < 3 ? fold[j] : 0) + t[i + j] + carry;
                t[i + j] = (uint64_t)s;
                carry = (uint64_t)(s >> 64);
            }
        }
    }
    if (!limbs_less(t, k1_n, 4))
        limbs_sub(t, t, k1_n, 4);
    for (unsigned i = 0; i < 4; i++)
        out[i] = t[i];
}

void k1_scalar_inverse(uint64_t out[4], const uint64_t a[4])
{
    limbs_inverse(out, a, k1_n, 4);
}

#endif
