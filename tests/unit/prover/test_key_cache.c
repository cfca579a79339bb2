// SPDX-License-Identifier: Apache-2.0 OR MIT
// A commitment from a file: the same key and proofs, and whatever is wrong with the file costs time
// and a line in the log, nothing else.
#include "unit/base/scratch.h"
#include "unit/prover/toy_prover.h"

#include "base/file.h"
#include "base/log.h"
#include "prover/key_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static toy_machine *toys;
static char folder[SCRATCH_PATH], log_path[SCRATCH_PATH + 16];
static int log_fd = -1;
static byte_buffer path, good; // of the toys' key: where its file is, and what is in it
static digest good_key;

static void make_key(prover_key *key, const char *cache)
{
    uint8_t heights[MACHINE_MAX_SLOTS] = {[TOY_SQUARES] = TOY_LOG_SQUARES};
    digest program = {{1, 2, 3, 4}};
    must(prover_key_new_cached(key, &toys->m, hash_get(HASH_POSEIDON), program, heights,
                               fill_squares, toys, WHIR_CLASS_TEST_10, cache, NULL, NULL));
}

static void write_file(const void *data, size_t n)
{
    FILE *f = fopen((char *)path.data, "wb");
    assert_true(f != NULL && fwrite(data, 1, n, f) == n && fclose(f) == 0);
}

static bool file_is_good(void)
{
    byte_buffer now = buffer_new();
    must(file_read(&now, (char *)path.data, 1 << 20));
    bool same = now.size == good.size && memcmp(now.data, good.data, good.size) == 0;
    buffer_clear(&now);
    return same;
}

static off_t log_size(void)
{
    struct stat st;
    assert_int_equal(fstat(log_fd, &st), 0);
    return st.st_size;
}

static int set_up(void **state)
{
    (void)state;
    must(toy_machine_new(&toys));
    assert_int_equal(scratch_open(folder), 0);
    snprintf(log_path, sizeof log_path, "%s.log", folder);
    log_fd = open(log_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(log_fd >= 0);
    log_config config = {.format = LOG_JSON, .stream = log_fd};
    must(log_open(&config));

    prover_key key;
    make_key(&key, folder); // makes the file
    assert_false(key.from_cache);
    must(key_cache_path(&path, &key, folder));
    must(file_read(&good, (char *)path.data, 1 << 20));
    good_key = key.key.digest;
    prover_key_clear(&key);
    assert_int_equal(scratch_count(folder), 1);
    assert_int_equal(log_size(), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_close();
    close(log_fd);
    char command[2 * SCRATCH_PATH + 32];
    snprintf(command, sizeof command, "rm -rf '%s' '%s'", folder, log_path);
    if (system(command) != 0)
        fail_msg("%s", command);
    buffer_clear(&good);
    buffer_clear(&path);
    toy_machine_free(toys);
    return 0;
}

static void same_key_and_proofs(void **state)
{
    (void)state;
    prover_key made, cached;
    make_key(&made, NULL);
    make_key(&cached, folder);
    assert_true(cached.from_cache && !made.from_cache);
    assert_true(digest_equal(made.key.digest, cached.key.digest));
    toy_shape shape = toy_shape_all(6);
    toy_job *job;
    must(toy_job_new(&job, toys, &shape, 1, 1));
    toy_proof p = toy_prove(job, &made, WHIR_CLASS_TEST_14, NULL, NULL);
    toy_proof q = toy_prove(job, &cached, WHIR_CLASS_TEST_14, NULL, NULL);
    assert_null(toy_verify(&q, job, &made.key));
    assert_int_equal(p.proofs[0].n_words, q.proofs[0].n_words);
    assert_memory_equal(p.proofs[0].words, q.proofs[0].words, 8 * p.proofs[0].n_words);
    toy_proof_clear(&p);
    toy_proof_clear(&q);
    toy_job_free(job);
    prover_key_clear(&made);
    prover_key_clear(&cached);
}

// With this file in the folder: the right key, made anew; a line in the log; a good file again.
static void expect_made_anew(const void *data, size_t n, const char *reason)
{
    write_file(data, n);
    off_t before = log_size();
    prover_key key;
    make_key(&key, folder);
    if (key.from_cache)
        fail_msg("a file with a fault is used: %s", reason);
    assert_true(digest_equal(key.key.digest, good_key));
    prover_key_clear(&key);
    assert_true(file_is_good());
    char line[2048];
    ssize_t length = pread(log_fd, line, sizeof line - 1, before);
    assert_true(length > 0);
    line[length] = '\0';
    assert_non_null(strstr(line, "WARN"));
    assert_non_null(strstr(line, "made anew"));
    if (strstr(line, reason) == NULL)
        fail_msg("the log says %s, not %s", line, reason);
}

static void every_byte_is_checked(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(good.size + 1);
    assert_non_null(bytes);
    enum { HEAD_BYTES = 80 };
    for (size_t i = 0; i < good.size; i += i < HEAD_BYTES ? 1 : 5) { // nodes have 32 bytes
        memcpy(bytes, good.data, good.size);
        bytes[i] ^= 1 << i % 8;
        expect_made_anew(bytes, good.size, "");
    }
    memcpy(bytes, good.data, good.size);
    memset(bytes + good.size - 8, 0xff, 8);
    expect_made_anew(bytes, good.size, ">= p");
    memcpy(bytes, good.data, good.size);
    expect_made_anew(bytes, 0, "");
    expect_made_anew(bytes, good.size - 1, "");
    expect_made_anew(bytes, 20, "");
    bytes[good.size] = 0;
    expect_made_anew(bytes, good.size + 1, "");
    free(bytes);
}

// Somebody who can write to the folder makes a file without any fault of form, of another program's
// columns: its nodes hash to its root. What is hashed of the leaves gives it away.
static void a_consistent_tree_of_other_columns_is_found_out(void **state)
{
    (void)state;
    uint8_t *squares = (uint8_t *)toys->squares;
    char other_folder[SCRATCH_PATH + 8];
    snprintf(other_folder, sizeof other_folder, "%s/other", folder);
    squares[0] ^= 1; // the other program
    prover_key other;
    uint8_t heights[MACHINE_MAX_SLOTS] = {[TOY_SQUARES] = TOY_LOG_SQUARES};
    must(prover_key_new_cached(&other, &toys->m, hash_get(HASH_POSEIDON), (digest){{1, 2, 3, 4}},
                               heights, fill_squares, toys, WHIR_CLASS_TEST_10, other_folder, NULL,
                               NULL));
    squares[0] ^= 1;
    assert_false(digest_equal(other.key.digest, good_key));
    byte_buffer other_path = buffer_new(), file = buffer_new();
    must(key_cache_path(&other_path, &other, other_folder));
    must(file_read(&file, (char *)other_path.data, 1 << 20));
    assert_int_equal(file.size, good.size);
    expect_made_anew(file.data, file.size, "of another program");
    memcpy(file.data, good.data, 48); // magic, version, class and name of the right one
    expect_made_anew(file.data, file.size, "not of these columns");
    assert_int_equal(unlink((char *)other_path.data), 0);
    assert_int_equal(rmdir(other_folder), 0);
    buffer_clear(&file);
    buffer_clear(&other_path);
    prover_key_clear(&other);
}

static void a_folder_that_is_none_is_no_error(void **state)
{
    (void)state;
    prover_key key;
    char nested[SCRATCH_PATH + 16];
    snprintf(nested, sizeof nested, "%s.log/cache", folder); // below a file
    off_t before = log_size();
    make_key(&key, nested);
    assert_true(digest_equal(key.key.digest, good_key) && !key.from_cache);
    assert_true(log_size() > before);
    prover_key_clear(&key);
    // A folder in place of the file.
    assert_int_equal(unlink((char *)path.data), 0);
    assert_int_equal(mkdir((char *)path.data, 0700), 0);
    make_key(&key, folder);
    assert_true(digest_equal(key.key.digest, good_key) && !key.from_cache);
    prover_key_clear(&key);
    assert_int_equal(rmdir((char *)path.data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_key_and_proofs),
        cmocka_unit_test(every_byte_is_checked),
        cmocka_unit_test(a_consistent_tree_of_other_columns_is_found_out),
        cmocka_unit_test(a_folder_that_is_none_is_no_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
