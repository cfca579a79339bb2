// SPDX-License-Identifier: Apache-2.0 OR MIT
// The input is a spill file of a tree: it is refused, or it is what writing the tree gives.
#include "merkle/merkle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void demand(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("spill", 0);
    demand(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

    merkle_tree tree;
    status s = merkle_read(&tree, hash_get(HASH_POSEIDON), path);
    demand(s == ZK_OK || s == ZK_EPARSE);
    demand((s == ZK_OK) == (tree.nodes != NULL));
    if (s == ZK_OK) {
        demand(merkle_write(&tree, path) == ZK_OK);
        demand(lseek(fd, 0, SEEK_END) == (off_t)size);
        uint8_t *again = malloc(size);
        demand(again != NULL && pread(fd, again, size, 0) == (ssize_t)size);
        demand(memcmp(again, data, size) == 0);
        free(again);
        merkle_clear(&tree);
    }
    close(fd);
    return 0;
}
