// SPDX-License-Identifier: Apache-2.0 OR MIT
// Phase 2 of an instance: GKR over the interactions, zerocheck, opening.
#include "prover/instance.h"

#include <stdlib.h>
#include <string.h>

#include "air/program.h"
#include "base/bigmem.h"
#include "base/clock.h"
#include "field/vec.h"
#include "sumcheck/gkr.h"
#include "sumcheck/zerocheck.h"

typedef struct proving {
    const instance *in;
    const machine *m;
    const air_ops *air;
    unsigned max_h;
    bus_challenge bus;
    transcript t;
    proof_writer *w;
    pool *threads;
    const cancel_flag *cancel;
    const fe **columns; // cells of every column, by machine-wide number; NULL in absent slots
    fe3 *values;        // at the zerocheck's point, by machine-wide number
    air_fractions fractions[MACHINE_MAX_SLOTS];
    fe3 *fraction_memory;
    uint32_t order[MACHINE_MAX_SLOTS]; // present slots in the order of the layout
    uint32_t n_present;
    fe3 point[WHIR_MAX_STACK]; // of the zerocheck
} proving;

static bool is_present(const proving *p, uint32_t slot)
{
    return p->in->layout.slots[slot].log_height != 0;
}

static const chip *slot_chip(const proving *p, uint32_t slot)
{
    return p->m->slots[slot].c;
}

static status prepare(proving *p)
{
    const instance *in = p->in;
    p->columns = calloc(p->m->n_columns + 1, sizeof *p->columns);
    p->values = calloc(p->m->n_columns + 1, sizeof *p->values);
    size_t room = 1;
    for (uint32_t s = 0; s < p->m->n_slots; s++)
        room += air_fractions_size(slot_chip(p, s));
    p->fraction_memory = calloc(room, sizeof *p->fraction_memory);
    FAIL_IF(!p->columns || !p->values || !p->fraction_memory, ZK_ENOMEM, "no memory for pointers");

    fe3 *memory = p->fraction_memory;
    for (uint32_t s = 0; s < p->m->n_slots; s++) {
        const chip *c = slot_chip(p, s);
        air_fractions_bind(&p->fractions[s], c, p->bus.gamma, p->bus.beta, memory);
        memory += air_fractions_size(c);
        if (!is_present(p, s))
            continue;
        uint32_t first = p->m->slots[s].first_column;
        for (uint32_t j = 0; j < c->n_columns; j++)
            p->columns[first + j] =
                j < c->n_committed ? instance_column(in, s, j) : in->key->fixed_columns[first + j];
        uint32_t at = p->n_present++;
        for (; at > 0 && in->layout.slots[p->order[at - 1]].leaves > in->layout.slots[s].leaves;
             at--)
            p->order[at] = p->order[at - 1];
        p->order[at] = s;
    }
    return ZK_OK;
}

// ---- GKR ---------------------------------------------------------------------------------------

// The slot whose interactions hold a leaf: the last one that starts at or before it. Chips without
// interactions share their start with the next slot and are never the last.
static uint32_t slot_of_leaf(const proving *p, size_t leaf)
{
    uint32_t low = 0, high = p->n_present;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (p->in->layout.slots[p->order[middle]].leaves <= leaf)
            low = middle;
        else
            high = middle;
    }
    return p->order[low];
}

static void fill_leaves(void *arg, fe *m, fe *d, size_t begin, size_t n)
{
    const proving *p = arg;
    while (n > 0) {
        uint32_t s = slot_of_leaf(p, begin);
        const slot_layout *slot = &p->in->layout.slots[s];
        const chip *c = slot_chip(p, s);
        size_t k = (begin - slot->leaves) >> slot->log_height;
        size_t row = (begin - slot->leaves) & (((size_t)1 << slot->log_height) - 1);
        size_t run = ((size_t)1 << slot->log_height) - row;
        if (run > n)
            run = n;
        const fe *columns[CHIP_MAX_COLUMNS];
        const fe *const *all = p->columns + p->m->slots[s].first_column;
        for (uint32_t j = 0; j < c->n_columns; j++)
            columns[j] = all[j] + row;
        if (run == GKR_LEAF_BLOCK) {
            p->air->fraction(m, d, &p->fractions[s], k, columns, run);
        } else {
            fe planar[3 * GKR_LEAF_BLOCK];
            p->air->fraction(m, planar, &p->fractions[s], k, columns, run);
            for (int plane = 0; plane < 3; plane++)
                memcpy(d + plane * GKR_LEAF_BLOCK, planar + plane * run, run * sizeof(fe));
        }
        m += run;
        d += run;
        begin += run;
        n -= run;
    }
}

// s_k of protocol section 6 for the interactions of a slot.
static void interaction_weights(const proving *p, fe3 *weights, uint32_t s, const fe3 *rho)
{
    const slot_layout *slot = &p->in->layout.slots[s];
    for (uint32_t k = 0; k < slot_chip(p, s)->n_interactions; k++) {
        uint64_t position = (slot->leaves >> slot->log_height) + k;
        fe3 w = fe3_one();
        for (unsigned i = slot->log_height; i < p->in->params->log_stack; i++) {
            bool bit = (position >> (i - slot->log_height)) & 1;
            w = fe3_mul(w, bit ? rho[i] : fe3_sub(fe3_one(), rho[i]));
        }
        weights[k] = w;
    }
}

// ---- Zerocheck ---------------------------------------------------------------------------------

typedef struct constraint_source {
    const air_ops *air;
    const chip *c;
    const fe3 *coefficients;
} constraint_source;

static void eval_base(const void *arg, fe *out, const fe *const *columns, size_t n, fe *room)
{
    const constraint_source *s = arg;
    s->air->eval_base(out, s->c, columns, s->coefficients, n, room);
}

static void eval_extension(const void *arg, fe *out, const fe *const *columns, size_t n, fe *room)
{
    const constraint_source *s = arg;
    s->air->eval_extension(out, s->c, columns, s->coefficients, n, room);
}

// Everything that the zerocheck needs beside the cells; one allocation each.
typedef struct zerocheck_input {
    zerocheck_table tables[MACHINE_MAX_SLOTS];
    constraint_source sources[MACHINE_MAX_SLOTS];
    fe3 *values[MACHINE_MAX_SLOTS];
    fe3 linear[MACHINE_MAX_COLUMNS];
    fe3 weights[MACHINE_MAX_INTERACTIONS];
    fe3 powers[MACHINE_MAX_CONSTRAINTS + 1];
} zerocheck_input;

static status prove_constraints(proving *p, const fe3 *rho)
{
    fe3 lambda = transcript_squeeze_fe3(&p->t);
    fe3 alpha = transcript_squeeze_fe3(&p->t);
    zerocheck_input *z = calloc(1, sizeof *z);
    FAIL_IF(z == NULL, ZK_ENOMEM, "no memory for the zerocheck");
    z->powers[0] = alpha;
    for (uint32_t i = 1; i < p->m->n_constraints; i++)
        z->powers[i] = fe3_mul(z->powers[i - 1], alpha);

    for (uint32_t i = 0; i < p->n_present; i++) {
        uint32_t s = p->order[i];
        const machine_slot *slot = &p->m->slots[s];
        const chip *c = slot->c;
        fe3 *weights = z->weights + slot->first_interaction;
        interaction_weights(p, weights, s, rho);
        fe3 *linear = z->linear + slot->first_column, constant;
        air_collapse_interactions(linear, &constant, &p->fractions[s], weights, lambda);
        z->sources[i] = (constraint_source){p->air, c, z->powers + slot->first_constraint};
        z->values[i] = p->values + slot->first_column;
        z->tables[i] = (zerocheck_table){
            .log_height = p->in->layout.slots[s].log_height,
            .n_columns = c->n_columns,
            .degree = c->max_degree == 0 ? 1 : c->max_degree,
            .columns = p->columns + slot->first_column,
            .linear = linear,
            .constant = constant,
            .eval_base = eval_base,
            .eval_extension = eval_extension,
            .room =
                air_scratch_base(c, ZEROCHECK_BLOCK) + air_scratch_extension(c, ZEROCHECK_BLOCK),
            .arg = &z->sources[i],
        };
    }
    status result = zerocheck_prove(p->point, z->values, p->max_h, p->m->max_degree, rho, z->tables,
                                    p->n_present, &p->t, p->w, p->threads, p->cancel);
    free(z);
    TRY(result);

    for (uint32_t s = 0; s < p->m->n_slots; s++) {
        const chip *c = slot_chip(p, s);
        uint32_t n_sent = c->n_committed + c->n_preprocessed;
        const fe3 *values = p->values + p->m->slots[s].first_column;
        for (uint32_t j = 0; j < n_sent; j++)
            proof_write_fe3(p->w, values[j]);
        transcript_absorb_fe3(&p->t, LABEL_CLAIMS, values, n_sent);
    }
    return ZK_OK;
}

// ---- Opening -----------------------------------------------------------------------------------

// One column's part of the weight table: coefficient * eq(r_{6..h-1}, .) at its place.
typedef struct weight_piece {
    uint64_t at; // in units of 64 cells
    fe3 coefficient;
} weight_piece;

typedef struct weight_job {
    const vec_ops *vec;
    fe *high; // planar, stride n_high
    size_t n_high;
    const fe *eq; // planar, of the height at hand
    size_t n_eq;
    const weight_piece *pieces;
} weight_job;

static void place_pieces(void *arg, size_t first, size_t end)
{
    const weight_job *job = arg;
    for (size_t i = first; i < end; i++)
        job->vec->scale3(job->high + job->pieces[i].at, job->n_high, job->eq, job->n_eq,
                         job->pieces[i].coefficient, job->n_eq);
}

typedef enum column_group { GROUP_COMMITTED, GROUP_PREPROCESSED } column_group;

// Fills low[64] and high[2^(A-6)] for the columns of a group and adds up their claims.
static status column_weights(proving *p, column_group group, const machine_layout *layout,
                             const fe3 *powers, fe *low, fe *high, fe3 *claim)
{
    const vec_ops *vec = vec_get();
    size_t n_high = (size_t)1 << (layout->log_stack - INSTANCE_MIN_LOG_HEIGHT);
    weight_piece *pieces = malloc(CHIP_MAX_COLUMNS * sizeof *pieces);
    fe *eq = NULL;
    status result = ZK_OK;
    FAIL_OUT_IF(pieces == NULL, ZK_ENOMEM, "no memory for weights");
    TRY_OUT(bigmem_new(&eq, 3 * n_high));
    vec->eq_table(low, 64, fe3_one(), p->point, INSTANCE_MIN_LOG_HEIGHT);
    for (uint32_t s = 0; s < p->m->n_slots; s++) {
        const chip *c = slot_chip(p, s);
        uint32_t first = group == GROUP_COMMITTED ? 0 : c->n_committed;
        uint32_t n = group == GROUP_COMMITTED ? c->n_committed : c->n_preprocessed;
        if (!is_present(p, s) || n == 0)
            continue;
        FAIL_OUT_IF(cancel_raised(p->cancel), ZK_ECANCELED, "canceled");
        unsigned h = layout->slots[s].log_height;
        size_t n_eq = (size_t)1 << (h - INSTANCE_MIN_LOG_HEIGHT);
        vec->eq_table(eq, n_eq, fe3_one(), p->point + INSTANCE_MIN_LOG_HEIGHT,
                      h - INSTANCE_MIN_LOG_HEIGHT);
        for (uint32_t j = 0; j < n; j++) {
            uint32_t column = p->m->slots[s].first_column + first + j;
            pieces[j] = (weight_piece){layout_column(layout, s, j) >> INSTANCE_MIN_LOG_HEIGHT,
                                       powers[column]};
            *claim = fe3_add(*claim, fe3_mul(powers[column], p->values[column]));
        }
        weight_job job = {vec, high, n_high, eq, n_eq, pieces};
        pool_for(p->threads, n, 1, place_pieces, &job);
    }
out:
    free(pieces);
    bigmem_free(eq, 3 * n_high, sizeof *eq);
    return result;
}

static status open_columns(proving *p, const whir_commitment *c, const contribution_elements *own)
{
    const whir_params *params = p->in->params;
    size_t n_high = (size_t)1 << (params->log_stack - INSTANCE_MIN_LOG_HEIGHT);
    fe3 mu = transcript_squeeze_fe3(&p->t);
    status result = ZK_OK;
    void *zeroed = NULL, *fixed_zeroed = NULL;
    fe *highs, *powers_high = NULL;
    fe *lows = malloc(2 * 3 * 64 * sizeof *lows);
    fe3 *powers = malloc((p->m->n_columns + 1) * sizeof *powers);
    size_t n_fixed = 0;
    FAIL_OUT_IF(!lows || !powers, ZK_ENOMEM, "no memory for the weights of the opening");
    // The area between the tables has weight zero.
    TRY_OUT(bigmem_alloc(&zeroed, 3 * n_high, sizeof *highs));
    highs = zeroed;
    TRY_OUT(bigmem_new(&powers_high, 3 * n_high));
    powers[0] = mu;
    for (uint32_t i = 1; i < p->m->n_columns; i++)
        powers[i] = fe3_mul(powers[i - 1], mu);

    fe3 claim = own->answer;
    TRY_OUT(column_weights(p, GROUP_COMMITTED, &p->in->layout, powers, lows, highs, &claim));
    whir_pow_weight(lows + 3 * 64, powers_high, params, contribution_point(&p->in->key->key, own),
                    p->threads);
    whir_weight weights[2] = {{lows, highs}, {lows + 3 * 64, powers_high}};
    TRY_OUT(whir_open(c, p->in->stack, weights, 2, claim, &p->t, p->w, p->threads, p->cancel));

    if (p->in->header.preprocessed) {
        const machine_layout *layout = &p->in->key->preprocessed_layout;
        n_fixed = (size_t)3 << (layout->log_stack - INSTANCE_MIN_LOG_HEIGHT);
        TRY_OUT(bigmem_alloc(&fixed_zeroed, n_fixed, sizeof *highs));
        highs = fixed_zeroed;
        claim = fe3_zero();
        TRY_OUT(column_weights(p, GROUP_PREPROCESSED, layout, powers, lows, highs, &claim));
        weights[0].high = highs;
        TRY_OUT(whir_open(&p->in->key->preprocessed_commitment, p->in->key->preprocessed, weights,
                          1, claim, &p->t, p->w, p->threads, p->cancel));
    }
out:
    bigmem_free(fixed_zeroed, n_fixed, sizeof *highs);
    bigmem_free(zeroed, 3 * n_high, sizeof *highs);
    bigmem_free(powers_high, 3 * n_high, sizeof *powers_high);
    free(powers);
    free(lows);
    return result;
}

typedef struct lap_clock {
    uint64_t wall, cpu;
} lap_clock;

static lap_clock clock_now(void)
{
    return (lap_clock){clock_monotonic_ns(), clock_process_cpu_ns()};
}

static void lap(double *wall, double *cpu, lap_clock *last)
{
    lap_clock now = clock_now();
    *wall = (double)(now.wall - last->wall) / NS_PER_SECOND;
    *cpu = (double)(now.cpu - last->cpu) / NS_PER_SECOND;
    *last = now;
}

status instance_prove(proof_writer *w, const instance *i, const whir_commitment *c,
                      digest challenge, const contribution *own, pool *threads,
                      const cancel_flag *cancel, instance_times *times)
{
    status result = ZK_OK;
    instance_times unused;
    if (times == NULL)
        times = &unused;
    lap_clock clock = clock_now();
    const proof_key *key = &i->key->key;
    contribution_elements elements;
    contribution_to_elements(&elements, own);
    proving *p = calloc(1, sizeof *p);
    FAIL_IF(p == NULL, ZK_ENOMEM, "no memory for a proof");
    p->in = i;
    p->m = key->machine;
    p->air = air_ops_get();
    p->max_h = instance_max_log_height(i->params);
    p->bus = bus_challenge_from(key, challenge);
    p->w = w;
    p->threads = threads;
    p->cancel = cancel;
    instance_transcript(&p->t, key, challenge, &elements);
    TRY_OUT(prepare(p));

    gkr_leaf_source leaves = {i->layout.n_leaves, fill_leaves, p};
    fe3 rho[WHIR_MAX_STACK], p_claim, q_claim;
    const cancel_flag *before = pool_abandon_on(cancel);
    result = gkr_prove(rho, &p_claim, &q_claim, i->params->log_stack, &leaves, &p->t, w, threads,
                       cancel);
    lap(&times->gkr, &times->gkr_cpu, &clock);
    if (result == ZK_OK)
        result = prove_constraints(p, rho);
    lap(&times->zerocheck, &times->zerocheck_cpu, &clock);
    (void)pool_abandon_on(before);
    // Of values that nobody finished any failure may follow.
    FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled");
    TRY_OUT(result);
    TRY_OUT(open_columns(p, c, &elements));
    lap(&times->opening, &times->opening_cpu, &clock);
    TRY_OUT(proof_writer_status(w));
out:
    free(p->columns);
    free(p->values);
    free(p->fraction_memory);
    free(p);
    return result;
}
