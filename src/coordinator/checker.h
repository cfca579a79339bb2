// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification for the coordinator: instance proofs as they arrive, the sum over the bus when all
// are there, and the final file. Work runs on a pool; answers come back on the loop's thread.
//
// The key of a program comes from its workers as words and digest; the digest is recomputed here.
// Whether it is the right program is the client's question, not the coordinator's.
#include "base/pool.h"
#include "coordinator/engine.h"

typedef struct checker checker;

// answer(arg, ...) is called on a thread of the pool. `artifact_path` gives the file of an
// artifact into path[size]; false: there is none.
typedef struct checker_options {
    pool *threads;
    void *arg;
    void (*answer)(void *arg, uint64_t ticket, bool ok, const char *reason);
    bool (*artifact_path)(void *arg, const uint8_t sha256[32], char *path, size_t size);
} checker_options;

MUST_CHECK status checker_open(checker **out, const checker_options *options); // copied
void checker_close(checker *c); // waits for what runs; its answers come first. NULL is allowed

// Copies what the request points to. The answer always comes, on a lack of memory with that reason.
void checker_submit(checker *c, const check_request *r);
// Sums of a job that is over, or of epochs before `epoch`, are not needed any more.
void checker_forget(checker *c, const char *job, uint32_t epoch);

// By form: parses under the key, header in range. Any thread.
bool checker_contribution_form(const uint64_t *key_words, size_t n_key_words,
                               const uint8_t *program_key, const api_instance_contribution *m);
