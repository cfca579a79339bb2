// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification of proofs of RISC-V programs, for other programs to use (C or C++).
//
// A proof file says: the program with this verification key ran to a successful halt on some
// input and left these 64 public 32-bit words. Key and (if they matter) public words come from the
// caller, never from the file. The input is not part of the statement, but proofs are not
// zero-knowledge: a proof may leak parts of the input.
//
//     zisk_verifier *v = zisk_verifier_new();
//     uint8_t vk[ZISK_VK_BYTES];
//     uint32_t publics[ZISK_PUBLICS];
//     if (!zisk_vk_parse(vk, hex) || !zisk_verifier_check(v, proof, size, vk, NULL, publics))
//         puts(zisk_verifier_reason(v));
//     zisk_verifier_free(v);
//
// The security of the parameter sets is in SOUNDNESS.md: at least 128 provable bits. Parameters
// are looked up by class, never read from a proof. Any bytes may be given as a proof: the answer is
// yes or no, never a crash. A verifier object is for one thread at a time; different objects are
// independent. Link: zisk_verifier and the libraries that it names.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ZISK_VK_BYTES = 32, ZISK_PUBLICS = 64 };

typedef struct zisk_verifier zisk_verifier;

// NULL when there is no memory. A check takes a copy of the proof and about 3 MiB of heap, for the
// description of the machine; the verifying functions below it (src/verifier/job_verify.h) take
// none.
zisk_verifier *zisk_verifier_new(void);
void zisk_verifier_free(zisk_verifier *v); // NULL is allowed

// The 64 hexadecimal digits that `zisk vk` prints, to bytes. False when they are no key.
bool zisk_vk_parse(uint8_t vk[ZISK_VK_BYTES], const char *hex);

// Checks proof[0 .. size-1] (no alignment needed). expected_publics may be NULL: any outputs are
// accepted. publics may be NULL; it is written on success only. False: zisk_verifier_reason says
// why.
bool zisk_verifier_check(zisk_verifier *v, const void *proof, size_t size,
                         const uint8_t vk[ZISK_VK_BYTES],
                         const uint32_t expected_publics[ZISK_PUBLICS],
                         uint32_t publics[ZISK_PUBLICS]);

// Why the last check said no; an empty string after a yes. Valid until the next call.
const char *zisk_verifier_reason(const zisk_verifier *v);

#ifdef __cplusplus
}
#endif
