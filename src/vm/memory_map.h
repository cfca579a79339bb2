// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Memory maps of the three generations of the guest ABI. The map in use is part of a program's key:
// it says what an address means.
//
// All regions lie in [VM_SPACE_BASE, VM_SPACE_BASE + VM_SPACE_SIZE).
#include <stdbool.h>
#include <stdint.h>

#define VM_SPACE_BASE  0x40000000ULL
#define VM_SPACE_SIZE  0x80000000ULL
#define VM_ROM_BASE    0x80000000ULL
#define VM_ROM_SIZE    0x08000000ULL
#define VM_RAM_BASE    0xa0000000ULL
#define VM_RAM_SIZE    0x20000000ULL
#define VM_PAGE_BYTES  2048ULL   // unit of memory accounting
#define VM_EXIT_PC     0x1000ULL // x1 at entry: three instructions that halt with success
#define VM_MARCHID     0xfffeeeeULL
#define VM_CSR_MARCHID 0xf12
#define VM_PUBLICS     64 // 32-bit words of output

typedef enum vm_abi { VM_ABI_AUTO = 0, VM_ABI_A = 'A', VM_ABI_B = 'B', VM_ABI_C = 'C' } vm_abi;

typedef struct vm_map {
    vm_abi abi;
    uint64_t input_base;  // the first 8 bytes are not memory: a load there is refused
    uint64_t input_data;  // address of the first word of input
    uint64_t input_bytes; // size of the region from input_base
    // VM_SYSTEM_BYTES of RAM: 256 bytes that the ABI keeps for an image of the registers, which is
    // no feature for programs and plain RAM here, then UART and CSR words.
    uint64_t system_base;
    uint64_t uart;     // a byte stored here is printed
    uint64_t csr_base; // CSR number n is the word at csr_base + 8 n
    uint64_t output;   // VM_PUBLICS 32-bit words
    uint64_t output_bytes;
} vm_map;

enum { VM_SYSTEM_BYTES = 0x10000 };

// The map of generation `abi` (not VM_ABI_AUTO).
vm_map vm_map_get(vm_abi abi);
