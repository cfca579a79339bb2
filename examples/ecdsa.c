// SPDX-License-Identifier: Apache-2.0 OR MIT
// Verifies a batch of ECDSA signatures over secp256k1. Input: for each signature 160 bytes: hash of
// the message (32), r and s (64), public key x and y (64), all big-endian; at least one.
//
// Output: number of signatures (4 bytes, little-endian), then one bit for each, 1 if it is valid,
// lowest bit first. Exit codes: 1 for a wrong length, 2 for more than 2000 signatures.
//
// Nothing in the output names keys or messages: who signed what stays out of the statement.
#include <string.h>

#include "zkvm_accelerators.h"
#include "zkvm_io.h"

enum { MAX_SIGNATURES = 2000 };

typedef struct signed_hash {
    zkvm_secp256k1_hash hash;
    zkvm_secp256k1_signature signature;
    zkvm_secp256k1_pubkey key;
} signed_hash;

int main(void)
{
    static uint8_t valid[(MAX_SIGNATURES + 7) / 8];
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    if (size == 0 || size % sizeof(signed_hash) != 0)
        return 1;
    const uint32_t n = (uint32_t)(size / sizeof(signed_hash));
    if (size / sizeof(signed_hash) > MAX_SIGNATURES)
        return 2;
    for (uint32_t i = 0; i < n; i++) {
        signed_hash s;
        bool verified;
        memcpy(&s, input + i * sizeof s, sizeof s);
        if (zkvm_secp256k1_verify(&s.hash, &s.signature, &s.key, &verified) != ZKVM_EOK)
            verified = false; // not a point of the curve
        valid[i / 8] |= (uint8_t)(verified << i % 8);
    }
    write_output((const uint8_t *)&n, sizeof n);
    write_output(valid, (n + 7) / 8);
    return 0;
}
