// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir_passes.h"

#include "base/bigmem.h"
#include "field/vec.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROW_GRAIN = 1 << 11,   // rows of 64 cells: 1 MiB
    TABLE_GRAIN = 1 << 13, // elements of K
};

typedef struct leaf_pass {
    const hash_ops *hash;
    digest *leaves;
    const fe *rows;
    size_t width;
} leaf_pass;

static void leaves_range(void *arg, size_t begin, size_t end)
{
    const leaf_pass *p = arg;
    p->hash->hash_rows(p->leaves + begin, p->rows + begin * p->width, end - begin, p->width);
}

status whir_build_tree(merkle_tree *tree, const hash_ops *hash, const fe *rows, unsigned log_rows,
                       size_t width, pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    size_t n = (size_t)1 << log_rows;
    leaf_pass p = {hash, NULL, rows, width};
    TRY_OUT(bigmem_new(&p.leaves, n));
    TRY_OUT(pool_for_cancelable(threads, n, ROW_GRAIN, cancel, leaves_range, &p));
    TRY_OUT(merkle_build_from_leaves(tree, hash, p.leaves, log_rows, threads));
out:
    bigmem_free(p.leaves, n, sizeof *p.leaves);
    return result;
}

typedef struct pass {
    const whir_ops *ops;
    fe *out;
    const fe *a, *b;
    size_t stride, width;
    fe3 factor;
    bool keep;
    fe3 (*partial)[2]; // one a slot
} pass;

// The sums of a pass that every slot adds to for itself.
static status partial_new(pass *p, pool *threads)
{
    p->partial = calloc(pool_threads(threads), sizeof *p->partial);
    FAIL_IF(p->partial == NULL, ZK_ENOMEM, "no memory for partial sums");
    return ZK_OK;
}

static void partial_sum(fe3 out[2], pass *p, pool *threads)
{
    out[0] = out[1] = fe3_zero();
    for (unsigned slot = 0; slot < pool_threads(threads); slot++)
        for (int k = 0; k < 2; k++)
            out[k] = fe3_add(out[k], p->partial[slot][k]);
    free(p->partial);
}

static void powers_range(void *arg, size_t begin, size_t end)
{
    const pass *p = arg;
    vec_get()->powers3(p->out + begin, p->stride, fe3_pow(p->factor, begin), p->factor,
                       end - begin);
}

void whir_powers(fe *out, size_t stride, size_t n, fe3 base, pool *threads)
{
    pass p = {.out = out, .stride = stride, .factor = base};
    pool_for(threads, n, TABLE_GRAIN, powers_range, &p);
}

typedef struct lane_pass {
    const whir_ops *ops;
    const fe *rows;
    size_t n_rows, width, n_weights;
    const whir_weight *weights;
    fe (*partial)[WHIR_MAX_WEIGHTS][3 * WHIR_MAX_ROW]; // one a slot
} lane_pass;

static void lane_sums_range(void *arg, unsigned slot, size_t begin, size_t end)
{
    const lane_pass *p = arg;
    // All terms on a few rows before the next few: the rows come from memory once.
    enum { FEW = 256 };
    for (size_t x = begin; x < end; x += FEW) {
        size_t n = end - x < FEW ? end - x : FEW;
        for (size_t i = 0; i < p->n_weights; i++)
            p->ops->lane_sums(p->partial[slot][i], p->rows + x * p->width, n, p->width,
                              p->weights[i].high + x, p->n_rows);
    }
}

status whir_lane_sums(fe *const *sums, const fe *rows, size_t n_rows, size_t width,
                      const whir_weight *weights, size_t n_weights, pool *threads)
{
    ZK_ASSERT(n_weights <= WHIR_MAX_WEIGHTS && width <= WHIR_MAX_ROW);
    lane_pass p = {whir_ops_current(), rows, n_rows, width, n_weights, weights, NULL};
    p.partial = calloc(pool_threads(threads), sizeof *p.partial);
    FAIL_IF(p.partial == NULL, ZK_ENOMEM, "no memory for partial sums");
    pool_for_slots(threads, n_rows, ROW_GRAIN, lane_sums_range, &p);
    for (size_t i = 0; i < n_weights; i++)
        for (size_t j = 0; j < 3 * width; j++) {
            fe sum = 0;
            for (unsigned slot = 0; slot < pool_threads(threads); slot++)
                sum = fe_add(sum, p.partial[slot][i][j]);
            sums[i][j] = sum;
        }
    free(p.partial);
    return ZK_OK;
}

static void fold_lanes_range(void *arg, size_t begin, size_t end)
{
    const pass *p = arg;
    p->ops->fold_lanes(p->out + begin, p->stride, p->a + begin * p->width, end - begin, p->width,
                       p->b);
}

void whir_fold_lanes(fe *out, const fe *rows, size_t n_rows, size_t width, const fe *lane_weights,
                     pool *threads)
{
    pass p = {.ops = whir_ops_current(),
              .out = out,
              .a = rows,
              .b = lane_weights,
              .stride = n_rows,
              .width = width};
    pool_for(threads, n_rows, ROW_GRAIN, fold_lanes_range, &p);
}

static void round_sums_range(void *arg, unsigned slot, size_t begin, size_t end)
{
    const pass *p = arg;
    p->ops->round_sums(p->partial[slot], p->a + 2 * begin, p->b + 2 * begin, p->stride,
                       end - begin);
}

status whir_round_sums(fe3 *at_zero, fe3 *leading, const fe *f, const fe *w, size_t n,
                       pool *threads)
{
    pass p = {.ops = whir_ops_current(), .a = f, .b = w, .stride = n};
    TRY(partial_new(&p, threads));
    pool_for_slots(threads, n / 2, TABLE_GRAIN, round_sums_range, &p);
    fe3 sums[2];
    partial_sum(sums, &p, threads);
    *at_zero = sums[0];
    *leading = sums[1];
    return ZK_OK;
}

static void bind_range(void *arg, size_t begin, size_t end)
{
    const pass *p = arg;
    vec_get()->fold_low(p->out + begin, p->stride / 2, p->a + 2 * begin, p->stride, p->factor,
                        end - begin);
}

void whir_bind(fe *out, const fe *in, size_t n, fe3 r, pool *threads)
{
    pass p = {.ops = whir_ops_current(), .out = out, .a = in, .stride = n, .factor = r};
    pool_for(threads, n / 2, TABLE_GRAIN, bind_range, &p);
}

static void add_scaled_range(void *arg, size_t begin, size_t end)
{
    const pass *p = arg;
    if (p->keep)
        vec_get()->add_scaled3(p->out + begin, p->stride, p->a + begin, p->stride, p->factor,
                               end - begin);
    else
        vec_get()->scale3(p->out + begin, p->stride, p->a + begin, p->stride, p->factor,
                          end - begin);
}

void whir_add_scaled(fe *acc, const fe *in, size_t n, fe3 factor, bool keep, pool *threads)
{
    pass p = {.ops = whir_ops_current(),
              .out = acc,
              .a = in,
              .stride = n,
              .factor = factor,
              .keep = keep};
    pool_for(threads, n, TABLE_GRAIN, add_scaled_range, &p);
}

static void dot_range(void *arg, unsigned slot, size_t begin, size_t end)
{
    const pass *p = arg;
    fe3 sum = vec_get()->dot3(p->a + begin, p->stride, p->b + begin, p->stride, end - begin);
    p->partial[slot][0] = fe3_add(p->partial[slot][0], sum);
}

status whir_dot(fe3 *out, const fe *a, const fe *b, size_t n, pool *threads)
{
    pass p = {.ops = whir_ops_current(), .a = a, .b = b, .stride = n};
    TRY(partial_new(&p, threads));
    pool_for_slots(threads, n, TABLE_GRAIN, dot_range, &p);
    fe3 sums[2];
    partial_sum(sums, &p, threads);
    *out = sums[0];
    return ZK_OK;
}

static void interleave_range(void *arg, size_t begin, size_t end)
{
    const pass *p = arg;
    for (size_t y = begin; y < end; y++)
        for (size_t k = 0; k < 3; k++)
            memcpy(p->out + (3 * y + k) * p->width, p->a + k * p->stride + y * p->width,
                   p->width * sizeof *p->out);
}

void whir_interleave(fe *rows, const fe *in, size_t n, unsigned k, pool *threads)
{
    pass p = {.out = rows, .a = in, .stride = n, .width = (size_t)1 << k};
    pool_for(threads, n >> k, TABLE_GRAIN, interleave_range, &p);
}
