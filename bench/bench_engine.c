// SPDX-License-Identifier: Apache-2.0 OR MIT
// bench_engine [WORKERS [JOB_WORKERS]]: the coordinator's engine alone, without network and
// provers.
//
// What does a crowd of workers cost that only answers heartbeats, and how long does it take until
// the tasks of a job over many of them are stored and handed out?
#include "cluster/api.h"
#include "coordinator/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 30000, IDLE_SECONDS = 3600, KEY_WORDS = 40 };

static uint64_t now_ms = 1700000000000;
static size_t n_beats, n_tasks;
static uint64_t *beats; // connections that have to answer

static void on_send(void *arg, uint64_t connection, const api_coordinator_message *m)
{
    (void)arg;
    if (m->payload_case == ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_HEARTBEAT)
        beats[n_beats++] = connection;
    n_tasks +=
        m->payload_case == ZISK__DISTRIBUTED__API__V1__COORDINATOR_MESSAGE__PAYLOAD_EXECUTE_TASK;
}

static void on_close(void *arg, uint64_t connection, const char *reason)
{
    (void)arg;
    (void)connection;
    fprintf(stderr, "a connection was closed: %s\n", reason);
    exit(1);
}

static void on_check(void *arg, const check_request *r)
{
    (void)arg;
    (void)r;
}

static void on_forget(void *arg, const char *job, uint32_t below_epoch)
{
    (void)arg;
    (void)job;
    (void)below_epoch;
}

static bool on_form(void *arg, const uint64_t *words, size_t n, const uint8_t *key,
                    const api_instance_contribution *c)
{
    (void)arg;
    (void)words;
    (void)n;
    (void)key;
    (void)c;
    return true;
}

static bool on_artifact(void *arg, const uint8_t sha256[32])
{
    (void)arg;
    (void)sha256;
    return true;
}

static void on_over(void *arg, const api_job_status *job, const uint8_t *proof)
{
    (void)arg;
    (void)job;
    (void)proof;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static double wall_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t memory_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (size_t)u.ru_maxrss;
}

static void join(engine *e, uint64_t connection)
{
    char id[32];
    uint8_t digest[32] = {1};
    uint64_t words[KEY_WORDS] = {1};
    snprintf(id, sizeof id, "worker-%llu", (unsigned long long)connection);
    api_compute_capacity c = API_COMPUTE_CAPACITY_INIT;
    c.compute_units = 10;
    api_worker_abilities a = API_WORKER_ABILITIES_INIT;
    a.program_digest = a.program_key = (ProtobufCBinaryData){sizeof digest, digest};
    a.key_words = words;
    a.n_key_words = KEY_WORDS;
    a.instance_proofs = true;
    api_worker_register_request r = API_WORKER_REGISTER_REQUEST_INIT;
    r.worker_id = id;
    r.compute_capacity = &c;
    r.abilities = &a;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_REGISTER;
    m.register_ = &r;
    engine_worker_message(e, now_ms, connection, "10.0.0.1:1", &m);
}

static void answer_beats(engine *e)
{
    api_heartbeat_ack a = API_HEARTBEAT_ACK_INIT;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_HEARTBEAT_ACK;
    m.heartbeat_ack = &a;
    for (size_t k = 0; k < n_beats; k++)
        engine_worker_message(e, now_ms, beats[k], "10.0.0.1:1", &m);
    n_beats = 0;
}

static int run(engine *e, size_t n_workers, size_t n_job)
{
    double before = cpu_seconds();
    for (size_t k = 1; k <= n_workers; k++)
        join(e, k);
    printf("%-44s %10.1f ms CPU\n", "registration of all workers", (cpu_seconds() - before) * 1e3);
    before = cpu_seconds();
    for (int s = 0; s < IDLE_SECONDS; s++) {
        uint64_t next;
        now_ms += 1000;
        engine_tick(e, now_ms, &next);
        answer_beats(e);
    }
    printf("%-44s %10.4f %% of a core\n", "heartbeats of all workers",
           (cpu_seconds() - before) / IDLE_SECONDS * 100);
    printf("%-44s %10.1f MB\n", "memory of the process", (double)memory_kib() / 1024);
    api_launch_proof_request r = API_LAUNCH_PROOF_REQUEST_INIT;
    r.compute_capacity = (uint32_t)(10 * n_job);
    char id[37];
    bool queued;
    before = cpu_seconds();
    double start = wall_seconds();
    if (engine_launch(e, now_ms, &r, id, &queued) != ZK_OK || n_tasks != n_job) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    printf("%-44s %10.1f ms, %.1f ms CPU\n", "a job until its tasks are stored and sent",
           (wall_seconds() - start) * 1e3, (cpu_seconds() - before) * 1e3);
    return 0;
}

int main(int argc, char **argv)
{
    size_t n_workers = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    size_t n_job = argc > 2 ? strtoull(argv[2], NULL, 10) : 200;
    beats = calloc(n_workers + 1, sizeof *beats);
    char folder[] = "/tmp/zisk-bench-XXXXXX", command[64];
    store *s;
    engine *e;
    const engine_limits limits = {.max_workers_per_job = n_job,
                                  .max_total_workers = n_workers,
                                  .heartbeat_timeout_ms = HEARTBEAT_MS,
                                  .reconnect_grace_ms = 60000,
                                  .phase_timeout_ms = {300000, 600000, 600000},
                                  .capacity_timeout_ms = 600000,
                                  .max_attempts = 3,
                                  .task_timeouts = 100,
                                  .plan = API_PLAN_PARAMETERS_INIT};
    const engine_hooks hooks = {.send = on_send,
                                .close = on_close,
                                .check = on_check,
                                .forget_checks = on_forget,
                                .contribution_form = on_form,
                                .has_artifact = on_artifact,
                                .over = on_over};
    if (beats == NULL || mkdtemp(folder) == NULL || store_open(&s, folder) != ZK_OK ||
        engine_open(&e, s, &limits, &hooks, now_ms) != ZK_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    int result = run(e, n_workers, n_job);
    engine_close(e);
    store_close(s);
    free(beats);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) == 0 ? result : 1;
}
