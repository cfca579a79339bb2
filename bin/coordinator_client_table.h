// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Tables for people: columns as wide as their widest cell, texts of strangers made harmless.
#include "base/bytes.h"

#include <stdio.h>

enum { TABLE_MAX_COLUMNS = 10 };

typedef struct text_table {
    size_t n_columns, n_cells; // cells of all rows, the head first
    byte_buffer text;          // cells one after the other, each with its final 0
    size_t widths[TABLE_MAX_COLUMNS];
    bool failed; // no memory
} text_table;

// The head; names separated by "|".
void table_begin(text_table *t, const char *head);
// One more cell; rows follow from the number of columns. Its width counts characters.
void table_cell(text_table *t, const char *text);
void table_cellf(text_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Appends the rows; `width` > 0 cuts each line there. ZK_ENOMEM, also of earlier calls.
MUST_CHECK status table_put(byte_buffer *out, const text_table *t, size_t width);
void table_clear(text_table *t);
