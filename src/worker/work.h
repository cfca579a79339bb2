// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The working thread: runs tasks in order of arrival, over one open job at a time.
//
//     work_give    a task joins the queue; one of another job closes the open one in its turn
//     work_cancel  the job's tasks end, the running one within a second, and it is closed; then
//                  one answer CANCELLED
//
// All functions are for the loop's thread and never wait for the working one, except work_close.
#include "worker/job_work.h"

typedef struct work work;

typedef struct work_options {
    job_world world; // deliver, progress and arg are work's own
    void *arg;       // outlives the loop: what was posted arrives until then
    // A result, on the loop's thread; owned by the callee.
    void (*deliver)(void *arg, outbox_entry *e);
    // A task ended; code NULL: well. Canceled ones are not counted. On the loop's thread.
    void (*ended)(void *arg, uint32_t type, const char *code, double seconds);
    // The thread has ended after work_stop, on the loop's thread.
    void (*stopped)(void *arg);
} work_options;

// What options point to must outlive it.
MUST_CHECK status work_open(work **out, rpc_loop *loop, const work_options *options);
// Raises every cancel flag and lets the thread end; `stopped` comes.
void work_stop(work *w);
// After `stopped`, or without work_stop on a way out: waits for the thread. NULL is allowed.
void work_close(work *w);

// m is an execute_task and owned by the queue from here on.
void work_give(work *w, api_coordinator_message *m);
void work_cancel(work *w, const char *job);

// Tasks that were given and are not done, with how far they are. The pointers live until the next
// call of a function of work. An aggregation counts until its final proof was delivered.
size_t work_tasks(work *w, api_task_progress *const **tasks);
// Id of the job that is open, with or without tasks; NULL: none. Lives until the next call.
const char *work_open_job(work *w);
// The running task when it got further since the last call of this function, else NULL.
const api_task_progress *work_moved(work *w);

typedef struct work_counts {
    uint64_t jobs, instances, steps;
} work_counts;
void work_get_counts(work *w, work_counts *out);
