// SPDX-License-Identifier: Apache-2.0 OR MIT
// lr, sc, amoswap, amoadd; amoand, amoor, amoxor; amomin, amomax and unsigned forms. Word and
// double.
//
// The address is rs1, aligned to the width; the word lies in RAM. With `upper` the high limb is
// operated on (W forms only). x is the operand from memory: its low limb is the selected one, its
// high limb the word's. A W form keeps the other limb and sign-extends what it gives to rd.
#include "chips/chips.h"

typedef struct atomic_row {
    const step *s;
    fetch_operands o;
    expr is_double, upper;
    word b;      // rs2
    word old;    // the memory word
    expr x;      // the selected limb
    expr x_sign; // its top bit
    expr address;
} atomic_row;

// Everything up to the operands; `b` is read by the caller when it needs it byte by byte.
static atomic_row begin(const step *s, expr *flags, size_t n_flags, const char *const *names)
{
    chip_builder *b = s->b;
    atomic_row r = {.s = s};
    r.o.rd = chip_column(b, "rd");
    r.o.rs1 = chip_column(b, "rs1");
    r.o.rs2 = chip_column(b, "rs2");
    for (size_t i = 0; i < n_flags; i++)
        flags[i] = chip_bit(b, names[i]);
    r.o.flags = flag_bits(flags, n_flags);
    r.is_double = flags[0];
    word a = read_register(s, "a", r.o.rs1, VM_SLOT_RS1);
    r.upper = chip_bit(b, "upper");
    chip_zero(b, e_mul(r.is_double, r.upper), "a double word is aligned");
    r.address = word_address(s, "at", a, r.o.imm, upper_limb(s, r.upper), ram_only(s));
    r.old = word_columns(s, "old");
    r.x = chip_column(b, "x");
    chip_equal(b, r.x, e_select(r.upper, r.old.hi, r.old.lo), "operand");
    r.x_sign = limb_sign(s, "x", r.x);
    return r;
}

// Writes y to memory and `given` (or the old value) to rd; ends the row. zero_rd: sc gives 0.
static void end(const atomic_row *r, fetch_class class, word y, expr zero_rd)
{
    const step *s = r->s;
    chip_builder *b = s->b;
    word new = word_columns(s, "new");
    chip_equal(b, new.lo, e_select(r->upper, r->old.lo, y.lo), "new word, low limb");
    chip_equal(b, new.hi, e_select(r->is_double, y.hi, e_select(r->upper, y.lo, r->old.hi)),
               "new word, high limb");
    access_word(s, "m", SPACE_MEMORY, r->address, r->old, new, VM_SLOT_MEM);
    word d = word_columns(s, "d");
    expr keep = e_not(zero_rd);
    expr high = e_select(r->is_double, r->old.hi, ones_if(s, r->x_sign));
    // x is the low limb of a double word too.
    chip_equal(b, d.lo, e_mul(keep, r->x), "rd, low limb");
    chip_equal(b, d.hi, e_mul(keep, high), "rd, high limb");
    write_register(s, r->o.rd, d);
    step_fetch(s, class, r->o);
    step_sequential(s);
}

static bool is_double_op(const insn *i)
{
    return vm_op_info[i->op].format == 'D' || vm_op_info[i->op].format == 'd';
}

static void put_begin(cursor *c, const row_atomic *r, const bool *flags, size_t n_flags)
{
    const insn *i = r->head.insn;
    bool upper = !is_double_op(i) && (r->a.value & 4);
    uint32_t x = upper ? high32(r->word.old_value) : low32(r->word.old_value);
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, i->rs1);
    put(c, i->rs2);
    for (size_t k = 0; k < n_flags; k++)
        put(c, flags[k]);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put(c, upper);
    put_word_address(c, r->a.value, 0, VM_RAM_BASE);
    put_word(c, r->word.old_value);
    put(c, x);
    put_limb_sign(c, x);
}

// The operand as 64 bits: the word, or the selected limb with the word's high limb unused.
static uint64_t selected(const row_atomic *r, uint64_t word_value)
{
    if (is_double_op(r->head.insn))
        return word_value;
    return r->a.value & 4 ? high32(word_value) : low32(word_value);
}

static void put_end(cursor *c, const row_atomic *r)
{
    put_word(c, r->word.value);
    put_access(c, r->head.ts + VM_SLOT_MEM, r->word.old_ts);
    put_word(c, r->d.value);
    put_write(c, &r->head, &r->d);
}

// ---- lr, sc, swap, add -------------------------------------------------------------------------

static const char *const amo_flags[] = {"double", "sc", "swap", "add"};

// None of the three: lr, which writes the word back as it was.
static void declare_amo(const step *s, const void *context)
{
    (void)context;
    expr flags[4];
    atomic_row r = begin(s, flags, 4, amo_flags);
    chip_builder *b = s->b;
    word v = read_register(s, "b", r.o.rs2, VM_SLOT_RS2);
    word sum = checked_word(s, "sum");
    expr carry_lo = chip_bit(b, "carry_lo"), carry_hi = chip_bit(b, "carry_hi");
    chip_equal(b, e_add(r.x, v.lo), e_add(sum.lo, carry_out(s, carry_lo)), "sum, low limb");
    chip_equal(b, E_SUM(r.old.hi, v.hi, carry_lo), e_add(sum.hi, carry_out(s, carry_hi)),
               "sum, high limb");
    expr from_b = e_add(flags[1], flags[2]), add = flags[3];
    expr lr = e_sub(e_const(1), e_add(from_b, add));
    word y = word_columns(s, "y");
    chip_equal(b, y.lo, E_SUM(e_mul(from_b, v.lo), e_mul(add, sum.lo), e_mul(lr, r.x)),
               "new value, low limb");
    chip_equal(b, y.hi, E_SUM(e_mul(from_b, v.hi), e_mul(add, sum.hi), e_mul(lr, r.old.hi)),
               "new value, high limb");
    end(&r, FETCH_AMO, y, flags[1]);
}

static void fill_amo(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_atomic *r = row;
    unsigned op = r->head.insn->op;
    bool sc = op == OP_sc_w || op == OP_sc_d, swap = op == OP_amoswap_w || op == OP_amoswap_d;
    bool add = op == OP_amoadd_w || op == OP_amoadd_d;
    bool flags[4] = {is_double_op(r->head.insn), sc, swap, add};
    put_begin(c, r, flags, 4);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    // The high limbs add up in every row, whatever the width.
    uint64_t x = low32(selected(r, r->word.old_value)) | r->word.old_value >> 32 << 32;
    uint64_t v = r->b.value, sum = x + v;
    put_parts(c, sum);
    uint64_t carry = ((uint64_t)low32(x) + low32(v)) >> 32;
    put(c, carry);
    put(c, ((uint64_t)high32(x) + high32(v) + carry) >> 32);
    put_word(c, sc || swap ? v : add ? sum : x);
    put_end(c, r);
}

// ---- and, or, xor ------------------------------------------------------------------------------

static const char *const bit_flags[] = {"double", "or", "xor"};

static void declare_amo_bit(const step *s, const void *context)
{
    (void)context;
    expr flags[3], x[8], v[8], z[8];
    atomic_row r = begin(s, flags, 3, bit_flags);
    chip_builder *b = s->b;
    unsigned n = word_bytes(s->shape);
    chip_columns(b, x, "x_byte", n);
    chip_columns(b, v, "b_byte", n);
    chip_columns(b, z, "z_byte", n);
    word wx = word_of_bytes(s, x), wv = word_of_bytes(s, v), wz = word_of_bytes(s, z);
    chip_equal(b, wx.lo, r.x, "bytes of the operand, low limb");
    chip_equal(b, wx.hi, r.old.hi, "bytes of the operand, high limb");
    expr op = e_add(flags[1], e_scale(BYTE_XOR, flags[2]));
    for (unsigned i = 0; i < n; i++)
        chip_send(b, TUPLE_BYTE, s->real, FIELDS(op, x[i], v[i], z[i]));
    access_word(s, "b", SPACE_REGISTER, r.o.rs2, wv, wv, VM_SLOT_RS2);
    end(&r, FETCH_AMO_BIT, wz, e_const(0));
}

static void fill_amo_bit(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_atomic *r = row;
    unsigned op = r->head.insn->op;
    bool or = op == OP_amoor_w || op == OP_amoor_d, xor = op == OP_amoxor_w || op == OP_amoxor_d;
    bool flags[3] = {is_double_op(r->head.insn), or, xor};
    put_begin(c, r, flags, 3);
    uint64_t x = low32(selected(r, r->word.old_value)) | r->word.old_value >> 32 << 32;
    uint64_t v = r->b.value;
    put_bytes(c, x);
    put_bytes(c, v);
    put_bytes(c, or ? x | v : xor? x ^ v : x &v);
    put_access(c, r->head.ts + VM_SLOT_RS2, r->b.old_ts);
    put_end(c, r);
}

// ---- min, max ----------------------------------------------------------------------------------

static const char *const minmax_flags[] = {"double", "signed", "max"};

// Operands of the comparison: the double words, or the low limbs extended by sign or zero.
static void declare_amo_minmax(const step *s, const void *context)
{
    (void)context;
    expr flags[3];
    atomic_row r = begin(s, flags, 3, minmax_flags);
    chip_builder *b = s->b;
    word v = read_register(s, "b", r.o.rs2, VM_SLOT_RS2);
    expr v_sign = limb_sign(s, "v", v.lo);
    word cx = {r.x, chip_column(b, "cx.hi")}, cv = {v.lo, e_const(0)};
    cv.hi = chip_column(b, "cv.hi");
    expr mask = ones_if(s, flags[1]);
    chip_equal(b, cx.hi, e_select(r.is_double, r.old.hi, e_mul(mask, r.x_sign)), "x extended");
    chip_equal(b, cv.hi, e_select(r.is_double, v.hi, e_mul(mask, v_sign)), "b extended");
    expr less = compare_words(s, "cmp.x", "cmp.b", cx, cv, flags[1]);
    // min takes x when x < b, max takes b then.
    expr take_b = chip_bit(b, "take_b");
    chip_equal(b, take_b, e_mul(s->real, e_select(flags[2], less, e_not(less))), "which one");
    word y = word_columns(s, "y");
    chip_equal(b, y.lo, e_select(take_b, v.lo, r.x), "new value, low limb");
    chip_equal(b, y.hi, e_select(take_b, v.hi, r.old.hi), "new value, high limb");
    end(&r, FETCH_AMO_MINMAX, y, e_const(0));
}

static void fill_amo_minmax(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_atomic *r = row;
    const char *text = vm_op_info[r->head.insn->op].mnemonic; // amomin.w, amomaxu.d, ..
    bool max = text[4] == 'a', is_signed = text[6] != 'u', is_double = is_double_op(r->head.insn);
    bool flags[3] = {is_double, is_signed, max};
    put_begin(c, r, flags, 3);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    put_limb_sign(c, low32(r->b.value));
    uint64_t x = selected(r, r->word.old_value), v = r->b.value;
    if (!is_double) {
        x = is_signed ? (uint64_t)(int64_t)(int32_t)x : low32(x);
        v = is_signed ? (uint64_t)(int64_t)(int32_t)v : low32(v);
    }
    put(c, high32(x));
    put(c, high32(v));
    bool less = put_compare_words(c, x, v, is_signed), take_b = max == less;
    put(c, take_b);
    put(c, take_b ? low32(v) : low32(x));
    put(c, take_b ? high32(r->b.value) : high32(r->word.old_value));
    put_end(c, r);
}

const chip_spec chip_spec_AMO = {"amo", declare_amo, NULL, fill_amo};
const chip_spec chip_spec_AMO_BIT = {"amo_bit", declare_amo_bit, NULL, fill_amo_bit};
const chip_spec chip_spec_AMO_MINMAX = {"amo_minmax", declare_amo_minmax, NULL, fill_amo_minmax};
