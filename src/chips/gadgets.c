// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/gadgets.h"

#include <stdio.h>

enum { NAME_BYTES = 64 };

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

step step_begin(chip_builder *b)
{
    step s = {.b = b, .real = chip_flag(b, "real")};
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
              FIELDS(s->pc, e_const(class), o.rd, o.rs1, o.rs2, o.imm_lo, o.imm_hi,
                     e_add(o.flags, s->compressed)));
}

void range_check(const step *s, unsigned bits, expr value)
{
    chip_send(s->b, TUPLE_RANGE, s->real, FIELDS(e_const(bits), value));
}

expr limbs32(const step *s, const char *name)
{
    expr low = named_column(s->b, name, "0"), high = named_column(s->b, name, "1");
    range_check(s, 16, low);
    range_check(s, 16, high);
    return e_add(low, e_scale(1 << 16, high));
}

expr limbs32_signed(const step *s, const char *name, expr *sign)
{
    expr low = named_column(s->b, name, "0"), high = named_column(s->b, name, "1");
    *sign = named_bit(s->b, name, "sign");
    range_check(s, 16, low);
    range_check(s, 15, high);
    return E_SUM(low, e_scale(1 << 16, high), e_scale(1ULL << 31, *sign));
}

word limbs64(const step *s, const char *name)
{
    char half[NAME_BYTES];
    word w;
    snprintf(half, sizeof half, "%s.lo", name);
    w.lo = limbs32(s, half);
    snprintf(half, sizeof half, "%s.hi", name);
    w.hi = limbs32(s, half);
    return w;
}

// value = low + 2^16 (rest + 2^15 sign) with low < 2^16, rest < 2^15: for a value below 2^32 this
// has one solution. rest is affine: (value - low) / 2^16 - 2^15 sign.
expr sign_bit32(const step *s, const char *name, expr value)
{
    expr low = named_column(s->b, name, "low"), sign = named_bit(s->b, name, "sign");
    range_check(s, 16, low);
    expr high = e_scale(fe_inv(1 << 16), e_sub(value, low));
    range_check(s, 15, e_sub(high, e_scale(1 << 15, sign)));
    return sign;
}

void access_word(const step *s, const char *name, tuple_space space, expr addr, word old_value,
                 word new_value, unsigned slot)
{
    expr d0 = named_column(s->b, name, "d0"), d1 = named_column(s->b, name, "d1");
    range_check(s, 20, d0);
    range_check(s, 20, d1);
    expr ts = e_add(s->ts, e_const(slot));
    expr old_ts = e_sub(e_sub(ts, e_const(1)), e_add(d0, e_scale(1 << 20, d1)));
    chip_receive(s->b, TUPLE_MEM, s->real,
                 FIELDS(e_const(space), addr, old_value.lo, old_value.hi, old_ts));
    chip_send(s->b, TUPLE_MEM, s->real,
              FIELDS(e_const(space), addr, new_value.lo, new_value.hi, ts));
}

word read_register(const step *s, const char *name, expr reg, unsigned slot)
{
    word value = {named_column(s->b, name, "lo"), named_column(s->b, name, "hi")};
    access_word(s, name, SPACE_REGISTER, reg, value, value, slot);
    return value;
}

void write_register(const step *s, expr reg, word value)
{
    word old = {chip_column(s->b, "rd.old_lo"), chip_column(s->b, "rd.old_hi")};
    access_word(s, "rd", SPACE_REGISTER, reg, old, value, VM_SLOT_RD);
}

expr flag_bits(const expr *bits, size_t n)
{
    expr sum = e_const(0);
    for (size_t i = 0; i < n; i++)
        sum = e_add(sum, e_scale(2ULL << i, bits[i]));
    return sum;
}

// lo: a.lo + imm.lo = (base + 8 word + offset) + 2^32 c0, hi: a.hi + imm.hi + c0 = 2^32 c1. The
// address is below 2^32 whatever the columns hold, so that both carries are forced.
expr word_address(const step *s, const char *name, word a, expr imm_lo, expr imm_hi, expr offset,
                  uint64_t base, unsigned high_bits)
{
    expr w0 = named_column(s->b, name, "w0"), w1 = named_column(s->b, name, "w1");
    expr c0 = named_bit(s->b, name, "c0"), c1 = named_bit(s->b, name, "c1");
    range_check(s, 16, w0);
    range_check(s, high_bits, w1);
    expr word_index = e_add(w0, e_scale(1 << 16, w1));
    // In padding rows everything is zero, the base too.
    expr address = e_add(e_scale(base, s->real), e_scale(8, word_index));
    chip_equal(s->b, e_add(a.lo, imm_lo), E_SUM(address, offset, e_scale(1ULL << 32, c0)),
               "%s.address_lo", name);
    chip_equal(s->b, E_SUM(a.hi, imm_hi, c0), e_scale(1ULL << 32, c1), "%s.address_hi", name);
    return address;
}
