// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What the coordinator counts, as Prometheus sees it. Names and labels are those of ZisK's newer
// coordinator where it has them; the rest is ours. doc/metrics.md lists them.
//
// Some numbers are counted here, by the calls below; the others are read from the parts that have
// them when the text is made (coordinator_view). One thread.
#include "cluster/api.h"
#include "cluster/metrics_text.h"
#include "coordinator/checker.h"
#include "coordinator/engine.h"
#include "rpc/rpc.h"

typedef struct coordinator_metrics coordinator_metrics;

// Workers with numbers of their own; what more there are count together as worker_id "other".
enum { METRICS_MAX_WORKERS = 1024, METRICS_MAX_METHODS = 32 };

MUST_CHECK status coordinator_metrics_new(coordinator_metrics **out, uint64_t now_ms);
void coordinator_metrics_free(coordinator_metrics *m); // NULL is allowed

// A call ended. `method` is the last part of its path; at most METRICS_MAX_METHODS are told apart.
void coordinator_metrics_request(coordinator_metrics *m, const char *method, rpc_code code,
                                 double seconds);
// A job's status changed (JOB_STATUS_CHANGED of the engine): gives the durations of queue and
// phases, and at the end outcome and duration of job and workers.
void coordinator_metrics_status(coordinator_metrics *m, uint64_t now_ms, const api_job_status *s);
void coordinator_metrics_webhook(coordinator_metrics *m, bool delivered);

// Members may be NULL: what they would tell is left out.
typedef struct coordinator_view {
    uint64_t now_ms;
    const char *version;
    const api_system_status *system;
    const engine_counts *engine;
    const rpc_server_stats *rpc;
    const checker_counts *checks;
    const api_worker_info *const *workers;
    size_t n_workers;
    size_t webhooks_waiting;
    const int64_t *certificate_s; // until the TLS certificate expires
} coordinator_view;

MUST_CHECK status coordinator_metrics_render(byte_buffer *out, const coordinator_metrics *m,
                                             const coordinator_view *view);
