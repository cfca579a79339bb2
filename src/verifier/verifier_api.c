// SPDX-License-Identifier: Apache-2.0 OR MIT
// The public face of verification: zisk/verifier.h over verifier/program_verify.h.
#include "zisk/verifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verifier/program_verify.h"

_Static_assert(ZISK_PUBLICS == VM_PUBLICS, "the public header agrees with the machine");

struct zisk_verifier {
    uint64_t *words; // aligned copy of the proof
    size_t capacity;
    char reason[256];
};

zisk_verifier *zisk_verifier_new(void)
{
    return calloc(1, sizeof(zisk_verifier));
}

void zisk_verifier_free(zisk_verifier *v)
{
    if (v == NULL)
        return;
    free(v->words);
    free(v);
}

// Digits go to bytes in the order of writing; an element is 8 bytes, most significant first.
bool zisk_vk_parse(uint8_t vk[ZISK_VK_BYTES], const char *hex)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (strlen(hex) != 2 * ZISK_VK_BYTES)
        return false;
    for (size_t i = 0; i < 2 * ZISK_VK_BYTES; i++) {
        const char *at = strchr(digits, hex[i]);
        if (at == NULL)
            return false;
        uint8_t digit = (uint8_t)((at - digits) % 16);
        vk[i / 2] = i % 2 == 0 ? (uint8_t)(digit << 4) : (uint8_t)(vk[i / 2] | digit);
    }
    for (int k = 0; k < HASH_DIGEST; k++) {
        uint64_t element = 0;
        for (int i = 0; i < 8; i++)
            element = element << 8 | vk[8 * k + i];
        if (!fe_is_canonical(element))
            return false;
    }
    return true;
}

static bool refuse(zisk_verifier *v, const char *reason)
{
    snprintf(v->reason, sizeof v->reason, "%s", reason);
    return false;
}

bool zisk_verifier_check(zisk_verifier *v, const void *proof, size_t size,
                         const uint8_t vk[ZISK_VK_BYTES],
                         const uint32_t expected_publics[ZISK_PUBLICS],
                         uint32_t publics[ZISK_PUBLICS])
{
    if (size % 8 != 0)
        return refuse(v, "the length of the proof is no multiple of 8");
    if (size / 8 > v->capacity) {
        free(v->words);
        v->capacity = 0;
        v->words = malloc(size);
        if (v->words == NULL)
            return refuse(v, "no memory for the proof");
        v->capacity = size / 8;
    }
    if (size > 0)
        memcpy(v->words, proof, size);
    digest key = {{0, 0, 0, 0}};
    for (int i = 0; i < ZISK_VK_BYTES; i++)
        key.e[i / 8] = key.e[i / 8] << 8 | vk[i];
    uint32_t outputs[VM_PUBLICS];
    if (zisk_verify(outputs, v->words, size / 8, key, expected_publics) != ZK_OK)
        return refuse(v, status_message());
    v->reason[0] = '\0';
    if (publics != NULL)
        memcpy(publics, outputs, sizeof outputs);
    return true;
}

const char *zisk_verifier_reason(const zisk_verifier *v)
{
    return v->reason;
}
