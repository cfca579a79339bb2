// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/curve.h"

#include "vm/bignum.h"

// 2^256 - 2^32 - 977 (SEC 2, 2.4.1).
const prime_field field_secp256k1 = {
    "secp256k1 Fp",
    4,
    {0xfffffffefffffc2f, 0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff}};
// SEC 2, 2.4.1.
const prime_field field_secp256k1_order = {
    "secp256k1 Fn",
    4,
    {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}};
// 2^256 - 2^224 + 2^192 + 2^96 - 1 (SEC 2, 2.4.2).
const prime_field field_secp256r1 = {
    "secp256r1 Fp",
    4,
    {0xffffffffffffffff, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001}};
// SEC 2, 2.4.2.
const prime_field field_secp256r1_order = {
    "secp256r1 Fn",
    4,
    {0xf3b9cac2fc632551, 0xbce6faada7179e84, 0xffffffffffffffff, 0xffffffff00000000}};
// EIP-196.
const prime_field field_bn254 = {
    "bn254 Fp",
    4,
    {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}};
// EIP-2537.
const prime_field field_bls12_381 = {"bls12-381 Fp",
                                     6,
                                     {0xb9feffffffffaaab, 0x1eabfffeb153ffff, 0x6730d2a0f6b0f624,
                                      0x64774b84f38512bf, 0x4b1ba7b6434bacd7, 0x1a0111ea397fe69a}};

const curve curve_secp256k1 = {"secp256k1", &field_secp256k1, {0}};
const curve curve_secp256r1 = {
    "secp256r1",
    &field_secp256r1,
    {0xfffffffffffffffc, 0x00000000ffffffff, 0x0000000000000000, 0xffffffff00000001}};
const curve curve_bn254 = {"bn254", &field_bn254, {0}};
const curve curve_bls12_381 = {"bls12-381", &field_bls12_381, {0}};

// out = slope^2 - x1 - x2, slope (x1 - out) - y1.
static void chord(uint64_t *out, const uint64_t *slope, const uint64_t *p1, const uint64_t *x2,
                  const prime_field *f)
{
    const unsigned n = f->n;
    uint64_t x[CURVE_MAX_LIMBS], y[CURVE_MAX_LIMBS];
    bn_mul_mod(x, slope, slope, f->p, n);
    bn_sub_mod(x, x, p1, f->p, n);
    bn_sub_mod(x, x, x2, f->p, n);
    bn_sub_mod(y, p1, x, f->p, n);
    bn_mul_mod(y, y, slope, f->p, n);
    bn_sub_mod(y, y, p1 + n, f->p, n);
    bn_copy(out, x, n);
    bn_copy(out + n, y, n);
}

status curve_add(uint64_t *out, const uint64_t *p1, const uint64_t *p2, const curve *c)
{
    const prime_field *f = c->field;
    const unsigned n = f->n;
    uint64_t a[2 * CURVE_MAX_LIMBS], b[2 * CURVE_MAX_LIMBS];
    uint64_t dx[CURVE_MAX_LIMBS], slope[CURVE_MAX_LIMBS];
    fp2_reduce(a, p1, f);
    fp2_reduce(b, p2, f);
    bn_sub_mod(dx, b, a, f->p, n);
    FAIL_IF(!bn_inverse_mod(dx, dx, f->p, n), ZK_EGUEST,
            "%s addition of two points with the same x: double the point, or handle infinity, "
            "before the call",
            c->name);
    bn_sub_mod(slope, b + n, a + n, f->p, n);
    bn_mul_mod(slope, slope, dx, f->p, n);
    chord(out, slope, a, b, f);
    return ZK_OK;
}

status curve_double(uint64_t *out, const uint64_t *p, const curve *c)
{
    const prime_field *f = c->field;
    const unsigned n = f->n;
    uint64_t a[2 * CURVE_MAX_LIMBS], y2[CURVE_MAX_LIMBS];
    uint64_t slope[CURVE_MAX_LIMBS], three[CURVE_MAX_LIMBS] = {3};
    fp2_reduce(a, p, f);
    bn_add_mod(y2, a + n, a + n, f->p, n);
    FAIL_IF(!bn_inverse_mod(y2, y2, f->p, n), ZK_EGUEST,
            "%s doubling of a point with y = 0: the result is infinity", c->name);
    bn_mul_mod(slope, a, a, f->p, n);
    bn_mul_add_mod(slope, slope, three, c->a, f->p, n);
    bn_mul_mod(slope, slope, y2, f->p, n);
    chord(out, slope, a, a, f);
    return ZK_OK;
}

void fp2_reduce(uint64_t *out, const uint64_t *a, const prime_field *f)
{
    bn_mod(out, a, f->n, f->p, f->n);
    bn_mod(out + f->n, a + f->n, f->n, f->p, f->n);
}

void fp2_add(uint64_t *out, const uint64_t *a, const uint64_t *b, const prime_field *f)
{
    bn_add_mod(out, a, b, f->p, f->n);
    bn_add_mod(out + f->n, a + f->n, b + f->n, f->p, f->n);
}

void fp2_sub(uint64_t *out, const uint64_t *a, const uint64_t *b, const prime_field *f)
{
    bn_sub_mod(out, a, b, f->p, f->n);
    bn_sub_mod(out + f->n, a + f->n, b + f->n, f->p, f->n);
}

void fp2_mul(uint64_t *out, const uint64_t *a, const uint64_t *b, const prime_field *f)
{
    const unsigned n = f->n;
    uint64_t re[CURVE_MAX_LIMBS], im[CURVE_MAX_LIMBS], t[CURVE_MAX_LIMBS];
    bn_mul_mod(re, a, b, f->p, n);
    bn_mul_mod(t, a + n, b + n, f->p, n);
    bn_sub_mod(re, re, t, f->p, n);
    bn_mul_mod(im, a, b + n, f->p, n);
    bn_mul_add_mod(im, a + n, b, im, f->p, n);
    bn_copy(out, re, n);
    bn_copy(out + n, im, n);
}

bool fp2_is_zero(const uint64_t *a, const prime_field *f)
{
    return bn_is_zero(a, 2 * f->n);
}

// 1 / (x + y i) = (x - y i) / (x^2 + y^2); p = 3 mod 4, so the norm is zero for zero only.
bool fp2_inverse(uint64_t *out, const uint64_t *a, const prime_field *f)
{
    const unsigned n = f->n;
    uint64_t norm[CURVE_MAX_LIMBS], zero[CURVE_MAX_LIMBS] = {0}, y[CURVE_MAX_LIMBS];
    bn_mul_mod(norm, a, a, f->p, n);
    bn_mul_add_mod(norm, a + n, a + n, norm, f->p, n);
    if (!bn_inverse_mod(norm, norm, f->p, n))
        return false;
    bn_sub_mod(y, zero, a + n, f->p, n);
    bn_mul_mod(out, a, norm, f->p, n);
    bn_mul_mod(out + n, y, norm, f->p, n);
    return true;
}
