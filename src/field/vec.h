// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Operations on long vectors over F and K, one table a tier.
//
// A vector over F is a plain array. A K-vector is planar: element i of the K-vector (p, stride) is
// (p[i], p[stride + i], p[2 * stride + i]), stride >= its length; it is written as two arguments.
// All elements are canonical. Memory needs no alignment; any length is allowed, 0 too. An output
// may be the very same vector as an input (same pointer, same stride) unless a function says
// otherwise; other overlap is forbidden.
//
// Every tier writes the same bytes. Nothing here allocates or fails. Threads: split the range.
#include "field/fe.h"

typedef struct vec_ops {
    const char *name;
    unsigned lanes; // multiples of this length leave no tail

    // Over F.
    void (*add)(fe *out, const fe *a, const fe *b, size_t n);
    void (*sub)(fe *out, const fe *a, const fe *b, size_t n);
    void (*mul)(fe *out, const fe *a, const fe *b, size_t n);
    void (*mul_add)(fe *out, const fe *a, const fe *b, const fe *c, size_t n); // a b + c
    void (*scale)(fe *out, const fe *a, fe s, size_t n);
    // out[i] = a[i]^-1, zero stays zero. out and a do not overlap.
    void (*batch_inverse)(fe *out, const fe *a, size_t n);
    // out[i] = start base^i
    void (*powers)(fe *out, fe start, fe base, size_t n);

    // Over K.
    void (*add3)(fe *out, size_t out_stride, const fe *a, size_t a_stride, const fe *b,
                 size_t b_stride, size_t n);
    void (*sub3)(fe *out, size_t out_stride, const fe *a, size_t a_stride, const fe *b,
                 size_t b_stride, size_t n);
    void (*mul3)(fe *out, size_t out_stride, const fe *a, size_t a_stride, const fe *b,
                 size_t b_stride, size_t n);
    // b over F
    void (*mul3_fe)(fe *out, size_t out_stride, const fe *a, size_t a_stride, const fe *b,
                    size_t n);
    void (*scale3)(fe *out, size_t out_stride, const fe *a, size_t a_stride, fe3 s, size_t n);
    // out += s a
    void (*add_scaled3)(fe *out, size_t out_stride, const fe *a, size_t a_stride, fe3 s, size_t n);
    // out[i] = a[i]^-1, zero stays zero. out and a do not overlap.
    void (*batch_inverse3)(fe *out, size_t out_stride, const fe *a, size_t a_stride, size_t n);
    // out[i] = start base^i
    void (*powers3)(fe *out, size_t out_stride, fe3 start, fe3 base, size_t n);

    // out[i] = sum_j coefs[j] cols[j][i] over n_cols columns over F; added to out when `accumulate`
    // is set. out overlaps no column. n_cols may be 0.
    void (*lincomb)(fe *out, size_t out_stride, const fe *const *cols, const fe3 *coefs,
                    size_t n_cols, size_t n, bool accumulate);
    // sum_i a[i] b[i], a over F
    fe3 (*dot_fe)(const fe *a, const fe *b, size_t b_stride, size_t n);
    fe3 (*dot3)(const fe *a, size_t a_stride, const fe *b, size_t b_stride, size_t n);

    // Folds of a table of 2 n values at r into n values. "low" folds the variable of index bit 0:
    // out[i] = a[2i] + r (a[2i+1] - a[2i]); "high" the top one: out[i] = a[i] + r (a[i+n] - a[i]).
    // fold_*_fe read a table over F; out does not overlap it.
    void (*fold_low_fe)(fe *out, size_t out_stride, const fe *a, fe3 r, size_t n);
    void (*fold_high_fe)(fe *out, size_t out_stride, const fe *a, fe3 r, size_t n);
    void (*fold_low)(fe *out, size_t out_stride, const fe *a, size_t a_stride, fe3 r, size_t n);
    void (*fold_high)(fe *out, size_t out_stride, const fe *a, size_t a_stride, fe3 r, size_t n);

    // out[b] = scale prod_i (bit i of b ? point[i] : 1 - point[i]) for all b < 2^k.
    void (*eq_table)(fe *out, size_t out_stride, fe3 scale, const fe3 *point, unsigned k);
    // out[b] = scale prod_i (bit i of b ? point[i] : 1) for all b < 2^k.
    void (*pow_table)(fe *out, size_t out_stride, fe3 scale, const fe3 *point, unsigned k);
} vec_ops;

extern const vec_ops vec_ops_scalar, vec_ops_avx2, vec_ops_avx512;

// The table of cpu_tier_current().
const vec_ops *vec_get(void);
