// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every chip of the execution at words of 4 bits (loads and stores: 8), over all inputs and all
// assignments of its columns: each row that it accepts says what the instruction does, and there is
// one for every step that it has to prove (small_machine.h, row_solver.h).
//
// What makes "all inputs" finite:
//  - words, immediates, operations and lengths: all of them;
//  - what passes through: register numbers, timestamps, pc, targets, the old value of rd. Columns
//    that no constraint and no lookup has (checked); so the tuples are affine in them, and elements
//    of F chosen at random show which affine function;
//  - distances in time: the two digits of an access are in nothing but their range checks and the
//    received timestamp (checked): every distance is tried for every access, apart from the rest.
#include "small_machine.h"

enum { SEED = 0x5a11 };

static bool thorough; // --long

static void report(const small_chip *t)
{
    print_message("%-10s %llu steps, %llu rows, %llu nodes\n", t->c->name,
                  (unsigned long long)t->n_steps, (unsigned long long)t->solver->n_rows,
                  (unsigned long long)t->solver->n_nodes);
}

static void check_op(small_chip *t, vm_op op, const small_inputs *n)
{
    small_step s;
    for (uint64_t i = 0; small_input(&s, t, op, n, i); i++)
        if (!small_check(t, &s))
            small_fail(t, &s);
}

// ---- Chips without addresses, and atomics ------------------------------------------------------

static void check_chip(execution_chip which, const word_shape *shape)
{
    static small_chip t;
    small_open(&t, which, shape, SEED);
    small_check_passing(&t);
    if (!small_time_is_right(&t))
        fail_msg("chip %s: an access sees what is not before it", t.c->name);
    unsigned n_ops = 0;
    for (int op = 0; op < VM_OP_COUNT; op++) {
        if (!is_op_of(which, (vm_op)op))
            continue;
        small_inputs n = small_inputs_of((vm_op)op, shape, shape == &shape_4);
        if (shape == &shape_8 || (strchr("WDwd", vm_op_info[op].format) != NULL && !thorough))
            n.compressed = 1; // one of the two, by chance
        check_op(&t, (vm_op)op, &n);
        n_ops++;
    }
    assert_true(n_ops > 0);
    report(&t);
    small_close(&t);
}

static void all_rows_at_4_bits(void **state)
{
    (void)state;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        if (!is_memory((execution_chip)k))
            check_chip((execution_chip)k, &shape_4);
}

// Not division and the atomics: below.
static void all_rows_at_8_bits(void **state)
{
    (void)state;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        fetch_class c = class_of_chip((execution_chip)k);
        bool too_many = c == FETCH_DIV || c == FETCH_DIVW || c == FETCH_AMO || c == FETCH_AMO_BIT ||
                        c == FETCH_AMO_MINMAX;
        if (!is_memory((execution_chip)k) && !too_many)
            check_chip((execution_chip)k, &shape_8);
    }
}

// ---- Chips that are too wide for all inputs at 8 bits ------------------------------------------

static void check_words(small_chip *t, vm_op op, uint64_t a, uint64_t b, uint64_t in_memory)
{
    small_step s = {.op = op};
    small_passing(t, &s);
    s.compressed = test_rng_u64(&t->rng) & 1;
    s.a = a;
    s.b = b;
    s.word[0] = in_memory;
    if (!small_check(t, &s))
        small_fail(t, &s);
}

// Division: quotient and remainder are words that nothing gives beforehand, 10^4 nodes an input.
// All assignments, for pairs of edges and inputs by chance; in W forms, which look at the low limbs
// alone, for all pairs of these, with the high ones by chance.
static void division_at_8_bits(void **state)
{
    (void)state;
    static const uint64_t edges[] = {0, 1, 2, 3, 15, 16, 127, 128, 129, 240, 254, 255};
    enum { EDGES = sizeof edges / sizeof *edges, MORE = 1000, LIMBS = 16, HIGH = 4 };
    static const execution_chip chips[] = {CHIP_DIV, CHIP_DIVW};
    for (size_t k = 0; k < sizeof chips / sizeof *chips; k++) {
        static small_chip t;
        small_open(&t, chips[k], &shape_8, SEED);
        for (int op = 0; op < VM_OP_COUNT; op++) {
            if (!is_op_of(chips[k], (vm_op)op))
                continue;
            for (unsigned i = 0; i < EDGES * EDGES; i++)
                check_words(&t, (vm_op)op, edges[i % EDGES], edges[i / EDGES], 0);
            unsigned more = chips[k] == CHIP_DIV ? MORE : LIMBS * LIMBS * HIGH;
            for (unsigned i = 0; i < more; i++) {
                uint64_t r = test_rng_u64(&t.rng), a = r % 256, b = (r >> 8) % 256;
                if (chips[k] == CHIP_DIVW) {
                    a = (a & 0xf0) | i % LIMBS;
                    b = (b & 0xf0) | i / LIMBS % LIMBS;
                }
                check_words(&t, (vm_op)op, a, b, 0);
            }
        }
        report(&t);
        small_close(&t);
    }
}

// Atomics have three words of input. All addresses, with memory and operand by chance: many at
// those that the chip takes, a few at those that it refuses.
static void atomics_at_8_bits(void **state)
{
    (void)state;
    enum { WORDS = 256, MANY = 4096, FEW = 16 };
    static const execution_chip chips[] = {CHIP_AMO, CHIP_AMO_BIT, CHIP_AMO_MINMAX};
    for (size_t k = 0; k < sizeof chips / sizeof *chips; k++) {
        static small_chip t;
        small_open(&t, chips[k], &shape_8, SEED);
        small_check_passing(&t);
        if (!small_time_is_right(&t))
            fail_msg("chip %s: an access sees what is not before it", t.c->name);
        for (int op = 0; op < VM_OP_COUNT; op++)
            for (uint64_t a = 0; is_op_of(chips[k], (vm_op)op) && a < WORDS; a++) {
                bool taken = small_proves(&t, &(small_step){.op = (vm_op)op, .a = a});
                for (unsigned i = 0; i < (taken ? MANY : FEW); i++) {
                    uint64_t r = test_rng_u64(&t.rng);
                    check_words(&t, (vm_op)op, a, r % WORDS, (r >> 8) % WORDS);
                }
            }
        report(&t);
        small_close(&t);
    }
}

// ---- The oracle --------------------------------------------------------------------------------

// Words of n bits do what words of 64 do, for n = 64.
static void small_words_are_words(void **state)
{
    (void)state;
    static const uint64_t edges[] = {0,          1,           2,          3,          31,
                                     32,         63,          64,         0x7fffffff, 0x80000000,
                                     0xffffffff, 1ULL << 32,  1ULL << 63, ~0ULL,      ~0ULL >> 1,
                                     ~1ULL,      ~0ULL << 31, 0xfffffffe, 93,         0x80000001};
    enum { EDGES = sizeof edges / sizeof *edges };
    test_rng rng = test_rng_new(SEED);
    unsigned n_ops = 0;
    for (int op = 0; op < VM_OP_COUNT; op++) {
        if (!has_value((vm_op)op))
            continue;
        n_ops++;
        for (unsigned i = 0; i < EDGES * EDGES + 2000; i++) {
            uint64_t a = i < EDGES * EDGES ? edges[i % EDGES] : test_rng_u64(&rng);
            uint64_t b = i < EDGES * EDGES ? edges[i / EDGES] : test_rng_u64(&rng) >> (i % 64);
            uint64_t is = small_value((vm_op)op, a, b, 64), expected = full_value((vm_op)op, a, b);
            if (is != expected)
                fail_msg("%s of 0x%llx and 0x%llx: 0x%llx and not 0x%llx", vm_op_info[op].mnemonic,
                         (unsigned long long)a, (unsigned long long)b, (unsigned long long)is,
                         (unsigned long long)expected);
        }
    }
    assert_true(n_ops > 70);
    print_message("%u operations\n", n_ops);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--long") == 0) {
        thorough = true;
        const struct CMUnitTest tests[] = {
            cmocka_unit_test(all_rows_at_4_bits), cmocka_unit_test(all_rows_at_8_bits),
            cmocka_unit_test(division_at_8_bits), cmocka_unit_test(atomics_at_8_bits)};
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(small_words_are_words),
                                       cmocka_unit_test(all_rows_at_4_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
