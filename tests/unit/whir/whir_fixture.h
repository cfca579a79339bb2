// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A commitment with one evaluation claim and its out-of-domain answer, opened and checked the way
// an instance does it: what the WHIR tests share.
#include "unit/test.h"

#include "whir/whir.h"
#include "whir/whir_verify.h"

enum { FIXTURE_DOMAIN = 77 };

typedef struct fixture {
    const whir_params *params;
    const hash_ops *hash;
    size_t n_cells;
    fe *cells;
    whir_commitment commitment;
    digest root;
    fe3 z, y;                         // out-of-domain point and answer of commit time
    fe3 point[WHIR_MAX_STACK], value; // the evaluation claim
    fe *weights;                      // memory of the two terms
    whir_weight terms[2];
} fixture;

static inline fe3 fixture_fe3(test_rng *r)
{
    fe3 a;
    for (int k = 0; k < 3; k++)
        a.c[k] = fe_from_u64(test_rng_u64(r));
    return a;
}

// prod_l (1 - a_l)(1 - b_l) + a_l b_l
static inline fe3 fixture_eq(const fe3 *a, const fe3 *b, unsigned n)
{
    fe3 product = fe3_one();
    for (unsigned l = 0; l < n; l++) {
        fe3 both = fe3_mul(a[l], b[l]);
        fe3 neither = fe3_mul(fe3_sub(fe3_one(), a[l]), fe3_sub(fe3_one(), b[l]));
        product = fe3_mul(product, fe3_add(both, neither));
    }
    return product;
}

// eq(r, x) for all x as a K-vector.
static inline void fixture_eq_vector(fe *out, const fe3 *r, unsigned n)
{
    size_t stride = (size_t)1 << n;
    out[0] = 1;
    out[stride] = out[2 * stride] = 0;
    for (unsigned l = 0; l < n; l++)
        for (size_t x = 0, half = (size_t)1 << l; x < half; x++) {
            fe3 a = {{out[x], out[stride + x], out[2 * stride + x]}};
            fe3 high = fe3_mul(a, r[l]), low = fe3_sub(a, high);
            for (size_t k = 0; k < 3; k++) {
                out[k * stride + x] = low.c[k];
                out[k * stride + half + x] = high.c[k];
            }
        }
}

// f~(r) by the definition, folding a copy of the cells.
static inline fe3 fixture_evaluate(const fe *cells, const fe3 *r, unsigned n)
{
    fe3 *t = malloc(((size_t)1 << n) * sizeof *t);
    assert_non_null(t);
    for (size_t x = 0; x < (size_t)1 << n; x++)
        t[x] = fe3_from_fe(cells[x]);
    for (unsigned l = 0; l < n; l++)
        for (size_t x = 0; x < (size_t)1 << (n - 1 - l); x++)
            t[x] = fe3_add(t[2 * x], fe3_mul(r[l], fe3_sub(t[2 * x + 1], t[2 * x])));
    fe3 value = t[0];
    free(t);
    return value;
}

// Before anything depends on challenges: cells, commitment, z and y.
static inline void fixture_commit(fixture *f, unsigned class_id, uint64_t seed, pool *threads)
{
    test_rng rng = test_rng_new(seed);
    *f = (fixture){.params = whir_params_any(class_id), .hash = hash_get(HASH_POSEIDON)};
    assert_non_null(f->params);
    f->n_cells = (size_t)1 << f->params->log_stack;
    f->cells = malloc(f->n_cells * sizeof *f->cells);
    assert_non_null(f->cells);
    for (size_t x = 0; x < f->n_cells; x++)
        f->cells[x] = fe_from_u64(test_rng_u64(&rng));
    assert_int_equal(whir_commit(&f->commitment, f->params, f->hash, f->cells, threads, NULL),
                     ZK_OK);
    f->root = merkle_root(&f->commitment.tree);
    f->z = fixture_fe3(&rng);
    assert_int_equal(whir_ood_answer(&f->y, f->params, f->cells, f->z, threads), ZK_OK);
    for (unsigned l = 0; l < f->params->log_stack; l++)
        f->point[l] = fixture_fe3(&rng);
    f->value = fixture_evaluate(f->cells, f->point, f->params->log_stack);
}

static inline void fixture_clear(fixture *f)
{
    whir_clear(&f->commitment);
    free(f->cells);
    free(f->weights);
}

// The transcript after root, answer and claim, and the challenge that joins the two claims.
static inline fe3 fixture_start(transcript *t, const fixture *f)
{
    transcript_init(t, f->hash, FIXTURE_DOMAIN);
    transcript_absorb_digest(t, LABEL_ROOT, f->root);
    transcript_absorb_fe3(t, LABEL_OOD_ANSWER, &f->y, 1);
    transcript_absorb_fe3(t, LABEL_CLAIMS, f->point, f->params->log_stack);
    transcript_absorb_fe3(t, LABEL_CLAIMS, &f->value, 1);
    return transcript_squeeze_fe3(t);
}

// W(x) = pow(z, x) + mu eq(point, x).
static inline void fixture_weights(fixture *f, fe3 mu, pool *threads)
{
    unsigned k = f->params->round[0].n_folds, m = f->params->log_stack - k;
    size_t n_low = (size_t)3 << k, n_high = (size_t)3 << m;
    free(f->weights);
    f->weights = malloc(2 * (n_low + n_high) * sizeof *f->weights);
    assert_non_null(f->weights);
    fe *low0 = f->weights, *low1 = low0 + n_low, *high0 = low1 + n_low, *high1 = high0 + n_high;
    whir_pow_weight(low0, high0, f->params, f->z, threads);
    fixture_eq_vector(low1, f->point, k);
    fixture_eq_vector(high1, f->point + k, m);
    for (size_t b = 0; b < n_low / 3; b++) {
        fe3 a = fe3_mul(mu, (fe3){{low1[b], low1[n_low / 3 + b], low1[2 * n_low / 3 + b]}});
        for (size_t c = 0; c < 3; c++)
            low1[c * n_low / 3 + b] = a.c[c];
    }
    f->terms[0] = (whir_weight){low0, high0};
    f->terms[1] = (whir_weight){low1, high1};
}

static inline status fixture_prove(fixture *f, proof_writer *w, pool *threads)
{
    transcript t;
    fe3 mu = fixture_start(&t, f);
    fixture_weights(f, mu, threads);
    fe3 claim = fe3_add(f->y, fe3_mul(mu, f->value));
    TRY(whir_open(&f->commitment, f->cells, f->terms, 2, claim, &t, w, threads, NULL));
    return proof_writer_status(w);
}

// What a verifier is told that is not in the proof; a test may lie in any of it.
typedef struct statement {
    digest root;
    fe3 claim;  // of the opening
    fe3 factor; // W~ is multiplied by it: 1
} statement;

static inline statement fixture_statement(const fixture *f)
{
    transcript t;
    fe3 mu = fixture_start(&t, f);
    return (statement){f->root, fe3_add(f->y, fe3_mul(mu, f->value)), fe3_one()};
}

typedef void verify_fn(whir_result *result, const whir_params *params, const hash_ops *hash,
                       digest root, fe3 claim, transcript *t, proof_reader *reader,
                       whir_scratch *scratch);

static inline bool fixture_check(const fixture *f, const statement *s, verify_fn *verify,
                                 const uint64_t *words, size_t n_words)
{
    static whir_scratch scratch;
    whir_result result;
    transcript t;
    unsigned n = f->params->log_stack;
    fe3 mu = fixture_start(&t, f);
    proof_reader r = proof_reader_open(words, n_words);
    verify(&result, f->params, f->hash, s->root, s->claim, &t, &r, &scratch);
    fe3 weight = fe3_add(whir_pow_eval(f->z, result.point, n),
                         fe3_mul(mu, fixture_eq(f->point, result.point, n)));
    weight = fe3_mul(weight, s->factor);
    require_equal_fe3(&r, fe3_mul(weight, result.value), result.remaining, "the claim is wrong");
    assert_true(r.ok || r.reason != NULL);
    return r.ok && proof_reader_finished(&r);
}

static inline bool fixture_verify(const fixture *f, const uint64_t *words, size_t n_words)
{
    statement s = fixture_statement(f);
    return fixture_check(f, &s, whir_verify, words, n_words);
}
