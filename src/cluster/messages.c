// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "cluster/messages.h"

#include "rpc/rpc_wire.h"

#include <stdlib.h>
#include <string.h>

// What protobuf-c allocates while it scans one field, rounded up; slabs grow by doubling.
enum { SCAN_BYTES_A_FIELD = 96 };

typedef struct walk {
    size_t memory, max_memory;
    size_t unknown;
} walk;

static bool is_packable(ProtobufCType type)
{
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BYTES &&
           type != PROTOBUF_C_TYPE_MESSAGE;
}

static wire_type wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_FIXED32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

static status spend(walk *w, size_t bytes, const char *where)
{
    FAIL_IF(bytes > w->max_memory - w->memory, ZK_ELIMIT,
            "%s: unpacking would take more than %zu bytes", where, w->max_memory);
    w->memory += bytes;
    return ZK_OK;
}

// Numbers in a packed field; each takes 8 bytes at most.
static status check_packed(walk *w, const ProtobufCFieldDescriptor *field, const wire_field *f)
{
    size_t count = 0;
    switch (wire_type_of(field->type)) {
    case WIRE_FIXED32:
        FAIL_IF(f->n % 4 != 0, ZK_EPARSE, "%s: a packed field of %zu bytes", field->name, f->n);
        count = f->n / 4;
        break;
    case WIRE_FIXED64:
        FAIL_IF(f->n % 8 != 0, ZK_EPARSE, "%s: a packed field of %zu bytes", field->name, f->n);
        count = f->n / 8;
        break;
    default:
        for (size_t i = 0, length = 0; i < f->n; i++) {
            FAIL_IF(++length > 10, ZK_EPARSE, "%s: a number of more than 10 bytes", field->name);
            if ((f->bytes[i] & 0x80) == 0) {
                count++;
                length = 0;
            }
        }
        FAIL_IF(f->n > 0 && (f->bytes[f->n - 1] & 0x80) != 0, ZK_EPARSE, "%s: a torn number",
                field->name);
        break;
    }
    TRY(spend(w, 8 * count, field->name));
    return ZK_OK;
}

static status check_message(walk *w, const ProtobufCMessageDescriptor *type, const uint8_t *bytes,
                            size_t n)
{
    TRY(spend(w, type->sizeof_message, type->short_name));
    wire_reader r = wire_read(bytes, n);
    wire_field f;
    while (wire_next(&r, &f)) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, f.number);
        TRY(spend(w, SCAN_BYTES_A_FIELD, type->short_name));
        if (field == NULL) {
            FAIL_IF(++w->unknown > MESSAGE_UNKNOWN_MAX, ZK_ELIMIT,
                    "%s: more than %d unknown fields", type->short_name, MESSAGE_UNKNOWN_MAX);
            TRY(spend(w, f.n + 16, type->short_name));
            continue;
        }
        bool packed = field->label == PROTOBUF_C_LABEL_REPEATED && is_packable(field->type) &&
                      f.type == WIRE_BYTES;
        if (packed) {
            TRY(check_packed(w, field, &f));
            continue;
        }
        FAIL_IF(f.type != wire_type_of(field->type), ZK_EPARSE, "%s.%s: wire type %d",
                type->short_name, field->name, (int)f.type);
        if (field->type == PROTOBUF_C_TYPE_STRING)
            FAIL_IF(!wire_is_utf8(f.bytes, f.n) || (f.n > 0 && memchr(f.bytes, 0, f.n) != NULL),
                    ZK_EPARSE, "%s.%s: not UTF-8 text", type->short_name, field->name);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            TRY(check_message(w, field->descriptor, f.bytes, f.n));
        else
            TRY(spend(w, f.n + 16, field->name));
    }
    FAIL_IF(r.bad, ZK_EPARSE, "%s: malformed", type->short_name);
    return ZK_OK;
}

status message_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t n,
                     size_t max_bytes)
{
    FAIL_IF(n > max_bytes || n > MESSAGE_BYTES_MAX, ZK_ELIMIT, "%s: %zu bytes, the limit is %zu",
            type->short_name, n, max_bytes);
    // Small messages may take a little more than a multiple of their size.
    walk w = {.max_memory = MESSAGE_MEMORY_FACTOR * max_bytes + 4096};
    TRY(check_message(&w, type, bytes, n));
    return ZK_OK;
}

status message_unpack(ProtobufCMessage **out, const ProtobufCMessageDescriptor *type,
                      const uint8_t *bytes, size_t n, size_t max_bytes)
{
    *out = NULL;
    TRY(message_check(type, bytes, n, max_bytes));
    *out = protobuf_c_message_unpack(type, NULL, n, bytes);
    FAIL_IF(*out == NULL, ZK_EPARSE, "%s: cannot be unpacked", type->short_name);
    return ZK_OK;
}

void message_free(ProtobufCMessage *m)
{
    if (m != NULL)
        protobuf_c_message_free_unpacked(m, NULL);
}

status message_pack(uint8_t **out, size_t *out_n, const ProtobufCMessage *m)
{
    *out = NULL;
    size_t n = protobuf_c_message_get_packed_size(m);
    FAIL_IF(n > MESSAGE_BYTES_MAX, ZK_ELIMIT, "%s: %zu bytes packed, the limit is %d",
            m->descriptor->short_name, n, MESSAGE_BYTES_MAX);
    *out = malloc(n > 0 ? n : 1);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory for %zu bytes", n);
    *out_n = protobuf_c_message_pack(m, *out);
    return ZK_OK;
}
