// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/input_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The part of an absolute name behind the folder; NULL: it does not begin with it.
static const char *below(const char *folder, const char *name)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    if (strncmp(name, folder, n) != 0 || (name[n] != '/' && folder[n - 1] != '/'))
        return NULL;
    name += n;
    return name + strspn(name, "/");
}

static status open_below(int *fd, int folder, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    do
        *fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
    while (*fd < 0 && (errno == EINTR || errno == EAGAIN));
    FAIL_IF(*fd < 0 && errno == EXDEV, ZK_EINVAL, "the input %.200s lies outside the inputs folder",
            name);
    FAIL_IF(*fd < 0 && errno == ENOSYS, ZK_EIO,
            "inputs cannot be confined to their folder: this kernel has no openat2 (Linux 5.6)");
    FAIL_IF(*fd < 0, ZK_EINVAL, "the input %.200s cannot be opened: %m", name);
    return ZK_OK;
}

status input_file_open(int *fd, uint64_t *size, const char *folder, const char *name)
{
    *fd = -1;
    const char *relative = name[0] == '/' ? below(folder, name) : name;
    FAIL_IF(relative == NULL, ZK_EINVAL, "the input %.200s lies outside the inputs folder", name);
    int top = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    FAIL_IF(top < 0, ZK_EIO, "cannot open the inputs folder: %m");
    status result = open_below(fd, top, relative);
    close(top);
    TRY(result);
    struct stat info;
    if (fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(*fd);
        *fd = -1;
        FAIL(ZK_EINVAL, "the input %.200s is not a file", name);
    }
    *size = (uint64_t)info.st_size;
    return ZK_OK;
}
