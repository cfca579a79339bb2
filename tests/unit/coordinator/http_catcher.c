// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "http_catcher.h"

#include <arpa/inet.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

void caught_header(char *out, size_t size, const caught *r, const char *name)
{
    snprintf(out, size, "%s", "");
    size_t n = strlen(name);
    for (const char *at = strstr(r->head, "\r\n"); at != NULL; at = strstr(at, "\r\n")) {
        at += 2;
        if (strncasecmp(at, name, n) == 0 && at[n] == ':') {
            at += n + 1;
            at += strspn(at, " ");
            snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
            return;
        }
    }
}

static bool stopped(catcher *c)
{
    pthread_mutex_lock(&c->lock);
    bool stop = c->stop;
    pthread_mutex_unlock(&c->lock);
    return stop;
}

// Bytes from the peer; 0 when it went or the test is over.
static size_t receive(catcher *c, int fd, char *out, size_t n)
{
    struct pollfd p = {fd, POLLIN, 0};
    while (!stopped(c))
        if (poll(&p, 1, 50) > 0) {
            ssize_t got = read(fd, out, n);
            return got > 0 ? (size_t)got : 0;
        }
    return 0;
}

static bool take_request(catcher *c, int fd, caught *r)
{
    size_t have = 0;
    char *end = NULL;
    while (end == NULL && have < sizeof r->head - 1) {
        size_t got = receive(c, fd, r->head + have, 1);
        if (got == 0)
            return false;
        have += got;
        r->head[have] = 0;
        end = strstr(r->head, "\r\n\r\n");
    }
    char length[32];
    caught_header(length, sizeof length, r, "Content-Length");
    for (size_t left = strtoull(length, NULL, 10); left > 0;) {
        static char piece[1 << 16];
        size_t got = receive(c, fd, piece, left < sizeof piece ? left : sizeof piece);
        if (got == 0 || buffer_put(&r->body, piece, got) != ZK_OK)
            return false;
        left -= got;
    }
    return true;
}

static void *serve(void *arg)
{
    catcher *c = arg;
    struct pollfd p = {c->fd, POLLIN, 0};
    while (!stopped(c)) {
        if (poll(&p, 1, 50) <= 0)
            continue;
        int fd = accept(c->fd, NULL, NULL);
        caught r = {.body = buffer_new()};
        if (!take_request(c, fd, &r) || c->n == CATCHER_MAX) {
            buffer_clear(&r.body);
            close(fd);
            continue;
        }
        pthread_mutex_lock(&c->lock);
        const char *answer = c->n < c->n_answers ? c->answers[c->n] : "200 OK";
        c->requests[c->n++] = r;
        pthread_cond_broadcast(&c->news);
        pthread_mutex_unlock(&c->lock);
        char text[512];
        if (answer != NULL) {
            int n =
                snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nok", answer);
            if (write(fd, text, (size_t)n) != n)
                fprintf(stderr, "the client went away\n");
        } else {
            while (receive(c, fd, text, sizeof text) > 0) {
            }
        }
        close(fd);
    }
    return NULL;
}

void catcher_open(catcher *c)
{
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->news, NULL);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    assert_int_equal(bind(c->fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(c->fd, 16), 0);
    assert_int_equal(getsockname(c->fd, (struct sockaddr *)&a, &n), 0);
    c->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&c->thread, NULL, serve, c), 0);
}

void catcher_wait(catcher *c, size_t n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&c->lock);
    while (c->n < n && pthread_cond_timedwait(&c->news, &c->lock, &until) == 0) {
    }
    size_t have = c->n;
    pthread_mutex_unlock(&c->lock);
    if (have < n)
        fail_msg("%zu requests instead of %zu", have, n);
}

void catcher_close(catcher *c)
{
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    close(c->fd);
    for (size_t i = 0; i < c->n; i++)
        buffer_clear(&c->requests[i].body);
}
