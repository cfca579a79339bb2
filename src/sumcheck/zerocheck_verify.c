// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/eq_round.h"
#include "sumcheck/zerocheck.h"

fe3 zerocheck_verify(fe3 *point, unsigned n_rounds, unsigned degree, const fe3 *rho, fe3 claim,
                     transcript *t, proof_reader *r)
{
    for (unsigned i = 0; i < n_rounds; i++)
        claim = eq_round_verify(&point[i], claim, rho[i], degree, LABEL_ZEROCHECK_ROUND, t, r);
    return claim;
}
