// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/memory_map.h"

// Generations A and B have the system area at the start of RAM, C behind a 4 MiB stack. A keeps the
// length of its raw input beside the free word; the others hold the input file as it is.
vm_map vm_map_get(vm_abi abi)
{
    uint64_t system = abi == VM_ABI_C ? 0xa0400000 : 0xa0000000;
    vm_map m = {
        .abi = abi,
        .input_base = abi == VM_ABI_A ? 0x90000000 : 0x40000000,
        .input_bytes = abi == VM_ABI_A ? 0x08000000 : 0x40000000,
        .system_base = system,
        .uart = system + 0x200,
        .csr_base = system + 0x8000,
        .output = system + VM_SYSTEM_BYTES,
        .output_bytes = abi == VM_ABI_C ? 0x20000 : 0x10000,
    };
    m.input_data = m.input_base + 8;
    return m;
}
