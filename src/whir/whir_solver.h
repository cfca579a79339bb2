// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Error terms of a WHIR parameter set, and the solver that finds one. Floating point: neither
// prover nor verifier uses this file; it makes the table of whir_params.c and the soundness report.
//
// Round-by-round soundness; the security is the minimum over all terms, each after its grinding.
// |K| = p^3, rho = 2^-log_inv_rate, n the length of the plain code, M = mu + 1/2 with the
// multiplicity mu of the list decoder. Sources: WHIR Theorem 5.2 and Claim 5.4 (eprint 2024/1586),
// STIR Lemma 4.5 (2024/390), BCHKS25 Theorem 4.6 (2025/2055) for mutual correlated agreement up to
// the Johnson bound, in the form used by the soundness calculator of the Ethereum Foundation.
//
//  Johnson:  1 - delta = sqrt(rho) (1 + 1/(2 mu)),  L = M / sqrt(rho),
//            err(n) = ((2 M^5 + 3 M delta rho) n / (3 rho^1.5) + M / sqrt(rho)) / |K|
//  unique:   1 - delta = (1 + rho) / 2,  L = 1,  err(n) = ((1 - rho) / 2 n + 1) / |K|
//
//  ood(i)    L_i^2 / 2 * 2^m_i / |K|                             (Johnson; i = 0: at commit time)
//  fold(i,s) d L_i / |K| + err(n_i / 2^s), d = 3, s = 1 .. k_i
//  shift(i)  ((1 - delta_i)^t_i + L_{i+1} (t_i + 1) / |K|) 2^-grinding
//  final     ((1 - delta_{M-1})^t_{M-1}) 2^-grinding; then 2 / |K| a round of the last sumcheck
#include "whir/whir_params.h"

typedef enum whir_regime {
    WHIR_JOHNSON,
    WHIR_UNIQUE,
} whir_regime;

typedef struct whir_goal {
    whir_regime regime;
    double target_bits;
    double margin_bits; // ood and fold terms are to reach target + margin
    unsigned max_grinding;
    unsigned log_stack;
    unsigned log_inv_rate;
    unsigned first_fold, later_fold;
    unsigned first_reduction, later_reduction; // log2 of the factor by which the domain shrinks
    unsigned log_final;                        // 0: the one that makes the proof smallest
} whir_goal;

// ZK_ELIMIT when no set within the limits of whir_params.h reaches the target. id and name of
// *params are the caller's.
MUST_CHECK status whir_solve(whir_params *params, const whir_goal *goal);

typedef enum whir_term_kind {
    WHIR_TERM_OOD,
    WHIR_TERM_FOLD,
    WHIR_TERM_SHIFT,
    WHIR_TERM_FINAL,
    WHIR_TERM_LAST_SUMCHECK,
} whir_term_kind;

typedef struct whir_term {
    whir_term_kind kind;
    unsigned round;
    unsigned step; // s of a fold, 1 .. k; else 0
    double bits;   // -log2 of the error, grinding included; infinite when the error is 0
} whir_term;

enum { WHIR_MAX_TERMS = WHIR_MAX_ROUNDS * (WHIR_MAX_FOLDS + 2) + 1 };

const char *whir_term_name(whir_term_kind kind); // "ood", "fold", "shift", "final", "last sumcheck"

// All terms of a set in the order of the protocol; returns their number.
size_t whir_terms(whir_term terms[WHIR_MAX_TERMS], const whir_params *params, whir_regime regime);

// The smallest of them.
double whir_bits(const whir_params *params, whir_regime regime);

// log2 of L_i, the most code words within delta_i of a word of round i. Whatever is argued about
// "the" committed polynomial before its out-of-domain answer loses as many bits.
double whir_log_list_size(const whir_params *params, unsigned i, whir_regime regime);

// The building blocks, for tests and for the rest of the soundness table: the error of mutual
// correlated agreement, as -log2, for a code of dimension 2^log_dimension.
double whir_agreement_bits(whir_regime regime, unsigned log_dimension, unsigned log_inv_rate,
                           unsigned multiplicity);
// -log2(1 - delta): bits of one query.
double whir_query_bits(whir_regime regime, unsigned log_inv_rate, unsigned multiplicity);

// What a prover hashes and transforms, to compare sets: permutations for leaves and nodes of all
// rounds, expected permutations of grinding, and butterflies.
typedef struct whir_cost {
    double tree_permutations, grinding_permutations, butterflies;
} whir_cost;
whir_cost whir_prover_cost(const whir_params *params);
