// SPDX-License-Identifier: Apache-2.0 OR MIT
// Instructions that the vectors of test_alu do not reach, on edge operands: atomics, branches and
// jumps against results worked out here from the sentences of the manual, and every compressed
// encoding at both alignments against the instruction that it stands for. Every run goes through
// the oracle.
#include "run_guest.h"

#include "alu_vectors.h"
#include "vm/insn.h"

enum { X = 5, Y = 6, Z = 7, BASE = 8, OUT = 9, AREA = 3 };

static void runs(kept_run *k, guest *g)
{
    emit_halt(g, 0);
    if (run_guest(k, g, (vm_options){.chunk_log = 10}) != ZK_OK)
        fail_msg("%s", status_message());
    assert_int_equal(vm_machine_exit_code(k->machine), 0);
    check_replay(k);
}

// ---- Atomics ----

typedef enum amo { LR, SC, SWAP, ADD, XOR, AND, OR, MIN, MAX, MINU, MAXU, N_AMOS } amo;

static const uint32_t amo_match[N_AMOS] = {
    0x1000002f, 0x1800002f, 0x0800002f, 0x0000002f, 0x2000002f, 0x6000002f,
    0x4000002f, 0x8000002f, 0xa000002f, 0xc000002f, 0xe000002f,
};

// What is left in memory when `m` was there and `r` is in the register, both of `bits` bits.
static uint64_t amo_result(amo op, uint64_t m, uint64_t r, unsigned bits)
{
    const uint64_t sign = 1ULL << (bits - 1); // turns signed order into unsigned order
    switch (op) {
    case LR:
        return m;
    case SC:
    case SWAP:
        return r;
    case ADD:
        return m + r;
    case XOR:
        return m ^ r;
    case AND:
        return m & r;
    case OR:
        return m | r;
    case MIN:
        return (m ^ sign) < (r ^ sign) ? m : r;
    case MAX:
        return (m ^ sign) < (r ^ sign) ? r : m;
    case MINU:
        return m < r ? m : r;
    default:
        return m < r ? r : m;
    }
}

static uint64_t sign_extended(uint64_t value, unsigned bits)
{
    return bits == 64 ? value : (uint64_t)(int64_t)(int32_t)value;
}

// One guest an instruction and place: for each pair, the word and what is read go to the output.
static void check_amo(amo op, unsigned bits, unsigned offset)
{
    guest g;
    kept_run k;
    const uint64_t low = bits == 64 ? UINT64_MAX : 0xffffffff;
    uint64_t expected[2 * N_PAIRS];
    guest_init(&g);
    emit_li(&g, BASE, GUEST_DATA + GUEST_DATA_BYTES - 8);
    emit_li(&g, OUT, GUEST_DATA);
    if (offset != 0)
        emit_addi(&g, Z, BASE, (int32_t)offset);
    else
        emit_addi(&g, Z, BASE, 0);
    for (unsigned p = 0; p < N_PAIRS; p++) {
        const uint64_t word = alu_pairs[p][0], r = alu_pairs[p][1];
        emit_li(&g, X, word);
        emit_li(&g, Y, r);
        emit(&g, enc_s(0x3023, X, BASE, 0));
        const unsigned rd = p % 3 == 0 ? Y : X; // also the source
        emit(&g, enc_r(amo_match[op] | (bits == 64 ? 0x3000 : 0x2000), rd, Z, op == LR ? 0 : Y));
        emit(&g, enc_s(0x3023, rd, OUT, 0));
        emit(&g, enc_i(OP_LOAD | 3 << 12, X, BASE, 0));
        emit(&g, enc_s(0x3023, X, OUT, 8));
        emit_addi(&g, OUT, OUT, 16);
        const uint64_t m = word >> (8 * offset) & low;
        const uint64_t left = amo_result(op, m, r & low, bits) & low;
        expected[2 * p] = op == SC ? 0 : sign_extended(m, bits);
        expected[2 * p + 1] = (word & ~(low << (8 * offset))) | left << (8 * offset);
    }
    runs(&k, &g);
    for (unsigned e = 0; e < 2 * N_PAIRS; e++)
        if (memory_word(&k, GUEST_DATA + 8 * e) != expected[e])
            fail_msg("operation %d of %u bits at %u, pair %u: %s is %llx, expected %llx", op, bits,
                     offset, e / 2, e % 2 == 0 ? "rd" : "memory",
                     (unsigned long long)memory_word(&k, GUEST_DATA + 8 * e),
                     (unsigned long long)expected[e]);
    kept_run_clear(&k);
    guest_clear(&g);
}

static void every_atomic_on_edge_operands(void **state)
{
    (void)state;
    for (int op = 0; op < N_AMOS; op++) {
        check_amo((amo)op, 64, 0);
        check_amo((amo)op, 32, 0);
        check_amo((amo)op, 32, 4);
    }
}

// ---- Branches and jumps ----

static bool is_taken(unsigned funct3, uint64_t a, uint64_t b)
{
    const uint64_t sign = 1ULL << 63;
    const bool results[8] = {
        [0] = a == b, [1] = a != b, [4] = (a ^ sign) < (b ^ sign), [5] = (a ^ sign) >= (b ^ sign),
        [6] = a < b,  [7] = a >= b};
    return results[funct3];
}

// Z counts in binary which way a branch went: one bit a pair, in words of 32.
static void every_branch_on_edge_operands(void **state)
{
    (void)state;
    static const unsigned branches[] = {0, 1, 4, 5, 6, 7};
    for (unsigned b = 0; b < 6; b++) {
        guest g;
        kept_run k;
        uint64_t expected[N_PAIRS];
        guest_init(&g);
        emit_li(&g, OUT, GUEST_DATA);
        for (unsigned p = 0; p < N_PAIRS; p++) {
            emit_li(&g, X, alu_pairs[p][0]);
            emit_li(&g, Y, alu_pairs[p][1]);
            emit_addi(&g, Z, 0, 1);
            const uint32_t branch = OP_BRANCH | branches[b] << 12;
            if (p % 2 == 0) { // forwards over one instruction
                emit(&g, enc_b(branch, X, Y, 8));
                emit_addi(&g, Z, 0, 2);
            } else { // backwards: to a jump that leaves
                emit(&g, enc_j(0, 8));
                emit(&g, enc_j(0, 12));
                emit(&g, enc_b(branch, X, Y, -4));
                emit_addi(&g, Z, 0, 2);
            }
            emit(&g, enc_s(0x3023, Z, OUT, 0));
            emit_addi(&g, OUT, OUT, 8);
            expected[p] = is_taken(branches[b], alu_pairs[p][0], alu_pairs[p][1]) ? 1 : 2;
        }
        runs(&k, &g);
        for (unsigned p = 0; p < N_PAIRS; p++)
            if (memory_word(&k, GUEST_DATA + 8 * p) != expected[p])
                fail_msg("branch %u, pair %u", branches[b], p);
        kept_run_clear(&k);
        guest_clear(&g);
    }
}

static void pad_to(guest *g, uint32_t offset)
{
    assert_true(g->n <= offset);
    while (g->n < offset)
        emit(g, 0x00000000); // illegal: nothing may come here
}

// The furthest targets of a branch, and a jump far beyond them.
static void far_targets(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    enum { FAR = 0x40000 };
    guest_init(&g);
    emit(&g, enc_b(OP_BRANCH, 0, 0, 4092)); // beq x0, x0
    pad_to(&g, 4092);
    emit(&g, enc_j(X, FAR - 4092));
    pad_to(&g, FAR);
    emit_addi(&g, Y, 0, 1);
    emit(&g, enc_j(Z, 4096 - 4));
    emit_halt(&g, 3);
    pad_to(&g, FAR + 4096);
    emit(&g, enc_b(OP_BRANCH, 0, 0, -4096 + 8)); // to the halt with 3
    assert_int_equal(run_guest(&k, &g, (vm_options){.chunk_log = 5}), ZK_OK);
    assert_int_equal(vm_machine_exit_code(k.machine), 3);
    assert_int_equal(vm_machine_x(k.machine)[X], GUEST_CODE + 4096);
    assert_int_equal(vm_machine_x(k.machine)[Z], GUEST_CODE + FAR + 8);
    check_replay(&k);
    kept_run_clear(&k);
    guest_clear(&g);
}

// The lowest bit of a target is dropped, offsets are signed, one register may be source and link.
static void indirect_jumps(void **state)
{
    (void)state;
    static const int32_t offsets[] = {0, 1, 2047, -2048, -1};
    for (unsigned n = 0; n < 5; n++) {
        guest g;
        kept_run k;
        guest_init(&g);
        emit_addi(&g, Y, 0, 0);
        const uint64_t target = GUEST_CODE + 4 * (1 + 17 + 3) + 8; // behind two jumps and a trap
        emit_li(&g, X, target - (uint64_t)(int64_t)(offsets[n] & ~1));
        emit(&g, enc_i(0x67, X, X, offsets[n])); // jalr x, offset(x)
        pad_to(&g, (uint32_t)(target - GUEST_CODE));
        emit_addi(&g, Y, Y, 1);
        emit(&g, 0x17 | Z << 7);             // auipc z, 0
        emit(&g, enc_i(0x67, 0, Z, 12 + 1)); // jalr x0, 13(z): over the trap, no link
        emit(&g, 0);
        runs(&k, &g);
        assert_int_equal(vm_machine_x(k.machine)[Y], 1);
        assert_true(vm_machine_x(k.machine)[X] < target &&
                    vm_machine_x(k.machine)[X] >= GUEST_CODE + 4 * 3);
        kept_run_clear(&k);
        guest_clear(&g);
    }
}

// ---- Compressed encodings ----

typedef enum variant { FULL, AT_0, AT_2, N_VARIANTS } variant;

// Every 16-bit word that stands for arithmetic, a load or a store, one after the other; AREA points
// to the data and is never written. 4 bytes each: in the compressed variants padded by a c.nop,
// which in AT_2 also comes first.
static unsigned every_half(guest *g, variant v)
{
    unsigned n = 0;
    guest_init(g);
    g->compressed = v != FULL;
    for (unsigned b = 0; b < GUEST_DATA_BYTES; b++)
        g->data[b] = (uint8_t)(151 * b + b / 251);
    emit_li(g, AREA, GUEST_DATA);
    for (unsigned reg = 1; reg < 32; reg++)
        if (reg != AREA)
            emit_addi(g, reg, 0, (int32_t)(37 * reg) - 600);
    if (v == AT_2)
        emit16(g, 1);
    for (uint32_t h = 0; h < 0x10000; h++) {
        const uint16_t half = (uint16_t)h;
        const insn i = insn_decode((const uint8_t *)&half, 2, true);
        if ((h & 3) == 3 || i.op == OP_ILLEGAL || i.rd == AREA)
            continue;
        const char format = vm_op_info[i.op].format;
        const bool memory = format == 'L' || format == 'S';
        if (!memory && strchr("RIHU", format) == NULL)
            continue;
        if (memory && i.rs1 == AREA)
            continue;
        if (memory)
            emit_addi(g, i.rs1, AREA, 8);
        if (v == FULL) {
            emit(g, insn_expand_compressed(half));
        } else {
            assert_int_equal(guest_pc(g) % 4, v == AT_0 ? 0 : 2);
            emit16(g, half);
            emit16(g, 1);
        }
        n++;
    }
    return n;
}

static void every_compressed_encoding_at_both_alignments(void **state)
{
    (void)state;
    uint64_t x[N_VARIANTS][VM_REGISTERS];
    static uint8_t data[N_VARIANTS][GUEST_DATA_BYTES];
    for (int v = 0; v < N_VARIANTS; v++) {
        guest g;
        kept_run k;
        assert_true(every_half(&g, (variant)v) > 30000);
        emit_addi(&g, 10, 0, 0);
        emit_addi(&g, 17, 0, 93);
        emit(&g, 0x73);
        assert_int_equal(run_guest(&k, &g, (vm_options){.chunk_log = 12}), ZK_OK);
        check_replay(&k);
        memcpy(x[v], vm_machine_x(k.machine), sizeof x[v]);
        final_data(data[v], &k, &g);
        x[v][VM_REG_SINK] = 0;
        kept_run_clear(&k);
        guest_clear(&g);
    }
    for (int v = 1; v < N_VARIANTS; v++) {
        assert_memory_equal(x[v], x[FULL], sizeof x[v]);
        assert_memory_equal(data[v], data[FULL], GUEST_DATA_BYTES);
    }
}

// c.j, c.jr, c.jalr, c.beqz and c.bnez, taken and not, at both alignments; links are pc + 2.
static void compressed_jumps_at_both_alignments(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift <= 2; shift += 2) {
        guest g;
        kept_run k;
        guest_init(&g);
        g.compressed = true;
        emit_addi(&g, X, 0, 0);
        emit_addi(&g, 9, 0, 0);    // s1
        emit_addi(&g, BASE, 0, 5); // s0
        if (shift != 0)
            emit16(&g, 1);
        emit16(&g, 0xa011); // c.j .+4
        emit16(&g, 0x9002); // c.ebreak
        emit16(&g, 0xc091); // c.beqz s1, .+4: taken
        emit16(&g, 0x9002);
        emit16(&g, 0xe011); // c.bnez s0, .+4: taken
        emit16(&g, 0x9002);
        emit16(&g, 0xc011); // c.beqz s0, .+4: not taken
        emit16(&g, 0x0285); // c.addi t0, 1
        emit16(&g, 0xe091); // c.bnez s1, .+4: not taken
        emit16(&g, 0x0285); // c.addi t0, 1
        const uint32_t at = guest_pc(&g);
        emit(&g, 0x17 | Y << 7); // auipc t1, 0
        emit_addi(&g, Y, Y, 12); // t1 := behind the trap
        emit16(&g, 0x9302);      // c.jalr t1
        emit16(&g, 0x9002);
        emit(&g, 0x17 | Y << 7);
        emit_addi(&g, Y, Y, 12);
        emit16(&g, 0x8302); // c.jr t1
        emit16(&g, 0x9002);
        runs(&k, &g);
        assert_int_equal(vm_machine_x(k.machine)[X], 2);
        assert_int_equal(vm_machine_x(k.machine)[1], at + 8 + 2);
        kept_run_clear(&k);
        guest_clear(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_atomic_on_edge_operands),
        cmocka_unit_test(every_branch_on_edge_operands),
        cmocka_unit_test(far_targets),
        cmocka_unit_test(indirect_jumps),
        cmocka_unit_test(every_compressed_encoding_at_both_alignments),
        cmocka_unit_test(compressed_jumps_at_both_alignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
