// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/precompile.h"

#include <stddef.h>

const vm_precompile vm_precompiles[] = {
    {0},
};
const unsigned vm_precompile_count = 0;

const vm_hint vm_hints[] = {
    {0},
};
const unsigned vm_hint_count = 0;

int precompile_find(uint16_t csr)
{
    for (unsigned i = 0; i < vm_precompile_count; i++)
        if (vm_precompiles[i].csr == csr)
            return (int)i;
    return -1;
}

const vm_hint *hint_find(uint16_t id)
{
    for (unsigned i = 0; i < vm_hint_count; i++)
        if (vm_hints[i].id == id)
            return &vm_hints[i];
    return NULL;
}
