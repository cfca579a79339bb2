// SPDX-License-Identifier: Apache-2.0 OR MIT
// The pinned parameter sets, the solver that found them and its error terms, against a second
// computation in Python and against numbers that others published.
#include "unit/test.h"

#include <math.h>

#include "whir/whir_solver.h"

typedef struct vector_round {
    unsigned log_size, log_inv_rate, n_folds, grinding, n_queries, multiplicity;
    double ood, fold, query;
} vector_round;

typedef struct vector {
    whir_regime regime;
    unsigned log_stack, log_inv_rate, first_fold, first_reduction, log_final;
    double target, margin;
    unsigned grinding, n_rounds;
    vector_round round[WHIR_MAX_ROUNDS];
} vector;

static const vector vectors[] = {
#include "unit/whir/whir_vectors.inc"
};

enum { N_VECTORS = sizeof vectors / sizeof vectors[0] };

static whir_goal goal_of(const vector *v)
{
    return (whir_goal){v->regime,       v->target,     v->margin, v->grinding,        v->log_stack,
                       v->log_inv_rate, v->first_fold, 4,         v->first_reduction, 1,
                       v->log_final};
}

static double term_bits(const whir_params *p, whir_regime regime, whir_term_kind kind,
                        unsigned round, unsigned step)
{
    whir_term terms[WHIR_MAX_TERMS];
    for (size_t i = whir_terms(terms, p, regime); i-- > 0;)
        if (terms[i].kind == kind && terms[i].round == round && terms[i].step == step)
            return terms[i].bits;
    fail_msg("no term %s of round %u", whir_term_name(kind), round);
    return 0;
}

static void assert_near(double a, double b)
{
    assert_true(fabs(a - b) < 1e-6);
}

static void test_solver_agrees_with_python(void **state)
{
    (void)state;
    for (size_t n = 0; n < N_VECTORS; n++) {
        const vector *v = &vectors[n];
        whir_params p = {0};
        whir_goal goal = goal_of(v);
        assert_int_equal(whir_solve(&p, &goal), ZK_OK);
        assert_int_equal(p.n_rounds, v->n_rounds);
        assert_int_equal(p.log_final, v->log_final);
        for (unsigned i = 0; i < p.n_rounds; i++) {
            const whir_round *r = &p.round[i];
            const vector_round *want = &v->round[i];
            assert_int_equal(r->log_size, want->log_size);
            assert_int_equal(r->log_inv_rate, want->log_inv_rate);
            assert_int_equal(r->n_folds, want->n_folds);
            assert_int_equal(r->grinding, want->grinding);
            assert_int_equal(r->n_queries, want->n_queries);
            assert_int_equal(r->multiplicity, want->multiplicity);
            if (v->regime == WHIR_JOHNSON)
                assert_near(term_bits(&p, v->regime, WHIR_TERM_OOD, i, 0), want->ood);
            assert_near(term_bits(&p, v->regime, WHIR_TERM_FOLD, i, 1), want->fold);
            whir_term_kind kind = i + 1 == p.n_rounds ? WHIR_TERM_FINAL : WHIR_TERM_SHIFT;
            assert_near(term_bits(&p, v->regime, kind, i, 0), want->query);
        }
    }
}

static void test_shipped_sets_are_what_the_solver_finds(void **state)
{
    (void)state;
    assert_int_equal(whir_params_count(), 8);
    for (size_t i = 0; i < whir_params_count(); i++) {
        const whir_params *pinned = whir_params_at(i);
        unsigned rate = pinned->is_fixed ? (29U - pinned->log_stack) / 3 : 1;
        rate = rate < 4 ? rate : 4;
        whir_goal goal = {WHIR_JOHNSON, 128, 5, 16, pinned->log_stack, rate, 6, 4, 4, 1, 0};
        whir_params found = {.id = pinned->id, .name = pinned->name};
        assert_int_equal(whir_solve(&found, &goal), ZK_OK);
        assert_int_equal(found.n_rounds, pinned->n_rounds);
        assert_int_equal(found.log_final, pinned->log_final);
        assert_memory_equal(found.round, pinned->round, pinned->n_rounds * sizeof found.round[0]);
        assert_true(whir_params_valid(pinned));
        assert_ptr_equal(whir_params_shipped(pinned->id), pinned);
        assert_ptr_equal(whir_params_any(pinned->id), pinned);
    }
}

// 128 bits for the queries, which bind; five more for what rests on proximity gaps, so that the
// claim would survive the factor 2^5 by which one printing of the theorem differs.
static void test_shipped_sets_have_128_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < whir_params_count(); i++) {
        const whir_params *p = whir_params_at(i);
        whir_term terms[WHIR_MAX_TERMS];
        size_t n = whir_terms(terms, p, WHIR_JOHNSON);
        for (size_t j = 0; j < n; j++) {
            bool algebraic = terms[j].kind == WHIR_TERM_FOLD || terms[j].kind == WHIR_TERM_OOD;
            assert_true(terms[j].bits >= (algebraic ? 133 : 128));
        }
        assert_true(whir_bits(p, WHIR_JOHNSON) >= 128 && whir_bits(p, WHIR_JOHNSON) < 128.5);
        assert_true(whir_bits(p, WHIR_UNIQUE) < 70); // the sets rest on the Johnson bound
        assert_true(whir_log_list_size(p, 0, WHIR_JOHNSON) < 8);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        unsigned id;
        size_t proof_bytes, tree_permutations;
    } want[] = {{WHIR_CLASS_20, 278184, 2818},       {WHIR_CLASS_23, 345976, 3387},
                {WHIR_CLASS_24, 368616, 3743},       {WHIR_CLASS_26, 412648, 4144},
                {WHIR_CLASS_FIXED_14, 54472, 477},   {WHIR_CLASS_FIXED_17, 86136, 843},
                {WHIR_CLASS_FIXED_20, 142824, 1449}, {WHIR_CLASS_FIXED_23, 224472, 2160}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        const whir_params *p = whir_params_shipped(want[i].id);
        assert_int_equal(8 * whir_proof_words(p), want[i].proof_bytes);
        assert_int_equal(whir_tree_permutations(p), want[i].tree_permutations);
    }
}

static void test_sets_for_tests_are_not_shipped(void **state)
{
    (void)state;
    static const unsigned ids[] = {WHIR_CLASS_TEST_10, WHIR_CLASS_TEST_14};
    for (size_t i = 0; i < 2; i++) {
        assert_null(whir_params_shipped(ids[i]));
        const whir_params *p = whir_params_any(ids[i]);
        assert_non_null(p);
        assert_true(whir_params_valid(p));
        assert_true(whir_bits(p, WHIR_JOHNSON) < 20);
    }
    for (unsigned id = 0; id < 512; id++) {
        bool stack = id == WHIR_CLASS_20 || id == WHIR_CLASS_23 || id == WHIR_CLASS_24 ||
                     id == WHIR_CLASS_26;
        bool fixed = id == WHIR_CLASS_FIXED_14 || id == WHIR_CLASS_FIXED_17 ||
                     id == WHIR_CLASS_FIXED_20 || id == WHIR_CLASS_FIXED_23;
        const whir_params *p = whir_params_shipped(id);
        assert_true((p != NULL) == (stack || fixed));
        assert_true(p == NULL || p->is_fixed == fixed);
    }
}

static void test_invalid_sets_are_recognised(void **state)
{
    (void)state;
    whir_params good = *whir_params_shipped(WHIR_CLASS_26), p;
    assert_true(whir_params_valid(&good));
#define REFUSED(change) (p = good, change, assert_false(whir_params_valid(&p)))
    REFUSED(p.n_rounds = 0);
    REFUSED(p.n_rounds = 3);
    REFUSED(p.log_stack = 25);
    REFUSED(p.log_final = 7);
    REFUSED(p.round[0].n_folds = 7);
    REFUSED(p.round[1].n_folds = 5);
    REFUSED(p.round[1].log_size = 19);
    REFUSED(p.round[1].log_inv_rate = 7); // the domain would not shrink
    REFUSED(p.round[2].log_inv_rate = 0);
    REFUSED(p.round[0].log_cap = 8); // no level of the tree
    REFUSED(p.round[0].log_cap = 11);
    REFUSED(p.round[3].n_queries = 0);
    REFUSED(p.round[3].n_queries = 321);
    REFUSED(p.round[3].grinding = 33);
#undef REFUSED
}

static void test_goals_out_of_reach(void **state)
{
    (void)state;
    whir_params p = {0};
    whir_goal goal = {WHIR_JOHNSON, 128, 0, 16, 26, 1, 6, 4, 4, 1, 0};
    goal.target_bits = 200; // more than the field has
    assert_int_equal(whir_solve(&p, &goal), ZK_ELIMIT);
    goal.target_bits = 128;
    goal.log_inv_rate = 0;
    assert_int_equal(whir_solve(&p, &goal), ZK_EINVAL);
}

// Ethereum Foundation's soundness calculator, report of its DummyWHIR (Goldilocks^3, folds of 4,
// rate 1/16, domain halved a round, Johnson regime with multiplicity 50), commit 809896f. Whole
// bits, rounded down, its grinding of folds included. It bounds the list by mu/rho where we use
// (mu + 1/2)/sqrt(rho), which shows in the out-of-domain terms and nowhere else; its sumchecks have
// degree 8 or 4 where ours have 3.
typedef struct published {
    unsigned log_size, n_rounds, degree;
    int fold[2][5][4]; // unique, Johnson
    int shift[2][4], final[2], ood[4];
} published;

static const published reports[] = {
    {22,
     5,
     8,
     {{{184, 183, 182, 181},
       {183, 182, 181, 180},
       {187, 186, 185, 184},
       {190, 189, 188, 187},
       {194, 192, 191, 190}},
      {{149, 148, 147, 146},
       {143, 142, 141, 140},
       {143, 142, 141, 140},
       {141, 140, 139, 138},
       {141, 140, 139, 138}}},
     {{72, 52, 41, 35}, {131, 130, 129, 129}},
     {30, 128},
     {149, 147, 145, 143}},
    {20,
     5,
     4,
     {{{186, 185, 184, 183},
       {185, 184, 183, 182},
       {189, 188, 187, 186},
       {192, 191, 190, 189},
       {195, 194, 193, 192}},
      {{151, 150, 149, 148},
       {145, 144, 143, 142},
       {145, 144, 143, 142},
       {143, 142, 141, 140},
       {143, 142, 141, 140}}},
     {{72, 52, 41, 35}, {131, 130, 129, 129}},
     {30, 128},
     {151, 149, 147, 145}},
    {18,
     4,
     4,
     {{{188, 187, 186, 185}, {187, 186, 185, 184}, {191, 190, 189, 188}, {194, 193, 191, 190}},
      {{153, 152, 151, 150}, {147, 146, 145, 144}, {147, 146, 145, 144}, {145, 144, 143, 142}}},
     {{72, 52, 41}, {131, 130, 129}},
     {35, 129},
     {153, 151, 149}},
};

static void test_terms_agree_with_the_published_report(void **state)
{
    (void)state;
    static const unsigned queries[] = {55, 31, 22, 17, 14}, grinding[] = {22, 22, 20, 19, 17};
    static const int fold_grinding[5][4] = {
        {16, 14, 12, 10}, {14, 12, 10, 8}, {17, 15, 13, 11}, {19, 17, 15, 13}, {22, 20, 18, 16}};
    for (size_t c = 0; c < sizeof reports / sizeof reports[0]; c++) {
        const published *report = &reports[c];
        whir_params p = {.n_rounds = (uint8_t)report->n_rounds};
        for (unsigned i = 0; i < report->n_rounds; i++)
            p.round[i] = (whir_round){.log_size = (uint8_t)(report->log_size - 4 * i),
                                      .log_inv_rate = (uint8_t)(4 + 3 * i),
                                      .n_folds = 4,
                                      .grinding = (uint8_t)grinding[i],
                                      .n_queries = (uint16_t)queries[i],
                                      .multiplicity = 50};
        for (int regime = 0; regime < 2; regime++) {
            whir_regime r = regime == 0 ? WHIR_UNIQUE : WHIR_JOHNSON;
            for (unsigned i = 0; i < report->n_rounds; i++) {
                for (unsigned s = 1; s <= 4; s++) {
                    double list = whir_log_list_size(&p, i, r);
                    double error = exp2(-term_bits(&p, r, WHIR_TERM_FOLD, i, s)) +
                                   (report->degree - 3) * exp2(list - 3 * log2((double)FE_P));
                    assert_int_equal((int)floor(-log2(error)) + fold_grinding[i][s - 1],
                                     report->fold[regime][i][s - 1]);
                }
                if (i + 1 < report->n_rounds)
                    assert_int_equal((int)floor(term_bits(&p, r, WHIR_TERM_SHIFT, i, 0)),
                                     report->shift[regime][i]);
            }
            assert_int_equal((int)floor(term_bits(&p, r, WHIR_TERM_FINAL, report->n_rounds - 1, 0)),
                             report->final[regime]);
        }
        for (unsigned i = 1; i < report->n_rounds; i++) {
            double ours = whir_log_list_size(&p, i, WHIR_JOHNSON);
            double theirs = log2(50) + p.round[i].log_inv_rate;
            double bits = term_bits(&p, WHIR_JOHNSON, WHIR_TERM_OOD, i, 0);
            assert_int_equal((int)floor(bits + 2 * (ours - theirs)), report->ood[i - 1]);
        }
    }
}

// Query schedules of OpenVM 2 (100 bits, 20 of them grinding): rate 1/8 with multiplicity 2, rate
// 1/16 with multiplicity 1, and unique decoding at 1/2 and 1/4; folds of 4, domain halved.
static void test_queries_agree_with_openvm(void **state)
{
    (void)state;
    static const struct {
        whir_regime regime;
        unsigned log_inv_rate, multiplicity, n;
        int queries[4];
    } want[] = {{WHIR_JOHNSON, 3, 2, 3, {68, 30, 20}},
                {WHIR_JOHNSON, 4, 1, 3, {57, 28, 19}},
                {WHIR_UNIQUE, 1, 1, 4, {193, 88, 81, 81}},
                {WHIR_UNIQUE, 2, 1, 3, {118, 84, 81}}};
    for (size_t c = 0; c < sizeof want / sizeof want[0]; c++)
        for (unsigned i = 0; i < want[c].n; i++) {
            double bits =
                whir_query_bits(want[c].regime, want[c].log_inv_rate + 3 * i, want[c].multiplicity);
            assert_int_equal((int)ceil(80 / bits), want[c].queries[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solver_agrees_with_python),
        cmocka_unit_test(test_shipped_sets_are_what_the_solver_finds),
        cmocka_unit_test(test_shipped_sets_have_128_bits),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sets_for_tests_are_not_shipped),
        cmocka_unit_test(test_invalid_sets_are_recognised),
        cmocka_unit_test(test_goals_out_of_reach),
        cmocka_unit_test(test_terms_agree_with_the_published_report),
        cmocka_unit_test(test_queries_agree_with_openvm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
