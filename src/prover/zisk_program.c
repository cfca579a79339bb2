// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/zisk_program.h"

#include "verifier/program_verify.h"

status zisk_program_open(zisk_program *out, const void *elf, size_t n, vm_abi abi, pool *threads,
                         const cancel_flag *cancel)
{
    return zisk_program_open_cached(out, elf, n, abi, NULL, threads, cancel);
}

status zisk_program_open_cached(zisk_program *out, const void *elf, size_t n, vm_abi abi,
                                const char *cache_folder, pool *threads, const cancel_flag *cancel)
{
    *out = (zisk_program){0};
    status result = ZK_OK;
    TRY(vm_program_load(&out->vm, elf, n, abi));
    TRY_OUT(zisk_machine_new(&out->z, &out->vm.map));
    TRY_OUT(program_rows_new(&out->rows, &out->vm));
    const hash_ops *hash = hash_get(ZISK_PROOF_HASH);
    uint8_t heights[MACHINE_MAX_SLOTS];
    program_rows_heights(heights, &out->rows, out->z);
    program_fill fill = {&out->rows, out->z};
    TRY_OUT(prover_key_new_cached(
        &out->key, &out->z->m, hash, zisk_program_digest(out->vm.map.abi, out->vm.entry, hash),
        heights, program_fill_columns, &fill, 0, cache_folder, threads, cancel));
out:
    if (result != ZK_OK)
        zisk_program_close(out);
    return result;
}

void zisk_program_close(zisk_program *p)
{
    prover_key_clear(&p->key);
    program_rows_clear(&p->rows);
    zisk_machine_free(p->z);
    vm_program_clear(&p->vm);
    *p = (zisk_program){0};
}
