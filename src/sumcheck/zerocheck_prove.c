// SPDX-License-Identifier: Apache-2.0 OR MIT
// Prover of the batched zerocheck.
//
// Every table keeps its own claim, so that t(X) of each table is fixed by its samples at
// X = 1 .. its own degree; the sent polynomial is the sum. In round 0 the columns are base cells
// and C vanishes at X = 0 and 1, so only X = 2 .. degree cost evaluations. The linear form L is
// computed once as a column of K and folded like the others.
//
// Cost per cell: one base fold to K, (1 + 1/2 + ..) K folds; per row degree * (1/2 + 1/2 + ..)
// evaluations. Bytes: after round 0 a cell takes 12 bytes, then 6, in two buffers used in turn.
#include "sumcheck/zerocheck.h"

#include <stdlib.h>
#include <string.h>

#include "base/bigmem.h"
#include "field/vec.h"
#include "sumcheck/eq_round.h"
#include "sumcheck/sumcheck_kernels.h"

enum { BLOCK = ZEROCHECK_BLOCK, LOG_BLOCK = 6, MAX_DEGREE = EQ_ROUND_MAX_DEGREE };
_Static_assert(1 << LOG_BLOCK == ZEROCHECK_BLOCK, "a block is one low eq table");

typedef struct work {
    const zerocheck_table *table;
    const vec_ops *vec;
    const sumcheck_ops *lines;
    size_t height; // rows left
    bool base;     // round 0: cells are in table->columns
    fe *cells;     // K: column j, plane c at cells + (3 j + c) * stride
    fe *form;      // L: planar K
    size_t stride; // of both
    fe *next, *next_form;
    size_t next_stride;
    fe *room[2]; // the buffers behind them
    size_t room_size[2];
    fe3 claim; // sum_x eq(rho, x) G(x) over the rows left
    fe3 r;     // of the fold
    const eq_split *eq;
    fe *scratch; // one stretch of scratch_size a slot
    size_t scratch_size;
    fe3 (*partial)[MAX_DEGREE + 1]; // per slot: samples at X = 1 .. degree, then sum of eq L(0)
} work;

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

// Loads the lines of `n` pairs from `first` into at_one and delta: [n_columns][coordinates][n8]
// with n8 = n rounded up to 8, what is beyond n being zero.
static void load_lines(const work *k, fe *at_one, fe *delta, size_t first, size_t n, size_t n8)
{
    unsigned coordinates = k->base ? 1 : 3;
    for (unsigned j = 0; j < k->table->n_columns; j++)
        for (unsigned c = 0; c < coordinates; c++) {
            const fe *in = k->base ? k->table->columns[j] : k->cells + (3 * j + c) * k->stride;
            size_t at = (j * coordinates + c) * n8;
            k->lines->line(at_one + at, delta + at, in + 2 * first, n);
            for (size_t i = n; i < n8; i++)
                at_one[at + i] = delta[at + i] = 0;
        }
}

static void sum_block(const work *k, fe3 *sums, fe *scratch, size_t first, size_t n)
{
    const zerocheck_table *table = k->table;
    size_t n8 = round_up(n, 8);
    unsigned coordinates = k->base ? 1 : 3;
    size_t cells = (size_t)table->n_columns * coordinates * n8;
    fe *at_x = scratch, *delta = at_x + cells, *out = delta + cells;
    fe *form_one = out + 3 * n8, *form_delta = form_one + 3 * n8;
    fe *room = form_delta + 3 * n8;
    const fe **columns = (const fe **)(room + table->room);

    const fe *low = k->eq->low;
    size_t low_stride = (size_t)1 << k->eq->n_low;
    fe3 high = planar_get(k->eq->high, (size_t)1 << k->eq->n_high, first >> k->eq->n_low);

    // L is linear: its sums at 0 and 1 give all others.
    for (unsigned c = 0; c < 3; c++)
        k->lines->line(form_one + c * n8, form_delta + c * n8, k->form + c * k->stride + 2 * first,
                       n);
    fe3 form_at_one = k->vec->dot3(low, low_stride, form_one, n8, n);
    fe3 form_slope = k->vec->dot3(low, low_stride, form_delta, n8, n);

    load_lines(k, at_x, delta, first, n, n8);
    for (unsigned j = 0; j < table->n_columns; j++)
        columns[j] = at_x + j * coordinates * n8;
    fe3 form = form_at_one;
    for (unsigned x = 1; x <= table->degree; x++) {
        fe3 sum = form;
        if (x > 1)
            k->vec->add(at_x, at_x, delta, cells);
        if (k->base && x > 1)
            table->eval_base(table->arg, out, columns, n8, room);
        else if (!k->base)
            table->eval_extension(table->arg, out, columns, n8, room);
        if (!k->base || x > 1)
            sum = fe3_add(sum, k->vec->dot3(low, low_stride, out, n8, n));
        sums[x - 1] = fe3_add(sums[x - 1], fe3_mul(high, sum));
        form = fe3_add(form, form_slope);
    }
    fe3 form_at_zero = fe3_sub(form_at_one, form_slope);
    sums[table->degree] = fe3_add(sums[table->degree], fe3_mul(high, form_at_zero));
}

static void sum_blocks(void *arg, unsigned slot, size_t first, size_t end)
{
    const work *k = arg;
    size_t n_pairs = k->height / 2;
    for (size_t block = first; block < end; block++) {
        size_t begin = block * BLOCK, n = n_pairs - begin < BLOCK ? n_pairs - begin : BLOCK;
        sum_block(k, k->partial[slot], k->scratch + slot * k->scratch_size, begin, n);
    }
}

// samples[0 .. degree-1] := t(1 .. degree) of this table, samples[degree] := sum of eq L at X = 0.
static void table_samples(work *k, fe3 *samples, pool *threads)
{
    unsigned n_samples = k->table->degree + 1;
    unsigned n_slots = pool_threads(threads);
    for (unsigned s = 0; s < n_slots; s++)
        for (unsigned i = 0; i < n_samples; i++)
            k->partial[s][i] = fe3_zero();
    size_t n_blocks = (k->height / 2 + BLOCK - 1) / BLOCK;
    pool_for_slots(threads, n_blocks, 4, sum_blocks, k);
    for (unsigned i = 0; i < n_samples; i++) {
        samples[i] = fe3_zero();
        for (unsigned s = 0; s < n_slots; s++)
            samples[i] = fe3_add(samples[i], k->partial[s][i]);
    }
}

static void fold_rows(void *arg, size_t first, size_t end)
{
    const work *k = arg;
    for (size_t block = first; block < end; block++) {
        size_t at = block * 8 * BLOCK, left = k->height / 2 - at;
        size_t n = left < 8 * BLOCK ? left : 8 * BLOCK;
        for (unsigned j = 0; j < k->table->n_columns; j++) {
            fe *out = k->next + 3 * (size_t)j * k->next_stride + at;
            if (k->base)
                k->vec->fold_low_fe(out, k->next_stride, k->table->columns[j] + 2 * at, k->r, n);
            else
                k->vec->fold_low(out, k->next_stride, k->cells + 3 * (size_t)j * k->stride + 2 * at,
                                 k->stride, k->r, n);
        }
        k->vec->fold_low(k->next_form + at, k->next_stride, k->form + 2 * at, k->stride, k->r, n);
    }
}

static void fold_table(work *k, fe3 r, unsigned round, pool *threads)
{
    k->r = r;
    k->next_stride = k->height / 2;
    k->next = k->room[round % 2];
    k->next_form = k->next + 3 * (size_t)k->table->n_columns * k->next_stride;
    pool_for(threads, (k->height / 2 + 8 * BLOCK - 1) / (8 * BLOCK), 1, fold_rows, k);
    k->cells = k->next;
    k->form = k->next_form;
    k->stride = k->next_stride;
    k->height /= 2;
    k->base = false;
}

static void fill_form(void *arg, size_t first, size_t end)
{
    const work *k = arg;
    const zerocheck_table *table = k->table;
    for (size_t block = first; block < end; block++) {
        size_t at = block * 8 * BLOCK, left = k->height - at;
        size_t n = left < 8 * BLOCK ? left : 8 * BLOCK;
        const fe *columns[ZEROCHECK_MAX_COLUMNS];
        fe3 coefficients[ZEROCHECK_MAX_COLUMNS];
        size_t n_used = 0;
        for (unsigned j = 0; j < table->n_columns; j++)
            if (!fe3_is_zero(table->linear[j])) {
                columns[n_used] = table->columns[j] + at;
                coefficients[n_used++] = table->linear[j];
            }
        for (size_t i = 0; i < n; i++)
            planar_set(k->form, k->stride, at + i, table->constant);
        k->vec->lincomb(k->form + at, k->stride, columns, coefficients, n_used, n, true);
    }
}

static status work_new(work *k, const zerocheck_table *table, pool *threads)
{
    size_t height = (size_t)1 << table->log_height;
    ZK_ASSERT(table->degree >= 1 && table->degree <= MAX_DEGREE && table->log_height >= 1);
    ZK_ASSERT(table->n_columns <= ZEROCHECK_MAX_COLUMNS);
    *k = (work){.table = table,
                .vec = vec_get(),
                .lines = sumcheck_ops_get(),
                .height = height,
                .base = true};
    // Buffer 1 first holds L of round 0 (height elements), later a quarter of the cells.
    size_t columns = 3 * ((size_t)table->n_columns + 1);
    k->room_size[0] = columns * (height / 2);
    k->room_size[1] = columns * ((height + 3) / 4);
    if (k->room_size[1] < 3 * height)
        k->room_size[1] = 3 * height;
    for (int i = 0; i < 2; i++)
        TRY(bigmem_new(&k->room[i], k->room_size[i]));
    k->form = k->room[1];
    k->stride = height;
    // Lines (two), outputs, L's lines, the evaluator's room, column pointers.
    k->scratch_size = round_up(
        6 * (size_t)table->n_columns * BLOCK + 9 * BLOCK + table->room + table->n_columns, 8);
    size_t slots = pool_threads(threads);
    k->scratch = aligned_alloc(64, round_up(slots * k->scratch_size * sizeof(fe), 64));
    k->partial = malloc(slots * sizeof *k->partial);
    FAIL_IF(k->scratch == NULL || k->partial == NULL, ZK_ENOMEM, "no memory for zerocheck scratch");
    pool_for(threads, (height + 8 * BLOCK - 1) / (8 * BLOCK), 1, fill_form, k);
    return ZK_OK;
}

static void work_free(work *k)
{
    for (int i = 0; i < 2; i++)
        bigmem_free(k->room[i], k->room_size[i], sizeof *k->room[i]);
    free(k->scratch);
    free(k->partial);
    *k = (work){0};
}

status zerocheck_prove(fe3 *point, fe3 *const *values, unsigned n_rounds, unsigned degree,
                       const fe3 *rho, const zerocheck_table *tables, size_t n_tables,
                       transcript *t, proof_writer *w, pool *threads, const cancel_flag *cancel)
{
    ZK_ASSERT(degree >= 1 && degree <= MAX_DEGREE);
    status result = ZK_OK;
    eq_split eq = {0};
    work *works = calloc(n_tables + 1, sizeof *works);
    FAIL_IF(works == NULL, ZK_ENOMEM, "no memory for the zerocheck of %zu tables", n_tables);
    TRY_OUT(eq_split_new(&eq, n_rounds, LOG_BLOCK));
    for (size_t i = 0; i < n_tables; i++) {
        ZK_ASSERT(tables[i].log_height <= n_rounds && tables[i].degree <= degree);
        TRY_OUT(work_new(&works[i], &tables[i], threads));
        works[i].eq = &eq;
    }

    for (unsigned round = 0; round < n_rounds; round++) {
        FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled");
        fe3 one_minus_rho = fe3_sub(fe3_one(), rho[round]);
        fe3 sent[MAX_DEGREE] = {{{0, 0, 0}}};
        fe3 own[MAX_DEGREE], total = fe3_zero();
        // t of every table in the sent form, kept to find the table's next claim.
        fe3(*forms)[MAX_DEGREE] = calloc(n_tables + 1, sizeof *forms);
        FAIL_OUT_IF(forms == NULL, ZK_ENOMEM, "no memory for %zu round polynomials", n_tables);
        for (size_t i = 0; i < n_tables; i++) {
            work *k = &works[i];
            unsigned log_height = k->table->log_height;
            if (round < log_height) {
                fe3 samples[MAX_DEGREE + 1];
                // The variables after this one that the table still has.
                eq_split_set(&eq, rho + round + 1, log_height - round - 1);
                table_samples(k, samples, threads);
                if (round == 0) // C vanishes at 0 and 1: the claim is L's.
                    k->claim = fe3_add(fe3_mul(one_minus_rho, samples[k->table->degree]),
                                       fe3_mul(rho[round], samples[0]));
                eq_round_values(own, samples, k->claim, rho[round], k->table->degree);
                for (unsigned j = 0; j < k->table->degree; j++) {
                    forms[i][j] = own[j];
                    sent[j] = fe3_add(sent[j], own[j]);
                }
            }
            total = fe3_add(total, k->claim);
        }
        (void)eq_round_prove(&point[round], total, rho[round], sent, degree, LABEL_ZEROCHECK_ROUND,
                             t, w);
        for (size_t i = 0; i < n_tables; i++) {
            work *k = &works[i];
            if (round < k->table->log_height) {
                k->claim = eq_round_value(point[round], k->claim, rho[round], forms[i], degree);
                fold_table(k, point[round], round, threads);
            }
        }
        free(forms);
    }
    for (size_t i = 0; i < n_tables; i++)
        for (unsigned j = 0; j < tables[i].n_columns; j++)
            values[i][j] =
                planar_get(works[i].cells + 3 * (size_t)j * works[i].stride, works[i].stride, 0);
out:
    for (size_t i = 0; i < n_tables; i++)
        work_free(&works[i]);
    free(works);
    eq_split_free(&eq);
    return result;
}
