// SPDX-License-Identifier: Apache-2.0 OR MIT
// All shifts, as multiplications of a limb of n bits (in the machine 32) by a power of two.
//
// Left by s < n:  limb * 2^s           = l0 + 2^n l1, l0 < 2^n, l1 < 2^(n - 1).
// Right by s < n: limb * 2^(n - 1 - s) = l0 + 2^(n - 1) l1, l0 < 2^(n - 1), l1 < 2^n;
//                 so l1 = limb >> s and 2 l0 = (limb mod 2^s) * 2^(n - s), what moves into the
//                 limb below.
// limb < 2^n and the power is at most 2^(n - 1), so both sides are below 2^63 < p and the parts
// unique. Amounts of n and more move whole limbs: the bit `wide`.
#include "chips/chips.h"

#include <stdio.h>

typedef struct shift_form {
    fetch_class class;
    bool immediate, right, w;
} shift_form;

// Columns name[0], name[1] for a value below 2^bits.
static expr value_below(const step *s, const char *name, unsigned bits)
{
    char first[32], second[32];
    snprintf(first, sizeof first, "%s[0]", name);
    snprintf(second, sizeof second, "%s[1]", name);
    return checked_value(s, first, second, bits);
}

typedef struct limb_product {
    expr low, high;
} limb_product;

static limb_product multiply(const step *s, const char *low, const char *high, expr limb,
                             expr power, bool right)
{
    unsigned n = limb_bits(s->shape), low_bits = right ? n - 1 : n;
    limb_product p;
    p.low = value_below(s, low, low_bits);
    p.high = value_below(s, high, 2 * n - 1 - low_bits);
    chip_equal(s->b, e_mul(limb, power), e_add(p.low, e_scale(1ULL << low_bits, p.high)),
               "product %s", low);
    return p;
}

// s, wide and the power from the register: b.lo = s + n wide + 2 n rest (W: b.lo = s + n rest),
// rest below what makes b.lo a limb.
static void declare_amount(const step *s, const shift_form *f, word amount, expr *power, expr *wide)
{
    chip_builder *b = s->b;
    expr shift = chip_column(b, "shift");
    *power = chip_column(b, "power");
    unsigned n = limb_bits(s->shape), log_n = (unsigned)__builtin_ctz(n);
    expr exponent = f->right ? e_sub(e_scale(n - 1, s->real), shift) : shift;
    chip_send(b, TUPLE_POW2, s->real, FIELDS(exponent, *power));
    expr rest = value_below(s, "rest", f->w ? n - log_n : n - log_n - 1);
    if (f->w) {
        chip_equal(b, amount.lo, e_add(shift, e_scale(n, rest)), "amount");
    } else {
        *wide = chip_bit(b, "wide");
        chip_equal(b, amount.lo, E_SUM(shift, e_scale(n, *wide), e_scale(2 * n, rest)), "amount");
    }
}

static word declare_left(const step *s, word a, expr power, expr wide)
{
    chip_builder *b = s->b;
    limb_product lo = multiply(s, "lo.low", "lo.high", a.lo, power, false);
    limb_product hi = multiply(s, "hi.low", "hi.high", a.hi, power, false);
    word r = word_columns(s, "r");
    chip_equal(b, r.lo, e_mul(e_not(wide), lo.low), "result, low limb");
    chip_equal(b, r.hi, e_select(wide, lo.low, e_add(hi.low, lo.high)), "result, high limb");
    return r;
}

// The bits that an arithmetic shift by s moves into a limb, 2^n - 2 power: its top s bits.
static expr bits_moved_in(const step *s, expr power)
{
    return e_sub(e_const(1ULL << limb_bits(s->shape)), e_scale(2, power));
}

static word declare_right(const step *s, word a, expr power, expr wide, expr arithmetic)
{
    chip_builder *b = s->b;
    limb_product lo = multiply(s, "lo.low", "lo.high", a.lo, power, true);
    limb_product hi = multiply(s, "hi.low", "hi.high", a.hi, power, true);
    expr negative = chip_bit(b, "negative");
    chip_equal(b, negative, e_mul(arithmetic, limb_sign(s, "a.sign", a.hi)), "negative");
    expr top = chip_column(b, "top"); // the high limb shifted, with the bits moved in
    chip_equal(b, top, e_add(hi.high, e_mul(negative, bits_moved_in(s, power))), "top");
    word r = word_columns(s, "r");
    chip_equal(b, r.lo, e_select(wide, top, e_add(lo.high, e_scale(2, hi.low))),
               "result, low limb");
    chip_equal(b, r.hi, e_select(wide, ones_if(s, negative), top), "result, high limb");
    return r;
}

static word declare_left_w(const step *s, word a, expr power)
{
    expr sign;
    expr low = checked_limb_signed(s, "r", &sign);
    expr high = value_below(s, "lo.high", limb_bits(s->shape) - 1);
    chip_equal(s->b, e_mul(a.lo, power), e_add(low, carry_out(s, high)), "product");
    return (word){low, ones_if(s, sign)};
}

static word declare_right_w(const step *s, word a, expr power, expr arithmetic)
{
    chip_builder *b = s->b;
    limb_product lo = multiply(s, "lo.low", "lo.high", a.lo, power, true);
    expr negative = chip_bit(b, "negative");
    chip_equal(b, negative, e_mul(arithmetic, limb_sign(s, "a.sign", a.lo)), "negative");
    expr r = chip_column(b, "r.lo");
    chip_equal(b, r, e_add(lo.high, e_mul(negative, bits_moved_in(s, power))), "result, low limb");
    return (word){r, ones_if(s, limb_sign(s, "r.sign", r))};
}

static void declare(const step *s, const void *context)
{
    const shift_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    expr flags[2], arithmetic = e_const(0), wide = e_const(0), power;
    size_t n_flags = 0;
    if (f->right)
        flags[n_flags++] = arithmetic = chip_bit(b, "arithmetic");
    if (f->immediate && !f->w)
        flags[n_flags++] = wide = chip_bit(b, "wide");
    o.flags = flag_bits(flags, n_flags);
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    if (f->immediate) {
        o.imm.lo = power = chip_column(b, "power");
    } else {
        o.rs2 = chip_column(b, "rs2");
        word amount = read_register(s, "b", o.rs2, VM_SLOT_RS2);
        declare_amount(s, f, amount, &power, &wide);
    }
    word r = f->w
                 ? f->right ? declare_right_w(s, a, power, arithmetic) : declare_left_w(s, a, power)
             : f->right ? declare_right(s, a, power, wide, arithmetic)
                        : declare_left(s, a, power, wide);
    write_register(s, o.rd, r);
    step_fetch(s, f->class, o);
    step_sequential(s);
}

// ---- Filling -----------------------------------------------------------------------------------

static void put_product(cursor *c, uint32_t limb, uint64_t power, bool right)
{
    uint64_t product = limb * power, low_bits = right ? 31 : 32;
    put_limb(c, (uint32_t)(product & ((1ULL << low_bits) - 1)));
    put_limb(c, (uint32_t)(product >> low_bits));
}

static void fill(cursor *c, const void *row, const void *context)
{
    const shift_form *f = context;
    const row_alu *r = row;
    const insn *i = r->head.insn;
    uint64_t a = r->a.value, d = r->d.value;
    unsigned amount = r->b.value & (f->w ? 31 : 63), shift = amount & 31;
    bool wide = amount >= 32;
    bool arithmetic = i->op == OP_sra || i->op == OP_srai || i->op == OP_sraw || i->op == OP_sraiw;
    uint64_t power = 1ULL << (f->right ? 31 - shift : shift);
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    if (f->right)
        put(c, arithmetic);
    if (f->immediate && !f->w)
        put(c, wide);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    if (f->immediate) {
        put(c, power);
    } else {
        put(c, i->rs2);
        put_read(c, &r->head, &r->b, VM_SLOT_RS2);
        put(c, shift);
        put(c, power);
        put_limb(c, low32(r->b.value) >> (f->w ? 5 : 6));
        if (!f->w)
            put(c, wide);
    }
    if (f->w && !f->right) {
        uint64_t product = low32(a) * power;
        put_limb_signed(c, low32(product));
        put_limb(c, high32(product));
    } else if (f->w) {
        put_product(c, low32(a), power, true);
        put(c, arithmetic && low32(a) >> 31);
        put_limb_sign(c, low32(a));
        put(c, low32(d));
        put_limb_sign(c, low32(d));
    } else {
        put_product(c, low32(a), power, f->right);
        put_product(c, high32(a), power, f->right);
        if (f->right) {
            bool negative = arithmetic && a >> 63;
            put(c, negative);
            put_limb_sign(c, high32(a));
            uint64_t fill_bits = negative ? (1ULL << 32) - 2 * power : 0;
            put(c, (high32(a) >> shift) + fill_bits);
        }
        put_word(c, d);
    }
    put_write(c, &r->head, &r->d);
}

#define SHIFT_CHIP(NAME, text, is_immediate, is_right, is_w)                                       \
    static const shift_form form_##NAME = {FETCH_##NAME, is_immediate, is_right, is_w};            \
    const chip_spec chip_spec_##NAME = {text, declare, &form_##NAME, fill};

SHIFT_CHIP(SLL, "sll", false, false, false)
SHIFT_CHIP(SLLI, "slli", true, false, false)
SHIFT_CHIP(SR, "sr", false, true, false)
SHIFT_CHIP(SRI, "sri", true, true, false)
SHIFT_CHIP(SLLW, "sllw", false, false, true)
SHIFT_CHIP(SLLIW, "slliw", true, false, true)
SHIFT_CHIP(SRW, "srw", false, true, true)
SHIFT_CHIP(SRIW, "sriw", true, true, true)
