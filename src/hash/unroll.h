// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// How kernels are written out: loops over the 16 elements of a state become straight code, so that
// arrays of vectors live in registers.
//
// clang builds the fuzzers only, and its sanitizers take minutes over such code: loops stay loops.
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLLED
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif
#define EACH UNROLLED for (int i = 0; i < n; i++)
