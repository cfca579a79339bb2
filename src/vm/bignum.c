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

// u := u / 2^k odd, and x := x / 2^k mod the odd m.
static void make_odd(uint64_t *u, uint64_t *x, const uint64_t *m, unsigned n)
{
    while ((u[0] & 1) == 0) {
        shift_right(u, u, n, 1);
        const uint64_t carry = (x[0] & 1) != 0 ? bn_add(x, x, m, n) : 0;
        shift_right(x, x, n, 1);
        x[n - 1] |= carry << 63;
    }
}

// Binary Euclid for an odd m: x1 a = u and x2 a = v modulo m; u and v shrink to their gcd.
static bool inverse_odd(uint64_t *out, const uint64_t *a, const uint64_t *m, unsigned n)
{
    uint64_t u[BN_MAX_LIMBS], v[BN_MAX_LIMBS];
    uint64_t x1[BN_MAX_LIMBS] = {1}, x2[BN_MAX_LIMBS] = {0};
    if (bn_is_zero(a, n))
        return false;
    bn_copy(u, a, n);
    bn_copy(v, m, n);
    make_odd(u, x1, m, n);
    for (int order = bn_compare(u, v, n); order != 0; order = bn_compare(u, v, n)) {
        if (order < 0) {
            bn_sub(v, v, u, n);
            bn_sub_mod(x2, x2, x1, m, n);
            make_odd(v, x2, m, n);
        } else {
            bn_sub(u, u, v, n);
            bn_sub_mod(x1, x1, x2, m, n);
            make_odd(u, x1, m, n);
        }
    }
    if (!is_one(u, n))
        return false;
    bn_copy(out, x1, n);
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
