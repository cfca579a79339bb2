// SPDX-License-Identifier: Apache-2.0 OR MIT
// Round trips of WHIR.
#include "unit/whir/whir_fixture.h"

static void round_trip(unsigned class_id, uint64_t seed, pool *threads)
{
    fixture f;
    proof_writer w;
    fixture_commit(&f, class_id, seed, threads);
    proof_writer_init(&w);
    assert_int_equal(fixture_prove(&f, &w, threads), ZK_OK);
    assert_int_equal(w.n_words, whir_proof_words(f.params));
    assert_true(fixture_verify(&f, w.words, w.n_words));
    proof_writer_clear(&w);
    fixture_clear(&f);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        round_trip(WHIR_CLASS_TEST_10, seed, NULL);
        round_trip(WHIR_CLASS_TEST_14, seed, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
