// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// LogUp-GKR: the sum of 2^G fractions m/d as one fraction P/Q, reduced to claims on the numerators
// and denominators at one random point (eprint 2023/1284; protocol: doc/protocol.md section 5).
//
// The leaf layer is never stored: the prover asks a source for blocks of leaves, three times.
// Leaves from n_leaves on are 0/1 and cost nothing on any layer: active nodes are a prefix.
#include "base/pool.h"
#include "sumcheck/eq.h"
#include "transcript/proof_reader.h"
#include "transcript/proof_writer.h"
#include "transcript/transcript.h"

enum { GKR_LEAF_BLOCK = 512 }; // most leaves asked of a source at once

typedef struct gkr_leaf_source {
    size_t n_leaves; // active leaves, a multiple of 64
    // Writes leaves [begin, begin + n): numerators m[n] in F, denominators d planar with stride
    // GKR_LEAF_BLOCK in K. begin and n are multiples of 64, n <= GKR_LEAF_BLOCK. Called from
    // several threads at once.
    void (*fill)(void *arg, fe *m, fe *d, size_t begin, size_t n);
    void *arg;
} gkr_leaf_source;

// Writes P, Q, and per layer the round values and end values; on return the claims are
// p = sum_x m[x] eq(point, x), q = sum_x d[x] eq(point, x) over all 2^log_leaves leaves.
// point: log_leaves coordinates. 6 <= log_leaves <= 40, n_leaves <= 2^log_leaves.
// ZK_ENOMEM, ZK_ECANCELED, ZK_EINTERNAL (a denominator of the sum is zero: the bus challenge hit a
// tuple, probability below 2^-140).
MUST_CHECK status gkr_prove(fe3 *point, fe3 *p_claim, fe3 *q_claim, unsigned log_leaves,
                            const gkr_leaf_source *leaves, transcript *t, proof_writer *w,
                            pool *threads, const cancel_flag *cancel);

// Circuit subset. Reads the same, refuses Q = 0 and inconsistent layers through the reader.
void gkr_verify(fe3 *root_p, fe3 *root_q, fe3 *point, fe3 *p_claim, fe3 *q_claim,
                unsigned log_leaves, transcript *t, proof_reader *r);

// Words that gkr_verify reads.
static inline size_t gkr_proof_words(unsigned log_leaves)
{
    return 3 * (2 + 4 * (size_t)log_leaves + (size_t)log_leaves * (log_leaves - 1));
}
