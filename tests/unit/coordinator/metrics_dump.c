// SPDX-License-Identifier: Apache-2.0 OR MIT
// usage: metrics_dump coordinator|worker
// Prints the metrics of a program after some made-up history, every family with a sample.
#include "coordinator/coordinator_metrics.h"
#include "worker/worker_metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(status s)
{
    if (s != ZK_OK) {
        fprintf(stderr, "metrics_dump: %s\n", status_message());
        exit(1);
    }
}

static void dump_coordinator(byte_buffer *b)
{
    coordinator_metrics *m;
    must(coordinator_metrics_new(&m, 1000));
    coordinator_metrics_request(m, "LaunchProof", RPC_OK, 0.003);
    coordinator_metrics_request(m, "LaunchProof", RPC_RESOURCE_EXHAUSTED, 0.5);
    coordinator_metrics_request(m, "WorkerStream", RPC_UNAVAILABLE, 3600);
    char *workers[] = {"w1", "w\"2\"\n"};
    api_job_status s = API_JOB_STATUS_INIT;
    s.job_id = "j1";
    s.assigned_workers = workers;
    s.n_assigned_workers = 2;
    static char *const steps[][2] = {{"Queued", "None"},
                                     {"Running (Contributions)", "Contributions"},
                                     {"Running (Prove)", "Prove"},
                                     {"Running (Prove)", "Prove"},
                                     {"Running (Aggregate)", "Aggregate"},
                                     {"Completed", "None"},
                                     {"Completed", "None"}};
    for (int i = 0; i < 7; i++) {
        s.state = steps[i][0];
        s.phase = steps[i][1];
        s.proof_bytes = 4096;
        s.duration_ms = 6000;
        coordinator_metrics_status(m, 2000 + 1500 * (uint64_t)i, &s);
    }
    static char *const ends[] = {"Failed", "Cancelled", "Completed"};
    for (int i = 0; i < 3; i++) {
        s.job_id = "j2";
        s.state = "Running (Prove)";
        s.phase = "Prove";
        coordinator_metrics_status(m, 20000, &s);
        s.state = ends[i];
        s.phase = "None";
        s.proof_bytes = 0;
        coordinator_metrics_status(m, 21000, &s);
    }
    coordinator_metrics_webhook(m, true);
    coordinator_metrics_webhook(m, false);

    api_system_status system = API_SYSTEM_STATUS_INIT;
    system.active_jobs = 3;
    system.queued_jobs = 2;
    system.compute_capacity = 70;
    engine_counts counts = {1, 2, 3, 4, 5, 6, 7, 8, {0}};
    rpc_server_stats rpc = {.bytes_in = 1ULL << 60, .bytes_out = 2, .connections = 5};
    checker_counts verified = {
        .done = {9, 2, 1}, .refused = {1, 0, 0}, .undecided = {2, 0, 0}, .busy_ns = 1500000000};
    api_compute_capacity capacity = API_COMPUTE_CAPACITY_INIT;
    capacity.compute_units = 10;
    static char *const states[] = {"Idle", "Idle", "Computing(Prove)", "Disconnected", "Set aside"};
    api_worker_info infos[5];
    const api_worker_info *list[5];
    for (int i = 0; i < 5; i++) {
        infos[i] = API_WORKER_INFO_INIT;
        infos[i].state = states[i];
        infos[i].compute_capacity = &capacity;
        list[i] = &infos[i];
    }
    int64_t certificate_s = -5; // it has expired
    coordinator_view view = {.now_ms = 61000,
                             .version = "0.1.0",
                             .system = &system,
                             .engine = &counts,
                             .rpc = &rpc,
                             .checks = &verified,
                             .workers = list,
                             .n_workers = 5,
                             .webhooks_waiting = 1,
                             .certificate_s = &certificate_s};
    must(coordinator_metrics_render(b, m, &view));
    coordinator_metrics_free(m);
}

static void dump_worker(byte_buffer *b)
{
    worker_metrics *m;
    must(worker_metrics_new(&m));
    worker_metrics_connection(m, true);
    worker_metrics_connection(m, true);
    worker_metrics_connection(m, false);
    worker_metrics_connection(m, true);
    worker_metrics_task(m, ZISK__DISTRIBUTED__API__V1__TASK_TYPE__PROVE, NULL, 3.5);
    worker_metrics_task(m, ZISK__DISTRIBUTED__API__V1__TASK_TYPE__PROVE, "STORAGE", 0.05);
    worker_metrics_task(m, ZISK__DISTRIBUTED__API__V1__TASK_TYPE__AGGREGATE, "NEW_CODE", 1);
    worker_view view = {.version = "0.1.0",
                        .worker_id = "w1",
                        .program = "ab12",
                        .capacity_units = 10,
                        .computing = true,
                        .tasks_waiting = 2,
                        .results_waiting = 3,
                        .jobs = 4,
                        .instances = 5,
                        .steps = 1ULL << 40,
                        .bytes_down = 6,
                        .bytes_up = 7,
                        .uptime_ms = 1500};
    must(worker_metrics_render(b, m, &view));
    worker_metrics_free(m);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    byte_buffer b = buffer_new();
    if (strcmp(argv[1], "coordinator") == 0)
        dump_coordinator(&b);
    else
        dump_worker(&b);
    fwrite(b.data, 1, b.size, stdout);
    buffer_clear(&b);
    return 0;
}
