// SPDX-License-Identifier: Apache-2.0 OR MIT
// Runs the accelerators on secp256r1, bn254 and BLS12-381 on what the input says, so that the build
// with precompiles and the native one can be compared. Output: SHA-256 of all results, statuses.
#include <string.h>

#include "zkvm_accelerators.h"
#include "zkvm_io.h"

typedef struct arguments {
    zkvm_secp256r1_hash hash;
    zkvm_secp256r1_signature signature;
    zkvm_secp256r1_pubkey key;
    zkvm_bn254_g1_point bn[2];
    zkvm_bn254_scalar bn_scalar;
    zkvm_bls12_381_g1_msm_pair bls[2];
} arguments;

int main(void)
{
    static arguments a;
    static struct {
        zkvm_bn254_g1_point bn[3];
        zkvm_bls12_381_g1_point bls[3];
    } results;
    const uint8_t *input;
    size_t size;
    bool verified;
    zkvm_sha256_hash hash;
    uint8_t status[8];
    read_input(&input, &size);
    if (size != sizeof a)
        return 1;
    memcpy(&a, input, sizeof a);
    status[0] = (uint8_t)zkvm_secp256r1_verify(&a.hash, &a.signature, &a.key, &verified);
    status[1] = verified;
    status[2] = (uint8_t)zkvm_bn254_g1_add(&a.bn[0], &a.bn[1], &results.bn[0]);
    status[3] = (uint8_t)zkvm_bn254_g1_add(&a.bn[0], &a.bn[0], &results.bn[1]);
    status[4] = (uint8_t)zkvm_bn254_g1_mul(&a.bn[0], &a.bn_scalar, &results.bn[2]);
    status[5] = (uint8_t)zkvm_bls12_g1_add(&a.bls[0].point, &a.bls[1].point, &results.bls[0]);
    status[6] = (uint8_t)zkvm_bls12_g1_add(&a.bls[0].point, &a.bls[0].point, &results.bls[1]);
    status[7] = (uint8_t)zkvm_bls12_g1_msm(a.bls, 2, &results.bls[2]);
    zkvm_sha256((const uint8_t *)&results, sizeof results, &hash);
    write_output(hash.data, sizeof hash);
    write_output(status, sizeof status);
    return 0;
}
