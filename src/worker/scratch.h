// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The worker's folder for what lives no longer than its process: spilled trees, partial proofs,
// inputs that were downloaded.
//
//     BASE/lock           held while somebody makes or removes a folder
//     BASE/XXXXXX/lock    held as long as the process that made it lives
//
// Held means flock: the system lets go when the process ends, however it ends. So a folder whose
// lock is free belongs to nobody, and whoever starts next removes it.
#include "base/status.h"

enum { SCRATCH_PATH_MAX = 4096 };

typedef struct scratch {
    char path[SCRATCH_PATH_MAX]; // without a slash at the end; "" when not open
    int lock;
} scratch;

// Makes BASE and its parents where missing, removes the folders of dead processes and makes one.
// ZK_EIO with the path and reason.
MUST_CHECK status scratch_open(scratch *out, const char *base);
void scratch_close(scratch *s); // removes the folder; fine when not open

// "PATH/NAME" into out. ZK_EINVAL when it is too long.
MUST_CHECK status scratch_name(char out[SCRATCH_PATH_MAX], const scratch *s, const char *name);
// An empty folder of that name inside: what was in it is removed.
MUST_CHECK status scratch_folder(char out[SCRATCH_PATH_MAX], const scratch *s, const char *name);
// Removes a file or a folder with everything in it; following no link. Failures are logged.
void scratch_remove(const char *path);
