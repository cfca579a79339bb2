// SPDX-License-Identifier: Apache-2.0 OR MIT
// Runs every accelerator on what the input says and publishes the results, so that builds with
// plain C, with precompiles and native ones can be compared. Input: 320 bytes of arguments, then a
// message. Output: digests and results, 32 + 32 + 64 + 64 bytes, then status bytes.
#include <string.h>

#include "zkvm_accelerators.h"
#include "zkvm_io.h"

typedef struct arguments {
    zkvm_secp256k1_hash hash;
    zkvm_secp256k1_signature signature;
    zkvm_secp256k1_pubkey key;
    zkvm_blake2f_state state;
    zkvm_blake2f_offset offset;
    uint32_t rounds;
    uint8_t recovery_id;
    uint8_t last;
    uint8_t unused[74];
} arguments;

int main(void)
{
    static arguments a;
    static zkvm_blake2f_message block;
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    if (size < sizeof a)
        return 1;
    memcpy(&a, input, sizeof a);
    const uint8_t *message = input + sizeof a;
    const size_t length = size - sizeof a;
    memcpy(&block, message, length < sizeof block ? length : sizeof block);

    zkvm_keccak256_hash keccak;
    zkvm_sha256_hash sha;
    zkvm_secp256k1_pubkey recovered = {{0}};
    bool verified;
    uint8_t status[6];
    status[0] = (uint8_t)zkvm_keccak256(message, length, &keccak);
    status[1] = (uint8_t)zkvm_sha256(message, length, &sha);
    status[2] = (uint8_t)zkvm_secp256k1_verify(&a.hash, &a.signature, &a.key, &verified);
    status[3] = verified;
    status[4] = (uint8_t)zkvm_secp256k1_ecrecover(&a.hash, &a.signature, a.recovery_id, &recovered);
    status[5] = (uint8_t)zkvm_blake2f(a.rounds, &a.state, &block, &a.offset, a.last);
    write_output(keccak.data, sizeof keccak);
    write_output(sha.data, sizeof sha);
    write_output(recovered.data, sizeof recovered);
    write_output(a.state.data, sizeof a.state);
    write_output(status, sizeof status);
    return 0;
}
