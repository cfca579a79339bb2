// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "base/pool.h"
#include "transcript/transcript.h"

// A transcript whose nonce comes to stand at rate position `position` + 1 (the header at
// `position`), after a squeeze or not.
static transcript prepared(unsigned position, bool squeezed, unsigned salt)
{
    transcript t;
    transcript_init(&t, hash_get(HASH_POSEIDON), salt);
    const fe filler[16] = {3, 1, 4, 1, 5, 9, 2, 6};
    if (squeezed) {
        transcript_absorb_fe(&t, LABEL_ROOT, filler, 5);
        (void)transcript_squeeze_fe(&t);
    }
    if (position > 0)
        transcript_absorb_fe(&t, LABEL_ROOT, filler, position - 1);
    return t;
}

static bool is_valid(const transcript *t, unsigned bits, uint64_t nonce)
{
    transcript copy = *t;
    return transcript_check_nonce(&copy, bits, nonce);
}

static void smallest_by_trying_all(void **state)
{
    (void)state;
    for (unsigned position = 0; position <= HASH_RATE; position++) {
        for (int squeezed = 0; squeezed <= 1; squeezed++) {
            for (unsigned bits = 0; bits <= 6; bits += 3) {
                transcript t = prepared(position, squeezed, position);
                uint64_t expected = 0, nonce;
                while (!is_valid(&t, bits, expected))
                    expected++;
                transcript checked = t;
                assert_true(transcript_check_nonce(&checked, bits, expected));
                assert_int_equal(transcript_grind(&t, bits, NULL, &nonce), ZK_OK);
                assert_int_equal(nonce, expected);
                // Both sides stand at the same place afterwards.
                assert_memory_equal(t.state, checked.state, sizeof t.state);
                assert_int_equal(t.position, checked.position);
                assert_int_equal(transcript_squeeze_fe(&t), transcript_squeeze_fe(&checked));
            }
        }
    }
}

static void same_nonce_for_any_threads(void **state)
{
    (void)state;
    static const unsigned n_threads[] = {1, 2, 7};
    for (unsigned salt = 0; salt < 6; salt++) {
        uint64_t nonces[4];
        transcript t = prepared(2, true, salt);
        assert_int_equal(transcript_grind(&t, 12, NULL, &nonces[3]), ZK_OK);
        for (int i = 0; i < 3; i++) {
            pool *threads;
            assert_int_equal(pool_open(&threads, n_threads[i]), ZK_OK);
            t = prepared(2, true, salt);
            assert_int_equal(transcript_grind(&t, 12, threads, &nonces[i]), ZK_OK);
            assert_int_equal(nonces[i], nonces[3]);
            pool_close(threads);
        }
    }
}

static void invalid_nonces_are_refused(void **state)
{
    (void)state;
    transcript t = prepared(0, false, 1);
    assert_true(is_valid(&t, 0, 0));
    assert_false(is_valid(&t, 0, 1)); // one encoding where nothing is to be ground
    uint64_t nonce;
    transcript ground = t;
    assert_int_equal(transcript_grind(&ground, 8, NULL, &nonce), ZK_OK);
    assert_true(is_valid(&t, 8, nonce));
    for (uint64_t n = 0; n < nonce; n++)
        assert_false(is_valid(&t, 8, n));
    assert_false(is_valid(&t, 8, nonce + FE_P)); // the same residue
    assert_false(is_valid(&t, 8, UINT64_MAX));
    // Some nonce from 2^40 on passes the bits, and is refused for its size.
    uint64_t large = 1ULL << 40;
    for (;; large++) {
        transcript copy = t;
        fe bits[8], any = 0;
        transcript_nonce_bits(&copy, large, 8, bits);
        for (int i = 0; i < 8; i++)
            any |= bits[i];
        if (any == 0)
            break;
    }
    assert_false(is_valid(&t, 8, large));
    assert_int_equal(transcript_grind(&t, 33, NULL, &nonce), ZK_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smallest_by_trying_all),
        cmocka_unit_test(same_nonce_for_any_threads),
        cmocka_unit_test(invalid_nonces_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
