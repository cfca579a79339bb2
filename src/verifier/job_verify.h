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
//
// Who gets the proofs in another order (a coordinator) uses the steps below job_verifier, of which
// it consists: what all instances share, one instance, and the sum at the end.
#include "verifier/instance_verify.h"

// What is claimed. Everything here comes from the verifier's caller, nothing from a proof.
typedef struct job_statement {
    const proof_key *key;
    const fe *publics; // bound by the challenge; their meaning lies in the boundary
    size_t n_publics;
    // What the outside world sends (+) and receives (-): a function of key and publics, which the
    // challenge binds. It does not bind the boundary itself: one that the prover may choose
    // balances any bus.
    const bus_tuple *boundary;
    size_t n_boundary;
    bool allow_test_classes; // parameter sets without security: tests only
} job_statement;

// What the instances of a job have in common once all contributions are known.
typedef struct job_root {
    digest challenge;
    bus_challenge bus;
    fe3 boundary; // its part of the sum over the bus
} job_root;

// What the root checks need of an instance whose proof was accepted.
typedef struct instance_share {
    fe3 sum;           // over the bus
    uint64_t n_tuples; // rows x interactions
} instance_share;

// Checks everything that the challenge absorbs, and draws it; contributions[i].index must be i.
// NULL, or the reason of the refusal (static).
const char *job_root_open(job_root *out, const job_statement *statement,
                          const contribution *contributions, size_t n);

// The proof of one instance, in any order, with the arguments that job_root_open accepted. NULL, or
// the reason of the refusal; *out is then untouched.
const char *job_instance_check(instance_share *out, const job_statement *statement,
                               const job_root *root, const contribution *c, const uint64_t *words,
                               size_t n_words, instance_scratch *scratch);

// Adds an instance's share to a total that began as {root.boundary, 0}, in any order. NULL, or the
// reason of the refusal: too many tuples.
const char *job_share_add(instance_share *total, const instance_share *share);

// The check at the end, over the shares of all instances. NULL, or the reason of the refusal.
const char *job_total_check(const instance_share *total);

typedef struct job_verifier {
    const job_statement *statement;
    const contribution *contributions;
    size_t n_instances, n_added;
    job_root root;
    instance_share total; // so far, boundary included
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
