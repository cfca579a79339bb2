// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/precompile.h"

#include <stdlib.h>

status word_list_push(word_list *l, uint64_t word)
{
    if (l->n == l->capacity) {
        uint64_t capacity = l->capacity == 0 ? 64 : 2 * l->capacity;
        uint64_t *words = realloc(l->words, capacity * sizeof *words);
        FAIL_IF(words == NULL, ZK_ENOMEM, "no memory for %llu result words",
                (unsigned long long)capacity);
        l->words = words;
        l->capacity = capacity;
    }
    l->words[l->n++] = word;
    return ZK_OK;
}

void word_list_clear(word_list *l)
{
    free(l->words);
    *l = (word_list){0};
}
