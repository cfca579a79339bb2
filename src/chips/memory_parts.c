// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/memory_parts.h"

half_place declare_half_place(const step *s, expr is_half)
{
    half_place at = {.bit0 = chip_bit(s->b, "place0")};
    at.bit1 = chip_bit(s->b, "place1");
    at.odd = chip_bit(s->b, "odd");
    chip_zero(s->b, e_mul(is_half, at.odd), "a half is aligned");
    at.offset = E_SUM(at.odd, e_scale(2, at.bit0), e_scale(4, at.bit1));
    return at;
}

void put_half_place(cursor *c, unsigned offset)
{
    put(c, offset >> 1 & 1);
    put(c, offset >> 2 & 1);
    put(c, offset & 1);
}

halves declare_halves(const step *s, const half_place *at)
{
    expr part[4];
    halves v = {.word = checked_parts(s, "v", part)};
    v.half = chip_column(s->b, "half_value");
    chip_equal(s->b, v.half,
               e_select(at->bit1, e_select(at->bit0, part[3], part[2]),
                        e_select(at->bit0, part[1], part[0])),
               "selected half");
    v.byte0 = chip_column(s->b, "byte0");
    v.byte1 = chip_column(s->b, "byte1");
    range_check(s, s->shape->byte_bits, v.byte0);
    range_check(s, s->shape->byte_bits, v.byte1);
    chip_equal(s->b, v.half, half_of(s, v.byte0, v.byte1), "bytes of the half");
    return v;
}

void put_halves(cursor *c, uint64_t value, unsigned offset)
{
    put_parts(c, value);
    uint64_t half = value >> (8 * (offset & 6)) & 0xffff;
    put(c, half);
    put(c, half & 0xff);
    put(c, half >> 8);
}

byte_window declare_window(const step *s, unsigned n_words)
{
    byte_window w = {.offset = e_const(0)};
    expr sum = e_const(0);
    chip_columns(s->b, w.select, "select", 8);
    for (unsigned k = 0; k < 8; k++) {
        chip_boolean(s->b, w.select[k], "select %u is a bit", k);
        sum = e_add(sum, w.select[k]);
        w.offset = e_add(w.offset, e_scale(k, w.select[k]));
    }
    chip_equal(s->b, sum, s->real, "one offset");
    w.is2 = chip_bit(s->b, "is2");
    w.is4 = chip_bit(s->b, "is4");
    w.is8 = chip_bit(s->b, "is8");
    chip_equal(s->b, E_SUM(w.is2, w.is4, w.is8), s->real, "one width");
    w.flags = E_SUM(e_scale(FLAG_WIDTH_2, w.is2), e_scale(FLAG_WIDTH_4, w.is4),
                    e_scale(FLAG_WIDTH_8, w.is8));
    if (n_words == 1) { // inside the word: width 4 up to offset 4, width 2 up to 6
        chip_zero(s->b, w.is8, "eight bytes are two words");
        chip_zero(s->b, e_mul(w.is4, E_SUM(w.select[5], w.select[6], w.select[7])),
                  "four bytes stay inside");
        chip_zero(s->b, e_mul(w.is2, w.select[7]), "two bytes stay inside");
    }
    return w;
}

void put_window(cursor *c, unsigned offset, unsigned width, unsigned n_words)
{
    ZK_VERIFY(offset + width <= 8 * n_words);
    (void)n_words;
    for (unsigned k = 0; k < 8; k++)
        put(c, k == offset);
    put(c, width == 2);
    put(c, width == 4);
    put(c, width == 8);
}

void checked_bytes(const step *s, expr *bytes, const char *name, unsigned n)
{
    chip_columns(s->b, bytes, name, n);
    for (unsigned i = 0; i < n; i++)
        range_check(s, s->shape->byte_bits, bytes[i]);
}

expr half_of(const step *s, expr low, expr high)
{
    return e_add(low, e_scale(1ULL << s->shape->byte_bits, high));
}
