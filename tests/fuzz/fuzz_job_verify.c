// SPDX-License-Identifier: Apache-2.0 OR MIT
// The input as edits of an honest job of the toy machine: records of [4 bytes position][8 bytes
// value] that replace a word of the proof or of the contribution. Nothing but the honest job is
// accepted, nothing crashes, and an instance proof is read to its end and no further.
#include "unit/prover/toy_prover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static toy_machine *toys;
static prover_key key;
static toy_job *job;
static toy_proof honest;

static void prepare(void)
{
    must(toy_machine_new(&toys));
    toy_key(&key, toys);
    toy_shape shape = toy_shape_all(6);
    must(toy_job_new(&job, toys, &shape, 1, 1));
    honest = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    if (toy_verify(&honest, job, &key.key) != NULL)
        abort();
}

// The contribution's words: answer, root, heights, class, kind.
static void edit_contribution(contribution *c, uint32_t position, uint64_t value)
{
    if (position < 3)
        c->answer.c[position] = value;
    else if (position < 7)
        c->root.e[position - 3] = value;
    else if (position < 7 + MACHINE_MAX_SLOTS)
        c->header.log_heights[position - 7] = (uint8_t)value;
    else if (position % 2 == 0)
        c->header.class_id = (uint32_t)value;
    else
        c->header.preprocessed = value & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (toys == NULL)
        prepare();
    toy_proof p = honest;
    size_t n = honest.proofs[0].n_words;
    uint64_t *words = malloc(8 * n);
    if (words == NULL)
        abort();
    memcpy(words, honest.proofs[0].words, 8 * n);
    for (; size >= 12; data += 12, size -= 12) {
        uint32_t position;
        uint64_t value;
        memcpy(&position, data, 4);
        memcpy(&value, data + 4, 8);
        if (position >> 31 != 0)
            edit_contribution(&p.contributions[0], (position & 0xffff) % 128, value);
        else
            words[position % n] = value;
    }
    size_t kept = size > 0 ? n - data[0] % 4 : n; // a rest of the input shortens the proof
    p.proofs[0].words = words;
    p.proofs[0].n_words = kept;
    bool same =
        kept == n && memcmp(words, honest.proofs[0].words, 8 * n) == 0 &&
        memcmp(&p.contributions[0], &honest.contributions[0], sizeof p.contributions[0]) == 0;
    bool accepted = toy_verify(&p, job, &key.key) == NULL;
    if (accepted != same)
        abort();
    free(words);
    return 0;
}
