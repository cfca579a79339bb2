// SPDX-License-Identifier: Apache-2.0 OR MIT
// Jobs of the toy machine from cells to verdict, and what an attacker may try on them.
#include "toy_world.h"

#include "base/cpu.h"

static bool every_word;

static toy_job *make_job(const toy_shape *shapes, size_t n, uint64_t seed)
{
    toy_job *job;
    must(toy_job_new(&job, toys, shapes, n, seed));
    return job;
}

// One instance with every chip, smallest heights.
static toy_job *small_job(void)
{
    toy_shape shape = toy_shape_all(6);
    return make_job(&shape, 1, 1);
}

static toy_shape shape_fibonacci(unsigned h0, unsigned h1)
{
    toy_shape s = {.fill = 50};
    s.log_heights[TOY_FIB] = (uint8_t)h0;
    s.log_heights[TOY_FIB_2] = (uint8_t)h1;
    return s;
}

static void accepts_honest_jobs(void **state)
{
    (void)state;
    toy_job *job = small_job();
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    assert_null(toy_verify(&p, job, &key.key));
    assert_int_equal(p.proofs[0].n_words,
                     instance_proof_words(&key.key, whir_params_any(WHIR_CLASS_TEST_14), true));
    toy_proof_clear(&p);
    toy_job_free(job);

    // Several instances of different shapes: absent chips, one chip in two blocks, mixed heights.
    toy_shape shapes[4] = {toy_shape_all(6), shape_fibonacci(9, 6), shape_fibonacci(8, 0),
                           shape_fibonacci(0, 7)};
    job = make_job(shapes, 4, 2);
    p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    assert_null(toy_verify(&p, job, &key.key));
    toy_proof_clear(&p);
    toy_job_free(job);
}

static void accepts_a_secure_class(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(12);
    toy_job *job = make_job(&shape, 1, 3);
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_20, NULL, NULL);
    assert_null(toy_verify(&p, job, &key.key));
    print_message("class 2^20: %zu bytes\n", p.proofs[0].n_words * 8);
    toy_proof_clear(&p);
    toy_job_free(job);
}

// Heights from the smallest to 2^20 in one instance, an absent chip beside them. Minutes: long.
static void accepts_heights_from_end_to_end(void **state)
{
    (void)state;
    if (!every_word)
        skip();
    toy_shape shape = toy_shape_all(6);
    shape.log_heights[TOY_FIB] = 20;
    shape.log_heights[TOY_FIB_2] = 19;
    shape.log_heights[TOY_MEMORY] = 13;
    shape.log_heights[TOY_NIBBLE] = 10;
    shape.log_heights[TOY_LOOKUP] = 0;
    toy_job *job = make_job(&shape, 1, 8);
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_23, NULL, NULL);
    assert_null(toy_verify(&p, job, &key.key));
    toy_proof_clear(&p);
    toy_job_free(job);
}

static void production_verifier_refuses_test_classes(void **state)
{
    (void)state;
    toy_job *job = small_job();
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    static instance_scratch scratch;
    job_statement statement = {&key.key,      p.publics,       TOY_PUBLICS,
                               job->boundary, job->n_boundary, .allow_test_classes = false};
    job_verifier v;
    job_verifier_open(&v, &statement, p.contributions, p.n, &scratch);
    assert_string_equal(v.reason, "the key's own parameter class is unknown");
    proof_key shipped = key.key; // the key's class alone being fine is not enough
    shipped.preprocessed_class = WHIR_CLASS_20;
    statement.key = &shipped;
    job_verifier_open(&v, &statement, p.contributions, p.n, &scratch);
    assert_string_equal(v.reason, "unknown parameter class");
    assert_false(job_verifier_add(&v, p.proofs[0].words, p.proofs[0].n_words));
    assert_false(job_verifier_finish(&v));

    // A set that is there for preprocessed columns is none for instances.
    for (size_t i = 0; i < whir_params_count(); i++) {
        const whir_params *params = whir_params_at(i);
        for (size_t k = 0; k < p.n; k++)
            p.contributions[k].header.class_id = params->id;
        job_verifier_open(&v, &statement, p.contributions, p.n, &scratch);
        assert_true((v.reason != NULL) == params->is_fixed);
        if (params->is_fixed)
            assert_string_equal(v.reason, "a parameter class that no instance of the machine may "
                                          "have");
        instance in;
        status s = instance_new(&in, &key, &p.contributions[0].header);
        assert_int_equal(s, params->is_fixed ? ZK_EINVAL : ZK_OK);
        if (s == ZK_OK)
            instance_clear(&in);
    }
    toy_proof_clear(&p);
    toy_job_free(job);
}

static void same_bytes_from_every_tier_and_thread_count(void **state)
{
    (void)state;
    toy_shape shapes[2] = {toy_shape_all(6), shape_fibonacci(10, 6)};
    uint32_t class_id = WHIR_CLASS_TEST_14;
    if (every_word) { // enough rows for every thread to have some
        shapes[0] = toy_shape_all(12);
        class_id = WHIR_CLASS_20;
    }
    toy_job *job = make_job(shapes, 2, 9);
    cpu_tier_force(CPU_SCALAR);
    toy_proof reference = toy_prove(job, &key, class_id, NULL, NULL);
    static const unsigned counts[] = {1, 2, 7};
    for (int tier = CPU_SCALAR; tier <= (int)cpu_tier_detected(); tier++)
        for (int k = 0; k < 3; k++) {
            pool *threads;
            must(pool_open(&threads, counts[k]));
            cpu_tier_force((cpu_tier)tier);
            toy_proof p = toy_prove(job, &key, class_id, threads, NULL);
            assert_memory_equal(p.contributions, reference.contributions,
                                sizeof p.contributions[0] * p.n);
            for (size_t i = 0; i < p.n; i++) {
                assert_int_equal(p.proofs[i].n_words, reference.proofs[i].n_words);
                assert_memory_equal(p.proofs[i].words, reference.proofs[i].words,
                                    8 * p.proofs[i].n_words);
            }
            toy_proof_clear(&p);
            pool_close(threads);
        }
    cpu_tier_force(cpu_tier_detected());
    toy_proof_clear(&reference);
    toy_job_free(job);
}

// ---- Proof bytes -------------------------------------------------------------------------------

static void refuse_changes(toy_proof *p, const toy_job *job, size_t index, size_t first,
                           size_t step)
{
    proof_writer *w = &p->proofs[index];
    test_rng rng = test_rng_new(5);
    for (size_t i = first; i < w->n_words; i += step) {
        uint64_t keep = w->words[i];
        for (int byte = 0; byte < 8; byte++) {
            uint64_t flips = 1 + test_rng_u64(&rng) % 255;
            w->words[i] = keep ^ flips << (8 * byte);
            if (toy_verify(p, job, &key.key) == NULL)
                fail_msg("byte %d of word %zu of %zu may be changed", byte, i, w->n_words);
        }
        w->words[i] = FE_P;
        assert_non_null(toy_verify(p, job, &key.key));
        w->words[i] = keep;
    }
    assert_null(toy_verify(p, job, &key.key));
}

// Of an instance with the preprocessed chips and of one without: the two end in other openings.
static void refuses_changed_words(void **state)
{
    (void)state;
    toy_shape shapes[2] = {toy_shape_all(6), shape_fibonacci(7, 0)};
    toy_job *job = make_job(shapes, 2, 1);
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    for (size_t index = 0; index < 2; index++) {
        proof_writer *w = &p.proofs[index];
        refuse_changes(&p, job, index, 0, every_word ? 1 : w->n_words / 61);
        refuse_changes(&p, job, index, w->n_words - 12, 1); // the last sumcheck
    }
    proof_writer *w = &p.proofs[0];
    w->n_words--;
    assert_non_null(toy_verify(&p, job, &key.key));
    w->n_words++;
    proof_write_fe(w, 0);
    assert_string_equal(toy_verify(&p, job, &key.key), "the proof of an instance is too long");
    w->n_words = 0;
    assert_non_null(toy_verify(&p, job, &key.key));
    toy_proof_clear(&p);
    toy_job_free(job);
}

// ---- Statement and contributions
// -----------------------------------------------------------------

static void refuses_other_statements(void **state)
{
    (void)state;
    toy_job *job = small_job();
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    for (int i = 0; i < TOY_PUBLICS; i++) {
        p.publics[i] = fe_add(p.publics[i], 1);
        assert_non_null(toy_verify(&p, job, &key.key));
        p.publics[i] = fe_sub(p.publics[i], 1);
    }
    p.publics[0] = FE_P;
    assert_string_equal(toy_verify(&p, job, &key.key), "a public value is not below p");
    p.publics[0] = 7;

    proof_key other = key.key;
    other.program.e[2] ^= 1;
    must(proof_key_seal(&other));
    assert_non_null(toy_verify(&p, job, &other));
    other = key.key;
    other.preprocessed_root.e[0] = fe_add(other.preprocessed_root.e[0], 1);
    must(proof_key_seal(&other));
    assert_non_null(toy_verify(&p, job, &other));

    contribution keep = p.contributions[0];
    contribution *c = &p.contributions[0];
    for (int k = 0; k < HASH_DIGEST; k++) {
        c->root.e[k] = fe_add(c->root.e[k], 1);
        assert_non_null(toy_verify(&p, job, &key.key));
        *c = keep;
    }
    for (int k = 0; k < 3; k++) {
        c->answer.c[k] = fe_add(c->answer.c[k], 1);
        assert_non_null(toy_verify(&p, job, &key.key));
        *c = keep;
    }
    for (int s = 0; s < MACHINE_MAX_SLOTS; s++)
        for (int h = 0; h < 256; h += 5) {
            c->header.log_heights[s] = (uint8_t)h;
            if (h != keep.header.log_heights[s])
                assert_non_null(toy_verify(&p, job, &key.key));
            *c = keep;
        }
    c->header.preprocessed = false;
    assert_non_null(toy_verify(&p, job, &key.key));
    memset(c->header.log_heights, 0, sizeof c->header.log_heights);
    assert_string_equal(toy_verify(&p, job, &key.key), "an instance without any chip");
    *c = keep;
    c->header.class_id = WHIR_CLASS_TEST_10;
    assert_non_null(toy_verify(&p, job, &key.key));
    *c = keep;
    c->index = 1;
    assert_string_equal(toy_verify(&p, job, &key.key),
                        "the contributions are not in the order of the plan");
    *c = keep;
    c->root.e[3] = FE_P;
    assert_string_equal(toy_verify(&p, job, &key.key), "a root is not below p");
    *c = keep;
    c->answer.c[2] = FE_P;
    assert_string_equal(toy_verify(&p, job, &key.key), "an out-of-domain answer is not below p");
    *c = keep;
    assert_null(toy_verify(&p, job, &key.key));
    toy_proof_clear(&p);
    toy_job_free(job);
}

static void refuses_swapped_duplicated_omitted_and_foreign_instances(void **state)
{
    (void)state;
    toy_shape shapes[3] = {toy_shape_all(6), shape_fibonacci(7, 0), shape_fibonacci(7, 0)};
    toy_job *job = make_job(shapes, 3, 4);
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    assert_null(toy_verify(&p, job, &key.key));

    toy_proof bad = p; // two proofs of the same shape change places
    bad.proofs[1] = p.proofs[2];
    bad.proofs[2] = p.proofs[1];
    assert_non_null(toy_verify(&bad, job, &key.key));
    bad = p; // one proof twice
    bad.proofs[2] = p.proofs[1];
    assert_non_null(toy_verify(&bad, job, &key.key));
    bad = p; // the last instance left out
    bad.n = 2;
    assert_non_null(toy_verify(&bad, job, &key.key));
    bad = p; // contribution and proof change places together
    bad.contributions[1] = p.contributions[2];
    bad.contributions[2] = p.contributions[1];
    bad.contributions[1].index = 1;
    bad.contributions[2].index = 2;
    bad.proofs[1] = p.proofs[2];
    bad.proofs[2] = p.proofs[1];
    assert_non_null(toy_verify(&bad, job, &key.key));

    toy_job *other_job = make_job(shapes, 3, 5); // the same shapes, other cells
    toy_proof other = toy_prove(other_job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    bad = p;
    bad.proofs[1] = other.proofs[1];
    assert_non_null(toy_verify(&bad, job, &key.key));
    bad.contributions[1] = other.contributions[1];
    assert_non_null(toy_verify(&bad, job, &key.key));
    toy_proof_clear(&other);
    toy_job_free(other_job);
    toy_proof_clear(&p);
    toy_job_free(job);
}

// Proofs are handed in one by one: what counts is that every contribution gets its own.
static void refuses_too_few_and_too_many_proofs(void **state)
{
    (void)state;
    static instance_scratch scratch;
    toy_shape shapes[2] = {toy_shape_all(6), shape_fibonacci(7, 0)};
    toy_job *job = make_job(shapes, 2, 7);
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    job_statement statement = {&key.key,      p.publics,       TOY_PUBLICS,
                               job->boundary, job->n_boundary, .allow_test_classes = true};
    uint64_t n_tuples[3] = {0}; // of the first instances: what the limit of a job is about
    for (size_t i = 0; i < 2; i++) {
        machine_layout layout;
        must(machine_layout_compute(&layout, &toys->m, p.contributions[i].header.log_heights, 12,
                                    14));
        n_tuples[i + 1] = n_tuples[i] + layout.n_leaves;
    }
    for (size_t n = 0; n <= 3; n++) {
        static const char *const expected[] = {"an instance has no proof",
                                               "an instance has no proof", NULL,
                                               "more proofs than instances"};
        job_verifier v;
        job_verifier_open(&v, &statement, p.contributions, p.n, &scratch);
        for (size_t i = 0; i < n; i++)
            assert_true(job_verifier_add(&v, p.proofs[i % 2].words, p.proofs[i % 2].n_words) ==
                        (i < 2));
        assert_true(job_verifier_finish(&v) == (n == 2));
        assert_int_equal(v.total.n_tuples, n_tuples[n < 2 ? n : 2]);
        if (n == 2)
            assert_null(v.reason);
        else
            assert_string_equal(v.reason, expected[n]);
    }
    toy_proof_clear(&p);
    toy_job_free(job);
}

// ---- Cells
// ---------------------------------------------------------------------------------------

// An otherwise honest prover with one wrong cell, in every committed column of every chip: either a
// constraint fails or the bus does not balance.
static uint32_t wrong_slot, wrong_column;

static void change_one_cell(instance *in, size_t index)
{
    if (index == 0) {
        fe *column = instance_column(in, wrong_slot, wrong_column);
        column[3] = fe_add(column[3], 1);
    }
}

static void refuses_a_wrong_cell_in_any_column(void **state)
{
    (void)state;
    toy_job *job = small_job();
    toy_attack attack = {.cells = change_one_cell};
    unsigned step = every_word ? 1 : 3;
    for (wrong_slot = 0; wrong_slot < TOY_SLOT_COUNT; wrong_slot++)
        for (wrong_column = 0; wrong_column < toys->m.slots[wrong_slot].c->n_committed;
             wrong_column += step) {
            toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, &attack);
            if (toy_verify(&p, job, &key.key) == NULL)
                fail_msg("chip %s accepts any value in column %s",
                         toys->m.slots[wrong_slot].c->name,
                         toys->m.slots[wrong_slot].c->columns[wrong_column].name);
            toy_proof_clear(&p);
        }
    toy_job_free(job);
}

static void refuses_an_unbalanced_bus(void **state)
{
    (void)state;
    toy_job *job = small_job();
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    assert_true(job->n_boundary >= 1);
    for (size_t i = 0; i < job->n_boundary; i++) {
        bus_tuple keep = job->boundary[i];
        job->boundary[i].fields[0] = fe_add(keep.fields[0], 1);
        assert_string_equal(toy_verify(&p, job, &key.key), "the bus is not balanced");
        job->boundary[i] = keep;
        job->boundary[i].multiplicity = fe_add(keep.multiplicity, 1);
        assert_string_equal(toy_verify(&p, job, &key.key), "the bus is not balanced");
        job->boundary[i] = keep;
    }
    job->n_boundary--;
    assert_string_equal(toy_verify(&p, job, &key.key), "the bus is not balanced");
    job->n_boundary++;
    toy_proof_clear(&p);
    toy_job_free(job);
}

// Sent once and sent p - 1 times is sent 0 times mod p: a lookup of 1 AND 1 = 0 that balances. What
// refuses it is that multiplicities are flags.
static void send_around_the_field(instance *in, size_t index)
{
    (void)index;
    size_t n = (size_t)1 << in->header.log_heights[TOY_LOGIC];
    for (int k = 0; k < 2; k++) {
        const fe row[5] = {k == 0 ? 1 : FE_P - 1, BYTE_AND, 1, 1, 0}; // real, op, a, b, c
        assert_int_equal(instance_column(in, TOY_LOGIC, 0)[n - 1 - (size_t)k], 0);
        for (uint32_t j = 0; j < 5; j++)
            instance_column(in, TOY_LOGIC, j)[n - 1 - (size_t)k] = row[j];
    }
}

static void refuses_multiplicities_that_wrap(void **state)
{
    (void)state;
    toy_shape shape = toy_shape_all(6);
    shape.fill = 32;
    toy_job *job = make_job(&shape, 1, 6);
    toy_attack attack = {.cells = send_around_the_field};
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, &attack);
    assert_string_equal(toy_verify(&p, job, &key.key),
                        "constraints and interactions do not add up to the claim");
    toy_proof_clear(&p);
    toy_job_free(job);
}

// A boundary tuple whose denominator is 0, found by who knows gamma and beta: three fields are
// enough, three equations over F. Its fraction would count for nothing, whatever it says.
static void refuses_a_boundary_without_denominator(void **state)
{
    (void)state;
    toy_job *job = small_job();
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    bus_challenge bus = bus_challenge_from(
        &key.key, job_challenge(&key.key, p.publics, TOY_PUBLICS, p.contributions, p.n));
    fe3 b[4], rest = fe3_neg(fe3_add_fe(bus.gamma, TUPLE_MEM));
    b[0] = fe3_one();
    for (int t = 1; t < 4; t++)
        b[t] = fe3_mul(b[t - 1], bus.beta);
    // f_1 beta + f_2 beta^2 + f_3 beta^3 = rest, by Cramer's rule.
    fe determinant[4];
    for (int k = 0; k < 4; k++) { // column k replaced; none for k = 0
        const fe *c[3];
        for (int t = 1; t < 4; t++)
            c[t - 1] = t == k ? rest.c : b[t].c;
        determinant[k] = 0;
        for (int i = 0; i < 3; i++) {
            int i1 = (i + 1) % 3, i2 = (i + 2) % 3;
            fe minor = fe_sub(fe_mul(c[1][i1], c[2][i2]), fe_mul(c[1][i2], c[2][i1]));
            determinant[k] = fe_mul_add(c[0][i], minor, determinant[k]);
        }
    }
    assert_int_not_equal(determinant[0], 0);
    bus_tuple *last = &job->boundary[job->n_boundary++];
    assert_true(job->n_boundary <= TOY_MAX_BOUNDARY);
    *last = (bus_tuple){.domain = TUPLE_MEM, .multiplicity = 1};
    for (int t = 1; t < 4; t++)
        last->fields[t - 1] = fe_mul(determinant[t], fe_inv(determinant[0]));
    assert_string_equal(toy_verify(&p, job, &key.key), "a boundary tuple has denominator zero");
    last->fields[4] = 1; // another field, and it is an ordinary false tuple
    assert_string_equal(toy_verify(&p, job, &key.key), "the bus is not balanced");
    toy_proof_clear(&p);
    toy_job_free(job);
}

static void refuses_what_exceeds_the_limits_of_a_job(void **state)
{
    (void)state;
    static instance_scratch scratch;
    size_t n = JOB_MAX_INSTANCES + 1;
    contribution *c = test_calloc(n, sizeof *c);
    fe *publics = test_calloc(JOB_MAX_PUBLICS + 1, sizeof *publics);
    for (size_t i = 0; i < n; i++)
        c[i] = (contribution){.index = (uint32_t)i, .header.class_id = WHIR_CLASS_TEST_14};
    job_statement statement = {&key.key, publics, JOB_MAX_PUBLICS, NULL, 0, true};
    job_verifier v;
    job_verifier_open(&v, &statement, c, n - 1, &scratch);
    assert_null(v.reason);
    job_verifier_open(&v, &statement, c, n, &scratch);
    assert_string_equal(v.reason, "the number of instances is out of range");
    job_verifier_open(&v, &statement, c, 0, &scratch);
    assert_string_equal(v.reason, "the number of instances is out of range");
    statement.n_publics++;
    job_verifier_open(&v, &statement, c, 1, &scratch);
    assert_string_equal(v.reason, "too many public values");
    assert_false(job_verifier_finish(&v));
    test_free(publics);
    test_free(c);
}

int main(int argc, char **argv)
{
    every_word = argc > 1 && strcmp(argv[1], "--every-word") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_honest_jobs),
        cmocka_unit_test(accepts_a_secure_class),
        cmocka_unit_test(accepts_heights_from_end_to_end),
        cmocka_unit_test(production_verifier_refuses_test_classes),
        cmocka_unit_test(same_bytes_from_every_tier_and_thread_count),
        cmocka_unit_test(refuses_changed_words),
        cmocka_unit_test(refuses_other_statements),
        cmocka_unit_test(refuses_swapped_duplicated_omitted_and_foreign_instances),
        cmocka_unit_test(refuses_too_few_and_too_many_proofs),
        cmocka_unit_test(refuses_a_wrong_cell_in_any_column),
        cmocka_unit_test(refuses_an_unbalanced_bus),
        cmocka_unit_test(refuses_multiplicities_that_wrap),
        cmocka_unit_test(refuses_a_boundary_without_denominator),
        cmocka_unit_test(refuses_what_exceeds_the_limits_of_a_job),
    };
    return cmocka_run_group_tests(tests, toy_world_open, toy_world_close);
}
