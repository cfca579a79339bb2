// SPDX-License-Identifier: Apache-2.0 OR MIT
// Heads of proof files whose key digest is right: what is refused all the same.
#include "unit/test.h"

#include <stdlib.h>

#include "verifier/program_verify.h"

static zisk_machine *z;

static int set_up(void **state)
{
    (void)state;
    vm_map map = vm_map_get(VM_ABI_C);
    return zisk_machine_new(&z, &map) == ZK_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    zisk_machine_free(z);
    return 0;
}

// Why a file is refused that has the right head for some program, under a hash, and no proof.
static const char *reason_under(hash_id id)
{
    const hash_ops *hash = hash_get(id);
    enum { ENTRY = 0x1000 };
    proof_key key = {.machine = &z->m,
                     .hash = hash,
                     .program = zisk_program_digest(VM_ABI_C, ENTRY, hash),
                     .preprocessed_class = WHIR_CLASS_20};
    for (uint32_t s = 0; s < z->m.n_slots; s++)
        key.preprocessed_heights[s] = z->m.slots[s].c->n_preprocessed > 0 ? 10 : 0;
    assert_int_equal(proof_key_seal(&key), ZK_OK);
    uint32_t publics[BUNDLE_PUBLICS] = {0};
    contribution c = {.header = {.class_id = WHIR_CLASS_20}};
    size_t n = bundle_head_words(z->m.n_slots, 1);
    uint64_t *words = calloc(n, sizeof *words);
    assert_non_null(words);
    bundle_write_head(words, &key, VM_ABI_C, ENTRY, publics, &c, 1);
    assert_int_equal(zisk_verify(NULL, words, n, key.digest, publics), ZK_EPROOF);
    free(words);
    return status_message();
}

// A key under another hash is another key, whatever its digest.
static void only_one_hash_is_accepted(void **state)
{
    (void)state;
    assert_string_equal(reason_under(HASH_POSEIDON), "the file ends early");
    assert_string_equal(reason_under(HASH_POSEIDON2), "a hash that programs are not proved with");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_one_hash_is_accepted)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
