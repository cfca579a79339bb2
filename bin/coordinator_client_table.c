// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator_client_table.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

static size_t n_characters(const char *text)
{
    size_t n = 0;
    for (; *text != 0; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void table_cell(text_table *t, const char *text)
{
    size_t start = t->text.size, column = t->n_cells % t->n_columns;
    if (buffer_put_shown(&t->text, text[0] != 0 ? text : "-") != ZK_OK ||
        buffer_put_u8(&t->text, 0) != ZK_OK) {
        t->failed = true;
        return;
    }
    size_t width = n_characters((const char *)t->text.data + start);
    if (width > t->widths[column])
        t->widths[column] = width;
    t->n_cells++;
}

void table_cellf(text_table *t, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_cell(t, text);
}

void table_begin(text_table *t, const char *head)
{
    *t = (text_table){.n_columns = 1};
    for (const char *c = head; *c != 0; c++)
        t->n_columns += *c == '|';
    ZK_ASSERT(t->n_columns <= TABLE_MAX_COLUMNS);
    while (*head != 0) {
        size_t n = strcspn(head, "|");
        table_cellf(t, "%.*s", (int)n, head);
        head += n + (head[n] == '|');
    }
}

static status put_row(byte_buffer *out, const text_table *t, const char **cell, size_t width)
{
    size_t start = out->size;
    for (size_t k = 0; k < t->n_columns; k++, *cell += strlen(*cell) + 1) {
        TRY(buffer_put_text(out, *cell));
        if (k + 1 < t->n_columns)
            TRY(buffer_printf(out, "%*s", (int)(t->widths[k] - n_characters(*cell) + 2), ""));
    }
    size_t seen = 0;
    for (size_t at = start; width > 0 && at < out->size; at++) {
        seen += (out->data[at] & 0xc0) != 0x80;
        if (seen > width)
            out->size = at;
    }
    return buffer_put_u8(out, '\n');
}

status table_put(byte_buffer *out, const text_table *t, size_t width)
{
    FAIL_IF(t->failed, ZK_ENOMEM, "no memory for a table");
    const char *cell = (const char *)t->text.data;
    for (size_t row = 0; row < t->n_cells / t->n_columns; row++)
        TRY(put_row(out, t, &cell, width));
    return ZK_OK;
}

void table_clear(text_table *t)
{
    buffer_clear(&t->text);
}
