// SPDX-License-Identifier: Apache-2.0 OR MIT
// slt, sltu, slti, sltiu, and the comparison that branches use too.
#include "chips/chips.h"

// Unsigned: a.lo - b.lo + 2^limb borrow = diff.lo, a.hi - b.hi - borrow + 2^limb below = diff.hi
// with both limbs of diff in range: each equation has one solution, and below = (a < b). Signed:
// with different signs the negative one is less, so below turns: less = below XOR (is_signed AND
// (sign a XOR sign b)). The sign bits are proved for both operands in every row.
expr compare_words(const step *s, const char *x_name, const char *y_name, word x, word y,
                   expr is_signed)
{
    chip_builder *b = s->b;
    expr borrow = chip_bit(b, "borrow"), below = chip_bit(b, "below");
    word diff = checked_word(s, "diff");
    chip_equal(b, e_add(e_sub(x.lo, y.lo), carry_out(s, borrow)), diff.lo, "diff, low limb");
    chip_equal(b, e_add(e_sub(e_sub(x.hi, y.hi), borrow), carry_out(s, below)), diff.hi,
               "diff, high limb");
    expr sx = limb_sign(s, x_name, x.hi);
    expr sy = limb_sign(s, y_name, y.hi);
    expr differ = e_sub(e_add(sx, sy), e_scale(2, e_mul(sx, sy)));
    expr turn = e_mul(is_signed, differ);
    expr less = chip_column(b, "less");
    chip_equal(b, less, e_sub(e_add(below, turn), e_scale(2, e_mul(below, turn))), "less");
    return less;
}

bool put_compare_words(cursor *c, uint64_t x, uint64_t y, bool is_signed)
{
    put(c, low32(x) < low32(y));
    put(c, x < y);
    put_parts(c, x - y);
    put_limb_sign(c, high32(x));
    put_limb_sign(c, high32(y));
    bool less = is_signed ? (int64_t)x < (int64_t)y : x < y;
    put(c, less);
    return less;
}

typedef struct compare_form {
    fetch_class class;
    bool immediate;
} compare_form;

static void declare(const step *s, const void *context)
{
    const compare_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    expr is_signed = chip_bit(b, "signed");
    o.flags = flag_bits(&is_signed, 1);
    word x = read_register(s, "a", o.rs1, VM_SLOT_RS1), y;
    if (f->immediate) {
        y = o.imm = imm_columns(s);
    } else {
        o.rs2 = chip_column(b, "rs2");
        y = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    }
    expr less = compare_words(s, "a.top", "b.top", x, y, is_signed);
    write_register(s, o.rd, (word){less, e_const(0)});
    step_fetch(s, f->class, o);
    step_sequential(s);
}

static void fill(cursor *c, const void *row, const void *context)
{
    const compare_form *f = context;
    const row_alu *r = row;
    const insn *i = r->head.insn;
    bool is_signed = i->op == OP_slt || i->op == OP_slti;
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    put(c, is_signed);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    if (f->immediate) {
        put_word(c, r->b.value);
    } else {
        put(c, i->rs2);
        put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    }
    put_compare_words(c, r->a.value, r->b.value, is_signed);
    put_write(c, &r->head, &r->d);
}

static const compare_form form_lt = {FETCH_LT, false}, form_lti = {FETCH_LTI, true};
const chip_spec chip_spec_LT = {"lt", declare, &form_lt, fill};
const chip_spec chip_spec_LTI = {"lti", declare, &form_lti, fill};
