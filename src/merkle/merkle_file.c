// SPDX-License-Identifier: Apache-2.0 OR MIT
// Spill files of trees.
#include "merkle/merkle_alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct file_header {
    char magic[8];
    uint32_t version;
    uint32_t hash;
    uint32_t log_rows;
    uint32_t has_leaves;
    uint64_t n_digests;
} file_header;

_Static_assert(sizeof(file_header) == 32, "file header has no padding");

static const char file_magic[8] = {'z', 'k', 'm', 'e', 'r', 'k', 'l', 'e'};
enum { FILE_VERSION = 1 };

static file_header header_of(const merkle_tree *tree)
{
    file_header h = {
        .version = FILE_VERSION,
        .hash = tree->hash->id,
        .log_rows = tree->log_rows,
        .has_leaves = tree->has_leaves,
        .n_digests = merkle_n_nodes(tree),
    };
    memcpy(h.magic, file_magic, sizeof file_magic);
    return h;
}

// A polynomial in four points of F that differ from 0, one for each place in a digest: a change of
// any one element changes the sum. Elements of a file that are not canonical are refused before.
static uint64_t checksum_of(const file_header *header, const digest *nodes, size_t n)
{
    static const fe point[HASH_DIGEST] = {0x9E3779B97F4A7C15ULL, 0xBF58476D1CE4E5B9ULL,
                                          0x94D049BB133111EBULL, 0xD6E8FEB86659FD93ULL};
    fe sum[HASH_DIGEST] = {header->version, header->hash, header->log_rows, header->has_leaves};
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < HASH_DIGEST; j++)
            sum[j] = fe_mul_add(sum[j], point[j], nodes[i].e[j]);
    return fe_add(fe_add(sum[0], sum[1]), fe_add(sum[2], sum[3]));
}

static bool write_all(int fd, const void *data, size_t n)
{
    const char *p = data;
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t n)
{
    char *p = data;
    errno = 0;
    while (n > 0) {
        ssize_t done = read(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

status merkle_write(const merkle_tree *tree, const char *path)
{
    file_header header = header_of(tree);
    size_t n = merkle_n_nodes(tree);
    uint64_t checksum = checksum_of(&header, tree->nodes, n);

    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FAIL_IF(fd < 0, ZK_EIO, "cannot create spill file %s: %s; check the spill folder", path,
            strerror(errno));
    bool written = write_all(fd, &header, sizeof header) &&
                   write_all(fd, tree->nodes, n * sizeof(digest)) &&
                   write_all(fd, &checksum, sizeof checksum);
    int error = errno;
    if (close(fd) != 0 && written) {
        written = false;
        error = errno;
    }
    if (!written)
        unlink(path);
    FAIL_IF(!written, ZK_EIO, "cannot write spill file %s: %s; check the spill folder", path,
            strerror(error));
    return ZK_OK;
}

static status read_open_file(merkle_tree *tree, const hash_ops *hash, int fd, const char *path)
{
    struct stat st;
    FAIL_IF(fstat(fd, &st) != 0, ZK_EIO, "cannot read spill file %s: %s", path, strerror(errno));
    file_header header;
    uint64_t checksum;
    FAIL_IF((uint64_t)st.st_size < sizeof header + sizeof checksum, ZK_EPARSE,
            "spill file %s is cut short; delete it", path);
    FAIL_IF(!read_all(fd, &header, sizeof header), ZK_EIO, "cannot read spill file %s: %s", path,
            strerror(errno));

    bool known =
        memcmp(header.magic, file_magic, sizeof file_magic) == 0 && header.version == FILE_VERSION;
    FAIL_IF(!known, ZK_EPARSE, "%s is no spill file of this version; delete it", path);
    FAIL_IF(header.hash != (uint32_t)hash->id, ZK_EPARSE,
            "spill file %s was made with another hash; delete it", path);
    FAIL_IF(header.log_rows > MERKLE_MAX_LOG_ROWS || header.has_leaves > 1 ||
                (header.log_rows == 0 && header.has_leaves == 0),
            ZK_EPARSE, "spill file %s is damaged (header); delete it", path);

    // The size of the file vouches for the size of the allocation.
    uint64_t n = 0;
    for (unsigned l = header.has_leaves ? 0 : 1; l < merkle_levels(header.log_rows); l++)
        n += (uint64_t)1 << merkle_level_log_nodes(header.log_rows, l);
    FAIL_IF(header.n_digests != n ||
                (uint64_t)st.st_size != sizeof header + n * sizeof(digest) + sizeof checksum,
            ZK_EPARSE, "spill file %s is damaged (size); delete it", path);
    TRY(merkle_allocate(tree, hash, header.log_rows, header.has_leaves));
    FAIL_IF(!read_all(fd, tree->nodes, n * sizeof(digest)) ||
                !read_all(fd, &checksum, sizeof checksum),
            ZK_EIO, "cannot read spill file %s: %s", path, strerror(errno));

    bool canonical = true;
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < HASH_DIGEST; j++)
            canonical &= fe_is_canonical(tree->nodes[i].e[j]);
    FAIL_IF(!canonical || checksum != checksum_of(&header, tree->nodes, n), ZK_EPARSE,
            "spill file %s is damaged (checksum); delete it", path);
    return ZK_OK;
}

status merkle_read(merkle_tree *tree, const hash_ops *hash, const char *path)
{
    *tree = (merkle_tree){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FAIL_IF(fd < 0, ZK_EIO, "cannot open spill file %s: %s", path, strerror(errno));
    status s = read_open_file(tree, hash, fd, path);
    close(fd);
    if (s != ZK_OK)
        merkle_clear(tree);
    return s;
}
