// SPDX-License-Identifier: Apache-2.0 OR MIT
// beq, bne; blt, bge, bltu, bgeu.
#include "chips/chips.h"

// Next pc = taken ? target : pc + length, as a column forced by one constraint.
static void declare_target(const step *s, expr taken, expr target)
{
    expr next_pc = chip_column(s->b, "next_pc");
    expr on = e_add(s->pc, s->length);
    // In padding rows pc, length and next_pc would be 0, 4 and 0: the real flag keeps them out.
    chip_zero(s->b, e_mul(s->real, e_sub(next_pc, e_select(taken, target, on))), "next pc");
    step_next(s, next_pc);
}

// equal * (difference of each limb) = 0 forces equal to 0 when a != b; when a = b the inverse
// hints multiply zeros, and h0 * d0 + h1 * d1 = 1 - equal forces equal to 1.
static void declare_beq(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rs1 = chip_column(b, "rs1")};
    o.rs2 = chip_column(b, "rs2");
    o.imm.lo = chip_column(b, "target");
    expr invert = chip_bit(b, "not_equal");
    o.flags = flag_bits(&invert, 1);
    word x = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word y = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    expr equal = chip_bit(b, "equal");
    expr h0 = chip_column(b, "hint0"), h1 = chip_column(b, "hint1");
    expr d0 = e_sub(x.lo, y.lo), d1 = e_sub(x.hi, y.hi);
    chip_zero(b, e_mul(equal, d0), "equal, low limb");
    chip_zero(b, e_mul(equal, d1), "equal, high limb");
    // Padding rows: equal is 0 there, so 1 has to be the real flag.
    chip_equal(b, e_add(e_mul(h0, d0), e_mul(h1, d1)), e_sub(s->real, equal), "different");
    expr taken = e_sub(e_add(equal, invert), e_scale(2, e_mul(equal, invert)));
    declare_target(s, taken, o.imm.lo);
    step_fetch(s, FETCH_BEQ, o);
}

static void fill_beq(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_branch *r = row;
    const insn *i = r->head.insn;
    put_step(c, &r->head);
    put(c, i->rs1);
    put(c, i->rs2);
    put(c, r->head.pc + (uint64_t)(int64_t)i->imm);
    put(c, i->op == OP_bne);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    fe d0 = fe_sub(low32(r->a.value), low32(r->b.value));
    fe d1 = fe_sub(high32(r->a.value), high32(r->b.value));
    put(c, d0 == 0 && d1 == 0);
    put(c, d0 != 0 ? fe_inv(d0) : 0);
    put(c, d0 == 0 && d1 != 0 ? fe_inv(d1) : 0);
    put(c, r->head.next_pc);
}

// a - b = diff - 2^64 below with range-checked diff: `below` says a < b unsigned. Signed: the
// answer turns when the signs differ.
static void declare_blt(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rs1 = chip_column(b, "rs1")};
    o.rs2 = chip_column(b, "rs2");
    o.imm.lo = chip_column(b, "target");
    expr flags[2] = {chip_bit(b, "signed")};
    flags[1] = chip_bit(b, "not_below");
    o.flags = flag_bits(flags, 2);
    word x = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word y = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    expr less = compare_words(s, "a.top", "b.top", x, y, flags[0]);
    expr taken = e_sub(e_add(less, flags[1]), e_scale(2, e_mul(less, flags[1])));
    expr taken_column = chip_column(b, "taken");
    chip_equal(b, taken_column, taken, "taken");
    declare_target(s, taken_column, o.imm.lo);
    step_fetch(s, FETCH_BLT, o);
}

static void fill_blt(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_branch *r = row;
    const insn *i = r->head.insn;
    bool is_signed = i->op == OP_blt || i->op == OP_bge;
    bool not_below = i->op == OP_bge || i->op == OP_bgeu;
    put_step(c, &r->head);
    put(c, i->rs1);
    put(c, i->rs2);
    put(c, r->head.pc + (uint64_t)(int64_t)i->imm);
    put(c, is_signed);
    put(c, not_below);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    bool less = put_compare_words(c, r->a.value, r->b.value, is_signed);
    put(c, less != not_below);
    put(c, r->head.next_pc);
}

const chip_spec chip_spec_BEQ = {"beq", declare_beq, NULL, fill_beq};
const chip_spec chip_spec_BLT = {"blt", declare_blt, NULL, fill_blt};
