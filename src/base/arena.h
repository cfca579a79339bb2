// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Arena: many allocations of one life time, given back together. It grows by blocks that double in
// size, so a pointer stays valid until the arena is rewound past it. Every allocation is aligned to
// 64 bytes (a cache line, a vector of AVX-512) and is not initialised. An arena belongs to one
// thread at a time. Under AddressSanitizer, memory that was rewound is poisoned until handed out
// again.
#include "base/status.h"

#define ARENA_ALIGNMENT 64

typedef struct arena_block arena_block;

typedef struct arena {
    arena_block *first;
    arena_block *current; // allocation goes on here; blocks behind it are empty and kept
    size_t reserved;      // bytes held from the system
    size_t limit;         // most bytes to hold
} arena;

// A point to rewind to.
typedef struct arena_mark {
    arena_block *block;
    size_t used;
} arena_mark;

// No memory is taken yet. `limit_bytes` bounds what is held from the system; 0 means no bound.
void arena_init(arena *a, size_t limit_bytes);
void arena_clear(arena *a); // gives everything back; the arena may be used again

// *out has n * item_bytes bytes; 0 bytes give a valid pointer that must not be read. ZK_ENOMEM when
// the product overflows or the system refuses, ZK_ELIMIT above the limit; *out is then NULL.
MUST_CHECK status arena_alloc(void **out, arena *a, size_t n, size_t item_bytes);

// Typed: TRY(arena_new(&rows, a, n_rows)) for any `T *rows`.
#define arena_new(out, a, n) arena_alloc((void **)(out), (a), (n), sizeof **(out))

arena_mark arena_save(const arena *a);
void arena_rewind(arena *a, arena_mark mark); // to a mark of this arena, not yet rewound past
void arena_reset(arena *a);                   // to empty; keeps the memory for reuse
