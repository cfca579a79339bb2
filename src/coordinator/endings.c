// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/endings.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TARGET "coordinator::proofs"

enum { ID_BYTES = 37, RETRY_MS = 30 * 1000, SWEEP_MS = 3600 * 1000 };
#define DAY_SECONDS (24ULL * 3600)

// A job whose end is being told.
typedef struct ending {
    struct ending *next;
    endings *e;
    char id[ID_BYTES];
    bool success, has_proof;
    uint64_t duration_ms;
    uint8_t sha256[ARTIFACT_DIGEST];
    char *error_code, *error_message;
    char path[ARTIFACT_PATH]; // of the proof
    status saved;
    char message[256];
    rpc_timer retry;
} ending;

struct endings {
    endings_options o;
    char *proofs_dir;
    ending *first;
    size_t n;
    bool stopped, sweeping;
    rpc_timer sweep;
};

// ---- Retention

size_t endings_sweep(const char *folder, uint64_t retention_days)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    if (d == NULL)
        return 0;
    uint64_t now = clock_realtime_ns() / NS_PER_SECOND;
    for (struct dirent *f; (f = readdir(d)) != NULL;) {
        size_t length = strlen(f->d_name);
        struct stat info;
        if (length != strlen("proof_.bin") + ID_BYTES - 1 || strncmp(f->d_name, "proof_", 6) != 0 ||
            strcmp(f->d_name + length - 4, ".bin") != 0 ||
            fstatat(dirfd(d), f->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
            continue;
        uint64_t at = (uint64_t)info.st_mtim.tv_sec;
        if (now > at && now - at > retention_days * DAY_SECONDS &&
            unlinkat(dirfd(d), f->d_name, 0) == 0) {
            log_info(TARGET, "removed a proof after its retention", log_str("file", f->d_name));
            n++;
        }
    }
    closedir(d);
    return n;
}

static void sweep_done(void *arg)
{
    endings *e = arg;
    e->sweeping = false;
}

static void sweep_work(void *arg)
{
    endings *e = arg;
    (void)endings_sweep(e->proofs_dir, e->o.retention_days);
    rpc_loop_post(e->o.loop, sweep_done, e);
}

static void on_sweep(void *arg)
{
    endings *e = arg;
    rpc_timer_set(e->o.loop, &e->sweep, SWEEP_MS, on_sweep, e);
    if (e->sweeping)
        return;
    e->sweeping = true;
    pool_submit(e->o.io, sweep_work, e);
}

// ---- One ending

static void ending_free(ending *x)
{
    rpc_timer_clear(x->e->o.loop, &x->retry);
    free(x->error_code);
    free(x->error_message);
    free(x);
}

static void told(ending *x)
{
    endings *e = x->e;
    ending **at = &e->first;
    while (*at != x)
        at = &(*at)->next;
    *at = x->next;
    e->n--;
    if (!e->stopped)
        e->o.notified(e->o.arg, x->id);
    ending_free(x);
}

static void tell(ending *x)
{
    endings *e = x->e;
    if (e->o.hook == NULL) {
        told(x);
        return;
    }
    webhook_report report = {.job_id = x->id,
                             .success = x->success,
                             .duration_ms = x->duration_ms,
                             .proof_path = x->has_proof ? x->path : NULL,
                             .sha256 = x->has_proof ? x->sha256 : NULL,
                             .error_code = x->error_code,
                             .error_message = x->error_message};
    if (webhook_send(e->o.hook, &report) != ZK_OK) {
        log_error("coordinator::webhook", "a notification cannot be sent", log_str("job", x->id),
                  log_str("error", status_message()));
        told(x);
    }
}

static void on_tell(void *arg)
{
    tell(arg);
}

typedef struct delivery {
    endings *e;
    char id[ID_BYTES];
    bool ok;
} delivery;

static void on_delivered(void *arg)
{
    delivery *d = arg;
    if (d->e->o.delivered != NULL && !d->e->stopped)
        d->e->o.delivered(d->e->o.arg, d->ok);
    ending *x = d->e->first;
    while (x != NULL && strcmp(x->id, d->id) != 0)
        x = x->next;
    if (x != NULL)
        told(x);
    free(d);
}

void endings_delivered(void *arg, const char *job_id, bool delivered)
{
    endings *e = arg; // given up counts as told
    delivery *d = malloc(sizeof *d);
    if (d == NULL)
        return; // it is told once more after the next start
    d->e = e;
    d->ok = delivered;
    snprintf(d->id, sizeof d->id, "%s", job_id);
    rpc_loop_post(e->o.loop, on_delivered, d);
}

// ---- Saving

static void name_proof(char path[ARTIFACT_PATH], const endings *e, const char *job_id)
{
    snprintf(path, ARTIFACT_PATH, "%s/proof_%s.bin", e->proofs_dir, job_id);
}

static status save(const endings *e, const char *path, const uint8_t *sha256)
{
    char from[ARTIFACT_PATH];
    FAIL_IF(!artifacts_find(e->o.artifacts, sha256, from, NULL), ZK_EIO,
            "the proof is not in the store any more");
    return file_copy_atomic(path, from);
}

void endings_save(endings *e, const char *job_id, const uint8_t proof_sha256[ARTIFACT_DIGEST])
{
    if (e->proofs_dir == NULL || strlen(job_id) >= ID_BYTES)
        return;
    char path[ARTIFACT_PATH];
    name_proof(path, e, job_id);
    if (save(e, path, proof_sha256) == ZK_OK)
        log_info(TARGET, "proof saved", log_str("job", job_id), log_str("file", path));
    else
        log_warn(TARGET, "a proof cannot be saved yet", log_str("job", job_id),
                 log_str("error", status_message()));
}

// Of a job that was cancelled while its proof was saved.
static status discard(const char *path)
{
    FAIL_IF(unlink(path) != 0 && errno != ENOENT, ZK_EIO, "%s: cannot be removed: %m", path);
    return ZK_OK;
}

static void save_done(void *arg);

static void save_work(void *arg)
{
    ending *x = arg;
    x->saved = x->has_proof ? save(x->e, x->path, x->sha256) : discard(x->path);
    if (x->saved != ZK_OK)
        snprintf(x->message, sizeof x->message, "%s", status_message());
    rpc_loop_post(x->e->o.loop, save_done, x);
}

static void submit_save(void *arg)
{
    ending *x = arg;
    pool_submit(x->e->o.io, save_work, x);
}

static void save_done(void *arg)
{
    ending *x = arg;
    endings *e = x->e;
    if (x->saved == ZK_OK) {
        if (!e->stopped)
            tell(x);
    } else if (!e->stopped) {
        log_error(TARGET, "a proof cannot be saved; trying again", log_str("job", x->id),
                  log_str("error", x->message));
        rpc_timer_set(e->o.loop, &x->retry, e->o.retry_ms, submit_save, x);
    }
}

void endings_over(endings *e, const api_job_status *job, const uint8_t *proof_sha256)
{
    ending *x = calloc(1, sizeof *x);
    if (x == NULL || strlen(job->job_id) >= ID_BYTES) {
        free(x);
        return; // it is told after the next start
    }
    x->e = e;
    strcpy(x->id, job->job_id);
    x->success = strcmp(job->state, job_state_name(JOB_COMPLETED)) == 0;
    x->duration_ms = job->duration_ms;
    if (job->failure != NULL) {
        x->error_code = strdup(job->failure->code);
        x->error_message = strdup(job->failure->message);
    } else if (!x->success) {
        x->error_code = strdup("CANCELLED");
        x->error_message = strdup("The job was cancelled");
    }
    x->next = e->first;
    e->first = x;
    e->n++;
    x->has_proof = x->success && proof_sha256 != NULL;
    if (x->has_proof)
        memcpy(x->sha256, proof_sha256, ARTIFACT_DIGEST);
    if ((x->has_proof || !x->success) && e->proofs_dir != NULL) {
        name_proof(x->path, e, x->id);
        submit_save(x);
        return;
    }
    if (x->has_proof && !artifacts_find(e->o.artifacts, x->sha256, x->path, NULL))
        x->has_proof = false;
    // Not from inside the engine, which calls this.
    rpc_timer_set(e->o.loop, &x->retry, 0, on_tell, x);
}

size_t endings_waiting(const endings *e)
{
    return e->n;
}

// ---- Life

status endings_open(endings **out, const endings_options *o)
{
    *out = NULL;
    status result = ZK_OK;
    endings *e = calloc(1, sizeof *e);
    FAIL_IF(e == NULL, ZK_ENOMEM, "no memory for the ends of jobs");
    e->o = *o;
    if (e->o.retry_ms == 0)
        e->o.retry_ms = RETRY_MS;
    if (o->proofs_dir != NULL) {
        FAIL_OUT_IF(strlen(o->proofs_dir) > 4000, ZK_EINVAL, "the path %.80s... is too long",
                    o->proofs_dir);
        TRY_OUT(file_make_directories(o->proofs_dir));
        char proof[4096];
        snprintf(proof, sizeof proof, "%.4000s/proof", o->proofs_dir);
        // Told now, not after the first job.
        FAIL_OUT_IF(file_check_target(proof) != ZK_OK, ZK_EIO,
                    "no proof can be saved in %s: %s; name another folder with --proofs-dir, or "
                    "save none with --no-save-proofs",
                    o->proofs_dir, status_message());
        e->proofs_dir = strdup(o->proofs_dir);
        FAIL_OUT_IF(e->proofs_dir == NULL, ZK_ENOMEM, "no memory for a path");
        if (o->retention_days > 0)
            on_sweep(e);
    }
    *out = e;
    return ZK_OK;
out:
    endings_free(e);
    return result;
}

void endings_stop(endings *e)
{
    e->stopped = true;
    rpc_timer_clear(e->o.loop, &e->sweep);
    for (ending *x = e->first; x != NULL; x = x->next)
        rpc_timer_clear(e->o.loop, &x->retry);
}

void endings_free(endings *e)
{
    if (e == NULL)
        return;
    while (e->first != NULL) {
        ending *x = e->first;
        e->first = x->next;
        free(x->error_code);
        free(x->error_message);
        free(x);
    }
    free(e->proofs_dir);
    free(e);
}
