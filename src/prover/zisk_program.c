// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/zisk_program.h"

#include "verifier/program_verify.h"

status zisk_program_open(zisk_program *out, const void *elf, size_t n, vm_abi abi, pool *threads,
                         const cancel_flag *cancel)
{
    return zisk_program_open_cached(out, elf, n, abi, NULL, threads, cancel);
}

// The tables that a program fixes are in one instance, whole.
static status check_tables(const program_rows *rows)
{
    const size_t most = (size_t)1 << instance_max_log_height(whir_params_shipped(WHIR_CLASS_26));
    FAIL_IF(rows->n_fetch > most, ZK_ELIMIT,
            "the program has %zu instructions, %zu is the most that can be proved; link less code "
            "into it (-Os, -ffunction-sections with -Wl,--gc-sections)",
            rows->n_fetch, most);
    FAIL_IF(rows->n_image > most, ZK_ELIMIT,
            "the program has %zu words of code and initialised data, %zu (%zu MiB) is the most "
            "that can be proved; give it large data as input",
            rows->n_image, most, most >> 17);
    return ZK_OK;
}

status zisk_program_open_cached(zisk_program *out, const void *elf, size_t n, vm_abi abi,
                                const char *cache_folder, pool *threads, const cancel_flag *cancel)
{
    *out = (zisk_program){0};
    status result = ZK_OK;
    TRY(vm_program_load(&out->vm, elf, n, abi));
    TRY_OUT(zisk_machine_new(&out->z, &out->vm.map));
    TRY_OUT(program_rows_new(&out->rows, &out->vm));
    TRY_OUT(check_tables(&out->rows));
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
