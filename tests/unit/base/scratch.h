// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// A folder of its own for a test that writes files.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRATCH_PATH = 512 };

// Makes a fresh folder below $TMPDIR (or /tmp) and puts its path into `folder`. 0 on success.
static inline int scratch_open(char folder[SCRATCH_PATH])
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, SCRATCH_PATH, "%s/zisk-test-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline void scratch_path(char out[SCRATCH_PATH], const char *folder, const char *name)
{
    if (snprintf(out, SCRATCH_PATH, "%s/%s", folder, name) >= SCRATCH_PATH)
        abort();
}

// Entries of the folder, without "." and "..".
static inline int scratch_count(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL)
        return -1;
    int n = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}
