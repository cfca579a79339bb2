// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// One harness for all kernels that have SIMD tiers. Every kernel of every tier is run against the
// scalar tier on random and adversarial inputs, at every small length and at random alignments;
// with --bench each tier is timed.
//
// A file of kernels (kernels_hash.c) has one function `void kernels_hash(checkasm *c)` that calls
// checkasm_add once a kernel, is named in the list of checkasm.c and in CMakeLists.txt; nothing
// else. In a check:
//
//   static void check_mul(checkasm *c, const void *ref, const void *ops, size_t n)
//   {
//       const fe *a = checkasm_input(c, n), *b = checkasm_input(c, n);
//       fe *want = checkasm_output(c, n), *got = checkasm_output(c, n);
//       ((const vec_ops *)ref)->mul(want, a, b, n);
//       ((const vec_ops *)ops)->mul(got, a, b, n);
//       checkasm_equal(c, want, got, n);
//   }
//
// Buffers live until the check returns. Each is a heap block of its own that ends right after its
// last element, so that the sanitizer sees any read past it; outputs are fenced on both sides.
#include "field/fe.h"

typedef struct checkasm checkasm;

typedef struct kernel {
    const char *name;           // "vec.mul"
    const void *(*table)(void); // the table of cpu_tier_current()
    // One comparison at length n, which runs over 0..max_n; for kernels with shapes of their own n
    // is a seed of the shape.
    void (*check)(checkasm *c, const void *ref, const void *ops, size_t n);
    size_t max_n; // 0: the default of 80
    // Runs the kernel once over the standard input prepared on the first call; returns how many
    // units of work that was. May be NULL.
    size_t (*bench)(const void *ops);
    const char *unit; // of the bench: "element"
} kernel;

void checkasm_add(checkasm *c, kernel k);

// n canonical elements, random with edge values mixed in (0, 1, p - 1, 2^32 - 1, ...), at a random
// alignment of 8 bytes.
fe *checkasm_input(checkasm *c, size_t n);
// The same with values >= p mixed in, for kernels that take any 64-bit word.
uint64_t *checkasm_input_any(checkasm *c, size_t n);
// n elements of junk inside fences.
fe *checkasm_output(checkasm *c, size_t n);
fe checkasm_element(checkasm *c);
fe3 checkasm_element3(checkasm *c);
uint64_t checkasm_random(checkasm *c);

// Both outputs hold the same n words and their fences stand; otherwise the kernel has failed.
void checkasm_equal(checkasm *c, const fe *want, const fe *got, size_t n);
// Any other condition.
void checkasm_true(checkasm *c, bool condition, const char *what);

// The files of kernels.
void kernels_field(checkasm *c);
void kernels_ntt(checkasm *c);
void kernels_hash(checkasm *c);
void kernels_air(checkasm *c);
void kernels_whir(checkasm *c);
