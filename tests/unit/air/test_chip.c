// SPDX-License-Identifier: Apache-2.0 OR MIT
// The builder: what it refuses, with which words, and what a finished chip looks like.
#include "unit/test.h"

#include "air/machine.h"
#include "air/program.h"

// ---- Declarations that must be refused
// -----------------------------------------------------------

static void degree_five(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x"), square = e_mul(x, x);
    chip_zero(b, e_mul(e_mul(square, square), x), "too steep");
}

static void degree_nine(chip_builder *b, const void *context)
{
    (void)context;
    chip_permutation(b);
    expr x = chip_column(b, "x"), cube = e_mul(e_mul(x, x), x);
    chip_zero(b, e_mul(cube, e_mul(cube, cube)), "too steep even here");
}

static void square_in_field(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real"), x = chip_column(b, "x");
    chip_send(b, TUPLE_STATE, real, FIELDS(x, e_mul(x, x)));
}

static void square_as_multiplicity(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    expr x = chip_column(b, "x");
    chip_receive(b, TUPLE_RANGE, e_mul(x, x), FIELDS(e_const(8), x));
}

static void square_as_flag(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    chip_real_flag(b, e_mul(x, x));
}

static void other_multiplicity(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real"), other = chip_bit(b, "other");
    chip_send(b, TUPLE_STATE, real, FIELDS(real, other));
    chip_receive(b, TUPLE_STATE, other, FIELDS(real, other));
}

static void twice_the_flag(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, TUPLE_STATE, e_scale(2, real), FIELDS(real, real));
}

// To send minus once is to receive, and the other way round.
static void minus_the_flag(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, TUPLE_STATE, e_neg(real), FIELDS(real, real));
}

static void received_minus_once(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_receive(b, TUPLE_STATE, e_neg(real), FIELDS(real, real));
}

static void row_answers_by_sending(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real"), value = chip_column(b, "value");
    chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(6), value));
    chip_send(b, TUPLE_RANGE, e_neg(real), FIELDS(e_const(6), value));
}

// The flag but for its constant: -1 where the flag is 0.
static void flag_less_one(chip_builder *b, const void *context)
{
    (void)context;
    expr pad = chip_bit(b, "pad");
    chip_real_flag(b, e_not(pad));
    chip_send(b, TUPLE_STATE, e_neg(pad), FIELDS(pad, pad));
}

static void constant_multiplicity(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, TUPLE_STATE, e_const(1), FIELDS(real, real));
}

static void no_flag(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    chip_send(b, TUPLE_STATE, x, FIELDS(x, x));
}

static void inverted_flag(chip_builder *b, const void *context)
{
    (void)context;
    expr pad = chip_bit(b, "pad"), real = e_not(pad);
    chip_real_flag(b, real);
    chip_send(b, TUPLE_STATE, real, FIELDS(pad, pad));
}

static void table_on_state(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    expr count = chip_column(b, "count");
    chip_receive(b, TUPLE_STATE, count, FIELDS(count, count));
}

static void table_counts_by_closed(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    chip_fixed_height(b, 6);
    expr i = chip_closed(b, "i", closed_index(6)), count = chip_column(b, "count");
    chip_receive(b, TUPLE_RANGE, e_add(count, i), FIELDS(e_const(6), i));
}

static void table_sends(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    expr count = chip_column(b, "count");
    chip_send(b, TUPLE_RANGE, count, FIELDS(e_const(6), e_const(1)));
}

static void table_of_committed_values(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    expr count = chip_column(b, "count"), value = chip_column(b, "value");
    chip_receive(b, TUPLE_RANGE, count, FIELDS(e_const(6), value));
}

static void row_answers_lookups(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real"), value = chip_column(b, "value");
    chip_receive(b, TUPLE_RANGE, real, FIELDS(e_const(6), value));
}

// A row that answers a range check of 12 bits by checks of its parts: right, and with one thing
// wrong at a time.
typedef struct split_case {
    unsigned width, widths[2];
    uint64_t scale; // of the second part
    bool other_value, other_domain, second_answer;
    bool computed_width, computed_widths;    // of the answer, of the parts
    tuple_domain other_answer, other_checks; // 0: RANGE
} split_case;

static void declare_split(chip_builder *b, const void *context)
{
    const split_case *f = context;
    expr real = chip_flag(b, "real"), x = chip_column(b, "x"), y = chip_column(b, "y");
    expr value = e_add(x, e_scale(f->scale, y));
    if (f->other_value)
        value = e_add(value, e_const(1));
    expr width = e_const(f->width), more = f->computed_widths ? y : e_const(0);
    if (f->computed_width)
        width = e_add(width, y);
    tuple_domain answer = f->other_answer != 0 ? f->other_answer : TUPLE_RANGE;
    tuple_domain checks = f->other_checks != 0 ? f->other_checks : TUPLE_RANGE;
    chip_receive(b, answer, real, FIELDS(width, value));
    chip_send(b, checks, real, FIELDS(e_add(e_const(f->widths[0]), more), x));
    if (f->widths[1] != 0)
        chip_send(b, checks, real, FIELDS(e_add(e_const(f->widths[1]), more), y));
    if (f->other_domain)
        chip_send(b, TUPLE_STATE, real, FIELDS(x, y));
    if (f->second_answer)
        chip_receive(b, answer, real, FIELDS(width, value));
}

static void test_rows_that_split_range_checks(void **state)
{
    (void)state;
    static const split_case good[] = {{.width = 12, .widths = {8, 4}, .scale = 1 << 8},
                                      {.width = 20, .widths = {10, 10}, .scale = 1 << 10}};
    static const split_case bad[] = {
        {.width = 12, .widths = {8, 5}, .scale = 1 << 8},    // widths of more,
        {.width = 12, .widths = {8, 3}, .scale = 1 << 8},    // of less,
        {.width = 12, .widths = {12, 0}, .scale = 0},        // of no less: it would answer itself
        {.width = 12, .widths = {8, 0}, .scale = 1 << 8},    // half of it not checked
        {.width = 12, .widths = {8, 4}, .scale = 1 << 7},    // the parts overlap
        {.width = 12, .widths = {8, 4}, .scale = 1 << 9},    // or leave a gap
        {.width = 12, .widths = {4, 8}, .scale = 1 << 8},    // the widths the wrong way round
        {.width = 40, .widths = {20, 20}, .scale = 1 << 20}, // wider than is needed
        {.width = 12, .widths = {8, 4}, .scale = 1 << 8, .other_value = true}, // another value
        {.width = 12,
         .widths = {8, 4},
         .scale = 1 << 8,
         .computed_width = true}, // a width that the prover chooses
        {.width = 12,
         .widths = {8, 4},
         .scale = 1 << 8,
         .computed_widths = true}, // or those of the parts
        {.width = 12, .widths = {8, 4}, .scale = 1 << 8, .other_domain = true}, // something besides
        {.width = 12,
         .widths = {8, 4},
         .scale = 1 << 8,
         .second_answer = true}, // two answers for the price of one
        {.width = 12,
         .widths = {8, 4},
         .scale = 1 << 8,
         .other_answer = TUPLE_POW2}, // an answer that is no range check
        {.width = 12,
         .widths = {8, 4},
         .scale = 1 << 8,
         .other_checks = TUPLE_POW2}, // parts that are looked up elsewhere
    };
    chip *c;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(chip_build(&c, "split", declare_split, &good[i]), ZK_OK);
        chip_free(c);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        status_clear();
        if (chip_build(&c, "split", declare_split, &bad[i]) != ZK_EINVAL)
            fail_msg("case %zu is accepted", i);
        assert_non_null(strstr(status_message(), "rows that split a range check"));
    }
}

static void padding_with_constant(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    chip_zero(b, e_sub(x, e_const(3)), "x is three");
}

// Fails in row 5 of the padding only: a constraint on a closed-form column.
static void padding_with_closed(chip_builder *b, const void *context)
{
    (void)context;
    chip_fixed_height(b, 6);
    expr i = chip_closed(b, "i", closed_index(3)), x = chip_column(b, "x");
    expr first_four = e_mul(e_mul(i, e_sub(i, e_const(1))), e_sub(i, e_const(2)));
    chip_zero(b, e_add(e_mul(first_four, e_sub(i, e_const(3))), x), "first four");
}

static void closed_without_height(chip_builder *b, const void *context)
{
    (void)context;
    chip_column(b, "x");
    chip_closed(b, "i", closed_index(6));
}

static void closed_too_wide(chip_builder *b, const void *context)
{
    (void)context;
    chip_fixed_height(b, 8);
    chip_column(b, "x");
    chip_closed(b, "and", closed_binary(CLOSED_AND, 0, 4, 5));
}

static void closed_overlap(chip_builder *b, const void *context)
{
    (void)context;
    chip_fixed_height(b, 8);
    chip_column(b, "x");
    chip_closed(b, "xor", closed_binary(CLOSED_XOR, 0, 3, 4));
}

static void wrong_arity(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, TUPLE_STATE, real, FIELDS(real));
}

static void unknown_domain(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, (tuple_domain)200, real, FIELDS(real));
}

static void same_column_twice(chip_builder *b, const void *context)
{
    (void)context;
    chip_column(b, "x");
    chip_column(b, "x");
}

static void same_constraint_twice(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    chip_zero(b, x, "zero");
    chip_zero(b, e_mul(x, x), "zero");
}

static void constant_constraint(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    chip_equal(b, x, x, "x is x");
}

static void two_flags(chip_builder *b, const void *context)
{
    (void)context;
    chip_flag(b, "real");
    chip_flag(b, "really");
}

static void flag_in_table(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    chip_flag(b, "real");
}

static void height_out_of_range(chip_builder *b, const void *context)
{
    (void)context;
    chip_fixed_height(b, 5);
    chip_column(b, "x");
}

static void late_permutation(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    chip_zero(b, x, "zero");
    chip_permutation(b);
}

static void too_many_columns(chip_builder *b, const void *context)
{
    (void)context;
    expr x[CHIP_MAX_COLUMNS + 1];
    chip_columns(b, x, "x", CHIP_MAX_COLUMNS + 1);
}

static void too_many_constraints(chip_builder *b, const void *context)
{
    (void)context;
    expr x = chip_column(b, "x");
    for (unsigned k = 0; k <= CHIP_MAX_CONSTRAINTS; k++)
        chip_zero(b, x, "number %u", k);
}

static void too_many_interactions(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    for (unsigned k = 0; k <= CHIP_MAX_INTERACTIONS; k++)
        chip_send(b, TUPLE_STATE, real, FIELDS(real, e_const(k)));
}

static void late_height(chip_builder *b, const void *context)
{
    (void)context;
    chip_column(b, "x");
    chip_fixed_height(b, 6);
}

static void table_with_flag(chip_builder *b, const void *context)
{
    (void)context;
    chip_flag(b, "real");
    chip_table(b);
}

static void nothing(chip_builder *b, const void *context)
{
    (void)b, (void)context;
}

static void only_closed(chip_builder *b, const void *context)
{
    (void)context;
    chip_fixed_height(b, 6);
    chip_closed(b, "i", closed_index(6));
}

// Leaves an expression of this chip to another declaration, which has no use for it.
static expr foreign;

typedef struct borrower {
    chip_declare declare;
    const char *words;
} borrower;

static void lend(chip_builder *b, const void *context)
{
    const borrower *to = context;
    foreign = chip_column(b, "lent");
    chip *c;
    status_clear();
    assert_int_equal(chip_build(&c, "borrower", to->declare, NULL), ZK_EINVAL);
    if (strstr(status_message(), to->words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", status_message(), to->words);
}

static void mix(chip_builder *b, const void *context)
{
    (void)context;
    chip_zero(b, e_mul(chip_column(b, "own"), foreign), "mixed");
}

static void constrain_foreign(chip_builder *b, const void *context)
{
    (void)context;
    chip_column(b, "own");
    chip_zero(b, foreign, "not mine");
}

static void send_foreign(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, TUPLE_STATE, real, FIELDS(real, foreign));
}

static void count_by_foreign(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    chip_send(b, TUPLE_STATE, foreign, FIELDS(real, real));
}

static void test_columns_of_another_chip(void **state)
{
    (void)state;
    static const borrower cases[] = {
        {mix, "mixes columns of two chips"},
        {constrain_foreign, "\"not mine\" is about columns of chip lender"},
        {send_foreign, "sends STATE with columns of chip lender"},
        {count_by_foreign, "sends STATE with columns of chip lender"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        chip *lender;
        status s = chip_build(&lender, "lender", lend, &cases[i]);
        assert_int_equal(s, i == 0 ? ZK_EINVAL : ZK_OK); // a mixture is a failure of both
        if (s == ZK_OK)
            chip_free(lender);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        chip_declare declare;
        status code;
        const char *words;
    } cases[] = {
        {degree_five, ZK_EINVAL, "\"too steep\" has degree 5, above 4"},
        {degree_nine, ZK_EINVAL, "\"too steep even here\" has degree 9, above 8"},
        {square_in_field, ZK_EINVAL, "field 1 of degree 2"},
        {square_as_multiplicity, ZK_EINVAL, "multiplicity of degree 2"},
        {square_as_flag, ZK_EINVAL, "real flag has degree 2"},
        {other_multiplicity, ZK_EINVAL, "receives STATE with a multiplicity that is not the real"},
        {twice_the_flag, ZK_EINVAL, "sends STATE with a multiplicity that is not the real flag"},
        {minus_the_flag, ZK_EINVAL, "sends STATE with a multiplicity that is not the real flag"},
        {received_minus_once, ZK_EINVAL, "receives STATE with a multiplicity that is not the real"},
        {row_answers_by_sending, ZK_EINVAL, "sends RANGE with a multiplicity that is not the real"},
        {flag_less_one, ZK_EINVAL, "sends STATE with a multiplicity that is not the real flag"},
        {constant_multiplicity, ZK_EINVAL, "not the real flag"},
        {no_flag, ZK_EINVAL, "no real flag"},
        {inverted_flag, ZK_EINVAL, "padding rows take part: sends STATE"},
        {table_on_state, ZK_EINVAL, "no table domain"},
        {table_sends, ZK_EINVAL, "tables receive only"},
        {table_of_committed_values, ZK_EINVAL, "committed column value in a field"},
        {row_answers_lookups, ZK_EINVAL, "receives RANGE; only table chips answer"},
        {table_counts_by_closed, ZK_EINVAL, "closed-form column i"},
        {padding_with_constant, ZK_EINVAL, "breaks constraint \"x is three\""},
        {padding_with_closed, ZK_EINVAL, "row 4) breaks constraint \"first four\""},
        {closed_without_height, ZK_EINVAL, "needs a fixed height"},
        {closed_too_wide, ZK_EINVAL, "does not fit"},
        {closed_overlap, ZK_EINVAL, "does not fit"},
        {wrong_arity, ZK_EINVAL, "with 1 fields; the catalogue has 2 (pc, ts)"},
        {unknown_domain, ZK_EINVAL, "unknown domain 200"},
        {same_column_twice, ZK_EINVAL, "two columns are named x"},
        {same_constraint_twice, ZK_EINVAL, "two constraints are named \"zero\""},
        {constant_constraint, ZK_EINVAL, "is the constant 0"},
        {two_flags, ZK_EINVAL, "declared twice"},
        {flag_in_table, ZK_EINVAL, "no real flag"},
        {table_with_flag, ZK_EINVAL, "no real flag"},
        {height_out_of_range, ZK_EINVAL, "2^5 is outside"},
        {late_height, ZK_EINVAL, "before all columns"},
        {late_permutation, ZK_EINVAL, "put it first"},
        {too_many_columns, ZK_ELIMIT, "more than 1024 columns"},
        {too_many_constraints, ZK_ELIMIT, "more than 2048 constraints"},
        {too_many_interactions, ZK_ELIMIT, "more than 512 interactions"},
        {nothing, ZK_EINVAL, "no columns"},
        {only_closed, ZK_EINVAL, "no committed column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        chip *c;
        status_clear();
        assert_int_equal(chip_build(&c, "bad", cases[i].declare, NULL), cases[i].code);
        assert_null(c);
        if (strstr(status_message(), cases[i].words) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, status_message(), cases[i].words);
        assert_non_null(strstr(status_message(), "chip bad: "));
    }
}

// ---- What is accepted
// ----------------------------------------------------------------------------

// Degrees 4 and 8 are allowed; the flag as a sum, received and sent; all kinds of columns in an
// order of declaration that is not the final one.
static void declare_good(chip_builder *b, const void *context)
{
    (void)context;
    chip_permutation(b);
    chip_fixed_height(b, 7);
    expr index = chip_closed(b, "index", closed_index(7));
    expr fixed = chip_preprocessed(b, "fixed");
    expr s0 = chip_bit(b, "s0"), s1 = chip_bit(b, "s1");
    expr real = e_add(s0, s1);
    chip_real_flag(b, real);
    expr x = chip_column(b, "x"), square = e_mul(x, x), fourth = e_mul(square, square);
    chip_zero(b, e_mul(fourth, fourth), "eighth power");
    chip_zero(b, e_mul(real, e_sub(x, index)), "x is the row");
    chip_send(b, TUPLE_STATE, e_add(s1, s0), FIELDS(e_add(x, e_const(5)), e_sub(fixed, x)));
    chip_receive(b, TUPLE_STATE, real, FIELDS(e_sub(x, x), e_scale(3, e_add(index, index))));
}

static void test_finished_chip(void **state)
{
    (void)state;
    chip *c;
    assert_int_equal(chip_build(&c, "good", declare_good, NULL), ZK_OK);
    static const char *const names[] = {"s0", "s1", "x", "fixed", "index"};
    assert_int_equal(c->n_columns, 5);
    assert_int_equal(c->n_committed, 3);
    assert_int_equal(c->n_preprocessed, 1);
    assert_int_equal(c->n_closed, 1);
    for (int j = 0; j < 5; j++) {
        assert_string_equal(c->columns[j].name, names[j]);
        assert_int_equal(chip_find_column(c, names[j]), j);
    }
    assert_int_equal(chip_find_column(c, "y"), -1);
    assert_int_equal(c->max_degree, 8);
    assert_int_equal(c->n_constraints, 5);
    assert_string_equal(c->constraints[2].name, "real flag is boolean");
    assert_int_equal(c->constraints[2].degree, 2);

    const chip_interaction *send = &c->interactions[0], *receive = &c->interactions[1];
    assert_int_equal(send->multiplicity.n_terms, 2);
    assert_int_equal(send->multiplicity.terms[1].coef, 1);
    assert_int_equal(receive->multiplicity.terms[1].coef, FE_P - 1);
    assert_int_equal(send->fields[0].constant, 5);
    assert_int_equal(send->fields[1].n_terms, 2);
    assert_int_equal(send->fields[1].terms[0].column, 2);
    assert_int_equal(send->fields[1].terms[0].coef, FE_P - 1);
    assert_int_equal(send->fields[1].terms[1].column, 3);
    assert_int_equal(receive->fields[0].n_terms, 0);
    assert_int_equal(receive->fields[1].terms[0].column, 4);
    assert_int_equal(receive->fields[1].terms[0].coef, 6);
    assert_int_equal(send->n_support, 2);
    assert_int_equal(receive->n_support, 1);
    assert_int_equal(receive->first_support, 2);
    assert_int_equal(c->n_support, 3);
    chip_free(c);
    chip_free(NULL);
}

// a + b and b + a, and whatever is built on them, are one node; x^8 takes three products.
static void declare_shared(chip_builder *b, const void *context)
{
    (void)context;
    chip_permutation(b);
    expr x = chip_column(b, "x"), y = chip_column(b, "y");
    expr p = e_mul(e_add(x, y), e_mul(x, y)), q = e_mul(e_mul(y, x), e_add(y, x));
    chip_zero(b, p, "p");
    chip_zero(b, q, "q");
    chip_zero(b, e_mul(p, q), "p q");
}

static void test_sharing(void **state)
{
    (void)state;
    chip *c;
    assert_int_equal(chip_build(&c, "shared", declare_shared, NULL), ZK_OK);
    assert_int_equal(c->n_nodes, 6); // x, y, x + y, x y, p, p^2
    assert_int_equal(c->constraints[0].node, c->constraints[1].node);
    air_program_info info = air_program_describe(c);
    assert_int_equal(info.n_mul, 3);
    assert_int_equal(info.n_add, 1);
    assert_true(info.n_registers <= 3);
    chip_free(c);
}

static void test_constants(void **state)
{
    (void)state;
    assert_int_equal(e_const(FE_P).value, 0);
    assert_int_equal(e_int(-1).value, FE_P - 1);
    assert_int_equal(e_int(INT64_MIN).value, FE_P - (1ULL << 63));
    assert_int_equal(e_int(7).value, 7);
    assert_int_equal(e_mul(e_const(1ULL << 32), e_const(1ULL << 32)).value, FE_EPSILON);
    const expr limbs[3] = {e_const(1), e_const(2), e_const(3)};
    assert_int_equal(e_pack(limbs, 3, 8).value, 0x030201);
    assert_int_equal(e_select(e_const(1), e_const(5), e_const(6)).value, 5);
    assert_int_equal(e_select(e_const(0), e_const(5), e_const(6)).value, 6);
    assert_int_equal(e_not(e_const(1)).value, 0);
}

// ---- The catalogue
// -------------------------------------------------------------------------------

static void test_catalogue(void **state)
{
    (void)state;
    unsigned n;
    const tuple_info *t = tuple_catalogue(&n);
    for (unsigned i = 0; i < n; i++) {
        assert_ptr_equal(tuple_find(t[i].domain), &t[i]);
        unsigned names = 1;
        for (const char *s = t[i].fields; *s != 0; s++)
            names += *s == ',';
        assert_int_equal(names, t[i].n_fields);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(t[i].domain, t[j].domain);
            assert_string_not_equal(t[i].name, t[j].name);
        }
    }
    assert_null(tuple_find(0));
    assert_null(tuple_find(255));
}

// The denominator of a boundary tuple is that of a row with the same fields.
static void declare_memory_row(chip_builder *b, const void *context)
{
    (void)context;
    expr x[5], real = chip_flag(b, "real");
    chip_columns(b, x, "x", 5);
    chip_send(b, TUPLE_MEM, real, x, 5);
}

static void test_boundary_denominator(void **state)
{
    (void)state;
    chip *c;
    assert_int_equal(chip_build(&c, "row", declare_memory_row, NULL), ZK_OK);
    test_rng r = test_rng_new(11);
    fe3 gamma, beta, powers[TUPLE_MAX_FIELDS + 1] = {fe3_one()}, values[6], memory[8];
    for (int k = 0; k < 3; k++) {
        gamma.c[k] = fe_from_u64(test_rng_u64(&r));
        beta.c[k] = fe_from_u64(test_rng_u64(&r));
    }
    for (int t = 0; t < TUPLE_MAX_FIELDS; t++)
        powers[t + 1] = fe3_mul(powers[t], beta);
    bus_tuple tuple = {.domain = TUPLE_MEM, .multiplicity = 1};
    fe cells[6][8] = {{1}};
    const fe *columns[6];
    for (int j = 0; j < 6; j++) {
        columns[j] = cells[j];
        if (j > 0)
            cells[j][0] = tuple.fields[j - 1] = fe_from_u64(test_rng_u64(&r));
        values[j] = fe3_from_fe(cells[j][0]);
    }
    assert_int_equal(air_fractions_size(c), 6);
    air_fractions f;
    air_fractions_bind(&f, c, gamma, beta, memory);
    fe m[8], d[24];
    air_ops_get()->fraction(m, d, &f, 0, columns, 8);
    fe3 expected = tuple_denominator(&tuple, gamma, powers);
    assert_true(fe3_equal((fe3){{d[0], d[8], d[16]}}, expected));
    assert_int_equal(m[0], 1);
    fe3 one = fe3_one();
    fe3 at_point = air_interactions_point(c, values, &one, gamma, powers, fe3_one());
    assert_true(fe3_equal(at_point, fe3_add(expected, fe3_one())));
    chip_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_columns_of_another_chip),
        cmocka_unit_test(test_rows_that_split_range_checks),
        cmocka_unit_test(test_finished_chip),
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_catalogue),
        cmocka_unit_test(test_boundary_denominator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
