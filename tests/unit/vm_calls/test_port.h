// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A port over a small memory of the test's own, which checks the rules of vm/precompile.h: aligned
// addresses inside memory, slots of the row that never decrease, no address twice in a slot, and no
// peek of a word that is not written later.
#include "unit/test.h"

#include "vm/precompile.h"

enum { PORT_BASE = 0x1000, PORT_WORDS = 4096 };

typedef struct port_access {
    uint64_t address;
    unsigned slot;
    bool write;
} port_access;

struct vm_port {
    uint64_t memory[PORT_WORDS]; // word i is at PORT_BASE + 8 i
    const uint64_t *free_words;  // what port_next_free hands out
    size_t n_free;
    size_t taken;

    uint64_t n_calls[VM_PRECOMPILE_MAX]; // that succeeded, by row of the table
    port_access *accesses;               // of the call under way
    size_t n_accesses, accesses_room;
    bool peeked[PORT_WORDS];
};

// Runs the precompile of this CSR and asserts the rules if it succeeds.
status port_call(struct vm_port *port, unsigned csr, const call_args *args, uint64_t *result);

// Shorthand: CALL_POINTER at this address.
status port_call_pointer(struct vm_port *port, unsigned csr, uint64_t pointer);

// The word at an address of memory.
uint64_t *port_word(struct vm_port *port, uint64_t address);

void port_fill(struct vm_port *port, test_rng *rng);
void port_clear(struct vm_port *port);
