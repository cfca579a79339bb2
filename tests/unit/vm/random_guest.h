// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Random guests: rows of small programs over all instructions that a user-mode emulator knows too.
//
// The data segment: a working area, read and written at random, then one dump of x1 to x31 for each
// program. At the end the guest writes the whole segment to file descriptor 1 (number 64, which
// this machine ignores) and exits with 0. Loops are counted, jumps inside go forward: every guest
// halts.
#include "guest_builder.h"

enum {
    RANDOM_WORK_BYTES = 6144,
    RANDOM_DUMP_BYTES = 256,
    RANDOM_PROGRAMS = (GUEST_DATA_BYTES - RANDOM_WORK_BYTES) / RANDOM_DUMP_BYTES,
};

// Builds a guest of n_programs <= RANDOM_PROGRAMS programs of up to max_items items each.
void random_guest(guest *g, test_rng *rng, unsigned n_programs, unsigned max_items);
