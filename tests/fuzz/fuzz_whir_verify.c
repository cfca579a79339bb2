// SPDX-License-Identifier: Apache-2.0 OR MIT
// The input as an opening proof of a fixed commitment. The verifier reads exactly as many words as
// the class has, never crashes, and accepts nothing but what the prover made.
#include "unit/whir/whir_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fixture f;
    static proof_writer honest;
    if (f.params == NULL) {
        fixture_commit(&f, WHIR_CLASS_TEST_10, 0xF022, NULL);
        if (fixture_prove(&f, &honest, NULL) != ZK_OK)
            abort();
    }
    size_t n_words = size / 8;
    uint64_t *words = malloc(8 * n_words + 1); // of its own, so that reading past it is seen
    if (words == NULL)
        abort();
    if (n_words != 0)
        memcpy(words, data, 8 * n_words);
    bool accepted = fixture_verify(&f, words, n_words);
    bool same = n_words == honest.n_words && memcmp(words, honest.words, 8 * n_words) == 0;
    if (accepted != same)
        abort();
    free(words);
    return 0;
}
