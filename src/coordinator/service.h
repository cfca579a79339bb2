// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The coordinator's process around its mind: every RPC of the API over the engine, on the thread of
// an rpc loop. Streams of workers become the engine's connections, its hooks become messages, its
// events go to watchers and into a short history of each job; bulk data goes to the artifacts.
//
// Nothing here waits for a disk on the loop's thread except the engine's own store: files are read
// and written on the pool `io`, and the answer is posted back.
//
// Everything is called on the loop's thread, or before it runs.
#include "base/pool.h"
#include "coordinator/access.h"
#include "coordinator/artifacts.h"
#include "coordinator/engine.h"

typedef struct service service;

// Texts and the struct are copied; what is opened belongs to the caller and outlives the service.
typedef struct service_options {
    rpc_loop *loop;
    store *jobs;
    artifacts *artifacts;
    access_list *access;
    pool *io; // with threads of its own
    engine_limits limits;
    const char *name, *version, *proof_system; // for StatusInfo
    const char *inputs_folder;                 // NULL: none
    rpc_server_options server;                 // authorize is set here
    size_t worker_queue_bytes;                 // 0: SERVICE_WORKER_QUEUE
    uint64_t artifact_age_ms;                  // 0: SERVICE_ARTIFACT_AGE_MS
    size_t transfers_max;                      // at a time; 0: SERVICE_TRANSFERS_MAX
    size_t downloads_bytes;                    // memory of downloads; 0: SERVICE_DOWNLOADS_BYTES
    uint64_t upload_idle_ms;                   // 0: SERVICE_UPLOAD_IDLE_MS

    void *arg;
    // As the engine's hooks of these names.
    void (*check)(void *arg, const check_request *r);
    void (*forget_checks)(void *arg, const char *job, uint32_t below_epoch);
    bool (*contribution_form)(void *arg, const uint64_t *key_words, size_t n_key_words,
                              const uint8_t *program_key, const api_instance_contribution *c);
    void (*over)(void *arg, const api_job_status *job, const uint8_t *proof_sha256);
    // For who counts; may be NULL. A job's status changed; a call ended.
    void (*status_changed)(void *arg, const api_job_status *job);
    void (*call_ended)(void *arg, const char *method, rpc_code code, double seconds);
} service_options;

enum {
    SERVICE_CHUNK = 1 << 20,         // bytes of data in a chunk of an upload or download
    SERVICE_WORKER_QUEUE = 64 << 20, // bytes that wait for one worker; beyond: it is cut off
    SERVICE_TRANSFERS_MAX = 512,
    SERVICE_DOWNLOADS_BYTES = 256 << 20,   // at a time; a large one holds three chunks
    SERVICE_ARTIFACT_AGE_MS = 3600 * 1000, // of uploads that no job needs
    SERVICE_UPLOAD_IDLE_MS = 5 * 60 * 1000 // between two chunks of an upload
};

// Opens the engine over the store and listens. ZK_EIO: the port is taken.
MUST_CHECK status service_open(service **out, const service_options *o);
uint16_t service_port(const service *s);
rpc_server *service_server(service *s);
engine *service_engine(service *s);
bool service_draining(const service *s);
uint64_t service_now_ms(const service *s); // the engine's clock

// The answer to `check`.
void service_checked(service *s, uint64_t ticket, check_verdict verdict, const char *reason);
void service_notified(service *s, const char *job_id); // the answer to `over`

// No more launches; waits up to timeout_ms for running jobs, then tells workers and watchers and
// lets calls end. `done` comes when nothing is connected any more.
void service_drain(service *s, uint64_t timeout_ms, void (*done)(void *arg), void *arg);

// Ends all calls at once, as a crash would. The loop still has to be closed, then service_free.
void service_stop(service *s);
void service_free(service *s); // after service_stop and rpc_loop_close; NULL is allowed

typedef struct service_counts {
    size_t worker_streams, watchers, uploads, downloads; // at present
    uint64_t bytes_uploaded, bytes_downloaded;
} service_counts;
void service_get_counts(const service *s, service_counts *out);
