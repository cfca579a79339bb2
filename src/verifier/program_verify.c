// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/program_verify.h"

#include <stdlib.h>
#include <string.h>

digest zisk_program_digest(vm_abi abi, uint64_t entry, const hash_ops *hash)
{
    fe elements[] = {abi, entry};
    return hash_elements(hash, DOMAIN_KEY, elements, sizeof elements / sizeof *elements);
}

size_t program_key_write(uint64_t words[PROGRAM_KEY_MAX_WORDS], const proof_key *key, vm_abi abi,
                         uint64_t entry)
{
    size_t n_slots = key->machine->n_slots;
    words[0] = key->hash->id;
    words[1] = abi;
    words[2] = entry;
    words[3] = n_slots;
    words[4] = key->preprocessed_class;
    for (unsigned k = 0; k < HASH_DIGEST; k++)
        words[5 + k] = key->preprocessed_root.e[k];
    for (size_t s = 0; s < n_slots; s++)
        words[PROGRAM_KEY_FIXED_WORDS + s] = key->preprocessed_heights[s];
    return PROGRAM_KEY_FIXED_WORDS + n_slots;
}

static status open_key(program_key *k, const uint64_t *words, size_t n, digest expected)
{
    FAIL_IF(n < PROGRAM_KEY_FIXED_WORDS || words[3] > MACHINE_MAX_SLOTS ||
                n != PROGRAM_KEY_FIXED_WORDS + words[3],
            ZK_EPROOF, "an impossible machine");
    FAIL_IF(words[1] != VM_ABI_A && words[1] != VM_ABI_B && words[1] != VM_ABI_C, ZK_EPROOF,
            "an unknown memory map");
    // The key's digest is one under the hash that the words name. Were a second hash accepted, its
    // weakness would do to find another program with the same digest.
    FAIL_IF(words[0] != ZISK_PROOF_HASH, ZK_EPROOF, "a hash that programs are not proved with");
    const hash_ops *hash = hash_get(ZISK_PROOF_HASH);
    FAIL_IF(words[2] >> 32 != 0, ZK_EPROOF, "an entry point outside the address space");
    FAIL_IF(words[4] > 0xff || whir_params_shipped((uint32_t)words[4]) == NULL, ZK_EPROOF,
            "an unknown parameter class");
    k->abi = (vm_abi)words[1];
    k->entry = words[2];
    vm_map map = vm_map_get(k->abi);
    TRY(zisk_machine_new(&k->z, &map));
    FAIL_IF(words[3] != k->z->m.n_slots, ZK_EPROOF, "the proof is of another machine");
    k->key = (proof_key){.machine = &k->z->m,
                         .hash = hash,
                         .program = zisk_program_digest(k->abi, k->entry, hash),
                         .preprocessed_class = (uint32_t)words[4]};
    for (unsigned i = 0; i < HASH_DIGEST; i++) {
        FAIL_IF(!fe_is_canonical(words[5 + i]), ZK_EPROOF, "the root of the program is malformed");
        k->key.preprocessed_root.e[i] = words[5 + i];
    }
    for (size_t s = 0; s < words[3]; s++) {
        uint64_t height = words[PROGRAM_KEY_FIXED_WORDS + s];
        FAIL_IF(height > CHIP_MAX_LOG_HEIGHT, ZK_EPROOF, "a height is out of range");
        k->key.preprocessed_heights[s] = (uint8_t)height;
    }
    if (proof_key_seal(&k->key) != ZK_OK)
        FAIL(ZK_EPROOF, "the key is malformed: %s", status_message());
    FAIL_IF(!digest_equal(k->key.digest, expected), ZK_EPROOF, "the proof is of another program");
    return ZK_OK;
}

status program_key_open(program_key *out, const uint64_t *words, size_t n, digest expected)
{
    *out = (program_key){0};
    status result = open_key(out, words, n, expected);
    if (result != ZK_OK)
        program_key_close(out);
    return result;
}

void program_key_close(program_key *k)
{
    zisk_machine_free(k->z);
    *k = (program_key){0};
}

void program_statement_init(program_statement *out, const program_key *key,
                            const uint32_t publics[VM_PUBLICS])
{
    zisk_boundary(out->boundary, key->entry, publics);
    for (int i = 0; i < VM_PUBLICS; i++)
        out->publics[i] = publics[i];
    out->job = (job_statement){.key = &key->key,
                               .publics = out->publics,
                               .n_publics = VM_PUBLICS,
                               .boundary = out->boundary,
                               .n_boundary = ZISK_BOUNDARY_TUPLES};
}

typedef struct verifying {
    bundle_head head;
    program_key program;
    contribution *contributions;
    instance_scratch *scratch;
} verifying;

// The key of the file from its parts; its digest must be the caller's.
static status key_of_head(program_key *out, const bundle_head *head, digest key)
{
    uint64_t words[PROGRAM_KEY_MAX_WORDS] = {head->hash, head->abi, head->entry, head->n_slots,
                                             head->preprocessed_class};
    for (unsigned k = 0; k < HASH_DIGEST; k++)
        words[5 + k] = head->preprocessed_root.e[k];
    for (size_t s = 0; s < head->n_slots; s++)
        words[PROGRAM_KEY_FIXED_WORDS + s] = head->preprocessed_heights[s];
    return program_key_open(out, words, PROGRAM_KEY_FIXED_WORDS + head->n_slots, key);
}

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
    TRY(key_of_head(&v->program, head, key));

    v->contributions = malloc(head->n_instances * sizeof *v->contributions);
    v->scratch = malloc(sizeof *v->scratch);
    FAIL_IF(!v->contributions || !v->scratch, ZK_ENOMEM, "no memory to verify");
    for (size_t i = 0; i < head->n_instances; i++)
        FAIL_IF(!bundle_contribution(&v->contributions[i], head, words, i), ZK_EPROOF,
                "contribution %zu is malformed", i);

    uint32_t outputs[VM_PUBLICS];
    for (int i = 0; i < VM_PUBLICS; i++)
        outputs[i] = (uint32_t)head->publics[i];
    program_statement statement;
    program_statement_init(&statement, &v->program, outputs);
    job_verifier job;
    job_verifier_open(&job, &statement.job, v->contributions, head->n_instances, v->scratch);
    size_t at = head->n_words;
    for (size_t i = 0; i < head->n_instances && job.reason == NULL; i++) {
        const instance_header *h = &v->contributions[i].header;
        size_t size = instance_proof_words(&v->program.key, whir_params_shipped(h->class_id),
                                           h->preprocessed);
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
    program_key_close(&v.program);
    free(v.contributions);
    free(v.scratch);
    return result;
}
