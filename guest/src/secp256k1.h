// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The curve secp256k1 (SEC 2, 2.4.1): y^2 = x^3 + 7 over F_p, p = 2^256 - 0x1000003d1, of prime
// order n. What ECDSA needs of it, in plain RV64IM; see accel_ecdsa.c for the signatures.
#include <stdbool.h>
#include <stdint.h>

// An affine point; never infinity.
typedef struct k1_point {
    uint64_t x[4];
    uint64_t y[4];
} k1_point;

extern const uint64_t k1_p[4];
extern const uint64_t k1_n[4];
extern const k1_point k1_g;

// x, y < p and the equation of the curve.
bool k1_is_on_curve(const k1_point *p);

// *out = u1 G + u2 q; false when that is infinity. u1, u2 < n, q on the curve.
bool k1_double_mul(k1_point *out, const uint64_t u1[4], const uint64_t u2[4], const k1_point *q);

// The point with this x (< p) and a y of this parity; false when there is none.
bool k1_lift_x(k1_point *out, const uint64_t x[4], bool odd);

// out = a b mod n, for a, b < 2^256; out may be a or b.
void k1_scalar_mul(uint64_t out[4], const uint64_t a[4], const uint64_t b[4]);

// out = 1 / a mod n, for 0 < a < n; out may be a.
void k1_scalar_inverse(uint64_t out[4], const uint64_t a[4]);
