// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "config/toml.h"

#include <string.h>

typedef struct parser {
    const char *at, *end;
    const char *line_start;
    uint32_t line;
    const char *name;
    arena *a;
    // Texts, one after the other. Decoding never lengthens a text, and each has at least one
    // character around it in the document for its final 0 (the last one may end with the document).
    char *pool, *pool_end;
    size_t n_items;
    int depth;
} parser;

// The document is wrong where the parser stands.
#define WRONG(p, format, ...)                                                                      \
    FAIL(ZK_EPARSE, "%s:%u:%u: " format, (p)->name, (p)->line,                                     \
         column_of(p) __VA_OPT__(, ) __VA_ARGS__)

const char *toml_kind_name(toml_kind kind)
{
    static const char *const names[TOML_KIND_COUNT] = {
        [TOML_TEXT] = "text",       [TOML_INTEGER] = "integer", [TOML_FLOAT] = "float",
        [TOML_BOOLEAN] = "boolean", [TOML_ARRAY] = "array",     [TOML_TABLE] = "table"};
    return names[kind];
}

static uint32_t column_of(const parser *p)
{
    return (uint32_t)(p->at - p->line_start) + 1;
}

// The character `ahead` places on, -1 beyond the end.
static int peek_at(const parser *p, size_t ahead)
{
    return (size_t)(p->end - p->at) > ahead ? (unsigned char)p->at[ahead] : -1;
}

static int peek(const parser *p)
{
    return peek_at(p, 0);
}

static bool take(parser *p, char c)
{
    if (peek(p) != c)
        return false;
    p->at++;
    return true;
}

static bool take_text(parser *p, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(p->end - p->at) < n || memcmp(p->at, text, n) != 0)
        return false;
    p->at += n;
    return true;
}

static void skip_spaces(parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t')
        p->at++;
}

static bool take_newline(parser *p)
{
    if (!take(p, '\n') && !take_text(p, "\r\n"))
        return false;
    p->line++;
    p->line_start = p->at;
    return true;
}

static status skip_comment(parser *p)
{
    if (!take(p, '#'))
        return ZK_OK;
    for (; p->at < p->end && *p->at != '\n' && peek(p) != '\r'; p->at++)
        if ((*p->at >= 0 && *p->at < ' ' && *p->at != '\t') || *p->at == 0x7F)
            WRONG(p, "a control character in a comment");
    return ZK_OK;
}

// Spaces, comments and ends of lines.
static status skip_blank(parser *p)
{
    do {
        skip_spaces(p);
        TRY(skip_comment(p));
    } while (take_newline(p));
    return ZK_OK;
}

// What may follow a statement on its line.
static status finish_line(parser *p)
{
    skip_spaces(p);
    TRY(skip_comment(p));
    if (p->at < p->end && !take_newline(p))
        WRONG(p, "more text after the value or header; each stands on a line of its own");
    return ZK_OK;
}

static void pool_put(parser *p, char c)
{
    ZK_ASSERT(p->pool < p->pool_end);
    *p->pool++ = c;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static status parse_code_point(parser *p, int digits)
{
    uint32_t v = 0;
    for (int k = 0; k < digits; k++, p->at++) {
        int d = hex_digit(peek(p));
        if (d < 0)
            WRONG(p, "\\%c takes %d hexadecimal digits", digits == 4 ? 'u' : 'U', digits);
        v = v << 4 | (uint32_t)d;
    }
    if (v > 0x10FFFF || (v >= 0xD800 && v <= 0xDFFF))
        WRONG(p, "no Unicode character has the number %X", v);
    if (v < 0x80) {
        pool_put(p, (char)v);
        return ZK_OK;
    }
    int more = v < 0x800 ? 1 : v < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    pool_put(p, (char)(lead[more] | v >> 6 * more));
    while (more-- > 0)
        pool_put(p, (char)(0x80 | (v >> 6 * more & 0x3F)));
    return ZK_OK;
}

static status parse_escape(parser *p, bool multi_line)
{
    static const char letters[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
    int c = peek(p);
    if (multi_line && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
        // A backslash at the end of a line takes the white space up to the next character along.
        skip_spaces(p);
        if (!take_newline(p))
            WRONG(p, "unknown escape: a backslash before a space");
        do
            skip_spaces(p);
        while (take_newline(p));
        return ZK_OK;
    }
    const char *known = c > 0 ? strchr(letters, c) : NULL;
    if (known != NULL) {
        p->at++;
        pool_put(p, values[known - letters]);
        return ZK_OK;
    }
    if (take(p, 'u'))
        return parse_code_point(p, 4);
    if (take(p, 'U'))
        return parse_code_point(p, 8);
    WRONG(p, "unknown escape; write a backslash as \\\\, or the text in 'single quotes'");
}

// At a quote of a text in three quotes: either it ends here, or *p stands behind the row of quotes.
static status parse_quotes(bool *ends, parser *p, char quote)
{
    int n = 0;
    while (take(p, quote))
        n++;
    if (n > 5)
        WRONG(p, "too many quotes in a row");
    *ends = n >= 3;
    for (n -= *ends ? 3 : 0; n > 0; n--)
        pool_put(p, quote);
    return ZK_OK;
}

// At a quote: a text of one of the four kinds. Of keys only the one-line kinds are allowed.
static status parse_text(const char **out, size_t *bytes, parser *p, bool key)
{
    char quote = *p->at++;
    char fence[] = {quote, quote, 0}; // behind the first: three in a row
    char *start = p->pool;
    bool multi_line = !key && take_text(p, fence);
    if (multi_line)
        (void)take_newline(p);
    for (bool ends = false; !ends;) {
        int c = peek(p);
        if (c < 0)
            WRONG(p, "the document ends inside a text in quotes");
        if (c == quote && multi_line) {
            TRY(parse_quotes(&ends, p, quote));
        } else if (c == quote) {
            p->at++;
            ends = true;
        } else if (multi_line && take_newline(p)) {
            pool_put(p, '\n');
        } else if (c == '\\' && quote == '"') {
            p->at++;
            TRY(parse_escape(p, multi_line));
        } else if (c == '\n' || c == '\r') {
            WRONG(p, "the text in quotes does not end on its line");
        } else if ((c < ' ' && c != '\t') || c == 0x7F) {
            WRONG(p, "a control character in a text");
        } else {
            p->at++;
            pool_put(p, (char)c);
        }
    }
    *out = start;
    *bytes = (size_t)(p->pool - start);
    pool_put(p, 0);
    return ZK_OK;
}

static bool is_bare(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

// One part of a dotted key.
static status parse_key(const char **out, size_t *bytes, parser *p)
{
    if (peek(p) == '"' || peek(p) == '\'')
        return parse_text(out, bytes, p, true);
    *out = p->pool;
    while (is_bare(peek(p)))
        pool_put(p, *p->at++);
    *bytes = (size_t)(p->pool - *out);
    if (*bytes == 0)
        WRONG(p, "a key is expected here");
    pool_put(p, 0);
    return ZK_OK;
}

static toml_item *find(const toml_item *table, const char *key, size_t bytes)
{
    toml_item *i = table->first;
    while (i != NULL && (i->key_bytes != bytes || memcmp(i->key, key, bytes) != 0))
        i = i->next;
    return i;
}

// A new last member of `parent`.
static status add(toml_item **out, parser *p, toml_item *parent, toml_kind kind)
{
    FAIL_IF(++p->n_items > TOML_MAX_ITEMS, ZK_ELIMIT, "%s:%u: more than %d keys and values",
            p->name, p->line, TOML_MAX_ITEMS);
    toml_item *i;
    TRY(arena_new(&i, p->a, 1));
    *i = (toml_item){.kind = kind, .line = p->line, .column = column_of(p)};
    if (parent != NULL) {
        if (parent->last != NULL)
            parent->last->next = i;
        else
            parent->first = i;
        parent->last = i;
    }
    *out = i;
    return ZK_OK;
}

static status add_key(toml_item **out, parser *p, toml_item *table, const char *key, size_t bytes)
{
    TRY(add(out, p, table, TOML_TABLE));
    (*out)->key = key;
    (*out)->key_bytes = bytes;
    return ZK_OK;
}

static status parse_value(toml_item *into, parser *p);

// KEY(.KEY)* = VALUE into `table`.
static status parse_pair(parser *p, toml_item *table)
{
    uint32_t line = p->line, column = column_of(p);
    const char *key;
    size_t bytes;
    for (;;) {
        TRY(parse_key(&key, &bytes, p));
        skip_spaces(p);
        if (!take(p, '.'))
            break;
        skip_spaces(p);
        toml_item *inner = find(table, key, bytes);
        if (inner == NULL) {
            TRY(add_key(&inner, p, table, key, bytes));
            inner->line = line;
            inner->column = column;
            inner->dotted = true;
        } else if (inner->kind != TOML_TABLE || inner->closed) {
            WRONG(p, "\"%s\" was given on line %u already", key, inner->line);
        } else if (!inner->dotted) {
            WRONG(p, "\"%s\" belongs to the header on line %u; a dotted key cannot add to it", key,
                  inner->line);
        }
        table = inner;
    }
    if (!take(p, '='))
        WRONG(p, "'=' is expected after the key \"%s\"", key);
    skip_spaces(p);
    toml_item *i = find(table, key, bytes);
    if (i != NULL)
        WRONG(p, "\"%s\" was given on line %u already", key, i->line);
    TRY(add_key(&i, p, table, key, bytes));
    i->line = line;
    i->column = column;
    return parse_value(i, p);
}

static status parse_inline_table(toml_item *into, parser *p)
{
    into->kind = TOML_TABLE;
    p->at++;
    skip_spaces(p);
    if (take(p, '}'))
        return ZK_OK;
    for (;;) {
        TRY(parse_pair(p, into));
        skip_spaces(p);
        if (take(p, '}'))
            return ZK_OK;
        if (!take(p, ','))
            WRONG(p, "',' or '}' is expected in the inline table");
        skip_spaces(p);
    }
}

static status parse_array(toml_item *into, parser *p)
{
    into->kind = TOML_ARRAY;
    p->at++;
    for (;;) {
        TRY(skip_blank(p));
        if (take(p, ']'))
            return ZK_OK;
        toml_item *element;
        TRY(add(&element, p, into, TOML_TEXT));
        TRY(parse_value(element, p));
        TRY(skip_blank(p));
        if (!take(p, ',') && peek(p) != ']')
            WRONG(p, "',' or ']' is expected in the array");
    }
}

// Digits of `base`, underscores only between two of them. False when there are none.
static bool scan_digits(const char **at, const char *end, int base)
{
    const char *s = *at;
    bool after_digit = false;
    for (; s < end; s++) {
        int d = hex_digit((unsigned char)*s);
        if (d >= 0 && d < base)
            after_digit = true;
        else if (*s == '_' && after_digit)
            after_digit = false;
        else
            break;
    }
    *at = s;
    return after_digit;
}

static bool scan_float(const char *s, const char *end)
{
    if (s < end && (*s == '+' || *s == '-'))
        s++;
    if (end - s == 3 && (memcmp(s, "inf", 3) == 0 || memcmp(s, "nan", 3) == 0))
        return true;
    if (end - s > 1 && s[0] == '0' && s[1] != '.' && (s[1] | 0x20) != 'e')
        return false;
    if (!scan_digits(&s, end, 10))
        return false;
    if (s < end && *s == '.' && (s++, !scan_digits(&s, end, 10)))
        return false;
    if (s < end && (*s | 0x20) == 'e') {
        s++;
        if (s < end && (*s == '+' || *s == '-'))
            s++;
        if (!scan_digits(&s, end, 10))
            return false;
    }
    return s == end;
}

// 1 an integer, 0 none, -1 one that does not fit into 64 bits with sign.
static int scan_integer(int64_t *out, const char *s, const char *end)
{
    bool negative = *s == '-', sign = negative || *s == '+';
    s += sign;
    int base = 10;
    if (!sign && end - s > 2 && s[0] == '0')
        base = s[1] == 'x' ? 16 : s[1] == 'o' ? 8 : s[1] == 'b' ? 2 : 10;
    if (base != 10)
        s += 2;
    else if (end - s > 1 && *s == '0')
        return 0;
    const char *digits = s;
    if (!scan_digits(&s, end, base) || s != end)
        return 0;
    int64_t v = 0;
    for (s = digits; s < end; s++) {
        if (*s == '_')
            continue;
        int d = hex_digit((unsigned char)*s);
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, negative ? -d : d, &v))
            return -1;
    }
    *out = v;
    return 1;
}

static bool all_digits(const char *s, int n)
{
    for (int k = 0; k < n; k++)
        if (s[k] < '0' || s[k] > '9')
            return false;
    return true;
}

// A boolean or a number.
static status parse_word(toml_item *into, parser *p)
{
    const char *s = p->at, *end = s;
    while (end < p->end && (is_bare((unsigned char)*end) || strchr("+.:", *end) != NULL) &&
           *end != 0)
        end++;
    size_t n = (size_t)(end - s);
    if (n == 0)
        WRONG(p, "a value is expected here; texts stand in quotes");
    if ((n >= 5 && all_digits(s, 4) && s[4] == '-') || (n >= 3 && all_digits(s, 2) && s[2] == ':'))
        WRONG(p, "a date or a time: no setting takes one (a text stands in quotes)");
    int integer = scan_integer(&into->integer, s, end);
    if (integer < 0)
        WRONG(p, "%.*s does not fit into 64 bits with sign", (int)(n < 100 ? n : 100), s);
    if ((n == 4 && memcmp(s, "true", 4) == 0) || (n == 5 && memcmp(s, "false", 5) == 0)) {
        into->kind = TOML_BOOLEAN;
        into->boolean = n == 4;
    } else if (integer > 0) {
        into->kind = TOML_INTEGER;
    } else if (scan_float(s, end)) {
        into->kind = TOML_FLOAT;
        into->text = p->pool;
        into->text_bytes = n;
        for (size_t k = 0; k < n; k++)
            pool_put(p, s[k]);
        pool_put(p, 0);
    } else {
        WRONG(p, "%.*s is no number, true or false; texts stand in quotes",
              (int)(n < 100 ? n : 100), s);
    }
    p->at = end;
    return ZK_OK;
}

static status parse_value(toml_item *into, parser *p)
{
    FAIL_IF(p->depth == TOML_MAX_DEPTH, ZK_ELIMIT, "%s:%u: values within values, deeper than %d",
            p->name, p->line, TOML_MAX_DEPTH);
    p->depth++;
    into->closed = true;
    switch (peek(p)) {
    case '"':
    case '\'':
        into->kind = TOML_TEXT;
        TRY(parse_text(&into->text, &into->text_bytes, p, false));
        break;
    case '[':
        TRY(parse_array(into, p));
        break;
    case '{':
        TRY(parse_inline_table(into, p));
        break;
    default:
        TRY(parse_word(into, p));
    }
    p->depth--;
    return ZK_OK;
}

// [A.B] or [[A.B]]: *current is the table that it opens.
static status parse_header(toml_item **current, parser *p, toml_item *root)
{
    uint32_t line = p->line, column = column_of(p);
    bool many = peek_at(p, 1) == '[';
    p->at += many ? 2 : 1;
    toml_item *table = root, *i;
    const char *key;
    size_t bytes;
    for (;;) {
        skip_spaces(p);
        TRY(parse_key(&key, &bytes, p));
        skip_spaces(p);
        i = find(table, key, bytes);
        if (!take(p, '.'))
            break;
        if (i == NULL)
            TRY(add_key(&i, p, table, key, bytes));
        if (i->closed || (i->kind != TOML_TABLE && i->kind != TOML_ARRAY))
            WRONG(p, "\"%s\" was given on line %u already, and is closed", key, i->line);
        table = i->kind == TOML_ARRAY ? i->last : i;
    }
    if (!take(p, ']') || (many && !take(p, ']')))
        WRONG(p, "']' is expected at the end of the header");
    if (many) {
        if (i == NULL) {
            TRY(add_key(&i, p, table, key, bytes));
            i->kind = TOML_ARRAY;
        } else if (i->kind != TOML_ARRAY || i->closed) {
            WRONG(p, "\"%s\" was given on line %u already", key, i->line);
        }
        TRY(add(&i, p, i, TOML_TABLE));
    } else if (i == NULL) {
        TRY(add_key(&i, p, table, key, bytes));
    } else if (i->kind != TOML_TABLE || i->closed || i->defined || i->dotted) {
        WRONG(p, "\"%s\" was given on line %u already", key, i->line);
    }
    i->defined = true;
    i->line = line;
    i->column = column;
    *current = i;
    return finish_line(p);
}

// Well-formed UTF-8, as Unicode table 3-7 has it.
static status check_utf8(const parser *p)
{
    const uint8_t *s = (const uint8_t *)p->at, *end = (const uint8_t *)p->end;
    for (uint32_t line = 1; s < end;) {
        int more = *s < 0x80   ? 0
                   : *s < 0xC2 ? -1
                   : *s < 0xE0 ? 1
                   : *s < 0xF0 ? 2
                   : *s < 0xF5 ? 3
                               : -1;
        bool bad = more < 0 || end - s <= more;
        for (int k = 1; !bad && k <= more; k++)
            bad = (s[k] & 0xC0) != 0x80;
        bad = bad || (*s == 0xE0 && s[1] < 0xA0) || (*s == 0xED && s[1] > 0x9F) ||
              (*s == 0xF0 && s[1] < 0x90) || (*s == 0xF4 && s[1] > 0x8F);
        FAIL_IF(bad, ZK_EPARSE, "%s:%u: the file is not UTF-8 text", p->name, line);
        line += *s == '\n';
        s += more + 1;
    }
    return ZK_OK;
}

status toml_parse(toml_item **root, arena *a, const char *name, const void *data, size_t size)
{
    FAIL_IF(size > TOML_MAX_BYTES, ZK_ELIMIT, "%s: larger than %d bytes", name, TOML_MAX_BYTES);
    const char *text = size > 0 ? data : "";
    parser p = {
        .at = text, .end = text + size, .line_start = text, .line = 1, .name = name, .a = a};
    TRY(check_utf8(&p));
    TRY(arena_new(&p.pool, a, size + 1));
    p.pool_end = p.pool + size + 1;
    TRY(add(root, &p, NULL, TOML_TABLE));
    toml_item *current = *root;
    for (;;) {
        TRY(skip_blank(&p));
        if (p.at == p.end)
            return ZK_OK;
        if (*p.at == '[') {
            TRY(parse_header(&current, &p, *root));
        } else {
            TRY(parse_pair(&p, current));
            TRY(finish_line(&p));
        }
    }
}
