// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// GET /metrics and GET /health over HTTP/1.1, for Prometheus and for whoever watches a process.
//
// libmicrohttpd serves on a thread of its own; what it shows is made on the loop's thread, which
// owns the state, and is waited for METRICS_WAIT_MS. So /health also says whether the loop still
// turns: 503 when it did not answer in time. No other path (404), no other method than GET and HEAD
// (405), no authentication: bind it to a loopback address or to a network of one's own.
#include "base/bytes.h"
#include "rpc/rpc.h"

typedef struct metrics_http metrics_http;

enum { METRICS_WAIT_MS = 3000, METRICS_MAX_CONNECTIONS = 32, METRICS_IDLE_S = 10 };

typedef struct metrics_http_options {
    rpc_loop *loop;
    const char *host; // numeric; NULL: 127.0.0.1
    uint16_t port;    // 0: any free one, see metrics_http_port
    // On the loop's thread. render: the text of /metrics. healthy: whether this process can do its
    // work, with a line about it; may be NULL, then it can.
    status (*render)(void *arg, byte_buffer *out);
    bool (*healthy)(void *arg, byte_buffer *out);
    void *arg;
} metrics_http_options;

// ZK_EINVAL: the host is not numeric; ZK_EIO: the address is in use or not ours. The message names
// it.
MUST_CHECK status metrics_http_open(metrics_http **out, const metrics_http_options *options);
uint16_t metrics_http_port(const metrics_http *m);
// On the loop's thread, before rpc_loop_close. Nothing is rendered after it. NULL is allowed.
void metrics_http_close(metrics_http *m);
