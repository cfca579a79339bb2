// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Misbehaviour on demand, for the tests of the cluster. Compiled into zisk-worker-faulty only
// (CMake option ZISK_FAULTS); in zisk-worker the hook is nothing.
//
// ZISK_FAULT=NAME[,NAME...] in the environment:
//   forged-contribution  another root in the first contribution of each answer
//   wrong-plan           another plan digest in it
//   garbage-answer       contributions and proofs are random bytes
//   forged-proof         one word of each partial proof is another
//   other-job-answer     answers name another job
//   wrong-phase          contributions are answered by a final proof
//   twice                each result is sent twice
//   stall-in-contributions, stall-in-prove, stall-in-aggregate   a task of that kind never ends,
//                        while heartbeats go on
//   die-in-contributions, die-in-prove, die-in-aggregate   SIGKILL in the middle of the task
//   lie-final            the final proof is spoilt after it was verified
#include <stddef.h>
#include <stdint.h>

typedef enum fault_point {
    FAULT_TASK,          // subject: task_name *, when it begins
    FAULT_INSTANCE_DONE, // subject: task_name *, after each instance or piece
    FAULT_ANSWER,        // subject: api_execute_task_response *, before it is packed
    FAULT_PROOF,         // subject: words of a partial proof, n of them
    FAULT_FINAL,         // subject: words of the verified final proof, n of them
    FAULT_SEND,          // subject: outbox_entry *; n: how often it is sent
} fault_point;

#ifdef ZISK_FAULTS
void fault_hook(fault_point point, void *subject, size_t *n);
#else
static inline void fault_hook(fault_point point, void *subject, size_t *n)
{
    (void)point;
    (void)subject;
    (void)n;
}
#endif
