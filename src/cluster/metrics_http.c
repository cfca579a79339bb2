// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "cluster/metrics_http.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct metrics_http {
    metrics_http_options options;
    struct MHD_Daemon *daemon;
    uint16_t port;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool closing;
};

// A question to the loop. The server's thread and the post hold it; whoever comes last frees it.
typedef struct question {
    metrics_http *m; // NULL once the server's thread does not wait any more
    pthread_mutex_t lock;
    int users;
    bool health;
    bool done, ok;
    byte_buffer text;
} question;

static void drop(question *q)
{
    pthread_mutex_lock(&q->lock);
    bool last = --q->users == 0;
    pthread_mutex_unlock(&q->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&q->lock);
    buffer_clear(&q->text);
    free(q);
}

// On the loop's thread, where the server is closed as well: it does not go away meanwhile.
static void answer(void *arg)
{
    question *q = arg;
    pthread_mutex_lock(&q->lock);
    metrics_http *m = q->m;
    pthread_mutex_unlock(&q->lock);
    if (m != NULL) {
        const metrics_http_options *o = &m->options;
        if (!q->health)
            q->ok = o->render(o->arg, &q->text) == ZK_OK;
        else
            q->ok = o->healthy == NULL || o->healthy(o->arg, &q->text);
        pthread_mutex_lock(&m->lock);
        q->done = true;
        pthread_cond_broadcast(&m->news);
        pthread_mutex_unlock(&m->lock);
    }
    drop(q);
}

// Waits for the answer; false when it did not come in time. *q stays valid until drop.
static bool ask(question **out, metrics_http *m, bool health)
{
    question *q = calloc(1, sizeof *q);
    *out = q;
    if (q == NULL)
        return false;
    pthread_mutex_init(&q->lock, NULL);
    q->users = 2;
    q->m = m;
    q->health = health;
    rpc_loop_post(m->options.loop, answer, q);
    uint64_t until = clock_monotonic_ns() + METRICS_WAIT_MS * NS_PER_MS;
    struct timespec t = {(time_t)(until / NS_PER_SECOND), (long)(until % NS_PER_SECOND)};
    pthread_mutex_lock(&m->lock);
    while (!q->done && !m->closing)
        if (pthread_cond_timedwait(&m->news, &m->lock, &t) != 0)
            break;
    bool done = q->done;
    pthread_mutex_unlock(&m->lock);
    pthread_mutex_lock(&q->lock);
    q->m = NULL;
    pthread_mutex_unlock(&q->lock);
    return done;
}

static enum MHD_Result reply(struct MHD_Connection *c, unsigned code, const void *text, size_t n,
                             const char *type)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(n, (void *)text, MHD_RESPMEM_MUST_COPY);
    if (r == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        result = MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (result == MHD_YES)
        result = MHD_queue_response(c, code, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *c, unsigned code, const char *text)
{
    return reply(c, code, text, strlen(text), "text/plain; charset=utf-8");
}

static enum MHD_Result show(metrics_http *m, struct MHD_Connection *c, bool health)
{
    question *q;
    bool done = ask(&q, m, health);
    enum MHD_Result result;
    if (!done)
        result = reply_text(c, MHD_HTTP_SERVICE_UNAVAILABLE,
                            q == NULL ? "no memory\n" : "the event loop does not answer\n");
    else if (!health)
        result = q->ok ? reply(c, MHD_HTTP_OK, q->text.data, q->text.size,
                               "text/plain; version=0.0.4; charset=utf-8")
                       : reply_text(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "no memory\n");
    else if (q->text.size > 0)
        result = reply(c, q->ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, q->text.data,
                       q->text.size, "text/plain; charset=utf-8");
    else
        result = reply_text(c, q->ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
                            q->ok ? "ok\n" : "not able to work\n");
    if (q != NULL)
        drop(q);
    return result;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_bytes, void **state)
{
    (void)version;
    (void)body;
    (void)state;
    if (*body_bytes > 0) { // of a POST: swallowed, within the limits of the connection
        *body_bytes = 0;
        return MHD_YES;
    }
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return reply_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
    bool health = strcmp(url, "/health") == 0;
    if (!health && strcmp(url, "/metrics") != 0)
        return reply_text(c, MHD_HTTP_NOT_FOUND, "there are /metrics and /health\n");
    return show(arg, c, health);
}

static status parse_address(struct sockaddr_storage *out, const char *host, uint16_t port)
{
    memset(out, 0, sizeof *out);
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return ZK_OK;
    }
    FAIL_IF(inet_pton(AF_INET6, host, &v6->sin6_addr) != 1, ZK_EINVAL,
            "\"%s\" is no numeric address to serve metrics on, such as 127.0.0.1", host);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return ZK_OK;
}

static status start(metrics_http *m)
{
    const char *host = m->options.host != NULL ? m->options.host : "127.0.0.1";
    struct sockaddr_storage address;
    TRY(parse_address(&address, host, m->options.port));
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
    if (address.ss_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    m->daemon = MHD_start_daemon(
        flags, m->options.port, NULL, NULL, handle, m, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_CONNECTION_LIMIT, (unsigned)METRICS_MAX_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)METRICS_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(32 << 10), MHD_OPTION_END);
    FAIL_IF(m->daemon == NULL, ZK_EIO,
            "metrics cannot be served on %s port %u: is the port in use, the address ours? (%m)",
            host, m->options.port);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(m->daemon, MHD_DAEMON_INFO_BIND_PORT);
    m->port = info != NULL ? info->port : 0;
    return ZK_OK;
}

static void free_server(metrics_http *m)
{
    pthread_mutex_destroy(&m->lock);
    pthread_cond_destroy(&m->news);
    free(m);
}

status metrics_http_open(metrics_http **out, const metrics_http_options *options)
{
    *out = NULL;
    metrics_http *m = calloc(1, sizeof *m);
    FAIL_IF(m == NULL, ZK_ENOMEM, "no memory for the metrics server");
    m->options = *options;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    status result = start(m);
    if (result != ZK_OK)
        free_server(m);
    else
        *out = m;
    return result;
}

uint16_t metrics_http_port(const metrics_http *m)
{
    return m->port;
}

void metrics_http_close(metrics_http *m)
{
    if (m == NULL)
        return;
    pthread_mutex_lock(&m->lock);
    m->closing = true;
    pthread_cond_broadcast(&m->news);
    pthread_mutex_unlock(&m->lock);
    MHD_stop_daemon(m->daemon);
    free_server(m);
}
