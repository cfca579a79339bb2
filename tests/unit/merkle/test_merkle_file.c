// SPDX-License-Identifier: Apache-2.0 OR MIT
// Spill files: round trip, and refusal of every damage.
#include "world.h"

#include <fcntl.h>
#include <unistd.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(path, sizeof path, "%s/zisk-test-spill-%ld", folder, (long)getpid());
    return 0;
}

static int remove_path(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static size_t slurp(unsigned char *buffer, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(buffer, 1, room, f);
    assert_true(n < room);
    fclose(f);
    return n;
}

static void spit(const unsigned char *buffer, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(buffer, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void round_trip(void **state)
{
    (void)state;
    for (unsigned log_rows = 0; log_rows <= 9; log_rows++) {
        for (int drop = 0; drop <= 1; drop++) {
            world w = world_new(HASH_POSEIDON, log_rows, 4, NULL);
            if (drop)
                merkle_drop_leaves(&w.tree);
            assert_int_equal(merkle_write(&w.tree, path), ZK_OK);
            merkle_tree back;
            assert_int_equal(merkle_read(&back, w.hash, path), ZK_OK);
            assert_int_equal(back.log_rows, log_rows);
            assert_int_equal(back.has_leaves, w.tree.has_leaves);
            assert_int_equal(back.n_levels, w.tree.n_levels);
            size_t n = w.tree.level_offset[w.tree.n_levels - 1] + 1;
            assert_int_equal(back.level_offset[back.n_levels - 1] + 1, n);
            assert_memory_equal(back.nodes, w.tree.nodes, n * sizeof(digest));

            uint64_t index = w.n_rows / 2;
            digest a[64], b[64];
            size_t n_a, n_b;
            assert_int_equal(merkle_open(&w.tree, w.rows, 4, &index, 1, a, &n_a), ZK_OK);
            assert_int_equal(merkle_open(&back, w.rows, 4, &index, 1, b, &n_b), ZK_OK);
            assert_int_equal(n_a, n_b);
            assert_memory_equal(a, b, n_a * sizeof(digest));
            merkle_clear(&back);
            world_clear(&w);
        }
    }
}

// Every value but the right one would be too many: each byte with each bit flipped, and some.
static void every_damaged_byte_is_refused(void **state)
{
    (void)state;
    static const unsigned char changes[] = {1, 2, 4, 8, 16, 32, 64, 128, 255, 0x55};
    for (int drop = 0; drop <= 1; drop++) {
        world w = world_new(HASH_POSEIDON, 3, 4, NULL);
        if (drop)
            merkle_drop_leaves(&w.tree);
        assert_int_equal(merkle_write(&w.tree, path), ZK_OK);
        unsigned char good[1024], bad[1024];
        size_t n = slurp(good, sizeof good);
        int fd = open(path, O_WRONLY);
        assert_true(fd >= 0);
        for (size_t at = 0; at < n; at++) {
            for (size_t k = 0; k < sizeof changes; k++) {
                unsigned char byte = good[at] ^ changes[k];
                assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
                merkle_tree back;
                assert_int_equal(merkle_read(&back, w.hash, path), ZK_EPARSE);
                assert_null(back.nodes);
            }
            assert_int_equal(pwrite(fd, &good[at], 1, (off_t)at), 1);
        }
        assert_int_equal(close(fd), 0);
        // Shorter files, and a longer one.
        for (size_t length = 0; length <= n + 1;
             length += length + 40 < n && length > 40 ? 13 : 1) {
            memcpy(bad, good, n);
            bad[n] = 0;
            spit(bad, length);
            merkle_tree back;
            assert_int_equal(merkle_read(&back, w.hash, path), length == n ? ZK_OK : ZK_EPARSE);
            merkle_clear(&back);
        }
        world_clear(&w);
    }
}

static void other_hash_and_missing_file(void **state)
{
    (void)state;
    world w = world_new(HASH_POSEIDON, 4, 4, NULL);
    merkle_tree back;
    assert_int_equal(merkle_write(&w.tree, path), ZK_OK);
    assert_int_equal(merkle_read(&back, hash_get(HASH_POSEIDON2), path), ZK_EPARSE);
    unlink(path);
    assert_int_equal(merkle_read(&back, w.hash, path), ZK_EIO);
    assert_null(back.nodes);
    assert_int_equal(merkle_write(&w.tree, "/nowhere/at/all"), ZK_EIO);
    // A device that is always full: the write fails, not the open.
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(symlink("/dev/full", path), 0);
        assert_int_equal(merkle_write(&w.tree, path), ZK_EIO);
        assert_int_equal(access(path, F_OK), -1);
    }
    world_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(every_damaged_byte_is_refused),
        cmocka_unit_test(other_hash_and_missing_file),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
