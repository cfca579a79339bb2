// SPDX-License-Identifier: Apache-2.0 OR MIT
// Metrics: the text format, and the server over real sockets with a loop that turns, stalls or
// ends.
#include "unit/must.h"

#include "cluster/metrics_http.h"
#include "cluster/metrics_text.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

// ---- Text --------------------------------------------------------------------------------------

static void writes_the_text_format(void **state)
{
    (void)state;
    byte_buffer b = buffer_new();
    must(metrics_family(&b, "a_total", METRIC_COUNTER, "What \\ it\ncounts"));
    metric_label labels[] = {{"x", "q\"\\\n\xff\xc3\xa9"}, {"y", ""}};
    must(metrics_count(&b, "a_total", labels, 2, UINT64_MAX));
    must(metrics_single(&b, "g", METRIC_GAUGE, "One", 7));
    must(metrics_value(&b, "v", NULL, 0, 0.5));
    static const double bounds[] = {0.5, 2, 300};
    metrics_buckets buckets = {bounds, 3};
    metrics_histogram h = {0};
    const double seen[] = {0.25, 0.5, 0.75, 2, 300, 300.5};
    for (int i = 0; i < 6; i++)
        metrics_observe(&h, buckets, seen[i]);
    must(metrics_family(&b, "h", METRIC_HISTOGRAM, "H"));
    must(metrics_put_histogram(&b, "h", labels + 1, 1, buckets, &h));
    must(metrics_put_histogram(&b, "h", NULL, 0, buckets, &h));
    must(buffer_put_u8(&b, 0));
    assert_string_equal((const char *)b.data,
                        "# HELP a_total What \\\\ it\\ncounts\n"
                        "# TYPE a_total counter\n"
                        "a_total{x=\"q\\\"\\\\\\n\xef\xbf\xbd\xc3\xa9\",y=\"\"} "
                        "18446744073709551615\n"
                        "# HELP g One\n# TYPE g gauge\ng 7\n"
                        "v 0.5\n"
                        "# HELP h H\n# TYPE h histogram\n"
                        "h_bucket{y=\"\",le=\"0.5\"} 2\n"
                        "h_bucket{y=\"\",le=\"2\"} 4\n"
                        "h_bucket{y=\"\",le=\"300\"} 5\n"
                        "h_bucket{y=\"\",le=\"+Inf\"} 6\n"
                        "h_sum{y=\"\"} 604\n"
                        "h_count{y=\"\"} 6\n"
                        "h_bucket{le=\"0.5\"} 2\n"
                        "h_bucket{le=\"2\"} 4\n"
                        "h_bucket{le=\"300\"} 5\n"
                        "h_bucket{le=\"+Inf\"} 6\n"
                        "h_sum 604\n"
                        "h_count 6\n");
    buffer_clear(&b);
}

// ---- Server ------------------------------------------------------------------------------------

typedef struct world {
    rpc_loop *loop;
    metrics_http *m;
    pthread_t thread, loop_thread;
    _Atomic int stall_fd; // render waits until this pipe is closed; -1: not
    _Atomic bool healthy, told;
    _Atomic size_t n_lines;
    unsigned rendered;
} world;

static status render(void *arg, byte_buffer *out)
{
    world *x = arg;
    assert_true(pthread_equal(pthread_self(), x->loop_thread));
    x->rendered++;
    char byte;
    if (x->stall_fd >= 0 && read(x->stall_fd, &byte, 1) < 0)
        return ZK_EIO;
    for (size_t i = 0; i < x->n_lines; i++)
        TRY(metrics_value(out, "line", NULL, 0, (double)i));
    return ZK_OK;
}

static bool healthy(void *arg, byte_buffer *out)
{
    world *x = arg;
    assert_true(pthread_equal(pthread_self(), x->loop_thread));
    return x->healthy && (!x->told || buffer_put_text(out, "draining\n") == ZK_OK);
}

static void *run_loop(void *arg)
{
    world *x = arg;
    x->loop_thread = pthread_self();
    rpc_loop_run(x->loop);
    return NULL;
}

static void open_world(world *x, const char *host)
{
    *x = (world){.stall_fd = -1, .healthy = true, .n_lines = 3};
    must(rpc_loop_open(&x->loop));
    metrics_http_options o = {
        .loop = x->loop, .host = host, .render = render, .healthy = healthy, .arg = x};
    must(metrics_http_open(&x->m, &o));
    assert_true(metrics_http_port(x->m) != 0);
    pthread_create(&x->thread, NULL, run_loop, x);
}

static void close_server(void *arg)
{
    world *x = arg;
    metrics_http_close(x->m);
    rpc_loop_stop(x->loop);
}

static void close_world(world *x)
{
    rpc_loop_post(x->loop, close_server, x);
    pthread_join(x->thread, NULL);
    rpc_loop_close(x->loop);
}

static int dial(const world *x)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(metrics_http_port(x->m)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

// The whole answer to a request, the connection closed after it.
static char *ask(const world *x, const char *request)
{
    static char answer[1 << 20];
    int fd = dial(x);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    size_t n = 0;
    ssize_t got;
    struct pollfd p = {fd, POLLIN, 0};
    while (n < sizeof answer - 1 && poll(&p, 1, 20000) > 0 &&
           (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0)
        n += (size_t)got;
    answer[n] = 0;
    close(fd);
    return answer;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void expect(const char *answer, const char *start, const char *part)
{
    if (strncmp(answer, start, strlen(start)) != 0 || strstr(answer, part) == NULL)
        fail_msg("instead of \"%s\" with \"%s\": %.300s", start, part, answer);
}

static void answers_two_paths(void **state)
{
    (void)state;
    world x;
    open_world(&x, NULL);
    char *a = ask(&x, GET("/metrics"));
    expect(a, "HTTP/1.1 200", "\r\n\r\nline 0\nline 1\nline 2\n");
    expect(a, "HTTP/1.1 200", "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    expect(ask(&x, GET("/metrics?x=1")), "HTTP/1.1 200", "line 2");
    expect(ask(&x, GET("/health")), "HTTP/1.1 200", "\r\n\r\nok\n");
    x.told = true;
    expect(ask(&x, GET("/health")), "HTTP/1.1 200", "\r\n\r\ndraining\n");
    x.healthy = false;
    expect(ask(&x, GET("/health")), "HTTP/1.1 503", "\r\n\r\nnot able to work\n");
    expect(ask(&x, GET("/")), "HTTP/1.1 404", "/metrics and /health");
    expect(ask(&x, GET("/metrics/../etc/passwd")), "HTTP/1.1 404", "");
    expect(ask(&x, "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
                   "3\r\n\r\nabc"),
           "HTTP/1.1 405", "Allow: GET, HEAD\r\n");
    a = ask(&x, "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(a, "HTTP/1.1 200", "Content-Length: 21\r\n");
    assert_null(strstr(a, "line 0"));
    x.n_lines = 20000;
    expect(ask(&x, GET("/metrics")), "HTTP/1.1 200", "line 19999\n");
    close_world(&x);
}

static void says_so_when_the_loop_stands_still(void **state)
{
    (void)state;
    world x;
    open_world(&x, "127.0.0.1");
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    x.stall_fd = pipe_ends[0];
    int fd = dial(&x); // its question occupies the loop
    assert_true(write(fd, GET("/metrics"), strlen(GET("/metrics"))) > 0);
    char byte;
    assert_int_equal(read(fd, &byte, 0), 0);
    expect(ask(&x, GET("/health")), "HTTP/1.1 503", "the event loop does not answer");
    close(pipe_ends[1]);
    x.stall_fd = -1;
    expect(ask(&x, GET("/health")), "HTTP/1.1 200", "ok");
    close(fd);
    close_world(&x);
    close(pipe_ends[0]);
}

static void stop_loop(void *arg)
{
    rpc_loop_stop(arg);
}

static void closes_while_somebody_waits(void **state)
{
    (void)state;
    world x;
    open_world(&x, NULL);
    rpc_loop_post(x.loop, stop_loop, x.loop); // nobody runs the loop any more
    pthread_join(x.thread, NULL);
    int fd = dial(&x);
    assert_true(write(fd, GET("/metrics"), strlen(GET("/metrics"))) > 0);
    struct pollfd p = {fd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 100), 0); // it waits for the loop
    metrics_http_close(x.m);
    x.loop_thread = pthread_self();
    rpc_loop_close(x.loop); // the question is asked here, and nothing is rendered
    assert_int_equal(x.rendered, 0);
    close(fd);
}

static void bounds_connections(void **state)
{
    (void)state;
    world x;
    open_world(&x, NULL);
    int fds[METRICS_MAX_CONNECTIONS + 8];
    for (int i = 0; i < METRICS_MAX_CONNECTIONS + 8; i++)
        fds[i] = dial(&x); // and say nothing
    for (int i = 0; i < METRICS_MAX_CONNECTIONS + 8; i++)
        close(fds[i]);
    expect(ask(&x, GET("/health")), "HTTP/1.1 200", "ok");
    // A head that never ends is cut off by the limit on memory.
    int fd = dial(&x);
    char junk[1024];
    memset(junk, 'a', sizeof junk);
    assert_true(write(fd, "GET /", 5) == 5);
    for (int i = 0; i < 64; i++)
        if (send(fd, junk, sizeof junk, MSG_NOSIGNAL) < 0)
            break;
    struct pollfd p = {fd, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 20000), 1);
    close(fd);
    close_world(&x);
}

static void refuses_addresses(void **state)
{
    (void)state;
    world x;
    open_world(&x, NULL);
    metrics_http *m;
    metrics_http_options o = {.loop = x.loop, .host = "localhost", .render = render};
    assert_int_equal(metrics_http_open(&m, &o), ZK_EINVAL);
    assert_non_null(strstr(status_message(), "localhost"));
    o.host = "127.0.0.1";
    o.port = metrics_http_port(x.m);
    assert_int_equal(metrics_http_open(&m, &o), ZK_EIO);
    assert_non_null(strstr(status_message(), "127.0.0.1 port"));
    assert_null(m);
    close_world(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_text_format),
        cmocka_unit_test(answers_two_paths),
        cmocka_unit_test(says_so_when_the_loop_stands_still),
        cmocka_unit_test(closes_while_somebody_waits),
        cmocka_unit_test(bounds_connections),
        cmocka_unit_test(refuses_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
