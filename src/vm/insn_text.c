// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/insn.h"
#include "vm/precompile.h"

#include <stdio.h>
#include <string.h>

static const char *reg_name(uint8_t number)
{
    static const char *const names[VM_REGISTERS] = {
        "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0",
        "a1",   "a2", "a3", "a4", "a5",  "a6",  "a7", "s2", "s3", "s4", "s5",
        "s6",   "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6", "zero",
    };
    return number < VM_REGISTERS ? names[number] : "?";
}

static void call_text(char out[INSN_TEXT_BYTES], const insn *i)
{
    if (i->call >= vm_precompile_count) {
        snprintf(out, INSN_TEXT_BYTES, "call       %u", i->call);
        return;
    }
    const vm_precompile *p = &vm_precompiles[i->call];
    const char *count = i->rs3 != 0 ? reg_name(i->rs3) : NULL;
    char amount[16];
    snprintf(amount, sizeof amount, "%d", i->imm);
    if (count == NULL)
        count = amount;
    switch ((call_form)p->form) {
    case CALL_POINTER:
        snprintf(out, INSN_TEXT_BYTES, "%-10s (%s)", p->name, reg_name(i->rs1));
        break;
    case CALL_RESULT:
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, (%s)", p->name, reg_name(i->rd),
                 reg_name(i->rs1));
        break;
    case CALL_MEMCPY:
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s, %s", p->name, reg_name(i->rs2),
                 reg_name(i->rs1), count);
        break;
    case CALL_MEMCMP:
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s, %s, %s", p->name, reg_name(i->rd),
                 reg_name(i->rs2), reg_name(i->rs1), count);
        break;
    case CALL_INPUT:
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s", p->name, reg_name(i->rs2), count);
        break;
    case CALL_MEMSET:
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %u, %s", p->name, reg_name(i->rs2), i->small,
                 count);
        break;
    }
}

// LOAD-FP, STORE-FP, OP-FP and the four fused multiply-adds; in 2 bytes the loads and stores of
// doubles.
bool insn_is_floating_point(const insn *i)
{
    if (i->length == 2)
        return (i->word & 1) == 0 && ((i->word >> 13 & 3) == 1);
    switch (i->word & 0x7f) {
    case 0x07:
    case 0x27:
    case 0x43:
    case 0x47:
    case 0x4b:
    case 0x4f:
    case 0x53:
        return true;
    default:
        return false;
    }
}

void insn_text(char out[INSN_TEXT_BYTES], const insn *i, uint64_t pc)
{
    const op_info *info = &vm_op_info[i->op < VM_OP_COUNT ? i->op : OP_NONE];
    const char *m = info->mnemonic;
    const char *rd = reg_name(i->rd);
    const char *rs1 = reg_name(i->rs1);
    const char *rs2 = reg_name(i->rs2);
    unsigned long long target = pc + (uint64_t)(int64_t)i->imm;
    switch (info->format) {
    case 'R':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s, %s", m, rd, rs1, rs2);
        break;
    case 'I':
    case 'H':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s, %d", m, rd, rs1, i->imm);
        break;
    case 'U':
    case 'P':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, 0x%x", m, rd, (uint32_t)i->imm >> 12);
        break;
    case 'J':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, 0x%llx", m, rd, target);
        break;
    case 'B':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s, 0x%llx", m, rs1, rs2, target);
        break;
    case 'V':
    case 'L':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %d(%s)", m, rd, i->imm, rs1);
        break;
    case 'S':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %d(%s)", m, rs2, i->imm, rs1);
        break;
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        if (i->op == OP_lr_w || i->op == OP_lr_d)
            snprintf(out, INSN_TEXT_BYTES, "%-10s %s, (%s)", m, rd, rs1);
        else
            snprintf(out, INSN_TEXT_BYTES, "%-10s %s, %s, (%s)", m, rd, rs2, rs1);
        break;
    case 'C':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, 0x%x, %s", m, rd, (unsigned)i->imm, rs1);
        break;
    case 'Z':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s, 0x%x, %u", m, rd, (unsigned)i->imm, i->small);
        break;
    case 'F':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %s", m, rd);
        break;
    case 'Q':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %u, %s", m, i->call, reg_name(i->rs3));
        break;
    case 'G':
        snprintf(out, INSN_TEXT_BYTES, "%-10s %u", m, insn_hint_id(i));
        break;
    case 'X':
        call_text(out, i);
        break;
    default:
        if (i->op == OP_ILLEGAL)
            snprintf(out, INSN_TEXT_BYTES, "%-10s 0x%0*x", insn_is_floating_point(i) ? "fp" : m,
                     i->length == 2 ? 4 : 8, i->word);
        else
            snprintf(out, INSN_TEXT_BYTES, "%s", m);
    }
}
