// SPDX-License-Identifier: Apache-2.0 OR MIT
// One mutex guards the list of loops under way and the queue of submitted tasks; ranges of a loop
// are claimed without it, by compare-and-swap on the loop's next index. A loop lives on the stack
// of its caller: a thread that joins is counted in `active` under the mutex, and the caller leaves
// only when the loop is out of the list and nobody is active in it.
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    RANGES_PER_THREAD = 4, // a claim takes 1/(this x threads) of what is left of the loop
    QUEUE_CAPACITY = 64,   // at the start; doubles when full
};

typedef struct loop {
    void (*fn)(void *arg, unsigned slot, size_t begin, size_t end);
    void *arg;
    size_t n, grain;
    unsigned n_threads;
    bool fixed_ranges;          // every claim is one grain
    const cancel_flag *cancel;  // may be NULL
    atomic_size_t next;         // first index not yet claimed
    unsigned joined;            // threads that ever took part: gives the slot numbers
    unsigned active;            // helpers inside; guarded by the pool's mutex, as is `joined`
    struct loop *previous_loop; // doubly linked list of the loops under way
    struct loop *next_loop;
    pthread_cond_t done; // active fell to 0
} loop;

typedef struct task {
    void (*fn)(void *arg);
    void *arg;
} task;

#define NOT_RUNNING UINT64_MAX

typedef struct helper {
    pool *owner;
    pthread_t thread;
    uint64_t running; // sequence number of the task under way, or NOT_RUNNING
} helper;

struct pool {
    unsigned n_threads; // helpers and the calling thread
    pthread_mutex_t mutex;
    pthread_cond_t work;      // for idle helpers: a loop, a task or the end
    pthread_cond_t task_done; // for pool_drain
    loop *loops;              // oldest first
    loop *last_loop;
    task *queue; // ring of queue_capacity (a power of two) tasks,
    size_t queue_capacity;
    uint64_t queue_head; // sequence number of the oldest task not yet begun
    uint64_t queue_tail; // sequence number of the next task to be submitted
    unsigned idle;
    bool closing;
    helper helpers[];
};

// True while this thread runs a range of a loop that was split: loops met there run inline.
static _Thread_local bool inside_range;

// Of pool_abandon_on; its loops are cut finer, so that the flag is looked at often enough.
static _Thread_local const cancel_flag *abandon_flag;
enum { ABANDON_RANGES = 64 };

const cancel_flag *pool_abandon_on(const cancel_flag *flag)
{
    const cancel_flag *before = abandon_flag;
    abandon_flag = flag;
    return before;
}

static bool loop_exhausted(const loop *l)
{
    return atomic_load_explicit(&l->next, memory_order_relaxed) >= l->n || cancel_raised(l->cancel);
}

static bool loop_claim(loop *l, size_t *begin, size_t *end)
{
    size_t at = atomic_load_explicit(&l->next, memory_order_relaxed);
    size_t length;
    do {
        if (at >= l->n || cancel_raised(l->cancel))
            return false;
        size_t left = l->n - at;
        length = l->grain;
        if (!l->fixed_ranges) {
            // Large ranges at first, small ones at the end, always whole grains.
            size_t share = left / ((size_t)RANGES_PER_THREAD * l->n_threads);
            if (share > l->grain)
                length = share - share % l->grain;
        }
        if (length > left)
            length = left;
    } while (!atomic_compare_exchange_weak_explicit(&l->next, &at, at + length,
                                                    memory_order_relaxed, memory_order_relaxed));
    *begin = at;
    *end = at + length;
    return true;
}

static void loop_take_part(loop *l, unsigned slot)
{
    ZK_VERIFY(slot < l->n_threads);
    size_t begin, end;
    inside_range = true;
    while (loop_claim(l, &begin, &end))
        l->fn(l->arg, slot, begin, end);
    inside_range = false;
}

static loop *find_loop(const pool *p)
{
    loop *l = p->loops;
    while (l != NULL && loop_exhausted(l))
        l = l->next_loop;
    return l;
}

// Waits for work and does it, until the pool closes. Tasks come before loops: a loop proceeds
// without helpers, a task does not.
static void *helper_main(void *arg)
{
    helper *self = arg;
    pool *p = self->owner;
    pthread_mutex_lock(&p->mutex);
    for (;;) {
        loop *l;
        if (p->queue_head != p->queue_tail) {
            task t = p->queue[p->queue_head & (p->queue_capacity - 1)];
            self->running = p->queue_head++;
            pthread_mutex_unlock(&p->mutex);
            t.fn(t.arg);
            pthread_mutex_lock(&p->mutex);
            self->running = NOT_RUNNING;
            pthread_cond_broadcast(&p->task_done);
        } else if ((l = find_loop(p)) != NULL) {
            // A helper leaves a loop only when nothing is left to claim, so it never joins twice
            // and `joined` stays below the number of threads.
            unsigned slot = l->joined++;
            l->active++;
            pthread_mutex_unlock(&p->mutex);
            loop_take_part(l, slot);
            pthread_mutex_lock(&p->mutex);
            if (--l->active == 0)
                pthread_cond_signal(&l->done);
        } else if (p->closing) {
            break;
        } else {
            p->idle++;
            pthread_cond_wait(&p->work, &p->mutex);
            p->idle--;
        }
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static unsigned available_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > POOL_MAX_THREADS ? POOL_MAX_THREADS : (unsigned)n;
}

// Joins `n_started` helpers and frees the pool.
static void stop(pool *p, unsigned n_started)
{
    pthread_mutex_lock(&p->mutex);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (unsigned i = 0; i < n_started; i++)
        pthread_join(p->helpers[i].thread, NULL);
    ZK_VERIFY(p->loops == NULL && p->queue_head == p->queue_tail);
    pthread_cond_destroy(&p->task_done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    free(p->queue);
    free(p);
}

status pool_open(pool **out, unsigned n_threads)
{
    *out = NULL;
    FAIL_IF(n_threads > POOL_MAX_THREADS, ZK_EINVAL, "%u threads asked for; the most is %d",
            n_threads, POOL_MAX_THREADS);
    if (n_threads == 0)
        n_threads = available_cores();
    unsigned n_helpers = n_threads - 1;
    pool *p = calloc(1, sizeof *p + n_helpers * sizeof(helper));
    FAIL_IF(p == NULL, ZK_ENOMEM, "no memory for a pool of %u threads", n_threads);
    p->queue = malloc(QUEUE_CAPACITY * sizeof *p->queue);
    if (p->queue == NULL) {
        free(p);
        FAIL(ZK_ENOMEM, "no memory for a pool of %u threads", n_threads);
    }
    p->n_threads = n_threads;
    p->queue_capacity = QUEUE_CAPACITY;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->task_done, NULL);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    unsigned started = 0;
    int error = 0;
    while (started < n_helpers && error == 0) {
        helper *h = &p->helpers[started];
        h->owner = p;
        h->running = NOT_RUNNING;
        error = pthread_create(&h->thread, NULL, helper_main, h);
        if (error == 0)
            started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        stop(p, started);
        FAIL(ZK_ENOMEM,
             "could not start thread %u of %u: %s; ask for fewer threads or raise the "
             "limit of processes",
             started + 2, n_threads, strerrordesc_np(error));
    }
    *out = p;
    return ZK_OK;
}

void pool_close(pool *p)
{
    if (p != NULL)
        stop(p, p->n_threads - 1);
}

unsigned pool_threads(const pool *p)
{
    return p == NULL ? 1 : p->n_threads;
}

static void loop_link(pool *p, loop *l)
{
    l->previous_loop = p->last_loop;
    *(p->last_loop == NULL ? &p->loops : &p->last_loop->next_loop) = l;
    p->last_loop = l;
}

static void loop_unlink(pool *p, loop *l)
{
    *(l->previous_loop == NULL ? &p->loops : &l->previous_loop->next_loop) = l->next_loop;
    *(l->next_loop == NULL ? &p->last_loop : &l->next_loop->previous_loop) = l->previous_loop;
}

static void loop_run(pool *p, loop *l)
{
    pthread_cond_init(&l->done, NULL);
    pthread_mutex_lock(&p->mutex);
    l->joined = 1; // the caller has slot 0
    loop_link(p, l);
    size_t useful = (l->n - 1) / l->grain; // ranges beyond the caller's first
    for (size_t i = 0; i < useful && i < p->idle; i++)
        pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->mutex);

    loop_take_part(l, 0);

    pthread_mutex_lock(&p->mutex);
    loop_unlink(p, l);
    while (l->active != 0)
        pthread_cond_wait(&l->done, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    pthread_cond_destroy(&l->done);
}

static bool runs_inline(const pool *p, size_t n, size_t grain)
{
    return pool_threads(p) == 1 || inside_range || n <= grain;
}

// pool_for and pool_for_cancelable are pool_for_slots with this in front of the caller's function.
typedef struct plain_call {
    void (*fn)(void *arg, size_t begin, size_t end);
    void *arg;
} plain_call;

static void call_plain(void *arg, unsigned slot, size_t begin, size_t end)
{
    (void)slot;
    const plain_call *call = arg;
    call->fn(call->arg, begin, end);
}

void pool_for_slots(pool *p, size_t n, size_t grain,
                    void (*fn)(void *arg, unsigned slot, size_t begin, size_t end), void *arg)
{
    grain = grain == 0 ? 1 : grain;
    if (n == 0)
        return;
    const cancel_flag *flag = inside_range ? NULL : abandon_flag;
    if (flag != NULL && n / ABANDON_RANGES > grain)
        grain = n / ABANDON_RANGES - n / ABANDON_RANGES % grain;
    if (runs_inline(p, n, grain)) {
        size_t step = flag == NULL ? n : grain;
        for (size_t at = 0; at < n && !cancel_raised(flag); at += step)
            fn(arg, 0, at, n - at < step ? n : at + step);
        return;
    }
    loop l = {.fn = fn,
              .arg = arg,
              .n = n,
              .grain = grain,
              .n_threads = p->n_threads,
              .fixed_ranges = flag != NULL,
              .cancel = flag};
    loop_run(p, &l);
}

void pool_for(pool *p, size_t n, size_t grain, void (*fn)(void *arg, size_t begin, size_t end),
              void *arg)
{
    plain_call call = {fn, arg};
    pool_for_slots(p, n, grain, call_plain, &call);
}

status pool_for_cancelable(pool *p, size_t n, size_t grain, const cancel_flag *cancel,
                           void (*fn)(void *arg, size_t begin, size_t end), void *arg)
{
    grain = grain == 0 ? 1 : grain;
    if (runs_inline(p, n, grain)) {
        for (size_t at = 0; at < n && !cancel_raised(cancel);) {
            size_t length = n - at < grain ? n - at : grain;
            fn(arg, at, at + length);
            at += length;
        }
    } else {
        plain_call call = {fn, arg};
        loop l = {.fn = call_plain,
                  .arg = &call,
                  .n = n,
                  .grain = grain,
                  .n_threads = p->n_threads,
                  .fixed_ranges = true,
                  .cancel = cancel};
        loop_run(p, &l);
    }
    FAIL_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled");
    return ZK_OK;
}

// Called under the mutex. False when there is no memory; the queue is then as before.
static bool queue_grow(pool *p)
{
    size_t capacity = 2 * p->queue_capacity;
    task *queue = malloc(capacity * sizeof *queue);
    if (queue == NULL)
        return false;
    for (uint64_t i = p->queue_head; i != p->queue_tail; i++)
        queue[i & (capacity - 1)] = p->queue[i & (p->queue_capacity - 1)];
    free(p->queue);
    p->queue = queue;
    p->queue_capacity = capacity;
    return true;
}

void pool_submit(pool *p, void (*fn)(void *arg), void *arg)
{
    bool queued = false;
    if (pool_threads(p) > 1) {
        pthread_mutex_lock(&p->mutex);
        queued = p->queue_tail - p->queue_head < p->queue_capacity || queue_grow(p);
        if (queued) {
            p->queue[p->queue_tail++ & (p->queue_capacity - 1)] = (task){fn, arg};
            pthread_cond_signal(&p->work);
        }
        pthread_mutex_unlock(&p->mutex);
    }
    if (!queued)
        fn(arg);
}

// True when a task with a sequence number below `limit` waits or runs. Tasks begin in order, so
// the head of the queue speaks for all that wait.
static bool unfinished_before(const pool *p, uint64_t limit)
{
    if (p->queue_head < limit)
        return true;
    for (unsigned i = 0; i < p->n_threads - 1; i++)
        if (p->helpers[i].running < limit)
            return true;
    return false;
}

void pool_drain(pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->mutex);
    uint64_t limit = p->queue_tail;
    while (unfinished_before(p, limit))
        pthread_cond_wait(&p->task_done, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
}
