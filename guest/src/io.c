// SPDX-License-Identifier: Apache-2.0 OR MIT
#include <stdlib.h>
#include <unistd.h>

#include "zkvm_io.h"

// Set by the linker script of the memory map.
extern const uint64_t zisk_input[];     // [0] free input port, then records: length, bytes, padding
extern volatile uint32_t zisk_output[]; // 64 public words

enum { INPUT_REGION_BYTES = 1 << 30, INPUT_FIRST_RECORD = 8 };

// Reads the record that starts `offset` bytes into the input region; returns the offset of the
// next one. The length word is the prover's choice like the rest, hence the check.
static uint64_t input_record(const uint8_t **buf, size_t *size, uint64_t offset)
{
    const uint64_t room = INPUT_REGION_BYTES - 8 - offset;
    const uint64_t length = zisk_input[offset / 8];
    if (length > room)
        abort();
    *buf = (const uint8_t *)zisk_input + offset + 8;
    *size = length;
    return offset + 8 + ((length + 7) & ~7ULL);
}

void read_input(const uint8_t **buf, size_t *size)
{
    input_record(buf, size, INPUT_FIRST_RECORD);
}

void zisk_read_record(const uint8_t **buf, size_t *size)
{
    static uint64_t cursor = INPUT_FIRST_RECORD;
    if (cursor > INPUT_REGION_BYTES - 8)
        abort();
    cursor = input_record(buf, size, cursor);
}

void write_output(const uint8_t *output, size_t size)
{
    static size_t written;
    static uint32_t last_word; // the word that `written` lies in, as far as it is filled
    if (size > ZKVM_OUTPUT_BYTES - written)
        abort();
    for (size_t i = 0; i < size; i++) {
        last_word |= (uint32_t)output[i] << 8 * (written % 4);
        zisk_output[written / 4] = last_word;
        if (++written % 4 == 0)
            last_word = 0;
    }
}

// Weak, so that tests may run a guest on another machine that ends programs in another way.
__attribute__((weak)) _Noreturn void _exit(int code)
{
    register long a0 __asm__("a0") = code;
    register long a7 __asm__("a7") = 93;
    __asm__ volatile("1: ecall; j 1b" : : "r"(a0), "r"(a7) : "memory");
    __builtin_unreachable();
}

// The exit code that shells show for SIGABRT: any code but 0 is a failed execution, without proof.
_Noreturn void abort(void)
{
    _exit(134);
}
