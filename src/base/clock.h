// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Clocks in nanoseconds. Durations and deadlines come from clock_monotonic_ns, which never steps;
// clock_realtime_ns is only for what people read. The two CPU clocks serve measurements on a busy
// machine. None of them may influence the bytes of a proof.
#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ULL
#define NS_PER_MS     1000000ULL

static inline uint64_t clock_read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t); // cannot fail for the four clocks below
    return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

// Since some fixed point before the program began.
static inline uint64_t clock_monotonic_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

// Since 1970-01-01 UTC.
static inline uint64_t clock_realtime_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

// CPU time that this thread, or all threads of the process, used so far.
static inline uint64_t clock_thread_cpu_ns(void)
{
    return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static inline uint64_t clock_process_cpu_ns(void)
{
    return clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
}
