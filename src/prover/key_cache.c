// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/key_cache.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET "prover::key_cache"

enum { FILE_VERSION = 1, HEAD_BYTES = 8 + 4 + 4 + 2 * (int)sizeof(digest), LOG_NODE_ROWS = 2 };
static const char magic[8] = {'z', 'k', 'f', 'i', 'x', 'e', 'd', '\0'};

// Which cells, by a fingerprint: four polynomials at points other than 0. It names files; that a
// file is of these cells is checked otherwise.
static digest identity(const prover_key *k)
{
    static const fe point[HASH_DIGEST] = {0x9E3779B97F4A7C15ULL, 0xBF58476D1CE4E5B9ULL,
                                          0x94D049BB133111EBULL, 0xD6E8FEB86659FD93ULL};
    const whir_params *params = whir_params_any(k->key.preprocessed_class);
    fe elements[3 + HASH_DIGEST] = {FILE_VERSION, params->id, k->key.hash->id};
    fe *sum = elements + 3;
    for (size_t i = 0; i < (size_t)1 << params->log_stack; i++)
        for (unsigned j = 0; j < HASH_DIGEST; j++)
            sum[j] = fe_mul_add(sum[j], point[j], k->preprocessed[i]);
    return hash_elements(k->key.hash, DOMAIN_KEY, elements, sizeof elements / sizeof *elements);
}

static status path_of(byte_buffer *out, const char *folder, digest id)
{
    char name[8 + 16 * HASH_DIGEST + 8];
    snprintf(name, sizeof name, "/fixed-%016llx%016llx%016llx%016llx.tree",
             (unsigned long long)id.e[0], (unsigned long long)id.e[1], (unsigned long long)id.e[2],
             (unsigned long long)id.e[3]);
    TRY(buffer_put_text(out, folder));
    return buffer_put(out, name, strlen(name) + 1);
}

status key_cache_path(byte_buffer *out, const prover_key *k, const char *folder)
{
    return path_of(out, folder, identity(k));
}

static status write_head(byte_buffer *out, const prover_key *k, digest id, digest root)
{
    TRY(buffer_put(out, magic, sizeof magic));
    TRY(buffer_put_u32(out, FILE_VERSION));
    TRY(buffer_put_u32(out, k->key.preprocessed_class));
    TRY(buffer_put_u64s(out, id.e, HASH_DIGEST));
    return buffer_put_u64s(out, root.e, HASH_DIGEST);
}

static size_t n_nodes(const whir_params *params)
{
    return (size_t)1 << (whir_log_rows(&params->round[0]) - LOG_NODE_ROWS);
}

// ZK_EPARSE when the file is not one that key_cache_store writes for these cells.
static status restore(prover_key *k, const byte_buffer *file, digest id, digest *nodes,
                      pool *threads, const cancel_flag *cancel)
{
    const whir_params *params = whir_params_any(k->key.preprocessed_class);
    byte_reader r = reader_new(file->data, file->size);
    char found_magic[sizeof magic];
    uint32_t version, class_id;
    digest found_id, root;
    TRY(reader_copy(found_magic, &r, sizeof magic));
    TRY(reader_u32(&version, &r));
    FAIL_IF(memcmp(found_magic, magic, sizeof magic) != 0 || version != FILE_VERSION, ZK_EPARSE,
            "it is no file of this version");
    TRY(reader_u32(&class_id, &r));
    TRY(reader_u64s(found_id.e, &r, HASH_DIGEST));
    FAIL_IF(class_id != params->id || !digest_equal(found_id, id), ZK_EPARSE,
            "it is of another program");
    TRY(reader_u64s(root.e, &r, HASH_DIGEST));
    TRY(reader_u64s((uint64_t *)nodes, &r, HASH_DIGEST * n_nodes(params)));
    TRY(reader_finish(&r));
    for (size_t i = 0; i < n_nodes(params); i++)
        for (unsigned j = 0; j < HASH_DIGEST; j++)
            FAIL_IF(!fe_is_canonical(nodes[i].e[j]), ZK_EPARSE, "it is damaged (a value >= p)");
    whir_commitment *c = &k->preprocessed_commitment;
    TRY(whir_restore(c, params, k->key.hash, k->preprocessed, nodes, threads, cancel));
    if (!digest_equal(merkle_root(&c->tree), root)) {
        whir_clear(c);
        FAIL(ZK_EPARSE, "it is damaged (its nodes do not hash to its root)");
    }
    return ZK_OK;
}

status key_cache_load(bool *found, prover_key *k, const char *folder, pool *threads,
                      const cancel_flag *cancel)
{
    status result = ZK_OK;
    const whir_params *params = whir_params_any(k->key.preprocessed_class);
    size_t bytes = HEAD_BYTES + n_nodes(params) * sizeof(digest);
    digest id = identity(k), *nodes = NULL;
    byte_buffer path = buffer_new(), file = buffer_new();
    *found = false;
    TRY_OUT(path_of(&path, folder, id));
    if (access((char *)path.data, F_OK) != 0 && errno == ENOENT)
        goto out;
    nodes = malloc(n_nodes(params) * sizeof *nodes);
    FAIL_OUT_IF(nodes == NULL, ZK_ENOMEM, "no memory for a cached commitment");
    status s = file_read(&file, (char *)path.data, bytes);
    if (s == ZK_OK)
        s = restore(k, &file, id, nodes, threads, cancel);
    if (s == ZK_EPARSE || s == ZK_EIO || s == ZK_ELIMIT)
        log_warn(TARGET, "a cached commitment is not used and made anew",
                 log_str("path", (char *)path.data), log_str("reason", status_message()));
    else
        TRY_OUT(s);
    *found = s == ZK_OK;
out:
    free(nodes);
    buffer_clear(&file);
    buffer_clear(&path);
    return result;
}

static status store(const prover_key *k, const char *folder)
{
    status result = ZK_OK;
    const merkle_tree *tree = &k->preprocessed_commitment.tree;
    digest id = identity(k);
    byte_buffer path = buffer_new(), file = buffer_new();
    TRY_OUT(file_make_directories(folder));
    TRY_OUT(path_of(&path, folder, id));
    TRY_OUT(write_head(&file, k, id, merkle_root(tree)));
    ZK_ASSERT(file.size == HEAD_BYTES);
    TRY_OUT(buffer_put_u64s(&file, merkle_cap(tree, 1)->e,
                            HASH_DIGEST * n_nodes(k->preprocessed_commitment.params)));
    TRY_OUT(file_write_atomic((char *)path.data, file.data, file.size));
out:
    buffer_clear(&file);
    buffer_clear(&path);
    return result;
}

void key_cache_store(const prover_key *k, const char *folder)
{
    status s = store(k, folder);
    if (s != ZK_OK)
        log_warn(TARGET, "a commitment could not be cached", log_str("folder", folder),
                 LOG_STATUS(s));
}
