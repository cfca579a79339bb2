// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck_common.h"

#include "base/cpu.h"
#include "sumcheck/gkr.h"

typedef struct leaves {
    size_t n;
    fe *m;
    fe3 *d;
} leaves;

static void fill(void *arg, fe *m, fe *d, size_t begin, size_t n)
{
    const leaves *l = arg;
    assert_true(begin % 64 == 0 && n % 64 == 0 && n <= GKR_LEAF_BLOCK && begin + n <= l->n);
    for (size_t i = 0; i < n; i++) {
        m[i] = l->m[begin + i];
        planar_set(d, GKR_LEAF_BLOCK, i, l->d[begin + i]);
    }
}

static leaves random_leaves(size_t n, uint64_t seed)
{
    test_rng r = test_rng_new(seed);
    leaves l = {n, malloc(n * sizeof(fe)), malloc(n * sizeof(fe3))};
    for (size_t i = 0; i < n; i++) {
        l.m[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? FE_P - 1 : random_fe(&r);
        l.d[i] = random_fe3(&r);
    }
    return l;
}

static void leaves_free(leaves *l)
{
    free(l->m);
    free(l->d);
}

typedef struct outcome {
    fe3 root_p, root_q, point[40], p, q;
    bool ok;
} outcome;

static proof_writer prove(const leaves *l, unsigned log_leaves, pool *threads, outcome *o)
{
    gkr_leaf_source source = {l->n, fill, (void *)l};
    transcript t = start_transcript();
    proof_writer w;
    proof_writer_init(&w);
    assert_int_equal(gkr_prove(o->point, &o->p, &o->q, log_leaves, &source, &t, &w, threads, NULL),
                     ZK_OK);
    assert_int_equal(proof_writer_status(&w), ZK_OK);
    assert_int_equal(w.n_words, gkr_proof_words(log_leaves));
    return w;
}

static outcome verify(const uint64_t *words, size_t n, unsigned log_leaves)
{
    outcome o;
    transcript t = start_transcript();
    proof_reader r = proof_reader_open(words, n);
    gkr_verify(&o.root_p, &o.root_q, o.point, &o.p, &o.q, log_leaves, &t, &r);
    o.ok = r.ok && proof_reader_finished(&r);
    return o;
}

// The claims that GKR leaves are about the true leaves?
static bool claims_hold(const outcome *o, const leaves *l, unsigned log_leaves)
{
    fe3 p = fe3_zero(), q = fe3_zero(), used = fe3_zero();
    for (size_t i = 0; i < l->n; i++) {
        fe3 e = eq_at(o->point, log_leaves, i);
        p = fe3_add(p, fe3_mul_fe(e, l->m[i]));
        q = fe3_add(q, fe3_mul(e, l->d[i]));
        used = fe3_add(used, e);
    }
    q = fe3_add(q, fe3_sub(fe3_one(), used)); // the padding leaves are 0/1
    return fe3_equal(p, o->p) && fe3_equal(q, o->q);
}

static void accepts_and_leaves_true_claims(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        unsigned log_leaves;
    } sizes[] = {{64, 6},  {64, 7},    {64, 12},   {192, 8},
                 {320, 9}, {1024, 10}, {2240, 12}, {4096, 12}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        leaves l = random_leaves(sizes[i].n, 1000 + i);
        outcome proved;
        proof_writer w = prove(&l, sizes[i].log_leaves, NULL, &proved);
        outcome o = verify(w.words, w.n_words, sizes[i].log_leaves);
        assert_true(o.ok);
        assert_fe3_equal(o.p, proved.p);
        assert_fe3_equal(o.q, proved.q);
        assert_true(claims_hold(&o, &l, sizes[i].log_leaves));
        // P/Q is the sum of the fractions.
        fe3 sum = fe3_zero();
        for (size_t k = 0; k < l.n; k++)
            sum = fe3_add(sum, fe3_mul_fe(fe3_inv(l.d[k]), l.m[k]));
        assert_fe3_equal(fe3_mul(sum, o.root_q), o.root_p);
        proof_writer_clear(&w);
        leaves_free(&l);
    }
}

// Whatever single word is changed, either GKR refuses or what it leaves is a claim that is wrong.
static void no_changed_word_survives(void **state)
{
    (void)state;
    leaves l = random_leaves(192, 5);
    outcome proved;
    proof_writer w = prove(&l, 8, NULL, &proved);
    for (size_t i = 0; i < w.n_words; i++) {
        uint64_t keep = w.words[i];
        w.words[i] = fe_add(keep, 1);
        outcome o = verify(w.words, w.n_words, 8);
        assert_false(o.ok && claims_hold(&o, &l, 8));
        w.words[i] = keep;
    }
    assert_false(verify(w.words, w.n_words - 1, 8).ok);
    w.words[3] = FE_P;
    assert_false(verify(w.words, w.n_words, 8).ok);
    proof_writer_clear(&w);
    leaves_free(&l);
}

static void refuses_a_zero_denominator(void **state)
{
    (void)state;
    leaves l = random_leaves(64, 9);
    l.d[17] = fe3_zero();
    gkr_leaf_source source = {l.n, fill, &l};
    transcript t = start_transcript();
    proof_writer w;
    proof_writer_init(&w);
    outcome o;
    assert_int_equal(gkr_prove(o.point, &o.p, &o.q, 6, &source, &t, &w, NULL, NULL), ZK_EINTERNAL);
    proof_writer_clear(&w);
    leaves_free(&l);

    // A proof that says P = Q = 0 and continues with zeros is consistent in every layer; only the
    // check of Q refuses it.
    uint64_t *zeros = calloc(gkr_proof_words(6), sizeof *zeros);
    assert_false(verify(zeros, gkr_proof_words(6), 6).ok);
    free(zeros);
}

static void same_words_from_every_tier_and_thread_count(void **state)
{
    (void)state;
    leaves l = random_leaves(64 * 75, 31);
    outcome o;
    cpu_tier_force(CPU_SCALAR);
    proof_writer reference = prove(&l, 13, NULL, &o);
    for (int tier = CPU_SCALAR; tier <= (int)cpu_tier_detected(); tier++)
        for (unsigned threads = 1; threads <= 7; threads += 3) {
            pool *p;
            assert_int_equal(pool_open(&p, threads), ZK_OK);
            cpu_tier_force((cpu_tier)tier);
            proof_writer w = prove(&l, 13, p, &o);
            assert_int_equal(w.n_words, reference.n_words);
            assert_memory_equal(w.words, reference.words, w.n_words * sizeof *w.words);
            proof_writer_clear(&w);
            pool_close(p);
        }
    cpu_tier_force(cpu_tier_detected());
    proof_writer_clear(&reference);
    leaves_free(&l);
}

static void stops_when_canceled(void **state)
{
    (void)state;
    leaves l = random_leaves(64, 2);
    gkr_leaf_source source = {l.n, fill, &l};
    transcript t = start_transcript();
    proof_writer w;
    proof_writer_init(&w);
    outcome o;
    cancel_flag cancel = {false};
    cancel_raise(&cancel);
    assert_int_equal(gkr_prove(o.point, &o.p, &o.q, 6, &source, &t, &w, NULL, &cancel),
                     ZK_ECANCELED);
    proof_writer_clear(&w);
    leaves_free(&l);
}

static void eq_sums_agree_with_the_definition(void **state)
{
    (void)state;
    test_rng r = test_rng_new(3);
    for (unsigned n = 0; n <= 5; n++) {
        fe3 point[5];
        for (unsigned i = 0; i < n; i++)
            point[i] = random_fe3(&r);
        fe3 sum = fe3_zero();
        for (uint64_t x = 0; x < (uint64_t)1 << n; x++) {
            assert_fe3_equal(eq_prefix_sum(point, n, x), sum);
            sum = fe3_add(sum, eq_at(point, n, x));
        }
        assert_fe3_equal(eq_prefix_sum(point, n, (uint64_t)1 << n), fe3_one());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eq_sums_agree_with_the_definition),
        cmocka_unit_test(accepts_and_leaves_true_claims),
        cmocka_unit_test(no_changed_word_survives),
        cmocka_unit_test(refuses_a_zero_denominator),
        cmocka_unit_test(same_words_from_every_tier_and_thread_count),
        cmocka_unit_test(stops_when_canceled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
