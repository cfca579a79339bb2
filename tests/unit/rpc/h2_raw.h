// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// HTTP/2 by hand over a blocking socket, for tests that must break its rules.
#include "unit/test.h"

#include <stdbool.h>

enum {
    H2_DATA = 0,
    H2_HEADERS = 1,
    H2_PRIORITY = 2,
    H2_RST_STREAM = 3,
    H2_SETTINGS = 4,
    H2_PING = 6,
    H2_GOAWAY = 7,
    H2_WINDOW_UPDATE = 8,
    H2_CONTINUATION = 9,
    H2_END_STREAM = 1,
    H2_ACK = 1,
    H2_END_HEADERS = 4
};

typedef struct h2_bytes {
    uint8_t *p;
    size_t n, cap;
} h2_bytes;

void h2_put(h2_bytes *b, const void *bytes, size_t n);
void h2_frame(h2_bytes *b, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
              size_t n);
void h2_preface(h2_bytes *b); // magic and an empty SETTINGS
// One header as a literal that is not indexed (RFC 7541 section 6.2.2).
void h2_header(h2_bytes *block, const char *name, const char *value);
// The header block of a gRPC request.
void h2_request(h2_bytes *block, const char *path);
// HEADERS of a gRPC request, in one frame.
void h2_open(h2_bytes *b, uint32_t stream, const char *path, bool end_stream);
// DATA with one gRPC message.
void h2_message(h2_bytes *b, uint32_t stream, const void *bytes, size_t n, bool end_stream);

int h2_connect(uint16_t port); // with a receive timeout of some seconds
// Sends all; false when the peer has closed.
bool h2_send(int fd, const h2_bytes *b);
// Reads frames until one of `type` (any stream if 0), or the end. Fills up to size payload bytes.
// Returns its payload length, -1 at the end of the connection, -2 when nothing came in time.
long h2_await(int fd, uint8_t type, uint32_t stream, uint8_t *payload, size_t size);
// Reads to the end of the connection: 1 ended, 0 still open after the timeout. *goaway gets the
// error code of the last GOAWAY, -1 if there was none.
bool h2_ends(int fd, long *goaway);
