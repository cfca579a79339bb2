// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The record of one chunk: all that replay needs, whatever came before it.
//
// A run is cut into chunks of 2^18 steps unless its options say otherwise (the last is shorter). A
// chunk's record holds the state of the registers at its start, each word of memory that the chunk
// touches, as it was before (value and timestamp of the last access, 0 for never), and the free
// words that it consumes. It also counts the chunk's rows, which is what planning needs.
#include "vm/precompile.h"
#include "vm/slots.h"
#include "vm/insn.h"

enum { VM_CHUNK_LOG = 18 };

typedef struct vm_touch {
    uint64_t value;
    uint64_t ts;
    uint32_t address; // multiple of 8
} vm_touch;

// Loads or stores that are not aligned to their width, by its log2.
typedef struct vm_misaligned {
    uint64_t inside[4]; // of one word
    uint64_t across[4]; // two words
} vm_misaligned;

typedef struct vm_rows {
    uint64_t by_class[VM_CLASS_COUNT];
    uint64_t by_op[VM_OP_COUNT];            // steps
    uint64_t calls[VM_PRECOMPILE_MAX];      // steps of each precompile
    uint64_t call_words[VM_PRECOMPILE_MAX]; // memory accesses that they made
    vm_misaligned loads, stores;            // among the steps of by_op
} vm_rows;

// Where a run stands between two steps.
typedef struct vm_state {
    uint64_t ts; // of the next step
    uint64_t pc;
    uint64_t x[VM_REGISTERS];
    uint64_t x_ts[VM_REGISTERS]; // of the last access, 0 for never
} vm_state;

typedef struct vm_chunk {
    uint64_t index;
    uint64_t n_steps;
    vm_state start;
    const vm_touch *touches; // in the order of first touch
    uint64_t n_touches;
    const uint64_t *free_words; // in the order of use
    uint64_t n_free_words;
    vm_rows rows;
} vm_chunk;

// Receives the chunks of a run in order; the arrays are the machine's and valid until the call
// returns. A status other than ZK_OK ends the run with it.
typedef struct vm_chunk_sink {
    status (*take)(void *arg, const vm_chunk *chunk);
    void *arg;
} vm_chunk_sink;
