// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification for the coordinator: instance proofs as they arrive, the sum over the bus when all
// are there, and the final file. Work runs on a pool; answers come back on the loop's thread.
//
// The key of a program comes from its workers as words and digest; the digest is recomputed here.
// Whether it is the right program is the client's question, not the coordinator's.
//
// PROOF checks may come in any order, and one instance may come again. What is kept of an accepted
// instance is its sum over the bus, by job and epoch; TOTAL adds the sums up once all PROOF checks
// that were handed in before it are done. It refuses when an instance was not accepted here in this
// epoch: after a restart the stored proofs are handed in again first. The contributions of an epoch
// do not change; they are read from the first request alone.
#include "base/pool.h"
#include "coordinator/engine.h"

typedef struct checker checker;

// answer(arg, ...) is called on a thread of the pool. `artifact_path` gives the file of an
// artifact into path[size]; false: there is none. `final_accepted` comes on the same thread before
// the answer that a final file was accepted; NULL: nobody wants to know.
typedef struct checker_options {
    pool *threads;
    void *arg;
    void (*answer)(void *arg, uint64_t ticket, check_verdict verdict, const char *reason);
    bool (*artifact_path)(void *arg, const uint8_t sha256[32], char *path, size_t size);
    void (*final_accepted)(void *arg, const char *job, const uint8_t sha256[32]);
} checker_options;

MUST_CHECK status checker_open(checker **out, const checker_options *options); // copied
void checker_close(checker *c); // waits for what runs; its answers come first. NULL is allowed

// Copies what the request points to. The answer always comes; CHECK_UNDECIDED when memory or the
// disk failed, so that nothing is known of what was to be checked.
void checker_submit(checker *c, const check_request *r);
// Sums of the job in epochs before `epoch` are not needed any more; UINT32_MAX: it is over. Checks
// under way are answered all the same.
void checker_forget(checker *c, const char *job, uint32_t epoch);

typedef struct checker_counts {
    // The others of those that are done were accepted.
    uint64_t done[CHECK_KIND_COUNT], refused[CHECK_KIND_COUNT], undecided[CHECK_KIND_COUNT];
    uint64_t busy_ns; // of all threads
    size_t waiting;   // handed in and not answered
} checker_counts;
void checker_get_counts(checker *c, checker_counts *out);

// By form: parses under the key, header in range. Any thread. A lack of memory ends the process:
// who sent the contribution must not be blamed for it, and the next coordinator has everything.
bool checker_contribution_form(const uint64_t *key_words, size_t n_key_words,
                               const uint8_t *program_key, const api_instance_contribution *m);
