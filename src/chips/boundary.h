// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The ends of the run: program table, and first and last values of all words and registers.
//
// One chain of ADDR tuples goes through all rows of IMAGE, ZERO, INPUT and OUTPUT in order of their
// *key*: the address of a word, 2^32 + number for a register. A row receives (0, previous key) and
// sends (0, own key) with key - previous key - 1 < 2^32; the boundary sends (0, 0) and receives
// (0, 2^32 + 32), the key of the sink register, which every program's image holds. All keys are
// integers below 2^33 (preprocessed, or proved in a region), so a previous key that is met is
// smaller than the row's own: the rows are the edges of an acyclic graph, and a balanced bus is a
// flow of one unit from 0 to the last key in it: one path. Every key occurs once, in one chip.
//
// Each row sends the word's first tuple, MEM(space, address, value, ts 0), and receives the last,
// MEM(space, address, final value, final ts).
//
//   PROGRAM  preprocessed: the FETCH rows; committed: multiplicity
//   IMAGE    preprocessed: every word of the program's image, the marchid word, all registers
//   OUTPUT   preprocessed: the words of the public outputs; sends OUT(index, final half)
//   ZERO     words of RAM that the run touched beyond these: first value 0, address proved in RAM
//   INPUT    words of the input region that the run touched: first value chosen by the prover and
//            range-checked, never changed, address proved in the input region
//
// Read-only words (IMAGE rows of ROM) end as they began. The stores' own address checks keep ROM
// and input from being written; both checks are there because either alone would do.
#include "air/chip.h"
#include "chips/fetch.h"
#include "chips/word_shape.h"
#include "vm/vm_chunk.h"

typedef enum boundary_chip {
    BOUNDARY_PROGRAM,
    BOUNDARY_IMAGE,
    BOUNDARY_OUTPUT,
    BOUNDARY_ZERO,
    BOUNDARY_INPUT,
    BOUNDARY_CHIP_COUNT
} boundary_chip;

enum { OUTPUT_WORDS = VM_PUBLICS / 2 };

#define BOUNDARY_REGISTER_KEY 0x100000000ULL // key of register 0
#define BOUNDARY_LAST_KEY     (BOUNDARY_REGISTER_KEY + VM_REG_SINK)

typedef struct boundary_spec {
    const char *name;
    chip_declare declare;
} boundary_spec;

// Context of the declarations. The map: INPUT's region.
typedef struct boundary_context {
    const word_shape *shape;
    const vm_map *map;
} boundary_context;

extern const boundary_spec boundary_specs[BOUNDARY_CHIP_COUNT];

// A word of the boundary with what the run made of it.
typedef struct boundary_word {
    uint64_t key, previous_key;
    uint64_t first, last; // values
    uint64_t last_ts;     // 0: never touched (then last = first)
} boundary_word;

// Write the committed columns of row `row`.
void fill_image(fe *const *columns, size_t row, const boundary_word *w);
void fill_output(fe *const *columns, size_t row, const boundary_word *w);
void fill_zero(fe *const *columns, size_t row, const boundary_word *w);
void fill_input(fe *const *columns, size_t row, const boundary_word *w, const vm_map *map);

// Write the preprocessed columns of row `row`.
void fix_program(fe *const *columns, size_t row, const fetch_row *f);
void fix_image(fe *const *columns, size_t row, uint64_t key, uint64_t first, bool read_only);
void fix_output(fe *const *columns, size_t row, uint64_t address, unsigned index);
