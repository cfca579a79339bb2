// SPDX-License-Identifier: Apache-2.0 OR MIT
// The specification: textbook radix-2 transforms on whole columns, threads share out the columns.
#include "base/pool.h"
#include "ntt/ntt_ops.h"

#include <stdlib.h>
#include <string.h>

// A column range [begin, end) of a matrix of 2^log_n rows that lie `width` apart.
typedef struct column_block {
    fe *data;
    unsigned log_n;
    size_t width, begin, end;
} column_block;

static void swap_rows(column_block b, size_t i, size_t j)
{
    for (size_t c = b.begin; c < b.end; c++) {
        fe t = b.data[i * b.width + c];
        b.data[i * b.width + c] = b.data[j * b.width + c];
        b.data[j * b.width + c] = t;
    }
}

static void bit_reverse_rows(column_block b)
{
    size_t n = (size_t)1 << b.log_n;
    for (size_t i = 0, r = 0; i < n; i++) {
        if (i < r)
            swap_rows(b, i, r);
        // r = bit reversal of i: add one from the top.
        size_t bit = n >> 1;
        for (; r & bit; bit >>= 1)
            r ^= bit;
        r |= bit;
    }
}

// (x, y) <- (x + w y, x - w y) on rows i and j.
static void butterfly_rows(column_block b, size_t i, size_t j, fe w)
{
    fe *x = b.data + i * b.width, *y = b.data + j * b.width;
    for (size_t c = b.begin; c < b.end; c++) {
        fe t = fe_mul(y[c], w);
        y[c] = fe_sub(x[c], t);
        x[c] = fe_add(x[c], t);
    }
}

// Cooley-Tukey: after stage s, aligned blocks of 2^s rows hold transforms of size 2^s.
static void forward_columns(column_block b)
{
    size_t n = (size_t)1 << b.log_n;
    bit_reverse_rows(b);
    for (unsigned s = 1; s <= b.log_n; s++) {
        size_t half = (size_t)1 << (s - 1);
        fe root = fe_root_of_unity(s), w = 1;
        for (size_t j = 0; j < half; j++, w = fe_mul(w, root))
            for (size_t block = 0; block < n; block += 2 * half)
                butterfly_rows(b, block + j, block + j + half, w);
    }
}

// The forward transform with w^-1 for w: outputs k and n - k trade places; then 1/n.
static void inverse_columns(column_block b)
{
    size_t n = (size_t)1 << b.log_n;
    forward_columns(b);
    for (size_t i = 1; i < n - i; i++)
        swap_rows(b, i, n - i);
    fe scale = fe_inv((fe)n);
    for (size_t i = 0; i < n; i++)
        for (size_t c = b.begin; c < b.end; c++)
            b.data[i * b.width + c] = fe_mul(b.data[i * b.width + c], scale);
}

typedef struct transform_job {
    fe *data;
    unsigned log_n;
    size_t width;
    bool inverse;
} transform_job;

static void transform_range(void *arg, size_t begin, size_t end)
{
    const transform_job *job = arg;
    column_block b = {job->data, job->log_n, job->width, begin, end};
    if (job->inverse)
        inverse_columns(b);
    else
        forward_columns(b);
}

static status transform(fe *data, unsigned log_n, size_t width, bool inverse, struct pool *p)
{
    transform_job job = {data, log_n, width, inverse};
    pool_for(p, width, 1, transform_range, &job);
    return ZK_OK;
}

typedef struct coset_job {
    fe *coset;
    const fe *in;
    size_t n, width;
    unsigned log_n;
    fe shift;
} coset_job;

// coset[j] = sum_t in[t] shift^t w_n^(j t).
static void coset_range(void *arg, size_t begin, size_t end)
{
    const coset_job *job = arg;
    fe power = 1;
    for (size_t t = 0; t < job->n; t++, power = fe_mul(power, job->shift))
        for (size_t c = begin; c < end; c++)
            job->coset[t * job->width + c] = fe_mul(job->in[t * job->width + c], power);
    forward_columns((column_block){job->coset, job->log_n, job->width, begin, end});
}

// Row k + blowup j of the code word is the value at w_N^k w_n^j: one coset of size n for each k.
static status encode(fe *out, const fe *in, unsigned log_n, unsigned log_blowup, size_t width,
                     struct pool *p)
{
    size_t n = (size_t)1 << log_n, blowup = (size_t)1 << log_blowup;
    fe *coset = malloc(n * width * sizeof(fe));
    FAIL_IF(coset == NULL, ZK_ENOMEM, "no memory for a transform of %zu x %zu elements", n, width);
    coset_job job = {coset, in, n, width, log_n, 1};
    fe root = fe_root_of_unity(log_n + log_blowup);
    for (size_t k = 0; k < blowup; k++, job.shift = fe_mul(job.shift, root)) {
        pool_for(p, width, 1, coset_range, &job);
        for (size_t j = 0; j < n; j++)
            memcpy(out + (k + blowup * j) * width, coset + j * width, width * sizeof(fe));
    }
    free(coset);
    return ZK_OK;
}

const ntt_ops ntt_ops_scalar = {"scalar", encode, transform};
