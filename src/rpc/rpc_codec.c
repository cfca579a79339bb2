// SPDX-License-Identifier: Apache-2.0 OR MIT
// Small codecs of the gRPC wire, limits and the token bucket. No state of calls or connections.
#include "rpc/rpc_internal.h"

#include <stdio.h>

void *rpc_alloc(size_t n)
{
    void *p = calloc(1, n);
    ZK_ASSERT(p != NULL);
    return p;
}

char *rpc_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(rpc_alloc(n), s, n);
}

const char *rpc_code_name(rpc_code code)
{
    static const char *const names[RPC_CODE_COUNT] = {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    };
    return (unsigned)code < RPC_CODE_COUNT ? names[code] : "UNKNOWN";
}

void rpc_percent_encode(char *out, const char *text, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        // A field value neither begins nor ends with a space (RFC 9113, 8.2.1).
        bool bare_space = c == ' ' && (i == 0 || i == n - 1);
        if (c >= 0x20 && c <= 0x7e && c != '%' && !bare_space) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

void rpc_percent_decode(char *out, size_t size, const char *text, size_t n)
{
    size_t o = 0;
    for (size_t i = 0; i < n && o + 1 < size; i++) {
        char c = text[i];
        if (c == '%' && i + 2 < n && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            c = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        out[o++] = c;
    }
    out[o] = '\0';
}

bool rpc_timeout_parse(uint64_t *out_ms, const char *text)
{
    uint64_t value = 0;
    size_t i = 0;
    while (i < 9 && text[i] >= '0' && text[i] <= '9')
        value = value * 10 + (uint64_t)(text[i++] - '0');
    if (i == 0 || i > 8 || text[i] == '\0' || text[i + 1] != '\0')
        return false;
    switch (text[i]) { // at most 10^8 hours: no overflow in milliseconds
    case 'H':
        *out_ms = value * 3600000;
        return true;
    case 'M':
        *out_ms = value * 60000;
        return true;
    case 'S':
        *out_ms = value * 1000;
        return true;
    case 'm':
        *out_ms = value;
        return true;
    case 'u':
        *out_ms = (value + 999) / 1000;
        return true;
    case 'n':
        *out_ms = (value + 999999) / 1000000;
        return true;
    default:
        return false;
    }
}

void rpc_timeout_format(char out[16], uint64_t ms)
{
    const uint64_t max = 99999999; // eight digits
    if (ms <= max)
        snprintf(out, 16, "%um", (unsigned)ms);
    else if (ms / 1000 <= max)
        snprintf(out, 16, "%uS", (unsigned)(ms / 1000));
    else
        snprintf(out, 16, "%uH", (unsigned)(ms / 3600000 <= max ? ms / 3600000 : max));
}

// Table "HTTP to gRPC status code mapping" of the gRPC documents.
rpc_code rpc_code_of_http(int http_status)
{
    switch (http_status) {
    case 400:
        return RPC_INTERNAL;
    case 401:
        return RPC_UNAUTHENTICATED;
    case 403:
        return RPC_PERMISSION_DENIED;
    case 404:
        return RPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return RPC_UNAVAILABLE;
    default:
        return RPC_UNKNOWN;
    }
}

// Table "Errors" of PROTOCOL-HTTP2.md.
rpc_code rpc_code_of_reset(uint32_t http2_error)
{
    switch (http2_error) {
    case NGHTTP2_REFUSED_STREAM:
        return RPC_UNAVAILABLE;
    case NGHTTP2_CANCEL:
        return RPC_CANCELLED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return RPC_RESOURCE_EXHAUSTED;
    case NGHTTP2_INADEQUATE_SECURITY:
        return RPC_PERMISSION_DENIED;
    default:
        return RPC_INTERNAL;
    }
}

void rpc_bucket_init(rpc_bucket *b, uint32_t burst, uint32_t per_s, uint64_t now_ms)
{
    uint64_t cap = (uint64_t)burst * 1000;
    *b = (rpc_bucket){.milli = cap, .cap_milli = cap, .last_ms = now_ms, .per_s = per_s};
}

bool rpc_bucket_take(rpc_bucket *b, uint64_t now_ms)
{
    uint64_t elapsed = now_ms - b->last_ms;
    b->last_ms = now_ms;
    if (elapsed > 3600000)
        elapsed = 3600000;
    b->milli += elapsed * b->per_s;
    if (b->milli > b->cap_milli)
        b->milli = b->cap_milli;
    if (b->milli < 1000)
        return false;
    b->milli -= 1000;
    return true;
}

void rpc_bucket_add(rpc_bucket *b, uint32_t tokens)
{
    b->milli += (uint64_t)tokens * 1000;
    if (b->milli > b->cap_milli)
        b->milli = b->cap_milli;
}

rpc_limits rpc_limits_filled(const rpc_limits *in)
{
    rpc_limits l = *in;
#define DEFAULT(field, value)                                                                      \
    if (l.field == 0)                                                                              \
    l.field = (value)
    DEFAULT(max_message_bytes, (size_t)128 << 20);
    DEFAULT(send_queue_bytes, (size_t)4 << 20);
    DEFAULT(max_metadata_bytes, (size_t)16 << 10);
    DEFAULT(max_streams, 256);
    DEFAULT(stream_window_bytes, (size_t)1 << 20);
    DEFAULT(max_connections, 4096);
    DEFAULT(max_calls, 16384);
    DEFAULT(handshake_ms, 10000);
    DEFAULT(keepalive_ms, 20000);
    DEFAULT(keepalive_wait_ms, 10000);
    DEFAULT(resets_burst, 200);
    DEFAULT(resets_per_s, 50);
    DEFAULT(control_burst, 400);
    DEFAULT(control_per_s, 50);
#undef DEFAULT
    if (l.stream_window_bytes > INT32_MAX)
        l.stream_window_bytes = INT32_MAX;
    if (l.max_streams > INT32_MAX)
        l.max_streams = INT32_MAX;
    if (l.max_metadata_bytes > INT32_MAX)
        l.max_metadata_bytes = INT32_MAX;
    return l;
}
