// SPDX-License-Identifier: Apache-2.0 OR MIT
// Stores. The address is proved to lie in RAM, so ROM and input are never written. What lies
// outside the window is the old word's.
#include "chips/chips.h"

#include "chips/memory_parts.h"

static fetch_operands store_operands(const step *s)
{
    chip_builder *b = s->b;
    fetch_operands o = {.rs1 = chip_column(b, "rs1")};
    o.rs2 = chip_column(b, "rs2");
    o.imm = imm_columns(s);
    return o;
}

static void put_store_begin(cursor *c, const row_store *r)
{
    put_step(c, &r->head);
    put(c, r->head.insn->rs1);
    put(c, r->head.insn->rs2);
    put_word(c, (uint64_t)(int64_t)r->head.insn->imm);
}

static unsigned store_offset(const row_store *r)
{
    return (r->a.value + (uint64_t)(int64_t)r->head.insn->imm) & 7;
}

static void put_store_access(cursor *c, const row_store *r, unsigned k)
{
    put_access(c, r->head.ts + r->word[k].slot, r->word[k].old_ts);
}

// ---- sd, aligned -------------------------------------------------------------------------------

static void declare_store8(const step *s, const void *context)
{
    (void)context;
    fetch_operands o = store_operands(s);
    o.flags = e_const(FLAG_WIDTH_8);
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word v = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    expr address = word_address(s, "at", a, o.imm, e_const(0), ram_only(s));
    access_word(s, "m", SPACE_MEMORY, address, word_columns(s, "old"), v, VM_SLOT_MEM);
    step_fetch(s, FETCH_STORE, o);
    step_sequential(s);
}

static void fill_store8(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_store *r = row;
    put_store_begin(c, r);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    put_word_address(c, r->a.value, r->head.insn->imm, VM_RAM_BASE);
    put_word(c, r->word[0].old_value);
    put_store_access(c, r, 0);
}

// ---- sw, aligned -------------------------------------------------------------------------------

static void declare_store4(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = store_operands(s);
    o.flags = e_const(FLAG_WIDTH_4);
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word v = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    expr upper = chip_bit(b, "upper");
    expr address = word_address(s, "at", a, o.imm, upper_limb(s, upper), ram_only(s));
    word old = word_columns(s, "old"), new = word_columns(s, "new");
    chip_equal(b, new.lo, e_select(upper, old.lo, v.lo), "low limb");
    chip_equal(b, new.hi, e_select(upper, v.lo, old.hi), "high limb");
    access_word(s, "m", SPACE_MEMORY, address, old, new, VM_SLOT_MEM);
    step_fetch(s, FETCH_STORE, o);
    step_sequential(s);
}

static void fill_store4(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_store *r = row;
    put_store_begin(c, r);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    put(c, store_offset(r) >> 2);
    put_word_address(c, r->a.value, r->head.insn->imm, VM_RAM_BASE);
    put_word(c, r->word[0].old_value);
    put_word(c, r->word[0].value);
    put_store_access(c, r, 0);
}

// ---- sb, sh, aligned ---------------------------------------------------------------------------

// The low half of the stored register as two bytes: b.lo = byte 0 + 2^byte byte 1 + 2^part rest.
// The new half differs from the old one by `delta`, which moves into the word at the half's place.
static void declare_store_small(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = store_operands(s);
    expr is_half = chip_bit(b, "half");
    o.flags = e_scale(FLAG_WIDTH_2, is_half);
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    word v = read_register(s, "b", o.rs2, VM_SLOT_RS2);
    expr new_byte[2];
    checked_bytes(s, new_byte, "stored", 2);
    expr stored = half_of(s, new_byte[0], new_byte[1]);
    unsigned part = s->shape->part_bits;
    range_check(s, part, e_scale(fe_inv(1ULL << part), e_sub(v.lo, stored)));

    half_place at = declare_half_place(s, is_half);
    expr address = word_address(s, "at", a, o.imm, at.offset, ram_only(s));
    halves old = declare_halves(s, &at);
    expr low_byte = half_of(s, new_byte[0], old.byte1);
    expr high_byte = half_of(s, old.byte0, new_byte[0]);
    expr delta = chip_column(b, "delta");
    chip_equal(b, e_add(old.half, delta),
               e_select(is_half, stored, e_select(at.odd, high_byte, low_byte)), "new half");
    word new = word_columns(s, "new");
    expr weight = e_select(at.bit0, e_const(1ULL << part), e_const(1));
    chip_equal(b, new.lo, e_add(old.word.lo, e_mul(e_mul(e_not(at.bit1), weight), delta)),
               "low limb");
    chip_equal(b, new.hi, e_add(old.word.hi, e_mul(e_mul(at.bit1, weight), delta)), "high limb");
    access_word(s, "m", SPACE_MEMORY, address, old.word, new, VM_SLOT_MEM);
    step_fetch(s, FETCH_STORE, o);
    step_sequential(s);
}

static void fill_store_small(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_store *r = row;
    unsigned offset = store_offset(r);
    put_store_begin(c, r);
    put(c, r->head.insn->op == OP_sh);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    put_read(c, &r->head, &r->b, VM_SLOT_RS2);
    put(c, r->b.value & 0xff);
    put(c, r->b.value >> 8 & 0xff);
    put_half_place(c, offset);
    put_word_address(c, r->a.value, r->head.insn->imm, VM_RAM_BASE);
    put_halves(c, r->word[0].old_value, offset);
    unsigned place = 8 * (offset & 6);
    put(c, fe_sub(r->word[0].value >> place & 0xffff, r->word[0].old_value >> place & 0xffff));
    put_word(c, r->word[0].value);
    put_store_access(c, r, 0);
}

// ---- Misaligned --------------------------------------------------------------------------------

typedef struct odd_form {
    unsigned n_words;
} odd_form;

static void declare_store_odd(const step *s, const void *context)
{
    const odd_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = store_operands(s);
    byte_window w = declare_window(s, f->n_words);
    o.flags = w.flags;
    word a = read_register(s, "a", o.rs1, VM_SLOT_RS1);
    expr stored[8], old[16], new[16];
    checked_bytes(s, stored, "stored", 8);
    word v = word_of_bytes(s, stored);
    access_word(s, "b", SPACE_REGISTER, o.rs2, v, v, VM_SLOT_RS2);
    expr address = word_address(s, "at", a, o.imm, w.offset, ram_only(s));
    unsigned n = 8 * f->n_words;
    checked_bytes(s, old, "old", n);
    chip_columns(b, new, "new", n);
    // enabled[i]: byte i of the register is stored.
    expr enabled[8];
    for (unsigned i = 0; i < 8; i++)
        enabled[i] = i < 2 ? e_const(1) : i < 4 ? e_add(w.is4, w.is8) : w.is8;
    for (unsigned j = 0; j < n; j++) {
        expr change = e_const(0);
        for (unsigned k = 0; k < 8; k++)
            if (j >= k && j - k < 8)
                change = e_add(change, e_mul(e_mul(w.select[k], enabled[j - k]),
                                             e_sub(stored[j - k], old[j])));
        chip_equal(b, new[j], e_add(old[j], change), "byte %u", j);
    }
    for (unsigned k = 0; k < f->n_words; k++)
        access_word(s, k == 0 ? "m0" : "m1", SPACE_MEMORY, e_add(address, e_scale(8 * k, s->real)),
                    word_of_bytes(s, old + 8 * k), word_of_bytes(s, new + 8 * k), VM_SLOT_MEM);
    step_fetch(s, FETCH_STORE, o);
    step_sequential(s);
}

static void fill_store_odd(cursor *c, const void *row, const void *context)
{
    const odd_form *f = context;
    const row_store *r = row;
    const insn *i = r->head.insn;
    unsigned width = i->op == OP_sd ? 8 : i->op == OP_sw ? 4 : 2;
    put_store_begin(c, r);
    put_window(c, store_offset(r), width, f->n_words);
    put_read(c, &r->head, &r->a, VM_SLOT_RS1);
    for (unsigned k = 0; k < 8; k++)
        put(c, r->b.value >> (8 * k) & 0xff);
    put_access(c, r->head.ts + VM_SLOT_RS2, r->b.old_ts);
    put_word_address(c, r->a.value, i->imm, VM_RAM_BASE);
    for (unsigned k = 0; k < 8 * f->n_words; k++)
        put(c, r->word[k / 8].old_value >> (8 * (k % 8)) & 0xff);
    for (unsigned k = 0; k < 8 * f->n_words; k++)
        put(c, r->word[k / 8].value >> (8 * (k % 8)) & 0xff);
    for (unsigned k = 0; k < f->n_words; k++)
        put_store_access(c, r, k);
}

static const odd_form one_word = {1}, two_words = {2};
const chip_spec chip_spec_STORE8 = {"store8", declare_store8, NULL, fill_store8};
const chip_spec chip_spec_STORE4 = {"store4", declare_store4, NULL, fill_store4};
const chip_spec chip_spec_STORE_SMALL = {"store_small", declare_store_small, NULL,
                                         fill_store_small};
const chip_spec chip_spec_STORE_ODD = {"store_odd", declare_store_odd, &one_word, fill_store_odd};
const chip_spec chip_spec_STORE_CROSS = {"store_cross", declare_store_odd, &two_words,
                                         fill_store_odd};
