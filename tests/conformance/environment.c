// SPDX-License-Identifier: Apache-2.0 OR MIT
// A guest that does what C programs rarely do: every access to a CSR, a hint and its check, fences,
// a call of the environment that is not the end. Each result is checked here. Exit code: the number
// of the first check that failed. Output: the number of checks that held.
#include "zisk_precompiles.h"
#include "zkvm_io.h"

static uint32_t held;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return __LINE__ & 0x7f;                                                                \
        held++;                                                                                    \
    } while (0)

#define CSR(instruction, source)                                                                   \
    ({                                                                                             \
        uint64_t was;                                                                              \
        __asm__ volatile(instruction " %0, 0x340, %1" : "=r"(was) : source : "memory");            \
        was;                                                                                       \
    })

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state ^ *state >> 29;
}

static int check_csr(uint64_t x)
{
    uint64_t word = CSR("csrrs", "r"(0ULL));
    CHECK(CSR("csrrw", "r"(x)) == word);
    CHECK(CSR("csrrs", "r"(x >> 7)) == x);
    word = x | x >> 7;
    CHECK(CSR("csrrc", "r"(x << 9)) == word);
    word &= ~(x << 9);
    CHECK(CSR("csrrsi", "i"(21)) == word);
    word |= 21;
    CHECK(CSR("csrrci", "i"(6)) == word);
    word &= ~6ULL;
    CHECK(CSR("csrrs", "r"(0ULL)) == word);
    CHECK(CSR("csrrwi", "i"(31)) == word);
    CHECK(CSR("csrrw", "r"(~x)) == 31);
    return 0;
}

// a * inverse = 1 modulo 2^64, for odd a; the hint is advice until the product is seen.
static int check_hint(uint64_t a)
{
    const uint64_t number[4] = {a | 1, 0, 0, 0};
    ZISK_HINT_WORDS(2, number);
    ZISK_HINT_CALL(20);
    (void)zisk_hint_result(); // whether there is one: the product tells
    CHECK(zisk_hint_result() * number[0] == 1);
    return 0;
}

int main(void)
{
    uint64_t state = 1;
    for (int round = 0; round < 50; round++) {
        const int problem = check_csr(round == 0 ? 0 : round == 1 ? ~0ULL : next(&state));
        if (problem != 0)
            return problem;
    }
    for (int round = 0; round < 10; round++) {
        const int problem = check_hint(next(&state));
        if (problem != 0)
            return problem;
    }
    __asm__ volatile("fence\n\t.word 0x100f" /* fence.i */ : : : "memory");
    register uint64_t a7 __asm__("a7") = 64;
    __asm__ volatile("ecall" : : "r"(a7) : "ra", "memory"); // changes x1 and nothing else
    held++;
    write_output((const uint8_t *)&held, sizeof held);
    return 0;
}
