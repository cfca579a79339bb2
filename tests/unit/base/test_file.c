// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"
#include "unit/base/scratch.h"

#include "base/clock.h"
#include "base/file.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[SCRATCH_PATH];

static void write_then_read(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    scratch_path(path, folder, "data.bin");
    byte_buffer b = buffer_new();
    for (size_t size = 0; size < 300000; size = 3 * size + 1) {
        uint8_t *data = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(i * 7 + size);
        assert_int_equal(file_write_atomic(path, data, size), ZK_OK);
        assert_int_equal(file_read(&b, path, size), ZK_OK);
        assert_int_equal(b.size, size);
        assert_memory_equal(b.data == NULL ? data : b.data, data, size);
        if (size > 0) {
            assert_int_equal(file_read(&b, path, size - 1), ZK_ELIMIT);
            assert_int_equal(b.size, 0);
        }
        free(data);
    }
    assert_int_equal(scratch_count(folder), 1); // no temporary file is left
    unlink(path);
    buffer_clear(&b);
}

static void a_copy_has_the_same_bytes(void **state)
{
    (void)state;
    char from[SCRATCH_PATH], to[SCRATCH_PATH];
    scratch_path(from, folder, "from.bin");
    scratch_path(to, folder, "to.bin");
    enum { BYTES = 200001 };
    uint8_t *data = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    byte_buffer b = buffer_new();
    for (size_t size = 0; size <= BYTES; size += BYTES) {
        assert_int_equal(file_write_atomic(from, data, size), ZK_OK);
        assert_int_equal(file_copy_atomic(to, from), ZK_OK);
        assert_int_equal(file_read(&b, to, BYTES), ZK_OK);
        assert_int_equal(b.size, size);
        if (size > 0)
            assert_memory_equal(b.data, data, size);
    }
    unlink(from);
    assert_int_equal(file_copy_atomic(to, from), ZK_EIO); // there is none, and the old copy stays
    assert_int_equal(file_copy_atomic(to, folder), ZK_EIO);
    assert_int_equal(file_read(&b, to, BYTES), ZK_OK);
    assert_int_equal(scratch_count(folder), 1);
    unlink(to);
    free(data);
    buffer_clear(&b);
}

static void failures_name_the_file(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    byte_buffer b = buffer_new();
    scratch_path(path, folder, "none");
    assert_int_equal(file_read(&b, path, 100), ZK_EIO);
    assert_non_null(strstr(status_message(), path));
    assert_non_null(strstr(status_message(), "No such file or directory"));
    assert_int_equal(file_read(&b, folder, 100), ZK_EIO); // a folder
    scratch_path(path, folder, "none/deeper");
    assert_int_equal(file_write_atomic(path, "x", 1), ZK_EIO);
    assert_non_null(strstr(status_message(), path));

    assert_null(strstr(status_message(), ".tmp-")); // a name that the caller never gave

    assert_int_equal(file_check_target(path), ZK_EIO);
    assert_non_null(strstr(status_message(), path));

    // The target is a folder.
    scratch_path(path, folder, "taken/inside");
    assert_int_equal(file_make_directories(path), ZK_OK);
    scratch_path(path, folder, "taken");
    assert_int_equal(file_write_atomic(path, "x", 1), ZK_EIO);
    assert_int_equal(file_check_target(path), ZK_EIO);
    assert_int_equal(scratch_count(folder), 1);
    scratch_path(path, folder, "taken/inside");
    rmdir(path);
    scratch_path(path, folder, "taken");
    rmdir(path);
    buffer_clear(&b);
}

static void only_regular_files_are_replaced(void **state)
{
    (void)state;
    char pipe[SCRATCH_PATH], link[SCRATCH_PATH];
    scratch_path(pipe, folder, "pipe");
    scratch_path(link, folder, "link");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink(pipe, link), 0);
    const char *const paths[] = {pipe, link};
    for (unsigned k = 0; k < 2; k++) {
        assert_int_equal(file_write_atomic(paths[k], "x", 1), ZK_EIO);
        assert_non_null(strstr(status_message(), paths[k]));
        assert_int_equal(file_check_target(paths[k]), ZK_EIO);
    }
    struct stat info;
    assert_int_equal(stat(pipe, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    unlink(pipe);
    assert_int_equal(file_check_target(pipe), ZK_OK); // nothing is there: a file may come
    unlink(link);
    assert_int_equal(scratch_count(folder), 0);
}

static void long_paths_are_refused(void **state)
{
    (void)state;
    char path[9000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(file_write_atomic(path, "x", 1), ZK_EIO);
    assert_int_equal(file_make_directories(path), ZK_EIO);
}

static void directories_are_made(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    struct stat info;
    scratch_path(path, folder, "a//b/c/file");
    assert_int_equal(file_make_parent(path), ZK_OK);
    assert_int_equal(file_make_parent(path), ZK_OK); // again
    assert_int_equal(file_write_atomic(path, "x", 1), ZK_OK);
    assert_int_equal(file_make_directories(path), ZK_EIO); // a file is in the way
    assert_int_equal(file_make_parent("plain-name"), ZK_OK);
    unlink(path);
    static const char *const made[] = {"a/b/c", "a/b", "a"};
    for (int i = 0; i < 3; i++) {
        scratch_path(path, folder, made[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_true(S_ISDIR(info.st_mode));
        assert_int_equal(rmdir(path), 0);
    }
}

// Readers during many replacements see one whole content or the other.
enum { CONTENT_BYTES = 5000 };

static void *replace_often(void *arg)
{
    uint8_t data[CONTENT_BYTES];
    for (int i = 0; i < 40; i++) {
        memset(data, i & 1 ? 'a' : 'b', sizeof data);
        if (file_write_atomic(arg, data, sizeof data) != ZK_OK)
            return arg;
    }
    return NULL;
}

static void replacement_is_atomic(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    scratch_path(path, folder, "shared");
    assert_null(replace_often(path));
    pthread_t writers[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, replace_often, path), 0);
    byte_buffer b = buffer_new();
    for (int i = 0; i < 200; i++) {
        assert_int_equal(file_read(&b, path, CONTENT_BYTES), ZK_OK);
        assert_int_equal(b.size, CONTENT_BYTES);
        for (size_t j = 0; j < b.size; j++)
            assert_int_equal(b.data[j], b.data[0]);
    }
    for (int i = 0; i < 2; i++) {
        void *failed;
        pthread_join(writers[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(scratch_count(folder), 1);
    unlink(path);
    buffer_clear(&b);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    (void)state;
    int ends[2];
    char path[64];
    byte_buffer b = buffer_new();
    for (size_t limit = 4; limit <= 5; limit++) {
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], "hello", 5), 5);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        assert_int_equal(file_read(&b, path, limit), limit == 5 ? ZK_OK : ZK_ELIMIT);
        close(ends[0]);
    }
    assert_int_equal(b.size, 5);
    assert_memory_equal(b.data, "hello", 5);
    buffer_clear(&b);
}

static void clocks_move_forward(void **state)
{
    (void)state;
    uint64_t start = clock_monotonic_ns(), cpu = clock_thread_cpu_ns();
    for (uint64_t before = start; before < start + NS_PER_MS;) {
        uint64_t now = clock_monotonic_ns();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_thread_cpu_ns() > cpu);
    assert_true(clock_process_cpu_ns() >= clock_thread_cpu_ns());
    assert_true(clock_realtime_ns() > 1700000000 * NS_PER_SECOND);
}

static int make_folder(void **state)
{
    (void)state;
    return scratch_open(folder);
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void the_limit_of_open_files_goes_up(void **state)
{
    (void)state;
    struct rlimit low, raised;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &low), 0);
    low.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    file_raise_limit();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &raised), 0);
    assert_int_equal(raised.rlim_cur, low.rlim_max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_then_read),
        cmocka_unit_test(a_copy_has_the_same_bytes),
        cmocka_unit_test(failures_name_the_file),
        cmocka_unit_test(only_regular_files_are_replaced),
        cmocka_unit_test(long_paths_are_refused),
        cmocka_unit_test(directories_are_made),
        cmocka_unit_test(replacement_is_atomic),
        cmocka_unit_test(the_limit_of_open_files_goes_up),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(clocks_move_forward),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
