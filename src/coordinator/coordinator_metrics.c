// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/coordinator_metrics.h"

#include "cluster/metrics_process.h"

#include <stdlib.h>
#include <string.h>

typedef enum outcome { SUCCESS, FAILURE, CANCELLED, OUTCOME_COUNT } outcome;
static const char *const outcome_names[] = {"success", "failure", "cancelled"};

typedef enum job_kind { KIND_PROVE, KIND_SIMULATE, KIND_COUNT } job_kind;
static const char *const kind_names[] = {"prove", "simulate"};

// Where a job spends its time: in the queue, or in a phase.
enum { STAGE_QUEUE, STAGE_CONTRIBUTIONS, STAGE_PROVE_PHASE, STAGE_AGGREGATE, N_STAGES };
static const char *const stage_names[] = {"queue", "contributions", "prove", "aggregate"};

// As the newer original, and two more for long jobs.
static const double job_bounds[] = {1, 2, 5, 10, 20, 60, 300, 1800, 7200};
static const metrics_buckets job_buckets = {job_bounds, sizeof job_bounds / sizeof *job_bounds};
static const double call_bounds[] = {0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60};
static const metrics_buckets call_buckets = {call_bounds, sizeof call_bounds / sizeof *call_bounds};

typedef struct method {
    char name[64];
    uint64_t by_code[RPC_CODE_COUNT];
    metrics_histogram seconds;
} method;

typedef struct job_under_way {
    struct job_under_way *next;
    char *id;
    int stage;
    uint64_t since_ms;
} job_under_way;

typedef struct worker_numbers {
    char *id;
    uint64_t jobs[OUTCOME_COUNT];
} worker_numbers;

struct coordinator_metrics {
    uint64_t started_ms;
    method methods[METRICS_MAX_METHODS];
    size_t n_methods;
    job_under_way *jobs;
    uint64_t jobs_over[KIND_COUNT][OUTCOME_COUNT];
    metrics_histogram job_seconds[OUTCOME_COUNT];
    metrics_histogram stage_seconds[N_STAGES];
    worker_numbers workers[METRICS_MAX_WORKERS + 1]; // [METRICS_MAX_WORKERS]: all others
    size_t n_workers;
    uint64_t webhooks[2]; // given up, delivered
};

status coordinator_metrics_new(coordinator_metrics **out, uint64_t now_ms)
{
    *out = calloc(1, sizeof **out);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory for metrics");
    (*out)->started_ms = now_ms;
    return ZK_OK;
}

static void free_under_way(job_under_way *j)
{
    free(j->id);
    free(j);
}

void coordinator_metrics_free(coordinator_metrics *m)
{
    if (m == NULL)
        return;
    while (m->jobs != NULL) {
        job_under_way *j = m->jobs;
        m->jobs = j->next;
        free_under_way(j);
    }
    for (size_t i = 0; i < m->n_workers; i++)
        free(m->workers[i].id);
    free(m);
}

void coordinator_metrics_request(coordinator_metrics *m, const char *name, rpc_code code,
                                 double seconds)
{
    size_t i = 0;
    while (i < m->n_methods && strcmp(m->methods[i].name, name) != 0)
        i++;
    if (i == METRICS_MAX_METHODS || strlen(name) >= sizeof m->methods->name)
        return;
    if (i == m->n_methods)
        strcpy(m->methods[m->n_methods++].name, name);
    m->methods[i].by_code[code < RPC_CODE_COUNT ? code : RPC_UNKNOWN]++;
    metrics_observe(&m->methods[i].seconds, call_buckets, seconds);
}

void coordinator_metrics_webhook(coordinator_metrics *m, bool delivered)
{
    m->webhooks[delivered]++;
}

static worker_numbers *numbers_of(coordinator_metrics *m, const char *id)
{
    for (size_t i = 0; i < m->n_workers; i++)
        if (strcmp(m->workers[i].id, id) == 0)
            return &m->workers[i];
    char *copy = m->n_workers < METRICS_MAX_WORKERS ? strdup(id) : NULL;
    if (copy == NULL)
        return &m->workers[METRICS_MAX_WORKERS];
    m->workers[m->n_workers].id = copy;
    return &m->workers[m->n_workers++];
}

static void job_ended(coordinator_metrics *m, const api_job_status *s, outcome o)
{
    job_kind kind = o == SUCCESS && s->proof_bytes == 0 ? KIND_SIMULATE : KIND_PROVE;
    m->jobs_over[kind][o]++;
    metrics_observe(&m->job_seconds[o], job_buckets, (double)s->duration_ms / 1000);
    for (size_t i = 0; i < s->n_assigned_workers; i++)
        numbers_of(m, s->assigned_workers[i])->jobs[o]++;
}

// -1: none of the stages, the job is over.
static int stage_of(const api_job_status *s)
{
    static const char *const phases[N_STAGES] = {NULL, "Contributions", "Prove", "Aggregate"};
    for (int k = 1; k < N_STAGES; k++)
        if (strcmp(s->phase, phases[k]) == 0)
            return k;
    return strcmp(s->state, job_state_name(JOB_QUEUED)) == 0 ? STAGE_QUEUE : -1;
}

void coordinator_metrics_status(coordinator_metrics *m, uint64_t now_ms, const api_job_status *s)
{
    int stage = stage_of(s);
    job_under_way **at = &m->jobs;
    while (*at != NULL && strcmp((*at)->id, s->job_id) != 0)
        at = &(*at)->next;
    job_under_way *j = *at;
    if (j != NULL && j->stage != stage) {
        uint64_t spent = now_ms > j->since_ms ? now_ms - j->since_ms : 0;
        metrics_observe(&m->stage_seconds[j->stage], job_buckets, (double)spent / 1000);
        j->stage = stage;
        j->since_ms = now_ms;
    }
    if (stage >= 0) {
        if (j != NULL)
            return;
        j = calloc(1, sizeof *j);
        if (j == NULL || (j->id = strdup(s->job_id)) == NULL) {
            free(j); // this job is not measured
            return;
        }
        j->stage = stage;
        j->since_ms = now_ms;
        j->next = m->jobs;
        m->jobs = j;
        return;
    }
    // Told again of a job that was over before, as after a restart: it was counted then.
    if (j == NULL)
        return;
    *at = j->next;
    free_under_way(j);
    for (job_state k = JOB_COMPLETED; k <= JOB_CANCELLED; k++)
        if (strcmp(s->state, job_state_name(k)) == 0)
            job_ended(m, s, k == JOB_COMPLETED ? SUCCESS : k == JOB_FAILED ? FAILURE : CANCELLED);
}

// ---- The text ----------------------------------------------------------------------------------

#define LABELS(...)                                                                                \
    (metric_label[]){__VA_ARGS__}, sizeof((metric_label[]){__VA_ARGS__}) / sizeof(metric_label)

static status put_requests(byte_buffer *b, const coordinator_metrics *m)
{
    const char *name = "coordinator_requests_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Calls that ended, by method and gRPC status"));
    for (size_t i = 0; i < m->n_methods; i++)
        for (int code = 0; code < RPC_CODE_COUNT; code++)
            if (m->methods[i].by_code[code] > 0)
                TRY(metrics_count(b, name,
                                  LABELS({"method", m->methods[i].name},
                                         {"status", rpc_code_name((rpc_code)code)}),
                                  m->methods[i].by_code[code]));
    name = "coordinator_request_duration_seconds";
    TRY(metrics_family(b, name, METRIC_HISTOGRAM, "From the start of a call to its end"));
    for (size_t i = 0; i < m->n_methods; i++)
        TRY(metrics_put_histogram(b, name, LABELS({"method", m->methods[i].name}), call_buckets,
                                  &m->methods[i].seconds));
    return ZK_OK;
}

static status put_jobs(byte_buffer *b, const coordinator_metrics *m)
{
    const char *name = "coordinator_jobs_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Jobs that ended, since the process began"));
    for (int k = 0; k < KIND_COUNT; k++)
        for (int o = 0; o < OUTCOME_COUNT; o++)
            if (k == KIND_PROVE || o == SUCCESS)
                TRY(metrics_count(b, name,
                                  LABELS({"kind", kind_names[k]}, {"outcome", outcome_names[o]}),
                                  m->jobs_over[k][o]));
    name = "coordinator_job_duration_seconds";
    TRY(metrics_family(b, name, METRIC_HISTOGRAM, "From launch to end of a job"));
    for (int o = 0; o < OUTCOME_COUNT; o++)
        TRY(metrics_put_histogram(b, name, LABELS({"outcome", outcome_names[o]}), job_buckets,
                                  &m->job_seconds[o]));
    name = "coordinator_phase_duration_seconds";
    TRY(metrics_family(b, name, METRIC_HISTOGRAM, "Time of a job in the queue and in each phase"));
    for (int k = 0; k < N_STAGES; k++)
        TRY(metrics_put_histogram(b, name, LABELS({"phase", stage_names[k]}), job_buckets,
                                  &m->stage_seconds[k]));
    name = "coordinator_worker_jobs_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Jobs that ended, by worker that took part"));
    for (size_t i = 0; i <= m->n_workers; i++) {
        const worker_numbers *w = &m->workers[i < m->n_workers ? i : METRICS_MAX_WORKERS];
        for (int o = 0; o < OUTCOME_COUNT; o++)
            if (w->jobs[o] > 0)
                TRY(metrics_count(b, name,
                                  LABELS({"worker_id", w->id != NULL ? w->id : "other"},
                                         {"outcome", outcome_names[o]}),
                                  w->jobs[o]));
    }
    return ZK_OK;
}

static status put_system(byte_buffer *b, const api_system_status *s)
{
    TRY(metrics_single(b, "coordinator_active_jobs", METRIC_GAUGE, "Jobs that have workers",
                       s->active_jobs));
    TRY(metrics_single(b, "coordinator_queued_jobs", METRIC_GAUGE, "Jobs that wait for capacity",
                       s->queued_jobs));
    return metrics_single(b, "coordinator_capacity_units", METRIC_GAUGE,
                          "Compute units of all workers that may get work", s->compute_capacity);
}

static status put_workers(byte_buffer *b, const coordinator_view *v)
{
    // States as the API names them, the phase left out.
    static const char *const states[] = {"Idle", "Computing", "Disconnected", "Set aside"};
    uint64_t count[4] = {0}, idle_units = 0;
    for (size_t i = 0; i < v->n_workers; i++)
        for (int k = 0; k < 4; k++)
            if (strncmp(v->workers[i]->state, states[k], strlen(states[k])) == 0) {
                count[k]++;
                if (k == 0 && v->workers[i]->compute_capacity != NULL)
                    idle_units += v->workers[i]->compute_capacity->compute_units;
            }
    TRY(metrics_single(b, "coordinator_workers_connected", METRIC_GAUGE,
                       "Workers with a connection", count[0] + count[1]));
    TRY(metrics_single(b, "coordinator_capacity_idle_units", METRIC_GAUGE,
                       "Compute units of idle workers", idle_units));
    TRY(metrics_family(b, "coordinator_workers", METRIC_GAUGE, "Workers by state"));
    for (int k = 0; k < 4; k++)
        TRY(metrics_count(b, "coordinator_workers", LABELS({"state", states[k]}), count[k]));
    return ZK_OK;
}

static status put_engine(byte_buffer *b, const engine_counts *c)
{
    const struct {
        const char *name, *help;
        uint64_t value;
    } rows[] = {
        {"coordinator_worker_registrations_total", "Workers that registered", c->registrations},
        {"coordinator_worker_reconnections_total", "Workers that came back", c->reconnections},
        {"coordinator_worker_losses_total", "Connections of workers that were lost", c->losses},
        {"coordinator_workers_set_aside_total", "Workers that were caught lying", c->set_aside},
        {"coordinator_tasks_sent_total", "Tasks given to workers", c->tasks_sent},
        {"coordinator_tasks_moved_total", "Tasks taken from one worker and given to another",
         c->tasks_moved},
        {"coordinator_stale_answers_total", "Answers that belonged to no task", c->stale_answers},
        {"coordinator_epochs_started_total", "Jobs started over with other contributions",
         c->epochs_started},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        TRY(metrics_single(b, rows[i].name, METRIC_COUNTER, rows[i].help, rows[i].value));
    return ZK_OK;
}

static status put_rpc(byte_buffer *b, const rpc_server_stats *s)
{
    TRY(metrics_single(b, "coordinator_received_bytes_total", METRIC_COUNTER,
                       "Bytes from all peers", s->bytes_in));
    TRY(metrics_single(b, "coordinator_sent_bytes_total", METRIC_COUNTER, "Bytes to all peers",
                       s->bytes_out));
    TRY(metrics_single(b, "coordinator_connections", METRIC_GAUGE, "Open connections",
                       s->connections));
    TRY(metrics_single(b, "coordinator_connections_refused_total", METRIC_COUNTER,
                       "Connections refused at once: over a limit, or no file descriptor",
                       s->refused));
    TRY(metrics_single(b, "coordinator_connections_flooding_total", METRIC_COUNTER,
                       "Connections ended for exceeding a limit on frames", s->floods));
    TRY(metrics_single(b, "coordinator_calls_open", METRIC_GAUGE, "Open calls", s->calls));
    return metrics_single(b, "coordinator_calls_refused_total", METRIC_COUNTER,
                          "Calls refused because too many were open", s->calls_refused);
}

static status put_checks(byte_buffer *b, const checker_counts *c)
{
    static const char *const kinds[CHECK_KIND_COUNT] = {"proof", "total", "final"};
    const char *name = "coordinator_checks_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Verifications of what workers delivered"));
    for (int k = 0; k < CHECK_KIND_COUNT; k++) {
        const struct {
            const char *outcome;
            uint64_t n;
        } rows[] = {{"accepted", c->done[k] - c->refused[k] - c->undecided[k]},
                    {"refused", c->refused[k]},
                    {"undecided", c->undecided[k]}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            TRY(metrics_count(b, name, LABELS({"kind", kinds[k]}, {"outcome", rows[i].outcome}),
                              rows[i].n));
    }
    name = "coordinator_check_seconds_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Time spent verifying, of all threads"));
    TRY(metrics_value(b, name, NULL, 0, (double)c->busy_ns / 1e9));
    return metrics_single(b, "coordinator_checks_waiting", METRIC_GAUGE,
                          "Verifications not finished yet", c->waiting);
}

static status put_webhooks(byte_buffer *b, const coordinator_metrics *m, size_t waiting)
{
    const char *name = "coordinator_webhooks_total";
    TRY(metrics_family(b, name, METRIC_COUNTER, "Notifications delivered or given up"));
    TRY(metrics_count(b, name, LABELS({"outcome", "delivered"}), m->webhooks[1]));
    TRY(metrics_count(b, name, LABELS({"outcome", "given_up"}), m->webhooks[0]));
    return metrics_single(b, "coordinator_webhooks_waiting", METRIC_GAUGE,
                          "Notifications neither delivered nor given up yet", waiting);
}

status coordinator_metrics_render(byte_buffer *b, const coordinator_metrics *m,
                                  const coordinator_view *v)
{
    if (v->version != NULL) {
        TRY(metrics_family(b, "coordinator_build_info", METRIC_GAUGE, "Always 1"));
        TRY(metrics_count(b, "coordinator_build_info", LABELS({"version", v->version}), 1));
    }
    TRY(metrics_family(b, "coordinator_uptime_seconds", METRIC_GAUGE,
                       "Since the process began to serve"));
    TRY(metrics_value(b, "coordinator_uptime_seconds", NULL, 0,
                      (double)(v->now_ms > m->started_ms ? v->now_ms - m->started_ms : 0) / 1000));
    TRY(put_requests(b, m));
    TRY(put_jobs(b, m));
    if (v->system != NULL)
        TRY(put_system(b, v->system));
    if (v->workers != NULL)
        TRY(put_workers(b, v));
    if (v->engine != NULL)
        TRY(put_engine(b, v->engine));
    if (v->rpc != NULL)
        TRY(put_rpc(b, v->rpc));
    if (v->checks != NULL)
        TRY(put_checks(b, v->checks));
    TRY(put_webhooks(b, m, v->webhooks_waiting));
    if (v->certificate_s != NULL) {
        TRY(metrics_family(b, "coordinator_tls_certificate_seconds", METRIC_GAUGE,
                           "Until the TLS certificate expires"));
        TRY(metrics_value(b, "coordinator_tls_certificate_seconds", NULL, 0,
                          (double)*v->certificate_s));
    }
    return metrics_put_process(b);
}
