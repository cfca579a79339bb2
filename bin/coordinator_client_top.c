// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk-coordinator top: jobs and workers every second on a terminal, q quits; once, elsewhere.
#include "coordinator_client_list.h"

#include "base/clock.h"
#include "base/text.h"
#include "cluster/message_json.h"
#include "cluster/messages.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

enum { PERIOD_MS = 1000, MAX_RATED = 256 };

// What the coordinator says, all of it at about the same time.
typedef struct picture {
    api_status_info_response *info;
    api_system_status_response *system;
    api_workers_list_response *workers;
    api_jobs_list_response *jobs;
    uint64_t time_ms;
} picture;

// Instances that a job had done in a phase when it was seen last.
typedef struct rated_job {
    char id[CLIENT_JOB_ID_MAX + 1], phase[32];
    uint32_t done;
} rated_job;

typedef struct top {
    client c;
    rated_job rated[MAX_RATED];
    size_t n_rated;
    uint64_t rated_ms; // when; 0: not yet
    bool quit;
    struct termios saved;
    bool raw;
    uv_poll_t keys;
    uv_signal_t resized;
} top;

static void clear_picture(picture *p)
{
    if (p->info != NULL)
        message_free(&p->info->base);
    if (p->system != NULL)
        message_free(&p->system->base);
    if (p->workers != NULL)
        message_free(&p->workers->base);
    if (p->jobs != NULL)
        message_free(&p->jobs->base);
    *p = (picture){0};
}

static bool take_picture(client *c, picture *p)
{
    api_status_info_request info = API_STATUS_INFO_REQUEST_INIT;
    api_system_status_request system = API_SYSTEM_STATUS_REQUEST_INIT;
    api_workers_list_request workers = API_WORKERS_LIST_REQUEST_INIT;
    api_jobs_list_request jobs = API_JOBS_LIST_REQUEST_INIT;
    *p = (picture){.time_ms = clock_monotonic_ns() / NS_PER_MS};
    if (!client_call(c, "StatusInfo", &info.base, API_STATUS_INFO_RESPONSE_TYPE, &p->info) ||
        !client_call(c, "SystemStatus", &system.base, API_SYSTEM_STATUS_RESPONSE_TYPE,
                     &p->system) ||
        !client_call(c, "WorkersList", &workers.base, API_WORKERS_LIST_RESPONSE_TYPE,
                     &p->workers) ||
        !client_call(c, "JobsList", &jobs.base, API_JOBS_LIST_RESPONSE_TYPE, &p->jobs))
        return false;
    if (p->system->result_case !=
            ZISK__DISTRIBUTED__API__V1__SYSTEM_STATUS_RESPONSE__RESULT_STATUS ||
        p->workers->result_case !=
            ZISK__DISTRIBUTED__API__V1__WORKERS_LIST_RESPONSE__RESULT_WORKERS_LIST ||
        p->jobs->result_case != ZISK__DISTRIBUTED__API__V1__JOBS_LIST_RESPONSE__RESULT_JOBS_LIST)
        return client_note(c, "UNKNOWN", "an answer without content");
    return true;
}

// Instances a second over all jobs since the last picture; negative: not known yet.
static double instance_rate(top *t, const picture *p)
{
    const api_jobs_list *list = p->jobs->jobs_list;
    uint64_t done = 0;
    rated_job now[MAX_RATED];
    size_t n = 0;
    for (size_t i = 0; i < list->n_jobs && n < MAX_RATED; i++) {
        const api_job_status *s = list->jobs[i];
        if (s->progress == NULL || strlen(s->job_id) > CLIENT_JOB_ID_MAX)
            continue;
        rated_job *r = &now[n++];
        snprintf(r->id, sizeof r->id, "%s", s->job_id);
        snprintf(r->phase, sizeof r->phase, "%s", s->progress->phase);
        r->done = s->progress->instances_done;
        uint32_t before = 0;
        for (size_t k = 0; k < t->n_rated; k++)
            if (strcmp(t->rated[k].id, r->id) == 0 && strcmp(t->rated[k].phase, r->phase) == 0)
                before = t->rated[k].done;
        done += r->done > before ? r->done - before : 0;
    }
    double seconds = (double)(p->time_ms - t->rated_ms) / 1000;
    bool known = t->rated_ms != 0 && seconds > 0;
    memcpy(t->rated, now, n * sizeof *now);
    t->n_rated = n;
    t->rated_ms = p->time_ms;
    return known ? (double)done / seconds : -1;
}

// How many jobs fit on a screen of so many rows: workers get what they need of it, half at most.
static size_t jobs_shown(const picture *p, size_t rows)
{
    enum { OTHER_LINES = 7 }; // two lines of sums, two heads, two blank ones, the last row
    size_t n_jobs = p->jobs->jobs_list->n_jobs, n_workers = p->workers->workers_list->n_workers;
    if (rows == 0)
        return n_jobs;
    size_t room = rows > OTHER_LINES ? rows - OTHER_LINES : 0;
    size_t left = room - (n_workers < room / 2 ? n_workers : room / 2);
    return n_jobs < left ? n_jobs : left;
}

// For a screen of `rows` lines of `width` characters; 0: no limit.
static status put_picture(byte_buffer *b, top *t, const picture *p, size_t rows, size_t width)
{
    const api_system_status *s = p->system->status;
    char up[32];
    client_duration(up, p->info->uptime_seconds * 1000);
    TRY(buffer_put_shown(b, p->info->service_name));
    TRY(buffer_printf(b, ", up %s, %u connections\n", up,
                      p->info->metrics != NULL ? p->info->metrics->active_connections : 0));
    TRY(buffer_printf(b,
                      "workers %u (%u idle, %u busy), %u units; jobs %u active, %u queued; "
                      "%zu in all",
                      s->total_workers, s->idle_workers, s->busy_workers, s->compute_capacity,
                      s->active_jobs, s->queued_jobs, p->jobs->jobs_list->n_jobs));
    double rate = instance_rate(t, p);
    if (rate >= 0)
        TRY(buffer_printf(b, "; %.2f instances/s", rate));
    TRY(buffer_put_text(b, "\n\n"));
    TRY(list_put_jobs(b, p->jobs->jobs_list->jobs, jobs_shown(p, rows), width));
    TRY(buffer_put_u8(b, '\n'));
    return list_put_workers(b, p->workers->workers_list->workers,
                            p->workers->workers_list->n_workers,
                            clock_realtime_ns() / NS_PER_SECOND, width);
}

// Jobs that are over go last, the youngest of them first, so that a screen shows what runs.
static int by_interest(const void *a, const void *b)
{
    const api_job_status *x = *(api_job_status *const *)a, *y = *(api_job_status *const *)b;
    bool x_over = x->progress == NULL && x->queue_position == 0;
    bool y_over = y->progress == NULL && y->queue_position == 0;
    if (x_over != y_over)
        return x_over ? 1 : -1;
    if (x->start_time != y->start_time)
        return x->start_time > y->start_time ? -1 : 1;
    return strcmp(x->job_id, y->job_id);
}

// ---- Terminal

static void on_keys(uv_poll_t *handle, int error, int events)
{
    (void)events;
    top *t = handle->data;
    char keys[64];
    ssize_t n = error < 0 ? -1 : read(STDIN_FILENO, keys, sizeof keys);
    if (n <= 0)
        uv_poll_stop(handle); // no more keys: Ctrl-C is left
    for (ssize_t i = 0; i < n; i++)
        t->quit |= keys[i] == 'q' || keys[i] == 'Q' || keys[i] == 4;
    if (t->quit)
        rpc_loop_stop(t->c.loop);
}

static void on_resized(uv_signal_t *handle, int number)
{
    (void)number;
    rpc_loop_stop(((top *)handle->data)->c.loop); // ends the pause: it draws again
}

static void enter_screen(top *t)
{
    struct uv_loop_s *uv = rpc_loop_uv(t->c.loop);
    struct termios mode;
    t->raw = tcgetattr(STDIN_FILENO, &t->saved) == 0;
    if (t->raw) {
        mode = t->saved;
        mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &mode);
    }
    uv_poll_init(uv, &t->keys, STDIN_FILENO);
    t->keys.data = t;
    uv_poll_start(&t->keys, UV_READABLE, on_keys);
    uv_signal_init(uv, &t->resized);
    t->resized.data = t;
    uv_signal_start(&t->resized, on_resized, SIGWINCH);
    printf("\033[?1049h\033[?25l"); // a screen of its own, no cursor
}

static void leave_screen(top *t)
{
    uv_close((uv_handle_t *)&t->keys, NULL);
    uv_close((uv_handle_t *)&t->resized, NULL);
    if (t->raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &t->saved);
    printf("\033[?25h\033[?1049l");
    fflush(stdout);
}

// The first `rows` lines of a text, from the top of the screen.
static void draw(const byte_buffer *text, size_t rows)
{
    printf("\033[H");
    const char *at = (const char *)text->data, *end = at + text->size;
    for (size_t row = 0; row + 1 < rows && at < end; row++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop != NULL ? stop : end) - at);
        printf("%.*s\033[K\n", (int)n, at);
        at += n + 1;
    }
    printf("\033[Jq quits");
    fflush(stdout);
}

static bool live(top *t)
{
    bool ok = true;
    while (ok && !t->quit && !t->c.interrupted) {
        struct winsize size = {.ws_row = 24, .ws_col = 80};
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        picture p;
        byte_buffer text = buffer_new();
        ok = take_picture(&t->c, &p);
        if (ok) {
            qsort(p.jobs->jobs_list->jobs, p.jobs->jobs_list->n_jobs, sizeof(void *), by_interest);
            ok = put_picture(&text, t, &p, size.ws_row, size.ws_col) == ZK_OK ||
                 client_note_status(&t->c);
        }
        if (ok)
            draw(&text, size.ws_row);
        buffer_clear(&text);
        clear_picture(&p);
        if (ok && !t->quit)
            client_pause(&t->c, PERIOD_MS);
    }
    return ok;
}

static bool once(top *t, bool json)
{
    picture p;
    byte_buffer text = buffer_new();
    bool ok = take_picture(&t->c, &p);
    if (ok && json)
        ok = (buffer_put_text(&text, "{\"status\":") == ZK_OK &&
              message_put_json(&text, &p.system->status->base) == ZK_OK &&
              buffer_put_text(&text, ",\"jobs\":") == ZK_OK &&
              message_put_json(&text, &p.jobs->jobs_list->base) == ZK_OK &&
              buffer_put_text(&text, ",\"workers\":") == ZK_OK &&
              message_put_json(&text, &p.workers->workers_list->base) == ZK_OK &&
              buffer_put_text(&text, "}\n") == ZK_OK) ||
             client_note_status(&t->c);
    else if (ok)
        ok = put_picture(&text, t, &p, 0, 0) == ZK_OK || client_note_status(&t->c);
    if (ok)
        fwrite(text.data, 1, text.size, stdout);
    buffer_clear(&text);
    clear_picture(&p);
    return ok;
}

int client_top(int argc, char **argv)
{
    static top t;
    config settings;
    client_command_config p = {0};
    int code = client_settings(&settings, &p, &top_program, argc, argv);
    if (code < 0) {
        bool screen = isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1 && !p.client.json;
        bool ok = client_open(&t.c, &p.client);
        if (ok && screen) {
            enter_screen(&t);
            ok = live(&t);
            leave_screen(&t);
        } else if (ok) {
            ok = once(&t, p.client.json);
        }
        code = ok ? CLIENT_DONE : client_exit(&t.c);
        client_close(&t.c);
    }
    config_clear(&settings);
    return code;
}
