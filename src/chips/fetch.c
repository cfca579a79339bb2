// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/fetch.h"

typedef struct op_fetch {
    uint8_t class; // fetch_class
    uint8_t flags; // without bit 0; immediate shifts add theirs
} op_fetch;

enum { B1 = 2, B2 = 4, B3 = 8, B4 = 16 };

// Per operation; ops that are not listed have no chip.
static const op_fetch ops[VM_OP_COUNT] = {
    [OP_add] = {FETCH_ADD, 0},
    [OP_sub] = {FETCH_ADD, B1},
    [OP_addi] = {FETCH_ADDI, 0},
    [OP_fence] = {FETCH_ADDI, 0},
    [OP_fence_i] = {FETCH_ADDI, 0},
    [OP_mark] = {FETCH_ADDI, 0},
    [OP_hint_arg] = {FETCH_ADDI, 0},
    [OP_hint_call] = {FETCH_ADDI, 0},
    [OP_addw] = {FETCH_ADDW, 0},
    [OP_subw] = {FETCH_ADDW, B1},
    [OP_addiw] = {FETCH_ADDIW, 0},
    [OP_slt] = {FETCH_LT, B1},
    [OP_sltu] = {FETCH_LT, 0},
    [OP_slti] = {FETCH_LTI, B1},
    [OP_sltiu] = {FETCH_LTI, 0},
    [OP_and] = {FETCH_BIT, 0},
    [OP_or] = {FETCH_BIT, B1},
    [OP_xor] = {FETCH_BIT, B2},
    [OP_andi] = {FETCH_BITI, 0},
    [OP_ori] = {FETCH_BITI, B1},
    [OP_xori] = {FETCH_BITI, B2},
    [OP_sll] = {FETCH_SLL, 0},
    [OP_slli] = {FETCH_SLLI, 0},
    [OP_srl] = {FETCH_SR, 0},
    [OP_sra] = {FETCH_SR, B1},
    [OP_srli] = {FETCH_SRI, 0},
    [OP_srai] = {FETCH_SRI, B1},
    [OP_sllw] = {FETCH_SLLW, 0},
    [OP_slliw] = {FETCH_SLLIW, 0},
    [OP_srlw] = {FETCH_SRW, 0},
    [OP_sraw] = {FETCH_SRW, B1},
    [OP_srliw] = {FETCH_SRIW, 0},
    [OP_sraiw] = {FETCH_SRIW, B1},
    [OP_mul] = {FETCH_MUL, 0},
    [OP_mulhu] = {FETCH_MULH, 0},
    [OP_mulhsu] = {FETCH_MULH, B1},
    [OP_mulh] = {FETCH_MULH, B1 | B2},
    [OP_mulw] = {FETCH_MULW, 0},
    [OP_divu] = {FETCH_DIV, 0},
    [OP_div] = {FETCH_DIV, B1},
    [OP_remu] = {FETCH_DIV, B2},
    [OP_rem] = {FETCH_DIV, B1 | B2},
    [OP_divuw] = {FETCH_DIVW, 0},
    [OP_divw] = {FETCH_DIVW, B1},
    [OP_remuw] = {FETCH_DIVW, B2},
    [OP_remw] = {FETCH_DIVW, B1 | B2},
    [OP_lui] = {FETCH_UPPER, 0},
    [OP_auipc] = {FETCH_UPPER, 0},
    [OP_beq] = {FETCH_BEQ, 0},
    [OP_bne] = {FETCH_BEQ, B1},
    [OP_bltu] = {FETCH_BLT, 0},
    [OP_blt] = {FETCH_BLT, B1},
    [OP_bgeu] = {FETCH_BLT, B2},
    [OP_bge] = {FETCH_BLT, B1 | B2},
    [OP_jal] = {FETCH_JAL, 0},
    [OP_jalr] = {FETCH_JALR, 0},
    [OP_lb] = {FETCH_LOAD, 0},
    [OP_lh] = {FETCH_LOAD, B1},
    [OP_lw] = {FETCH_LOAD, B2},
    [OP_ld] = {FETCH_LOAD, B1 | B2},
    [OP_lbu] = {FETCH_LOAD, B3},
    [OP_lhu] = {FETCH_LOAD, B1 | B3},
    [OP_lwu] = {FETCH_LOAD, B2 | B3},
    [OP_sb] = {FETCH_STORE, 0},
    [OP_sh] = {FETCH_STORE, B1},
    [OP_sw] = {FETCH_STORE, B2},
    [OP_sd] = {FETCH_STORE, B1 | B2},
    [OP_lr_w] = {FETCH_AMO, 0},
    [OP_sc_w] = {FETCH_AMO, B2},
    [OP_amoswap_w] = {FETCH_AMO, B3},
    [OP_amoadd_w] = {FETCH_AMO, B4},
    [OP_lr_d] = {FETCH_AMO, B1},
    [OP_sc_d] = {FETCH_AMO, B1 | B2},
    [OP_amoswap_d] = {FETCH_AMO, B1 | B3},
    [OP_amoadd_d] = {FETCH_AMO, B1 | B4},
    [OP_amoand_w] = {FETCH_AMO_BIT, 0},
    [OP_amoor_w] = {FETCH_AMO_BIT, B2},
    [OP_amoxor_w] = {FETCH_AMO_BIT, B3},
    [OP_amoand_d] = {FETCH_AMO_BIT, B1},
    [OP_amoor_d] = {FETCH_AMO_BIT, B1 | B2},
    [OP_amoxor_d] = {FETCH_AMO_BIT, B1 | B3},
    [OP_amominu_w] = {FETCH_AMO_MINMAX, 0},
    [OP_amomin_w] = {FETCH_AMO_MINMAX, B2},
    [OP_amomaxu_w] = {FETCH_AMO_MINMAX, B3},
    [OP_amomax_w] = {FETCH_AMO_MINMAX, B2 | B3},
    [OP_amominu_d] = {FETCH_AMO_MINMAX, B1},
    [OP_amomin_d] = {FETCH_AMO_MINMAX, B1 | B2},
    [OP_amomaxu_d] = {FETCH_AMO_MINMAX, B1 | B3},
    [OP_amomax_d] = {FETCH_AMO_MINMAX, B1 | B2 | B3},
    [OP_csrrw] = {FETCH_CSR, 0},
    [OP_csrrs] = {FETCH_CSR, B1},
    [OP_csrrc] = {FETCH_CSR, B2},
    [OP_csrrwi] = {FETCH_CSRI, 0},
    [OP_csrrsi] = {FETCH_CSRI, B1},
    [OP_csrrci] = {FETCH_CSRI, B2},
    [OP_free] = {FETCH_FREE, 0},
    [OP_ecall] = {FETCH_ECALL, 0},
};

const char *fetch_class_name(fetch_class c)
{
    static const char *const names[FETCH_CLASS_COUNT] = {[FETCH_NONE] = "NONE",
#define CLASS(name, flags, immediate) [FETCH_##name] = #name,
                                                         FETCH_CLASSES(CLASS)
#undef CLASS
    };
    return (unsigned)c < FETCH_CLASS_COUNT ? names[c] : "UNKNOWN";
}

fetch_class fetch_class_of(const insn *i)
{
    return ops[i->op].class;
}

bool fetch_row_of(fetch_row *out, const vm_program *program, const insn *i, uint32_t pc)
{
    const op_fetch op = ops[i->op];
    uint64_t imm = (uint64_t)(int64_t)i->imm, rs1 = i->rs1, rs2 = i->rs2;
    unsigned flags = op.flags;
    switch ((fetch_class)op.class) {
    case FETCH_NONE:
        return false;
    case FETCH_ADDI:
    case FETCH_ADDIW:
    case FETCH_LTI:
    case FETCH_BITI:
    case FETCH_JALR:
    case FETCH_LOAD:
    case FETCH_STORE:
        break;
    case FETCH_SLLI:
        flags |= imm >= 32 ? B1 : 0;
        imm = 1ULL << (imm & 31);
        break;
    case FETCH_SLLIW:
        imm = 1ULL << (imm & 31);
        break;
    case FETCH_SRI:
        flags |= imm >= 32 ? B2 : 0;
        imm = 1ULL << (31 - (imm & 31));
        break;
    case FETCH_SRIW:
        imm = 1ULL << (31 - (imm & 31));
        break;
    case FETCH_UPPER:
        imm = i->op == OP_auipc ? pc + imm : imm;
        break;
    case FETCH_BEQ:
    case FETCH_BLT:
    case FETCH_JAL:
        // A target outside the 32-bit space has no row, whatever the low half says.
        imm = (uint64_t)pc + imm;
        if (imm >> 32 != 0)
            return false;
        break;
    case FETCH_CSR:
        imm = program->map.csr_base + 8 * (imm & 0xfff);
        break;
    case FETCH_CSRI:
        imm = (program->map.csr_base + 8 * (imm & 0xfff)) | (uint64_t)i->small << 32;
        rs1 = 0;
        break;
    default:
        imm = 0;
        break;
    }
    *out = (fetch_row){
        {pc, op.class, i->rd, rs1, rs2, imm & 0xffffffff, imm >> 32, flags | (i->length == 2)}};
    return true;
}
