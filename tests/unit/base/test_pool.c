// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static pool *open_pool(unsigned n_threads)
{
    pool *p;
    assert_int_equal(pool_open(&p, n_threads), ZK_OK);
    assert_int_equal(pool_threads(p), n_threads);
    return p;
}

typedef struct coverage {
    size_t n, grain;
    atomic_uint *hits; // one per index
    atomic_size_t calls;
    atomic_bool ragged; // a range broke the promise on begin or length
} coverage;

static void cover(void *arg, size_t begin, size_t end)
{
    coverage *c = arg;
    c->calls++;
    if (begin % c->grain != 0 || end > c->n || begin >= end ||
        ((end - begin) % c->grain != 0 && end != c->n))
        c->ragged = true;
    for (size_t i = begin; i < end; i++)
        c->hits[i]++;
}

// Runs one loop and demands that every index below n was visited once, in well-formed ranges.
static void check_loop(pool *p, size_t n, size_t grain, bool cancelable)
{
    coverage c = {.n = n, .grain = grain, .hits = calloc(n + 1, sizeof *c.hits)};
    assert_non_null(c.hits);
    if (cancelable) {
        cancel_flag flag = {false};
        assert_int_equal(pool_for_cancelable(p, n, grain, &flag, cover, &c), ZK_OK);
        assert_int_equal(c.calls, (n + grain - 1) / grain);
    } else {
        pool_for(p, n, grain, cover, &c);
    }
    assert_false(c.ragged);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(c.hits[i], 1);
    assert_int_equal(c.hits[n], 0);
    free(c.hits);
}

static void every_index_is_visited_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 9, 63, 64, 65, 1000, 4097};
    static const size_t grains[] = {1, 2, 8, 13, 64, 5000};
    for (unsigned threads = 0; threads <= 5; threads++) {
        pool *p = threads == 0 ? NULL : open_pool(threads);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            for (size_t j = 0; j < sizeof grains / sizeof grains[0]; j++) {
                check_loop(p, sizes[i], grains[j], false);
                check_loop(p, sizes[i], grains[j], true);
            }
        pool_close(p);
    }
}

static void one_thread_means_one_call(void **state)
{
    (void)state;
    atomic_uint hits[1000] = {0};
    coverage c = {.n = 1000, .grain = 1, .hits = hits};
    pool_for(NULL, 1000, 1, cover, &c);
    assert_int_equal(c.calls, 1);
}

enum { SLOT_THREADS = 4 };

typedef struct slots {
    atomic_bool taken[SLOT_THREADS];
    atomic_bool clash;
    atomic_size_t sum;
} slots;

static void occupy(void *arg, unsigned slot, size_t begin, size_t end)
{
    slots *s = arg;
    if (slot >= SLOT_THREADS || atomic_exchange(&s->taken[slot], true)) {
        s->clash = true;
        return;
    }
    sched_yield(); // gives others the chance to clash
    for (size_t i = begin; i < end; i++)
        s->sum += i;
    s->taken[slot] = false;
}

static void slots_are_distinct(void **state)
{
    (void)state;
    pool *p = open_pool(SLOT_THREADS);
    for (int round = 0; round < 200; round++) {
        slots s = {0};
        pool_for_slots(p, 100, 1, occupy, &s);
        assert_false(s.clash);
        assert_int_equal(s.sum, 4950);
    }
    pool_close(p);
}

typedef struct nest {
    pool *p;
    atomic_size_t inner;
    atomic_size_t elsewhere; // inner ranges that ran on another thread than their outer range
} nest;

typedef struct nest_inner {
    nest *outer;
    pthread_t thread;
} nest_inner;

static void nested_range(void *arg, size_t begin, size_t end)
{
    nest_inner *in = arg;
    in->outer->inner += end - begin;
    if (!pthread_equal(in->thread, pthread_self()))
        in->outer->elsewhere++;
}

static void outer_range(void *arg, size_t begin, size_t end)
{
    nest *n = arg;
    for (size_t i = begin; i < end; i++) {
        nest_inner in = {n, pthread_self()};
        pool_for(n->p, 10, 1, nested_range, &in);
        if (pool_for_cancelable(n->p, 10, 1, NULL, nested_range, &in) != ZK_OK)
            n->elsewhere++;
    }
}

static void nested_loops_stay_on_their_thread(void **state)
{
    (void)state;
    nest n = {.p = open_pool(3)};
    pool_for(n.p, 200, 1, outer_range, &n);
    assert_int_equal(n.inner, 4000);
    assert_int_equal(n.elsewhere, 0);
    pool_close(n.p);
}

// A loop of one grain must leave the pool to the loops inside it: both inner ranges meet.
typedef struct meeting {
    pool *p;
    pthread_barrier_t both;
} meeting;

static void meet(void *arg, size_t begin, size_t end)
{
    (void)begin, (void)end;
    pthread_barrier_wait(&((meeting *)arg)->both);
}

static void single_outer_range(void *arg, size_t begin, size_t end)
{
    (void)begin, (void)end;
    meeting *m = arg;
    pool_for(m->p, 2, 1, meet, m);
}

static void ranges_run_side_by_side(void **state)
{
    (void)state;
    meeting m = {.p = open_pool(2)};
    pthread_barrier_init(&m.both, NULL, 2);
    pool_for(m.p, 1, 1, single_outer_range, &m); // hangs (CTest's timeout) if either runs inline
    pthread_barrier_destroy(&m.both);
    pool_close(m.p);
}

typedef struct canceling {
    cancel_flag flag;
    atomic_size_t calls;
    size_t raise_at; // call number at which the flag is raised
} canceling;

static void raise_midway(void *arg, size_t begin, size_t end)
{
    (void)begin, (void)end;
    canceling *c = arg;
    if (++c->calls == c->raise_at)
        cancel_raise(&c->flag);
}

static void cancel_stops_the_loop(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        pool *p = open_pool(threads);
        canceling c = {.raise_at = 10};
        assert_int_equal(pool_for_cancelable(p, 1000000, 1, &c.flag, raise_midway, &c),
                         ZK_ECANCELED);
        // Each other thread may be inside one range, and past the check of one more.
        assert_in_range(c.calls, 10, 10 + 2 * threads);
        size_t before = c.calls;
        assert_int_equal(pool_for_cancelable(p, 5, 1, &c.flag, raise_midway, &c), ZK_ECANCELED);
        assert_int_equal(c.calls, before);
        pool_close(p);
    }
}

// Loops under a flag of pool_abandon_on cover all while it is down, and stop soon when it is up.
static void abandoned_loops_stop(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        pool *p = open_pool(threads);
        cancel_flag flag = {false};
        assert_null(pool_abandon_on(&flag));
        static const size_t sizes[] = {1, 63, 64, 65, 1000, 4097};
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            check_loop(p, sizes[i], 1, false);
            check_loop(p, sizes[i], 13, false);
        }
        coverage c = {.n = 10000, .grain = 10, .hits = calloc(10001, sizeof *c.hits)};
        assert_non_null(c.hits);
        cancel_raise(&flag);
        pool_for(p, c.n, c.grain, cover, &c);
        assert_int_equal(c.calls, 0);
        canceling m = {.raise_at = 10}; // of the 64 or so ranges that the loop is cut into
        assert_ptr_equal(pool_abandon_on(&m.flag), &flag);
        pool_for(p, 1000000, 1, raise_midway, &m);
        assert_in_range(m.calls, 10, 10 + 2 * threads);
        assert_ptr_equal(pool_abandon_on(NULL), &m.flag);
        pool_for(p, c.n, c.grain, cover, &c); // and without one all is covered
        for (size_t i = 0; i < c.n; i++)
            assert_int_equal(c.hits[i], 1);
        free(c.hits);
        pool_close(p);
    }
}

static void count_task(void *arg)
{
    atomic_fetch_add((atomic_size_t *)arg, 1);
}

static void slow_count_task(void *arg)
{
    usleep(200);
    count_task(arg);
}

static void no_work_is_lost(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 4; threads++) {
        atomic_size_t done = 0;
        pool *p = open_pool(threads);
        for (int i = 0; i < 300; i++) // grows the queue past its first capacity
            pool_submit(p, slow_count_task, &done);
        pool_drain(p);
        assert_int_equal(done, 300);
        for (int i = 0; i < 300; i++)
            pool_submit(p, slow_count_task, &done);
        pool_close(p);
        assert_int_equal(done, 600);
    }
    atomic_size_t done = 0;
    pool_submit(NULL, count_task, &done);
    pool_drain(NULL);
    pool_close(NULL);
    assert_int_equal(done, 1);
}

typedef struct chain {
    pool *p;
    atomic_size_t left;
    atomic_size_t sum;
} chain;

static void add_range(void *arg, size_t begin, size_t end)
{
    chain *c = arg;
    c->sum += end - begin;
}

// A task that runs a loop and submits its successor.
static void link_task(void *arg)
{
    chain *c = arg;
    pool_for(c->p, 100, 1, add_range, c);
    if (--c->left != 0)
        pool_submit(c->p, link_task, c);
}

static void tasks_may_loop_and_submit(void **state)
{
    (void)state;
    for (unsigned threads = 2; threads <= 3; threads++) {
        chain c = {.p = open_pool(threads), .left = 50};
        pool_submit(c.p, link_task, &c);
        pool_close(c.p); // must run the successors too
        assert_int_equal(c.left, 0);
        assert_int_equal(c.sum, 5000);
    }
}

typedef struct gate {
    pthread_barrier_t entered, leave;
    atomic_size_t done;
} gate;

static void hold(void *arg)
{
    gate *g = arg;
    pthread_barrier_wait(&g->entered);
    pthread_barrier_wait(&g->leave);
    g->done++;
}

static void *drain_thread(void *arg)
{
    pool_drain(arg);
    return NULL;
}

static void loops_proceed_while_helpers_are_busy(void **state)
{
    (void)state;
    pool *p = open_pool(2);
    gate g = {.done = 0};
    pthread_barrier_init(&g.entered, NULL, 2);
    pthread_barrier_init(&g.leave, NULL, 2);
    pool_submit(p, hold, &g);
    pthread_barrier_wait(&g.entered); // the only helper is now inside the task
    check_loop(p, 1000, 1, false);
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, drain_thread, p), 0);
    assert_int_equal(g.done, 0);
    pthread_barrier_wait(&g.leave);
    pthread_join(t, NULL);
    assert_int_equal(g.done, 1); // drain returned only after the task
    pool_close(p);
    pthread_barrier_destroy(&g.entered);
    pthread_barrier_destroy(&g.leave);
}

typedef struct storm {
    pool *p;
    atomic_size_t tasks;
    atomic_size_t sum;
    atomic_bool failed;
} storm;

static void storm_range(void *arg, size_t begin, size_t end)
{
    ((storm *)arg)->sum += end - begin;
}

static void storm_task(void *arg)
{
    storm *s = arg;
    s->tasks++;
}

static void *storm_caller(void *arg)
{
    storm *s = arg;
    for (size_t i = 1; i <= 200; i++) {
        pool_for(s->p, i, 1 + i % 3, storm_range, s);
        pool_submit(s->p, storm_task, s);
        slots sl = {0};
        pool_for_slots(s->p, 20, 1, occupy, &sl);
        canceling c = {.raise_at = i};
        status r = pool_for_cancelable(s->p, 100, 1, &c.flag, raise_midway, &c);
        if (sl.clash || sl.sum != 190 || (r == ZK_OK) != (i > 100))
            s->failed = true;
        if (i % 50 == 0)
            pool_drain(s->p);
    }
    return NULL;
}

static void many_callers_at_once(void **state)
{
    (void)state;
    enum { CALLERS = 4 };
    storm s = {.p = open_pool(SLOT_THREADS)};
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, storm_caller, &s), 0);
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    pool_drain(s.p);
    assert_false(s.failed);
    assert_int_equal(s.tasks, CALLERS * 200);
    assert_int_equal(s.sum, CALLERS * 200 * 201 / 2);
    pool_close(s.p);
}

static void sizes_are_checked(void **state)
{
    (void)state;
    pool *p = (pool *)&p;
    assert_int_equal(pool_open(&p, POOL_MAX_THREADS + 1), ZK_EINVAL);
    assert_null(p);
    assert_int_equal(pool_open(&p, 0), ZK_OK);
    assert_in_range(pool_threads(p), 1, POOL_MAX_THREADS);
    pool_close(p);
    assert_int_equal(pool_threads(NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_is_visited_once),
        cmocka_unit_test(one_thread_means_one_call),
        cmocka_unit_test(slots_are_distinct),
        cmocka_unit_test(nested_loops_stay_on_their_thread),
        cmocka_unit_test(ranges_run_side_by_side),
        cmocka_unit_test(cancel_stops_the_loop),
        cmocka_unit_test(abandoned_loops_stop),
        cmocka_unit_test(no_work_is_lost),
        cmocka_unit_test(tasks_may_loop_and_submit),
        cmocka_unit_test(loops_proceed_while_helpers_are_busy),
        cmocka_unit_test(many_callers_at_once),
        cmocka_unit_test(sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
