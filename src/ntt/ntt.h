// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Number-theoretic transforms of row-major matrices: the transform runs along the rows (the long
// axis), the columns lie in the vector lanes. Since twiddles are in F, a matrix of extension
// elements is the same transform on three times as many base columns.
//
// Convention: root w_k = fe_root_of_unity(k). The code word of a column of coefficients
// c_0..c_{n-1} over the domain of size N = 2^(log_n + log_blowup) is the sequence
// u_i = sum_j c_j w_N^(i j), i = 0..N-1, in natural order.
#include "field/fe.h"

struct pool; // base/pool.h; NULL means the calling thread

enum { NTT_MAX_LOG_BLOWUP = 6 };

// Reed-Solomon encoding. in[2^log_n][width] holds coefficients, out[2^(log_n+log_blowup)][width]
// receives the values in natural order. 3 <= log_n + log_blowup <= 32, log_n >= 0,
// log_blowup <= 6, width >= 1, else ZK_EINVAL; ZK_ENOMEM when scratch memory cannot be had. in and
// out do not overlap. The order of rows is natural. Fastest when width is a multiple of 8 and the
// rows begin at multiples of 64 bytes.
MUST_CHECK status ntt_encode(fe *out, const fe *in, unsigned log_n, unsigned log_blowup,
                             size_t width, struct pool *pool);

// In place forward and inverse transforms of data[2^log_n][width], natural order both sides,
// log_n <= 32, width >= 1, else ZK_EINVAL; ZK_ENOMEM.
MUST_CHECK status ntt_forward(fe *data, unsigned log_n, size_t width, struct pool *pool);
MUST_CHECK status ntt_inverse(fe *data, unsigned log_n, size_t width, struct pool *pool);
