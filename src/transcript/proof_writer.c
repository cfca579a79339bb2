// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "transcript/proof_writer.h"

#include <stdlib.h>

void proof_writer_init(proof_writer *w)
{
    *w = (proof_writer){0};
}

void proof_writer_clear(proof_writer *w)
{
    free(w->words);
    *w = (proof_writer){0};
}

void proof_write_fe(proof_writer *w, fe value)
{
    ZK_VERIFY(fe_is_canonical(value));
    if (w->n_words == w->capacity) {
        size_t capacity = w->capacity == 0 ? 1024 : 2 * w->capacity;
        uint64_t *words = realloc(w->words, capacity * sizeof *words);
        if (words == NULL) {
            w->out_of_memory = true;
            return;
        }
        w->words = words;
        w->capacity = capacity;
    }
    w->words[w->n_words++] = value;
}

void proof_write_fe3(proof_writer *w, fe3 value)
{
    for (unsigned i = 0; i < 3; i++)
        proof_write_fe(w, value.c[i]);
}

void proof_write_digest(proof_writer *w, digest value)
{
    for (unsigned i = 0; i < HASH_DIGEST; i++)
        proof_write_fe(w, value.e[i]);
}

status proof_writer_status(const proof_writer *w)
{
    FAIL_IF(w->out_of_memory, ZK_ENOMEM, "no memory for a proof of more than %zu bytes",
            w->capacity * sizeof *w->words);
    return ZK_OK;
}
