// SPDX-License-Identifier: Apache-2.0 OR MIT
// Integers are copied as they lie in memory: base/assumptions.h demands a little-endian machine.
#include "base/bytes.h"

#include "base/assumptions.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void buffer_clear(byte_buffer *b)
{
    free(b->data);
    *b = buffer_new();
}

status buffer_reserve(byte_buffer *b, size_t more)
{
    if (more <= b->capacity - b->size)
        return ZK_OK;
    size_t needed;
    FAIL_IF(__builtin_add_overflow(b->size, more, &needed) || needed > SIZE_MAX / 2, ZK_ENOMEM,
            "no memory for a buffer of %zu and %zu bytes", b->size, more);
    size_t capacity = b->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : 2 * b->capacity;
    if (capacity < needed)
        capacity = needed;
    uint8_t *data = realloc(b->data, capacity);
    FAIL_IF(data == NULL, ZK_ENOMEM, "no memory for a buffer of %zu bytes", capacity);
    b->data = data;
    b->capacity = capacity;
    return ZK_OK;
}

status buffer_extend(uint8_t **out, byte_buffer *b, size_t n)
{
    *out = NULL;
    TRY(buffer_reserve(b, n));
    *out = b->data + b->size;
    b->size += n;
    return ZK_OK;
}

status buffer_put(byte_buffer *b, const void *data, size_t n)
{
    if (n == 0)
        return ZK_OK;
    uint8_t *place;
    TRY(buffer_extend(&place, b, n));
    memcpy(place, data, n);
    return ZK_OK;
}

status buffer_put_u8(byte_buffer *b, uint8_t v)
{
    return buffer_put(b, &v, sizeof v);
}

status buffer_put_u16(byte_buffer *b, uint16_t v)
{
    return buffer_put(b, &v, sizeof v);
}

status buffer_put_u32(byte_buffer *b, uint32_t v)
{
    return buffer_put(b, &v, sizeof v);
}

status buffer_put_u64(byte_buffer *b, uint64_t v)
{
    return buffer_put(b, &v, sizeof v);
}

status buffer_put_u64s(byte_buffer *b, const uint64_t *v, size_t n)
{
    FAIL_IF(n > SIZE_MAX / sizeof *v, ZK_ENOMEM, "no memory for %zu words", n);
    return buffer_put(b, v, n * sizeof *v);
}

status buffer_put_text(byte_buffer *b, const char *text)
{
    return buffer_put(b, text, strlen(text));
}

byte_reader reader_new(const void *data, size_t size)
{
    static const uint8_t nothing[1];
    const uint8_t *at = data == NULL ? nothing : data;
    ZK_ASSERT(data != NULL || size == 0);
    return (byte_reader){at, at + size};
}

status reader_view(const uint8_t **out, byte_reader *r, size_t n)
{
    *out = NULL;
    FAIL_IF(n > reader_left(r), ZK_EPARSE, "the data ends early: %zu bytes wanted, %zu are left", n,
            reader_left(r));
    *out = r->at;
    r->at += n;
    return ZK_OK;
}

status reader_copy(void *out, byte_reader *r, size_t n)
{
    const uint8_t *from;
    TRY(reader_view(&from, r, n));
    if (n != 0)
        memcpy(out, from, n);
    return ZK_OK;
}

status reader_skip(byte_reader *r, size_t n)
{
    const uint8_t *skipped;
    return reader_view(&skipped, r, n);
}

status reader_slice(byte_reader *out, byte_reader *r, size_t n)
{
    const uint8_t *from;
    *out = reader_new(NULL, 0);
    TRY(reader_view(&from, r, n));
    *out = reader_new(from, n);
    return ZK_OK;
}

status reader_u8(uint8_t *out, byte_reader *r)
{
    return reader_copy(out, r, sizeof *out);
}

status reader_u16(uint16_t *out, byte_reader *r)
{
    return reader_copy(out, r, sizeof *out);
}

status reader_u32(uint32_t *out, byte_reader *r)
{
    return reader_copy(out, r, sizeof *out);
}

status reader_u64(uint64_t *out, byte_reader *r)
{
    return reader_copy(out, r, sizeof *out);
}

status reader_u64s(uint64_t *out, byte_reader *r, size_t n)
{
    FAIL_IF(n > reader_left(r) / sizeof *out, ZK_EPARSE,
            "the data ends early: %zu words wanted, %zu bytes are left", n, reader_left(r));
    return reader_copy(out, r, n * sizeof *out);
}

status reader_count(size_t *out, byte_reader *r, size_t most, size_t min_item_bytes,
                    const char *what)
{
    ZK_VERIFY(min_item_bytes != 0);
    byte_reader at = *r;
    uint32_t n = 0;
    *out = 0;
    TRY(reader_u32(&n, &at));
    FAIL_IF(n > most, ZK_EPARSE, "%u %s are more than the %zu allowed", n, what, most);
    FAIL_IF(n > reader_left(&at) / min_item_bytes, ZK_EPARSE,
            "%u %s cannot fit into the %zu bytes that are left", n, what, reader_left(&at));
    *r = at;
    *out = n;
    return ZK_OK;
}

status reader_finish(const byte_reader *r)
{
    FAIL_IF(reader_left(r) != 0, ZK_EPARSE, "%zu bytes follow after the end of the data",
            reader_left(r));
    return ZK_OK;
}

byte_writer writer_new(void *memory, size_t size)
{
    static uint8_t nothing[1];
    uint8_t *at = memory == NULL ? nothing : memory;
    ZK_ASSERT(memory != NULL || size == 0);
    return (byte_writer){at, at + size};
}

status writer_put(byte_writer *w, const void *data, size_t n)
{
    FAIL_IF(n > writer_left(w), ZK_ELIMIT, "%zu bytes do not fit into the %zu that are left", n,
            writer_left(w));
    if (n != 0)
        memcpy(w->at, data, n);
    w->at += n;
    return ZK_OK;
}

status writer_put_u8(byte_writer *w, uint8_t v)
{
    return writer_put(w, &v, sizeof v);
}

status writer_put_u16(byte_writer *w, uint16_t v)
{
    return writer_put(w, &v, sizeof v);
}

status writer_put_u32(byte_writer *w, uint32_t v)
{
    return writer_put(w, &v, sizeof v);
}

status writer_put_u64(byte_writer *w, uint64_t v)
{
    return writer_put(w, &v, sizeof v);
}

status writer_put_u64s(byte_writer *w, const uint64_t *v, size_t n)
{
    FAIL_IF(n > writer_left(w) / sizeof *v, ZK_ELIMIT,
            "%zu words do not fit into the %zu bytes that are left", n, writer_left(w));
    return writer_put(w, v, n * sizeof *v);
}
