// SPDX-License-Identifier: Apache-2.0 OR MIT
// From block counters to per-instruction facts. A block that was entered c times, last at time t,
// executed each of its instructions c times, the k-th one last at t plus the slots before it.
#include "vm/vm_state.h"

#include <string.h>

enum { READS_RS1 = 1, READS_RS2 = 2, READS_RS3 = 4, WRITES_RD = 8 };

static unsigned operands_of_format(char format)
{
    switch (format) {
    case 'R':
    case 'W':
    case 'D':
    case 'w':
    case 'd':
        return READS_RS1 | READS_RS2 | WRITES_RD;
    case 'B':
    case 'S':
    case 'E': // its write of x1 is noted when it happens: the halt has none
        return READS_RS1 | READS_RS2;
    case 'U':
    case 'P':
    case 'J':
    case 'Z':
    case 'F':
        return WRITES_RD;
    case 'I':
    case 'H':
    case 'V':
    case 'L':
    case 'C':
    case 'N':
    case 'Q':
    case 'G':
        return READS_RS1 | WRITES_RD;
    default:
        return 0;
    }
}

static bool ends_block(uint8_t op)
{
    char format = vm_op_info[op].format;
    return format == 0 || strchr("BJVEXK", format) != NULL;
}

void account_open(vm_machine *m)
{
    const vm_program *p = m->program;
    for (uint64_t slot = p->n_slots; slot-- > 0;) {
        const insn *i = &p->insns[slot];
        m->blocks[slot].length = ends_block(i->op) ? 1 : m->blocks[slot + i->length / 2].length + 1;
    }
}

static void note_access(vm_machine *m, unsigned reg, uint64_t ts)
{
    if (m->x_ts[reg] < ts)
        m->x_ts[reg] = ts;
}

static void walk_block(vm_rows *rows, vm_machine *m, uint64_t slot, uint64_t count, uint64_t ts,
                       uint64_t steps)
{
    for (; steps != 0; steps--) {
        const insn *i = &m->program->insns[slot];
        rows->by_op[i->op] += count;
        m->fetches[slot] += count;
        char format = vm_op_info[i->op].format;
        unsigned operands = format == 'X' ? call_operands(i) : operands_of_format(format);
        unsigned slots = format == 'X' ? call_slots(i) : VM_STEP_SLOTS;
        if (format == 'X')
            rows->calls[i->call] += count;
        if (operands & READS_RS1)
            note_access(m, i->rs1, ts + VM_SLOT_RS1);
        if (operands & READS_RS2)
            note_access(m, i->rs2, ts + VM_SLOT_RS2);
        if (operands & READS_RS3)
            note_access(m, i->rs3, ts + 2);
        if (operands & WRITES_RD)
            note_access(m, i->rd, ts + slots - 1);
        ts += slots;
        slot += i->length / 2;
    }
}

void account_chunk(vm_rows *rows, vm_machine *m)
{
    for (uint64_t k = 0; k < m->n_entered; k++) {
        vm_block *b = &m->blocks[m->entered[k]];
        walk_block(rows, m, m->entered[k], b->count, b->last_ts, b->length);
        b->count = 0;
    }
    m->n_entered = 0;
    walk_block(rows, m, m->partial_slot, 1, m->partial_ts, m->partial_steps);
    m->partial_steps = 0;
    note_access(m, 1, m->link_ts);

    for (unsigned op = 0; op < VM_OP_COUNT; op++)
        rows->by_class[vm_op_info[op].class] += rows->by_op[op];
    for (unsigned log = 0; log < 4; log++) {
        rows->by_class[VM_CLASS_LOAD] -= rows->loads.across[log];
        rows->by_class[VM_CLASS_LOAD_CROSS] += rows->loads.across[log];
        rows->by_class[VM_CLASS_STORE] -= rows->stores.across[log];
        rows->by_class[VM_CLASS_STORE_CROSS] += rows->stores.across[log];
    }
}
