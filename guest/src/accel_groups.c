// SPDX-License-Identifier: Apache-2.0 OR MIT
// The group operations of bn254 (EIP-196) and of G1 of BLS12-381 (EIP-2537): big-endian
// coordinates, infinity is all zeros, coordinates at or above p and points off the curve fail.
#include "zkvm_accelerators.h"

#include "curves.h"

static bool read_point(ec_point *p, const uint8_t *bytes, const ec_curve *c)
{
    limbs_from_be(p->xy, bytes, c->n);
    limbs_from_be(p->xy + c->n, bytes + 8 * c->n, c->n);
    p->infinite = limbs_is_zero(p->xy, 2 * c->n); // (0, 0) is on none of the curves
    return ec_is_on_curve(p, c);
}

static void write_point(uint8_t *bytes, const ec_point *p, const ec_curve *c)
{
    static const uint64_t zero[LIMBS_384];
    limbs_to_be(bytes, p->infinite ? zero : p->xy, c->n);
    limbs_to_be(bytes + 8 * c->n, p->infinite ? zero : p->xy + c->n, c->n);
}

static zkvm_status add(uint8_t *out, const uint8_t *a, const uint8_t *b, const ec_curve *c)
{
    ec_point p, q;
    if (!read_point(&p, a, c) || !read_point(&q, b, c))
        return ZKVM_EFAIL;
    ec_add(&p, &p, &q, c);
    write_point(out, &p, c);
    return ZKVM_EOK;
}

zkvm_status zkvm_bn254_g1_add(const zkvm_bn254_g1_point *p1, const zkvm_bn254_g1_point *p2,
                              zkvm_bn254_g1_point *result)
{
    return add(result->data, p1->data, p2->data, &ec_bn254);
}

zkvm_status zkvm_bn254_g1_mul(const zkvm_bn254_g1_point *point, const zkvm_bn254_scalar *scalar,
                              zkvm_bn254_g1_point *result)
{
    ec_point p;
    uint64_t k[LIMBS_256];
    if (!read_point(&p, point->data, &ec_bn254))
        return ZKVM_EFAIL;
    limbs_from_be(k, scalar->data, LIMBS_256);
    ec_mul(&p, k, &p, &ec_bn254);
    write_point(result->data, &p, &ec_bn254);
    return ZKVM_EOK;
}

zkvm_status zkvm_bls12_g1_add(const zkvm_bls12_381_g1_point *p1, const zkvm_bls12_381_g1_point *p2,
                              zkvm_bls12_381_g1_point *result)
{
    return add(result->data, p1->data, p2->data, &ec_bls12_381);
}

zkvm_status zkvm_bls12_g1_msm(const zkvm_bls12_381_g1_msm_pair *pairs, size_t num_pairs,
                              zkvm_bls12_381_g1_point *result)
{
    const ec_curve *c = &ec_bls12_381;
    ec_point sum = {.infinite = true};
    for (size_t i = 0; i < num_pairs; i++) {
        ec_point p, t;
        uint64_t k[LIMBS_256];
        if (!read_point(&p, pairs[i].point.data, c))
            return ZKVM_EFAIL;
        ec_mul(&t, c->order, &p, c);
        if (!t.infinite) // outside the subgroup
            return ZKVM_EFAIL;
        limbs_from_be(k, pairs[i].scalar.data, LIMBS_256);
        ec_mul(&t, k, &p, c);
        ec_add(&sum, &sum, &t, c);
    }
    write_point(result->data, &sum, c);
    return ZKVM_EOK;
}
