// SPDX-License-Identifier: Apache-2.0 OR MIT
// Round trips of WHIR; that its parts compute what their headers say; that nothing of a proof
// depends on threads, tier or on what was kept of the commitment.
#include "base/cpu.h"
#include "unit/whir/whir_fixture.h"

static const unsigned classes[] = {WHIR_CLASS_TEST_10, WHIR_CLASS_TEST_14};

enum { N_CLASSES = sizeof classes / sizeof classes[0] };

static void test_round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++)
        for (size_t i = 0; i < N_CLASSES; i++) {
            fixture f;
            proof_writer w;
            fixture_commit(&f, classes[i], seed, NULL);
            proof_writer_init(&w);
            assert_int_equal(fixture_prove(&f, &w, NULL), ZK_OK);
            assert_int_equal(w.n_words, whir_proof_words(f.params));
            assert_true(fixture_verify(&f, w.words, w.n_words));
            proof_writer_clear(&w);
            fixture_clear(&f);
        }
}

// Cells that are all zero, and one cell alone: degenerate tables, the same protocol.
static void test_sparse_cells(void **state)
{
    (void)state;
    for (size_t cell = 0; cell < 3; cell++) {
        fixture f;
        proof_writer w;
        fixture_commit(&f, WHIR_CLASS_TEST_10, 1, NULL);
        memset(f.cells, 0, f.n_cells * sizeof *f.cells);
        f.cells[cell * (f.n_cells - 1) / 2] = cell == 0 ? 0 : FE_P - 1;
        whir_clear(&f.commitment);
        assert_int_equal(whir_commit(&f.commitment, f.params, f.hash, f.cells, NULL, NULL), ZK_OK);
        f.root = merkle_root(&f.commitment.tree);
        assert_int_equal(whir_ood_answer(&f.y, f.params, f.cells, f.z, NULL), ZK_OK);
        f.value = fixture_evaluate(f.cells, f.point, f.params->log_stack);
        proof_writer_init(&w);
        assert_int_equal(fixture_prove(&f, &w, NULL), ZK_OK);
        assert_true(fixture_verify(&f, w.words, w.n_words));
        proof_writer_clear(&w);
        fixture_clear(&f);
    }
}

// Row i of the code is the value of the 2^k lane polynomials at w^i.
static void test_code_is_evaluation_of_lanes(void **state)
{
    (void)state;
    fixture f;
    fixture_commit(&f, WHIR_CLASS_TEST_14, 7, NULL);
    unsigned log_rows = whir_log_rows(&f.params->round[0]);
    size_t width = whir_row_width(f.params, 0), n = f.n_cells / width;
    fe root = fe_root_of_unity(log_rows);
    for (size_t i = 0; i < (size_t)1 << log_rows; i += 37)
        for (size_t lane = 0; lane < width; lane += 9) {
            fe value = 0, at = fe_pow(root, i);
            for (size_t x = n; x-- > 0;)
                value = fe_mul_add(value, at, f.cells[x * width + lane]);
            assert_int_equal(f.commitment.code[i * width + lane], value);
        }
    fixture_clear(&f);
}

static void test_answer_and_its_weight(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CLASSES; i++) {
        fixture f;
        fixture_commit(&f, classes[i], 8, NULL);
        fe3 value = fe3_zero(), weight = fe3_zero(), power = fe3_one();
        fe *eq = malloc(3 * f.n_cells * sizeof *eq);
        assert_non_null(eq);
        fixture_eq_vector(eq, f.point, f.params->log_stack);
        for (size_t x = 0; x < f.n_cells; x++) {
            fe3 e = {{eq[x], eq[f.n_cells + x], eq[2 * f.n_cells + x]}};
            value = fe3_add(value, fe3_mul_fe(power, f.cells[x]));
            weight = fe3_add(weight, fe3_mul(power, e));
            power = fe3_mul(power, f.z);
        }
        assert_true(fe3_equal(value, f.y));
        assert_true(fe3_equal(weight, whir_pow_eval(f.z, f.point, f.params->log_stack)));
        free(eq);
        fixture_clear(&f);
    }
}

// The result of a verification is a claim about f alone: value is f~ at the point.
static void test_result_is_the_value_at_the_point(void **state)
{
    (void)state;
    fixture f;
    proof_writer w;
    whir_scratch scratch;
    whir_result result;
    transcript t;
    fixture_commit(&f, WHIR_CLASS_TEST_14, 9, NULL);
    proof_writer_init(&w);
    assert_int_equal(fixture_prove(&f, &w, NULL), ZK_OK);
    statement s = fixture_statement(&f);
    fixture_start(&t, &f);
    proof_reader r = proof_reader_open(w.words, w.n_words);
    whir_verify(&result, f.params, f.hash, s.root, s.claim, &t, &r, &scratch);
    assert_true(r.ok);
    fe3 value = fixture_evaluate(f.cells, result.point, f.params->log_stack);
    assert_true(fe3_equal(value, result.value));
    proof_writer_clear(&w);
    fixture_clear(&f);
}

// Without leaves, without the code matrix, and after a detour through the spill file.
static void test_what_is_dropped_is_redone(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CLASSES; i++) {
        fixture f;
        proof_writer whole, part;
        fixture_commit(&f, classes[i], 10, NULL);
        proof_writer_init(&whole);
        assert_int_equal(fixture_prove(&f, &whole, NULL), ZK_OK);
        for (int dropped = 1; dropped < 4; dropped++) {
            if (dropped & 1)
                merkle_drop_leaves(&f.commitment.tree);
            if (dropped & 2)
                whir_drop_code(&f.commitment);
            proof_writer_init(&part);
            assert_int_equal(fixture_prove(&f, &part, NULL), ZK_OK);
            assert_int_equal(part.n_words, whole.n_words);
            assert_memory_equal(part.words, whole.words, whole.n_words * sizeof *whole.words);
            proof_writer_clear(&part);
        }
        proof_writer_clear(&whole);
        fixture_clear(&f);
    }
}

// A preprocessed commitment: the verifier has the root from its key; whoever commits to the same
// cells later opens under it.
static void test_preprocessed_root(void **state)
{
    (void)state;
    fixture key, later;
    proof_writer w;
    fixture_commit(&key, WHIR_CLASS_TEST_10, 11, NULL);
    fixture_commit(&later, WHIR_CLASS_TEST_10, 11, NULL);
    assert_true(digest_equal(key.root, later.root));
    proof_writer_init(&w);
    assert_int_equal(fixture_prove(&later, &w, NULL), ZK_OK);
    assert_true(fixture_verify(&key, w.words, w.n_words));
    proof_writer_clear(&w);
    fixture_clear(&key);
    fixture_clear(&later);
}

static void test_cancel(void **state)
{
    (void)state;
    fixture f;
    proof_writer w;
    transcript t;
    cancel_flag cancel;
    atomic_init(&cancel.raised, true);
    fixture_commit(&f, WHIR_CLASS_TEST_10, 12, NULL);
    whir_commitment c;
    assert_int_equal(whir_commit(&c, f.params, f.hash, f.cells, NULL, &cancel), ZK_ECANCELED);
    assert_null(c.code);
    whir_clear(&c);
    fixture_weights(&f, fixture_start(&t, &f), NULL);
    proof_writer_init(&w);
    assert_int_equal(whir_open(&f.commitment, f.cells, f.terms, 2, f.y, &t, &w, NULL, &cancel),
                     ZK_ECANCELED);
    proof_writer_clear(&w);
    fixture_clear(&f);
}

static void test_same_bytes_from_every_tier(void **state)
{
    (void)state;
    cpu_tier best = cpu_tier_detected();
    proof_writer first = {0};
    digest root = {{0}};
    for (unsigned tier = 0; tier <= (unsigned)best; tier++) {
        fixture f;
        proof_writer w;
        cpu_tier_force((cpu_tier)tier);
        fixture_commit(&f, WHIR_CLASS_TEST_14, 13, NULL);
        proof_writer_init(&w);
        assert_int_equal(fixture_prove(&f, &w, NULL), ZK_OK);
        if (tier == 0) {
            first = w;
            root = f.root;
        } else {
            assert_true(digest_equal(root, f.root));
            assert_memory_equal(w.words, first.words, first.n_words * sizeof *first.words);
            proof_writer_clear(&w);
        }
        fixture_clear(&f);
    }
    cpu_tier_force(best);
    proof_writer_clear(&first);
}

// From the nodes above the leaves: the same proof, and no proof from those of other cells.
static void test_restored_commitment(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CLASSES; i++) {
        fixture f, other;
        proof_writer first, second;
        fixture_commit(&f, classes[i], 3, NULL);
        fixture_commit(&other, classes[i], 4, NULL);
        size_t n = (size_t)1 << (whir_log_rows(&f.params->round[0]) - 2);
        digest *nodes = malloc(n * sizeof *nodes);
        assert_non_null(nodes);
        memcpy(nodes, merkle_cap(&f.commitment.tree, 1), n * sizeof *nodes);
        proof_writer_init(&first);
        assert_int_equal(fixture_prove(&f, &first, NULL), ZK_OK);
        whir_clear(&f.commitment);

        whir_commitment c;
        assert_int_equal(whir_restore(&c, f.params, f.hash, other.cells, nodes, NULL, NULL),
                         ZK_EPARSE);
        assert_null(c.code); // cleared
        cancel_flag cancel = {0};
        cancel_raise(&cancel);
        assert_int_equal(whir_restore(&c, f.params, f.hash, f.cells, nodes, NULL, &cancel),
                         ZK_ECANCELED);
        // One cell of difference is a code word apart.
        f.cells[f.n_cells / 3] ^= 1;
        assert_int_equal(whir_restore(&c, f.params, f.hash, f.cells, nodes, NULL, NULL), ZK_EPARSE);
        f.cells[f.n_cells / 3] ^= 1;

        assert_int_equal(whir_restore(&f.commitment, f.params, f.hash, f.cells, nodes, NULL, NULL),
                         ZK_OK);
        assert_true(digest_equal(merkle_root(&f.commitment.tree), f.root));
        proof_writer_init(&second);
        assert_int_equal(fixture_prove(&f, &second, NULL), ZK_OK);
        assert_int_equal(first.n_words, second.n_words);
        assert_memory_equal(first.words, second.words, first.n_words * sizeof *first.words);
        proof_writer_clear(&first);
        proof_writer_clear(&second);
        free(nodes);
        fixture_clear(&f);
        fixture_clear(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sparse_cells),
        cmocka_unit_test(test_code_is_evaluation_of_lanes),
        cmocka_unit_test(test_answer_and_its_weight),
        cmocka_unit_test(test_result_is_the_value_at_the_point),
        cmocka_unit_test(test_what_is_dropped_is_redone),
        cmocka_unit_test(test_restored_commitment),
        cmocka_unit_test(test_preprocessed_root),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_same_bytes_from_every_tier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
