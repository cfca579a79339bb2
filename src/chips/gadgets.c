// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/gadgets.h"

#include <stdio.h>

enum { NAME_BYTES = 64 };

const word_shape word_shape_64 = {
    .byte_bits = 8,
    .part_bits = 16,
    .carry_bits = 20,
    .time_bits = VM_TS_BITS / 2,
    .ram_base = VM_RAM_BASE,
    .ram_bits = 26,
    .halt_call = 93,
};
_Static_assert(VM_RAM_SIZE == 8ULL << 26, "the RAM of the chips is the RAM of the machine");

static expr named_column(chip_builder *b, const char *stem, const char *suffix)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s", stem, suffix);
    return chip_column(b, name);
}

static expr named_bit(chip_builder *b, const char *stem, const char *suffix)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s", stem, suffix);
    return chip_bit(b, name);
}

step step_begin(chip_builder *b, const word_shape *shape)
{
    step s = {.b = b, .shape = shape, .real = chip_flag(b, "real")};
    s.pc = chip_column(b, "pc");
    s.ts = chip_column(b, "ts");
    s.compressed = chip_bit(b, "compressed");
    s.length = e_sub(e_const(4), e_scale(2, s.compressed));
    chip_receive(b, TUPLE_STATE, s.real, FIELDS(s.pc, s.ts));
    return s;
}

void step_next(const step *s, expr next_pc)
{
    chip_send(s->b, TUPLE_STATE, s->real, FIELDS(next_pc, e_add(s->ts, e_const(VM_STEP_SLOTS))));
}

void step_sequential(const step *s)
{
    step_next(s, e_add(s->pc, s->length));
}

void step_fetch(const step *s, fetch_class class, fetch_operands o)
{
    chip_send(s->b, TUPLE_FETCH, s->real,
              FIELDS(s->pc, e_const(class), o.rd, o.rs1, o.rs2, o.imm.lo, o.imm.hi,
                     e_add(o.flags, s->compressed)));
}

void range_check(const step *s, unsigned bits, expr value)
{
    chip_send(s->b, TUPLE_RANGE, s->real, FIELDS(e_const(bits), value));
}

// ---- Sizes put to use
// --------------------------------------------------------------------------

expr carry_out(const step *s, expr carry)
{
    return e_scale(1ULL << limb_bits(s->shape), carry);
}

expr ones_if(const step *s, expr bit)
{
    return e_scale((1ULL << limb_bits(s->shape)) - 1, bit);
}

expr upper_limb(const step *s, expr upper)
{
    return e_scale(word_bytes(s->shape) / 2, upper);
}

expr limb_of(const step *s, expr low, expr high)
{
    return e_add(low, e_scale(1ULL << s->shape->part_bits, high));
}

word word_of_parts(const step *s, const expr parts[4])
{
    return (word){limb_of(s, parts[0], parts[1]), limb_of(s, parts[2], parts[3])};
}

word word_of_bytes(const step *s, const expr *bytes)
{
    unsigned n = word_bytes(s->shape) / 2, bits = s->shape->byte_bits;
    return (word){e_pack(bytes, n, bits), e_pack(bytes + n, n, bits)};
}

// ---- Columns
// -------------------------------------------------------------------------------------

word word_columns(const step *s, const char *name)
{
    word w = {.lo = named_column(s->b, name, "lo")};
    w.hi = named_column(s->b, name, "hi");
    return w;
}

word imm_columns(const step *s)
{
    word w = {.lo = chip_column(s->b, "imm_lo")};
    w.hi = chip_column(s->b, "imm_hi");
    return w;
}

expr checked_limb(const step *s, const char *name)
{
    expr low = named_column(s->b, name, "0"), high = named_column(s->b, name, "1");
    range_check(s, s->shape->part_bits, low);
    range_check(s, s->shape->part_bits, high);
    return limb_of(s, low, high);
}

expr checked_limb_signed(const step *s, const char *name, expr *sign)
{
    unsigned part = s->shape->part_bits;
    expr low = named_column(s->b, name, "0"), high = named_column(s->b, name, "1");
    *sign = named_bit(s->b, name, "sign");
    range_check(s, part, low);
    range_check(s, part - 1, high);
    return e_add(limb_of(s, low, high), e_scale(1ULL << (2 * part - 1), *sign));
}

word checked_word(const step *s, const char *name)
{
    char half[NAME_BYTES];
    word w;
    snprintf(half, sizeof half, "%s.lo", name);
    w.lo = checked_limb(s, half);
    snprintf(half, sizeof half, "%s.hi", name);
    w.hi = checked_limb(s, half);
    return w;
}

word checked_parts(const step *s, const char *name, expr parts[4])
{
    chip_columns(s->b, parts, name, 4);
    for (int i = 0; i < 4; i++)
        range_check(s, s->shape->part_bits, parts[i]);
    return word_of_parts(s, parts);
}

expr checked_value(const step *s, const char *first, const char *second, unsigned bits)
{
    unsigned low_bits = bits < s->shape->part_bits ? bits : s->shape->part_bits;
    expr low = chip_column(s->b, first), high = chip_column(s->b, second);
    range_check(s, low_bits, low);
    range_check(s, bits - low_bits, high);
    return limb_of(s, low, high);
}

// limb = low + 2^part (rest + 2^(part - 1) sign) with low < 2^part, rest < 2^(part - 1): one
// solution. rest is affine: (limb - low) / 2^part - 2^(part - 1) sign.
expr limb_sign(const step *s, const char *name, expr limb)
{
    unsigned part = s->shape->part_bits;
    expr low = named_column(s->b, name, "low"), sign = named_bit(s->b, name, "sign");
    range_check(s, part, low);
    expr high = e_scale(fe_inv(1ULL << part), e_sub(limb, low));
    range_check(s, part - 1, e_sub(high, e_scale(1ULL << (part - 1), sign)));
    return sign;
}

// ---- Accesses
// ------------------------------------------------------------------------------------

void access_word(const step *s, const char *name, tuple_space space, expr addr, word old_value,
                 word new_value, unsigned slot)
{
    expr d0 = named_column(s->b, name, "d0"), d1 = named_column(s->b, name, "d1");
    unsigned bits = s->shape->time_bits;
    range_check(s, bits, d0);
    range_check(s, bits, d1);
    expr ts = e_add(s->ts, e_const(slot));
    expr old_ts = e_sub(e_sub(ts, e_const(1)), e_add(d0, e_scale(1ULL << bits, d1)));
    chip_receive(s->b, TUPLE_MEM, s->real,
                 FIELDS(e_const(space), addr, old_value.lo, old_value.hi, old_ts));
    chip_send(s->b, TUPLE_MEM, s->real,
              FIELDS(e_const(space), addr, new_value.lo, new_value.hi, ts));
}

word read_register(const step *s, const char *name, expr reg, unsigned slot)
{
    word value = word_columns(s, name);
    access_word(s, name, SPACE_REGISTER, reg, value, value, slot);
    return value;
}

void write_register(const step *s, expr reg, word value)
{
    word old = {.lo = chip_column(s->b, "rd.old_lo")};
    old.hi = chip_column(s->b, "rd.old_hi");
    access_word(s, "rd", SPACE_REGISTER, reg, old, value, VM_SLOT_RD);
}

expr flag_bits(const expr *bits, size_t n)
{
    expr sum = e_const(0);
    for (size_t i = 0; i < n; i++)
        sum = e_add(sum, e_scale(2ULL << i, bits[i]));
    return sum;
}

region whole_memory(const step *s)
{
    return (region){0, limb_bits(s->shape) - offset_bits(s->shape)};
}

region ram_only(const step *s)
{
    return (region){s->shape->ram_base, s->shape->ram_bits};
}

// lo: a.lo + imm.lo = (address + offset) + 2^limb c0, hi: a.hi + imm.hi + c0 = 2^limb c1. Address
// and offset stay within a limb whatever the columns hold, so that both carries are forced.
expr word_address(const step *s, const char *name, word a, word imm, expr offset, region in)
{
    char w0[NAME_BYTES], w1[NAME_BYTES];
    snprintf(w0, sizeof w0, "%s.w0", name);
    snprintf(w1, sizeof w1, "%s.w1", name);
    expr index = checked_value(s, w0, w1, in.bits);
    expr c0 = named_bit(s->b, name, "c0"), c1 = named_bit(s->b, name, "c1");
    // In padding rows everything is zero, the base too.
    expr address = e_add(e_scale(in.base, s->real), e_scale(word_bytes(s->shape), index));
    chip_equal(s->b, e_add(a.lo, imm.lo), E_SUM(address, offset, carry_out(s, c0)), "%s.address_lo",
               name);
    chip_equal(s->b, E_SUM(a.hi, imm.hi, c0), carry_out(s, c1), "%s.address_hi", name);
    return address;
}
