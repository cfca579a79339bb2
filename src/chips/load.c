// SPDX-License-Identifier: Apache-2.0 OR MIT
// Loads. What is outside the window never reaches the result: each part of the result is an
// expression in the selected part of the word and one sign bit.
#include "chips/chips.h"

#include "chips/memory_parts.h"

static fetch_operands load_operands(const step *s)
{
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.rs1 = chip_column(b, "rs1");
    o.imm = imm_columns(s);
    return o;
}

static void put_load_begin(cursor *c, const row_load *r)
{
    put_step(c, &r->head);
    put(c, r->head.insn->rd);
    put(c, r->head.insn->rs1);
    put_word(c, (uint64_t)(int64_t)r->head.insn->imm);
}

static bool is_unsigned(const insn *i)
{
    return i->op == OP_lbu || i->op == OP_lhu || i->op == OP_lwu;
}

static void put_word_access(cursor *c, const row_head *head, const word_access *w)
{
    put_access(c, head->ts + w->slot, w->old_ts);
}

// `sign` is the top bit of `byte`, known to be one.
static void check_byte_sign(const step *s, expr byte, expr sign)
{
    unsigned rest_bits = s->shape->byte_bits - 1;
    range_check(s, rest_bits, e_sub(byte, e_scale(1ULL << rest_bits, sign)));
}

// ---- ld, aligned -------------------------------------------------------------------------------

static void declare_load8(const step *s, const void *context)
{
    (void)context;
    fetch_operands o = load_operands(s);
    o.flags = e_const(FLAG_WIDTH_8);
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    expr address = word_address(s, "at", a, o.imm, e_const(0), whole_memory(s));
    word v = word_columns(s, "v");
    access_word(s, "v", SPACE_MEMORY, address, v, v, VM_SLOT_MEM);
    write_register(s, o.rd, v);
    step_fetch(s, FETCH_LOAD, o);
    step_sequential(s);
}

static void fill_load8(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_load *r = row;
    put_load_begin(c, r);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_word_address(c, r->a.value, r->head.insn->imm, 0);
    put_word(c, r->word[0].value);
    put_word_access(c, &r->head, &r->word[0]);
    put_write(c, &r->head, &r->d);
}

// ---- lw, lwu, aligned --------------------------------------------------------------------------

static void declare_load4(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = load_operands(s);
    expr zero_extend = chip_bit(b, "unsigned");
    o.flags = e_add(e_const(FLAG_WIDTH_4), e_scale(FLAG_UNSIGNED, zero_extend));
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    expr upper = chip_bit(b, "upper");
    expr address = word_address(s, "at", a, o.imm, upper_limb(s, upper), whole_memory(s));
    word v = word_columns(s, "v");
    access_word(s, "v", SPACE_MEMORY, address, v, v, VM_SLOT_MEM);
    expr value = chip_column(b, "value"), negative = chip_bit(b, "negative");
    chip_equal(b, value, e_select(upper, v.hi, v.lo), "value");
    chip_equal(b, negative, e_mul(e_not(zero_extend), limb_sign(s, "value", value)), "negative");
    write_register(s, o.rd, (word){value, ones_if(s, negative)});
    step_fetch(s, FETCH_LOAD, o);
    step_sequential(s);
}

static void fill_load4(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_load *r = row;
    uint64_t address = r->a.value + (uint64_t)(int64_t)r->head.insn->imm;
    bool upper = address >> 2 & 1;
    uint32_t value = upper ? high32(r->word[0].value) : low32(r->word[0].value);
    put_load_begin(c, r);
    put(c, is_unsigned(r->head.insn));
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put(c, upper);
    put_word_address(c, r->a.value, r->head.insn->imm, 0);
    put_word(c, r->word[0].value);
    put_word_access(c, &r->head, &r->word[0]);
    put(c, value);
    put(c, !is_unsigned(r->head.insn) && value >> 31);
    put_limb_sign(c, value);
    put_write(c, &r->head, &r->d);
}

// ---- lb, lbu, lh, lhu, aligned -----------------------------------------------------------------

static void declare_load_small(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = load_operands(s);
    expr is_half = chip_bit(b, "half"), zero_extend = chip_bit(b, "unsigned");
    o.flags = e_add(e_scale(FLAG_WIDTH_2, is_half), e_scale(FLAG_UNSIGNED, zero_extend));
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    half_place at = declare_half_place(s, is_half);
    expr address = word_address(s, "at", a, o.imm, at.offset, whole_memory(s));
    halves v = declare_halves(s, &at);
    access_word(s, "v", SPACE_MEMORY, address, v.word, v.word, VM_SLOT_MEM);

    // top: the byte with the sign; value: the half, or the byte of it.
    expr byte = chip_column(b, "byte"), top = chip_column(b, "top");
    chip_equal(b, byte, e_select(at.odd, v.byte1, v.byte0), "byte");
    chip_equal(b, top, e_select(is_half, v.byte1, byte), "top byte");
    expr sign = chip_bit(b, "sign"), negative = chip_bit(b, "negative");
    check_byte_sign(s, top, sign);
    chip_equal(b, negative, e_mul(e_not(zero_extend), sign), "negative");
    // Sign extension to a limb: 2^limb - 2^byte, or 2^limb - 2^part for a half.
    uint64_t limb = 1ULL << limb_bits(s->shape), part = 1ULL << s->shape->part_bits;
    uint64_t byte_size = 1ULL << s->shape->byte_bits;
    expr extension = e_sub(e_const(limb - byte_size), e_scale(part - byte_size, is_half));
    expr low = chip_column(b, "r.lo");
    chip_equal(b, low, e_add(e_select(is_half, v.half, byte), e_mul(negative, extension)),
               "result, low limb");
    write_register(s, o.rd, (word){low, ones_if(s, negative)});
    step_fetch(s, FETCH_LOAD, o);
    step_sequential(s);
}

static void fill_load_small(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_load *r = row;
    const insn *i = r->head.insn;
    bool is_half = i->op == OP_lh || i->op == OP_lhu;
    unsigned offset = (r->a.value + (uint64_t)(int64_t)i->imm) & 7;
    uint64_t v = r->word[0].value;
    uint32_t byte = v >> (8 * offset) & 0xff;
    uint32_t half = v >> (8 * (offset & 6)) & 0xffff;
    uint32_t top = is_half ? half >> 8 : byte;
    put_load_begin(c, r);
    put(c, is_half);
    put(c, is_unsigned(i));
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_half_place(c, offset);
    put_word_address(c, r->a.value, i->imm, 0);
    put_halves(c, v, offset);
    put_word_access(c, &r->head, &r->word[0]);
    put(c, byte);
    put(c, top);
    put(c, top >> 7);
    put(c, !is_unsigned(i) && top >> 7);
    put(c, low32(r->d.value));
    put_write(c, &r->head, &r->d);
}

// ---- Misaligned --------------------------------------------------------------------------------

typedef struct odd_form {
    unsigned n_words; // that the bytes may lie in
} odd_form;

static void declare_load_odd(const step *s, const void *context)
{
    const odd_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = load_operands(s);
    expr zero_extend = chip_bit(b, "unsigned");
    byte_window w = declare_window(s, f->n_words);
    o.flags = e_add(w.flags, e_scale(FLAG_UNSIGNED, zero_extend));
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    expr address = word_address(s, "at", a, o.imm, w.offset, whole_memory(s));
    expr bytes[16];
    checked_bytes(s, bytes, "v", 8 * f->n_words);
    for (unsigned k = 0; k < f->n_words; k++) {
        word v = word_of_bytes(s, bytes + 8 * k);
        access_word(s, k == 0 ? "v0" : "v1", SPACE_MEMORY, e_add(address, e_scale(8 * k, s->real)),
                    v, v, VM_SLOT_MEM);
    }
    expr at[8];
    chip_columns(b, at, "window", 8);
    for (unsigned i = 0; i < 8; i++) {
        expr sum = e_const(0);
        for (unsigned k = 0; k < 8 && k + i < 8 * f->n_words; k++)
            sum = e_add(sum, e_mul(w.select[k], bytes[k + i]));
        chip_equal(b, at[i], sum, "window %u", i);
    }
    expr top = chip_column(b, "top"), sign = chip_bit(b, "sign"),
         negative = chip_bit(b, "negative");
    chip_equal(b, top, E_SUM(e_mul(w.is2, at[1]), e_mul(w.is4, at[3]), e_mul(w.is8, at[7])),
               "top byte");
    check_byte_sign(s, top, sign);
    chip_equal(b, negative, e_mul(e_not(zero_extend), sign), "negative");
    expr beyond = e_scale((1ULL << s->shape->part_bits) - 1, negative);
    expr low_half = half_of(s, at[0], at[1]), second = half_of(s, at[2], at[3]);
    word r = word_columns(s, "r");
    chip_equal(b, r.lo, limb_of(s, low_half, e_select(w.is2, beyond, second)), "result, low limb");
    chip_equal(b, r.hi, e_select(w.is8, word_of_bytes(s, at).hi, ones_if(s, negative)),
               "result, high limb");
    write_register(s, o.rd, r);
    step_fetch(s, FETCH_LOAD, o);
    step_sequential(s);
}

static void fill_load_odd(cursor *c, const void *row, const void *context)
{
    const odd_form *f = context;
    const row_load *r = row;
    const insn *i = r->head.insn;
    unsigned width = i->op == OP_ld ? 8 : i->op == OP_lw || i->op == OP_lwu ? 4 : 2;
    unsigned offset = (r->a.value + (uint64_t)(int64_t)i->imm) & 7;
    put_load_begin(c, r);
    put(c, is_unsigned(i));
    put_window(c, offset, width, f->n_words);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_word_address(c, r->a.value, i->imm, 0);
    uint8_t bytes[24] = {0};
    for (unsigned k = 0; k < 8 * f->n_words; k++)
        put(c, bytes[k] = r->word[k / 8].value >> (8 * (k % 8)) & 0xff);
    for (unsigned k = 0; k < f->n_words; k++)
        put_word_access(c, &r->head, &r->word[k]);
    for (unsigned k = 0; k < 8; k++)
        put(c, bytes[offset + k]);
    uint8_t top = bytes[offset + width - 1];
    put(c, top);
    put(c, top >> 7);
    put(c, !is_unsigned(i) && top >> 7);
    put_word(c, r->d.value);
    put_write(c, &r->head, &r->d);
}

static const odd_form one_word = {1}, two_words = {2};
const chip_spec chip_spec_LOAD8 = {"load8", declare_load8, NULL, fill_load8};
const chip_spec chip_spec_LOAD4 = {"load4", declare_load4, NULL, fill_load4};
const chip_spec chip_spec_LOAD_SMALL = {"load_small", declare_load_small, NULL, fill_load_small};
const chip_spec chip_spec_LOAD_ODD = {"load_odd", declare_load_odd, &one_word, fill_load_odd};
const chip_spec chip_spec_LOAD_CROSS = {"load_cross", declare_load_odd, &two_words, fill_load_odd};
