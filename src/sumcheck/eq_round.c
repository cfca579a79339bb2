// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/eq_round.h"

fe3 eq_round_value(fe3 at, fe3 c, fe3 rho, const fe3 *values, unsigned degree)
{
    fe3 high = fe3_zero();
    for (unsigned j = degree; j-- > 1;)
        high = fe3_add(fe3_mul(high, at), values[j]);
    fe3 square = fe3_mul(at, fe3_sub(at, fe3_one()));
    fe3 value = fe3_add(c, fe3_mul(values[0], fe3_sub(at, rho)));
    return fe3_add(value, fe3_mul(square, high));
}

fe3 eq_round_verify(fe3 *challenge, fe3 c, fe3 rho, unsigned degree, transcript_label label,
                    transcript *t, proof_reader *r)
{
    fe3 values[EQ_ROUND_MAX_DEGREE];
    ZK_VERIFY(degree >= 1 && degree <= EQ_ROUND_MAX_DEGREE);
    for (unsigned j = 0; j < degree; j++)
        values[j] = proof_read_fe3(r);
    transcript_absorb_fe3(t, label, values, degree);
    *challenge = transcript_squeeze_fe3(t);
    return eq_round_value(*challenge, c, rho, values, degree);
}
