// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/run.h"

#include <stdlib.h>
#include <string.h>

// ---- Rows of a chunk
// -----------------------------------------------------------------------------

typedef struct row_feed {
    run_row row;
    void *arg;
    size_t first, end; // batches
} row_feed;

void run_batch_rows(const vm_batch *b, run_row row, void *arg)
{
#define FEED(class, chip_of)                                                                       \
    for (uint64_t i = 0; i < b->n_##class; i++)                                                    \
        row(arg, chip_of(&b->class[i]), &b->class[i]);
#define UPPER_CHIP(r) CHIP_UPPER
#define FREE_CHIP(r)  CHIP_FREE
    FEED(ADD, chip_of_alu)
    FEED(COMPARE, chip_of_alu)
    FEED(BITWISE, chip_of_alu)
    FEED(SHIFT, chip_of_alu)
    FEED(MULTIPLY, chip_of_alu)
    FEED(DIVIDE, chip_of_alu)
    FEED(UPPER, UPPER_CHIP)
    FEED(BRANCH, chip_of_branch)
    FEED(JUMP, chip_of_jump)
    FEED(LOAD, chip_of_load)
    FEED(LOAD_CROSS, chip_of_load)
    FEED(STORE, chip_of_store)
    FEED(STORE_CROSS, chip_of_store)
    FEED(ATOMIC, chip_of_atomic)
    FEED(CSR, chip_of_csr)
    FEED(FREE, FREE_CHIP)
    FEED(SYSTEM, chip_of_system)
#undef FEED
#undef UPPER_CHIP
#undef FREE_CHIP
}

static status take_batch(void *arg, const vm_batch *b)
{
    row_feed *f = arg;
    size_t batch = b->first_step / RUN_BATCH_STEPS;
    if (batch < f->first || batch >= f->end)
        return ZK_OK;
    FAIL_IF(b->n_CALL > 0, ZK_EGUEST,
            "the program calls %s at pc 0x%x, a precompile that has no chip yet",
            vm_precompiles[b->CALL[0].head.insn->call].name, b->CALL[0].head.pc);
    run_batch_rows(b, f->row, f->arg);
    return ZK_OK;
}

status zisk_run_rows(const zisk_run *r, vm_replay *replay, size_t chunk, size_t first_batch,
                     size_t end_batch, run_row row, void *arg)
{
    row_feed feed = {row, arg, first_batch, end_batch};
    return vm_replay_chunk(NULL, replay, &r->chunks[chunk].record,
                           (vm_batch_sink){take_batch, &feed});
}

// ---- Recording -------------------------------------------------------------------------------

static void *copy_of(const void *data, size_t bytes)
{
    void *copy = malloc(bytes + 1);
    if (copy != NULL && bytes > 0)
        memcpy(copy, data, bytes);
    return copy;
}

static status keep_chunk(void *arg, const vm_chunk *c)
{
    zisk_run *r = arg;
    if (r->n_chunks == r->chunk_capacity) {
        size_t capacity = r->chunk_capacity == 0 ? 16 : 2 * r->chunk_capacity;
        run_chunk *chunks = realloc(r->chunks, capacity * sizeof *chunks);
        FAIL_IF(chunks == NULL, ZK_ENOMEM, "no memory for the record of the run");
        r->chunks = chunks;
        r->chunk_capacity = capacity;
    }
    run_chunk *own = &r->chunks[r->n_chunks];
    *own = (run_chunk){.record = *c};
    own->record.touches = copy_of(c->touches, c->n_touches * sizeof *c->touches);
    own->record.free_words = copy_of(c->free_words, c->n_free_words * sizeof *c->free_words);
    own->n_batches = (c->n_steps + RUN_BATCH_STEPS - 1) / RUN_BATCH_STEPS;
    own->batches = calloc(own->n_batches + 1, sizeof *own->batches);
    r->n_chunks++;
    FAIL_IF(!own->record.touches || !own->record.free_words || !own->batches, ZK_ENOMEM,
            "no memory for the record of a chunk");
    return ZK_OK;
}

// ---- Counting ----------------------------------------------------------------------------------

typedef struct counting {
    zisk_run *run;
    const cancel_flag *cancel;
    vm_replay **replays; // one a slot
    status *results;     // one a chunk
} counting;

static void count_row(void *arg, execution_chip which, const void *row)
{
    run_batch *batch = arg;
    (void)row;
    batch->rows[which]++;
}

static status count_batch(void *arg, const vm_batch *b)
{
    run_chunk *chunk = arg;
    size_t batch = b->first_step / RUN_BATCH_STEPS;
    ZK_ASSERT(batch < chunk->n_batches);
    row_feed feed = {count_row, &chunk->batches[batch], batch, batch + 1};
    return take_batch(&feed, b);
}

static status count_chunk(const counting *c, unsigned slot, size_t i)
{
    run_chunk *chunk = &c->run->chunks[i];
    return vm_replay_chunk(NULL, c->replays[slot], &chunk->record,
                           (vm_batch_sink){count_batch, chunk});
}

static void count_chunks(void *arg, unsigned slot, size_t first, size_t end)
{
    const counting *c = arg;
    for (size_t i = first; i < end && !cancel_raised(c->cancel); i++)
        c->results[i] = count_chunk(c, slot, i);
}

static status count_rows(zisk_run *r, pool *threads, const cancel_flag *cancel)
{
    status result = ZK_OK;
    unsigned n = pool_threads(threads);
    counting c = {.run = r,
                  .cancel = cancel,
                  .replays = calloc(n, sizeof *c.replays),
                  .results = calloc(r->n_chunks + 1, sizeof *c.results)};
    FAIL_OUT_IF(!c.replays || !c.results, ZK_ENOMEM, "no memory to replay");
    for (unsigned i = 0; i < n; i++)
        TRY_OUT(vm_replay_open(&c.replays[i], &r->program->vm));
    pool_for_slots(threads, r->n_chunks, 1, count_chunks, &c);
    FAIL_OUT_IF(cancel_raised(cancel), ZK_ECANCELED, "canceled");
    for (size_t i = 0; i < r->n_chunks; i++)
        if (c.results[i] != ZK_OK) // once more on this thread, for its message
            TRY_OUT(count_chunk(&c, 0, i));
    for (size_t i = 0; i < r->n_chunks; i++)
        for (size_t b = 0; b < r->chunks[i].n_batches; b++)
            for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
                r->row_count[k] += r->chunks[i].batches[b].rows[k];
out:
    for (unsigned i = 0; c.replays != NULL && i < n; i++)
        vm_replay_close(c.replays[i]);
    free(c.replays);
    free(c.results);
    return result;
}

// ---- Boundary
// ------------------------------------------------------------------------------------

// All touched words come in ascending order, and so do the image and the outputs: one merge.
typedef struct boundary_merge {
    zisk_run *run;
    size_t image, output; // next not yet passed
    size_t zero_capacity, input_capacity;
} boundary_merge;

static status append_word(boundary_word **list, size_t *n, size_t *capacity, boundary_word w)
{
    if (*n == *capacity) {
        size_t more = *capacity == 0 ? 1024 : 2 * *capacity;
        boundary_word *words = realloc(*list, more * sizeof *words);
        FAIL_IF(words == NULL, ZK_ENOMEM, "no memory for %zu touched words", more);
        *list = words;
        *capacity = more;
    }
    (*list)[(*n)++] = w;
    return ZK_OK;
}

static void set_last(boundary_word *w, uint64_t value, uint64_t ts)
{
    w->last = value;
    w->last_ts = ts;
}

static status merge_touched(void *arg, const vm_touch *t)
{
    boundary_merge *m = arg;
    zisk_run *r = m->run;
    const vm_map *map = &r->program->vm.map;
    while (m->image < r->n_image && r->image[m->image].key < t->address)
        m->image++;
    if (m->image < r->n_image && r->image[m->image].key == t->address) {
        set_last(&r->image[m->image], t->value, t->ts);
        return ZK_OK;
    }
    if (t->address >= map->output && t->address < map->output + 8 * OUTPUT_WORDS) {
        set_last(&r->output[(t->address - map->output) / 8], t->value, t->ts);
        return ZK_OK;
    }
    boundary_word w = {.key = t->address, .last = t->value, .last_ts = t->ts};
    if (t->address >= VM_RAM_BASE && t->address < VM_RAM_BASE + VM_RAM_SIZE)
        return append_word(&r->zero, &r->n_zero, &m->zero_capacity, w);
    FAIL_IF(t->address < map->input_data || t->address >= map->input_base + map->input_bytes,
            ZK_EGUEST,
            "the program reads 0x%x, a gap between the segments of its ROM; no chip "
            "proves the value of such a word",
            t->address);
    w.first = t->value;
    return append_word(&r->input, &r->n_input, &m->input_capacity, w);
}

// Previous keys along the chain: a merge of the four lists by key.
static void link_chain(zisk_run *r)
{
    boundary_word *lists[4] = {r->image, r->output, r->zero, r->input};
    size_t sizes[4] = {r->n_image, r->n_output, r->n_zero, r->n_input}, at[4] = {0};
    uint64_t previous = 0;
    for (;;) {
        int next = -1;
        for (int k = 0; k < 4; k++)
            if (at[k] < sizes[k] && (next < 0 || lists[k][at[k]].key < lists[next][at[next]].key))
                next = k;
        if (next < 0)
            return;
        boundary_word *w = &lists[next][at[next]++];
        w->previous_key = previous;
        previous = w->key;
    }
}

static status collect_boundary(zisk_run *r, const vm_machine *m)
{
    const zisk_program *p = r->program;
    r->n_image = p->rows.n_image;
    r->n_output = OUTPUT_WORDS;
    r->image = calloc(r->n_image + 1, sizeof *r->image);
    r->output = calloc(r->n_output, sizeof *r->output);
    r->fetches = calloc(p->rows.n_fetch + 1, sizeof *r->fetches);
    FAIL_IF(!r->image || !r->output || !r->fetches, ZK_ENOMEM, "no memory for the boundary");
    for (size_t i = 0; i < r->n_image; i++) {
        const fixed_word *f = &p->rows.image[i];
        r->image[i] = (boundary_word){.key = f->key, .first = f->value, .last = f->value};
    }
    for (size_t i = 0; i < OUTPUT_WORDS; i++)
        r->output[i].key = p->rows.output + 8 * i;
    boundary_merge merge = {.run = r};
    TRY(vm_machine_touched(m, merge_touched, &merge));
    boundary_word *registers = r->image + r->n_image - VM_REGISTERS;
    for (int i = 0; i < VM_REGISTERS; i++)
        set_last(&registers[i], vm_machine_x(m)[i], vm_machine_x_ts(m)[i]);
    link_chain(r);
    const uint64_t *fetches = vm_machine_fetches(m);
    for (size_t i = 0; i < p->rows.n_fetch; i++)
        r->fetches[i] = fetches[p->rows.fetch_slot[i]];
    vm_machine_publics(r->publics, m);
    return ZK_OK;
}

// ---- The whole -------------------------------------------------------------------------------

status zisk_run_new(zisk_run **out, const zisk_program *program, const vm_input *input,
                    const run_options *options, pool *threads)
{
    status result = ZK_OK;
    vm_machine *m = NULL;
    zisk_run *r = calloc(1, sizeof *r);
    *out = NULL;
    FAIL_IF(r == NULL, ZK_ENOMEM, "no memory for a run");
    r->program = program;
    vm_options vm = options->vm;
    vm.sink = (vm_chunk_sink){keep_chunk, r};
    TRY_OUT(vm_machine_open(&m, &program->vm, input, &vm));
    TRY_OUT(vm_machine_run(m));
    FAIL_OUT_IF(vm_machine_exit_code(m) != 0, ZK_EGUEST,
                "the program exits with code %llu%s at pc 0x%llx; only exit code 0 can be proved",
                (unsigned long long)vm_machine_exit_code(m),
                vm_exit_code_words(vm_machine_exit_code(m)), (unsigned long long)vm_machine_pc(m));
    r->steps = vm_machine_steps(m);
    TRY_OUT(collect_boundary(r, m));
    TRY_OUT(count_rows(r, threads, vm.cancel));
out:
    vm_machine_close(m);
    if (result != ZK_OK) {
        zisk_run_free(r);
        r = NULL;
    }
    *out = r;
    return result;
}

void zisk_run_free(zisk_run *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n_chunks; i++) {
        free((void *)r->chunks[i].record.touches);
        free((void *)r->chunks[i].record.free_words);
        free(r->chunks[i].batches);
    }
    free(r->chunks);
    free(r->fetches);
    free(r->image);
    free(r->output);
    free(r->zero);
    free(r->input);
    free(r);
}
