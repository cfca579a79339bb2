// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What replay hands to the chips: one row per step, one struct per shape, with the values and the
// old timestamps of every access. Slots: slots.h. A row's accesses are all a chip needs to receive
// (space, address, old value, old ts) and send (space, address, new value, ts + slot).
//
// Rows of a class come in step order. Batches of a chunk come in order; chunks are replayed
// independently. A run gives the same rows whatever the number of threads.
#include "vm/insn.h"

typedef struct row_head {
    uint64_t ts; // of slot 0
    const insn *insn;
    uint32_t pc;
    uint32_t next_pc;
} row_head;

// A register that is read: it is sent back with the same value.
typedef struct reg_read {
    uint64_t value;
    uint64_t old_ts;
} reg_read;

// A register that is written (number insn->rd, possibly the sink).
typedef struct reg_write {
    uint64_t old_value;
    uint64_t value;
    uint64_t old_ts;
} reg_write;

// A memory word that is read (value == old_value), written or both.
typedef struct word_access {
    uint64_t old_value;
    uint64_t value;
    uint64_t old_ts;
    uint32_t address; // multiple of 8
    uint32_t slot;
} word_access;

// ADD, COMPARE, BITWISE, SHIFT, MULTIPLY, DIVIDE.
typedef struct row_alu {
    row_head head;
    reg_read a;  // rs1
    reg_read b;  // rs2; in immediate forms value = imm sign-extended, old_ts = 0, no access
    reg_write d; // rd, value = result
} row_alu;

typedef struct row_upper {
    row_head head;
    reg_write d;
} row_upper;

typedef struct row_branch {
    row_head head; // next_pc says whether it was taken
    reg_read a;
    reg_read b;
} row_branch;

typedef struct row_jump {
    row_head head;
    reg_read a; // jalr: rs1; jal: zeros, no access
    reg_write d;
} row_jump;

// The bytes start at byte (a.value + imm) & 7 of word[0]; in the CROSS class they go on in word[1],
// the word after; else word[1] is zeros and no access.
typedef struct row_load {
    row_head head;
    reg_read a;
    reg_write d;
    word_access word[2];
} row_load;

typedef struct row_store {
    row_head head;
    reg_read a;
    reg_read b;
    word_access word[2];
} row_store;

typedef struct row_atomic {
    row_head head;
    reg_read a;
    reg_read b;
    reg_write d;
    word_access word;
} row_atomic;

typedef struct row_csr {
    row_head head;
    reg_read a; // rs1; immediate forms: value = small, old_ts = 0, no access
    reg_write d;
    word_access word;
} row_csr;

typedef struct row_free {
    row_head head;
    reg_write d;
} row_free;

// ecall. a7 = 93 halts: next_pc = pc, `link` is zeros and no access. Else x1 := pc + 4.
typedef struct row_system {
    row_head head;
    reg_read a7;
    reg_read a0;
    reg_write link;
} row_system;

// A precompile call: insn->call names it. Which register is what: precompile.h. Registers that the
// form does not have are zeros and no access.
typedef struct row_call {
    row_head head;
    reg_read rs1;             // slot 0
    reg_read rs2;             // slot 1
    reg_read rs3;             // slot 2
    reg_write d;              // last slot
    const word_access *words; // in the order of the calls to the port; valid with the batch
    uint64_t n_words;
} row_call;

// Rows of one chunk, or a part of them. Arrays belong to the replay and are valid until the
// callback returns.
typedef struct vm_batch {
    uint64_t chunk;
    uint64_t first_step; // of the batch, counted in the chunk; a multiple of VM_BATCH_STEPS
#define CLASS(name, row)                                                                           \
    const row *name;                                                                               \
    uint64_t n_##name;
    VM_CLASSES(CLASS)
#undef CLASS
} vm_batch;

// Receives batches; a status other than ZK_OK ends the replay with it.
typedef struct vm_batch_sink {
    status (*take)(void *arg, const vm_batch *batch);
    void *arg;
} vm_batch_sink;
