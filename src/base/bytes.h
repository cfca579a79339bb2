// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Bytes in and out, little-endian whatever the alignment: a growable buffer, a writer into memory
// of the caller, and a reader over hostile data.
//
// The reader never passes its end: a read that asks for more than is left fails with ZK_EPARSE and
// takes nothing, and a length found in the data must go through reader_count before it sizes
// anything. Reader and writer allocate nothing. A format that was read to its last field calls
// reader_finish, so that trailing bytes are refused.
#include "base/status.h"

#include <stdint.h>

typedef struct byte_buffer {
    uint8_t *data; // heap; NULL while capacity is 0
    size_t size;
    size_t capacity;
} byte_buffer;

static inline byte_buffer buffer_new(void)
{
    return (byte_buffer){0};
}

void buffer_clear(byte_buffer *b); // frees the memory; the buffer is then empty and usable

// Room for `more` bytes beyond size. ZK_ENOMEM leaves the buffer as it was, here and below.
MUST_CHECK status buffer_reserve(byte_buffer *b, size_t more);
// *out is the start of n new bytes at the end, not initialised; valid until the buffer grows.
MUST_CHECK status buffer_extend(uint8_t **out, byte_buffer *b, size_t n);
// `data` may be NULL when n = 0, and must not lie in b.
MUST_CHECK status buffer_put(byte_buffer *b, const void *data, size_t n);
MUST_CHECK status buffer_put_u8(byte_buffer *b, uint8_t v);
MUST_CHECK status buffer_put_u16(byte_buffer *b, uint16_t v);
MUST_CHECK status buffer_put_u32(byte_buffer *b, uint32_t v);
MUST_CHECK status buffer_put_u64(byte_buffer *b, uint64_t v);
MUST_CHECK status buffer_put_u64s(byte_buffer *b, const uint64_t *v, size_t n);
MUST_CHECK status buffer_put_text(byte_buffer *b, const char *text); // without its final 0

typedef struct byte_reader {
    const uint8_t *at;
    const uint8_t *end;
} byte_reader;

// `data` may be NULL when size = 0; it must outlive the reader.
byte_reader reader_new(const void *data, size_t size);

static inline size_t reader_left(const byte_reader *r)
{
    return (size_t)(r->end - r->at);
}

MUST_CHECK status reader_u8(uint8_t *out, byte_reader *r);
MUST_CHECK status reader_u16(uint16_t *out, byte_reader *r);
MUST_CHECK status reader_u32(uint32_t *out, byte_reader *r);
MUST_CHECK status reader_u64(uint64_t *out, byte_reader *r);
MUST_CHECK status reader_u64s(uint64_t *out, byte_reader *r, size_t n);
MUST_CHECK status reader_copy(void *out, byte_reader *r, size_t n);
MUST_CHECK status reader_skip(byte_reader *r, size_t n);
// *out points at the n bytes inside the reader's data.
MUST_CHECK status reader_view(const uint8_t **out, byte_reader *r, size_t n);
// *out reads the next n bytes and nothing beyond them; r continues after them.
MUST_CHECK status reader_slice(byte_reader *out, byte_reader *r, size_t n);
// A 32-bit count of items that follow, refused above `most` or when fewer than
// count * min_item_bytes bytes are left: so no count can ask for more memory than the data itself
// took. `what` names the items in the message.
MUST_CHECK status reader_count(size_t *out, byte_reader *r, size_t most, size_t min_item_bytes,
                               const char *what);
// ZK_EPARSE when bytes are left.
MUST_CHECK status reader_finish(const byte_reader *r);

typedef struct byte_writer {
    uint8_t *at;
    uint8_t *end;
} byte_writer;

byte_writer writer_new(void *memory, size_t size);

static inline size_t writer_left(const byte_writer *w)
{
    return (size_t)(w->end - w->at);
}

// ZK_ELIMIT when the memory is full; nothing is written then.
MUST_CHECK status writer_put(byte_writer *w, const void *data, size_t n);
MUST_CHECK status writer_put_u8(byte_writer *w, uint8_t v);
MUST_CHECK status writer_put_u16(byte_writer *w, uint16_t v);
MUST_CHECK status writer_put_u32(byte_writer *w, uint32_t v);
MUST_CHECK status writer_put_u64(byte_writer *w, uint64_t v);
MUST_CHECK status writer_put_u64s(byte_writer *w, const uint64_t *v, size_t n);
