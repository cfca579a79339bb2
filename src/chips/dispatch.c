// SPDX-License-Identifier: Apache-2.0 OR MIT
// The list of the chips of the execution, and which of them proves a row.
#include "chips/chips.h"

const chip_spec *const execution_specs[EXECUTION_CHIP_COUNT] = {
#define CHIP(name, row) [CHIP_##name] = &chip_spec_##name,
    EXECUTION_CHIPS(CHIP)
#undef CHIP
};

typedef struct declaration {
    const chip_spec *spec;
    const word_shape *shape;
} declaration;

static void declare_execution(chip_builder *b, const void *context)
{
    const declaration *d = context;
    step s = step_begin(b, d->shape);
    d->spec->declare(&s, d->spec->context);
}

status execution_chip_build(chip **out, const chip_spec *spec, const word_shape *shape)
{
    declaration d = {spec, shape};
    return chip_build(out, spec->name, declare_execution, &d);
}

execution_chip chip_of_alu(const row_alu *row)
{
    switch (fetch_class_of(row->head.insn)) {
#define SAME(name)                                                                                 \
    case FETCH_##name:                                                                             \
        return CHIP_##name;
        SAME(ADD)
        SAME(ADDI)
        SAME(ADDW)
        SAME(ADDIW)
        SAME(LT)
        SAME(LTI)
        SAME(BIT)
        SAME(BITI)
        SAME(SLL)
        SAME(SLLI)
        SAME(SR)
        SAME(SRI)
        SAME(SLLW)
        SAME(SLLIW)
        SAME(SRW)
        SAME(SRIW)
        SAME(MUL)
        SAME(MULH)
        SAME(MULW)
        SAME(DIV)
        SAME(DIVW)
#undef SAME
    default:
        ZK_ASSERT(!"a row of an instruction that is no arithmetic");
        return EXECUTION_CHIP_COUNT;
    }
}

execution_chip chip_of_branch(const row_branch *row)
{
    return fetch_class_of(row->head.insn) == FETCH_BEQ ? CHIP_BEQ : CHIP_BLT;
}

execution_chip chip_of_jump(const row_jump *row)
{
    return row->head.insn->op == OP_jal ? CHIP_JAL : CHIP_JALR;
}

static unsigned width_log(const insn *i)
{
    switch (i->op) {
    case OP_lb:
    case OP_lbu:
    case OP_sb:
        return 0;
    case OP_lh:
    case OP_lhu:
    case OP_sh:
        return 1;
    case OP_lw:
    case OP_lwu:
    case OP_sw:
        return 2;
    default:
        return 3;
    }
}

execution_chip chip_of_load(const row_load *row)
{
    unsigned log = width_log(row->head.insn), width = 1U << log;
    unsigned offset = (row->a.value + (uint64_t)(int64_t)row->head.insn->imm) & 7;
    if (offset + width > 8)
        return CHIP_LOAD_CROSS;
    if (offset % width != 0)
        return CHIP_LOAD_ODD;
    return log == 3 ? CHIP_LOAD8 : log == 2 ? CHIP_LOAD4 : CHIP_LOAD_SMALL;
}

execution_chip chip_of_store(const row_store *row)
{
    unsigned log = width_log(row->head.insn), width = 1U << log;
    unsigned offset = (row->a.value + (uint64_t)(int64_t)row->head.insn->imm) & 7;
    if (offset + width > 8)
        return CHIP_STORE_CROSS;
    if (offset % width != 0)
        return CHIP_STORE_ODD;
    return log == 3 ? CHIP_STORE8 : log == 2 ? CHIP_STORE4 : CHIP_STORE_SMALL;
}

execution_chip chip_of_atomic(const row_atomic *row)
{
    switch (fetch_class_of(row->head.insn)) {
    case FETCH_AMO:
        return CHIP_AMO;
    case FETCH_AMO_BIT:
        return CHIP_AMO_BIT;
    default:
        return CHIP_AMO_MINMAX;
    }
}

execution_chip chip_of_csr(const row_csr *row)
{
    return fetch_class_of(row->head.insn) == FETCH_CSR ? CHIP_CSR : CHIP_CSRI;
}

execution_chip chip_of_system(const row_system *row)
{
    return row->a7.value == 93 ? CHIP_HALT : CHIP_ECALL;
}
