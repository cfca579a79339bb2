// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Batched operations of the zerocheck prover, one table a tier. Lengths are arbitrary; vector tiers
// hand their tails to the scalar table. K-vectors are planar with the given plane strides.
#include "field/fe.h"

typedef struct zerocheck_ops {
    // The line through neighbouring cells: at_one[j] := in[2j+1], delta[j] := in[2j+1] - in[2j].
    void (*line)(fe *at_one, fe *delta, const fe *in, size_t n);
    // v[j] += delta[j]
    void (*step)(fe *v, const fe *delta, size_t n);
    // sum_j weight[j] g[j] in K, n <= 512
    fe3 (*dot)(const fe *weight, size_t weight_stride, const fe *g, size_t g_stride, size_t n);
    // out[j] := in[2j] + r (in[2j+1] - in[2j]), base cells to K and K to K
    void (*fold_base)(fe *out, size_t stride, const fe *in, fe3 r, size_t n);
    void (*fold_extension)(fe *out, size_t stride, const fe *in, size_t in_stride, fe3 r, size_t n);
    // out[j] := constant + sum_i coefficients[i] columns[i][begin + j] over base columns; columns
    // with a zero coefficient are not read.
    void (*linear)(fe *out, size_t stride, fe3 constant, const fe3 *coefficients,
                   const fe *const *columns, size_t n_columns, size_t begin, size_t n);
} zerocheck_ops;

extern const zerocheck_ops zerocheck_ops_scalar, zerocheck_ops_avx2, zerocheck_ops_avx512;
const zerocheck_ops *zerocheck_ops_get(void); // for cpu_tier_current()
