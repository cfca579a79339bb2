// SPDX-License-Identifier: Apache-2.0 OR MIT
// Parts of keys and heads of proof files that are refused, each for its own reason; the digest
// would refuse most of them, too, but sizes and bounds have to hold before it can be looked at.
#include "unit/test.h"

#include <stdlib.h>

#include "verifier/program_verify.h"

static zisk_machine *z;
enum { ENTRY = 0x1000 };

static int set_up(void **state)
{
    (void)state;
    vm_map map = vm_map_get(VM_ABI_C);
    return zisk_machine_new(&z, &map) == ZK_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    zisk_machine_free(z);
    return 0;
}

// Why a file is refused that has the right head for some program, under a hash, and no proof.
static const char *reason_under(hash_id id)
{
    const hash_ops *hash = hash_get(id);
    proof_key key = {.machine = &z->m,
                     .hash = hash,
                     .program = zisk_program_digest(VM_ABI_C, ENTRY, hash),
                     .preprocessed_class = WHIR_CLASS_20};
    for (uint32_t s = 0; s < z->m.n_slots; s++)
        key.preprocessed_heights[s] = z->m.slots[s].c->n_preprocessed > 0 ? 10 : 0;
    assert_int_equal(proof_key_seal(&key), ZK_OK);
    uint32_t publics[BUNDLE_PUBLICS] = {0};
    contribution c = {.header = {.class_id = WHIR_CLASS_20}};
    size_t n = bundle_head_words(z->m.n_slots, 1);
    uint64_t *words = calloc(n, sizeof *words);
    assert_non_null(words);
    bundle_write_head(words, &key, VM_ABI_C, ENTRY, publics, &c, 1);
    assert_int_equal(zisk_verify(NULL, words, n, key.digest, publics), ZK_EPROOF);
    free(words);
    return status_message();
}

// A key under another hash is another key, whatever its digest.
static void only_one_hash_is_accepted(void **state)
{
    (void)state;
    assert_string_equal(reason_under(HASH_POSEIDON), "the file ends early");
    assert_string_equal(reason_under(HASH_POSEIDON2), "a hash that programs are not proved with");
}

// ---- The parts of a key ------------------------------------------------------------------------

static size_t good_key(uint64_t words[PROGRAM_KEY_MAX_WORDS], proof_key *key)
{
    const hash_ops *hash = hash_get(ZISK_PROOF_HASH);
    *key = (proof_key){.machine = &z->m,
                       .hash = hash,
                       .program = zisk_program_digest(VM_ABI_C, ENTRY, hash),
                       .preprocessed_class = WHIR_CLASS_FIXED_17};
    for (uint32_t s = 0; s < z->m.n_slots; s++)
        key->preprocessed_heights[s] = z->m.slots[s].c->n_preprocessed > 0 ? 10 : 0;
    assert_int_equal(proof_key_seal(key), ZK_OK);
    return program_key_write(words, key, VM_ABI_C, ENTRY);
}

static void expect_key(const uint64_t *words, size_t n, digest expected, const char *reason)
{
    program_key k;
    assert_int_equal(program_key_open(&k, words, n, expected), ZK_EPROOF);
    if (strncmp(status_message(), reason, strlen(reason)) != 0)
        fail_msg("refused because \"%s\" instead of \"%s\"", status_message(), reason);
    assert_null(k.z);
}

static void malformed_keys(void **state)
{
    (void)state;
    uint64_t good[PROGRAM_KEY_MAX_WORDS + 1] = {0};
    proof_key key;
    size_t n = good_key(good, &key);
    program_key k;
    assert_int_equal(program_key_open(&k, good, n, key.digest), ZK_OK);
    assert_true(digest_equal(k.key.digest, key.digest));
    program_key_close(&k);

    size_t fixed = PROGRAM_KEY_FIXED_WORDS, without = fixed, with = fixed;
    while (key.preprocessed_heights[without - fixed] != 0)
        without++;
    while (key.preprocessed_heights[with - fixed] == 0)
        with++;
    const struct {
        size_t at;
        uint64_t value;
        const char *reason;
    } cases[] = {
        {0, HASH_POSEIDON2, "a hash that programs are not proved with"},
        {0, 1ULL << 32 | HASH_POSEIDON, "a hash that programs are not proved with"},
        {1, 'D', "an unknown memory map"},
        {1, 1ULL << 32 | 'C', "an unknown memory map"},
        {2, 1ULL << 32, "an entry point outside the address space"},
        {3, good[3] + 1, "an impossible machine"},
        {3, good[3] - 1, "an impossible machine"},
        {3, UINT64_MAX, "an impossible machine"},
        {4, WHIR_CLASS_TEST_14, "an unknown parameter class"},
        {4, 0x100 + WHIR_CLASS_FIXED_14, "an unknown parameter class"},
        {4, 1ULL << 32 | WHIR_CLASS_FIXED_14, "an unknown parameter class"},
        {5, FE_P, "the root of the program is malformed"},
        {8, UINT64_MAX, "the root of the program is malformed"},
        {with, CHIP_MAX_LOG_HEIGHT + 1, "a height is out of range"},
        {with, 256 + 10, "a height is out of range"},
        {with, 0, "the key is malformed: "},
        {without, 10, "the key is malformed: "},
        {with, INSTANCE_MIN_LOG_HEIGHT - 1, "the key is malformed: chip "},
        {with, 16, "the key is malformed: chip "},
        {with, 15, "the key is malformed: the preprocessed columns take "},
        {4, WHIR_CLASS_FIXED_14, "the key is malformed: the preprocessed columns take "},
        {1, 'B', "the proof is of another program"},
        {2, ENTRY + 4, "the proof is of another program"},
        {4, WHIR_CLASS_FIXED_20, "the proof is of another program"},
        {6, good[6] + 1, "the proof is of another program"},
        {with, 11, "the proof is of another program"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t words[PROGRAM_KEY_MAX_WORDS + 1];
        memcpy(words, good, sizeof words);
        words[cases[i].at] = cases[i].value;
        expect_key(words, n, key.digest, cases[i].reason);
    }
    for (size_t m = 0; m < n; m++)
        expect_key(good, m, key.digest, "an impossible machine");
    expect_key(good, n + 1, key.digest, "an impossible machine");
    uint64_t words[PROGRAM_KEY_MAX_WORDS + 1]; // the number of words fits, the machine does not
    memcpy(words, good, sizeof words);
    words[3]++;
    expect_key(words, n + 1, key.digest, "the proof is of another machine");
    digest other = key.digest;
    other.e[3] ^= 1;
    expect_key(good, n, other, "the proof is of another program");
}

// ---- The head of a file ------------------------------------------------------------------------

// Words 12 and on: key digest, publics, root, heights, the contribution.
enum { AT_DIGEST = 12, AT_PUBLICS = 16, AT_ROOT = 80, AT_HEIGHTS = 84 };

static void malformed_heads(void **state)
{
    (void)state;
    uint64_t parts[PROGRAM_KEY_MAX_WORDS];
    proof_key key;
    (void)good_key(parts, &key);
    uint32_t publics[BUNDLE_PUBLICS] = {5};
    contribution c = {.header = {.class_id = WHIR_CLASS_20}};
    size_t n_slots = z->m.n_slots, n = bundle_head_words(n_slots, 1), at = AT_HEIGHTS + n_slots;
    uint64_t *words = calloc(n, sizeof *words);
    assert_non_null(words);
    bundle_write_head(words, &key, VM_ABI_C, ENTRY, publics, &c, 1);
    const struct {
        size_t at;
        uint64_t value;
        const char *reason;
    } cases[] = {
        {0, words[0] ^ 1, "not a proof file"},
        {1, BUNDLE_VERSION + 1, "a proof file of another version"},
        {2, BUNDLE_KIND_INSTANCES + 1, "a proof of an unknown kind"},
        {5, 1ULL << 32 | ENTRY, "an entry point outside the address space"},
        {6, 0, "an impossible machine"},
        {6, MACHINE_MAX_SLOTS + 1, "an impossible machine"},
        {6, UINT64_MAX, "an impossible machine"},
        {7, 0, "the number of instances is out of range"},
        {7, JOB_MAX_INSTANCES + 1, "the number of instances is out of range"},
        {7, JOB_MAX_INSTANCES, "the file ends early"},
        {7, 2, "the file ends early"},
        {8, 1ULL << 32 | WHIR_CLASS_FIXED_14, "an unknown parameter class"},
        {9, 1, "a reserved word is not zero"},
        {11, 1ULL << 63, "a reserved word is not zero"},
        {AT_DIGEST + 1, FE_P, "the key digest is malformed"},
        {AT_DIGEST, words[AT_DIGEST] + 1, "the proof is of another program"},
        {AT_PUBLICS + 63, 1ULL << 32, "a public output has more than 32 bits"},
        {AT_PUBLICS, 6, "public output 0 is 0x00000006 in the proof, not 0x00000005"},
        {AT_ROOT, FE_P, "the root of the program is malformed"},
        {AT_ROOT + 3, words[AT_ROOT + 3] + 1, "the proof is of another program"},
        {AT_HEIGHTS, CHIP_MAX_LOG_HEIGHT + 1, "a height is out of range"},
        {AT_HEIGHTS, 256, "a height is out of range"},
        {at, 256 + WHIR_CLASS_20, "contribution 0 is malformed"},
        {at, WHIR_CLASS_TEST_14, "unknown parameter class"},
        {at + 1, 2, "contribution 0 is malformed"},
        {at + 2, FE_P, "contribution 0 is malformed"},
        {at + 8, FE_P, "contribution 0 is malformed"},
        {at + 9, 256 + 6, "contribution 0 is malformed"},
        {at + 9, CHIP_MAX_LOG_HEIGHT + 1, "contribution 0 is malformed"},
        {0, words[0], "the file ends early"}, // unchanged: the proof is missing
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t keep = words[cases[i].at];
        words[cases[i].at] = cases[i].value;
        assert_int_equal(zisk_verify(NULL, words, n, key.digest, publics), ZK_EPROOF);
        assert_string_equal(status_message(), cases[i].reason);
        words[cases[i].at] = keep;
    }
    for (size_t m = 0; m < n; m++) {
        assert_int_equal(zisk_verify(NULL, words, m, key.digest, publics), ZK_EPROOF);
        assert_string_equal(status_message(),
                            m < AT_HEIGHTS ? "not a proof file" : "the file ends early");
    }
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_one_hash_is_accepted),
                                       cmocka_unit_test(malformed_keys),
                                       cmocka_unit_test(malformed_heads)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
