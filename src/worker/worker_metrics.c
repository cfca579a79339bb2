// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/worker_metrics.h"

#include "cluster/metrics_process.h"

#include <stdlib.h>
#include <string.h>

enum { N_TYPES = 3, N_CODES = 8 };
static const char *const type_names[N_TYPES] = {"contribution", "prove", "aggregate"};
// Codes of doc/cluster.md; the first is success, the last every other one.
static const char *const code_names[N_CODES] = {
    "OK",        "PROGRAM_FAILED", "INPUT_ERROR", "CONTRIBUTION_MISMATCH",
    "CANCELLED", "OUT_OF_MEMORY",  "STORAGE",     "INTERNAL"};

static const double bounds[] = {0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800};
static const metrics_buckets buckets = {bounds, sizeof bounds / sizeof *bounds};

struct worker_metrics {
    uint64_t tasks[N_TYPES][N_CODES];
    metrics_histogram seconds[N_TYPES];
    bool connected;
    uint64_t connections, losses;
};

status worker_metrics_new(worker_metrics **out)
{
    *out = calloc(1, sizeof **out);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory for metrics");
    return ZK_OK;
}

void worker_metrics_free(worker_metrics *m)
{
    free(m);
}

void worker_metrics_task(worker_metrics *m, Zisk__Distributed__Api__V1__TaskType type,
                         const char *error_code, double seconds)
{
    if ((unsigned)type >= N_TYPES)
        return;
    int code = error_code == NULL ? 0 : N_CODES - 1;
    for (int k = 1; error_code != NULL && k < N_CODES; k++)
        if (strcmp(error_code, code_names[k]) == 0)
            code = k;
    m->tasks[type][code]++;
    metrics_observe(&m->seconds[type], buckets, seconds);
}

void worker_metrics_connection(worker_metrics *m, bool up)
{
    if (up && !m->connected)
        m->connections++;
    if (!up && m->connected)
        m->losses++;
    m->connected = up;
}

static status put_tasks(byte_buffer *b, const worker_metrics *m)
{
    const char *name = "worker_tasks_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Tasks answered, by code of the answer"));
    for (int t = 0; t < N_TYPES; t++)
        for (int c = 0; c < N_CODES; c++)
            if (m->tasks[t][c] > 0 || c == 0) {
                metric_label labels[] = {{"type", type_names[t]}, {"code", code_names[c]}};
                TRY(metrics_count(b, name, labels, 2, m->tasks[t][c]));
            }
    name = "worker_task_duration_seconds";
    TRY(metrics_family(b, name, METRIC_HISTOGRAM, "From the start of a task to its answer"));
    for (int t = 0; t < N_TYPES; t++) {
        metric_label labels[] = {{"type", type_names[t]}};
        TRY(metrics_put_histogram(b, name, labels, 1, buckets, &m->seconds[t]));
    }
    return ZK_OK;
}

status worker_metrics_render(byte_buffer *b, const worker_metrics *m, const worker_view *v)
{
    TRY(metrics_family(b, "worker_info", METRIC_GAUGE, "Always 1"));
    metric_label info[] = {
        {"worker_id", v->worker_id}, {"version", v->version}, {"program", v->program}};
    TRY(metrics_count(b, "worker_info", info, 3, 1));
    TRY(metrics_family(b, "worker_uptime_seconds", METRIC_GAUGE, "Since the process began"));
    TRY(metrics_value(b, "worker_uptime_seconds", NULL, 0, (double)v->uptime_ms / 1000));
    TRY(put_tasks(b, m));
    const struct {
        const char *name;
        metric_type type;
        const char *help;
        uint64_t value;
    } rows[] = {
        {"worker_connected", METRIC_GAUGE, "1 while there is a connection to the coordinator",
         m->connected},
        {"worker_connections_total", METRIC_COUNTER, "Connections that came up", m->connections},
        {"worker_connection_losses_total", METRIC_COUNTER, "Connections that were lost", m->losses},
        {"worker_capacity_units", METRIC_GAUGE, "Compute units it offers", v->capacity_units},
        {"worker_computing", METRIC_GAUGE, "1 while it has a job", v->computing},
        {"worker_tasks_waiting", METRIC_GAUGE, "Tasks that were given and are not done",
         v->tasks_waiting},
        {"worker_results_waiting", METRIC_GAUGE, "Results that the coordinator has not stored yet",
         v->results_waiting},
        {"worker_jobs_total", METRIC_COUNTER, "Jobs that it took part in", v->jobs},
        {"worker_instances_total", METRIC_COUNTER, "Instances committed or proved", v->instances},
        {"worker_steps_total", METRIC_COUNTER, "Steps of programs executed", v->steps},
        {"worker_received_bytes_total", METRIC_COUNTER, "Inputs and partial proofs downloaded",
         v->bytes_down},
        {"worker_sent_bytes_total", METRIC_COUNTER, "Artifacts uploaded", v->bytes_up},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        TRY(metrics_single(b, rows[i].name, rows[i].type, rows[i].help, rows[i].value));
    return metrics_put_process(b);
}
