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

// Loads and stores have several chips, and ecall has a second one.
static execution_chip chip_of_class(fetch_class class)
{
    switch (class) {
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
        SAME(UPPER)
        SAME(BEQ)
        SAME(BLT)
        SAME(JAL)
        SAME(JALR)
        SAME(AMO)
        SAME(AMO_BIT)
        SAME(AMO_MINMAX)
        SAME(CSR)
        SAME(CSRI)
        SAME(FREE)
        SAME(ECALL)
#undef SAME
    default:
        ZK_ASSERT(!"a row of an instruction that has no chip of its own");
        return EXECUTION_CHIP_COUNT;
    }
}

execution_chip chip_of_alu(const row_alu *row)
{
    return chip_of_class(fetch_class_of(row->head.insn));
}

execution_chip chip_of_branch(const row_branch *row)
{
    return chip_of_class(fetch_class_of(row->head.insn));
}

execution_chip chip_of_jump(const row_jump *row)
{
    return chip_of_class(fetch_class_of(row->head.insn));
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

static const execution_chip load_chips[4] = {CHIP_LOAD_SMALL, CHIP_LOAD_SMALL, CHIP_LOAD4,
                                             CHIP_LOAD8};
static const execution_chip store_chips[4] = {CHIP_STORE_SMALL, CHIP_STORE_SMALL, CHIP_STORE4,
                                              CHIP_STORE8};

execution_chip chip_of_load(const row_load *row)
{
    unsigned log = width_log(row->head.insn), width = 1U << log;
    unsigned offset = (row->a.value + (uint64_t)(int64_t)row->head.insn->imm) & 7;
    if (offset + width > 8)
        return CHIP_LOAD_CROSS;
    return offset % width != 0 ? CHIP_LOAD_ODD : load_chips[log];
}

execution_chip chip_of_store(const row_store *row)
{
    unsigned log = width_log(row->head.insn), width = 1U << log;
    unsigned offset = (row->a.value + (uint64_t)(int64_t)row->head.insn->imm) & 7;
    if (offset + width > 8)
        return CHIP_STORE_CROSS;
    return offset % width != 0 ? CHIP_STORE_ODD : store_chips[log];
}

execution_chip chip_of_atomic(const row_atomic *row)
{
    return chip_of_class(fetch_class_of(row->head.insn));
}

execution_chip chip_of_csr(const row_csr *row)
{
    return chip_of_class(fetch_class_of(row->head.insn));
}

execution_chip chip_of_system(const row_system *row)
{
    return row->a7.value == 93 ? CHIP_HALT : CHIP_ECALL;
}

static void move_misaligned(uint64_t *out, const vm_misaligned *n, const execution_chip aligned[4],
                            execution_chip odd, execution_chip cross)
{
    for (unsigned log = 0; log < 4; log++) {
        out[aligned[log]] -= n->inside[log] + n->across[log];
        out[odd] += n->inside[log];
        out[cross] += n->across[log];
    }
}

void execution_rows(uint64_t out[EXECUTION_CHIP_COUNT], const vm_rows *rows, bool halted)
{
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        out[k] = 0;
    for (unsigned op = 0; op < VM_OP_COUNT; op++) {
        const insn i = {.op = (uint8_t)op};
        fetch_class class = fetch_class_of(&i);
        if (class == FETCH_LOAD)
            out[load_chips[width_log(&i)]] += rows->by_op[op];
        else if (class == FETCH_STORE)
            out[store_chips[width_log(&i)]] += rows->by_op[op];
        else if (class != FETCH_NONE)
            out[chip_of_class(class)] += rows->by_op[op];
    }
    move_misaligned(out, &rows->loads, load_chips, CHIP_LOAD_ODD, CHIP_LOAD_CROSS);
    move_misaligned(out, &rows->stores, store_chips, CHIP_STORE_ODD, CHIP_STORE_CROSS);
    out[CHIP_ECALL] -= halted;
    out[CHIP_HALT] += halted;
}
