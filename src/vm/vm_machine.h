// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Pass 1: runs a program once, fast, and records.
//
// Memory is one flat reserved area of cells (value, timestamp of the last access), so that an
// access touches one cache line and the first touch of a word in a chunk shows by its timestamp
// being older than the chunk. Steps are counted per basic block; counts per instruction, rows per
// class and the timestamps of registers are worked out at the end of each chunk from the counts and
// last entry times of its blocks (vm_account.c).
#include "base/pool.h"
#include "vm/vm_chunk.h"
#include "vm/vm_input.h"
#include "vm/vm_program.h"

#define VM_MAX_STEPS (1ULL << 36)

enum { VM_MAX_CHUNK_LOG = 22 };

typedef struct vm_progress {
    uint64_t steps;
    uint64_t memory_bytes;
} vm_progress;

typedef struct vm_options {
    uint64_t max_steps;        // 0: VM_MAX_STEPS, which is also the most
    unsigned chunk_log;        // steps of a chunk are 2^chunk_log; 0: VM_CHUNK_LOG
    uint64_t max_memory_bytes; // of guest memory touched, counted in pages of 2 KiB; 0: no limit
    uint64_t max_time_ns;      // of wall-clock; 0: no limit; looked at between chunks
    const cancel_flag *cancel; // may be NULL; looked at between chunks
    // Called between chunks; may be NULL.
    void (*progress)(void *arg, const vm_progress *p);
    void *progress_arg;
    // Bytes that the guest prints, in order; NULL drops them.
    void (*print)(void *arg, const uint8_t *bytes, uint64_t n);
    void *print_arg;
    vm_chunk_sink sink; // take may be NULL
} vm_options;

typedef struct vm_machine vm_machine;

// A machine with the program's image and the input in place, ready to run once. Program, input and
// what options point to must outlive it. ZK_ENOMEM when address space or memory cannot be had,
// ZK_EINVAL when max_steps or chunk_log is too large.
MUST_CHECK status vm_machine_open(vm_machine **out, const vm_program *program,
                                  const vm_input *input, const vm_options *options);
void vm_machine_close(vm_machine *m); // NULL-safe

// Runs to the halt. ZK_OK means that the program halted: look at vm_machine_exit_code, only 0 is a
// success. ZK_EGUEST: the program did what it must not do; the message names what, pc, encoding and
// disassembly. ZK_ELIMIT, ZK_ECANCELED, ZK_ETIMEOUT (max_time_ns), or what the sink returned. After
// a failure the counts up to the last complete chunk stand.
MUST_CHECK status vm_machine_run(vm_machine *m);

uint64_t vm_machine_steps(const vm_machine *m);
uint64_t vm_machine_ts(const vm_machine *m);        // after the last step
uint64_t vm_machine_pc(const vm_machine *m);        // of the halt, or of what failed
uint64_t vm_machine_exit_code(const vm_machine *m); // a0 at the halt
// What an exit code of C guests stands for, in brackets after a blank; else "".
const char *vm_exit_code_words(uint64_t code);
uint64_t vm_machine_memory_bytes(const vm_machine *m); // touched, in pages
const vm_rows *vm_machine_rows(const vm_machine *m);   // of all chunks
// Final value and timestamp of the last access of the registers.
const uint64_t *vm_machine_x(const vm_machine *m);    // [VM_REGISTERS]
const uint64_t *vm_machine_x_ts(const vm_machine *m); // [VM_REGISTERS]
// Times that the instruction in each slot was executed, [program->n_slots].
const uint64_t *vm_machine_fetches(const vm_machine *m);
void vm_machine_publics(uint32_t out[VM_PUBLICS], const vm_machine *m);

// Calls fn for the word of every address that was touched, ascending, with its final value and the
// timestamp of its last access. A status other than ZK_OK ends the walk and is returned.
MUST_CHECK status vm_machine_touched(const vm_machine *m,
                                     status (*fn)(void *arg, const vm_touch *word), void *arg);
