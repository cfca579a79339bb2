// SPDX-License-Identifier: Apache-2.0 OR MIT
// mul, mulw, mulh, mulhsu, mulhu on parts.
//
// With x = sum x_i 2^(part i) and y likewise, the product comes limb by limb:
//   limb k: carry_{k-1} + sum_{i+j=2k} x_i y_j + 2^part sum_{i+j=2k+1} x_i y_j
//           = r_{2k} + 2^part r_{2k+1} + 2^limb carry_k
// Every sum has at most 4 products of one limb, so in the machine both sides stay below 2^53 < p
// when carries are below 2^20; parts and carry are then the only solution.
#include "chips/chips.h"

// sum of x_i y_j with i + j = k
static expr diagonal(const expr *x, const expr *y, int k, int n)
{
    expr sum = e_const(0);
    for (int i = 0; i < n; i++)
        if (k - i >= 0 && k - i < n)
            sum = e_add(sum, e_mul(x[i], y[k - i]));
    return sum;
}

expr product_limb(const step *s, const expr *x, const expr *y, int k, int n, expr carry_in)
{
    return limb_of(s, e_add(carry_in, diagonal(x, y, 2 * k, n)), diagonal(x, y, 2 * k + 1, n));
}

static expr carry_column(const step *s, const char *name)
{
    expr c = chip_column(s->b, name);
    range_check(s, s->shape->carry_bits, c);
    return c;
}

static uint64_t part_of(uint64_t x, int i)
{
    return x >> (16 * i) & 0xffff;
}

uint64_t product_limb_of(uint64_t x, uint64_t y, int k, int n, uint64_t carry_in)
{
    uint64_t sum = carry_in;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            if (i + j == 2 * k)
                sum += part_of(x, i) * part_of(y, j);
            if (i + j == 2 * k + 1)
                sum += (part_of(x, i) * part_of(y, j)) << 16;
        }
    return sum;
}

// ---- mul ---------------------------------------------------------------------------------------

static void declare_mul(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    o.rs2 = chip_column(b, "rs2");
    expr x[4], y[4];
    word wx = checked_parts(s, "x", x), wy = checked_parts(s, "y", y);
    access_word(s, "a", SPACE_REGISTER, o.rs1, wx, wx, VM_SLOT_RS1);
    access_word(s, "b", SPACE_REGISTER, o.rs2, wy, wy, VM_SLOT_RS2);
    word r = checked_word(s, "r");
    expr carry0 = carry_column(s, "carry0"), carry1 = carry_column(s, "carry1");
    chip_equal(b, product_limb(s, x, y, 0, 4, e_const(0)), e_add(r.lo, carry_out(s, carry0)),
               "bits 0 to 31");
    chip_equal(b, product_limb(s, x, y, 1, 4, carry0), e_add(r.hi, carry_out(s, carry1)),
               "bits 32 to 63");
    write_register(s, o.rd, r);
    step_fetch(s, FETCH_MUL, o);
    step_sequential(s);
}

static void put_operands(cursor *c, const row_alu *r)
{
    const insn *i = r->head.insn;
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    put(c, i->rs2);
}

static void put_operand_reads(cursor *c, const row_alu *r)
{
    put_access(c, r->head.ts + VM_SLOT_RS1, r->a.old_ts);
    put_access(c, r->head.ts + VM_SLOT_RS2, r->b.old_ts);
}

static void fill_mul(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_alu *r = row;
    put_operands(c, r);
    put_parts(c, r->a.value);
    put_parts(c, r->b.value);
    put_operand_reads(c, r);
    put_parts(c, r->d.value);
    uint64_t carry0 = product_limb_of(r->a.value, r->b.value, 0, 4, 0) >> 32;
    put(c, carry0);
    put(c, product_limb_of(r->a.value, r->b.value, 1, 4, carry0) >> 32);
    put_write(c, &r->head, &r->d);
}

// ---- mulw --------------------------------------------------------------------------------------

// Only the low limbs enter; the result is sign-extended.
static void declare_mulw(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    o.rs2 = chip_column(b, "rs2");
    word wx = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word wy = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    // x.1 and y.1 are affine: (lo - x.0) / 2^part.
    expr x[2] = {chip_column(b, "x.0")}, y[2] = {chip_column(b, "y.0")};
    unsigned part = s->shape->part_bits;
    fe shift_down = fe_inv(1ULL << part);
    x[1] = e_scale(shift_down, e_sub(wx.lo, x[0]));
    y[1] = e_scale(shift_down, e_sub(wy.lo, y[0]));
    for (int i = 0; i < 2; i++) {
        range_check(s, part, x[i]);
        range_check(s, part, y[i]);
    }
    expr sign, low = checked_limb_signed(s, "r", &sign), carry = carry_column(s, "carry");
    chip_equal(b, product_limb(s, x, y, 0, 2, e_const(0)), e_add(low, carry_out(s, carry)),
               "bits 0 to 31");
    write_register(s, o.rd, (word){low, ones_if(s, sign)});
    step_fetch(s, FETCH_MULW, o);
    step_sequential(s);
}

static void fill_mulw(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_alu *r = row;
    put_operands(c, r);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    put(c, part_of(r->a.value, 0));
    put(c, part_of(r->b.value, 0));
    put_limb_signed(c, low32(r->d.value));
    put(c, product_limb_of(r->a.value, r->b.value, 0, 2, 0) >> 32);
    put_write(c, &r->head, &r->d);
}

// ---- mulh, mulhsu, mulhu -----------------------------------------------------------------------

// With signs sx, sy of the operands that count as signed, the signed product is
// x y - 2^word (sx y + sy x) mod 2^(2 word), so its high word is h - sx y - sy x, h the high word
// of the unsigned product. The sign bits are proved by the check of the top part's rest. borrow.lo
// in 0..2 makes up for the low limbs, borrow.hi for the high ones; the result is range-checked,
// which leaves one value for each.
static void declare_mulh(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    o.rs2 = chip_column(b, "rs2");
    expr flags[2] = {chip_bit(b, "a_signed")};
    flags[1] = chip_bit(b, "b_signed");
    o.flags = flag_bits(flags, 2);
    expr x[4], y[4];
    word wx = checked_parts(s, "x", x), wy = checked_parts(s, "y", y);
    access_word(s, "a", SPACE_REGISTER, o.rs1, wx, wx, VM_SLOT_RS1);
    access_word(s, "b", SPACE_REGISTER, o.rs2, wy, wy, VM_SLOT_RS2);
    word low = checked_word(s, "low"), high = checked_word(s, "high");
    expr carry[3] = {carry_column(s, "carry0"), carry_column(s, "carry1"),
                     carry_column(s, "carry2")};
    expr parts[4] = {low.lo, low.hi, high.lo, high.hi};
    for (int k = 0; k < 4; k++) {
        expr in = k == 0 ? e_const(0) : carry[k - 1];
        expr out = k == 3 ? e_const(0) : carry_out(s, carry[k]);
        chip_equal(b, product_limb(s, x, y, k, 4, in), e_add(parts[k], out), "bits %d to %d",
                   32 * k, 32 * k + 31);
    }
    expr sign_x = chip_bit(b, "sign_x"), sign_y = chip_bit(b, "sign_y");
    unsigned rest_bits = s->shape->part_bits - 1;
    range_check(s, rest_bits, e_sub(x[3], e_scale(1ULL << rest_bits, sign_x)));
    range_check(s, rest_bits, e_sub(y[3], e_scale(1ULL << rest_bits, sign_y)));
    expr take_y = chip_bit(b, "take_y"), take_x = chip_bit(b, "take_x");
    chip_equal(b, take_y, e_mul(flags[0], sign_x), "a negative");
    chip_equal(b, take_x, e_mul(flags[1], sign_y), "b negative");
    word r = checked_word(s, "r");
    expr borrow[4];
    for (int i = 0; i < 4; i++)
        borrow[i] =
            chip_bit(b, (const char *[]){"borrow.0", "borrow.1", "borrow.2", "borrow.3"}[i]);
    expr borrow_lo = e_add(borrow[0], borrow[1]), borrow_hi = e_add(borrow[2], borrow[3]);
    chip_equal(b, E_SUM(r.lo, e_mul(take_y, wy.lo), e_mul(take_x, wx.lo)),
               e_add(high.lo, carry_out(s, borrow_lo)), "result, low limb");
    chip_equal(b, E_SUM(r.hi, e_mul(take_y, wy.hi), e_mul(take_x, wx.hi), borrow_lo),
               e_add(high.hi, carry_out(s, borrow_hi)), "result, high limb");
    write_register(s, o.rd, r);
    step_fetch(s, FETCH_MULH, o);
    step_sequential(s);
}

static void put_borrow(cursor *c, uint64_t borrow)
{
    put(c, borrow >= 1);
    put(c, borrow >= 2);
}

static void fill_mulh(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_alu *r = row;
    const insn *i = r->head.insn;
    uint64_t x = r->a.value, y = r->b.value;
    bool a_signed = i->op != OP_mulhu, b_signed = i->op == OP_mulh;
    unsigned __int128 product = (unsigned __int128)x * y;
    uint64_t high = (uint64_t)(product >> 64);
    put_operands(c, r);
    put(c, a_signed);
    put(c, b_signed);
    put_parts(c, x);
    put_parts(c, y);
    put_operand_reads(c, r);
    put_parts(c, (uint64_t)product);
    put_parts(c, high);
    uint64_t carry = 0;
    for (int k = 0; k < 3; k++) {
        carry = product_limb_of(x, y, k, 4, carry) >> 32;
        put(c, carry);
    }
    bool take_y = a_signed && x >> 63, take_x = b_signed && y >> 63;
    put(c, x >> 63);
    put(c, y >> 63);
    put(c, take_y);
    put(c, take_x);
    put_parts(c, r->d.value);
    uint64_t low_sum =
        (uint64_t)low32(r->d.value) + (take_y ? low32(y) : 0) + (take_x ? low32(x) : 0);
    uint64_t borrow_lo = (low_sum - low32(high)) >> 32;
    uint64_t high_sum = (uint64_t)high32(r->d.value) + (take_y ? high32(y) : 0) +
                        (take_x ? high32(x) : 0) + borrow_lo;
    put_borrow(c, borrow_lo);
    put_borrow(c, (high_sum - high32(high)) >> 32);
    put_write(c, &r->head, &r->d);
}

const chip_spec chip_spec_MUL = {"mul", declare_mul, NULL, fill_mul};
const chip_spec chip_spec_MULW = {"mulw", declare_mulw, NULL, fill_mulw};
const chip_spec chip_spec_MULH = {"mulh", declare_mulh, NULL, fill_mulh};
