// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/clock.h"
#include "cluster/metrics_process.h"
#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// The sample of a family, or -1 when there is none.
static double sample(const char *name)
{
    byte_buffer b = buffer_new();
    assert_int_equal(metrics_put_process(&b), ZK_OK);
    assert_int_equal(buffer_put_u8(&b, 0), ZK_OK);
    char start[64];
    snprintf(start, sizeof start, "\n%s ", name);
    const char *at = strstr((const char *)b.data, start);
    double value = -1;
    if (at != NULL)
        assert_int_equal(sscanf(at + strlen(start), "%lf", &value), 1);
    buffer_clear(&b);
    return value;
}

static void test_values(void **state)
{
    (void)state;
    double open_before = sample("process_open_fds");
    int fd = dup(STDOUT_FILENO);
    assert_true(fd >= 0);
    assert_true(open_before >= 1);
    assert_true(sample("process_open_fds") == open_before + 1);
    close(fd);

    double now = (double)clock_realtime_ns() / 1e9;
    double started = sample("process_start_time_seconds");
    assert_true(started <= now + 1 && started > now - 600);

    double cpu = sample("process_cpu_seconds_total");
    assert_true(cpu >= 0 && cpu <= (double)clock_process_cpu_ns() / 1e9);

    enum { BLOCK = 64 << 20 };
    double resident = sample("process_resident_memory_bytes");
    uint8_t *block = malloc(BLOCK);
    assert_non_null(block);
    memset(block, 1, BLOCK);
    // ThreadSanitizer adds four bytes of its own to each.
    double grown = sample("process_resident_memory_bytes");
    assert_int_equal(block[BLOCK - 1], 1);
    free(block);
    assert_true(resident > 0 && grown - resident > 0.9 * BLOCK && grown - resident < 8.0 * BLOCK);
}

static void test_no_descriptor_left(void **state)
{
    (void)state;
    struct rlimit old, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    double open_fds = sample("process_open_fds"), limit = sample("process_max_fds");
    double resident = sample("process_resident_memory_bytes");
    double cpu = sample("process_cpu_seconds_total");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_true(open_fds == -1 && resident == -1);
    assert_true(limit == 0 && cpu >= 0);
    assert_true(sample("process_max_fds") == (double)old.rlim_cur);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_no_descriptor_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
