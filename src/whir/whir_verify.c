// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir_verify.h"

#include "merkle/merkle.h"

enum { NONCE_BITS = 40 };

// State that the rounds hand on.
typedef struct verification {
    const whir_params *params;
    const hash_ops *hash;
    transcript *t;
    proof_reader *reader;
    whir_scratch *scratch;
    fe3 *point;       // challenges so far
    unsigned n_bound; // how many
    fe3 claim;
    fe3 z[WHIR_MAX_ROUNDS];  // out-of-domain points of the oracles after the first
    fe3 xi[WHIR_MAX_ROUNDS]; // combination challenges
} verification;

fe3 whir_pow_eval(fe3 z, const fe3 *s, unsigned n)
{
    fe3 product = fe3_one();
    for (unsigned l = 0; l < n; l++) {
        product = fe3_mul(product, fe3_add_fe(fe3_mul(s[l], fe3_sub(z, fe3_one())), fe_const(1)));
        z = fe3_sqr(z);
    }
    return product;
}

// The same at a point of F, where the powers are cheap.
static fe3 pow_eval_base(fe y, const fe3 *s, unsigned n)
{
    fe3 product = fe3_one();
    for (unsigned l = 0; l < n; l++) {
        fe3 factor = fe3_add_fe(fe3_mul_fe(s[l], fe_sub(y, fe_const(1))), fe_const(1));
        product = fe3_mul(product, factor);
        y = fe_sqr(y);
    }
    return product;
}

// Rounds of sumcheck: (d, e) stands for t(X) = (c - d)/2 + d X + e X (X - 1), which has
// t(0) + t(1) = c whatever d and e are.
static void sumcheck(verification *v, unsigned n_rounds)
{
    const fe half = fe_const((FE_P + 1) / 2);
    for (unsigned j = 0; j < n_rounds; j++) {
        fe3 sent[2] = {proof_read_fe3(v->reader), fe3_zero()};
        sent[1] = proof_read_fe3(v->reader);
        transcript_absorb_fe3(v->t, LABEL_WHIR_ROUND, sent, 2);
        fe3 r = transcript_squeeze_fe3(v->t);
        fe3 at_zero = fe3_mul_fe(fe3_sub(v->claim, sent[0]), half);
        fe3 slope = fe3_add(sent[0], fe3_mul(sent[1], fe3_sub(r, fe3_one())));
        v->claim = fe3_add(at_zero, fe3_mul(slope, r));
        v->point[v->n_bound++] = r;
    }
}

// eq(r, b) for all b in {0,1}^n.
static void eq_table(fe3 *table, const fe3 *r, unsigned n)
{
    table[0] = fe3_one();
    for (unsigned l = 0; l < n; l++)
        for (size_t b = 0; b < (size_t)1 << l; b++) {
            fe3 high = fe3_mul(table[b], r[l]);
            table[b + ((size_t)1 << l)] = high;
            table[b] = fe3_sub(table[b], high);
        }
}

static void check_nonce(verification *v, unsigned n_bits)
{
    fe nonce = proof_read_fe(v->reader), bits[64];
    fe_to_bits(bits, nonce, 64);
    for (unsigned i = n_bits == 0 ? 0 : NONCE_BITS; i < 64; i++)
        require_equal_fe(v->reader, bits[i], fe_const(0), "a nonce is out of range");
    transcript_nonce_bits(v->t, nonce, n_bits, bits);
    for (unsigned i = 0; i < n_bits; i++)
        require_equal_fe(v->reader, bits[i], fe_const(0), "a nonce shows no work");
}

// w^index from the bits of the index, w the generator of the domain of 2^n_bits points.
static fe domain_point(const fe *bits, unsigned n_bits)
{
    fe power = fe_root_of_unity(n_bits), point = fe_const(1);
    for (unsigned l = 0; l < n_bits; l++) {
        point = fe_mul(point, fe_select(bits[l], power, fe_const(1)));
        power = fe_sqr(power);
    }
    return point;
}

// sum_b eq[b] row[b].
static fe3 fold_row(const fe *row, const fe3 *eq, size_t n_lanes, bool in_base_field)
{
    fe3 sum = fe3_zero();
    for (size_t b = 0; b < n_lanes; b++) {
        fe3 lane = in_base_field
                       ? fe3_mul_fe(eq[b], row[b])
                       : fe3_mul(eq[b], (fe3){{row[b], row[n_lanes + b], row[2 * n_lanes + b]}});
        sum = fe3_add(sum, lane);
    }
    return sum;
}

// Reads the opened rows of round i, checks them against the root and notes their points of the
// domain in positions[] and their folds in scratch->answers.
static void open_rows(verification *v, unsigned i, digest root, fe *positions)
{
    const whir_round *round = &v->params->round[i];
    unsigned log_rows = whir_log_rows(round), cap_level = whir_path_levels(round);
    size_t width = whir_row_width(v->params, i), n_path = whir_path_digests(round);
    whir_scratch *s = v->scratch;

    eq_table(s->eq, v->point + v->n_bound - round->n_folds, round->n_folds);
    for (size_t j = 0; j < (size_t)1 << round->log_cap; j++)
        s->cap[j] = proof_read_digest(v->reader);
    require_equal_digest(v->reader, merkle_cap_root(v->hash, s->cap, log_rows, cap_level), root,
                         "the nodes of a cap do not hash to their root");
    for (unsigned q = 0; q < round->n_queries; q++) {
        fe bits[32];
        transcript_squeeze_index_bits(v->t, log_rows, bits);
        for (size_t j = 0; j < width; j++)
            s->row[j] = proof_read_fe(v->reader);
        for (size_t j = 0; j < n_path; j++)
            s->path[j] = proof_read_digest(v->reader);
        digest leaf = hash_row(v->hash, s->row, width);
        if (!merkle_verify_path(v->hash, s->cap, log_rows, cap_level, leaf, bits, s->path))
            proof_reader_refuse(v->reader, "an opened row is not under its root");
        positions[q] = domain_point(bits, log_rows);
        s->answers[q] = fold_row(s->row, s->eq, (size_t)1 << round->n_folds, i == 0);
    }
}

// The claim about f_{i+1} grows by its out-of-domain answer and by the folds of the opened rows.
static void combine(verification *v, unsigned i, fe3 ood_answer)
{
    fe3 xi = transcript_squeeze_fe3(v->t), power = xi;
    v->xi[i] = xi;
    v->claim = fe3_add(v->claim, fe3_mul(power, ood_answer));
    for (unsigned q = 0; q < v->params->round[i].n_queries; q++) {
        power = fe3_mul(power, xi);
        v->claim = fe3_add(v->claim, fe3_mul(power, v->scratch->answers[q]));
    }
}

// The weights that round i added, at the tail of the point where f_{i+1} has its variables.
static fe3 added_weight(const verification *v, unsigned i, const fe *positions)
{
    unsigned n = v->params->round[i + 1].log_size;
    const fe3 *tail = v->point + v->params->log_stack - n;
    fe3 sum = fe3_zero();
    for (unsigned q = v->params->round[i].n_queries; q-- > 0;)
        sum = fe3_mul(fe3_add(sum, pow_eval_base(positions[q], tail, n)), v->xi[i]);
    return fe3_mul(fe3_add(sum, whir_pow_eval(v->z[i], tail, n)), v->xi[i]);
}

// Each fold must be the value of the final polynomial at its point.
static void check_against_final(const verification *v, const fe *positions)
{
    const whir_round *round = &v->params->round[v->params->n_rounds - 1];
    const fe3 *poly = v->scratch->final_poly;
    for (unsigned q = 0; q < round->n_queries; q++) {
        fe3 value = fe3_zero();
        for (size_t j = (size_t)1 << v->params->log_final; j-- > 0;)
            value = fe3_add(fe3_mul_fe(value, positions[q]), poly[j]);
        require_equal_fe3(v->reader, value, v->scratch->answers[q],
                          "a fold is not the value of the final polynomial");
    }
}

// The multilinear extension of the final polynomial at s; destroys the table.
static fe3 final_value(const verification *v, const fe3 *s)
{
    fe3 *table = v->scratch->final_poly;
    for (unsigned l = 0; l < v->params->log_final; l++)
        for (size_t x = 0; x < (size_t)1 << (v->params->log_final - 1 - l); x++) {
            fe3 low = table[2 * x], high = table[2 * x + 1];
            table[x] = fe3_add(low, fe3_mul(s[l], fe3_sub(high, low)));
        }
    return table[0];
}

void whir_verify(whir_result *result, const whir_params *params, const hash_ops *hash, digest root,
                 fe3 claim, transcript *t, proof_reader *reader, whir_scratch *scratch)
{
    verification v = {.params = params,
                      .hash = hash,
                      .t = t,
                      .reader = reader,
                      .scratch = scratch,
                      .point = result->point,
                      .claim = claim};
    fe *positions = scratch->positions;
    for (unsigned i = 0; i < params->n_rounds; i++) {
        sumcheck(&v, params->round[i].n_folds);
        digest next_root = root;
        fe3 ood_answer = fe3_zero();
        if (whir_is_last(params, i)) {
            size_t n = (size_t)1 << params->log_final;
            for (size_t j = 0; j < n; j++)
                scratch->final_poly[j] = proof_read_fe3(reader);
            transcript_absorb_fe3(t, LABEL_FINAL_POLY, scratch->final_poly, n);
        } else {
            next_root = proof_read_digest(reader);
            transcript_absorb_digest(t, LABEL_ROOT, next_root);
            v.z[i] = transcript_squeeze_fe3(t);
            ood_answer = proof_read_fe3(reader);
            transcript_absorb_fe3(t, LABEL_OOD_ANSWER, &ood_answer, 1);
        }
        check_nonce(&v, params->round[i].grinding);
        open_rows(&v, i, root, positions);
        if (whir_is_last(params, i))
            check_against_final(&v, positions);
        else
            combine(&v, i, ood_answer);
        positions += params->round[i].n_queries;
        root = next_root;
    }
    sumcheck(&v, params->log_final);

    result->value = final_value(&v, v.point + params->log_stack - params->log_final);
    fe3 weight = fe3_zero();
    positions = scratch->positions;
    for (unsigned i = 0; i + 1U < params->n_rounds; i++) {
        weight = fe3_add(weight, added_weight(&v, i, positions));
        positions += params->round[i].n_queries;
    }
    result->remaining = fe3_sub(v.claim, fe3_mul(weight, result->value));
}
