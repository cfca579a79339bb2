// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Reader of TOML 1.0 documents (https://toml.io/en/v1.0.0), into a tree that remembers the line and
// column of every key, so that what is said about a setting names its place.
//
// All of TOML 1.0 except dates and times, which are refused by name: no setting takes one. Floats
// are checked and kept as written, without a value. A table that the document defines twice, or
// extends after an inline table closed it, is refused, and so is a dotted key that enters a table
// which a header made. Limits: TOML_MAX_BYTES, TOML_MAX_ITEMS, TOML_MAX_DEPTH.
#include "base/arena.h"

#include <stdint.h>

enum { TOML_MAX_BYTES = 1 << 20, TOML_MAX_ITEMS = 4096, TOML_MAX_DEPTH = 32 };

typedef enum toml_kind {
    TOML_TEXT,
    TOML_INTEGER,
    TOML_FLOAT,
    TOML_BOOLEAN,
    TOML_ARRAY,
    TOML_TABLE,
    TOML_KIND_COUNT
} toml_kind;

typedef struct toml_item toml_item;
struct toml_item {
    const char *key;       // ends in 0; NULL for the root and for elements of arrays
    size_t key_bytes;      // a quoted key may hold any character, 0 included
    uint32_t line, column; // of the key or the element, from 1; column counts bytes
    toml_kind kind;
    bool defined; // a table with a header of its own
    bool dotted;  // a table that dotted keys made
    bool closed;  // an inline table, or an array in brackets: nothing can be added
    // A text, or a float as written; ends in 0.
    const char *text;
    size_t text_bytes;
    int64_t integer;
    bool boolean;
    toml_item *first, *last; // of ARRAY and TABLE, in the order of the document
    toml_item *next;
};

// *root is a table in `a`, and so is all it points at. `name` stands for the document in messages:
// "NAME:LINE:COLUMN: what is wrong". ZK_EPARSE, ZK_ELIMIT, ZK_ENOMEM.
MUST_CHECK status toml_parse(toml_item **root, arena *a, const char *name, const void *data,
                             size_t size);

// "text", "integer", ...
const char *toml_kind_name(toml_kind kind);
