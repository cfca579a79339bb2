// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every register and immediate instruction against vectors computed by gen_alu_vectors.py, through
// the whole machine, and the rows of the replay.
#include "run_guest.h"

#include "alu_vectors.h"

enum { BASE = 8, X = 5, Y = 6, Z = 7 };

static void begin(guest *g)
{
    guest_init(g);
    emit_li(g, BASE, GUEST_DATA);
}

// Next result: stores Z at the base and moves the base on.
static void store_result(guest *g, unsigned reg)
{
    emit(g, enc_s(0x3023, reg, BASE, 0));
    emit_addi(g, BASE, BASE, 8);
}

static void finish_and_check(guest *g, const char *name, const uint64_t *expected, unsigned n)
{
    kept_run k;
    emit_halt(g, 0);
    assert_int_equal(run_guest(&k, g, (vm_options){.chunk_log = 9}), ZK_OK);
    uint64_t data[GUEST_DATA_BYTES / 8];
    final_data((uint8_t *)data, &k, g);
    for (unsigned r = 0; r < n; r++)
        if (data[r] != expected[r])
            fail_msg("%s: result %u is %llx, expected %llx", name, r, (unsigned long long)data[r],
                     (unsigned long long)expected[r]);
    check_replay(&k);
    kept_run_clear(&k);
    guest_clear(g);
}

static void register_instructions(void **state)
{
    (void)state;
    for (size_t o = 0; o < sizeof alu_register / sizeof alu_register[0]; o++) {
        guest g;
        begin(&g);
        for (unsigned p = 0; p < N_PAIRS; p++) {
            emit_li(&g, X, alu_pairs[p][0]);
            emit_li(&g, Y, alu_pairs[p][1]);
            // All registers may coincide with the destination.
            unsigned rd = p % 3 == 0 ? X : p % 3 == 1 ? Y : Z;
            emit(&g, enc_r(alu_register[o].match, rd, X, Y));
            store_result(&g, rd);
        }
        finish_and_check(&g, alu_register[o].name, alu_register[o].result, N_PAIRS);
    }
}

static void immediate_instructions(void **state)
{
    (void)state;
    for (size_t o = 0; o < sizeof alu_immediate / sizeof alu_immediate[0]; o++) {
        guest g;
        begin(&g);
        for (unsigned p = 0; p < N_EDGES * N_IMMS; p++) {
            emit_li(&g, X, alu_edges[p / N_IMMS]);
            emit(&g, enc_i(alu_immediate[o].match, Z, X, alu_imms[p % N_IMMS]));
            store_result(&g, Z);
        }
        finish_and_check(&g, alu_immediate[o].name, alu_immediate[o].result, N_EDGES * N_IMMS);
    }
}

static void shifts_by_immediate(void **state)
{
    (void)state;
    for (size_t o = 0; o < sizeof alu_shift / sizeof alu_shift[0]; o++) {
        const unsigned most = alu_shift[o].most;
        const unsigned amounts[4] = {0, 1, most / 2, most};
        guest g;
        begin(&g);
        for (unsigned p = 0; p < N_EDGES * 4; p++) {
            emit_li(&g, X, alu_edges[p / 4]);
            emit(&g, enc_i(alu_shift[o].match, Z, X, (int32_t)amounts[p % 4]));
            store_result(&g, Z);
        }
        finish_and_check(&g, alu_shift[o].name, alu_shift[o].result, N_EDGES * 4);
    }
}

// x0 as destination changes nothing, x0 as source is 0, one register may be everything.
static void zero_register_and_aliases(void **state)
{
    (void)state;
    guest g;
    begin(&g);
    const uint64_t expected[] = {0, 14, 0, 0};
    emit_addi(&g, X, 0, 7);
    emit(&g, enc_r(OP_REG, 0, X, X)); // add x0, x5, x5
    store_result(&g, 0);
    emit(&g, enc_r(OP_REG, X, X, X)); // add x5, x5, x5
    store_result(&g, X);
    emit(&g, 0x37 | 0x12345u << 12); // lui x0
    store_result(&g, 0);
    emit(&g, enc_j(0, 4)); // jal x0
    store_result(&g, 0);
    finish_and_check(&g, "x0", expected, 4);
}

static void upper_immediates(void **state)
{
    (void)state;
    guest g;
    begin(&g);
    uint64_t expected[4];
    const uint32_t imms[2] = {0x12345, 0x80000};
    for (unsigned k = 0; k < 2; k++) {
        uint64_t value = (uint64_t)(int64_t)(int32_t)(imms[k] << 12);
        emit(&g, 0x37 | Z << 7 | imms[k] << 12);
        store_result(&g, Z);
        expected[2 * k] = value;
        expected[2 * k + 1] = guest_pc(&g) + value;
        emit(&g, 0x17 | Z << 7 | imms[k] << 12);
        store_result(&g, Z);
    }
    finish_and_check(&g, "upper", expected, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(register_instructions), cmocka_unit_test(immediate_instructions),
        cmocka_unit_test(shifts_by_immediate),   cmocka_unit_test(zero_register_and_aliases),
        cmocka_unit_test(upper_immediates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
