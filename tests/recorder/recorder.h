// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Runs the verifier of an instance, compiled a second time from the same sources over a field whose
// operations are written down: what a recursion circuit would be made of. For tests.
#include "verifier/instance_verify.h"

typedef struct recording {
    uint64_t trace;        // a hash of all operations in order
    uint64_t n_operations; // how many
    uint64_t count[16];    // by record_op
    uint64_t permutations, extension_products, mixed_products, base_products, selects, inputs;
    bool accepted;
    const char *reason;
} recording;

// Arguments as instance_verify. Everything is passed by pointer: the caller's element type and the
// recorder's have the same layout and different names.
__attribute__((visibility("default"))) void recorder_run(
    recording *out, instance_sum *sum, const proof_key *key, const whir_params *params,
    bool preprocessed, const digest *challenge, const bus_challenge *bus,
    const contribution_elements *c, const uint64_t *words, size_t n_words,
    instance_scratch *scratch);
