// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The worker's stream to its coordinator, kept up for as long as the process lives.
//
//      WAITING --retry--> CONNECTING --headers--> REGISTERING --accepted--> READY
//         ^_________ lost, refused, silent: with back-off and jitter _________|
//
// It registers, or reconnects with the tasks that the program still has; answers heartbeats; gives
// the connection up when nothing came for the timeout (a half-open one looks like that); and keeps
// the results until the coordinator has stored them. A refusal is logged with the coordinator's
// reason and tried again: it may be cured over there.
//
// Everything happens on the loop's thread, which no proving blocks.
#include "cluster/api.h"
#include "rpc/rpc.h"
#include "worker/outbox.h"

typedef struct worker_link worker_link;

typedef struct link_options {
    const char *url;
    const rpc_tls_options *tls; // NULL: the system's certificates for https
    const char *token;          // NULL: none
    const char *worker_id;
    uint32_t compute_units;
    const api_worker_abilities *abilities;
    uint64_t reconnect_ms; // pause after the first failure; doubled up to 16 times
    uint64_t heartbeat_timeout_ms;
    void *arg;
    // Everything but heartbeats and registration; owned by the callee (message_free).
    void (*message)(void *arg, api_coordinator_message *m);
    // The tasks and the open job (NULL: none) of a reconnect; what is given lives until the next
    // call. With neither it registers anew.
    size_t (*tasks)(void *arg, api_task_progress *const **tasks, const char **job);
    void (*changed)(void *arg, bool registered); // may be NULL
} link_options;

// Starts connecting in the loop's next turn. What options point to must outlive the link.
MUST_CHECK status link_open(worker_link **out, rpc_loop *loop, const link_options *options);
void link_close(worker_link *l); // NULL is allowed

bool link_ready(const worker_link *l);
// Sends now or not at all: for what is worth nothing later.
void link_send(worker_link *l, const api_worker_message *m);
// Keeps and sends a result.
void link_deliver(worker_link *l, outbox_entry *e);
outbox *link_results(worker_link *l);

typedef struct link_counts {
    uint64_t connects, losses, refusals, messages_in, results_sent;
    uint64_t bytes_out; // of results
} link_counts;
const link_counts *link_get_counts(const worker_link *l);
