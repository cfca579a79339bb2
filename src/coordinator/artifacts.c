// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/artifacts.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEX_BYTES = 2 * ARTIFACT_DIGEST + 1 };
static const char part_prefix[] = "part-";

struct artifacts {
    char folder[4096];
    char *results;
    uint64_t max_total_bytes, max_bytes;
    pthread_mutex_t lock; // of what follows, and around "is it old? then remove it"
    uint64_t total;       // written and reserved
};

struct artifact_writer {
    artifacts *a;
    bool named;
    uint8_t sha256[ARTIFACT_DIGEST];
    uint64_t size, written;
    int fd;
    EVP_MD_CTX *digest;
    char path[ARTIFACT_PATH];
};

static void to_hex(char out[HEX_BYTES], const uint8_t *digest)
{
    for (int i = 0; i < ARTIFACT_DIGEST; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static bool from_hex(uint8_t out[ARTIFACT_DIGEST], const char *text)
{
    for (int i = 0; i < 2 * ARTIFACT_DIGEST; i++) {
        char c = text[i];
        int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (v < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 == 0 ? v << 4 : out[i / 2] | v);
    }
    return text[2 * ARTIFACT_DIGEST] == '\0';
}

static void blob_path(char out[ARTIFACT_PATH], const char *folder, const uint8_t *sha256)
{
    char hex[HEX_BYTES];
    to_hex(hex, sha256);
    snprintf(out, ARTIFACT_PATH, "%.4000s/%.2s/%s", folder, hex, hex);
}

static void give_back(artifacts *a, uint64_t bytes)
{
    pthread_mutex_lock(&a->lock);
    a->total -= bytes;
    pthread_mutex_unlock(&a->lock);
}

// Calls each(arg, path, digest, info) for the blobs. A folder that is gone meanwhile has none.
static void each_blob(const artifacts *a, void (*each)(void *, const char *, const uint8_t *),
                      void *arg)
{
    DIR *top = opendir(a->folder);
    if (top == NULL)
        return;
    for (struct dirent *e; (e = readdir(top)) != NULL;) {
        char path[ARTIFACT_PATH];
        if (strlen(e->d_name) != 2 || e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.4000s/%.2s", a->folder, e->d_name);
        DIR *sub = opendir(path);
        if (sub == NULL)
            continue;
        for (struct dirent *f; (f = readdir(sub)) != NULL;) {
            uint8_t digest[ARTIFACT_DIGEST];
            if (strlen(f->d_name) != HEX_BYTES - 1 || !from_hex(digest, f->d_name))
                continue;
            blob_path(path, a->folder, digest);
            each(arg, path, digest);
        }
        closedir(sub);
    }
    closedir(top);
}

static void remove_parts(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL)
        return;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        if (strncmp(e->d_name, part_prefix, sizeof part_prefix - 1) == 0)
            (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

static void add_size(void *arg, const char *path, const uint8_t *digest)
{
    (void)digest;
    artifacts *a = arg;
    struct stat info;
    if (stat(path, &info) == 0)
        a->total += (uint64_t)info.st_size;
}

status artifacts_open(artifacts **out, const artifacts_options *o)
{
    *out = NULL;
    status result = ZK_OK;
    artifacts *a = calloc(1, sizeof *a);
    FAIL_IF(a == NULL, ZK_ENOMEM, "no memory for the store of artifacts");
    pthread_mutex_init(&a->lock, NULL);
    a->max_total_bytes = o->max_total_bytes;
    a->max_bytes = o->max_bytes;
    FAIL_OUT_IF(strlen(o->folder) > 4000, ZK_EINVAL, "the path %.80s... is too long", o->folder);
    strcpy(a->folder, o->folder);
    if (o->results != NULL) {
        a->results = strdup(o->results);
        FAIL_OUT_IF(a->results == NULL, ZK_ENOMEM, "no memory for a path");
    }
    TRY_OUT(file_make_directories(a->folder));
    remove_parts(a->folder);
    each_blob(a, add_size, a);
    *out = a;
    return ZK_OK;
out:
    artifacts_close(a);
    return result;
}

void artifacts_close(artifacts *a)
{
    if (a == NULL)
        return;
    pthread_mutex_destroy(&a->lock);
    free(a->results);
    free(a);
}

uint64_t artifacts_bytes(const artifacts *a)
{
    artifacts *mine = (artifacts *)a;
    pthread_mutex_lock(&mine->lock);
    uint64_t total = a->total;
    pthread_mutex_unlock(&mine->lock);
    return total;
}

bool artifacts_find(artifacts *a, const uint8_t sha256[ARTIFACT_DIGEST], char path[ARTIFACT_PATH],
                    uint64_t *size)
{
    struct stat info;
    blob_path(path, a->folder, sha256);
    pthread_mutex_lock(&a->lock); // so that a sweep does not remove it behind our back
    bool found = utimensat(AT_FDCWD, path, NULL, 0) == 0 && stat(path, &info) == 0;
    pthread_mutex_unlock(&a->lock);
    if (!found && a->results != NULL) {
        blob_path(path, a->results, sha256);
        found = stat(path, &info) == 0;
    }
    if (found && size != NULL)
        *size = (uint64_t)info.st_size;
    return found;
}

// ---- Writing ----

static void writer_free(artifact_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    EVP_MD_CTX_free(w->digest);
    free(w);
}

static status reserve(artifacts *a, uint64_t size)
{
    FAIL_IF(size > a->max_bytes, ZK_ELIMIT, "%llu bytes are more than the %llu allowed",
            (unsigned long long)size, (unsigned long long)a->max_bytes);
    pthread_mutex_lock(&a->lock);
    bool fits = a->total <= a->max_total_bytes && size <= a->max_total_bytes - a->total;
    if (fits)
        a->total += size;
    pthread_mutex_unlock(&a->lock);
    FAIL_IF(!fits, ZK_ELIMIT,
            "no room for %llu bytes more: uploads take at most %llu bytes together; those that no "
            "job needs go after an hour",
            (unsigned long long)size, (unsigned long long)a->max_total_bytes);
    return ZK_OK;
}

status artifact_begin(artifact_writer **out, artifacts *a, const uint8_t *sha256, uint64_t size)
{
    static atomic_uint serial;
    *out = NULL;
    TRY(reserve(a, size));
    status result = ZK_OK;
    artifact_writer *w = calloc(1, sizeof *w);
    FAIL_OUT_IF(w == NULL, ZK_ENOMEM, "no memory for an upload");
    w->a = a;
    w->size = size;
    w->fd = -1;
    w->named = sha256 != NULL;
    if (w->named)
        memcpy(w->sha256, sha256, ARTIFACT_DIGEST);
    w->digest = EVP_MD_CTX_new();
    FAIL_OUT_IF(w->digest == NULL || EVP_DigestInit_ex(w->digest, EVP_sha256(), NULL) != 1,
                ZK_ENOMEM, "no memory for a digest");
    snprintf(w->path, sizeof w->path, "%.4000s/%s%d-%u", a->folder, part_prefix, (int)getpid(),
             ++serial);
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FAIL_OUT_IF(w->fd < 0, ZK_EIO, "cannot create %s: %m", w->path);
    *out = w;
    return ZK_OK;
out:
    give_back(a, size);
    if (w != NULL)
        writer_free(w);
    return result;
}

status artifact_write(artifact_writer *w, const void *data, size_t n)
{
    FAIL_IF(n > w->size - w->written, ZK_EPROTO, "more bytes than the %llu announced",
            (unsigned long long)w->size);
    FAIL_IF(EVP_DigestUpdate(w->digest, data, n) != 1, ZK_EINTERNAL, "SHA-256 failed");
    for (size_t done = 0; done < n;) {
        ssize_t got = write(w->fd, (const uint8_t *)data + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        FAIL_IF(got < 0, ZK_EIO, "cannot write an upload: %m");
        done += (size_t)got;
    }
    w->written += n;
    return ZK_OK;
}

static status sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FAIL_IF(fd < 0, ZK_EIO, "cannot open the folder %s: %m", path);
    bool failed = fsync(fd) != 0 && errno != EINVAL; // EINVAL: a file system without it
    close(fd);
    FAIL_IF(failed, ZK_EIO, "cannot bring the folder %s to the disk: %m", path);
    return ZK_OK;
}

// Gives the written file its name. *again: the blob was there already.
static status put_in_place(artifact_writer *w, const uint8_t *digest, bool *again)
{
    char path[ARTIFACT_PATH], parent[ARTIFACT_PATH];
    blob_path(path, w->a->folder, digest);
    snprintf(parent, sizeof parent, "%.4000s/%02x", w->a->folder, digest[0]);
    TRY(file_make_directories(parent));
    pthread_mutex_lock(&w->a->lock); // a sweep may be about to remove the older copy
    *again = access(path, F_OK) == 0;
    bool failed = rename(w->path, path) != 0;
    pthread_mutex_unlock(&w->a->lock);
    FAIL_IF(failed, ZK_EIO, "cannot name an upload: %m");
    TRY(sync_folder(parent));
    return sync_folder(w->a->folder);
}

status artifact_commit(artifact_writer *w, uint8_t digest[ARTIFACT_DIGEST])
{
    status result = ZK_OK;
    artifacts *a = w->a;
    uint64_t size = w->size;
    uint8_t found[ARTIFACT_DIGEST];
    bool again = false;
    FAIL_OUT_IF(w->written != w->size, ZK_EPROTO, "%llu bytes came, %llu were announced",
                (unsigned long long)w->written, (unsigned long long)w->size);
    FAIL_OUT_IF(EVP_DigestFinal_ex(w->digest, found, NULL) != 1, ZK_EINTERNAL, "SHA-256 failed");
    FAIL_OUT_IF(w->named && memcmp(found, w->sha256, ARTIFACT_DIGEST) != 0, ZK_EPROTO,
                "the SHA-256 of the bytes is not the one announced");
    FAIL_OUT_IF(fsync(w->fd) != 0, ZK_EIO, "cannot bring an upload to the disk: %m");
    TRY_OUT(put_in_place(w, found, &again));
    if (digest != NULL)
        memcpy(digest, found, ARTIFACT_DIGEST);
out:
    if (result != ZK_OK)
        (void)unlink(w->path);
    if (result != ZK_OK || again)
        give_back(a, size);
    writer_free(w);
    return result;
}

void artifact_abort(artifact_writer *w)
{
    if (w == NULL)
        return;
    (void)unlink(w->path);
    give_back(w->a, w->size);
    writer_free(w);
}

// ---- Removing ----

static bool is_old(const char *path, uint64_t age_ms, uint64_t *size)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    *size = (uint64_t)info.st_size;
    uint64_t now_ms = clock_realtime_ns() / NS_PER_MS;
    uint64_t at_ms =
        (uint64_t)info.st_mtim.tv_sec * 1000 + (uint64_t)info.st_mtim.tv_nsec / NS_PER_MS;
    return now_ms >= at_ms && now_ms - at_ms >= age_ms;
}

typedef struct old_list {
    byte_buffer *digests;
    uint64_t age_ms;
    status result;
} old_list;

static void list_blob(void *arg, const char *path, const uint8_t *digest)
{
    old_list *l = arg;
    uint64_t size;
    if (l->result == ZK_OK && is_old(path, l->age_ms, &size))
        l->result = buffer_put(l->digests, digest, ARTIFACT_DIGEST);
}

status artifacts_list_old(byte_buffer *digests, artifacts *a, uint64_t age_ms)
{
    old_list l = {.digests = digests, .age_ms = age_ms};
    each_blob(a, list_blob, &l);
    return l.result;
}

size_t artifacts_remove_old(artifacts *a, uint64_t age_ms, const uint8_t *digests, size_t n)
{
    size_t n_removed = 0;
    for (size_t i = 0; i < n; i++) {
        char path[ARTIFACT_PATH];
        uint64_t size;
        blob_path(path, a->folder, digests + i * ARTIFACT_DIGEST);
        pthread_mutex_lock(&a->lock);
        if (is_old(path, age_ms, &size) && unlink(path) == 0) {
            a->total -= size;
            n_removed++;
        }
        pthread_mutex_unlock(&a->lock);
    }
    if (n_removed > 0)
        log_info("coordinator::artifacts", "removed uploads that no job needs",
                 log_u64("files", n_removed), log_u64("bytes_left", artifacts_bytes(a)));
    return n_removed;
}
