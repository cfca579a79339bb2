// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "worker/wire.h"

enum { LOOK_AGAIN_MS = 100, CACHE_BYTES_MAX = 1 << 30 };

status inputs_open(inputs *out, const char *folder, uint64_t wait_ms, const char *cache,
                   transfer *artifacts)
{
    *out = (inputs){.wait_ms = wait_ms, .transfer = artifacts};
    char *canonical = realpath(folder, NULL);
    FAIL_IF(canonical == NULL, ZK_EIO,
            "the inputs folder %s: %m; make it, or name another with --inputs-folder", folder);
    struct stat st;
    bool fits = strlen(canonical) < sizeof out->folder && strlen(cache) < sizeof out->cache;
    bool is_folder = fits && stat(canonical, &st) == 0 && S_ISDIR(st.st_mode);
    if (is_folder) {
        // The root's own name ends with its slash.
        strcpy(out->folder, strcmp(canonical, "/") == 0 ? "" : canonical);
        strcpy(out->cache, cache);
    }
    free(canonical);
    FAIL_IF(!is_folder, ZK_EIO,
            "the inputs folder %s is no folder; name another with --inputs-folder", folder);
    return ZK_OK;
}

// ---- By path ----

// Where an open descriptor is in the file system.
static status place_of(char out[SCRATCH_PATH_MAX], int fd)
{
    char by_number[64];
    snprintf(by_number, sizeof by_number, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(by_number, out, SCRATCH_PATH_MAX - 1);
    FAIL_IF(n < 0, ZK_EIO, "cannot find out where a file is: %m");
    out[n] = '\0';
    return ZK_OK;
}

static bool is_below(const char *place, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(place, folder, n) == 0 && place[n] == '/';
}

// *out: a descriptor of a plain file below the folder. ZK_ETIMEOUT: not there (yet).
static status open_below(int *out, const inputs *in, const char *name)
{
    status result = ZK_OK;
    char path[SCRATCH_PATH_MAX], place[SCRATCH_PATH_MAX], by_number[64];
    *out = -1;
    int at = -1;
    int n = name[0] == '/' ? snprintf(path, sizeof path, "%s", name)
                           : snprintf(path, sizeof path, "%s/%s", in->folder, name);
    FAIL_OUT_IF(n < 0 || n >= (int)sizeof path, ZK_EINVAL, "the input's path is too long");
    // Only a name for it: nothing is opened before it is known where it lies.
    at = open(path, O_PATH | O_CLOEXEC);
    FAIL_OUT_IF(at < 0 && errno == ENOENT, ZK_ETIMEOUT, "there is no input file %s", path);
    FAIL_OUT_IF(at < 0, ZK_EIO, "the input file %s: %m", path);
    TRY_OUT(place_of(place, at));
    FAIL_OUT_IF(!is_below(place, in->folder), ZK_EINVAL,
                "the input %s lies outside the inputs folder %s", name, in->folder);
    struct stat st;
    FAIL_OUT_IF(fstat(at, &st) != 0 || !S_ISREG(st.st_mode), ZK_EIO,
                "the input %s is no plain file", path);
    snprintf(by_number, sizeof by_number, "/proc/self/fd/%d", at);
    *out = open(by_number, O_RDONLY | O_CLOEXEC);
    FAIL_OUT_IF(*out < 0, ZK_EIO, "the input file %s: %m", path);
out:
    if (at >= 0)
        close(at);
    return result;
}

static status read_all(byte_buffer *out, int fd, uint64_t max_bytes)
{
    struct stat st;
    FAIL_IF(fstat(fd, &st) != 0, ZK_EIO, "the input file: %m");
    FAIL_IF((uint64_t)st.st_size > max_bytes, ZK_ELIMIT,
            "the input has %llu bytes, the program can take %llu", (unsigned long long)st.st_size,
            (unsigned long long)max_bytes);
    uint8_t *bytes;
    TRY(buffer_extend(&bytes, out, (size_t)st.st_size));
    size_t done = 0;
    while (done < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + done, (size_t)st.st_size - done);
        FAIL_IF(n < 0 && errno != EINTR, ZK_EIO, "the input file: %m");
        FAIL_IF(n == 0, ZK_EIO, "the input file became shorter while it was read");
        done += n > 0 ? (size_t)n : 0;
    }
    return ZK_OK;
}

static status by_path(byte_buffer *out, const inputs *in, const char *name, uint64_t max_bytes,
                      const cancel_flag *cancel)
{
    uint64_t until = clock_monotonic_ns() + in->wait_ms * NS_PER_MS;
    int fd;
    status s;
    while ((s = open_below(&fd, in, name)) == ZK_ETIMEOUT && clock_monotonic_ns() < until) {
        FAIL_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled");
        nanosleep(&(struct timespec){0, LOOK_AGAIN_MS * (long)NS_PER_MS}, NULL);
    }
    if (s == ZK_ETIMEOUT)
        FAIL(ZK_EIO, "%s, and none came within %llu s", status_message(),
             (unsigned long long)in->wait_ms / 1000);
    TRY(s);
    s = read_all(out, fd, max_bytes);
    close(fd);
    return s;
}

// ---- By digest ----

// Removes the oldest files of the cache until it is within its limit.
static void make_room(const char *cache)
{
    for (;;) {
        DIR *d = opendir(cache);
        if (d == NULL)
            return;
        uint64_t total = 0;
        char oldest[SCRATCH_PATH_MAX] = "";
        struct timespec age = {0};
        for (const struct dirent *e; (e = readdir(d)) != NULL;) {
            char path[SCRATCH_PATH_MAX];
            struct stat st;
            int n = snprintf(path, sizeof path, "%s/%s", cache, e->d_name);
            if (n >= (int)sizeof path || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
                continue;
            total += (uint64_t)st.st_size;
            if (oldest[0] == '\0' || st.st_mtim.tv_sec < age.tv_sec ||
                (st.st_mtim.tv_sec == age.tv_sec && st.st_mtim.tv_nsec < age.tv_nsec)) {
                age = st.st_mtim;
                strcpy(oldest, path);
            }
        }
        closedir(d);
        if (total <= CACHE_BYTES_MAX || oldest[0] == '\0' || unlink(oldest) != 0)
            return;
    }
}

static status by_digest(byte_buffer *out, const inputs *in, const ProtobufCBinaryData *digest,
                        uint64_t max_bytes, const cancel_flag *cancel)
{
    FAIL_IF(digest->len != SHA256_DIGEST_LENGTH, ZK_EPROTO, "the input's digest has %zu bytes",
            digest->len);
    FAIL_IF(in->transfer == NULL, ZK_EPROTO, "inputs cannot be fetched here");
    char path[SCRATCH_PATH_MAX], partial[SCRATCH_PATH_MAX];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest->data[i]);
    int n = snprintf(path, sizeof path, "%s/%s", in->cache, hex);
    int m = snprintf(partial, sizeof partial, "%s/%s.part", in->cache, hex);
    FAIL_IF(n >= (int)sizeof path || m >= (int)sizeof partial, ZK_EINVAL, "a path is too long");
    status s = file_read(out, path, max_bytes);
    if (s == ZK_OK) {
        uint8_t sha256[SHA256_DIGEST_LENGTH];
        SHA256(out->data, out->size, sha256);
        if (memcmp(sha256, digest->data, sizeof sha256) == 0) {
            (void)utimensat(AT_FDCWD, path, NULL, 0); // used: kept longest
            return ZK_OK;
        }
        buffer_clear(out);
        (void)unlink(path);
    }
    s = transfer_download(in->transfer, partial, digest->data, max_bytes, cancel);
    if (s != ZK_OK) {
        (void)unlink(partial);
        return s;
    }
    FAIL_IF(rename(partial, path) != 0, ZK_EIO, "cannot rename %s: %m", partial);
    TRY(file_read(out, path, max_bytes));
    make_room(in->cache);
    return ZK_OK;
}

status inputs_get(byte_buffer *out, const inputs *in, const api_contribution_params *p,
                  uint64_t max_bytes, const cancel_flag *cancel)
{
    buffer_clear(out);
    switch (p->input_source_case) {
    case INPUT_FROM(INPUT_PATH):
        return by_path(out, in, p->input_path, max_bytes, cancel);
    case INPUT_FROM(INPUT_DATA):
        FAIL_IF(p->input_data.len > max_bytes, ZK_ELIMIT,
                "the input has %zu bytes, the program can take %llu", p->input_data.len,
                (unsigned long long)max_bytes);
        return buffer_put(out, p->input_data.data, p->input_data.len);
    case INPUT_FROM(INPUT_DIGEST):
        return by_digest(out, in, &p->input_digest, max_bytes, cancel);
    default:
        return ZK_OK;
    }
}
