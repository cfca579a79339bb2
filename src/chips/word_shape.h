// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The sizes that the chips are written for.
//
//   word = limb 0 + 2^limb limb 1     what the bus carries; addresses, targets and pcs are one limb
//   limb = part 0 + 2^part part 1     what the range table checks and products are made of
//   part = bytes                      what loads, stores and the BYTE table look at
//
// The machine has one shape, word_shape_64. A declaration takes all sizes from its shape, so that
// the same text declares a chip for words of 4 or 8 bits, whose rows are enumerated by tests
// (tests/unit/chips/small_machine.h). Writers of rows are for word_shape_64 alone.
//
// The structure is fixed: two limbs a word, two parts a limb. Chips of loads and stores want two
// bytes a part as well; where bytes are only looked up (bitwise, csr), a part may be one byte.
#include <stdint.h>

typedef struct word_shape {
    unsigned byte_bits;
    unsigned part_bits;
    unsigned carry_bits; // of the carry out of a limb of a product: holds 4 products of two parts
    unsigned time_bits;  // of each of the two digits of a distance in time
    uint64_t ram_base;   // RAM: 2^ram_bits words from here on
    unsigned ram_bits;
    uint64_t halt_call; // the value of a7 that ends a run
} word_shape;

extern const word_shape word_shape_64;

static inline unsigned limb_bits(const word_shape *w)
{
    return 2 * w->part_bits;
}

static inline unsigned word_bytes(const word_shape *w)
{
    return 4 * w->part_bits / w->byte_bits;
}

// A byte address is an offset of so many bits in a word, and the number of the word above.
static inline unsigned offset_bits(const word_shape *w)
{
    return (unsigned)__builtin_ctz(word_bytes(w));
}
