// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The equality polynomial, whose tables field/vec.h makes.
//
//   eq(r, x) = prod_i (x_i r_i + (1 - x_i)(1 - r_i))
//
// Bit i of an index x belongs to coordinate i of the point; coordinate 0 is the least significant
// bit and is bound first in every sumcheck of this library. K-vectors are planar: element i of a
// vector v with plane stride s is (v[i], v[s + i], v[2 s + i]).
#include "field/fe.h"

// sum of eq(r, b) over b < count, count <= 2^n.
fe3 eq_prefix_sum(const fe3 *r, unsigned n, uint64_t count);

static inline fe3 planar_get(const fe *v, size_t stride, size_t i)
{
    return (fe3){{v[i], v[stride + i], v[2 * stride + i]}};
}

static inline void planar_set(fe *v, size_t stride, size_t i, fe3 a)
{
    v[i] = a.c[0];
    v[stride + i] = a.c[1];
    v[2 * stride + i] = a.c[2];
}

// The eq factor of the variables that are left in a sumcheck, as low table x high table:
// eq(r, x) = low[x mod 2^n_low] * high[x >> n_low]. Sums over x then need one multiplication by
// low per term and one by high per block of 2^n_low terms.
typedef struct eq_split {
    unsigned max_low, n_low, n_high;
    fe *low;  // planar, stride 2^n_low
    fe *high; // planar, stride 2^n_high
} eq_split;

// Room for the tables of points with up to n coordinates, with n_low = max_low. ZK_ENOMEM.
MUST_CHECK status eq_split_new(eq_split *e, unsigned n, unsigned max_low);
void eq_split_free(eq_split *e);
// Fills the tables for r[0..n-1], n at most what eq_split_new was called with;
// n_low = min(n, max_low).
void eq_split_set(eq_split *e, const fe3 *r, unsigned n);
