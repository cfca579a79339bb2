// SPDX-License-Identifier: Apache-2.0 OR MIT
// Reads documents from stdin, each a 32-bit length and its bytes, and prints one line for each: a
// JSON value, or "error: " and the message.
#include "config/toml.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void print_text(const char *text, size_t n)
{
    putchar('"');
    for (size_t k = 0; k < n; k++) {
        unsigned char c = (unsigned char)text[k];
        if (c < ' ' || c == '"' || c == '\\')
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_item(const toml_item *i)
{
    switch (i->kind) {
    case TOML_TEXT:
        print_text(i->text, i->text_bytes);
        return;
    case TOML_FLOAT:
        printf("{\"float\": ");
        print_text(i->text, i->text_bytes);
        printf("}");
        return;
    case TOML_INTEGER:
        printf("%" PRId64, i->integer);
        return;
    case TOML_BOOLEAN:
        printf(i->boolean ? "true" : "false");
        return;
    default:
        printf(i->kind == TOML_ARRAY ? "[" : "{");
        for (const toml_item *m = i->first; m != NULL; m = m->next) {
            if (i->kind == TOML_TABLE) {
                print_text(m->key, m->key_bytes);
                printf(": ");
            }
            print_item(m);
            printf(m->next != NULL ? ", " : "");
        }
        printf(i->kind == TOML_ARRAY ? "]" : "}");
    }
}

int main(void)
{
    uint32_t n;
    while (fread(&n, sizeof n, 1, stdin) == 1) {
        char *text = malloc(n + 1);
        if (text == NULL || fread(text, 1, n, stdin) != n)
            return 1;
        arena a;
        arena_init(&a, 0);
        toml_item *root;
        if (toml_parse(&root, &a, "doc", text, n) == ZK_OK)
            print_item(root);
        else
            printf("error: %s", status_message());
        printf("\n");
        arena_clear(&a);
        free(text);
    }
    return 0;
}
