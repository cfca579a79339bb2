// SPDX-License-Identifier: Apache-2.0 OR MIT
// bigmem and arena.
#include "unit/test.h"

#include "base/arena.h"
#include "base/bigmem.h"

static void blocks_are_zero_aligned_and_exclusive(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4095, 4096, 4097, (2 << 20) - 1, 2 << 20, (2 << 20) + 1};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    unsigned char *blocks[SIZES];
    for (size_t i = 0; i < SIZES; i++) {
        assert_int_equal(bigmem_alloc((void **)&blocks[i], sizes[i], 1), ZK_OK);
        size_t alignment = sizes[i] >= BIGMEM_HUGE_PAGE ? BIGMEM_HUGE_PAGE : 4096;
        assert_int_equal((uintptr_t)blocks[i] % alignment, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], 0xff, sizes[i]);
    }
    for (size_t i = 0; i < SIZES; i++)
        bigmem_free(blocks[i], sizes[i], 1);
}

// Only the touched pages cost memory, so this runs on small machines too.
static void multi_gigabyte_block(void **state)
{
    (void)state;
    const size_t n = (size_t)5 << 27; // 5 GiB of words
    uint64_t *block;
    assert_int_equal(bigmem_alloc((void **)&block, n, sizeof *block), ZK_OK);
    block[0] = 1;
    block[n - 1] = 2;
    assert_int_equal(block[n / 2], 0);
    assert_int_equal(block[0] + block[n - 1], 3);
    bigmem_free(block, n, sizeof *block);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    void *p = state;
    assert_int_equal(bigmem_alloc(&p, SIZE_MAX, 2), ZK_ENOMEM);
    assert_null(p);
    assert_int_equal(bigmem_alloc(&p, SIZE_MAX, 1), ZK_ENOMEM);
    assert_int_equal(bigmem_alloc(&p, (size_t)1 << 62, 1), ZK_ENOMEM);
    assert_int_equal(bigmem_alloc(&p, 0, 8), ZK_OK);
    assert_null(p);
    bigmem_free(NULL, 7, 8);
}

// What is given back serves the next block, joined and split; it is zero only when asked for.
static void blocks_are_reused(void **state)
{
    (void)state;
    enum { PAGE = 2 << 20 };
    unsigned char *a, *b, *all;
    bigmem_trim();
    size_t before = bigmem_usage_now().in_use;
    assert_int_equal(bigmem_new(&a, (size_t)8 * PAGE), ZK_OK);
    memset(a, 0xff, (size_t)8 * PAGE);
    bigmem_free(a, (size_t)8 * PAGE, 1);
    size_t mapped = bigmem_usage_now().mapped;
    assert_int_equal(bigmem_usage_now().kept, 8 * PAGE);

    assert_int_equal(bigmem_alloc((void **)&a, (size_t)3 * PAGE - 1, 1), ZK_OK);
    assert_int_equal(bigmem_new(&b, (size_t)5 * PAGE), ZK_OK);
    assert_true(a + 3 * PAGE == b || b + 5 * PAGE == a);
    for (size_t i = 0; i < (size_t)3 * PAGE - 1; i++)
        assert_int_equal(a[i], 0);
    bigmem_free(a, (size_t)3 * PAGE - 1, 1);
    bigmem_free(b, (size_t)5 * PAGE, 1);
    assert_int_equal(bigmem_new(&all, (size_t)8 * PAGE), ZK_OK);
    assert_int_equal(bigmem_usage_now().mapped, mapped);
    bigmem_free(all, (size_t)8 * PAGE, 1);
    bigmem_trim();
    assert_int_equal(bigmem_usage_now().kept, 0);
    assert_int_equal(bigmem_usage_now().in_use, before);
}

// Random blocks: disjoint, and never more held than was once in use.
static void kept_blocks_do_not_raise_the_peak(void **state)
{
    (void)state;
    enum { N = 24, ROUNDS = 2000 };
    test_rng rng = test_rng_new(2);
    unsigned char *block[N] = {NULL};
    size_t bytes[N] = {0};
    bigmem_trim();
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = test_rng_u64(&rng) % N;
        if (block[i] != NULL) {
            assert_int_equal(block[i][0], i);
            assert_int_equal(block[i][bytes[i] - 1], i);
            bigmem_free(block[i], bytes[i], 1);
            block[i] = NULL;
        } else {
            bytes[i] = BIGMEM_HUGE_PAGE + test_rng_u64(&rng) % (8 * BIGMEM_HUGE_PAGE);
            assert_int_equal(bigmem_new(&block[i], bytes[i]), ZK_OK);
            block[i][0] = block[i][bytes[i] - 1] = (unsigned char)i;
        }
        bigmem_usage u = bigmem_usage_now();
        assert_true(u.in_use + u.kept <= u.peak);
    }
    for (size_t i = 0; i < N; i++)
        bigmem_free(block[i], bytes[i], 1);
    bigmem_trim();
    assert_int_equal(bigmem_usage_now().kept, 0);
}

static void arena_hands_out_disjoint_aligned_memory(void **state)
{
    (void)state;
    enum { N = 500 };
    test_rng rng = test_rng_new(1);
    arena a;
    arena_init(&a, 0);
    unsigned char *p[N];
    size_t size[N];
    for (int i = 0; i < N; i++) {
        size[i] = test_rng_u64(&rng) % (i % 50 == 0 ? 300000 : 3000);
        assert_int_equal(arena_alloc((void **)&p[i], &a, size[i], 1), ZK_OK);
        assert_int_equal((uintptr_t)p[i] % ARENA_ALIGNMENT, 0);
        memset(p[i], i, size[i]);
    }
    for (int i = 0; i < N; i++)
        for (size_t j = 0; j < size[i]; j++)
            assert_int_equal(p[i][j], i & 255);
    arena_clear(&a);
    assert_int_equal(a.reserved, 0);
}

static void arena_rewinds_and_keeps_its_memory(void **state)
{
    (void)state;
    arena a;
    arena_init(&a, 0);
    uint64_t *before, *x, *y;
    assert_int_equal(arena_new(&before, &a, 4), ZK_OK);
    before[3] = 77;
    arena_mark mark = arena_save(&a);
    assert_int_equal(arena_new(&x, &a, 100), ZK_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(arena_new(&y, &a, 50000), ZK_OK);
        y[49999] = 1;
    }
    size_t reserved = a.reserved;
    for (int round = 0; round < 3; round++) {
        arena_rewind(&a, mark);
        assert_int_equal(arena_new(&y, &a, 100), ZK_OK);
        assert_ptr_equal(x, y); // the same place again
        for (int i = 0; i < 20; i++)
            assert_int_equal(arena_new(&y, &a, 50000), ZK_OK);
    }
    assert_int_equal(a.reserved, reserved);
    assert_int_equal(before[3], 77);
    arena_reset(&a);
    assert_int_equal(arena_new(&y, &a, 4), ZK_OK);
    assert_ptr_equal(before, y);
    arena_clear(&a);
}

static void mark_of_an_empty_arena(void **state)
{
    (void)state;
    arena a;
    arena_init(&a, 0);
    arena_mark mark = arena_save(&a);
    arena_rewind(&a, mark);
    char *x, *y;
    assert_int_equal(arena_new(&x, &a, 10), ZK_OK);
    arena_rewind(&a, mark);
    assert_int_equal(arena_new(&y, &a, 10), ZK_OK);
    assert_ptr_equal(x, y);
    arena_clear(&a);
}

static void arena_limit_holds(void **state)
{
    (void)state;
    arena a;
    arena_init(&a, 1 << 20);
    char *p;
    assert_int_equal(arena_new(&p, &a, 2 << 20), ZK_ELIMIT);
    assert_null(p);
    size_t got = 0;
    while (arena_new(&p, &a, 1000) == ZK_OK) {
        p[999] = 1;
        got += 1000;
    }
    assert_in_range(got, 900 << 10, 1 << 20);
    assert_true(a.reserved <= 1 << 20);
    uint64_t *words;
    assert_int_equal(arena_new(&words, &a, SIZE_MAX / 4), ZK_ENOMEM);
    arena_clear(&a);
    assert_int_equal(arena_new(&p, &a, 1000), ZK_OK); // the limit stays, the memory is back
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_zero_aligned_and_exclusive),
        cmocka_unit_test(multi_gigabyte_block),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(blocks_are_reused),
        cmocka_unit_test(kept_blocks_do_not_raise_the_peak),
        cmocka_unit_test(arena_hands_out_disjoint_aligned_memory),
        cmocka_unit_test(arena_rewinds_and_keeps_its_memory),
        cmocka_unit_test(mark_of_an_empty_arena),
        cmocka_unit_test(arena_limit_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
