// SPDX-License-Identifier: Apache-2.0 OR MIT
// ECDSA over secp256k1 and secp256r1 (SEC 1, 4.1.4 and 4.1.6).
#include "zkvm_accelerators.h"

#include <string.h>

#include "curves.h"
#include "limbs.h"
#include "secp256k1.h"

// r and s, both in [1, n).
static bool read_signature(uint64_t r[4], uint64_t s[4], const zkvm_bytes_64 *sig,
                           const uint64_t n[4])
{
    limbs_from_be(r, sig->data, 4);
    limbs_from_be(s, sig->data + 32, 4);
    return !limbs_is_zero(r, 4) && !limbs_is_zero(s, 4) && limbs_less(r, n, 4) &&
           limbs_less(s, n, 4);
}

// The hash as a number modulo n; 2^256 < 2 n, so one subtraction is enough.
static void read_hash(uint64_t z[4], const zkvm_bytes_32 *msg, const uint64_t n[4])
{
    limbs_from_be(z, msg->data, 4);
    if (!limbs_less(z, n, 4))
        limbs_sub(z, z, n, 4);
}

// The x of a point, as a number modulo n (p < 2 n), is r.
static bool has_x(const uint64_t x[4], const uint64_t r[4], const uint64_t n[4])
{
    uint64_t reduced[4];
    memcpy(reduced, x, sizeof reduced);
    if (!limbs_less(reduced, n, 4))
        limbs_sub(reduced, reduced, n, 4);
    return limbs_equal(reduced, r, 4);
}

zkvm_status zkvm_secp256k1_verify(const zkvm_secp256k1_hash *msg,
                                  const zkvm_secp256k1_signature *sig,
                                  const zkvm_secp256k1_pubkey *pubkey, bool *verified)
{
    uint64_t r[4], s[4], z[4], u1[4], u2[4];
    k1_point key, sum;
    *verified = false;
    limbs_from_be(key.x, pubkey->data, 4);
    limbs_from_be(key.y, pubkey->data + 32, 4);
    if (!k1_is_on_curve(&key))
        return ZKVM_EFAIL;
    if (!read_signature(r, s, sig, k1_n))
        return ZKVM_EOK;
    read_hash(z, msg, k1_n);
    k1_scalar_inverse(s, s);
    k1_scalar_mul(u1, z, s);
    k1_scalar_mul(u2, r, s);
    *verified = k1_double_mul(&sum, u1, u2, &key) && has_x(sum.x, r, k1_n);
    return ZKVM_EOK;
}

zkvm_status zkvm_secp256r1_verify(const zkvm_secp256r1_hash *msg,
                                  const zkvm_secp256r1_signature *sig,
                                  const zkvm_secp256r1_pubkey *pubkey, bool *verified)
{
    static const uint64_t zero[4];
    static const ec_point g = {.xy = {0xf4a13945d898c296, 0x77037d812deb33a0, 0xf8bce6e563a440f2,
                                      0x6b17d1f2e12c4247, 0xcbb6406837bf51f5, 0x2bce33576b315ece,
                                      0x8ee7eb4a7c0f9e16, 0x4fe342e2fe1a7f9b}};
    const ec_curve *c = &ec_secp256r1;
    uint64_t r[4], s[4], z[4], u1[4], u2[4];
    ec_point key = {.infinite = false}, sum;
    *verified = false;
    limbs_from_be(key.xy, pubkey->data, 4);
    limbs_from_be(key.xy + 4, pubkey->data + 32, 4);
    if (!ec_is_on_curve(&key, c))
        return ZKVM_EFAIL;
    if (!read_signature(r, s, sig, c->order))
        return ZKVM_EOK;
    read_hash(z, msg, c->order);
    inverse_mod_256(s, s, c->order);
    mul_add_mod(u1, z, s, zero, c->order, 4);
    mul_add_mod(u2, r, s, zero, c->order, 4);
    ec_double_mul(&sum, u1, &g, u2, &key, c);
    *verified = !sum.infinite && has_x(sum.xy, r, c->order);
    return ZKVM_EOK;
}

zkvm_status zkvm_secp256k1_ecrecover(const zkvm_secp256k1_hash *msg,
                                     const zkvm_secp256k1_signature *sig, uint8_t recid,
                                     zkvm_secp256k1_pubkey *output)
{
    uint64_t r[4], s[4], z[4], x[4], u1[4], u2[4];
    k1_point nonce, key;
    if (recid > 3 || !read_signature(r, s, sig, k1_n))
        return ZKVM_EFAIL;
    for (unsigned i = 0; i < 4; i++)
        x[i] = r[i];
    if ((recid & 2) != 0 && (limbs_add(x, r, k1_n, 4) != 0 || !limbs_less(x, k1_p, 4)))
        return ZKVM_EFAIL;
    if (!k1_lift_x(&nonce, x, (recid & 1) != 0))
        return ZKVM_EFAIL;
    // key = (s nonce - z G) / r.
    read_hash(z, msg, k1_n);
    k1_scalar_inverse(r, r);
    k1_scalar_mul(u1, z, r);
    if (!limbs_is_zero(u1, 4))
        limbs_sub(u1, k1_n, u1, 4);
    k1_scalar_mul(u2, s, r);
    if (!k1_double_mul(&key, u1, u2, &nonce))
        return ZKVM_EFAIL;
    limbs_to_be(output->data, key.x, 4);
    limbs_to_be(output->data + 32, key.y, 4);
    return ZKVM_EOK;
}
