// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What a worker counts, as Prometheus sees it; doc/metrics.md lists the names. Durations are
// counted here, by the calls below, all else is read from the worker when the text is made. One
// thread.
#include "cluster/api.h"
#include "cluster/metrics_text.h"

typedef struct worker_metrics worker_metrics;

MUST_CHECK status worker_metrics_new(worker_metrics **out);
void worker_metrics_free(worker_metrics *m); // NULL is allowed

// A task was answered. error_code NULL: it succeeded.
void worker_metrics_task(worker_metrics *m, Zisk__Distributed__Api__V1__TaskType type,
                         const char *error_code, double seconds);
// The connection to the coordinator came up or went down.
void worker_metrics_connection(worker_metrics *m, bool up);

typedef struct worker_view {
    const char *version, *worker_id, *program; // program: digest in hexadecimal
    uint32_t capacity_units;
    bool computing;         // a job is open
    size_t tasks_waiting;   // given and not done
    size_t results_waiting; // computed and not yet stored by the coordinator
    uint64_t jobs;          // opened
    uint64_t instances;     // committed or proved
    uint64_t steps;         // executed
    uint64_t bytes_down;    // inputs, partial proofs
    uint64_t bytes_up;      // artifacts
    uint64_t uptime_ms;
} worker_view;

MUST_CHECK status worker_metrics_render(byte_buffer *out, const worker_metrics *m,
                                        const worker_view *view);
