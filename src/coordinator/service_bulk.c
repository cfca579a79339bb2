// SPDX-License-Identifier: Apache-2.0 OR MIT
// Uploads into the artifacts, downloads of artifacts, results and final proofs.
//
// One piece of a transfer at a time is with the pool or on the wire: an upload is paused while a
// chunk is written, a download reads the next chunk when the last one left its queue.
#include "coordinator/service_internal.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET "coordinator::artifacts"

enum { CHUNK_MESSAGE_MAX = SERVICE_CHUNK + 4096, TEXT_MAX = 256, CHUNKS_HELD = 3 };

// Each transfer holds an open file, and jobs need files too; downloads hold memory beside, as long
// as their reader likes. False: the call has its answer, after which workers and clients try again.
static bool has_place(const service *s, rpc_call *call, size_t download_bytes)
{
    if (s->counts.uploads + s->counts.downloads < s->o.transfers_max &&
        s->downloads_bytes + download_bytes <= s->o.downloads_bytes)
        return true;
    rpc_finish(call, RPC_UNAVAILABLE, "too many transfers at a time; try again");
    return false;
}

// ---- Uploads

typedef struct upload {
    service *s;
    rpc_call *call; // NULL: the call is over
    bool begun, busy, half_closed, answered;
    uint64_t size, received;
    uint8_t sha256[ARTIFACT_DIGEST];
    artifact_writer *writer;
    api_upload_chunk *chunk; // with the pool; NULL: commit
    status result;
    char message[TEXT_MAX];
    rpc_timer idle; // what is announced takes room: who sends nothing may not keep it
} upload;

static void abort_work(void *arg)
{
    upload *u = arg;
    artifact_abort(u->writer);
    u->writer = NULL;
}

static void upload_free(void *arg)
{
    upload *u = arg;
    u->s->counts.uploads--;
    free(u);
}

// The call is over and the pool has nothing of it.
static void upload_end(upload *u)
{
    if (u->writer == NULL) {
        upload_free(u);
    } else if (service_io(u->s, abort_work, upload_free, u) != ZK_OK) {
        abort_work(u);
        upload_free(u);
    }
}

static void stop_waiting(upload *u)
{
    rpc_timer_clear(u->s->o.loop, &u->idle);
}

static void answer(upload *u)
{
    stop_waiting(u);
    api_upload_response response = API_UPLOAD_RESPONSE_INIT;
    response.sha256 = (ProtobufCBinaryData){.len = ARTIFACT_DIGEST, .data = u->sha256};
    response.size = u->size;
    u->answered = true;
    service_reply(u->call, &response);
}

static void refuse(upload *u, rpc_code code, const char *message)
{
    stop_waiting(u);
    u->answered = true;
    rpc_finish(u->call, code, message);
}

static void on_idle(void *arg)
{
    refuse(arg, RPC_DEADLINE_EXCEEDED, "nothing came of this upload for too long");
}

static void wait_for_chunk(upload *u)
{
    rpc_timer_set(u->s->o.loop, &u->idle, u->s->o.upload_idle_ms, on_idle, u);
}

static void upload_work(void *arg)
{
    upload *u = arg;
    u->result = ZK_OK;
    if (u->writer == NULL)
        u->result = artifact_begin(&u->writer, u->s->o.artifacts, u->sha256, u->size);
    if (u->result == ZK_OK && u->chunk != NULL) {
        u->result = artifact_write(u->writer, u->chunk->data.data, u->chunk->data.len);
    } else if (u->result == ZK_OK) {
        u->result = artifact_commit(u->writer, NULL);
        u->writer = NULL;
    }
    if (u->result != ZK_OK)
        snprintf(u->message, sizeof u->message, "%s", status_message());
}

static void upload_done(void *arg);

static void hand_over(upload *u, api_upload_chunk *chunk)
{
    stop_waiting(u);
    u->chunk = chunk;
    u->busy = true;
    rpc_pause(u->call);
    if (service_io(u->s, upload_work, upload_done, u) == ZK_OK)
        return;
    u->busy = false;
    u->chunk = NULL;
    if (chunk != NULL)
        message_free(&chunk->base);
    refuse(u, RPC_RESOURCE_EXHAUSTED, status_message());
}

static void upload_done(void *arg)
{
    upload *u = arg;
    bool commit = u->chunk == NULL;
    u->busy = false;
    if (u->chunk != NULL) {
        u->received += u->chunk->data.len;
        u->s->counts.bytes_uploaded += u->chunk->data.len;
        message_free(&u->chunk->base);
        u->chunk = NULL;
    }
    if (u->call == NULL) {
        upload_end(u);
        return;
    }
    rpc_resume(u->call);
    if (u->result != ZK_OK) {
        log_warn(TARGET, "an upload failed", log_hex("sha256", u->sha256, ARTIFACT_DIGEST),
                 log_str("error", u->message));
        service_fail(u->call, u->result, u->message);
        u->answered = true;
    } else if (commit) {
        log_debug(TARGET, "uploaded", log_hex("sha256", u->sha256, ARTIFACT_DIGEST),
                  log_u64("bytes", u->size));
        answer(u);
    } else if (u->half_closed) {
        hand_over(u, NULL);
    } else {
        wait_for_chunk(u);
    }
}

// The first chunk says what follows. False: the call has its answer.
static bool begin(upload *u, const api_upload_chunk *c)
{
    if (c->sha256.len != ARTIFACT_DIGEST) {
        refuse(u, RPC_INVALID_ARGUMENT,
               "the first chunk of an upload has the SHA-256 of the whole, 32 bytes");
        return false;
    }
    u->begun = true;
    u->size = c->size;
    memcpy(u->sha256, c->sha256.data, ARTIFACT_DIGEST);
    log_debug(TARGET, "upload begins", log_str("name", c->name), log_u64("bytes", c->size),
              log_str("address", rpc_call_peer(u->call)->address));
    char path[ARTIFACT_PATH];
    uint64_t size;
    if (!artifacts_find(u->s->o.artifacts, u->sha256, path, &size))
        return true;
    if (size == u->size)
        answer(u); // nothing needs to be sent
    else
        refuse(u, RPC_INVALID_ARGUMENT, "size and SHA-256 do not belong together");
    return false;
}

static void on_chunk(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)call;
    upload *u = arg;
    if (u->answered)
        return;
    ProtobufCMessage *m;
    if (message_unpack(&m, API_UPLOAD_CHUNK_TYPE, bytes, n, CHUNK_MESSAGE_MAX) != ZK_OK) {
        refuse(u, RPC_INVALID_ARGUMENT, status_message());
        return;
    }
    api_upload_chunk *c = (api_upload_chunk *)m;
    bool first = !u->begun;
    if (first && !begin(u, c)) {
        message_free(m);
    } else if (c->offset != u->received) {
        message_free(m);
        refuse(u, RPC_OUT_OF_RANGE, "the chunks of an upload follow each other without a gap");
    } else if (c->data.len == 0 && !first) {
        message_free(m);
    } else {
        hand_over(u, c);
    }
}

static void on_last_chunk(rpc_call *call, void *arg)
{
    (void)call;
    upload *u = arg;
    u->half_closed = true;
    if (u->answered || u->busy)
        return;
    if (!u->begun)
        refuse(u, RPC_INVALID_ARGUMENT, "an upload without a chunk");
    else
        hand_over(u, NULL);
}

static void on_upload_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    upload *u = arg;
    stop_waiting(u);
    u->call = NULL;
    if (!u->busy)
        upload_end(u);
}

static void on_upload(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {
        .on_message = on_chunk, .on_half_close = on_last_chunk, .on_done = on_upload_done};
    service *s = arg;
    if (!has_place(s, call, 0))
        return;
    upload *u = calloc(1, sizeof *u);
    if (u == NULL) {
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "no memory for an upload");
        return;
    }
    *u = (upload){.s = s, .call = call};
    s->counts.uploads++;
    rpc_call_set_events(call, &events, u);
    wait_for_chunk(u);
}

// ---- Downloads

typedef struct download {
    service *s;
    rpc_call *call; // NULL: the call is over
    bool busy, first;
    int fd;
    char path[ARTIFACT_PATH];
    uint8_t sha256[ARTIFACT_DIGEST];
    uint64_t size, offset;
    uint8_t *packed; // a chunk that is read and not yet on its way
    size_t packed_n;
    size_t in_chunk;
    size_t held; // bytes of memory that it may take: read, packed, in its queue
    status result;
    char message[TEXT_MAX];
} download;

static void download_free(download *d)
{
    if (d->fd >= 0)
        close(d->fd);
    free(d->packed);
    d->s->counts.downloads--;
    d->s->downloads_bytes -= d->held;
    free(d);
}

static status read_chunk(download *d)
{
    if (d->fd < 0) {
        d->fd = open(d->path, O_RDONLY | O_CLOEXEC);
        FAIL_IF(d->fd < 0, ZK_EIO, "the file cannot be opened: %m");
    }
    uint64_t left = d->size - d->offset;
    size_t n = left < SERVICE_CHUNK ? (size_t)left : SERVICE_CHUNK;
    uint8_t *data = malloc(n + 1);
    FAIL_IF(data == NULL, ZK_ENOMEM, "no memory for a chunk");
    status result = ZK_OK;
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(d->fd, data + done, n - done, (off_t)(d->offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        FAIL_OUT_IF(got < 0, ZK_EIO, "the file cannot be read: %m");
        FAIL_OUT_IF(got == 0, ZK_EIO, "the file has become shorter");
        done += (size_t)got;
    }
    api_data_chunk chunk = API_DATA_CHUNK_INIT;
    if (d->first) {
        chunk.size = d->size;
        chunk.sha256 = (ProtobufCBinaryData){.len = ARTIFACT_DIGEST, .data = d->sha256};
    }
    chunk.offset = d->offset;
    chunk.data = (ProtobufCBinaryData){.len = n, .data = data};
    TRY_OUT(message_pack(&d->packed, &d->packed_n, &chunk.base));
    d->first = false;
    d->in_chunk = n;
out:
    free(data);
    return result;
}

static void download_work(void *arg)
{
    download *d = arg;
    d->result = read_chunk(d);
    if (d->result != ZK_OK)
        snprintf(d->message, sizeof d->message, "%s", status_message());
}

static void download_done(void *arg);

static void read_next(download *d)
{
    d->busy = true;
    if (service_io(d->s, download_work, download_done, d) == ZK_OK)
        return;
    d->busy = false;
    rpc_finish(d->call, RPC_RESOURCE_EXHAUSTED, status_message());
}

// Sends the chunk that is there, and asks for the next.
static void send_chunk(download *d)
{
    status sent = rpc_send(d->call, d->packed, d->packed_n);
    if (sent == ZK_ELIMIT)
        return; // on_drain follows
    free(d->packed);
    d->packed = NULL;
    if (sent == ZK_ECANCELED)
        return; // on_done follows
    if (sent != ZK_OK) {
        rpc_finish(d->call, RPC_RESOURCE_EXHAUSTED, status_message());
        return;
    }
    d->offset += d->in_chunk;
    d->s->counts.bytes_downloaded += d->in_chunk;
    if (d->offset == d->size)
        rpc_finish(d->call, RPC_OK, NULL);
    else
        read_next(d);
}

static void download_done(void *arg)
{
    download *d = arg;
    d->busy = false;
    if (d->call == NULL) {
        download_free(d);
    } else if (d->result != ZK_OK) {
        log_warn(TARGET, "a download failed", log_hex("sha256", d->sha256, ARTIFACT_DIGEST),
                 log_str("error", d->message));
        service_fail(d->call, d->result, d->message);
    } else {
        send_chunk(d);
    }
}

static void on_download_drain(rpc_call *call, void *arg)
{
    (void)call;
    download *d = arg;
    if (d->packed != NULL && !d->busy)
        send_chunk(d);
}

static void on_download_done(rpc_call *call, void *arg, rpc_code code, const char *message)
{
    (void)call;
    (void)code;
    (void)message;
    download *d = arg;
    d->call = NULL;
    if (!d->busy)
        download_free(d);
}

static void send_file(service *s, rpc_call *call, const uint8_t *sha256, uint64_t offset)
{
    static const rpc_call_events events = {.on_drain = on_download_drain,
                                           .on_done = on_download_done};
    char path[ARTIFACT_PATH];
    uint64_t size;
    if (!artifacts_find(s->o.artifacts, sha256, path, &size)) {
        rpc_finish(call, RPC_NOT_FOUND, "there is nothing with this digest");
        return;
    }
    if (offset > size) {
        rpc_finishf(call, RPC_OUT_OF_RANGE, "the offset is beyond the %llu bytes there are",
                    (unsigned long long)size);
        return;
    }
    uint64_t left = size - offset;
    size_t held = CHUNKS_HELD * (left < SERVICE_CHUNK ? (size_t)left : SERVICE_CHUNK);
    if (!has_place(s, call, held))
        return;
    download *d = calloc(1, sizeof *d);
    if (d == NULL) {
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "no memory for a download");
        return;
    }
    *d = (download){.s = s,
                    .call = call,
                    .first = true,
                    .fd = -1,
                    .size = size,
                    .offset = offset,
                    .held = held};
    memcpy(d->path, path, sizeof d->path);
    memcpy(d->sha256, sha256, ARTIFACT_DIGEST);
    s->counts.downloads++;
    s->downloads_bytes += held;
    rpc_call_set_events(call, &events, d);
    read_next(d);
}

static void on_download(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    api_download_artifact_request *r =
        service_request(call, API_DOWNLOAD_ARTIFACT_REQUEST_TYPE, bytes, n);
    if (r == NULL)
        return;
    if (r->sha256.len != ARTIFACT_DIGEST)
        rpc_finish(call, RPC_INVALID_ARGUMENT, "sha256 must have 32 bytes");
    else
        send_file(arg, call, r->sha256.data, r->offset);
    message_free(&r->base);
}

static void on_fetch(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    service *s = arg;
    api_fetch_proof_request *r = service_request(call, API_FETCH_PROOF_REQUEST_TYPE, bytes, n);
    if (r == NULL)
        return;
    const api_job_status *job = service_find_job(s, call, r->job_id);
    uint8_t sha256[ARTIFACT_DIGEST];
    uint64_t size;
    if (job != NULL) {
        // A copy: the view goes with the next question.
        char state[64], why[768];
        snprintf(state, sizeof state, "%s", job->state);
        if (job->failure != NULL)
            snprintf(why, sizeof why, ", %s: %s", job->failure->code, job->failure->message);
        else if (strcmp(state, "Completed") == 0)
            snprintf(why, sizeof why, "; it was simulated");
        else
            snprintf(why, sizeof why, "; WatchJob (`zisk-coordinator watch`) waits for its end");
        if (engine_proof(s->engine, r->job_id, sha256, &size))
            send_file(s, call, sha256, r->offset);
        else
            rpc_finishf(call, RPC_FAILED_PRECONDITION, "this job has no proof; its state is: %s%s",
                        state, why);
    }
    message_free(&r->base);
}

status service_add_bulk(service *s)
{
    TRY(rpc_server_add(s->server, "/" SERVICE_API "/UploadInput", on_upload, s));
    TRY(rpc_server_add(s->server, "/" SERVICE_API "/UploadArtifact", on_upload, s));
    TRY(rpc_server_add_unary(s->server, "/" SERVICE_API "/DownloadArtifact", on_download, s));
    return rpc_server_add_unary(s->server, "/" SERVICE_API "/FetchProof", on_fetch, s);
}
