// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Classes of rows and the slot table: how far a step advances the timestamp, and which access of
// the step has which timestamp.
//
// Time. A run starts at VM_TS_START; a step at timestamp ts makes its accesses at ts + slot and
// hands ts + slots(step) to the next step. Every step but a precompile call has VM_STEP_SLOTS
// slots; a call has as many as its row of the precompile table says (precompile.h), 64 at most.
// Initial values of registers and memory words have timestamp 0. ts < 2^VM_TS_BITS.
//
// Two accesses of one address never share a slot, whatever the operands are (a tuple that is
// received and sent at the same ts would prove nothing). In one slot there may be several accesses
// of different addresses: the two words of a load or store that crosses a word, the words of one
// operand of a precompile.
//
// Spaces. Registers are a space of their own: numbers 0 to 31, and 32, the sink that the decoder
// puts in place of x0 as destination, so that x0 stays 0 without a rule in any chip. Memory is
// 8-byte words at multiples of 8, named by their byte address (< 2^32).
#include <stdint.h>

enum {
    VM_TS_START = 4,
    VM_TS_BITS = 40,
    VM_STEP_SLOTS = 4,
    VM_CALL_MAX_SLOTS = 64,
    VM_REGISTERS = 33,
    VM_REG_SINK = 32,
};

// Slots of an ordinary step.
//             slot 0   slot 1   slot 2            slot 3
//   ALU R     rs1      rs2                        rd
//   ALU I     rs1                                 rd
//   UPPER                                         rd
//   BRANCH    rs1      rs2
//   JUMP      rs1 (jalr only)                     rd
//   LOAD      rs1               word (two: CROSS) rd
//   STORE     rs1      rs2      word (two: CROSS)
//   ATOMIC    rs1      rs2      word              rd     (lr: rs2 is x0)
//   CSR       rs1               CSR word          rd     (immediate forms: no rs1)
//   FREE                                          rd
//   SYSTEM    x17      x10                        x1     (halt: no x1)
enum { VM_SLOT_RS1 = 0, VM_SLOT_RS2 = 1, VM_SLOT_MEM = 2, VM_SLOT_RD = 3 };

// CLASS(NAME, row type of events.h): one row per step in exactly one class.
//
// The class follows from the instruction, except that a load or store whose bytes lie in two words
// belongs to the CROSS class. No-operations of the proof (fence, hint parameters and calls) are in
// ADD, decoded as addi x0, x0, 0.
#define VM_CLASSES(CLASS)                                                                          \
    CLASS(ADD, row_alu)           /* add sub addw subw addi addiw, no-operations */                \
    CLASS(COMPARE, row_alu)       /* slt sltu slti sltiu */                                        \
    CLASS(BITWISE, row_alu)       /* and or xor and immediate forms */                             \
    CLASS(SHIFT, row_alu)         /* all shifts */                                                 \
    CLASS(MULTIPLY, row_alu)      /* mul mulh mulhsu mulhu mulw */                                 \
    CLASS(DIVIDE, row_alu)        /* div divu rem remu and w forms */                              \
    CLASS(UPPER, row_upper)       /* lui auipc */                                                  \
    CLASS(BRANCH, row_branch)     /* conditional branches */                                       \
    CLASS(JUMP, row_jump)         /* jal jalr */                                                   \
    CLASS(LOAD, row_load)         /* bytes within one word */                                      \
    CLASS(LOAD_CROSS, row_load)   /* bytes in two words */                                         \
    CLASS(STORE, row_store)       /* bytes within one word */                                      \
    CLASS(STORE_CROSS, row_store) /* bytes in two words */                                         \
    CLASS(ATOMIC, row_atomic)     /* lr sc amo, naturally aligned */                               \
    CLASS(CSR, row_csr)           /* CSR words in memory */                                        \
    CLASS(FREE, row_free)         /* csrr rd, 0xFFE: a word that the prover chooses */             \
    CLASS(SYSTEM, row_system)     /* ecall: halt and others */                                     \
    CLASS(CALL, row_call)         /* precompiles, DMA */

typedef enum vm_class {
#define CLASS(name, row) VM_CLASS_##name,
    VM_CLASSES(CLASS)
#undef CLASS
        VM_CLASS_COUNT
} vm_class;

// "ADD", "LOAD_CROSS", ...
const char *vm_class_name(vm_class c);
