// SPDX-License-Identifier: Apache-2.0 OR MIT
// Proofs that must be refused. The tiny classes make it possible to try every word of a proof.
#include "unit/whir/whir_fixture.h"

static fixture tiny;
static proof_writer proof;

static int make_proof(void **state)
{
    (void)state;
    fixture_commit(&tiny, WHIR_CLASS_TEST_10, 0xA77AC, NULL);
    proof_writer_init(&proof);
    assert_int_equal(fixture_prove(&tiny, &proof, NULL), ZK_OK);
    assert_int_equal(proof.n_words, whir_proof_words(tiny.params));
    return 0;
}

static int drop_proof(void **state)
{
    (void)state;
    proof_writer_clear(&proof);
    fixture_clear(&tiny);
    return 0;
}

static bool accepted(void)
{
    return fixture_verify(&tiny, proof.words, proof.n_words);
}

static void test_honest_proof_is_accepted(void **state)
{
    (void)state;
    assert_true(accepted());
}

// Each word in turn: another field element near and far, the same residue written otherwise, and
// values that are no field elements at all.
static void test_every_word_matters(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(0xF11B);
    for (size_t i = 0; i < proof.n_words; i++) {
        uint64_t good = proof.words[i];
        uint64_t beyond = good + FE_P > good ? good + FE_P : FE_P + 1; // the same residue
        const uint64_t no_elements[] = {FE_P, UINT64_MAX, beyond};
        uint64_t bad[] = {fe_add(good, 1), fe_from_u64(test_rng_u64(&rng)),
                          good ^ (1ULL << test_rng_u64(&rng) % 64), no_elements[i % 3]};
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
            proof.words[i] = bad[j];
            if (bad[j] != good && accepted())
                fail_msg("word %zu may be %#lx instead of %#lx", i, (unsigned long)bad[j],
                         (unsigned long)good);
        }
        proof.words[i] = good;
    }
    assert_true(accepted());
}

static void test_every_other_length_is_refused(void **state)
{
    (void)state;
    for (size_t n = 0; n < proof.n_words; n++)
        assert_false(fixture_verify(&tiny, proof.words, n));
    uint64_t *longer = calloc(proof.n_words + 1, sizeof *longer);
    assert_non_null(longer);
    memcpy(longer, proof.words, proof.n_words * sizeof *longer);
    assert_false(fixture_verify(&tiny, longer, proof.n_words + 1));
    free(longer);
    assert_true(accepted());
}

static void test_wrong_statements_are_refused(void **state)
{
    (void)state;
    statement s = fixture_statement(&tiny);
    assert_true(fixture_check(&tiny, &s, whir_verify, proof.words, proof.n_words));
    for (unsigned k = 0; k < 3; k++) {
        statement lie = s;
        lie.claim.c[k] = fe_add(lie.claim.c[k], 1);
        assert_false(fixture_check(&tiny, &lie, whir_verify, proof.words, proof.n_words));
        lie = s;
        lie.factor.c[k] = fe_add(lie.factor.c[k], 1);
        assert_false(fixture_check(&tiny, &lie, whir_verify, proof.words, proof.n_words));
    }
    for (unsigned k = 0; k < HASH_DIGEST; k++) {
        statement lie = s;
        lie.root.e[k] = fe_add(lie.root.e[k], 1);
        assert_false(fixture_check(&tiny, &lie, whir_verify, proof.words, proof.n_words));
    }
}

// The same, but the lie is also what the transcript has absorbed: answer of commit time, value,
// points.
static void test_other_claims_are_refused(void **state)
{
    (void)state;
    fixture saved = tiny;
    tiny.y.c[0] = fe_add(tiny.y.c[0], 1);
    assert_false(accepted());
    tiny = saved;
    tiny.z.c[1] = fe_add(tiny.z.c[1], 1);
    assert_false(accepted());
    tiny = saved;
    tiny.value.c[2] = fe_add(tiny.value.c[2], 1);
    assert_false(accepted());
    for (unsigned l = 0; l < saved.params->log_stack; l++) {
        tiny = saved;
        tiny.point[l].c[0] = fe_add(tiny.point[l].c[0], 1);
        assert_false(accepted());
    }
    tiny = saved;
    assert_true(accepted());
}

// A false answer or value proved in earnest: the prover sees that the claim is not the sum.
static void test_prover_refuses_false_claims(void **state)
{
    (void)state;
    proof_writer w;
    fe3 honest = tiny.value;
    tiny.value = fe3_add(tiny.value, fe3_one());
    proof_writer_init(&w);
    assert_int_equal(fixture_prove(&tiny, &w, NULL), ZK_EINVAL);
    proof_writer_clear(&w);
    tiny.value = honest;
}

// Rows and paths of two queries in each other's place: both are under the root, but not at the
// positions that were asked for.
static void test_swapped_rows_are_refused(void **state)
{
    (void)state;
    const whir_round *r = &tiny.params->round[0];
    size_t first = 6 * (size_t)r->n_folds + 4 + 3 + 1 + ((size_t)4 << r->log_cap);
    size_t size = whir_row_width(tiny.params, 0) + 4 * whir_path_digests(r), n_refused = 0;
    for (size_t q = 1; q < r->n_queries; q++) {
        uint64_t *a = proof.words + first, *b = a + q * size;
        bool same = memcmp(a, b, size * sizeof *a) == 0; // the same position twice
        for (int twice = 0; twice < 2; twice++) {
            for (size_t i = 0; i < size; i++) {
                uint64_t word = a[i];
                a[i] = b[i];
                b[i] = word;
            }
            if (twice == 0) {
                assert_int_equal(accepted(), same);
                n_refused += !same;
            }
        }
    }
    assert_true(n_refused > 0);
    assert_true(accepted());
}

// A committed matrix that is far from every code word, with an honest prover after it.
static void test_far_words_are_refused(void **state)
{
    (void)state;
    fixture f;
    proof_writer w;
    test_rng rng = test_rng_new(0xFA7);
    fixture_commit(&f, WHIR_CLASS_TEST_14, 5, NULL);
    size_t width = whir_row_width(f.params, 0);
    unsigned log_rows = whir_log_rows(&f.params->round[0]);
    for (size_t y = 0; y < (size_t)1 << log_rows; y++)
        if (y % 8 != 0) // seven rows of eight in one lane
            f.commitment.code[y * width] = fe_from_u64(test_rng_u64(&rng));
    merkle_clear(&f.commitment.tree);
    assert_int_equal(
        merkle_build(&f.commitment.tree, f.hash, f.commitment.code, log_rows, width, NULL), ZK_OK);
    f.root = merkle_root(&f.commitment.tree);
    proof_writer_init(&w);
    assert_int_equal(fixture_prove(&f, &w, NULL), ZK_OK);
    assert_false(fixture_verify(&f, w.words, w.n_words));
    proof_writer_clear(&w);
    fixture_clear(&f);
}

// The root of one commitment, the proof of another.
static void test_foreign_commitment_is_refused(void **state)
{
    (void)state;
    fixture other;
    proof_writer w;
    fixture_commit(&other, WHIR_CLASS_TEST_10, 6, NULL);
    proof_writer_init(&w);
    assert_int_equal(fixture_prove(&other, &w, NULL), ZK_OK);
    assert_true(fixture_verify(&other, w.words, w.n_words));
    assert_false(fixture_verify(&tiny, w.words, w.n_words));
    other.root = tiny.root;
    assert_false(fixture_verify(&other, w.words, w.n_words));
    proof_writer_clear(&w);
    fixture_clear(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_proof_is_accepted),
        cmocka_unit_test(test_every_word_matters),
        cmocka_unit_test(test_every_other_length_is_refused),
        cmocka_unit_test(test_wrong_statements_are_refused),
        cmocka_unit_test(test_other_claims_are_refused),
        cmocka_unit_test(test_prover_refuses_false_claims),
        cmocka_unit_test(test_swapped_rows_are_refused),
        cmocka_unit_test(test_far_words_are_refused),
        cmocka_unit_test(test_foreign_commitment_is_refused),
    };
    return cmocka_run_group_tests(tests, make_proof, drop_proof);
}
