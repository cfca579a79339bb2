// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verification of a whole job: all instances under one global challenge, and the checks at the root
// (doc/protocol.md section 8). Instance proofs are handed in one after the other, so that a bundle
// need not be in memory.
//
//     job_verifier v;
//     job_verifier_open(&v, &statement, contributions, n, scratch);
//     for each instance in order: job_verifier_add(&v, words, n_words);
//     accepted = job_verifier_finish(&v);   // v.reason says why not
//
// A refusal is final: later calls change nothing. No heap, no threads, no libc but memcpy.
#include "verifier/instance_verify.h"

// What is claimed. Everything here comes from the verifier's caller, nothing from a proof.
typedef struct job_statement {
    const proof_key *key;
    const fe *publics; // bound by the challenge; their meaning lies in the boundary
    size_t n_publics;
    const bus_tuple *boundary; // what the outside world sends (+) and receives (-)
    size_t n_boundary;
    bool allow_test_classes; // parameter sets without security: tests only
} job_statement;

typedef struct job_verifier {
    const job_statement *statement;
    const contribution *contributions;
    size_t n_instances, n_added;
    digest challenge;
    bus_challenge bus;
    fe3 total;         // bus sums so far, boundary included
    uint64_t n_tuples; // rows x interactions of all instances
    instance_scratch *scratch;
    const char *reason; // of the refusal; NULL while none
} job_verifier;

// contributions[i].index must be i. Everything is borrowed until finish.
void job_verifier_open(job_verifier *v, const job_statement *statement,
                       const contribution *contributions, size_t n, instance_scratch *scratch);

// The proof of the next instance. False when the job is refused.
bool job_verifier_add(job_verifier *v, const uint64_t *words, size_t n_words);

// True when every instance had its proof, all were accepted and the bus is balanced.
bool job_verifier_finish(job_verifier *v);
