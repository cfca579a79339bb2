// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "test_port.h"

static status check_place(uint64_t address, uint64_t n)
{
    FAIL_IF(address % 8 != 0, ZK_EGUEST, "unaligned");
    FAIL_IF(address < PORT_BASE || n > PORT_WORDS || (address - PORT_BASE) / 8 > PORT_WORDS - n,
            ZK_EGUEST, "outside memory");
    return ZK_OK;
}

uint64_t *port_word(struct vm_port *port, uint64_t address)
{
    assert_int_equal(check_place(address, 1), ZK_OK);
    return &port->memory[(address - PORT_BASE) / 8];
}

static void note(vm_port *port, uint64_t address, unsigned slot, bool write)
{
    if (port->n_accesses == port->accesses_room) {
        port->accesses_room = 2 * port->accesses_room + 64;
        port->accesses = realloc(port->accesses, port->accesses_room * sizeof *port->accesses);
        assert_non_null(port->accesses);
    }
    port->accesses[port->n_accesses++] = (port_access){address, slot, write};
}

status port_read(vm_port *port, uint64_t *out, unsigned slot, uint64_t address, uint64_t n)
{
    TRY(check_place(address, n));
    for (uint64_t i = 0; i < n; i++) {
        out[i] = *port_word(port, address + 8 * i);
        note(port, address + 8 * i, slot, false);
    }
    return ZK_OK;
}

status port_write(vm_port *port, const uint64_t *in, unsigned slot, uint64_t address, uint64_t n)
{
    TRY(check_place(address, n));
    for (uint64_t i = 0; i < n; i++) {
        *port_word(port, address + 8 * i) = in[i];
        port->peeked[(address - PORT_BASE) / 8 + i] = false;
        note(port, address + 8 * i, slot, true);
    }
    return ZK_OK;
}

status port_peek(vm_port *port, uint64_t *out, uint64_t address, uint64_t n)
{
    TRY(check_place(address, n));
    for (uint64_t i = 0; i < n; i++) {
        out[i] = *port_word(port, address + 8 * i);
        port->peeked[(address - PORT_BASE) / 8 + i] = true;
    }
    return ZK_OK;
}

status port_next_free(vm_port *port, uint64_t *out)
{
    FAIL_IF(port->taken == port->n_free, ZK_EGUEST, "no free word left");
    *out = port->free_words[port->taken++];
    return ZK_OK;
}

static int compare_accesses(const void *a, const void *b)
{
    const port_access *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static void check_rules(struct vm_port *port, const vm_precompile *row)
{
    const unsigned rd_slots = row->form == CALL_RESULT || row->form == CALL_MEMCMP;
    unsigned slot = VM_CALL_SLOT_MEMORY, last = 0;
    for (size_t i = 0; i < port->n_accesses; i++) {
        assert_true(port->accesses[i].slot >= slot);
        slot = last = port->accesses[i].slot;
        assert_true(slot + rd_slots < row->slots);
    }
    if (port->n_accesses > 0) // the table promises no more slots than the call can use
        assert_int_equal(last + 1 + rd_slots, row->slots);
    if (port->n_accesses > 0)
        qsort(port->accesses, port->n_accesses, sizeof *port->accesses, compare_accesses);
    for (size_t i = 1; i < port->n_accesses; i++)
        assert_int_not_equal(compare_accesses(&port->accesses[i - 1], &port->accesses[i]), 0);
    for (size_t i = 0; i < PORT_WORDS; i++)
        assert_false(port->peeked[i]);
}

status port_call(struct vm_port *port, unsigned csr, const call_args *args, uint64_t *result)
{
    const int index = precompile_find((uint16_t)csr);
    assert_true(index >= 0);
    const vm_precompile *row = &vm_precompiles[index];
    port->n_accesses = 0;
    memset(port->peeked, 0, sizeof port->peeked);
    *result = 0;
    TRY(row->execute(port, args, result));
    check_rules(port, row);
    port->n_calls[index]++;
    return ZK_OK;
}

status port_call_pointer(struct vm_port *port, unsigned csr, uint64_t pointer)
{
    uint64_t result;
    return port_call(port, csr, &(call_args){.pointer = pointer}, &result);
}

void port_fill(struct vm_port *port, test_rng *rng)
{
    for (size_t i = 0; i < PORT_WORDS; i++)
        port->memory[i] = test_rng_u64(rng);
}

void port_clear(struct vm_port *port)
{
    free(port->accesses);
    port->accesses = NULL;
    port->n_accesses = port->accesses_room = 0;
}
