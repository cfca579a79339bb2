// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "h2_raw.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void h2_put(h2_bytes *b, const void *bytes, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = 2 * (b->n + n);
        b->p = realloc(b->p, b->cap);
        assert_non_null(b->p);
    }
    if (n > 0)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
}

void h2_frame(h2_bytes *b, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
              size_t n)
{
    uint8_t head[9] = {(uint8_t)(n >> 16),
                       (uint8_t)(n >> 8),
                       (uint8_t)n,
                       type,
                       flags,
                       (uint8_t)(stream >> 24),
                       (uint8_t)(stream >> 16),
                       (uint8_t)(stream >> 8),
                       (uint8_t)stream};
    h2_put(b, head, 9);
    h2_put(b, payload, n);
}

void h2_preface(h2_bytes *b)
{
    h2_put(b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    h2_frame(b, H2_SETTINGS, 0, 0, NULL, 0);
}

static void put_length(h2_bytes *b, size_t n)
{
    // RFC 7541 section 5.1, prefix of 7 bits
    uint8_t byte = n < 127 ? (uint8_t)n : 127;
    h2_put(b, &byte, 1);
    if (n < 127)
        return;
    n -= 127;
    do {
        byte = (uint8_t)(n & 127) | (n > 127 ? 128 : 0);
        h2_put(b, &byte, 1);
        n >>= 7;
    } while (n > 0);
}

void h2_header(h2_bytes *block, const char *name, const char *value)
{
    h2_put(block, "\0", 1);
    put_length(block, strlen(name));
    h2_put(block, name, strlen(name));
    put_length(block, strlen(value));
    h2_put(block, value, strlen(value));
}

void h2_request(h2_bytes *block, const char *path)
{
    h2_header(block, ":method", "POST");
    h2_header(block, ":scheme", "http");
    h2_header(block, ":path", path);
    h2_header(block, ":authority", "test");
    h2_header(block, "te", "trailers");
    h2_header(block, "content-type", "application/grpc");
}

void h2_open(h2_bytes *b, uint32_t stream, const char *path, bool end_stream)
{
    h2_bytes block = {0};
    h2_request(&block, path);
    h2_frame(b, H2_HEADERS, H2_END_HEADERS | (end_stream ? H2_END_STREAM : 0), stream, block.p,
             block.n);
    free(block.p);
}

void h2_message(h2_bytes *b, uint32_t stream, const void *bytes, size_t n, bool end_stream)
{
    h2_bytes payload = {0};
    uint8_t prefix[5] = {0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    h2_put(&payload, prefix, 5);
    h2_put(&payload, bytes, n);
    h2_frame(b, H2_DATA, end_stream ? H2_END_STREAM : 0, stream, payload.p, payload.n);
    free(payload.p);
}

int h2_connect(uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool h2_send(int fd, const h2_bytes *b)
{
    for (size_t at = 0; at < b->n;) {
        ssize_t n = send(fd, b->p + at, b->n - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static int read_all(int fd, uint8_t *out, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, out, n, 0);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return -2;
        if (got <= 0)
            return -1;
        out += got;
        n -= (size_t)got;
    }
    return 0;
}

static long read_frame(int fd, uint8_t head[9], uint8_t *payload, size_t size)
{
    int rc = read_all(fd, head, 9);
    if (rc != 0)
        return rc;
    size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    for (size_t at = 0; at < n;) {
        uint8_t scratch[4096];
        size_t part = n - at < sizeof scratch ? n - at : sizeof scratch;
        rc = read_all(fd, scratch, part);
        if (rc != 0)
            return rc;
        if (at < size)
            memcpy(payload + at, scratch, part < size - at ? part : size - at);
        at += part;
    }
    return (long)n;
}

long h2_await(int fd, uint8_t type, uint32_t stream, uint8_t *payload, size_t size)
{
    uint8_t head[9];
    for (;;) {
        long n = read_frame(fd, head, payload, size);
        if (n < 0)
            return n;
        uint32_t id =
            (uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8];
        if (head[3] == type && (stream == 0 || id == stream))
            return n;
    }
}

bool h2_ends(int fd, long *goaway)
{
    uint8_t payload[64];
    if (goaway != NULL)
        *goaway = -1;
    for (;;) {
        long n = h2_await(fd, H2_GOAWAY, 0, payload, sizeof payload);
        if (n < 0)
            return n == -1;
        if (goaway != NULL && n >= 8)
            *goaway = (long)payload[4] << 24 | (long)payload[5] << 16 | (long)payload[6] << 8 |
                      payload[7];
    }
}
