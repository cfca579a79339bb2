// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// One round of a sumcheck with an eq factor (doc/protocol.md section 5), used by GKR and zerocheck.
//
// With c the claim, rho the coordinate of the eq point and `degree` the degree of the summand
// without its eq factor, the values d, e_0 .. e_{degree-2} fix
//   t(X) = c + d (X - rho) + X (X - 1) sum_j e_j X^j
// and (1 - rho) t(0) + rho t(1) = c holds for every choice of them.
#include "transcript/proof_reader.h"
#include "transcript/proof_writer.h"
#include "transcript/transcript.h"

enum { EQ_ROUND_MAX_DEGREE = 8 };

// t(at). Circuit subset.
fe3 eq_round_value(fe3 at, fe3 c, fe3 rho, const fe3 *values, unsigned degree);

// Circuit subset. Reads and absorbs the values, squeezes *challenge, returns t(*challenge).
fe3 eq_round_verify(fe3 *challenge, fe3 c, fe3 rho, unsigned degree, transcript_label label,
                    transcript *t, proof_reader *r);

// Writes and absorbs values[degree] = d, e_0, ..; the same otherwise.
fe3 eq_round_prove(fe3 *challenge, fe3 c, fe3 rho, const fe3 *values, unsigned degree,
                   transcript_label label, transcript *t, proof_writer *w);

// values[degree] from samples[x - 1] = t(x), x = 1 .. degree, and the claim. rho != 1.
void eq_round_values(fe3 *values, const fe3 *samples, fe3 c, fe3 rho, unsigned degree);
