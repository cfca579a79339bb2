// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/webhook_body.h"

#include <string.h>
#include <unistd.h>

enum { WORDS_AT_A_TIME = 2048, DIGITS_MAX = 20 };

void webhook_body_init(webhook_body *b, int proof, uint64_t n_words)
{
    *b = (webhook_body){.fd = proof, .n_words = n_words};
}

void webhook_body_clear(webhook_body *b)
{
    if (b->fd >= 0)
        close(b->fd);
    buffer_clear(&b->head);
    buffer_clear(&b->tail);
    buffer_clear(&b->ready);
    *b = (webhook_body){.fd = -1};
}

void webhook_body_rewind(webhook_body *b)
{
    b->next_word = 0;
    b->ready.size = b->taken = 0;
    b->part = 0;
}

static status put_number(byte_buffer *out, uint64_t v)
{
    char text[DIGITS_MAX + 1], *at = text + DIGITS_MAX;
    *at = ',';
    do
        *--at = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    return buffer_put(out, at, (size_t)(text + DIGITS_MAX + 1 - at));
}

static status make_numbers(webhook_body *b)
{
    uint64_t words[WORDS_AT_A_TIME], left = b->n_words - b->next_word;
    size_t n = left < WORDS_AT_A_TIME ? (size_t)left : WORDS_AT_A_TIME, have = 0;
    while (have < 8 * n) {
        ssize_t got =
            pread(b->fd, (char *)words + have, 8 * n - have, (off_t)(8 * b->next_word + have));
        FAIL_IF(got < 0, ZK_EIO, "the proof file cannot be read: %m");
        FAIL_IF(got == 0, ZK_EIO, "the proof file has become shorter");
        have += (size_t)got;
    }
    for (size_t i = 0; i < n; i++)
        TRY(put_number(&b->ready, words[i]));
    b->next_word += n;
    if (b->next_word == b->n_words && b->n_words > 0)
        b->ready.size--; // the last comma
    return ZK_OK;
}

static status make_more(webhook_body *b)
{
    b->ready.size = b->taken = 0;
    if (b->part == 1 && b->next_word < b->n_words)
        return make_numbers(b);
    const byte_buffer *text = b->part == 0 ? &b->head : b->part == 2 ? &b->tail : NULL;
    b->part++;
    return text != NULL ? buffer_put(&b->ready, text->data, text->size) : ZK_OK;
}

status webhook_body_read(size_t *got, webhook_body *b, char *out, size_t n)
{
    *got = 0;
    while (*got < n) {
        if (b->taken == b->ready.size) {
            if (b->part > 2)
                return ZK_OK;
            TRY(make_more(b));
            continue;
        }
        size_t more = b->ready.size - b->taken;
        if (more > n - *got)
            more = n - *got;
        memcpy(out + *got, b->ready.data + b->taken, more);
        *got += more;
        b->taken += more;
    }
    return ZK_OK;
}
