// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "sumcheck_common.h"

#include "base/cpu.h"
#include "sumcheck/eq_round.h"
#include "sumcheck/zerocheck.h"

// A table with columns a, b, c, d and the constraints b = a^2 (weight w0) and, where `cubic`,
// d = a b c (weight w1): degree 3 with the product of three columns, else 2.
typedef struct toy {
    bool cubic;
    fe3 weight[2];
    unsigned log_height;
    fe *cells[4];
    fe3 linear[4], constant;
} toy;

static fe3 constraints_at(const toy *t, const fe3 *v)
{
    fe3 sum = fe3_mul(t->weight[0], fe3_sub(v[1], fe3_sqr(v[0])));
    if (t->cubic)
        sum =
            fe3_add(sum, fe3_mul(t->weight[1], fe3_sub(v[3], fe3_mul(fe3_mul(v[0], v[1]), v[2]))));
    return sum;
}

static fe3 form_at(const toy *t, const fe3 *v)
{
    fe3 sum = t->constant;
    for (int j = 0; j < 4; j++)
        sum = fe3_add(sum, fe3_mul(t->linear[j], v[j]));
    return sum;
}

static void eval_base(const void *arg, fe *out, const fe *const *columns, size_t n, fe *room)
{
    (void)room;
    assert_int_equal(n % 8, 0);
    for (size_t i = 0; i < n; i++) {
        fe3 v[4];
        for (int j = 0; j < 4; j++)
            v[j] = fe3_from_fe(columns[j][i]);
        planar_set(out, n, i, constraints_at(arg, v));
    }
}

static void eval_extension(const void *arg, fe *out, const fe *const *columns, size_t n, fe *room)
{
    (void)room;
    for (size_t i = 0; i < n; i++) {
        fe3 v[4];
        for (int j = 0; j < 4; j++)
            v[j] = planar_get(columns[j], n, i);
        planar_set(out, n, i, constraints_at(arg, v));
    }
}

static toy toy_new(unsigned log_height, bool cubic, uint64_t seed)
{
    test_rng r = test_rng_new(seed);
    toy t = {.cubic = cubic, .log_height = log_height, .constant = random_fe3(&r)};
    for (int j = 0; j < 4; j++) {
        t.cells[j] = malloc(sizeof(fe) << log_height);
        t.linear[j] = random_fe3(&r);
    }
    t.weight[0] = random_fe3(&r);
    t.weight[1] = random_fe3(&r);
    for (size_t i = 0; i < (size_t)1 << log_height; i++) {
        t.cells[0][i] = random_fe(&r);
        t.cells[1][i] = fe_sqr(t.cells[0][i]);
        t.cells[2][i] = random_fe(&r);
        t.cells[3][i] = fe_mul(fe_mul(t.cells[0][i], t.cells[1][i]), t.cells[2][i]);
    }
    return t;
}

enum { N_TOYS = 4, N_ROUNDS = 9 };

typedef struct setting {
    toy toys[N_TOYS];
    fe3 rho[N_ROUNDS], claim;
} setting;

static setting setting_new(void)
{
    static const unsigned heights[N_TOYS] = {9, 6, 1, 7};
    test_rng r = test_rng_new(12);
    setting s;
    for (int i = 0; i < N_ROUNDS; i++)
        s.rho[i] = random_fe3(&r);
    s.claim = fe3_zero();
    for (int i = 0; i < N_TOYS; i++) {
        s.toys[i] = toy_new(heights[i], i % 2 == 0, 100 + i);
        for (size_t x = 0; x < (size_t)1 << heights[i]; x++) {
            fe3 v[4];
            for (int j = 0; j < 4; j++)
                v[j] = fe3_from_fe(s.toys[i].cells[j][x]);
            s.claim =
                fe3_add(s.claim, fe3_mul(eq_at(s.rho, heights[i], x), form_at(&s.toys[i], v)));
        }
    }
    return s;
}

static void setting_free(setting *s)
{
    for (int i = 0; i < N_TOYS; i++)
        for (int j = 0; j < 4; j++)
            free(s->toys[i].cells[j]);
}

static proof_writer prove(const setting *s, pool *threads, fe3 *point, fe3 values[N_TOYS][4])
{
    zerocheck_table tables[N_TOYS];
    fe3 *rows[N_TOYS];
    for (int i = 0; i < N_TOYS; i++) {
        const toy *t = &s->toys[i];
        tables[i] = (zerocheck_table){.log_height = t->log_height,
                                      .n_columns = 4,
                                      .degree = t->cubic ? 3 : 2,
                                      .columns = (const fe *const *)t->cells,
                                      .linear = t->linear,
                                      .constant = t->constant,
                                      .eval_base = eval_base,
                                      .eval_extension = eval_extension,
                                      .arg = t};
        rows[i] = values[i];
    }
    transcript t = start_transcript();
    proof_writer w;
    proof_writer_init(&w);
    assert_int_equal(
        zerocheck_prove(point, rows, N_ROUNDS, 3, s->rho, tables, N_TOYS, &t, &w, threads, NULL),
        ZK_OK);
    assert_int_equal(w.n_words, 3 * 3 * N_ROUNDS);
    return w;
}

// The verifier's claim against G at the true column values.
static bool holds(const setting *s, const uint64_t *words)
{
    transcript t = start_transcript();
    proof_reader r = proof_reader_open(words, 9 * N_ROUNDS);
    fe3 point[N_ROUNDS];
    fe3 left = zerocheck_verify(point, N_ROUNDS, 3, s->rho, s->claim, &t, &r);
    fe3 sum = fe3_zero();
    for (int i = 0; i < N_TOYS; i++) {
        fe3 v[4];
        for (int j = 0; j < 4; j++)
            v[j] = extension_of_base(s->toys[i].cells[j], point, s->toys[i].log_height);
        sum = fe3_add(sum, fe3_add(constraints_at(&s->toys[i], v), form_at(&s->toys[i], v)));
    }
    return r.ok && proof_reader_finished(&r) && fe3_equal(sum, left);
}

static void true_tables_pass_and_values_are_right(void **state)
{
    (void)state;
    setting s = setting_new();
    fe3 point[N_ROUNDS], values[N_TOYS][4];
    proof_writer w = prove(&s, NULL, point, values);
    assert_true(holds(&s, w.words));
    for (int i = 0; i < N_TOYS; i++)
        for (int j = 0; j < 4; j++)
            assert_fe3_equal(values[i][j],
                             extension_of_base(s.toys[i].cells[j], point, s.toys[i].log_height));
    for (size_t i = 0; i < w.n_words; i++) {
        uint64_t keep = w.words[i];
        w.words[i] = fe_add(keep, 1);
        assert_false(holds(&s, w.words));
        w.words[i] = keep;
    }
    proof_writer_clear(&w);
    setting_free(&s);
}

// One wrong cell in one row of one table.
static void a_broken_constraint_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < N_TOYS; i++)
        for (int j = 0; j < 2; j++) {
            setting s = setting_new();
            toy *t = &s.toys[i];
            size_t row = ((size_t)1 << t->log_height) - 1;
            fe3 old = fe3_mul_fe(t->linear[j], t->cells[j][row]);
            t->cells[j][row] = fe_add(t->cells[j][row], 5);
            // The linear claim moves along, so that only the constraint is wrong.
            fe3 new = fe3_mul_fe(t->linear[j], t->cells[j][row]);
            s.claim =
                fe3_add(s.claim, fe3_mul(eq_at(s.rho, t->log_height, row), fe3_sub(new, old)));
            fe3 point[N_ROUNDS], values[N_TOYS][4];
            proof_writer w = prove(&s, NULL, point, values);
            assert_false(holds(&s, w.words));
            proof_writer_clear(&w);
            setting_free(&s);
        }
}

static void same_words_from_every_tier_and_thread_count(void **state)
{
    (void)state;
    setting s = setting_new();
    fe3 point[N_ROUNDS], values[N_TOYS][4];
    cpu_tier_force(CPU_SCALAR);
    proof_writer reference = prove(&s, NULL, point, values);
    for (int tier = CPU_SCALAR; tier <= (int)cpu_tier_detected(); tier++)
        for (unsigned threads = 1; threads <= 7; threads += 3) {
            pool *p;
            assert_int_equal(pool_open(&p, threads), ZK_OK);
            cpu_tier_force((cpu_tier)tier);
            proof_writer w = prove(&s, p, point, values);
            assert_memory_equal(w.words, reference.words, w.n_words * sizeof *w.words);
            proof_writer_clear(&w);
            pool_close(p);
        }
    cpu_tier_force(cpu_tier_detected());
    proof_writer_clear(&reference);
    setting_free(&s);
}

// The sent form of a polynomial of degree D takes its samples at 1 .. D and keeps the claim.
static void round_values_interpolate(void **state)
{
    (void)state;
    test_rng r = test_rng_new(8);
    for (unsigned degree = 1; degree <= EQ_ROUND_MAX_DEGREE; degree++) {
        fe3 samples[EQ_ROUND_MAX_DEGREE], values[EQ_ROUND_MAX_DEGREE];
        for (unsigned i = 0; i < degree; i++)
            samples[i] = random_fe3(&r);
        fe3 c = random_fe3(&r), rho = random_fe3(&r);
        eq_round_values(values, samples, c, rho, degree);
        for (unsigned x = 1; x <= degree; x++)
            assert_fe3_equal(eq_round_value(fe3_from_fe(x), c, rho, values, degree),
                             samples[x - 1]);
        fe3 at_zero = eq_round_value(fe3_zero(), c, rho, values, degree);
        fe3 mixed = fe3_add(at_zero, fe3_mul(rho, fe3_sub(samples[0], at_zero)));
        assert_fe3_equal(mixed, c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_values_interpolate),
        cmocka_unit_test(true_tables_pass_and_values_are_right),
        cmocka_unit_test(a_broken_constraint_is_found),
        cmocka_unit_test(same_words_from_every_tier_and_thread_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
