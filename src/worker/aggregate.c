// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/aggregate.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct aggregate {
    const zisk_program *program;
    const char *path;
    uint32_t publics[VM_PUBLICS];
    size_t n;
    bool *has;
    size_t *at; // n + 1 places of proofs, in words
    uint64_t *words;
    size_t n_words;
};

status aggregate_open(aggregate **out, const char *path, const zisk_program *program,
                      const uint32_t publics[VM_PUBLICS], const contribution *contributions,
                      size_t n)
{
    status result = ZK_OK;
    int fd = -1;
    *out = NULL;
    const proof_key *key = &program->key.key;
    aggregate *a = calloc(1, sizeof *a);
    FAIL_OUT_IF(a == NULL, ZK_ENOMEM, "no memory for an aggregation");
    a->program = program;
    a->path = path;
    memcpy(a->publics, publics, sizeof a->publics);
    a->n = n;
    a->has = calloc(n + 1, sizeof *a->has);
    a->at = calloc(n + 1, sizeof *a->at);
    FAIL_OUT_IF(a->has == NULL || a->at == NULL, ZK_ENOMEM, "no memory for an aggregation");
    a->at[0] = bundle_head_words(key->machine->n_slots, n);
    for (size_t i = 0; i < n; i++) {
        const instance_header *h = &contributions[i].header;
        a->at[i + 1] =
            a->at[i] + instance_proof_words(key, whir_params_any(h->class_id), h->preprocessed);
    }
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FAIL_OUT_IF(fd < 0, ZK_EIO, "cannot make %s: %m", path);
    // Reserved, so that a full disk is an error here and no signal later.
    int rc = posix_fallocate(fd, 0, (off_t)(8 * a->at[n]));
    FAIL_OUT_IF(rc != 0, ZK_EIO, "no room for a proof of %zu bytes in %s: %s", 8 * a->at[n], path,
                strerror(rc));
    void *map = mmap(NULL, 8 * a->at[n], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    FAIL_OUT_IF(map == MAP_FAILED, ZK_ENOMEM, "no room for a proof of %zu bytes: %m", 8 * a->at[n]);
    a->words = map;
    a->n_words = a->at[n];
    bundle_write_head(a->words, key, program->vm.map.abi, program->vm.entry, publics, contributions,
                      n);
    *out = a;
    a = NULL;
out:
    if (fd >= 0)
        close(fd);
    aggregate_close(a);
    return result;
}

void aggregate_close(aggregate *a)
{
    if (a == NULL)
        return;
    if (a->words != NULL)
        munmap(a->words, 8 * a->n_words);
    (void)unlink(a->path);
    free(a->has);
    free(a->at);
    free(a);
}

size_t aggregate_n(const aggregate *a)
{
    return a->n;
}

bool aggregate_has(const aggregate *a, size_t i)
{
    return a->has[i];
}

size_t aggregate_proof_bytes(const aggregate *a, size_t i)
{
    return 8 * (a->at[i + 1] - a->at[i]);
}

status aggregate_put(aggregate *a, size_t i, const uint8_t *proof, size_t n)
{
    FAIL_IF(n != aggregate_proof_bytes(a, i), ZK_EPROTO,
            "the proof of instance %zu has %zu bytes, not %zu", i, n, aggregate_proof_bytes(a, i));
    memcpy(a->words + a->at[i], proof, n);
    a->has[i] = true;
    return ZK_OK;
}

status aggregate_verify(const aggregate *a)
{
    for (size_t i = 0; i < a->n; i++)
        FAIL_IF(!a->has[i], ZK_EPROTO, "the proof of instance %zu of %zu is missing", i, a->n);
    return zisk_verify(NULL, a->words, a->n_words, zisk_program_key(a->program), a->publics);
}

void aggregate_digest(uint8_t sha256[32], const aggregate *a)
{
    SHA256((const uint8_t *)a->words, 8 * a->n_words, sha256);
}

uint64_t *aggregate_words(aggregate *a, size_t *n)
{
    *n = a->n_words;
    return a->words;
}
