// SPDX-License-Identifier: Apache-2.0 OR MIT
// Whole runs on the bus, in plain C: honest runs balance; altered ones do not, although every row
// of them stands alone as it should, and the tuple that is left over is the one expected.
// Arguments: ELF files of programs without precompile calls that take a 32-bit number as input.
#include "unit/vm/random_guest.h"
#include "whole_run.h"

#define FAR_WORD   0xb0000000ULL // RAM that the program's image does not hold
#define INPUT_WORD 0x40000010ULL // first word after the record's length
#define JUMP_WORD  (INPUT_WORD + 8)

enum {
    INPUT_VALUE = 0x77,
    JUMP_VALUE = 16,
    RD_STALE = 7,
    RD_FAR = 9,
    RD_INPUT_1 = 13,
    RD_INPUT_2 = 14,
    RD_JUMP = 19,   // what the input adds to the target of a jump
    RD_TARGET = 20, // where it goes
    RD_ALIAS = 21,  // both sources and the destination of one instruction
    RD_THERE = 22,  // written by the instruction at the target
};

static const char **elf_paths;
static int n_elf_paths;
static whole_run honest;

// Two stores to one word and a load of it; a load of an untouched word; one input word read twice;
// one output. The loaded registers are not used again, so that forgeries of their values end there.
static void build_guest(guest *g)
{
    guest_init(g);
    emit_li(g, 5, GUEST_DATA);
    emit_addi(g, 6, 0, 11);
    emit(g, enc_s(0x3023, 6, 5, 0)); // sd
    emit_addi(g, 6, 0, 22);
    emit(g, enc_s(0x3023, 6, 5, 0));
    emit(g, enc_i(0x3003, RD_STALE, 5, 0)); // ld
    emit_li(g, 8, FAR_WORD);
    emit(g, enc_i(0x3003, RD_FAR, 8, 0));
    emit_li(g, 12, INPUT_WORD);
    emit(g, enc_i(0x3003, RD_INPUT_1, 12, 0));
    emit(g, enc_i(0x3003, RD_INPUT_2, 12, 0));
    emit(g, enc_i(0x1073, 16, 6, 0x340)); // csrrw
    emit(g, enc_i(0x6073, 16, 9, 0x340)); // csrrsi
    emit(g, enc_i(0x3073, 16, 6, 0x340)); // csrrc
    emit(g, enc_i(0x2073, 18, 0, 0xf12)); // csrr marchid
    emit_addi(g, 17, 0, 64);
    emit(g, 0x73); // an ecall that goes on
    emit_addi(g, RD_ALIAS, 0, 9);
    emit(g, enc_r(OP_REG, RD_ALIAS, RD_ALIAS, RD_ALIAS)); // add
    emit_li(g, 12, JUMP_WORD);
    emit(g, enc_i(0x3003, RD_JUMP, 12, 0));
    enum { LI_BYTES = 4 * 12 };
    const uint32_t target = guest_pc(g) + LI_BYTES + 2 * 4;
    emit_li(g, RD_TARGET, target - JUMP_VALUE);
    emit(g, enc_r(OP_REG, RD_TARGET, RD_TARGET, RD_JUMP));
    emit(g, enc_i(0x67, 0, RD_TARGET, 0)); // jalr
    assert_int_equal(guest_pc(g), target);
    emit_addi(g, RD_THERE, 0, 1);
    emit_li(g, 15, vm_map_get(VM_ABI_B).output);
    emit(g, enc_s(0x2023, 6, 15, 0)); // sw
    emit_halt(g, 0);
}

static int open_honest(void **state)
{
    (void)state;
    guest g;
    size_t n;
    const uint64_t input[] = {INPUT_VALUE, JUMP_VALUE};
    build_guest(&g);
    uint8_t *elf = guest_elf(&n, &g);
    whole_run_open(&honest, elf, n, input, sizeof input);
    free(elf);
    guest_clear(&g);
    return 0;
}

static int close_honest(void **state)
{
    (void)state;
    whole_run_close(&honest);
    return 0;
}

static void expect_ok(const whole_run *r)
{
    bus_tuple first;
    const char *what = NULL;
    verdict v = whole_run_judge(&first, &what, r);
    if (v == VERDICT_BUS)
        fail_msg("%s (%llx, %llx, %llx, %llx, %llx) is left over", tuple_find(first.domain)->name,
                 (unsigned long long)first.fields[0], (unsigned long long)first.fields[1],
                 (unsigned long long)first.fields[2], (unsigned long long)first.fields[3],
                 (unsigned long long)first.fields[4]);
    if (v != VERDICT_OK)
        fail_msg("refused for %s", what);
}

// Left over: a tuple of this domain; for MEM of this address.
static void expect_bus(const whole_run *r, tuple_domain domain, uint64_t address)
{
    bus_tuple first;
    const char *what = NULL;
    verdict v = whole_run_judge(&first, &what, r);
    if (v != VERDICT_BUS)
        fail_msg("expected an unbalanced %s, got verdict %d (%s)", tuple_find(domain)->name, v,
                 what != NULL ? what : "-");
    assert_string_equal(tuple_find(first.domain)->name, tuple_find(domain)->name);
    if (domain == TUPLE_MEM)
        assert_int_equal(first.fields[1], address);
}

static void expect_refusal(const whole_run *r, verdict expected)
{
    const char *what = NULL;
    assert_int_equal(whole_run_judge(NULL, &what, r), expected);
}

// The row of a chip that writes a register.
static any_row *row_that_writes(whole_run *r, execution_chip which, unsigned rd)
{
    for (size_t i = 0; i < r->chips[which].n; i++)
        if (r->chips[which].rows[i].head.insn->rd == rd)
            return &r->chips[which].rows[i];
    fail_msg("no row writes x%u", rd);
    return NULL;
}

static void set_register_end(whole_run *r, unsigned reg, uint64_t value)
{
    whole_run_word(r, BOUNDARY_REGISTER_KEY + reg)->last = value;
}

// The load of rd gives `value` all through to the end of the run.
static any_row *forge_load(whole_run *r, unsigned rd, uint64_t value)
{
    any_row *row = row_that_writes(r, CHIP_LOAD8, rd);
    row->load.word[0].value = row->load.word[0].old_value = row->load.d.value = value;
    set_register_end(r, rd, value);
    return row;
}

// ---- Honest runs -------------------------------------------------------------------------------

static void honest_runs_balance(void **state)
{
    (void)state;
    expect_ok(&honest);
    for (int i = 0; i < n_elf_paths; i++) {
        FILE *f = fopen(elf_paths[i], "rb");
        if (f == NULL)
            fail_msg("cannot open %s", elf_paths[i]);
        enum { MAX_BYTES = 1 << 24 };
        uint8_t *elf = malloc(MAX_BYTES);
        size_t n = fread(elf, 1, MAX_BYTES, f);
        fclose(f);
        whole_run r;
        uint32_t input = 20;
        whole_run_open(&r, elf, n, &input, sizeof input);
        expect_ok(&r);
        size_t chips = 0;
        for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
            chips += r.chips[k].n > 0;
        print_message("%s: %llu steps, %zu chips\n", elf_paths[i], (unsigned long long)r.steps,
                      chips);
        whole_run_close(&r);
        free(elf);
    }
}

// Random programs over nearly all instructions, misaligned accesses and atomics among them.
static void random_runs_balance(void **state)
{
    (void)state;
    bool used[EXECUTION_CHIP_COUNT] = {false};
    for (int k = 0; k < 3; k++) {
        test_rng rng = test_rng_new(0x5eed0008 + (uint64_t)k);
        guest g;
        size_t n;
        whole_run r;
        random_guest(&g, &rng, 12, 60);
        uint8_t *elf = guest_elf(&n, &g);
        whole_run_open(&r, elf, n, NULL, 0);
        expect_ok(&r);
        for (int i = 0; i < EXECUTION_CHIP_COUNT; i++)
            used[i] |= r.chips[i].n > 0;
        whole_run_close(&r);
        free(elf);
        guest_clear(&g);
    }
    unsigned n_used = 0;
    for (int i = 0; i < EXECUTION_CHIP_COUNT; i++) {
        n_used += used[i];
        if (!used[i])
            print_message("not used: %s\n", execution_specs[i]->name);
    }
    assert_true(n_used >= EXECUTION_CHIP_COUNT - 4);
}

// ---- Memory ------------------------------------------------------------------------------------

static void stale_read(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row *load = forge_load(&r, RD_STALE, 11);
    // The time of the first store, whose tuple the load claims to receive.
    load->load.word[0].old_ts = r.chips[CHIP_STORE8].rows[0].head.ts + VM_SLOT_MEM;
    expect_bus(&r, TUPLE_MEM, GUEST_DATA);
    load->load.word[0].old_ts = 0;
    expect_bus(&r, TUPLE_MEM, GUEST_DATA);
    whole_run_drop(&r);
}

static void uninitialised_read(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    forge_load(&r, RD_FAR, 5);
    whole_run_word(&r, FAR_WORD)->last = 5;
    expect_bus(&r, TUPLE_MEM, FAR_WORD);
    // No row for the word at all.
    boundary_list *zero = &r.boundary[BOUNDARY_ZERO];
    zero->n = 0;
    whole_run_link(&r);
    expect_bus(&r, TUPLE_MEM, FAR_WORD);
    whole_run_drop(&r);
}

// A second row for a word of the image or of the zeros: whatever it names as the key before it, the
// chain does not close.
static void two_initialisations(void **state)
{
    (void)state;
    static const uint64_t keys[] = {GUEST_DATA, FAR_WORD};
    for (int k = 0; k < 2; k++)
        for (int kind = 0; kind < 3; kind++) {
            whole_run r;
            whole_run_copy(&r, &honest);
            boundary_list *zero = &r.boundary[BOUNDARY_ZERO];
            zero->words = realloc(zero->words, (zero->n + 1) * sizeof *zero->words);
            boundary_word again = {.key = keys[k]};
            again.previous_key = kind == 0   ? whole_run_word(&r, keys[k])->previous_key
                                 : kind == 1 ? keys[k] - 8
                                             : VM_RAM_BASE;
            zero->words[zero->n++] = again;
            expect_bus(&r, TUPLE_ADDR, 0);
            whole_run_drop(&r);
        }
}

static void append_word(whole_run *r, boundary_chip which, boundary_word w)
{
    boundary_list *l = &r->boundary[which];
    l->words = realloc(l->words, (l->n + 1) * sizeof *l->words);
    assert_non_null(l->words);
    l->words[l->n++] = w;
}

// Refused by a row alone: with nothing but the bus it would pass.
static void expect_row_refused(const whole_run *r)
{
    const char *what = NULL;
    verdict v = whole_run_judge(NULL, &what, r);
    if (v != VERDICT_CONSTRAINT && v != VERDICT_LOOKUP)
        fail_msg("verdict %d, not of a row", v);
}

// Words that point to each other, or to themselves, beside the chain: all tuples are received as
// often as they are sent.
static void cycle_beside_the_chain(void **state)
{
    (void)state;
    const uint64_t a = FAR_WORD + 64, b = FAR_WORD + 128;
    whole_run r;
    whole_run_copy(&r, &honest);
    append_word(&r, BOUNDARY_ZERO, (boundary_word){.key = a, .previous_key = b});
    append_word(&r, BOUNDARY_ZERO, (boundary_word){.key = b, .previous_key = a});
    expect_row_refused(&r);
    whole_run_link(&r); // in the chain they are words that nobody touched
    expect_ok(&r);
    whole_run_drop(&r);
    whole_run_copy(&r, &honest);
    append_word(&r, BOUNDARY_ZERO, (boundary_word){.key = a, .previous_key = a});
    expect_row_refused(&r);
    whole_run_drop(&r);
}

// A word of RAM whose first value the prover chooses, as he may for the input's; and a word of the
// input that starts as zero.
static void words_through_another_chip(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    boundary_word w = *whole_run_word(&r, FAR_WORD);
    boundary_list *zero = &r.boundary[BOUNDARY_ZERO], *input = &r.boundary[BOUNDARY_INPUT];
    for (size_t i = 0; i < zero->n; i++)
        if (zero->words[i].key == FAR_WORD)
            zero->words[i] = zero->words[--zero->n];
    w.first = w.last = 5;
    append_word(&r, BOUNDARY_INPUT, w);
    whole_run_link(&r);
    forge_load(&r, RD_FAR, 5);
    expect_row_refused(&r);
    whole_run_drop(&r);

    whole_run_copy(&r, &honest);
    zero = &r.boundary[BOUNDARY_ZERO], input = &r.boundary[BOUNDARY_INPUT];
    w = *whole_run_word(&r, INPUT_WORD);
    for (size_t i = 0; i < input->n; i++)
        if (input->words[i].key == INPUT_WORD)
            input->words[i] = input->words[--input->n];
    w.first = w.last = 0;
    append_word(&r, BOUNDARY_ZERO, w);
    whole_run_link(&r);
    forge_load(&r, RD_INPUT_1, 0);
    forge_load(&r, RD_INPUT_2, 0);
    expect_row_refused(&r);
    whole_run_drop(&r);
}

// Two stores to a word of the code, the second of which puts back what was there.
static void rom_word_stored_and_restored(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    boundary_word *rom = whole_run_word(&r, GUEST_CODE);
    uint64_t old_ts = 0, value = rom->first;
    for (int k = 0; k < 2; k++) {
        any_row *store = &r.chips[CHIP_STORE8].rows[k];
        store->store.a.value = GUEST_CODE;
        store->store.word[0] = (word_access){.address = GUEST_CODE,
                                             .old_value = value,
                                             .value = store->store.b.value,
                                             .old_ts = old_ts};
        if (k == 1)
            store->store.word[0].value = store->store.b.value = rom->first;
        value = store->store.word[0].value;
        old_ts = store->head.ts + VM_SLOT_MEM;
    }
    rom->last_ts = old_ts;
    expect_row_refused(&r);
    whole_run_drop(&r);
}

// rs1 = rs2 = rd: each of the three accesses is one of its own.
static void aliases(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row *add = row_that_writes(&r, CHIP_ADD, RD_ALIAS);
    reg_read *const reads[] = {&add->alu.a, &add->alu.b};
    assert_int_equal(add->alu.b.old_ts, add->head.ts + VM_SLOT_RS1);
    for (int k = 0; k < 2; k++) {
        *reads[k] = (reg_read){1, reads[k]->old_ts};
        add->alu.d.value = 10;
        set_register_end(&r, RD_ALIAS, 10);
        expect_bus(&r, TUPLE_MEM, RD_ALIAS);
        reads[k]->value = 9;
    }
    // Both sources from before the step, as if the first read had not been one.
    add->alu.d.value = 18;
    set_register_end(&r, RD_ALIAS, 18);
    expect_ok(&r);
    add->alu.b.old_ts = add->alu.a.old_ts;
    expect_bus(&r, TUPLE_MEM, RD_ALIAS);
    whole_run_drop(&r);
}

// A key that the chain passes by.
static void gap_in_the_chain(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    whole_run_word(&r, BOUNDARY_REGISTER_KEY + 9)->previous_key -= 1;
    expect_bus(&r, TUPLE_ADDR, 0);
    whole_run_drop(&r);
}

static void altered_input_word(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    forge_load(&r, RD_INPUT_2, INPUT_VALUE + 1);
    expect_bus(&r, TUPLE_MEM, INPUT_WORD);
    whole_run_word(&r, INPUT_WORD)->last = INPUT_VALUE + 1;
    expect_bus(&r, TUPLE_MEM, INPUT_WORD);
    // Another input, the same for both reads, is another run of the same program: it is accepted.
    forge_load(&r, RD_INPUT_1, INPUT_VALUE + 1);
    whole_run_word(&r, INPUT_WORD)->first = INPUT_VALUE + 1;
    expect_ok(&r);
    whole_run_drop(&r);
}

static void missing_final_memory(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    boundary_word *w = whole_run_word(&r, GUEST_DATA);
    boundary_word good = *w;
    *w = (boundary_word){.key = good.key, .previous_key = good.previous_key, .first = good.first};
    expect_bus(&r, TUPLE_MEM, GUEST_DATA);
    *w = good;
    w->last ^= 1ULL << 32;
    expect_bus(&r, TUPLE_MEM, GUEST_DATA);
    *w = good;
    w->last_ts += 4;
    expect_bus(&r, TUPLE_MEM, GUEST_DATA);
    whole_run_drop(&r);
}

static void rom_word_changed(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    whole_run_word(&r, GUEST_CODE)->last ^= 1;
    expect_refusal(&r, VERDICT_CONSTRAINT);
    whole_run_drop(&r);
}

// Words beyond the regions cannot be initialised: what a store over the last word of RAM needs.
static void words_outside_the_regions(void **state)
{
    (void)state;
    static const uint64_t keys[] = {VM_RAM_BASE + VM_RAM_SIZE, VM_RAM_BASE - 8, 0xf0000000};
    for (int k = 0; k < 3; k++)
        for (int kind = BOUNDARY_ZERO; kind <= BOUNDARY_INPUT; kind++) {
            whole_run r;
            whole_run_copy(&r, &honest);
            r.boundary[kind].words[0].key = keys[k];
            whole_run_link(&r);
            // The input's own equation fails unless its parts are out of range.
            const char *what;
            verdict v = whole_run_judge(NULL, &what, &r);
            assert_true(v == VERDICT_LOOKUP || v == VERDICT_CONSTRAINT);
            whole_run_drop(&r);
        }
}

// ---- Execution ---------------------------------------------------------------------------------

// A store that no step makes, with its accesses woven into those of others: MEM balances.
static void orphan_write(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    row_list *stores = &r.chips[CHIP_STORE8];
    any_row orphan = stores->rows[0];
    any_row *next = &stores->rows[1];
    // After the first store: at a free time, between the accesses of two steps.
    orphan.head.ts += VM_STEP_SLOTS;
    orphan.store.a.old_ts = stores->rows[0].head.ts + VM_SLOT_RS1;
    orphan.store.b.old_ts = stores->rows[0].head.ts + VM_SLOT_RS2;
    orphan.store.word[0].old_value = stores->rows[0].store.word[0].value;
    orphan.store.word[0].old_ts = stores->rows[0].head.ts + VM_SLOT_MEM;
    next->store.a.old_ts = orphan.head.ts + VM_SLOT_RS1;
    next->store.word[0].old_ts = orphan.head.ts + VM_SLOT_MEM;
    any_row *li = NULL; // writes x6 after the orphan has read it
    for (size_t i = 0; i < r.chips[CHIP_ADDI].n; i++)
        if (r.chips[CHIP_ADDI].rows[i].head.insn->rd == 6 &&
            r.chips[CHIP_ADDI].rows[i].alu.d.value == 22)
            li = &r.chips[CHIP_ADDI].rows[i];
    assert_non_null(li);
    li->alu.d.old_ts = orphan.head.ts + VM_SLOT_RS2;
    whole_run_append(&r, CHIP_STORE8, &orphan);
    expect_bus(&r, TUPLE_STATE, 0);
    whole_run_drop(&r);
}

static void step_twice_and_never(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row twice = r.chips[CHIP_ADDI].rows[3];
    whole_run_append(&r, CHIP_ADDI, &twice);
    expect_refusal(&r, VERDICT_BUS);
    whole_run_remove(&r, CHIP_ADDI, r.chips[CHIP_ADDI].n - 1);
    expect_ok(&r);
    whole_run_remove(&r, CHIP_ADDI, 3);
    expect_refusal(&r, VERDICT_BUS);
    whole_run_drop(&r);
}

// The run ends at the output's store, with a halt at an instruction that is none.
static void early_halt(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row *halt = &r.chips[CHIP_HALT].rows[0];
    halt->head.pc -= 4;
    halt->head.ts -= VM_STEP_SLOTS;
    halt->system.a7.old_ts = halt->system.a0.old_ts = VM_TS_START; // before the step, as it must be
    expect_refusal(&r, VERDICT_LOOKUP);                            // FETCH
    whole_run_remove(&r, CHIP_HALT, 0);
    bus_tuple first;
    assert_int_equal(whole_run_judge(&first, NULL, &r), VERDICT_BUS);
    whole_run_drop(&r);
}

static void steps_after_the_halt(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row more = r.chips[CHIP_SLLI].n > 0 ? r.chips[CHIP_SLLI].rows[0] : (any_row){0};
    assert_true(r.chips[CHIP_SLLI].n > 0);
    const any_row *halt = &r.chips[CHIP_HALT].rows[0];
    unsigned reg = more.head.insn->rd;
    boundary_word *w = whole_run_word(&r, BOUNDARY_REGISTER_KEY + reg);
    more.head.ts = halt->head.ts + VM_STEP_SLOTS;
    more.alu.a = (reg_read){w->last, w->last_ts};
    more.alu.d = (reg_write){w->last, w->last << more.head.insn->imm, more.head.ts + VM_SLOT_RS1};
    w->last = more.alu.d.value;
    w->last_ts = more.head.ts + VM_SLOT_RD;
    whole_run_append(&r, CHIP_SLLI, &more);
    expect_bus(&r, TUPLE_STATE, 0);
    whole_run_drop(&r);
}

static void two_halts(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row halt = r.chips[CHIP_HALT].rows[0];
    whole_run_append(&r, CHIP_HALT, &halt);
    expect_refusal(&r, VERDICT_BUS);
    whole_run_drop(&r);
}

// From one step on, time runs ahead of the slots of the step before.
static void time_jump(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    r.chips[CHIP_HALT].rows[0].head.ts += VM_STEP_SLOTS;
    whole_run_word(&r, BOUNDARY_REGISTER_KEY + 17)->last_ts += VM_STEP_SLOTS;
    whole_run_word(&r, BOUNDARY_REGISTER_KEY + 10)->last_ts += VM_STEP_SLOTS;
    expect_bus(&r, TUPLE_STATE, 0);
    whole_run_drop(&r);
}

// Another input leads a jump two bytes further, between two instructions.
static void jump_into_the_middle(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    forge_load(&r, RD_JUMP, JUMP_VALUE + 2);
    boundary_word *w = whole_run_word(&r, JUMP_WORD);
    w->first = w->last = JUMP_VALUE + 2;
    any_row *add = row_that_writes(&r, CHIP_ADD, RD_TARGET);
    any_row *jump = &r.chips[CHIP_JALR].rows[0];
    add->alu.b.value += 2;
    add->alu.d.value += 2;
    jump->jump.a.value += 2;
    jump->head.next_pc += 2;
    set_register_end(&r, RD_TARGET, add->alu.d.value);
    assert_int_equal(jump->head.next_pc, add->alu.d.value);
    expect_bus(&r, TUPLE_STATE, 0); // nobody is there
    any_row *there = row_that_writes(&r, CHIP_ADDI, RD_THERE);
    there->head.pc += 2;
    there->head.next_pc += 2;
    const char *what = NULL;
    assert_int_equal(whole_run_judge(NULL, &what, &r), VERDICT_LOOKUP);
    assert_string_equal(what, "FETCH");
    whole_run_drop(&r);
}

// An instruction that the program has elsewhere, or nowhere, at a step of the run.
static void other_instruction(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    any_row *row = row_that_writes(&r, CHIP_ADDI, RD_THERE);
    insn other = *row->head.insn;
    row->head.insn = &other;
    const char *what = NULL;
    for (int k = 0; k < 2; k++) {
        other.imm = k == 0 ? 64 : 1234; // addi x17, x0, 64 is there, addi x22, x0, 1234 is not
        other.rd = k == 0 ? 17 : RD_THERE;
        row->alu.b.value = row->alu.d.value = (uint64_t)other.imm;
        assert_int_equal(whole_run_judge(NULL, &what, &r), VERDICT_LOOKUP);
        assert_string_equal(what, "FETCH");
    }
    whole_run_drop(&r);
}

static void other_start(void **state)
{
    (void)state;
    whole_run r;
    whole_run_copy(&r, &honest);
    r.entry += 4;
    expect_bus(&r, TUPLE_STATE, 0);
    whole_run_drop(&r);
}

static void wrong_publics(void **state)
{
    (void)state;
    for (int i = 0; i < VM_PUBLICS; i++) {
        whole_run r;
        whole_run_copy(&r, &honest);
        r.publics[i] ^= 1U << (i % 32);
        expect_bus(&r, TUPLE_OUT, 0);
        whole_run_drop(&r);
        i += i % 16 == 1 ? 14 : 0; // words 0, 1, 16, 17, ..
    }
    whole_run r;
    whole_run_copy(&r, &honest);
    r.publics[0] = honest.publics[1];
    r.publics[1] = honest.publics[0];
    assert_int_not_equal(r.publics[0], r.publics[1]);
    expect_bus(&r, TUPLE_OUT, 0);
    whole_run_drop(&r);
}

// A value that the row received, of its first access or its last.
static uint64_t *word_of(any_row *row, execution_chip which, bool last)
{
    switch (which) {
    case CHIP_LOAD8:
        return last ? &row->load.d.old_value : &row->load.word[0].value;
    case CHIP_STORE8:
    case CHIP_STORE4:
        return last ? &row->store.word[0].old_value : &row->store.b.value;
    case CHIP_UPPER:
        return &row->upper.d.old_value;
    case CHIP_JAL:
    case CHIP_JALR:
        return &row->jump.d.old_value;
    case CHIP_BEQ:
    case CHIP_BLT:
        return last ? &row->branch.a.value : &row->branch.b.value;
    case CHIP_CSR:
    case CHIP_CSRI:
        return last ? &row->csr.d.old_value : &row->csr.word.old_value;
    case CHIP_ECALL:
    case CHIP_HALT:
        return last ? &row->system.a0.value : &row->system.a7.value;
    default:
        assert_true(which <= CHIP_DIVW);
        return last ? &row->alu.d.old_value : &row->alu.a.value;
    }
}

// Each row of each chip, each 64-bit word of its accesses changed alone: never accepted.
static void every_word_of_every_row(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(0x5eed0007);
    unsigned n = 0;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        for (size_t i = 0; i < honest.chips[k].n; i += 1 + honest.chips[k].n / 4)
            for (int times = 0; times < 2; times++) {
                whole_run r;
                whole_run_copy(&r, &honest);
                any_row *row = &r.chips[k].rows[i];
                uint64_t bit = 1ULL << test_rng_u64(&rng) % 64;
                uint32_t pc_bit = 2U << test_rng_u64(&rng) % 20;
                *word_of(row, (execution_chip)k, times) ^= bit;
                if (times == 1 && k == CHIP_LOAD8)
                    row->head.pc ^= pc_bit;
                assert_int_not_equal(whole_run_judge(NULL, NULL, &r), VERDICT_OK);
                whole_run_drop(&r);
                n++;
            }
    print_message("%u alterations\n", n);
    assert_true(n > 20);
}

int main(int argc, char **argv)
{
    elf_paths = (const char **)argv + 1;
    n_elf_paths = argc - 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_runs_balance),
        cmocka_unit_test(random_runs_balance),
        cmocka_unit_test(stale_read),
        cmocka_unit_test(uninitialised_read),
        cmocka_unit_test(two_initialisations),
        cmocka_unit_test(gap_in_the_chain),
        cmocka_unit_test(cycle_beside_the_chain),
        cmocka_unit_test(words_through_another_chip),
        cmocka_unit_test(rom_word_stored_and_restored),
        cmocka_unit_test(aliases),
        cmocka_unit_test(altered_input_word),
        cmocka_unit_test(missing_final_memory),
        cmocka_unit_test(rom_word_changed),
        cmocka_unit_test(orphan_write),
        cmocka_unit_test(words_outside_the_regions),
        cmocka_unit_test(step_twice_and_never),
        cmocka_unit_test(early_halt),
        cmocka_unit_test(steps_after_the_halt),
        cmocka_unit_test(two_halts),
        cmocka_unit_test(time_jump),
        cmocka_unit_test(jump_into_the_middle),
        cmocka_unit_test(other_instruction),
        cmocka_unit_test(other_start),
        cmocka_unit_test(wrong_publics),
        cmocka_unit_test(every_word_of_every_row),
    };
    return cmocka_run_group_tests(tests, open_honest, close_honest);
}
