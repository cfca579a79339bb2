// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Building blocks of the chips: each comes as a pair, a declaration over the chip builder (air) and
// a writer of the same columns in the same order. A chip's fill function calls the writers in the
// order in which its declaration called the builders; a row is written through a cursor that counts
// columns, and the row must end exactly at the last one (checked).
//
// Conventions
//  - A 64-bit word is two 32-bit limbs (lo, hi), of the bus and of the chips.
//  - Every interaction has the row's real flag as multiplicity; padding rows are all zero.
//  - A timestamp is one element below 2^40; an access proves old ts < ts by two 20-bit limbs of
//    ts - old ts - 1, from which old ts is affine (no column).
//  - Values are range-checked where they are made, never where they are read: whatever register or
//    memory word a row reads was range-checked by the row that wrote it.
#include "air/chip.h"
#include "chips/fetch.h"
#include "vm/events.h"

// ---- Declaration -------------------------------------------------------------------------------

// A word of two limbs.
typedef struct word {
    expr lo, hi;
} word;

// The step of a row. Columns: real, pc, ts, compressed.
typedef struct step {
    chip_builder *b;
    expr real, pc, ts;
    expr compressed;
    expr length; // 4 - 2 compressed, 0 in padding rows only when multiplied by real
} step;

// Starts a row of the execution: declares the columns and receives (pc, ts).
step step_begin(chip_builder *b);

// Sends (next_pc, ts + VM_STEP_SLOTS).
void step_next(const step *s, expr next_pc);
// next_pc = pc + length
void step_sequential(const step *s);

// Operands of the instruction as the program table has them. Members that are not set (owner NULL)
// are the constant 0. flags: the class's bits packed from bit 1 on, bit 0 is added here.
typedef struct fetch_operands {
    expr rd, rs1, rs2, imm_lo, imm_hi, flags;
} fetch_operands;
void step_fetch(const step *s, fetch_class class, fetch_operands operands);

// value < 2^bits, bits <= 20. value affine.
void range_check(const step *s, unsigned bits, expr value);

// A 32-bit value as two 16-bit columns name.0, name.1, range-checked; returns low + 2^16 high.
expr limbs32(const step *s, const char *name);
// The same with the top bit of the value: columns name.0 (16 bits), name.1 (15 bits), name.sign.
expr limbs32_signed(const step *s, const char *name, expr *sign);
// A 64-bit word as four 16-bit columns.
word limbs64(const step *s, const char *name);

// Proves that `value`, known to be below 2^32, has the top bit that the returned boolean column
// says. Columns name.low (16 bits), name.sign.
expr sign_bit32(const step *s, const char *name, expr value);

// An access: receives (space, addr, old, ts + slot - 1 - d), sends (space, addr, new, ts + slot)
// with d = name.d0 + 2^20 name.d1 range-checked.
void access_word(const step *s, const char *name, tuple_space space, expr addr, word old_value,
                 word new_value, unsigned slot);

// Reads register number `reg` (an operand of the fetch) into the columns name.lo, name.hi.
word read_register(const step *s, const char *name, expr reg, unsigned slot);

// Writes `value` (already known to be two 32-bit limbs) to register `reg` in VM_SLOT_RD; columns
// rd.old_lo, rd.old_hi.
void write_register(const step *s, expr reg, word value);

// sum_i 2^(i + 1) bits[i]: flag bits from bit 1 on.
expr flag_bits(const expr *bits, size_t n);

// The memory word that a load or store at a + imm lies in: a + imm = base + 8 word + offset
// (mod 2^64) with offset an expression in 0..7 and word = name.w0 + 2^16 name.w1 below
// 2^(16 + high_bits). Columns name.w0, name.w1, name.c0, name.c1. Returns base + 8 word. With base
// 0 and high_bits 13 any 32-bit address; with VM_RAM_BASE and 10 exactly the RAM.
expr word_address(const step *s, const char *name, word a, expr imm_lo, expr imm_hi, expr offset,
                  uint64_t base, unsigned high_bits);

// a < b for two words, unsigned or, where the boolean expression is_signed says so, signed
// (compare.c). Returns a boolean column. Columns borrow, below, diff (4), sign parts a_name and
// b_name, less.
expr compare_words(const step *s, const char *a_name, const char *b_name, word a, word b,
                   expr is_signed);

// ---- Filling -----------------------------------------------------------------------------------

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

static inline void put_limbs32(cursor *c, uint32_t value)
{
    put(c, value & 0xffff);
    put(c, value >> 16);
}

static inline void put_limbs32_signed(cursor *c, uint32_t value)
{
    put(c, value & 0xffff);
    put(c, value >> 16 & 0x7fff);
    put(c, value >> 31);
}

static inline void put_limbs64(cursor *c, uint64_t value)
{
    put_limbs32(c, low32(value));
    put_limbs32(c, high32(value));
}

static inline void put_word(cursor *c, uint64_t value)
{
    put(c, low32(value));
    put(c, high32(value));
}

static inline void put_sign_bit32(cursor *c, uint32_t value)
{
    put(c, value & 0xffff);
    put(c, value >> 31);
}

// The columns of access_word for an access at ts + slot.
static inline void put_access(cursor *c, uint64_t ts, uint64_t old_ts)
{
    uint64_t d = ts - old_ts - 1;
    ZK_VERIFY(old_ts < ts && d >> 40 == 0);
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
