// SPDX-License-Identifier: Apache-2.0 OR MIT
// The input is a cached commitment: it is refused, or it is the commitment of the columns.
#include "base/log.h"
#include "prover/key_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOG_CELLS = 10, N_CELLS = 1 << LOG_CELLS };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static fe cells[N_CELLS];
static char folder[] = "/tmp/zisk-fuzz-XXXXXX";
static byte_buffer path;
static digest root;

static prover_key key(void)
{
    return (prover_key){
        .key = {.hash = hash_get(HASH_POSEIDON), .preprocessed_class = WHIR_CLASS_TEST_10},
        .preprocessed = cells};
}

static void remove_files(void)
{
    (void)unlink((char *)path.data);
    (void)rmdir(folder);
    buffer_clear(&path);
}

static void set_up(void)
{
    const log_config quiet = {.filter = "off", .stream = -1};
    demand(log_open(&quiet) == ZK_OK && mkdtemp(folder) != NULL);
    for (int i = 0; i < N_CELLS; i++)
        cells[i] = (fe)i * i;
    prover_key k = key();
    whir_commitment *c = &k.preprocessed_commitment;
    demand(whir_commit(c, whir_params_any(WHIR_CLASS_TEST_10), k.key.hash, cells, NULL, NULL) ==
           ZK_OK);
    root = merkle_root(&c->tree);
    demand(key_cache_path(&path, &k, folder) == ZK_OK);
    key_cache_store(&k, folder);
    whir_clear(c);
    bool found;
    demand(key_cache_load(&found, &k, folder, NULL, NULL) == ZK_OK && found);
    whir_clear(c);
    demand(atexit(remove_files) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (path.data == NULL)
        set_up();
    int fd = open((char *)path.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    demand(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    prover_key k = key();
    bool found;
    demand(key_cache_load(&found, &k, folder, NULL, NULL) == ZK_OK);
    whir_commitment *c = &k.preprocessed_commitment;
    demand(found == (c->code != NULL) && found == (c->tree.nodes != NULL));
    demand(!found || digest_equal(merkle_root(&c->tree), root));
    whir_clear(c);
    return 0;
}
