// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "toys/toys.h"

#include <stdlib.h>

// One step (a, b) -> (b, a + b).
static void declare_fib(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr x = chip_column(b, "a"), y = chip_column(b, "b"), z = chip_column(b, "sum");
    chip_zero(b, e_mul(real, e_sub(z, e_add(x, y))), "sum is a + b");
    chip_receive(b, TUPLE_STATE, real, FIELDS(x, y));
    chip_send(b, TUPLE_STATE, real, FIELDS(y, z));
}

// A value in [0, 2^24) by three looked-up bytes. What a range check is about needs no column of its
// own: the caller writes it as an affine combination of these.
static expr declare_gap(chip_builder *b, expr real)
{
    expr byte[3];
    chip_columns(b, byte, "gap", 3);
    for (int i = 0; i < 3; i++)
        chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(8), byte[i]));
    return e_pack(byte, 3, 8);
}

// One access: the old value at the old time out, the new value in. A read keeps the value.
// old ts < ts, by old ts = ts - 1 - gap.
static void declare_memory(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr is_write = chip_bit(b, "is_write");
    expr addr = chip_column(b, "addr");
    expr old = chip_column(b, "old"), new = chip_column(b, "new");
    expr ts = chip_column(b, "ts");
    expr old_ts = e_sub(e_sub(ts, e_const(1)), declare_gap(b, real));
    expr space = e_const(SPACE_MEMORY), high = e_const(0);
    chip_zero(b, e_mul(e_mul(real, e_not(is_write)), e_sub(new, old)), "a read keeps the value");
    chip_receive(b, TUPLE_MEM, real, FIELDS(space, addr, old, high, old_ts));
    chip_send(b, TUPLE_MEM, real, FIELDS(space, addr, new, high, ts));
}

// One address: its initial value 0 at time 0, its final value, its link in the chain of addresses.
static void declare_edge(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr addr = chip_column(b, "addr");
    expr last = chip_column(b, "last"), last_ts = chip_column(b, "last_ts");
    expr previous = e_sub(e_sub(addr, e_const(1)), declare_gap(b, real));
    expr space = e_const(SPACE_MEMORY), zero = e_const(0);
    chip_send(b, TUPLE_MEM, real, FIELDS(space, addr, zero, zero, zero));
    chip_receive(b, TUPLE_MEM, real, FIELDS(space, addr, last, zero, last_ts));
    chip_receive(b, TUPLE_ADDR, real, FIELDS(space, previous));
    chip_send(b, TUPLE_ADDR, real, FIELDS(space, addr));
}

// context: bits of the values, an unsigned.
static void declare_range(chip_builder *b, const void *context)
{
    unsigned bits = *(const unsigned *)context;
    chip_table(b);
    chip_fixed_height(b, bits < CHIP_MIN_LOG_HEIGHT ? CHIP_MIN_LOG_HEIGHT : bits);
    expr value = chip_closed(b, "value", closed_index(bits));
    expr count = chip_column(b, "count");
    chip_receive(b, TUPLE_RANGE, count, FIELDS(e_const(bits), value));
}

// One round on five lanes: S-box x^7, then lane i := sum of all lanes + i * own lane + step.
static void declare_sbox(chip_builder *b, const void *context)
{
    (void)context;
    chip_permutation(b);
    expr real = chip_flag(b, "real");
    expr call = chip_column(b, "call"), step = chip_column(b, "step");
    expr in[5], out[5], power[5];
    chip_columns(b, in, "in", 5);
    chip_columns(b, out, "out", 5);
    for (int i = 0; i < 5; i++) {
        expr square = e_mul(in[i], in[i]);
        power[i] = e_mul(e_mul(square, e_mul(square, square)), in[i]);
    }
    expr all = e_sum(power, 5);
    for (unsigned i = 0; i < 5; i++) {
        expr mixed = e_add(e_add(all, e_scale(i, power[i])), step);
        chip_zero(b, e_mul(real, e_sub(out[i], mixed)), "lane %u", i);
    }
    chip_receive(b, TUPLE_LINK, real,
                 FIELDS(e_const(1), call, step, in[0], in[1], in[2], in[3], in[4]));
    chip_send(
        b, TUPLE_LINK, real,
        FIELDS(e_const(1), call, e_add(step, e_const(1)), out[0], out[1], out[2], out[3], out[4]));
}

// Words of four bits: a + b + carry_in = c + 16 carry_out, or a b = c + 16 d. The real flag is the
// sum of the two selectors. Small enough to try all cells.
static void declare_nibble(chip_builder *b, const void *context)
{
    (void)context;
    expr is_add = chip_bit(b, "is_add"), is_mul = chip_bit(b, "is_mul");
    expr real = e_add(is_add, is_mul);
    chip_real_flag(b, real);
    expr x = chip_column(b, "a"), y = chip_column(b, "b");
    expr carry_in = chip_bit(b, "carry_in");
    expr c = chip_column(b, "c"), d = chip_column(b, "d");
    expr result = e_add(c, e_scale(16, d));
    chip_zero(b, e_mul(is_add, e_sub(E_SUM(x, y, carry_in), result)), "a + b + carry");
    chip_zero(b, e_mul(is_add, e_mul(d, e_sub(d, e_const(1)))), "carry out is boolean");
    chip_zero(b, e_mul(is_mul, e_sub(e_mul(x, y), result)), "a * b");
    chip_zero(b, e_mul(is_mul, carry_in), "no carry into a product");
    const expr words[4] = {x, y, c, d};
    for (int i = 0; i < 4; i++)
        chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(4), words[i]));
}

// c = a op b by one lookup; op 0, 1, 2 is and, or, xor.
static void declare_logic(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr op = chip_column(b, "op");
    expr x = chip_column(b, "a"), y = chip_column(b, "b"), z = chip_column(b, "c");
    chip_send(b, TUPLE_BYTE, real, FIELDS(op, x, y, z));
}

static void declare_bitops(chip_builder *b, const void *context)
{
    (void)context;
    static const closed_kind kinds[3] = {CLOSED_AND, CLOSED_OR, CLOSED_XOR};
    chip_table(b);
    chip_fixed_height(b, 8);
    expr x = chip_closed(b, "a", closed_unary(CLOSED_BITS, 0, 4));
    expr y = chip_closed(b, "b", closed_unary(CLOSED_BITS, 4, 4));
    expr count[3];
    chip_columns(b, count, "count", 3);
    for (unsigned op = 0; op < 3; op++) {
        expr z = chip_closed(b, closed_kind_name(kinds[op]), closed_binary(kinds[op], 0, 4, 4));
        chip_receive(b, TUPLE_BYTE, count[op], FIELDS(e_const(op), x, y, z));
    }
}

static void declare_lookup(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr key = chip_column(b, "key"), value = chip_column(b, "value");
    chip_send(b, TUPLE_TOY, real, FIELDS(e_const(1), key, value));
}

static void declare_squares(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    expr key = chip_preprocessed(b, "key"), value = chip_preprocessed(b, "value");
    expr count = chip_column(b, "count");
    chip_receive(b, TUPLE_TOY, count, FIELDS(e_const(1), key, value));
}

// 20 columns: flag, 18 values in 6 groups of x, y, x y, and one for the last column.
static void declare_bench(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr v[18], last = chip_column(b, "last");
    chip_columns(b, v, "v", 18);
    for (unsigned g = 0; g < 6; g++) {
        expr x = v[3 * g], y = v[3 * g + 1], product = v[3 * g + 2];
        chip_zero(b, e_mul(real, e_sub(e_mul(x, y), product)), "product %u", g);
        chip_zero(b, e_mul(e_mul(y, y), e_sub(y, real)), "selector %u", g);
        chip_zero(b, e_mul(e_mul(real, y), e_sub(product, x)), "selected %u", g);
    }
    chip_zero(b, e_mul(real, e_mul(last, e_sub(last, e_const(1)))), "last is boolean");
    for (unsigned k = 0; k < 9; k++) {
        expr fields[5];
        for (unsigned t = 0; t < 5; t++)
            fields[t] = v[(2 * k + 3 * t) % 18];
        fields[4] = e_add(fields[4], e_scale(1ULL << 20, last));
        chip_send(b, TUPLE_MEM, real, fields, 5);
        chip_receive(b, TUPLE_MEM, real, fields, 5);
    }
}

status toy_bench_chip(chip **out, const char *name)
{
    return chip_build(out, name, declare_bench, NULL);
}

void toy_machine_free(toy_machine *t)
{
    if (t == NULL)
        return;
    for (int s = 0; s < TOY_SLOT_COUNT; s++)
        if (s != TOY_FIB_2)
            chip_free(t->chips[s]);
    free(t->squares);
    free(t);
}

status toy_machine_new(toy_machine **out)
{
    static const unsigned eight = 8, four = 4;
    static const struct {
        const char *name;
        chip_declare declare;
        const void *context;
    } table[TOY_SLOT_COUNT] = {
        [TOY_FIB] = {"fib", declare_fib, NULL},
        [TOY_MEMORY] = {"memory", declare_memory, NULL},
        [TOY_EDGE] = {"edge", declare_edge, NULL},
        [TOY_RANGE8] = {"range8", declare_range, &eight},
        [TOY_SBOX] = {"sbox", declare_sbox, NULL},
        [TOY_NIBBLE] = {"nibble", declare_nibble, NULL},
        [TOY_RANGE4] = {"range4", declare_range, &four},
        [TOY_LOGIC] = {"logic", declare_logic, NULL},
        [TOY_BITOPS] = {"bitops", declare_bitops, NULL},
        [TOY_LOOKUP] = {"lookup", declare_lookup, NULL},
        [TOY_SQUARES] = {"squares", declare_squares, NULL},
    };
    status result = ZK_OK;
    size_t n_squares = 1u << TOY_LOG_SQUARES;
    toy_machine *t = calloc(1, sizeof *t);
    FAIL_OUT_IF(t == NULL, ZK_ENOMEM, "no memory for the toy machine");
    machine_init(&t->m, "toys");
    for (int s = 0; s < TOY_SLOT_COUNT; s++) {
        if (s == TOY_FIB_2)
            t->chips[s] = t->chips[TOY_FIB];
        else
            TRY_OUT(chip_build(&t->chips[s], table[s].name, table[s].declare, table[s].context));
        TRY_OUT(machine_add(&t->m, t->chips[s]));
    }
    t->squares = calloc(2 * n_squares, sizeof *t->squares);
    FAIL_OUT_IF(t->squares == NULL, ZK_ENOMEM, "no memory for the toy machine");
    for (size_t i = 0; i < n_squares; i++) {
        t->squares[i] = 1000 + i;
        t->squares[n_squares + i] = (1000 + i) * (1000 + i);
    }
out:
    if (result != ZK_OK) {
        toy_machine_free(t);
        t = NULL;
    }
    *out = t;
    return result;
}
