// SPDX-License-Identifier: Apache-2.0 OR MIT
// Prover of LogUp-GKR.
//
// Layers are built bottom up and kept (without the leaves), then consumed top down, one sumcheck
// each; a layer is freed once the sumcheck above it has read it. A sumcheck runs in passes: the
// first computes round sums straight from the layer (or from the leaf source), every further one
// folds with the last challenge and computes the next sums while the block is in cache. Work is cut
// into blocks of one low eq table, 2 * 128 entries of the tables.
//
// Cost in K multiplications per leaf: 1.5 to build and 5 + lambda's half for the bottom sumcheck,
// twice that over all layers. Bytes: 48 per leaf, for the layers first, later for the tables of the
// bottom.
#include "sumcheck/gkr.h"

#include <stdlib.h>

#include "base/bigmem.h"
#include "sumcheck/eq_round.h"
#include "sumcheck/sumcheck_kernels.h"

enum { LOG_PAIRS = 7, PAIRS = 1 << LOG_PAIRS, CHUNK = 2 * PAIRS, MAX_LAYERS = 41 };
_Static_assert(2 * CHUNK == GKR_LEAF_BLOCK, "a chunk of table entries is one block of leaves");

typedef struct layer {
    fe *p, *q; // planar, `stride`; one allocation at p
    size_t stride;
    size_t n; // active nodes; node n exists as padding when n is odd
} layer;

// What a pass reads its table entries from.
typedef enum source_kind { FROM_LEAVES, FROM_LAYER, FROM_TABLES } source_kind;

typedef struct scratch {
    fe m[GKR_LEAF_BLOCK], d[3 * GKR_LEAF_BLOCK];
    fe tables[12 * CHUNK];
} scratch;

typedef struct pass {
    const sumcheck_ops *ops;
    source_kind kind;
    const gkr_leaf_source *leaves;
    const layer *below;
    gkr_tables in;
    size_t n_in; // active entries of the tables read
    fe3 lambda;
    bool fold; // with r, into out
    fe3 r;
    gkr_tables out;
    size_t n_entries;   // active entries of the tables that the sums are over
    const eq_split *eq; // NULL: no sums (all variables are bound)
    scratch *scratch;   // one a slot
    fe3 (*partial)[2];  // one a slot
} pass;

static void set_padding(gkr_tables t, size_t i, fe3 lambda)
{
    planar_set(t.a, t.stride, i, lambda);
    planar_set(t.b, t.stride, i, fe3_one());
    planar_set(t.c, t.stride, i, fe3_zero());
    planar_set(t.d, t.stride, i, fe3_one());
}

static gkr_tables scratch_tables(scratch *s)
{
    return (gkr_tables){s->tables, s->tables + 3 * CHUNK, s->tables + 6 * CHUNK,
                        s->tables + 9 * CHUNK, CHUNK};
}

// Tables whose entry 0 is entry `begin` of the pass's input; n <= CHUNK entries, with one more of
// padding if n is odd.
static gkr_tables load_entries(const pass *s, scratch *room, size_t begin, size_t n)
{
    if (s->kind == FROM_TABLES)
        return gkr_tables_at(s->in, begin);
    gkr_tables out = scratch_tables(room);
    if (s->kind == FROM_LEAVES) {
        s->leaves->fill(s->leaves->arg, room->m, room->d, 2 * begin, 2 * n);
        s->ops->split_leaves(out, room->m, room->d, GKR_LEAF_BLOCK, s->lambda, n);
    } else {
        s->ops->split(out, s->below->p + 2 * begin, s->below->q + 2 * begin, s->below->stride,
                      s->lambda, n);
    }
    if (n % 2 != 0)
        set_padding(out, n, s->lambda);
    return out;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void run_blocks(void *arg, unsigned slot, size_t first, size_t end)
{
    const pass *s = arg;
    scratch *room = &s->scratch[slot];
    for (size_t block = first; block < end; block++) {
        size_t begin = block * CHUNK; // first table entry of the block
        size_t n = min_size(CHUNK, s->n_entries - begin);
        gkr_tables tables;
        if (s->fold) {
            for (size_t at = begin; at < begin + n; at += PAIRS) {
                size_t n_out = min_size(PAIRS, begin + n - at);
                size_t n_read = min_size(2 * n_out, s->n_in - 2 * at);
                gkr_tables in = load_entries(s, room, 2 * at, n_read);
                s->ops->fold(gkr_tables_at(s->out, at), in, s->r, n_out);
            }
            tables = gkr_tables_at(s->out, begin);
            if (n % 2 != 0)
                set_padding(tables, n, s->lambda);
        } else {
            tables = load_entries(s, room, begin, n);
        }
        if (s->eq == NULL)
            continue;
        fe3 sums[2] = {fe3_zero(), fe3_zero()};
        s->ops->sums(sums, tables, s->eq->low, (size_t)1 << s->eq->n_low, (n + 1) / 2);
        fe3 high = planar_get(s->eq->high, (size_t)1 << s->eq->n_high, block);
        for (int k = 0; k < 2; k++)
            s->partial[slot][k] = fe3_add(s->partial[slot][k], fe3_mul(high, sums[k]));
    }
}

// Runs the pass and adds up what the slots found: exact, so the order does not matter.
static void run_pass(pass *s, fe3 sums[2], pool *threads)
{
    for (unsigned i = 0; i < pool_threads(threads); i++)
        s->partial[i][0] = s->partial[i][1] = fe3_zero();
    pool_for_slots(threads, (s->n_entries + CHUNK - 1) / CHUNK, 4, run_blocks, s);
    sums[0] = sums[1] = fe3_zero();
    for (unsigned i = 0; i < pool_threads(threads); i++)
        for (int k = 0; k < 2; k++)
            sums[k] = fe3_add(sums[k], s->partial[i][k]);
}

// ---- building the layers

typedef struct build {
    const sumcheck_ops *ops;
    const gkr_leaf_source *leaves;
    const layer *below; // NULL: from the leaves
    layer *out;
    scratch *scratch;
} build;

static void build_blocks(void *arg, unsigned slot, size_t first, size_t end)
{
    const build *b = arg;
    for (size_t block = first; block < end; block++) {
        size_t begin = block * CHUNK, n = min_size(CHUNK, b->out->n - begin);
        fe *p = b->out->p + begin, *q = b->out->q + begin;
        if (b->below != NULL) {
            b->ops->combine(p, q, b->out->stride, b->below->p + 2 * begin, b->below->q + 2 * begin,
                            b->below->stride, n);
        } else {
            scratch *room = &b->scratch[slot];
            b->leaves->fill(b->leaves->arg, room->m, room->d, 2 * begin, 2 * n);
            b->ops->combine_leaves(p, q, b->out->stride, room->m, room->d, GKR_LEAF_BLOCK, n);
        }
    }
}

static status layer_new(layer *l, size_t n)
{
    l->n = n;
    l->stride = n + 1;
    TRY(bigmem_new(&l->p, 6 * l->stride));
    l->q = l->p + 3 * l->stride;
    return ZK_OK;
}

static void layer_free(layer *l)
{
    bigmem_free(l->p, 6 * l->stride, sizeof *l->p);
    *l = (layer){0};
}

// ---- the whole proof

typedef struct gkr_state {
    const sumcheck_ops *ops;
    const gkr_leaf_source *leaves;
    unsigned log_leaves;
    layer layers[MAX_LAYERS]; // 1 .. log_leaves - 1; layer log_leaves is the source
    scratch *scratch;
    fe3 (*partial)[2];
    fe *room[2]; // table buffers of the layer at hand, written in turn
    size_t room_stride[2];
    eq_split eq;
    transcript *t;
    proof_writer *w;
    pool *threads;
    const cancel_flag *cancel;
} gkr_state;

static status build_layers(gkr_state *g)
{
    size_t n = g->leaves->n_leaves;
    for (unsigned l = g->log_leaves; l-- > 1;) {
        FAIL_IF(cancel_raised(g->cancel), ZK_ECANCELED, "canceled");
        n = (n + 1) / 2;
        if (n == 0)
            n = 1;
        layer *out = &g->layers[l];
        TRY(layer_new(out, n));
        bool from_leaves = l + 1 == g->log_leaves;
        build b = {g->ops, g->leaves, from_leaves ? NULL : &g->layers[l + 1], out, g->scratch};
        pool_for_slots(g->threads, (n + CHUNK - 1) / CHUNK, 4, build_blocks, &b);
        if (n % 2 != 0) { // padding, and the only node when there are no leaves at all
            planar_set(out->p, out->stride, n, fe3_zero());
            planar_set(out->q, out->stride, n, fe3_one());
        }
    }
    return ZK_OK;
}

// Buffers for a sumcheck over n entries: the first fold leaves n / 2 of them, the next n / 4. They
// live for one layer, so that the bottom one, which needs most, finds the memory of all others.
static status rooms_new(gkr_state *g, size_t n)
{
    for (int i = 0; i < 2; i++) {
        g->room_stride[i] = (n >> (1 + i)) + 2;
        TRY(bigmem_new(&g->room[i], 12 * g->room_stride[i]));
    }
    return ZK_OK;
}

static void rooms_free(gkr_state *g)
{
    for (int i = 0; i < 2; i++) {
        bigmem_free(g->room[i], 12 * g->room_stride[i], sizeof *g->room[i]);
        g->room[i] = NULL;
    }
}

// The sumcheck on layer l for claim c at point[0..l-1]; afterwards end[] = p0, p1, q0, q1 at the
// challenges, which have replaced the point.
static status prove_layer(gkr_state *g, unsigned l, fe3 lambda, fe3 c, fe3 *point, fe3 end[4])
{
    layer *below = &g->layers[l + 1];
    bool from_leaves = l + 1 == g->log_leaves;
    size_t n = ((from_leaves ? g->leaves->n_leaves : below->n) + 1) / 2;
    TRY(rooms_new(g, n));
    pass s = {.ops = g->ops,
              .kind = from_leaves ? FROM_LEAVES : FROM_LAYER,
              .leaves = g->leaves,
              .below = below,
              .n_in = n,
              .n_entries = n,
              .lambda = lambda,
              .eq = &g->eq,
              .scratch = g->scratch,
              .partial = g->partial};
    for (unsigned i = 0; i < l; i++) {
        FAIL_IF(cancel_raised(g->cancel), ZK_ECANCELED, "canceled");
        // Sums of round i over x' = the variables after i.
        const fe3 *rest = point + i + 1;
        eq_split_set(&g->eq, rest, l - 1 - i);
        fe3 sums[2];
        run_pass(&s, sums, g->threads);
        // Beyond the active entries h is lambda everywhere.
        fe3 beyond = fe3_sub(fe3_one(), eq_prefix_sum(rest, l - 1 - i, (s.n_entries + 1) / 2));
        sums[0] = fe3_add(sums[0], fe3_mul(lambda, beyond));

        fe3 rho = point[i];
        fe3 at_zero = fe3_mul(fe3_sub(c, fe3_mul(rho, sums[0])), fe3_inv(fe3_sub(fe3_one(), rho)));
        fe3 values[2] = {fe3_sub(sums[0], at_zero), sums[1]};
        c = eq_round_prove(&point[i], c, rho, values, 2, LABEL_GKR_ROUND, g->t, g->w);

        if (s.fold) { // what was written is read next
            s.kind = FROM_TABLES;
            s.in = s.out;
            s.n_in = s.n_entries;
        }
        s.fold = true;
        s.r = point[i];
        s.n_entries = (s.n_in + 1) / 2;
        fe *room = g->room[i % 2];
        size_t stride = g->room_stride[i % 2];
        s.out = (gkr_tables){room, room + 3 * stride, room + 6 * stride, room + 9 * stride, stride};
    }
    gkr_tables last;
    if (s.fold) {
        fe3 none[2];
        s.eq = NULL;
        run_pass(&s, none, g->threads);
        last = s.out;
    } else { // l = 0: nothing was bound
        last = load_entries(&s, g->scratch, 0, 1);
    }
    fe3 a = planar_get(last.a, last.stride, 0), d = planar_get(last.d, last.stride, 0);
    end[0] = fe3_sub(a, fe3_mul(lambda, d));
    end[1] = planar_get(last.c, last.stride, 0);
    end[2] = d;
    end[3] = planar_get(last.b, last.stride, 0);
    rooms_free(g);
    return ZK_OK;
}

static status run(gkr_state *g, fe3 *point, fe3 *p_claim, fe3 *q_claim)
{
    TRY(build_layers(g));
    layer *top = &g->layers[1];
    fe3 p0 = planar_get(top->p, top->stride, 0), p1 = planar_get(top->p, top->stride, 1);
    fe3 q0 = planar_get(top->q, top->stride, 0), q1 = planar_get(top->q, top->stride, 1);
    fe3 root[2] = {fe3_add(fe3_mul(p0, q1), fe3_mul(p1, q0)), fe3_mul(q0, q1)};
    FAIL_IF(fe3_is_zero(root[1]), ZK_EINTERNAL, "a bus denominator is zero");
    proof_write_fe3(g->w, root[0]);
    proof_write_fe3(g->w, root[1]);
    transcript_absorb_fe3(g->t, LABEL_GKR_ROOT, root, 2);

    fe3 p = root[0], q = root[1];
    for (unsigned l = 0; l < g->log_leaves; l++) {
        fe3 lambda = transcript_squeeze_fe3(g->t);
        fe3 end[4];
        TRY(prove_layer(g, l, lambda, fe3_add(p, fe3_mul(lambda, q)), point, end));
        for (int k = 0; k < 4; k++)
            proof_write_fe3(g->w, end[k]);
        transcript_absorb_fe3(g->t, LABEL_GKR_LAYER, end, 4);
        fe3 tau = transcript_squeeze_fe3(g->t);
        p = fe3_add(end[0], fe3_mul(tau, fe3_sub(end[1], end[0])));
        q = fe3_add(end[2], fe3_mul(tau, fe3_sub(end[3], end[2])));
        for (unsigned i = l; i > 0; i--)
            point[i] = point[i - 1];
        point[0] = tau;
        layer_free(&g->layers[l + 1]);
    }
    *p_claim = p;
    *q_claim = q;
    return ZK_OK;
}

status gkr_prove(fe3 *point, fe3 *p_claim, fe3 *q_claim, unsigned log_leaves,
                 const gkr_leaf_source *leaves, transcript *t, proof_writer *w, pool *threads,
                 const cancel_flag *cancel)
{
    ZK_ASSERT(log_leaves >= 6 && log_leaves < MAX_LAYERS);
    ZK_ASSERT(leaves->n_leaves % 64 == 0 && leaves->n_leaves <= (size_t)1 << log_leaves);
    FAIL_IF(leaves->n_leaves == 0, ZK_EINVAL, "an instance without any interaction");

    gkr_state g = {.ops = sumcheck_ops_get(),
                   .leaves = leaves,
                   .log_leaves = log_leaves,
                   .t = t,
                   .w = w,
                   .threads = threads,
                   .cancel = cancel};
    status result = ZK_OK;
    size_t n_slots = pool_threads(threads);
    g.scratch = aligned_alloc(64, (n_slots * sizeof *g.scratch + 63) / 64 * 64);
    g.partial = malloc(n_slots * sizeof *g.partial);
    FAIL_OUT_IF(!g.scratch || !g.partial, ZK_ENOMEM, "no memory for the blocks of a GKR proof");
    TRY_OUT(eq_split_new(&g.eq, log_leaves, LOG_PAIRS));
    TRY_OUT(run(&g, point, p_claim, q_claim));
out:
    for (unsigned l = 0; l < MAX_LAYERS; l++)
        layer_free(&g.layers[l]);
    eq_split_free(&g.eq);
    rooms_free(&g);
    free(g.partial);
    free(g.scratch);
    return result;
}
