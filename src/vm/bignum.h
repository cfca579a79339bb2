// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Numbers of n 64-bit limbs, least significant first, for the precompiles and the hint functions.
//
// Plain and exact; variable time. Pointers may alias where a comment does not forbid it. Modular
// functions take n <= BN_MAX_LIMBS; addition to division take any n >= 1.
#include <stdbool.h>
#include <stdint.h>

enum { BN_MAX_LIMBS = 6 }; // 384 bits

bool bn_is_zero(const uint64_t *a, uint64_t n);

// -1, 0 or 1 for a < b, a == b, a > b.
int bn_compare(const uint64_t *a, const uint64_t *b, uint64_t n);

void bn_copy(uint64_t *out, const uint64_t *a, uint64_t n);

// Number of limbs without the zero ones at the top; 0 for zero.
uint64_t bn_length(const uint64_t *a, uint64_t n);

// out = a + b modulo 2^(64 n); returns the carry.
uint64_t bn_add(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t n);

// out = a - b modulo 2^(64 n); returns the borrow.
uint64_t bn_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, uint64_t n);

// out[0 .. na + nb - 1] = a b. out overlaps neither.
void bn_mul(uint64_t *out, const uint64_t *a, uint64_t na, const uint64_t *b, uint64_t nb);

// Schoolbook division (Knuth, TAOCP 2, 4.3.1 D): a = q b + r with r < b.
// b[nb - 1] != 0. q: na - nb + 1 limbs, or NULL when not wanted; r: nb limbs; na >= nb.
// work: na + nb + 1 limbs. None of q, r, work overlaps another operand.
void bn_divide(uint64_t *q, uint64_t *r, const uint64_t *a, uint64_t na, const uint64_t *b,
               uint64_t nb, uint64_t *work);

// out[n] = a mod m for na <= 2 n + 1 limbs of a; m != 0.
void bn_mod(uint64_t *out, const uint64_t *a, uint64_t na, const uint64_t *m, unsigned n);

// out = (a b + c) mod m, any a, b, c; m != 0. c may be NULL for 0.
void bn_mul_add_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                    const uint64_t *m, unsigned n);

// Operands and results below m.
void bn_add_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, unsigned n);
void bn_sub_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, unsigned n);
void bn_mul_mod(uint64_t *out, const uint64_t *a, const uint64_t *b, const uint64_t *m, unsigned n);

// out = a^e mod m; e has n limbs.
void bn_power_mod(uint64_t *out, const uint64_t *a, const uint64_t *e, const uint64_t *m,
                  unsigned n);

// out = 1 / a mod m with a < m, any m > 1, even ones too. False, and out untouched, when
// gcd(a, m) != 1 (so for a = 0).
bool bn_inverse_mod(uint64_t *out, const uint64_t *a, const uint64_t *m, unsigned n);
