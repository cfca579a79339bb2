// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Building blocks of the chips: each comes as a pair, a declaration over the chip builder (air) and
// a writer of the same columns in the same order. A chip's fill function calls the writers in the
// order in which its declaration called the builders; a row is written through a cursor that counts
// columns, and the row must end exactly at the last one (checked).
//
// Conventions
//  - A word is two limbs (lo, hi), of the bus and of the chips; word_shape.h has the sizes. In the
//    machine a limb has 32 bits and a part of it 16.
//  - Every interaction has the row's real flag as multiplicity; padding rows are all zero.
//  - A timestamp is one element below 2^40; an access proves old ts < ts by two 20-bit digits of
//    ts - old ts - 1, from which old ts is affine (no column).
//  - Values are range-checked where they are made, never where they are read: whatever register or
//    memory word a row reads was range-checked by the row that wrote it.
#include "air/chip.h"
#include "chips/fetch.h"
#include "chips/word_shape.h"
#include "vm/events.h"

// ---- Declaration -------------------------------------------------------------------------------

// A word of two limbs.
typedef struct word {
    expr lo, hi;
} word;

// The step of a row. Columns: real, pc, ts, compressed.
typedef struct step {
    chip_builder *b;
    const word_shape *shape;
    expr real, pc, ts;
    expr compressed;
    expr length; // 4 - 2 compressed, 0 in padding rows only when multiplied by real
} step;

// Starts a row of the execution: declares the columns and receives (pc, ts).
step step_begin(chip_builder *b, const word_shape *shape);

// Sends (next_pc, ts + VM_STEP_SLOTS).
void step_next(const step *s, expr next_pc);
// next_pc = pc + length
void step_sequential(const step *s);

// Operands of the instruction as the program table has them. Members that are not set (owner NULL)
// are the constant 0. flags: the class's bits packed from bit 1 on, bit 0 is added here.
typedef struct fetch_operands {
    expr rd, rs1, rs2;
    word imm;
    expr flags;
} fetch_operands;
void step_fetch(const step *s, fetch_class class, fetch_operands operands);

// sum_i 2^(i + 1) bits[i]: flag bits from bit 1 on.
expr flag_bits(const expr *bits, size_t n);

// value < 2^bits, bits <= 20. value affine.
void range_check(const step *s, unsigned bits, expr value);

// ---- Sizes put to use

// What a carry to the limb above stands for in this limb: 2^limb carry.
expr carry_out(const step *s, expr carry);
// A limb of ones where `bit` is 1, of zeros where it is 0: the limb above a sign.
expr ones_if(const step *s, expr bit);
// Where the upper limb of a word begins: its offset in bytes, or 0 where `upper` is 0.
expr upper_limb(const step *s, expr upper);
// low + 2^part high
expr limb_of(const step *s, expr low, expr high);
word word_of_parts(const step *s, const expr parts[4]);
word word_of_bytes(const step *s, const expr *bytes);

// ---- Columns

// Columns name.lo, name.hi; nothing is checked.
word word_columns(const step *s, const char *name);
// Columns imm_lo, imm_hi.
word imm_columns(const step *s);

// A limb as columns name.0, name.1, range-checked.
expr checked_limb(const step *s, const char *name);
// The same with the limb's top bit: columns name.0, name.1 (a bit less), name.sign.
expr checked_limb_signed(const step *s, const char *name, expr *sign);
// A word: columns name.lo.0, name.lo.1, name.hi.0, name.hi.1.
word checked_word(const step *s, const char *name);
// A word whose parts are needed one by one: columns name[0] .. name[3].
word checked_parts(const step *s, const char *name, expr parts[4]);

// A value below 2^bits as columns first, second, range-checked: as much as fits into one part, and
// the rest.
expr checked_value(const step *s, const char *first, const char *second, unsigned bits);

// Proves that `limb`, known to be one, has the top bit that the returned boolean column says.
// Columns name.low, name.sign.
expr limb_sign(const step *s, const char *name, expr limb);

// ---- Accesses

// An access: receives (space, addr, old, ts + slot - 1 - d), sends (space, addr, new, ts + slot)
// with d = name.d0 + 2^20 name.d1 range-checked.
void access_word(const step *s, const char *name, tuple_space space, expr addr, word old_value,
                 word new_value, unsigned slot);

// Reads register number `reg` (an operand of the fetch) into the columns name.lo, name.hi.
word read_register(const step *s, const char *name, expr reg, unsigned slot);

// Writes `value` (already known to be two limbs) to register `reg` in VM_SLOT_RD; columns
// rd.old_lo, rd.old_hi.
void write_register(const step *s, expr reg, word value);

// Where a load or store may go: 2^bits words from base on.
typedef struct region {
    uint64_t base;
    unsigned bits;
} region;
region whole_memory(const step *s); // all addresses of one limb
region ram_only(const step *s);

// The memory word that a load or store at a + imm lies in: a + imm = base + word size * index +
// offset (mod the size of a word) with offset an expression below the word size and index below
// 2^bits of the region. Columns name.w0, name.w1, name.c0, name.c1. Returns the word's address.
expr word_address(const step *s, const char *name, word a, word imm, expr offset, region in);

// ---- Shared by several chips

// a < b for two words, unsigned or, where the boolean expression is_signed says so, signed
// (compare.c). Returns a boolean column. Columns borrow, below, diff (4), sign parts a_name and
// b_name, less.
expr compare_words(const step *s, const char *a_name, const char *b_name, word a, word b,
                   expr is_signed);

// What goes into limb k of the product of two numbers of n parts (multiply.c): carry_in +
// sum_{i+j=2k} x_i y_j + 2^part sum_{i+j=2k+1} x_i y_j.
expr product_limb(const step *s, const expr *x, const expr *y, int k, int n, expr carry_in);

// ---- Filling, for word_shape_64 ----------------------------------------------------------------

// Writes one row, column after column.
typedef struct cursor {
    fe *const *columns; // committed columns of the chip
    size_t row;
    uint32_t next; // column
} cursor;

static inline void put(cursor *c, fe value)
{
    ZK_VERIFY(fe_is_canonical(value));
    c->columns[c->next++][c->row] = value;
}

static inline uint32_t low32(uint64_t value)
{
    return (uint32_t)value;
}

static inline uint32_t high32(uint64_t value)
{
    return (uint32_t)(value >> 32);
}

static inline void put_step(cursor *c, const row_head *head)
{
    put(c, 1);
    put(c, head->pc);
    put(c, head->ts);
    put(c, head->insn->length == 2);
}

static inline void put_limb(cursor *c, uint32_t value)
{
    put(c, value & 0xffff);
    put(c, value >> 16);
}

static inline void put_limb_signed(cursor *c, uint32_t value)
{
    put(c, value & 0xffff);
    put(c, value >> 16 & 0x7fff);
    put(c, value >> 31);
}

static inline void put_parts(cursor *c, uint64_t value)
{
    put_limb(c, low32(value));
    put_limb(c, high32(value));
}

static inline void put_word(cursor *c, uint64_t value)
{
    put(c, low32(value));
    put(c, high32(value));
}

static inline void put_bytes(cursor *c, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        put(c, value >> (8 * i) & 0xff);
}

static inline void put_limb_sign(cursor *c, uint32_t value)
{
    put(c, value & 0xffff);
    put(c, value >> 31);
}

// The columns of access_word for an access at ts + slot. Times that do not ascend give a cell that
// no range check lets through: forged runs get as far as that.
static inline void put_access(cursor *c, uint64_t ts, uint64_t old_ts)
{
    uint64_t d = ts - old_ts - 1;
    put(c, d & 0xfffff);
    put(c, d >> 20);
}

static inline void put_read(cursor *c, const row_head *head, const reg_read *r, unsigned slot)
{
    put_word(c, r->value);
    put_access(c, head->ts + slot, r->old_ts);
}

static inline void put_write(cursor *c, const row_head *head, const reg_write *w)
{
    put_word(c, w->old_value);
    put_access(c, head->ts + VM_SLOT_RD, w->old_ts);
}

static inline void put_word_address(cursor *c, uint64_t a, int64_t imm, uint64_t base)
{
    uint64_t index = (a + (uint64_t)imm - base) >> 3;
    put(c, index & 0xffff);
    put(c, index >> 16);
    uint64_t low = (uint64_t)low32(a) + low32((uint64_t)imm);
    put(c, low >> 32);
    put(c, ((uint64_t)high32(a) + high32((uint64_t)imm) + (low >> 32)) >> 32);
}

// The columns of compare_words; returns the answer.
bool put_compare_words(cursor *c, uint64_t a, uint64_t b, bool is_signed);

// What product_limb adds up.
uint64_t product_limb_of(uint64_t x, uint64_t y, int k, int n, uint64_t carry_in);
