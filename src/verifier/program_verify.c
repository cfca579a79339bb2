// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/program_verify.h"

#include <stdlib.h>
#include <string.h>

digest zisk_program_digest(vm_abi abi, uint64_t entry, const hash_ops *hash)
{
    fe elements[] = {abi, entry};
    return hash_elements(hash, DOMAIN_KEY, elements, sizeof elements / sizeof *elements);
}

typedef struct verifying {
    bundle_head head;
    zisk_machine *z;
    proof_key key;
    contribution *contributions;
    instance_scratch *scratch;
} verifying;

static status verify_bundle(verifying *v, const uint64_t *words, size_t n_words, digest key,
                            const uint32_t *publics)
{
    const char *reason;
    bundle_head *head = &v->head;
    FAIL_IF(!bundle_parse(head, &reason, words, n_words), ZK_EPROOF, "%s", reason);
    FAIL_IF(!digest_equal(head->key_digest, key), ZK_EPROOF, "the proof is of another program");
    for (int i = 0; publics != NULL && i < VM_PUBLICS; i++)
        FAIL_IF(head->publics[i] != publics[i], ZK_EPROOF,
                "public output %d is 0x%08llx in the proof, not 0x%08x", i,
                (unsigned long long)head->publics[i], publics[i]);
    FAIL_IF(head->abi != VM_ABI_A && head->abi != VM_ABI_B && head->abi != VM_ABI_C, ZK_EPROOF,
            "an unknown memory map");
    const hash_ops *hash = hash_get((hash_id)head->hash);
    FAIL_IF(hash == NULL || head->hash > HASH_POSEIDON2, ZK_EPROOF, "an unknown hash");
    vm_map map = vm_map_get((vm_abi)head->abi);
    TRY(zisk_machine_new(&v->z, &map));
    FAIL_IF(head->n_slots != v->z->m.n_slots, ZK_EPROOF, "the proof is of another machine");

    // The key from its parts; its digest must be the caller's.
    v->key = (proof_key){.machine = &v->z->m,
                         .hash = hash,
                         .program = zisk_program_digest(map.abi, head->entry, hash),
                         .preprocessed_class = head->preprocessed_class,
                         .preprocessed_root = head->preprocessed_root};
    memcpy(v->key.preprocessed_heights, head->preprocessed_heights,
           sizeof v->key.preprocessed_heights);
    FAIL_IF(whir_params_shipped(head->preprocessed_class) == NULL, ZK_EPROOF,
            "an unknown parameter class");
    if (proof_key_seal(&v->key) != ZK_OK)
        FAIL(ZK_EPROOF, "the key in the file is malformed: %s", status_message());
    FAIL_IF(!digest_equal(v->key.digest, key), ZK_EPROOF, "the proof is of another program");

    v->contributions = malloc(head->n_instances * sizeof *v->contributions);
    v->scratch = malloc(sizeof *v->scratch);
    FAIL_IF(!v->contributions || !v->scratch, ZK_ENOMEM, "no memory to verify");
    for (size_t i = 0; i < head->n_instances; i++)
        FAIL_IF(!bundle_contribution(&v->contributions[i], head, words, i), ZK_EPROOF,
                "contribution %zu is malformed", i);

    bus_tuple boundary[ZISK_BOUNDARY_TUPLES];
    uint32_t outputs[VM_PUBLICS];
    fe elements[VM_PUBLICS];
    for (int i = 0; i < VM_PUBLICS; i++)
        elements[i] = outputs[i] = (uint32_t)head->publics[i];
    zisk_boundary(boundary, head->entry, outputs);
    job_statement statement = {.key = &v->key,
                               .publics = elements,
                               .n_publics = VM_PUBLICS,
                               .boundary = boundary,
                               .n_boundary = ZISK_BOUNDARY_TUPLES};
    job_verifier job;
    job_verifier_open(&job, &statement, v->contributions, head->n_instances, v->scratch);
    size_t at = head->n_words;
    for (size_t i = 0; i < head->n_instances && job.reason == NULL; i++) {
        const instance_header *h = &v->contributions[i].header;
        size_t size =
            instance_proof_words(&v->key, whir_params_shipped(h->class_id), h->preprocessed);
        FAIL_IF(n_words - at < size, ZK_EPROOF, "the file ends early");
        (void)job_verifier_add(&job, words + at, size);
        at += size;
    }
    FAIL_IF(!job_verifier_finish(&job), ZK_EPROOF, "%s", job.reason);
    FAIL_IF(at != n_words, ZK_EPROOF, "bytes after the end of the proof");
    return ZK_OK;
}

status zisk_verify(uint32_t publics_out[VM_PUBLICS], const uint64_t *words, size_t n_words,
                   digest key, const uint32_t *publics)
{
    verifying v = {0};
    status result = verify_bundle(&v, words, n_words, key, publics);
    for (int i = 0; publics_out != NULL && i < VM_PUBLICS; i++)
        publics_out[i] = (uint32_t)v.head.publics[i];
    zisk_machine_free(v.z);
    free(v.contributions);
    free(v.scratch);
    return result;
}
