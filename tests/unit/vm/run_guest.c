// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "run_guest.h"

void (*run_guest_also)(const void *elf, size_t n, const vm_options *options, const kept_run *k);

static status keep(void *arg, const vm_chunk *c)
{
    kept_run *k = arg;
    k->chunks = realloc(k->chunks, (k->n_chunks + 1) * sizeof *k->chunks);
    assert_non_null(k->chunks);
    vm_chunk *copy = &k->chunks[k->n_chunks++];
    *copy = *c;
    vm_touch *touches = malloc(c->n_touches * sizeof *touches + 1);
    uint64_t *words = malloc(c->n_free_words * sizeof *words + 1);
    assert_true(touches != NULL && words != NULL);
    if (c->n_touches != 0)
        memcpy(touches, c->touches, c->n_touches * sizeof *touches);
    if (c->n_free_words != 0)
        memcpy(words, c->free_words, c->n_free_words * sizeof *words);
    copy->touches = touches;
    copy->free_words = words;
    return ZK_OK;
}

static void print(void *arg, const uint8_t *bytes, uint64_t n)
{
    kept_run *k = arg;
    assert_true(k->n_printed + n < sizeof k->printed);
    memcpy(k->printed + k->n_printed, bytes, n);
    k->n_printed += n;
}

static status run_loaded(kept_run *k, vm_options options)
{
    options.sink = (vm_chunk_sink){keep, k};
    options.print = print;
    options.print_arg = k;
    assert_int_equal(vm_machine_open(&k->machine, &k->program, &k->input, &options), ZK_OK);
    return vm_machine_run(k->machine);
}

status run_elf(kept_run *k, const void *elf, size_t n, vm_options options)
{
    memset(k, 0, sizeof *k);
    status s = vm_program_load(&k->program, elf, n, VM_ABI_AUTO);
    if (s != ZK_OK)
        fail_msg("%s", status_message());
    s = run_loaded(k, options);
    if (s == ZK_OK && vm_machine_exit_code(k->machine) == 0 && run_guest_also != NULL)
        run_guest_also(elf, n, &options, k);
    return s;
}

status run_guest(kept_run *k, const guest *g, vm_options options)
{
    size_t n;
    uint8_t *elf = guest_elf(&n, g);
    status s = run_elf(k, elf, n, options);
    free(elf);
    return s;
}

void kept_run_clear(kept_run *k)
{
    for (uint64_t c = 0; c < k->n_chunks; c++) {
        free((void *)k->chunks[c].touches);
        free((void *)k->chunks[c].free_words);
    }
    free(k->chunks);
    vm_machine_close(k->machine);
    vm_input_clear(&k->input);
    vm_program_clear(&k->program);
    memset(k, 0, sizeof *k);
}

typedef struct word_search {
    uint32_t address;
    uint64_t value;
} word_search;

static status match_word(void *arg, const vm_touch *t)
{
    word_search *w = arg;
    if (t->address == w->address)
        w->value = t->value;
    return ZK_OK;
}

uint64_t memory_word(const kept_run *k, uint64_t address)
{
    word_search w = {.address = (uint32_t)address};
    assert_int_equal(vm_machine_touched(k->machine, match_word, &w), ZK_OK);
    return w.value;
}

static status patch_word(void *arg, const vm_touch *t)
{
    if (t->address - GUEST_DATA < GUEST_DATA_BYTES)
        memcpy((uint8_t *)arg + (t->address - GUEST_DATA), &t->value, 8);
    return ZK_OK;
}

void final_data(uint8_t out[GUEST_DATA_BYTES], const kept_run *k, const guest *g)
{
    memcpy(out, g->data, GUEST_DATA_BYTES);
    assert_int_equal(vm_machine_touched(k->machine, patch_word, out), ZK_OK);
}

// ---- Oracle ----

enum { TABLE = 1 << 17 };

typedef struct model_word {
    uint32_t address; // 0: free
    uint64_t value;
    uint64_t ts;
} model_word;

// One row reduced to what the bus sees, so that rows of all classes can be put in order of time.
typedef struct flat_row {
    row_head head;
    unsigned slots;
    unsigned n_regs;
    struct {
        unsigned reg, slot;
        uint64_t old_value, value, old_ts;
    } regs[4];
    unsigned n_words;
    const word_access *words;
    word_access own[2];
} flat_row;

typedef struct oracle {
    const kept_run *k;
    vm_state s;
    model_word *memory;
    uint64_t n_words;
    uint64_t by_class[VM_CLASS_COUNT];
    uint64_t *fetches;
    bool halted;
    flat_row *rows;
    uint64_t n_rows;
} oracle;

static model_word *find_word(oracle *o, uint32_t address)
{
    uint32_t at = address / 8 * 2654435761u % TABLE;
    while (o->memory[at].address != 0 && o->memory[at].address != address)
        at = (at + 1) % TABLE;
    if (o->memory[at].address == 0) {
        assert_true(++o->n_words < TABLE / 2);
        o->memory[at].address = address;
    }
    return &o->memory[at];
}

static void set_words(oracle *o, uint64_t address, const uint64_t *words, uint64_t n)
{
    for (uint64_t w = 0; w < n; w++)
        find_word(o, (uint32_t)(address + 8 * w))->value = words[w];
}

static flat_row *new_row(oracle *o, const row_head *head, vm_class c)
{
    assert_true(o->n_rows < VM_BATCH_STEPS);
    flat_row *f = &o->rows[o->n_rows++];
    *f = (flat_row){.head = *head, .slots = VM_STEP_SLOTS};
    o->by_class[c]++;
    return f;
}

static void add_read(flat_row *f, unsigned reg, unsigned slot, reg_read a)
{
    f->regs[f->n_regs].reg = reg;
    f->regs[f->n_regs].slot = slot;
    f->regs[f->n_regs].old_value = f->regs[f->n_regs].value = a.value;
    f->regs[f->n_regs++].old_ts = a.old_ts;
}

static void add_write(flat_row *f, unsigned reg, unsigned slot, reg_write d)
{
    f->regs[f->n_regs].reg = reg;
    f->regs[f->n_regs].slot = slot;
    f->regs[f->n_regs].old_value = d.old_value;
    f->regs[f->n_regs].value = d.value;
    f->regs[f->n_regs++].old_ts = d.old_ts;
}

static void add_words(flat_row *f, const word_access *words, unsigned n)
{
    f->n_words = n;
    memcpy(f->own, words, n * sizeof *words);
}

static void take_alu(oracle *o, vm_class c, const row_alu *rows, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++) {
        const row_alu *r = &rows[k];
        const insn *i = r->head.insn;
        flat_row *f = new_row(o, &r->head, c);
        add_read(f, i->rs1, 0, r->a);
        if (vm_op_is_register_form(i->op))
            add_read(f, i->rs2, 1, r->b);
        else
            assert_true(r->b.value == (uint64_t)(int64_t)i->imm && r->b.old_ts == 0);
        add_write(f, i->rd, 3, r->d);
    }
}

static void take_load(oracle *o, vm_class c, const row_load *rows, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++) {
        const row_load *r = &rows[k];
        flat_row *f = new_row(o, &r->head, c);
        add_read(f, r->head.insn->rs1, 0, r->a);
        add_words(f, r->word, c == VM_CLASS_LOAD_CROSS ? 2 : 1);
        add_write(f, r->head.insn->rd, 3, r->d);
        assert_int_equal(r->word[0].address, (r->a.value + (int64_t)r->head.insn->imm) & ~7ULL);
        assert_true(c == VM_CLASS_LOAD || r->word[1].address == r->word[0].address + 8);
        assert_true(r->word[0].value == r->word[0].old_value);
    }
}

static void take_store(oracle *o, vm_class c, const row_store *rows, uint64_t n)
{
    for (uint64_t k = 0; k < n; k++) {
        const row_store *r = &rows[k];
        flat_row *f = new_row(o, &r->head, c);
        add_read(f, r->head.insn->rs1, 0, r->a);
        add_read(f, r->head.insn->rs2, 1, r->b);
        add_words(f, r->word, c == VM_CLASS_STORE_CROSS ? 2 : 1);
        assert_int_equal(r->word[0].address, (r->a.value + (int64_t)r->head.insn->imm) & ~7ULL);
    }
}

static void take_others(oracle *o, const vm_batch *b)
{
    for (uint64_t k = 0; k < b->n_UPPER; k++) {
        flat_row *f = new_row(o, &b->UPPER[k].head, VM_CLASS_UPPER);
        add_write(f, f->head.insn->rd, 3, b->UPPER[k].d);
    }
    for (uint64_t k = 0; k < b->n_BRANCH; k++) {
        flat_row *f = new_row(o, &b->BRANCH[k].head, VM_CLASS_BRANCH);
        add_read(f, f->head.insn->rs1, 0, b->BRANCH[k].a);
        add_read(f, f->head.insn->rs2, 1, b->BRANCH[k].b);
    }
    for (uint64_t k = 0; k < b->n_JUMP; k++) {
        flat_row *f = new_row(o, &b->JUMP[k].head, VM_CLASS_JUMP);
        if (f->head.insn->op == OP_jalr)
            add_read(f, f->head.insn->rs1, 0, b->JUMP[k].a);
        add_write(f, f->head.insn->rd, 3, b->JUMP[k].d);
    }
    for (uint64_t k = 0; k < b->n_ATOMIC; k++) {
        const row_atomic *r = &b->ATOMIC[k];
        flat_row *f = new_row(o, &r->head, VM_CLASS_ATOMIC);
        add_read(f, r->head.insn->rs1, 0, r->a);
        add_read(f, r->head.insn->rs2, 1, r->b);
        add_words(f, &r->word, 1);
        add_write(f, r->head.insn->rd, 3, r->d);
    }
    for (uint64_t k = 0; k < b->n_CSR; k++) {
        const row_csr *r = &b->CSR[k];
        flat_row *f = new_row(o, &r->head, VM_CLASS_CSR);
        if (vm_op_info[r->head.insn->op].format == 'C')
            add_read(f, r->head.insn->rs1, 0, r->a);
        add_words(f, &r->word, 1);
        add_write(f, r->head.insn->rd, 3, r->d);
    }
    for (uint64_t k = 0; k < b->n_FREE; k++) {
        flat_row *f = new_row(o, &b->FREE[k].head, VM_CLASS_FREE);
        add_write(f, f->head.insn->rd, 3, b->FREE[k].d);
    }
}

static void take_leaving(oracle *o, const vm_batch *b)
{
    for (uint64_t k = 0; k < b->n_SYSTEM; k++) {
        const row_system *r = &b->SYSTEM[k];
        flat_row *f = new_row(o, &r->head, VM_CLASS_SYSTEM);
        add_read(f, 17, 0, r->a7);
        add_read(f, 10, 1, r->a0);
        if (r->a7.value != 93)
            add_write(f, 1, 3, r->link);
    }
    for (uint64_t k = 0; k < b->n_CALL; k++) {
        const row_call *r = &b->CALL[k];
        const insn *i = r->head.insn;
        flat_row *f = new_row(o, &r->head, VM_CLASS_CALL);
        unsigned form = vm_precompiles[i->call].form;
        f->slots = vm_precompiles[i->call].slots;
        if (form != CALL_INPUT && form != CALL_MEMSET)
            add_read(f, i->rs1, 0, r->rs1);
        if (form != CALL_POINTER && form != CALL_RESULT) {
            add_read(f, i->rs2, 1, r->rs2);
            if (i->rs3 != 0)
                add_read(f, i->rs3, 2, r->rs3);
        }
        f->words = r->words;
        f->n_words = (unsigned)r->n_words;
        if (form == CALL_RESULT || form == CALL_MEMCMP)
            add_write(f, i->rd, f->slots - 1, r->d);
    }
}

static int compare_rows(const void *a, const void *b)
{
    const flat_row *x = a;
    const flat_row *y = b;
    return (x->head.ts > y->head.ts) - (x->head.ts < y->head.ts);
}

static void check_row(oracle *o, const flat_row *f)
{
    assert_false(o->halted);
    assert_int_equal(f->head.ts, o->s.ts);
    assert_int_equal(f->head.pc, o->s.pc);
    uint64_t slot = vm_program_slot(&o->k->program, o->s.pc);
    assert_ptr_equal(f->head.insn, &o->k->program.insns[slot]);
    o->fetches[slot]++;
    for (unsigned r = 0; r < f->n_regs; r++) {
        unsigned reg = f->regs[r].reg;
        assert_true(reg < VM_REGISTERS);
        assert_int_equal(f->regs[r].old_value, o->s.x[reg]);
        assert_int_equal(f->regs[r].old_ts, o->s.x_ts[reg]);
        assert_true(f->regs[r].old_ts < f->head.ts + f->regs[r].slot);
        o->s.x[reg] = f->regs[r].value;
        o->s.x_ts[reg] = f->head.ts + f->regs[r].slot;
        assert_true(reg != 0 || f->regs[r].value == 0);
    }
    const word_access *words = f->words != NULL ? f->words : f->own;
    for (unsigned w = 0; w < f->n_words; w++) {
        model_word *m = find_word(o, words[w].address);
        assert_int_equal(words[w].old_value, m->value);
        assert_int_equal(words[w].old_ts, m->ts);
        assert_true(words[w].slot < f->slots && m->ts < f->head.ts + words[w].slot);
        m->value = words[w].value;
        m->ts = f->head.ts + words[w].slot;
    }
    o->s.ts += f->slots;
    o->s.pc = f->head.next_pc;
    o->halted = f->head.insn->op == OP_ecall && f->regs[0].value == 93;
}

static status take_batch(void *arg, const vm_batch *b)
{
    oracle *o = arg;
    o->n_rows = 0;
    take_alu(o, VM_CLASS_ADD, b->ADD, b->n_ADD);
    take_alu(o, VM_CLASS_COMPARE, b->COMPARE, b->n_COMPARE);
    take_alu(o, VM_CLASS_BITWISE, b->BITWISE, b->n_BITWISE);
    take_alu(o, VM_CLASS_SHIFT, b->SHIFT, b->n_SHIFT);
    take_alu(o, VM_CLASS_MULTIPLY, b->MULTIPLY, b->n_MULTIPLY);
    take_alu(o, VM_CLASS_DIVIDE, b->DIVIDE, b->n_DIVIDE);
    take_load(o, VM_CLASS_LOAD, b->LOAD, b->n_LOAD);
    take_load(o, VM_CLASS_LOAD_CROSS, b->LOAD_CROSS, b->n_LOAD_CROSS);
    take_store(o, VM_CLASS_STORE, b->STORE, b->n_STORE);
    take_store(o, VM_CLASS_STORE_CROSS, b->STORE_CROSS, b->n_STORE_CROSS);
    take_others(o, b);
    take_leaving(o, b);
    qsort(o->rows, o->n_rows, sizeof *o->rows, compare_rows);
    for (uint64_t k = 0; k < o->n_rows; k++)
        check_row(o, &o->rows[k]);
    return ZK_OK;
}

static void check_state(const vm_state *a, const vm_state *b)
{
    assert_int_equal(a->ts, b->ts);
    assert_int_equal(a->pc, b->pc);
    assert_memory_equal(a->x, b->x, sizeof a->x);
    assert_memory_equal(a->x_ts, b->x_ts, sizeof a->x_ts);
}

static status check_final_word(void *arg, const vm_touch *t)
{
    oracle *o = arg;
    model_word *m = find_word(o, t->address);
    assert_int_equal(m->value, t->value);
    assert_int_equal(m->ts, t->ts);
    m->ts = 0; // seen
    return ZK_OK;
}

static void check_end(oracle *o)
{
    const vm_machine *m = o->k->machine;
    assert_true(o->halted);
    assert_int_equal(o->s.ts, vm_machine_ts(m));
    assert_memory_equal(o->s.x, vm_machine_x(m), sizeof o->s.x);
    assert_memory_equal(o->s.x_ts, vm_machine_x_ts(m), sizeof o->s.x_ts);
    assert_memory_equal(o->fetches, vm_machine_fetches(m),
                        o->k->program.n_slots * sizeof *o->fetches);
    assert_memory_equal(o->by_class, vm_machine_rows(m)->by_class, sizeof o->by_class);
    assert_int_equal(vm_machine_touched(m, check_final_word, o), ZK_OK);
    for (uint64_t w = 0; w < TABLE; w++) // nothing touched that pass 1 does not list
        assert_int_equal(o->memory[w].ts, 0);
}

static int compare_addresses(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// The record has each word once, as the chunks before left it.
static void check_touches(oracle *o, const vm_chunk *c)
{
    uint32_t *addresses = malloc(c->n_touches * sizeof *addresses + 1);
    assert_non_null(addresses);
    for (uint64_t t = 0; t < c->n_touches; t++) {
        const model_word *m = find_word(o, c->touches[t].address);
        assert_int_equal(c->touches[t].value, m->value);
        assert_int_equal(c->touches[t].ts, m->ts);
        addresses[t] = c->touches[t].address;
    }
    qsort(addresses, c->n_touches, sizeof *addresses, compare_addresses);
    for (uint64_t t = 1; t < c->n_touches; t++)
        assert_true(addresses[t] > addresses[t - 1]);
    free(addresses);
}

void check_replay(const kept_run *k)
{
    oracle o = {.k = k};
    vm_replay *r;
    o.memory = calloc(TABLE, sizeof *o.memory);
    o.fetches = calloc(k->program.n_slots, sizeof *o.fetches);
    o.rows = calloc(VM_BATCH_STEPS, sizeof *o.rows);
    assert_true(o.memory != NULL && o.fetches != NULL && o.rows != NULL);
    for (uint64_t g = 0; g < k->program.n_image; g++)
        set_words(&o, k->program.image[g].address, k->program.image[g].words,
                  k->program.image[g].n_words);
    set_words(&o, k->program.map.input_data, k->input.words, k->input.n_words);
    o.s = k->chunks[0].start;
    assert_int_equal(vm_replay_open(&r, &k->program), ZK_OK);
    for (uint64_t c = 0; c < k->n_chunks; c++) {
        vm_state end;
        check_state(&o.s, &k->chunks[c].start);
        check_touches(&o, &k->chunks[c]);
        status s = vm_replay_chunk(&end, r, &k->chunks[c], (vm_batch_sink){take_batch, &o});
        if (s != ZK_OK)
            fail_msg("%s", status_message());
        check_state(&o.s, &end);
    }
    check_end(&o);
    vm_replay_close(r);
    free(o.memory);
    free(o.fetches);
    free(o.rows);
}

// FNV-1a over 64-bit words.
static uint64_t absorb(uint64_t h, const void *data, uint64_t bytes)
{
    const uint64_t *words = data;
    for (uint64_t k = 0; k < bytes / 8; k++)
        h = (h ^ words[k]) * 0x100000001b3ULL;
    return h;
}

static status digest_batch(void *arg, const vm_batch *b)
{
    uint64_t h = *(uint64_t *)arg;
#define CLASS(name, row)                                                                           \
    _Static_assert(sizeof(row) % 8 == 0, "rows are whole words");                                  \
    if (VM_CLASS_##name != VM_CLASS_CALL)                                                          \
        h = absorb(h ^ b->n_##name, b->name, b->n_##name * sizeof(row));
    VM_CLASSES(CLASS)
#undef CLASS
    for (uint64_t k = 0; k < b->n_CALL; k++) {
        h = absorb(h, &b->CALL[k].head, sizeof(row_head));
        h = absorb(h, b->CALL[k].words, b->CALL[k].n_words * sizeof(word_access));
    }
    *(uint64_t *)arg = h;
    return ZK_OK;
}

uint64_t chunk_digest(vm_replay *r, const vm_chunk *c)
{
    uint64_t h = 0xcbf29ce484222325ULL;
    assert_int_equal(vm_replay_chunk(NULL, r, c, (vm_batch_sink){digest_batch, &h}), ZK_OK);
    return h;
}
