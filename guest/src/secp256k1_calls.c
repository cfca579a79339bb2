// SPDX-License-Identifier: Apache-2.0 OR MIT
// secp256k1.h over the machine's precompiles.
#include "secp256k1.h"

#if ZISK_PRECOMPILES // else secp256k1.c

#include <stdlib.h>
#include <string.h>

#include "curves.h"
#include "zisk_precompiles.h"

const uint64_t k1_p[4] = {0xfffffffefffffc2f, ~0ULL, ~0ULL, ~0ULL};
const uint64_t k1_n[4] = {0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, ~0ULL};
const k1_point k1_g = {
    {0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac},
    {0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465},
};

static const uint64_t zero[4];

static ec_point point_from(const k1_point *p)
{
    ec_point out = {.infinite = false};
    memcpy(out.xy, p, sizeof *p);
    return out;
}

bool k1_is_on_curve(const k1_point *p)
{
    const ec_point e = point_from(p);
    return ec_is_on_curve(&e, &ec_secp256k1);
}

bool k1_double_mul(k1_point *out, const uint64_t u1[4], const uint64_t u2[4], const k1_point *q)
{
    const ec_point g = point_from(&k1_g), e = point_from(q);
    ec_point sum;
    ec_double_mul(&sum, u1, &g, u2, &e, &ec_secp256k1);
    memcpy(out, sum.xy, sizeof *out);
    return !sum.infinite;
}

// The prover proposes a root of t = x^3 + 7, or of 3 t to show that t has none: 3 is no square
// modulo p.
bool k1_lift_x(k1_point *out, const uint64_t x[4], bool odd)
{
    static const uint64_t seven[4] = {7}, three[4] = {3};
    uint64_t t[4], root[4], square[4];
    mul_add_mod(t, x, x, zero, k1_p, 4);
    mul_add_mod(t, t, x, seven, k1_p, 4);
    ZISK_HINT_WORDS(2, t);
    ZISK_HINT_WORD((uint64_t)odd);
    ZISK_HINT_CALL(3);
    const bool found = zisk_hint_result() == 1;
    for (unsigned i = 0; i < 4; i++)
        root[i] = zisk_hint_result();
    if (!found)
        mul_add_mod(t, t, three, zero, k1_p, 4);
    mul_add_mod(square, root, root, zero, k1_p, 4);
    if (!limbs_equal(square, t, 4) || !limbs_less(root, k1_p, 4))
        abort();
    if (!found)
        return false;
    if ((root[0] & 1) != odd) // the advice may be the other root
        limbs_sub(root, k1_p, root, 4);
    memcpy(out->x, x, sizeof out->x);
    memcpy(out->y, root, sizeof out->y);
    return true;
}

void k1_scalar_mul(uint64_t out[4], const uint64_t a[4], const uint64_t b[4])
{
    mul_add_mod(out, a, b, zero, k1_n, 4);
}

void k1_scalar_inverse(uint64_t out[4], const uint64_t a[4])
{
    inverse_mod_256(out, a, k1_n);
}

#endif
