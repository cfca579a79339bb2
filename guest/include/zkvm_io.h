// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Input and output of a guest program: the two functions of the zkVM I/O standard (eth-act,
// zkvm-standards, io-interface) and one addition for inputs of several records.
//
// The input is the private part of what is proved: the verifier never sees it, and the prover may
// choose it freely, so a guest checks whatever it needs to hold of it. (The proofs are not
// zero-knowledge; do not treat the input as a secret that they keep.) The output is the public
// part: 256 bytes, zero where nothing was written.
//
// A program that includes only this header and the C library also compiles natively, linked with
// guest/native: see guest/README.md.
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ZKVM_OUTPUT_BYTES = 256 };

// Points *buf at the first input record, 8-byte aligned, and sets *size to its length in bytes.
// The memory is read-only. Idempotent; cannot fail. An empty input has *size = 0.
void read_input(const uint8_t **buf, size_t *size);

// The next record of the input file, starting with the first, independent of read_input. Past the
// last record, and for a record of no bytes, *size = 0: a guest has to know how many it expects.
// A record that would reach beyond the input region ends the program as abort() does.
void zisk_read_record(const uint8_t **buf, size_t *size);

// Appends to the public output. More than ZKVM_OUTPUT_BYTES in all ends the program as abort()
// does, since an output that is not published would not be proved either.
void write_output(const uint8_t *output, size_t size);

#ifdef __cplusplus
}
#endif
