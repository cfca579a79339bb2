// SPDX-License-Identifier: Apache-2.0 OR MIT
// Every operation of every chip of the execution: rows are complete, right and determined
// (chip_tester.h).
#include "chip_tester.h"

enum { SEED = 0x5eed0005, TABLE_ROWS = 40 };

static unsigned scale = 1; // --scale: how much more than the quick run

// A RAM address whose low three bits are `offset`, in all parts of the RAM.
static uint64_t ram_address(test_rng *rng, unsigned offset)
{
    uint64_t r = test_rng_u64(rng);
    uint64_t index = r % 5 == 0 ? 0 : r % 5 == 1 ? VM_RAM_SIZE / 8 - 2 : (r >> 8) % (1 << 26);
    if (index >= VM_RAM_SIZE / 8 - 1)
        index = VM_RAM_SIZE / 8 - 2; // the word after is memory too
    return VM_RAM_BASE + 8 * index + offset;
}

static row_operands random_operands(test_rng *rng)
{
    uint64_t r = test_rng_u64(rng);
    row_operands o = {.rd = r % 32, .rs1 = r >> 8 & 31, .rs2 = r >> 16 & 31};
    o.compressed = r >> 24 & 1;
    switch (r >> 32 & 7) { // aliases
    case 0:
        o.rs2 = o.rs1;
        break;
    case 1:
        o.rd = o.rs1;
        break;
    case 2:
        o.rd = o.rs2;
        break;
    case 3:
        o.rd = o.rs1 = o.rs2;
        break;
    case 4:
        o.rd = 0;
        break;
    default:
        break;
    }
    static const int32_t immediates[] = {0, 1, -1, 2047, -2048, 4, -4, 8};
    o.imm = r >> 40 & 1 ? immediates[r >> 41 & 7] : (int32_t)(r >> 44 & 0xfff) - 2048;
    return o;
}

// Adapts operands and world to what the format can do; k counts the rows of the operation.
static void prepare(row_operands *o, row_world *w, test_rng *rng, vm_op op, unsigned k)
{
    switch (vm_op_info[op].format) {
    case 'H':
        o->imm = (int32_t[]){0, 1, 31, 32, 63, 33, 30, 62}[k % 8];
        break;
    case 'U':
    case 'P':
        o->imm = (int32_t)(test_rng_u64(rng) << 12);
        if (k % 4 == 0)
            o->imm = k % 8 == 0 ? (int32_t)0x80000000 : 0x7ffff000;
        if (k % 2 == 0)
            w->pc = (w->pc & 0xfffffffeu) | 0x1000;
        break;
    case 'B':
    case 'J':
        o->imm &= ~1;
        if (k % 3 == 0)
            w->x[o->rs2] = w->x[o->rs1];
        break;
    case 'V':
        if (o->rs1 == 0)
            o->rs1 = 5;
        w->x[o->rs1] = VM_ROM_BASE + test_rng_u64(rng) % VM_ROM_SIZE;
        if (k % 4 == 0) // wraps around 2^64
            w->x[o->rs1] = (uint64_t)(k % 8) - (uint64_t)(int64_t)o->imm;
        break;
    case 'L':
    case 'S': {
        if (o->rs1 == 0)
            o->rs1 = 6;
        uint64_t address = ram_address(rng, k % 8);
        if (vm_op_info[op].format == 'L' && k / 8 % 2 == 0) // ROM, input: any 32-bit address
            address = (test_rng_u64(rng) & 0xfffffff0) | k % 8;
        w->x[o->rs1] = address - (uint64_t)(int64_t)o->imm;
        break;
    }
    case 'W':
    case 'w':
        if (o->rs1 == 0)
            o->rs1 = 7;
        w->x[o->rs1] = ram_address(rng, 4 * (k & 1));
        break;
    case 'D':
    case 'd':
        if (o->rs1 == 0)
            o->rs1 = 7;
        w->x[o->rs1] = ram_address(rng, 0);
        break;
    case 'C':
    case 'Z':
        o->imm = k % 2 == 0 ? 0x340 : 0x305;
        break;
    case 'E':
        w->x[10] = k % 2 == 0 ? 0 : w->x[10];
        w->x[17] = k % 2 == 0 ? 93 : (uint64_t[]){0, 92, 94, 93 + (1ULL << 32), ~0ULL}[k / 2 % 5];
        break;
    default: // near operands, and shifts by all amounts
        if (k % 3 == 0 && o->rs2 != 0)
            w->x[o->rs2] = tester_value(rng, w->x[o->rs1]);
        if (k % 3 == 1 && o->rs2 != 0)
            w->x[o->rs2] = (uint64_t[]){0, 31, 32, 63}[k / 3 % 4];
        break;
    }
    w->x[0] = 0;
}

static execution_chip random_row(any_row *row, insn *i, test_rng *rng, vm_op op, unsigned k)
{
    row_world w;
    row_operands o = random_operands(rng);
    tester_world(&w, rng);
    prepare(&o, &w, rng, op, k);
    tester_insn(i, op, o);
    return tester_step(row, &w, i);
}

static void check_op(chip_tester *t, vm_op op, unsigned rows, unsigned effort)
{
    static tester_row kept[EXECUTION_CHIP_COUNT][TABLE_ROWS];
    size_t n[EXECUTION_CHIP_COUNT] = {0};
    static insn i; // the rows point to it
    for (unsigned k = 0; k < rows; k++) {
        any_row row;
        execution_chip which = random_row(&row, &i, &t->rng, op, k);
        tester_check(t, which, &row, effort);
        if (n[which] < TABLE_ROWS)
            tester_fill(&kept[which][n[which]++], t, which, &row);
    }
    for (int c = 0; c < EXECUTION_CHIP_COUNT; c++)
        if (n[c] > 0)
            tester_check_table(t, (execution_chip)c, kept[c], n[c]);
}

static bool in_class(vm_op op, char letter)
{
    static const char *const groups[] = {
        ['a'] = "RIHNUP", ['b'] = "BJV", ['m'] = "LS", ['s'] = "WDwdCZFE"};
    return strchr(groups[(unsigned char)letter], vm_op_info[op].format) != NULL;
}

static void check_group(char letter)
{
    chip_tester t;
    tester_open(&t, SEED + (unsigned char)letter);
    unsigned n_ops = 0;
    for (int op = OP_ILLEGAL + 1; op < VM_OP_COUNT; op++) {
        if (op == OP_mark || vm_op_info[op].format == 0 || !in_class((vm_op)op, letter))
            continue;
        check_op(&t, (vm_op)op, 24 * scale, 100 * scale);
        n_ops++;
    }
    print_message("%u operations, %llu rows, %llu mutants, %llu of them repaired, %llu accepted "
                  "with the same tuples\n",
                  n_ops, (unsigned long long)t.rows, (unsigned long long)t.mutants,
                  (unsigned long long)t.repaired, (unsigned long long)t.equivalent);
    assert_true(n_ops > 0 && t.mutants > 100 * t.rows);
    tester_close(&t);
}

static void arithmetic(void **state)
{
    (void)state;
    check_group('a');
}

static void branches_and_jumps(void **state)
{
    (void)state;
    check_group('b');
}

static void loads_and_stores(void **state)
{
    (void)state;
    check_group('m');
}

static void atomics_csr_system(void **state)
{
    (void)state;
    check_group('s');
}

// ---- The tester itself -------------------------------------------------------------------------

enum { KEPT = 160 };

typedef struct kept_rows {
    any_row rows[KEPT];
    insn insns[KEPT];
    size_t n, seen;
} kept_rows;

// Rows of every chip, of all its operations.
static void keep_rows(kept_rows *kept, test_rng *rng)
{
    for (int op = OP_ILLEGAL + 1; op < VM_OP_COUNT; op++)
        for (unsigned k = 0; k < 80 && vm_op_info[op].format != 0; k++) {
            if (strchr("KXQG", vm_op_info[op].format) != NULL || op == OP_mark)
                continue;
            any_row row;
            insn i;
            kept_rows *l = &kept[random_row(&row, &i, rng, (vm_op)op, k)];
            size_t at = l->n < KEPT ? l->n++ : test_rng_u64(rng) % (2 * ++l->seen);
            if (at >= KEPT)
                continue;
            l->rows[at] = row;
            l->insns[at] = i;
            l->rows[at].head.insn = &l->insns[at];
        }
}

static bool breaks(chip_tester *t, execution_chip which, const kept_rows *l)
{
    t->broken = false;
    for (unsigned round = 0; round < 4 && !t->broken; round++)
        for (size_t i = 0; i < l->n && !t->broken; i++)
            tester_check(t, which, &l->rows[i], 200);
    return t->broken;
}

// Without any one of its constraints or lookups a chip is broken, and the search finds how: else
// the check is not needed, or the search too weak to say anything. Prints those it has no use for.
static void every_check_is_needed(void **state)
{
    (void)state;
    chip_tester t;
    tester_open(&t, SEED);
    kept_rows *kept = calloc(EXECUTION_CHIP_COUNT, sizeof *kept);
    assert_non_null(kept);
    keep_rows(kept, &t.rng);
    unsigned n = 0, found = 0;
    t.weakened = true;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        const chip *c = t.z->execution[k];
        for (uint32_t j = 0; j < c->n_constraints; j++) {
            t.dropped_constraint = j;
            n++;
            if (breaks(&t, (execution_chip)k, &kept[k]))
                found++;
            else
                print_message("%s: constraint \"%s\"\n", c->name, c->constraints[j].name);
        }
        t.dropped_constraint = UINT32_MAX;
        for (uint32_t j = 0; j < c->n_interactions; j++) {
            const chip_interaction *it = &c->interactions[j];
            if (it->tuple->class != TUPLE_CLASS_TABLE || it->tuple->domain == TUPLE_FETCH)
                continue;
            t.dropped_lookup = j;
            n++;
            if (breaks(&t, (execution_chip)k, &kept[k]))
                found++;
            else
                print_message("%s: %s of %s\n", c->name, it->tuple->name,
                              it->n_support > 0 ? c->columns[it->support[0]].name : "-");
        }
        t.dropped_lookup = UINT32_MAX;
    }
    print_message("%u of %u checks: a row breaks the chip without it\n", found, n);
    free(kept);
    tester_close(&t);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--checks") == 0) {
        const struct CMUnitTest checks[] = {cmocka_unit_test(every_check_is_needed)};
        return cmocka_run_group_tests(checks, NULL, NULL);
    }
    if (argc == 3 && strcmp(argv[1], "--scale") == 0)
        scale = (unsigned)strtoul(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic), cmocka_unit_test(branches_and_jumps),
        cmocka_unit_test(loads_and_stores), cmocka_unit_test(atomics_csr_system)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
