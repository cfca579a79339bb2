// SPDX-License-Identifier: Apache-2.0 OR MIT
// Security of the shipped parameter sets over all parts of the protocol. That a verifier accepts no
// other set is tested with real proofs (test_job).
#include "unit/test.h"

#include <math.h>

#include "verifier/soundness.h"

static const soundness_row *find(const soundness_row *rows, size_t n, const char *part,
                                 const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].part, part) == 0 && strcmp(rows[i].name, name) == 0)
            return &rows[i];
    fail_msg("no row %s, %s", part, name);
    return NULL;
}

static void every_set_has_128_bits(void **state)
{
    (void)state;
    assert_true(whir_params_count() >= 3);
    for (size_t k = 0; k < whir_params_count(); k++) {
        soundness_row rows[SOUNDNESS_MAX_ROWS];
        size_t n = soundness_table(rows, whir_params_at(k));
        for (size_t i = 0; i < n; i++)
            if (!(rows[i].bits[WHIR_JOHNSON] >= 128))
                fail_msg("class %s, %s, %s: %f bits", whir_params_at(k)->name, rows[i].part,
                         rows[i].name, rows[i].bits[WHIR_JOHNSON]);
        assert_true(soundness_minimum(rows, n, WHIR_JOHNSON) >= 128);
        // The sets are made for the Johnson regime; the other number is for comparison.
        double unique = soundness_minimum(rows, n, WHIR_UNIQUE);
        assert_true(unique > 40 && unique < 128);
        // The table holds all of WHIR's terms: its minimum is never above theirs.
        for (int r = WHIR_JOHNSON; r <= WHIR_UNIQUE; r++)
            assert_true(soundness_minimum(rows, n, (whir_regime)r) <=
                        whir_bits(whir_params_at(k), (whir_regime)r));
    }
}

// By hand, with log2 |K| = 192 - 10^-9: what the limits of the verifier give.
static void rows_by_hand(void **state)
{
    (void)state;
    soundness_row rows[SOUNDNESS_MAX_ROWS];
    const whir_params *p = whir_params_shipped(WHIR_CLASS_26);
    size_t n = soundness_table(rows, p);
    static const struct {
        const char *part, *name;
        double bits;
    } expected[] = {
        {"bus", "gamma, beta over 2^46 tuples", 192 - 46 - 4},
        {"gkr", "lambda of a layer", 192},
        {"gkr", "round of a sumcheck, coordinate of rho", 190.415037},
        {"gkr", "tau of a layer, coordinate of rho", 191},
        {"zerocheck", "lambda", 192},
        {"zerocheck", "alpha over all constraints", 192 - 13},
        {"zerocheck", "round of the sumcheck", 192 - 3},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        for (int r = 0; r < 2; r++) {
            double bits = find(rows, n, expected[i].part, expected[i].name)->bits[r];
            assert_true(fabs(bits - expected[i].bits) < 1e-5);
        }
    // Multiplicity 84 at rate 1/2: lists of (84 + 1/2) 2^(1/2) < 2^6.901; 2^26 cells; 2^14 of them.
    const soundness_row *pinned =
        find(rows, n, "commitment", "one polynomial for each of 2^14 instances");
    double list = log2(84.5) + 0.5;
    assert_true(fabs(pinned->bits[WHIR_JOHNSON] - (192 + 1 - 2 * list - 26 - 14)) < 1e-5);
    assert_true(isinf(pinned->bits[WHIR_UNIQUE]));
    const soundness_row *mu = find(rows, n, "opening", "mu over all columns");
    assert_true(fabs(mu->bits[WHIR_JOHNSON] - (192 - 11 - list)) < 1e-5);
    assert_true(fabs(mu->bits[WHIR_UNIQUE] - (192 - 11)) < 1e-5);
    assert_true(fabs(soundness_digest_bits() - 128) < 1e-8);
}

// Why the answer at commit time is there: without it the bus would be taken over lists.
static void lists_of_all_instances_would_not_do(void **state)
{
    (void)state;
    for (size_t k = 0; k < whir_params_count(); k++) {
        double list = whir_log_list_size(whir_params_at(k), 0, WHIR_JOHNSON);
        assert_true(142 - 3 * list < 128);
    }
}

// Weaker sets give fewer bits: the table depends on what it is given.
static void counts_what_a_set_says(void **state)
{
    (void)state;
    soundness_row rows[SOUNDNESS_MAX_ROWS];
    whir_params weak = *whir_params_shipped(WHIR_CLASS_26);
    weak.round[1].n_queries -= 4;
    assert_true(soundness_minimum(rows, soundness_table(rows, &weak), WHIR_JOHNSON) < 128);
    weak = *whir_params_shipped(WHIR_CLASS_20);
    weak.round[0].grinding--;
    assert_true(soundness_minimum(rows, soundness_table(rows, &weak), WHIR_JOHNSON) < 128);
    const whir_params *test_set = whir_params_any(WHIR_CLASS_TEST_14);
    assert_true(soundness_minimum(rows, soundness_table(rows, test_set), WHIR_JOHNSON) < 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_has_128_bits),
        cmocka_unit_test(rows_by_hand),
        cmocka_unit_test(lists_of_all_instances_would_not_do),
        cmocka_unit_test(counts_what_a_set_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
