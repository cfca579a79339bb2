// SPDX-License-Identifier: Apache-2.0 OR MIT
// The byte-range calls against memmove, memcmp and memset, at all alignments and overlaps.
#include "test_port.h"

static struct vm_port port;
static uint8_t model[8 * PORT_WORDS];

enum { CSR_MEMCPY = 0x813, CSR_MEMCMP, CSR_INPUTCPY, CSR_MEMSET };

static void assert_model(void)
{
    assert_memory_equal(port.memory, model, sizeof model);
}

static void take_model(test_rng *rng)
{
    port_fill(&port, rng);
    memcpy(model, port.memory, sizeof model);
}

static size_t next_count(size_t n)
{
    return n < 40 ? n + 1 : n * 5 / 2;
}

static void test_memcpy(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(1);
    uint64_t result;
    take_model(&rng);
    for (uint64_t dst = 0; dst < 9; dst++) {
        for (uint64_t src = 0; src < 60; src += src < 9 ? 1 : 17) {
            for (size_t count = 0; count < 12000; count = next_count(count)) {
                const call_args up = {
                    .dst = PORT_BASE + dst, .src = PORT_BASE + src, .count = count};
                memmove(model + dst, model + src, count);
                assert_int_equal(port_call(&port, CSR_MEMCPY, &up, &result), ZK_OK);
                assert_model();
                const call_args down = {
                    .dst = PORT_BASE + src, .src = PORT_BASE + dst, .count = count};
                memmove(model + src, model + dst, count);
                assert_int_equal(port_call(&port, CSR_MEMCPY, &down, &result), ZK_OK);
                assert_model();
            }
            take_model(&rng);
        }
    }
}

static void test_memcmp(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(2);
    for (uint64_t dst = 0; dst < 9; dst++) {
        for (uint64_t src = 100; src < 109; src++) {
            for (size_t count = 0; count < 60; count++) {
                call_args args = {.dst = PORT_BASE + dst, .src = PORT_BASE + src, .count = count};
                uint64_t result = 1;
                take_model(&rng);
                memmove((uint8_t *)port.memory + src, (uint8_t *)port.memory + dst, count);
                memcpy(model, port.memory, sizeof model);
                assert_int_equal(port_call(&port, CSR_MEMCMP, &args, &result), ZK_OK);
                assert_int_equal(result, 0);
                assert_model();
                if (count == 0)
                    continue;
                const size_t at = test_rng_u64(&rng) % count;
                uint8_t *byte = (uint8_t *)port.memory + src + at;
                const int old = *byte;
                *byte = (uint8_t)test_rng_u64(&rng);
                const int64_t wanted = old - *byte;
                assert_int_equal(port_call(&port, CSR_MEMCMP, &args, &result), ZK_OK);
                assert_true((int64_t)result == wanted);
            }
        }
    }
    // Overlapping and identical ranges.
    uint64_t result;
    call_args same = {.dst = PORT_BASE + 3, .src = PORT_BASE + 3, .count = 50};
    assert_int_equal(port_call(&port, CSR_MEMCMP, &same, &result), ZK_OK);
    assert_int_equal(result, 0);
    memset(port.memory, 7, 200);
    same.src += 5;
    assert_int_equal(port_call(&port, CSR_MEMCMP, &same, &result), ZK_OK);
    assert_int_equal(result, 0);
}

static void test_memset(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(3);
    uint64_t result;
    take_model(&rng);
    for (uint64_t dst = 0; dst < 9; dst++) {
        for (size_t count = 0; count < 20000; count = next_count(count)) {
            const uint8_t fill = (uint8_t)test_rng_u64(&rng);
            const call_args args = {.dst = PORT_BASE + dst, .count = count, .fill = fill};
            memset(model + dst, fill, count);
            assert_int_equal(port_call(&port, CSR_MEMSET, &args, &result), ZK_OK);
            assert_model();
        }
    }
}

static void test_inputcpy(void **state)
{
    (void)state;
    static uint64_t words[3000];
    test_rng rng = test_rng_new(4);
    uint64_t result;
    for (size_t i = 0; i < 3000; i++)
        words[i] = test_rng_u64(&rng);
    take_model(&rng);
    for (uint64_t dst = 0; dst < 9; dst++) {
        for (size_t count = 0; count < 20000; count = next_count(count)) {
            const call_args args = {.dst = PORT_BASE + dst, .count = count};
            port.free_words = words;
            port.n_free = 3000;
            port.taken = 0;
            memcpy(model + dst, words, count);
            assert_int_equal(port_call(&port, CSR_INPUTCPY, &args, &result), ZK_OK);
            assert_model();
            assert_int_equal(port.taken, (count + 7) / 8);
        }
    }
    port.n_free = 2; // one word too few
    port.taken = 0;
    const call_args args = {.dst = PORT_BASE, .count = 17};
    assert_int_equal(port_call(&port, CSR_INPUTCPY, &args, &result), ZK_EGUEST);
}

static void test_hostile_ranges(void **state)
{
    (void)state;
    const uint64_t end = PORT_BASE + 8 * PORT_WORDS;
    const struct {
        uint64_t address, count;
    } bad[] = {
        {end - 8, 9},
        {end, 1},
        {0, 1},
        {PORT_BASE - 1, 2},
        {1ULL << 32, 1},
        {~0ULL, 1},
        {~0ULL, ~0ULL},
        {PORT_BASE, ~0ULL},
        {PORT_BASE, 1ULL << 63},
        {PORT_BASE, 1ULL << 32},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (unsigned csr = CSR_MEMCPY; csr <= CSR_MEMSET; csr++) {
            call_args args = {.dst = bad[i].address, .src = bad[i].address, .count = bad[i].count};
            uint64_t result;
            assert_int_equal(port_call(&port, csr, &args, &result), ZK_EGUEST);
        }
    }
    for (unsigned csr = CSR_MEMCPY; csr <= CSR_MEMSET; csr++) { // nothing, at no address
        call_args args = {.dst = ~0ULL, .src = 3};
        uint64_t result = 1;
        assert_int_equal(port_call(&port, csr, &args, &result), ZK_OK);
        assert_int_equal(result, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy),         cmocka_unit_test(test_memcmp),
        cmocka_unit_test(test_memset),         cmocka_unit_test(test_inputcpy),
        cmocka_unit_test(test_hostile_ranges),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    port_clear(&port);
    return failed;
}
