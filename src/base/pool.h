// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Thread pool for data-parallel loops, and the cancel flag that long work checks.
//
// Results never depend on the number of threads: pool_for hands out disjoint index ranges, and
// whatever is combined from several ranges must be combined in index order or by an exact
// commutative operation (field addition is one).
#include "base/status.h"

#include <stdatomic.h>
#include <stdint.h>

typedef struct cancel_flag {
    atomic_bool raised;
} cancel_flag;

static inline void cancel_raise(cancel_flag *c)
{
    atomic_store_explicit(&c->raised, true, memory_order_relaxed);
}

// NULL is a flag that is never raised.
static inline bool cancel_raised(const cancel_flag *c)
{
    return c != NULL && atomic_load_explicit(&c->raised, memory_order_relaxed);
}

typedef struct pool pool;

enum { POOL_MAX_THREADS = 256 };

// n_threads = 0: one per available core. The calling thread of pool_for takes part, so n_threads
// = 1 starts no thread. ZK_EINVAL above POOL_MAX_THREADS; ZK_ENOMEM.
MUST_CHECK status pool_open(pool **out, unsigned n_threads);
void pool_close(pool *p); // NULL-safe; waits for submitted work
unsigned pool_threads(const pool *p); // 1 for NULL

// Calls fn(arg, begin, end) on disjoint ranges that cover [0, n), each of at least `grain` indices
// (the last may be shorter), and returns when all are done. p may be NULL: one call, this thread.
// Nested calls from inside fn run on the calling thread. Safe from several threads at once.
void pool_for(pool *p, size_t n, size_t grain, void (*fn)(void *arg, size_t begin, size_t end),
              void *arg);

// As pool_for, but also hands fn a slot number < pool_threads(p), distinct among ranges running at
// the same time: index of per-thread scratch.
void pool_for_slots(pool *p, size_t n, size_t grain,
                    void (*fn)(void *arg, unsigned slot, size_t begin, size_t end), void *arg);

// As pool_for; stops handing out ranges once the flag is raised and then returns ZK_ECANCELED.
MUST_CHECK status pool_for_cancelable(pool *p, size_t n, size_t grain, const cancel_flag *cancel,
                                      void (*fn)(void *arg, size_t begin, size_t end), void *arg);

// Runs fn(arg) on some pool thread later (at once, on this thread, when p has no threads).
void pool_submit(pool *p, void (*fn)(void *arg), void *arg);
// Waits until everything submitted so far has run.
void pool_drain(pool *p);
