// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The guest's private input, as the words that lie in its input region.
//
// Maps B and C: a file is a row of records [u64 length, little-endian][bytes][zeros to a multiple
// of 8], put into memory as it is. A raw file becomes one record. Map A: the length of the raw
// file, then its bytes.
#include "base/status.h"
#include "vm/memory_map.h"

typedef struct vm_input {
    uint64_t *words; // at map.input_data; NULL when empty
    uint64_t n_words;
} vm_input;

// Copies data[0 .. n-1]. `raw`: the bytes are one record; on map A every file is raw. ZK_EPARSE
// when the size of a file of records is not a multiple of 8 or a record does not end within the
// file, ZK_ELIMIT when it is larger than the region, ZK_ENOMEM. On failure *out is empty.
MUST_CHECK status vm_input_load(vm_input *out, const vm_map *map, const void *data, uint64_t n,
                                bool raw);
void vm_input_clear(vm_input *in);
