// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-coordinator jobs, workers, status, queue, cancel.
#include "coordinator_client_list.h"

#include "base/clock.h"
#include "base/text.h"
#include "cluster/message_json.h"
#include "cluster/messages.h"
#include "coordinator_client_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void cell_duration(text_table *t, uint64_t ms)
{
    char text[32];
    client_duration(text, ms);
    table_cell(t, text);
}

// On a narrow screen the first part of a UUID, and of other ids 20 characters.
static void cell_id(text_table *t, const char *id, bool narrow)
{
    size_t n = strlen(id);
    if (narrow && n == 36 && id[8] == '-' && id[13] == '-')
        table_cellf(t, "%.8s", id);
    else if (narrow && n > 20)
        table_cellf(t, "%.19s~", id);
    else
        table_cell(t, id);
}

static bool is_narrow(size_t width)
{
    return width > 0 && width < LIST_ROOMY;
}

// Why a job is where it is: its failure, its place in the queue, or what is left.
static void cell_remark(text_table *t, const api_job_status *s)
{
    char left[32];
    if (s->failure != NULL && s->failure->code[0] != 0)
        table_cellf(t, "%.48s: %.180s", s->failure->code, s->failure->message);
    else if (s->queue_position > 0)
        table_cellf(t, "place %u, priority %u", s->queue_position, s->priority);
    else if (s->progress != NULL && s->progress->time_left_ms > 0) {
        client_duration(left, s->progress->time_left_ms);
        table_cellf(t, "%s left", left);
    } else if (s->proof_bytes > 0)
        table_cellf(t, "proof of %" PRIu64 " bytes", s->proof_bytes);
    else
        table_cell(t, "");
}

status list_put_jobs(byte_buffer *out, api_job_status *const *jobs, size_t n, size_t width)
{
    text_table t;
    table_begin(&t, "JOB|DATA|STATE|DONE|AGE|UNITS|WORKERS|REMARK");
    for (size_t i = 0; i < n; i++) {
        const api_job_status *s = jobs[i];
        cell_id(&t, s->job_id, is_narrow(width));
        cell_id(&t, s->data_id, is_narrow(width));
        table_cell(&t, s->state);
        if (s->progress != NULL && s->progress->instances_total > 0)
            table_cellf(&t, "%u/%u", s->progress->instances_done, s->progress->instances_total);
        else
            table_cell(&t, "");
        cell_duration(&t, s->duration_ms);
        table_cellf(&t, "%u", s->compute_capacity);
        table_cellf(&t, "%zu", s->n_assigned_workers);
        cell_remark(&t, s);
    }
    status result = table_put(out, &t, width);
    table_clear(&t);
    return result;
}

static void cell_since(text_table *t, const Google__Protobuf__Timestamp *when, uint64_t now_s)
{
    if (when == NULL || when->seconds <= 0)
        table_cell(t, "");
    else
        cell_duration(t, now_s > (uint64_t)when->seconds ? (now_s - (uint64_t)when->seconds) * 1000
                                                         : 0);
}

status list_put_workers(byte_buffer *out, api_worker_info *const *workers, size_t n, uint64_t now_s,
                        size_t width)
{
    text_table t;
    bool narrow = is_narrow(width);
    table_begin(&t, narrow ? "WORKER|STATE|UNITS|JOB|CONNECTED|HEARD|REASON"
                           : "WORKER|STATE|UNITS|JOB|CONNECTED|HEARD|ADDRESS|VERSION|REASON");
    for (size_t i = 0; i < n; i++) {
        const api_worker_info *w = workers[i];
        cell_id(&t, w->worker_id, narrow);
        table_cell(&t, w->state);
        table_cellf(&t, "%u", w->compute_capacity != NULL ? w->compute_capacity->compute_units : 0);
        cell_id(&t, w->job_id, narrow);
        cell_since(&t, w->connected_at, now_s);
        cell_since(&t, w->last_heartbeat, now_s);
        if (!narrow) {
            table_cell(&t, w->address);
            table_cell(&t, w->version);
        }
        table_cell(&t, w->reason);
    }
    status result = table_put(out, &t, width);
    table_clear(&t);
    return result;
}

// Prints what was put, or notes why not.
static bool print_text(client *c, byte_buffer *text, status result)
{
    if (result == ZK_OK)
        fwrite(text->data, 1, text->size, stdout);
    else
        client_note_status(c);
    buffer_clear(text);
    return result == ZK_OK;
}

static bool print_message(client *c, const ProtobufCMessage *m)
{
    return client_print_json(c, m) == CLIENT_DONE;
}

// An answer's own error, told like any other.
static bool told_error(client *c, const api_error_response *e)
{
    return client_note(c, e != NULL && e->code[0] != 0 ? e->code : "UNKNOWN", "%s",
                       e != NULL && e->message[0] != 0 ? e->message : "an answer without content");
}

static bool show_jobs(client *c, const client_command_config *p)
{
    api_jobs_list_request request = API_JOBS_LIST_REQUEST_INIT;
    api_jobs_list_response *answer;
    request.active_only = p->active;
    if (!client_call(c, "JobsList", &request.base, API_JOBS_LIST_RESPONSE_TYPE, &answer))
        return false;
    bool ok;
    byte_buffer text = buffer_new();
    if (answer->result_case != ZISK__DISTRIBUTED__API__V1__JOBS_LIST_RESPONSE__RESULT_JOBS_LIST)
        ok = told_error(c, answer->result_case ==
                                   ZISK__DISTRIBUTED__API__V1__JOBS_LIST_RESPONSE__RESULT_ERROR
                               ? answer->error
                               : NULL);
    else if (p->client.json)
        ok = print_message(c, &answer->jobs_list->base);
    else
        ok = print_text(
            c, &text, list_put_jobs(&text, answer->jobs_list->jobs, answer->jobs_list->n_jobs, 0));
    message_free(&answer->base);
    return ok;
}

static bool show_workers(client *c, const client_command_config *p)
{
    api_workers_list_request request = API_WORKERS_LIST_REQUEST_INIT;
    api_workers_list_response *answer;
    request.available_only = p->available;
    if (!client_call(c, "WorkersList", &request.base, API_WORKERS_LIST_RESPONSE_TYPE, &answer))
        return false;
    bool ok;
    byte_buffer text = buffer_new();
    if (answer->result_case !=
        ZISK__DISTRIBUTED__API__V1__WORKERS_LIST_RESPONSE__RESULT_WORKERS_LIST)
        ok = told_error(c, answer->result_case ==
                                   ZISK__DISTRIBUTED__API__V1__WORKERS_LIST_RESPONSE__RESULT_ERROR
                               ? answer->error
                               : NULL);
    else if (p->client.json)
        ok = print_message(c, &answer->workers_list->base);
    else
        ok = print_text(c, &text,
                        list_put_workers(&text, answer->workers_list->workers,
                                         answer->workers_list->n_workers,
                                         clock_realtime_ns() / NS_PER_SECOND, 0));
    message_free(&answer->base);
    return ok;
}

static bool show_queue(client *c, const client_command_config *p)
{
    api_queue_list_request request = API_QUEUE_LIST_REQUEST_INIT;
    api_queue_list_response *answer;
    if (!client_call(c, "QueueList", &request.base, API_QUEUE_LIST_RESPONSE_TYPE, &answer))
        return false;
    byte_buffer text = buffer_new();
    bool ok = p->client.json
                  ? print_message(c, &answer->base)
                  : print_text(c, &text, list_put_jobs(&text, answer->jobs, answer->n_jobs, 0));
    message_free(&answer->base);
    return ok;
}

// ---- One job, or the whole

static status put_pair(byte_buffer *b, const char *name, const char *value)
{
    TRY(buffer_printf(b, "%-12s ", name));
    TRY(buffer_put_shown(b, value[0] != 0 ? value : "-"));
    return buffer_put_u8(b, '\n');
}

static status put_number(byte_buffer *b, const char *name, uint64_t value)
{
    return buffer_printf(b, "%-12s %" PRIu64 "\n", name, value);
}

static status put_job(byte_buffer *b, const api_job_status *s)
{
    char text[64];
    TRY(put_pair(b, "job", s->job_id));
    TRY(put_pair(b, "data", s->data_id));
    TRY(put_pair(b, "state", s->state));
    time_t seconds = (time_t)s->start_time;
    struct tm utc;
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
    TRY(put_pair(b, "started", text));
    client_duration(text, s->duration_ms);
    TRY(put_pair(b, "age", text));
    TRY(put_number(b, "units", s->compute_capacity));
    TRY(put_number(b, "priority", s->priority));
    if (s->queue_position > 0)
        TRY(put_number(b, "place", s->queue_position));
    if (s->executed_steps > 0)
        TRY(put_number(b, "steps", s->executed_steps));
    if (s->epoch > 0)
        TRY(put_number(b, "epoch", s->epoch));
    if (s->proof_bytes > 0) {
        TRY(put_number(b, "proof bytes", s->proof_bytes));
        TRY(buffer_printf(b, "%-12s ", "proof sha256"));
        TRY(buffer_put_hex(b, s->proof_sha256.data, s->proof_sha256.len));
        TRY(buffer_put_u8(b, '\n'));
    }
    if (s->failure != NULL && s->failure->code[0] != 0) {
        TRY(put_pair(b, "failure", s->failure->code));
        TRY(put_pair(b, "because", s->failure->message));
    }
    for (size_t i = 0; i < s->n_assigned_workers; i++)
        TRY(put_pair(b, i == 0 ? "workers" : "", s->assigned_workers[i]));
    if (s->progress == NULL)
        return ZK_OK;
    const api_job_progress *p = s->progress;
    TRY(put_pair(b, "phase", p->phase));
    client_duration(text, p->phase_elapsed_ms);
    TRY(put_pair(b, "for", text));
    if (p->instances_total > 0)
        TRY(buffer_printf(b, "%-12s %u of %u instances\n", "done", p->instances_done,
                          p->instances_total));
    else if (p->steps_done > 0)
        TRY(buffer_printf(b, "%-12s %" PRIu64 " M steps\n", "executed", p->steps_done / 1000000));
    client_duration(text, p->time_left_ms);
    if (p->time_left_ms > 0)
        TRY(put_pair(b, "left", text));
    for (size_t i = 0; i < p->n_workers; i++) {
        TRY(buffer_printf(b, "%-12s %u of %u  ", "", p->workers[i]->instances_done,
                          p->workers[i]->instances_total));
        TRY(buffer_put_shown(b, p->workers[i]->worker_id));
        TRY(buffer_put_u8(b, '\n'));
    }
    return ZK_OK;
}

static bool show_job(client *c, const client_command_config *p)
{
    api_job_status_request request = API_JOB_STATUS_REQUEST_INIT;
    api_job_status_response *answer;
    request.job_id = (char *)p->job_id;
    if (!client_call(c, "JobStatus", &request.base, API_JOB_STATUS_RESPONSE_TYPE, &answer))
        return false;
    bool ok;
    byte_buffer text = buffer_new();
    if (answer->result_case != ZISK__DISTRIBUTED__API__V1__JOB_STATUS_RESPONSE__RESULT_JOB)
        ok = told_error(c, answer->result_case ==
                                   ZISK__DISTRIBUTED__API__V1__JOB_STATUS_RESPONSE__RESULT_ERROR
                               ? answer->error
                               : NULL);
    else if (p->client.json)
        ok = print_message(c, &answer->job->base);
    else
        ok = print_text(c, &text, put_job(&text, answer->job));
    message_free(&answer->base);
    return ok;
}

static status put_system(byte_buffer *b, const api_status_info_response *info,
                         const api_system_status *s)
{
    char text[32];
    TRY(put_pair(b, "service", info->service_name));
    TRY(put_pair(b, "version", info->version));
    TRY(put_pair(b, "proof system", info->proof_system));
    client_duration(text, info->uptime_seconds * 1000);
    TRY(put_pair(b, "up", text));
    if (info->metrics != NULL)
        TRY(put_number(b, "connections", info->metrics->active_connections));
    TRY(buffer_printf(b, "%-12s %u: %u idle, %u busy\n", "workers", s->total_workers,
                      s->idle_workers, s->busy_workers));
    TRY(put_number(b, "units", s->compute_capacity));
    return buffer_printf(b, "%-12s %u active, %u queued\n", "jobs", s->active_jobs, s->queued_jobs);
}

static status put_system_json(byte_buffer *b, const api_status_info_response *info,
                              const api_system_status *s)
{
    TRY(buffer_put_text(b, "{\"info\":"));
    TRY(message_put_json(b, &info->base));
    TRY(buffer_put_text(b, ",\"status\":"));
    TRY(message_put_json(b, &s->base));
    return buffer_put_text(b, "}\n");
}

static bool show_system(client *c, const client_command_config *p)
{
    api_status_info_request info_request = API_STATUS_INFO_REQUEST_INIT;
    api_system_status_request request = API_SYSTEM_STATUS_REQUEST_INIT;
    api_status_info_response *info = NULL;
    api_system_status_response *answer = NULL;
    bool ok =
        client_call(c, "StatusInfo", &info_request.base, API_STATUS_INFO_RESPONSE_TYPE, &info) &&
        client_call(c, "SystemStatus", &request.base, API_SYSTEM_STATUS_RESPONSE_TYPE, &answer);
    byte_buffer text = buffer_new();
    if (ok &&
        answer->result_case != ZISK__DISTRIBUTED__API__V1__SYSTEM_STATUS_RESPONSE__RESULT_STATUS)
        ok = told_error(c, answer->result_case ==
                                   ZISK__DISTRIBUTED__API__V1__SYSTEM_STATUS_RESPONSE__RESULT_ERROR
                               ? answer->error
                               : NULL);
    else if (ok && p->client.json)
        ok = print_text(c, &text, put_system_json(&text, info, answer->status));
    else if (ok)
        ok = print_text(c, &text, put_system(&text, info, answer->status));
    if (info != NULL)
        message_free(&info->base);
    if (answer != NULL)
        message_free(&answer->base);
    return ok;
}

static bool show_status(client *c, const client_command_config *p)
{
    return p->job_id != NULL ? show_job(c, p) : show_system(c, p);
}

static bool cancel_job(client *c, const client_command_config *p)
{
    api_cancel_job_request request = API_CANCEL_JOB_REQUEST_INIT;
    api_cancel_job_response *answer;
    request.job_id = (char *)p->job_id;
    if (p->reason != NULL)
        request.reason = (char *)p->reason;
    if (!client_call(c, "CancelJob", &request.base, API_CANCEL_JOB_RESPONSE_TYPE, &answer))
        return false;
    bool ok = true;
    byte_buffer text = buffer_new();
    if (p->client.json)
        ok = print_message(c, &answer->base);
    else if (strcmp(answer->state, "Cancelled") == 0)
        printf("job %s is cancelled\n", p->job_id);
    else {
        status put = buffer_printf(&text, "job %s was over before: ", p->job_id);
        if (put == ZK_OK)
            put = buffer_put_shown(&text, answer->state);
        if (put == ZK_OK)
            put = buffer_put_u8(&text, '\n');
        ok = print_text(c, &text, put);
    }
    message_free(&answer->base);
    return ok;
}

static int run(int argc, char **argv, const config_program *program,
               bool (*show)(client *c, const client_command_config *p))
{
    config settings;
    client_command_config p = {0};
    int code = client_settings(&settings, &p, program, argc, argv);
    if (code < 0) {
        client c = {0};
        code = client_open(&c, &p.client) && show(&c, &p) ? CLIENT_DONE : client_exit(&c);
        client_close(&c);
    }
    config_clear(&settings);
    return code;
}

int client_jobs(int argc, char **argv)
{
    return run(argc, argv, &jobs_program, show_jobs);
}

int client_workers(int argc, char **argv)
{
    return run(argc, argv, &workers_program, show_workers);
}

int client_status(int argc, char **argv)
{
    return run(argc, argv, &status_program, show_status);
}

int client_queue(int argc, char **argv)
{
    return run(argc, argv, &queue_program, show_queue);
}

int client_cancel(int argc, char **argv)
{
    return run(argc, argv, &cancel_program, cancel_job);
}
