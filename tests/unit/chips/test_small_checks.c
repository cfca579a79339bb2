// SPDX-License-Identifier: Apache-2.0 OR MIT
// Whether the tests of small chips would notice: each chip without each one of its constraints and
// lookups. Either a step has a row that it should not have, or the check is in the list of those
// that a chip of this size can spare.
#include "row_conditions.h"
#include "small_machine.h"

#include "small_spare.inc"

enum { SEED = 0x5a13, SAMPLE = 600 };

// Chips without addresses: all inputs, so that what is not noticed is not needed at this size. The
// others: a sample.
static bool has_sample(execution_chip which)
{
    fetch_class c = class_of_chip(which);
    return is_memory(which) || c == FETCH_AMO || c == FETCH_AMO_BIT || c == FETCH_AMO_MINMAX;
}

static bool breaks_some_input(small_chip *t)
{
    for (int op = 0; op < VM_OP_COUNT; op++) {
        if (!is_op_of(t->which, (vm_op)op))
            continue;
        small_inputs n = small_inputs_of((vm_op)op, t->shape, false);
        small_step s;
        for (uint64_t i = 0; small_input(&s, t, (vm_op)op, &n, i); i++)
            if (!small_check(t, &s))
                return true;
    }
    return false;
}

static bool breaks_some_access(small_chip *t)
{
    uint64_t words = 1ULL << word_bits(t->shape), limbs = 1ULL << limb_bits(t->shape);
    for (unsigned i = 0; i < SAMPLE; i++) {
        small_step s;
        do {
            s = (small_step){.op = (vm_op)(test_rng_u64(&t->rng) % VM_OP_COUNT)};
        } while (!is_op_of(t->which, s.op));
        small_passing(t, &s);
        uint64_t r = test_rng_u64(&t->rng), imm = is_memory(t->which) ? (r >> 8) % words : 0;
        s.compressed = r & 1;
        s.imm = imm % words;
        s.a = (i % 4 == 0 ? r >> 16 : (r >> 16) % limbs - imm) % words;
        s.b = (r >> 24) % words;
        s.word[0] = (r >> 32) % words;
        s.word[1] = (r >> 40) % words;
        if (!small_check(t, &s))
            return true;
    }
    return false;
}

static bool breaks_without(small_chip *t, uint32_t k)
{
    solver_activate(t->solver, NULL, k);
    return !small_time_is_right(t) ||
           (has_sample(t->which) ? breaks_some_access(t) : breaks_some_input(t));
}

// Rows are searched with the real flag at 1, so that it is a bit has to be seen otherwise.
static void check_real_flag(const small_chip *t)
{
    uint32_t real = t->c->real_flag.terms[0].column;
    const char *expected = "real flag is boolean";
    bool found = false;
    for (uint32_t k = 0; k < t->solver->n_conditions; k++) {
        const condition *q = &t->solver->conditions[k];
        if (q->kind != CONDITION_CONSTRAINT || q->n_columns != 1 || q->columns[0] != real ||
            strcmp(t->c->constraints[q->index].name, expected) != 0)
            continue;
        for (fe x = 0; x < 5; x++) {
            fe values[SOLVER_MAX_COLUMNS] = {0};
            values[real] = x;
            memcpy(t->solver->values, values, sizeof values);
            assert_int_equal(constraint_value(t->solver, q) == 0, x < 2);
        }
        assert_int_equal(t->c->constraints[q->index].degree, 2); // two roots, no more
        found = true;
    }
    assert_true(found);
}

static bool is_spare(const small_chip *t, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, " %s ", t->c->name);
    for (size_t i = 0; i < sizeof spare / sizeof *spare; i++)
        if (strcmp(spare[i].check, name) == 0 && strstr(spare[i].chips, key) != NULL)
            return true;
    return false;
}

static unsigned n_checks, n_spare;

static void check_needs(execution_chip which)
{
    static small_chip t;
    small_open(&t, which, is_memory(which) ? &shape_8 : &shape_4, SEED);
    check_real_flag(&t);
    for (uint32_t k = 0; k < t.solver->n_conditions; k++) {
        char name[200];
        solver_name(name, sizeof name, t.solver, k);
        if (t.solver->conditions[k].kind == CONDITION_PIN ||
            strcmp(name, "constraint \"real flag is boolean\"") == 0)
            continue;
        bool breaks = breaks_without(&t, k), expected = !is_spare(&t, name);
        if (breaks != expected)
            fail_msg("chip %s without %s %s", t.c->name, name,
                     breaks ? "is broken: it is no spare check" : "has right rows only");
        n_checks++;
        n_spare += !breaks;
    }
    small_close(&t);
}

static bool is_quick(execution_chip which)
{
    fetch_class c = class_of_chip(which);
    return !has_sample(which) && c != FETCH_DIV && c != FETCH_DIVW && c != FETCH_MULH;
}

static void check_all(bool quick)
{
    n_checks = n_spare = 0;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (is_quick((execution_chip)k) == quick)
            check_needs((execution_chip)k);
    print_message("%u checks, %u of them spare at this size\n", n_checks, n_spare);
}

static void checks_of_quick_chips(void **state)
{
    (void)state;
    check_all(true);
}

static void checks_of_other_chips(void **state)
{
    (void)state;
    check_all(false);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest quick[] = {cmocka_unit_test(checks_of_quick_chips)};
    const struct CMUnitTest others[] = {cmocka_unit_test(checks_of_other_chips)};
    return argc == 2 && strcmp(argv[1], "--long") == 0 ? cmocka_run_group_tests(others, NULL, NULL)
                                                       : cmocka_run_group_tests(quick, NULL, NULL);
}
