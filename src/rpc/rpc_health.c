// SPDX-License-Identifier: Apache-2.0 OR MIT
// grpc.health.v1 (health.proto of the gRPC project): Check and Watch over a list of names.
#include "rpc/rpc_internal.h"
#include "rpc/rpc_wire.h"

enum { SERVING = 1, NOT_SERVING = 2, SERVICE_UNKNOWN = 3, NAME_MAX_BYTES = 200 };

typedef struct health_entry {
    char *name;
    int status;
} health_entry;

typedef struct watcher {
    struct watcher *prev, *next;
    struct rpc_health *health; // NULL once the server is gone
    rpc_call *call;
    char *name; // NULL until the request came
    int told;
    bool owed; // the queue was full
} watcher;

struct rpc_health {
    health_entry *entries;
    size_t n;
    watcher *watchers;
};

static int status_of(const struct rpc_health *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++)
        if (strcmp(h->entries[i].name, name) == 0)
            return h->entries[i].status;
    return SERVICE_UNKNOWN;
}

// Takes HealthCheckRequest.service; false when the message is malformed.
static bool parse_request(char **name, const uint8_t *bytes, size_t n)
{
    wire_reader r = wire_read(bytes, n);
    wire_field f, service = {0};
    while (wire_next(&r, &f))
        if (f.number == 1 && f.type == WIRE_BYTES)
            service = f;
    if (r.bad || service.n > NAME_MAX_BYTES ||
        (service.n > 0 && memchr(service.bytes, 0, service.n) != NULL))
        return false;
    *name = rpc_alloc(service.n + 1);
    if (service.n > 0)
        memcpy(*name, service.bytes, service.n);
    return true;
}

static status send_status(rpc_call *call, int value)
{
    wire_buffer b = {0};
    wire_put_number(&b, 1, (uint64_t)value);
    status s = rpc_send(call, b.bytes, b.n);
    free(b.bytes);
    return s;
}

static void on_check(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    rpc_server *s = arg;
    char *name;
    if (!parse_request(&name, bytes, n)) {
        rpc_finish(call, RPC_INVALID_ARGUMENT, "not a HealthCheckRequest");
        return;
    }
    int value = status_of(s->health, name);
    if (value == SERVICE_UNKNOWN)
        rpc_finishf(call, RPC_NOT_FOUND, "unknown service \"%s\"", name);
    else if (send_status(call, value) == ZK_OK)
        rpc_finish(call, RPC_OK, NULL);
    else
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, status_message());
    free(name);
}

static void tell(watcher *w)
{
    int value = status_of(w->health, w->name);
    w->owed = false;
    if (value == w->told)
        return;
    if (send_status(w->call, value) == ZK_OK)
        w->told = value;
    else
        w->owed = true; // the reader is slow; on_drain comes
}

static void watch_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    watcher *w = arg;
    if (w->name != NULL || w->health == NULL || !parse_request(&w->name, bytes, n)) {
        rpc_finish(call, RPC_INVALID_ARGUMENT, "not one HealthCheckRequest");
        return;
    }
    tell(w);
}

static void watch_half_close(rpc_call *call, void *arg)
{
    watcher *w = arg;
    if (w->name == NULL)
        rpc_finish(call, RPC_INVALID_ARGUMENT, "no HealthCheckRequest came");
}

static void watch_drain(rpc_call *call, void *arg)
{
    (void)call;
    watcher *w = arg;
    if (w->owed && w->health != NULL)
        tell(w);
}

static void watch_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    watcher *w = arg;
    if (w->health != NULL) {
        if (w->prev != NULL)
            w->prev->next = w->next;
        else
            w->health->watchers = w->next;
        if (w->next != NULL)
            w->next->prev = w->prev;
    }
    free(w->name);
    free(w);
}

static void on_watch(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = watch_message,
                                           .on_half_close = watch_half_close,
                                           .on_drain = watch_drain,
                                           .on_done = watch_done};
    rpc_server *s = arg;
    watcher *w = rpc_alloc(sizeof *w);
    w->health = s->health;
    w->call = call;
    w->next = s->health->watchers;
    if (w->next != NULL)
        w->next->prev = w;
    s->health->watchers = w;
    rpc_call_set_events(call, &events, w);
}

status rpc_health_add(rpc_server *s)
{
    FAIL_IF(s->health != NULL, ZK_EINVAL, "grpc.health.v1 is there already");
    s->health = rpc_alloc(sizeof *s->health);
    TRY(rpc_server_add_unary(s, "/grpc.health.v1.Health/Check", on_check, s));
    TRY(rpc_server_add(s, "/grpc.health.v1.Health/Watch", on_watch, s));
    rpc_health_set(s, "", true);
    return ZK_OK;
}

void rpc_health_set(rpc_server *s, const char *service, bool serving)
{
    struct rpc_health *h = s->health;
    ZK_VERIFY(h != NULL);
    size_t i = 0;
    while (i < h->n && strcmp(h->entries[i].name, service) != 0)
        i++;
    if (i == h->n) {
        h->entries = realloc(h->entries, (h->n + 1) * sizeof *h->entries);
        ZK_ASSERT(h->entries != NULL);
        h->entries[h->n++].name = rpc_strdup(service);
    }
    h->entries[i].status = serving ? SERVING : NOT_SERVING;
    for (watcher *w = h->watchers; w != NULL; w = w->next)
        if (w->name != NULL)
            tell(w);
}

void server_health_shutdown(rpc_server *s)
{
    struct rpc_health *h = s->health;
    for (size_t i = 0; h != NULL && i < h->n; i++)
        rpc_health_set(s, h->entries[i].name, false);
}

void health_free(struct rpc_health *h)
{
    if (h == NULL)
        return;
    for (watcher *w = h->watchers; w != NULL; w = w->next)
        w->health = NULL;
    for (size_t i = 0; i < h->n; i++)
        free(h->entries[i].name);
    free(h->entries);
    free(h);
}
