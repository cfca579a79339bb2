// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/cells.h"

#include <stdlib.h>

static status check_access(const vm_port *port, unsigned slot, uint64_t address, uint64_t n)
{
    ZK_VERIFY(slot >= VM_CALL_SLOT_MEMORY && slot >= port->last_slot && slot < port->slots);
    (void)slot;
    FAIL_IF((address & 7) != 0, ZK_EGUEST, "operand at 0x%llx is not aligned to 8 bytes",
            (unsigned long long)address);
    FAIL_IF(address >= 1ULL << 32 || n > VM_SPACE_SIZE / 8, ZK_EGUEST,
            "operand of %llu words at 0x%llx: no memory there", (unsigned long long)n,
            (unsigned long long)address);
    (void)port;
    return ZK_OK;
}

static status log_access(vm_memory *m, word_access a)
{
    if (m->n_accesses == m->accesses_capacity) {
        uint64_t capacity = m->accesses_capacity == 0 ? 1024 : 2 * m->accesses_capacity;
        word_access *accesses = realloc(m->accesses, capacity * sizeof *accesses);
        FAIL_IF(accesses == NULL, ZK_ENOMEM, "no memory for the accesses of a call");
        m->accesses = accesses;
        m->accesses_capacity = capacity;
    }
    m->accesses[m->n_accesses++] = a;
    return ZK_OK;
}

// The access itself: cell gets `value` and the time of the slot.
static status access_word(vm_port *port, vm_cell *c, uint64_t address, unsigned slot,
                          uint64_t value)
{
    uint64_t ts = port->ts + slot;
    uint64_t old_ts = c->ts & ~CELL_PRESENT;
    FAIL_IF(old_ts >= ts, ZK_EINTERNAL,
            "a precompile accesses the word at 0x%llx twice in one slot",
            (unsigned long long)address);
    if (port->memory->replay)
        TRY(log_access(port->memory, (word_access){.old_value = c->value,
                                                   .value = value,
                                                   .old_ts = old_ts,
                                                   .address = (uint32_t)address,
                                                   .slot = slot}));
    c->value = value;
    c->ts = ts | (port->memory->replay ? CELL_PRESENT : 0);
    port->words++;
    port->last_slot = slot;
    return ZK_OK;
}

status port_read(vm_port *port, uint64_t *out, unsigned slot, uint64_t address, uint64_t n)
{
    TRY(check_access(port, slot, address, n));
    for (uint64_t k = 0; k < n; k++) {
        vm_cell *c;
        TRY(memory_touch(&c, port->memory, address + 8 * k, false));
        out[k] = c->value;
        TRY(access_word(port, c, address + 8 * k, slot, c->value));
    }
    return ZK_OK;
}

status port_write(vm_port *port, const uint64_t *in, unsigned slot, uint64_t address, uint64_t n)
{
    TRY(check_access(port, slot, address, n));
    for (uint64_t k = 0; k < n; k++) {
        vm_cell *c;
        TRY(memory_touch(&c, port->memory, address + 8 * k, true));
        TRY(access_word(port, c, address + 8 * k, slot, in[k]));
    }
    return ZK_OK;
}

status port_peek(vm_port *port, uint64_t *out, uint64_t address, uint64_t n)
{
    TRY(check_access(port, port->slots - 1, address, n));
    for (uint64_t k = 0; k < n; k++)
        TRY(memory_peek(&out[k], port->memory, address + 8 * k));
    return ZK_OK;
}

status port_next_free(vm_port *port, uint64_t *out)
{
    const word_list *l = port->free_words;
    FAIL_IF(*port->next_free >= l->n, ZK_EGUEST,
            "a free word is read, but no hint function was called or its results are used up");
    *out = l->words[(*port->next_free)++];
    if (port->free_log != NULL)
        TRY(word_list_push(port->free_log, *out));
    return ZK_OK;
}

unsigned call_operands(const insn *i)
{
    enum { RS1 = 1, RS2 = 2, RS3 = 4, RD = 8 };
    unsigned count = i->rs3 != 0 ? RS3 : 0;
    switch ((call_form)vm_precompiles[i->call].form) {
    case CALL_POINTER:
        return RS1;
    case CALL_RESULT:
        return RS1 | RD;
    case CALL_MEMCPY:
        return RS1 | RS2 | count;
    case CALL_MEMCMP:
        return RS1 | RS2 | RD | count;
    default:
        return RS2 | count;
    }
}

status call_execute(uint64_t *result, vm_port *port, const insn *i, const uint64_t *x)
{
    const vm_precompile *p = &vm_precompiles[i->call];
    call_args args = {
        .pointer = x[i->rs1],
        .dst = x[i->rs2],
        .src = x[i->rs1],
        .count = x[i->rs3] + (uint64_t)(int64_t)i->imm,
        .fill = i->small,
    };
    *result = 0;
    port->slots = p->slots;
    status s = p->execute(port, &args, result);
    if (s == ZK_OK)
        return ZK_OK;
    FAIL(s, "%s: %s", p->name, status_message());
}
