// SPDX-License-Identifier: Apache-2.0 OR MIT
// Machines: numbering, limits, digest; layouts: disjoint, aligned, inside the stack.
#include "unit/test.h"

#include "air/machine.h"
#include "hash/hash.h"

typedef struct shape_of_chip {
    unsigned n_columns, n_preprocessed, n_sends, fixed_log_height;
} shape_of_chip;

static void declare_shape(chip_builder *b, const void *context)
{
    const shape_of_chip *s = context;
    if (s->fixed_log_height != 0)
        chip_fixed_height(b, s->fixed_log_height);
    expr real = chip_flag(b, "real");
    for (unsigned i = 1; i < s->n_columns; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%u", i);
        chip_column(b, name);
    }
    for (unsigned i = 0; i < s->n_preprocessed; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%u", i);
        chip_preprocessed(b, name);
    }
    for (unsigned k = 0; k < s->n_sends; k++)
        chip_send(b, TUPLE_STATE, real, FIELDS(real, e_const(k)));
}

static chip *make_chip(const char *name, shape_of_chip s)
{
    chip *c;
    if (chip_build(&c, name, declare_shape, &s) != ZK_OK)
        fail_msg("%s", status_message());
    return c;
}

// The contract of the layout that machine.h states for the circuit: level by level with selects.
static void layout_by_selects(machine_layout *out, const machine *m, const uint8_t *heights,
                              unsigned max_log_height)
{
    memset(out, 0, sizeof *out);
    for (unsigned level = max_log_height; level >= 6; level--)
        for (uint32_t s = 0; s < m->n_slots; s++) {
            uint64_t is = heights[s] == level;
            out->slots[s].log_height += (unsigned)is * level;
            out->slots[s].cells += is * out->n_cells;
            out->slots[s].leaves += is * out->n_leaves;
            out->n_cells += is * ((uint64_t)m->slots[s].c->n_committed << level);
            out->n_leaves += is * ((uint64_t)m->slots[s].c->n_interactions << level);
        }
}

// All intervals [offset, offset + length) of present columns or interactions.
static void assert_tiles(const uint64_t (*intervals)[2], size_t n, uint64_t total)
{
    uint64_t covered = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(intervals[i][0] % intervals[i][1], 0); // aligned to its length
        assert_true(intervals[i][0] + intervals[i][1] <= total);
        covered += intervals[i][1];
        for (size_t j = 0; j < i; j++)
            assert_true(intervals[i][0] + intervals[i][1] <= intervals[j][0] ||
                        intervals[j][0] + intervals[j][1] <= intervals[i][0]);
    }
    assert_int_equal(covered, total);
}

static void test_layout_properties(void **state)
{
    (void)state;
    test_rng r = test_rng_new(0x1A7007);
    static uint64_t cells[600][2], leaves[600][2];
    for (int round = 0; round < 200; round++) {
        machine m;
        machine_init(&m, "random");
        chip *chips[12];
        char names[12][8];
        uint8_t heights[MACHINE_MAX_SLOTS] = {0};
        uint32_t n_chips = 1 + (uint32_t)(test_rng_u64(&r) % 12);
        for (uint32_t i = 0; i < n_chips; i++) {
            snprintf(names[i], sizeof names[i], "c%u", i);
            chips[i] = make_chip(
                names[i], (shape_of_chip){1 + test_rng_u64(&r) % 20, 0, test_rng_u64(&r) % 19, 0});
            for (unsigned blocks = 1 + test_rng_u64(&r) % 2; blocks > 0; blocks--)
                assert_int_equal(machine_add(&m, chips[i]), ZK_OK);
        }
        for (uint32_t s = 0; s < m.n_slots; s++)
            heights[s] = (uint8_t)(test_rng_u64(&r) % 3 == 0 ? 0 : 6 + test_rng_u64(&r) % 10);
        machine_layout l, expected;
        assert_int_equal(machine_layout_compute(&l, &m, heights, 15, 26), ZK_OK);
        layout_by_selects(&expected, &m, heights, 15);
        assert_int_equal(l.n_cells, expected.n_cells);
        assert_int_equal(l.n_leaves, expected.n_leaves);
        assert_memory_equal(l.slots, expected.slots, sizeof l.slots);
        size_t n_cells = 0, n_leaves = 0;
        for (uint32_t s = 0; s < m.n_slots; s++) {
            if (heights[s] == 0)
                continue;
            for (uint32_t j = 0; j < m.slots[s].c->n_committed; j++) {
                cells[n_cells][0] = layout_column(&l, s, j);
                cells[n_cells++][1] = 1ULL << heights[s];
            }
            for (uint32_t k = 0; k < m.slots[s].c->n_interactions; k++) {
                leaves[n_leaves][0] = layout_interaction(&l, s, k);
                leaves[n_leaves++][1] = 1ULL << heights[s];
            }
        }
        assert_tiles(cells, n_cells, l.n_cells);
        assert_tiles(leaves, n_leaves, l.n_leaves);
        // The smallest stack that fits is accepted, half of it is not.
        unsigned fits = 6;
        while (1ULL << fits < (l.n_cells > l.n_leaves ? l.n_cells : l.n_leaves))
            fits++;
        assert_int_equal(machine_layout_compute(&l, &m, heights, 15, fits), ZK_OK);
        if (l.n_cells > 64 || l.n_leaves > 64)
            assert_int_equal(machine_layout_compute(&l, &m, heights, 15, fits - 1), ZK_EPROOF);
        for (uint32_t i = 0; i < n_chips; i++)
            chip_free(chips[i]);
    }
}

// Hostile heights: every value of one byte in every slot.
static void test_heights_are_checked(void **state)
{
    (void)state;
    machine m;
    machine_init(&m, "m");
    chip *a = make_chip("free", (shape_of_chip){1, 0, 0, 0});
    chip *b = make_chip("fixed", (shape_of_chip){1, 0, 1, 9});
    assert_int_equal(machine_add(&m, a), ZK_OK);
    assert_int_equal(machine_add(&m, b), ZK_OK);
    machine_layout l;
    for (unsigned h = 0; h < 256; h++) {
        uint8_t first[2] = {(uint8_t)h, 0}, second[2] = {0, (uint8_t)h};
        bool in_range = h == 0 || (h >= 6 && h <= 20);
        assert_int_equal(machine_layout_compute(&l, &m, first, 20, 20),
                         in_range ? ZK_OK : ZK_EPROOF);
        assert_int_equal(machine_layout_compute(&l, &m, second, 20, 20),
                         h == 0 || h == 9 ? ZK_OK : ZK_EPROOF);
    }
    chip_free(a);
    chip_free(b);
}

static void test_preprocessed_layout(void **state)
{
    (void)state;
    machine m;
    machine_init(&m, "m");
    chip *a = make_chip("none", (shape_of_chip){5, 0, 0, 0});
    chip *b = make_chip("three", (shape_of_chip){2, 3, 1, 0});
    chip *c = make_chip("four", (shape_of_chip){2, 4, 1, 0});
    assert_int_equal(machine_add(&m, a), ZK_OK);
    assert_int_equal(machine_add(&m, b), ZK_OK);
    assert_int_equal(machine_add(&m, c), ZK_OK);
    machine_layout l;
    const uint8_t heights[3] = {10, 7, 9};
    assert_int_equal(machine_layout_preprocessed(&l, &m, heights, 20, 6), ZK_OK);
    assert_int_equal(l.slots[0].log_height, 0);
    assert_int_equal(layout_column(&l, 2, 3), 3 << 9);
    assert_int_equal(layout_column(&l, 1, 0), 4 << 9);
    assert_int_equal(l.n_cells, (4 << 9) + (3 << 7));
    assert_int_equal(l.log_stack, 12);
    assert_int_equal(machine_layout_preprocessed(&l, &m, heights, 20, 20), ZK_OK);
    assert_int_equal(l.log_stack, 20);
    assert_int_equal(machine_add(&m, b), ZK_EINVAL); // preprocessed columns: one slot
    chip_free(a);
    chip_free(b);
    chip_free(c);
}

static void test_slots(void **state)
{
    (void)state;
    machine m;
    machine_init(&m, "m");
    chip *a = make_chip("a", (shape_of_chip){5, 0, 3, 0});
    chip *same_name = make_chip("a", (shape_of_chip){1, 0, 0, 0});
    chip *wide = make_chip("wide", (shape_of_chip){1020, 0, 500, 0});
    assert_int_equal(machine_add(&m, a), ZK_OK);
    assert_int_equal(machine_add(&m, a), ZK_OK);
    assert_int_equal(m.slots[1].block, 1);
    assert_int_equal(m.slots[1].first_column, 5);
    assert_int_equal(m.slots[1].first_interaction, 3);
    assert_int_equal(m.slots[1].first_constraint, 1);
    assert_int_equal(m.max_degree, 2);
    assert_int_equal(machine_add(&m, a), ZK_EINVAL);
    assert_int_equal(machine_add(&m, same_name), ZK_EINVAL);
    assert_int_equal(machine_add(&m, wide), ZK_OK);
    assert_int_equal(machine_add(&m, wide), ZK_ELIMIT);
    assert_int_equal(m.n_slots, 3);
    assert_int_equal(m.max_slot_columns, 1020);
    chip_free(a);
    chip_free(same_name);
    chip_free(wide);
}

static void declare_constraints(chip_builder *b, const void *context)
{
    const unsigned *n = context;
    expr x = chip_column(b, "x");
    for (unsigned k = 0; k < *n; k++)
        chip_zero(b, x, "number %u", k);
}

// What the arrays of the verifier and the table of SOUNDNESS.md hold.
static void test_limits(void **state)
{
    (void)state;
    static const struct {
        shape_of_chip shape;
        unsigned n_constraints; // not 0: a chip of these instead
        unsigned n_slots;       // with these the machine is full
        const char *words;
    } cases[] = {
        {{1, 0, 0, 0}, 0, 96, "more than 96 slots"},
        {{1024, 0, 0, 0}, 0, 2, "columns, more than 2048"},
        {{1, 0, 512, 0}, 0, 4, "interactions, more than 2048"},
        {{0, 0, 0, 0}, 2048, 4, "constraints, more than 8192"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        machine m;
        chip *chips[MACHINE_MAX_SLOTS + 1];
        char names[MACHINE_MAX_SLOTS + 1][8];
        machine_init(&m, "full");
        for (unsigned s = 0; s <= cases[i].n_slots; s++) {
            snprintf(names[s], sizeof names[s], "c%u", s);
            if (cases[i].n_constraints == 0)
                chips[s] = make_chip(names[s], cases[i].shape);
            else if (chip_build(&chips[s], names[s], declare_constraints,
                                &cases[i].n_constraints) != ZK_OK)
                fail_msg("%s", status_message());
            bool fits = s < cases[i].n_slots;
            assert_int_equal(machine_add(&m, chips[s]), fits ? ZK_OK : ZK_ELIMIT);
        }
        assert_non_null(strstr(status_message(), cases[i].words));
        assert_int_equal(m.n_slots, cases[i].n_slots);
        for (unsigned s = 0; s <= cases[i].n_slots; s++)
            chip_free(chips[s]);
    }
}

// ---- Digest: every part of a declaration changes it
// ------------------------------------------------

enum { VARIANTS = 24, RENAMED = VARIANTS - 1 };

static void declare_variant(chip_builder *b, const void *context)
{
    unsigned v = *(const unsigned *)context;
    if (v == 1)
        chip_permutation(b);
    if (v >= 20)
        chip_table(b);
    chip_fixed_height(b, v == 2 ? 7 : 8);
    expr real = v >= 20 ? chip_column(b, "real") : chip_flag(b, "real");
    if (v >= 20)
        chip_boolean(b, real, "real flag is boolean");
    expr x = chip_column(b, v == 3 ? "z" : "x");
    expr y = v == 4 ? chip_preprocessed(b, "y") : chip_column(b, "y");
    expr i = chip_closed(
        b, "i", closed_unary(v == 5 ? CLOSED_MSB : CLOSED_BITS, v == 6 ? 1 : 0, v == 7 ? 6 : 7));
    expr k = chip_closed(b, "k", closed_constant(v == 8 ? 4 : 3));
    expr w = chip_closed(b, "w", closed_binary(CLOSED_AND, 0, v == 9 ? 4 : 3, 3));
    if (v != 10)
        chip_zero(b, e_mul(x, v == 11 ? e_add(x, y) : e_sub(x, y)), v == 12 ? "other" : "first");
    chip_zero(b, e_mul(x, e_scale(v == 13 ? 8 : 7, y)), "second");
    const expr fields[2] = {e_add(x, e_const(v == 14 ? 1 : 2)), e_sub(v == 15 ? k : i, w)};
    tuple_domain domain = v == 16 ? TUPLE_ADDR : TUPLE_STATE;
    if (v >= 20) {
        expr count = v == 22 ? e_scale(2, x) : x;
        if (v > 20)
            chip_receive(b, TUPLE_RANGE, count, FIELDS(e_const(7), i));
        return;
    }
    if (v == 17)
        chip_receive(b, domain, real, fields, 2);
    else
        chip_send(b, domain, real, fields, 2);
    if (v == 18)
        chip_send(b, domain, real, fields, 2);
    if (v == 19)
        chip_column(b, "more");
}

static digest digest_of(const machine *m)
{
    digest d;
    assert_int_equal(machine_digest(&d, m, hash_get(HASH_POSEIDON)), ZK_OK);
    return d;
}

static void test_digest(void **state)
{
    (void)state;
    static digest seen[VARIANTS + 2];
    chip *c;
    for (unsigned v = 0; v < VARIANTS; v++) {
        unsigned variant = v == RENAMED ? 0 : v;
        const char *name = v == RENAMED ? "renamed" : "variant";
        if (chip_build(&c, name, declare_variant, &variant) != ZK_OK)
            fail_msg("variant %u: %s", v, status_message());
        machine m;
        machine_init(&m, "m");
        assert_int_equal(machine_add(&m, c), ZK_OK);
        seen[v] = digest_of(&m);
        assert_true(digest_equal(seen[v], digest_of(&m)));
        if (v == 0) {
            assert_int_equal(machine_add(&m, c), ZK_OK);
            seen[VARIANTS] = digest_of(&m);
            machine_init(&m, "n");
            assert_int_equal(machine_add(&m, c), ZK_OK);
            seen[VARIANTS + 1] = digest_of(&m);
        }
        chip_free(c);
    }
    for (unsigned v = 0; v < VARIANTS + 2; v++)
        for (unsigned w = 0; w < v; w++)
            if (digest_equal(seen[v], seen[w]))
                fail_msg("variants %u and %u have the same digest", v, w);
}

// The same constraints, with nodes made in another order and commuted operands.
static void declare_in_order(chip_builder *b, const void *context)
{
    bool turned = *(const bool *)context;
    expr x = chip_column(b, "x");
    expr y = chip_column(b, "y");
    expr z = chip_column(b, "z");
    expr product, sum;
    if (turned) {
        sum = e_add(z, e_neg(x));
        product = e_mul(e_mul(z, y), x);
    } else {
        product = e_mul(x, e_mul(y, z));
        sum = e_add(e_neg(x), z);
    }
    chip_zero(b, e_sub(product, sum), "first");
    chip_zero(b, turned ? e_mul(sum, product) : e_mul(product, sum), "second");
}

static void test_digest_knows_no_order_of_evaluation(void **state)
{
    (void)state;
    digest seen[2];
    for (int turned = 0; turned < 2; turned++) {
        bool context = turned;
        chip *c;
        if (chip_build(&c, "order", declare_in_order, &context) != ZK_OK)
            fail_msg("%s", status_message());
        machine m;
        machine_init(&m, "m");
        assert_int_equal(machine_add(&m, c), ZK_OK);
        seen[turned] = digest_of(&m);
        chip_free(c);
    }
    assert_true(digest_equal(seen[0], seen[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_knows_no_order_of_evaluation),
        cmocka_unit_test(test_layout_properties),
        cmocka_unit_test(test_heights_are_checked),
        cmocka_unit_test(test_preprocessed_layout),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
