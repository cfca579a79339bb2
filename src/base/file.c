// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 64 << 10 };

static status read_all(byte_buffer *out, int fd, const char *path, size_t max_bytes)
{
    struct stat info;
    FAIL_IF(fstat(fd, &info) != 0, ZK_EIO, "cannot read %s: %m", path);
    if (S_ISREG(info.st_mode)) {
        FAIL_IF((uint64_t)info.st_size > max_bytes, ZK_ELIMIT,
                "%s has %lld bytes; at most %zu are allowed", path, (long long)info.st_size,
                max_bytes);
        TRY(buffer_reserve(out, (size_t)info.st_size + 1)); // one more shows the end of the file
    }
    for (;;) {
        if (out->size == out->capacity)
            TRY(buffer_reserve(out, READ_STEP));
        ssize_t n = read(fd, out->data + out->size, out->capacity - out->size);
        if (n < 0 && errno == EINTR)
            continue;
        FAIL_IF(n < 0, ZK_EIO, "cannot read %s: %m", path);
        if (n == 0)
            return ZK_OK;
        out->size += (size_t)n;
        FAIL_IF(out->size > max_bytes, ZK_ELIMIT, "%s has more than the %zu bytes allowed", path,
                max_bytes);
    }
}

status file_read(byte_buffer *out, const char *path, size_t max_bytes)
{
    out->size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    FAIL_IF(fd < 0, ZK_EIO, "cannot open %s: %m", path);
    status result = read_all(out, fd, path, max_bytes);
    close(fd);
    if (result != ZK_OK)
        out->size = 0;
    return result;
}

static status write_all(int fd, const char *path, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        FAIL_IF(n < 0, ZK_EIO, "cannot write %s: %m", path);
        done += (size_t)n;
    }
    return ZK_OK;
}

// Length of the directory part of `path` without the final slash; 0 when there is none.
static size_t parent_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return 0;
    return slash == path ? 1 : (size_t)(slash - path);
}

// Makes a rename inside the directory of `path` last.
static status sync_parent(const char *path)
{
    char directory[PATH_MAX] = ".";
    size_t length = parent_length(path);
    if (length != 0) {
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FAIL_IF(fd < 0, ZK_EIO, "cannot open the folder %s: %m", directory);
    // EINVAL: a file system that has no such operation for folders.
    bool failed = fsync(fd) != 0 && errno != EINVAL;
    close(fd);
    FAIL_IF(failed, ZK_EIO, "cannot bring the folder %s to the disk: %m", directory);
    return ZK_OK;
}

// A new file beside `path`, which takes its place by put_in_place. A device or a pipe must not be
// replaced: the rename would make a plain file of /dev/null.
static status open_beside(int *fd, char name[PATH_MAX], const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0) {
        FAIL_IF(S_ISDIR(info.st_mode), ZK_EIO, "cannot write %s: it is a folder", path);
        FAIL_IF(!S_ISREG(info.st_mode), ZK_EIO,
                "cannot write %s: it is a device or a pipe, name a file", path);
    }
    static atomic_uint serial; // threads that write the same path take different names
    int n = snprintf(name, PATH_MAX, "%s.tmp-%d-%u", path, (int)getpid(), ++serial);
    FAIL_IF(n < 0 || n >= PATH_MAX, ZK_EIO, "the path %.80s... is too long", path);
    // A file of that name can only be left from a process that died with our number.
    if (unlink(name) != 0)
        FAIL_IF(errno != ENOENT, ZK_EIO, "cannot remove %s: %m", name);
    *fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FAIL_IF(*fd < 0, ZK_EIO, "cannot write %s: %m", path);
    return ZK_OK;
}

// Ends what open_beside began; `result` is that of the writing.
static status put_in_place(int fd, const char *name, const char *path, status result)
{
    if (result == ZK_OK && fsync(fd) != 0)
        result =
            status_fail(ZK_EIO, __FILE__, __LINE__, "", "cannot bring %s to the disk: %m", path);
    int close_failed = close(fd);
    if (result != ZK_OK)
        goto out;
    FAIL_OUT_IF(close_failed != 0, ZK_EIO, "cannot write %s: %m", path);
    FAIL_OUT_IF(rename(name, path) != 0, ZK_EIO, "cannot replace %s: %m", path);
    return sync_parent(path);
out:
    unlink(name);
    return result;
}

status file_check_target(const char *path)
{
    char name[PATH_MAX];
    int fd;
    TRY(open_beside(&fd, name, path));
    close(fd);
    unlink(name);
    return ZK_OK;
}

status file_write_atomic(const char *path, const void *data, size_t size)
{
    char name[PATH_MAX];
    int fd;
    TRY(open_beside(&fd, name, path));
    return put_in_place(fd, name, path, write_all(fd, path, data, size));
}

static status copy_all(int to, const char *to_path, int from, const char *from_path)
{
    uint8_t part[READ_STEP];
    for (;;) {
        ssize_t n = read(from, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        FAIL_IF(n < 0, ZK_EIO, "cannot read %s: %m", from_path);
        if (n == 0)
            return ZK_OK;
        TRY(write_all(to, to_path, part, (size_t)n));
    }
}

status file_copy_atomic(const char *path, const char *from)
{
    char name[PATH_MAX];
    int fd;
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    FAIL_IF(source < 0, ZK_EIO, "cannot open %s: %m", from);
    status result = open_beside(&fd, name, path);
    if (result == ZK_OK)
        result = put_in_place(fd, name, path, copy_all(fd, path, source, from));
    close(source);
    return result;
}

// One directory; an existing one is fine.
static status make_directory(const char *path)
{
    if (mkdir(path, 0777) == 0)
        return ZK_OK;
    int error = errno;
    struct stat info;
    if (error == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return ZK_OK;
    FAIL_IF(error == EEXIST, ZK_EIO, "%s has to be a folder and is something else", path);
    errno = error;
    FAIL(ZK_EIO, "cannot make the folder %s: %m", path);
}

static status make_directories(const char *path, size_t length)
{
    char part[PATH_MAX];
    FAIL_IF(length >= sizeof part, ZK_EIO, "the path %.80s... is too long", path);
    for (size_t i = 1; i <= length; i++) {
        bool end_of_name = i == length || path[i] == '/';
        if (!end_of_name || path[i - 1] == '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        TRY(make_directory(part));
    }
    return ZK_OK;
}

status file_make_directories(const char *path)
{
    return make_directories(path, strlen(path));
}

status file_make_parent(const char *path)
{
    return make_directories(path, parent_length(path));
}

void file_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); // the old limit is the worst case
}
