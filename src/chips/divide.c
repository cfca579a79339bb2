// SPDX-License-Identifier: Apache-2.0 OR MIT
// div, divu, rem, remu and their 32-bit forms.
//
// Operands are 64-bit words n and d; the W forms extend the low limbs first (by sign, or by zero
// for the unsigned ones), which gives the right low 32 bits in all cases, overflow and zero divisor
// included. With N, D the absolute values (N = n, D = d when unsigned) there are Q, R with
//     Q D + R = N over the integers,  R < D unless D = 0,
// one pair when D != 0; for D = 0 the equation gives R = N. The quotient is -Q when the signs of n
// and d differ, the remainder is -R when n is negative; for D = 0 the quotient is all ones and the
// remainder +-N = n comes out by itself. INT_MIN / -1: Q = 2^63 with equal signs, R = 0: as the ISA
// wants. -0 = 0, so the sign of a zero cannot matter.
#include "chips/chips.h"

#include <stdio.h>

typedef struct divide_form {
    fetch_class class;
    bool w;
} divide_form;

// out = negative ? -in mod 2^64 : in, where `skip` is 0; columns name (4 limbs), name.carry. The
// limbs are range-checked, and carry = 1 exactly when the low limb of in is not 0: one solution.
static word negate_if(const step *s, const char *name, word in, expr negative, expr active)
{
    chip_builder *b = s->b;
    word out = limbs64(s, name);
    char text[32];
    expr carry[2];
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text, "%s.carry%d", name, i);
        carry[i] = chip_bit(b, text);
    }
    expr on = e_mul(active, negative), off = e_mul(active, e_not(negative));
    chip_zero(b, e_mul(on, e_sub(e_add(in.lo, out.lo), e_scale(1ULL << 32, carry[0]))),
              "-%s, low limb", name);
    chip_zero(b, e_mul(on, e_sub(E_SUM(in.hi, out.hi, carry[0]), e_scale(1ULL << 32, carry[1]))),
              "-%s, high limb", name);
    chip_zero(b, e_mul(off, e_sub(in.lo, out.lo)), "+%s, low limb", name);
    chip_zero(b, e_mul(off, e_sub(in.hi, out.hi)), "+%s, high limb", name);
    return out;
}

static void put_negate_if(cursor *c, uint64_t in, bool negative, bool active, uint64_t out)
{
    put_limbs64(c, out);
    bool on = negative && active;
    uint64_t low = (uint64_t)low32(in) + low32(out);
    put(c, on ? low >> 32 : 0);
    put(c, on ? ((uint64_t)high32(in) + high32(out) + (low >> 32)) >> 32 : 0);
}

// Four limb columns packed in the word w by limbs64: name.lo.0, name.lo.1, name.hi.0, name.hi.1.
// The products need the limbs themselves, so they are declared here.
static word limb_word(const step *s, const char *name, expr limb[4])
{
    chip_columns(s->b, limb, name, 4);
    for (int i = 0; i < 4; i++)
        range_check(s, 16, limb[i]);
    return (word){e_add(limb[0], e_scale(1 << 16, limb[1])),
                  e_add(limb[2], e_scale(1 << 16, limb[3]))};
}

static expr diagonal(const expr *x, const expr *y, int n)
{
    expr sum = e_const(0);
    for (int i = 0; i < 4; i++)
        if (n - i >= 0 && n - i < 4)
            sum = e_add(sum, e_mul(x[i], y[n - i]));
    return sum;
}

// The operand as the division sees it: for W the extension of the low limb. *sign: the operand is
// negative and the operation signed.
static word operand(const step *s, const char *name, word in, expr is_signed, bool w, expr *sign)
{
    char text[32];
    snprintf(text, sizeof text, "%s.top", name);
    expr bit = sign_bit32(s, text, w ? in.lo : in.hi);
    snprintf(text, sizeof text, "%s.negative", name);
    *sign = chip_bit(s->b, text);
    chip_equal(s->b, *sign, e_mul(is_signed, bit), "%s is negative", name);
    return w ? (word){in.lo, e_scale(0xffffffff, *sign)} : in;
}

static void declare(chip_builder *b, const void *context)
{
    const divide_form *f = context;
    step s = step_begin(b);
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    o.rs2 = chip_column(b, "rs2");
    expr flags[2];
    flags[0] = chip_bit(b, "signed");
    flags[1] = chip_bit(b, "remainder");
    o.flags = flag_bits(flags, 2);
    expr one = s.real; // 0 in padding rows
    word a = read_register(&s, "a", o.rs1, VM_SLOT_RS1);
    word d_in = read_register(&s, "b", o.rs2, VM_SLOT_RS2);
    expr sign_n, sign_d;
    word n = operand(&s, "n", a, flags[0], f->w, &sign_n);
    word d = operand(&s, "d", d_in, flags[0], f->w, &sign_d);
    word abs_n = negate_if(&s, "N", n, sign_n, one);

    // |d|: its limbs are needed one by one.
    expr dl[4], ql[4];
    word abs_d = limb_word(&s, "D", dl);
    expr d_carry = chip_bit(b, "D.carry0");
    expr d_top = chip_bit(b, "D.carry1");
    chip_zero(b, e_mul(sign_d, e_sub(e_add(d.lo, abs_d.lo), e_scale(1ULL << 32, d_carry))),
              "-D, low limb");
    chip_zero(b, e_mul(sign_d, e_sub(E_SUM(d.hi, abs_d.hi, d_carry), e_scale(1ULL << 32, d_top))),
              "-D, high limb");
    chip_zero(b, e_mul(e_not(sign_d), e_sub(d.lo, abs_d.lo)), "+D, low limb");
    chip_zero(b, e_mul(e_not(sign_d), e_sub(d.hi, abs_d.hi)), "+D, high limb");
    word q = limb_word(&s, "Q", ql), r = limbs64(&s, "R");

    // Q D + R = N; all terms are non-negative, so beyond 64 bits every product has to vanish.
    expr carry[2];
    chip_columns(b, carry, "carry", 2);
    range_check(&s, 20, carry[0]);
    range_check(&s, 20, carry[1]);
    chip_equal(b, E_SUM(diagonal(ql, dl, 0), e_scale(1 << 16, diagonal(ql, dl, 1)), r.lo),
               e_add(abs_n.lo, e_scale(1ULL << 32, carry[0])), "Q D + R, bits 0 to 31");
    chip_equal(b, E_SUM(carry[0], diagonal(ql, dl, 2), e_scale(1 << 16, diagonal(ql, dl, 3)), r.hi),
               e_add(abs_n.hi, e_scale(1ULL << 32, carry[1])), "Q D + R, bits 32 to 63");
    // In two constraints: with the top product, which comes near 2^64, one sum could be p.
    chip_zero(b, E_SUM(carry[1], diagonal(ql, dl, 4), e_scale(1 << 16, diagonal(ql, dl, 5))),
              "Q D + R, bits 64 to 95");
    chip_zero(b, diagonal(ql, dl, 6), "Q D + R, bits 96 to 127");

    // by_zero = (D = 0): the limbs are non-negative and their sum below 2^33.
    expr by_zero = chip_bit(b, "by_zero"), hint = chip_column(b, "hint");
    expr d_sum = e_add(abs_d.lo, abs_d.hi);
    chip_zero(b, e_mul(by_zero, d_sum), "divisor is zero");
    chip_equal(b, e_mul(hint, d_sum), e_sub(one, by_zero), "divisor is not zero");

    // D - 1 - R >= 0 unless D = 0.
    word gap = limbs64(&s, "gap");
    expr borrow = chip_bit(b, "gap.borrow");
    chip_zero(b,
              e_mul(e_not(by_zero), E_SUM(abs_d.lo, e_neg(r.lo), e_neg(one), e_neg(gap.lo),
                                          e_scale(1ULL << 32, borrow))),
              "R < D, low limb");
    chip_zero(b, e_mul(e_not(by_zero), E_SUM(abs_d.hi, e_neg(r.hi), e_neg(borrow), e_neg(gap.hi))),
              "R < D, high limb");

    // The one that is asked for, with its sign; all ones for a quotient by zero.
    expr u_lo = chip_column(b, "u.lo"), u_hi = chip_column(b, "u.hi");
    chip_equal(b, u_lo, e_select(flags[1], r.lo, q.lo), "output, low limb");
    chip_equal(b, u_hi, e_select(flags[1], r.hi, q.hi), "output, high limb");
    expr negative = chip_bit(b, "u.negative");
    expr differ = e_sub(e_add(sign_n, sign_d), e_scale(2, e_mul(sign_n, sign_d)));
    chip_equal(b, negative, e_select(flags[1], sign_n, differ), "output is negative");
    expr ones = chip_bit(b, "ones");
    chip_equal(b, ones, e_mul(by_zero, e_not(flags[1])), "quotient by zero");
    word u = {u_lo, u_hi};
    word result = negate_if(&s, "r", u, negative, e_sub(one, ones));
    chip_zero(b, e_mul(ones, e_sub(result.lo, e_const(0xffffffff))), "all ones, low limb");
    chip_zero(b, e_mul(ones, e_sub(result.hi, e_const(0xffffffff))), "all ones, high limb");
    if (f->w)
        result.hi = e_scale(0xffffffff, sign_bit32(&s, "r.top", result.lo));
    write_register(&s, o.rd, result);
    step_fetch(&s, f->class, o);
    step_sequential(&s);
}

static uint64_t absolute(uint64_t x, bool negative)
{
    return negative ? -x : x;
}

static void put_limbs4(cursor *c, uint64_t x)
{
    for (int i = 0; i < 4; i++)
        put(c, x >> (16 * i) & 0xffff);
}

static uint64_t limb_diagonal(uint64_t x, uint64_t y, int n)
{
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++)
        if (n - i >= 0 && n - i < 4)
            sum += (x >> (16 * i) & 0xffff) * (y >> (16 * (n - i)) & 0xffff);
    return sum;
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
    put_sign_bit32(c, f->w ? low32(r->a.value) : high32(r->a.value));
    put(c, sign_n);
    put_sign_bit32(c, f->w ? low32(r->b.value) : high32(r->b.value));
    put(c, sign_d);
    put_negate_if(c, n, sign_n, true, abs_n);
    put_limbs4(c, abs_d);
    uint64_t low = (uint64_t)low32(d) + low32(abs_d);
    put(c, sign_d ? low >> 32 : 0);
    put(c, sign_d ? ((uint64_t)high32(d) + high32(abs_d) + (low >> 32)) >> 32 : 0);
    put_limbs4(c, q);
    put_limbs64(c, rest);
    uint64_t carry0 =
        (limb_diagonal(q, abs_d, 0) + (limb_diagonal(q, abs_d, 1) << 16) + low32(rest)) >> 32;
    uint64_t carry1 =
        (carry0 + limb_diagonal(q, abs_d, 2) + (limb_diagonal(q, abs_d, 3) << 16) + high32(rest)) >>
        32;
    put(c, carry0);
    put(c, carry1);
    bool by_zero = abs_d == 0;
    put(c, by_zero);
    put(c, fe_inv(fe_add(low32(abs_d), high32(abs_d)))); // 0 for 0
    uint64_t gap = by_zero ? 0 : abs_d - 1 - rest;
    put_limbs64(c, gap);
    put(c, !by_zero && low32(abs_d) < (uint64_t)low32(rest) + 1);
    uint64_t u = remainder ? rest : q;
    bool negative = remainder ? sign_n : sign_n != sign_d, ones = by_zero && !remainder;
    put_word(c, u);
    put(c, negative);
    put(c, ones);
    uint64_t result = ones ? ~0ULL : absolute(u, negative);
    put_negate_if(c, u, negative, !ones, result);
    if (f->w)
        put_sign_bit32(c, low32(result));
    put_write(c, &r->head, &r->d);
}

static const divide_form form_div = {FETCH_DIV, false}, form_divw = {FETCH_DIVW, true};
const chip_spec chip_spec_DIV = {"div", declare, &form_div, fill};
const chip_spec chip_spec_DIVW = {"divw", declare, &form_divw, fill};
