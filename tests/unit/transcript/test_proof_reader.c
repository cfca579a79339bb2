// SPDX-License-Identifier: Apache-2.0 OR MIT
// Reading a proof: what is malformed is refused once and for all, and reading goes on with zeros.
#include "unit/test.h"

#include "transcript/proof_reader.h"

static void reads_in_order(void **state)
{
    (void)state;
    static const uint64_t words[] = {FE_P - 1, 2, 3, 4, 5, 6, 7, 8};
    proof_reader r = proof_reader_open(words, 8);
    assert_int_equal(proof_read_fe(&r), FE_P - 1);
    assert_true(fe3_equal(proof_read_fe3(&r), (fe3){{2, 3, 4}}));
    assert_false(proof_reader_finished(&r));
    assert_true(digest_equal(proof_read_digest(&r), (digest){{5, 6, 7, 8}}));
    assert_true(r.ok && r.reason == NULL && proof_reader_finished(&r));
}

// A proof that ends early is not one that goes on with zeros.
static void refuses_to_read_past_the_end(void **state)
{
    (void)state;
    static const uint64_t words[] = {1, 2, 3};
    for (size_t n = 0; n <= 3; n++) {
        proof_reader r = proof_reader_open(words, n);
        (void)proof_read_fe3(&r);
        assert_true(r.ok == (n == 3));
        assert_int_equal(proof_read_fe(&r), 0);
        assert_false(r.ok);
        assert_string_equal(r.reason, "the proof ends early");
    }
}

static void refuses_what_is_no_element(void **state)
{
    (void)state;
    static const uint64_t bad[] = {FE_P, FE_P + 1, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        const uint64_t words[] = {bad[i], 9};
        proof_reader r = proof_reader_open(words, 2);
        assert_int_equal(proof_read_fe(&r), 0);
        assert_false(r.ok);
        assert_string_equal(r.reason, "a word of the proof is not below p");
        assert_int_equal(proof_read_fe(&r), 9);
        assert_false(r.ok); // what follows does not mend it
        proof_reader_refuse(&r, "later");
        assert_string_equal(r.reason, "a word of the proof is not below p");
    }
}

static void requirements(void **state)
{
    (void)state;
    digest a = {{1, 2, 3, 4}}, b = a;
    b.e[3]++;
    proof_reader fresh = proof_reader_open(NULL, 0), r = fresh;
    require_equal_fe(&r, 1, 1, "");
    require_equal_fe3(&r, fe3_one(), fe3_one(), "");
    require_equal_digest(&r, a, a, "");
    require_nonzero_fe3(&r, (fe3){{0, 0, 1}}, "");
    require_below(&r, 255, 8, "");
    assert_true(r.ok);
    require_equal_fe(&r, 1, 2, "");
    assert_false(r.ok);
    r = fresh;
    require_equal_fe3(&r, fe3_one(), (fe3){{1, 0, 1}}, "");
    assert_false(r.ok);
    r = fresh;
    require_equal_digest(&r, a, b, "");
    assert_false(r.ok);
    r = fresh;
    require_nonzero_fe3(&r, fe3_zero(), "");
    assert_false(r.ok);
    r = fresh;
    require_below(&r, 256, 8, "");
    assert_false(r.ok);
    r = fresh;
    require_below(&r, fe_neg(1), 8, "");
    assert_false(r.ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_order),
        cmocka_unit_test(refuses_to_read_past_the_end),
        cmocka_unit_test(refuses_what_is_no_element),
        cmocka_unit_test(requirements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
