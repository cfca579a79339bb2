// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

enum { WALK_FILES = 16 };

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    if (remove(path) != 0 && errno != ENOENT)
        log_warn("worker", "cannot remove", log_str("path", path),
                 log_str("error", strerror(errno)));
    return 0;
}

void scratch_remove(const char *path)
{
    (void)nftw(path, remove_one, WALK_FILES, FTW_DEPTH | FTW_PHYS);
}

static status join(char out[SCRATCH_PATH_MAX], const char *folder, const char *name)
{
    int n = snprintf(out, SCRATCH_PATH_MAX, "%s/%s", folder, name);
    FAIL_IF(n < 0 || n >= SCRATCH_PATH_MAX, ZK_EINVAL, "the path %s/%s is too long", folder, name);
    return ZK_OK;
}

static void remove_stale(const char *base)
{
    DIR *d = opendir(base);
    if (d == NULL)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char folder[SCRATCH_PATH_MAX], path[SCRATCH_PATH_MAX];
        if (e->d_name[0] == '.' || strcmp(e->d_name, "lock") == 0 ||
            join(folder, base, e->d_name) != ZK_OK || join(path, folder, "lock") != ZK_OK)
            continue;
        // Without a lock it was left half made or half removed: both happen under BASE/lock only.
        int lock = open(path, O_RDWR | O_CLOEXEC);
        if (lock < 0 ? errno == ENOENT : flock(lock, LOCK_EX | LOCK_NB) == 0) {
            log_info("worker", "removing files that a worker left behind", log_str("path", folder));
            scratch_remove(folder);
        }
        if (lock >= 0)
            close(lock);
    }
    closedir(d);
}

status scratch_open(scratch *out, const char *base)
{
    status result = ZK_OK;
    char path[SCRATCH_PATH_MAX];
    *out = (scratch){.lock = -1};
    int guard = -1;
    TRY_OUT(file_make_directories(base));
    TRY_OUT(join(path, base, "lock"));
    guard = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    FAIL_OUT_IF(guard < 0 || flock(guard, LOCK_EX) != 0, ZK_EIO, "%s: %m", path);
    remove_stale(base);
    TRY_OUT(join(out->path, base, "XXXXXX"));
    if (mkdtemp(out->path) == NULL) {
        out->path[0] = '\0';
        FAIL_OUT_IF(true, ZK_EIO, "cannot make a folder in %s: %m", base);
    }
    TRY_OUT(join(path, out->path, "lock"));
    out->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    FAIL_OUT_IF(out->lock < 0 || flock(out->lock, LOCK_EX | LOCK_NB) != 0, ZK_EIO, "%s: %m", path);
out:
    if (guard >= 0)
        close(guard);
    if (result != ZK_OK)
        scratch_close(out);
    return result;
}

void scratch_close(scratch *s)
{
    if (s->path[0] != '\0')
        scratch_remove(s->path);
    if (s->lock >= 0)
        close(s->lock);
    *s = (scratch){.lock = -1};
}

status scratch_name(char out[SCRATCH_PATH_MAX], const scratch *s, const char *name)
{
    return join(out, s->path, name);
}

status scratch_folder(char out[SCRATCH_PATH_MAX], const scratch *s, const char *name)
{
    TRY(join(out, s->path, name));
    scratch_remove(out);
    FAIL_IF(mkdir(out, 0777) != 0, ZK_EIO, "cannot make the folder %s: %m", out);
    return ZK_OK;
}
