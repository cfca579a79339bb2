// SPDX-License-Identifier: Apache-2.0 OR MIT
// The n-th Fibonacci number modulo 2^64. Input: n as a 4-byte little-endian number (an empty input
// means 20). Output: n (4 bytes), then F(n) (8 bytes), little-endian.
#include <string.h>

#include "zkvm_io.h"

int main(void)
{
    const uint8_t *input;
    size_t size;
    uint32_t n = 20;
    read_input(&input, &size);
    if (size != 0 && size != sizeof n)
        return 1;
    if (size == sizeof n)
        memcpy(&n, input, sizeof n);
    uint64_t a = 0, b = 1;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t next = a + b;
        a = b;
        b = next;
    }
    write_output((const uint8_t *)&n, sizeof n);
    write_output((const uint8_t *)&a, sizeof a);
    return 0;
}
