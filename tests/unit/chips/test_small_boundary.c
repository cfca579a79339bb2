// SPDX-License-Identifier: Apache-2.0 OR MIT
// The chips that are no instructions, over all assignments of their columns: the boundary at words
// of a few bits, range20_split at its own size (row_solver.h).
//
// A row of the boundary has no step to prove. What it must do is make an edge of the chain from a
// smaller key to its own, of a word that the chip may speak for, and hand over a first and a last
// tuple of that word. So: the accepted rows are one for each pair (key, distance to the key before)
// with the key among those of the chip and the distance one that a limb holds, and none else. What
// the row receives of the last access passes through, or ties it to the first value.
//
// Then the same without each check: some row is wrong, or one comes twice.
#include "row_conditions.h"
#include "unit/must.h"

#include "chips/zisk_machine.h"

// Words of 16 bits in 4 bytes: 64 words have addresses of one limb, the upper half of them RAM. An
// index of RAM is more than a part.
static const word_shape shape_16 = {
    .byte_bits = 4,
    .part_bits = 4,
    .carry_bits = 10,
    .time_bits = 1,
    .ram_base = 128,
    .ram_bits = 5,
    .halt_call = 1,
};

// Words of 4 bits, for all pairs of a first and a last value.
static const word_shape shape_4 = {
    .byte_bits = 1, .part_bits = 1, .carry_bits = 5, .time_bits = 1, .halt_call = 1};

// Input: 20 words. No power of two, as in the machine.
static const vm_map small_map = {.input_base = 20, .input_data = 24, .input_bytes = 84};
enum { INPUT_WORDS = 20 };

enum { MAX_KEYS = 64, MAX_DISTANCES = 256, MAX_WORDS = 1 << 16 };

// Columns of INPUT: real, w0, w1, v0, v1, value[0..3], last_ts, gap.0, gap.1.
enum { INPUT_W0 = 1, INPUT_VALUE = 5, INPUT_LAST_TS = 9, INPUT_GAP = 10, INPUT_END = 12 };

// ---- A chip under test
// -------------------------------------------------------------------------

typedef struct subject {
    boundary_chip kind;
    const word_shape *shape;
    chip *c;
    row_solver *solver;
    const affine *first[5], *last[5], *key, *previous; // fields of its tuples
    const affine *out[2][2];                           // OUT: index and half
    uint32_t last_pins;                                // of last[2], last[3], last[4]
    // What a row is to say.
    fe fixed[6]; // preprocessed columns
    uint64_t last_lo, last_hi;
    fe last_ts;
    bool seen[MAX_KEYS][MAX_DISTANCES];
    bool seen_word[MAX_WORDS];
    uint64_t n_right;
    bool wrong;
} subject;

static void find_tuples(subject *t)
{
    unsigned n_out = 0;
    for (uint32_t i = 0; i < t->c->n_interactions; i++) {
        const chip_interaction *it = &t->c->interactions[i];
        switch (it->tuple->domain) {
        case TUPLE_MEM:
            for (unsigned f = 0; f < 5; f++)
                (it->is_send ? t->first : t->last)[f] = &it->fields[f];
            break;
        case TUPLE_ADDR:
            assert_true(it->fields[0].n_terms == 0 && it->fields[0].constant == 0);
            *(it->is_send ? &t->key : &t->previous) = &it->fields[1];
            break;
        case TUPLE_OUT:
            assert_true(it->is_send && n_out < 2);
            t->out[n_out][0] = &it->fields[0];
            t->out[n_out++][1] = &it->fields[1];
            break;
        default:
            assert_int_equal(it->tuple->domain, TUPLE_RANGE);
            assert_true(it->is_send);
        }
        // All of a row, or nothing of it.
        assert_true(it->multiplicity.n_terms == 1 && it->multiplicity.constant == 0 &&
                    it->multiplicity.terms[0].coef == (it->is_send ? 1 : FE_P - 1) &&
                    it->multiplicity.terms[0].column == t->c->real_flag.terms[0].column);
    }
    assert_true(t->key && t->previous && t->first[0] && t->last[0]);
    assert_int_equal(n_out, t->kind == BOUNDARY_OUTPUT ? 2 : 0);
}

static void open_subject(subject *t, boundary_chip kind, const word_shape *shape)
{
    memset(t, 0, sizeof *t);
    t->kind = kind;
    t->shape = shape;
    boundary_context context = {shape, &small_map};
    must(chip_build(&t->c, boundary_specs[kind].name, boundary_specs[kind].declare, &context));
    t->solver = malloc(sizeof *t->solver);
    assert_non_null(t->solver);
    solver_open(t->solver, t->c, shape);
    find_tuples(t);
    // The last value and time are what the last access left: given. INPUT has its own columns.
    t->last_pins = t->solver->n_conditions;
    for (unsigned f = kind == BOUNDARY_INPUT ? 4 : 2; f < 5; f++)
        (void)solver_pin(t->solver, t->last[f]);
    solver_ready(t->solver);
    solver_activate(t->solver, NULL, UINT32_MAX);
}

static void close_subject(subject *t)
{
    solver_close(t->solver);
    free(t->solver);
    chip_free(t->c);
}

static void set_last(subject *t, uint64_t lo, uint64_t hi, fe ts)
{
    t->last_lo = lo;
    t->last_hi = hi;
    t->last_ts = ts;
    const fe values[3] = {lo, hi, ts};
    unsigned skipped = t->kind == BOUNDARY_INPUT ? 2 : 0;
    for (unsigned k = skipped; k < 3; k++)
        t->solver->conditions[t->last_pins + k - skipped].value = values[k];
}

// Preprocessed columns: the key says what they are.
static void set_fixed(subject *t, const fe *values, unsigned n)
{
    assert_int_equal(n, t->c->n_preprocessed);
    for (unsigned i = 0; i < n; i++) {
        t->fixed[i] = values[i];
        t->solver->fixed[t->c->n_committed + i] = true;
        t->solver->given[t->c->n_committed + i] = values[i];
    }
}

// ---- What rows say
// -----------------------------------------------------------------------------

static bool value_is(const row_solver *s, const affine *form, fe expected)
{
    return solver_is_known(s, form) && solver_value(s, form) == expected;
}

// The number of the row's key among those that the chip has rows for.
static bool key_index(uint64_t *index, const subject *t, fe key)
{
    uint64_t bytes = word_bytes(t->shape), base = 0, n = 0;
    switch (t->kind) {
    case BOUNDARY_ZERO:
        base = t->shape->ram_base;
        n = 1ULL << t->shape->ram_bits;
        break;
    case BOUNDARY_INPUT:
        base = small_map.input_data;
        n = INPUT_WORDS;
        break;
    case BOUNDARY_IMAGE: // a register is above all addresses
        base = t->fixed[2] + (t->fixed[1] == SPACE_REGISTER ? 1ULL << limb_bits(t->shape) : 0);
        n = 1;
        break;
    default:
        base = t->fixed[1];
        n = 1;
        break;
    }
    *index = (key - base) / bytes;
    return key >= base && (key - base) % bytes == 0 && *index < n;
}

static bool is_right(subject *t, const row_solver *s)
{
    uint64_t index, limb = 1ULL << limb_bits(t->shape);
    if (!solver_is_known(s, t->key) || !solver_is_known(s, t->previous))
        return false;
    fe key = solver_value(s, t->key), before = solver_value(s, t->previous);
    fe distance = fe_sub(fe_sub(key, before), 1);
    if (!key_index(&index, t, key) || distance >= limb)
        return false;
    // Of the same word, at time 0 and as it was left.
    fe space = t->kind == BOUNDARY_IMAGE ? t->fixed[1] : SPACE_MEMORY;
    fe address = t->kind == BOUNDARY_IMAGE ? t->fixed[2] : key;
    if (!value_is(s, t->first[0], space) || !value_is(s, t->last[0], space) ||
        !value_is(s, t->first[1], address) || !value_is(s, t->last[1], address) ||
        !value_is(s, t->first[4], 0) || !value_is(s, t->last[4], t->last_ts))
        return false;
    if (t->kind == BOUNDARY_INPUT) {
        fe v[2];
        for (int k = 0; k < 2; k++) {
            if (!solver_is_known(s, t->first[2 + k]) || !solver_is_known(s, t->last[2 + k]))
                return false;
            v[k] = solver_value(s, t->first[2 + k]);
            if (v[k] >= limb || solver_value(s, t->last[2 + k]) != v[k])
                return false;
        }
        bool *seen = &t->seen_word[v[1] * limb + v[0]];
        if (t->solver->fixed[INPUT_W0]) { // the search goes through its values
            bool again = *seen;
            *seen = true;
            return !again;
        }
    } else {
        bool is_image = t->kind == BOUNDARY_IMAGE;
        if (!value_is(s, t->first[2], is_image ? t->fixed[3] : 0) ||
            !value_is(s, t->first[3], is_image ? t->fixed[4] : 0) ||
            !value_is(s, t->last[2], t->last_lo) || !value_is(s, t->last[3], t->last_hi))
            return false;
        if (is_image && t->fixed[5] == 1 &&
            (t->last_lo != t->fixed[3] || t->last_hi != t->fixed[4]))
            return false;
    }
    if (t->kind == BOUNDARY_OUTPUT &&
        (!value_is(s, t->out[0][0], t->fixed[2]) || !value_is(s, t->out[0][1], t->last_lo) ||
         !value_is(s, t->out[1][0], t->fixed[2] + 1) || !value_is(s, t->out[1][1], t->last_hi)))
        return false;
    bool again = t->seen[index][distance];
    t->seen[index][distance] = true;
    return !again;
}

static bool look_at_row(void *arg, const row_solver *s)
{
    subject *t = arg;
    t->wrong = !is_right(t, s);
    t->n_right += !t->wrong;
    return !t->wrong;
}

// True when the accepted rows are right, none twice, and as many as there should be.
static bool all_rows_are_right(subject *t, uint64_t expected)
{
    memset(t->seen, 0, sizeof t->seen);
    memset(t->seen_word, 0, sizeof t->seen_word);
    t->n_right = 0;
    t->wrong = false;
    t->solver->is_stuck = false;
    solver_search(t->solver, look_at_row, t);
    if (t->solver->is_stuck && !t->solver->weakened)
        fail_msg("chip %s: nothing decides column %s", t->c->name,
                 t->c->columns[t->solver->stuck_column].name);
    return !t->wrong && t->n_right == expected;
}

// ---- One chip after another
// --------------------------------------------------------------------

static void fix_committed(subject *t, uint32_t column, bool fixed, fe value)
{
    t->solver->fixed[column] = fixed;
    t->solver->given[column] = value;
}

static bool zero_is_right(subject *t)
{
    uint64_t limb = 1ULL << limb_bits(t->shape);
    set_last(t, 0x1234567890abcdef, FE_P - 5, 77); // whatever it is: no check looks at it
    return all_rows_are_right(t, limb << t->shape->ram_bits);
}

// Address and distance for one value; then all values for one address and distance.
static bool input_is_right(subject *t)
{
    uint64_t limb = 1ULL << limb_bits(t->shape);
    set_last(t, 0, 0, 0x123456789);
    for (uint32_t j = 0; j < 4; j++)
        fix_committed(t, INPUT_VALUE + j, true, 3 * j + 1);
    bool right = all_rows_are_right(t, INPUT_WORDS * limb);
    for (uint32_t j = 0; j < 4; j++)
        fix_committed(t, INPUT_VALUE + j, false, 0);
    const fe place[4] = {7, 0, INPUT_WORDS - 1 - 7, 0};
    static const uint32_t others[6] = {INPUT_W0,     INPUT_W0 + 1, INPUT_W0 + 2,
                                       INPUT_W0 + 3, INPUT_GAP,    INPUT_GAP + 1};
    for (unsigned j = 0; j < 6; j++)
        fix_committed(t, others[j], true, j < 4 ? place[j] : j);
    right = right && all_rows_are_right(t, limb * limb);
    for (unsigned j = 0; j < 6; j++)
        fix_committed(t, others[j], false, 0);
    return right;
}

static bool image_is_right(subject *t)
{
    uint64_t words = 1ULL << (2 * limb_bits(t->shape)), limb = 1ULL << limb_bits(t->shape);
    for (uint64_t i = 0; i < 4 * words; i++) {
        uint64_t first = i / 4, read_only = i & 1, space = i & 2 ? SPACE_REGISTER : SPACE_MEMORY;
        const fe fixed[6] = {1, space, 3, first % limb, first / limb, read_only};
        set_fixed(t, fixed, 6);
        for (uint64_t last = 0; last < words + 2; last++) { // and two that are no words
            fe lo = last < words ? last % limb : FE_P - 1, hi = last > words ? 1ULL << 40 : 0;
            if (last < words)
                hi = last / limb;
            set_last(t, lo, hi, last);
            bool same = lo == fixed[3] && hi == fixed[4];
            if (!all_rows_are_right(t, read_only && !same ? 0 : limb))
                return false;
        }
    }
    return true;
}

static bool output_is_right(subject *t)
{
    const fe fixed[3] = {1, 36, 10};
    set_fixed(t, fixed, 3);
    set_last(t, 5, 6, 1ULL << 39);
    return all_rows_are_right(t, 1ULL << limb_bits(t->shape));
}

static const struct {
    boundary_chip kind;
    const word_shape *shape;
    bool (*is_right)(subject *t);
} cases[] = {
    {BOUNDARY_ZERO, &shape_16, zero_is_right},
    {BOUNDARY_INPUT, &shape_16, input_is_right},
    {BOUNDARY_IMAGE, &shape_4, image_is_right},
    {BOUNDARY_OUTPUT, &shape_16, output_is_right},
};

static subject t; // large

// That a column of the last tuple is in nothing else: so one value of it stands for all.
static void assert_passes(const affine *form)
{
    for (uint32_t k = 0; form->n_terms > 0 && k < t.solver->n_conditions; k++)
        for (unsigned j = 0; j < t.solver->conditions[k].n_columns; j++)
            assert_true(t.solver->conditions[k].kind == CONDITION_PIN ||
                        t.solver->conditions[k].columns[j] != form->terms[0].column);
}

static void all_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_subject(&t, cases[i].kind, cases[i].shape);
        assert_passes(t.last[4]);
        if (t.kind == BOUNDARY_ZERO || t.kind == BOUNDARY_OUTPUT) {
            assert_passes(t.last[2]);
            assert_passes(t.last[3]);
        }
        if (!cases[i].is_right(&t))
            fail_msg("chip %s: a row is wrong or missing", t.c->name);
        print_message("%-10s %llu rows, %llu nodes\n", t.c->name,
                      (unsigned long long)t.solver->n_rows, (unsigned long long)t.solver->n_nodes);
        close_subject(&t);
    }
}

// INPUT's value, and its place with the distance, are searched apart: nothing ties them.
static void input_in_two_parts(void **state)
{
    (void)state;
    open_subject(&t, BOUNDARY_INPUT, &shape_16);
    static const char *const names[] = {"real",     "w0",       "w1",       "v0",
                                        "v1",       "value[0]", "value[1]", "value[2]",
                                        "value[3]", "last_ts",  "gap.0",    "gap.1"};
    assert_int_equal(t.c->n_columns, INPUT_END);
    uint16_t group[INPUT_END];
    solver_groups(t.solver, group);
    for (uint32_t j = 0; j < INPUT_END; j++) {
        assert_string_equal(t.c->columns[j].name, names[j]);
        bool is_value = j >= INPUT_VALUE && j < INPUT_LAST_TS;
        for (uint32_t k = 1; k < INPUT_END; k++)
            if (is_value && (k < INPUT_VALUE || k >= INPUT_LAST_TS))
                assert_int_not_equal(group[j], group[k]);
    }
    close_subject(&t);
}

static void every_check_is_needed(void **state)
{
    (void)state;
    unsigned n = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_subject(&t, cases[i].kind, cases[i].shape);
        for (uint32_t k = 0; k < t.solver->n_conditions; k++) {
            const condition *q = &t.solver->conditions[k];
            char name[200];
            solver_name(name, sizeof name, t.solver, k);
            // Searched with the flag at 1; that it is a bit is seen by its degree and its roots.
            if (strcmp(name, "constraint \"real flag is boolean\"") == 0) {
                roots r = roots_of(t.solver, q);
                assert_true(r.n == 2 && !r.all && !r.unsolved && r.root[0] + r.root[1] == 1);
                continue;
            }
            if (q->kind == CONDITION_PIN)
                continue;
            solver_activate(t.solver, NULL, k);
            if (cases[i].is_right(&t))
                fail_msg("chip %s without %s has right rows only", t.c->name, name);
            n++;
        }
        close_subject(&t);
    }
    print_message("%u checks\n", n);
    assert_int_equal(n, 2 + 2 + (4 + 1 + 4 + 2) + (2 + 2) + 2);
}

// A table has no rows to accept or refuse: what it receives is what the key fixes.
static void the_program_is_a_table_of_the_key(void **state)
{
    (void)state;
    chip *c;
    boundary_context context = {&shape_16, &small_map};
    must(chip_build(&c, "program", boundary_specs[BOUNDARY_PROGRAM].declare, &context));
    assert_true(c->is_table);
    assert_int_equal(c->n_constraints, 0);
    assert_int_equal(c->n_interactions, 1);
    const chip_interaction *it = &c->interactions[0];
    assert_true(it->tuple->domain == TUPLE_FETCH && !it->is_send);
    for (unsigned f = 0; f < FETCH_FIELDS; f++) {
        assert_true(it->fields[f].n_terms == 1 && it->fields[f].constant == 0);
        assert_int_equal(it->fields[f].terms[0].coef, 1);
        assert_int_equal(it->fields[f].terms[0].column, c->n_committed + f);
        assert_int_equal(c->columns[c->n_committed + f].kind, COLUMN_PREPROCESSED);
    }
    chip_free(c);
}

// ---- range20_split
// -----------------------------------------------------------------------------

typedef struct split {
    const chip *c;
    uint8_t *seen; // [2^20]
    uint64_t n;
    bool wrong;
} split;

static bool look_at_split(void *arg, const row_solver *s)
{
    split *x = arg;
    const affine *form = &x->c->interactions[0].fields[1];
    fe v = solver_is_known(s, form) ? solver_value(s, form) : FE_P - 1;
    x->wrong = v >> RANGE_SPLIT_BITS != 0 || x->seen[v]++ != 0;
    x->n += !x->wrong;
    return !x->wrong;
}

static void range_split_answers_each_value_once(void **state)
{
    (void)state;
    split x = {.seen = malloc(1 << RANGE_SPLIT_BITS)};
    chip *c;
    must(chip_build(&c, "range20_split", range_split_declare, NULL));
    x.c = c;
    const chip_interaction *it = &c->interactions[0];
    assert_true(it->tuple->domain == TUPLE_RANGE && !it->is_send);
    assert_true(it->fields[0].n_terms == 0 && it->fields[0].constant == RANGE_SPLIT_BITS);
    solver_open(t.solver = malloc(sizeof *t.solver), c, &word_shape_64);
    solver_ready(t.solver);
    for (uint32_t k = 0; k < t.solver->n_conditions; k++) {
        bool dropped = t.solver->conditions[k].kind == CONDITION_LOOKUP;
        if (k > 0 && !dropped)
            continue;
        solver_activate(t.solver, NULL, dropped ? k : UINT32_MAX);
        memset(x.seen, 0, 1 << RANGE_SPLIT_BITS);
        x.n = 0;
        solver_search(t.solver, look_at_split, &x);
        assert_int_equal(x.wrong, dropped);
        if (!dropped)
            assert_int_equal(x.n, 1 << RANGE_SPLIT_BITS);
    }
    solver_close(t.solver);
    free(t.solver);
    free(x.seen);
    chip_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows),
        cmocka_unit_test(input_in_two_parts),
        cmocka_unit_test(every_check_is_needed),
        cmocka_unit_test(the_program_is_a_table_of_the_key),
        cmocka_unit_test(range_split_answers_each_value_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
