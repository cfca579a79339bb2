// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A decoded instruction. A program is decoded once, when it is loaded; both engines, the program
// table of the proof and the disassembler read this form.
//
// Decoding normalises: destination x0 becomes the sink VM_REG_SINK, compressed instructions become
// the base instruction they stand for with length 2, unused register fields are 0, immediates are
// sign-extended (shift amounts are 0 to 63; lui and auipc hold the value with its low 12 bits zero;
// CSR instructions hold the CSR number, the 5-bit source of the immediate forms is in rs1's place:
// `small`). CSR instructions with a meaning in the guest ABI become the operations free, mark,
// hint_arg, hint_call and call. To the proof, mark, hint_arg, hint_call and the fences are
// addi x0, x0, 0 and look like it in rd, rs1, rs2 and imm.
#include "base/status.h"
#include "vm/slots.h"

#include <stdint.h>

typedef enum vm_op {
    OP_NONE = 0, // no instruction can be fetched here
    OP_ILLEGAL,  // a word that is no instruction of the machine; reaching it fails the run
#define ISA(format, name, mnemonic, class, mask, match, semantics) OP_##name,
#include "vm/isa.def"
#undef ISA
    VM_OP_COUNT
} vm_op;

typedef struct insn {
    uint8_t op;     // vm_op
    uint8_t length; // bytes to the next instruction: 2 or 4; of a call pattern 4, 8 or 12
    uint8_t rd;     // 0 = none, VM_REG_SINK for x0
    uint8_t rs1;
    uint8_t rs2;
    uint8_t rs3;   // calls: register of the byte count, 0 when imm is the count; hint_arg: register
    uint8_t call;  // call: index in the precompile table; hint_arg: k
    uint8_t small; // csrr?i: source 0..31; memset call: fill byte
    int32_t imm;
    uint32_t word; // as in memory (16 bits when compressed)
} insn;

_Static_assert(sizeof(insn) == 16, "the interpreter walks an array of these");

// Facts that depend on the operation alone.
typedef struct op_info {
    const char *mnemonic;
    char format;   // letter of isa.def; 0 for OP_NONE and OP_ILLEGAL
    uint8_t class; // vm_class; LOAD and STORE stand for their CROSS classes too
} op_info;

extern const op_info vm_op_info[VM_OP_COUNT];

// Whether rs2 (not imm) is the second operand of a row_alu.
static inline bool vm_op_is_register_form(uint8_t op)
{
    return vm_op_info[op].format == 'R';
}

// Function number of a hint_call: its CSR number counts from 0x8C0, 32 functions each.
static inline unsigned insn_hint_id(const insn *i)
{
    return ((i->word >> 20) - 0x8c0) << 5 | (i->word >> 15 & 31);
}

// Decodes the instruction at the start of code[0 .. n_bytes-1] (n_bytes even, >= 2), looking at up
// to 12 bytes for the patterns of the ABI. Never fails: words that are no instruction give
// OP_ILLEGAL, with their length. `compressed_allowed` false: 16-bit encodings are OP_ILLEGAL.
insn insn_decode(const uint8_t *code, uint64_t n_bytes, bool compressed_allowed);

// The 32-bit base instruction that a 16-bit one stands for; 0 (never a base instruction) when it is
// reserved or of an extension that the machine does not have.
uint32_t insn_expand_compressed(uint16_t half);

// Of a word that is OP_ILLEGAL here: whether it is one of the floating-point extensions.
bool insn_is_floating_point(const insn *i);

enum { INSN_TEXT_BYTES = 96 };

// Assembler text of `i` at `pc` (branch targets are absolute), zero-terminated.
void insn_text(char out[INSN_TEXT_BYTES], const insn *i, uint64_t pc);
