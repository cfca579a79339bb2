// SPDX-License-Identifier: Apache-2.0 OR MIT
// Expansion of the C extension. Field layouts: RISC-V Unprivileged Architecture, chapter "C
// Extension for Compressed Instructions", tables of the three quadrants.
#include "vm/insn.h"

enum { X_ZERO = 0, X_RA = 1, X_SP = 2 };

// Bits hi..lo of h, moved to position `at`.
static uint32_t field(uint16_t h, unsigned hi, unsigned lo, unsigned at)
{
    return (((uint32_t)h >> lo) & ((1u << (hi - lo + 1)) - 1)) << at;
}

static uint32_t sign_extend(uint32_t value, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);
    return (value ^ sign) - sign;
}

// Encoders of the base formats; `op` holds opcode, funct3 and funct7.
static uint32_t r_type(uint32_t op, uint32_t rd, uint32_t rs1, uint32_t rs2)
{
    return op | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t i_type(uint32_t op, uint32_t rd, uint32_t rs1, uint32_t imm)
{
    return op | rd << 7 | rs1 << 15 | imm << 20;
}

static uint32_t s_type(uint32_t op, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return op | rs1 << 15 | rs2 << 20 | (imm & 31) << 7 | imm >> 5 << 25;
}

static uint32_t b_type(uint32_t op, uint32_t rs1, uint32_t rs2, uint32_t imm)
{
    return op | rs1 << 15 | rs2 << 20 | (imm >> 11 & 1) << 7 | (imm >> 1 & 15) << 8 |
           (imm >> 5 & 63) << 25 | (imm >> 12 & 1) << 31;
}

static uint32_t j_type(uint32_t op, uint32_t rd, uint32_t imm)
{
    return op | rd << 7 | (imm >> 12 & 255) << 12 | (imm >> 11 & 1) << 20 |
           (imm >> 1 & 1023) << 21 | (imm >> 20 & 1) << 31;
}

enum {
    ADDI = 0x13,
    SLLI = 0x1013,
    SRLI = 0x5013,
    SRAI = 0x40005013,
    ANDI = 0x7013,
    ADDIW = 0x1b,
    LUI = 0x37,
    LW = 0x2003,
    LD = 0x3003,
    SW = 0x2023,
    SD = 0x3023,
    ADD = 0x33,
    JAL = 0x6f,
    JALR = 0x67,
    BEQ = 0x63,
    BNE = 0x1063,
    EBREAK = 0x100073,
};

// Stack- and register-based loads and stores, C.ADDI4SPN.
static uint32_t quadrant0(uint16_t h)
{
    uint32_t rd = field(h, 4, 2, 0) + 8;
    uint32_t rs1 = field(h, 9, 7, 0) + 8;
    uint32_t word_offset = field(h, 12, 10, 3) | field(h, 6, 6, 2) | field(h, 5, 5, 6);
    uint32_t double_offset = field(h, 12, 10, 3) | field(h, 6, 5, 6);
    switch (h >> 13) {
    case 0: {
        uint32_t imm =
            field(h, 12, 11, 4) | field(h, 10, 7, 6) | field(h, 6, 6, 2) | field(h, 5, 5, 3);
        return imm == 0 ? 0 : i_type(ADDI, rd, X_SP, imm);
    }
    case 2:
        return i_type(LW, rd, rs1, word_offset);
    case 3:
        return i_type(LD, rd, rs1, double_offset);
    case 6:
        return s_type(SW, rs1, rd, word_offset);
    case 7:
        return s_type(SD, rs1, rd, double_offset);
    default:
        return 0;
    }
}

// C.SRLI, C.SRAI, C.ANDI and the register-register operations.
static uint32_t arithmetic(uint16_t h, uint32_t imm)
{
    static const uint32_t two_register[8] = {
        0x40000033, 0x4033, 0x6033, 0x7033, // sub xor or and
        0x4000003b, 0x3b,   0,      0,      // subw addw
    };
    uint32_t rd = field(h, 9, 7, 0) + 8;
    uint32_t rs2 = field(h, 4, 2, 0) + 8;
    switch (field(h, 11, 10, 0)) {
    case 0:
        return i_type(SRLI, rd, rd, imm & 63);
    case 1:
        return i_type(SRAI, rd, rd, imm & 63);
    case 2:
        return i_type(ANDI, rd, rd, imm);
    default: {
        uint32_t op = two_register[field(h, 12, 12, 2) | field(h, 6, 5, 0)];
        return op == 0 ? 0 : r_type(op, rd, rd, rs2);
    }
    }
}

static uint32_t quadrant1(uint16_t h)
{
    uint32_t rd = field(h, 11, 7, 0);
    uint32_t rs1 = field(h, 9, 7, 0) + 8;
    uint32_t imm = sign_extend(field(h, 12, 12, 5) | field(h, 6, 2, 0), 6);
    uint32_t jump = sign_extend(field(h, 12, 12, 11) | field(h, 11, 11, 4) | field(h, 10, 9, 8) |
                                    field(h, 8, 8, 10) | field(h, 7, 7, 6) | field(h, 6, 6, 7) |
                                    field(h, 5, 3, 1) | field(h, 2, 2, 5),
                                12);
    uint32_t branch = sign_extend(field(h, 12, 12, 8) | field(h, 11, 10, 3) | field(h, 6, 5, 6) |
                                      field(h, 4, 3, 1) | field(h, 2, 2, 5),
                                  9);
    switch (h >> 13) {
    case 0:
        return i_type(ADDI, rd, rd, imm);
    case 1:
        return rd == X_ZERO ? 0 : i_type(ADDIW, rd, rd, imm);
    case 2:
        return i_type(ADDI, rd, X_ZERO, imm);
    case 3:
        if (rd == X_SP) {
            uint32_t sp_imm =
                sign_extend(field(h, 12, 12, 9) | field(h, 6, 6, 4) | field(h, 5, 5, 6) |
                                field(h, 4, 3, 7) | field(h, 2, 2, 5),
                            10);
            return sp_imm == 0 ? 0 : i_type(ADDI, X_SP, X_SP, sp_imm);
        }
        return imm == 0 ? 0 : LUI | rd << 7 | imm << 12;
    case 4:
        return arithmetic(h, imm);
    case 5:
        return j_type(JAL, X_ZERO, jump);
    case 6:
        return b_type(BEQ, rs1, X_ZERO, branch);
    default:
        return b_type(BNE, rs1, X_ZERO, branch);
    }
}

static uint32_t quadrant2(uint16_t h)
{
    uint32_t rd = field(h, 11, 7, 0);
    uint32_t rs2 = field(h, 6, 2, 0);
    switch (h >> 13) {
    case 0:
        return i_type(SLLI, rd, rd, field(h, 12, 12, 5) | rs2);
    case 2:
        return rd == X_ZERO ? 0
                            : i_type(LW, rd, X_SP,
                                     field(h, 12, 12, 5) | field(h, 6, 4, 2) | field(h, 3, 2, 6));
    case 3:
        return rd == X_ZERO ? 0
                            : i_type(LD, rd, X_SP,
                                     field(h, 12, 12, 5) | field(h, 6, 5, 3) | field(h, 4, 2, 6));
    case 4:
        if (rs2 != 0)
            return r_type(ADD, rd, field(h, 12, 12, 0) != 0 ? rd : X_ZERO, rs2);
        if (field(h, 12, 12, 0) == 0)
            return rd == X_ZERO ? 0 : i_type(JALR, X_ZERO, rd, 0);
        return rd == X_ZERO ? EBREAK : i_type(JALR, X_RA, rd, 0);
    case 6:
        return s_type(SW, X_SP, rs2, field(h, 12, 9, 2) | field(h, 8, 7, 6));
    case 7:
        return s_type(SD, X_SP, rs2, field(h, 12, 10, 3) | field(h, 9, 7, 6));
    default:
        return 0;
    }
}

uint32_t insn_expand_compressed(uint16_t half)
{
    switch (half & 3) {
    case 0:
        return quadrant0(half);
    case 1:
        return quadrant1(half);
    case 2:
        return quadrant2(half);
    default:
        return 0;
    }
}
