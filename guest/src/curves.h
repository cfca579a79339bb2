// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Short Weierstrass curves y^2 = x^3 + a x + b of 4 or 6 limbs with the affine group law. With
// precompiles an addition is one call; in plain C it needs an inversion, some 60 000 instructions,
// so a multiplication takes tens of millions. (secp256k1 has a faster plain form: secp256k1.c.)
#include "limbs.h"

typedef struct ec_curve {
    unsigned n; // limbs
    uint64_t p[LIMBS_384], a[LIMBS_384], b[LIMBS_384];
    uint64_t order[LIMBS_256]; // of the subgroup in use, prime
    // p1 := p1 + p2 for different x, p := p + p for y != 0; NULL in plain C.
    void (*add)(uint64_t *p1, const uint64_t *p2);
    void (*twice)(uint64_t *p);
} ec_curve;

typedef struct ec_point {
    bool infinite;
    uint64_t xy[2 * LIMBS_384]; // x in n limbs, then y
} ec_point;

extern const ec_curve ec_secp256k1, ec_secp256r1, ec_bn254, ec_bls12_381;

// d = (a b + c) mod m, any operands of n limbs; m != 0.
void mul_add_mod(uint64_t *d, const uint64_t *a, const uint64_t *b, const uint64_t *c,
                 const uint64_t *m, unsigned n);

// out = 1 / a mod m for 4 limbs, m prime, 0 < a < m.
void inverse_mod_256(uint64_t *out, const uint64_t *a, const uint64_t *m);

// Coordinates below p and the equation of the curve. Infinity is on it.
bool ec_is_on_curve(const ec_point *p, const ec_curve *c);

// Complete: equal and opposite points and infinity too. out may be p; both on the curve.
void ec_add(ec_point *out, const ec_point *p, const ec_point *q, const ec_curve *c);

// out = k p, and k1 p1 + k2 p2, for scalars of 4 limbs.
void ec_mul(ec_point *out, const uint64_t *k, const ec_point *p, const ec_curve *c);
void ec_double_mul(ec_point *out, const uint64_t *k1, const ec_point *p1, const uint64_t *k2,
                   const ec_point *p2, const ec_curve *c);
