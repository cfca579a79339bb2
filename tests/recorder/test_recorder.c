// SPDX-License-Identifier: Apache-2.0 OR MIT
// The verifier does the same operations for every proof of a class and kind, whatever the proof,
// the heights and the cells are; and how many for the machine of programs, with the bytes.
#include "unit/prover/toy_world.h"

#include "chips/zisk_machine.h"
#include "recorder/recorder.h"

static instance_scratch scratch;

static toy_shape fibonacci(unsigned h0, unsigned h1)
{
    toy_shape s = {.fill = 50};
    s.log_heights[TOY_FIB] = (uint8_t)h0;
    s.log_heights[TOY_FIB_2] = (uint8_t)h1;
    return s;
}

static recording record_instance(const toy_proof *p, size_t i, instance_sum *sum)
{
    const contribution *c = &p->contributions[i];
    digest challenge = job_challenge(&key.key, p->publics, TOY_PUBLICS, p->contributions, p->n);
    bus_challenge bus = bus_challenge_from(&key.key, challenge);
    contribution_elements elements;
    contribution_to_elements(&elements, c);
    recording r;
    recorder_run(&r, sum, &key.key, whir_params_any(c->header.class_id), c->header.preprocessed,
                 &challenge, &bus, &elements, p->proofs[i].words, p->proofs[i].n_words, &scratch);

    // Recorded and real verifier agree, on the verdict and on the bus sum.
    proof_reader reader = proof_reader_open(p->proofs[i].words, p->proofs[i].n_words);
    instance_sum real;
    instance_verify(&real, &key.key, whir_params_any(c->header.class_id), c->header.preprocessed,
                    challenge, bus, &elements, &reader, &scratch);
    assert_true(r.accepted == (reader.ok && proof_reader_finished(&reader)));
    assert_memory_equal(&real, sum, sizeof real);
    return r;
}

static void assert_same(const recording *a, const recording *b)
{
    assert_true(a->n_operations > 1000);
    assert_int_equal(a->n_operations, b->n_operations);
    assert_true(a->trace == b->trace);
    assert_memory_equal(a->count, b->count, sizeof a->count);
}

static void same_operations_for_every_proof(void **state)
{
    (void)state;
    toy_shape shapes[5] = {toy_shape_all(6), fibonacci(9, 6), fibonacci(8, 0), fibonacci(0, 7),
                           toy_shape_all(7)};
    recording first[2]; // by kind: without and with preprocessed chips
    bool seen[2] = {false, false};
    for (uint64_t seed = 1; seed <= 2; seed++) {
        toy_job *job;
        must(toy_job_new(&job, toys, shapes, 5, seed));
        toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
        for (size_t i = 0; i < p.n; i++) {
            instance_sum sum;
            recording r = record_instance(&p, i, &sum);
            assert_true(r.accepted);
            int kind = p.contributions[i].header.preprocessed;
            if (!seen[kind])
                first[kind] = r;
            seen[kind] = true;
            assert_same(&r, &first[kind]);
        }
        toy_proof_clear(&p);
        toy_job_free(job);
    }
    assert_true(seen[0] && seen[1]);
    assert_true(first[0].trace != first[1].trace);
}

static uint64_t random_state = 88172645463325252ULL;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

// Refused proofs as well: what is wrong does not change what is done.
static void same_operations_for_rubbish(void **state)
{
    (void)state;
    toy_job *job;
    toy_shape shape = toy_shape_all(6);
    must(toy_job_new(&job, toys, &shape, 1, 1));
    toy_proof p = toy_prove(job, &key, WHIR_CLASS_TEST_14, NULL, NULL);
    instance_sum sum;
    recording honest = record_instance(&p, 0, &sum);
    assert_true(honest.accepted);
    for (int round = 0; round < 8; round++) {
        for (size_t i = 0; i < p.proofs[0].n_words; i++)
            p.proofs[0].words[i] = round == 0 ? 0 : next_random() % FE_P;
        for (int s = 0; s < TOY_SLOT_COUNT; s++)
            p.contributions[0].header.log_heights[s] = (uint8_t)(next_random() % 40);
        recording r = record_instance(&p, 0, &sum);
        assert_false(r.accepted);
        assert_same(&r, &honest);
    }
    toy_proof_clear(&p);
    toy_job_free(job);
}

// The cost of verification in a circuit for the machine of programs. No proof is needed: what is
// done does not depend on it.
static recording cost_of(const proof_key *k, uint32_t class_id, bool preprocessed, size_t *bytes)
{
    const whir_params *params = whir_params_shipped(class_id);
    recording first = {0};
    size_t n = instance_proof_words(k, params, preprocessed);
    uint64_t *words = malloc(n * sizeof *words);
    assert_non_null(words);
    for (int trial = 0; trial < 2; trial++) {
        for (size_t i = 0; i < n; i++)
            words[i] = next_random() % FE_P;
        contribution_elements c = {.head = {0, class_id, preprocessed}};
        for (uint32_t s = 0; s < k->machine->n_slots; s++)
            c.head[3 + s] = next_random() % 23;
        digest challenge = {{1, 2, 3, next_random() % FE_P}};
        bus_challenge bus = bus_challenge_from(k, challenge);
        instance_sum sum;
        recording now;
        recorder_run(&now, &sum, k, params, preprocessed, &challenge, &bus, &c, words, n, &scratch);
        assert_int_equal(now.inputs, n);
        if (trial > 0)
            assert_same(&now, &first);
        first = now;
    }
    free(words);
    *bytes = 8 * n;
    print_message("class %s, %s: %zu bytes, %llu permutations, products: %llu in K, %llu of K "
                  "and F, %llu in F; %llu selects\n",
                  params->name, preprocessed ? "with program" : "execution only", *bytes,
                  (unsigned long long)first.permutations,
                  (unsigned long long)first.extension_products,
                  (unsigned long long)first.mixed_products, (unsigned long long)first.base_products,
                  (unsigned long long)first.selects);
    return first;
}

static void cost_of_instances(void **state)
{
    (void)state;
    vm_map map = vm_map_get(VM_ABI_C);
    zisk_machine *z;
    must(zisk_machine_new(&z, &map));
    print_message("%u slots, %u columns\n", z->m.n_slots, z->m.n_columns);
    // What instances are made of, by the class of the program's own columns: small programs go with
    // small runs; else the program has an instance of its own.
    static const struct {
        uint32_t fixed, class_id;
        bool preprocessed;
    } kinds[] = {
        {WHIR_CLASS_FIXED_17, WHIR_CLASS_26, false}, {WHIR_CLASS_FIXED_17, WHIR_CLASS_24, false},
        {WHIR_CLASS_FIXED_14, WHIR_CLASS_24, true},  {WHIR_CLASS_FIXED_17, WHIR_CLASS_23, true},
        {WHIR_CLASS_FIXED_17, WHIR_CLASS_20, true},  {WHIR_CLASS_FIXED_14, WHIR_CLASS_20, true},
        {WHIR_CLASS_FIXED_20, WHIR_CLASS_20, true}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        proof_key k = {.machine = &z->m, .hash = hash_get(HASH_POSEIDON)};
        k.preprocessed_class = kinds[i].fixed;
        k.preprocessed_heights[z->boundary_slot[BOUNDARY_PROGRAM]] = 10;
        k.preprocessed_heights[z->boundary_slot[BOUNDARY_IMAGE]] = 9;
        k.preprocessed_heights[z->boundary_slot[BOUNDARY_OUTPUT]] = CHIP_MIN_LOG_HEIGHT;
        must(proof_key_seal(&k));
        size_t bytes;
        recording r = cost_of(&k, kinds[i].class_id, kinds[i].preprocessed, &bytes);
        assert_true(r.permutations <= 6000);
        assert_true(r.extension_products <= 60000);
        assert_true(bytes <= 500000);
    }
    zisk_machine_free(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_operations_for_every_proof),
        cmocka_unit_test(same_operations_for_rubbish),
        cmocka_unit_test(cost_of_instances),
    };
    return cmocka_run_group_tests(tests, toy_world_open, toy_world_close);
}
