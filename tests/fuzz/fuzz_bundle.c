// SPDX-License-Identifier: Apache-2.0 OR MIT
// The input as a proof file: the head is parsed or refused, contributions are read inside the file,
// and what was parsed fits what the file says.
#include "verifier/bundle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = size / 8;
    uint64_t *words = malloc(8 * n + 1); // of its own, so that reading past it is seen
    if (words == NULL)
        abort();
    if (n > 0)
        memcpy(words, data, 8 * n);
    bundle_head head;
    const char *reason = NULL;
    if (bundle_parse(&head, &reason, words, n)) {
        if (head.n_words > n || head.n_instances > JOB_MAX_INSTANCES ||
            head.n_slots > MACHINE_MAX_SLOTS)
            abort();
        for (size_t i = 0; i < head.n_instances; i++) {
            contribution c;
            if (bundle_contribution(&c, &head, words, i) && c.index != i)
                abort();
        }
    } else if (reason == NULL) {
        abort();
    }
    free(words);
    return 0;
}
