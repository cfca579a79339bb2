// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Thread pool for data-parallel loops, and the cancel flag that long work checks.
//
// Results never depend on the number of threads: pool_for hands out disjoint index ranges, and
// whatever is combined from several ranges must be combined in index order or by an exact
// commutative operation (field addition is one).
//
// The thread that calls pool_for takes part in its loop and waits only for ranges already running,
// so a loop makes progress even when every other thread is busy: loops may be started from several
// threads, and from submitted work, without a deadlock. Pool threads block all signals, which are
// therefore delivered to the threads of the program.
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
void pool_close(pool *p); // NULL-safe; runs all submitted work first. No loop may be under way.
unsigned pool_threads(const pool *p); // 1 for NULL

// Calls fn(arg, begin, end) on disjoint ranges that cover [0, n) and returns when all are done.
// `begin` is a multiple of `grain` and so is every length except that of the last range (grain 0
// counts as 1; n = 0 calls nothing). p may be NULL: one call, this thread. A loop of one grain or
// less also runs on the calling thread, and loops inside it may still use the pool; loops inside a
// loop that was split run on the thread that meets them. Safe from several threads at once.
void pool_for(pool *p, size_t n, size_t grain, void (*fn)(void *arg, size_t begin, size_t end),
              void *arg);

// As pool_for, but also hands fn a slot number < pool_threads(p), distinct among the ranges of this
// call that run at the same time: index of per-thread scratch that belongs to the call.
void pool_for_slots(pool *p, size_t n, size_t grain,
                    void (*fn)(void *arg, unsigned slot, size_t begin, size_t end), void *arg);

// As pool_for with ranges of exactly `grain` indices, between which the flag is read: choose the
// grain by the promptness wanted. Once the flag is raised no further range begins, and the call
// returns ZK_ECANCELED when the running ones have ended (also when none was left to begin).
MUST_CHECK status pool_for_cancelable(pool *p, size_t n, size_t grain, const cancel_flag *cancel,
                                      void (*fn)(void *arg, size_t begin, size_t end), void *arg);

// From here on, the loops that this thread starts (pool_for, pool_for_slots) begin no further range
// once the flag is raised: what they computed is then worthless, and whoever set the flag must
// throw it away. For long computations over values, in which no loop waits for a result and no
// index is computed. NULL: no such flag. Returns the one before, to be put back.
const cancel_flag *pool_abandon_on(const cancel_flag *flag);

// Runs fn(arg) on some pool thread later, in order of submission: at once, on this thread, when p
// is NULL or has no threads of its own, or when the queue cannot grow. fn may submit more.
void pool_submit(pool *p, void (*fn)(void *arg), void *arg);

// Waits until everything submitted before this call has run. Not from inside submitted work, which
// would wait for itself. NULL-safe.
void pool_drain(pool *p);
