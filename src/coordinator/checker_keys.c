// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/checker_keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT_KEYS = 4 };

struct checker_key {
    program_key key;
    uint64_t words[PROGRAM_KEY_MAX_WORDS];
    size_t n_words;
    unsigned users; // under the lock; one of them is `kept`
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static checker_key *kept[KEPT_KEYS];
static unsigned next_out; // whose place the next new key takes

static void drop_locked(checker_key *k)
{
    if (k == NULL || --k->users > 0)
        return;
    program_key_close(&k->key);
    free(k);
}

static checker_key *find(const uint64_t *words, size_t n, digest expected)
{
    for (unsigned i = 0; i < KEPT_KEYS; i++) {
        checker_key *k = kept[i];
        if (k != NULL && k->n_words == n && memcmp(k->words, words, 8 * n) == 0 &&
            digest_equal(k->key.key.digest, expected))
            return k;
    }
    return NULL;
}

static status open_locked(checker_key **out, const uint64_t *words, size_t n, digest expected)
{
    FAIL_IF(n > PROGRAM_KEY_MAX_WORDS, ZK_EPROOF, "a key of %zu words", n);
    *out = find(words, n, expected);
    if (*out != NULL)
        return ZK_OK;
    checker_key *k = calloc(1, sizeof *k);
    FAIL_IF(k == NULL, ZK_ENOMEM, "no memory for a program's key");
    status result = program_key_open(&k->key, words, n, expected);
    if (result != ZK_OK) {
        free(k);
        return result;
    }
    memcpy(k->words, words, 8 * n);
    k->n_words = n;
    k->users = 1;
    drop_locked(kept[next_out]);
    kept[next_out] = k;
    next_out = (next_out + 1) % KEPT_KEYS;
    *out = k;
    return ZK_OK;
}

status checker_key_take(checker_key **out, const uint64_t *words, size_t n, digest expected)
{
    *out = NULL;
    pthread_mutex_lock(&lock);
    status result = open_locked(out, words, n, expected);
    if (result == ZK_OK)
        (*out)->users++;
    pthread_mutex_unlock(&lock);
    return result;
}

const program_key *checker_key_get(const checker_key *k)
{
    return &k->key;
}

void checker_key_drop(checker_key *k)
{
    pthread_mutex_lock(&lock);
    drop_locked(k);
    pthread_mutex_unlock(&lock);
}
