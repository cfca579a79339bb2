// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// What a coordinator must not forget: its jobs and the results that workers delivered for them.
//
// Jobs and the list of results are rows of an SQLite database (write-ahead log, synced at every
// commit), the results themselves files named by their SHA-256. When a function that changes
// something returns ZK_OK, the change survives a crash of the process and a loss of power; until
// then nobody may be told of it. A result's file is on the disk before its row is, so a row always
// has its file, unless the disk lost it: then the digest tells, the row goes, and the result is
// asked for again.
//
//     FOLDER/jobs.sqlite               tables job and result
//     FOLDER/results/ab/abcd....       64 hex digits of the content
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
} job_record;

typedef enum result_kind { RESULT_CONTRIBUTION, RESULT_PROOF, RESULT_FINAL } result_kind;

typedef struct result_record {
    uint32_t epoch;
    result_kind kind;
    uint32_t instance; // of the plan; 0 for RESULT_FINAL
    const uint8_t *data;
    size_t size;
} result_record;

enum { RESULT_BYTES_MAX = 1 << 30 };

// Makes the folder and the database where they are missing. ZK_EIO, also when another process has
// the folder; ZK_EPARSE when the database is one of another version.
MUST_CHECK status store_open(store **out, const char *folder);
void store_close(store *s); // NULL is allowed

// ZK_EINVAL when there is a job with this id already.
MUST_CHECK status store_add_job(store *s, const job_record *job);
// Takes over state, epoch, changed_ms and failure. ZK_EINVAL when there is no such job.
MUST_CHECK status store_change_job(store *s, const job_record *job);
// Forgets the job and its results, and removes the files that no job has any more.
MUST_CHECK status store_remove_job(store *s, const char *id);
// Jobs in order of creation. Stops at the first status of `each` that is not ZK_OK and returns it;
// `each` must not change the store.
MUST_CHECK status store_each_job(store *s, status (*each)(void *arg, const job_record *job),
                                 void *arg);

// The same result again changes nothing. ZK_EPROTO when the place holds another one, ZK_EINVAL when
// there is no such job, ZK_ELIMIT above RESULT_BYTES_MAX.
MUST_CHECK status store_add_result(store *s, const char *job, const result_record *result);
// Results of a job in one epoch by kind and instance, as store_each_job. A result whose file is
// missing or damaged is left out, and forgotten afterwards.
MUST_CHECK status store_each_result(store *s, const char *job, uint32_t epoch,
                                    status (*each)(void *arg, const result_record *result),
                                    void *arg);
