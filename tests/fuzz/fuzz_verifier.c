// SPDX-License-Identifier: Apache-2.0 OR MIT
// The verifier for other programs (zisk/verifier.h) on the stored proof of a real program. The
// input is [1 byte kind], then for kind 0 edits of that proof, records of [4 bytes position][8
// bytes value] that replace a word, with a rest that shortens it; for other kinds the file itself.
// Nothing but the stored proof is accepted, and nothing crashes.
#include "base/file.h"
#include "zisk/verifier.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static byte_buffer stored;
static uint8_t vk[ZISK_VK_BYTES];
static zisk_verifier *verifier;

static void prepare(void)
{
    byte_buffer hex = buffer_new();
    stored = buffer_new();
    char digits[2 * ZISK_VK_BYTES + 1] = {0};
    if (file_read(&hex, STORED_FOLDER "/vk", 1 << 10) != ZK_OK || hex.size < sizeof digits ||
        file_read(&stored, STORED_FOLDER "/proof", 1 << 24) != ZK_OK)
        abort();
    memcpy(digits, hex.data, 2 * ZISK_VK_BYTES);
    verifier = zisk_verifier_new();
    if (verifier == NULL || !zisk_vk_parse(vk, digits) ||
        !zisk_verifier_check(verifier, stored.data, stored.size, vk, NULL, NULL))
        abort();
    buffer_clear(&hex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (verifier == NULL)
        prepare();
    if (size == 0)
        return 0;
    bool as_it_is = data[0] != 0;
    data++;
    size--;
    size_t n = as_it_is ? size : stored.size;
    uint8_t *file = malloc(n + 1); // of its own, so that reading past it is seen
    if (file == NULL)
        abort();
    memcpy(file, as_it_is ? data : stored.data, n);
    for (; !as_it_is && size >= 12; data += 12, size -= 12) {
        uint32_t position;
        memcpy(&position, data, 4);
        memcpy(file + position % (n / 8) * 8, data + 4, 8);
    }
    if (!as_it_is && size > 0)
        n -= data[0] % 32;
    bool same = n == stored.size && memcmp(file, stored.data, n) == 0;
    bool accepted = zisk_verifier_check(verifier, file, n, vk, NULL, NULL);
    if (accepted != same || accepted != (zisk_verifier_reason(verifier)[0] == 0))
        abort();
    free(file);
    return 0;
}
