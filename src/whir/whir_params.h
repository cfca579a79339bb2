// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Parameter sets of WHIR (eprint 2024/1586) and the sizes that follow from them.
//
// One set a stack class, pinned as integer constants; prover and verifier look a set up by its
// class id, nothing of it is ever read from a proof. The sets are what whir_solver.h finds for 128
// bits in the Johnson regime; a test recomputes them and pins every error term.
//
// Round i works on a polynomial f_i of `log_size` variables. Its oracle is the row code of
// doc/protocol.md: 2^n_folds lanes, encoded on a domain of 2^whir_log_rows points; the code seen
// as a plain Reed-Solomon code has rate 2^-log_inv_rate. The round binds n_folds variables and asks
// for n_queries rows. Round 0 has lanes in F, later rounds in K (planar: 3 * 2^n_folds elements).
#include "field/fe.h"

enum {
    WHIR_MAX_ROUNDS = 6,
    WHIR_MAX_STACK = 26,      // variables of the stack
    WHIR_MAX_FOLDS = 6,       // of round 0; later rounds have lanes in K and at most 4
    WHIR_MAX_LATER_FOLDS = 4, // so that a row is at most 64 elements
    WHIR_MAX_ROW = 64,        // elements of a row
    WHIR_MAX_QUERIES = 320,   // of one round
    WHIR_MAX_ALL_QUERIES = 640,
    WHIR_MAX_FINAL = 9,   // log2 of the final polynomial
    WHIR_MAX_CAP = 9,     // log2 of the nodes of a cap
    WHIR_MAX_LEVELS = 16, // tree levels below a cap
};

// Class ids are part of keys and headers. Ids from 0xF0 on are for tests and have no security.
//
// Fixed classes are for preprocessed columns alone, no instance may have one. Such columns are
// committed once a program and opened in one instance of a job, so that a lower rate pays: more to
// hash for the key, fewer rows to open in every proof.
typedef enum whir_class {
    WHIR_CLASS_20 = 20,
    WHIR_CLASS_23 = 23,
    WHIR_CLASS_24 = 24,
    WHIR_CLASS_26 = 26,
    WHIR_CLASS_FIXED_14 = 114, // rate 1/16
    WHIR_CLASS_FIXED_17 = 117, // 1/16
    WHIR_CLASS_FIXED_20 = 120, // 1/8
    WHIR_CLASS_FIXED_23 = 123, // 1/4; beyond it, preprocessed columns take WHIR_CLASS_26
    WHIR_CLASS_TEST_10 = 0xF0, // 2^10 cells, two rounds
    WHIR_CLASS_TEST_14 = 0xF1, // 2^14 cells, three rounds, the last of rate 2^-7
} whir_class;

typedef struct whir_round {
    uint8_t log_size;      // m_i: variables of f_i
    uint8_t log_inv_rate;  // r_i
    uint8_t n_folds;       // k_i
    uint8_t grinding;      // bits of proof of work before the queries
    uint8_t log_cap;       // nodes of the tree that are sent in clear; a level of the tree
    uint16_t n_queries;    // t_i
    uint16_t multiplicity; // of the list decoder in the analysis; no step of the protocol uses it
} whir_round;

typedef struct whir_params {
    whir_class id;
    const char *name;
    uint8_t log_stack; // A = round[0].log_size
    uint8_t log_final; // variables of the polynomial that is sent in clear
    uint8_t n_rounds;
    whir_round round[WHIR_MAX_ROUNDS];
    bool is_fixed; // for preprocessed columns alone
} whir_params;

// The set of a class that a verifier may accept; NULL for every other id, test classes included.
const whir_params *whir_params_shipped(unsigned id);

// The set of any class, with those for tests; NULL for an unknown id.
const whir_params *whir_params_any(unsigned id);

// Number of shipped sets, and the i-th of them, for tables.
size_t whir_params_count(void);
const whir_params *whir_params_at(size_t i);

// Are the numbers consistent with each other and with the limits above? True for all sets here;
// the solver checks what it found.
bool whir_params_valid(const whir_params *params);

static inline bool whir_is_last(const whir_params *params, unsigned i)
{
    return i + 1U == params->n_rounds;
}

// log2 of the rows of the code matrix (the domain of the row code) of a round.
static inline unsigned whir_log_rows(const whir_round *round)
{
    return (unsigned)round->log_size + round->log_inv_rate - round->n_folds;
}

// Field elements of a row of round i.
static inline size_t whir_row_width(const whir_params *params, unsigned i)
{
    return (i == 0 ? (size_t)1 : (size_t)3) << params->round[i].n_folds;
}

// Tree levels between the leaves and the cap: permutations of a path, three siblings each (one,
// on the top level of a tree of odd depth).
unsigned whir_path_levels(const whir_round *round);
size_t whir_path_digests(const whir_round *round);

// Size of an opening proof. It is the same for every proof of a class.
size_t whir_proof_words(const whir_params *params);

// Permutations of the verifier outside the transcript: leaves, paths, caps.
size_t whir_tree_permutations(const whir_params *params);
