// SPDX-License-Identifier: Apache-2.0 OR MIT
// and, or, xor and their immediate forms, byte by byte through the BYTE table.
#include "chips/chips.h"

typedef struct bitwise_form {
    fetch_class class;
    bool immediate;
} bitwise_form;

// BYTE(op, a_i, b_i, c_i) makes all three bytes and the result right; a and b are the packed bytes.
// op = or + 2 xor: a row with both flags would look up op 3, which no table has.
static void declare(const step *s, const void *context)
{
    const bitwise_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    expr flags[2] = {chip_bit(b, "or")};
    flags[1] = chip_bit(b, "xor");
    o.flags = flag_bits(flags, 2);
    expr x[8], y[8], z[8];
    unsigned n = word_bytes(s->shape);
    chip_columns(b, x, "x", n);
    chip_columns(b, y, "y", n);
    chip_columns(b, z, "z", n);
    expr op = e_add(flags[0], e_scale(BYTE_XOR, flags[1]));
    for (unsigned i = 0; i < n; i++)
        chip_send(b, TUPLE_BYTE, s->real, FIELDS(op, x[i], y[i], z[i]));
    word wx = word_of_bytes(s, x), wy = word_of_bytes(s, y);
    access_word(s, "a", SPACE_REGISTER, o.rs1, wx, wx, VM_SLOT_RS1);
    if (f->immediate) {
        o.imm = wy;
    } else {
        o.rs2 = chip_column(b, "rs2");
        access_word(s, "b", SPACE_REGISTER, o.rs2, wy, wy, VM_SLOT_RS2);
    }
    write_register(s, o.rd, word_of_bytes(s, z));
    step_fetch(s, f->class, o);
    step_sequential(s);
}

static void fill(cursor *c, const void *row, const void *context)
{
    const bitwise_form *f = context;
    const row_alu *r = row;
    const insn *i = r->head.insn;
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    put(c, i->op == OP_or || i->op == OP_ori);
    put(c, i->op == OP_xor || i->op == OP_xori);
    put_bytes(c, r->a.value);
    put_bytes(c, r->b.value);
    put_bytes(c, r->d.value);
    put_access(c, r->head.ts + VM_SLOT_RS1, r->a.old_ts);
    if (!f->immediate) {
        put(c, i->rs2);
        put_access(c, r->head.ts + VM_SLOT_RS2, r->b.old_ts);
    }
    put_write(c, &r->head, &r->d);
}

static const bitwise_form form_bit = {FETCH_BIT, false}, form_biti = {FETCH_BITI, true};
const chip_spec chip_spec_BIT = {"bit", declare, &form_bit, fill};
const chip_spec chip_spec_BITI = {"biti", declare, &form_biti, fill};
