// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What loads and stores see of words: halves (a part, two bytes) with a byte of them, and windows
// of bytes at any offset. A word has 8 bytes here, whatever their size. As in gadgets.h every
// declaration has its writer.
#include "chips/gadgets.h"

enum {
    FLAG_WIDTH_2 = 2, // log2 of the width from bit 1 on
    FLAG_WIDTH_4 = 4,
    FLAG_WIDTH_8 = 6,
    FLAG_UNSIGNED = 8,
};

// Which half and which byte of it. Columns place0, place1 (number of the half), odd. A half starts
// at an even byte: odd = 0.
typedef struct half_place {
    expr bit0, bit1, odd;
    expr offset; // 0..7
} half_place;
half_place declare_half_place(const step *s, expr is_half);
void put_half_place(cursor *c, unsigned offset);

// A word as four range-checked halves, and the one at `at` as two bytes. Columns v.0 .. v.3, half,
// byte0, byte1.
typedef struct halves {
    word word;
    expr half, byte0, byte1;
} halves;
halves declare_halves(const step *s, const half_place *at);
void put_halves(cursor *c, uint64_t value, unsigned offset);

// A window of 2, 4 or 8 bytes at an offset; it does not leave `n_words` words. Columns select.0 ..
// select.7 (one-hot offset), is2, is4, is8.
typedef struct byte_window {
    expr select[8];
    expr is2, is4, is8;
    expr offset, flags; // flags: the width bits
} byte_window;
byte_window declare_window(const step *s, unsigned n_words);
void put_window(cursor *c, unsigned offset, unsigned width, unsigned n_words);

// n range-checked byte columns.
void checked_bytes(const step *s, expr *bytes, const char *name, unsigned n);
// low + 2^byte high
expr half_of(const step *s, expr low, expr high);
