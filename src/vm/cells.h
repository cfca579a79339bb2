// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Internal to vm/: the guest's memory in both passes, and the port over it.
//
// A cell holds a word and the timestamp of its last access. Between chunks of pass 1 the cells are
// the whole memory. In replay they hold only the words of the chunk's record, and the top bit of ts
// marks those that the record has.
#include "vm/vm_chunk.h"
#include "vm/events.h"
#include "vm/precompile.h"
#include "vm/vm_program.h"

typedef struct vm_cell {
    uint64_t value;
    uint64_t ts;
} vm_cell;

#define CELL_PRESENT (1ULL << 63) // replay only

enum { PAGE_CELLS = VM_PAGE_BYTES / 8 };

typedef struct vm_memory {
    vm_cell *cells;     // one per word of the space
    uint8_t *page_used; // pass 1: one flag per page
    uint64_t pages;     // flags that are set
    uint64_t max_pages;
    uint64_t chunk_ts; // pass 1: an older cell was not touched in this chunk
    const vm_program *program;
    bool replay;

    vm_touch *touches; // pass 1: first touches of this chunk
    uint64_t n_touches;
    uint64_t touches_capacity;

    word_access *accesses; // replay: accesses of calls since the last flush
    uint64_t n_accesses;
    uint64_t accesses_capacity;
} vm_memory;

MUST_CHECK status memory_open(vm_memory *m, const vm_program *program, bool replay);
void memory_close(vm_memory *m);

static inline vm_cell *memory_cell(const vm_memory *m, uint64_t address)
{
    return &m->cells[(address - VM_SPACE_BASE) >> 3];
}

// Makes the word at `address` (any byte of it) current: checks that the guest may access it, in
// pass 1 notes the first touch, in replay that the record has it. *out is its cell, whose ts the
// caller sets. ZK_EGUEST with the address in the message.
MUST_CHECK status memory_touch(vm_cell **out, vm_memory *m, uint64_t address, bool write);

// The value of a word, checked but without touching it: for words that are touched right after
// (else the record of the chunk lacks them and replay fails).
MUST_CHECK status memory_peek(uint64_t *out, const vm_memory *m, uint64_t address);

// Loads and stores of any width and alignment, the general case of what vm_run.c does inline.
// `size` is 1, 2, 4 or 8; *out and `value` are zero-extended.
MUST_CHECK status memory_load(uint64_t *out, vm_memory *m, uint64_t address, unsigned size,
                              uint64_t ts, bool *crosses);
MUST_CHECK status memory_store(vm_memory *m, uint64_t address, uint64_t value, unsigned size,
                               uint64_t ts, bool *crosses);

// Merges the low `size` bytes of `value` into the word(s) `old` at byte `offset`; the second word
// is used when offset + size > 8.
static inline void merge_bytes(uint64_t out[2], const uint64_t old[2], unsigned offset,
                               uint64_t value, unsigned size)
{
    unsigned __int128 mask = size == 8 ? UINT64_MAX : (1ULL << (8 * size)) - 1;
    unsigned __int128 both = old[0] | (unsigned __int128)old[1] << 64;
    both &= ~(mask << (8 * offset));
    both |= ((unsigned __int128)value & mask) << (8 * offset);
    out[0] = (uint64_t)both;
    out[1] = (uint64_t)(both >> 64);
}

static inline uint64_t extract_bytes(const uint64_t words[2], unsigned offset, unsigned size)
{
    unsigned __int128 both = words[0] | (unsigned __int128)words[1] << 64;
    uint64_t value = (uint64_t)(both >> (8 * offset));
    return size == 8 ? value : value & ((1ULL << (8 * size)) - 1);
}

struct vm_port {
    vm_memory *memory;
    uint64_t ts;
    uint64_t words; // accesses made
    unsigned last_slot;
    unsigned slots;
    const word_list *free_words; // source of port_next_free
    uint64_t *next_free;
    word_list *free_log; // pass 1: what was consumed; NULL in replay
};

// Which registers a call reads (bits 0, 1, 2: rs1, rs2, rs3 in slots 0, 1, 2) and whether it writes
// rd (bit 3, in its last slot).
unsigned call_operands(const insn *i);

static inline unsigned call_slots(const insn *i)
{
    return vm_precompiles[i->call].slots;
}

// Runs the call `i` (OP_call) with the registers x through `port`; *result is for rd.
MUST_CHECK status call_execute(uint64_t *result, vm_port *port, const insn *i, const uint64_t *x);
