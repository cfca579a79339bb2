// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Batched operations of the sumcheck provers beyond field/vec.h, one table a tier. Lengths are
// arbitrary; vector tiers hand their tails to the scalar table. All K-vectors planar.
//
// The four tables of a layer's sumcheck over x: a = p(x,0) + lambda q(x,0), b = q(x,1),
// c = p(x,1), d = q(x,0), so that h(x) = a b + c d is the layer's polynomial
// p0 q1 + p1 q0 + lambda q0 q1 in two products. All four are multilinear and fold alike.
#include "field/fe.h"

typedef struct gkr_tables {
    fe *a, *b, *c, *d;
    size_t stride; // of the planes, the same for all four
} gkr_tables;

typedef struct sumcheck_ops {
    // Node j := fraction 2j + fraction 2j+1, j < n.
    void (*combine)(fe *p, fe *q, size_t stride, const fe *p_in, const fe *q_in, size_t in_stride,
                    size_t n);
    void (*combine_leaves)(fe *p, fe *q, size_t stride, const fe *m, const fe *d, size_t d_stride,
                           size_t n);
    // Tables from the layer below (2 n fractions).
    void (*split)(gkr_tables out, const fe *p, const fe *q, size_t stride, fe3 lambda, size_t n);
    void (*split_leaves)(gkr_tables out, const fe *m, const fe *d, size_t d_stride, fe3 lambda,
                         size_t n);
    // sums[0] += sum_j eq[j] h(2j + 1); sums[1] += sum_j eq[j] * (leading coefficient in X of h on
    // the line through x = 2j and 2j + 1). n <= 128 pairs.
    void (*sums)(fe3 sums[2], gkr_tables in, const fe *eq, size_t eq_stride, size_t n);
    // The line through neighbouring base cells: at_one[j] := in[2j+1], delta[j] := in[2j+1] -
    // in[2j].
    void (*line)(fe *at_one, fe *delta, const fe *in, size_t n);
    // out[j] := in[2j] + r (in[2j+1] - in[2j]) for the four tables, j < n. No overlap.
    void (*fold)(gkr_tables out, gkr_tables in, fe3 r, size_t n);
} sumcheck_ops;

extern const sumcheck_ops sumcheck_ops_scalar, sumcheck_ops_avx2, sumcheck_ops_avx512;
const sumcheck_ops *sumcheck_ops_get(void); // for cpu_tier_current()

static inline gkr_tables gkr_tables_at(gkr_tables t, size_t i)
{
    return (gkr_tables){t.a + i, t.b + i, t.c + i, t.d + i, t.stride};
}
