// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

size_t text_utf8(uint32_t *code, const uint8_t *s, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = s[0];
    size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (n == 0 || lead > 0xf4 || n > left)
        return 0;
    uint32_t c = n == 1 ? lead : lead & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

// Characters that move the cursor, end the line or reverse the text on somebody's terminal.
static bool must_escape(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

size_t text_piece(const char **piece, size_t *n, char room[TEXT_PIECE_MAX], const uint8_t *s,
                  size_t left, bool quotes)
{
    uint32_t c;
    size_t length = text_utf8(&c, s, left);
    *piece = room;
    if (length == 0) {
        *piece = "\xef\xbf\xbd";
        *n = 3;
        return 1;
    }
    if (quotes && (c == '"' || c == '\\')) {
        room[0] = '\\';
        room[1] = (char)c;
        *n = 2;
    } else if (c == '\n' || c == '\t') {
        *piece = c == '\n' ? "\\n" : "\\t";
        *n = 2;
    } else if (must_escape(c)) {
        *n = (size_t)snprintf(room, TEXT_PIECE_MAX, "\\u%04x", (unsigned)c);
    } else {
        *piece = (const char *)s;
        *n = length;
    }
    return length;
}

static status put_pieces(byte_buffer *b, const char *text, bool quotes)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size;) {
        char room[TEXT_PIECE_MAX];
        const char *piece;
        size_t n;
        i += text_piece(&piece, &n, room, (const uint8_t *)text + i, size - i, quotes);
        TRY(buffer_put(b, piece, n));
    }
    return ZK_OK;
}

status buffer_put_json(byte_buffer *b, const char *text)
{
    if (text == NULL)
        return buffer_put_text(b, "null");
    TRY(buffer_put_u8(b, '"'));
    TRY(put_pieces(b, text, true));
    return buffer_put_u8(b, '"');
}

status buffer_put_shown(byte_buffer *b, const char *text)
{
    return put_pieces(b, text, false);
}

status buffer_printf(byte_buffer *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    status result = n < 0 ? status_fail(ZK_EINTERNAL, __FILE__, __LINE__, "", "bad format: %m")
                          : buffer_reserve(b, (size_t)n + 1);
    if (result == ZK_OK) {
        vsnprintf((char *)b->data + b->size, (size_t)n + 1, format, again);
        b->size += (size_t)n;
    }
    va_end(again);
    return result;
}

status buffer_put_hex(byte_buffer *b, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
        TRY(buffer_put(b, pair, 2));
    }
    return ZK_OK;
}
