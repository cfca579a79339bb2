// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The kernels of whir_kernels.h spread over a pool, and other pieces that commitment and opening
// share. Internal to src/whir. K-vectors are planar; the stride of one of n elements is n.
#include "whir/whir.h"
#include "whir/whir_kernels.h"

// The row code of the cells, from bigmem; given back by whir_free_code (NULL-safe).
MUST_CHECK status whir_encode(fe **code, const whir_params *params, const fe *cells, pool *threads,
                              const cancel_flag *cancel);
void whir_free_code(fe *code, const whir_params *params);

// As merkle_build, but stops soon after the flag is raised: ZK_ECANCELED.
MUST_CHECK status whir_build_tree(merkle_tree *tree, const hash_ops *hash, const fe *rows,
                                  unsigned log_rows, size_t width, pool *threads,
                                  const cancel_flag *cancel);

// out[x] := base^x for x < n.
void whir_powers(fe *out, size_t stride, size_t n, fe3 base, pool *threads);

// sums[p][b] := sum_x rows[x][b] weights[p].high[x] for all terms p in one pass over the rows.
MUST_CHECK status whir_lane_sums(fe *const *sums, const fe *rows, size_t n_rows, size_t width,
                                 const whir_weight *weights, size_t n_weights, pool *threads);

// out[x] := sum_b rows[x][b] lane_weights[b].
void whir_fold_lanes(fe *out, const fe *rows, size_t n_rows, size_t width, const fe *lane_weights,
                     pool *threads);

// One round of sumcheck over tables of n elements: *at_zero = t(0), *leading = its X^2 coefficient.
MUST_CHECK status whir_round_sums(fe3 *at_zero, fe3 *leading, const fe *f, const fe *w, size_t n,
                                  pool *threads);

// out[0 .. n/2 - 1] := in with its lowest variable bound to r.
void whir_bind(fe *out, const fe *in, size_t n, fe3 r, pool *threads);

// acc[x] := (keep ? acc[x] : 0) + in[x] * factor, x < n.
void whir_add_scaled(fe *acc, const fe *in, size_t n, fe3 factor, bool keep, pool *threads);

// sum a[x] b[x].
MUST_CHECK status whir_dot(fe3 *out, const fe *a, const fe *b, size_t n, pool *threads);

// rows[y] := the 2^k elements of K from y 2^k on, planar inside the row.
void whir_interleave(fe *rows, const fe *in, size_t n, unsigned k, pool *threads);
