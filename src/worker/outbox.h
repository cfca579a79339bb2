// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Results that the coordinator has not stored yet, in the order in which they were made.
//
// An entry stays until ResultStored comes for it, its job is released, or, when it is `fleeting`,
// until it was sent once or the connection is gone. After a reconnect everything that stayed is
// sent again. A partial proof lies in a file and is read when it is sent, so that a worker whose
// coordinator is away for hours keeps its memory.
//
// One thread.
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Which task something is about.
typedef struct task_name {
    char *job; // owned by whoever holds the name
    uint64_t task_id;
    uint32_t epoch;
    uint32_t type; // TaskType of the API
} task_name;

MUST_CHECK status task_name_copy(task_name *out, const task_name *n); // ZK_ENOMEM
void task_name_clear(task_name *n);

typedef struct outbox_entry {
    struct outbox_entry *next;
    task_name task;
    bool fleeting;
    bool releases; // the answer to a release of the job, behind all that was delivered before it
    // The message as bytes (malloc), or the file with the proof of instance plan_index.
    uint8_t *bytes;
    size_t n_bytes;
    char *proof_path; // malloc; NULL: bytes
    uint8_t proof_sha256[32];
    uint32_t plan_index;
} outbox_entry;

// An empty entry about a task. ZK_ENOMEM.
MUST_CHECK status outbox_entry_new(outbox_entry **out, const task_name *task);
void outbox_entry_free(outbox_entry *e); // NULL is allowed

typedef struct outbox {
    outbox_entry *first, **end;
    outbox_entry *next; // to be sent; NULL: nothing is
    size_t n, n_bytes;  // kept entries and the memory of their messages
} outbox;

void outbox_init(outbox *b);
void outbox_clear(outbox *b);
void outbox_add(outbox *b, outbox_entry *e); // owns it from here on
// After outbox.next was sent.
void outbox_sent(outbox *b);
// A new connection: fleeting entries go, all others are to be sent.
void outbox_rewind(outbox *b);
// ResultStored: of one instance, or (plan_index NULL) of the whole task. True when something went.
bool outbox_stored(outbox *b, const char *job, uint64_t task_id, const uint32_t *plan_index);
// The job is released: its entries go, fleeting ones excepted.
void outbox_drop_job(outbox *b, const char *job);
