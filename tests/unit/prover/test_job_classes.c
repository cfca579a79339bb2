// SPDX-License-Identifier: Apache-2.0 OR MIT
// Instances of two parameter classes in one job, with a table whose fixed height the smaller class
// cannot hold.
#include "unit/must.h"

#include "prover/instance.h"
#include "verifier/job_verify.h"

enum { LOG_TABLE = 10, VALUE = 5, N_INSTANCES = 2 };
enum { SLOT_VALUES, SLOT_TABLE };

static void declare_values(chip_builder *b, const void *context)
{
    (void)context;
    expr real = chip_flag(b, "real"), value = chip_column(b, "value");
    chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(LOG_TABLE), value));
}

static void declare_table(chip_builder *b, const void *context)
{
    (void)context;
    chip_table(b);
    chip_fixed_height(b, LOG_TABLE);
    expr value = chip_closed(b, "value", closed_index(LOG_TABLE));
    chip_receive(b, TUPLE_RANGE, chip_column(b, "n"), FIELDS(e_const(LOG_TABLE), value));
}

// Instance 0 has the table and one looked-up value, instance 1 has another such value only.
static void fill(instance *in, const prover_key *key, size_t index)
{
    instance_header header = {.class_id = index == 0 ? WHIR_CLASS_TEST_14 : WHIR_CLASS_TEST_10};
    header.log_heights[SLOT_VALUES] = CHIP_MIN_LOG_HEIGHT;
    header.log_heights[SLOT_TABLE] = index == 0 ? LOG_TABLE : 0;
    must(instance_new(in, key, &header));
    instance_column(in, SLOT_VALUES, 0)[0] = 1;
    instance_column(in, SLOT_VALUES, 1)[0] = VALUE;
    if (index == 0)
        instance_column(in, SLOT_TABLE, 0)[VALUE] = N_INSTANCES;
}

// The verdict may not depend on what the scratch held before: another job, another instance,
// anything.
static void table_of_a_larger_class_is_absent(void **state)
{
    (void)state;
    chip *chips[2];
    machine m;
    prover_key key;
    must(chip_build(&chips[SLOT_VALUES], "values", declare_values, NULL));
    must(chip_build(&chips[SLOT_TABLE], "table", declare_table, NULL));
    machine_init(&m, "two classes");
    must(machine_add(&m, chips[SLOT_VALUES]));
    must(machine_add(&m, chips[SLOT_TABLE]));
    assert_true(LOG_TABLE > instance_max_log_height(whir_params_any(WHIR_CLASS_TEST_10)));
    must(prover_key_new(&key, &m, hash_get(HASH_POSEIDON), (digest){{0}}, NULL, NULL, NULL, 0, NULL,
                        NULL));

    instance instances[N_INSTANCES];
    contribution contributions[N_INSTANCES];
    whir_commitment commitments[N_INSTANCES] = {0};
    proof_writer proofs[N_INSTANCES];
    for (size_t i = 0; i < N_INSTANCES; i++) {
        fill(&instances[i], &key, i);
        must(instance_commit(&contributions[i], &commitments[i], &instances[i], (uint32_t)i, NULL,
                             NULL));
    }
    digest challenge = job_challenge(&key.key, NULL, 0, contributions, N_INSTANCES);
    for (size_t i = 0; i < N_INSTANCES; i++) {
        proof_writer_init(&proofs[i]);
        must(instance_prove(&proofs[i], &instances[i], &commitments[i], challenge,
                            &contributions[i], NULL, NULL, NULL));
    }

    static instance_scratch scratch;
    job_statement statement = {.key = &key.key, .allow_test_classes = true};
    for (int byte = 0; byte < 2; byte++) {
        memset(&scratch, byte, sizeof scratch);
        job_verifier v;
        job_verifier_open(&v, &statement, contributions, N_INSTANCES, &scratch);
        for (size_t i = 0; i < N_INSTANCES; i++)
            (void)job_verifier_add(&v, proofs[i].words, proofs[i].n_words);
        if (!job_verifier_finish(&v))
            fail_msg("%s", v.reason);
    }
    for (size_t i = 0; i < N_INSTANCES; i++) {
        proof_writer_clear(&proofs[i]);
        whir_clear(&commitments[i]);
        instance_clear(&instances[i]);
    }
    prover_key_clear(&key);
    chip_free(chips[SLOT_VALUES]);
    chip_free(chips[SLOT_TABLE]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table_of_a_larger_class_is_absent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
