// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/log_line.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// A line under construction. What does not fit is not written and sets `full`; a field that ran
// full is taken back as a whole. TAIL bytes stay free for the end of the line.
typedef struct line {
    char *start, *at, *end;
    bool full;
} line;

enum {
    TAIL = 64,
    ESCAPE_MAX = 6, // bytes that one input byte can become: \u001b
    HEX_MAX = 1024, // bytes shown of a LOG_KIND_HEX
};

// Message, target and level always fit, whatever they hold.
_Static_assert(2 * ESCAPE_MAX * LOG_TEXT_MAX + 1024 < LOG_LINE_MAX - TAIL, "room for the head");

static void put(line *l, const char *text, size_t n)
{
    if (n > (size_t)(l->end - l->at)) {
        l->full = true;
        return;
    }
    memcpy(l->at, text, n);
    l->at += n;
}

static void put_text(line *l, const char *text)
{
    put(l, text, strlen(text));
}

// `escape_quotes` makes it the inside of a JSON string.
static void put_escaped(line *l, const char *text, size_t size, bool escape_quotes)
{
    const uint8_t *s = (const uint8_t *)text;
    size_t n = size > LOG_TEXT_MAX ? LOG_TEXT_MAX : size;
    for (size_t i = 0; i < n;) {
        uint32_t c;
        // Not a sequence that the cut parts: the ellipsis stands for it.
        if (n < size && text_utf8(&c, s + i, n - i) == 0 && text_utf8(&c, s + i, size - i) != 0)
            break;
        char room[TEXT_PIECE_MAX];
        const char *piece;
        size_t length;
        i += text_piece(&piece, &length, room, s + i, n - i, escape_quotes);
        put(l, piece, length);
    }
    if (n < size)
        put_text(l, "\xe2\x80\xa6");
}

static void put_json_string(line *l, const char *text, size_t size)
{
    put(l, "\"", 1);
    put_escaped(l, text, size, true);
    put(l, "\"", 1);
}

// A value after key=: bare when it is one plain word.
static void put_plain_value(line *l, const char *text, size_t size)
{
    bool bare = size != 0 && size <= LOG_TEXT_MAX;
    for (size_t i = 0; i < size && bare; i++)
        bare = text[i] > ' ' && text[i] < 0x7f && strchr("\"\\=", text[i]) == NULL;
    if (bare)
        put(l, text, size);
    else
        put_json_string(l, text, size);
}

static void put_hex(line *l, const uint8_t *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size && i < HEX_MAX; i++) {
        char pair[2] = {digits[data[i] >> 4], digits[data[i] & 15]};
        put(l, pair, 2);
    }
    if (size > HEX_MAX)
        put_text(l, "\xe2\x80\xa6");
}

static void put_number(line *l, const log_field *f, bool json)
{
    char text[40];
    switch (f->kind) {
    case LOG_KIND_U64:
        snprintf(text, sizeof text, "%llu", (unsigned long long)f->u64);
        break;
    case LOG_KIND_I64:
        snprintf(text, sizeof text, "%lld", (long long)f->i64);
        break;
    case LOG_KIND_BOOL:
        snprintf(text, sizeof text, "%s", f->boolean ? "true" : "false");
        break;
    default:
        snprintf(text, sizeof text, "%.9g", f->f64);
        if (json && !isfinite(f->f64))
            snprintf(text, sizeof text, "null");
        // A locale may have put another decimal mark.
        for (char *c = text; isfinite(f->f64) && *c != '\0'; c++)
            if (strchr("0123456789+-e", *c) == NULL)
                *c = '.';
    }
    put_text(l, text);
}

static void put_value(line *l, const log_field *f, bool json)
{
    bool is_text = f->kind == LOG_KIND_TEXT || f->kind == LOG_KIND_HEX;
    if (!is_text) {
        put_number(l, f, json);
    } else if (f->data == NULL) {
        put_text(l, "null");
    } else if (f->kind == LOG_KIND_HEX) {
        put_text(l, json ? "\"" : "");
        put_hex(l, f->data, f->size);
        put_text(l, json ? "\"" : "");
    } else if (json) {
        put_json_string(l, f->data, f->size);
    } else {
        put_plain_value(l, f->data, f->size);
    }
}

static void put_field(line *l, const log_field *f, bool json, bool first)
{
    if (json) {
        put_text(l, first ? "" : ",");
        put_json_string(l, f->key, strlen(f->key));
        put(l, ":", 1);
    } else {
        put(l, " ", 1);
        put_escaped(l, f->key, strlen(f->key), false);
        put(l, "=", 1);
    }
    put_value(l, f, json);
}

static void put_fields(line *l, const log_event *e, bool json)
{
    size_t left_out = 0;
    bool first = true;
    for (size_t i = 0; i < e->n_fields; i++) {
        if (e->fields[i].detail && !e->details)
            continue;
        char *before = l->at;
        put_field(l, &e->fields[i], json, first);
        if (l->full) {
            l->at = before;
            l->full = false;
            left_out++;
        } else {
            first = false;
        }
    }
    l->end += TAIL;
    if (left_out != 0) {
        log_field note = log_u64("fields_left_out", left_out);
        put_field(l, &note, json, first);
    }
}

// "2026-11-23T12:00:00.123456Z", or for people "2026-11-23 12:00:00.123".
static void put_time(line *l, uint64_t time_ns, bool pretty)
{
    time_t seconds = (time_t)(time_ns / NS_PER_SECOND);
    unsigned micros = (unsigned)(time_ns % NS_PER_SECOND / 1000);
    struct tm t;
    char text[80];
    gmtime_r(&seconds, &t);
    int n = snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d", t.tm_year + 1900,
                     t.tm_mon + 1, t.tm_mday, pretty ? ' ' : 'T', t.tm_hour, t.tm_min, t.tm_sec);
    snprintf(text + n, sizeof text - (size_t)n, pretty ? ".%03u" : ".%06uZ",
             pretty ? micros / 1000 : micros);
    put_text(l, text);
}

static void put_json_head(line *l, const log_event *e)
{
    put_text(l, "{\"timestamp\":\"");
    put_time(l, e->time_ns, false);
    put_text(l, "\",\"level\":\"");
    put_text(l, log_level_name(e->level));
    put_text(l, "\",\"target\":");
    put_json_string(l, e->target, strlen(e->target));
    put_text(l, ",\"message\":");
    put_json_string(l, e->message, strlen(e->message));
    put_text(l, ",\"fields\":{");
}

static void put_plain_head(line *l, const log_event *e, bool pretty, bool color)
{
    static const char *const colors[LEVEL_COUNT] = {
        [LEVEL_ERROR] = "\x1b[31m", [LEVEL_WARN] = "\x1b[33m",  [LEVEL_INFO] = "\x1b[32m",
        [LEVEL_DEBUG] = "\x1b[34m", [LEVEL_TRACE] = "\x1b[35m",
    };
    const char *plain = color ? "\x1b[0m" : "";
    put_text(l, color ? "\x1b[2m" : "");
    put_time(l, e->time_ns, pretty);
    put_text(l, plain);
    const char *name = log_level_name(e->level);
    put_text(l, pretty && strlen(name) < 5 ? "  " : " "); // level names align at their end
    put_text(l, color ? colors[e->level] : "");
    put_text(l, name);
    put_text(l, plain);
    put(l, " ", 1);
    put_escaped(l, e->target, strlen(e->target), false);
    put_text(l, ": ");
    put_escaped(l, e->message, strlen(e->message), false);
    if (pretty && e->n_fields != 0)
        put(l, " ", 1);
}

size_t log_line(char *out, const log_event *e, log_format format, bool color)
{
    line l = {.start = out, .at = out, .end = out + LOG_LINE_MAX - TAIL};
    bool json = format == LOG_JSON;
    if (json)
        put_json_head(&l, e);
    else
        put_plain_head(&l, e, format == LOG_PRETTY, color);
    put_fields(&l, e, json);
    put_text(&l, json ? "}}\n" : "\n");
    ZK_VERIFY(!l.full);
    return (size_t)(l.at - l.start);
}
