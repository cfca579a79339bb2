// SPDX-License-Identifier: Apache-2.0 OR MIT
// Verifier of LogUp-GKR, in the circuit subset (field/fe.h).
#include "sumcheck/eq_round.h"
#include "sumcheck/gkr.h"

void gkr_verify(fe3 *root_p, fe3 *root_q, fe3 *point, fe3 *p_claim, fe3 *q_claim,
                unsigned log_leaves, transcript *t, proof_reader *r)
{
    fe3 root[2];
    root[0] = proof_read_fe3(r);
    root[1] = proof_read_fe3(r);
    transcript_absorb_fe3(t, LABEL_GKR_ROOT, root, 2);
    require_nonzero_fe3(r, root[1], "the denominator of the bus sum is zero");

    fe3 p = root[0], q = root[1];
    for (unsigned l = 0; l < log_leaves; l++) {
        fe3 lambda = transcript_squeeze_fe3(t);
        fe3 c = fe3_add(p, fe3_mul(lambda, q));
        for (unsigned i = 0; i < l; i++)
            c = eq_round_verify(&point[i], c, point[i], 2, LABEL_GKR_ROUND, t, r);

        fe3 end[4]; // p0, p1, q0, q1
        for (int k = 0; k < 4; k++)
            end[k] = proof_read_fe3(r);
        transcript_absorb_fe3(t, LABEL_GKR_LAYER, end, 4);
        fe3 h = fe3_mul(fe3_add(end[0], fe3_mul(lambda, end[2])), end[3]);
        h = fe3_add(h, fe3_mul(end[1], end[2]));
        require_equal_fe3(r, h, c, "a GKR layer does not add up");

        fe3 tau = transcript_squeeze_fe3(t);
        p = fe3_add(end[0], fe3_mul(tau, fe3_sub(end[1], end[0])));
        q = fe3_add(end[2], fe3_mul(tau, fe3_sub(end[3], end[2])));
        for (unsigned i = l; i > 0; i--)
            point[i] = point[i - 1];
        point[0] = tau;
    }
    *root_p = root[0];
    *root_q = root[1];
    *p_claim = p;
    *q_claim = q;
}
