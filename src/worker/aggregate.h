// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The proof file of a job, put together as partial proofs come in. It grows in a file that is
// mapped, so the memory of the process stays small however many instances there are. The bytes are
// those of zisk_bundle.
#include "prover/prover.h"
#include "worker/scratch.h"

typedef struct aggregate aggregate;

// contributions of all n instances, in plan order. The file is made at `path`. Program and path
// must outlive it; the rest is copied. ZK_EIO, ZK_ENOMEM.
MUST_CHECK status aggregate_open(aggregate **out, const char *path, const zisk_program *program,
                                 const uint32_t publics[VM_PUBLICS],
                                 const contribution *contributions, size_t n);
void aggregate_close(aggregate *a); // removes the file; NULL is allowed

size_t aggregate_n(const aggregate *a);
bool aggregate_has(const aggregate *a, size_t i);
size_t aggregate_proof_bytes(const aggregate *a, size_t i); // that proof i must have
// Puts proof i in its place, again when it was there. ZK_EPROTO when its size is another.
MUST_CHECK status aggregate_put(aggregate *a, size_t i, const uint8_t *proof, size_t n);
// ZK_EPROTO when a proof is missing, ZK_EPROOF with the reason when the whole is refused.
MUST_CHECK status aggregate_verify(const aggregate *a);
void aggregate_digest(uint8_t sha256[32], const aggregate *a);
// The words of the file as it stands.
uint64_t *aggregate_words(aggregate *a, size_t *n);
