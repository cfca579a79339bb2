// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "air/program.h"
#include "air/report.h"
#include "chips/zisk_machine.h"

static void builds_for_every_map(void **state)
{
    (void)state;
    static const vm_abi abis[] = {VM_ABI_A, VM_ABI_B, VM_ABI_C};
    for (int i = 0; i < 3; i++) {
        vm_map map = vm_map_get(abis[i]);
        zisk_machine *z;
        if (zisk_machine_new(&z, &map) != ZK_OK)
            fail_msg("%s", status_message());
        print_message("%u slots, %u columns, %u interactions, %u constraints, degree %u\n",
                      z->m.n_slots, z->m.n_columns, z->m.n_interactions, z->m.n_constraints,
                      z->m.max_degree);
        for (uint32_t s = 0; i == 0 && s < z->m.n_slots; s++)
            print_message("%-12s %3u columns %3u interactions %3u constraints degree %u\n",
                          z->m.slots[s].c->name, z->m.slots[s].c->n_committed,
                          z->m.slots[s].c->n_interactions, z->m.slots[s].c->n_constraints,
                          z->m.slots[s].c->max_degree);
        zisk_machine_free(z);
    }
}

static fe3 random_fe3(test_rng *rng)
{
    fe3 a;
    for (int k = 0; k < 3; k++)
        a.c[k] = fe_from_u64(test_rng_u64(rng));
    return a;
}

// The constraints as the key's digest has them, node by node.
static void eval_nodes(fe3 *v, const chip *c, const fe3 *columns)
{
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        switch (n->op) {
        case EXPR_COLUMN:
            v[i] = columns[n->value];
            break;
        case EXPR_CONST:
            v[i] = fe3_from_fe(n->value);
            break;
        case EXPR_ADD:
            v[i] = fe3_add(v[n->a], v[n->b]);
            break;
        case EXPR_SUB:
            v[i] = fe3_sub(v[n->a], v[n->b]);
            break;
        case EXPR_MUL:
            v[i] = fe3_mul(v[n->a], v[n->b]);
            break;
        case EXPR_NEG:
            v[i] = fe3_neg(v[n->a]);
            break;
        }
    }
}

// Prover and verifier run the compiled program of a chip: what it lost, neither would miss. One
// coefficient at a time, so that every constraint is compared by itself.
static void compiled_programs_are_the_declarations(void **state)
{
    (void)state;
    vm_map map = vm_map_get(VM_ABI_B);
    zisk_machine *z;
    assert_int_equal(zisk_machine_new(&z, &map), ZK_OK);
    test_rng rng = test_rng_new(0xC0DE);
    static fe3 columns[CHIP_MAX_COLUMNS], coefs[CHIP_MAX_CONSTRAINTS];
    for (uint32_t s = 0; s < z->m.n_slots; s++) {
        const chip *c = z->m.slots[s].c;
        fe3 *nodes = calloc(c->n_nodes + 1, sizeof *nodes);
        fe3 *scratch = calloc(air_scratch_point(c) + 1, sizeof *scratch);
        for (uint32_t j = 0; j < c->n_columns; j++)
            columns[j] = random_fe3(&rng);
        eval_nodes(nodes, c, columns);
        memset(coefs, 0, sizeof coefs);
        for (uint32_t j = 0; j < c->n_constraints; j++) {
            coefs[j] = random_fe3(&rng);
            fe3 expected = fe3_mul(coefs[j], nodes[c->constraints[j].node]);
            if (!fe3_equal(air_eval_point(c, columns, coefs, scratch), expected))
                fail_msg("chip %s, constraint \"%s\"", c->name, c->constraints[j].name);
            coefs[j] = fe3_zero();
        }
        free(nodes);
        free(scratch);
    }
    zisk_machine_free(z);
}

// A declaration that changes in anything but comments makes all keys and proofs worthless: here one
// has to say so. The tables, which say nothing of the machine's instructions, are left out.
static void declarations_are_those_of_the_keys(void **state)
{
    (void)state;
    static const struct {
        vm_abi abi;
        digest expected;
    } pinned[] = {
        {VM_ABI_A,
         {{0xb252045954f255, 0xc61c21d602442386, 0x9cd7fc1d2c46fbc8, 0x2209ea7a8128ccfa}}},
        {VM_ABI_B,
         {{0x54a3d022ca47c443, 0x8f79ab802db0e58b, 0xc9c0e5cbd5a78acb, 0x460b9bc4623993a6}}},
        {VM_ABI_C,
         {{0x54a3d022ca47c443, 0x8f79ab802db0e58b, 0xc9c0e5cbd5a78acb, 0x460b9bc4623993a6}}},
    };
    for (int i = 0; i < 3; i++) {
        vm_map map = vm_map_get(pinned[i].abi);
        zisk_machine *z;
        machine m;
        digest d;
        assert_int_equal(zisk_machine_new(&z, &map), ZK_OK);
        machine_init(&m, "execution and boundary");
        for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
            assert_int_equal(machine_add(&m, z->execution[k]), ZK_OK);
        for (int k = 0; k < BOUNDARY_CHIP_COUNT; k++)
            assert_int_equal(machine_add(&m, z->boundary[k]), ZK_OK);
        assert_int_equal(machine_digest(&d, &m, hash_get(HASH_POSEIDON)), ZK_OK);
        if (!digest_equal(d, pinned[i].expected))
            fail_msg("map %d: 0x%llx, 0x%llx, 0x%llx, 0x%llx", i, (unsigned long long)d.e[0],
                     (unsigned long long)d.e[1], (unsigned long long)d.e[2],
                     (unsigned long long)d.e[3]);
        zisk_machine_free(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_for_every_map),
        cmocka_unit_test(declarations_are_those_of_the_keys),
        cmocka_unit_test(compiled_programs_are_the_declarations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
