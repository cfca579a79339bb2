// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The JSON of one notification, made piece by piece while it is sent: text, the numbers of the
// proof file, text. It can be made again, the same bytes, for its length and its signature.
#include "base/bytes.h"

#include <stdint.h>

typedef struct webhook_body {
    byte_buffer head, tail; // around the numbers
    int fd;                 // of the proof; -1: head and tail are all
    uint64_t n_words;
    uint64_t next_word; // to read
    byte_buffer ready;  // text that was made and not taken yet, from `taken`
    size_t taken;
    int part; // 0 head, 1 numbers, 2 tail, 3 end
} webhook_body;

// `proof` may be -1; else a file of n_words words, closed by webhook_body_clear.
void webhook_body_init(webhook_body *b, int proof, uint64_t n_words);
void webhook_body_clear(webhook_body *b);

void webhook_body_rewind(webhook_body *b);
// The next at most n bytes into out; *got = 0 at the end. ZK_EIO when the file has become shorter,
// ZK_ENOMEM.
MUST_CHECK status webhook_body_read(size_t *got, webhook_body *b, char *out, size_t n);
