// SPDX-License-Identifier: Apache-2.0 OR MIT
// The packed record gives every chunk back, from memory and from the file.
#include "random_guest.h"
#include "run_guest.h"

#include "vm/vm_record.h"

typedef struct fixture {
    guest g;
    kept_run k;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    test_rng rng = test_rng_new(5);
    random_guest(&f->g, &rng, 8, 100);
    assert_int_equal(run_guest(&f->k, &f->g, (vm_options){.chunk_log = 6}), ZK_OK);
    assert_true(f->k.n_chunks > 10);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    kept_run_clear(&f->k);
    guest_clear(&f->g);
    free(f);
    return 0;
}

// A chunk with free words and the largest timestamp, which a random guest does not have.
static vm_chunk special_chunk(const kept_run *k, vm_touch *touch, const uint64_t *words)
{
    vm_chunk c = k->chunks[0];
    *touch = (vm_touch){.address = 0xbffffff8, .value = 1ULL << 63, .ts = (1ULL << VM_TS_BITS) - 1};
    c.touches = touch;
    c.n_touches = 1;
    c.free_words = words;
    c.n_free_words = 3;
    return c;
}

static void expect_equal(const vm_chunk *a, const vm_chunk *b)
{
    assert_int_equal(a->n_touches, b->n_touches);
    assert_int_equal(a->n_free_words, b->n_free_words);
    for (uint64_t t = 0; t < a->n_touches; t++) {
        assert_int_equal(a->touches[t].address, b->touches[t].address);
        assert_int_equal(a->touches[t].value, b->touches[t].value);
        assert_int_equal(a->touches[t].ts, b->touches[t].ts);
    }
    if (a->n_free_words != 0)
        assert_memory_equal(a->free_words, b->free_words, 8 * a->n_free_words);
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->n_steps, b->n_steps);
    assert_memory_equal(&a->start, &b->start, sizeof a->start);
    assert_memory_equal(&a->rows, &b->rows, sizeof a->rows);
}

static void round_trip(const kept_run *k, uint64_t budget, bool spills)
{
    vm_record *r;
    vm_chunk_buffer buffer = {0};
    vm_chunk c;
    vm_touch touch;
    const uint64_t words[3] = {1, UINT64_MAX, 3};
    vm_chunk special = special_chunk(k, &touch, words);
    assert_int_equal(vm_record_open(&r, budget, "/tmp"), ZK_OK);
    for (uint64_t n = 0; n < k->n_chunks; n++)
        assert_int_equal(vm_record_take(r, &k->chunks[n]), ZK_OK);
    special.index = k->n_chunks;
    assert_int_equal(vm_record_take(r, &special), ZK_OK);
    assert_int_equal(vm_record_chunks(r), k->n_chunks + 1);
    assert_true((vm_record_spilled_bytes(r) != 0) == spills);
    assert_true(vm_record_bytes(r) >= vm_record_spilled_bytes(r));
    assert_int_equal(vm_record_get(&c, &buffer, r, k->n_chunks), ZK_OK);
    expect_equal(&c, &special);
    for (uint64_t n = k->n_chunks; n-- > 0;) {
        assert_int_equal(vm_record_get(&c, &buffer, r, n), ZK_OK);
        expect_equal(&c, &k->chunks[n]);
        assert_memory_equal(vm_record_rows(r, n), &k->chunks[n].rows, sizeof c.rows);
    }
    assert_int_equal(vm_record_get(&c, &buffer, r, k->n_chunks + 1), ZK_EINVAL);
    vm_chunk_buffer_clear(&buffer);
    vm_record_close(r);
}

static void chunks_come_back(void **state)
{
    const fixture *f = *state;
    round_trip(&f->k, UINT64_MAX, false);
    round_trip(&f->k, 0, true);
    round_trip(&f->k, 20000, true); // a part here, a part there
}

static void what_cannot_be_kept(void **state)
{
    const fixture *f = *state;
    vm_record *r;
    assert_int_equal(vm_record_open(&r, 0, NULL), ZK_OK);
    assert_int_equal(vm_record_take(r, &f->k.chunks[0]), ZK_ELIMIT);
    assert_int_equal(vm_record_chunks(r), 0);
    assert_int_equal(vm_record_take(r, &f->k.chunks[1]), ZK_EINVAL); // out of order
    vm_record_close(r);
    assert_int_equal(vm_record_open(&r, 0, "/nowhere/at/all"), ZK_OK);
    assert_int_equal(vm_record_take(r, &f->k.chunks[0]), ZK_EIO);
    assert_non_null(strstr(status_message(), "/nowhere/at/all"));
    vm_record_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_come_back),
        cmocka_unit_test(what_cannot_be_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
