// SPDX-License-Identifier: Apache-2.0 OR MIT
// ECDSA over secp256k1 (SEC 1, 4.1.4 and 4.1.6).
#include "zkvm_accelerators.h"

#include "limbs.h"
#include "secp256k1.h"

// r and s, both in [1, n).
static bool read_signature(uint64_t r[4], uint64_t s[4], const zkvm_secp256k1_signature *sig)
{
    limbs_from_be(r, sig->data, 4);
    limbs_from_be(s, sig->data + 32, 4);
    return !limbs_is_zero(r, 4) && !limbs_is_zero(s, 4) && limbs_less(r, k1_n, 4) &&
           limbs_less(s, k1_n, 4);
}

// The hash as a number modulo n; 2^256 < 2 n, so one subtraction is enough.
static void read_hash(uint64_t z[4], const zkvm_secp256k1_hash *msg)
{
    limbs_from_be(z, msg->data, 4);
    if (!limbs_less(z, k1_n, 4))
        limbs_sub(z, z, k1_n, 4);
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
    if (!read_signature(r, s, sig))
        return ZKVM_EOK;
    read_hash(z, msg);
    k1_scalar_inverse(s, s);
    k1_scalar_mul(u1, z, s);
    k1_scalar_mul(u2, r, s);
    if (!k1_double_mul(&sum, u1, u2, &key))
        return ZKVM_EOK;
    if (!limbs_less(sum.x, k1_n, 4))
        limbs_sub(sum.x, sum.x, k1_n, 4); // p < 2 n
    *verified = limbs_equal(sum.x, r, 4);
    return ZKVM_EOK;
}

zkvm_status zkvm_secp256k1_ecrecover(const zkvm_secp256k1_hash *msg,
                                     const zkvm_secp256k1_signature *sig, uint8_t recid,
                                     zkvm_secp256k1_pubkey *output)
{
    uint64_t r[4], s[4], z[4], x[4], u1[4], u2[4];
    k1_point nonce, key;
    if (recid > 3 || !read_signature(r, s, sig))
        return ZKVM_EFAIL;
    for (unsigned i = 0; i < 4; i++)
        x[i] = r[i];
    if ((recid & 2) != 0 && (limbs_add(x, r, k1_n, 4) != 0 || !limbs_less(x, k1_p, 4)))
        return ZKVM_EFAIL;
    if (!k1_lift_x(&nonce, x, (recid & 1) != 0))
        return ZKVM_EFAIL;
    // key = (s nonce - z G) / r.
    read_hash(z, msg);
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
