// SPDX-License-Identifier: Apache-2.0 OR MIT
// Memory that the system has left, read from a made-up /proc and /sys.
#include "scratch.h"
#include "unit/test.h"

#include "base/file.h"
#include "base/sysmem.h"

static char root[SCRATCH_PATH];

static void put(const char *name, const char *text)
{
    char path[SCRATCH_PATH];
    scratch_path(path, root, name);
    assert_int_equal(file_make_parent(path), ZK_OK);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void the_least_of_what_is_said(void **state)
{
    (void)state;
    assert_int_equal(scratch_open(root), 0);
    assert_true(system_memory_available_below(root) == UINT64_MAX);
    put("proc/meminfo", "MemTotal:  9000000 kB\nMemFree:   1 kB\n");
    assert_true(system_memory_available_below(root) == UINT64_MAX); // a kernel that does not say
    put("proc/meminfo", "MemTotal:  9000000 kB\nMemAvailable:    1000 kB\nSwapFree:   24 kB\n");
    assert_int_equal(system_memory_available_below(root), 1024 << 10);
    put("sys/fs/cgroup/memory.max", "max\n");
    assert_int_equal(system_memory_available_below(root), 1024 << 10);
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(system_memory_available_below(root), 1024 << 10);
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "70000\n");
    assert_int_equal(system_memory_available_below(root), 70000);
    put("sys/fs/cgroup/memory.max", "4096\n");
    assert_int_equal(system_memory_available_below(root), 4096);
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    assert_int_equal(system(command), 0);
    assert_true(system_memory_available() > 1 << 20); // of this machine
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_least_of_what_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
