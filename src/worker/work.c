// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/work.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/messages.h"
#include "worker/answers.h"
#include "worker/wire.h"

// RESUME: the running task of the open job was canceled, the job itself goes on.
typedef enum item_kind { ITEM_TASK, ITEM_CLOSE, ITEM_RESUME } item_kind;

typedef struct work_item {
    struct work_item *next;
    item_kind kind;
    task_name task;             // but for TASK: the job alone
    api_coordinator_message *m; // TASK
    uint64_t received_ms;
    api_task_progress progress;
} work_item;

// An aggregation between its requests, so that it is known to be under way.
typedef struct open_aggregation {
    task_name task;
    bool open;
} open_aggregation;

struct work {
    work_options o;
    rpc_loop *loop;
    pthread_t thread;
    bool joined;

    pthread_mutex_t lock; // of all that follows
    pthread_cond_t some;
    work_item *first, **end;
    work_item *running;
    char *open_id; // of the open job; NULL: none
    open_aggregation aggregation;
    cancel_flag cancel; // of the open job
    bool stop;
    bool moved;
    work_counts counts;

    // The loop's thread alone.
    api_task_progress *list;
    api_task_progress **pointers;
    char **jobs;
    size_t n_list;
    api_task_progress last;
    char *last_job, *shown_id;
};

static status item_new(work_item **out, item_kind kind, const task_name *task)
{
    *out = calloc(1, sizeof **out);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory for a task");
    (*out)->kind = kind;
    status s = task_name_copy(&(*out)->task, task);
    if (s != ZK_OK) {
        free(*out);
        *out = NULL;
    }
    return s;
}

static void item_free(work_item *i)
{
    if (i == NULL)
        return;
    task_name_clear(&i->task);
    message_free((ProtobufCMessage *)i->m);
    free(i);
}

static void push(work *w, work_item *i)
{
    i->next = NULL;
    *w->end = i;
    w->end = &i->next;
    pthread_cond_signal(&w->some);
}

// ---- Towards the loop ----

// Knows no `work`, which may be gone when it arrives.
typedef enum news_kind { NEWS_RESULT, NEWS_ENDED, NEWS_STOPPED } news_kind;

typedef struct news {
    news_kind kind;
    work_options o;
    outbox_entry *e;
    uint32_t type;
    const char *code;
    double seconds;
} news;

static void on_news(void *arg)
{
    news *n = arg;
    if (n->kind == NEWS_RESULT)
        n->o.deliver(n->o.arg, n->e);
    else if (n->kind == NEWS_ENDED)
        n->o.ended(n->o.arg, n->type, n->code, n->seconds);
    else
        n->o.stopped(n->o.arg);
    free(n);
}

static news *news_new(const work *w, news_kind kind)
{
    news *n = malloc(sizeof *n);
    ZK_ASSERT(n != NULL); // a few bytes, and nobody to tell
    *n = (news){.kind = kind, .o = w->o};
    return n;
}

static void post(work *w, outbox_entry *e)
{
    news *n = news_new(w, NEWS_RESULT);
    n->e = e;
    rpc_loop_post(w->loop, on_news, n);
}

static void deliver(void *arg, outbox_entry *e)
{
    post(arg, e);
}

// Fleeting: when it is lost on its way, the coordinator finds the task missing from the list of
// the reconnect and sends it again.
static void answer_with(work *w, const task_name *task, const char *code, const char *message,
                        bool releases)
{
    outbox_entry *e;
    if (answer_failure(&e, w->o.world.worker_id, task, code, message) != ZK_OK) {
        log_error("worker::work", "a failure cannot be reported", log_str("job", task->job),
                  LOG_STATUS(ZK_ENOMEM));
        return;
    }
    e->fleeting = true;
    e->releases = releases;
    post(w, e);
}

static void progress(void *arg, size_t done, size_t of, uint64_t steps)
{
    work *w = arg;
    pthread_mutex_lock(&w->lock);
    api_task_progress *p = &w->running->progress;
    w->moved =
        w->moved || p->instances_done != done || p->instances_total != of || p->steps_done != steps;
    if (done > p->instances_done)
        w->counts.instances += done - p->instances_done;
    p->instances_done = (uint32_t)done;
    p->instances_total = (uint32_t)of;
    p->steps_done = steps;
    pthread_mutex_unlock(&w->lock);
}

// ---- The thread ----

static void forget_open(work *w, open_job **job)
{
    job_close(*job);
    *job = NULL;
    pthread_mutex_lock(&w->lock);
    free(w->open_id);
    w->open_id = NULL;
    task_name_clear(&w->aggregation.task);
    w->aggregation.open = false;
    pthread_mutex_unlock(&w->lock);
}

static status open_for(work *w, open_job **job, const char *id)
{
    if (*job != NULL && strcmp(job_id(*job), id) == 0)
        return ZK_OK;
    forget_open(w, job);
    TRY(job_open(job, &w->o.world, id, &w->cancel));
    pthread_mutex_lock(&w->lock);
    w->counts.jobs++;
    w->open_id = strdup(id); // without memory it is as good as not open
    pthread_mutex_unlock(&w->lock);
    return ZK_OK;
}

// Keeps in mind an aggregation that waits for more pieces.
static void note_aggregation(work *w, const work_item *i, status s)
{
    const api_execute_task_request *r = i->m->execute_task;
    if (r->task_type != TASK_AGGREGATE)
        return;
    const api_agg_params *p = r->agg_params;
    bool more = s == ZK_OK && !p->last_proof && !p->final_proof;
    pthread_mutex_lock(&w->lock);
    task_name_clear(&w->aggregation.task);
    w->aggregation.open = more && task_name_copy(&w->aggregation.task, &i->task) == ZK_OK;
    pthread_mutex_unlock(&w->lock);
}

static void run_item(work *w, open_job **job, work_item *i)
{
    if (i->kind == ITEM_RESUME)
        return;
    if (i->kind == ITEM_CLOSE) {
        if (*job != NULL && strcmp(job_id(*job), i->task.job) == 0)
            forget_open(w, job);
        answer_with(w, &i->task, TASK_CANCELLED, "the worker is free", true);
        return;
    }
    const char *code = NULL;
    uint64_t start = clock_monotonic_ns();
    log_info("worker::work", "task begins", log_str("job", i->task.job),
             log_u64("task", i->task.task_id), log_u64("kind", i->task.type),
             log_u64("epoch", i->task.epoch));
    status s = open_for(w, job, i->task.job);
    if (s == ZK_OK)
        s = job_run_task(*job, &i->task, i->m->execute_task, i->received_ms, &code);
    if (code == NULL)
        code = task_code(s);
    double seconds = (double)(clock_monotonic_ns() - start) / NS_PER_SECOND;
    note_aggregation(w, i, s);
    if (s != ZK_ECANCELED) {
        news *n = news_new(w, NEWS_ENDED);
        n->type = i->task.type;
        n->code = s == ZK_OK ? NULL : code;
        n->seconds = seconds;
        rpc_loop_post(w->loop, on_news, n);
    }
    pthread_mutex_lock(&w->lock);
    w->counts.steps += i->task.type == TASK_CONTRIBUTE ? i->progress.steps_done : 0;
    pthread_mutex_unlock(&w->lock);
    if (s == ZK_OK) {
        log_info("worker::work", "task done", log_str("job", i->task.job),
                 log_u64("task", i->task.task_id), log_f64("seconds", seconds));
        return;
    }
    if (s == ZK_ECANCELED) { // whoever canceled it queued the answer
        log_info("worker::work", "task canceled", log_str("job", i->task.job),
                 log_u64("task", i->task.task_id), log_f64("seconds", seconds));
        return;
    }
    log_error("worker::work", "task failed", log_str("job", i->task.job),
              log_u64("task", i->task.task_id), log_str("code", code), LOG_STATUS(s));
    answer_with(w, &i->task, code, status_message(), false);
}

static work_item *next_item(work *w)
{
    pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stop)
        pthread_cond_wait(&w->some, &w->lock);
    work_item *i = w->stop ? NULL : w->first;
    if (i != NULL) {
        w->first = i->next;
        if (w->first == NULL)
            w->end = &w->first;
        w->running = i;
        w->moved = true;
    }
    pthread_mutex_unlock(&w->lock);
    return i;
}

static void *thread_main(void *arg)
{
    work *w = arg;
    open_job *job = NULL;
    for (work_item *i; (i = next_item(w)) != NULL;) {
        run_item(w, &job, i);
        pthread_mutex_lock(&w->lock);
        w->running = NULL;
        // Whoever raised the flag put such an item in front of the queue: it has done its duty.
        if (i->kind != ITEM_TASK && !w->stop)
            atomic_store(&w->cancel.raised, false);
        pthread_mutex_unlock(&w->lock);
        item_free(i);
    }
    forget_open(w, &job);
    rpc_loop_post(w->loop, on_news, news_new(w, NEWS_STOPPED));
    return NULL;
}

// ---- The loop's side ----

// Takes the tasks of a job out of the queue and frees them: all, or those of earlier epochs.
static void drop_queued(work *w, const char *job, uint32_t below_epoch)
{
    for (work_item **link = &w->first; *link != NULL;) {
        work_item *i = *link;
        if (i->kind != ITEM_TASK || strcmp(i->task.job, job) != 0 || i->task.epoch >= below_epoch) {
            link = &i->next;
            continue;
        }
        *link = i->next;
        if (w->end == &i->next)
            w->end = link;
        item_free(i);
    }
}

static bool is_running(const work *w, const char *job)
{
    return w->running != NULL && w->running->kind == ITEM_TASK &&
           strcmp(w->running->task.job, job) == 0;
}

static void push_front(work *w, work_item *i)
{
    i->next = w->first;
    w->first = i;
    if (w->end == &w->first)
        w->end = &i->next;
    pthread_cond_signal(&w->some);
}

// The contributions changed: what is under way for the old ones is of no use to anybody.
static void end_earlier_epochs(work *w, const char *job, uint32_t epoch)
{
    drop_queued(w, job, epoch);
    task_name name = {.job = (char *)job};
    work_item *i;
    if (!is_running(w, job) || w->running->task.epoch >= epoch ||
        item_new(&i, ITEM_RESUME, &name) != ZK_OK)
        return;
    cancel_raise(&w->cancel);
    push_front(w, i);
}

void work_give(work *w, api_coordinator_message *m)
{
    const api_execute_task_request *r = m->execute_task;
    task_name name = {r->job_id, r->task_id, r->epoch, r->task_type};
    work_item *i;
    if (item_new(&i, ITEM_TASK, &name) != ZK_OK) {
        answer_with(w, &name, TASK_OUT_OF_MEMORY, status_message(), false);
        message_free(&m->base);
        return;
    }
    i->m = m;
    i->received_ms = clock_realtime_ns() / NS_PER_MS;
    i->progress = API_TASK_PROGRESS_INIT;
    i->progress.job_id = i->task.job;
    i->progress.task_id = r->task_id;
    i->progress.epoch = r->epoch;
    i->progress.task_type = r->task_type;
    pthread_mutex_lock(&w->lock);
    end_earlier_epochs(w, i->task.job, i->task.epoch);
    push(w, i);
    pthread_mutex_unlock(&w->lock);
}

void work_cancel(work *w, const char *job)
{
    task_name name = {.job = (char *)job};
    work_item *i;
    if (item_new(&i, ITEM_CLOSE, &name) != ZK_OK) {
        log_error("worker::work", "a job cannot be canceled", log_str("job", job),
                  LOG_STATUS(ZK_ENOMEM));
        return; // without an answer the coordinator gives the connection up
    }
    pthread_mutex_lock(&w->lock);
    drop_queued(w, job, UINT32_MAX);
    if (is_running(w, job))
        cancel_raise(&w->cancel);
    // In front: what is queued may be tasks of another job, or of this one in a later life.
    push_front(w, i);
    pthread_mutex_unlock(&w->lock);
}

static void clear_list(work *w)
{
    for (size_t i = 0; i < w->n_list; i++)
        free(w->jobs[i]);
    free(w->list);
    free(w->pointers);
    free(w->jobs);
    w->list = NULL;
    w->pointers = NULL;
    w->jobs = NULL;
    w->n_list = 0;
}

static void list_one(work *w, const api_task_progress *p)
{
    char *job = strdup(p->job_id);
    if (job == NULL)
        return; // not listed: the coordinator gives it to somebody else
    size_t k = w->n_list++;
    w->list[k] = *p;
    w->list[k].job_id = w->jobs[k] = job;
    w->pointers[k] = &w->list[k];
}

size_t work_tasks(work *w, api_task_progress *const **tasks)
{
    clear_list(w);
    pthread_mutex_lock(&w->lock);
    size_t n = 2;
    for (const work_item *i = w->first; i != NULL; i = i->next)
        n++;
    w->list = calloc(n, sizeof *w->list);
    w->pointers = calloc(n, sizeof *w->pointers);
    w->jobs = calloc(n, sizeof *w->jobs);
    if (w->list != NULL && w->pointers != NULL && w->jobs != NULL) {
        if (w->aggregation.open) {
            api_task_progress p = API_TASK_PROGRESS_INIT;
            p.job_id = w->aggregation.task.job;
            p.task_id = w->aggregation.task.task_id;
            p.epoch = w->aggregation.task.epoch;
            p.task_type = TASK_AGGREGATE;
            list_one(w, &p);
        }
        if (w->running != NULL && w->running->kind == ITEM_TASK)
            list_one(w, &w->running->progress);
        for (const work_item *i = w->first; i != NULL; i = i->next)
            if (i->kind == ITEM_TASK)
                list_one(w, &i->progress);
    }
    pthread_mutex_unlock(&w->lock);
    *tasks = w->pointers;
    return w->n_list;
}

const char *work_open_job(work *w)
{
    pthread_mutex_lock(&w->lock);
    free(w->shown_id);
    w->shown_id = w->open_id == NULL ? NULL : strdup(w->open_id);
    pthread_mutex_unlock(&w->lock);
    return w->shown_id;
}

const api_task_progress *work_moved(work *w)
{
    const api_task_progress *moved = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->moved && w->running != NULL && w->running->kind == ITEM_TASK) {
        char *job = strdup(w->running->task.job);
        if (job != NULL) {
            free(w->last_job);
            w->last_job = job;
            w->last = w->running->progress;
            w->last.job_id = job;
            moved = &w->last;
            w->moved = false;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return moved;
}

void work_get_counts(work *w, work_counts *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->counts;
    if (w->running != NULL && w->running->task.type == TASK_CONTRIBUTE)
        out->steps += w->running->progress.steps_done;
    pthread_mutex_unlock(&w->lock);
}

// ---- Life ----

status work_open(work **out, rpc_loop *loop, const work_options *options)
{
    *out = NULL;
    work *w = calloc(1, sizeof *w);
    FAIL_IF(w == NULL, ZK_ENOMEM, "no memory for the working thread");
    w->o = *options;
    w->o.world.arg = w;
    w->o.world.deliver = deliver;
    w->o.world.progress = progress;
    w->loop = loop;
    w->end = &w->first;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->some, NULL);
    // Signals are for the loop's thread.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&w->thread, NULL, thread_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        pthread_cond_destroy(&w->some);
        pthread_mutex_destroy(&w->lock);
        free(w);
        FAIL(ZK_ENOMEM, "cannot start the working thread: %s", strerror(rc));
    }
    *out = w;
    return ZK_OK;
}

void work_stop(work *w)
{
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    cancel_raise(&w->cancel);
    pthread_cond_signal(&w->some);
    pthread_mutex_unlock(&w->lock);
}

void work_close(work *w)
{
    if (w == NULL)
        return;
    work_stop(w);
    pthread_join(w->thread, NULL);
    while (w->first != NULL) {
        work_item *i = w->first;
        w->first = i->next;
        item_free(i);
    }
    clear_list(w);
    free(w->last_job);
    free(w->shown_id);
    pthread_cond_destroy(&w->some);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
