// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the program table says of an instruction: the FETCH tuple
//   (pc, class, rd, rs1, rs2, imm_lo, imm_hi, flags).
//
// The table is made from the decoded program when the key is made, so everything that is known
// before the run is worked out here and costs no constraint: jump targets, the result of lui and
// auipc, powers of two of immediate shifts, addresses of CSR words. Register fields that an
// instruction does not have are 0; rd is 32 (the sink) for x0.
//
// flags: bit 0 is set for a 2-byte instruction; the bits above it are the class's own, listed with
// the class. A chip declares its flag bits as boolean columns (or constants) and sends their packed
// sum, so it proves exactly the operation that the table holds.
#include "field/fe.h"
#include "vm/vm_program.h"

// CLASS(NAME, flag bits from bit 1 on, immediate)
#define FETCH_CLASSES(CLASS)                                                                       \
    CLASS(ADD, "sub", "-")                                                                         \
    CLASS(ADDI, "-", "sign-extended immediate; fences and hints are addi x0, x0, 0")               \
    CLASS(ADDW, "sub", "-")                                                                        \
    CLASS(ADDIW, "-", "sign-extended immediate")                                                   \
    CLASS(LT, "signed", "-")                                                                       \
    CLASS(LTI, "signed", "sign-extended immediate")                                                \
    CLASS(BIT, "or, xor (neither: and)", "-")                                                      \
    CLASS(BITI, "or, xor (neither: and)", "sign-extended immediate")                               \
    CLASS(SLL, "-", "-")                                                                           \
    CLASS(SLLI, "amount >= 32", "lo: 2^(amount mod 32)")                                           \
    CLASS(SR, "arithmetic", "-")                                                                   \
    CLASS(SRI, "arithmetic, amount >= 32", "lo: 2^(31 - amount mod 32)")                           \
    CLASS(SLLW, "-", "-")                                                                          \
    CLASS(SLLIW, "-", "lo: 2^amount")                                                              \
    CLASS(SRW, "arithmetic", "-")                                                                  \
    CLASS(SRIW, "arithmetic", "lo: 2^(31 - amount)")                                               \
    CLASS(MUL, "-", "-")                                                                           \
    CLASS(MULH, "rs1 signed, rs2 signed", "-")                                                     \
    CLASS(MULW, "-", "-")                                                                          \
    CLASS(DIV, "signed, remainder", "-")                                                           \
    CLASS(DIVW, "signed, remainder", "-")                                                          \
    CLASS(UPPER, "-", "the value written")                                                         \
    CLASS(BEQ, "not equal", "lo: target")                                                          \
    CLASS(BLT, "signed, greater or equal", "lo: target")                                           \
    CLASS(JAL, "-", "lo: target")                                                                  \
    CLASS(JALR, "-", "sign-extended immediate")                                                    \
    CLASS(LOAD, "log2 of the width (2 bits), unsigned", "sign-extended immediate")                 \
    CLASS(STORE, "log2 of the width (2 bits)", "sign-extended immediate")                          \
    CLASS(AMO, "double, sc, swap, add (none of the three: lr)", "-")                               \
    CLASS(AMO_BIT, "double, or, xor (neither: and)", "-")                                          \
    CLASS(AMO_MINMAX, "double, signed, max", "-")                                                  \
    CLASS(CSR, "set, clear (neither: write)", "lo: address of the CSR word")                       \
    CLASS(CSRI, "set, clear (neither: write)", "lo: address of the CSR word, hi: source")          \
    CLASS(FREE, "-", "-")                                                                          \
    CLASS(ECALL, "-", "-")

typedef enum fetch_class {
    FETCH_NONE = 0,
#define CLASS(name, flags, immediate) FETCH_##name,
    FETCH_CLASSES(CLASS)
#undef CLASS
        FETCH_CLASS_COUNT
} fetch_class;

const char *fetch_class_name(fetch_class c);

enum { FETCH_FIELDS = 8 };

typedef struct fetch_row {
    fe field[FETCH_FIELDS]; // pc, class, rd, rs1, rs2, imm_lo, imm_hi, flags
} fetch_row;

// False when no chip proves the instruction: OP_NONE, OP_ILLEGAL, ebreak, precompile calls. Such
// slots have no row in the table, so that no proof can pass through them.
bool fetch_row_of(fetch_row *out, const vm_program *program, const insn *i, uint32_t pc);

// The class alone; FETCH_NONE when no chip proves the instruction.
fetch_class fetch_class_of(const insn *i);
