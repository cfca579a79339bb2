// SPDX-License-Identifier: Apache-2.0 OR MIT
// div, divu, rem, remu and their 32-bit forms.
//
// Operands are words n and d; the W forms extend the low limbs first (by sign, or by zero for the
// unsigned ones), which gives the right low limb in all cases, overflow and zero divisor included.
// With N, D the absolute values (N = n, D = d when unsigned) there are Q, R with
//     Q D + R = N over the integers,  R < D unless D = 0,
// one pair when D != 0; for D = 0 the equation gives R = N. The quotient is -Q when the signs of n
// and d differ, the remainder is -R when n is negative; for D = 0 the quotient is all ones and the
// remainder +-N = n comes out by itself. INT_MIN / -1: Q = 2^(word - 1) with equal signs, R = 0: as
// the ISA wants. -0 = 0, so the sign of a zero cannot matter.
#include "chips/chips.h"

#include <stdio.h>

typedef struct divide_form {
    fetch_class class;
    bool w;
} divide_form;

// out = negative ? -in : in, modulo the size of a word, where `active` is 1; columns of out (4
// parts), name.carry0, name.carry1. The parts are range-checked, and carry0 = 1 exactly when the
// low limb of in is not 0: one solution.
static word negate_if(const step *s, const char *name, word in, expr negative, expr active)
{
    chip_builder *b = s->b;
    word out = checked_word(s, name);
    char text[32];
    expr carry[2];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s.carry%d", name, i);
        carry[i] = chip_bit(b, text);
    }
    expr on = e_mul(active, negative), off = e_mul(active, e_not(negative));
    chip_zero(b, e_mul(on, e_sub(e_add(in.lo, out.lo), carry_out(s, carry[0]))), "-%s, low limb",
              name);
    chip_zero(b, e_mul(on, e_sub(E_SUM(in.hi, out.hi, carry[0]), carry_out(s, carry[1]))),
              "-%s, high limb", name);
    chip_zero(b, e_mul(off, e_sub(in.lo, out.lo)), "+%s, low limb", name);
    chip_zero(b, e_mul(off, e_sub(in.hi, out.hi)), "+%s, high limb", name);
    return out;
}

static void put_negate_if(cursor *c, uint64_t in, bool negative, bool active, uint64_t out)
{
    put_parts(c, out);
    bool on = negative && active;
    uint64_t low = (uint64_t)low32(in) + low32(out);
    put(c, on ? low >> 32 : 0);
    put(c, on ? ((uint64_t)high32(in) + high32(out) + (low >> 32)) >> 32 : 0);
}

// The operand as the division sees it: for W the extension of the low limb. *sign: the operand is
// negative and the operation signed.
static word operand(const step *s, const char *name, word in, expr is_signed, bool w, expr *sign)
{
    char text[32];
    snprintf(text, sizeof text, "%s.top", name);
    expr bit = limb_sign(s, text, w ? in.lo : in.hi);
    snprintf(text, sizeof text, "%s.negative", name);
    *sign = chip_bit(s->b, text);
    chip_equal(s->b, *sign, e_mul(is_signed, bit), "%s is negative", name);
    return w ? (word){in.lo, ones_if(s, *sign)} : in;
}

static void declare(const step *s, const void *context)
{
    const divide_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    o.rs2 = chip_column(b, "rs2");
    expr flags[2];
    flags[0] = chip_bit(b, "signed");
    flags[1] = chip_bit(b, "remainder");
    o.flags = flag_bits(flags, 2);
    expr one = s->real; // 0 in padding rows
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word d_in = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    expr sign_n, sign_d;
    word n = operand(s, "n", a, flags[0], f->w, &sign_n);
    word d = operand(s, "d", d_in, flags[0], f->w, &sign_d);
    word abs_n = negate_if(s, "N", n, sign_n, one);

    // The parts of |d| and of Q are needed one by one.
    expr d_part[4], q_part[4];
    word abs_d = checked_parts(s, "D", d_part);
    expr d_carry = chip_bit(b, "D.carry0");
    expr d_top = chip_bit(b, "D.carry1");
    chip_zero(b, e_mul(sign_d, e_sub(e_add(d.lo, abs_d.lo), carry_out(s, d_carry))),
              "-D, low limb");
    chip_zero(b, e_mul(sign_d, e_sub(E_SUM(d.hi, abs_d.hi, d_carry), carry_out(s, d_top))),
              "-D, high limb");
    chip_zero(b, e_mul(e_not(sign_d), e_sub(d.lo, abs_d.lo)), "+D, low limb");
    chip_zero(b, e_mul(e_not(sign_d), e_sub(d.hi, abs_d.hi)), "+D, high limb");
    word q = checked_parts(s, "Q", q_part), r = checked_word(s, "R");

    // Q D + R = N; all terms are non-negative, so beyond the word every product has to vanish.
    expr carry[2];
    chip_columns(b, carry, "carry", 2);
    range_check(s, s->shape->carry_bits, carry[0]);
    range_check(s, s->shape->carry_bits, carry[1]);
    chip_equal(b, e_add(product_limb(s, q_part, d_part, 0, 4, e_const(0)), r.lo),
               e_add(abs_n.lo, carry_out(s, carry[0])), "Q D + R, bits 0 to 31");
    chip_equal(b, e_add(product_limb(s, q_part, d_part, 1, 4, carry[0]), r.hi),
               e_add(abs_n.hi, carry_out(s, carry[1])), "Q D + R, bits 32 to 63");
    // In two constraints: with the top product, which comes near 2^64, one sum could be p.
    chip_zero(b, product_limb(s, q_part, d_part, 2, 4, carry[1]), "Q D + R, bits 64 to 95");
    chip_zero(b, product_limb(s, q_part, d_part, 3, 4, e_const(0)), "Q D + R, bits 96 to 127");

    // by_zero = (D = 0): the limbs are non-negative and their sum far below p.
    expr by_zero = chip_bit(b, "by_zero"), hint = chip_column(b, "hint");
    expr d_sum = e_add(abs_d.lo, abs_d.hi);
    chip_zero(b, e_mul(by_zero, d_sum), "divisor is zero");
    chip_equal(b, e_mul(hint, d_sum), e_sub(one, by_zero), "divisor is not zero");

    // D - 1 - R >= 0 unless D = 0.
    word gap = checked_word(s, "gap");
    expr borrow = chip_bit(b, "gap.borrow");
    chip_zero(b,
              e_mul(e_not(by_zero),
                    E_SUM(abs_d.lo, e_neg(r.lo), e_neg(one), e_neg(gap.lo), carry_out(s, borrow))),
              "R < D, low limb");
    chip_zero(b, e_mul(e_not(by_zero), E_SUM(abs_d.hi, e_neg(r.hi), e_neg(borrow), e_neg(gap.hi))),
              "R < D, high limb");

    // The one that is asked for, with its sign; all ones for a quotient by zero.
    word u = word_columns(s, "u");
    chip_equal(b, u.lo, e_select(flags[1], r.lo, q.lo), "output, low limb");
    chip_equal(b, u.hi, e_select(flags[1], r.hi, q.hi), "output, high limb");
    expr negative = chip_bit(b, "u.negative");
    expr differ = e_sub(e_add(sign_n, sign_d), e_scale(2, e_mul(sign_n, sign_d)));
    chip_equal(b, negative, e_select(flags[1], sign_n, differ), "output is negative");
    expr ones = chip_bit(b, "ones");
    chip_equal(b, ones, e_mul(by_zero, e_not(flags[1])), "quotient by zero");
    expr all_ones = ones_if(s, e_const(1));
    word result = negate_if(s, "r", u, negative, e_sub(one, ones));
    chip_zero(b, e_mul(ones, e_sub(result.lo, all_ones)), "all ones, low limb");
    chip_zero(b, e_mul(ones, e_sub(result.hi, all_ones)), "all ones, high limb");
    if (f->w)
        result.hi = ones_if(s, limb_sign(s, "r.top", result.lo));
    write_register(s, o.rd, result);
    step_fetch(s, f->class, o);
    step_sequential(s);
}

static uint64_t absolute(uint64_t x, bool negative)
{
    return negative ? -x : x;
}

static void fill(cursor *c, const void *row, const void *context)
{
    const divide_form *f = context;
    const row_alu *r = row;
    const insn *i = r->head.insn;
    bool is_signed = i->op == OP_div || i->op == OP_rem || i->op == OP_divw || i->op == OP_remw;
    bool remainder = i->op == OP_rem || i->op == OP_remu || i->op == OP_remw || i->op == OP_remuw;
    uint64_t n = r->a.value, d = r->b.value;
    if (f->w) {
        n = is_signed ? (uint64_t)(int64_t)(int32_t)n : low32(n);
        d = is_signed ? (uint64_t)(int64_t)(int32_t)d : low32(d);
    }
    bool sign_n = is_signed && n >> 63, sign_d = is_signed && d >> 63;
    uint64_t abs_n = absolute(n, sign_n), abs_d = absolute(d, sign_d);
    uint64_t q = abs_d == 0 ? 0 : abs_n / abs_d, rest = abs_d == 0 ? abs_n : abs_n % abs_d;

    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    put(c, i->rs2);
    put(c, is_signed);
    put(c, remainder);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    put_limb_sign(c, f->w ? low32(r->a.value) : high32(r->a.value));
    put(c, sign_n);
    put_limb_sign(c, f->w ? low32(r->b.value) : high32(r->b.value));
    put(c, sign_d);
    put_negate_if(c, n, sign_n, true, abs_n);
    put_parts(c, abs_d);
    uint64_t low = (uint64_t)low32(d) + low32(abs_d);
    put(c, sign_d ? low >> 32 : 0);
    put(c, sign_d ? ((uint64_t)high32(d) + high32(abs_d) + (low >> 32)) >> 32 : 0);
    put_parts(c, q);
    put_parts(c, rest);
    uint64_t carry0 = (product_limb_of(q, abs_d, 0, 4, 0) + low32(rest)) >> 32;
    uint64_t carry1 = (product_limb_of(q, abs_d, 1, 4, carry0) + high32(rest)) >> 32;
    put(c, carry0);
    put(c, carry1);
    bool by_zero = abs_d == 0;
    put(c, by_zero);
    put(c, fe_inv(fe_add(low32(abs_d), high32(abs_d)))); // 0 for 0
    uint64_t gap = by_zero ? 0 : abs_d - 1 - rest;
    put_parts(c, gap);
    put(c, !by_zero && low32(abs_d) < (uint64_t)low32(rest) + 1);
    uint64_t u = remainder ? rest : q;
    bool negative = remainder ? sign_n : sign_n != sign_d, ones = by_zero && !remainder;
    put_word(c, u);
    put(c, negative);
    put(c, ones);
    uint64_t result = ones ? ~0ULL : absolute(u, negative);
    put_negate_if(c, u, negative, !ones, result);
    if (f->w)
        put_limb_sign(c, low32(result));
    put_write(c, &r->head, &r->d);
}

static const divide_form form_div = {FETCH_DIV, false}, form_divw = {FETCH_DIVW, true};
const chip_spec chip_spec_DIV = {"div", declare, &form_div, fill};
const chip_spec chip_spec_DIVW = {"divw", declare, &form_divw, fill};
