// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/vm_input.h"

#include <stdlib.h>
#include <string.h>

static status check_records(const uint8_t *data, uint64_t n)
{
    FAIL_IF(n % 8 != 0, ZK_EPARSE,
            "input: %llu bytes are not a multiple of 8, so this is no file of records; to pass a "
            "plain file use --raw-input",
            (unsigned long long)n);
    uint64_t at = 0;
    for (uint64_t record = 0; at < n; record++) {
        uint64_t length;
        memcpy(&length, data + at, 8);
        uint64_t left = n - at - 8;
        FAIL_IF(length > left, ZK_EPARSE,
                "input: record %llu at byte %llu says %llu bytes but %llu follow; to pass a plain "
                "file use --raw-input",
                (unsigned long long)record, (unsigned long long)at, (unsigned long long)length,
                (unsigned long long)left);
        at += 8 + ((length + 7) & ~7ULL);
    }
    return ZK_OK;
}

status vm_input_load(vm_input *out, const vm_map *map, const void *data, uint64_t n, bool raw)
{
    *out = (vm_input){0};
    bool prefixed = raw || map->abi == VM_ABI_A;
    uint64_t room = map->input_bytes - (map->input_data - map->input_base) - (prefixed ? 8 : 0);
    FAIL_IF(n > room, ZK_ELIMIT, "input: %llu bytes, the input region of map %c takes %llu",
            (unsigned long long)n, map->abi, (unsigned long long)room);
    if (!prefixed)
        TRY(check_records(data, n));
    uint64_t n_words = (n + 7) / 8 + (prefixed ? 1 : 0);
    if (n_words == 0)
        return ZK_OK;
    out->words = calloc(n_words, 8);
    FAIL_IF(out->words == NULL, ZK_ENOMEM, "input: no memory for %llu words",
            (unsigned long long)n_words);
    out->n_words = n_words;
    if (prefixed)
        out->words[0] = n;
    if (n != 0)
        memcpy(out->words + (prefixed ? 1 : 0), data, n);
    return ZK_OK;
}

void vm_input_clear(vm_input *in)
{
    free(in->words);
    *in = (vm_input){0};
}
