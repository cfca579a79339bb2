// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Random chips for tests: a recipe of operations that is declared through the builder and, without
// builder, DAG or compiler, evaluated step by step in K.
#include "unit/test.h"

#include "air/program.h"

enum {
    RECIPE_MAX = 400,
    RECIPE_COLUMNS = 12,
    RECIPE_CONSTRAINTS = 40,
    RECIPE_ALL = RECIPE_CONSTRAINTS + 1,
    RECIPE_SENDS = 6
};

typedef struct recipe_step {
    unsigned op; // 0 add, 1 sub, 2 mul, 3 neg, 4 add constant, 5 times constant, 6 constant minus
    unsigned a, b;
    fe value;
} recipe_step;

typedef struct recipe {
    unsigned n_columns, n_steps, n_constraints, n_sends;
    recipe_step steps[RECIPE_MAX]; // step i makes value n_columns + i
    unsigned degree[RECIPE_COLUMNS + RECIPE_MAX];
    // The constraint is value - value at 0, or column * value when there is a factor: shared
    // factors are what the compiler takes out.
    unsigned constraints[RECIPE_CONSTRAINTS];
    unsigned factors[RECIPE_CONSTRAINTS]; // 1 + column, 0: none
    unsigned fields[RECIPE_SENDS][2];     // values of degree <= 1, in STATE tuples
    fe flag[RECIPE_COLUMNS];              // the real flag: sum_i flag[i] column i
} recipe;

static inline fe random_fe(test_rng *r)
{
    uint64_t x = test_rng_u64(r);
    switch (x % 8) { // edges: small values, small negative ones, around 2^32
    case 0:
        return x >> 60;
    case 1:
        return FE_P - 1 - (x >> 60);
    case 2:
        return 0xFFFFFFF8ULL + (x >> 60);
    default:
        return fe_from_u64(test_rng_u64(r));
    }
}

static inline fe3 random_fe3(test_rng *r)
{
    fe a = random_fe(r), b = random_fe(r), c = random_fe(r);
    return (fe3){{a, b, c}};
}

static inline void recipe_make(recipe *p, test_rng *r, unsigned max_degree)
{
    memset(p, 0, sizeof *p);
    p->n_columns = 1 + (unsigned)(test_rng_u64(r) % RECIPE_COLUMNS);
    for (unsigned i = 0; i < p->n_columns; i++)
        p->degree[i] = 1;
    unsigned n_wanted = 1 + (unsigned)(test_rng_u64(r) % RECIPE_MAX);
    while (p->n_steps < n_wanted) {
        unsigned n = p->n_columns + p->n_steps;
        // Mostly recent operands, so that chains and shared parts both arise.
        unsigned near = n > 6 ? n - 6 : 0;
        uint64_t x = test_rng_u64(r);
        recipe_step s = {.op = (unsigned)(x % 7), .value = random_fe(r)};
        s.a = (x >> 8) % 2 ? near + (unsigned)((x >> 16) % (n - near)) : (unsigned)((x >> 16) % n);
        s.b = (x >> 9) % 2 ? near + (unsigned)((x >> 32) % (n - near)) : (unsigned)((x >> 32) % n);
        if (s.op == 2 && p->degree[s.a] + p->degree[s.b] > max_degree)
            s.op = 0;
        unsigned da = p->degree[s.a], db = p->degree[s.b];
        p->degree[n] = s.op == 2 ? da + db : s.op < 2 && db > da ? db : da;
        p->steps[p->n_steps++] = s;
    }
    p->n_constraints = 1 + (unsigned)(test_rng_u64(r) % RECIPE_CONSTRAINTS);
    for (unsigned j = 0; j < p->n_constraints; j++) {
        p->constraints[j] = (unsigned)(test_rng_u64(r) % (p->n_columns + p->n_steps));
        if (p->degree[p->constraints[j]] < max_degree && test_rng_u64(r) % 2 == 0)
            p->factors[j] = 1 + (unsigned)(test_rng_u64(r) % p->n_columns) % 4;
    }
    for (unsigned i = 0; i < p->n_columns; i++)
        p->flag[i] = i == 0 ? 1 : test_rng_u64(r) % 2 == 0 ? 0 : random_fe(r);
    p->n_sends = (unsigned)(test_rng_u64(r) % RECIPE_SENDS);
    for (unsigned k = 0; k < p->n_sends; k++)
        for (unsigned t = 0; t < 2; t++)
            do
                p->fields[k][t] = (unsigned)(test_rng_u64(r) % (p->n_columns + p->n_steps));
            while (p->degree[p->fields[k][t]] > 1);
}

static inline fe3 recipe_run_step(const recipe_step *s, const fe3 *v)
{
    fe3 constant = fe3_from_fe(s->value);
    switch (s->op) {
    case 0:
        return fe3_add(v[s->a], v[s->b]);
    case 1:
        return fe3_sub(v[s->a], v[s->b]);
    case 2:
        return fe3_mul(v[s->a], v[s->b]);
    case 3:
        return fe3_neg(v[s->a]);
    case 4:
        return fe3_add(v[s->a], constant);
    case 5:
        return fe3_mul(v[s->a], constant);
    default:
        return fe3_sub(constant, v[s->a]);
    }
}

// All values from the columns' values.
static inline void recipe_run(fe3 *v, const recipe *p, const fe3 *columns)
{
    memcpy(v, columns, p->n_columns * sizeof *v);
    for (unsigned i = 0; i < p->n_steps; i++)
        v[p->n_columns + i] = recipe_run_step(&p->steps[i], v);
}

static inline fe3 recipe_flag(const recipe *p, const fe3 *columns)
{
    fe3 flag = fe3_zero();
    for (unsigned i = 0; i < p->n_columns; i++)
        flag = fe3_add(flag, fe3_mul_fe(columns[i], p->flag[i]));
    return flag;
}

// Constraint values; after those of the recipe the boolean constraint of the flag.
static inline void recipe_constraints(fe3 *out, const recipe *p, const fe3 *columns)
{
    fe3 v[RECIPE_COLUMNS + RECIPE_MAX], at_zero[RECIPE_COLUMNS + RECIPE_MAX];
    fe3 zeros[RECIPE_COLUMNS] = {0};
    recipe_run(v, p, columns);
    recipe_run(at_zero, p, zeros);
    fe3 flag = recipe_flag(p, columns);
    out[p->n_constraints] = fe3_sub(fe3_mul(flag, flag), flag);
    for (unsigned j = 0; j < p->n_constraints; j++) {
        fe3 value = v[p->constraints[j]];
        out[j] = p->factors[j] != 0 ? fe3_mul(columns[p->factors[j] - 1], value)
                                    : fe3_sub(value, at_zero[p->constraints[j]]);
    }
}

static inline void recipe_declare(chip_builder *b, const void *context)
{
    const recipe *p = context;
    expr e[RECIPE_COLUMNS + RECIPE_MAX];
    fe3 at_zero[RECIPE_COLUMNS + RECIPE_MAX], zeros[RECIPE_COLUMNS] = {0};
    recipe_run(at_zero, p, zeros);
    chip_permutation(b);
    chip_columns(b, e, "c", p->n_columns);
    for (unsigned i = 0; i < p->n_steps; i++) {
        const recipe_step *s = &p->steps[i];
        expr made[] = {e_add(e[s->a], e[s->b]),
                       e_sub(e[s->a], e[s->b]),
                       s->op == 2 ? e_mul(e[s->a], e[s->b]) : e_const(0),
                       e_neg(e[s->a]),
                       e_add(e[s->a], e_const(s->value)),
                       e_scale(s->value, e[s->a]),
                       e_sub(e_const(s->value), e[s->a])};
        e[p->n_columns + i] = made[s->op];
    }
    for (unsigned j = 0; j < p->n_constraints; j++) {
        unsigned value = p->constraints[j];
        expr c = p->factors[j] != 0 ? e_mul(e[p->factors[j] - 1], e[value])
                                    : e_sub(e[value], e_const(at_zero[value].c[0]));
        // A constant is refused by the builder; constraint 0 = 0 is kept as a column minus itself
        // plus nothing, so that the numbering stays that of the recipe.
        if (c.owner == NULL)
            c = e_mul(e[0], e_sub(e_add(e[0], e[0]), e_scale(2, e[0])));
        chip_zero(b, c, "constraint %u", j);
    }
    expr flag = e_const(0);
    for (unsigned i = 0; i < p->n_columns; i++)
        flag = e_add(flag, e_scale(p->flag[i], e[i]));
    chip_real_flag(b, flag);
    for (unsigned k = 0; k < p->n_sends; k++) {
        const expr fields[2] = {e[p->fields[k][0]], e[p->fields[k][1]]};
        if (k % 2 == 0)
            chip_send(b, TUPLE_STATE, flag, fields, 2);
        else
            chip_receive(b, TUPLE_STATE, flag, fields, 2);
    }
}
