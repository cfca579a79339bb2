// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Texts of strangers made fit for a line, a terminal and JSON: control characters (also those that
// move the cursor or reverse the writing direction) are escaped, bytes that are no UTF-8 become
// U+FFFD.
#include "base/bytes.h"

enum { TEXT_PIECE_MAX = 12 };

// Length of the well-formed UTF-8 sequence at s (RFC 3629: shortest form, no surrogates, at most
// U+10FFFF), or 0. left >= 1. *code is the character.
size_t text_utf8(uint32_t *code, const uint8_t *s, size_t left);

// One character of a text: *piece (n bytes, in s or in `room`) is what to show for it. Returns how
// many bytes of s it took, at least 1. `quotes`: fit for the inside of a JSON string.
size_t text_piece(const char **piece, size_t *n, char room[TEXT_PIECE_MAX], const uint8_t *s,
                  size_t left, bool quotes);

// Appends the text as a JSON string with its quotes; NULL is null. ZK_ENOMEM.
MUST_CHECK status buffer_put_json(byte_buffer *b, const char *text);
// Appends the text for a terminal. ZK_ENOMEM.
MUST_CHECK status buffer_put_shown(byte_buffer *b, const char *text);
MUST_CHECK status buffer_printf(byte_buffer *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Lower-case hexadecimal digits.
MUST_CHECK status buffer_put_hex(byte_buffer *b, const uint8_t *bytes, size_t n);
