// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every way of evaluating a chip agrees with a recipe that is run step by step.
#include "unit/air/random_chip.h"

#include "base/cpu.h"

enum { ROWS = 64, ROUNDS = 150 };

typedef struct block {
    fe cells[RECIPE_COLUMNS][3 * ROWS];
    const fe *pointers[RECIPE_COLUMNS];
    fe3 coefs[RECIPE_ALL];
} block;

static void fill(block *x, test_rng *r)
{
    for (unsigned j = 0; j < RECIPE_COLUMNS; j++) {
        x->pointers[j] = x->cells[j];
        for (unsigned i = 0; i < 3 * ROWS; i++)
            x->cells[j][i] = random_fe(r);
    }
    for (unsigned j = 0; j < RECIPE_ALL; j++)
        x->coefs[j] = random_fe3(r);
}

static void row_of(fe3 *out, const block *x, unsigned n_columns, unsigned row, bool extension)
{
    for (unsigned j = 0; j < n_columns; j++)
        for (unsigned k = 0; k < 3; k++)
            out[j].c[k] = k == 0 || extension ? x->cells[j][k * ROWS + row] : 0;
}

static void assert_row(const fe *planar, unsigned row, fe3 expected)
{
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(planar[k * ROWS + row], expected.c[k]);
}

static const air_ops *ops_of(cpu_tier tier)
{
    cpu_tier_force(tier);
    const air_ops *ops = air_ops_get();
    cpu_tier_force(cpu_tier_detected());
    assert_string_equal(ops->tier, cpu_tier_name(tier));
    return ops;
}

static void check_constraints(const chip *c, const recipe *p, const block *x, const air_ops *ops)
{
    static fe acc[3 * ROWS];
    fe *scratch = aligned_alloc(64, (air_scratch_extension(c, ROWS) * sizeof(fe) + 127) / 64 * 64);
    fe3 *point_scratch = calloc(air_scratch_point(c) + 1, sizeof *point_scratch);
    for (unsigned extension = 0; extension < 2; extension++) {
        memset(acc, 0xFF, sizeof acc);
        if (extension)
            ops->eval_extension(acc, c, x->pointers, x->coefs, ROWS, scratch);
        else
            ops->eval_base(acc, c, x->pointers, x->coefs, ROWS, scratch);
        for (unsigned row = 0; row < ROWS; row++) {
            fe3 columns[RECIPE_COLUMNS], values[RECIPE_ALL], sum = fe3_zero();
            row_of(columns, x, p->n_columns, row, extension);
            recipe_constraints(values, p, columns);
            for (unsigned j = 0; j < p->n_constraints + 1; j++)
                sum = fe3_add(sum, fe3_mul(values[j], x->coefs[j]));
            assert_row(acc, row, sum);
            fe3 at_point = air_eval_point(c, columns, x->coefs, point_scratch);
            assert_true(fe3_equal(at_point, sum));
        }
    }
    free(scratch);
    free(point_scratch);
}

// Numerators, denominators, their collapse into one linear form, and the value at a point.
static void check_interactions(const chip *c, const recipe *p, const block *x, const air_ops *ops,
                               test_rng *r)
{
    static fe m[ROWS], d[3 * ROWS], collapsed[3 * ROWS];
    fe3 gamma = random_fe3(r), beta = random_fe3(r), lambda = random_fe3(r);
    fe3 powers[TUPLE_MAX_FIELDS + 1] = {fe3_one()}, s[RECIPE_SENDS], sums[ROWS];
    for (unsigned t = 0; t < TUPLE_MAX_FIELDS; t++)
        powers[t + 1] = fe3_mul(powers[t], beta);
    fe3 *memory = calloc(air_fractions_size(c) + 1, sizeof *memory);
    air_fractions f;
    air_fractions_bind(&f, c, gamma, beta, memory);
    memset(sums, 0, sizeof sums);
    for (unsigned k = 0; k < p->n_sends; k++) {
        s[k] = random_fe3(r);
        ops->fraction(m, d, &f, k, x->pointers, ROWS);
        for (unsigned row = 0; row < ROWS; row++) {
            fe3 columns[RECIPE_COLUMNS], v[RECIPE_COLUMNS + RECIPE_MAX];
            row_of(columns, x, p->n_columns, row, false);
            recipe_run(v, p, columns);
            fe3 expected = fe3_add_fe(gamma, TUPLE_STATE);
            expected = fe3_add(expected, fe3_mul(beta, v[p->fields[k][0]]));
            expected = fe3_add(expected, fe3_mul(fe3_sqr(beta), v[p->fields[k][1]]));
            assert_row(d, row, expected);
            fe flag = recipe_flag(p, columns).c[0];
            fe multiplicity = k % 2 == 0 ? flag : fe_neg(flag);
            assert_int_equal(m[row], multiplicity);
            fe3 term = fe3_add_fe(fe3_mul(lambda, expected), multiplicity);
            sums[row] = fe3_add(sums[row], fe3_mul(s[k], term));
        }
    }
    fe3 coefs[RECIPE_COLUMNS], constant;
    air_collapse_interactions(coefs, &constant, &f, s, lambda);
    ops->linear_base(collapsed, constant, coefs, x->pointers, p->n_columns, ROWS);
    for (unsigned row = 0; row < ROWS; row++) {
        fe3 columns[RECIPE_COLUMNS];
        assert_row(collapsed, row, sums[row]);
        row_of(columns, x, p->n_columns, row, false);
        fe3 at_point = air_interactions_point(c, columns, s, gamma, powers, lambda);
        assert_true(fe3_equal(at_point, sums[row]));
    }
    // The linear form and the value at a point agree over K too.
    ops->linear_extension(collapsed, constant, coefs, x->pointers, p->n_columns, ROWS);
    for (unsigned row = 0; row < ROWS; row++) {
        fe3 columns[RECIPE_COLUMNS];
        row_of(columns, x, p->n_columns, row, true);
        assert_row(collapsed, row, air_interactions_point(c, columns, s, gamma, powers, lambda));
    }
    free(memory);
}

static void test_random_chips(void **state)
{
    (void)state;
    test_rng r = test_rng_new(0x5EED0001);
    print_message("seed %llu\n", (unsigned long long)r.s);
    static recipe p;
    static block x;
    for (unsigned round = 0; round < ROUNDS; round++) {
        recipe_make(&p, &r, CHIP_MAX_PERMUTATION_DEGREE);
        fill(&x, &r);
        chip *c;
        if (chip_build(&c, "random", recipe_declare, &p) != ZK_OK)
            fail_msg("%s", status_message());
        assert_int_equal(c->n_constraints, p.n_constraints + 1);
        assert_int_equal(c->n_interactions, p.n_sends);
        for (cpu_tier tier = CPU_SCALAR; tier <= cpu_tier_detected(); tier++) {
            check_constraints(c, &p, &x, ops_of(tier));
            check_interactions(c, &p, &x, ops_of(tier), &r);
        }
        chip_free(c);
    }
}

// Columns that no term uses may be NULL, and a sum without terms is its constant.
static void test_linear_skips_zero_coefficients(void **state)
{
    (void)state;
    test_rng r = test_rng_new(0x5EED0002);
    static fe cells[3 * ROWS], acc[3 * ROWS];
    for (unsigned i = 0; i < 3 * ROWS; i++)
        cells[i] = random_fe(&r);
    enum { COLUMNS = 3 * 16 + 5 };
    const fe *pointers[COLUMNS] = {NULL};
    fe3 coefs[COLUMNS] = {0}, constant = random_fe3(&r);
    for (cpu_tier tier = CPU_SCALAR; tier <= cpu_tier_detected(); tier++) {
        const air_ops *ops = ops_of(tier);
        coefs[40] = fe3_zero();
        ops->linear_base(acc, constant, coefs, pointers, COLUMNS, ROWS);
        for (unsigned row = 0; row < ROWS; row++)
            assert_row(acc, row, constant);
        coefs[40] = random_fe3(&r);
        pointers[40] = cells;
        ops->linear_extension(acc, constant, coefs, pointers, COLUMNS, ROWS);
        for (unsigned row = 0; row < ROWS; row++) {
            fe3 v = {{cells[row], cells[ROWS + row], cells[2 * ROWS + row]}};
            assert_row(acc, row, fe3_add(constant, fe3_mul(coefs[40], v)));
        }
        pointers[40] = NULL;
    }
}

// Long sums with the largest cells and coefficients: the lazy accumulators do not overflow.
static void declare_wide(chip_builder *b, const void *context)
{
    (void)context;
    expr x[200];
    chip_columns(b, x, "x", 200);
    for (unsigned j = 0; j < 200; j++)
        chip_zero(b, e_mul(x[j], x[(j + 1) % 200]), "product %u", j);
}

static void test_largest_values(void **state)
{
    (void)state;
    chip *c;
    assert_int_equal(chip_build(&c, "wide", declare_wide, NULL), ZK_OK);
    static fe cells[3 * ROWS], acc[3 * ROWS];
    static fe3 coefs[200];
    const fe *pointers[200];
    for (unsigned i = 0; i < 3 * ROWS; i++)
        cells[i] = FE_P - 1;
    for (unsigned j = 0; j < 200; j++) {
        pointers[j] = cells;
        coefs[j] = (fe3){{FE_P - 1, FE_P - 1, FE_P - 1}};
    }
    fe *scratch = aligned_alloc(64, air_scratch_extension(c, ROWS) * sizeof(fe));
    fe3 v = {{FE_P - 1, FE_P - 1, FE_P - 1}};
    for (cpu_tier tier = CPU_SCALAR; tier <= cpu_tier_detected(); tier++) {
        ops_of(tier)->eval_extension(acc, c, pointers, coefs, ROWS, scratch);
        fe3 expected = fe3_mul_fe(fe3_mul(fe3_mul(v, v), v), 200);
        for (unsigned row = 0; row < ROWS; row++)
            assert_row(acc, row, expected);
        ops_of(tier)->eval_base(acc, c, pointers, coefs, ROWS, scratch);
        for (unsigned row = 0; row < ROWS; row++)
            assert_row(acc, row, fe3_mul_fe(v, 200));
    }
    free(scratch);
    chip_free(c);
}

// Shapes that the compiler treats specially, also where a part is shared and must not vanish into
// its user. The values are written down again in K.
enum { SHAPES = 20, SHAPE_COLUMNS = 6 };

static void declare_shapes(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x"), y = chip_column(b, "y"), z = chip_column(b, "z");
    expr u = chip_column(b, "u"), v = chip_column(b, "v"), w = chip_column(b, "w");
    expr w_less = e_sub(w, e_const(1));
    expr less = e_sub(x, e_const(1)), bit = e_mul(y, e_sub(y, e_const(1))), p = e_mul(x, z);
    const expr shapes[SHAPES] = {
        e_mul(x, less), // x - 1 is used again below
        e_mul(less, z),
        bit, // y (y - 1) is used again below
        e_add(bit, z),
        e_sub(z, e_mul(z, e_sub(z, e_const(1)))), // inside a difference
        p,                                        // used again below
        e_mul(y, p),
        e_sub(e_mul(x, x), y),
        e_sub(y, e_mul(z, z)),
        e_sub(e_scale(7, x), y),
        e_sub(y, e_scale(7, z)),
        e_mul(e_scale(3, x), e_scale(5, y)), // two constants among the factors
        e_mul(e_mul(x, y), e_mul(e_add(y, z), e_neg(x))),
        e_neg(e_mul(x, e_mul(x, y))),
        e_mul(e_sub(z, e_const(1)), z),
        e_mul(x, x),
        e_sub(y, e_mul(v, e_sub(v, e_const(1)))), // x (x - 1) of a column that nobody else uses
        e_add(e_mul(e_sub(u, e_const(1)), u), y),
        e_mul(w, w_less), // w - 1 is used again below, not as a factor
        e_sub(e_mul(y, z), e_add(w_less, e_const(1))),
    };
    for (unsigned j = 0; j < SHAPES; j++)
        chip_zero(b, shapes[j], "shape %u", j);
}

static void shape_values(fe3 *out, const fe3 *columns)
{
    fe3 x = columns[0], y = columns[1], z = columns[2];
    fe3 u = columns[3], v = columns[4], w = columns[5];
    fe3 one = fe3_one(), less = fe3_sub(x, one), bit = fe3_mul(y, fe3_sub(y, one));
    fe3 zbit = fe3_mul(z, fe3_sub(z, one)), p = fe3_mul(x, z), xy = fe3_mul(x, y);
    const fe3 values[SHAPES] = {
        fe3_mul(x, less),
        fe3_mul(less, z),
        bit,
        fe3_add(bit, z),
        fe3_sub(z, zbit),
        p,
        fe3_mul(y, p),
        fe3_sub(fe3_mul(x, x), y),
        fe3_sub(y, fe3_mul(z, z)),
        fe3_sub(fe3_mul_fe(x, 7), y),
        fe3_sub(y, fe3_mul_fe(z, 7)),
        fe3_mul_fe(xy, 15),
        fe3_mul(xy, fe3_mul(fe3_add(y, z), fe3_neg(x))),
        fe3_neg(fe3_mul(x, xy)),
        zbit,
        fe3_mul(x, x),
        fe3_sub(y, fe3_sub(fe3_mul(v, v), v)),
        fe3_add(fe3_sub(fe3_mul(u, u), u), y),
        fe3_sub(fe3_mul(w, w), w),
        fe3_sub(fe3_mul(y, z), w),
    };
    memcpy(out, values, sizeof values);
}

// One coefficient at a time, so that every constraint is compared by itself.
static void test_special_shapes(void **state)
{
    (void)state;
    chip *c;
    assert_int_equal(chip_build(&c, "shapes", declare_shapes, NULL), ZK_OK);
    test_rng r = test_rng_new(0x5A9E);
    static block x;
    fill(&x, &r);
    fe *scratch = aligned_alloc(64, (air_scratch_extension(c, ROWS) + 8) * sizeof(fe));
    fe3 *point_scratch = calloc(air_scratch_point(c) + 1, sizeof *point_scratch);
    for (cpu_tier tier = CPU_SCALAR; tier <= cpu_tier_detected(); tier++)
        for (unsigned j = 0; j < SHAPES; j++) {
            static fe base[3 * ROWS], extension[3 * ROWS];
            memset(x.coefs, 0, sizeof x.coefs);
            x.coefs[j] = random_fe3(&r);
            ops_of(tier)->eval_base(base, c, x.pointers, x.coefs, ROWS, scratch);
            ops_of(tier)->eval_extension(extension, c, x.pointers, x.coefs, ROWS, scratch);
            for (unsigned row = 0; row < ROWS; row++) {
                fe3 v[SHAPE_COLUMNS], values[SHAPES];
                row_of(v, &x, SHAPE_COLUMNS, row, false);
                shape_values(values, v);
                assert_row(base, row, fe3_mul(values[j], x.coefs[j]));
                row_of(v, &x, SHAPE_COLUMNS, row, true);
                shape_values(values, v);
                assert_row(extension, row, fe3_mul(values[j], x.coefs[j]));
                assert_true(fe3_equal(air_eval_point(c, v, x.coefs, point_scratch),
                                      fe3_mul(values[j], x.coefs[j])));
            }
        }
    free(scratch);
    free(point_scratch);
    chip_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_chips),
        cmocka_unit_test(test_special_shapes),
        cmocka_unit_test(test_linear_skips_zero_coefficients),
        cmocka_unit_test(test_largest_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
