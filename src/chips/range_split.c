// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/range_split.h"

enum { HALF = RANGE_SPLIT_BITS / 2 };

void range_split_declare(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    expr low = chip_column(b, "low"), high = chip_column(b, "high");
    chip_receive(b, TUPLE_RANGE, real,
                 FIELDS(e_const(RANGE_SPLIT_BITS), e_add(low, e_scale(1 << HALF, high))));
    chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(HALF), low));
    chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(HALF), high));
}

void range_split_fill(fe *const *columns, size_t row, uint32_t value)
{
    columns[0][row] = 1;
    columns[1][row] = value & ((1 << HALF) - 1);
    columns[2][row] = value >> HALF;
}
