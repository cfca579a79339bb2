// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Cryptographic functions of the zkVM accelerator interface (eth-act, zkvm-standards,
// c-interface-accelerators), those that rest on a precompile of this machine. Names, types and
// layouts are the standard's: byte strings, numbers big-endian unless said otherwise, structures
// aligned to 8 bytes. No pointer may be null; outputs may not overlap inputs unless said so.
//
// A guest compiled without --precompiles runs them as ordinary instructions, and so does a native
// program. In that form secp256r1, bn254 and BLS12-381 take tens of millions of instructions. All
// functions return ZKVM_EOK, or ZKVM_EFAIL for inputs outside their domain.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define ZKVM_ALIGN8 alignas(8)
#else
#define ZKVM_ALIGN8 _Alignas(8)
#endif

typedef enum zkvm_status { ZKVM_EOK = 0, ZKVM_EFAIL = -1 } zkvm_status;

typedef struct zkvm_bytes_16 {
    ZKVM_ALIGN8 uint8_t data[16];
} zkvm_bytes_16;
typedef struct zkvm_bytes_32 {
    ZKVM_ALIGN8 uint8_t data[32];
} zkvm_bytes_32;
typedef struct zkvm_bytes_64 {
    ZKVM_ALIGN8 uint8_t data[64];
} zkvm_bytes_64;
typedef struct zkvm_bytes_128 {
    ZKVM_ALIGN8 uint8_t data[128];
} zkvm_bytes_128;

typedef struct zkvm_bytes_96 {
    ZKVM_ALIGN8 uint8_t data[96];
} zkvm_bytes_96;

typedef zkvm_bytes_32 zkvm_keccak256_hash;
typedef zkvm_bytes_32 zkvm_sha256_hash;
typedef zkvm_bytes_32 zkvm_secp256k1_hash;
typedef zkvm_bytes_64 zkvm_secp256k1_signature; // r, s
typedef zkvm_bytes_64 zkvm_secp256k1_pubkey;    // x, y
typedef zkvm_bytes_32 zkvm_secp256r1_hash;
typedef zkvm_bytes_64 zkvm_secp256r1_signature; // r, s
typedef zkvm_bytes_64 zkvm_secp256r1_pubkey;    // x, y
typedef zkvm_bytes_64 zkvm_bn254_g1_point;      // x, y; zeros for infinity, here and below
typedef zkvm_bytes_32 zkvm_bn254_scalar;
typedef zkvm_bytes_96 zkvm_bls12_381_g1_point;
typedef zkvm_bytes_32 zkvm_bls12_381_scalar;
typedef zkvm_bytes_64 zkvm_blake2f_state;    // 8 little-endian words
typedef zkvm_bytes_128 zkvm_blake2f_message; // 16 little-endian words
typedef zkvm_bytes_16 zkvm_blake2f_offset;   // 2 little-endian words

typedef struct zkvm_bls12_381_g1_msm_pair {
    zkvm_bls12_381_g1_point point;
    zkvm_bls12_381_scalar scalar;
} zkvm_bls12_381_g1_msm_pair;

// Keccak-256 as Ethereum uses it (padding 0x01, not the 0x06 of SHA-3).
zkvm_status zkvm_keccak256(const uint8_t *data, size_t len, zkvm_keccak256_hash *output);

// SHA-256 (FIPS 180-4).
zkvm_status zkvm_sha256(const uint8_t *data, size_t len, zkvm_sha256_hash *output);

// Verifies an ECDSA signature over secp256k1. Any s in [1, n) is taken, also the larger of the two.
// ZKVM_EFAIL (and *verified = false) when the key is not a point of the curve.
zkvm_status zkvm_secp256k1_verify(const zkvm_secp256k1_hash *msg,
                                  const zkvm_secp256k1_signature *sig,
                                  const zkvm_secp256k1_pubkey *pubkey, bool *verified);

// Recovers the key under which a signature is valid. recid bit 0: parity of the nonce point's y;
// bit 1: its x is r + n. ZKVM_EFAIL when there is no such key.
zkvm_status zkvm_secp256k1_ecrecover(const zkvm_secp256k1_hash *msg,
                                     const zkvm_secp256k1_signature *sig, uint8_t recid,
                                     zkvm_secp256k1_pubkey *output);

// As zkvm_secp256k1_verify, over secp256r1 (P-256).
zkvm_status zkvm_secp256r1_verify(const zkvm_secp256r1_hash *msg,
                                  const zkvm_secp256r1_signature *sig,
                                  const zkvm_secp256r1_pubkey *pubkey, bool *verified);

// Addition and multiplication on bn254 (EIP-196), any scalar below 2^256. ZKVM_EFAIL for a
// coordinate >= p or a point off the curve. result may be an operand, here and below.
zkvm_status zkvm_bn254_g1_add(const zkvm_bn254_g1_point *p1, const zkvm_bn254_g1_point *p2,
                              zkvm_bn254_g1_point *result);
zkvm_status zkvm_bn254_g1_mul(const zkvm_bn254_g1_point *point, const zkvm_bn254_scalar *scalar,
                              zkvm_bn254_g1_point *result);

// Addition and sum of multiples on BLS12-381 (EIP-2537). ZKVM_EFAIL for a coordinate >= p, a point
// off the curve, and in the sum also for a point outside the subgroup of prime order.
zkvm_status zkvm_bls12_g1_add(const zkvm_bls12_381_g1_point *p1, const zkvm_bls12_381_g1_point *p2,
                              zkvm_bls12_381_g1_point *result);
zkvm_status zkvm_bls12_g1_msm(const zkvm_bls12_381_g1_msm_pair *pairs, size_t num_pairs,
                              zkvm_bls12_381_g1_point *result);

// BLAKE2b's compression function F (RFC 7693, EIP-152) in place; f is 0 or 1 (last block), else
// ZKVM_EFAIL.
zkvm_status zkvm_blake2f(uint32_t rounds, zkvm_blake2f_state *h, const zkvm_blake2f_message *m,
                         const zkvm_blake2f_offset *t, uint8_t f);

#ifdef __cplusplus
}
#endif
