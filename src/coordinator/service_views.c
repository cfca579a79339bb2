// SPDX-License-Identifier: Apache-2.0 OR MIT
// Calls that only look: health, status, lists; and the cancelling of a job.
#include "coordinator/service_internal.h"

#include "base/log.h"
#include "rpc/rpc_wire.h"

#include <stdlib.h>
#include <string.h>

#define PATH(method) "/" SERVICE_API "/" method

static void on_health(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    void *request = service_request(call, API_HEALTH_CHECK_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    message_free(request);
    api_health_check_response answer = API_HEALTH_CHECK_RESPONSE_INIT;
    service_reply(call, &answer);
}

static void on_info(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    void *request = service_request(call, API_STATUS_INFO_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    message_free(request);
    rpc_server_stats stats;
    rpc_server_get_stats(s->server, &stats);
    Google__Protobuf__Timestamp start = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    start.seconds = (int64_t)(s->start_ms / 1000);
    start.nanos = (int32_t)(s->start_ms % 1000) * 1000000;
    api_metrics metrics = API_METRICS_INIT;
    metrics.active_connections = (uint32_t)stats.connections;
    api_status_info_response answer = API_STATUS_INFO_RESPONSE_INIT;
    answer.service_name = (char *)s->o.name;
    answer.version = (char *)s->o.version;
    answer.proof_system = (char *)s->o.proof_system;
    answer.uptime_seconds = (service_now_ms(s) - s->start_ms) / 1000;
    answer.start_time = &start;
    answer.metrics = &metrics;
    service_reply(call, &answer);
}

static void on_system(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    void *request = service_request(call, API_SYSTEM_STATUS_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    message_free(request);
    api_system_status now = API_SYSTEM_STATUS_INIT;
    engine_system_status(s->engine, &now);
    api_system_status_response answer = API_SYSTEM_STATUS_RESPONSE_INIT;
    answer.result_case = ZISK__DISTRIBUTED__API__V1__SYSTEM_STATUS_RESPONSE__RESULT_STATUS;
    answer.status = &now;
    service_reply(call, &answer);
}

// ---- Lists. The engine's views live until its next call, so each is packed at once.

static bool put_message(wire_buffer *to, uint32_t field, const void *message)
{
    uint8_t *bytes;
    size_t n;
    if (message_pack(&bytes, &n, message) != ZK_OK)
        return false;
    wire_put_bytes(to, field, bytes, n);
    free(bytes);
    return true;
}

// `list` is the content of a list message, `field` that message's place in the answer; 0: the
// answer is the list itself. Frees the list.
static void reply_list(rpc_call *call, wire_buffer *list, uint32_t field, bool complete)
{
    wire_buffer answer = {0};
    if (!complete) {
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, status_message());
    } else if (field == 0) {
        rpc_reply(call, list->bytes, list->n);
    } else {
        wire_put_bytes(&answer, field, list->bytes, list->n);
        rpc_reply(call, answer.bytes, answer.n);
    }
    free(answer.bytes);
    free(list->bytes);
}

static void on_jobs(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    api_jobs_list_request *request = service_request(call, API_JOBS_LIST_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    bool active_only = request->active_only, complete = true;
    message_free(&request->base);
    wire_buffer list = {0};
    uint64_t now = service_now_ms(s);
    for (size_t i = 0; i < engine_n_jobs(s->engine) && complete; i++) {
        const api_job_status *job = engine_job_at(s->engine, now, i);
        bool active = !service_state_is_over(job->state) &&
                      strcmp(job->state, job_state_name(JOB_QUEUED)) != 0;
        if (active || !active_only)
            complete = put_message(&list, 1, job);
    }
    reply_list(call, &list, ZISK__DISTRIBUTED__API__V1__JOBS_LIST_RESPONSE__RESULT_JOBS_LIST,
               complete);
}

static void on_queue(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    void *request = service_request(call, API_QUEUE_LIST_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    message_free(request);
    bool complete = true;
    wire_buffer list = {0};
    uint64_t now = service_now_ms(s);
    for (size_t i = 0; i < engine_n_queued(s->engine) && complete; i++)
        complete = put_message(&list, 1, engine_queued_at(s->engine, now, i));
    reply_list(call, &list, 0, complete);
}

static void on_workers(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    api_workers_list_request *request =
        service_request(call, API_WORKERS_LIST_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    bool available_only = request->available_only, complete = true;
    message_free(&request->base);
    const char *idle = worker_state_name(WORKER_IDLE, JOB_QUEUED);
    wire_buffer list = {0};
    for (size_t i = 0; i < engine_n_workers(s->engine) && complete; i++) {
        const api_worker_info *worker = engine_worker_at(s->engine, i);
        if (!available_only || strcmp(worker->state, idle) == 0)
            complete = put_message(&list, 1, worker);
    }
    reply_list(call, &list, ZISK__DISTRIBUTED__API__V1__WORKERS_LIST_RESPONSE__RESULT_WORKERS_LIST,
               complete);
}

// ---- One job

static void on_job(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    api_job_status_request *request = service_request(call, API_JOB_STATUS_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    const api_job_status *job = service_find_job(s, call, request->job_id);
    if (job != NULL) {
        api_job_status_response answer = API_JOB_STATUS_RESPONSE_INIT;
        answer.result_case = ZISK__DISTRIBUTED__API__V1__JOB_STATUS_RESPONSE__RESULT_JOB;
        answer.job = (api_job_status *)job;
        service_reply(call, &answer);
    }
    message_free(&request->base);
}

static void on_cancel(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    api_cancel_job_request *request = service_request(call, API_CANCEL_JOB_REQUEST_TYPE, bytes, n);
    if (request == NULL)
        return;
    if (service_find_job(s, call, request->job_id) != NULL) {
        const char *reason = request->reason[0] != '\0' ? request->reason : "cancelled by a client";
        status result = engine_cancel(s->engine, service_now_ms(s), request->job_id, reason);
        service_touch(s);
        if (result != ZK_OK) {
            service_fail(call, result, status_message());
        } else {
            const api_job_status *job = service_find_job(s, call, request->job_id);
            api_cancel_job_response answer = API_CANCEL_JOB_RESPONSE_INIT;
            if (job != NULL) {
                answer.state = job->state;
                service_reply(call, &answer);
            }
        }
    }
    message_free(&request->base);
}

status service_add_views(service *s)
{
    static const struct {
        const char *path;
        rpc_unary_fn *fn;
    } methods[] = {
        {PATH("HealthCheck"), on_health},  {PATH("StatusInfo"), on_info},
        {PATH("SystemStatus"), on_system}, {PATH("JobsList"), on_jobs},
        {PATH("JobStatus"), on_job},       {PATH("WorkersList"), on_workers},
        {PATH("QueueList"), on_queue},     {PATH("CancelJob"), on_cancel},
    };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        TRY(rpc_server_add_unary(s->server, methods[i].path, methods[i].fn, s));
    return ZK_OK;
}
