// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "vm/vm_state.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static void load_words(vm_machine *m, uint64_t address, const uint64_t *words, uint64_t n)
{
    vm_cell *cells = memory_cell(&m->memory, address);
    for (uint64_t k = 0; k < n; k++)
        cells[k].value = words[k];
}

static status prepare(vm_machine *m, const vm_input *input)
{
    const vm_program *p = m->program;
    TRY(memory_open(&m->memory, p, false));
    if (m->options.max_memory_bytes != 0)
        m->memory.max_pages = m->options.max_memory_bytes / VM_PAGE_BYTES;
    m->blocks = calloc(p->n_slots, sizeof *m->blocks);
    m->fetches = calloc(p->n_slots, sizeof *m->fetches);
    m->entered = malloc(m->chunk_steps * sizeof *m->entered);
    FAIL_IF(m->blocks == NULL || m->fetches == NULL || m->entered == NULL, ZK_ENOMEM,
            "no memory for the counters of %llu instructions", (unsigned long long)p->n_slots);
    account_open(m);
    for (uint64_t k = 0; k < p->n_image; k++)
        load_words(m, p->image[k].address, p->image[k].words, p->image[k].n_words);
    if (input != NULL)
        load_words(m, p->map.input_data, input->words, input->n_words);
    m->x[1] = VM_EXIT_PC;
    m->x[10] = p->map.input_base;
    m->x[11] = p->map.output;
    m->ts = VM_TS_START;
    m->slot = vm_program_slot(p, p->entry);
    return ZK_OK;
}

status vm_machine_open(vm_machine **out, const vm_program *program, const vm_input *input,
                       const vm_options *options)
{
    *out = NULL;
    FAIL_IF(options->max_steps > VM_MAX_STEPS, ZK_EINVAL, "step limit %llu is above 2^36",
            (unsigned long long)options->max_steps);
    FAIL_IF(options->chunk_log > VM_MAX_CHUNK_LOG, ZK_EINVAL, "chunks of 2^%u steps, at most 2^%d",
            options->chunk_log, VM_MAX_CHUNK_LOG);
    vm_machine *m = calloc(1, sizeof *m);
    FAIL_IF(m == NULL, ZK_ENOMEM, "no memory for a machine");
    m->program = program;
    m->options = *options;
    if (m->options.max_steps == 0)
        m->options.max_steps = VM_MAX_STEPS;
    m->chunk_steps = 1ULL << (options->chunk_log != 0 ? options->chunk_log : VM_CHUNK_LOG);
    status s = prepare(m, input);
    if (s != ZK_OK) {
        vm_machine_close(m);
        return s;
    }
    *out = m;
    return ZK_OK;
}

void vm_machine_close(vm_machine *m)
{
    if (m == NULL)
        return;
    memory_close(&m->memory);
    free(m->blocks);
    free(m->fetches);
    free(m->entered);
    word_list_clear(&m->hint_params);
    word_list_clear(&m->hint_results);
    word_list_clear(&m->free_log);
    free(m);
}

static void print_rest(vm_machine *m)
{
    if (m->print_n != 0 && m->options.print != NULL)
        m->options.print(m->options.print_arg, m->print_buffer, m->print_n);
    m->print_n = 0;
}

static void begin_chunk(vm_machine *m)
{
    m->memory.chunk_ts = m->ts;
    m->memory.n_touches = 0;
    m->free_log.n = 0;
    m->chunk = (vm_chunk){.index = m->chunk_index};
    m->chunk.start.ts = m->ts;
    m->chunk.start.pc = vm_program_pc(m->program, m->slot);
    memcpy(m->chunk.start.x, m->x, sizeof m->x);
    memcpy(m->chunk.start.x_ts, m->x_ts, sizeof m->x_ts);
}

static void add_rows(vm_rows *sum, const vm_rows *rows)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)rows;
    for (size_t k = 0; k < sizeof *sum / sizeof *to; k++)
        to[k] += from[k];
}

static status end_chunk(vm_machine *m)
{
    vm_chunk *c = &m->chunk;
    account_chunk(&c->rows, m);
    add_rows(&m->rows, &c->rows);
    m->steps += c->n_steps;
    m->chunk_index++;
    c->touches = m->memory.touches;
    c->n_touches = m->memory.n_touches;
    c->free_words = m->free_log.words;
    c->n_free_words = m->free_log.n;
    if (m->options.sink.take == NULL)
        return ZK_OK;
    return m->options.sink.take(m->options.sink.arg, c);
}

static status check_limits(const vm_machine *m, uint64_t start_ns)
{
    const vm_options *o = &m->options;
    FAIL_IF(cancel_raised(o->cancel), ZK_ECANCELED, "the run was canceled after %llu steps",
            (unsigned long long)m->steps);
    FAIL_IF(m->steps >= o->max_steps, ZK_ELIMIT,
            "the program did not halt within %llu steps, the limit set for this run",
            (unsigned long long)o->max_steps);
    FAIL_IF(m->ts > (1ULL << VM_TS_BITS) - m->chunk_steps * VM_CALL_MAX_SLOTS, ZK_ELIMIT,
            "the program used up the timestamps after %llu steps", (unsigned long long)m->steps);
    FAIL_IF(o->max_time_ns != 0 && clock_monotonic_ns() - start_ns > o->max_time_ns, ZK_ETIMEOUT,
            "the program did not halt within %llu ms, the limit set for this run (%llu steps done)",
            (unsigned long long)(o->max_time_ns / NS_PER_MS), (unsigned long long)m->steps);
    return ZK_OK;
}

static status describe_failure(const vm_machine *m, status s)
{
    if (s != ZK_EGUEST)
        return s;
    uint64_t slot = m->failed_slot;
    const insn *i = &m->program->insns[slot];
    unsigned long long steps = m->steps + m->failed_steps;
    if (i->op == OP_NONE)
        FAIL(s, "%s; after %llu steps", status_message(), steps);
    char text[INSN_TEXT_BYTES];
    uint64_t pc = vm_program_pc(m->program, slot);
    insn_text(text, i, pc);
    FAIL(s, "%s; at pc 0x%llx, encoding 0x%0*x, \"%s\", after %llu steps", status_message(),
         (unsigned long long)pc, i->length == 2 ? 4 : 8, i->word, text, steps);
}

status vm_machine_run(vm_machine *m)
{
    uint64_t start_ns = clock_monotonic_ns();
    while (!m->halted) {
        TRY(check_limits(m, start_ns));
        if (m->options.progress != NULL)
            m->options.progress(m->options.progress_arg,
                                &(vm_progress){m->steps, vm_machine_memory_bytes(m)});
        uint64_t left = m->options.max_steps - m->steps;
        begin_chunk(m);
        status s = run_chunk(m, left < m->chunk_steps ? left : m->chunk_steps);
        print_rest(m);
        if (s != ZK_OK)
            return describe_failure(m, s);
        TRY(end_chunk(m));
    }
    return ZK_OK;
}

uint64_t vm_machine_steps(const vm_machine *m)
{
    return m->steps + m->failed_steps;
}

uint64_t vm_machine_ts(const vm_machine *m)
{
    return m->ts;
}

uint64_t vm_machine_pc(const vm_machine *m)
{
    return vm_program_pc(m->program, m->halted ? m->slot : m->failed_slot);
}

const char *vm_exit_code_words(uint64_t code)
{
    // 128 + SIGABRT, by which the C library and the SDK end a guest.
    return code == 134
               ? " (abort: a failed assertion, more output than fits, or a bad input record)"
               : "";
}

uint64_t vm_machine_exit_code(const vm_machine *m)
{
    return m->exit_code;
}

uint64_t vm_machine_memory_bytes(const vm_machine *m)
{
    return m->memory.pages * VM_PAGE_BYTES;
}

const vm_rows *vm_machine_rows(const vm_machine *m)
{
    return &m->rows;
}

const uint64_t *vm_machine_x(const vm_machine *m)
{
    return m->x;
}

const uint64_t *vm_machine_x_ts(const vm_machine *m)
{
    return m->x_ts;
}

const uint64_t *vm_machine_fetches(const vm_machine *m)
{
    return m->fetches;
}

void vm_machine_publics(uint32_t out[VM_PUBLICS], const vm_machine *m)
{
    const vm_cell *c = memory_cell(&m->memory, m->program->map.output);
    for (unsigned k = 0; k < VM_PUBLICS; k++)
        out[k] = (uint32_t)(c[k / 2].value >> (32 * (k % 2)));
}

status vm_machine_touched(const vm_machine *m, status (*fn)(void *arg, const vm_touch *word),
                          void *arg)
{
    for (uint64_t page = 0; page < VM_SPACE_SIZE / VM_PAGE_BYTES; page++) {
        if (!m->memory.page_used[page])
            continue;
        for (uint64_t k = page * PAGE_CELLS; k < (page + 1) * PAGE_CELLS; k++) {
            const vm_cell *c = &m->memory.cells[k];
            if (c->ts == 0)
                continue;
            TRY(fn(arg, &(vm_touch){.address = (uint32_t)(VM_SPACE_BASE + 8 * k),
                                    .value = c->value,
                                    .ts = c->ts}));
        }
    }
    return ZK_OK;
}
