// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/engine_internal.h"

#include "base/log.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *engine_grow(void *array, size_t n, size_t item_bytes)
{
    // Room in powers of two: it grows when n is one.
    if ((n & (n - 1)) != 0)
        return array;
    size_t room = n == 0 ? 1 : 2 * n;
    void *grown = realloc(array, room * item_bytes);
    ZK_ASSERT(grown != NULL);
    return grown;
}

void *engine_new(size_t n, size_t item_bytes)
{
    void *p = calloc(n > 0 ? n : 1, item_bytes);
    ZK_ASSERT(p != NULL);
    return p;
}

char *engine_text(const char *text)
{
    char *copy = strdup(text != NULL ? text : "");
    ZK_ASSERT(copy != NULL);
    return copy;
}

void engine_mend(char *text)
{
    uint8_t *s = (uint8_t *)text;
    for (size_t left = strlen(text), n; left > 0; s += n, left -= n) {
        uint32_t code;
        n = text_utf8(&code, s, left);
        if (n > 0)
            continue;
        *s = '?';
        n = 1;
    }
}

void engine_say(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(to, size, format, args);
    va_end(args);
    engine_mend(to);
}

uint64_t engine_since(const engine *e, uint64_t ms)
{
    return e->now_ms > ms ? e->now_ms - ms : 0;
}

bool same_bytes(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
    return a_n == b_n && (a_n == 0 || memcmp(a, b, a_n) == 0);
}

bool workers_hold(worker *const *list, size_t n, const worker *w)
{
    for (size_t k = 0; k < n; k++)
        if (list[k] == w)
            return true;
    return false;
}

void workers_note(worker ***list, size_t *n, worker *w)
{
    if (workers_hold(*list, *n, w))
        return;
    *list = engine_grow(*list, *n, sizeof **list);
    (*list)[(*n)++] = w;
}

void workers_drop(worker **list, size_t *n, const worker *w)
{
    size_t kept = 0;
    for (size_t k = 0; k < *n; k++)
        if (list[k] != w)
            list[kept++] = list[k];
    *n = kept;
}

void job_note_erred(job *j, worker *w)
{
    workers_drop(j->failed, &j->n_failed, w);
    workers_note(&j->failed, &j->n_failed, w);
}

status engine_open(engine **out, store *s, const engine_limits *limits, const engine_hooks *hooks,
                   uint64_t now_ms)
{
    *out = NULL;
    FAIL_IF(limits->max_workers_per_job == 0 || limits->max_total_workers == 0 ||
                limits->heartbeat_timeout_ms == 0 || limits->max_attempts == 0 ||
                limits->task_timeouts == 0,
            ZK_EINVAL, "limits of the coordinator must not be 0");
    engine *e = engine_new(1, sizeof *e);
    e->store = s;
    e->limits = *limits;
    e->hooks = *hooks;
    e->now_ms = e->opened_ms = now_ms;
    e->next_ticket = 1;
    e->next_session = 1;
    status result = engine_load(e);
    if (result != ZK_OK) {
        engine_close(e);
        return status_forward(result, __FILE__, __LINE__, "engine_load(e)");
    }
    *out = e;
    return ZK_OK;
}

void engine_close(engine *e)
{
    if (e == NULL)
        return;
    for (size_t k = 0; k < e->n_checks; k++)
        free(e->checks[k].bytes);
    for (size_t k = 0; k < e->n_jobs; k++)
        job_free(e->jobs[k]);
    for (size_t k = 0; k < e->n_workers; k++) {
        worker *w = e->workers[k];
        free(w->id);
        free(w->address);
        free(w->version);
        free(w->cancelling);
        free(w);
    }
    view_free(e);
    free(e->checks);
    free(e->jobs);
    free(e->workers);
    free(e->queue);
    free(e->ended);
    free(e);
}

static void set_clock(engine *e, uint64_t now_ms)
{
    // A clock that was set back stands still here until it has caught up.
    if (now_ms > e->now_ms)
        e->now_ms = now_ms;
}

void engine_tick(engine *e, uint64_t now_ms, uint64_t *next_ms)
{
    set_clock(e, now_ms);
    if (!e->opened) {
        // Not from engine_open: whoever listens is not ready before it returned.
        e->opened = true;
        for (size_t k = 0; k < e->n_jobs; k++)
            job_tell_over(e, e->jobs[k]);
    }
    workers_tick(e);
    jobs_tick(e);
    engine_settle(e);
    *next_ms = now_ms + TICK_MS;
}

// Whether the message names the worker that the connection belongs to; empty names nobody.
static bool names_worker(const worker *w, const char *id)
{
    return id[0] == 0 || strcmp(id, w->id) == 0;
}

static void take_message(engine *e, worker *w, const api_worker_message *m)
{
    w->heard_ms = e->now_ms;
    switch (m->payload_case) {
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_HEARTBEAT_ACK:
        w->acked_ms = e->now_ms;
        break;
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_ERROR:
        if (names_worker(w, m->error->worker_id))
            answer_error(e, w, m->error);
        break;
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_EXECUTE_TASK_RESPONSE:
        if (names_worker(w, m->execute_task_response->worker_id))
            answer_response(e, w, m->execute_task_response);
        else
            e->counts.stale_answers++;
        break;
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_PROGRESS:
        answer_progress(e, w, m->progress);
        break;
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_INSTANCE_PROOF:
        answer_proof(e, w, m->instance_proof);
        break;
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_LEAVING:
        worker_leaving(e, w, m->leaving->reason);
        break;
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_REGISTER:
    case ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_RECONNECT:
        worker_lost(e, w, "registered twice on one connection");
        e->hooks.close(e->hooks.arg, w->connection, "this connection is registered already");
        break;
    default:
        break; // a message of a later version
    }
}

void engine_worker_message(engine *e, uint64_t now_ms, uint64_t connection, const char *address,
                           const api_worker_message *m)
{
    set_clock(e, now_ms);
    worker *w = worker_by_connection(e, connection);
    if (w != NULL) {
        take_message(e, w, m);
    } else if (m->payload_case == ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_REGISTER) {
        const api_worker_register_request *r = m->register_;
        worker_register(e, connection, address, r->worker_id, r->compute_capacity, r->abilities,
                        NULL);
    } else if (m->payload_case == ZISK__DISTRIBUTED__API__V1__WORKER_MESSAGE__PAYLOAD_RECONNECT) {
        const api_worker_reconnect_request *r = m->reconnect;
        worker_register(e, connection, address, r->worker_id, r->compute_capacity, r->abilities, r);
    } else {
        e->hooks.close(e->hooks.arg, connection,
                       "First message must be registration or reconnection");
    }
    engine_settle(e);
}

void engine_lost(engine *e, uint64_t now_ms, uint64_t connection, const char *reason)
{
    set_clock(e, now_ms);
    worker *w = worker_by_connection(e, connection);
    if (w != NULL)
        worker_lost(e, w, reason);
    engine_settle(e);
}

void engine_checked(engine *e, uint64_t now_ms, uint64_t ticket, check_verdict verdict,
                    const char *reason)
{
    set_clock(e, now_ms);
    for (size_t k = 0; k < e->n_checks; k++) {
        if (e->checks[k].ticket != ticket)
            continue;
        if (verdict == CHECK_UNDECIDED) {
            check_undecided(e, &e->checks[k], reason != NULL ? reason : "");
            break;
        }
        check c = e->checks[k];
        e->checks[k] = e->checks[--e->n_checks];
        answer_checked(e, &c, verdict == CHECK_ACCEPTED, reason != NULL ? reason : "");
        free(c.bytes);
        break;
    }
    engine_settle(e);
}

void engine_get_counts(const engine *e, engine_counts *out)
{
    *out = e->counts;
}
