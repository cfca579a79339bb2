// SPDX-License-Identifier: Apache-2.0 OR MIT
// server_survives_any_bytes: the input is what a client sends after the HTTP/2 magic; the server
// has methods of each kind, health and reflection. Nothing may crash, leak or stay behind.
#include "rpc/rpc_internal.h"

#include <netinet/in.h>
#include <unistd.h>

static void echo(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    rpc_reply(call, bytes, n);
}

static void chat_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    if (rpc_send(call, bytes, n) != ZK_OK)
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "slow");
    if (n % 3 == 1) { // a pause and its end in the next turn
        rpc_pause(call);
        rpc_resume(call);
    }
}

static void chat_over(rpc_call *call, void *arg)
{
    (void)arg;
    rpc_finish(call, RPC_OK, NULL);
}

static void chat(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = chat_message, .on_half_close = chat_over};
    rpc_call_set_events(call, &events, arg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static rpc_loop *loop;
    static rpc_server *server;
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    if (size > 60000)
        return 0;
    if (loop == NULL) {
        rpc_server_options o = {.host = "127.0.0.1", .limits = {.max_message_bytes = 1 << 16}};
        ZK_ASSERT(rpc_loop_open(&loop) == ZK_OK && rpc_server_open(&server, loop, &o) == ZK_OK);
        ZK_ASSERT(rpc_health_add(server) == ZK_OK);
        ZK_ASSERT(rpc_reflection_add(server, NULL, 0) == ZK_OK);
        ZK_ASSERT(rpc_server_add_unary(server, "/t/e", echo, NULL) == ZK_OK);
        ZK_ASSERT(rpc_server_add(server, "/t/c", chat, NULL) == ZK_OK);
    }
    int fds[2];
    ZK_ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    ZK_ASSERT(write(fds[1], magic, sizeof magic - 1) == sizeof magic - 1);
    ZK_ASSERT(write(fds[1], data, size) == (ssize_t)size);
    const struct sockaddr_in addr = {.sin_family = AF_INET};
    rpc_conn *c = conn_accept(server, NULL, fds[0], (const struct sockaddr *)&addr);
    c->next = server->conns;
    server->conns = c;
    server->n_conns++;
    for (int i = 0; i < 4; i++)
        uv_run(rpc_loop_uv(loop), UV_RUN_NOWAIT);
    close(fds[1]);
    for (int i = 0; i < 100 && server->n_conns > 0; i++)
        uv_run(rpc_loop_uv(loop), UV_RUN_NOWAIT);
    uv_run(rpc_loop_uv(loop), UV_RUN_NOWAIT);
    ZK_ASSERT(server->n_conns == 0 && server->n_calls == 0 && rpc_loop_buffered(loop) == 0);
    return 0;
}
