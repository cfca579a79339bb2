// SPDX-License-Identifier: Apache-2.0 OR MIT
// add, sub, addi, addw, subw, addiw (and the no-operations, which are addi x0, x0, 0).
#include "chips/chips.h"

typedef struct add_form {
    fetch_class class;
    bool immediate; // second operand is the immediate, no sub
    bool w;         // the result is one limb, sign-extended
} add_form;

// a + b = r for add, r + b = a for sub, limb by limb with boolean carries:
//   a - r + (1 - 2 sub)(b + carry in - 2^limb carry out) = 0.
// r is range-checked, so each carry and each limb of r has one solution. In the W form the high
// limb of r is the sign of the low one: the top bit of its upper part, whose other bits are
// checked.
static void declare(const step *s, const void *context)
{
    const add_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    expr sub = e_const(0);
    if (!f->immediate) {
        sub = chip_bit(b, "sub");
        o.rs2 = chip_column(b, "rs2");
        o.flags = flag_bits(&sub, 1);
    }
    word x = read_register(s, "a", o.rs1, VM_SLOT_RS1), y;
    if (f->immediate) {
        y = o.imm = imm_columns(s);
    } else {
        y = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    }
    expr sign = e_sub(e_const(1), e_scale(2, sub));
    expr carry_lo = chip_bit(b, "carry_lo");
    word r;
    if (f->w) {
        expr negative;
        r.lo = checked_limb_signed(s, "r", &negative);
        r.hi = ones_if(s, negative);
    } else {
        r = checked_word(s, "r");
        expr carry_hi = chip_bit(b, "carry_hi");
        expr high = E_SUM(y.hi, carry_lo, e_neg(carry_out(s, carry_hi)));
        chip_zero(b, e_add(e_sub(x.hi, r.hi), e_mul(sign, high)), "high limb");
    }
    expr low = e_sub(y.lo, carry_out(s, carry_lo));
    chip_zero(b, e_add(e_sub(x.lo, r.lo), e_mul(sign, low)), "low limb");
    write_register(s, o.rd, r);
    step_fetch(s, f->class, o);
    step_sequential(s);
}

static void fill(cursor *c, const void *row, const void *context)
{
    const add_form *f = context;
    const row_alu *r = row;
    const insn *i = r->head.insn;
    bool sub = i->op == OP_sub || i->op == OP_subw;
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    if (!f->immediate) {
        put(c, sub);
        put(c, i->rs2);
    }
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    if (f->immediate)
        put_word(c, r->b.value);
    else
        put_read(c, &r->head, &r->b, VM_SLOT_RS2);

    // The sum whose carries the row holds: a + b, or r + b = a for sub.
    uint64_t x = sub ? r->a.value - r->b.value : r->a.value, y = r->b.value;
    uint64_t carry_lo = ((uint64_t)low32(x) + low32(y)) >> 32;
    put(c, carry_lo);
    if (f->w) {
        put_limb_signed(c, low32(r->d.value));
    } else {
        put_parts(c, r->d.value);
        put(c, ((uint64_t)high32(x) + high32(y) + carry_lo) >> 32);
    }
    put_write(c, &r->head, &r->d);
}

#define ADD_CHIP(NAME, text, is_immediate, is_w)                                                   \
    static const add_form form_##NAME = {FETCH_##NAME, is_immediate, is_w};                        \
    const chip_spec chip_spec_##NAME = {text, declare, &form_##NAME, fill};

ADD_CHIP(ADD, "add", false, false)
ADD_CHIP(ADDI, "addi", true, false)
ADD_CHIP(ADDW, "addw", false, true)
ADD_CHIP(ADDIW, "addiw", true, true)
