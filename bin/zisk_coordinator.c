// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-coordinator: reads settings, opens the parts, runs the loop, goes away when told to.
#include "coordinator_client.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cluster/metrics_http.h"
#include "coordinator/checker.h"
#include "coordinator/coordinator_config.h"
#include "coordinator/coordinator_metrics.h"
#include "coordinator/endings.h"
#include "verifier/bundle.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define TARGET "coordinator"
#define MIB    (1ULL << 20)

extern char **environ;

// Other programs behind the same name. Each returns -1 when argv[1] is none of its commands.
typedef int command_main(int argc, char **argv);
static command_main *const commands[] = {coordinator_client_main, NULL};

enum {
    IO_THREADS = 4, // the loop's thread counts as one of a pool
    CHECK_THREADS = 3,
    CHUNK_LOG_STEPS = 18,
    SEND_QUEUE = 3 << 19,      // holds one chunk of a download, so that a slow reader costs one
    CONNECTIONS_BESIDE = 1024, // those of workers
    CALLS_A_WORKER = 4,        // its stream, and transfers
    CALLS_BESIDE = 4096,
    LAST_WAIT_MS = 20
};

enum { ON_HANGUP, ON_INTERRUPT, ON_TERMINATE, N_SIGNALS };

typedef struct coordinator {
    coordinator_config c;
    rpc_loop *loop;
    pool *io, *checks;
    store *jobs;
    artifacts *artifacts;
    access_list *access;
    checker *checker;
    webhook *hook;
    endings *endings;
    service *service;
    coordinator_metrics *metrics;
    metrics_http *metrics_http;
    uv_signal_t signals[N_SIGNALS];
    int n_signals;
    bool going;
    uint64_t stop_at_ns; // when going: at the latest
    rpc_timer last_wait;
    char proof_system[64];
} coordinator;

// ---- Answers of other threads

typedef struct check_answer {
    coordinator *k;
    uint64_t ticket;
    check_verdict verdict;
    char reason[256];
} check_answer;

static void on_checked(void *arg)
{
    check_answer *a = arg;
    if (a->k->service != NULL)
        service_checked(a->k->service, a->ticket, a->verdict, a->reason);
    free(a);
}

static void checked(void *arg, uint64_t ticket, check_verdict verdict, const char *reason)
{
    coordinator *k = arg;
    check_answer *a = malloc(sizeof *a);
    ZK_ASSERT(a != NULL); // without it the job would wait for ever
    *a = (check_answer){.k = k, .ticket = ticket, .verdict = verdict};
    snprintf(a->reason, sizeof a->reason, "%s", reason != NULL ? reason : "");
    rpc_loop_post(k->loop, on_checked, a);
}

static bool artifact_path(void *arg, const uint8_t sha256[32], char *path, size_t size)
{
    coordinator *k = arg;
    char found[ARTIFACT_PATH];
    return artifacts_find(k->artifacts, sha256, found, NULL) &&
           snprintf(path, size, "%s", found) < (int)size;
}

static void final_accepted(void *arg, const char *job, const uint8_t sha256[32])
{
    coordinator *k = arg;
    endings_save(k->endings, job, sha256);
}

// ---- Hooks of the engine

static void check(void *arg, const check_request *r)
{
    coordinator *k = arg;
    checker_submit(k->checker, r);
}

static void forget_checks(void *arg, const char *job, uint32_t below_epoch)
{
    coordinator *k = arg;
    checker_forget(k->checker, job, below_epoch);
}

static bool contribution_form(void *arg, const uint64_t *key_words, size_t n_key_words,
                              const uint8_t *program_key, const api_instance_contribution *c)
{
    (void)arg;
    return checker_contribution_form(key_words, n_key_words, program_key, c);
}

static void over(void *arg, const api_job_status *job, const uint8_t *proof_sha256)
{
    coordinator *k = arg;
    endings_over(k->endings, job, proof_sha256);
}

static void notified(void *arg, const char *job_id)
{
    coordinator *k = arg;
    service_notified(k->service, job_id);
}

static void webhook_delivered(void *arg, const char *job_id, bool ok)
{
    coordinator *k = arg;
    endings_delivered(k->endings, job_id, ok);
}

// ---- Metrics

static void count_call(void *arg, const char *method, rpc_code code, double seconds)
{
    coordinator *k = arg;
    coordinator_metrics_request(k->metrics, method, code, seconds);
}

static void count_status(void *arg, const api_job_status *job)
{
    coordinator *k = arg;
    coordinator_metrics_status(k->metrics, clock_realtime_ns() / NS_PER_MS, job);
}

static void count_delivery(void *arg, bool ok)
{
    coordinator *k = arg;
    coordinator_metrics_webhook(k->metrics, ok);
}

// A worker as it is counted; the engine's view of it lives until its next call.
typedef struct counted_worker {
    api_worker_info info;
    api_compute_capacity capacity;
} counted_worker;

static status list_workers(engine *e, counted_worker **out, const api_worker_info ***list, size_t n)
{
    *out = calloc(n + 1, sizeof **out);
    *list = calloc(n + 1, sizeof **list);
    FAIL_IF(*out == NULL || *list == NULL, ZK_ENOMEM, "no memory for %zu workers", n);
    for (size_t i = 0; i < n; i++) {
        counted_worker *w = &(*out)[i];
        w->info = *engine_worker_at(e, i);
        if (w->info.compute_capacity != NULL) {
            w->capacity = *w->info.compute_capacity;
            w->info.compute_capacity = &w->capacity;
        }
        (*list)[i] = &w->info;
    }
    return ZK_OK;
}

static status render_metrics(void *arg, byte_buffer *out)
{
    coordinator *k = arg;
    engine *e = service_engine(k->service);
    api_system_status now = API_SYSTEM_STATUS_INIT;
    engine_counts counts;
    rpc_server_stats rpc;
    checker_counts checks;
    counted_worker *workers;
    const api_worker_info **list;
    engine_system_status(e, &now);
    engine_get_counts(e, &counts);
    rpc_server_get_stats(service_server(k->service), &rpc);
    checker_get_counts(k->checker, &checks);
    size_t n = engine_n_workers(e);
    const bool tls = k->c.tls_cert != NULL;
    int64_t certificate_s = tls ? rpc_server_certificate_s(service_server(k->service)) : 0;
    status result = list_workers(e, &workers, &list, n);
    const coordinator_view view = {.now_ms = clock_realtime_ns() / NS_PER_MS,
                                   .version = config_version(),
                                   .system = &now,
                                   .engine = &counts,
                                   .rpc = &rpc,
                                   .checks = &checks,
                                   .workers = list,
                                   .n_workers = n,
                                   .webhooks_waiting =
                                       k->hook != NULL ? webhook_waiting(k->hook) : 0,
                                   .certificate_s = tls ? &certificate_s : NULL};
    if (result == ZK_OK)
        result = coordinator_metrics_render(out, k->metrics, &view);
    free(list);
    free(workers);
    return result;
}

static bool healthy(void *arg, byte_buffer *out)
{
    coordinator *k = arg;
    bool draining = service_draining(k->service);
    (void)!buffer_put_text(out, draining ? "shutting down\n" : "serving\n");
    return !draining;
}

static status open_metrics(coordinator *k)
{
    const metrics_http_options o = {.loop = k->loop,
                                    .host = k->c.metrics_host,
                                    .port = (uint16_t)k->c.metrics_port,
                                    .render = render_metrics,
                                    .healthy = healthy,
                                    .arg = k};
    return k->c.metrics_port != 0 ? metrics_http_open(&k->metrics_http, &o) : ZK_OK;
}

// ---- Signals

static rpc_tls_options tls_options(const coordinator *k)
{
    return (rpc_tls_options){
        .cert_file = k->c.tls_cert, .key_file = k->c.tls_key, .ca_file = k->c.tls_client_ca};
}

// Clients and workers only see that they are refused a connection, or will be.
static void look_at_certificate(const coordinator *k)
{
    enum { DAY_S = 24 * 3600, SOON_S = 14 * DAY_S };
    if (k->c.tls_cert == NULL)
        return;
    int64_t left_s = rpc_server_certificate_s(service_server(k->service));
    if (left_s <= 0)
        log_error(TARGET,
                  "the TLS certificate has expired: everybody refuses it; put a new one in "
                  "its place and send SIGHUP",
                  log_str("file", k->c.tls_cert));
    else if (left_s < SOON_S)
        log_warn(TARGET,
                 "the TLS certificate expires soon; put a new one in its place and send SIGHUP",
                 log_str("file", k->c.tls_cert), log_u64("days", (uint64_t)left_s / DAY_S));
}

static void reload(coordinator *k)
{
    bool tokens = access_reload(k->access) == ZK_OK;
    if (!tokens)
        log_error(TARGET, "the tokens cannot be read again; the old ones stay",
                  log_str("error", status_message()));
    rpc_tls_options tls = tls_options(k);
    bool files =
        k->c.tls_cert == NULL || rpc_server_reload_tls(service_server(k->service), &tls) == ZK_OK;
    if (!files)
        log_error(TARGET, "the TLS files cannot be read again; the old ones stay",
                  log_str("error", status_message()));
    if (tokens && files)
        log_info(TARGET, "read tokens and TLS files again");
    look_at_certificate(k);
}

// Ends of jobs are told within the same timeout; what is left is told after the next start.
static void on_drained(void *arg)
{
    coordinator *k = arg;
    if (endings_waiting(k->endings) == 0 || clock_monotonic_ns() >= k->stop_at_ns)
        rpc_loop_stop(k->loop);
    else
        rpc_timer_set(k->loop, &k->last_wait, LAST_WAIT_MS, on_drained, k);
}

static void on_signal(uv_signal_t *handle, int number)
{
    coordinator *k = handle->data;
    if (number == SIGHUP) {
        reload(k);
        return;
    }
    if (k->going) {
        log_warn(TARGET, "stopping at once");
        rpc_loop_stop(k->loop);
        return;
    }
    k->going = true;
    k->stop_at_ns = clock_monotonic_ns() + k->c.shutdown_timeout_seconds * NS_PER_SECOND;
    log_info(TARGET, "shutting down; once more stops at once",
             log_u64("timeout_s", k->c.shutdown_timeout_seconds));
    service_drain(k->service, 1000 * k->c.shutdown_timeout_seconds, on_drained, k);
}

static status watch_signals(coordinator *k)
{
    static const int numbers[N_SIGNALS] = {
        [ON_HANGUP] = SIGHUP, [ON_INTERRUPT] = SIGINT, [ON_TERMINATE] = SIGTERM};
    for (; k->n_signals < N_SIGNALS; k->n_signals++) {
        uv_signal_t *s = &k->signals[k->n_signals];
        FAIL_IF(uv_signal_init(rpc_loop_uv(k->loop), s) != 0, ZK_EIO, "signals cannot be watched");
        s->data = k;
        (void)uv_signal_start(s, on_signal, numbers[k->n_signals]);
    }
    return ZK_OK;
}

// ---- Start

static void log_rpc(void *arg, rpc_log_level level, const char *text)
{
    (void)arg;
    if (level == RPC_LOG_WARN)
        log_warn("rpc", text);
    else if (level == RPC_LOG_INFO)
        log_info("rpc", text);
    else
        log_debug("rpc", text);
}

static status open_log(const coordinator_config *c)
{
    log_config options = {
        .filter = c->log_filter, .stream = STDERR_FILENO, .file_path = c->log_file_path};
    TRY(log_format_from_name(&options.format, c->log_format));
    return log_open(&options);
}

static status open_folders(coordinator *k)
{
    const coordinator_config *c = &k->c;
    char path[ARTIFACT_PATH], results[ARTIFACT_PATH];
    FAIL_IF(strlen(c->state_dir) > 4000, ZK_EINVAL, "server.state_dir is too long");
    struct stat s;
    FAIL_IF(c->inputs_folder != NULL && stat(c->inputs_folder, &s) != 0, ZK_EIO,
            "server.inputs_folder %s: %m; make it, or name another", c->inputs_folder);
    FAIL_IF(c->inputs_folder != NULL && !S_ISDIR(s.st_mode), ZK_EIO,
            "server.inputs_folder %s is no folder", c->inputs_folder);
    TRY(store_open(&k->jobs, c->state_dir));
    snprintf(path, sizeof path, "%.4000s/artifacts", c->state_dir);
    snprintf(results, sizeof results, "%.4000s/results", c->state_dir);
    const artifacts_options options = {.folder = path,
                                       .results = results,
                                       .max_total_bytes = c->artifacts_max_mib * MIB,
                                       .max_bytes = c->upload_max_mib * MIB};
    return artifacts_open(&k->artifacts, &options);
}

static status open_endings(coordinator *k)
{
    const coordinator_config *c = &k->c;
    if (c->webhook_url != NULL) {
        const webhook_options hook = {.url = c->webhook_url,
                                      .timeout_ms = 1000 * c->webhook_timeout_seconds,
                                      .secret_file = c->webhook_secret_file,
                                      .retries = (uint32_t)c->webhook_retries,
                                      .max_proof_bytes = c->webhook_max_proof_mib * MIB,
                                      .proof_url = c->webhook_proof_url,
                                      .notified = webhook_delivered,
                                      .arg = k};
        TRY(webhook_open(&k->hook, &hook));
    }
    const endings_options options = {.loop = k->loop,
                                     .io = k->io,
                                     .artifacts = k->artifacts,
                                     .proofs_dir = c->proofs_dir,
                                     .retention_days = c->proofs_retention_days,
                                     .hook = k->hook,
                                     .notified = notified,
                                     .delivered = count_delivery,
                                     .arg = k};
    return endings_open(&k->endings, &options);
}

static engine_limits limits_of(const coordinator_config *c)
{
    return (engine_limits){
        .max_workers_per_job = c->max_workers_per_job,
        .max_total_workers = c->max_total_workers,
        .heartbeat_timeout_ms = 1000 * c->heartbeat_timeout_seconds,
        .reconnect_grace_ms = 1000 * c->reconnect_grace_seconds,
        .phase_timeout_ms = {1000 * c->phase1_timeout_seconds, 1000 * c->phase2_timeout_seconds,
                             1000 * c->phase3_timeout_seconds},
        .task_timeouts = (uint32_t)c->task_timeouts,
        .capacity_timeout_ms = 1000 * c->capacity_timeout_seconds,
        .job_retention_ms = 3600 * 1000 * c->job_retention_hours,
        .max_attempts = (uint32_t)c->max_attempts,
        .plan = API_PLAN_PARAMETERS_INIT,
    };
}

static status open_service(coordinator *k)
{
    const coordinator_config *c = &k->c;
    rpc_tls_options tls = tls_options(k);
    service_options o = {.loop = k->loop,
                         .jobs = k->jobs,
                         .artifacts = k->artifacts,
                         .access = k->access,
                         .io = k->io,
                         .limits = limits_of(c),
                         .name = c->service_name,
                         .version = config_version(),
                         .proof_system = k->proof_system,
                         .inputs_folder = c->inputs_folder,
                         .arg = k,
                         .check = check,
                         .forget_checks = forget_checks,
                         .contribution_form = contribution_form,
                         .over = over,
                         .status_changed = count_status,
                         .call_ended = count_call};
    o.limits.plan.instance_log_cells = (uint32_t)atoi(c->instance_log_cells);
    o.limits.plan.chunk_log_steps = CHUNK_LOG_STEPS;
    o.limits.plan.max_steps = c->max_steps;
    o.server = (rpc_server_options){
        .host = c->host, .port = (uint16_t)c->port, .tls = c->tls_cert != NULL ? &tls : NULL};
    o.server.limits.max_connections = c->max_total_workers + CONNECTIONS_BESIDE;
    o.server.limits.max_connections_host = c->max_connections_host;
    o.server.limits.max_calls = CALLS_A_WORKER * c->max_total_workers + CALLS_BESIDE;
    o.server.limits.send_queue_bytes = SEND_QUEUE;
    return service_open(&k->service, &o);
}

static status start(coordinator *k)
{
    const coordinator_config *c = &k->c;
    snprintf(k->proof_system, sizeof k->proof_system, "%s, protocol %d, file %d",
             hash_get(HASH_POSEIDON)->name, PROTOCOL_VERSION, BUNDLE_VERSION);
    TRY(rpc_loop_open(&k->loop));
    rpc_loop_set_log(k->loop, log_rpc, NULL);
    TRY(pool_open(&k->io, IO_THREADS));
    TRY(pool_open(&k->checks, CHECK_THREADS));
    const access_options access = {.admin_allow = c->admin_allow,
                                   .tokens_file = c->tokens_file,
                                   .certificates = c->tls_client_ca != NULL};
    TRY(access_open(&k->access, &access));
    TRY(open_folders(k));
    const checker_options checks = {.threads = k->checks,
                                    .arg = k,
                                    .answer = checked,
                                    .artifact_path = artifact_path,
                                    .final_accepted = final_accepted};
    TRY(checker_open(&k->checker, &checks));
    TRY(coordinator_metrics_new(&k->metrics, clock_realtime_ns() / NS_PER_MS));
    TRY(open_endings(k));
    TRY(open_service(k));
    TRY(open_metrics(k));
    return watch_signals(k);
}

static void print_banner(const coordinator *k)
{
    const coordinator_config *c = &k->c;
    const char *open = strchr(c->host, ':') != NULL ? "[" : "", *close = *open ? "]" : "";
    printf("%s %s (%s)\n"
           "Listening on %s%s%s:%u%s\n",
           c->service_name, config_version(), c->environment, open, c->host, close,
           service_port(k->service), c->tls_cert != NULL ? " with TLS" : "");
    if (k->metrics_http != NULL)
        printf("Metrics at http://%s:%u/metrics\n", c->metrics_host,
               metrics_http_port(k->metrics_http));
    fflush(stdout);
    log_info(TARGET, "started", log_str("host", c->host), log_u64("port", service_port(k->service)),
             log_str("state", c->state_dir), log_str("proofs", c->proofs_dir),
             log_u64("jobs", engine_n_jobs(service_engine(k->service))));
    look_at_certificate(k);
}

// Whatever was opened; nothing is told to anybody any more. Files that are being written get done.
static void stop(coordinator *k)
{
    for (int i = 0; i < k->n_signals; i++)
        uv_close((uv_handle_t *)&k->signals[i], NULL);
    if (k->loop != NULL)
        rpc_timer_clear(k->loop, &k->last_wait);
    metrics_http_close(k->metrics_http);
    if (k->endings != NULL)
        endings_stop(k->endings);
    if (k->service != NULL)
        service_stop(k->service);
    webhook_close(k->hook, 0);
    checker_close(k->checker);
    pool_close(k->checks);
    pool_close(k->io);
    rpc_loop_close(k->loop);
    service_free(k->service);
    endings_free(k->endings);
    artifacts_close(k->artifacts);
    store_close(k->jobs);
    access_close(k->access);
    coordinator_metrics_free(k->metrics);
}

static void warn_of_variables(const config *settings)
{
    for (size_t i = 0; i < settings->n_unknown_variables; i++)
        log_warn(TARGET, "an unknown variable in the environment is ignored",
                 log_str("name", settings->unknown_variables[i]));
}

static int run(coordinator *k, const config *settings)
{
    file_raise_limit(); // a connection is one
    status result = open_log(&k->c);
    if (result == ZK_OK) {
        warn_of_variables(settings);
        result = start(k);
    }
    if (result == ZK_OK) {
        print_banner(k);
        rpc_loop_run(k->loop);
    } else {
        log_debug(TARGET, "cannot start", LOG_STATUS(result));
        fprintf(stderr, "zisk-coordinator: %s\n", status_message());
    }
    stop(k);
    if (result == ZK_OK)
        log_info(TARGET, "stopped");
    log_close();
    return result == ZK_OK ? 0 : 1;
}

static int print_help(void)
{
    byte_buffer text = buffer_new();
    int code = 1;
    coordinator_client_list(stdout);
    fputc('\n', stdout);
    if (config_help(&text, &coordinator_program) == ZK_OK &&
        fwrite(text.data, 1, text.size, stdout) == text.size && fflush(stdout) == 0)
        code = 0;
    buffer_clear(&text);
    return code;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "help") == 0)
        argv[1] = "--help";
    for (size_t i = 0; commands[i] != NULL; i++) {
        int code = commands[i](argc, argv);
        if (code >= 0)
            return code;
    }
    static coordinator k;
    config settings;
    int code;
    if (config_load(&settings, &k.c, &coordinator_program, argc, argv, environ) != ZK_OK) {
        fprintf(stderr, "zisk-coordinator: %s; `zisk-coordinator --help` explains it\n",
                status_message());
        code = 2;
    } else if (settings.request == CONFIG_HELP) {
        code = print_help();
    } else if (settings.request == CONFIG_VERSION) {
        code = printf("zisk-coordinator %s\n", config_version()) < 0;
    } else {
        code = run(&k, &settings);
    }
    config_clear(&settings);
    return code;
}
