// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Protobuf wire format by hand, for the two standard services (health, reflection) and for walking
// descriptors: a field reader over hostile bytes and an appending writer. Messages of the cluster
// use generated code instead.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5
} wire_type;

typedef struct wire_reader {
    const uint8_t *p, *end;
    bool bad; // the bytes are not a message
} wire_reader;

typedef struct wire_field {
    uint32_t number;
    wire_type type;
    uint64_t value;       // VARINT and FIXED*
    const uint8_t *bytes; // BYTES: inside the reader's buffer
    size_t n;
} wire_field;

wire_reader wire_read(const uint8_t *bytes, size_t n);
// false at the end or when the bytes are malformed (bad is set). Groups count as malformed.
bool wire_next(wire_reader *r, wire_field *out);

typedef struct wire_buffer {
    uint8_t *bytes; // free() it
    size_t n, cap;
} wire_buffer;

void wire_put_number(wire_buffer *b, uint32_t field, uint64_t value);
void wire_put_bytes(wire_buffer *b, uint32_t field, const void *bytes, size_t n);
void wire_put_text(wire_buffer *b, uint32_t field, const char *text);

// RFC 3629: no overlong forms, no surrogates, at most U+10FFFF.
bool wire_is_utf8(const uint8_t *bytes, size_t n);
