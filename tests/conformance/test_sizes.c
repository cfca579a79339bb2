// SPDX-License-Identifier: Apache-2.0 OR MIT
// Programs and runs of every awkward size: the shortest, those at a power of two and beside it, of
// one instruction again and again, and programs much longer than their runs. also_proved.c does the
// rest.
#include "unit/vm/run_guest.h"

enum { X = 5, HALT_STEPS = 3 };

static void runs(guest *g, uint64_t steps)
{
    kept_run k;
    if (run_guest(&k, g, (vm_options){.chunk_log = 12}) != ZK_OK)
        fail_msg("%s", status_message());
    assert_int_equal(vm_machine_exit_code(k.machine), 0);
    assert_int_equal(vm_machine_steps(k.machine), steps);
    kept_run_clear(&k);
    guest_clear(g);
}

// One instruction of its own: back to where it came from.
static void the_shortest_program(void **state)
{
    (void)state;
    guest g;
    guest_init(&g);
    g.data_file_bytes = 0;
    emit(&g, enc_i(0x67, 0, 1, 0)); // ret
    runs(&g, 1 + HALT_STEPS);
}

// A batch has 4096 steps, the smallest table 64 rows.
static void steps_around_powers_of_two(void **state)
{
    (void)state;
    static const uint64_t powers[] = {64, 4096, 8192};
    for (unsigned p = 0; p < 3; p++)
        for (uint64_t steps = powers[p] - 1; steps <= powers[p] + 1; steps++) {
            guest g;
            guest_init(&g);
            while (g.n / 4 + HALT_STEPS < steps)
                emit_addi(&g, X, X, 1);
            emit_halt(&g, 0);
            runs(&g, steps);
        }
}

// Code that is never reached still is part of the program's table.
static void programs_longer_than_their_runs(void **state)
{
    (void)state;
    static const uint32_t instructions[] = {4095, 4096, 4097, 8193, 40000, 200000};
    for (unsigned i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        guest g;
        guest_init(&g);
        emit_halt(&g, 0);
        while (g.n / 4 < instructions[i])
            emit_addi(&g, X, X, 1);
        runs(&g, HALT_STEPS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_program),
        cmocka_unit_test(steps_around_powers_of_two),
        cmocka_unit_test(programs_longer_than_their_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
