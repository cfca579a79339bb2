// SPDX-License-Identifier: Apache-2.0 OR MIT
// Lookup tables with values in closed form; only the multiplicities are committed. Rows that no
// lookup hits have multiplicity zero; nothing else needs to be said of a multiplicity, since the
// senders of a TABLE domain are fewer than p (doc/protocol.md section 8).
#include "chips/tables.h"

// Row 2^bits + v is the tuple (bits, v), for bits = 0 .. 16: all of 1 <= row < 2^17. Row 0 is (0,
// 0) once more, which is harmless.
static void declare_range16(chip_builder *b, const void *context)
{
    (void)context;
    enum { LOG_ROWS = 17 };
    chip_table(b);
    chip_fixed_height(b, LOG_ROWS);
    expr n = chip_column(b, "n");
    expr bits = chip_closed(b, "bits", closed_unary(CLOSED_MSB, 0, LOG_ROWS));
    expr index = chip_closed(b, "index", closed_index(LOG_ROWS));
    expr top = chip_closed(b, "top", closed_unary(CLOSED_TOP, 0, LOG_ROWS));
    chip_receive(b, TUPLE_RANGE, n, FIELDS(bits, e_sub(index, top)));
}

// Row v is (20, v).
static void declare_range20(chip_builder *b, const void *context)
{
    (void)context;
    enum { LOG_ROWS = 20 };
    chip_table(b);
    chip_fixed_height(b, LOG_ROWS);
    expr n = chip_column(b, "n");
    expr value = chip_closed(b, "value", closed_index(LOG_ROWS));
    chip_receive(b, TUPLE_RANGE, n, FIELDS(e_const(20), value));
}

// Row a + 256 b holds (op, a, b, a op b) for the three operations.
static void declare_bytes(chip_builder *b, const void *context)
{
    (void)context;
    enum { LOG_ROWS = 16 };
    chip_table(b);
    chip_fixed_height(b, LOG_ROWS);
    expr n_and = chip_column(b, "n_and"), n_or = chip_column(b, "n_or");
    expr n_xor = chip_column(b, "n_xor");
    expr x = chip_closed(b, "a", closed_unary(CLOSED_BITS, 0, 8));
    expr y = chip_closed(b, "b", closed_unary(CLOSED_BITS, 8, 8));
    expr and = chip_closed(b, "and", closed_binary(CLOSED_AND, 0, 8, 8));
    expr or = chip_closed(b, "or", closed_binary(CLOSED_OR, 0, 8, 8));
    expr xor = chip_closed(b, "xor", closed_binary(CLOSED_XOR, 0, 8, 8));
    chip_receive(b, TUPLE_BYTE, n_and, FIELDS(e_const(BYTE_AND), x, y, and));
    chip_receive(b, TUPLE_BYTE, n_or, FIELDS(e_const(BYTE_OR), x, y, or));
    chip_receive(b, TUPLE_BYTE, n_xor, FIELDS(e_const(BYTE_XOR), x, y, xor));
}

// Row s is (s mod 32, 2^(s mod 32)); the smallest height has every tuple twice.
static void declare_pow2(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    chip_fixed_height(b, CHIP_MIN_LOG_HEIGHT);
    expr n = chip_column(b, "n");
    expr shift = chip_closed(b, "shift", closed_unary(CLOSED_BITS, 0, 5));
    expr power = chip_closed(b, "power", closed_unary(CLOSED_POW2, 0, 5));
    chip_receive(b, TUPLE_POW2, n, FIELDS(shift, power));
}

const table_spec table_specs[TABLE_CHIP_COUNT] = {
    [TABLE_RANGE16] = {"range16", declare_range16, 17},
    [TABLE_RANGE20] = {"range20", declare_range20, 20},
    [TABLE_BYTES] = {"bytes", declare_bytes, 16},
    [TABLE_POW2] = {"pow2", declare_pow2, CHIP_MIN_LOG_HEIGHT},
};

// What a lookup counts into: table, column and row; false when no row of a table is the tuple.
bool table_find(table_place *out, tuple_domain domain, const fe *fields)
{
    switch (domain) {
    case TUPLE_RANGE:
        if (fields[0] == 20 && fields[1] >> 20 == 0) {
            *out = (table_place){TABLE_RANGE20, 0, (uint32_t)fields[1]};
            return true;
        }
        if (fields[0] <= 16 && fields[1] >> fields[0] == 0) {
            *out = (table_place){TABLE_RANGE16, 0, (uint32_t)((1ULL << fields[0]) + fields[1])};
            return true;
        }
        return false;
    case TUPLE_BYTE: {
        fe x = fields[1], y = fields[2];
        if (fields[0] > BYTE_XOR || x > 255 || y > 255)
            return false;
        fe z = fields[0] == BYTE_AND ? (x & y) : fields[0] == BYTE_OR ? (x | y) : (x ^ y);
        *out = (table_place){TABLE_BYTES, (uint32_t)fields[0], (uint32_t)(x + 256 * y)};
        return fields[3] == z;
    }
    case TUPLE_POW2:
        *out = (table_place){TABLE_POW2, 0, (uint32_t)fields[0]};
        return fields[0] < 32 && fields[1] == 1ULL << fields[0];
    default:
        return false;
    }
}
