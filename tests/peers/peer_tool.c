// SPDX-License-Identifier: Apache-2.0 OR MIT
// Our half of the tests against other implementations of gRPC.
//
//   peer_tool serve       serves test.Test (see rpc_fixture.h), health, reflection and two methods
//                         of the cluster's API; prints its port, ends with its standard input
//   peer_tool call URL    runs the client's checks against a stranger that serves test.Test
#include "cluster/api_descriptors.h"
#include "cluster/messages.h"
#include "unit/rpc/rpc_fixture.h"

#include <unistd.h>
#include <uv.h>

#define API "/zisk.distributed.api.v1.ZiskDistributedApi/"

static void on_health(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    ProtobufCMessage *m;
    if (message_unpack(&m, &zisk__distributed__api__v1__health_check_request__descriptor, bytes, n,
                       1000) == ZK_OK)
        rpc_reply(call, NULL, 0);
    else
        rpc_finish(call, RPC_INVALID_ARGUMENT, status_message());
    message_free(m);
}

static void on_info(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
    Zisk__Distributed__Api__V1__StatusInfoResponse answer =
        ZISK__DISTRIBUTED__API__V1__STATUS_INFO_RESPONSE__INIT;
    answer.service_name = "peer tool";
    answer.uptime_seconds = 12345678901234567ULL;
    uint8_t *packed;
    size_t packed_n;
    if (message_pack(&packed, &packed_n, &answer.base) != ZK_OK)
        rpc_finish(call, RPC_INTERNAL, status_message());
    else if (rpc_send_take(call, packed, packed_n) == ZK_OK)
        rpc_finish(call, RPC_OK, NULL);
}

static void on_stdin(uv_poll_t *poll, int rc, int events)
{
    (void)events;
    char byte;
    if (rc < 0 || read(0, &byte, 1) <= 0) {
        uv_poll_stop(poll);
        rpc_loop_stop(poll->data);
    }
}

static int serve(void)
{
    rpc_fixture f;
    const rpc_descriptor_set set = {api_descriptors, api_descriptors_n};
    uv_poll_t poll;
    fixture_server(&f, NULL, NULL);
    if (rpc_health_add(f.server) != ZK_OK || rpc_reflection_add(f.server, &set, 1) != ZK_OK ||
        rpc_server_add_unary(f.server, API "HealthCheck", on_health, NULL) != ZK_OK ||
        rpc_server_add_unary(f.server, API "StatusInfo", on_info, NULL) != ZK_OK) {
        fprintf(stderr, "%s\n", status_trail());
        return 1;
    }
    rpc_health_set(f.server, "test.Test", true);
    uv_poll_init(rpc_loop_uv(f.loop), &poll, 0);
    poll.data = f.loop;
    uv_poll_start(&poll, UV_READABLE, on_stdin);
    printf("%u\n", rpc_server_port(f.server));
    fflush(stdout);
    rpc_loop_run(f.loop);
    uv_close((uv_handle_t *)&poll, NULL);
    fixture_close(&f);
    return 0;
}

// ---- Client ----

static rpc_fixture client;

static void finish(rpc_call *call, recorder *r)
{
    rpc_half_close(call);
    run_until(&client, &r->done);
}

static void test_unary(void **state)
{
    (void)state;
    recorder r;
    assert_int_equal(echo(&client, "hello", &r), RPC_OK);
    assert_memory_equal(r.first, "hello", 5);
    assert_int_equal(echo(&client, "fail:5:nothing \xc3\xa9 here %", &r), RPC_NOT_FOUND);
    assert_string_equal(r.message, "nothing \xc3\xa9 here %");
    rpc_call *call;
    start(&call, &client, "/test.Test/Missing", NULL, &r);
    finish(call, &r);
    assert_int_equal(r.code, RPC_UNIMPLEMENTED);
}

static void test_streams(void **state)
{
    (void)state;
    rpc_call *call;
    recorder r = {0};
    uint64_t request[2] = {3000, 50};
    start(&call, &client, "/test.Test/Count", NULL, &r);
    assert_int_equal(rpc_send(call, (uint8_t *)request, 16), ZK_OK);
    finish(call, &r);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_messages, 3000);
    assert_int_equal(r.n_bytes, 150000);

    start(&call, &client, "/test.Test/Sum", NULL, &r);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(rpc_send(call, (const uint8_t *)"abc", 3), ZK_OK);
    finish(call, &r);
    assert_int_equal(r.code, RPC_OK);
    memcpy(request, r.first, 16);
    assert_int_equal(request[0], 1000);
    assert_int_equal(request[1], 3000);

    rpc_pair who = {"x-who", "c"};
    rpc_call_options o = {.metadata = &who, .n_metadata = 1};
    start(&call, &client, "/test.Test/Chat", &o, &r);
    run_until(&client, &r.headers);
    assert_string_equal(rpc_call_metadata(call, "x-hello"), "c");
    for (int i = 0; i < 10; i++)
        assert_int_equal(rpc_send(call, (const uint8_t *)"abc", 3), ZK_OK);
    finish(call, &r);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_messages, 10);
}

static void test_large_and_slow(void **state)
{
    (void)state;
    rpc_call *call;
    recorder r = {0};
    size_t n = (size_t)20 << 20;
    uint8_t *bytes = calloc(1, n);
    start(&call, &client, "/test.Test/Echo", NULL, &r);
    assert_int_equal(rpc_send_take(call, bytes, n), ZK_OK);
    finish(call, &r);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_bytes, n);

    rpc_call_options o = {.deadline_ms = 100};
    start(&call, &client, "/test.Test/Hang", &o, &r);
    run_until(&client, &r.done);
    assert_int_equal(r.code, RPC_DEADLINE_EXCEEDED);
}

static int call_stranger(const char *url)
{
    assert_int_equal(rpc_loop_open(&client.loop), ZK_OK);
    snprintf(client.url, sizeof client.url, "%s", url);
    fixture_channel(&client, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_large_and_slow),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fixture_close(&client);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return serve();
    if (argc == 3 && strcmp(argv[1], "call") == 0)
        return call_stranger(argv[2]);
    fprintf(stderr, "usage: peer_tool serve | call URL\n");
    return 2;
}
