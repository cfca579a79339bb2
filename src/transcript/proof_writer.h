// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Writing a proof: the counterpart of proof_reader.h. The buffer grows; a failed allocation is
// remembered and reported once by proof_writer_status.
#include "hash/hash.h"

typedef struct proof_writer {
    uint64_t *words; // owned, malloc
    size_t n_words;
    size_t capacity;
    bool out_of_memory;
} proof_writer;

void proof_writer_init(proof_writer *w);
void proof_writer_clear(proof_writer *w);
void proof_write_fe(proof_writer *w, fe value);
void proof_write_fe3(proof_writer *w, fe3 value);
void proof_write_digest(proof_writer *w, digest value);
MUST_CHECK status proof_writer_status(const proof_writer *w);
