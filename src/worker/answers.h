// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The worker's messages, made from what the prover gives. Every answer also carries what readers of
// the original expect: roots as `Challenges`, one empty `Proof` an instance, publics, times.
#include "cluster/api.h"
#include "prover/prover.h"
#include "worker/outbox.h"

// Error codes of a failed task (doc/cluster.md).
#define TASK_PROGRAM_FAILED        "PROGRAM_FAILED"
#define TASK_INPUT_ERROR           "INPUT_ERROR"
#define TASK_CONTRIBUTION_MISMATCH "CONTRIBUTION_MISMATCH"
#define TASK_CANCELLED             "CANCELLED"
#define TASK_OUT_OF_MEMORY         "OUT_OF_MEMORY"
#define TASK_STORAGE               "STORAGE"
#define TASK_INTERNAL              "INTERNAL"

// The code of a failure whose stage says nothing more exact.
const char *task_code(status s);

// A whole WorkerMessage as bytes (malloc). ZK_ENOMEM, ZK_ELIMIT.
MUST_CHECK status answer_pack(uint8_t **bytes, size_t *n, const api_worker_message *m);

// All of these: *out is an entry for the outbox about `task`. ZK_ENOMEM.
MUST_CHECK status answer_failure(outbox_entry **out, const char *worker_id, const task_name *task,
                                 const char *code, const char *message);

typedef struct contributions_answer {
    const zisk_job *job;
    const proof_key *key;
    const contribution *contributions; // of the instances [begin, end)
    size_t begin, end;
    uint32_t rank_id;
    uint64_t received_ms; // when the task came, since 1970
    double seconds;       // that it took
} contributions_answer;
MUST_CHECK status answer_contributions(outbox_entry **out, const char *worker_id,
                                       const task_name *task, const contributions_answer *a);

// The end of a share whose proofs were sent one by one: instances [begin, end).
MUST_CHECK status answer_proofs(outbox_entry **out, const char *worker_id, const task_name *task,
                                uint32_t rank_id, size_t begin, size_t end);
// A piece of an aggregation was taken (`sha256` NULL), or the final proof lies at the coordinator.
MUST_CHECK status answer_final(outbox_entry **out, const char *worker_id, const task_name *task,
                               const uint8_t *sha256, uint64_t executed_steps);
// One proof, in a file.
MUST_CHECK status answer_instance_proof(outbox_entry **out, const task_name *task, uint32_t index,
                                        const char *path, const uint8_t sha256[32]);
// The message of such an entry; reads the file. ZK_EIO also when its content is another.
MUST_CHECK status answer_load_proof(uint8_t **bytes, size_t *n, const outbox_entry *e);

// Bytes of digests and contributions as they travel. Hostile bytes: ZK_EPROTO unless the header is
// one that an instance of the machine may have.
void digest_bytes(uint8_t out[32], digest d);
MUST_CHECK status contribution_read(contribution *out, const api_instance_contribution *m,
                                    const proof_key *key, uint32_t index);
