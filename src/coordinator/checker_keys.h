// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Opened keys of programs, shared by all jobs of a program: opening one rebuilds the machine and
// its digest, some 20 ms. The last few are kept for the whole process. Any thread.
#include "verifier/program_verify.h"

typedef struct checker_key checker_key;

// As program_key_open; *out is shared, constant, and NULL unless ZK_OK.
MUST_CHECK status checker_key_take(checker_key **out, const uint64_t *words, size_t n,
                                   digest expected);
const program_key *checker_key_get(const checker_key *k);
void checker_key_drop(checker_key *k); // NULL is allowed
