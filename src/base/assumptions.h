// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the code assumes of compiler and machine, checked at compile time in one place.
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(CHAR_BIT == 8, "bytes have 8 bits");
_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "64-bit address space");
_Static_assert(sizeof(unsigned __int128) == 16, "128-bit integers");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian memory");
_Static_assert((-1 >> 1) == -1, "arithmetic right shift of negative numbers");
