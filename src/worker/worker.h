// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The worker as a whole: its link to the coordinator on the loop's thread, its work on another.
//
// Life: running -> leaving (first signal: no new tasks, what is under way is delivered) -> stopping
// (nothing left, out of time, or a second signal: everything is canceled) -> ended.
#include "prover/zisk_program.h"
#include "rpc/rpc.h"
#include "worker/scratch.h"
#include "worker/worker_config.h"

typedef struct worker_options {
    const worker_config *config;
    const char *worker_id;
    const zisk_program *program;
    const uint8_t *program_digest; // SHA-256 of the ELF file
    pool *threads;
    const scratch *scratch;
} worker_options;

typedef struct worker worker;

// Starts it in the loop; rpc_loop_run then runs it until it ended. What options point to must
// outlive it. ZK_EIO, ZK_EPARSE and ZK_EINVAL name the setting that cannot be used.
MUST_CHECK status worker_open(worker **out, rpc_loop *loop, const worker_options *options);
// As the signals do; the loop's thread.
void worker_leave(worker *w);
// Before rpc_loop_close: ends what is left. Results that come after it go nowhere.
void worker_close(worker *w);
// After rpc_loop_close. NULL is allowed.
void worker_free(worker *w);
