// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(builds_for_every_map)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
