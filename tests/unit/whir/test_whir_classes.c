// SPDX-License-Identifier: Apache-2.0 OR MIT
// A shipped class end to end, large enough that loops are split: the same bytes with 1, 2 and 7
// threads. The class is the first argument.
#include "unit/whir/whir_fixture.h"

static unsigned class_id;

static void test_round_trip_with_any_number_of_threads(void **state)
{
    (void)state;
    static const unsigned n_threads[] = {7, 1, 2};
    proof_writer first = {0};
    digest root = {{0}};
    for (size_t i = 0; i < sizeof n_threads / sizeof n_threads[0]; i++) {
        pool *threads;
        fixture f;
        proof_writer w;
        assert_int_equal(pool_open(&threads, n_threads[i]), ZK_OK);
        fixture_commit(&f, class_id, 20, threads);
        proof_writer_init(&w);
        assert_int_equal(fixture_prove(&f, &w, threads), ZK_OK);
        if (i == 0) {
            assert_int_equal(w.n_words, whir_proof_words(f.params));
            assert_true(fixture_verify(&f, w.words, w.n_words));
            w.words[w.n_words / 2] = fe_add(w.words[w.n_words / 2], 1);
            assert_false(fixture_verify(&f, w.words, w.n_words));
            w.words[w.n_words / 2] = fe_sub(w.words[w.n_words / 2], 1);
            first = w;
            root = f.root;
        } else {
            assert_true(digest_equal(root, f.root));
            assert_memory_equal(w.words, first.words, first.n_words * sizeof *first.words);
            proof_writer_clear(&w);
        }
        fixture_clear(&f);
        pool_close(threads);
        if (whir_params_any(class_id)->log_stack > 20 || class_id == WHIR_CLASS_FIXED_20)
            break; // the larger classes only go once
    }
    proof_writer_clear(&first);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip_with_any_number_of_threads),
    };
    class_id = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : WHIR_CLASS_20;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
