// SPDX-License-Identifier: Apache-2.0 OR MIT
// The evaluators of air/program.h on random chips. Units of the bench: one multiplication by a
// constraint coefficient or inside a constraint, one row of an interaction, one cell of a linear
// form.
#include "kernels/checkasm.h"
#include "unit/air/random_chip.h"

#include "toys/toys.h"

static const void *table(void)
{
    return air_ops_get();
}

typedef struct random_case {
    recipe p;
    chip *c;
    size_t n;
    const fe *columns[RECIPE_COLUMNS];
    fe3 coefs[RECIPE_ALL];
} random_case;

// A chip and a block of 8 .. 128 rows of base or planar K columns.
static random_case *make_case(checkasm *c, size_t seed, bool extension)
{
    static random_case x;
    test_rng r = {checkasm_random(c) + seed};
    recipe_make(&x.p, &r, CHIP_MAX_PERMUTATION_DEGREE);
    checkasm_true(c, chip_build(&x.c, "random", recipe_declare, &x.p) == ZK_OK, "chip_build");
    x.n = AIR_BLOCK_ALIGN * (1 + seed % 16);
    for (unsigned j = 0; j < x.p.n_columns; j++)
        x.columns[j] = checkasm_input(c, extension ? 3 * x.n : x.n);
    for (unsigned j = 0; j < RECIPE_ALL; j++)
        x.coefs[j] = checkasm_element3(c);
    return &x;
}

static void check_eval(checkasm *c, const air_ops *ref, const air_ops *ops, size_t n,
                       bool extension)
{
    random_case *x = make_case(c, n, extension);
    fe *want = checkasm_output(c, 3 * x->n), *got = checkasm_output(c, 3 * x->n);
    if (extension) {
        fe *scratch = checkasm_output(c, air_scratch_extension(x->c, x->n));
        ref->eval_extension(want, x->c, x->columns, x->coefs, x->n, scratch);
        ops->eval_extension(got, x->c, x->columns, x->coefs, x->n, scratch);
    } else {
        fe *scratch = checkasm_output(c, air_scratch_base(x->c, x->n));
        ref->eval_base(want, x->c, x->columns, x->coefs, x->n, scratch);
        ops->eval_base(got, x->c, x->columns, x->coefs, x->n, scratch);
    }
    checkasm_equal(c, want, got, 3 * x->n);
    chip_free(x->c);
}

static void check_eval_base(checkasm *c, const void *ref, const void *ops, size_t n)
{
    check_eval(c, ref, ops, n, false);
}

static void check_eval_extension(checkasm *c, const void *ref, const void *ops, size_t n)
{
    check_eval(c, ref, ops, n, true);
}

static void check_fraction(checkasm *c, const void *ref, const void *ops, size_t n)
{
    random_case *x = make_case(c, n, false);
    fe3 memory[RECIPE_SENDS * (1 + 2 * RECIPE_COLUMNS)];
    air_fractions f;
    fe3 gamma = checkasm_element3(c), beta = checkasm_element3(c);
    air_fractions_bind(&f, x->c, gamma, beta, memory);
    for (uint32_t k = 0; k < x->c->n_interactions; k++) {
        fe *want = checkasm_output(c, 4 * x->n), *got = checkasm_output(c, 4 * x->n);
        ((const air_ops *)ref)->fraction(want, want + x->n, &f, k, x->columns, x->n);
        ((const air_ops *)ops)->fraction(got, got + x->n, &f, k, x->columns, x->n);
        checkasm_equal(c, want, got, 4 * x->n);
    }
    chip_free(x->c);
}

static void check_linear(checkasm *c, const void *ref, const void *ops, size_t n, bool extension)
{
    enum { COLUMNS = 40 };
    const fe *columns[COLUMNS];
    fe3 coefs[COLUMNS], constant = checkasm_element3(c);
    size_t rows = AIR_BLOCK_ALIGN * (1 + n % 8), n_columns = n % (COLUMNS + 1);
    for (size_t j = 0; j < n_columns; j++) {
        bool used = checkasm_random(c) % 4 != 0;
        coefs[j] = used ? checkasm_element3(c) : fe3_zero();
        columns[j] = fe3_is_zero(coefs[j]) ? NULL : checkasm_input(c, (extension ? 3 : 1) * rows);
    }
    fe *want = checkasm_output(c, 3 * rows), *got = checkasm_output(c, 3 * rows);
    const air_ops *r = ref, *o = ops;
    (extension ? r->linear_extension : r->linear_base)(want, constant, coefs, columns, n_columns,
                                                       rows);
    (extension ? o->linear_extension : o->linear_base)(got, constant, coefs, columns, n_columns,
                                                       rows);
    checkasm_equal(c, want, got, 3 * rows);
}

static void check_linear_base(checkasm *c, const void *ref, const void *ops, size_t n)
{
    check_linear(c, ref, ops, n, false);
}

static void check_linear_extension(checkasm *c, const void *ref, const void *ops, size_t n)
{
    check_linear(c, ref, ops, n, true);
}

// ---- Bench: the chip of the benchmark table, blocks of 64 rows as the zerocheck uses them
// ----------

enum { BENCH_ROWS = 64, BENCH_COLUMNS = 20, BENCH_BLOCKS = 16 };

typedef struct bench_case {
    chip *c;
    fe cells[BENCH_COLUMNS][3 * BENCH_ROWS];
    const fe *columns[BENCH_COLUMNS];
    fe3 coefs[64], memory[256];
    fe scratch[3 * 64 * BENCH_ROWS], out[4 * BENCH_ROWS];
    air_fractions f;
} bench_case;

static bench_case *bench_chip(void)
{
    static bench_case x;
    if (x.c != NULL)
        return &x;
    if (toy_bench_chip(&x.c, "bench") != ZK_OK || x.c->n_columns != BENCH_COLUMNS ||
        air_scratch_base(x.c, BENCH_ROWS) > 64 * BENCH_ROWS || air_fractions_size(x.c) > 256)
        abort();
    test_rng r = {1};
    for (int j = 0; j < BENCH_COLUMNS; j++) {
        x.columns[j] = x.cells[j];
        for (int i = 0; i < 3 * BENCH_ROWS; i++)
            x.cells[j][i] = fe_from_u64(test_rng_u64(&r));
    }
    for (int j = 0; j < 64; j++)
        x.coefs[j] = random_fe3(&r);
    air_fractions_bind(&x.f, x.c, random_fe3(&r), random_fe3(&r), x.memory);
    return &x;
}

// As declared, before the compiler takes factors out, so that it is credited with what it saves.
static size_t multiplications(const chip *c)
{
    size_t n = c->n_constraints;
    for (uint32_t i = 0; i < c->n_nodes; i++)
        n += c->nodes[i].op == EXPR_MUL;
    return n;
}

static size_t bench_eval_base(const void *ops)
{
    bench_case *x = bench_chip();
    for (int i = 0; i < BENCH_BLOCKS; i++)
        ((const air_ops *)ops)
            ->eval_base(x->out, x->c, x->columns, x->coefs, BENCH_ROWS, x->scratch);
    return multiplications(x->c) * BENCH_ROWS * BENCH_BLOCKS;
}

static size_t bench_eval_extension(const void *ops)
{
    bench_case *x = bench_chip();
    for (int i = 0; i < BENCH_BLOCKS; i++)
        ((const air_ops *)ops)
            ->eval_extension(x->out, x->c, x->columns, x->coefs, BENCH_ROWS, x->scratch);
    return multiplications(x->c) * BENCH_ROWS * BENCH_BLOCKS;
}

static size_t bench_fraction(const void *ops)
{
    bench_case *x = bench_chip();
    for (uint32_t k = 0; k < x->c->n_interactions; k++)
        ((const air_ops *)ops)
            ->fraction(x->out, x->out + BENCH_ROWS, &x->f, k, x->columns, BENCH_ROWS);
    return x->c->n_interactions * BENCH_ROWS;
}

static size_t bench_linear_base(const void *ops)
{
    bench_case *x = bench_chip();
    ((const air_ops *)ops)
        ->linear_base(x->out, x->coefs[0], x->coefs, x->columns, BENCH_COLUMNS, BENCH_ROWS);
    return BENCH_COLUMNS * BENCH_ROWS;
}

static size_t bench_linear_extension(const void *ops)
{
    bench_case *x = bench_chip();
    ((const air_ops *)ops)
        ->linear_extension(x->out, x->coefs[0], x->coefs, x->columns, BENCH_COLUMNS, BENCH_ROWS);
    return BENCH_COLUMNS * BENCH_ROWS;
}

void kernels_air(checkasm *c)
{
    const kernel list[] = {
        {"air.eval_base", table, check_eval_base, 0, bench_eval_base, "multiplication"},
        {"air.eval_extension", table, check_eval_extension, 0, bench_eval_extension,
         "multiplication"},
        {"air.fraction", table, check_fraction, 0, bench_fraction, "interaction"},
        {"air.linear_base", table, check_linear_base, 0, bench_linear_base, "cell"},
        {"air.linear_extension", table, check_linear_extension, 0, bench_linear_extension, "cell"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        checkasm_add(c, list[i]);
}
