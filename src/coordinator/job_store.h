// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What a coordinator must not forget: its jobs, the tasks it gave to workers, and the results that
// they delivered.
//
// Jobs, tasks and the list of results are rows of an SQLite database (write-ahead log, synced at
// every commit). Contributions, a few hundred bytes each, lie in their row; the other results are
// files named by their SHA-256. When a function that changes something returns ZK_OK, the change
// survives a crash of the process and a loss of power; until then nobody may be told of it. A
// result's file is on the disk before its row is, so a row always has its file, unless the disk
// lost it: then the digest tells, the row goes, and the result is asked for again.
//
//     FOLDER/jobs.sqlite               tables job, task and result
//     FOLDER/results/ab/abcd....       64 hex digits of the content
//
// Several changes become one by store_begin and store_commit: all of them are there after a crash,
// or none.
//
// One process at a time has the folder open; one thread at a time calls these functions.
#include "base/bytes.h"
#include "coordinator/job_state.h"

#include <stdint.h>

typedef struct store store;

// Texts and bytes belong to the caller, or in a callback to the store.
typedef struct job_record {
    const char *id;
    job_state state;
    uint32_t epoch;
    uint64_t created_ms, changed_ms; // since 1970
    const char *failure_code;        // of a failed job, else NULL
    const char *failure_message;     // likewise
    const uint8_t *request;          // the request as it came, a message of the API
    size_t request_bytes;
    const uint8_t *facts; // what the engine learned of the job: its own form
    size_t facts_bytes;
    bool notified; // its end was told
} job_record;

// Something that a worker was asked to do. The numbers' meaning is the engine's.
typedef struct task_record {
    uint64_t id; // unique for all time in this folder
    const char *job;
    uint32_t epoch;
    int purpose, state;
    const char *worker;
    uint32_t first_unit, n_units; // units, or
    uint32_t begin, end;          // instances
} task_record;

typedef enum result_kind { RESULT_CONTRIBUTION, RESULT_PROOF, RESULT_FINAL } result_kind;

typedef struct result_record {
    uint32_t epoch;
    result_kind kind;
    uint32_t instance;  // of the plan; 0 for RESULT_FINAL
    const char *worker; // who delivered it
    const uint8_t *data;
    size_t size;
} result_record;

enum { RESULT_BYTES_MAX = 1 << 30, STORE_SLICE = 256 };

// Makes the folder and the database where they are missing, and removes files of results that no
// row is about. ZK_EIO, also when another process has
// the folder; ZK_EPARSE when the database is one of another version.
MUST_CHECK status store_open(store **out, const char *folder);
void store_close(store *s); // NULL is allowed

// Between these two, changes belong together. They do not nest. A commit that fails has rolled
// back.
MUST_CHECK status store_begin(store *s);
MUST_CHECK status store_commit(store *s);
void store_rollback(store *s); // what was changed since store_begin is undone

// ZK_EINVAL when there is a job with this id already.
MUST_CHECK status store_add_job(store *s, const job_record *job);
// Takes over state, epoch, changed_ms, failure, facts and notified. ZK_EINVAL when there is no such
// job.
MUST_CHECK status store_change_job(store *s, const job_record *job);
// Forgets the job and its results, and removes the files that no job has any more.
MUST_CHECK status store_remove_job(store *s, const char *id);
// Jobs in order of creation. Stops at the first status of `each` that is not ZK_OK and returns it;
// `each` must not change the store.
MUST_CHECK status store_each_job(store *s, status (*each)(void *arg, const job_record *job),
                                 void *arg);

// Stores a new task and gives it an id; task->id is not looked at. ZK_EINVAL: no such job.
MUST_CHECK status store_add_task(store *s, uint64_t *id, const task_record *task);
// Takes over state, begin and end. ZK_EINVAL when there is no such task.
MUST_CHECK status store_change_task(store *s, const task_record *task);
// Tasks of a job by id, as store_each_job.
MUST_CHECK status store_each_task(store *s, const char *job,
                                  status (*each)(void *arg, const task_record *task), void *arg);

// The same result again changes nothing. ZK_EPROTO when the place holds another one, ZK_EINVAL when
// there is no such job, ZK_ELIMIT above RESULT_BYTES_MAX.
MUST_CHECK status store_add_result(store *s, const char *job, const result_record *result);
// Results of a job in one epoch by kind and instance, as store_each_job. A result whose file is
// missing or damaged is left out, and forgotten afterwards.
MUST_CHECK status store_each_result(store *s, const char *job, uint32_t epoch,
                                    status (*each)(void *arg, const result_record *result),
                                    void *arg);
// Forgets results of a job in one epoch: one, or all of a kind when `instance` is UINT32_MAX; and
// removes files that nothing needs any more. Files are not part of a change that is rolled back:
// proofs are not forgotten between store_begin and store_commit.
MUST_CHECK status store_forget_results(store *s, const char *job, uint32_t epoch, result_kind kind,
                                       uint32_t instance);
// The same with results of the epochs before `below_epoch`, of all when it is UINT32_MAX, at most
// STORE_SLICE of them at a time. *more: call it again.
MUST_CHECK status store_forget_epochs(bool *more, store *s, const char *job, uint32_t below_epoch);
// The file of a result that is not a contribution, into path[size], whether it is there or not.
// False: the path is too long.
bool store_result_path(const store *s, const uint8_t sha256[32], char *path, size_t size);
