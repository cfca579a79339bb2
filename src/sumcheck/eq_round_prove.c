// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck/eq_round.h"

fe3 eq_round_prove(fe3 *challenge, fe3 c, fe3 rho, const fe3 *values, unsigned degree,
                   transcript_label label, transcript *t, proof_writer *w)
{
    for (unsigned j = 0; j < degree; j++)
        proof_write_fe3(w, values[j]);
    transcript_absorb_fe3(t, label, values, degree);
    *challenge = transcript_squeeze_fe3(t);
    return eq_round_value(*challenge, c, rho, values, degree);
}

void eq_round_values(fe3 *values, const fe3 *samples, fe3 c, fe3 rho, unsigned degree)
{
    ZK_VERIFY(degree >= 1 && degree <= EQ_ROUND_MAX_DEGREE);
    // t(0) from the claim, then d = t(1) - t(0).
    fe3 at_zero = fe3_mul(fe3_sub(c, fe3_mul(rho, samples[0])), fe3_inv(fe3_sub(fe3_one(), rho)));
    values[0] = fe3_sub(samples[0], at_zero);

    // e at the points 2 .. degree, by Newton's divided differences, then to monomials.
    fe3 newton[EQ_ROUND_MAX_DEGREE];
    unsigned n = degree - 1;
    for (unsigned i = 0; i < n; i++) {
        fe x = i + 2;
        fe3 linear = fe3_add(c, fe3_mul(values[0], fe3_sub(fe3_from_fe(x), rho)));
        newton[i] = fe3_mul_fe(fe3_sub(samples[i + 1], linear), fe_inv(x * (x - 1)));
    }
    for (unsigned step = 1; step < n; step++)
        for (unsigned i = n; i-- > step;)
            newton[i] = fe3_mul_fe(fe3_sub(newton[i], newton[i - 1]), fe_inv(step));
    fe3 e[EQ_ROUND_MAX_DEGREE] = {{{0, 0, 0}}};
    for (unsigned i = n; i-- > 0;) { // e := e * (X - (i + 2)) + newton[i]
        for (unsigned j = n; j-- > 1;)
            e[j] = fe3_sub(e[j - 1], fe3_mul_fe(e[j], i + 2));
        e[0] = fe3_sub(newton[i], fe3_mul_fe(e[0], i + 2));
    }
    for (unsigned j = 0; j < n; j++)
        values[j + 1] = e[j];
}
