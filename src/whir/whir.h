// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Prover half of WHIR (eprint 2024/1586): commitment to a multilinear polynomial given by its
// values f[x], x in {0,1}^A, and the proof of sum_x f[x] W(x) = claim for a weight W of small rank.
// Protocol and its reasons: doc/protocol.md sections 3 and 7; verifier half: whir_verify.h.
//
// The cells are the matrix [2^(A-k)][2^k], row-major, k = round[0].n_folds: the low k variables are
// the lanes. That is the layout of the trace itself, so no cell is moved before the commitment. The
// opening reads the cells twice whatever A is: once for the sums over all rows that the first k
// rounds need, once to fold the lanes; everything later works on 2^(A-k) elements of K.
//
// A preprocessed commitment is the same thing with a root that the verifier knows beforehand.
#include "base/pool.h"
#include "merkle/merkle.h"
#include "transcript/proof_writer.h"
#include "transcript/transcript.h"
#include "whir/whir_params.h"

typedef struct whir_commitment {
    const whir_params *params;
    merkle_tree tree;
    fe *code; // row code of the cells, [2^whir_log_rows][2^k]; NULL when dropped
} whir_commitment;

// Encodes and hashes. cells[2^A], canonical; read only during the call. ZK_ENOMEM, ZK_ECANCELED;
// *c is then cleared.
MUST_CHECK status whir_commit(whir_commitment *c, const whir_params *params, const hash_ops *hash,
                              const fe *cells, pool *threads, const cancel_flag *cancel);

// The same commitment, without its leaf digests, from the nodes just above the leaves that an
// earlier one of these cells had (merkle_cap(&tree, 1)): encodes, but hashes next to nothing. That
// the nodes are of these cells is looked at below WHIR_RESTORE_CHECKS of them, drawn from the root:
// those of another polynomial pass with probability rate^WHIR_RESTORE_CHECKS at most, 2^-64 and
// less; single wrong nodes may pass. ZK_EPARSE when they are not; else as whir_commit.
enum { WHIR_RESTORE_CHECKS = 64 };
MUST_CHECK status whir_restore(whir_commitment *c, const whir_params *params, const hash_ops *hash,
                               const fe *cells, const digest *nodes, pool *threads,
                               const cancel_flag *cancel);

// Gives back the code matrix (8 * 2^(A + log_inv_rate) bytes), which the opening can redo.
void whir_drop_code(whir_commitment *c);
void whir_clear(whir_commitment *c); // also of a zeroed or cleared one

// y = sum_x f[x] z^x, the answer to the out-of-domain point of commit time. One pass. ZK_ENOMEM.
MUST_CHECK status whir_ood_answer(fe3 *y, const whir_params *params, const fe *cells, fe3 z,
                                  pool *threads);

// One term of the weight, of rank one: W(x) = low[x mod 2^k] * high[x div 2^k], both K-vectors
// (planar): low of stride 2^k, high of stride 2^(A-k).
typedef struct whir_weight {
    const fe *low;
    const fe *high;
} whir_weight;

enum { WHIR_MAX_WEIGHTS = 4 };

// Fills the term x -> z^x, which opens f(z) = y with coefficient 1; low has room for 3 * 2^k
// elements of F, high for 3 * 2^(A-k).
void whir_pow_weight(fe *low, fe *high, const whir_params *params, fe3 z, pool *threads);

// Proves sum_x f[x] (sum of the terms)(x) = claim. `t` is in the state in which the verifier's will
// be: whatever root, weights and claim come from is absorbed. Appends whir_proof_words(params)
// words to w; their memory is the caller's to check (proof_writer_status).
// The code matrix is encoded again when it was dropped; so are the leaf digests next to opened rows
// when the tree has lost its leaves. ZK_EINVAL when the claim is not the sum; ZK_ENOMEM;
// ZK_ECANCELED. The bytes depend on neither threads nor tier.
MUST_CHECK status whir_open(const whir_commitment *c, const fe *cells, const whir_weight *weights,
                            size_t n_weights, fe3 claim, transcript *t, proof_writer *w,
                            pool *threads, const cancel_flag *cancel);
