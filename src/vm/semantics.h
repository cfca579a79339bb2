// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What each instruction computes, one function each, with the sentence of the RISC-V Unprivileged
// Architecture manual that it implements. a is rs1 (or the old memory value of an atomic), b is rs2
// or the sign-extended immediate. No operation is undefined in C for any operands.
#include <stdint.h>

static inline uint64_t sext32(uint64_t x)
{
    return (uint64_t)(int64_t)(int32_t)x;
}

// Atomics and CSR instructions that keep the old value (lr) or store the source (sc, swap, csrrw);
// lui: "LUI places the 32-bit U-immediate value into the destination register rd, filling in the
// lowest 12 bits with zeros."
static inline uint64_t sem_first(uint64_t a, uint64_t b)
{
    (void)b;
    return a;
}

static inline uint64_t sem_second(uint64_t a, uint64_t b)
{
    (void)a;
    return b;
}

// "CSRRC: ... the initial value in rs1 is treated as a bit mask that specifies bit positions to be
// cleared in the CSR."
static inline uint64_t sem_clear(uint64_t a, uint64_t b)
{
    return a & ~b;
}

// "ADD performs the addition of rs1 and rs2. ... Overflows are ignored and the low XLEN bits of
// results are written to the destination rd."
static inline uint64_t sem_add(uint64_t a, uint64_t b)
{
    return a + b;
}

// "SUB performs the subtraction of rs2 from rs1."
static inline uint64_t sem_sub(uint64_t a, uint64_t b)
{
    return a - b;
}

// "ADDW and SUBW are RV64I-only instructions that are defined analogously to ADD and SUB but
// operate on 32-bit values and produce signed 32-bit results. Overflows are ignored, and the low
// 32-bits of the result is sign-extended to 64-bits and written to the destination register."
static inline uint64_t sem_addw(uint64_t a, uint64_t b)
{
    return sext32(a + b);
}

static inline uint64_t sem_subw(uint64_t a, uint64_t b)
{
    return sext32(a - b);
}

// "SLT and SLTU perform signed and unsigned compares respectively, writing 1 to rd if rs1 < rs2, 0
// otherwise." Also the conditions of BLT and BLTU.
static inline uint64_t sem_lt(uint64_t a, uint64_t b)
{
    return (int64_t)a < (int64_t)b;
}

static inline uint64_t sem_ltu(uint64_t a, uint64_t b)
{
    return a < b;
}

// "BEQ and BNE take the branch if registers rs1 and rs2 are equal or unequal respectively. ... BGE
// and BGEU take the branch if rs1 is greater than or equal to rs2, using signed comparison and
// unsigned comparison respectively."
static inline uint64_t sem_eq(uint64_t a, uint64_t b)
{
    return a == b;
}

static inline uint64_t sem_ne(uint64_t a, uint64_t b)
{
    return a != b;
}

static inline uint64_t sem_ge(uint64_t a, uint64_t b)
{
    return (int64_t)a >= (int64_t)b;
}

static inline uint64_t sem_geu(uint64_t a, uint64_t b)
{
    return a >= b;
}

// "AND, OR, and XOR perform bitwise logical operations."
static inline uint64_t sem_and(uint64_t a, uint64_t b)
{
    return a & b;
}

static inline uint64_t sem_or(uint64_t a, uint64_t b)
{
    return a | b;
}

static inline uint64_t sem_xor(uint64_t a, uint64_t b)
{
    return a ^ b;
}

// "SLL, SRL, and SRA perform logical left, logical right, and arithmetic right shifts on the value
// in register rs1 by the shift amount held in register rs2. In RV64I, only the low 6 bits of rs2
// are considered for the shift amount."
static inline uint64_t sem_sll(uint64_t a, uint64_t b)
{
    return a << (b & 63);
}

static inline uint64_t sem_srl(uint64_t a, uint64_t b)
{
    return a >> (b & 63);
}

static inline uint64_t sem_sra(uint64_t a, uint64_t b)
{
    return (uint64_t)((int64_t)a >> (b & 63));
}

// "SLLW, SRLW, and SRAW ... operate on 32-bit values and sign-extend their 32-bit results to 64
// bits. The shift amount is given by rs2[4:0]."
static inline uint64_t sem_sllw(uint64_t a, uint64_t b)
{
    return sext32((uint32_t)a << (b & 31));
}

static inline uint64_t sem_srlw(uint64_t a, uint64_t b)
{
    return sext32((uint32_t)a >> (b & 31));
}

static inline uint64_t sem_sraw(uint64_t a, uint64_t b)
{
    return (uint64_t)(int64_t)((int32_t)a >> (b & 31));
}

// "MUL performs an XLEN-bit x XLEN-bit multiplication of rs1 by rs2 and places the lower XLEN bits
// in the destination register. MULH, MULHU, and MULHSU perform the same multiplication but return
// the upper XLEN bits of the full 2 x XLEN-bit product, for signed x signed, unsigned x unsigned,
// and rs1 signed x rs2 unsigned multiplication."
static inline uint64_t sem_mul(uint64_t a, uint64_t b)
{
    return a * b;
}

static inline uint64_t sem_mulh(uint64_t a, uint64_t b)
{
    return (uint64_t)(((__int128)(int64_t)a * (int64_t)b) >> 64);
}

static inline uint64_t sem_mulhu(uint64_t a, uint64_t b)
{
    return (uint64_t)(((unsigned __int128)a * b) >> 64);
}

// a signed: a = u - 2^64 [a < 0], so the upper half is that of u b minus b when a is negative.
static inline uint64_t sem_mulhsu(uint64_t a, uint64_t b)
{
    return sem_mulhu(a, b) - ((int64_t)a < 0 ? b : 0);
}

// "MULW ... multiplies the lower 32 bits of the source registers, placing the sign extension of the
// lower 32 bits of the result into the destination register."
static inline uint64_t sem_mulw(uint64_t a, uint64_t b)
{
    return sext32((uint32_t)a * (uint32_t)b);
}

// "DIV and DIVU perform an XLEN bits by XLEN bits signed and unsigned integer division of rs1 by
// rs2, rounding towards zero. REM and REMU provide the remainder. ... The quotient of division by
// zero has all bits set, and the remainder of division by zero equals the dividend. Signed division
// overflow occurs only when the most-negative integer is divided by -1. The quotient ... is equal
// to the dividend, and the remainder is zero."
static inline uint64_t sem_div(uint64_t a, uint64_t b)
{
    if (b == 0)
        return UINT64_MAX;
    if (b == UINT64_MAX)
        return 0 - a;
    return (uint64_t)((int64_t)a / (int64_t)b);
}

static inline uint64_t sem_divu(uint64_t a, uint64_t b)
{
    return b == 0 ? UINT64_MAX : a / b;
}

static inline uint64_t sem_rem(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    if (b == UINT64_MAX)
        return 0;
    return (uint64_t)((int64_t)a % (int64_t)b);
}

static inline uint64_t sem_remu(uint64_t a, uint64_t b)
{
    return b == 0 ? a : a % b;
}

// "DIVW and DIVUW ... perform division of the lower 32 bits of rs1 by the lower 32 bits of rs2,
// treating them as signed and unsigned integers respectively, placing the 32-bit quotient in rd,
// sign-extended to 64 bits. REMW and REMUW ... always sign-extend the 32-bit result to 64 bits,
// including on a divide by zero."
static inline uint64_t sem_divw(uint64_t a, uint64_t b)
{
    int32_t x = (int32_t)a;
    int32_t y = (int32_t)b;
    if (y == 0)
        return UINT64_MAX;
    return y == -1 ? sext32(0 - (uint32_t)a) : sext32((uint32_t)(x / y));
}

static inline uint64_t sem_divuw(uint64_t a, uint64_t b)
{
    return (uint32_t)b == 0 ? UINT64_MAX : sext32((uint32_t)a / (uint32_t)b);
}

static inline uint64_t sem_remw(uint64_t a, uint64_t b)
{
    int32_t x = (int32_t)a;
    int32_t y = (int32_t)b;
    if (y == 0)
        return sext32(a);
    return y == -1 ? 0 : sext32((uint32_t)(x % y));
}

static inline uint64_t sem_remuw(uint64_t a, uint64_t b)
{
    return (uint32_t)b == 0 ? sext32(a) : sext32((uint32_t)a % (uint32_t)b);
}

// "AMOMIN, AMOMAX ... signed, AMOMINU, AMOMAXU unsigned integer maximum and minimum." The 32-bit
// forms come here sign-extended, which keeps both orders.
static inline uint64_t sem_min(uint64_t a, uint64_t b)
{
    return (int64_t)a < (int64_t)b ? a : b;
}

static inline uint64_t sem_max(uint64_t a, uint64_t b)
{
    return (int64_t)a > (int64_t)b ? a : b;
}

static inline uint64_t sem_minu(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t sem_maxu(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
