// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A guest program: loaded from an ELF file, checked, decoded. Constant after loading; any number of
// machines may share it.
//
// Code lives in slots, one per 2 bytes of the span of the executable segments; the slot of pc is
// (pc - code_base) / 2. Slots where no instruction can start hold OP_NONE: odd halves of programs
// without compressed instructions, gaps between segments, the guard after the end. After the guard
// come the exit instructions at VM_EXIT_PC: li a0, 0; li a7, 93; ecall.
//
// The image is everything that is not zero by default: the file contents of all segments (code
// included, it is readable data) and the marchid word, as words in ranges of ascending address.
// Code, image and map are what the program's verification key binds.
#include "vm/insn.h"
#include "vm/memory_map.h"

typedef struct vm_range {
    uint64_t address; // multiple of 8
    uint64_t n_words;
    uint64_t *words;
    bool writable; // in RAM; else in ROM
} vm_range;

// Slots [first, first + n) where instructions can start, step `stride` slots.
typedef struct vm_code {
    uint64_t first;
    uint64_t n;
} vm_code;

typedef struct vm_symbol {
    uint64_t address;
    uint64_t size; // may be 0
    const char *name;
} vm_symbol;

typedef struct vm_program {
    vm_map map;
    uint64_t entry;
    bool compressed; // instructions at multiples of 2, else of 4
    uint64_t code_base;
    uint64_t n_code; // slots of the code span, guard not included
    uint64_t exit_slot;
    uint64_t n_slots; // all: span, guard, exit instructions
    insn *insns;      // [n_slots]
    vm_code *code;
    uint64_t n_segments; // of code
    vm_range *image;
    uint64_t n_image;
    uint64_t rom_end;   // loads from ROM are allowed below this address
    vm_symbol *symbols; // functions, by ascending address; none when the file has no symbol table
    uint64_t n_symbols;
    char *names;
} vm_program;

// Loads the ELF file elf[0 .. n-1]: static ELF64 little-endian RISC-V executable, by program
// headers. `abi` VM_ABI_AUTO tells B from C by where the writable segments lie (C when the lowest
// starts below 0xa0010000, its stack, or at 0xa0400000 or above); A only on request. ZK_EPARSE with
// a message that names the header for anything else, ZK_ENOMEM. On failure *out needs no clear.
MUST_CHECK status vm_program_load(vm_program *out, const void *elf, uint64_t n, vm_abi abi);
void vm_program_clear(vm_program *p);

// pc of a slot.
static inline uint64_t vm_program_pc(const vm_program *p, uint64_t slot)
{
    return slot < p->exit_slot ? p->code_base + 2 * slot : VM_EXIT_PC + 2 * (slot - p->exit_slot);
}

// Slot of pc; the guard slot (OP_NONE) when pc is outside the code or odd.
static inline uint64_t vm_program_slot(const vm_program *p, uint64_t pc)
{
    uint64_t slot = (pc - p->code_base) >> 1;
    if (slot < p->n_code && (pc & 1) == 0)
        return slot;
    uint64_t at_exit = (pc - VM_EXIT_PC) >> 1;
    return at_exit < p->n_slots - p->exit_slot && (pc & 1) == 0 ? p->exit_slot + at_exit
                                                                : p->n_code;
}

// The function that holds pc, NULL when the symbols do not say.
const vm_symbol *vm_program_symbol(const vm_program *p, uint64_t pc);
