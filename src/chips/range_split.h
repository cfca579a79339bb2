// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// RANGE(20, v) answered row by row, by RANGE(10, .) of both halves: in place of the table of 2^20
// rows where few such lookups are made. doc/chips.md says why it accepts the same tuples.
#include "air/chip.h"

enum { RANGE_SPLIT_BITS = 20 };

void range_split_declare(chip_builder *b, const void *context);

// Row `row` answers one lookup of (20, value).
void range_split_fill(fe *const *columns, size_t row, uint32_t value);
