// SPDX-License-Identifier: Apache-2.0 OR MIT
// The machine around the arithmetic: memory at every alignment, regions, CSR words, calls of the
// environment, halts, failures and limits. Every run that halts goes through the replay oracle.
#include "run_guest.h"

enum { X = 5, Y = 6, BASE = 8, OUT = 9 };

static const vm_options small_chunks = {.chunk_log = 5};
static vm_map map; // of all guests here

static void halts_with(kept_run *k, guest *g, uint64_t code)
{
    if (run_guest(k, g, small_chunks) != ZK_OK)
        fail_msg("%s", status_message());
    assert_int_equal(vm_machine_exit_code(k->machine), code);
    check_replay(k);
    guest_clear(g);
}

// Runs a guest that must fail with `expected`; `part` is in the message.
static void fails_with(guest *g, vm_options options, status expected, const char *part)
{
    kept_run k;
    assert_int_equal(run_guest(&k, g, options), expected);
    if (strstr(status_message(), part) == NULL)
        fail_msg("message is \"%s\", expected \"%s\" in it", status_message(), part);
    kept_run_clear(&k);
    guest_clear(g);
}

// ---- Memory ----

// Each load at each offset around a word border and a page border.
static void loads_at_every_alignment(void **state)
{
    (void)state;
    static const struct {
        unsigned funct3, bytes;
        bool is_signed;
    } loads[] = {{0, 1, true},  {1, 2, true},  {2, 4, true}, {3, 8, true},
                 {4, 1, false}, {5, 2, false}, {6, 4, false}};
    const unsigned starts[2] = {0, 4096 - 8};
    guest g;
    kept_run k;
    uint64_t expected[2 * 9 * 7];
    unsigned n = 0;
    guest_init(&g);
    for (unsigned b = 0; b < 8192; b++)
        g.data[b] = (uint8_t)(0x80 + 37 * b + b / 256);
    emit_li(&g, OUT, GUEST_DATA + 8192);
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned offset = 0; offset <= 8; offset++) {
            emit_li(&g, BASE, GUEST_DATA + starts[s] + offset + 100);
            for (unsigned l = 0; l < 7; l++) {
                emit(&g, enc_i(OP_LOAD | loads[l].funct3 << 12, X, BASE, -100));
                emit(&g, enc_s(0x3023, X, OUT, 0));
                emit_addi(&g, OUT, OUT, 8);
                uint64_t v = 0;
                memcpy(&v, g.data + starts[s] + offset, loads[l].bytes);
                unsigned shift = 64 - 8 * loads[l].bytes;
                expected[n++] = loads[l].is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v;
            }
        }
    }
    emit_halt(&g, 0);
    halts_with(&k, &g, 0);
    for (unsigned r = 0; r < n; r++)
        assert_int_equal(memory_word(&k, GUEST_DATA + 8192 + 8 * r), expected[r]);
    assert_int_equal(vm_machine_rows(k.machine)->by_class[VM_CLASS_LOAD_CROSS],
                     2 * (7 + 3 + 3 + 1 + 1)); // ld 7 offsets, lw lwu 3, lh lhu 1
    kept_run_clear(&k);
}

static void stores_at_every_alignment(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    uint8_t model[GUEST_DATA_BYTES];
    uint8_t data[GUEST_DATA_BYTES];
    guest_init(&g);
    for (unsigned b = 0; b < GUEST_DATA_BYTES; b++)
        g.data[b] = model[b] = (uint8_t)(11 * b);
    emit_li(&g, X, 0x8182838485868788);
    unsigned at = 4096 - 72;
    for (unsigned width = 0; width < 4; width++) {
        for (unsigned offset = 0; offset <= 8; offset++, at += 17) {
            const uint64_t value = 0x8182838485868788;
            emit_li(&g, BASE, GUEST_DATA + at);
            emit(&g, enc_s(OP_STORE | width << 12, X, BASE, 0));
            memcpy(model + at, &value, 1u << width);
        }
    }
    emit_halt(&g, 0);
    halts_with(&k, &g, 0);
    final_data(data, &k, &g);
    assert_memory_equal(data, model, GUEST_DATA_BYTES);
    assert_true(vm_machine_rows(k.machine)->by_class[VM_CLASS_STORE_CROSS] > 8);
    kept_run_clear(&k);
}

// Code is data too; input beyond the file and fresh RAM are zero.
static void regions_that_can_be_read(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    const uint64_t addresses[] = {GUEST_CODE, 0x40000008, 0x40001000, 0xa0020000, 0xbffffff8};
    emit_li(&g, OUT, GUEST_DATA);
    for (unsigned a = 0; a < 5; a++) {
        emit_li(&g, BASE, addresses[a]);
        emit(&g, enc_i(0x3003, X, BASE, 0));
        emit(&g, enc_s(0x3023, X, OUT, 8 * (int32_t)a));
    }
    emit_halt(&g, 0);
    uint64_t first_code;
    memcpy(&first_code, g.code, 8);
    halts_with(&k, &g, 0);
    assert_int_equal(memory_word(&k, GUEST_DATA), first_code);
    for (unsigned a = 1; a < 5; a++)
        assert_int_equal(memory_word(&k, GUEST_DATA + 8 * a), 0);
    kept_run_clear(&k);
}

static void accesses_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t address;
        bool store;
        unsigned funct3;
        const char *part;
    } cases[] = {
        {GUEST_CODE, true, 0, "read-only"},
        {GUEST_CODE + 0x10000, false, 0, "no memory there"},
        {0x40000008, true, 3, "input region is read-only"},
        {0x40000000, false, 3, "free-word port"},
        {0x40000007, false, 0, "free-word port"},
        {0x40000005, false, 3, "free-word port"},
        {0x3ffffffe, false, 2, "no memory there"},
        {0, false, 3, "; a null pointer?"},
        {0x90000000, true, 3, "no memory there"},
        {0x9ffffffc, false, 3, "no memory there"},
        {0xbffffffc, false, 3, "no memory there"}, // runs over the end of RAM
        {0xbffffffc, true, 3, "no memory there"},
        {0xc0000000, true, 0, "no memory there"},
        {UINT64_MAX, false, 0, "no memory there"},
        {UINT64_MAX - 3, true, 3, "no memory there"},
        {0x1a0030000, false, 3, "no memory there"}, // 4 GiB above the data
    };
    for (unsigned c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        guest g;
        guest_init(&g);
        emit_li(&g, BASE, cases[c].address);
        uint32_t pc = guest_pc(&g);
        if (cases[c].store)
            emit(&g, enc_s(OP_STORE | cases[c].funct3 << 12, X, BASE, 0));
        else
            emit(&g, enc_i(OP_LOAD | cases[c].funct3 << 12, X, BASE, 0));
        emit_halt(&g, 0);
        char place[64];
        snprintf(place, sizeof place, "at pc 0x%x, encoding 0x", pc);
        kept_run k;
        assert_int_equal(run_guest(&k, &g, small_chunks), ZK_EGUEST);
        assert_non_null(strstr(status_message(), cases[c].part));
        assert_non_null(strstr(status_message(), place));
        assert_int_equal(vm_machine_pc(k.machine), pc);
        assert_int_equal(vm_machine_steps(k.machine), (pc - GUEST_CODE) / 4);
        kept_run_clear(&k);
        guest_clear(&g);
    }
}

// What the ABI keeps for an image of the registers is RAM like any other, zero at the start, as it
// is to the chips: not the registers, and no error.
static void the_register_window_is_ram(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    emit_li(&g, BASE, map.system_base);
    emit_addi(&g, X, 0, 7);
    emit(&g, enc_i(0x3003, Y, BASE, 8 * X));
    emit(&g, enc_s(0x3023, X, BASE, 8 * Y));
    emit(&g, enc_i(0x3003, OUT, BASE, 8 * Y));
    emit(&g, enc_r(OP_REG, 10, Y, OUT)); // 0 + 7
    emit_addi(&g, 17, 0, 93);
    emit(&g, 0x73);
    halts_with(&k, &g, 7);
    assert_int_equal(vm_machine_x(k.machine)[Y], 0);
    assert_int_equal(memory_word(&k, map.system_base + 8 * Y), 7);
    kept_run_clear(&k);
}

// A word that a load made current must still refuse a store.
static void touched_rom_stays_read_only(void **state)
{
    (void)state;
    guest g;
    guest_init(&g);
    emit_li(&g, BASE, GUEST_CODE);
    emit(&g, enc_i(0x3003, X, BASE, 0));
    emit(&g, enc_s(0x3023, X, BASE, 0));
    emit_halt(&g, 0);
    fails_with(&g, (vm_options){0}, ZK_EGUEST, "read-only");
}

static void atomics(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    uint64_t initial = 0xffffffff80000001;
    memcpy(g.data, &initial, 8);
    emit_li(&g, BASE, GUEST_DATA);
    emit_li(&g, OUT, GUEST_DATA + 1024);
    emit_addi(&g, X, 0, 5);
    // A store-conditional always succeeds, without a load-reserved too.
    const uint32_t ops[] = {
        0x1000202f,           // lr.w
        0x1800202f | X << 20, // sc.w: word 5
        0x1000302f,           // lr.d
        0x8000302f | X << 20, // amomin.d 5 of 0xffffffff00000005
        0xe000202f | X << 20, // amomaxu.w
        0x0800302f | X << 20, // amoswap.d
    };
    for (unsigned n = 0; n < 6; n++) {
        emit(&g, ops[n] | Y << 7 | BASE << 15);
        emit(&g, enc_s(0x3023, Y, OUT, 8 * (int32_t)n));
    }
    emit_halt(&g, 0);
    halts_with(&k, &g, 0);
    const uint64_t expected[] = {0xffffffff80000001, 0, 0xffffffff00000005,
                                 0xffffffff00000005, 5, 0xffffffff00000005};
    for (unsigned n = 0; n < 6; n++)
        assert_int_equal(memory_word(&k, GUEST_DATA + 1024 + 8 * n), expected[n]);
    assert_int_equal(memory_word(&k, GUEST_DATA), 5);
    kept_run_clear(&k);

    for (unsigned n = 0; n < 6; n++) { // not aligned to the size of the access
        guest_init(&g);
        emit_li(&g, BASE, GUEST_DATA + ((ops[n] & 0x1000) != 0 ? 4 : 2));
        emit(&g, ops[n] | Y << 7 | BASE << 15);
        emit_halt(&g, 0);
        fails_with(&g, (vm_options){0}, ZK_EGUEST, "not aligned to its size");
    }
}

// ---- CSRs and the environment ----

static void csr_words(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    emit_li(&g, OUT, GUEST_DATA);
    emit_addi(&g, X, 0, 0xf0);
    const uint32_t ops[] = {
        0x1073 | X << 15,   // csrrw y, 0x340, x      0    -> f0
        0x3073 | X << 15,   // csrrc y, 0x340, x      f0   -> 0
        0x2073 | X << 15,   // csrrs                  0    -> f0
        0x5073 | 31u << 15, // csrrwi                 f0   -> 1f
        0x7073 | 1u << 15,  // csrrci                 1f   -> 1e
        0x6073 | 16u << 15, // csrrsi                 1e   -> 1e
        0x2073,             // csrrs from x0          1e   -> 1e
    };
    const uint64_t expected[] = {0, 0xf0, 0, 0xf0, 0x1f, 0x1e, 0x1e};
    for (unsigned n = 0; n < 7; n++) {
        emit(&g, ops[n] | Y << 7 | 0x340u << 20);
        emit(&g, enc_s(0x3023, Y, OUT, 8 * (int32_t)n));
    }
    emit(&g, 0x2073 | Y << 7 | 0xf12u << 20); // marchid, by instruction and by load
    emit(&g, enc_s(0x3023, Y, OUT, 56));
    emit_li(&g, BASE, map.csr_base + 8 * 0xf12);
    emit(&g, enc_i(0x2003, Y, BASE, 0));
    emit(&g, enc_s(0x3023, Y, OUT, 64));
    emit_halt(&g, 0);
    halts_with(&k, &g, 0);
    for (unsigned n = 0; n < 7; n++)
        assert_int_equal(memory_word(&k, GUEST_DATA + 8 * n), expected[n]);
    assert_int_equal(memory_word(&k, GUEST_DATA + 56), 0xfffeeee);
    assert_int_equal(memory_word(&k, GUEST_DATA + 64), 0xfffeeee);
    assert_int_equal(memory_word(&k, map.csr_base + 8 * 0x340), 0x1e);
    kept_run_clear(&k);
}

// Registers at entry; a call of the environment other than exit only changes x1.
static void entry_state_and_environment_calls(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    emit_addi(&g, 28, 1, 0); // x28 := return address
    emit_addi(&g, 17, 0, 64);
    uint32_t pc = guest_pc(&g);
    emit(&g, 0x73);
    emit_addi(&g, 29, 1, 0);
    emit(&g, enc_i(0x67, 0, 28, 0)); // return
    halts_with(&k, &g, 0);
    const uint64_t *x = vm_machine_x(k.machine);
    assert_int_equal(x[28], VM_EXIT_PC);
    assert_int_equal(x[29], pc + 4);
    assert_int_equal(x[11], map.output);
    assert_int_equal(vm_machine_steps(k.machine), 8);
    assert_int_equal(k.chunks[0].start.x[10], 0x40000000);
    for (unsigned r = 0; r < VM_REGISTERS; r++)
        assert_true(r == 1 || r == 10 || r == 11 || k.chunks[0].start.x[r] == 0);
    kept_run_clear(&k);
}

static void exit_codes(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    emit_halt(&g, 7);
    halts_with(&k, &g, 7);
    kept_run_clear(&k);
}

static void console_and_publics(void **state)
{
    (void)state;
    guest g;
    kept_run k;
    guest_init(&g);
    emit_li(&g, BASE, map.uart);
    for (const char *c = "hello\nworld"; *c != '\0'; c++) {
        emit_addi(&g, X, 0, *c);
        emit(&g, enc_s(OP_STORE, X, BASE, 0));
    }
    emit(&g, enc_s(0x2023, X, BASE, 0)); // a word is no byte for the console
    emit_li(&g, BASE, map.output);
    for (int n = 0; n < 64; n++) {
        emit_addi(&g, X, 0, n - 3);
        emit(&g, enc_s(0x2023, X, BASE, 4 * n));
    }
    emit_halt(&g, 0);
    halts_with(&k, &g, 0);
    assert_int_equal(k.n_printed, 11);
    assert_memory_equal(k.printed, "hello\nworld", 11);
    uint32_t publics[VM_PUBLICS];
    vm_machine_publics(publics, k.machine);
    for (unsigned n = 0; n < VM_PUBLICS; n++)
        assert_int_equal(publics[n], (uint32_t)n - 3);
    kept_run_clear(&k);
}

// ---- Failures ----

static void instructions_that_fail(void **state)
{
    (void)state;
    char far_outside[64], into_the_middle[64], off_the_end[64];
    snprintf(far_outside, sizeof far_outside, "jump to 0x%llx", GUEST_CODE + 12 + 0xffffe);
    snprintf(into_the_middle, sizeof into_the_middle, "0x%llx", GUEST_CODE + 12 + 2);
    snprintf(off_the_end, sizeof off_the_end, "fetched from 0x%llx", GUEST_CODE + 4);
    const struct {
        uint32_t word;
        const char *part;
    } cases[] = {
        {0x00100073, "ebreak"},
        {0x0020f053, "encoding 0x0020f053"},        // fadd.s
        {0x0020f053, "floating-point instruction"}, // the same
        {0x00052507, "floating-point instruction"}, // flw
        {0x00a53027, "floating-point instruction"}, // fsd
        {0x00052543, "floating-point instruction"}, // fmadd
        {0x00000000, "illegal or unsupported"},     // unimp
        {0xffffffff, "illegal or unsupported"},
        {0xffe022f3, "no hint function was called"},     // csrr t0, 0xFFE
        {0x8c29d073, "no hint function number 83"},      // hint call
        {0x8f152073, "hint parameter of 2 words at 0x"}, // parameter at an unaligned address
        {0xf1251573, "illegal"},                         // write of marchid
        {0x7ffff06f, far_outside},                       // jal far outside
        {0x00028067, "jump to 0x4"},                     // jalr to 4
        {0x0020006f, into_the_middle},                   // jal into the middle, no compressed code
    };
    for (unsigned c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        guest g;
        guest_init(&g);
        emit_addi(&g, X, 0, 5);
        emit_addi(&g, 10, 0, 4);
        emit_addi(&g, 0, 0, 0);
        emit(&g, cases[c].word);
        emit_halt(&g, 0);
        fails_with(&g, (vm_options){0}, ZK_EGUEST, cases[c].part);
    }
    guest g; // off the end
    guest_init(&g);
    emit_addi(&g, X, 0, 5);
    fails_with(&g, (vm_options){0}, ZK_EGUEST, off_the_end);
}

static void endless_loop(guest *g)
{
    guest_init(g);
    emit_li(g, BASE, GUEST_DATA);
    emit(g, enc_s(0x3023, BASE, BASE, 0));
    emit_li(g, X, 2048);
    emit(g, enc_r(OP_REG, BASE, BASE, X));
    emit(g, enc_j(0, -60));
}

static void expect_steps(vm_options options, status expected, uint64_t steps, const char *part)
{
    guest g;
    kept_run k;
    endless_loop(&g);
    assert_int_equal(run_guest(&k, &g, options), expected);
    assert_non_null(strstr(status_message(), part));
    if (steps != 0)
        assert_int_equal(vm_machine_steps(k.machine), steps);
    kept_run_clear(&k);
    guest_clear(&g);
}

static void limits(void **state)
{
    (void)state;
    expect_steps((vm_options){.max_steps = 1}, ZK_ELIMIT, 1, "within 1 steps");
    expect_steps((vm_options){.max_steps = 1234, .chunk_log = 5}, ZK_ELIMIT, 1234, "1234 steps");
    expect_steps((vm_options){.max_memory_bytes = 64 << 10}, ZK_ELIMIT, 0, "more than 64 KiB");
    expect_steps((vm_options){.max_time_ns = 1}, ZK_ETIMEOUT, 0, "did not halt within");
    cancel_flag cancel = {0};
    cancel_raise(&cancel);
    expect_steps((vm_options){.cancel = &cancel}, ZK_ECANCELED, 0, "canceled");

    guest g;
    size_t n;
    vm_program p;
    vm_machine *m;
    endless_loop(&g);
    uint8_t *elf = guest_elf(&n, &g);
    assert_int_equal(vm_program_load(&p, elf, n, VM_ABI_AUTO), ZK_OK);
    assert_int_equal(vm_machine_open(&m, &p, NULL, &(vm_options){.max_steps = VM_MAX_STEPS + 1}),
                     ZK_EINVAL);
    assert_int_equal(
        vm_machine_open(&m, &p, NULL, &(vm_options){.chunk_log = VM_MAX_CHUNK_LOG + 1}), ZK_EINVAL);
    vm_program_clear(&p);
    free(elf);
    guest_clear(&g);
}

int main(void)
{
    map = vm_map_get(GUEST_ABI);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_at_every_alignment),
        cmocka_unit_test(stores_at_every_alignment),
        cmocka_unit_test(regions_that_can_be_read),
        cmocka_unit_test(accesses_that_are_refused),
        cmocka_unit_test(the_register_window_is_ram),
        cmocka_unit_test(touched_rom_stays_read_only),
        cmocka_unit_test(atomics),
        cmocka_unit_test(csr_words),
        cmocka_unit_test(entry_state_and_environment_calls),
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(console_and_publics),
        cmocka_unit_test(instructions_that_fail),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
