// SPDX-License-Identifier: Apache-2.0 OR MIT
// Accept loop that outlives the process's file descriptors.
//
// When accept fails for want of a descriptor the kernel keeps reporting the socket readable. One
// spare descriptor is held for that moment: it is closed, one waiting peer is accepted and hung up
// on (better than leaving it in the dark), the spare is opened again, and the loop rests for a
// while. As soon as descriptors are back the listener takes connections again.
#include "rpc/rpc_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPTS_A_TURN = 64, REST_MS = 100 };

struct rpc_listener {
    rpc_server *server;
    rpc_loop *loop;
    int fd;
    int spare; // -1: could not be had yet
    uv_poll_t poll;
    rpc_timer rest;
};

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_readable(uv_poll_t *poll, int rc, int events);

static void on_rested(void *arg)
{
    rpc_listener *l = arg;
    if (l->spare < 0)
        l->spare = open_spare();
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void rest(rpc_listener *l)
{
    uv_poll_stop(&l->poll);
    rpc_timer_set(l->loop, &l->rest, REST_MS, on_rested, l);
}

static void out_of_descriptors(rpc_listener *l, int error)
{
    rpc_server *s = l->server;
    if (s->stats.accept_errors++ % 100 == 0)
        rpc_log(s->loop, RPC_LOG_WARN,
                "cannot accept connections: %s; raise the limit of open files (ulimit -n)",
                strerror(error));
    if (l->spare >= 0) {
        close(l->spare);
        int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            close(fd);
            s->stats.refused++;
        }
        l->spare = open_spare();
    }
    rest(l);
}

static size_t connections_of(const rpc_server *s, const uint8_t ip[16])
{
    size_t n = 0;
    for (const rpc_conn *c = s->conns; c != NULL; c = c->next)
        n += memcmp(c->peer.ip, ip, 16) == 0;
    return n;
}

static void admit(rpc_server *s, int fd, const struct sockaddr *addr)
{
    bool full = s->n_conns >= s->limits.max_connections;
    if (!full && s->limits.max_connections_host > 0) {
        rpc_peer peer;
        peer_from_sockaddr(&peer, addr);
        full = connections_of(s, peer.ip) >= s->limits.max_connections_host;
    }
    if (full) {
        close(fd);
        if (s->stats.refused++ % 100 == 0)
            rpc_log(s->loop, RPC_LOG_WARN, "connection refused: %zu are open already", s->n_conns);
        return;
    }
    s->stats.accepted++;
    rpc_conn *c = conn_accept(s, s->tls, fd, addr);
    c->next = s->conns;
    if (s->conns != NULL)
        s->conns->prev = c;
    s->conns = c;
    s->n_conns++;
}

static void on_readable(uv_poll_t *poll, int rc, int events)
{
    (void)events;
    rpc_listener *l = poll->data;
    if (rc < 0) {
        rest(l);
        return;
    }
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage addr;
        socklen_t n = sizeof addr;
        int fd = accept4(l->fd, (struct sockaddr *)&addr, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(l->server, fd, (const struct sockaddr *)&addr);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            out_of_descriptors(l, errno);
            return;
        }
        // ECONNABORTED, EINTR, EPERM (a firewall) and network errors concern one peer only.
    }
}

static status bind_socket(int fd, const char *host, uint16_t port, const struct sockaddr *addr,
                          socklen_t n)
{
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (addr->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (bind(fd, addr, n) != 0) {
        FAIL_IF(errno == EADDRINUSE, ZK_EIO,
                "port %u of %s is already in use; stop the other program or choose another port",
                port, host);
        FAIL(ZK_EIO, "cannot bind %s port %u: %s", host, port, strerror(errno));
    }
    FAIL_IF(listen(fd, BACKLOG) != 0, ZK_EIO, "cannot listen on %s port %u: %s", host, port,
            strerror(errno));
    return ZK_OK;
}

status listener_open(rpc_server *s, const char *host, uint16_t port)
{
    status result = ZK_OK;
    struct sockaddr_storage addr = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;
    socklen_t n;
    int fd = -1;
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        n = sizeof *in;
    } else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        n = sizeof *in6;
    } else {
        FAIL(ZK_EINVAL, "\"%s\" is not a numeric address to listen on (0.0.0.0, ::, 127.0.0.1)",
             host);
    }
    fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    FAIL_OUT_IF(fd < 0, ZK_EIO, "cannot make a socket: %s", strerror(errno));
    TRY_OUT(bind_socket(fd, host, port, (struct sockaddr *)&addr, n));
    n = sizeof addr;
    FAIL_OUT_IF(getsockname(fd, (struct sockaddr *)&addr, &n) != 0, ZK_EIO,
                "cannot read back the port: %s", strerror(errno));
    s->port = ntohs(addr.ss_family == AF_INET ? in->sin_port : in6->sin6_port);
    rpc_listener *l = rpc_alloc(sizeof *l);
    l->server = s;
    l->loop = s->loop;
    l->fd = fd;
    l->spare = open_spare();
    int rc = uv_poll_init(&s->loop->uv, &l->poll, fd);
    if (rc != 0) {
        if (l->spare >= 0)
            close(l->spare);
        free(l);
        FAIL_OUT_IF(true, ZK_EIO, "cannot watch the listening socket: %s", uv_strerror(rc));
    }
    l->poll.data = l;
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    s->listener = l;
    fd = -1;
out:
    if (fd >= 0)
        close(fd);
    return result;
}

static void on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void listener_close(rpc_server *s)
{
    rpc_listener *l = s->listener;
    if (l == NULL)
        return;
    s->listener = NULL;
    rpc_timer_clear(l->loop, &l->rest);
    uv_poll_stop(&l->poll);
    close(l->fd);
    if (l->spare >= 0)
        close(l->spare);
    uv_close((uv_handle_t *)&l->poll, on_poll_closed);
}
