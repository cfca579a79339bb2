// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Proving one instance: fill the columns, commit, and, once the global challenge is known, prove.
// The protocol is doc/protocol.md; the verifier is verifier/instance_verify.h.
//
// Memory for a stack of 2^A cells: 8 bytes a cell for the trace, 16 for the code matrix (free to
// drop between the phases), 48 a leaf for the GKR layers, 12 a cell in the zerocheck. Everything is
// deterministic: the same header and cells give the same bytes on every tier and thread count.
#include "prover/prover_key.h"

typedef struct instance {
    const prover_key *key;
    const whir_params *params;
    instance_header header;
    machine_layout layout;
    fe *stack; // [2^A], zero where no column is; row-major matrix of 64 lanes for the commitment
} instance;

// Room for the columns of the given heights (checked: ZK_EINVAL), all cells zero. ZK_ENOMEM.
MUST_CHECK status instance_new(instance *i, const prover_key *key, const instance_header *header);
void instance_clear(instance *i);

// Committed column j of a slot that is present: 2^log_height cells to fill with canonical elements.
fe *instance_column(const instance *i, uint32_t slot, uint32_t j);

// Phase 1. *c is the commitment, to be kept for instance_prove (its code matrix may be dropped, the
// tree may lose its leaves and go through a file); *out is what the job gets to see.
MUST_CHECK status instance_commit(contribution *out, whir_commitment *c, const instance *i,
                                  uint32_t index, pool *threads, const cancel_flag *cancel);

// Phase 2. Appends instance_proof_words(..) words to w. ZK_EINTERNAL when the cells do not satisfy
// the constraints (found out on the way or by the caller's verification, not always here).
// times: seconds of gkr, zerocheck, opening, or NULL; _cpu: processor time of the whole process.
typedef struct instance_times {
    double gkr, zerocheck, opening;
    double gkr_cpu, zerocheck_cpu, opening_cpu;
} instance_times;
MUST_CHECK status instance_prove(proof_writer *w, const instance *i, const whir_commitment *c,
                                 digest challenge, const contribution *own, pool *threads,
                                 const cancel_flag *cancel, instance_times *times);
