// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Large blocks of memory for traces, trees, tables and transforms: aligned for any vector load and,
// from 2 MiB on, to 2 MiB with huge pages asked for, which saves most TLB misses of a transform
// with a long stride. For megabytes and more; small things belong in an arena.
//
// A first touch of a page costs ten times a later one (the system faults and zeroes), so large
// blocks that are given back are kept, split and joined for the next ones. What is kept never
// raises the peak: blocks in use and kept together stay within the most that was ever in use at
// once. All functions may be called from any thread.
#include "base/status.h"

#define BIGMEM_HUGE_PAGE ((size_t)2 << 20)

// *out has n * item_bytes bytes, all zero, aligned to 4 KiB (2 MiB when that large). 0 bytes give
// NULL and ZK_OK. ZK_ENOMEM when the product overflows or the system refuses; *out is then NULL.
// Whether huge pages are granted is the system's decision and changes nothing but speed.
MUST_CHECK status bigmem_alloc(void **out, size_t n, size_t item_bytes);

// The same with any contents, for what is written in full before it is read.
MUST_CHECK status bigmem_alloc_dirty(void **out, size_t n, size_t item_bytes);

// Typed: TRY(bigmem_new(&cells, n)) for any `T *cells`; contents are any.
#define bigmem_new(out, n) bigmem_alloc_dirty((void **)(out), (n), sizeof **(out))

// Gives back a block of the same n and item_bytes. NULL-safe.
void bigmem_free(void *block, size_t n, size_t item_bytes);

// Returns to the system what is kept for later, and forgets the peak: for a process that has ended
// one large task and may wait long for the next.
void bigmem_trim(void);

// Large blocks (2 MiB and more), in bytes.
typedef struct bigmem_usage {
    size_t in_use, kept;
    size_t peak;   // most in use at once since the last trim
    size_t mapped; // ever asked of the system
} bigmem_usage;

bigmem_usage bigmem_usage_now(void);
