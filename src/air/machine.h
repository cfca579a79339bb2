// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A machine: the ordered list of chips that a key fixes, and the layout of an instance of it.
//
// The list has *slots*: the same chip may be listed in two slots ("blocks"), so that an instance
// can hold two heights of it. Constraints are numbered through over all slots, present or not:
// constraint j of slot s has number first_constraint[s] + j. Everything here is fixed by the list;
// what an instance chooses is one height per slot.
//
// The layout of doc/protocol.md section 2: present slots in order of decreasing height, equal
// heights in order of the list; each contributes its committed columns (2^h cells each) to the
// stack and its interactions (2^h leaves each) to the leaf layer, one after another from 0. As
// everything before a slot has at least its height, every column and interaction starts at a
// multiple of its own length.
#include "air/chip.h"
#include "base/bytes.h"
#include "hash/hash.h"

enum {
    MACHINE_MAX_SLOTS = 96,
    MACHINE_MAX_COLUMNS = 2048, // all kinds, over all slots
    MACHINE_MAX_INTERACTIONS = 2048,
    MACHINE_MAX_CONSTRAINTS = 8192,
};

typedef struct machine_slot {
    const chip *c;
    unsigned block;        // 0, or 1 for the second slot of the same chip
    uint32_t first_column; // numbered through, all kinds
    uint32_t first_interaction;
    uint32_t first_constraint;
} machine_slot;

typedef struct machine {
    const char *name;
    uint32_t n_slots;
    machine_slot slots[MACHINE_MAX_SLOTS];
    uint32_t n_columns, n_interactions, n_constraints;
    unsigned max_degree;       // of all constraints, at least 1
    uint32_t max_slot_columns; // largest n_columns of a slot
    size_t point_scratch;      // largest air_scratch_point of a slot
} machine;

// An empty machine; `name` and the chips are borrowed.
void machine_init(machine *m, const char *name);

// Appends a slot. ZK_EINVAL: the chip is there twice already, or twice with preprocessed columns,
// or another chip has its name; ZK_ELIMIT: a MACHINE_MAX_ limit.
MUST_CHECK status machine_add(machine *m, const chip *c);

// The whole declaration as a byte string (names, kinds, expressions, interactions, order), appended
// to *out, and its digest: what the key binds. Two machines with the same digest have the same
// constraints and interactions.
MUST_CHECK status machine_describe(byte_buffer *out, const machine *m);
MUST_CHECK status machine_digest(digest *out, const machine *m, const hash_ops *hash);

// ---- Layout ------------------------------------------------------------------------------------

typedef struct slot_layout {
    unsigned log_height; // 0: the slot is absent, the rest is zero
    uint64_t cells;      // offset of the first committed column in the stack
    uint64_t leaves;     // offset of the first interaction in the leaf layer
} slot_layout;

typedef struct machine_layout {
    unsigned log_stack; // A: the stack has 2^A cells, the leaf layer 2^A leaves
    uint64_t n_cells;   // in use
    uint64_t n_leaves;
    slot_layout slots[MACHINE_MAX_SLOTS];
} machine_layout;

// log_heights[s], s < n_slots: 0 for an absent slot. The heights may come from a hostile header:
// ZK_EPROOF when a height is outside CHIP_MIN_LOG_HEIGHT .. max_log_height, differs from a fixed
// one, or the columns or interactions do not fit into 2^log_stack.
//
// The contract of the circuit's version: with H = max_log_height, for level = H down to 6, for
// s = 0 .. n_slots - 1: is = [log_heights[s] == level]; slot s gets cells := running offset if is;
// the running offset grows by is * n_committed * 2^level; the same for leaves. At the end the
// offsets are at most 2^log_stack and every slot met exactly one level or is absent.
MUST_CHECK status machine_layout_compute(machine_layout *out, const machine *m,
                                         const uint8_t *log_heights, unsigned max_log_height,
                                         unsigned log_stack);

// The same for the preprocessed columns, a stack of its own whose heights the key fixes; leaves are
// not used. log_stack is the smallest that fits, at least min_log_stack.
MUST_CHECK status machine_layout_preprocessed(machine_layout *out, const machine *m,
                                              const uint8_t *log_heights, unsigned max_log_height,
                                              unsigned min_log_stack);

// Offset of column j (j < n_committed, or < n_preprocessed in a preprocessed layout) and of
// interaction k. The slot must be present.
static inline uint64_t layout_column(const machine_layout *l, uint32_t slot, uint32_t j)
{
    return l->slots[slot].cells + ((uint64_t)j << l->slots[slot].log_height);
}

static inline uint64_t layout_interaction(const machine_layout *l, uint32_t slot, uint32_t k)
{
    return l->slots[slot].leaves + ((uint64_t)k << l->slots[slot].log_height);
}
