// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The fields and curves of the precompiles: affine group law on y^2 = x^3 + a x + b over F_p, and
// the quadratic extensions F_p[i] with i^2 = -1, on numbers of 4 or 6 limbs.
//
// The group law is the textbook's (chord and tangent); b never enters it, and points are not
// checked to lie on the curve. Inputs are taken modulo p; results are canonical.
#include "base/status.h"

#include <stdint.h>

enum { CURVE_MAX_LIMBS = 6 };

typedef struct prime_field {
    const char *name;
    unsigned n; // limbs
    uint64_t p[CURVE_MAX_LIMBS];
} prime_field;

typedef struct curve {
    const char *name;
    const prime_field *field;
    uint64_t a[CURVE_MAX_LIMBS];
} curve;

extern const prime_field field_secp256k1, field_secp256k1_order;
extern const prime_field field_secp256r1, field_secp256r1_order;
extern const prime_field field_bn254, field_bls12_381;
extern const curve curve_secp256k1, curve_secp256r1, curve_bn254, curve_bls12_381;

// Points are x[n], y[n]. out may alias the operands. ZK_EGUEST when the x are equal (addition) or
// y is zero (doubling): the slope is not defined, and a proof could not pin the result.
MUST_CHECK status curve_add(uint64_t *out, const uint64_t *p1, const uint64_t *p2, const curve *c);
MUST_CHECK status curve_double(uint64_t *out, const uint64_t *p, const curve *c);

// Elements of F_p[i] are re[n], im[n]. out may alias. Operands of the functions below < p in each
// part, but for fp2_reduce, which makes them so.
void fp2_reduce(uint64_t *out, const uint64_t *a, const prime_field *f);
void fp2_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const prime_field *f);
void fp2_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, const prime_field *f);
void fp2_mul(uint64_t *out, const uint64_t *a, const uint64_t *b, const prime_field *f);
bool fp2_is_zero(const uint64_t *a, const prime_field *f);
// False for zero.
bool fp2_inverse(uint64_t *out, const uint64_t *a, const prime_field *f);
