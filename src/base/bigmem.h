// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Large blocks of memory for traces, trees and transforms: from the operating system, zeroed,
// aligned for any vector load and, from 2 MiB on, to 2 MiB with huge pages asked for, which saves
// most TLB misses of a transform with a long stride. For megabytes and more; each block costs a
// system call. Small things belong in an arena.
#include "base/status.h"

#define BIGMEM_HUGE_PAGE ((size_t)2 << 20)

// *out has n * item_bytes bytes, all zero, aligned to 4 KiB (2 MiB when that large). 0 bytes give
// NULL and ZK_OK. ZK_ENOMEM when the product overflows or the system refuses; *out is then NULL.
// Whether huge pages are granted is the system's decision and changes nothing but speed.
MUST_CHECK status bigmem_alloc(void **out, size_t n, size_t item_bytes);

// Gives back a block of the same n and item_bytes. NULL-safe.
void bigmem_free(void *block, size_t n, size_t item_bytes);
