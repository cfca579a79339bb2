// SPDX-License-Identifier: Apache-2.0 OR MIT
// Any bytes as a file of settings: read or refused. What is read has a place for every item and
// ends every text in 0.
#include "config/toml.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const toml_item *i)
{
    ZK_ASSERT(i->line >= 1 && i->column >= 1);
    ZK_ASSERT(i->key == NULL || i->key[i->key_bytes] == 0);
    if (i->kind == TOML_TEXT || i->kind == TOML_FLOAT)
        ZK_ASSERT(i->text[i->text_bytes] == 0);
    for (const toml_item *m = i->first; m != NULL; m = m->next)
        check(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arena a;
    arena_init(&a, 0);
    toml_item *root;
    if (toml_parse(&root, &a, "doc", data, size) == ZK_OK)
        check(root);
    else
        ZK_ASSERT(strncmp(status_message(), "doc:", 4) == 0);
    arena_clear(&a);
    return 0;
}
