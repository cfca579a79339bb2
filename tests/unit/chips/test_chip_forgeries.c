// SPDX-License-Identifier: Apache-2.0 OR MIT
// Forgeries by name: wrong results that other machines have proved, and their like. Each must be
// refused by the chip however its hints are chosen; the same row with the right result must pass
// first, so that no forgery is refused for another reason.
#include "chip_tester.h"

enum { EFFORT = 150 };

static chip_tester t;
static insn real;

// The honest row of op on (a, b) or (a, imm), destination x5.
static execution_chip honest(any_row *row, vm_op op, uint64_t a, uint64_t b, int32_t imm)
{
    row_world w;
    tester_world(&w, &t.rng);
    w.pc = 0x80001230;
    w.x[10] = a;
    w.x[11] = b;
    w.x[17] = b;
    tester_insn(&real, op, (row_operands){.rd = 5, .rs1 = 10, .rs2 = 11, .imm = imm});
    execution_chip which = tester_step(row, &w, &real);
    return which;
}

static void must_pass(execution_chip which, const any_row *row)
{
    if (!tester_forge(&t, which, row, &real, NULL, 1))
        fail_msg("an honest row of %s is refused", vm_op_info[real.op].mnemonic);
}

static void must_fail(execution_chip which, const any_row *row, const char *what)
{
    if (tester_forge(&t, which, row, &real, NULL, EFFORT))
        fail_msg("%s: %s is accepted", vm_op_info[real.op].mnemonic, what);
}

// op(a, b) = forged
static void forge_alu(vm_op op, uint64_t a, uint64_t b, uint64_t forged)
{
    any_row row;
    execution_chip which = honest(&row, op, a, b, (int32_t)b);
    must_pass(which, &row);
    assert_int_not_equal(row.alu.d.value, forged);
    row.alu.d.value = forged;
    char what[80];
    snprintf(what, sizeof what, "(%llx, %llx) = %llx", (unsigned long long)a, (unsigned long long)b,
             (unsigned long long)forged);
    must_fail(which, &row, what);
}

static const uint64_t int_min = 1ULL << 63, minus_1 = ~0ULL;

static void product_signs(void **state)
{
    (void)state;
    forge_alu(OP_mul, minus_1, 1, 1);
    forge_alu(OP_mulh, minus_1, 1, 0);
    forge_alu(OP_mulhsu, minus_1, 1, 0);
    forge_alu(OP_mulhu, minus_1, 1, minus_1);
    forge_alu(OP_mulh, minus_1, minus_1, minus_1 - 1); // as mulhu
    forge_alu(OP_mulh, minus_1, minus_1, minus_1);     // as mulhsu
    forge_alu(OP_mulhsu, 1, minus_1, minus_1);         // as mulh
    forge_alu(OP_mulh, int_min, int_min, -(1ULL << 62));
    forge_alu(OP_mulh, 0, minus_1, minus_1);
    forge_alu(OP_mulw, 0x10000, 0x8000, 0x80000000); // sign not extended
    forge_alu(OP_mulw, minus_1, 1, 0xffffffff);
}

static void quotient_signs(void **state)
{
    (void)state;
    static const vm_op div[] = {OP_div, OP_divw}, rem[] = {OP_rem, OP_remw};
    for (int w = 0; w < 2; w++) {
        forge_alu(rem[w], -7ULL, 3, 1);
        forge_alu(rem[w], -7ULL, 3, 2);
        forge_alu(rem[w], 7, -3ULL, minus_1);
        forge_alu(div[w], 1, minus_1, 1);
        forge_alu(div[w], minus_1, 1, 1);
        forge_alu(div[w], minus_1, minus_1, minus_1);
        forge_alu(div[w], -7ULL, 3, -3ULL); // rounded down
        forge_alu(div[w], 0, minus_1, minus_1);
        forge_alu(div[w], -256ULL, 256, 0); // |r| = |d|
        forge_alu(rem[w], -256ULL, 256, -256ULL);
        forge_alu(rem[w], 512, -256ULL, 256);
        forge_alu(div[w], 5, 0, 0);
        forge_alu(div[w], 5, 0, 1);
        forge_alu(div[w], -5ULL, 0, 1);
        forge_alu(rem[w], 5, 0, 0);
        forge_alu(rem[w], -5ULL, 0, 5);
        forge_alu(rem[w], -5ULL, 0, 0);
    }
    forge_alu(OP_div, int_min, minus_1, ~int_min);
    forge_alu(OP_div, int_min, minus_1, 0);
    forge_alu(OP_rem, int_min, minus_1, minus_1);
    forge_alu(OP_rem, int_min, minus_1, int_min);
    forge_alu(OP_divw, 0x80000000, minus_1, 0x80000000); // sign not extended
    forge_alu(OP_divuw, 0x80000000, 1, 0x80000000);
    forge_alu(OP_remuw, 0x80000000, 0, 0x80000000);
    forge_alu(OP_divu, 256, 256, 0);
    forge_alu(OP_remu, 256, 256, 256);
    forge_alu(OP_divu, minus_1, 1, minus_1 - 1);
}

static void set_limbs(tester_row *row, const char *const names[4], uint64_t value)
{
    for (int i = 0; i < 4; i++)
        *tester_cell(&t, row, names[i]) = value >> (16 * i) & 0xffff;
}

// Q D + R = N + 2^64 p: everything beyond 64 bits adds up to p, which is 0 in the field.
// DIVU(2^32 - 2, 2^64 - 1) = p + 1 with remainder 0.
static void quotient_beyond_the_field(void **state)
{
    (void)state;
    const uint64_t n = 0xfffffffe, d = minus_1, q = FE_P + 1;
    any_row row;
    execution_chip which = honest(&row, OP_divu, n, d, 0);
    must_pass(which, &row);
    tester_row cells;
    row.alu.d.value = q;
    tester_fill(&cells, &t, which, &row);
    set_limbs(&cells, (const char *[]){"Q[0]", "Q[1]", "Q[2]", "Q[3]"}, q);
    set_limbs(&cells, (const char *[]){"R.lo.0", "R.lo.1", "R.hi.0", "R.hi.1"}, 0);
    set_limbs(&cells, (const char *[]){"gap.lo.0", "gap.lo.1", "gap.hi.0", "gap.hi.1"}, d - 1);
    set_limbs(&cells, (const char *[]){"r.lo.0", "r.lo.1", "r.hi.0", "r.hi.1"}, q);
    *tester_cell(&t, &cells, "u.lo") = low32(q);
    *tester_cell(&t, &cells, "u.hi") = high32(q);
    uint64_t carry = 0;
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 4; j++) {
                uint64_t product = (q >> (16 * i) & 0xffff) * (d >> (16 * j) & 0xffff);
                carry += i + j == 2 * k ? product : i + j == 2 * k + 1 ? product << 16 : 0;
            }
        carry >>= 32;
        *tester_cell(&t, &cells, k == 0 ? "carry[0]" : "carry[1]") = carry;
    }
    const char *why;
    tester_tuples got;
    assert_false(tester_accepts(&got, &why, &t, &cells));
    assert_string_equal(why, "Q D + R, bits 64 to 95"); // what it is caught by, and nothing before
    assert_false(tester_forge(&t, which, &row, &real, &cells, EFFORT));
}

static void comparisons(void **state)
{
    (void)state;
    static const uint64_t values[] = {1, 255, 256, 512, 65536, 1ULL << 31, 1ULL << 32, 1ULL << 48};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t v = values[i];
        forge_alu(OP_slt, v, -v, 1);
        forge_alu(OP_slt, -v, v, 0);
        forge_alu(OP_sltu, v, -v, 0);
        forge_alu(OP_sltu, -v, v, 1);
        forge_alu(OP_slt, v, v, 1);
        forge_alu(OP_sltu, -v, -v, 1);
    }
    forge_alu(OP_slti, 256, -256ULL, 1);
    forge_alu(OP_sltiu, 256, -256ULL, 0);
    forge_alu(OP_slt, int_min, ~int_min, 0);
    forge_alu(OP_slt, 1, 2, 2); // not a bit
}

// Any bit of any result, and results with the wrong extension.
static void every_result_bit(void **state)
{
    (void)state;
    for (int op = OP_ILLEGAL + 1; op < VM_OP_COUNT; op++) {
        char format = vm_op_info[op].format;
        if (format != 'R' && format != 'I' && format != 'H')
            continue;
        for (int k = 0; k < 64; k += 3) {
            uint64_t a = tester_value(&t.rng, 0), b = tester_value(&t.rng, a);
            any_row row;
            execution_chip which = honest(&row, (vm_op)op, a, b, (int32_t)(b & 0x7ff));
            row.alu.d.value ^= 1ULL << k;
            must_fail(which, &row, "a result with another bit");
            row.alu.d.value ^= 1ULL << k ^ 0xffffffff00000000;
            if (k % 9 == 0)
                must_fail(which, &row, "the other extension");
        }
    }
}

static unsigned width_of(vm_op op)
{
    return op == OP_lb || op == OP_lbu || op == OP_sb   ? 1
           : op == OP_lh || op == OP_lhu || op == OP_sh ? 2
           : op == OP_ld || op == OP_sd                 ? 8
                                                        : 4;
}

// All widths and offsets: each byte of the result, those beyond the window above all, and the
// window of another offset.
static void loads(void **state)
{
    (void)state;
    for (int op = OP_lb; op <= OP_lwu; op++)
        for (unsigned offset = 0; offset < 8; offset++) {
            any_row row;
            uint64_t a = VM_RAM_BASE + 0x1000 + offset;
            execution_chip which = honest(&row, (vm_op)op, a, 0, 0);
            must_pass(which, &row);
            uint64_t right = row.load.d.value;
            for (int k = 0; k < 8; k++) {
                row.load.d.value = right ^ (uint64_t[]) { 1, 0x80, 0xff }[k % 3] << (8 * k);
                must_fail(which, &row, "another byte");
            }
            row.load.d.value = right ^ ~0ULL << (8 * width_of((vm_op)op) - 1) << 1;
            if (row.load.d.value != right)
                must_fail(which, &row, "the other extension");
            uint64_t other = row.load.word[0].value >> (8 * ((offset + 1) % 8)) & 0xff;
            row.load.d.value = (right & ~0xffULL) | other;
            if (row.load.d.value != right)
                must_fail(which, &row, "the byte beside it");
            row.load.d.value = right;
            row.load.word[0].value ^= 1; // a load that writes
            must_fail(which, &row, "a load that changes memory");
        }
}

static void stores(void **state)
{
    (void)state;
    for (int op = OP_sb; op <= OP_sd; op++)
        for (unsigned offset = 0; offset < 8; offset++) {
            any_row row;
            execution_chip which =
                honest(&row, (vm_op)op, VM_RAM_BASE + 0x1000 + offset, test_rng_u64(&t.rng), 0);
            must_pass(which, &row);
            for (unsigned k = 0; k < (which == CHIP_STORE_CROSS ? 16 : 8); k++) {
                uint64_t change = (uint64_t[]){1, 0x80, 0xff}[k % 3] << (8 * (k % 8));
                row.store.word[k / 8].value ^= change;
                must_fail(which, &row, "another byte");
                row.store.word[k / 8].value ^= change;
            }
            row.store.word[0].address += 8;
            must_fail(which, &row, "another word");
        }
}

static void stores_outside_ram(void **state)
{
    (void)state;
    static const uint64_t addresses[] = {VM_ROM_BASE,
                                         VM_RAM_BASE - 8,
                                         0x40000008,
                                         0x90000008,
                                         VM_RAM_BASE + VM_RAM_SIZE,
                                         VM_RAM_BASE + VM_RAM_SIZE + 8,
                                         VM_RAM_BASE + (1ULL << 32),
                                         0,
                                         ~7ULL};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        for (int op = OP_sb; op <= OP_sd; op++)
            for (unsigned offset = 0; offset < 4; offset++) {
                any_row row;
                execution_chip which = honest(&row, (vm_op)op, addresses[i] + offset, 1, 0);
                must_fail(which, &row, "a store outside RAM");
            }
    // A store over the last word of RAM: the chip proves it, but no word beyond exists on the bus
    // (test_bus_forgeries).
    for (int op = OP_amoadd_w; op <= OP_amoor_w; op++) {
        any_row row;
        execution_chip which = honest(&row, (vm_op)op, VM_ROM_BASE, 1, 0);
        must_fail(which, &row, "an atomic outside RAM");
    }
}

static void atomics(void **state)
{
    (void)state;
    for (int op = OP_lr_w; op <= OP_amomaxu_d; op++)
        for (unsigned offset = 0; offset < 8; offset += vm_op_info[op].format < 'a' ? 4 : 8) {
            bool is_double = strchr("Dd", vm_op_info[op].format) != NULL;
            if (is_double && offset != 0)
                continue;
            any_row row;
            execution_chip which =
                honest(&row, (vm_op)op, VM_RAM_BASE + 64 + offset, tester_value(&t.rng, 3), 0);
            must_pass(which, &row);
            for (unsigned k = 0; k < 64; k += 5) {
                row.atomic.word.value ^= 1ULL << k;
                must_fail(which, &row, "another word stored");
                row.atomic.word.value ^= 1ULL << k;
                row.atomic.d.value ^= 1ULL << k;
                must_fail(which, &row, "another result");
                row.atomic.d.value ^= 1ULL << k;
            }
        }
}

static void branches_and_jumps(void **state)
{
    (void)state;
    static const uint64_t pairs[][2] = {{1, 1},          {256, -256ULL},  {-256ULL, 256},
                                        {1ULL << 32, 0}, {0, 1ULL << 32}, {1ULL << 63, 0}};
    any_row row;
    for (int op = OP_beq; op <= OP_bgeu; op++)
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            execution_chip which = honest(&row, (vm_op)op, pairs[i][0], pairs[i][1], 64);
            must_pass(which, &row);
            uint32_t on = row.head.pc + 4, target = row.head.pc + 64;
            row.head.next_pc = row.head.next_pc == on ? target : on;
            must_fail(which, &row, "the other way");
            row.head.next_pc = on + 4;
            must_fail(which, &row, "neither way");
        }
    for (unsigned bit = 0; bit < 2; bit++) {
        execution_chip which = honest(&row, OP_jalr, 0x80002000 + bit, 0, 8);
        must_pass(which, &row);
        row.head.next_pc |= 1;
        must_fail(which, &row, "a target with bit 0");
        row.head.next_pc += 1;
        must_fail(which, &row, "another target");
    }
    execution_chip which = honest(&row, OP_jal, 0, 0, 0x800);
    must_pass(which, &row);
    row.head.next_pc += 4;
    must_fail(which, &row, "another target");
    row.head.next_pc -= 4;
    row.jump.d.value += 4;
    must_fail(which, &row, "another link");
}

static void upper_immediates(void **state)
{
    (void)state;
    any_row row;
    for (int k = 0; k < 2; k++) {
        execution_chip which = honest(&row, k ? OP_lui : OP_auipc, 0, 0, (int32_t)0x80001000);
        must_pass(which, &row);
        for (int bit = 0; bit < 64; bit += 4) {
            row.upper.d.value ^= 1ULL << bit;
            must_fail(which, &row, "another value");
            row.upper.d.value ^= 1ULL << bit;
        }
    }
}

static void system_calls(void **state)
{
    (void)state;
    any_row row;
    must_pass(honest(&row, OP_ecall, 0, 93, 0), &row);
    row.head.next_pc = row.head.pc + 4;
    row.system.link = (reg_write){.value = row.head.next_pc};
    must_fail(CHIP_ECALL, &row, "going on after 93");
    must_pass(honest(&row, OP_ecall, 1, 64, 0), &row);
    must_fail(CHIP_HALT, &row, "halting with another a7");
    row.head.next_pc += 4;
    must_fail(CHIP_ECALL, &row, "going on elsewhere");
    assert_int_equal(honest(&row, OP_ecall, 1, 93, 0), CHIP_HALT);
    must_fail(CHIP_HALT, &row, "halting with a0 = 1");
    assert_int_equal(honest(&row, OP_ecall, 1ULL << 32, 93, 0), CHIP_HALT);
    must_fail(CHIP_HALT, &row, "halting with a0 = 2^32");
    row.system.a7.value = 93 + (1ULL << 32);
    row.system.a0.value = 0;
    must_fail(CHIP_HALT, &row, "halting with a7 = 2^32 + 93");
}

// The destination x0 is the sink: no chip writes register 0, nor any register but the decoded one.
static void destination(void **state)
{
    (void)state;
    static const vm_op ops[] = {OP_add, OP_addi, OP_ld, OP_lui, OP_jal, OP_amoadd_d, OP_csrrw};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        row_world w;
        tester_world(&w, &t.rng);
        w.x[10] = VM_RAM_BASE + 64;
        tester_insn(&real, ops[i],
                    (row_operands){.rd = 0,
                                   .rs1 = 10,
                                   .rs2 = 11,
                                   .imm = vm_op_info[ops[i]].format == 'C' ? 0x340 : 8});
        any_row row;
        execution_chip which = tester_step(&row, &w, &real);
        must_pass(which, &row);
        insn other = real;
        row.head.insn = &other;
        for (unsigned k = 0; k < 3; k++) {
            other.rd = (uint8_t[]){0, 1, 31}[k];
            must_fail(which, &row, "another destination");
        }
    }
}

static void csr(void **state)
{
    (void)state;
    for (int op = OP_csrrw; op <= OP_csrrci; op++) {
        any_row row;
        execution_chip which = honest(&row, (vm_op)op, tester_value(&t.rng, 1), 0, 0x340);
        must_pass(which, &row);
        for (unsigned k = 0; k < 64; k += 3) {
            row.csr.word.value ^= 1ULL << k;
            must_fail(which, &row, "another word stored");
            row.csr.word.value ^= 1ULL << k;
        }
        row.csr.d.value ^= 1;
        must_fail(which, &row, "another result");
        row.csr.d.value ^= 1;
        row.csr.word.address += 8;
        must_fail(which, &row, "another CSR");
    }
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

// Accesses at a time that is not before the step's, for every access of every chip: old ts is ts -
// 1
// - d0 - 2^20 d1. The writer refuses to fill such rows, so by hand.
static void time_travel(void **state)
{
    (void)state;
    static const fe distances[][2] = {
        {FE_P - 1, 0}, {0, FE_P - 1}, {FE_P - 5, 0}, {0, 1 << 20}, {1 << 20, 0}};
    unsigned n = 0;
    for (int op = OP_ILLEGAL + 1; op < VM_OP_COUNT; op++) {
        if (strchr("KXQG", vm_op_info[op].format) != NULL || op == OP_mark)
            continue;
        for (unsigned offset = 0; offset < 8; offset++) {
            any_row row;
            bool is_csr = strchr("CZ", vm_op_info[op].format) != NULL;
            bool is_double = strchr("Dd", vm_op_info[op].format) != NULL;
            bool is_word = strchr("Ww", vm_op_info[op].format) != NULL;
            if ((is_double && offset != 0) || (is_word && offset % 4 != 0))
                continue;
            execution_chip which =
                honest(&row, (vm_op)op, VM_RAM_BASE + offset, 1, is_csr ? 0x340 : 0);
            const chip *c = t.z->execution[which];
            for (uint32_t j = 0; j + 1 < c->n_committed; j++)
                for (int k = 0; ends_with(c->columns[j].name, ".d0") && k < 5; k++) {
                    tester_row cells;
                    tester_tuples got;
                    const char *why;
                    tester_fill(&cells, &t, which, &row);
                    cells.cells[j] = distances[k][0];
                    cells.cells[j + 1] = distances[k][1];
                    assert_false(tester_accepts(&got, &why, &t, &cells));
                    assert_string_equal(why, "RANGE");
                    n++;
                }
        }
    }
    assert_true(n > 1000);
}

// Tuples appear as often as the real flag says: it is a bit in every chip.
static void real_flag(void **state)
{
    (void)state;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        tester_row cells = {.which = (execution_chip)k};
        for (fe real_value = 2; real_value < 5; real_value++) {
            tester_tuples got;
            const char *why;
            *tester_cell(&t, &cells, "real") = real_value == 4 ? FE_P - 1 : real_value;
            assert_false(tester_accepts(&got, &why, &t, &cells));
            assert_string_equal(why, "real flag is boolean");
        }
    }
}

int main(void)
{
    tester_open(&t, 0x5eed0006);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(product_signs),
        cmocka_unit_test(quotient_signs),
        cmocka_unit_test(quotient_beyond_the_field),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(every_result_bit),
        cmocka_unit_test(loads),
        cmocka_unit_test(stores),
        cmocka_unit_test(stores_outside_ram),
        cmocka_unit_test(atomics),
        cmocka_unit_test(branches_and_jumps),
        cmocka_unit_test(upper_immediates),
        cmocka_unit_test(system_calls),
        cmocka_unit_test(destination),
        cmocka_unit_test(csr),
        cmocka_unit_test(time_travel),
        cmocka_unit_test(real_flag),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tester_close(&t);
    return failed;
}
