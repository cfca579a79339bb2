// SPDX-License-Identifier: Apache-2.0 OR MIT
// The example guests, each run as a native program and as RISC-V code under qemu-riscv64 (both
// memory maps, both compilers): all must publish the same 256 bytes, and those must be right.
#include "unit/test.h"

#include "guest_run.h"

#include <lz4.h>
#include <openssl/sha.h>
#include <zlib.h>

static void assert_zero_from(const outcome *o, size_t from)
{
    for (size_t i = from; i < sizeof o->output; i++)
        assert_int_equal(o->output[i], 0);
}

static void test_fibonacci(void **state)
{
    (void)state;
    const uint32_t n = 93; // F(93) = 12200160415121876738, the largest below 2^64
    const uint64_t expected = 12200160415121876738ULL;
    outcome o = run_all("fibonacci", (const uint8_t *)&n, sizeof n);
    assert_int_equal(o.exit_code, 0);
    assert_memory_equal(o.output, &n, 4);
    assert_memory_equal(o.output + 4, &expected, 8);
    assert_zero_from(&o, 12);

    o = run_all("fibonacci", NULL, 0);
    assert_int_equal(o.exit_code, 0);
    assert_int_equal(o.output[0], 20);
    assert_int_equal(o.output[4] | o.output[5] << 8, 6765);

    o = run_all("fibonacci", (const uint8_t *)"abc", 3);
    assert_int_equal(o.exit_code, 1);
}

static void test_sha256(void **state)
{
    (void)state;
    static uint8_t input[70000];
    test_rng rng = test_rng_new(1);
    fill(input, sizeof input, &rng);
    const size_t sizes[] = {0, 1, 55, 56, 63, 64, 65, 119, 120, 1000, sizeof input};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t digest[32];
        SHA256(input, sizes[i], digest);
        const outcome o = run_all("sha256", input, sizes[i]);
        assert_int_equal(o.exit_code, 0);
        assert_memory_equal(o.output, digest, 32);
        assert_zero_from(&o, 32);
    }
    uint8_t digest[32];
    SHA256(input, 777, digest);
    const char *const variants[] = {"sha256-qemu-clang", "sha256-qemu-imac"};
    for (size_t i = 0; i < 2; i++) {
        const outcome o = run_qemu(variants[i], input, 777);
        assert_int_equal(o.exit_code, 0);
        assert_memory_equal(o.output, digest, 32);
    }
}

static uint64_t u64_at(const outcome *o, size_t at)
{
    uint64_t x;
    memcpy(&x, o->output + at, 8);
    return x;
}

static void test_csv(void **state)
{
    (void)state;
    static const char *const regions[] = {"north", "south", "e \"q\", w"};
    static const char *const quoted[] = {"north", "\"south\"", "\"e \"\"q\"\", w\""};
    static char text[40000];
    test_rng rng = test_rng_new(2);
    int64_t sum = 0, least = 0, greatest = 0, by_region[3] = {0};
    const unsigned records = 500;
    size_t n = (size_t)sprintf(text, "name,region,amount\r\n");
    for (unsigned i = 0; i < records; i++) {
        const unsigned region = i < 3 ? i : (unsigned)(test_rng_u64(&rng) % 3);
        const int64_t amount = (int64_t)(test_rng_u64(&rng) % 2000001) - 1000000;
        const uint64_t size = (uint64_t)(amount < 0 ? -amount : amount);
        const char *const sign = amount < 0 ? "-" : "";
        n += (size_t)sprintf(text + n, "person %u,%s,", i, quoted[region]);
        if (size % 100 == 0)
            n += (size_t)sprintf(text + n, "%s%lu\n", sign, size / 100);
        else if (size % 10 == 0)
            n += (size_t)sprintf(text + n, "%s%lu.%lu\n", sign, size / 100, size % 100 / 10);
        else
            n += (size_t)sprintf(text + n, "%s%lu.%02lu\r\n", sign, size / 100, size % 100);
        sum += amount;
        by_region[region] += amount;
        least = i == 0 || amount < least ? amount : least;
        greatest = i == 0 || amount > greatest ? amount : greatest;
    }
    const outcome o = run_all("csv", (const uint8_t *)text, n);
    assert_int_equal(o.exit_code, 0);
    assert_int_equal(u64_at(&o, 0), records);
    assert_int_equal(u64_at(&o, 8), sum);
    assert_int_equal(u64_at(&o, 16), least);
    assert_int_equal(u64_at(&o, 24), greatest);
    assert_int_equal(u64_at(&o, 32), 3);
    for (unsigned i = 0; i < 3; i++) {
        char name[8] = {0};
        memcpy(name, regions[i], strnlen(regions[i], 8));
        assert_memory_equal(o.output + 40 + 16 * i, name, 8);
        assert_int_equal(u64_at(&o, 48 + 16 * i), by_region[i]);
    }
    assert_zero_from(&o, 40 + 48);
}

// Every way to be malformed has its exit code, natively and as a guest.
static void test_csv_refuses(void **state)
{
    (void)state;
#define HEAD "name,region,amount\n"
    static const struct {
        int exit_code;
        const char *text;
    } cases[] = {
        {10, ""},
        {10, "name,region\n"},
        {10, "name,region,amounts\n"},
        {16, HEAD},
        {11, HEAD "a,b\n"},
        {11, HEAD "a,b,1,2\n"},
        {11, HEAD "\"a,b,1\n"},
        {11, HEAD "\"a\"x,b,1\n"},
        {11, HEAD "a\"x,b,1\n"},
        {11, HEAD "a,b,1\rx"},
        {12, HEAD "a,b,\n"},
        {12, HEAD "a,b,1.\n"},
        {12, HEAD "a,b,1.234\n"},
        {12, HEAD "a,b,--1\n"},
        {12, HEAD "a,b,123456789012345\n"},
        {13, HEAD "a,,1\n"},
        {13, HEAD "a,123456789,1\n"},
        {14, HEAD "x,a,1\nx,b,1\nx,c,1\nx,d,1\nx,e,1\nx,f,1\nx,g,1\nx,h,1\nx,i,1\n"},
        {0, HEAD "x,a,1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const outcome o = run_all("csv", (const uint8_t *)cases[i].text, strlen(cases[i].text));
        if (o.exit_code != cases[i].exit_code)
            fail_msg("%s: exit code %d", cases[i].text, o.exit_code);
    }
    // 1000 times almost 10^16 hundredths: the sum leaves 64 bits.
    static char text[30000];
    size_t n = (size_t)sprintf(text, HEAD);
    for (int i = 0; i < 1000; i++)
        n += (size_t)sprintf(text + n, "a,b,99999999999999\n");
    assert_int_equal(run_all("csv", (const uint8_t *)text, n).exit_code, 15);
}

static void test_lz4(void **state)
{
    (void)state;
    enum { MAX = 100000 };
    static uint8_t data[MAX], block[8 + LZ4_COMPRESSBOUND(MAX)];
    const size_t sizes[] = {0, 1, 13, 300, 5000, MAX};
    test_rng rng = test_rng_new(3);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        // Runs, repeats at all distances, and noise.
        for (size_t i = 0; i < sizes[k];) {
            const uint64_t r = test_rng_u64(&rng);
            const size_t length = 1 + (r >> 8) % 700;
            for (size_t j = 0; j < length && i < sizes[k]; j++, i++)
                data[i] = r % 4 == 0   ? (uint8_t)(r >> 32)
                          : r % 4 == 1 ? (uint8_t)test_rng_u64(&rng)
                          : i > 0      ? data[i - 1 - (r >> 24) % i]
                                       : 0;
        }
        const uint32_t head[2] = {(uint32_t)sizes[k], (uint32_t)crc32(0, data, (uInt)sizes[k])};
        memcpy(block, head, 8);
        const int n = LZ4_compress_default((const char *)data, (char *)block + 8, (int)sizes[k],
                                           (int)sizeof block - 8);
        assert_true(n > 0);
        const size_t total = 8 + (size_t)n;
        outcome o = run_all("lz4", block, total);
        assert_int_equal(o.exit_code, 0);
        assert_memory_equal(o.output, head, 8);
        assert_zero_from(&o, 8);

        block[4] ^= 1;
        assert_int_equal(run_all("lz4", block, total).exit_code, 5);
        block[4] ^= 1;
        block[0] ^= 1; // one more or one fewer byte announced
        assert_in_range(run_all("lz4", block, total).exit_code, 3, 4);
        block[0] ^= 1;
        assert_int_equal(run_all("lz4", block, total - 1).exit_code, 3);
    }
    assert_int_equal(run_all("lz4", block, 7).exit_code, 1);
    block[3] = 0x40;
    assert_int_equal(run_all("lz4", block, 100).exit_code, 2);
    // A match that reaches before the first byte.
    const uint8_t before[] = {20, 0, 0, 0, 0, 0, 0, 0, 0x10, 'a', 2, 0};
    assert_int_equal(run_all("lz4", before, sizeof before).exit_code, 3);
    const uint8_t offset_zero[] = {20, 0, 0, 0, 0, 0, 0, 0, 0x10, 'a', 0, 0};
    assert_int_equal(run_all("lz4", offset_zero, sizeof offset_zero).exit_code, 3);
}

static void test_mix(void **state)
{
    (void)state;
    const uint32_t rounds = 7;
    outcome o = run_all("mix", (const uint8_t *)&rounds, sizeof rounds);
    assert_int_equal(o.exit_code, 0);
    assert_int_equal(o.output[0], 7);
    for (size_t i = 0; i < 4; i++)
        assert_true(u64_at(&o, 4 + 8 * i) != 0);
    const uint32_t more = 8;
    const outcome p = run_all("mix", (const uint8_t *)&more, sizeof more);
    for (size_t i = 0; i < 4; i++)
        assert_true(u64_at(&o, 4 + 8 * i) != u64_at(&p, 4 + 8 * i));
}

static void test_library(void **state)
{
    (void)state;
    static const char expected[] = "9223372036854775808 -5 0xabc   hey|12  |z 00001234";
    const outcome o = run_all("library", NULL, 0);
    assert_int_equal(o.exit_code, 0);
    assert_memory_equal(o.output, expected, sizeof expected);
    // By either compiler; what is printed goes through the UART.
    static const char *const builds[] = {"library", "library-clang"};
    for (int k = 0; k < 2; k++) {
        const outcome z = run_zisk(builds[k], NULL, 0);
        assert_int_equal(z.exit_code, 0);
        assert_memory_equal(z.output, expected, sizeof expected);
        assert_memory_equal(z.printed, "> ", 2);
        assert_memory_equal(z.printed + 2, expected, strlen(expected));
        assert_int_equal(z.printed[2 + strlen(expected)], '\n');
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fibonacci), cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_csv),       cmocka_unit_test(test_csv_refuses),
        cmocka_unit_test(test_lz4),       cmocka_unit_test(test_mix),
        cmocka_unit_test(test_library),
    };
    return guest_run_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
