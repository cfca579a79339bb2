// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir.h"
#include "whir/whir_passes.h"

#include "base/bigmem.h"
#include "field/vec.h"
#include "ntt/ntt.h"

// The oracle of a round: code matrix, tree, and what of it is to be given back.
typedef struct oracle {
    merkle_tree tree;
    fe *code;
    size_t n_code; // cells of the code; 0 when it belongs to the caller
    bool owns_tree;
} oracle;

typedef struct opening {
    const whir_params *params;
    transcript *t;
    proof_writer *writer;
    pool *threads;
    const cancel_flag *cancel;
    fe3 claim;
    fe3 challenges[WHIR_MAX_FOLDS]; // of the folds of the current round

    // f_i and W_i as K-vectors of n elements, and room of half that size to bind into; all four in
    // one block of 9 * capacity elements of F.
    fe *f, *w, *f_next, *w_next;
    size_t n, capacity;
    fe *block;

    // Queries of the current round: rows, and their folds.
    uint64_t indices[WHIR_MAX_QUERIES];
    fe3 answers[WHIR_MAX_QUERIES];
} opening;

static void oracle_clear(oracle *o)
{
    bigmem_free(o->n_code != 0 ? o->code : NULL, o->n_code, sizeof *o->code);
    if (o->owns_tree)
        merkle_clear(&o->tree);
    *o = (oracle){0};
}

static status tables_new(opening *o, size_t n)
{
    TRY(bigmem_new(&o->block, 9 * n));
    o->capacity = o->n = n;
    o->f = o->block;
    o->w = o->f + 3 * n;
    o->f_next = o->w + 3 * n;
    o->w_next = o->f_next + 3 * n / 2;
    return ZK_OK;
}

// Sends t(X) = (c - d)/2 + d X + e X (X - 1) from t(0) and e, and makes t(r) the claim.
static fe3 send_round(opening *o, fe3 at_zero, fe3 leading)
{
    fe3 at_one = fe3_sub(o->claim, at_zero), slope = fe3_sub(at_one, at_zero);
    fe3 sent[2] = {slope, leading};
    transcript_absorb_fe3(o->t, LABEL_WHIR_ROUND, sent, 2);
    proof_write_fe3(o->writer, slope);
    proof_write_fe3(o->writer, leading);
    fe3 r = transcript_squeeze_fe3(o->t);
    slope = fe3_add(slope, fe3_mul(leading, fe3_sub(r, fe3_one())));
    o->claim = fe3_add(at_zero, fe3_mul(slope, r));
    return r;
}

// Rounds 1 .. k of sumcheck see the cells only through the sums v_p[b] = sum_x f[x][b] high_p[x]:
// sum_b low_p[b] v_p[b] is a sumcheck over 2^k elements a term. Afterwards lows[p] has one element.
static status bind_lanes(opening *o, fe3 *lows, const fe *cells, const whir_weight *weights,
                         size_t n_weights)
{
    enum { LANES_MAX = 1 << WHIR_MAX_FOLDS };
    fe sums[WHIR_MAX_WEIGHTS][2][3 * LANES_MAX], low[WHIR_MAX_WEIGHTS][2][3 * LANES_MAX];
    const whir_ops *ops = whir_ops_current();
    const vec_ops *vec = vec_get();
    size_t n_lanes = whir_row_width(o->params, 0), n = n_lanes;
    fe *out[WHIR_MAX_WEIGHTS];
    fe3 total = fe3_zero();
    for (size_t p = 0; p < n_weights; p++)
        out[p] = sums[p][0];
    TRY(whir_lane_sums(out, cells, ((size_t)1 << o->params->log_stack) / n_lanes, n_lanes, weights,
                       n_weights, o->threads));
    for (size_t p = 0; p < n_weights; p++) {
        for (size_t j = 0; j < 3 * n_lanes; j++)
            low[p][0][j] = weights[p].low[j];
        total = fe3_add(total, vec->dot3(low[p][0], n, sums[p][0], n, n));
    }
    FAIL_IF(!fe3_equal(total, o->claim), ZK_EINVAL,
            "the claim of an opening is not the weighted sum of the cells");

    unsigned now = 0;
    for (unsigned j = 0; j < o->params->round[0].n_folds; j++, n /= 2, now ^= 1) {
        fe3 round[2] = {fe3_zero(), fe3_zero()};
        for (size_t p = 0; p < n_weights; p++)
            ops->round_sums(round, sums[p][now], low[p][now], n, n / 2);
        fe3 r = o->challenges[j] = send_round(o, round[0], round[1]);
        for (size_t p = 0; p < n_weights; p++) {
            vec->fold_low(sums[p][now ^ 1], n / 2, sums[p][now], n, r, n / 2);
            vec->fold_low(low[p][now ^ 1], n / 2, low[p][now], n, r, n / 2);
        }
    }
    for (size_t p = 0; p < n_weights; p++)
        lows[p] = (fe3){{low[p][now][0], low[p][now][1], low[p][now][2]}};
    return ZK_OK;
}

// The folds of round 0, which leave the tables of f_1 and W_1.
static status fold_cells(opening *o, const fe *cells, const whir_weight *weights, size_t n_weights)
{
    fe lane_weights[3 << WHIR_MAX_FOLDS];
    fe3 lows[WHIR_MAX_WEIGHTS];
    const cancel_flag *before = pool_abandon_on(o->cancel);
    status s = bind_lanes(o, lows, cells, weights, n_weights);
    (void)pool_abandon_on(before);
    TRY(s);
    FAIL_IF(cancel_raised(o->cancel), ZK_ECANCELED, "canceled during an opening");
    vec_get()->eq_table(lane_weights, whir_row_width(o->params, 0), fe3_one(), o->challenges,
                        o->params->round[0].n_folds);
    whir_fold_lanes(o->f, cells, o->n, whir_row_width(o->params, 0), lane_weights, o->threads);
    for (size_t p = 0; p < n_weights; p++)
        whir_add_scaled(o->w, weights[p].high, o->n, lows[p], p > 0, o->threads);
    return ZK_OK;
}

// n rounds of sumcheck on the tables.
static status fold_tables(opening *o, unsigned n_rounds)
{
    for (unsigned j = 0; j < n_rounds; j++) {
        fe3 at_zero, leading;
        TRY(whir_round_sums(&at_zero, &leading, o->f, o->w, o->n, o->threads));
        fe3 r = send_round(o, at_zero, leading);
        if (j < WHIR_MAX_FOLDS)
            o->challenges[j] = r;
        whir_bind(o->f_next, o->f, o->n, r, o->threads);
        whir_bind(o->w_next, o->w, o->n, r, o->threads);
        fe *f = o->f, *w = o->w;
        o->f = o->f_next;
        o->w = o->w_next;
        o->f_next = f;
        o->w_next = w;
        o->n /= 2;
    }
    FAIL_IF(cancel_raised(o->cancel), ZK_ECANCELED, "canceled during an opening");
    return ZK_OK;
}

// Commits to the table of f_i, sends the root and absorbs it. The low rates of late rounds are
// below what ntt_encode offers: there the coefficients are continued with zeros, which are few.
static status commit_table(opening *o, oracle *next, unsigned i)
{
    status result = ZK_OK;
    const whir_round *r = &o->params->round[i];
    unsigned log_rows = whir_log_rows(r), log_blowup = r->log_inv_rate;
    if (log_blowup > NTT_MAX_LOG_BLOWUP)
        log_blowup = NTT_MAX_LOG_BLOWUP;
    size_t width = whir_row_width(o->params, i), n_cells = width << (log_rows - log_blowup);
    fe *rows = NULL;
    *next = (oracle){.owns_tree = true, .n_code = width << log_rows};
    TRY_OUT(bigmem_new(&next->code, next->n_code));
    TRY_OUT(bigmem_alloc((void **)&rows, n_cells, sizeof *rows));
    whir_interleave(rows, o->f, o->n, r->n_folds, o->threads);
    const cancel_flag *before = pool_abandon_on(o->cancel);
    result = ntt_encode(next->code, rows, log_rows - log_blowup, log_blowup, width, o->threads);
    (void)pool_abandon_on(before); // the tree looks at the flag
    TRY_OUT(result);
    TRY_OUT(whir_build_tree(&next->tree, o->t->hash, next->code, log_rows, width, o->threads,
                            o->cancel));
    digest root = merkle_root(&next->tree);
    proof_write_digest(o->writer, root);
    transcript_absorb_digest(o->t, LABEL_ROOT, root);
out:
    bigmem_free(rows, n_cells, sizeof *rows);
    return result;
}

// Squeezes z, answers with sum_x f[x] z^x; powers[x] := z^x is kept for the weights.
static status answer_ood(opening *o, fe3 *answer, fe *powers)
{
    whir_powers(powers, o->n, o->n, transcript_squeeze_fe3(o->t), o->threads);
    TRY(whir_dot(answer, o->f, powers, o->n, o->threads));
    proof_write_fe3(o->writer, *answer);
    transcript_absorb_fe3(o->t, LABEL_OOD_ANSWER, answer, 1);
    return ZK_OK;
}

static void send_final(opening *o)
{
    fe3 poly[1 << WHIR_MAX_FINAL];
    for (size_t x = 0; x < o->n; x++) {
        poly[x] = (fe3){{o->f[x], o->f[o->n + x], o->f[2 * o->n + x]}};
        proof_write_fe3(o->writer, poly[x]);
    }
    transcript_absorb_fe3(o->t, LABEL_FINAL_POLY, poly, o->n);
}

// sum_b eq[b] row[b], for a row of K or of F.
static fe3 fold_row(const fe *row, const fe *eq, size_t n_lanes, bool in_base_field)
{
    fe3 sum = fe3_zero();
    for (size_t b = 0; b < n_lanes; b++) {
        fe3 weight = {{eq[b], eq[n_lanes + b], eq[2 * n_lanes + b]}};
        fe3 lane = in_base_field ? fe3_from_fe(row[b])
                                 : (fe3){{row[b], row[n_lanes + b], row[2 * n_lanes + b]}};
        sum = fe3_add(sum, fe3_mul(weight, lane));
    }
    return sum;
}

// Nonce, cap, rows and paths of round i; notes the rows' indices and folds.
static status open_rows(opening *o, unsigned i, const oracle *from)
{
    const whir_round *r = &o->params->round[i];
    unsigned log_rows = whir_log_rows(r), cap_level = whir_path_levels(r);
    size_t width = whir_row_width(o->params, i), n_path = whir_path_digests(r);
    digest path[3 * WHIR_MAX_LEVELS];
    fe eq[3 << WHIR_MAX_FOLDS];
    uint64_t nonce;
    TRY(transcript_grind(o->t, r->grinding, o->threads, &nonce));
    proof_write_fe(o->writer, nonce);
    transcript_squeeze_indices(o->t, log_rows, o->indices, r->n_queries);

    const digest *cap = merkle_cap(&from->tree, cap_level);
    for (size_t j = 0; j < (size_t)1 << r->log_cap; j++)
        proof_write_digest(o->writer, cap[j]);
    vec_get()->eq_table(eq, (size_t)1 << r->n_folds, fe3_one(), o->challenges, r->n_folds);
    for (unsigned q = 0; q < r->n_queries; q++) {
        const fe *row = from->code + o->indices[q] * width;
        TRY(merkle_open_path(&from->tree, from->code, width, o->indices[q], cap_level, path));
        for (size_t j = 0; j < width; j++)
            proof_write_fe(o->writer, row[j]);
        for (size_t j = 0; j < n_path; j++)
            proof_write_digest(o->writer, path[j]);
        o->answers[q] = fold_row(row, eq, (size_t)1 << r->n_folds, i == 0);
    }
    return ZK_OK;
}

typedef struct spread {
    fe *w;
    const fe *transform; // [n / block][3][block]
    size_t n, block;
} spread;

static void add_transform(void *arg, size_t begin, size_t end)
{
    const spread *s = arg;
    const vec_ops *vec = vec_get();
    for (size_t row = begin; row < end; row++)
        for (size_t k = 0; k < 3; k++) {
            fe *w = s->w + k * s->n + row * s->block;
            vec->add(w, w, s->transform + (3 * row + k) * s->block, s->block);
        }
}

// W[x] += sum_q c_q w^(p_q x) for x < n, c_q = xi^(q+2) and p_q the positions in the domain of N
// points: the transform of the vector that holds c_q at p_q, instead of a pass a query. With
// x = x0 + B x1 it is B transforms over N / B points, of c_q w^(p_q x0) at p_q mod N / B: columns
// of one matrix, so that the transform has full vectors.
static status add_query_weights(opening *o, unsigned i, fe3 xi)
{
    status result = ZK_OK;
    const whir_round *r = &o->params->round[i];
    unsigned log_domain = whir_log_rows(r), log_block = log_domain < 7 ? log_domain - 3 : 4;
    size_t block = (size_t)1 << log_block, n_cells = (size_t)3 << log_domain;
    size_t mask = ((size_t)1 << (log_domain - log_block)) - 1;
    fe root = fe_root_of_unity(log_domain), *spikes;
    TRY_OUT(bigmem_alloc((void **)&spikes, n_cells, sizeof *spikes));
    fe3 power = xi;
    for (unsigned q = 0; q < r->n_queries; q++) {
        power = fe3_mul(power, xi);
        fe3 term = power;
        fe step = fe_pow(root, o->indices[q]), *at = spikes + 3 * block * (o->indices[q] & mask);
        for (size_t x0 = 0; x0 < block; x0++) {
            for (size_t k = 0; k < 3; k++) // queries may meet in a row
                at[k * block + x0] = fe_add(at[k * block + x0], term.c[k]);
            term = fe3_mul_fe(term, step);
        }
    }
    TRY_OUT(ntt_forward(spikes, log_domain - log_block, 3 * block, o->threads));
    pool_for(o->threads, o->n / block, 1 << 9, add_transform, &(spread){o->w, spikes, o->n, block});
out:
    bigmem_free(spikes, n_cells, sizeof *spikes);
    return result;
}

// Round i from the folded table on: oracle of f_{i+1}, out-of-domain answer, queries to the oracle
// of f_i, and the new claim.
static status next_oracle(opening *o, unsigned i, const oracle *current, oracle *next)
{
    status result = ZK_OK;
    size_t n_powers = 3 * o->n;
    fe *powers = NULL;
    fe3 ood_answer;
    TRY_OUT(commit_table(o, next, i + 1));
    TRY_OUT(bigmem_new(&powers, n_powers));
    TRY_OUT(answer_ood(o, &ood_answer, powers));
    TRY_OUT(open_rows(o, i, current));

    fe3 xi = transcript_squeeze_fe3(o->t), power = xi;
    whir_add_scaled(o->w, powers, o->n, xi, true, o->threads);
    TRY_OUT(add_query_weights(o, i, xi));
    o->claim = fe3_add(o->claim, fe3_mul(xi, ood_answer));
    for (unsigned q = 0; q < o->params->round[i].n_queries; q++) {
        power = fe3_mul(power, xi);
        o->claim = fe3_add(o->claim, fe3_mul(power, o->answers[q]));
    }
out:
    bigmem_free(powers, n_powers, sizeof *powers);
    return result;
}

static status open_all(opening *o, oracle *current, oracle *next, const fe *cells,
                       const whir_weight *weights, size_t n_weights)
{
    const whir_params *p = o->params;
    TRY(tables_new(o, (size_t)1 << (p->log_stack - p->round[0].n_folds)));
    TRY(fold_cells(o, cells, weights, n_weights));
    for (unsigned i = 0; !whir_is_last(p, i); i++) {
        TRY(next_oracle(o, i, current, next));
        oracle_clear(current);
        *current = *next;
        *next = (oracle){0};
        TRY(fold_tables(o, p->round[i + 1].n_folds));
    }
    send_final(o);
    TRY(open_rows(o, p->n_rounds - 1U, current));
    return fold_tables(o, p->log_final);
}

status whir_open(const whir_commitment *c, const fe *cells, const whir_weight *weights,
                 size_t n_weights, fe3 claim, transcript *t, proof_writer *w, pool *threads,
                 const cancel_flag *cancel)
{
    ZK_ASSERT(n_weights >= 1 && n_weights <= WHIR_MAX_WEIGHTS);
    status result = ZK_OK;
    opening o = {.params = c->params,
                 .t = t,
                 .writer = w,
                 .threads = threads,
                 .cancel = cancel,
                 .claim = claim};
    oracle current = {.tree = c->tree, .code = c->code}, next = {0};
    if (c->code == NULL) {
        TRY_OUT(whir_encode(&current.code, c->params, cells, threads, cancel));
        current.n_code = whir_row_width(c->params, 0) << whir_log_rows(&c->params->round[0]);
    }
    FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled during an opening");
    TRY_OUT(open_all(&o, &current, &next, cells, weights, n_weights));
out:
    oracle_clear(&current);
    oracle_clear(&next);
    bigmem_free(o.block, 9 * o.capacity, sizeof *o.block);
    return result;
}
