// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "transcript/transcript.h"

static transcript fresh(void)
{
    transcript t;
    transcript_init(&t, hash_get(HASH_POSEIDON), 77);
    return t;
}

static const fe numbers[64] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                               18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34};

// The header's text, written out by hand: two elements, a squeeze of one, an absorb of 13, which
// does not fit one rate, and squeezes across the end of a rate.
static void states_by_hand(void **state)
{
    (void)state;
    const hash_ops *hash = hash_get(HASH_POSEIDON);
    transcript t = fresh();
    fe s[16] = {[13] = 77, [14] = 2};

    transcript_absorb_fe(&t, LABEL_ROOT, numbers, 2);
    s[0] = 6ULL << 32 | 2, s[1] = 1, s[2] = 2;
    s[12] = 1;
    hash_permute(hash, s);
    assert_int_equal(transcript_squeeze_fe(&t), s[0]);

    transcript_absorb_fe(&t, LABEL_KEY, numbers, 13);
    s[12] = fe_add(s[12], 1);
    s[0] = 2ULL << 32 | 13;
    memcpy(s + 1, numbers, 11 * sizeof(fe));
    hash_permute(hash, s);
    s[0] = 12, s[1] = 13;
    memset(s + 2, 0, 10 * sizeof(fe));
    s[12] = fe_add(s[12], 1);
    hash_permute(hash, s);
    for (int i = 0; i < 12; i++)
        assert_int_equal(transcript_squeeze_fe(&t), s[i]);
    hash_permute(hash, s);
    fe3 a = transcript_squeeze_fe3(&t);
    assert_memory_equal(a.c, s, sizeof a);
    digest d = transcript_squeeze_digest(&t);
    assert_memory_equal(d.e, s + 3, sizeof d);
}

// An exactly full rate is permuted once, by the squeeze.
static void full_rate_by_hand(void **state)
{
    (void)state;
    transcript t = fresh();
    transcript_absorb_fe(&t, LABEL_ROOT, numbers, 11);
    fe s[16] = {[12] = 1, [13] = 77, [14] = 2};
    s[0] = 6ULL << 32 | 11;
    memcpy(s + 1, numbers, 11 * sizeof(fe));
    hash_permute(hash_get(HASH_POSEIDON), s);
    assert_int_equal(transcript_squeeze_fe(&t), s[0]);
}

// Pinned: a change of this value is a change of every proof. Computed by a second implementation
// (written from the header, in another language).
static void known_answer(void **state)
{
    (void)state;
    transcript t = fresh();
    transcript_absorb_bytes(&t, LABEL_BYTES, "known answer", 12);
    transcript_absorb_u64(&t, LABEL_COUNT, 0x123456789ABCDEF0ULL);
    transcript_absorb_digest(&t, LABEL_ROOT, (digest){{1, 2, 3, FE_P - 1}});
    fe3 a = transcript_squeeze_fe3(&t);
    transcript_absorb_fe3(&t, LABEL_WHIR_ROUND, &a, 1);
    uint64_t indices[2];
    transcript_squeeze_indices(&t, 32, indices, 2);
    digest d = transcript_squeeze_digest(&t);
    const fe expected[9] = {
        16062868580110577421ULL, 6811376950738151240ULL, 5243806418680728852ULL,
        3173252434ULL,           331954906ULL,           13641662600564824854ULL,
        12994576467034547668ULL, 1648715281845259743ULL, 15504935888486826940ULL};
    assert_memory_equal(a.c, expected, 24);
    assert_memory_equal(indices, expected + 3, 16);
    assert_memory_equal(d.e, expected + 5, 32);
}

// A program of calls, small enough to try all of them: each digit is one call.
enum { N_CALLS = 6 };
static void call(transcript *t, unsigned which)
{
    switch (which) {
    case 0:
        transcript_absorb_fe(t, LABEL_ROOT, NULL, 0);
        break;
    case 1:
        transcript_absorb_fe(t, LABEL_ROOT, numbers, 1);
        break;
    case 2:
        transcript_absorb_fe(t, LABEL_KEY, numbers, 1);
        break;
    case 3:
        transcript_absorb_fe(t, LABEL_ROOT, numbers, 2);
        break;
    case 4:
        transcript_absorb_fe(t, LABEL_ROOT, numbers, 12);
        break;
    default:
        (void)transcript_squeeze_fe(t);
    }
}

// All sequences of up to 4 calls: those that differ in what was absorbed, or in where absorbing
// stopped for a squeeze, give different challenges. Only squeezes at the very end may be equal
// between sequences: they read on in one output.
static void all_short_sequences_differ(void **state)
{
    (void)state;
    enum { LENGTH = 4, MAX = 1 + 6 + 36 + 216 + 1296 };
    static digest seen[MAX];
    static unsigned id[MAX][LENGTH + 1];
    size_t n = 0;
    for (unsigned length = 0; length <= LENGTH; length++) {
        unsigned count = 1;
        for (unsigned i = 0; i < length; i++)
            count *= N_CALLS;
        for (unsigned code = 0; code < count; code++) {
            transcript t = fresh();
            unsigned c = code;
            for (unsigned i = 0; i < length; i++, c /= N_CALLS) {
                id[n][i] = c % N_CALLS;
                call(&t, id[n][i]);
            }
            id[n][LENGTH] = length;
            if (length > 0 && id[n][length - 1] == N_CALLS - 1)
                continue;
            // Several squeezes in a row between absorbs are one phase.
            bool repeated = false;
            for (unsigned i = 0; i + 1 < length; i++)
                repeated |= id[n][i] == N_CALLS - 1 && id[n][i + 1] == N_CALLS - 1;
            if (repeated)
                continue;
            seen[n++] = transcript_squeeze_digest(&t);
        }
    }
    assert_true(n > 900);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(digest_equal(seen[i], seen[j]));
}

static void domain_and_hash_matter(void **state)
{
    (void)state;
    digest d[3];
    for (int i = 0; i < 3; i++) {
        transcript t;
        transcript_init(&t, hash_get(i == 2 ? HASH_POSEIDON2 : HASH_POSEIDON), i == 1 ? 78 : 77);
        d[i] = transcript_squeeze_digest(&t);
    }
    assert_false(digest_equal(d[0], d[1]));
    assert_false(digest_equal(d[0], d[2]));
}

static void bytes_are_padded_unambiguously(void **state)
{
    (void)state;
    static const unsigned char data[3][40] = {{0}, {1}, {0}};
    digest seen[120];
    size_t n = 0;
    for (size_t length = 0; length <= 40; length++) {
        for (int k = 0; k < (length == 0 ? 1 : 2); k++) {
            transcript t = fresh();
            transcript_absorb_bytes(&t, LABEL_BYTES, data[k], length);
            seen[n++] = transcript_squeeze_digest(&t);
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(digest_equal(seen[i], seen[j]));
}

static void bytes_are_seven_to_an_element(void **state)
{
    (void)state;
    transcript a = fresh(), b = fresh();
    transcript_absorb_bytes(&a, LABEL_BYTES, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    const fe elements[2] = {0x07060504030201ULL, 0x0108ULL};
    transcript_absorb_fe(&b, LABEL_BYTES, elements, 2);
    assert_memory_equal(a.state, b.state, sizeof a.state);
}

static void compound_values_are_their_elements(void **state)
{
    (void)state;
    transcript a = fresh(), b = fresh();
    fe3 two[2] = {{{1, 2, 3}}, {{4, 5, 6}}};
    transcript_absorb_fe3(&a, LABEL_CLAIMS, two, 2);
    transcript_absorb_u64(&a, LABEL_COUNT, 8ULL << 32 | 7);
    transcript_absorb_fe(&b, LABEL_CLAIMS, numbers, 6);
    transcript_absorb_fe(&b, LABEL_COUNT, numbers + 6, 2);
    assert_memory_equal(a.state, b.state, sizeof a.state);
    assert_int_equal(a.position, b.position);
}

// The two ways to squeeze an index agree, for every bound.
static void index_bits_are_the_index(void **state)
{
    (void)state;
    for (unsigned log_bound = 0; log_bound <= 32; log_bound++) {
        transcript a = fresh(), b = fresh();
        uint64_t indices[30];
        transcript_squeeze_indices(&a, log_bound, indices, 30);
        for (int i = 0; i < 30; i++) {
            fe bits[32];
            uint64_t value = 0;
            transcript_squeeze_index_bits(&b, log_bound, bits);
            for (unsigned k = 0; k < log_bound; k++) {
                assert_true(bits[k] <= 1);
                value |= bits[k] << k;
            }
            assert_int_equal(value, indices[i]);
            assert_int_equal(indices[i] >> log_bound, 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_by_hand),
        cmocka_unit_test(full_rate_by_hand),
        cmocka_unit_test(known_answer),
        cmocka_unit_test(all_short_sequences_differ),
        cmocka_unit_test(domain_and_hash_matter),
        cmocka_unit_test(bytes_are_padded_unambiguously),
        cmocka_unit_test(bytes_are_seven_to_an_element),
        cmocka_unit_test(compound_values_are_their_elements),
        cmocka_unit_test(index_bits_are_the_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
