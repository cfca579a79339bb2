// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Verifier half of WHIR: reads an opening proof and reduces "sum_x f[x] W(x) = claim" for the
// committed f to a claim about one point. Protocol: doc/protocol.md section 7.
//
// Written in the circuit subset (field/fe.h): the operations depend on the parameter set alone. No
// heap, no libc; what fails is noted in the reader and the work goes on.
//
// What the verifier returns is not yet a verdict. The caller evaluates the multilinear extension of
// its weights at result.point and requires
//     W~(point) * value == remaining,
// then looks at reader.ok. W holds everything the caller wants to know of f at once; the answer
// f(z) = y given at commit time is one such term, with W(x) = pow(z, x): whir_pow_eval.
#include "transcript/proof_reader.h"
#include "transcript/transcript.h"
#include "whir/whir_params.h"

// Working memory of one verification; contents are of no interest to the caller.
typedef struct whir_scratch {
    fe row[WHIR_MAX_ROW];
    digest path[3 * WHIR_MAX_LEVELS];
    digest cap[1 << WHIR_MAX_CAP];
    fe3 eq[1 << WHIR_MAX_FOLDS];
    fe3 answers[WHIR_MAX_QUERIES];      // folds of the opened rows
    fe positions[WHIR_MAX_ALL_QUERIES]; // their points of the domain, of all rounds
    fe3 final_poly[1 << WHIR_MAX_FINAL];
} whir_scratch;

typedef struct whir_result {
    fe3 point[WHIR_MAX_STACK]; // variable 0 first; A of them
    fe3 value;                 // f~(point)
    fe3 remaining;             // W~(point) * value must equal this
} whir_result;

// `root` is of a commitment by params; `t` has absorbed whatever root, W and claim come from.
// Consumes whir_proof_words(params) words.
void whir_verify(whir_result *result, const whir_params *params, const hash_ops *hash, digest root,
                 fe3 claim, transcript *t, proof_reader *reader, whir_scratch *scratch);

// pow~(z, s) = prod_{l < n} (1 - s_l + s_l z^(2^l)): the multilinear extension of x -> z^x.
fe3 whir_pow_eval(fe3 z, const fe3 *s, unsigned n);
