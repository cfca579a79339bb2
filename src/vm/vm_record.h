// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The record of a whole run: the chunks in packed form, in memory up to a budget and in an unnamed
// file beyond it. Written by one thread (as the sink of the machine), then read by any number.
//
// A first touch takes 17 bytes (address 4, value 8, timestamp 5).
#include "vm/vm_chunk.h"

typedef struct vm_record vm_record;

// spill_dir (may be NULL: then going over the budget is ZK_ELIMIT) is where the file is made when
// the chunks take more than memory_budget bytes. ZK_ENOMEM.
MUST_CHECK status vm_record_open(vm_record **out, uint64_t memory_budget, const char *spill_dir);
void vm_record_close(vm_record *r); // NULL-safe; the file is gone with it

// A vm_chunk_sink's take; arg is the record. Chunks must come in order, from 0. ZK_EIO when the
// file cannot be made or written (a full disk).
MUST_CHECK status vm_record_take(void *arg, const vm_chunk *chunk);

uint64_t vm_record_chunks(const vm_record *r);
uint64_t vm_record_bytes(const vm_record *r);         // all chunks
uint64_t vm_record_spilled_bytes(const vm_record *r); // of these, in the file

// Scratch of vm_record_get; zero-initialised is empty.
typedef struct vm_chunk_buffer {
    uint8_t *packed;
    uint64_t packed_capacity;
    vm_touch *touches;
    uint64_t touches_capacity;
    uint64_t *free_words;
    uint64_t free_capacity;
} vm_chunk_buffer;

void vm_chunk_buffer_clear(vm_chunk_buffer *b);

// *out := chunk `index`; its arrays are in *buffer, valid until the buffer's next use. ZK_EINVAL
// when there is no such chunk, ZK_EIO, ZK_ENOMEM.
MUST_CHECK status vm_record_get(vm_chunk *out, vm_chunk_buffer *buffer, const vm_record *r,
                                uint64_t index);

// Row counts of chunk `index`, without unpacking it: for planning. `index` must exist.
const vm_rows *vm_record_rows(const vm_record *r, uint64_t index);
