// SPDX-License-Identifier: Apache-2.0 OR MIT
// Memory functions by 8-byte words: every instruction is a row to prove, and the C library's byte
// loops cost eight times as many. Weak, so that a program may bring its own.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Keeps loops from being recognised as memcpy or memset and compiled into calls of themselves.
#ifdef __clang__
#define PLAIN_LOOPS __attribute__((no_builtin))
#else
#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif
#define MEMORY_FUNCTION PLAIN_LOOPS __attribute__((weak))

typedef uint64_t __attribute__((may_alias)) word;

static size_t bytes_to_alignment(const void *p)
{
    return -(uintptr_t)p & 7;
}

// Copies n bytes upwards; dst is 8-byte aligned, src is not. Reads only whole aligned words of
// which at least one byte belongs to the source, so it never leaves the source's words.
PLAIN_LOOPS static void copy_shifted(uint8_t *dst, const uint8_t *src, size_t n)
{
    const unsigned low = 8 * ((uintptr_t)src & 7); // bits of the first word before the source
    const word *s = (const word *)((uintptr_t)src & ~(uintptr_t)7);
    word *d = (word *)dst;
    word here = *s++;
    for (; n >= 8; n -= 8) {
        const word next = *s++;
        *d++ = here >> low | next << (64 - low);
        here = next;
    }
    dst = (uint8_t *)d;
    src = (const uint8_t *)s - 8 + low / 8;
    while (n-- > 0)
        *dst++ = *src++;
}

MEMORY_FUNCTION void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if (n >= 16) {
        size_t head = bytes_to_alignment(d);
        n -= head;
        while (head-- > 0)
            *d++ = *s++;
        if (((uintptr_t)s & 7) != 0) {
            copy_shifted(d, s, n);
            return dst;
        }
        word *dw = (word *)d;
        const word *sw = (const word *)s;
        for (; n >= 64; n -= 64, dw += 8, sw += 8) {
            const word a = sw[0], b = sw[1], c = sw[2], e = sw[3];
            const word f = sw[4], g = sw[5], h = sw[6], i = sw[7];
            dw[0] = a, dw[1] = b, dw[2] = c, dw[3] = e;
            dw[4] = f, dw[5] = g, dw[6] = h, dw[7] = i;
        }
        for (; n >= 8; n -= 8)
            *dw++ = *sw++;
        d = (uint8_t *)dw;
        s = (const uint8_t *)sw;
    }
    while (n-- > 0)
        *d++ = *s++;
    return dst;
}

MEMORY_FUNCTION void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n) // also true when dst lies below src
        if ((uintptr_t)s - (uintptr_t)d >= n)
            return memcpy(dst, src, n);
    if (d < s) { // overlapping, upwards: words only if both are aligned alike
        if ((((uintptr_t)d ^ (uintptr_t)s) & 7) == 0)
            return memcpy(dst, src, n);
        while (n-- > 0)
            *d++ = *s++;
        return dst;
    }
    d += n;
    s += n;
    if ((((uintptr_t)d ^ (uintptr_t)s) & 7) == 0) {
        for (; n > 0 && ((uintptr_t)d & 7) != 0; n--)
            *--d = *--s;
        for (; n >= 8; n -= 8) {
            d -= 8;
            s -= 8;
            *(word *)d = *(const word *)s;
        }
    }
    while (n-- > 0)
        *--d = *--s;
    return dst;
}

MEMORY_FUNCTION void *memset(void *dst, int value, size_t n)
{
    uint8_t *d = dst;
    const uint8_t byte = (uint8_t)value;
    if (n >= 16) {
        size_t head = bytes_to_alignment(d);
        n -= head;
        while (head-- > 0)
            *d++ = byte;
        const word pattern = byte * 0x0101010101010101ULL;
        word *w = (word *)d;
        for (; n >= 64; n -= 64, w += 8) {
            w[0] = pattern, w[1] = pattern, w[2] = pattern, w[3] = pattern;
            w[4] = pattern, w[5] = pattern, w[6] = pattern, w[7] = pattern;
        }
        for (; n >= 8; n -= 8)
            *w++ = pattern;
        d = (uint8_t *)w;
    }
    while (n-- > 0)
        *d++ = byte;
    return dst;
}

MEMORY_FUNCTION int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    if ((((uintptr_t)x | (uintptr_t)y) & 7) == 0) {
        while (n >= 8 && *(const word *)x == *(const word *)y) {
            x += 8;
            y += 8;
            n -= 8;
        }
    }
    for (; n > 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

// Words hold a zero byte where the classic test (w - 01..01) & ~w & 80..80 is not zero; it never
// misses one and reads only words of which a byte belongs to the string.
MEMORY_FUNCTION size_t strlen(const char *s)
{
    const char *p = s;
    while (((uintptr_t)p & 7) != 0) {
        if (*p == '\0')
            return (size_t)(p - s);
        p++;
    }
    const word *w = (const word *)p;
    while (((*w - 0x0101010101010101ULL) & ~*w & 0x8080808080808080ULL) == 0)
        w++;
    p = (const char *)w;
    while (*p != '\0')
        p++;
    return (size_t)(p - s);
}
