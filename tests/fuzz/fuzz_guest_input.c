// SPDX-License-Identifier: Apache-2.0 OR MIT
// Any bytes as an input file, on each memory map: what is accepted holds the bytes unchanged.
#include "vm/vm_input.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int abi = VM_ABI_A; abi <= VM_ABI_C; abi++)
        for (int raw = 0; raw < 2; raw++) {
            const vm_map map = vm_map_get((vm_abi)abi);
            vm_input in;
            if (vm_input_load(&in, &map, data, size, raw) != ZK_OK)
                continue;
            bool prefixed = raw || abi == VM_ABI_A;
            if (in.n_words != (size + 7) / 8 + prefixed || (prefixed && in.words[0] != size) ||
                (size != 0 && memcmp(in.words + prefixed, data, size) != 0))
                abort();
            vm_input_clear(&in);
        }
    return 0;
}
