// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "cluster/message_json.h"

#include "base/text.h"
#include "cluster/timestamp.pb-c.h"

#include <math.h>
#include <time.h>

static status put_message(byte_buffer *b, const ProtobufCMessage *m);

static status put_timestamp(byte_buffer *b, const Google__Protobuf__Timestamp *t)
{
    time_t seconds = (time_t)t->seconds;
    struct tm utc;
    char text[40];
    if (gmtime_r(&seconds, &utc) == NULL)
        return buffer_put_text(b, "null");
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    return buffer_printf(b, "\"%s.%03dZ\"", text, (int)(t->nanos / 1000000) % 1000);
}

static status put_real(byte_buffer *b, double v)
{
    return isfinite(v) ? buffer_printf(b, "%.9g", v) : buffer_put_text(b, "null");
}

static status put_enum(byte_buffer *b, const ProtobufCFieldDescriptor *f, int32_t v)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(f->descriptor, v);
    return known != NULL ? buffer_put_json(b, known->name) : buffer_printf(b, "%d", (int)v);
}

static status put_bytes(byte_buffer *b, const ProtobufCBinaryData *bytes)
{
    TRY(buffer_put_u8(b, '"'));
    TRY(buffer_put_hex(b, bytes->data, bytes->len));
    return buffer_put_u8(b, '"');
}

static status put_value(byte_buffer *b, const ProtobufCFieldDescriptor *f, const void *at)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return buffer_printf(b, "%d", *(const int32_t *)at);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return buffer_printf(b, "%lld", (long long)*(const int64_t *)at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return buffer_printf(b, "%u", *(const uint32_t *)at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return buffer_printf(b, "%llu", (unsigned long long)*(const uint64_t *)at);
    case PROTOBUF_C_TYPE_FLOAT:
        return put_real(b, *(const float *)at);
    case PROTOBUF_C_TYPE_DOUBLE:
        return put_real(b, *(const double *)at);
    case PROTOBUF_C_TYPE_BOOL:
        return buffer_put_text(b, *(const protobuf_c_boolean *)at ? "true" : "false");
    case PROTOBUF_C_TYPE_ENUM:
        return put_enum(b, f, *(const int32_t *)at);
    case PROTOBUF_C_TYPE_STRING:
        return buffer_put_json(b, *(char *const *)at);
    case PROTOBUF_C_TYPE_BYTES:
        return put_bytes(b, at);
    case PROTOBUF_C_TYPE_MESSAGE:
        return put_message(b, *(ProtobufCMessage *const *)at);
    }
    return buffer_put_text(b, "null");
}

static size_t value_size(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return 4;
    }
}

static status put_list(byte_buffer *b, const ProtobufCFieldDescriptor *f, const uint8_t *message)
{
    size_t n = *(const size_t *)(message + f->quantifier_offset);
    const uint8_t *items = *(uint8_t *const *)(message + f->offset);
    TRY(buffer_put_u8(b, '['));
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            TRY(buffer_put_u8(b, ','));
        TRY(put_value(b, f, items + i * value_size(f)));
    }
    return buffer_put_u8(b, ']');
}

static bool is_set(const ProtobufCFieldDescriptor *f, const uint8_t *message)
{
    if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    return *(const uint32_t *)(message + f->quantifier_offset) == f->id;
}

static status put_message(byte_buffer *b, const ProtobufCMessage *m)
{
    if (m == NULL)
        return buffer_put_text(b, "null");
    if (m->descriptor == &google__protobuf__timestamp__descriptor)
        return put_timestamp(b, (const Google__Protobuf__Timestamp *)m);
    TRY(buffer_put_u8(b, '{'));
    bool first = true;
    for (unsigned k = 0; k < m->descriptor->n_fields; k++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[k];
        const uint8_t *message = (const uint8_t *)m;
        if (!is_set(f, message))
            continue;
        TRY(buffer_printf(b, "%s\"%s\":", first ? "" : ",", f->name));
        first = false;
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            TRY(put_list(b, f, message));
        else
            TRY(put_value(b, f, message + f->offset));
    }
    return buffer_put_u8(b, '}');
}

status message_put_json(byte_buffer *out, const ProtobufCMessage *m)
{
    return put_message(out, m);
}
