// SPDX-License-Identifier: Apache-2.0 OR MIT
// The toy machine's tables satisfy constraints and bus at all shapes, and the checkers find and
// name errors that are planted into them.
#include "unit/test.h"

#include "air/check.h"
#include "air/program.h"
#include "air/report.h"
#include "toys/toys.h"

static toy_machine *machine_of_toys;

static int set_up(void **state)
{
    (void)state;
    return toy_machine_new(&machine_of_toys) == ZK_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    toy_machine_free(machine_of_toys);
    return 0;
}

static toy_job *make_job(const toy_shape *shapes, size_t n, uint64_t seed)
{
    toy_job *job;
    if (toy_job_new(&job, machine_of_toys, shapes, n, seed) != ZK_OK)
        fail_msg("%s", status_message());
    return job;
}

// The table of a slot; `columns` has room for the chip's committed and preprocessed columns.
static check_table table_of(const fe **columns, const toy_job *job, size_t instance, int slot)
{
    const chip *c = job->t->chips[slot];
    unsigned log_height = job->instances[instance].log_heights[slot];
    for (uint32_t j = 0; j < c->n_committed; j++)
        columns[j] = job->instances[instance].cells[slot] + ((size_t)j << log_height);
    for (uint32_t j = 0; j < c->n_preprocessed; j++)
        columns[c->n_committed + j] = job->t->squares + ((size_t)j << TOY_LOG_SQUARES);
    return (check_table){.c = c,
                         .label = slot == TOY_FIB_2 ? "block 1" : "block 0",
                         .log_height = log_height,
                         .columns = columns};
}

static void assert_constraints_hold(const toy_job *job)
{
    for (size_t i = 0; i < job->n_instances; i++)
        for (int s = 0; s < TOY_SLOT_COUNT; s++) {
            if (job->instances[i].log_heights[s] == 0)
                continue;
            const fe *columns[64];
            check_table t = table_of(columns, job, i, s);
            bool found;
            check_failure failure;
            assert_int_equal(check_constraints(&found, &failure, &t), ZK_OK);
            if (found) {
                byte_buffer text = buffer_new();
                assert_int_equal(check_describe_failure(&text, &t, &failure), ZK_OK);
                fail_msg("%.*s", (int)text.size, (const char *)text.data);
            }
        }
}

// All passes; the number of unbalanced tuples that were looked at.
static uint64_t check_bus_within(bus_checker **out, const toy_job *job, uint64_t max_counted,
                                 pool *threads)
{
    assert_int_equal(bus_checker_new(out, max_counted, threads), ZK_OK);
    do {
        for (size_t i = 0; i < job->n_instances; i++)
            for (int s = 0; s < TOY_SLOT_COUNT; s++) {
                if (job->instances[i].log_heights[s] == 0)
                    continue;
                const fe *columns[64];
                check_table t = table_of(columns, job, i, s);
                assert_int_equal(bus_table(*out, &t), ZK_OK);
            }
        for (size_t b = 0; b < job->n_boundary; b++)
            assert_int_equal(bus_boundary(*out, "the boundary", &job->boundary[b]), ZK_OK);
    } while (bus_next_pass(*out));
    bool all;
    uint64_t n = bus_unbalanced_count(*out, &all);
    assert_int_equal(bus_is_balanced(*out), n == 0);
    return n;
}

static uint64_t check_bus(bus_checker **out, const toy_job *job)
{
    return check_bus_within(out, job, BUS_MAX_COUNTED, NULL);
}

static void assert_balanced(const toy_job *job)
{
    bus_checker *bus;
    if (check_bus(&bus, job) != 0) {
        byte_buffer text = buffer_new();
        assert_int_equal(bus_describe(&text, bus), ZK_OK);
        fail_msg("%.*s", (int)text.size, (const char *)text.data);
    }
    bus_checker_free(bus);
}

static void test_jobs_are_valid(void **state)
{
    (void)state;
    for (unsigned log_height = 6; log_height <= 12; log_height += 3)
        for (unsigned fill = 1; fill <= 64; fill += 21) {
            toy_shape shapes[3] = {toy_shape_all(log_height), toy_shape_all(6), toy_shape_all(7)};
            shapes[0].fill = fill;
            shapes[1].log_heights[TOY_EDGE] = 0;
            shapes[1].log_heights[TOY_FIB_2] = 0;
            shapes[1].log_heights[TOY_SQUARES] = 0;
            shapes[2].log_heights[TOY_SBOX] = (uint8_t)(log_height + 1);
            toy_job *job = make_job(shapes, 3, log_height * 100 + fill);
            assert_constraints_hold(job);
            assert_balanced(job);
            toy_job_free(job);
        }
}

static void test_tallest_job_is_valid(void **state)
{
    (void)state;
    toy_shape shape = {
        .fill = 63,
        .log_heights = {[TOY_FIB] = 20, [TOY_MEMORY] = 16, [TOY_EDGE] = 12, [TOY_RANGE8] = 8}};
    toy_job *job = make_job(&shape, 1, 7);
    assert_constraints_hold(job);
    assert_balanced(job);
    toy_job_free(job);
}

static void test_jobs_are_reproducible(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(8);
    toy_job *a = make_job(&shape, 1, 5), *b = make_job(&shape, 1, 5);
    for (int s = 0; s < TOY_SLOT_COUNT; s++)
        assert_memory_equal(
            a->instances[0].cells[s], b->instances[0].cells[s],
            ((size_t)machine_of_toys->chips[s]->n_committed << shape.log_heights[s]) * sizeof(fe));
    toy_job_free(a);
    toy_job_free(b);
}

// Every shape that lacks what it needs is refused.
static void test_shapes_are_checked(void **state)
{
    (void)state;
    static const struct {
        int slot;
        uint8_t height;
    } wrong[] = {{TOY_RANGE8, 0}, {TOY_RANGE8, 9},  {TOY_RANGE4, 0},  {TOY_BITOPS, 0},
                 {TOY_EDGE, 0},   {TOY_SQUARES, 0}, {TOY_SQUARES, 8}, {TOY_FIB, 5}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        toy_shape shape = toy_shape_all(6);
        shape.log_heights[wrong[i].slot] = wrong[i].height;
        toy_job *job;
        assert_int_equal(toy_job_new(&job, machine_of_toys, &shape, 1, 1), ZK_EINVAL);
        assert_null(job);
    }
}

// A planted error: which cell, and the constraint that must be named (NULL: only the bus sees it).
typedef struct planted {
    int slot;
    const char *column;
    uint64_t row;
    const char *constraint;
    const char *tuple; // domain of the first unbalanced tuple; NULL: the bus does not see it
} planted;

static void test_planted_errors_are_named(void **state)
{
    (void)state;
    static const planted errors[] = {
        {TOY_FIB, "sum", 17, "sum is a + b", "STATE"},
        {TOY_FIB, "a", 5, "sum is a + b", "STATE"},
        {TOY_FIB_2, "b", 63, "sum is a + b", "STATE"},
        {TOY_FIB, "real", 9, "real flag is boolean", "STATE"},
        {TOY_MEMORY, "is_write", 3, "is_write is boolean", NULL},
        {TOY_MEMORY, "new", 40, NULL, "MEM"},
        {TOY_MEMORY, "gap[1]", 8, NULL, "RANGE"},
        {TOY_EDGE, "addr", 11, NULL, "ADDR"},
        {TOY_EDGE, "last", 11, NULL, "MEM"},
        {TOY_RANGE8, "count", 200, NULL, "RANGE"},
        {TOY_SBOX, "out[3]", 30, "lane 3", "LINK"},
        {TOY_SBOX, "step", 30, "lane 0", "LINK"},
        {TOY_NIBBLE, "carry_in", 12, "carry_in is boolean", NULL},
        {TOY_BITOPS, "count[2]", 77, NULL, "BYTE"},
        {TOY_LOGIC, "c", 60, NULL, "BYTE"},
        {TOY_LOOKUP, "value", 1, NULL, "TOY"},
    };
    for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++) {
        const planted *p = &errors[e];
        toy_shape shape = toy_shape_all(6);
        toy_job *job = make_job(&shape, 1, 3 + e);
        const fe *columns[64];
        check_table t = table_of(columns, job, 0, p->slot);
        int column = chip_find_column(t.c, p->column);
        assert_true(column >= 0);
        fe *cells = job->instances[0].cells[p->slot] + ((size_t)column << t.log_height);
        // Two more than before: no boolean stays one, whichever it was; a second error further down
        // must not hide the first.
        cells[p->row] = fe_add(cells[p->row], 2);
        bool found;
        check_failure failure;
        assert_int_equal(check_constraints(&found, &failure, &t), ZK_OK);
        byte_buffer text = buffer_new();
        if (p->constraint == NULL) {
            bool may_fail = strcmp(p->column, "new") == 0; // a read that changes the value
            assert_true(!found || may_fail);
        } else {
            assert_true(found);
            assert_int_equal(failure.row, p->row);
            assert_int_equal(failure.n_failures, 1);
            assert_string_equal(t.c->constraints[failure.constraint].name, p->constraint);
            assert_int_equal(check_describe_failure(&text, &t, &failure), ZK_OK);
            assert_int_equal(buffer_put_u8(&text, 0), ZK_OK);
            assert_non_null(strstr((char *)text.data, p->constraint));
            assert_non_null(strstr((char *)text.data, p->column));
            assert_non_null(strstr((char *)text.data, t.c->name));
        }
        text.size = 0;
        bus_checker *bus;
        uint64_t n_unbalanced = check_bus(&bus, job);
        size_t n;
        const bus_unbalanced *list = bus_unbalanced_list(bus, &n);
        if (p->tuple == NULL) {
            assert_int_equal(n_unbalanced, 0);
        } else {
            assert_int_equal(n, n_unbalanced);
            assert_string_equal(tuple_find(list[0].tuple.domain)->name, p->tuple);
            bool named = false;
            for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < list[i].n_origins && k < BUS_MAX_ORIGINS; k++)
                    named |= list[i].origins[k].c == t.c && list[i].origins[k].row == p->row &&
                             list[i].origins[k].label == t.label;
            assert_true(named);
            assert_int_equal(bus_describe(&text, bus), ZK_OK);
            assert_int_equal(buffer_put_u8(&text, 0), ZK_OK);
            assert_non_null(strstr((char *)text.data, p->tuple));
        }
        bus_checker_free(bus);
        buffer_clear(&text);
        toy_job_free(job);
    }
}

static void test_uncanonical_cell_is_named(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(6);
    toy_job *job = make_job(&shape, 1, 1);
    const fe *columns[64];
    check_table t = table_of(columns, job, 0, TOY_LOOKUP);
    job->instances[0].cells[TOY_LOOKUP][2 * 64 + 33] = FE_P;
    bool found;
    check_failure failure;
    assert_int_equal(check_constraints(&found, &failure, &t), ZK_OK);
    assert_true(found);
    assert_int_equal(failure.constraint, UINT32_MAX);
    assert_int_equal(failure.row, 33);
    assert_string_equal(t.c->columns[failure.column].name, "value");
    toy_job_free(job);
}

// A forged boundary is seen and named as such.
static void test_boundary_is_checked(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(6);
    toy_job *job = make_job(&shape, 1, 1);
    job->boundary[1].fields[0]++;
    bus_checker *bus;
    assert_int_equal(check_bus(&bus, job), 2);
    size_t n;
    const bus_unbalanced *list = bus_unbalanced_list(bus, &n);
    assert_int_equal(n, 2);
    assert_null(list[1].origins[0].c);
    assert_string_equal(list[1].origins[0].label, "the boundary");
    bus_checker_free(bus);
    toy_job_free(job);
}

// With room for one bucket only, what is looked at is a part of the whole and the report says that
// there is more; with any number of threads the same report comes.
static void test_a_part_is_looked_at_when_all_is_too_much(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(6);
    toy_job *job = make_job(&shape, 1, 1);
    for (int i = 0; i < 4; i++)
        job->boundary[1].fields[i]++;
    for (uint64_t row = 0; row < 8; row++)
        job->instances[0].cells[TOY_LOOKUP][2 * 64 + row] ^= 1;
    bus_checker *whole, *part, *shared;
    pool *threads;
    assert_int_equal(pool_open(&threads, 3), ZK_OK);
    uint64_t n = check_bus(&whole, job);
    assert_true(n > 3);
    assert_int_equal(check_bus_within(&shared, job, BUS_MAX_COUNTED, threads), n);
    uint64_t n_part = check_bus_within(&part, job, 0, threads);
    assert_true(n_part >= 1 && n_part < n);
    bool all;
    (void)bus_unbalanced_count(whole, &all);
    assert_true(all);
    (void)bus_unbalanced_count(part, &all);
    assert_false(all);

    byte_buffer text[3] = {buffer_new(), buffer_new(), buffer_new()};
    assert_int_equal(bus_describe(&text[0], whole), ZK_OK);
    assert_int_equal(bus_describe(&text[1], shared), ZK_OK);
    assert_int_equal(bus_describe(&text[2], part), ZK_OK);
    assert_int_equal(text[0].size, text[1].size);
    assert_memory_equal(text[0].data, text[1].data, text[0].size);
    assert_int_equal(buffer_put_u8(&text[2], 0), ZK_OK);
    assert_non_null(strstr((char *)text[2].data, "and at least "));
    size_t n_listed;
    const bus_unbalanced *list = bus_unbalanced_list(part, &n_listed);
    assert_int_equal(n_listed, n_part);
    assert_true(list[0].n_origins > 0);
    for (int i = 0; i < 3; i++)
        buffer_clear(&text[i]);
    bus_checker_free(whole);
    bus_checker_free(part);
    bus_checker_free(shared);
    pool_close(threads);
    toy_job_free(job);
}

// The stack has the cells of every column at the place that the layout gives, and the checkers read
// them from there.
static void test_stack(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(7);
    toy_job *job = make_job(&shape, 1, 1);
    machine_layout layout, fixed;
    const machine *m = &machine_of_toys->m;
    assert_int_equal(machine_layout_compute(&layout, m, shape.log_heights, 20, 20), ZK_OK);
    assert_int_equal(machine_layout_preprocessed(&fixed, m, shape.log_heights, 20, 6), ZK_OK);
    assert_int_equal(fixed.n_cells, 2 << TOY_LOG_SQUARES);
    fe *stack = calloc(1 << 20, sizeof *stack);
    toy_stack(stack, &job->instances[0], m, &layout);
    for (uint32_t s = 0; s < m->n_slots; s++) {
        for (uint32_t j = 0; j < m->slots[s].c->n_committed; j++)
            assert_memory_equal(stack + layout_column(&layout, s, j),
                                job->instances[0].cells[s] + ((size_t)j << shape.log_heights[s]),
                                sizeof(fe) << shape.log_heights[s]);
        const fe *columns[64];
        check_table t;
        check_table_of_slot(&t, columns, m, s, &layout, stack, &fixed, machine_of_toys->squares,
                            "stack");
        bool found;
        check_failure failure;
        assert_int_equal(check_constraints(&found, &failure, &t), ZK_OK);
        assert_false(found);
        if (s != TOY_FIB)
            continue;
        stack[layout_column(&layout, s, 3) + 90]++;
        assert_int_equal(check_constraints(&found, &failure, &t), ZK_OK);
        assert_true(found);
        assert_int_equal(failure.row, 90);
    }
    free(stack);
    toy_job_free(job);
}

// ---- The 4-bit chip, all assignments
// -------------------------------------------------------------

// What the nibble chip means, in integers: one row of cells below 16 (d: below 32), flags 0..2.
static bool nibble_is_right(const unsigned *v)
{
    unsigned is_add = v[0], is_mul = v[1], a = v[2], b = v[3], carry = v[4], c = v[5], d = v[6];
    if (is_add > 1 || is_mul > 1 || is_add + is_mul > 1 || carry > 1)
        return false;
    if (is_add)
        return c == ((a + b + carry) & 15) && d == (a + b + carry) >> 4;
    if (is_mul)
        return carry == 0 && c == (a * b & 15) && d == a * b >> 4;
    return true;
}

static void test_nibble_exhaustively(void **state)
{
    (void)state;
    const chip *c = machine_of_toys->chips[TOY_NIBBLE];
    assert_int_equal(c->n_columns, 7);
    const char *order[7] = {"is_add", "is_mul", "a", "b", "carry_in", "c", "d"};
    for (int j = 0; j < 7; j++)
        assert_int_equal(chip_find_column(c, order[j]), j);
    // The constraints' values are small integers, so that their combination with powers of 2^20 is
    // zero only when all of them are.
    fe3 coefs[9], values[7], scratch[64];
    assert_true(air_scratch_point(c) <= 64);
    assert_int_equal(c->n_constraints, 8);
    for (unsigned k = 0; k < 8; k++) {
        coefs[k] = fe3_zero();
        coefs[k].c[k / 3] = 1ULL << (20 * (k % 3));
    }
    uint64_t n_right = 0, n_all = 0;
    unsigned v[7];
    for (v[0] = 0; v[0] < 3; v[0]++)
        for (v[1] = 0; v[1] < 3; v[1]++)
            for (v[4] = 0; v[4] < 3; v[4]++)
                for (unsigned word = 0; word < 1u << 16; word++) {
                    v[2] = word & 15, v[3] = word >> 4 & 15, v[5] = word >> 8 & 15;
                    v[6] = word >> 12 & 15;
                    for (int j = 0; j < 7; j++)
                        values[j] = fe3_from_fe(v[j]);
                    bool holds = fe3_is_zero(air_eval_point(c, values, coefs, scratch));
                    assert_int_equal(holds, nibble_is_right(v));
                    n_right += holds;
                    n_all++;
                }
    // add: 2 * 16 * 16 rows; mul: 16 * 16; none: all words with a boolean carry.
    assert_int_equal(n_right, 512 + 256 + 2 * 65536);
    assert_int_equal(n_all, 27 * 65536);
}

// ---- Reports
// -------------------------------------------------------------------------------------

static void test_reports(void **state)
{
    (void)state;
    byte_buffer text = buffer_new();
    assert_int_equal(air_report_text(&text, &machine_of_toys->m, true, NULL), ZK_OK);
    assert_int_equal(buffer_put_u8(&text, 0), ZK_OK);
    const char *expected[] = {
        "\"sum is a + b\" degree 2: (sum - (a + b)) * real",
        "\"lane 0\" degree 8",
        "receive STATE(a, b)  multiplicity -real",
        "send    ADDR(0, addr)  multiplicity real",
        "receive ADDR(0, addr - gap[0] - 256 gap[1] - 65536 gap[2] - 1)  multiplicity -real",
        "column  xor  closed (xor)",
        "12 slots",
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        if (strstr((char *)text.data, expected[i]) == NULL)
            fail_msg("not in the report: %s\n%s", expected[i], (char *)text.data);
    text.size = 0;
    assert_int_equal(air_report_json(&text, &machine_of_toys->m, NULL), ZK_OK);
    // Brackets and quotes balance (no name of the toys has one).
    int depth = 0;
    size_t n_quotes = 0;
    for (size_t i = 0; i < text.size; i++) {
        depth += text.data[i] == '{' || text.data[i] == '[';
        depth -= text.data[i] == '}' || text.data[i] == ']';
        n_quotes += text.data[i] == '"';
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_int_equal(n_quotes % 2, 0);
    buffer_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_are_valid),
        cmocka_unit_test(test_tallest_job_is_valid),
        cmocka_unit_test(test_jobs_are_reproducible),
        cmocka_unit_test(test_shapes_are_checked),
        cmocka_unit_test(test_planted_errors_are_named),
        cmocka_unit_test(test_uncanonical_cell_is_named),
        cmocka_unit_test(test_boundary_is_checked),
        cmocka_unit_test(test_a_part_is_looked_at_when_all_is_too_much),
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_nibble_exhaustively),
        cmocka_unit_test(test_reports),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
