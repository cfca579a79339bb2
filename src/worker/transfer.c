// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cluster/api.h"
#include "cluster/messages.h"

#define SERVICE "/zisk.distributed.api.v1.ZiskDistributedApi/"

enum {
    CHUNK_BYTES = 1 << 20,
    MESSAGE_MAX = CHUNK_BYTES + 4096,
    FIRST_PAUSE_MS = 250,
    LONGEST_PAUSE_MS = 10000,
    MOST_DOUBTFUL = 12,   // failures that may be for good, one after the other: about a minute
    CANCEL_LOOK_MS = 100, // how often a waiting thread looks at its flag
    DIGEST = SHA256_DIGEST_LENGTH
};

struct transfer {
    rpc_loop *loop;
    rpc_channel *channel;
    transfer_counts counts;
};

// One transfer: the waiting thread's, touched by the loop's thread between start and finish.
typedef struct transfer_job {
    transfer *t;
    bool upload;
    const char *path, *name;
    uint8_t sha256[DIGEST];
    uint64_t max_bytes;
    int fd;
    uint64_t size, at; // bytes of the file; sent or received so far
    EVP_MD_CTX *md;    // of what was received
    bool sent_all;     // upload
    bool answered;     // upload: the coordinator has it
    bool spoiled;      // download: once of another digest
    unsigned doubtful;
    uint64_t pause_ms;
    rpc_call *call;
    rpc_timer retry;
    uint8_t *chunk;
    status broken; // why we ended the call; ZK_OK: we did not
    char reason[512];

    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done, stopped;
    status result;
} transfer_job;

static void start_call(void *arg);

static void finish(transfer_job *j, status result)
{
    pthread_mutex_lock(&j->lock);
    j->result = result;
    j->done = true;
    pthread_cond_signal(&j->ended);
    pthread_mutex_unlock(&j->lock);
}

// Ends the call, and with it the transfer, or at once when there is none.
__attribute__((format(printf, 3, 4))) static void give_up(transfer_job *j, status s,
                                                          const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(j->reason, sizeof j->reason, format, args);
    va_end(args);
    j->broken = s;
    if (j->call != NULL)
        rpc_cancel(j->call);
    else
        finish(j, s);
}

// ---- When a call ends ----

typedef enum verdict { TRY_AGAIN, DOUBTFUL, FOR_GOOD } verdict;

static verdict judge(rpc_code code)
{
    switch (code) {
    case RPC_UNAVAILABLE:
    case RPC_CANCELLED:
    case RPC_DEADLINE_EXCEEDED:
    case RPC_ABORTED:
        return TRY_AGAIN;
    case RPC_UNKNOWN:
    case RPC_INTERNAL:
    case RPC_DATA_LOSS:
    case RPC_RESOURCE_EXHAUSTED:
    case RPC_OK: // ended without the whole
        return DOUBTFUL;
    default:
        return FOR_GOOD;
    }
}

static void try_again(transfer_job *j)
{
    uint64_t pause = j->pause_ms;
    j->pause_ms = pause * 2 > LONGEST_PAUSE_MS ? LONGEST_PAUSE_MS : pause * 2;
    rpc_timer_set(j->t->loop, &j->retry, pause, start_call, j);
}

// A download whose call ended well: is it all there, and is it right?
static void check_download(transfer_job *j)
{
    uint8_t sha256[DIGEST];
    EVP_DigestFinal_ex(j->md, sha256, NULL);
    if (memcmp(sha256, j->sha256, DIGEST) == 0) {
        finish(j, ZK_OK);
    } else if (j->spoiled) {
        give_up(j, ZK_EPROTO, "the coordinator gives other bytes than asked for, twice");
    } else {
        j->spoiled = true;
        j->at = j->size = 0;
        try_again(j);
    }
}

static void on_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    transfer_job *j = arg;
    (void)call;
    j->call = NULL;
    if (j->broken != ZK_OK) {
        finish(j, j->broken);
        return;
    }
    if (code == RPC_OK && j->upload && j->answered) {
        finish(j, ZK_OK);
        return;
    }
    if (code == RPC_OK && !j->upload && j->at == j->size) {
        check_download(j);
        return;
    }
    verdict v = judge(code);
    bool too_often = v == DOUBTFUL && ++j->doubtful >= MOST_DOUBTFUL;
    if (v == FOR_GOOD || too_often) {
        give_up(j, too_often ? ZK_ETIMEOUT : ZK_EPROTO, "%s: the coordinator says %s: %s", j->name,
                rpc_code_name(code), message == NULL ? "" : message);
        return;
    }
    log_debug("worker::transfer", "interrupted", log_str("what", j->name),
              log_str("reason", message), log_u64("at", j->at), log_u64("retry_ms", j->pause_ms));
    try_again(j);
}

// ---- Download ----

static void on_chunk(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    transfer_job *j = arg;
    (void)call;
    if (j->broken != ZK_OK)
        return;
    ProtobufCMessage *unpacked;
    if (message_unpack(&unpacked, API_DATA_CHUNK_TYPE, bytes, n, MESSAGE_MAX) != ZK_OK) {
        give_up(j, ZK_EPROTO, "%s", status_message());
        return;
    }
    const api_data_chunk *c = (const api_data_chunk *)unpacked;
    if (j->size == 0)
        j->size = c->size;
    if (j->size > j->max_bytes) {
        give_up(j, ZK_ELIMIT, "%s has %llu bytes, more than the %llu that can be used", j->name,
                (unsigned long long)j->size, (unsigned long long)j->max_bytes);
    } else if (c->offset != j->at || c->data.len > j->size - j->at) {
        give_up(j, ZK_EPROTO, "%s: a piece at %llu came where %llu was due", j->name,
                (unsigned long long)c->offset, (unsigned long long)j->at);
    } else if (pwrite(j->fd, c->data.data, c->data.len, (off_t)j->at) != (ssize_t)c->data.len) {
        give_up(j, ZK_EIO, "cannot write %s: %s", j->path, strerror(errno));
    } else {
        EVP_DigestUpdate(j->md, c->data.data, c->data.len);
        j->at += c->data.len;
        j->t->counts.bytes_in += c->data.len;
        j->pause_ms = FIRST_PAUSE_MS;
        j->doubtful = 0;
    }
    message_free(unpacked);
}

static void start_download(transfer_job *j)
{
    static const rpc_call_events events = {.on_message = on_chunk, .on_done = on_done};
    if (j->at == 0)
        EVP_DigestInit_ex(j->md, EVP_sha256(), NULL);
    api_download_artifact_request r = API_DOWNLOAD_ARTIFACT_REQUEST_INIT;
    r.sha256.data = j->sha256;
    r.sha256.len = DIGEST;
    r.offset = j->at;
    uint8_t *packed;
    size_t n;
    status s = message_pack(&packed, &n, &r.base);
    if (s == ZK_OK) {
        s = rpc_call_start(&j->call, j->t->channel, SERVICE "DownloadArtifact", NULL, &events, j);
        if (s != ZK_OK)
            free(packed);
    }
    if (s != ZK_OK) {
        give_up(j, s, "%s", status_message());
        return;
    }
    if (rpc_send_take(j->call, packed, n) == ZK_OK)
        rpc_half_close(j->call);
    else
        rpc_cancel(j->call); // no memory: tried again
}

// ---- Upload ----

static void send_more(rpc_call *call, void *arg)
{
    transfer_job *j = arg;
    while (j->broken == ZK_OK && !j->sent_all) {
        ssize_t n = pread(j->fd, j->chunk, CHUNK_BYTES, (off_t)j->at);
        if (n < 0 || (n == 0 && j->at < j->size)) {
            give_up(j, ZK_EIO, "cannot read %s: %s", j->path,
                    n == 0 ? "it became shorter" : strerror(errno));
            return;
        }
        api_upload_chunk c = API_UPLOAD_CHUNK_INIT;
        c.offset = j->at;
        c.data.data = j->chunk;
        c.data.len = (size_t)n;
        if (j->at == 0) {
            c.name = (char *)j->name;
            c.size = j->size;
            c.sha256.data = j->sha256;
            c.sha256.len = DIGEST;
        }
        uint8_t *packed;
        size_t packed_n;
        status s = message_pack(&packed, &packed_n, &c.base);
        if (s == ZK_OK)
            s = rpc_send_take(call, packed, packed_n);
        if (s == ZK_ELIMIT || s == ZK_ECANCELED)
            return; // on_drain or on_done comes
        if (s != ZK_OK) {
            rpc_cancel(call);
            return;
        }
        j->at += (uint64_t)n;
        j->t->counts.bytes_out += (uint64_t)n;
        j->sent_all = j->at >= j->size;
        if (j->sent_all)
            rpc_half_close(call);
    }
}

static void on_upload_answer(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    transfer_job *j = arg;
    (void)call;
    ProtobufCMessage *unpacked;
    if (message_unpack(&unpacked, API_UPLOAD_RESPONSE_TYPE, bytes, n, MESSAGE_MAX) != ZK_OK)
        return; // the call then ends without an answer
    const api_upload_response *r = (const api_upload_response *)unpacked;
    j->answered = r->sha256.len == DIGEST && memcmp(r->sha256.data, j->sha256, DIGEST) == 0;
    message_free(unpacked);
}

static void start_upload(transfer_job *j)
{
    static const rpc_call_events events = {
        .on_message = on_upload_answer, .on_drain = send_more, .on_done = on_done};
    j->at = 0;
    j->sent_all = j->answered = false;
    status s = rpc_call_start(&j->call, j->t->channel, SERVICE "UploadArtifact", NULL, &events, j);
    if (s != ZK_OK)
        give_up(j, s, "%s", status_message());
    else
        send_more(j->call, j);
}

// ---- Both ----

static void start_call(void *arg)
{
    transfer_job *j = arg;
    if (j->upload)
        start_upload(j);
    else
        start_download(j);
}

static void stop_job(void *arg)
{
    transfer_job *j = arg;
    rpc_timer_clear(j->t->loop, &j->retry);
    if (!j->done && j->broken == ZK_OK)
        give_up(j, ZK_ECANCELED, "canceled");
    pthread_mutex_lock(&j->lock);
    j->stopped = true;
    pthread_cond_signal(&j->ended);
    pthread_mutex_unlock(&j->lock);
}

static struct timespec look_again_at(void)
{
    uint64_t at = clock_monotonic_ns() + CANCEL_LOOK_MS * NS_PER_MS;
    return (struct timespec){(time_t)(at / NS_PER_SECOND), (long)(at % NS_PER_SECOND)};
}

static void wait_for(transfer_job *j, const cancel_flag *cancel)
{
    bool told = false;
    pthread_mutex_lock(&j->lock);
    // A posted stop points at the job, so it must have run as well.
    while (!j->done || (told && !j->stopped)) {
        struct timespec until = look_again_at();
        pthread_cond_timedwait(&j->ended, &j->lock, &until);
        if (cancel_raised(cancel) && !told && !j->done) {
            told = true;
            rpc_loop_post(j->t->loop, stop_job, j);
        }
    }
    pthread_mutex_unlock(&j->lock);
}

static status run_job(transfer_job *j, const cancel_flag *cancel)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    j->pause_ms = FIRST_PAUSE_MS;
    rpc_loop_post(j->t->loop, start_call, j);
    wait_for(j, cancel);
    pthread_cond_destroy(&j->ended);
    pthread_mutex_destroy(&j->lock);
    FAIL_IF(j->result != ZK_OK, j->result, "%s", j->reason);
    return ZK_OK;
}

status transfer_download(transfer *t, const char *path, const uint8_t sha256[32],
                         uint64_t max_bytes, const cancel_flag *cancel)
{
    status result = ZK_OK;
    transfer_job j = {.t = t, .path = path, .name = "the artifact", .max_bytes = max_bytes};
    memcpy(j.sha256, sha256, DIGEST);
    j.md = EVP_MD_CTX_new();
    j.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FAIL_OUT_IF(j.fd < 0, ZK_EIO, "cannot make %s: %m", path);
    FAIL_OUT_IF(j.md == NULL, ZK_ENOMEM, "no memory for a download");
    TRY_OUT(run_job(&j, cancel));
out:
    if (j.fd >= 0)
        close(j.fd);
    EVP_MD_CTX_free(j.md);
    return result;
}

status transfer_upload(transfer *t, const char *path, const uint8_t sha256[32], const char *name,
                       const cancel_flag *cancel)
{
    status result = ZK_OK;
    transfer_job j = {.t = t, .upload = true, .path = path, .name = name};
    struct stat st;
    memcpy(j.sha256, sha256, DIGEST);
    j.chunk = malloc(CHUNK_BYTES);
    j.fd = open(path, O_RDONLY | O_CLOEXEC);
    FAIL_OUT_IF(j.fd < 0 || fstat(j.fd, &st) != 0, ZK_EIO, "cannot read %s: %m", path);
    FAIL_OUT_IF(j.chunk == NULL, ZK_ENOMEM, "no memory for an upload");
    j.size = (uint64_t)st.st_size;
    TRY_OUT(run_job(&j, cancel));
out:
    if (j.fd >= 0)
        close(j.fd);
    free(j.chunk);
    return result;
}

status transfer_open(transfer **out, rpc_loop *loop, const char *url, const rpc_tls_options *tls,
                     const char *token)
{
    *out = NULL;
    transfer *t = calloc(1, sizeof *t);
    FAIL_IF(t == NULL, ZK_ENOMEM, "no memory for transfers");
    t->loop = loop;
    rpc_channel_options options = {.tls = tls, .token = token, .backoff_max_ms = LONGEST_PAUSE_MS};
    status s = rpc_channel_open(&t->channel, loop, url, &options);
    if (s != ZK_OK) {
        free(t);
        return s;
    }
    *out = t;
    return ZK_OK;
}

void transfer_close(transfer *t)
{
    if (t == NULL)
        return;
    rpc_channel_close(t->channel);
    free(t);
}

const transfer_counts *transfer_get_counts(const transfer *t)
{
    return &t->counts;
}
