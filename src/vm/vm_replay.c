// SPDX-License-Identifier: Apache-2.0 OR MIT
// Replay: plain switch over isa.def, one row a step. Semantics are those of semantics.h, as in
// vm_run.c; what differs is that here every access is written down.
#include "vm/vm_replay.h"

#include "vm/cells.h"
#include "vm/semantics.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// After so many words the pages of past chunks are given back to the system.
enum { MAX_STALE_WORDS = 1 << 20 };

enum { CACHE_LINE = 64 };

struct vm_replay {
    const vm_program *program;
    vm_memory memory;
    uint64_t stale_words;

    vm_state s;
    uint64_t slot;
    word_list free_words; // view of the chunk's
    uint64_t next_free;
    bool halted;

    uint64_t chunk;
    uint64_t first_step; // of the batch under way
#define CLASS(name, row)                                                                           \
    row *name;                                                                                     \
    uint64_t n_##name;
    VM_CLASSES(CLASS)
#undef CLASS
};

status vm_replay_open(vm_replay **out, const vm_program *program)
{
    *out = NULL;
    // Whole cache lines: replayers are opened one after the other and used by a thread each.
    size_t bytes = (sizeof(vm_replay) + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
    vm_replay *r = aligned_alloc(CACHE_LINE, bytes);
    FAIL_IF(r == NULL, ZK_ENOMEM, "no memory for a replay");
    memset(r, 0, bytes);
    r->program = program;
    status s = memory_open(&r->memory, program, true);
#define CLASS(name, row)                                                                           \
    r->name = malloc(VM_BATCH_STEPS * sizeof(row));                                                \
    if (s == ZK_OK && r->name == NULL)                                                             \
        s = status_fail(ZK_ENOMEM, __FILE__, __LINE__, "", "no memory for " #name " rows");
    VM_CLASSES(CLASS)
#undef CLASS
    if (s != ZK_OK) {
        vm_replay_close(r);
        return s;
    }
    *out = r;
    return ZK_OK;
}

void vm_replay_close(vm_replay *r)
{
    if (r == NULL)
        return;
    memory_close(&r->memory);
#define CLASS(name, row) free(r->name);
    VM_CLASSES(CLASS)
#undef CLASS
    free(r);
}

// ---- Accesses ----

static reg_read read_register(vm_replay *r, unsigned reg, unsigned slot)
{
    reg_read a = {.value = r->s.x[reg], .old_ts = r->s.x_ts[reg]};
    r->s.x_ts[reg] = r->s.ts + slot;
    return a;
}

static reg_write write_register(vm_replay *r, unsigned reg, uint64_t value, unsigned slot)
{
    reg_write d = {.old_value = r->s.x[reg], .value = value, .old_ts = r->s.x_ts[reg]};
    r->s.x[reg] = value;
    r->s.x_ts[reg] = r->s.ts + slot;
    return d;
}

// The access of a step to the word that holds `address`; the caller sets the new value in the cell
// and in the access.
static status touch_word(word_access *out, vm_cell **cell, vm_replay *r, uint64_t address,
                         bool write)
{
    TRY(memory_touch(cell, &r->memory, address, write));
    vm_cell *c = *cell;
    *out = (word_access){.old_value = c->value,
                         .value = c->value,
                         .old_ts = c->ts & ~CELL_PRESENT,
                         .address = (uint32_t)address & ~7u,
                         .slot = VM_SLOT_MEM};
    c->ts = (r->s.ts + VM_SLOT_MEM) | CELL_PRESENT;
    return ZK_OK;
}

static status load_words(uint64_t *value, word_access word[2], vm_replay *r, uint64_t address,
                         unsigned size)
{
    unsigned offset = address & 7;
    vm_cell *c;
    TRY(touch_word(&word[0], &c, r, address, false));
    word[1] = (word_access){0};
    if (offset + size > 8)
        TRY(touch_word(&word[1], &c, r, address + 8 - offset, false));
    *value = extract_bytes((uint64_t[2]){word[0].value, word[1].value}, offset, size);
    return ZK_OK;
}

static status store_words(word_access word[2], vm_replay *r, uint64_t address, uint64_t value,
                          unsigned size)
{
    unsigned offset = address & 7;
    vm_cell *c[2] = {NULL, NULL};
    TRY(touch_word(&word[0], &c[0], r, address, true));
    word[1] = (word_access){0};
    if (offset + size > 8)
        TRY(touch_word(&word[1], &c[1], r, address + 8 - offset, true));
    uint64_t merged[2];
    merge_bytes(merged, (uint64_t[2]){word[0].old_value, word[1].old_value}, offset, value, size);
    for (unsigned k = 0; k < 2 && c[k] != NULL; k++)
        c[k]->value = word[k].value = merged[k];
    return ZK_OK;
}

// ---- Steps that need more than a line ----

static status step_atomic(vm_replay *r, row_atomic *row, const insn *i, unsigned size,
                          uint64_t (*semantics)(uint64_t, uint64_t), bool old_to_rd)
{
    row->a = read_register(r, i->rs1, VM_SLOT_RS1);
    row->b = read_register(r, i->rs2, VM_SLOT_RS2);
    vm_cell *c;
    TRY(touch_word(&row->word, &c, r, row->a.value, true));
    unsigned offset = row->a.value & 7;
    uint64_t words[2] = {row->word.old_value, 0};
    uint64_t old = extract_bytes(words, offset, size);
    uint64_t b = row->b.value;
    if (size == 4) {
        old = sext32(old);
        b = sext32(b);
    }
    merge_bytes(words, words, offset, semantics(old, b), size);
    c->value = row->word.value = words[0];
    row->d = write_register(r, i->rd, old_to_rd ? old : 0, VM_SLOT_RD);
    return ZK_OK;
}

static status step_csr(vm_replay *r, row_csr *row, const insn *i, bool immediate,
                       uint64_t (*semantics)(uint64_t, uint64_t))
{
    row->a = immediate ? (reg_read){.value = i->small} : read_register(r, i->rs1, VM_SLOT_RS1);
    vm_cell *c;
    uint64_t address = r->program->map.csr_base + 8 * (uint64_t)i->imm;
    TRY(touch_word(&row->word, &c, r, address, true));
    c->value = row->word.value = semantics(row->word.old_value, row->a.value);
    row->d = write_register(r, i->rd, row->word.old_value, VM_SLOT_RD);
    return ZK_OK;
}

static status step_free(vm_replay *r, row_free *row, const insn *i)
{
    vm_port port = {.free_words = &r->free_words, .next_free = &r->next_free};
    uint64_t word;
    TRY(port_next_free(&port, &word));
    row->d = write_register(r, i->rd, word, VM_SLOT_RD);
    return ZK_OK;
}

static void step_system(vm_replay *r, row_system *row, const insn *i, uint64_t link)
{
    row->a7 = read_register(r, i->rs1, VM_SLOT_RS1);
    row->a0 = read_register(r, i->rs2, VM_SLOT_RS2);
    r->halted = row->a7.value == 93;
    row->link = r->halted ? (reg_write){0} : write_register(r, i->rd, link, VM_SLOT_RD);
}

// row->words is an index until the batch is complete: the array may move.
static status step_call(vm_replay *r, row_call *row, const insn *i)
{
    vm_port port = {.memory = &r->memory,
                    .ts = r->s.ts,
                    .free_words = &r->free_words,
                    .next_free = &r->next_free};
    unsigned operands = call_operands(i);
    const reg_read none = {0};
    uint64_t first = r->memory.n_accesses;
    uint64_t result;
    TRY(call_execute(&result, &port, i, r->s.x));
    row->rs1 = operands & 1 ? read_register(r, i->rs1, 0) : none;
    row->rs2 = operands & 2 ? read_register(r, i->rs2, 1) : none;
    row->rs3 = operands & 4 ? read_register(r, i->rs3, 2) : none;
    row->d = operands & 8 ? write_register(r, i->rd, result, call_slots(i) - 1) : (reg_write){0};
    row->words = (const word_access *)(uintptr_t)first;
    row->n_words = r->memory.n_accesses - first;
    return ZK_OK;
}

// ---- One step ----

#define NEW(class) (&r->class[r->n_##class ++])
#define BEGIN(class, type)                                                                         \
    type *row = NEW(class);                                                                        \
    head = &row->head

#define STEP_R(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_alu);                                                                     \
        row->a = read_register(r, i->rs1, VM_SLOT_RS1);                                            \
        row->b = read_register(r, i->rs2, VM_SLOT_RS2);                                            \
        row->d = write_register(r, i->rd, semantics(row->a.value, row->b.value), VM_SLOT_RD);      \
        break;                                                                                     \
    }
#define STEP_I(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_alu);                                                                     \
        row->a = read_register(r, i->rs1, VM_SLOT_RS1);                                            \
        row->b = (reg_read){.value = imm};                                                         \
        row->d = write_register(r, i->rd, semantics(row->a.value, imm), VM_SLOT_RD);               \
        break;                                                                                     \
    }
#define STEP_H(name, class, semantics) STEP_I(name, class, semantics)
#define STEP_N(name, class, semantics) STEP_I(name, class, sem_add)
#define STEP_Q(name, class, semantics) STEP_I(name, class, sem_add)
#define STEP_G(name, class, semantics) STEP_I(name, class, sem_add)
#define STEP_U(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_upper);                                                                   \
        row->d = write_register(r, i->rd, semantics(pc, imm), VM_SLOT_RD);                         \
        break;                                                                                     \
    }
#define STEP_P(name, class, semantics) STEP_U(name, class, semantics)
#define STEP_B(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_branch);                                                                  \
        row->a = read_register(r, i->rs1, VM_SLOT_RS1);                                            \
        row->b = read_register(r, i->rs2, VM_SLOT_RS2);                                            \
        if (semantics(row->a.value, row->b.value))                                                 \
            next_pc = pc + imm;                                                                    \
        break;                                                                                     \
    }
#define STEP_J(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_jump);                                                                    \
        row->a = (reg_read){0};                                                                    \
        row->d = write_register(r, i->rd, next_pc, VM_SLOT_RD);                                    \
        next_pc = pc + imm;                                                                        \
        break;                                                                                     \
    }
#define STEP_V(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_jump);                                                                    \
        row->a = read_register(r, i->rs1, VM_SLOT_RS1);                                            \
        row->d = write_register(r, i->rd, next_pc, VM_SLOT_RD);                                    \
        next_pc = (row->a.value + imm) & ~1ULL;                                                    \
        break;                                                                                     \
    }
#define STEP_L(name, class, type)                                                                  \
    {                                                                                              \
        uint64_t address = r->s.x[i->rs1] + imm;                                                   \
        row_load *row = (address & 7) + sizeof(type) > 8 ? NEW(LOAD_CROSS) : NEW(LOAD);            \
        head = &row->head;                                                                         \
        uint64_t value;                                                                            \
        TRY(load_words(&value, row->word, r, address, sizeof(type)));                              \
        row->a = read_register(r, i->rs1, VM_SLOT_RS1);                                            \
        row->d = write_register(r, i->rd, (uint64_t)(int64_t)(type)value, VM_SLOT_RD);             \
        break;                                                                                     \
    }
#define STEP_S(name, class, type)                                                                  \
    {                                                                                              \
        uint64_t address = r->s.x[i->rs1] + imm;                                                   \
        row_store *row = (address & 7) + sizeof(type) > 8 ? NEW(STORE_CROSS) : NEW(STORE);         \
        head = &row->head;                                                                         \
        TRY(store_words(row->word, r, address, r->s.x[i->rs2], sizeof(type)));                     \
        row->a = read_register(r, i->rs1, VM_SLOT_RS1);                                            \
        row->b = read_register(r, i->rs2, VM_SLOT_RS2);                                            \
        break;                                                                                     \
    }
#define STEP_ATOMIC(class, semantics, size, old_to_rd)                                             \
    {                                                                                              \
        BEGIN(class, row_atomic);                                                                  \
        TRY(step_atomic(r, row, i, size, semantics, old_to_rd));                                   \
        break;                                                                                     \
    }
#define STEP_W(name, class, semantics) STEP_ATOMIC(class, semantics, 4, true)
#define STEP_D(name, class, semantics) STEP_ATOMIC(class, semantics, 8, true)
#define STEP_w(name, class, semantics) STEP_ATOMIC(class, semantics, 4, false)
#define STEP_d(name, class, semantics) STEP_ATOMIC(class, semantics, 8, false)
#define STEP_CSR(class, semantics, immediate)                                                      \
    {                                                                                              \
        BEGIN(class, row_csr);                                                                     \
        TRY(step_csr(r, row, i, immediate, semantics));                                            \
        break;                                                                                     \
    }
#define STEP_C(name, class, semantics) STEP_CSR(class, semantics, false)
#define STEP_Z(name, class, semantics) STEP_CSR(class, semantics, true)
#define STEP_F(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_free);                                                                    \
        TRY(step_free(r, row, i));                                                                 \
        break;                                                                                     \
    }
#define STEP_E(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_system);                                                                  \
        step_system(r, row, i, next_pc);                                                           \
        if (r->halted)                                                                             \
            next_pc = pc;                                                                          \
        break;                                                                                     \
    }
#define STEP_X(name, class, semantics)                                                             \
    {                                                                                              \
        BEGIN(class, row_call);                                                                    \
        slots = call_slots(i);                                                                     \
        TRY(step_call(r, row, i));                                                                 \
        break;                                                                                     \
    }
#define STEP_K(name, class, semantics) goto no_instruction;

static status step(vm_replay *r)
{
    const insn *i = &r->program->insns[r->slot];
    uint64_t pc = r->s.pc;
    uint64_t next_pc = pc + i->length;
    uint64_t imm = (uint64_t)(int64_t)i->imm;
    unsigned slots = VM_STEP_SLOTS;
    row_head *head;

    switch (i->op) {
#define ISA(format, name, mnemonic, class, mask, match, semantics)                                 \
    case OP_##name:                                                                                \
        STEP_##format(name, class, semantics)
#include "vm/isa.def"
#undef ISA
    default:
    no_instruction:
        FAIL(ZK_EINTERNAL, "chunk %llu: replay comes to pc 0x%llx, where no instruction is",
             (unsigned long long)r->chunk, (unsigned long long)pc);
    }

    *head = (row_head){.ts = r->s.ts, .insn = i, .pc = (uint32_t)pc, .next_pc = (uint32_t)next_pc};
    r->s.ts += slots;
    r->s.pc = next_pc;
    r->slot =
        next_pc == pc + i->length ? r->slot + i->length / 2 : vm_program_slot(r->program, next_pc);
    return ZK_OK;
}

static status flush(vm_replay *r, vm_batch_sink sink)
{
    // Calls noted the index of their first word: the list may have moved since, or, when none of
    // them touches memory, there is no list.
    for (uint64_t k = 0; k < r->n_CALL && r->memory.accesses != NULL; k++)
        r->CALL[k].words = r->memory.accesses + (uintptr_t)r->CALL[k].words;
    vm_batch b = {.chunk = r->chunk,
                  .first_step = r->first_step,
#define CLASS(name, row) .name = r->name, .n_##name = r->n_##name,
                  VM_CLASSES(CLASS)
#undef CLASS
    };
    r->memory.n_accesses = 0;
#define CLASS(name, row) r->n_##name = 0;
    VM_CLASSES(CLASS)
#undef CLASS
    return sink.take == NULL ? ZK_OK : sink.take(sink.arg, &b);
}

static status begin_chunk(vm_replay *r, const vm_chunk *c)
{
    r->s = c->start;
    r->slot = vm_program_slot(r->program, c->start.pc);
    r->free_words = (word_list){.words = (uint64_t *)c->free_words, .n = c->n_free_words};
    r->next_free = 0;
    r->halted = false;
    r->chunk = c->index;
    for (uint64_t k = 0; k < c->n_touches; k++) {
        const vm_touch *t = &c->touches[k];
        FAIL_IF(t->address - VM_SPACE_BASE >= VM_SPACE_SIZE || t->ts >= c->start.ts, ZK_EINTERNAL,
                "chunk %llu: the record's word at 0x%x is damaged", (unsigned long long)c->index,
                t->address);
        *memory_cell(&r->memory, t->address) =
            (vm_cell){.value = t->value, .ts = t->ts | CELL_PRESENT};
    }
    return ZK_OK;
}

static void end_chunk(vm_replay *r, const vm_chunk *c)
{
    r->stale_words += c->n_touches;
    if (r->stale_words > MAX_STALE_WORDS) {
        madvise(r->memory.cells, VM_SPACE_SIZE / 8 * sizeof(vm_cell), MADV_DONTNEED);
        r->stale_words = 0;
        return;
    }
    for (uint64_t k = 0; k < c->n_touches; k++)
        if (c->touches[k].address - VM_SPACE_BASE < VM_SPACE_SIZE)
            memory_cell(&r->memory, c->touches[k].address)->ts = 0;
}

static status run(vm_replay *r, const vm_chunk *c, vm_batch_sink sink)
{
    TRY(begin_chunk(r, c));
    for (uint64_t done = 0; done < c->n_steps;) {
        uint64_t end = done + VM_BATCH_STEPS < c->n_steps ? done + VM_BATCH_STEPS : c->n_steps;
        r->first_step = done;
        for (; done < end; done++)
            TRY(step(r));
        TRY(flush(r, sink));
    }
    return ZK_OK;
}

status vm_replay_chunk(vm_state *end, vm_replay *r, const vm_chunk *chunk, vm_batch_sink sink)
{
    status s = run(r, chunk, sink);
    end_chunk(r, chunk);
    if (s != ZK_OK) { // rows of the batch under way are dropped
        r->memory.n_accesses = 0;
#define CLASS(name, row) r->n_##name = 0;
        VM_CLASSES(CLASS)
#undef CLASS
    }
    if (end != NULL)
        *end = r->s;
    return s;
}
