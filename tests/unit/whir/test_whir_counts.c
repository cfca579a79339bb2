// SPDX-License-Identifier: Apache-2.0 OR MIT
// What one verification costs, and that it costs the same for every proof of a class, valid or
// not: the source of the verifier is compiled here with counting multiplications, and hashes
// through a counting table.
#include "unit/whir/whir_fixture.h"

typedef struct counts {
    size_t permutations;
    size_t ext;   // K x K
    size_t mixed; // F x K
    size_t base;  // F x F
} counts;

static counts now;

static fe3 counted_mul(fe3 a, fe3 b)
{
    now.ext++;
    return fe3_mul(a, b);
}

static fe3 counted_mul_fe(fe3 a, fe b)
{
    now.mixed++;
    return fe3_mul_fe(a, b);
}

static fe counted_base(fe a, fe b)
{
    now.base++;
    return fe_mul(a, b);
}

static fe3 counted_sqr(fe3 a)
{
    return counted_mul(a, a);
}

static fe counted_base_sqr(fe a)
{
    return counted_base(a, a);
}

verify_fn counted_verify;
fe3 counted_pow_eval(fe3 z, const fe3 *s, unsigned n);

#define fe3_mul       counted_mul
#define fe3_sqr       counted_sqr
#define fe3_mul_fe    counted_mul_fe
#define fe_mul        counted_base
#define fe_sqr        counted_base_sqr
#define whir_verify   counted_verify
#define whir_pow_eval counted_pow_eval
#include "whir/whir_verify.c"
#undef fe3_mul
#undef fe3_sqr
#undef fe3_mul_fe
#undef fe_mul
#undef fe_sqr
#undef whir_verify
#undef whir_pow_eval

static const hash_ops *inner;

static void count_permute(fe *states, size_t n)
{
    now.permutations += n;
    inner->permute_many(states, n);
}

static void count_compress(digest *out, const fe *in, size_t n)
{
    now.permutations += n;
    inner->compress_many(out, in, n);
}

static void count_rows(digest *out, const fe *in, size_t n, size_t width)
{
    for (size_t w = width, chunks = 0; chunks != 1; w = HASH_DIGEST * chunks) {
        chunks = (w + HASH_WIDTH - 1) / HASH_WIDTH;
        now.permutations += n * chunks;
    }
    inner->hash_rows(out, in, n, width);
}

static counts count(const whir_params *params, const uint64_t *words, const fixture *f)
{
    static whir_scratch scratch;
    hash_ops counting = *inner;
    counting.permute_many = count_permute;
    counting.compress_many = count_compress;
    counting.hash_rows = count_rows;
    transcript t;
    whir_result result;
    digest root = {{1, 2, 3, 4}};
    fe3 claim = fe3_one();
    if (f != NULL) {
        statement s = fixture_statement(f);
        fixture_start(&t, f);
        root = s.root;
        claim = s.claim;
    } else {
        transcript_init(&t, inner, FIXTURE_DOMAIN);
    }
    t.hash = &counting;
    proof_reader r = proof_reader_open(words, whir_proof_words(params));
    now = (counts){0};
    counted_verify(&result, params, &counting, root, claim, &t, &r, &scratch);
    assert_true(proof_reader_finished(&r));
    assert_int_equal(r.ok, f != NULL);
    return now;
}

static uint64_t *junk_proof(const whir_params *p, uint64_t seed)
{
    test_rng rng = test_rng_new(seed);
    uint64_t *words = malloc(whir_proof_words(p) * sizeof *words);
    assert_non_null(words);
    for (size_t i = 0; i < whir_proof_words(p); i++)
        words[i] = test_rng_u64(&rng) >> (seed == 0 ? 63 : 0);
    return words;
}

static void assert_same(counts a, counts b)
{
    assert_int_equal(a.permutations, b.permutations);
    assert_int_equal(a.ext, b.ext);
    assert_int_equal(a.mixed, b.mixed);
    assert_int_equal(a.base, b.base);
}

static void test_valid_and_junk_cost_the_same(void **state)
{
    (void)state;
    static const unsigned classes[] = {WHIR_CLASS_TEST_10, WHIR_CLASS_TEST_14};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        fixture f;
        proof_writer w;
        fixture_commit(&f, classes[i], 3, NULL);
        proof_writer_init(&w);
        assert_int_equal(fixture_prove(&f, &w, NULL), ZK_OK);
        uint64_t *junk = junk_proof(f.params, i);
        assert_same(count(f.params, w.words, &f), count(f.params, junk, NULL));
        free(junk);
        proof_writer_clear(&w);
        fixture_clear(&f);
    }
}

static void test_costs_of_the_shipped_classes(void **state)
{
    (void)state;
    static const struct {
        unsigned id;
        counts costs;
    } want[] = {{WHIR_CLASS_20, {2903, 6650, 23262, 13632}},
                {WHIR_CLASS_23, {3571, 8293, 38841, 16546}},
                {WHIR_CLASS_24, {3836, 8952, 23268, 18708}},
                {WHIR_CLASS_26, {4271, 10048, 27250, 20914}},
                {WHIR_CLASS_FIXED_14, {560, 347, 18254, 1368}},
                {WHIR_CLASS_FIXED_17, {935, 1497, 14020, 3401}},
                {WHIR_CLASS_FIXED_20, {1518, 3158, 10110, 6318}},
                {WHIR_CLASS_FIXED_23, {2332, 5357, 26813, 9950}}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const whir_params *p = whir_params_shipped(want[i].id);
        uint64_t *bits = junk_proof(p, 0), *junk = junk_proof(p, 1);
        counts c = count(p, junk, NULL);
        assert_same(c, count(p, bits, NULL));
        print_message("%s: %zu permutations (%zu in trees), %zu products in K, %zu of F and K, "
                      "%zu in F; scratch %zu bytes\n",
                      p->name, c.permutations, whir_tree_permutations(p), c.ext, c.mixed, c.base,
                      sizeof(whir_scratch));
        assert_same(c, want[i].costs);
        assert_true(c.permutations >= whir_tree_permutations(p));
        // Of the 6,000 permutations and 60,000 products in K that a whole instance may take.
        assert_true(c.permutations <= 4500 && c.ext <= 15000);
        free(junk);
        free(bits);
    }
}

int main(void)
{
    inner = hash_get(HASH_POSEIDON);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid_and_junk_cost_the_same),
        cmocka_unit_test(test_costs_of_the_shipped_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
