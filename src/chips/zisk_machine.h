// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The machine that proves RISC-V programs: all chips, in a fixed order of slots.
//
// Chips of the execution that programs use most have two slots, so that an instance of any length
// can hold their rows in two tables whose heights add up to little more than needed.
#include "air/machine.h"
#include "chips/boundary.h"
#include "chips/chips.h"
#include "chips/range_split.h"
#include "chips/tables.h"

typedef struct zisk_machine {
    machine m;
    vm_map map;
    chip *execution[EXECUTION_CHIP_COUNT];
    chip *tables[TABLE_CHIP_COUNT];
    chip *boundary[BOUNDARY_CHIP_COUNT];
    chip *range_split; // stands for TABLE_RANGE20 where that has more cells
    // Slots in m. Execution chips: [0], and [1] or -1.
    int32_t execution_slot[EXECUTION_CHIP_COUNT][2];
    int32_t table_slot[TABLE_CHIP_COUNT];
    int32_t boundary_slot[BOUNDARY_CHIP_COUNT];
    int32_t range_split_slot;
} zisk_machine;

// The declarations depend on the memory map alone. ZK_ENOMEM.
MUST_CHECK status zisk_machine_new(zisk_machine **out, const vm_map *map);
void zisk_machine_free(zisk_machine *z); // NULL is allowed

// ---- What is fixed by a program
// ------------------------------------------------------------------

// A word that the boundary knows from the program: image, registers, outputs.
typedef struct fixed_word {
    uint64_t key; // boundary.h
    uint64_t value;
    bool read_only;
} fixed_word;

// The rows of the preprocessed chips.
typedef struct program_rows {
    fetch_row *fetch;     // ascending pc
    uint64_t *fetch_slot; // slot of vm_program that row i is
    size_t n_fetch;
    fixed_word *image; // ascending key: image words, then registers
    size_t n_image;
    uint64_t output; // address of the first public output word
} program_rows;

// ZK_EINVAL when the image covers the output words; ZK_ENOMEM.
MUST_CHECK status program_rows_new(program_rows *out, const vm_program *program);
void program_rows_clear(program_rows *rows);

// Heights of the preprocessed slots; the machine has MACHINE_MAX_SLOTS of them at most.
void program_rows_heights(uint8_t *heights, const program_rows *rows, const zisk_machine *z);
// Preprocessed columns of a slot (zeroed): a preprocessed_fill of prover_key.h with arg = both.
typedef struct program_fill {
    const program_rows *rows;
    const zisk_machine *z;
} program_fill;
status program_fill_columns(void *arg, uint32_t slot, fe *const *columns, unsigned log_height);

// First pc and timestamp, publics and the ends of the chain, as tuples of the job's boundary.
enum { ZISK_BOUNDARY_TUPLES = 1 + 1 + 2 + VM_PUBLICS };
void zisk_boundary(bus_tuple out[ZISK_BOUNDARY_TUPLES], uint64_t entry,
                   const uint32_t publics[VM_PUBLICS]);
