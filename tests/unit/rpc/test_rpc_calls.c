// SPDX-License-Identifier: Apache-2.0 OR MIT
// Own client against own server, one loop: every kind of call, sizes, back-pressure, deadlines,
// cancellation, drain, reconnect.
#include "rpc_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_unary(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r;
    fixture_open(&f);
    assert_int_equal(echo(&f, "hello", &r), RPC_OK);
    assert_int_equal(r.n_bytes, 5);
    assert_memory_equal(r.first, "hello", 5);
    // No bytes at all is a message too.
    assert_int_equal(echo(&f, "", &r), RPC_OK);
    assert_int_equal(r.n_messages, 1);
    assert_int_equal(r.n_bytes, 0);
    fixture_close(&f);
}

static void test_status_and_message(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r;
    fixture_open(&f);
    for (int code = 1; code < RPC_CODE_COUNT; code++) {
        char text[40];
        snprintf(text, sizeof text, "fail:%d:\xc3\xa9 100%%\n%s", code, rpc_code_name(code));
        assert_int_equal(echo(&f, text, &r), code);
        assert_string_equal(r.message, strchr(text + 5, ':') + 1);
    }
    fixture_close(&f);
}

static void test_unknown_method_and_cardinality(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Missing", NULL, &r);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNIMPLEMENTED);
    assert_string_equal(r.message, "unknown method /test.Test/Missing");
    start(&call, &f, "/test.Test/Echo", NULL, &r);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNIMPLEMENTED);
    start(&call, &f, "/test.Test/Echo", NULL, &r);
    assert_int_equal(rpc_send(call, (const uint8_t *)"a", 1), ZK_OK);
    assert_int_equal(rpc_send(call, (const uint8_t *)"b", 1), ZK_OK);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNIMPLEMENTED);
    fixture_close(&f);
}

static void test_client_streaming(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    uint8_t bytes[1000] = {0};
    fixture_open(&f);
    start(&call, &f, "/test.Test/Sum", NULL, &r);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(rpc_send(call, bytes, i), ZK_OK);
    rpc_half_close(call);
    assert_int_equal(rpc_send(call, bytes, 1), ZK_ECANCELED);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    uint64_t sums[2];
    memcpy(sums, r.first, 16);
    assert_int_equal(sums[0], 1000);
    assert_int_equal(sums[1], 999 * 1000 / 2);
    fixture_close(&f);
}

static void request_count(rpc_call *call, uint64_t n, uint64_t size)
{
    uint64_t request[2] = {n, size};
    assert_int_equal(rpc_send(call, (uint8_t *)request, 16), ZK_OK);
    rpc_half_close(call);
}

static void test_server_streaming(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Count", NULL, &r);
    request_count(call, 20000, 7);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_messages, 20000);
    assert_int_equal(r.n_bytes, 140000);
    fixture_close(&f);
}

static bool got_three(void *arg)
{
    return ((recorder *)arg)->n_messages == 3;
}

static void test_both_ways(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    rpc_pair who = {"x-who", "me"};
    rpc_call_options o = {.metadata = &who, .n_metadata = 1};
    fixture_open(&f);
    start(&call, &f, "/test.Test/Chat", &o, &r);
    // The headers-first rule: they come although nothing was sent.
    run_until(&f, &r.headers);
    assert_string_equal(rpc_call_metadata(call, "x-hello"), "me");
    for (size_t i = 1; i <= 3; i++)
        assert_int_equal(rpc_send(call, (const uint8_t *)"xyz", i), ZK_OK);
    run_while_not(&f, got_three, &r);
    assert_false(r.done);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_string_equal(r.message, "bye");
    assert_int_equal(r.n_bytes, 6);
    fixture_close(&f);
}

static void test_largest_message(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    size_t n = (size_t)128 << 20;
    fixture_open(&f);
    uint8_t *bytes = malloc(n);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += 4096)
        sum += bytes[i] = (uint8_t)(i >> 12) * 7;
    start(&call, &f, "/test.Test/Echo", NULL, &r);
    assert_int_equal(rpc_send_take(call, bytes, n), ZK_OK);
    // The queue is full beyond its cap now; more is refused.
    assert_int_equal(rpc_send(call, (const uint8_t *)"x", 1), ZK_ELIMIT);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_bytes, n);
    assert_int_equal(r.sum, sum);
    // One byte more is one too many, and is refused by its prefix alone.
    bytes = calloc(1, n + 1);
    start(&call, &f, "/test.Test/Echo", NULL, &r);
    assert_int_equal(rpc_send_take(call, bytes, n + 1), ZK_OK);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(r.message, "134217729"));
    assert_int_equal(echo(&f, "still here", &r), RPC_OK);
    fixture_close(&f);
}

static void test_budget_of_half_received_messages(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder a = {0}, b = {0};
    rpc_call *call_a, *call_b;
    fixture_open(&f);
    rpc_loop_set_budget(f.loop, 3 << 20);
    uint8_t *big = calloc(1, 2 << 20);
    start(&call_a, &f, "/test.Test/Sum", NULL, &a);
    start(&call_b, &f, "/test.Test/Sum", NULL, &b);
    assert_int_equal(rpc_send(call_a, big, 2 << 20), ZK_OK);
    uint8_t *huge = calloc(1, 8 << 20);
    assert_int_equal(rpc_send_take(call_b, huge, 8 << 20), ZK_OK);
    rpc_half_close(call_a);
    run_until(&f, &a.done);
    run_until(&f, &b.done);
    assert_int_equal(a.code, RPC_OK);
    assert_int_equal(b.code, RPC_RESOURCE_EXHAUSTED);
    free(big);
    fixture_close(&f);
}

// A reader that stops reading stops the writer; nothing piles up in between.
static void test_limit_of_all_calls(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder hang[3] = {0}, r = {0};
    rpc_call *calls[3];
    rpc_limits limits = {.max_calls = 3};
    fixture_server(&f, NULL, &limits);
    fixture_channel(&f, NULL);
    for (int k = 0; k < 3; k++)
        start(&calls[k], &f, "/test.Test/Hang", NULL, &hang[k]);
    while (f.hanging < 3)
        run_for(&f, 1);
    assert_int_equal(echo(&f, "one too many", &r), RPC_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(r.message, "3 calls"));
    rpc_cancel(calls[1]);
    run_until(&f, &hang[1].done);
    while (f.hanging == 3)
        run_for(&f, 1);
    assert_int_equal(echo(&f, "there is room again", &r), RPC_OK);
    fixture_close(&f);
}

static void test_back_pressure(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {.pause_after = 3};
    rpc_call *call;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Count", NULL, &r);
    request_count(call, 512, 1 << 20); // half a GiB
    run_while_not(&f, got_three, &r);
    run_for(&f, 100);
    assert_int_equal(r.n_messages, 3);
    // Held: one send queue, one stream window, one message in assembly, socket buffers.
    assert_true(f.chat_max_queue <= (4 << 20) + 5);
    assert_true(rpc_loop_buffered(f.loop) <= 4 << 20);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    r.pause_after = 0;
    rpc_resume(call);
    run_until(&f, &r.done);
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_messages, 512);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); // KiB, of the 512 MiB that passed
    fixture_close(&f);
}

static bool paused_at_one(void *arg)
{
    return ((recorder *)arg)->n_messages == 1;
}

// The status arrives while messages wait behind a pause: they still come first.
static void test_pause_holds_the_end_back(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {.pause_after = 1};
    rpc_call *call;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Count", NULL, &r);
    request_count(call, 5, 10);
    run_while_not(&f, paused_at_one, &r);
    run_for(&f, 30);
    assert_int_equal(r.n_messages, 1);
    assert_false(r.done);
    r.pause_after = 0;
    rpc_resume(call);
    run_until(&f, &r.done);
    assert_int_equal(r.n_messages, 5);
    assert_int_equal(r.code, RPC_OK);
    fixture_close(&f);
}

static void test_drain_event_after_refusal(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    fixture_open(&f);
    uint8_t *bytes = calloc(1, 3 << 20);
    start(&call, &f, "/test.Test/Sum", NULL, &r);
    assert_int_equal(rpc_send(call, bytes, 3 << 20), ZK_OK);
    assert_int_equal(rpc_send(call, bytes, 3 << 20), ZK_ELIMIT);
    run_until(&f, &r.drained);
    assert_int_equal(rpc_send(call, bytes, 3 << 20), ZK_OK);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    uint64_t sums[2];
    memcpy(sums, r.first, 16);
    assert_int_equal(sums[0], 2);
    free(bytes);
    fixture_close(&f);
}

static bool server_noticed(void *arg)
{
    return ((rpc_fixture *)arg)->hang_ended > 0;
}

static bool hangs(void *arg)
{
    return ((rpc_fixture *)arg)->hanging > 0;
}

static void test_deadline(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    rpc_call_options o = {.deadline_ms = 50};
    fixture_open(&f);
    start(&call, &f, "/test.Test/Hang", &o, &r);
    assert_true(rpc_call_time_left_ms(call) <= 50);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_DEADLINE_EXCEEDED);
    run_while_not(&f, server_noticed, &f);
    // Client and server have the same deadline; either may act first.
    assert_true(f.hang_code == RPC_DEADLINE_EXCEEDED || f.hang_code == RPC_CANCELLED);
    fixture_close(&f);
}

static void test_cancel_by_client(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Hang", NULL, &r);
    run_while_not(&f, hangs, &f);
    rpc_cancel(call);
    assert_false(r.done); // never from inside
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_CANCELLED);
    run_while_not(&f, server_noticed, &f);
    assert_int_equal(f.hang_code, RPC_CANCELLED);
    fixture_close(&f);
}

static void cancel_at_once(rpc_call *call, void *arg)
{
    (void)arg;
    rpc_cancel(call);
}

static void cancel_message(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
    rpc_cancel(call);
}

static void open_cancel_later(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = cancel_message};
    rpc_call_set_events(call, &events, arg);
}

static void test_cancel_by_server(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    fixture_open(&f);
    assert_int_equal(rpc_server_add(f.server, "/test.Test/No", cancel_at_once, NULL), ZK_OK);
    assert_int_equal(rpc_server_add(f.server, "/test.Test/Later", open_cancel_later, NULL), ZK_OK);
    start(&call, &f, "/test.Test/No", NULL, &r);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_CANCELLED);
    start(&call, &f, "/test.Test/Later", NULL, &r);
    assert_int_equal(rpc_send(call, (const uint8_t *)"x", 1), ZK_OK);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_CANCELLED);
    fixture_close(&f);
}

static void set_flag(void *arg)
{
    *(bool *)arg = true;
}

static void test_drain_lets_calls_end(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    bool drained = false;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Chat", NULL, &r);
    run_until(&f, &r.headers);
    rpc_server_drain(f.server, 10000, set_flag, &drained);
    run_for(&f, 30);
    assert_false(drained);
    assert_int_equal(rpc_send(call, (const uint8_t *)"abc", 3), ZK_OK);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_bytes, 3);
    run_until(&f, &drained);
    assert_int_equal(echo(&f, "late", &r), RPC_UNAVAILABLE);
    fixture_close(&f);
}

static void test_drain_ends_calls_after_grace(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    bool drained = false;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Hang", NULL, &r);
    run_while_not(&f, hangs, &f);
    rpc_server_drain(f.server, 50, set_flag, &drained);
    run_until(&f, &drained);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNAVAILABLE);
    assert_string_equal(r.message, "the server is shutting down");
    assert_int_equal(f.hang_ended, 1);
    fixture_close(&f);
}

static void test_lost_server_and_reconnect(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    rpc_channel_options co = {.backoff_min_ms = 10, .backoff_max_ms = 40};
    fixture_server(&f, NULL, NULL);
    fixture_channel(&f, &co);
    start(&call, &f, "/test.Test/Hang", NULL, &r);
    run_while_not(&f, hangs, &f);
    uint16_t port = rpc_server_port(f.server);
    rpc_server_close(f.server);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNAVAILABLE);
    // Nobody listens: one call may not wait, the other may.
    recorder patient = {0};
    rpc_call_options wait = {.wait_for_ready = true};
    start(&call, &f, "/test.Test/Chat", &wait, &patient);
    assert_int_equal(echo(&f, "x", &r), RPC_UNAVAILABLE);
    run_for(&f, 50);
    assert_false(patient.headers || patient.done);
    rpc_server_options so = {.host = "127.0.0.1", .port = port};
    assert_int_equal(rpc_server_open(&f.server, f.loop, &so), ZK_OK);
    run_until(&f, &patient.done); // the new server has no methods
    assert_int_equal(patient.code, RPC_UNIMPLEMENTED);
    fixture_close(&f);
}

// A listener that answers nothing by itself stands for a stopped process.
static int mute_listener(char *url, size_t size)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, n), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &n), 0);
    snprintf(url, size, "http://127.0.0.1:%u", ntohs(addr.sin_port));
    return fd;
}

static void test_mute_server_before_and_after_handshake(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    rpc_channel_options co = {.limits = {.handshake_ms = 60}};
    fixture_server(&f, NULL, NULL);
    int fd = mute_listener(f.url, sizeof f.url);
    fixture_channel(&f, &co);
    start(&call, &f, "/test.Test/Hang", NULL, &r);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "handshake"));
    rpc_channel_close(f.channel);
    close(accept(fd, NULL, NULL));

    // This one sends its SETTINGS and then stops: only keepalive notices.
    co.limits = (rpc_limits){.keepalive_ms = 40, .keepalive_wait_ms = 40};
    fixture_channel(&f, &co);
    start(&call, &f, "/test.Test/Hang", NULL, &r);
    int peer = -1;
    for (int i = 0; i < 1000 && peer < 0; i++) {
        run_for(&f, 1);
        peer = accept(fd, NULL, NULL);
    }
    assert_true(peer >= 0);
    static const uint8_t settings[9] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
    assert_int_equal(write(peer, settings, 9), 9);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "keepalive"));
    close(peer);
    close(fd);
    fixture_close(&f);
}

static rpc_code only_with_token(void *arg, rpc_call *call, const char **message)
{
    const char *want = arg;
    const char *got = rpc_call_metadata(call, "authorization");
    assert_true(rpc_call_peer(call)->loopback);
    if (got != NULL && strcmp(got, want) == 0)
        return RPC_OK;
    *message = "a token is needed";
    return RPC_UNAUTHENTICATED;
}

static void test_token_and_authorize(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r;
    fixture_server(&f, NULL, NULL);
    rpc_server *guarded;
    rpc_server_options so = {
        .host = "127.0.0.1", .authorize = only_with_token, .authorize_arg = "Bearer sesame"};
    assert_int_equal(rpc_server_open(&guarded, f.loop, &so), ZK_OK);
    assert_int_equal(rpc_health_add(guarded), ZK_OK);
    snprintf(f.url, sizeof f.url, "http://127.0.0.1:%u", rpc_server_port(guarded));
    rpc_call *call;
    for (int with = 0; with < 2; with++) {
        rpc_channel_options co = {.token = with ? "sesame" : NULL};
        fixture_channel(&f, &co);
        r = (recorder){0};
        start(&call, &f, "/grpc.health.v1.Health/Check", NULL, &r);
        assert_int_equal(rpc_send(call, NULL, 0), ZK_OK);
        rpc_half_close(call);
        run_until(&f, &r.done);
        assert_int_equal(r.code, with ? RPC_OK : RPC_UNAUTHENTICATED);
        if (!with)
            assert_string_equal(r.message, "a token is needed");
        rpc_channel_close(f.channel);
    }
    f.channel = NULL;
    rpc_server_close(guarded);
    fixture_close(&f);
}

static bool got_one(void *arg)
{
    return ((recorder *)arg)->n_messages == 1;
}

static bool got_two(void *arg)
{
    return ((recorder *)arg)->n_messages == 2;
}

// HealthCheckResponse.status, field 1: 1 serving, 2 not serving, 3 unknown service.
static void test_health_watch(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    bool drained = false;
    fixture_open(&f);
    assert_int_equal(rpc_health_add(f.server), ZK_OK);
    assert_int_equal(rpc_health_add(f.server), ZK_EINVAL); // once is enough
    start(&call, &f, "/grpc.health.v1.Health/Watch", NULL, &r);
    assert_int_equal(rpc_send(call, (const uint8_t *)"\x0a\x01x", 3), ZK_OK); // service "x"
    rpc_half_close(call);
    run_while_not(&f, got_one, &r);
    assert_memory_equal(r.first, "\x08\x03", 2);
    rpc_health_set(f.server, "y", true); // not the one watched
    rpc_health_set(f.server, "x", true);
    rpc_health_set(f.server, "x", true); // no change, no message
    run_while_not(&f, got_two, &r);
    run_for(&f, 10);
    assert_int_equal(r.n_messages, 2);
    rpc_server_drain(f.server, 30, set_flag, &drained);
    run_while_not(&f, got_three, &r); // not serving
    run_until(&f, &drained);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_UNAVAILABLE);
    fixture_close(&f);
}

typedef struct poster {
    rpc_fixture *f;
    size_t ran;
    bool all;
} poster;

enum { POSTS = 2000, POSTERS = 4 };

static void posted(void *arg)
{
    poster *p = arg;
    p->all = ++p->ran == POSTS * POSTERS;
}

static void *post_many(void *arg)
{
    poster *p = arg;
    for (int i = 0; i < POSTS; i++)
        rpc_loop_post(p->f->loop, posted, p);
    return NULL;
}

static void test_posts_from_threads(void **state)
{
    (void)state;
    rpc_fixture f;
    fixture_open(&f);
    poster p = {.f = &f};
    pthread_t threads[POSTERS];
    for (int i = 0; i < POSTERS; i++)
        pthread_create(&threads[i], NULL, post_many, &p);
    run_until(&f, &p.all);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(p.ran, POSTS * POSTERS);
    fixture_close(&f);
}

static void test_many_calls_at_once(void **state)
{
    (void)state;
    enum { N = 600 }; // above the server's limit of streams: the rest waits
    rpc_fixture f;
    static recorder r[N];
    fixture_open(&f);
    for (size_t i = 0; i < N; i++) {
        rpc_call *call;
        r[i] = (recorder){0};
        start(&call, &f, "/test.Test/Echo", NULL, &r[i]);
        assert_int_equal(rpc_send(call, (const uint8_t *)&i, sizeof i), ZK_OK);
        rpc_half_close(call);
    }
    for (size_t i = 0; i < N; i++) {
        run_until(&f, &r[i].done);
        assert_int_equal(r[i].code, RPC_OK);
        assert_memory_equal(r[i].first, &i, sizeof i);
    }
    fixture_close(&f);
}

static void test_close_with_everything_open(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r[4] = {0};
    rpc_call *call;
    fixture_open(&f);
    start(&call, &f, "/test.Test/Hang", NULL, &r[0]);
    start(&call, &f, "/test.Test/Chat", NULL, &r[1]);
    run_while_not(&f, hangs, &f);
    start(&call, &f, "/test.Test/Count", NULL, &r[2]);
    request_count(call, 1000, 100000);
    run_for(&f, 2);
    rpc_channel_close(f.channel);
    f.channel = NULL;
    for (int i = 0; i < 3; i++) {
        run_until(&f, &r[i].done);
        assert_int_equal(r[i].code, RPC_CANCELLED);
    }
    fixture_close(&f);
}

static void test_bad_urls(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "127.0.0.1:1", "ftp://x",        "http://",
                                      "http://:5", "http://h:0",  "http://h:65536", "http://h:1x",
                                      "http://h:", "http://[::1", "http://h/path",  "http://a b:1"};
    rpc_loop *loop;
    assert_int_equal(rpc_loop_open(&loop), ZK_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rpc_channel *ch;
        if (rpc_channel_open(&ch, loop, bad[i], NULL) != ZK_EINVAL)
            fail_msg("accepted \"%s\"", bad[i]);
    }
    static const char *const good[] = {"http://h", "http://h:1/", "http://[::1]:50051"};
    for (size_t i = 0; i < 3; i++) {
        rpc_channel *ch;
        assert_int_equal(rpc_channel_open(&ch, loop, good[i], NULL), ZK_OK);
        rpc_channel_close(ch);
    }
    rpc_loop_close(loop);
}

static void test_port_taken(void **state)
{
    (void)state;
    rpc_fixture f;
    fixture_open(&f);
    rpc_server *second;
    rpc_server_options o = {.host = "127.0.0.1", .port = rpc_server_port(f.server)};
    assert_int_equal(rpc_server_open(&second, f.loop, &o), ZK_EIO);
    assert_non_null(strstr(status_message(), "already in use"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unary),
        cmocka_unit_test(test_status_and_message),
        cmocka_unit_test(test_unknown_method_and_cardinality),
        cmocka_unit_test(test_client_streaming),
        cmocka_unit_test(test_server_streaming),
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_largest_message),
        cmocka_unit_test(test_budget_of_half_received_messages),
        cmocka_unit_test(test_limit_of_all_calls),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_pause_holds_the_end_back),
        cmocka_unit_test(test_drain_event_after_refusal),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_cancel_by_client),
        cmocka_unit_test(test_cancel_by_server),
        cmocka_unit_test(test_drain_lets_calls_end),
        cmocka_unit_test(test_drain_ends_calls_after_grace),
        cmocka_unit_test(test_lost_server_and_reconnect),
        cmocka_unit_test(test_mute_server_before_and_after_handshake),
        cmocka_unit_test(test_token_and_authorize),
        cmocka_unit_test(test_health_watch),
        cmocka_unit_test(test_posts_from_threads),
        cmocka_unit_test(test_many_calls_at_once),
        cmocka_unit_test(test_close_with_everything_open),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_port_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
