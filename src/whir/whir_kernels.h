// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Passes of the prover over large tables that field/vec.h has not, one table of them a SIMD tier.
// The scalar ones are the specification; all tiers give the same canonical results.
//
// A K-vector of stride s is planar: element i is (p[i], p[s + i], p[2 s + i]). Sizes are any unless
// said. None of these starts threads: callers split the range.
#include "field/fe.h"

typedef struct whir_ops {
    const char *tier;

    // sums[b] += sum_{x < n} rows[x][b] * high[x] for b < width: rows is row-major [n][width] over
    // F, high a K-vector of stride high_stride, sums one of stride width. width is a multiple of 8
    // and at most 64. Lazy: one reduction in 2048 rows.
    void (*lane_sums)(fe *sums, const fe *rows, size_t n, size_t width, const fe *high,
                      size_t high_stride);

    // out[x] := sum_{b < width} rows[x][b] * weights[b]; weights is a K-vector of stride width.
    // n is a multiple of 8, width as above.
    void (*fold_lanes)(fe *out, size_t out_stride, const fe *rows, size_t n, size_t width,
                       const fe *weights);

    // For a sumcheck over pairs (2x, 2x + 1) of f and w, x < n_pairs, both of stride `stride`:
    // out[0] += sum f(0) w(0), out[1] += sum (f(1) - f(0)) (w(1) - w(0)).
    void (*round_sums)(fe3 out[2], const fe *f, const fe *w, size_t stride, size_t n_pairs);
} whir_ops;

extern const whir_ops whir_ops_scalar, whir_ops_avx2, whir_ops_avx512;

// The table of the tier in use (base/cpu.h).
const whir_ops *whir_ops_current(void);
