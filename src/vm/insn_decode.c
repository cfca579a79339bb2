// SPDX-License-Identifier: Apache-2.0 OR MIT
// Words to instructions. Base encodings come from isa.def; the calls of the guest ABI hide in CSR
// instructions and in the instructions after them.
#include "vm/insn.h"
#include "vm/precompile.h"

#include <string.h>

typedef struct encoding {
    uint32_t mask;
    uint32_t match;
} encoding;

static const encoding encodings[VM_OP_COUNT] = {
#define ISA(format, name, mnemonic, class, mask, match, semantics) [OP_##name] = {mask, match},
#include "vm/isa.def"
#undef ISA
};

// Rows of isa.def to look at for each major opcode (bits 6..0).
static const struct {
    uint8_t first, last;
} by_opcode[128] = {
    [0x37] = {OP_lui, OP_lui},       [0x17] = {OP_auipc, OP_auipc},
    [0x6f] = {OP_jal, OP_jal},       [0x67] = {OP_jalr, OP_jalr},
    [0x63] = {OP_beq, OP_bgeu},      [0x03] = {OP_lb, OP_lwu},
    [0x23] = {OP_sb, OP_sd},         [0x13] = {OP_addi, OP_srai},
    [0x1b] = {OP_addiw, OP_sraiw},   [0x33] = {OP_add, OP_remu},
    [0x3b] = {OP_addw, OP_remuw},    [0x2f] = {OP_lr_w, OP_amomaxu_d},
    [0x0f] = {OP_fence, OP_fence_i}, [0x73] = {OP_ecall, OP_csrrci},
};

enum {
    CSR_FREE = 0xffe,
    CSR_MARK = 0x81a,
    CSR_CALLS_FIRST = 0x800, // precompiles, library calls, hint calls and parameters: special
    CSR_CALLS_LAST = 0x8ff,
    CSR_HINT_CALL_FIRST = 0x8c0,
    CSR_HINT_CALL_LAST = 0x8df,
    CSR_HINT_ARG_FIRST = 0x8f0,
    CSR_HINT_ARG_LAST = 0x8ff,
    OPCODE_ADDI_MASK = 0x707f,
    OPCODE_ADDI = 0x13,
    OPCODE_ADD = 0x33,
};
static const uint32_t OPCODE_ADD_MASK = 0xfe00707f;

static uint32_t bits(uint32_t w, unsigned hi, unsigned lo)
{
    return (w >> lo) & ((1u << (hi - lo + 1)) - 1);
}

static int32_t imm_i(uint32_t w)
{
    return (int32_t)w >> 20;
}

static int32_t imm_s(uint32_t w)
{
    return (int32_t)(w & 0xfe000000) >> 20 | (int32_t)bits(w, 11, 7);
}

static int32_t imm_b(uint32_t w)
{
    return (int32_t)(w & 0x80000000) >> 19 |
           (int32_t)(bits(w, 7, 7) << 11 | bits(w, 30, 25) << 5 | bits(w, 11, 8) << 1);
}

static int32_t imm_j(uint32_t w)
{
    return (int32_t)(w & 0x80000000) >> 11 |
           (int32_t)(bits(w, 19, 12) << 12 | bits(w, 20, 20) << 11 | bits(w, 30, 21) << 1);
}

static uint8_t destination(uint32_t number)
{
    return number == 0 ? VM_REG_SINK : (uint8_t)number;
}

static insn illegal(uint32_t word, uint8_t length)
{
    return (insn){.op = OP_ILLEGAL, .length = length, .word = word};
}

// A step without effect: addi x0, x0, 0 to the proof.
static insn no_operation(vm_op op, uint32_t word)
{
    return (insn){.op = (uint8_t)op, .length = 4, .rd = VM_REG_SINK, .word = word};
}

// The 32-bit word at `at`, 0 when it is not there.
static uint32_t word_at(const uint8_t *code, uint64_t n_bytes, uint64_t at)
{
    uint32_t w = 0;
    if (n_bytes >= at + 4)
        memcpy(&w, code + at, 4);
    return w;
}

static bool is_add(uint32_t w)
{
    return (w & OPCODE_ADD_MASK) == OPCODE_ADD;
}

static bool is_addi(uint32_t w)
{
    return (w & OPCODE_ADDI_MASK) == OPCODE_ADDI;
}

// DMA patterns with the count in the second instruction: add|addi rd, dst, count.
static insn decode_copy(insn i, call_form form, uint32_t second)
{
    if (!is_add(second) && !is_addi(second))
        return illegal(i.word, 4);
    uint32_t rd = bits(second, 11, 7);
    if (form != CALL_MEMCMP && rd != 0)
        return form == CALL_MEMCPY && is_add(second) ? no_operation(OP_mark, i.word)
                                                     : illegal(i.word, 4);
    i.length = 8;
    i.rd = form == CALL_MEMCMP ? destination(rd) : 0;
    i.rs2 = (uint8_t)bits(second, 19, 15);
    if (is_add(second))
        i.rs3 = (uint8_t)bits(second, 24, 20);
    else
        i.imm = imm_i(second);
    if (form == CALL_INPUT)
        i.rs1 = 0;
    return i;
}

// csrrs x0, CSR, dst ; addi x0, count, fill.
static insn decode_memset(insn i, uint32_t second)
{
    if (!is_addi(second) || bits(second, 11, 7) != 0 || bits(second, 31, 28) != 0)
        return illegal(i.word, 4);
    i.length = 8;
    i.rs2 = i.rs1;
    i.rs1 = 0;
    i.rs3 = (uint8_t)bits(second, 19, 15);
    i.small = (uint8_t)bits(second, 27, 20);
    return i;
}

// csrrsi x0, CSR, 2 ; addi x0, dst, count ; addi x0, dst, fill.
static insn decode_memset_immediate(insn i, uint32_t second, uint32_t third)
{
    bool match = is_addi(second) && is_addi(third) && bits(second, 11, 7) == 0 &&
                 bits(third, 11, 7) == 0 && bits(second, 19, 15) == bits(third, 19, 15) &&
                 bits(third, 31, 28) == 0;
    if (!match)
        return illegal(i.word, 4);
    i.length = 12;
    i.rs1 = 0;
    i.rs2 = (uint8_t)bits(second, 19, 15);
    i.imm = imm_i(second);
    i.small = (uint8_t)bits(third, 27, 20);
    return i;
}

static insn decode_precompile(uint32_t w, int index, const uint8_t *code, uint64_t n_bytes)
{
    uint32_t rd = bits(w, 11, 7);
    uint32_t rs1 = bits(w, 19, 15);
    call_form form = (call_form)vm_precompiles[index].form;
    insn i = {.op = OP_call, .length = 4, .rs1 = (uint8_t)rs1, .call = (uint8_t)index, .word = w};
    uint32_t second = word_at(code, n_bytes, 4);
    bool csrrs = (w & OPCODE_ADDI_MASK) == encodings[OP_csrrs].match;
    bool csrrsi = (w & OPCODE_ADDI_MASK) == encodings[OP_csrrsi].match;
    if (form == CALL_MEMSET && csrrsi && rd == 0 && rs1 == 2)
        return decode_memset_immediate(i, second, word_at(code, n_bytes, 8));
    if (!csrrs)
        return illegal(w, 4);
    if (form == CALL_RESULT) {
        if (rd == 0 || rs1 == 0)
            return illegal(w, 4);
        i.rd = (uint8_t)rd;
        return i;
    }
    if (rd != 0)
        return illegal(w, 4);
    switch (form) {
    case CALL_POINTER:
        return i;
    case CALL_MEMSET:
        return decode_memset(i, second);
    default:
        return decode_copy(i, form, second);
    }
}

// CSR numbers with a meaning of their own; anything else about them is refused, so that a call of
// another version of the ABI fails where it stands.
static insn decode_special_csr(uint32_t w, const uint8_t *code, uint64_t n_bytes)
{
    uint32_t csr = w >> 20;
    uint32_t rd = bits(w, 11, 7);
    uint32_t rs1 = bits(w, 19, 15);
    uint32_t kind = w & OPCODE_ADDI_MASK;
    bool csrrs = kind == encodings[OP_csrrs].match;
    if (csr == CSR_FREE) {
        if (!csrrs || rs1 != 0)
            return illegal(w, 4);
        return (insn){.op = OP_free, .length = 4, .rd = destination(rd), .word = w};
    }
    int index = precompile_find((uint16_t)csr);
    if (index >= 0)
        return decode_precompile(w, index, code, n_bytes);
    if (csr == CSR_MARK && csrrs && rd == 0)
        return no_operation(OP_mark, w);
    if (csr >= CSR_HINT_ARG_FIRST && csr <= CSR_HINT_ARG_LAST && csrrs && rd == 0) {
        insn i = no_operation(OP_hint_arg, w);
        i.rs3 = (uint8_t)rs1;
        i.call = (uint8_t)(csr - CSR_HINT_ARG_FIRST);
        return i;
    }
    bool csrrwi = kind == encodings[OP_csrrwi].match;
    if (csr >= CSR_HINT_CALL_FIRST && csr <= CSR_HINT_CALL_LAST && csrrwi && rd == 0)
        return no_operation(OP_hint_call, w);
    return illegal(w, 4);
}

static bool writes_read_only_csr(uint8_t op, uint32_t w)
{
    bool always = op == OP_csrrw || op == OP_csrrwi;
    return w >> 30 == 3 && (always || bits(w, 19, 15) != 0);
}

static insn decode_csr(uint8_t op, uint32_t w, const uint8_t *code, uint64_t n_bytes)
{
    uint32_t csr = w >> 20;
    if (csr == CSR_FREE || (csr >= CSR_CALLS_FIRST && csr <= CSR_CALLS_LAST))
        return decode_special_csr(w, code, n_bytes);
    if (writes_read_only_csr(op, w))
        return illegal(w, 4);
    insn i = {
        .op = op, .length = 4, .rd = destination(bits(w, 11, 7)), .imm = (int32_t)csr, .word = w};
    if (vm_op_info[op].format == 'Z')
        i.small = (uint8_t)bits(w, 19, 15);
    else
        i.rs1 = (uint8_t)bits(w, 19, 15);
    return i;
}

static vm_op lookup(uint32_t w)
{
    unsigned first = by_opcode[w & 127].first;
    unsigned last = by_opcode[w & 127].last;
    for (unsigned op = first; first != 0 && op <= last; op++)
        if ((w & encodings[op].mask) == encodings[op].match)
            return (vm_op)op;
    return OP_ILLEGAL;
}

// Operands of a base instruction; CSR instructions are decode_csr's.
static insn decode_base(uint8_t op, uint32_t w)
{
    uint8_t rd = destination(bits(w, 11, 7));
    uint8_t rs1 = (uint8_t)bits(w, 19, 15);
    uint8_t rs2 = (uint8_t)bits(w, 24, 20);
    insn i = {.op = op, .length = 4, .word = w};
    switch (vm_op_info[op].format) {
    case 'R':
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        i.rd = rd, i.rs1 = rs1, i.rs2 = rs2;
        return i;
    case 'I':
    case 'V':
    case 'L':
        i.rd = rd, i.rs1 = rs1, i.imm = imm_i(w);
        return i;
    case 'H':
        i.rd = rd, i.rs1 = rs1, i.imm = (int32_t)bits(w, 25, 20);
        return i;
    case 'U':
    case 'P':
        i.rd = rd, i.imm = (int32_t)(w & 0xfffff000);
        return i;
    case 'J':
        i.rd = rd, i.imm = imm_j(w);
        return i;
    case 'B':
        i.rs1 = rs1, i.rs2 = rs2, i.imm = imm_b(w);
        return i;
    case 'S':
        i.rs1 = rs1, i.rs2 = rs2, i.imm = imm_s(w);
        return i;
    case 'E':
        i.rd = 1, i.rs1 = 17, i.rs2 = 10;
        return i;
    case 'N':
        return no_operation((vm_op)op, w);
    default:
        return i;
    }
}

insn insn_decode(const uint8_t *code, uint64_t n_bytes, bool compressed_allowed)
{
    uint16_t half;
    memcpy(&half, code, 2);
    bool compressed = (half & 3) != 3;
    if (compressed && !compressed_allowed)
        return illegal(half, 2);
    if (!compressed && n_bytes < 4)
        return illegal(half, 2);
    uint32_t w = compressed ? insn_expand_compressed(half) : word_at(code, n_bytes, 0);
    vm_op op = lookup(w);
    if (op == OP_ILLEGAL)
        return illegal(compressed ? half : w, compressed ? 2 : 4);
    if (vm_op_info[op].format == 'C' || vm_op_info[op].format == 'Z')
        return decode_csr((uint8_t)op, w, code, n_bytes);
    insn i = decode_base((uint8_t)op, w);
    if (compressed) {
        i.length = 2;
        i.word = half;
    }
    return i;
}
