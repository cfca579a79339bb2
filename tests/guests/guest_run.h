// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Runs guest programs in tests: as native programs, as RISC-V code under qemu-riscv64, and on the
// project's own machine.
#include "unit/test.h"

#include <stdbool.h>

typedef struct outcome {
    int exit_code; // -1 for a signal
    size_t size;   // bytes of output
    uint8_t output[256];
    const char *printed; // run_zisk: what came on standard output, until the next run_zisk
} outcome;

// bin/native_NAME of the build folder.
outcome run_native(const char *name, const uint8_t *input, size_t size);

// guests/NAME.elf, which has to be linked with qemu_host.c.
outcome run_qemu(const char *name, const uint8_t *input, size_t size);

// `zisk run` of guests/NAME.elf; the exit code is the guest's.
outcome run_zisk(const char *name, const uint8_t *input, size_t size);

// `zisk check` of guests/NAME.elf: true when every constraint and the bus hold.
bool check_zisk(const char *name, const uint8_t *input, size_t size);

// The native program, the guests NAME-qemu-b and -c, NAME-b and NAME on one input: asserts that
// exit codes, and outputs when the exit code is 0, are the same; returns the native outcome.
outcome run_all(const char *name, const uint8_t *input, size_t size);

void fill(uint8_t *out, size_t size, test_rng *rng);

// main() of a test program: takes the build folder from argv, runs the tests, tidies up.
int guest_run_main(int argc, char **argv, const struct CMUnitTest *tests, size_t n);
