// SPDX-License-Identifier: Apache-2.0 OR MIT
// Headers that no honest prover sends. The verifier looks at them before it looks at the proof, so
// with a proof of zeros the first thing that is wrong is the header, or else GKR's root.
#include "toy_world.h"

static const char header_is_fine[] = "the denominator of the bus sum is zero";
static instance_scratch scratch;

static const char *reason_of(const proof_key *k, const instance_header *header)
{
    contribution c = {.header = *header};
    job_statement statement = {.key = k, .allow_test_classes = true};
    job_root root;
    const char *reason = job_root_open(&root, &statement, &c, 1);
    if (reason != NULL)
        return reason;
    size_t n = instance_proof_words(k, whir_params_any(header->class_id), header->preprocessed);
    uint64_t *words = test_calloc(n, sizeof *words);
    instance_share share;
    reason = job_instance_check(&share, &statement, &root, &c, words, n, &scratch);
    assert_non_null(reason);
    test_free(words);
    return reason;
}

// What the prover refuses to make, the verifier refuses, and the other way round.
static void expect(const proof_key *k, const instance_header *header, const char *reason)
{
    assert_string_equal(reason_of(k, header), reason);
    bool fine = strcmp(reason, header_is_fine) == 0;
    assert_int_equal(instance_header_check(header, k, true), fine ? ZK_OK : ZK_EPROOF);
}

static instance_header header_of(toy_shape shape)
{
    instance_header h = {.class_id = WHIR_CLASS_TEST_14};
    memcpy(h.log_heights, shape.log_heights, TOY_SLOT_COUNT);
    h.preprocessed = h.log_heights[TOY_SQUARES] != 0;
    return h;
}

static void expect_height(toy_slot slot, unsigned log_height, const char *reason)
{
    instance_header h = header_of(toy_shape_all(6));
    h.log_heights[slot] = (uint8_t)log_height;
    expect(&key.key, &h, reason);
}

static void heights(void **state)
{
    (void)state;
    instance_header all = header_of(toy_shape_all(6));
    expect(&key.key, &all, header_is_fine);
    unsigned most = instance_max_log_height(whir_params_any(WHIR_CLASS_TEST_14));
    for (unsigned h = 1; h < 256; h++)
        if (h < INSTANCE_MIN_LOG_HEIGHT || h > most)
            expect_height(TOY_LOOKUP, h, "a height out of range");
    static const toy_slot tables[] = {TOY_RANGE8, TOY_RANGE4, TOY_BITOPS};
    for (size_t i = 0; i < 3; i++) {
        unsigned fixed = toys->m.slots[tables[i]].c->fixed_log_height;
        for (unsigned h = INSTANCE_MIN_LOG_HEIGHT; h <= 9; h++)
            if (h != fixed)
                expect_height(tables[i], h, "a table of the wrong height");
    }
}

static void preprocessed_chips(void **state)
{
    (void)state;
    for (unsigned h = 0; h <= 9; h++)
        if (h != TOY_LOG_SQUARES && (h == 0 || h >= INSTANCE_MIN_LOG_HEIGHT))
            expect_height(TOY_SQUARES, h, "a preprocessed chip of the wrong height");
    instance_header h = header_of(toy_shape_all(6));
    h.preprocessed = false;
    expect(&key.key, &h, "a preprocessed chip of the wrong height");
}

// One column, five interactions: it takes more leaves than cells.
static void declare_leafy(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real");
    for (unsigned k = 0; k < 5; k++)
        chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(8), e_const(k)));
}

static void room_for_columns_and_interactions(void **state)
{
    (void)state;
    // Four columns of 2^12 fill the stack; one chip more is one too many.
    instance_header h = {.class_id = WHIR_CLASS_TEST_14};
    assert_int_equal(toys->m.slots[TOY_FIB].c->n_committed, 4);
    h.log_heights[TOY_FIB] = 12;
    expect(&key.key, &h, header_is_fine);
    h.log_heights[TOY_RANGE4] = 6;
    expect(&key.key, &h, "the columns do not fit");

    chip *leafy, *other;
    machine m;
    machine_init(&m, "leafy");
    must(chip_build(&leafy, "leafy", declare_leafy, NULL));
    must(chip_build(&other, "other", declare_leafy, NULL));
    for (int s = 0; s < 4; s++)
        must(machine_add(&m, s < 2 ? leafy : other));
    proof_key k = {.machine = &m, .hash = hash_get(HASH_POSEIDON)};
    must(proof_key_seal(&k));
    instance_header small = {.class_id = WHIR_CLASS_TEST_10, .log_heights = {7, 6, 0, 0}};
    expect(&k, &small, header_is_fine); // 15 units of 64 leaves of the 16 that there are
    small.log_heights[2] = 6;
    expect(&k, &small, "the interactions do not fit");
    small.log_heights[2] = 0;
    small.preprocessed = true;
    expect(&k, &small, "preprocessed chips in a machine without any");
    chip_free(other);
    chip_free(leafy);
}

typedef struct widths {
    unsigned n_columns, n_interactions;
} widths;

static void declare_wide(chip_builder *b, const void *context)
{
    const widths *w = context;
    expr real = chip_flag(b, "real"), rest[32];
    chip_columns(b, rest, "c", w->n_columns - 1);
    for (unsigned k = 0; k < w->n_interactions; k++)
        chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(8), e_const(k)));
}

// A chip that would not fit with the smallest height keeps a machine from the class.
static void chips_too_wide_for_a_class(void **state)
{
    (void)state;
    static const widths cases[] = {{16, 16}, {17, 16}, {16, 17}};
    for (int i = 0; i < 3; i++) {
        chip *wide, *thin;
        machine m;
        machine_init(&m, "wide");
        must(chip_build(&wide, "wide", declare_wide, &cases[i]));
        must(chip_build(&thin, "thin", declare_leafy, NULL));
        must(machine_add(&m, wide));
        must(machine_add(&m, thin));
        proof_key k = {.machine = &m, .hash = hash_get(HASH_POSEIDON)};
        must(proof_key_seal(&k));
        instance_header h = {.class_id = WHIR_CLASS_TEST_10, .log_heights = {0, 6}};
        expect(&k, &h,
               i == 0 ? header_is_fine
                      : "a parameter class that no instance of the machine may have");
        chip_free(thin);
        chip_free(wide);
    }
}

// In a circuit, class and kind are fixed and the header is data.
static void header_of_another_class_or_kind(void **state)
{
    (void)state;
    instance_header h = header_of(toy_shape_all(6));
    const whir_params *params = whir_params_any(WHIR_CLASS_TEST_14);
    static uint64_t zeros[1 << 16];
    size_t n = instance_proof_words(&key.key, params, true);
    assert_true(n <= sizeof zeros / sizeof zeros[0]);
    contribution c = {.header = h};
    digest challenge = {{0}};
    bus_challenge bus = bus_challenge_from(&key.key, challenge);
    static const char *const expected[] = {header_is_fine, "another parameter class",
                                           "another kind of instance"};
    for (int k = 0; k < 3; k++) {
        contribution_elements elements;
        contribution_to_elements(&elements, &c);
        if (k == 1)
            elements.head[1] = WHIR_CLASS_TEST_10;
        if (k == 2)
            elements.head[2] = 0;
        proof_reader reader = proof_reader_open(zeros, n);
        instance_sum sum;
        instance_verify(&sum, &key.key, params, true, challenge, bus, &elements, &reader, &scratch);
        assert_string_equal(reader.reason, expected[k]);
    }
}

static void prover_and_verifier_agree(void **state)
{
    (void)state;
    static const uint8_t choice[] = {0, 0, 6, 6, 7, 8, 9, 12, 5, 13};
    test_rng rng = test_rng_new(0x4EAD);
    unsigned n_fine = 0;
    for (int i = 0; i < 300; i++) {
        instance_header h = header_of(toy_shape_all(6));
        for (int k = 0; k < 3; k++)
            h.log_heights[test_rng_u64(&rng) % TOY_SLOT_COUNT] =
                choice[test_rng_u64(&rng) % sizeof choice];
        bool fine = strcmp(reason_of(&key.key, &h), header_is_fine) == 0;
        assert_int_equal(instance_header_check(&h, &key.key, true), fine ? ZK_OK : ZK_EPROOF);
        n_fine += fine;
    }
    assert_in_range(n_fine, 30, 270);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heights),
        cmocka_unit_test(preprocessed_chips),
        cmocka_unit_test(room_for_columns_and_interactions),
        cmocka_unit_test(chips_too_wide_for_a_class),
        cmocka_unit_test(header_of_another_class_or_kind),
        cmocka_unit_test(prover_and_verifier_agree),
    };
    return cmocka_run_group_tests(tests, toy_world_open, toy_world_close);
}
