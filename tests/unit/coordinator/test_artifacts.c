// SPDX-License-Identifier: Apache-2.0 OR MIT
// Blobs are what their names say, partial ones never get a name, sizes stay bounded; and an input
// is opened below its folder or not at all.
#include "unit/base/scratch.h"
#include "unit/test.h"

#include "base/file.h"
#include "coordinator/artifacts.h"
#include "coordinator/input_file.h"

#include <openssl/sha.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

static char folder[SCRATCH_PATH], blobs[SCRATCH_PATH], results[SCRATCH_PATH];

static int make_folder(void **state)
{
    (void)state;
    int failed = scratch_open(folder);
    scratch_path(blobs, folder, "artifacts");
    scratch_path(results, folder, "results");
    return failed;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static artifacts *open_blobs(uint64_t max_total, uint64_t max)
{
    artifacts *a;
    artifacts_options o = {
        .folder = blobs, .results = results, .max_total_bytes = max_total, .max_bytes = max};
    if (artifacts_open(&a, &o) != ZK_OK)
        fail_msg("%s", status_message());
    return a;
}

static void digest_of(uint8_t out[32], const char *text)
{
    SHA256((const uint8_t *)text, strlen(text), out);
}

static void put(artifacts *a, const char *text)
{
    uint8_t digest[32];
    artifact_writer *w;
    digest_of(digest, text);
    assert_int_equal(artifact_begin(&w, a, digest, strlen(text)), ZK_OK);
    assert_int_equal(artifact_write(w, text, strlen(text)), ZK_OK);
    assert_int_equal(artifact_commit(w, NULL), ZK_OK);
}

static bool has(artifacts *a, const char *text)
{
    uint8_t digest[32];
    char path[ARTIFACT_PATH];
    uint64_t size = 0;
    digest_of(digest, text);
    if (!artifacts_find(a, digest, path, &size))
        return false;
    byte_buffer content = buffer_new();
    assert_int_equal(file_read(&content, path, 1 << 20), ZK_OK);
    assert_int_equal(content.size, size);
    assert_memory_equal(content.data, text, strlen(text));
    buffer_clear(&content);
    return true;
}

static int parts(void)
{
    char command[SCRATCH_PATH + 64];
    snprintf(command, sizeof command, "ls '%s' | grep -c ^part-", blobs);
    FILE *f = popen(command, "r");
    int n = -1;
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    return n;
}

static void what_is_written_is_found_again(void **state)
{
    (void)state;
    artifacts *a = open_blobs(1000, 100);
    assert_false(has(a, "hello"));
    put(a, "hello");
    assert_true(has(a, "hello"));
    assert_int_equal(artifacts_bytes(a), 5);
    put(a, "hello"); // again: counted once
    assert_int_equal(artifacts_bytes(a), 5);
    put(a, "");
    assert_true(has(a, ""));

    uint8_t digest[32], wanted[32]; // named by what comes
    artifact_writer *w;
    assert_int_equal(artifact_begin(&w, a, NULL, 6), ZK_OK);
    assert_int_equal(artifact_write(w, "wor", 3), ZK_OK);
    assert_int_equal(artifact_write(w, "ld!", 3), ZK_OK);
    assert_int_equal(artifact_commit(w, digest), ZK_OK);
    digest_of(wanted, "world!");
    assert_memory_equal(digest, wanted, 32);
    artifacts_close(a);

    a = open_blobs(1000, 100);
    assert_true(has(a, "hello") && has(a, "world!"));
    assert_int_equal(artifacts_bytes(a), 11);
    artifacts_close(a);
}

static void what_is_not_whole_has_no_name(void **state)
{
    (void)state;
    artifacts *a = open_blobs(1000, 100);
    uint64_t before = artifacts_bytes(a);
    uint8_t digest[32];
    artifact_writer *w;
    digest_of(digest, "abcdef");
    assert_int_equal(artifact_begin(&w, a, digest, 6), ZK_OK);
    assert_int_equal(artifact_write(w, "abc", 3), ZK_OK);
    assert_int_equal(artifact_write(w, "defg", 4), ZK_EPROTO); // more than announced
    assert_int_equal(artifact_commit(w, NULL), ZK_EPROTO);     // less
    assert_int_equal(artifact_begin(&w, a, digest, 6), ZK_OK);
    assert_int_equal(artifact_write(w, "abcdeF", 6), ZK_OK);
    assert_int_equal(artifact_commit(w, NULL), ZK_EPROTO); // another digest
    assert_int_equal(artifact_begin(&w, a, digest, 6), ZK_OK);
    artifact_abort(w);
    assert_false(has(a, "abcdef"));
    assert_int_equal(artifacts_bytes(a), before);
    assert_int_equal(parts(), 0);

    // A process that died while it wrote leaves a part; the next one removes it.
    assert_int_equal(artifact_begin(&w, a, digest, 6), ZK_OK);
    assert_int_equal(parts(), 1);
    artifacts *next = open_blobs(1000, 100);
    assert_int_equal(parts(), 0);
    assert_int_equal(artifacts_bytes(next), before);
    artifacts_close(next);
    artifact_abort(w);
    artifacts_close(a);
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    artifacts *a = open_blobs(0, 0);
    uint64_t used = artifacts_bytes(a);
    artifacts_close(a);
    a = open_blobs(used + 10, 8);
    artifact_writer *w, *v;
    assert_int_equal(artifact_begin(&w, a, NULL, 9), ZK_ELIMIT);
    assert_int_equal(artifact_begin(&w, a, NULL, UINT64_MAX), ZK_ELIMIT);
    assert_int_equal(artifact_begin(&w, a, NULL, 8), ZK_OK);
    assert_int_equal(artifact_begin(&v, a, NULL, 3), ZK_ELIMIT); // the first has reserved
    artifact_abort(w);
    assert_int_equal(artifact_begin(&v, a, NULL, 3), ZK_OK);
    artifact_abort(v);
    artifacts_close(a);
}

// Removes what is old, except `needed`.
static size_t sweep(artifacts *a, uint64_t age_ms, const uint8_t *needed)
{
    byte_buffer old = buffer_new();
    assert_int_equal(artifacts_list_old(&old, a, age_ms), ZK_OK);
    size_t removed = 0;
    for (size_t at = 0; at < old.size; at += 32)
        if (needed == NULL || memcmp(needed, old.data + at, 32) != 0)
            removed += artifacts_remove_old(a, age_ms, old.data + at, 1);
    buffer_clear(&old);
    return removed;
}

static void results_can_be_read_and_are_never_removed(void **state)
{
    (void)state;
    artifacts *a = open_blobs(1000, 100);
    uint8_t digest[32];
    char path[SCRATCH_PATH + 128], hex[65];
    digest_of(digest, "a result");
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(path, sizeof path, "%s/%.2s/%s", results, hex, hex);
    assert_int_equal(file_make_parent(path), ZK_OK);
    assert_int_equal(file_write_atomic(path, "a result", 8), ZK_OK);
    assert_true(has(a, "a result"));
    (void)sweep(a, 0, NULL);
    assert_int_equal(artifacts_remove_old(a, 0, digest, 1), 0);
    assert_true(has(a, "a result"));
    artifacts_close(a);
}

static void a_sweep_takes_the_old_that_nobody_needs(void **state)
{
    (void)state;
    artifacts *a = open_blobs(1000, 100);
    (void)sweep(a, 0, NULL);
    assert_int_equal(artifacts_bytes(a), 0);
    put(a, "needed");
    put(a, "young");
    put(a, "old one");
    uint8_t needed[32], old[32];
    char path[ARTIFACT_PATH], path_of_needed[ARTIFACT_PATH];
    struct timespec long_ago[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    digest_of(needed, "needed");
    digest_of(old, "old one");
    assert_true(artifacts_find(a, needed, path_of_needed, NULL));
    assert_int_equal(utimensat(AT_FDCWD, path_of_needed, long_ago, 0), 0);
    assert_true(artifacts_find(a, old, path, NULL));
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    assert_int_equal(sweep(a, 3600 * 1000, needed), 1);
    assert_true(has(a, "needed") && has(a, "young"));
    assert_false(has(a, "old one"));
    assert_int_equal(artifacts_bytes(a), 11);
    // Asking for it makes it new, even when it is about to be removed: a job is launched with it.
    byte_buffer listed = buffer_new();
    assert_int_equal(utimensat(AT_FDCWD, path_of_needed, long_ago, 0), 0);
    assert_int_equal(artifacts_list_old(&listed, a, 3600 * 1000), ZK_OK);
    assert_int_equal(listed.size, 32);
    assert_true(artifacts_find(a, needed, path_of_needed, NULL));
    assert_int_equal(artifacts_remove_old(a, 3600 * 1000, listed.data, 1), 0);
    buffer_clear(&listed);
    artifacts_close(a);
}

static void make_inputs(void)
{
    char command[5 * SCRATCH_PATH];
    snprintf(command, sizeof command,
             "cd '%s' && mkdir -p in/sub && printf 12345 > in/sub/x && printf no > secret &&"
             " ln -s sub/x in/inside && ln -s ../secret in/out && ln -s / in/root &&"
             " mkfifo in/pipe && mkdir -p inputs && printf 1 > inputs/y",
             folder);
    assert_int_equal(system(command), 0);
}

static void inputs_stay_below_their_folder(void **state)
{
    (void)state;
    make_inputs();
    char in[SCRATCH_PATH], name[2 * SCRATCH_PATH];
    scratch_path(in, folder, "in");
    int fd;
    uint64_t size;
    static const char *const good[] = {"sub/x", "sub/../sub/x", "inside", "./sub/./x"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (input_file_open(&fd, &size, in, good[i]) != ZK_OK)
            fail_msg("%s: %s", good[i], status_message());
        assert_int_equal(size, 5);
        close(fd);
    }
    snprintf(name, sizeof name, "%s//sub/x", in);
    assert_int_equal(input_file_open(&fd, &size, in, name), ZK_OK);
    close(fd);
    static const char *const bad[] = {"../secret",
                                      "sub/../../secret",
                                      "out",
                                      "root/etc/passwd",
                                      "/etc/passwd",
                                      "sub",
                                      "none",
                                      "pipe",
                                      ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (input_file_open(&fd, &size, in, bad[i]) != ZK_EINVAL)
            fail_msg("%s was opened", bad[i]);
        assert_int_equal(fd, -1);
    }
    snprintf(name, sizeof name, "%s/inputs/y", folder); // "in" is only its beginning
    assert_int_equal(input_file_open(&fd, &size, in, name), ZK_EINVAL);
    assert_int_equal(input_file_open(&fd, &size, "/no/such/folder", "x"), ZK_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_found_again),
        cmocka_unit_test(what_is_not_whole_has_no_name),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(results_can_be_read_and_are_never_removed),
        cmocka_unit_test(a_sweep_takes_the_old_that_nobody_needs),
        cmocka_unit_test(inputs_stay_below_their_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
