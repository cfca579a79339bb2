// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The program in an ELF file, ready to prove.
#include "unit/must.h"

#include "base/file.h"
#include "prover/zisk_program.h"

static inline void open_program(zisk_program *p, const char *path, pool *threads)
{
    byte_buffer elf = buffer_new();
    must(file_read(&elf, path, 1 << 26));
    must(zisk_program_open(p, elf.data, elf.size, VM_ABI_AUTO, threads, NULL));
    buffer_clear(&elf);
}
