// SPDX-License-Identifier: Apache-2.0 OR MIT
// lui, auipc, jal, jalr.
#include "chips/chips.h"

// The value is worked out when the key is made: it is the immediate of the program table, whose
// limbs are below 2^32.
static void declare_upper(chip_builder *b, const void *context)
{
    (void)context;
    step s = step_begin(b);
    fetch_operands o = {.rd = chip_column(b, "rd")};
    word value = {chip_column(b, "imm_lo"), chip_column(b, "imm_hi")};
    o.imm_lo = value.lo;
    o.imm_hi = value.hi;
    write_register(&s, o.rd, value);
    step_fetch(&s, FETCH_UPPER, o);
    step_sequential(&s);
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

static void declare_jal(chip_builder *b, const void *context)
{
    (void)context;
    step s = step_begin(b);
    fetch_operands o = {.rd = chip_column(b, "rd"), .imm_lo = chip_column(b, "target")};
    write_register(&s, o.rd, link_of(&s));
    step_fetch(&s, FETCH_JAL, o);
    step_next(&s, o.imm_lo);
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

// a + imm = target + 2^32 carry_lo, target = bit + 2 (half0 + 2^16 half1) with half0 < 2^16,
// half1 < 2^15, so target < 2^32 and its parts are unique; the high limbs add up to 0 mod 2^32.
// The next pc is the target without bit 0.
static void declare_jalr(chip_builder *b, const void *context)
{
    (void)context;
    step s = step_begin(b);
    fetch_operands o = {.rd = chip_column(b, "rd"), .rs1 = chip_column(b, "rs1")};
    word a = read_register(&s, "a", o.rs1, VM_SLOT_RS1);
    o.imm_lo = chip_column(b, "imm_lo");
    o.imm_hi = chip_column(b, "imm_hi");
    expr bit = chip_bit(b, "bit"), half0 = chip_column(b, "half0");
    expr half1 = chip_column(b, "half1");
    range_check(&s, 16, half0);
    range_check(&s, 15, half1);
    expr carry_lo = chip_bit(b, "carry_lo"), carry_hi = chip_bit(b, "carry_hi");
    expr next_pc = e_scale(2, e_add(half0, e_scale(1 << 16, half1)));
    chip_equal(b, e_add(a.lo, o.imm_lo), E_SUM(next_pc, bit, e_scale(1ULL << 32, carry_lo)),
               "target, low limb");
    chip_equal(b, E_SUM(a.hi, o.imm_hi, carry_lo), e_scale(1ULL << 32, carry_hi),
               "target, high limb");
    write_register(&s, o.rd, link_of(&s));
    step_fetch(&s, FETCH_JALR, o);
    step_next(&s, next_pc);
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
