// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/sysmem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdbool.h>

static FILE *open_below(const char *root, const char *name)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s%s", root, name);
    return n < 0 || (size_t)n >= sizeof path ? NULL : fopen(path, "r");
}

static uint64_t available_to_all(const char *root)
{
    FILE *f = open_below(root, "/proc/meminfo");
    if (f == NULL)
        return UINT64_MAX;
    uint64_t sum = 0;
    bool found = false;
    char line[256];
    while (fgets(line, sizeof line, f) != NULL) {
        uint64_t kib;
        if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
            found = true;
        else if (sscanf(line, "SwapFree: %" SCNu64 " kB", &kib) != 1)
            continue;
        sum += kib << 10;
    }
    fclose(f);
    return found ? sum : UINT64_MAX;
}

// "max" and other texts are no limit.
static uint64_t limit_in(const char *root, const char *name)
{
    FILE *f = open_below(root, name);
    if (f == NULL)
        return UINT64_MAX;
    uint64_t limit;
    if (fscanf(f, "%" SCNu64, &limit) != 1)
        limit = UINT64_MAX;
    fclose(f);
    return limit;
}

uint64_t system_memory_available_below(const char *root)
{
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    uint64_t least = available_to_all(root);
    for (int i = 0; i < 2; i++) {
        uint64_t limit = limit_in(root, limits[i]);
        if (limit < least)
            least = limit;
    }
    return least;
}

uint64_t system_memory_available(void)
{
    return system_memory_available_below("");
}
