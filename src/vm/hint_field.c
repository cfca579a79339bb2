// SPDX-License-Identifier: Apache-2.0 OR MIT
// Hint functions on field elements and curve points. Elements of F_p^2 are re, im; points x, y.
#include "vm/bignum.h"
#include "vm/curve.h"
#include "vm/hint_impl.h"

typedef struct element {
    uint64_t l[2 * CURVE_MAX_LIMBS];
} element;

static const uint64_t one[2 * CURVE_MAX_LIMBS] = {1};

// (p + 1) / 4, (p - 3) / 4, (p - 1) / 2 of p = 3 mod 4, by dividing p.
static void shifted(uint64_t *out, const prime_field *f, unsigned bits)
{
    for (unsigned i = 0; i < f->n; i++)
        out[i] = f->p[i] >> bits | (i + 1 < f->n ? f->p[i + 1] << (64 - bits) : 0);
}

// [x] -> [1 / x].
static status inverse(word_list *results, const uint64_t *params, uint64_t n_params,
                      const prime_field *f)
{
    element x;
    TRY(hint_expect(n_params, f->n, f->name));
    bn_mod(x.l, params, f->n, f->p, f->n);
    FAIL_IF(!bn_inverse_mod(x.l, x.l, f->p, f->n), ZK_EGUEST, "hint: inverse of 0 in %s", f->name);
    return hint_push_words(results, x.l, f->n);
}

static status inverse_fp2(word_list *results, const uint64_t *params, uint64_t n_params,
                          const prime_field *f)
{
    element x;
    TRY(hint_expect(n_params, 2 * f->n, f->name));
    fp2_reduce(x.l, params, f);
    FAIL_IF(!fp2_inverse(x.l, x.l, f), ZK_EGUEST, "hint: inverse of 0 in %s^2", f->name);
    return hint_push_words(results, x.l, 2 * f->n);
}

// *out := x^((p+1)/4), a square root of x if there is one. x < p.
static bool square_root(element *out, const element *x, const prime_field *f)
{
    element exponent = {{0}}, square;
    shifted(exponent.l, f, 2); // p = 3 mod 4: (p + 1) / 4 is the quotient plus one
    bn_add(exponent.l, exponent.l, one, f->n);
    bn_power_mod(out->l, x->l, exponent.l, f->p, f->n);
    bn_mul_mod(square.l, out->l, out->l, f->p, f->n);
    return bn_compare(square.l, x->l, f->n) == 0;
}

// *out := a root of x, or of `non_residue` times x; returns whether it is of x.
static bool root_or_twist(element *out, const element *x, uint64_t non_residue,
                          const prime_field *f)
{
    if (square_root(out, x, f))
        return true;
    const element factor = {{non_residue}};
    element y;
    bn_mul_mod(y.l, x->l, factor.l, f->p, f->n);
    square_root(out, &y, f);
    return false;
}

status hint_secp256k1_fp_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    return inverse(results, params, n_params, &field_secp256k1);
}

status hint_secp256k1_fn_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    return inverse(results, params, n_params, &field_secp256k1_order);
}

// [x4, parity] -> [1, root of that parity], or [0, a root of 3 x] when x is no square.
status hint_secp256k1_fp_sqrt(word_list *results, const uint64_t *params, uint64_t n_params)
{
    const prime_field *f = &field_secp256k1;
    element x, root;
    TRY(hint_expect(n_params, 5, "secp256k1_fp_sqrt"));
    bn_mod(x.l, params, 4, f->p, 4);
    const bool found = root_or_twist(&root, &x, 3, f);
    if (found && (root.l[0] & 1) != (params[4] & 1) && !bn_is_zero(root.l, 4))
        bn_sub(root.l, f->p, root.l, 4);
    TRY(word_list_push(results, found));
    return hint_push_words(results, root.l, 4);
}

// ---- u1 G + u2 Q for ECDSA ----

// An affine point or infinity.
typedef struct point {
    bool infinite;
    element at;
} point;

static status point_add(point *sum, const point *p, const point *q, const curve *c)
{
    const unsigned n = c->field->n;
    if (p->infinite || q->infinite) {
        *sum = p->infinite ? *q : *p;
        return ZK_OK;
    }
    sum->infinite = false;
    if (bn_compare(p->at.l, q->at.l, n) != 0)
        return curve_add(sum->at.l, p->at.l, q->at.l, c);
    if (bn_compare(p->at.l + n, q->at.l + n, n) == 0 && !bn_is_zero(p->at.l + n, n))
        return curve_double(sum->at.l, p->at.l, c);
    sum->infinite = true;
    return ZK_OK;
}

// [key8, z4, r4, s4] -> [x4, y4] of (z / s) G + (r / s) key, zeros for infinity.
static status ecdsa(word_list *results, const uint64_t *params, uint64_t n_params, const curve *c,
                    const prime_field *order, const uint64_t generator[8])
{
    const uint64_t *n = order->p;
    uint64_t s[4], u[2][4];
    point base[3] = {0}, sum = {.infinite = true}; // G, Q, G + Q
    TRY(hint_expect(n_params, 20, "ecdsa"));
    bn_mod(s, params + 16, 4, n, 4);
    FAIL_IF(!bn_inverse_mod(s, s, n, 4), ZK_EGUEST, "hint %s ecdsa: s is 0", c->name);
    bn_mul_mod(u[0], params + 8, s, n, 4);
    bn_mul_mod(u[1], params + 12, s, n, 4);
    bn_copy(base[0].at.l, generator, 8);
    fp2_reduce(base[1].at.l, params, c->field);
    TRY(point_add(&base[2], &base[0], &base[1], c));
    for (unsigned i = 256; i-- > 0;) {
        const unsigned bits = (unsigned)(u[0][i / 64] >> (i % 64) & 1) |
                              (unsigned)(u[1][i / 64] >> (i % 64) & 1) << 1;
        TRY(point_add(&sum, &sum, &sum, c));
        if (bits != 0)
            TRY(point_add(&sum, &sum, &base[bits - 1], c));
    }
    if (sum.infinite)
        sum.at = (element){{0}};
    return hint_push_words(results, sum.at.l, 8);
}

// Generators: SEC 2, 2.4.1 and 2.4.2.
status hint_secp256k1_ecdsa(word_list *results, const uint64_t *params, uint64_t n_params)
{
    static const uint64_t generator[8] = {
        0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac,
        0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465};
    return ecdsa(results, params, n_params, &curve_secp256k1, &field_secp256k1_order, generator);
}

status hint_secp256r1_ecdsa(word_list *results, const uint64_t *params, uint64_t n_params)
{
    static const uint64_t generator[8] = {
        0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2, 0x6b17d1f2e12c4247,
        0xcbb6406837bf51f5, 0x2bce33576b315ece, 0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b};
    return ecdsa(results, params, n_params, &curve_secp256r1, &field_secp256r1_order, generator);
}

// ---- bn254 and bls12-381 ----

// lambda and mu of the line y = lambda x + mu through p1 and p2, or the tangent at p1 for p2 NULL,
// on the twist over F_p^2.
static status line(word_list *results, const uint64_t *p1, const uint64_t *p2, const prime_field *f)
{
    const unsigned n = 2 * f->n;
    element x1, y1, x2, y2, up, across;
    fp2_reduce(x1.l, p1, f);
    fp2_reduce(y1.l, p1 + n, f);
    if (p2 != NULL) {
        fp2_reduce(x2.l, p2, f);
        fp2_reduce(y2.l, p2 + n, f);
        fp2_sub(up.l, y2.l, y1.l, f);
        fp2_sub(across.l, x2.l, x1.l, f);
    } else {
        fp2_mul(x2.l, x1.l, x1.l, f);
        fp2_add(up.l, x2.l, x2.l, f);
        fp2_add(up.l, up.l, x2.l, f);
        fp2_add(across.l, y1.l, y1.l, f);
    }
    FAIL_IF(!fp2_inverse(across.l, across.l, f), ZK_EGUEST,
            "hint: the line through these points of the %s twist is vertical", f->name);
    fp2_mul(up.l, up.l, across.l, f);
    fp2_mul(across.l, up.l, x1.l, f);
    fp2_sub(across.l, y1.l, across.l, f);
    TRY(hint_push_words(results, up.l, n));
    return hint_push_words(results, across.l, n);
}

status hint_bn254_fp_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    return inverse(results, params, n_params, &field_bn254);
}

status hint_bn254_fp2_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    return inverse_fp2(results, params, n_params, &field_bn254);
}

status hint_bn254_twist_add_line(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 32, "bn254_twist_add_line"));
    return line(results, params, params + 16, &field_bn254);
}

status hint_bn254_twist_double_line(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 16, "bn254_twist_double_line"));
    return line(results, params, NULL, &field_bn254);
}

status hint_bls12_381_fp_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    return inverse(results, params, n_params, &field_bls12_381);
}

// [x6] -> [1, root], or [0, a root of 2 x] when x is no square.
status hint_bls12_381_fp_sqrt(word_list *results, const uint64_t *params, uint64_t n_params)
{
    const prime_field *f = &field_bls12_381;
    element x, root;
    TRY(hint_expect(n_params, 6, "bls12_381_fp_sqrt"));
    bn_mod(x.l, params, 6, f->p, 6);
    TRY(word_list_push(results, root_or_twist(&root, &x, 2, f)));
    return hint_push_words(results, root.l, 6);
}

status hint_bls12_381_fp2_inverse(word_list *results, const uint64_t *params, uint64_t n_params)
{
    return inverse_fp2(results, params, n_params, &field_bls12_381);
}

static void fp2_power(element *out, const element *a, const element *exponent, const prime_field *f)
{
    element r = {{1}};
    for (unsigned i = 64 * f->n; i-- > 0;) {
        fp2_mul(r.l, r.l, r.l, f);
        if ((exponent->l[i / 64] >> (i % 64) & 1) != 0)
            fp2_mul(r.l, r.l, a->l, f);
    }
    *out = r;
}

// Square root in F_p^2 for p = 3 mod 4 (Adj and Rodriguez-Henriquez, eprint 2012/685, algorithm 9).
static bool square_root_fp2(element *out, const element *a, const prime_field *f)
{
    const unsigned n = f->n;
    element exponent = {{0}}, a1, alpha, x, square;
    element i = {{0}};
    i.l[n] = 1;
    shifted(exponent.l, f, 2); // (p - 3) / 4
    fp2_power(&a1, a, &exponent, f);
    fp2_mul(x.l, a1.l, a->l, f);
    fp2_mul(alpha.l, a1.l, x.l, f);
    bn_add_mod(alpha.l, alpha.l, one, f->p, n); // alpha + 1
    if (fp2_is_zero(alpha.l, f)) {
        fp2_mul(x.l, x.l, i.l, f);
    } else {
        shifted(exponent.l, f, 1); // (p - 1) / 2
        fp2_power(&alpha, &alpha, &exponent, f);
        fp2_mul(x.l, x.l, alpha.l, f);
    }
    *out = x;
    fp2_mul(square.l, x.l, x.l, f);
    return bn_compare(square.l, a->l, 2 * n) == 0;
}

// [x12] -> [1, root], or [0, a root of (1 + i) x] when x is no square.
status hint_bls12_381_fp2_sqrt(word_list *results, const uint64_t *params, uint64_t n_params)
{
    const prime_field *f = &field_bls12_381;
    element x, root;
    TRY(hint_expect(n_params, 12, "bls12_381_fp2_sqrt"));
    fp2_reduce(x.l, params, f);
    const bool found = square_root_fp2(&root, &x, f);
    if (!found) {
        element non_residue = {{1}};
        non_residue.l[f->n] = 1;
        fp2_mul(x.l, x.l, non_residue.l, f);
        square_root_fp2(&root, &x, f);
    }
    TRY(word_list_push(results, found));
    return hint_push_words(results, root.l, 12);
}

status hint_bls12_381_twist_add_line(word_list *results, const uint64_t *params, uint64_t n_params)
{
    TRY(hint_expect(n_params, 48, "bls12_381_twist_add_line"));
    return line(results, params, params + 24, &field_bls12_381);
}

status hint_bls12_381_twist_double_line(word_list *results, const uint64_t *params,
                                        uint64_t n_params)
{
    TRY(hint_expect(n_params, 24, "bls12_381_twist_double_line"));
    return line(results, params, NULL, &field_bls12_381);
}
