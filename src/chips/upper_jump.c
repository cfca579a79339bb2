// SPDX-License-Identifier: Apache-2.0 OR MIT
// lui, auipc, jal, jalr.
#include "chips/chips.h"

// The value is worked out when the key is made: it is the immediate of the program table, two limbs
// already.
static void declare_upper(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.imm = imm_columns(s);
    write_register(s, o.rd, o.imm);
    step_fetch(s, FETCH_UPPER, o);
    step_sequential(s);
}

static void fill_upper(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_upper *r = row;
    put_step(c, &r->head);
    put(c, r->head.insn->rd);
    put_word(c, r->d.value);
    put_write(c, &r->head, &r->d);
}

// The link pc + length is below 2^32: pc is an address of the program table, all of which lie far
// below 2^32 - 4.
static word link_of(const step *s)
{
    return (word){e_add(s->pc, s->length), e_const(0)};
}

static void declare_jal(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.imm.lo = chip_column(b, "target");
    write_register(s, o.rd, link_of(s));
    step_fetch(s, FETCH_JAL, o);
    step_next(s, o.imm.lo);
}

static void fill_jal(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_jump *r = row;
    put_step(c, &r->head);
    put(c, r->head.insn->rd);
    put(c, r->head.next_pc);
    put_write(c, &r->head, &r->d);
}

// a + imm = target + 2^limb carry_lo, target = bit + 2 half with half in range, a bit less than a
// limb: so target is a limb and its parts are unique; the high limbs add up to 0 mod 2^limb.
// The next pc is the target without bit 0.
static void declare_jalr(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    o.imm = imm_columns(s);
    expr bit = chip_bit(b, "bit");
    expr half = checked_value(s, "half0", "half1", limb_bits(s->shape) - 1);
    expr carry_lo = chip_bit(b, "carry_lo"), carry_hi = chip_bit(b, "carry_hi");
    expr next_pc = e_scale(2, half);
    chip_equal(b, e_add(a.lo, o.imm.lo), E_SUM(next_pc, bit, carry_out(s, carry_lo)),
               "target, low limb");
    chip_equal(b, E_SUM(a.hi, o.imm.hi, carry_lo), carry_out(s, carry_hi), "target, high limb");
    write_register(s, o.rd, link_of(s));
    step_fetch(s, FETCH_JALR, o);
    step_next(s, next_pc);
}

static void fill_jalr(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_jump *r = row;
    uint64_t imm = (uint64_t)(int64_t)r->head.insn->imm, target = r->a.value + imm;
    put_step(c, &r->head);
    put(c, r->head.insn->rd);
    put(c, r->head.insn->rs1);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_word(c, imm);
    put(c, target & 1);
    put(c, target >> 1 & 0xffff);
    put(c, target >> 17 & 0x7fff);
    uint64_t low = (uint64_t)low32(r->a.value) + low32(imm);
    put(c, low >> 32);
    put(c, ((uint64_t)high32(r->a.value) + high32(imm) + (low >> 32)) >> 32);
    put_write(c, &r->head, &r->d);
}

const chip_spec chip_spec_UPPER = {"upper", declare_upper, NULL, fill_upper};
const chip_spec chip_spec_JAL = {"jal", declare_jal, NULL, fill_jal};
const chip_spec chip_spec_JALR = {"jalr", declare_jalr, NULL, fill_jalr};
