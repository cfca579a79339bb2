// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/bignum.h"

#include "base/status.h"

#include <string.h>

typedef unsigned __int128 u128;

bool bn_is_zero(const uint64_t *a, uint64_t n)
{
    return bn_length(a, n) == 0;
}

int bn_compare(const uint64_t *a, const uint64_t *b, uint64_t n)
{
    for (uint64_t i = n; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

void bn_copy(uint64_t *out, const uint64_t *a, uint64_t n)
{
    memmove(out, a, n * sizeof *out);
}

uint64_t bn_length(const uint64_t *a, uint64_t n)
{
    while (n > 0 && a[n - 1] == 0)
        n--;
    return n;
}

uint64_t bn_add(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t n)
{
    uint64_t carry = 0;
    for (uint64_t i = 0; i < n; i++) {
        const u128 t = (u128)a[i] + b[i] + carry;
        out[i] = (uint64_t)t;
        carry = (uint64_t)(t >> 64);
    }
    return carry;
}

uint64_t bn_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t n)
{
    uint64_t borrow = 0;
    for (uint64_t i = 0; i < n; i++) {
        const u128 t = (u128)a[i] - b[i] - borrow;
        out[i] = (uint64_t)t;
        borrow = (uint64_t)(t >> 64) & 1;
    }
    return borrow;
}

void bn_mul(uint64_t *out, const uint64_t *a, uint64_t na, const uint64_t *b, uint64_t nb)
{
    memset(out, 0, (na + nb) * sizeof *out);
    for (uint64_t i = 0; i < na; i++) {
        uint64_t carry = 0;
        for (uint64_t j = 0; j < nb; j++) {
            const u128 t = (u128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + nb] = carry;
    }
}

// out = a << shift for shift < 64; returns the bits pushed out at the top.
static uint64_t shift_left(uint64_t *out, const uint64_t *a, uint64_t n, unsigned shift)
{
    uint64_t below = 0;
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t limb = a[i];
        out[i] = limb << shift | below;
        below = shift == 0 ? 0 : limb >> (64 - shift);
    }
    return below;
}

static void shift_right(uint64_t *out, const uint64_t *a, uint64_t n, unsigned shift)
{
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t above = i + 1 < n && shift != 0 ? a[i + 1] << (64 - shift) : 0;
        out[i] = a[i] >> shift | above;
    }
}

// One digit of the quotient: u[0 .. n] := u - digit v, where v has n limbs, its top bit is set and
// u < 2^64 v. The estimate from the top two limbs of u is at most 2 too large.
static uint64_t divide_step(uint64_t *u, const uint64_t *v, uint64_t n)
{
    const u128 top = (u128)u[n] << 64 | u[n - 1];
    u128 estimate = u[n] >= v[n - 1] ? ~(uint64_t)0 : top / v[n - 1];
    uint64_t digit = (uint64_t)estimate;
    uint64_t carry = 0, borrow = 0;
    for (uint64_t i = 0; i < n; i++) {
        const u128 product = (u128)digit * v[i] + carry;
        carry = (uint64_t)(product >> 64);
        const u128 d = (u128)u[i] - (uint64_t)product - borrow;
        u[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    const u128 d = (u128)u[n] - carry - borrow;
    u[n] = (uint64_t)d;
    bool negative = (d >> 64) != 0;
    while (negative) {
        digit--;
        const uint64_t overflow = bn_add(u, u, v, n);
        u[n] += overflow;
        negative = !(overflow != 0 && u[n] == 0);
    }
    return digit;
}

void bn_divide(uint64_t *q, uint64_t *r, const uint64_t *a, uint64_t na, const uint64_t *b,
               uint64_t nb, uint64_t *work)
{
    ZK_VERIFY(nb >= 1 && na >= nb && b[nb - 1] != 0);
    const unsigned shift = (unsigned)__builtin_clzll(b[nb - 1]);
    uint64_t *u = work, *v = work + na + 1;
    shift_left(v, b, nb, shift);
    u[na] = shift_left(u, a, na, shift);
    for (uint64_t i = na - nb + 1; i-- > 0;) {
        const uint64_t digit = divide_step(u + i, v, nb);
        if (q != NULL)
            q[i] = digit;
    }
    shift_right(r, u, nb, shift);
}

void bn_mod(uint64_t *out, const uint64_t *a, uint64_t na, const uint64_t *m, unsigned n)
{
    uint64_t work[3 * BN_MAX_LIMBS + 2], r[BN_MAX_LIMBS] = {0};
    const uint64_t nm = bn_length(m, n), length = bn_length(a, na);
    ZK_VERIFY(n <= BN_MAX_LIMBS && na <= 2 * BN_MAX_LIMBS + 1 && nm > 0);
    if (length < nm)
        bn_copy(r, a, length);
    else
        bn_divide(NULL, r, a, length, m, nm, work);
    bn_copy(out, r, n);
}

void bn_mul_add_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                    const uint64_t *m, unsigned n)
{
    uint64_t t[2 * BN_MAX_LIMBS]; // (2^w - 1)^2 + 2^w - 1 < 2^(2 w): c fits too
    bn_mul(t, a, n, b, n);
    if (c != NULL) {
        uint64_t carry = bn_add(t, t, c, n);
        for (unsigned i = n; carry != 0; i++)
            carry = ++t[i] == 0;
    }
    bn_mod(out, t, 2 * n, m, n);
}

void bn_add_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, unsigned n)
{
    uint64_t t[BN_MAX_LIMBS];
    const uint64_t carry = bn_add(t, a, b, n);
    if (carry != 0 || bn_compare(t, m, n) >= 0)
        bn_sub(t, t, m, n);
    bn_copy(out, t, n);
}

void bn_sub_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, unsigned n)
{
    uint64_t t[BN_MAX_LIMBS];
    if (bn_sub(t, a, b, n) != 0)
        bn_add(t, t, m, n);
    bn_copy(out, t, n);
}

void bn_mul_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, unsigned n)
{
    bn_mul_add_mod(out, a, b, NULL, m, n);
}

void bn_power_mod(uint64_t *out, const uint64_t *a, const uint64_t *e, const uint64_t *m,
                  unsigned n)
{
    uint64_t base[BN_MAX_LIMBS], result[BN_MAX_LIMBS] = {1};
    bn_mod(base, a, n, m, n);
    bn_mod(result, result, n, m, n); // 0 for m = 1
    for (unsigned i = 64 * n; i-- > 0;) {
        bn_mul_mod(result, result, result, m, n);
        if ((e[i / 64] >> (i % 64) & 1) != 0)
            bn_mul_mod(result, result, base, m, n);
    }
    bn_copy(out, result, n);
}

// ---- Inversion ----

static bool is_one(const uint64_t *a, unsigned n)
{
    return a[0] == 1 && bn_is_zero(a + 1, n - 1);
}

// The "divsteps" of Bernstein and Yang (eprint 2019/266) in the variant of libsecp256k1
// (half-delta, variable time; its doc/safegcd_implementation.md explains it): 62 steps at a time
// are found on the low words alone, as a matrix that the long numbers are then multiplied with.
//
// Invariants modulo the odd m: d a = f, e a = g, up to the same power of 2 that each round divides
// out exactly. In the end g = 0 and f = +-gcd(a, m), so d is +-1 / a.

enum { STEPS = 62, WIDE = BN_MAX_LIMBS + 1 }; // two's complement with a limb for sign and growth

typedef struct matrix {
    int64_t u, v, q, r; // |u| + |v| <= 2^62, |q| + |r| <= 2^62
} matrix;

// f odd. Returns the new eta.
static int64_t divsteps(matrix *out, int64_t eta, uint64_t f, uint64_t g)
{
    uint64_t u = 1, v = 0, q = 0, r = 1;
    unsigned left = STEPS;
    for (;;) {
        const unsigned zeros = (unsigned)__builtin_ctzll(g | ~0ULL << left);
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros;
        left -= zeros;
        if (left == 0)
            break;
        if (eta < 0) {
            const uint64_t old_f = f, old_u = u, old_v = v;
            eta = -eta;
            f = g, g = -old_f;
            u = q, q = -old_u;
            v = r, r = -old_v;
        }
        // Up to eta + 1 multiples of f can be added before the next exchange: clear that many low
        // bits of g, at most 6, at once. f (2 - f^2) is 1 / f modulo 64.
        const unsigned limit = eta + 1 < (int64_t)left ? (unsigned)(eta + 1) : left;
        const uint64_t mask = (limit < 6 ? 1ULL << limit : 64) - 1;
        const uint64_t w = (f * g * (f * f - 2)) & mask;
        g += f * w;
        q += u * w;
        r += v * w;
    }
    *out = (matrix){(int64_t)u, (int64_t)v, (int64_t)q, (int64_t)r};
    return eta;
}

// out = (x a + y b + z m) / 2^62, which is exact, for numbers of n limbs in two's complement.
// |x| + |y| <= 2^62 and |z| <= 2^61 keep the sums below 2^127.
static void combine(uint64_t *out, int64_t x, const uint64_t *a, int64_t y, const uint64_t *b,
                    int64_t z, const uint64_t *m, unsigned n)
{
    __int128 sum = 0;
    uint64_t low = 0;
    for (unsigned i = 0; i < n; i++) {
        if (i + 1 < n)
            sum += (__int128)x * a[i] + (__int128)y * b[i] + (__int128)z * m[i];
        else
            sum += (__int128)x * (int64_t)a[i] + (__int128)y * (int64_t)b[i] +
                   (__int128)z * (int64_t)m[i];
        const uint64_t limb = (uint64_t)sum;
        sum >>= 64;
        if (i > 0)
            out[i - 1] = low >> STEPS | limb << (64 - STEPS);
        low = limb;
    }
    out[n - 1] = low >> STEPS | (uint64_t)sum << (64 - STEPS);
}

static void negate(uint64_t *a, unsigned n)
{
    static const uint64_t zero[WIDE];
    bn_sub(a, zero, a, n);
}

static bool inverse_odd(uint64_t *out, const uint64_t *a, const uint64_t *m, unsigned n)
{
    const unsigned wide = n + 1;
    uint64_t f[WIDE] = {0}, g[WIDE] = {0}, d[WIDE] = {0}, e[WIDE] = {1}, modulus[WIDE] = {0};
    uint64_t negative_inverse = m[0]; // -1 / m mod 2^64, by Newton from 3 right bits
    bn_copy(f, m, n);
    bn_copy(g, a, n);
    bn_copy(modulus, m, n);
    for (unsigned bits = 3; bits < 64; bits *= 2)
        negative_inverse *= 2 - m[0] * negative_inverse;
    negative_inverse = -negative_inverse;

    for (int64_t eta = -1; !bn_is_zero(g, wide);) {
        matrix t;
        uint64_t next[WIDE];
        eta = divsteps(&t, eta, f[0], g[0]);
        combine(next, t.u, f, t.v, g, 0, modulus, wide);
        combine(g, t.q, f, t.r, g, 0, modulus, wide);
        bn_copy(f, next, wide);
        // Multiples of m that make d and e divisible by 2^62, as signed 62-bit numbers; d and e
        // grow by less than m a round.
        const uint64_t md = ((uint64_t)t.u * d[0] + (uint64_t)t.v * e[0]) * negative_inverse;
        const uint64_t me = ((uint64_t)t.q * d[0] + (uint64_t)t.r * e[0]) * negative_inverse;
        combine(next, t.u, d, t.v, e, (int64_t)(md << 2) >> 2, modulus, wide);
        combine(e, t.q, d, t.r, e, (int64_t)(me << 2) >> 2, modulus, wide);
        bn_copy(d, next, wide);
    }
    if ((int64_t)f[wide - 1] < 0) {
        negate(f, wide);
        negate(d, wide);
    }
    if (!is_one(f, wide))
        return false;
    const bool negative = (int64_t)d[wide - 1] < 0;
    if (negative)
        negate(d, wide);
    bn_mod(d, d, wide, m, n); // not zero: d a = 1
    if (negative)
        bn_sub(d, m, d, n);
    bn_copy(out, d, n);
    return true;
}

bool bn_inverse_mod(uint64_t *out, const uint64_t *a, const uint64_t *m, unsigned n)
{
    ZK_VERIFY(n <= BN_MAX_LIMBS && bn_compare(a, m, n) < 0);
    if ((m[0] & 1) != 0)
        return !is_one(m, n) && inverse_odd(out, a, m, n);
    if ((a[0] & 1) == 0)
        return false;
    // m even, a odd. With b = 1 / m mod a, 1 - m b is a multiple of a: x = (1 - m b) / a mod m,
    // that is m - (m b - 1) / a.
    uint64_t reduced[BN_MAX_LIMBS], b[BN_MAX_LIMBS] = {0};
    uint64_t product[2 * BN_MAX_LIMBS], q[2 * BN_MAX_LIMBS] = {0}, r[BN_MAX_LIMBS];
    uint64_t work[3 * BN_MAX_LIMBS + 2];
    if (is_one(a, n)) {
        bn_copy(out, a, n);
        return true;
    }
    bn_mod(reduced, m, n, a, n);
    if (!inverse_odd(b, reduced, a, n))
        return false;
    bn_mul(product, m, n, b, n);
    for (unsigned i = 0; product[i]-- == 0; i++) // b >= 1 and m >= 2: no borrow out
        ;
    const uint64_t na = bn_length(a, n);
    bn_divide(q, r, product, 2 * n, a, na, work);
    bn_sub(out, m, q, n);
    return true;
}
