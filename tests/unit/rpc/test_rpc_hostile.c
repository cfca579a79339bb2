// SPDX-License-Identifier: Apache-2.0 OR MIT
// Peers that break rules lose their connection; the server goes on serving others. The server runs
// on a thread of its own, the hostile peer is a blocking socket.
#include "h2_raw.h"
#include "rpc_fixture.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROTOCOL_ERROR = 1, ENHANCE_YOUR_CALM = 11, REFUSED_STREAM = 7 };

typedef struct served {
    rpc_fixture f;
    pthread_t thread;
    uint16_t port;
    sem_t asked;
    rpc_server_stats stats;
    size_t hanging;
    size_t max_queue;
} served;

static void *serve(void *arg)
{
    rpc_loop_run(((served *)arg)->f.loop);
    return NULL;
}

static void serve_start(served *s, const rpc_limits *limits)
{
    fixture_server(&s->f, NULL, limits);
    assert_int_equal(rpc_health_add(s->f.server), ZK_OK);
    s->port = rpc_server_port(s->f.server);
    sem_init(&s->asked, 0, 0);
    pthread_create(&s->thread, NULL, serve, s);
}

static void serve_stop(served *s)
{
    rpc_loop_stop(s->f.loop);
    pthread_join(s->thread, NULL);
    sem_destroy(&s->asked);
    fixture_close(&s->f);
}

static void answer(void *arg)
{
    served *s = arg;
    rpc_server_get_stats(s->f.server, &s->stats);
    s->hanging = s->f.hanging;
    s->max_queue = s->f.chat_max_queue;
    sem_post(&s->asked);
}

// Fills s->stats on the loop's thread.
static void ask(served *s)
{
    rpc_loop_post(s->f.loop, answer, s);
    sem_wait(&s->asked);
}

// An honest call on a new connection.
static void assert_serves(const served *s)
{
    h2_bytes b = {0};
    uint8_t payload[64];
    int fd = h2_connect(s->port);
    assert_true(fd >= 0);
    h2_preface(&b);
    h2_open(&b, 1, "/test.Test/Echo", false);
    h2_message(&b, 1, "ping", 4, true);
    assert_true(h2_send(fd, &b));
    assert_int_equal(h2_await(fd, H2_DATA, 1, payload, sizeof payload), 9);
    assert_memory_equal(payload + 5, "ping", 4);
    free(b.p);
    close(fd);
}

// Sends what it is given, expects the end with that GOAWAY code, and a server that still serves.
static void assert_ended(served *s, h2_bytes *b, long code)
{
    long goaway;
    int fd = h2_connect(s->port);
    assert_true(fd >= 0);
    h2_send(fd, b); // may fail in the middle: the server hangs up
    assert_true(h2_ends(fd, &goaway));
    // A reset (unread input) may overtake the GOAWAY; the counter of the server tells then.
    if (goaway != -1)
        assert_int_equal(goaway, code);
    close(fd);
    free(b->p);
    assert_serves(s);
}

static void test_floods(void **state)
{
    (void)state;
    enum { N = 5000 };
    served s;
    serve_start(&s, NULL);
    uint64_t floods = 0;
    static const uint8_t zeros[16] = {0}, one[4] = {0, 0, 0, 1};
    for (int kind = 0; kind < 7; kind++) {
        h2_bytes b = {0};
        h2_preface(&b);
        h2_bytes bad = {0};
        h2_request(&bad, "/test.Test/Hang");
        h2_header(&bad, "connection", "close"); // RFC 9113 section 8.2.2
        if (kind >= 4)
            h2_open(&b, 1, "/test.Test/Hang", false);
        for (uint32_t i = 0; i < N; i++) {
            switch (kind) {
            case 0: // rapid reset
                h2_open(&b, 2 * i + 1, "/test.Test/Hang", false);
                h2_frame(&b, H2_RST_STREAM, 0, 2 * i + 1, zeros, 4);
                break;
            case 1:
                h2_frame(&b, H2_PING, 0, 0, zeros, 8);
                break;
            case 2:
                h2_frame(&b, H2_SETTINGS, 0, 0, NULL, 0);
                break;
            case 3: // a malformed request: it is the server that resets
                h2_frame(&b, H2_HEADERS, H2_END_HEADERS, 2 * i + 1, bad.p, bad.n);
                break;
            case 4:
                h2_frame(&b, H2_DATA, 0, 1, NULL, 0);
                break;
            case 5:
                h2_frame(&b, H2_PRIORITY, 0, 1, "\0\0\0\0\x10", 5);
                break;
            default:
                h2_frame(&b, H2_WINDOW_UPDATE, 0, 1, one, 4);
                break;
            }
        }
        free(bad.p);
        assert_ended(&s, &b, ENHANCE_YOUR_CALM);
        ask(&s);
        if (s.stats.floods != ++floods)
            fail_msg("flood %d was not noticed", kind);
    }
    serve_stop(&s);
}

static void test_continuation_flood(void **state)
{
    (void)state;
    served s;
    serve_start(&s, NULL);
    h2_bytes b = {0}, block = {0};
    h2_preface(&b);
    h2_request(&block, "/test.Test/Echo");
    h2_frame(&b, H2_HEADERS, 0, 1, block.p, block.n);
    for (int i = 0; i < 2000; i++)
        h2_frame(&b, H2_CONTINUATION, 0, 1, NULL, 0);
    free(block.p);
    int fd = h2_connect(s.port);
    h2_send(fd, &b);
    assert_true(h2_ends(fd, NULL));
    close(fd);
    free(b.p);
    assert_serves(&s);
    serve_stop(&s);
}

static void many_headers(h2_bytes *b, size_t total)
{
    h2_bytes block = {0};
    char value[1001];
    memset(value, 'v', 1000);
    value[1000] = '\0';
    h2_preface(b);
    h2_request(&block, "/test.Test/Echo");
    for (size_t i = 0; i < total / 1000; i++)
        h2_header(&block, "x-big", value);
    size_t at = block.n < 16384 ? block.n : 16384;
    h2_frame(b, H2_HEADERS, at == block.n ? H2_END_HEADERS : 0, 1, block.p, at);
    while (at < block.n) {
        size_t part = block.n - at < 16384 ? block.n - at : 16384;
        h2_frame(b, H2_CONTINUATION, at + part == block.n ? H2_END_HEADERS : 0, 1, block.p + at,
                 part);
        at += part;
    }
    free(block.p);
}

static void test_header_lists(void **state)
{
    (void)state;
    served s;
    serve_start(&s, NULL);
    h2_bytes b = {0};
    many_headers(&b, 20000); // above the limit: this call is refused
    int fd = h2_connect(s.port);
    uint8_t payload[512] = {0};
    assert_true(h2_send(fd, &b));
    assert_true(h2_await(fd, H2_HEADERS, 1, payload, sizeof payload) > 0);
    // and the connection lives
    b.n = 0;
    h2_open(&b, 3, "/test.Test/Echo", false);
    h2_message(&b, 3, "ok", 2, true);
    assert_true(h2_send(fd, &b));
    assert_int_equal(h2_await(fd, H2_DATA, 3, payload, sizeof payload), 7);
    close(fd);
    b.n = 0;
    many_headers(&b, 100000); // far above it
    assert_ended(&s, &b, ENHANCE_YOUR_CALM);
    ask(&s);
    assert_int_equal(s.stats.floods, 1);
    serve_stop(&s);
}

static void test_not_http2(void **state)
{
    (void)state;
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"};
    served s;
    serve_start(&s, NULL);
    for (size_t i = 0; i < 3; i++) {
        h2_bytes b = {0};
        int fd = h2_connect(s.port);
        h2_put(&b, texts[i], 11 + 13 * (i != 1));
        assert_true(h2_send(fd, &b));
        assert_true(h2_ends(fd, NULL));
        free(b.p);
        close(fd);
    }
    assert_serves(&s);
    serve_stop(&s);
}

static void test_not_grpc(void **state)
{
    (void)state;
    // Status 405 and 415 are literals in the answer's header block only when not Huffman coded;
    // the length and the end of the stream are enough here: no gRPC status, no message.
    served s;
    serve_start(&s, NULL);
    for (int kind = 0; kind < 2; kind++) {
        h2_bytes b = {0}, block = {0};
        uint8_t payload[256];
        h2_preface(&b);
        h2_header(&block, ":method", kind == 0 ? "GET" : "POST");
        h2_header(&block, ":scheme", "http");
        h2_header(&block, ":path", "/test.Test/Echo");
        h2_header(&block, ":authority", "test");
        if (kind == 1)
            h2_header(&block, "content-type", "application/json");
        h2_frame(&b, H2_HEADERS, H2_END_HEADERS | H2_END_STREAM, 1, block.p, block.n);
        int fd = h2_connect(s.port);
        assert_true(h2_send(fd, &b));
        long n = h2_await(fd, H2_HEADERS, 1, payload, sizeof payload);
        assert_true(n > 0 && n < 40);
        free(block.p);
        free(b.p);
        close(fd);
    }
    ask(&s);
    assert_int_equal(s.stats.calls, 0);
    assert_serves(&s);
    serve_stop(&s);
}

static void test_bad_message_prefixes(void **state)
{
    (void)state;
    // flag byte, length, bytes really sent
    static const struct {
        uint8_t prefix[5];
        size_t sent;
    } cases[] = {
        {{1, 0, 0, 0, 1}, 1},             // compressed
        {{7, 0, 0, 0, 1}, 1},             // unknown flag
        {{0, 0xff, 0xff, 0xff, 0xff}, 4}, // 4 GiB announced
        {{0, 0, 0, 0, 9}, 3},             // torn
        {{0, 0, 0, 1, 0}, 0},             // nothing after the prefix
    };
    served s;
    serve_start(&s, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        h2_bytes b = {0}, data = {0};
        uint8_t payload[512];
        h2_preface(&b);
        h2_open(&b, 1, "/test.Test/Echo", false);
        h2_put(&data, cases[i].prefix, 5);
        h2_put(&data, "xxxx", cases[i].sent);
        h2_frame(&b, H2_DATA, H2_END_STREAM, 1, data.p, data.n);
        int fd = h2_connect(s.port);
        assert_true(h2_send(fd, &b));
        // Headers first, then trailers with the refusal; never a message.
        assert_true(h2_await(fd, H2_HEADERS, 1, payload, sizeof payload) > 0);
        assert_true(h2_await(fd, H2_HEADERS, 1, payload, sizeof payload) > 0);
        free(data.p);
        free(b.p);
        close(fd);
    }
    assert_serves(&s);
    serve_stop(&s);
}

static void test_too_many_streams(void **state)
{
    (void)state;
    rpc_limits limits = {.max_streams = 50};
    served s;
    serve_start(&s, &limits);
    h2_bytes b = {0};
    h2_preface(&b);
    for (uint32_t i = 0; i < 60; i++)
        h2_open(&b, 2 * i + 1, "/test.Test/Hang", false);
    int fd = h2_connect(s.port);
    assert_true(h2_send(fd, &b));
    uint8_t payload[8];
    for (uint32_t i = 50; i < 60; i++) {
        assert_int_equal(h2_await(fd, H2_RST_STREAM, 2 * i + 1, payload, 8), 4);
        assert_int_equal(payload[3], REFUSED_STREAM);
    }
    ask(&s);
    assert_int_equal(s.hanging, 50);
    close(fd);
    free(b.p);
    assert_serves(&s);
    serve_stop(&s);
}

// Calls of all connections count together. Who opens many at once is told so for as many again,
// and then just refused.
static void test_too_many_calls(void **state)
{
    (void)state;
    enum { MOST = 50, FIRST = 30, SECOND = 90 };
    rpc_limits limits = {.max_calls = MOST};
    served s;
    serve_start(&s, &limits);
    uint8_t payload[8];
    int fds[2];
    for (int k = 0; k < 2; k++) {
        h2_bytes b = {0};
        h2_preface(&b);
        for (uint32_t i = 0; i < (k == 0 ? FIRST : SECOND); i++)
            h2_open(&b, 2 * i + 1, "/test.Test/Hang", false);
        fds[k] = h2_connect(s.port);
        assert_true(h2_send(fds[k], &b));
        free(b.p);
        while (s.hanging != (k == 0 ? FIRST : MOST))
            ask(&s);
    }
    // The second connection's came in one piece: 20 were taken, 50 answered, 20 refused.
    for (uint32_t i = 20; i < 70; i++)
        assert_true(h2_await(fds[1], H2_HEADERS, 2 * i + 1, payload, 8) > 0);
    ask(&s);
    assert_int_equal(s.hanging, MOST);
    assert_int_equal(s.stats.calls, MOST);
    assert_int_equal(s.stats.calls_refused, FIRST + SECOND - MOST);
    assert_int_equal(s.stats.calls_started, 2 * MOST);
    close(fds[0]);
    close(fds[1]);
    while (s.stats.calls > 0)
        ask(&s);
    assert_serves(&s);
    serve_stop(&s);
}

// Asks for half a gigabyte and reads nothing: what the server holds stays small, and keepalive
// ends the connection although the peer's kernel answers for it.
static void test_peer_that_never_reads(void **state)
{
    (void)state;
    rpc_limits limits = {.keepalive_ms = 100, .keepalive_wait_ms = 100};
    served s;
    serve_start(&s, &limits);
    h2_bytes b = {0};
    uint64_t request[2] = {512, 1 << 20};
    static const uint8_t wide[4] = {0x7f, 0, 0, 0};
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    h2_preface(&b);
    h2_frame(&b, H2_WINDOW_UPDATE, 0, 0, wide, 4);
    h2_open(&b, 1, "/test.Test/Count", false);
    h2_frame(&b, H2_WINDOW_UPDATE, 0, 1, wide, 4);
    h2_message(&b, 1, request, 16, true);
    int fd = h2_connect(s.port);
    assert_true(h2_send(fd, &b));
    for (int i = 0; i < 500; i++) {
        usleep(10000);
        ask(&s);
        if (i > 5 && s.stats.connections == 0)
            break;
    }
    assert_int_equal(s.stats.connections, 0);
    assert_int_equal(s.stats.calls, 0);
    assert_true(s.max_queue <= (4 << 20) + 5);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 32 * 1024);
    close(fd);
    free(b.p);
    assert_serves(&s);
    serve_stop(&s);
}

static void test_silent_and_surplus_connections(void **state)
{
    (void)state;
    enum { N = 12 };
    rpc_limits limits = {.handshake_ms = 300, .max_connections = 10};
    served s;
    int fds[N];
    serve_start(&s, &limits);
    for (int i = 0; i < N; i++)
        assert_true((fds[i] = h2_connect(s.port)) >= 0);
    // The surplus ends at once, the silent ones when their time for a handshake is over.
    for (int i = N - 1; i >= 0; i--) {
        assert_true(h2_ends(fds[i], NULL));
        close(fds[i]);
    }
    ask(&s);
    assert_int_equal(s.stats.accepted, 10);
    assert_int_equal(s.stats.refused, 2);
    assert_int_equal(s.stats.connections, 0);
    assert_serves(&s);
    serve_stop(&s);

    limits = (rpc_limits){.max_connections_host = 3};
    serve_start(&s, &limits);
    for (int i = 0; i < 4; i++)
        assert_true((fds[i] = h2_connect(s.port)) >= 0);
    assert_true(h2_ends(fds[3], NULL));
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    serve_stop(&s);
}

static size_t open_descriptors(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n - 3; // . and .. and the folder itself
}

static void test_out_of_descriptors(void **state)
{
    (void)state;
    enum { PEERS = 60 };
    served s;
    int fds[PEERS];
    serve_start(&s, NULL);
    // The peers live in this process too: their sockets are made first, the limit comes then.
    for (int i = 0; i < PEERS; i++)
        assert_true((fds[i] = socket(AF_INET, SOCK_STREAM, 0)) >= 0);
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = open_descriptors() + 10;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct {
        uint16_t family, port;
        uint8_t ip[4], zero[8];
    } addr = {AF_INET, (uint16_t)(s.port << 8 | s.port >> 8), {127, 0, 0, 1}, {0}};
    for (int i = 0; i < PEERS; i++)
        assert_int_equal(connect(fds[i], (struct sockaddr *)&addr, sizeof addr), 0);
    for (int i = 0; i < 500 && s.stats.accept_errors == 0; i++) {
        usleep(2000);
        ask(&s);
    }
    assert_true(s.stats.accept_errors > 0);
    usleep(250000); // it keeps failing, and must not spin
    ask(&s);
    assert_true(s.stats.accept_errors < 50);
    for (int i = 0; i < PEERS; i++)
        close(fds[i]);
    // Still at the low limit: descriptors are free again, so is the server.
    assert_serves(&s);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_serves(&s);
    serve_stop(&s);
}

// Random frames with right and wrong lengths, on top of an open call.
static void test_random_frames(void **state)
{
    (void)state;
    served s;
    serve_start(&s, NULL);
    test_rng rng = test_rng_new(20261123);
    for (int round = 0; round < 150; round++) {
        h2_bytes b = {0};
        h2_preface(&b);
        h2_open(&b, 1, "/test.Test/Chat", false);
        for (int i = 0; i < 20; i++) {
            uint8_t payload[64];
            uint64_t r = test_rng_u64(&rng);
            for (size_t k = 0; k < sizeof payload; k++)
                payload[k] = (uint8_t)test_rng_u64(&rng);
            size_t n = r % 64;
            h2_frame(&b, (uint8_t)(r >> 8) % 12, (uint8_t)(r >> 16), (uint32_t)(r >> 24) % 4,
                     payload, n);
        }
        if (round % 3 == 0 && b.n > 200)
            b.n -= test_rng_u64(&rng) % 100;
        int fd = h2_connect(s.port);
        h2_send(fd, &b);
        free(b.p);
        close(fd);
    }
    assert_serves(&s);
    serve_stop(&s);
}

// A server that answers nonsense: the client's call ends, whatever comes.
static void test_nonsense_answers(void **state)
{
    (void)state;
    rpc_fixture f;
    rpc_channel_options co = {.backoff_min_ms = 1, .backoff_max_ms = 2};
    fixture_server(&f, NULL, NULL);
    struct {
        uint16_t family, port;
        uint8_t ip[4], zero[8];
    } addr = {AF_INET, 0, {127, 0, 0, 1}, {0}};
    socklen_t n = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, n), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &n), 0);
    snprintf(f.url, sizeof f.url, "http://127.0.0.1:%u",
             (unsigned)(uint16_t)(addr.port << 8 | addr.port >> 8));
    test_rng rng = test_rng_new(4711);
    for (int round = 0; round < 100; round++) {
        recorder r = {0};
        rpc_call *call;
        rpc_call_options o = {.deadline_ms = 5000};
        fixture_channel(&f, &co);
        start(&call, &f, "/test.Test/Chat", &o, &r);
        int peer = -1;
        for (int i = 0; i < 1000 && peer < 0; i++) {
            run_for(&f, 1);
            peer = accept(fd, NULL, NULL);
        }
        assert_true(peer >= 0);
        h2_bytes b = {0}, block = {0};
        h2_frame(&b, H2_SETTINGS, 0, 0, NULL, 0);
        h2_header(&block, ":status", round % 2 ? "200" : "999");
        h2_header(&block, "content-type", round % 3 ? "application/grpc" : "text/html");
        h2_header(&block, "grpc-status", round % 5 ? "77" : "x");
        h2_frame(&b, H2_HEADERS, H2_END_HEADERS | (round % 7 == 0), 1, block.p, block.n);
        for (int i = 0; i < 10; i++) {
            uint8_t payload[40];
            for (size_t k = 0; k < sizeof payload; k++)
                payload[k] = (uint8_t)test_rng_u64(&rng);
            uint64_t x = test_rng_u64(&rng);
            h2_frame(&b, (uint8_t)(x % 11), (uint8_t)(x >> 8), 1, payload, x % 40);
        }
        h2_send(peer, &b);
        run_for(&f, 2);
        close(peer);
        run_until(&f, &r.done);
        assert_true(r.code != RPC_OK);
        free(b.p);
        free(block.p);
        rpc_channel_close(f.channel);
        f.channel = NULL;
    }
    close(fd);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_continuation_flood),
        cmocka_unit_test(test_header_lists),
        cmocka_unit_test(test_not_http2),
        cmocka_unit_test(test_not_grpc),
        cmocka_unit_test(test_bad_message_prefixes),
        cmocka_unit_test(test_too_many_calls),
        cmocka_unit_test(test_too_many_streams),
        cmocka_unit_test(test_peer_that_never_reads),
        cmocka_unit_test(test_silent_and_surplus_connections),
        cmocka_unit_test(test_out_of_descriptors),
        cmocka_unit_test(test_random_frames),
        cmocka_unit_test(test_nonsense_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
