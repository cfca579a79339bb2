// SPDX-License-Identifier: Apache-2.0 OR MIT
// Follows a job: on a terminal a bar for the phase and a line for each worker, drawn again and
// again; elsewhere a line when something changed.
#include "coordinator_client.h"

#include "base/text.h"
#include "cluster/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 30, MAX_WORKER_LINES = 12, QUIET_MS = 10000, TENTHS = 10 };

typedef struct watch {
    client *c;
    const char *job_id;
    api_job_status *last; // newest status; owned
    bool terminal;
    int n_lines; // of the display that stands on the terminal
    // What was said last, elsewhere than on a terminal.
    char state[64];
    uint32_t queue_position, tenth;
    uint64_t said_ms;
} watch;

static bool is_over(const char *state)
{
    return strcmp(state, "Completed") == 0 || strcmp(state, "Failed") == 0 ||
           strcmp(state, "Cancelled") == 0;
}

static void erase(watch *w)
{
    if (w->n_lines > 0)
        fprintf(stderr, "\033[%dA\r\033[J", w->n_lines);
    w->n_lines = 0;
}

static void put_shown(const char *text)
{
    byte_buffer b = buffer_new();
    if (buffer_put_shown(&b, text) == ZK_OK)
        fwrite(b.data, 1, b.size, stderr);
    buffer_clear(&b);
}

static void say(watch *w, const char *label, const char *text)
{
    erase(w);
    fprintf(stderr, "%s", label);
    put_shown(text);
    fputc('\n', stderr);
    w->said_ms = rpc_loop_now_ms(w->c->loop);
}

static void put_bar(uint32_t done, uint32_t total)
{
    char bar[BAR + 1];
    for (unsigned i = 0; i < BAR; i++)
        bar[i] = total > 0 && i < (uint64_t)BAR * done / total ? '#' : '.';
    bar[BAR] = 0;
    fprintf(stderr, "[%s] ", bar);
}

static void put_counts(const api_job_progress *p)
{
    char elapsed[32], left[32];
    client_duration(elapsed, p->phase_elapsed_ms);
    client_duration(left, p->time_left_ms);
    if (p->instances_total > 0)
        fprintf(stderr, "%u of %u instances, ", p->instances_done, p->instances_total);
    else if (p->steps_done > 0)
        fprintf(stderr, "%" PRIu64 " M steps executed, ", p->steps_done / 1000000);
    fprintf(stderr, "%s", elapsed);
    if (p->time_left_ms > 0)
        fprintf(stderr, ", %s left", left);
}

static void draw(watch *w, const api_job_progress *p)
{
    erase(w);
    put_shown(p->phase);
    fputc(' ', stderr);
    put_bar(p->instances_done, p->instances_total);
    put_counts(p);
    fprintf(stderr, "\n");
    w->n_lines = 1;
    struct winsize size = {0};
    size_t room = MAX_WORKER_LINES;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_row < room + 3)
        room = size.ws_row > 3 ? size.ws_row - 3U : 0;
    for (size_t i = 0; i < p->n_workers && i < room; i++) {
        const api_worker_progress *worker = p->workers[i];
        fprintf(stderr, "  ");
        put_bar(worker->instances_done, worker->instances_total);
        fprintf(stderr, "%u of ", worker->instances_done);
        if (worker->instances_total > 0)
            fprintf(stderr, "%u ", worker->instances_total);
        else
            fprintf(stderr, "? ");
        put_shown(worker->worker_id);
        fprintf(stderr, "\n");
        w->n_lines++;
    }
    if (p->n_workers > room) {
        fprintf(stderr, "  and %zu workers more\n", p->n_workers - room);
        w->n_lines++;
    }
    fflush(stderr);
}

static void show_progress(watch *w, const api_job_progress *p)
{
    if (w->terminal) {
        draw(w, p);
        return;
    }
    uint32_t tenth = p->instances_total > 0
                         ? (uint32_t)((uint64_t)TENTHS * p->instances_done / p->instances_total)
                         : 0;
    uint64_t now = rpc_loop_now_ms(w->c->loop);
    if (tenth == w->tenth && now - w->said_ms < QUIET_MS)
        return;
    w->tenth = tenth;
    w->said_ms = now;
    put_shown(p->phase);
    fprintf(stderr, ": ");
    put_counts(p);
    fprintf(stderr, "\n");
}

static void show_status(watch *w, const api_job_status *s)
{
    bool same = strcmp(w->state, s->state) == 0;
    if (same && w->queue_position == s->queue_position)
        return;
    snprintf(w->state, sizeof w->state, "%s", s->state);
    w->queue_position = s->queue_position;
    w->tenth = 0;
    char line[128];
    if (s->queue_position > 0)
        snprintf(line, sizeof line, "Queued, place %u", s->queue_position);
    else
        snprintf(line, sizeof line, "%s", s->state);
    say(w, "", line);
}

static bool take_event(client_stream *stream, ProtobufCMessage *m)
{
    watch *w = stream->arg;
    api_job_event *e = (api_job_event *)m;
    switch (e->event_case) {
    case ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_STATUS:
        show_status(w, e->status);
        if (e->status->progress != NULL && !is_over(e->status->state))
            show_progress(w, e->status->progress);
        if (w->last != NULL)
            message_free(&w->last->base);
        w->last = e->status;
        e->status = NULL;
        e->event_case = ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT__NOT_SET;
        break;
    case ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_PROGRESS:
        show_progress(w, e->progress);
        break;
    case ZISK__DISTRIBUTED__API__V1__JOB_EVENT__EVENT_NOTE: {
        char label[96];
        snprintf(label, sizeof label,
                 "note%s%.64s: ", e->note->worker_id[0] != 0 ? ", worker " : "",
                 e->note->worker_id);
        byte_buffer shown = buffer_new();
        if (buffer_put_shown(&shown, label) == ZK_OK && buffer_put_u8(&shown, 0) == ZK_OK)
            say(w, (const char *)shown.data, e->note->text);
        buffer_clear(&shown);
        break;
    }
    default: // of a newer coordinator
        break;
    }
    message_free(m);
    if (w->last != NULL && is_over(w->last->state))
        stream->ended = true;
    return !stream->ended;
}

static bool job_outcome(client *c, const char *job_id, const api_job_status *s)
{
    if (strcmp(s->state, "Completed") == 0)
        return true;
    const char *code =
        s->failure != NULL && s->failure->code[0] != 0 ? s->failure->code : "UNKNOWN";
    const char *why = s->failure != NULL && s->failure->message[0] != 0
                          ? s->failure->message
                          : "the coordinator gave no reason";
    if (strcmp(s->state, "Cancelled") == 0)
        return client_note(c, "CANCELLED", "job %s was cancelled: %s", job_id, why);
    return client_note(c, code, "job %s failed: %s", job_id, why);
}

bool client_watch(client *c, const char *job_id, api_job_status **out)
{
    watch w = {.c = c, .job_id = job_id, .terminal = client_on_terminal()};
    api_watch_job_request request = API_WATCH_JOB_REQUEST_INIT;
    request.job_id = (char *)job_id;
    *out = NULL;
    bool ok;
    do {
        client_stream s = {.c = c,
                           .method = "WatchJob",
                           .request = &request.base,
                           .type = API_JOB_EVENT_TYPE,
                           .take = take_event,
                           .arg = &w};
        ok = client_stream_run(&s);
        erase(&w);
        if (ok && !s.ended) // the stream ended well before the job: as if it had been lost
            ok = client_note(c, "UNAVAILABLE", "the stream of events ended before the job");
    } while (!ok && client_may_retry(c));
    if (c->interrupted && w.terminal)
        fputc('\n', stderr);
    *out = w.last;
    return ok && job_outcome(c, job_id, w.last);
}
