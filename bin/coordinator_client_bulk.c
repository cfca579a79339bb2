// SPDX-License-Identifier: Apache-2.0 OR MIT
// Inputs to the coordinator, proofs from it.
#include "coordinator_client.h"

#include "base/file.h"
#include "cluster/messages.h"
#include "verifier/program_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, SHA_BYTES = 32 };

// ---- Digests

static ssize_t read_some(int fd, uint8_t *out, size_t n)
{
    ssize_t got;
    do
        got = read(fd, out, n);
    while (got < 0 && errno == EINTR);
    return got;
}

// From the file's position to its end.
static bool hash_file(client *c, uint8_t sha256[SHA_BYTES], uint64_t *size, int fd,
                      const char *path)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint8_t *buffer = malloc(CHUNK);
    bool ok = hash != NULL && buffer != NULL && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1;
    ssize_t got = 0;
    *size = 0;
    while (ok && (got = read_some(fd, buffer, CHUNK)) > 0) {
        ok = EVP_DigestUpdate(hash, buffer, (size_t)got) == 1;
        *size += (uint64_t)got;
    }
    if (got < 0)
        client_note(c, "CLIENT", "%s: cannot be read: %s", path, strerror(errno));
    else if (!ok || EVP_DigestFinal_ex(hash, sha256, NULL) != 1)
        client_note(c, "CLIENT", "no memory to hash %s", path);
    else
        *buffer = 0;
    ok = ok && got == 0;
    EVP_MD_CTX_free(hash);
    free(buffer);
    return ok;
}

bool client_digest(client *c, uint8_t sha256[SHA_BYTES], uint64_t *size, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0)
        return client_note(c, "CLIENT", "%s: cannot be opened: %s", path, strerror(errno));
    bool ok = fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
                  ? hash_file(c, sha256, size, fd, path)
                  : client_note(c, "CLIENT", "%s: not a file that can be sent", path);
    close(fd);
    return ok;
}

// ---- Upload

typedef struct upload {
    int fd;
    const char *path;
    const uint8_t *sha256;
    uint64_t size, sent, reported;
    uint8_t *packed; // a chunk that did not fit into the queue
    size_t n_packed;
    bool first, answered;
} upload;

static void stop(client_stream *s)
{
    s->stopped = true;
    rpc_cancel(s->call);
}

static bool next_chunk(client_stream *s)
{
    upload *u = s->arg;
    api_upload_chunk chunk = API_UPLOAD_CHUNK_INIT;
    uint8_t *data = NULL;
    ssize_t got = 0;
    chunk.offset = u->sent;
    if (u->first) {
        const char *slash = strrchr(u->path, '/');
        chunk.name = (char *)(slash != NULL ? slash + 1 : u->path);
        chunk.size = u->size;
        chunk.sha256 = (ProtobufCBinaryData){SHA_BYTES, (uint8_t *)u->sha256};
    } else {
        data = malloc(CHUNK);
        got = data != NULL ? read_some(u->fd, data, CHUNK) : -1;
        if (got <= 0) {
            free(data);
            client_note(s->c, "CLIENT", "%s: became shorter, or cannot be read any more", u->path);
            return false;
        }
        chunk.data = (ProtobufCBinaryData){(size_t)got, data};
    }
    bool ok = message_pack(&u->packed, &u->n_packed, &chunk.base) == ZK_OK;
    free(data);
    u->first = false;
    u->sent += (uint64_t)got;
    return ok || client_note_status(s->c);
}

// Sends until the queue is full or all is sent.
static void send_chunks(client_stream *s)
{
    upload *u = s->arg;
    while (!s->stopped) {
        if (u->packed == NULL && !u->first && u->sent == u->size) {
            rpc_half_close(s->call);
            return;
        }
        if (u->packed == NULL && !next_chunk(s)) {
            stop(s);
            return;
        }
        status sent = rpc_send(s->call, u->packed, u->n_packed);
        if (sent == ZK_ELIMIT)
            return; // drain comes
        free(u->packed);
        u->packed = NULL;
        if (sent != ZK_OK)
            return; // the end of the call tells
        if (u->sent - u->reported >= 64 << 20 && client_on_terminal()) {
            u->reported = u->sent;
            fprintf(stderr, "\ruploading: %" PRIu64 " of %" PRIu64 " MiB ", u->sent >> 20,
                    u->size >> 20);
        }
    }
}

static bool take_upload_answer(client_stream *s, ProtobufCMessage *m)
{
    upload *u = s->arg;
    const api_upload_response *r = (const api_upload_response *)m;
    u->answered = r->size == u->size && r->sha256.len == SHA_BYTES &&
                  memcmp(r->sha256.data, u->sha256, SHA_BYTES) == 0;
    message_free(m);
    if (!u->answered)
        client_note(s->c, "DATA_LOSS", "%s: the coordinator stored something else", u->path);
    s->ended = u->answered;
    return false;
}

bool client_upload(client *c, const char *path, const uint8_t sha256[SHA_BYTES], uint64_t size)
{
    bool ok;
    do {
        upload u = {.path = path,
                    .sha256 = sha256,
                    .size = size,
                    .first = true,
                    .fd = open(path, O_RDONLY | O_CLOEXEC)};
        if (u.fd < 0)
            return client_note(c, "CLIENT", "%s: cannot be opened: %s", path, strerror(errno));
        client_stream s = {.c = c,
                           .method = "UploadInput",
                           .type = API_UPLOAD_RESPONSE_TYPE,
                           .open = send_chunks,
                           .drain = send_chunks,
                           .take = take_upload_answer,
                           .arg = &u};
        ok = client_stream_run(&s);
        if (ok && !u.answered)
            ok =
                client_note(c, "DATA_LOSS", "%s: the coordinator did not say that it has it", path);
        if (u.reported > 0)
            fputc('\n', stderr);
        free(u.packed);
        close(u.fd);
    } while (!ok && client_may_retry(c));
    return ok;
}

// ---- Fetch

typedef struct fetch {
    int fd;
    const char *job_id, *path;
    char temporary[4096];
    uint64_t have, size;
    uint8_t sha256[SHA_BYTES];
    bool headed, failed; // failed: noted, and not worth another try
} fetch;

static bool write_all(int fd, const uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, data, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        data += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

static bool take_chunk(client_stream *s, ProtobufCMessage *m)
{
    fetch *f = s->arg;
    const api_data_chunk *chunk = (const api_data_chunk *)m;
    bool ok = true;
    if (chunk->sha256.len == SHA_BYTES && !f->headed) {
        f->headed = true;
        f->size = chunk->size;
        memcpy(f->sha256, chunk->sha256.data, SHA_BYTES);
    }
    if (!f->headed || chunk->offset != f->have || chunk->data.len > f->size - f->have)
        ok =
            client_note(s->c, "DATA_LOSS",
                        "the proof of job %s came with a gap, or longer than announced", f->job_id);
    else if (!write_all(f->fd, chunk->data.data, chunk->data.len))
        ok = client_note(s->c, "CLIENT", "%s: cannot be written: %s", f->path, strerror(errno));
    else
        f->have += chunk->data.len;
    f->failed = !ok;
    message_free(m);
    return ok;
}

static bool receive(client *c, fetch *f)
{
    bool ok;
    do {
        api_fetch_proof_request request = API_FETCH_PROOF_REQUEST_INIT;
        request.job_id = (char *)f->job_id;
        request.offset = f->have; // goes on after a lost connection
        client_stream s = {.c = c,
                           .method = "FetchProof",
                           .request = &request.base,
                           .type = API_DATA_CHUNK_TYPE,
                           .take = take_chunk,
                           .arg = f};
        ok = client_stream_run(&s);
    } while (!ok && !f->failed && client_may_retry(c));
    if (!ok)
        return false;
    uint8_t sha256[SHA_BYTES];
    uint64_t size;
    if (lseek(f->fd, 0, SEEK_SET) != 0 || !hash_file(c, sha256, &size, f->fd, f->path))
        return false;
    if (!f->headed || size != f->size || memcmp(sha256, f->sha256, SHA_BYTES) != 0)
        return client_note(c, "DATA_LOSS",
                           "the proof of job %s was damaged on its way; fetch it again", f->job_id);
    return true;
}

// ---- Verification

static bool verify(client *c, const fetch *f, digest key)
{
    if (f->size == 0 || f->size % 8 != 0)
        return client_note(c, "PROOF_INVALID", "what came back for job %s is no proof", f->job_id);
    void *words = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, f->fd, 0);
    if (words == MAP_FAILED)
        return client_note(c, "CLIENT", "%s: cannot be mapped: %s", f->path, strerror(errno));
    uint32_t outputs[VM_PUBLICS];
    bool ok = zisk_verify(outputs, words, f->size / 8, key, NULL) == ZK_OK;
    munmap(words, f->size);
    if (!ok)
        return client_note(c, "PROOF_INVALID",
                           "the proof of job %s is refused: %s; nothing was written", f->job_id,
                           status_message());
    fprintf(stderr,
            "the proof is valid for the program with key %016" PRIx64 "..; outputs:", key.e[0]);
    for (int i = 0; i < VM_PUBLICS; i++)
        fprintf(stderr, "%s%" PRIu32, i % 16 == 0 ? "\n  " : " ", outputs[i]);
    fputc('\n', stderr);
    return true;
}

static bool publish(client *c, const fetch *f, const char *path)
{
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(f->fd, 0666 & ~mask) != 0 || fsync(f->fd) != 0 || rename(f->temporary, path) != 0)
        return client_note(c, "CLIENT", "%s: cannot be written: %s", path, strerror(errno));
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[1] = 0;
    int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) { // so that the name survives a loss of power; a folder that cannot is no error
        if (fsync(fd) != 0)
            fprintf(stderr, "%s: the folder cannot be synced: %s\n", folder, strerror(errno));
        close(fd);
    }
    return true;
}

bool client_fetch(client *c, const char *job_id, const char *path, const client_proof_key *key)
{
    fetch f = {.job_id = job_id, .path = path};
    if (file_check_target(path) != ZK_OK)
        return client_note_status(c);
    int n = snprintf(f.temporary, sizeof f.temporary, "%s.XXXXXX", path);
    if (n < 0 || n >= (int)sizeof f.temporary)
        return client_note(c, "CLIENT", "the name of the output is too long");
    f.fd = mkostemp(f.temporary, O_CLOEXEC);
    if (f.fd < 0)
        return client_note(c, "CLIENT", "%s: cannot be written: %s", path, strerror(errno));
    bool ok = receive(c, &f) && (!key->given || verify(c, &f, key->digest)) && publish(c, &f, path);
    if (!ok)
        unlink(f.temporary);
    close(f.fd);
    return ok;
}
