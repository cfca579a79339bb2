// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "rpc/rpc_wire.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

wire_reader wire_read(const uint8_t *bytes, size_t n)
{
    // An empty range must not be NULL + 0.
    static const uint8_t none[1];
    if (n == 0)
        bytes = none;
    return (wire_reader){.p = bytes, .end = bytes + n};
}

static bool read_varint(wire_reader *r, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && r->p < r->end; shift += 7) {
        uint8_t byte = *r->p++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out = value;
            return true;
        }
    }
    r->bad = true;
    return false;
}

static bool read_fixed(wire_reader *r, size_t n, uint64_t *out)
{
    if ((size_t)(r->end - r->p) < n) {
        r->bad = true;
        return false;
    }
    *out = 0;
    memcpy(out, r->p, n); // little-endian, as the machine
    r->p += n;
    return true;
}

bool wire_next(wire_reader *r, wire_field *out)
{
    uint64_t tag;
    if (r->bad || r->p == r->end || !read_varint(r, &tag))
        return false;
    memset(out, 0, sizeof *out);
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff) {
        r->bad = true;
        return false;
    }
    out->number = (uint32_t)(tag >> 3);
    out->type = (wire_type)(tag & 7);
    switch (out->type) {
    case WIRE_VARINT:
        return read_varint(r, &out->value);
    case WIRE_FIXED64:
        return read_fixed(r, 8, &out->value);
    case WIRE_FIXED32:
        return read_fixed(r, 4, &out->value);
    case WIRE_BYTES: {
        uint64_t n;
        if (!read_varint(r, &n))
            return false;
        if (n > (uint64_t)(r->end - r->p)) {
            r->bad = true;
            return false;
        }
        out->bytes = r->p;
        out->n = (size_t)n;
        r->p += n;
        return true;
    }
    default:
        r->bad = true;
        return false;
    }
}

static void put_raw(wire_buffer *b, const void *bytes, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = 2 * (b->n + n) + 64;
        b->bytes = realloc(b->bytes, b->cap);
        ZK_ASSERT(b->bytes != NULL);
    }
    if (n > 0)
        memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
}

static void put_varint(wire_buffer *b, uint64_t value)
{
    uint8_t text[10];
    size_t n = 0;
    do {
        text[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        if (value != 0)
            text[n] |= 0x80;
        n++;
    } while (value != 0);
    put_raw(b, text, n);
}

void wire_put_number(wire_buffer *b, uint32_t field, uint64_t value)
{
    put_varint(b, (uint64_t)field << 3 | WIRE_VARINT);
    put_varint(b, value);
}

void wire_put_bytes(wire_buffer *b, uint32_t field, const void *bytes, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | WIRE_BYTES);
    put_varint(b, n);
    put_raw(b, bytes, n);
}

void wire_put_text(wire_buffer *b, uint32_t field, const char *text)
{
    wire_put_bytes(b, field, text, strlen(text));
}

bool wire_is_utf8(const uint8_t *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint8_t c = s[i];
        if (c < 0x80) {
            i++;
            continue;
        }
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || n - i <= more)
            return false;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xc0) != 0x80)
                return false;
        uint8_t d = s[i + 1];
        if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) ||
            (c == 0xf4 && d > 0x8f))
            return false;
        i += more + 1;
    }
    return true;
}
