// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "cluster/metrics_process.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// Field `wanted` of /proc/self/stat (proc(5), counted from 1; 3 or more). The second field is the
// program's name in parentheses, which may hold anything, so counting begins behind the last one.
static bool stat_field(unsigned long long *out, const char *stat, unsigned wanted)
{
    const char *at = strrchr(stat, ')');
    for (unsigned field = 2; at != NULL && field < wanted; field++)
        at = strchr(at + 1, ' ');
    return at != NULL && sscanf(at, "%llu", out) == 1;
}

// Memory in use, and the start of the process in seconds since 1970.
static bool read_stat(uint64_t *resident_bytes, double *started)
{
    enum { START_TICKS = 22, RESIDENT_PAGES = 24 };
    char stat[1024];
    FILE *f = fopen("/proc/self/stat", "re");
    if (f == NULL)
        return false;
    size_t n = fread(stat, 1, sizeof stat - 1, f);
    fclose(f);
    stat[n] = 0;
    unsigned long long ticks, pages;
    if (!stat_field(&ticks, stat, START_TICKS) || !stat_field(&pages, stat, RESIDENT_PAGES))
        return false;
    *resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    // Ticks are counted from the boot of the machine.
    double since_boot = (double)clock_read_ns(CLOCK_BOOTTIME) / 1e9;
    *started = (double)clock_realtime_ns() / 1e9 - since_boot +
               (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

// Open file descriptors, less the one that the counting takes.
static bool count_descriptors(uint64_t *out)
{
    DIR *d = opendir("/proc/self/fd");
    if (d == NULL)
        return false;
    uint64_t n = 0;
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    *out = n - 1;
    return true;
}

status metrics_put_process(byte_buffer *b)
{
    TRY(metrics_family(b, "process_cpu_seconds_total", METRIC_COUNTER,
                       "Processor time of all threads"));
    TRY(metrics_value(b, "process_cpu_seconds_total", NULL, 0,
                      (double)clock_process_cpu_ns() / 1e9));
    uint64_t resident, descriptors;
    double started;
    if (read_stat(&resident, &started)) {
        TRY(metrics_single(b, "process_resident_memory_bytes", METRIC_GAUGE, "Memory in use",
                           resident));
        TRY(metrics_family(b, "process_start_time_seconds", METRIC_GAUGE,
                           "When the process began, in seconds since 1970"));
        TRY(metrics_value(b, "process_start_time_seconds", NULL, 0, started));
    }
    if (count_descriptors(&descriptors))
        TRY(metrics_single(b, "process_open_fds", METRIC_GAUGE, "Open file descriptors",
                           descriptors));
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit); // cannot fail for a known limit and a good address
    return metrics_single(b, "process_max_fds", METRIC_GAUGE, "File descriptors it may open",
                          limit.rlim_cur);
}
