// SPDX-License-Identifier: Apache-2.0 OR MIT
// The loop: posts from other threads, the timer heap, and the turn that runs before each poll.
#include "rpc/rpc_internal.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

struct rpc_post {
    rpc_post *next;
    void (*fn)(void *arg);
    void *arg;
};

// ---- Timers: binary heap by due time, slot 1 is the first ----

static void heap_place(rpc_loop *loop, size_t slot, rpc_timer *t)
{
    loop->heap[slot] = t;
    t->slot = slot;
}

static void heap_up(rpc_loop *loop, size_t slot, rpc_timer *t)
{
    while (slot > 1 && loop->heap[slot / 2]->due_ms > t->due_ms) {
        heap_place(loop, slot, loop->heap[slot / 2]);
        slot /= 2;
    }
    heap_place(loop, slot, t);
}

static void heap_down(rpc_loop *loop, size_t slot, rpc_timer *t)
{
    for (;;) {
        size_t child = 2 * slot;
        if (child > loop->n_timers)
            break;
        if (child < loop->n_timers && loop->heap[child + 1]->due_ms < loop->heap[child]->due_ms)
            child++;
        if (loop->heap[child]->due_ms >= t->due_ms)
            break;
        heap_place(loop, slot, loop->heap[child]);
        slot = child;
    }
    heap_place(loop, slot, t);
}

void rpc_timer_clear(rpc_loop *loop, rpc_timer *t)
{
    if (t->slot == 0)
        return;
    size_t slot = t->slot;
    ZK_VERIFY(loop->heap[slot] == t);
    rpc_timer *last = loop->heap[loop->n_timers--];
    t->slot = 0;
    if (last == t)
        return;
    if (slot > 1 && loop->heap[slot / 2]->due_ms > last->due_ms)
        heap_up(loop, slot, last);
    else
        heap_down(loop, slot, last);
}

void rpc_timer_set(rpc_loop *loop, rpc_timer *t, uint64_t delay_ms, void (*fn)(void *arg),
                   void *arg)
{
    rpc_timer_clear(loop, t);
    uv_update_time(&loop->uv); // the loop may not have run for a while
    uint64_t now = uv_now(&loop->uv);
    t->due_ms = delay_ms > UINT64_MAX - now ? UINT64_MAX : now + delay_ms;
    t->fn = fn;
    t->arg = arg;
    if (loop->n_timers + 1 >= loop->cap_timers) {
        loop->cap_timers = loop->cap_timers == 0 ? 64 : 2 * loop->cap_timers;
        loop->heap = realloc(loop->heap, loop->cap_timers * sizeof *loop->heap);
        ZK_ASSERT(loop->heap != NULL);
    }
    loop->n_timers++;
    heap_up(loop, loop->n_timers, t);
}

static void run_due_timers(rpc_loop *loop)
{
    // A timer set by a callback with delay 0 waits for the next turn: no endless loop here.
    uint64_t now = uv_now(&loop->uv);
    for (size_t n = loop->n_timers; n > 0 && loop->n_timers > 0; n--) {
        rpc_timer *t = loop->heap[1];
        if (t->due_ms > now)
            break;
        rpc_timer_clear(loop, t);
        t->fn(t->arg);
    }
}

// ---- The turn ----

static void on_alarm(uv_timer_t *timer)
{
    (void)timer; // its work is done in the turn that follows
}

static void on_prepare(uv_prepare_t *prepare)
{
    rpc_loop *loop = prepare->data;
    run_due_timers(loop);
    // Flushing and delivering make each other work. A few rounds settle nearly always; a
    // connection with much to send comes back in the next turn, after others could read.
    for (int round = 0; round < 8 && (loop->dirty != NULL || loop->scheduled != NULL); round++) {
        rpc_conn *c = loop->dirty;
        loop->dirty = NULL;
        while (c != NULL) {
            rpc_conn *next = c->next_dirty;
            c->dirty = false;
            conn_flush(c); // may free c
            c = next;
        }
        rpc_call *call = loop->scheduled;
        loop->scheduled = NULL;
        loop->scheduled_end = &loop->scheduled;
        while (call != NULL) {
            rpc_call *next = call->next_scheduled;
            call->is_scheduled = false;
            call_turn(call);
            rpc_call_unref(call);
            call = next;
        }
    }
    uint64_t now = uv_now(&loop->uv);
    if (loop->dirty != NULL || loop->scheduled != NULL)
        uv_timer_start(&loop->alarm, on_alarm, 0, 0);
    else if (loop->n_timers == 0)
        uv_timer_stop(&loop->alarm);
    else
        uv_timer_start(&loop->alarm, on_alarm,
                       loop->heap[1]->due_ms > now ? loop->heap[1]->due_ms - now : 0, 0);
}

// ---- Posts ----

static void run_posts(rpc_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    rpc_post *post = loop->posts;
    loop->posts = NULL;
    loop->posts_end = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    while (post != NULL) {
        rpc_post *next = post->next;
        post->fn(post->arg);
        free(post);
        post = next;
    }
}

static void on_wake(uv_async_t *async)
{
    run_posts(async->data);
}

void rpc_loop_post(rpc_loop *loop, void (*fn)(void *arg), void *arg)
{
    rpc_post *post = rpc_alloc(sizeof *post);
    post->fn = fn;
    post->arg = arg;
    pthread_mutex_lock(&loop->lock);
    *loop->posts_end = post;
    loop->posts_end = &post->next;
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->wake);
}

// ---- Life ----

status rpc_loop_open(rpc_loop **out)
{
    *out = NULL;
    // A write to a connection that its peer closed must fail, not end the process.
    struct sigaction present;
    if (sigaction(SIGPIPE, NULL, &present) == 0 && present.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
    rpc_loop *loop = rpc_alloc(sizeof *loop);
    int rc = uv_loop_init(&loop->uv);
    if (rc == 0) {
        rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
        if (rc != 0)
            uv_loop_close(&loop->uv);
    }
    if (rc != 0) {
        free(loop);
        FAIL(ZK_EIO, "cannot start an event loop: %s", uv_strerror(rc));
    }
    pthread_mutex_init(&loop->lock, NULL);
    loop->posts_end = &loop->posts;
    loop->scheduled_end = &loop->scheduled;
    loop->budget = (size_t)RPC_DEFAULT_BUDGET_MIB << 20;
    loop->random = uv_hrtime() ^ (uint64_t)(uintptr_t)loop;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_timer_init(&loop->uv, &loop->alarm);
    loop->wake.data = loop;
    loop->prepare.data = loop;
    uv_prepare_start(&loop->prepare, on_prepare);
    *out = loop;
    return ZK_OK;
}

void rpc_loop_run(rpc_loop *loop)
{
    while (!atomic_exchange(&loop->stop, false))
        uv_run(&loop->uv, UV_RUN_ONCE);
}

void rpc_loop_stop(rpc_loop *loop)
{
    atomic_store(&loop->stop, true);
    uv_async_send(&loop->wake);
}

void rpc_loop_close(rpc_loop *loop)
{
    if (loop == NULL)
        return;
    // Connections and calls under way end in turns of the loop; each turn is one non-blocking run.
    run_posts(loop);
    for (int i = 0; i < 64 && (loop->dirty != NULL || loop->scheduled != NULL || i < 2); i++)
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    run_posts(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    while (uv_loop_close(&loop->uv) == UV_EBUSY)
        uv_run(&loop->uv, UV_RUN_ONCE);
    pthread_mutex_destroy(&loop->lock);
    free(loop->heap);
    free(loop);
}

uint64_t rpc_loop_now_ms(const rpc_loop *loop)
{
    return uv_now(&loop->uv);
}

struct uv_loop_s *rpc_loop_uv(rpc_loop *loop)
{
    return &loop->uv;
}

void rpc_loop_set_budget(rpc_loop *loop, size_t bytes)
{
    loop->budget = bytes;
}

size_t rpc_loop_buffered(const rpc_loop *loop)
{
    return loop->buffered;
}

void rpc_loop_set_log(rpc_loop *loop, void (*fn)(void *arg, rpc_log_level level, const char *text),
                      void *arg)
{
    loop->log = fn;
    loop->log_arg = arg;
}

void rpc_log(rpc_loop *loop, rpc_log_level level, const char *format, ...)
{
    if (loop->log == NULL)
        return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    loop->log(loop->log_arg, level, text);
}

uint64_t rpc_random(rpc_loop *loop)
{
    // splitmix64 (Steele, Lea, Flood 2014)
    uint64_t z = (loop->random += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
