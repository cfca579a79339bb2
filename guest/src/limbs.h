// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Numbers as little-endian arrays of 64-bit limbs, for the accelerators. Variable time throughout:
// a guest has no secrets from the prover that runs it.
#include <stdbool.h>
#include <stdint.h>

enum { LIMBS_256 = 4, LIMBS_384 = 6 };

static inline bool limbs_is_zero(const uint64_t *a, unsigned n)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < n; i++)
        any |= a[i];
    return any == 0;
}

static inline bool limbs_equal(const uint64_t *a, const uint64_t *b, unsigned n)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < n; i++)
        any |= a[i] ^ b[i];
    return any == 0;
}

// a < b.
static inline bool limbs_less(const uint64_t *a, const uint64_t *b, unsigned n)
{
    for (unsigned i = n; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

// out = a + b; returns the carry. out may be a or b.
static inline uint64_t limbs_add(uint64_t *out, const uint64_t *a, const uint64_t *b, unsigned n)
{
    uint64_t carry = 0;
#pragma GCC unroll 6
    for (unsigned i = 0; i < n; i++) {
        const uint64_t t = a[i] + carry;
        const uint64_t s = t + b[i];
        carry = (t < carry) | (s < t);
        out[i] = s;
    }
    return carry;
}

// out = a - b; returns the borrow. out may be a or b.
static inline uint64_t limbs_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, unsigned n)
{
    uint64_t borrow = 0;
#pragma GCC unroll 6
    for (unsigned i = 0; i < n; i++) {
        const uint64_t x = a[i], y = b[i];
        const uint64_t d = x - y;
        out[i] = d - borrow;
        borrow = (x < y) | (d < borrow);
    }
    return borrow;
}

// a = (top : a) / 2 where top is the bit above.
static inline void limbs_halve(uint64_t *a, uint64_t top, unsigned n)
{
    for (unsigned i = 0; i + 1 < n; i++)
        a[i] = a[i] >> 1 | a[i + 1] << 63;
    a[n - 1] = a[n - 1] >> 1 | top << 63;
}

static inline unsigned limbs_bit(const uint64_t *a, unsigned i)
{
    return (unsigned)(a[i / 64] >> (i % 64)) & 1;
}

// out[2n] = a * b. out is neither.
static inline void limbs_mul(uint64_t *out, const uint64_t *a, const uint64_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = 0;
    for (unsigned i = 0; i < n; i++) {
        uint64_t carry = 0;
        for (unsigned j = 0; j < n; j++) {
            const unsigned __int128 t = (unsigned __int128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + n] = carry;
    }
}

// Big-endian bytes (8 n of them) from and to limbs.
static inline void limbs_from_be(uint64_t *out, const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *p = bytes + 8 * (n - 1 - i);
        uint64_t x = 0;
        for (unsigned k = 0; k < 8; k++)
            x = x << 8 | p[k];
        out[i] = x;
    }
}

static inline void limbs_to_be(uint8_t *bytes, const uint64_t *a, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < 8; k++)
            bytes[8 * (n - 1 - i) + k] = (uint8_t)(a[i] >> (56 - 8 * k));
}

// out = 1 / a mod m for odd m, 0 < a < m, gcd(a, m) = 1; n <= LIMBS_384. Binary Euclid:
// x1 a = u and x2 a = v modulo m are kept, while u and v shrink to 1.
void limbs_inverse(uint64_t *out, const uint64_t *a, const uint64_t *m, unsigned n);
