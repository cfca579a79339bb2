// SPDX-License-Identifier: Apache-2.0 OR MIT
// The cells of an instance: replayed rows, boundary rows, then the multiplicities of the tables,
// counted from the cells themselves through the declarations of the chips, so that no chip has to
// say twice what it looks up.
#include "base/bigmem.h"
#include "prover/plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct fill_columns {
    fe *slot[2][CHIP_MAX_COLUMNS]; // committed columns of the one or two tables
    size_t split;                  // rows of the first table
} fill_columns;

// Batches of a chunk, with the place of their first row of each chip in the instance.
typedef struct fill_part {
    size_t chunk, first_batch, end_batch;
    uint64_t first_row[EXECUTION_CHIP_COUNT];
    status result;
} fill_part;

typedef struct filling {
    instance *in;
    const zisk_run *run;
    const zisk_machine *z;
    const plan_instance *plan;
    const cancel_flag *cancel;
    fill_columns *chips; // [EXECUTION_CHIP_COUNT]
    vm_replay **replays; // one a thread
    fill_part *parts;
    size_t n_parts;
    unsigned n_threads;
    uint32_t **counts; // lookup counters, one array a thread
} filling;

// ---- Execution -------------------------------------------------------------------------------

typedef struct row_place {
    const filling *f;
    uint64_t next[EXECUTION_CHIP_COUNT];
} row_place;

static void place_row(void *arg, execution_chip which, const void *row)
{
    row_place *place = arg;
    fill_columns *columns = &place->f->chips[which];
    size_t at = place->next[which]++;
    bool second = at >= columns->split;
    cursor c = {columns->slot[second], second ? at - columns->split : at, 0};
    const chip_spec *spec = execution_specs[which];
    spec->fill(&c, row, spec->context);
    ZK_ASSERT(c.next == place->f->z->execution[which]->n_committed);
}

static void fill_parts(void *arg, unsigned slot, size_t first, size_t end)
{
    filling *f = arg;
    for (size_t i = first; i < end; i++) {
        fill_part *part = &f->parts[i];
        if (cancel_raised(f->cancel)) {
            part->result = ZK_ECANCELED;
            continue;
        }
        row_place place = {.f = f};
        memcpy(place.next, part->first_row, sizeof place.next);
        part->result = zisk_run_rows(f->run, f->replays[slot], part->chunk, part->first_batch,
                                     part->end_batch, place_row, &place);
    }
}

// The chunks that the instance needs: those that have batches [*first, *end) of it.
static bool batches_of(const plan_instance *p, uint64_t begin, const run_chunk *chunk,
                       size_t *first, size_t *end)
{
    if (begin + chunk->n_batches <= p->first_batch || begin >= p->end_batch)
        return false;
    *first = begin < p->first_batch ? p->first_batch - begin : 0;
    *end = p->end_batch - begin < chunk->n_batches ? p->end_batch - begin : chunk->n_batches;
    return true;
}

enum { MAX_PARTS = 4 }; // of a chunk: each replays all of it, which is cheap beside its rows

static status locate_parts(filling *f)
{
    const zisk_run *run = f->run;
    size_t n_chunks = 0, first, end;
    uint64_t index = 0, rows[EXECUTION_CHIP_COUNT] = {0};
    for (size_t c = 0; c < run->n_chunks; index += run->chunks[c++].n_batches)
        n_chunks += batches_of(f->plan, index, &run->chunks[c], &first, &end);
    size_t per_chunk = n_chunks == 0 ? 1 : (2 * f->n_threads - 1) / n_chunks + 1;
    per_chunk = per_chunk < MAX_PARTS ? per_chunk : MAX_PARTS;
    f->parts = calloc(n_chunks * per_chunk + 1, sizeof *f->parts);
    FAIL_IF(f->parts == NULL, ZK_ENOMEM, "no memory to fill an instance");
    index = 0;
    for (size_t c = 0; c < run->n_chunks; index += run->chunks[c++].n_batches) {
        const run_chunk *chunk = &run->chunks[c];
        if (!batches_of(f->plan, index, chunk, &first, &end))
            continue;
        for (size_t k = 0; k < per_chunk; k++) {
            fill_part *part = &f->parts[f->n_parts++];
            part->chunk = c;
            part->first_batch = first + (end - first) * k / per_chunk;
            part->end_batch = first + (end - first) * (k + 1) / per_chunk;
            memcpy(part->first_row, rows, sizeof rows);
            for (size_t b = part->first_batch; b < part->end_batch; b++)
                for (int i = 0; i < EXECUTION_CHIP_COUNT; i++)
                    rows[i] += chunk->batches[b].rows[i];
        }
    }
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        FAIL_IF(rows[k] != f->plan->rows[k], ZK_EINTERNAL, "the plan does not fit the run");
    return ZK_OK;
}

static void committed_columns(const filling *f, int32_t slot, fe **columns)
{
    for (uint32_t j = 0; j < f->z->m.slots[slot].c->n_committed; j++)
        columns[j] = instance_column(f->in, (uint32_t)slot, j);
}

static status fill_execution(filling *f, pool *threads)
{
    f->chips = calloc(EXECUTION_CHIP_COUNT, sizeof *f->chips);
    FAIL_IF(f->chips == NULL, ZK_ENOMEM, "no memory to fill an instance");
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        if (f->plan->rows[k] == 0)
            continue;
        int32_t first = f->z->execution_slot[k][0], second = f->z->execution_slot[k][1];
        committed_columns(f, first, f->chips[k].slot[0]);
        f->chips[k].split = (size_t)1 << f->in->header.log_heights[first];
        if (second >= 0 && f->in->header.log_heights[second] != 0)
            committed_columns(f, second, f->chips[k].slot[1]);
    }
    TRY(locate_parts(f));
    pool_for_slots(threads, f->n_parts, 1, fill_parts, f);
    for (size_t i = 0; i < f->n_parts; i++)
        FAIL_IF(f->parts[i].result != ZK_OK, f->parts[i].result, "chunk %zu could not be replayed",
                f->parts[i].chunk);
    return ZK_OK;
}

// ---- Boundary
// ------------------------------------------------------------------------------------

static void fill_boundary(filling *f)
{
    const zisk_run *run = f->run;
    fe *columns[CHIP_MAX_COLUMNS];
    if (f->plan->boundary) {
        committed_columns(f, f->z->boundary_slot[BOUNDARY_PROGRAM], columns);
        for (size_t i = 0; i < run->program->rows.n_fetch; i++)
            columns[0][i] = run->fetches[i];
        committed_columns(f, f->z->boundary_slot[BOUNDARY_IMAGE], columns);
        for (size_t i = 0; i < run->n_image; i++)
            fill_image(columns, i, &run->image[i]);
        committed_columns(f, f->z->boundary_slot[BOUNDARY_OUTPUT], columns);
        for (size_t i = 0; i < run->n_output; i++)
            fill_output(columns, i, &run->output[i]);
    }
    if (f->plan->n_zero > 0) {
        committed_columns(f, f->z->boundary_slot[BOUNDARY_ZERO], columns);
        for (size_t i = 0; i < f->plan->n_zero; i++)
            fill_zero(columns, i, &run->zero[f->plan->first_zero + i]);
    }
    if (f->plan->n_input > 0) {
        committed_columns(f, f->z->boundary_slot[BOUNDARY_INPUT], columns);
        for (size_t i = 0; i < f->plan->n_input; i++)
            fill_input(columns, i, &run->input[f->plan->first_input + i], &f->z->map);
    }
}

// ---- Lookups -----------------------------------------------------------------------------------

_Static_assert(
    WHIR_MAX_STACK < 32,
    "an instance has 2^WHIR_MAX_STACK interactions at most, as many as a counter may have to hold");

// Counters of all tables in one array: the columns of each table one after the other.
static size_t counter_base(table_chip t)
{
    size_t base = 0;
    for (int i = 0; i < (int)t; i++)
        base += (size_t)(i == TABLE_BYTES ? 3 : 1) << table_specs[i].log_height;
    return base;
}

// A slot whose lookups are counted, as a range of the blocks that the threads take.
typedef struct counted_slot {
    const chip *c;
    const fe *columns[CHIP_MAX_COLUMNS]; // committed and preprocessed
    size_t n_rows, first_block;
} counted_slot;

enum { COUNT_ROWS = 1024 }; // of a block: the cells of a chip's rows stay in an L2 cache

typedef struct counting {
    const filling *f;
    counted_slot *slots;
    size_t n_slots, n_blocks;
    _Atomic(const chip_interaction *) missing; // one that looks up what no table has
    _Atomic(const chip *) missing_in;
} counting;

static fe affine_at(const affine *a, const fe *const *columns, size_t row)
{
    fe sum = a->constant;
    for (uint32_t i = 0; i < a->n_terms; i++) {
        fe coef = a->terms[i].coef, cell = columns[a->terms[i].column][row];
        sum = coef == 1 ? fe_add(sum, cell) : fe_mul_add(coef, cell, sum);
    }
    return sum;
}

static bool is_one_column(const affine *a)
{
    return a->n_terms == 1 && a->constant == 0 && a->terms[0].coef == 1;
}

// A column checked against a constant width, as most lookups are: the rows of a width follow each
// other in their table. False when the lookup is another one, and nothing is counted.
static bool count_range_checks(bool *found, uint32_t *counts, const fe *const *columns,
                               const chip_interaction *it, size_t first, size_t end)
{
    table_place place;
    if (it->tuple->domain != TUPLE_RANGE || it->fields[0].n_terms != 0 ||
        !is_one_column(&it->fields[1]) || !is_one_column(&it->multiplicity) ||
        !table_find(&place, TUPLE_RANGE, (const fe[2]){it->fields[0].constant, 0}))
        return false;
    const fe *real = columns[it->multiplicity.terms[0].column];
    const fe *value = columns[it->fields[1].terms[0].column];
    fe width = it->fields[0].constant;
    counts += counter_base(place.table) + place.row;
    for (size_t row = first; row < end; row++) {
        if (real[row] == 0)
            continue;
        if (value[row] >> width != 0) {
            *found = false;
            return true;
        }
        counts[value[row]]++;
    }
    return true;
}

// False: a row looks up a tuple that no table has.
static bool count_rows(uint32_t *counts, const fe *const *columns, const chip_interaction *it,
                       size_t first, size_t end)
{
    bool found = true;
    if (count_range_checks(&found, counts, columns, it, first, end))
        return found;
    for (size_t row = first; row < end; row++) {
        if (affine_at(&it->multiplicity, columns, row) == 0)
            continue;
        fe fields[TUPLE_MAX_FIELDS];
        for (unsigned k = 0; k < it->n_fields; k++)
            fields[k] = affine_at(&it->fields[k], columns, row);
        table_place place;
        if (!table_find(&place, it->tuple->domain, fields))
            return false;
        size_t height = (size_t)1 << table_specs[place.table].log_height;
        counts[counter_base(place.table) + place.column * height + place.row]++;
    }
    return true;
}

static void count_blocks(void *arg, unsigned slot, size_t block, size_t end)
{
    counting *n = arg;
    const counted_slot *s = n->slots;
    for (; block < end && !cancel_raised(n->f->cancel); block++) {
        while (s + 1 < n->slots + n->n_slots && block >= s[1].first_block)
            s++;
        size_t first_row = (block - s->first_block) * COUNT_ROWS;
        size_t end_row = first_row + COUNT_ROWS < s->n_rows ? first_row + COUNT_ROWS : s->n_rows;
        for (uint32_t i = 0; i < s->c->n_interactions; i++) {
            const chip_interaction *it = &s->c->interactions[i];
            if (it->is_send && it->tuple->class == TUPLE_CLASS_TABLE &&
                it->tuple->domain != TUPLE_FETCH &&
                !count_rows(n->f->counts[slot], s->columns, it, first_row, end_row)) {
                atomic_store(&n->missing_in, s->c);
                atomic_store(&n->missing, it);
            }
        }
    }
}

// The counters of all threads go into those of the first.
static void add_counts(void *arg, size_t first, size_t end)
{
    const filling *f = arg;
    for (unsigned t = 1; t < f->n_threads; t++) {
        for (size_t i = first; i < end; i++)
            f->counts[0][i] += f->counts[t][i];
        memset(f->counts[t] + first, 0, (end - first) * sizeof **f->counts);
    }
}

// Adds the lookups of the chips in slots [first, end) that have rows. All blocks in one loop: with
// many threads, a loop for each of the hundreds of interactions would be mostly waiting.
static status count_slots(filling *f, uint32_t first, uint32_t end, bool split, pool *threads)
{
    status result = ZK_OK;
    counting n = {.f = f, .slots = calloc(end - first, sizeof *n.slots)};
    FAIL_IF(n.slots == NULL, ZK_ENOMEM, "no memory to count lookups");
    for (uint32_t s = first; s < end; s++) {
        const chip *c = f->z->m.slots[s].c;
        if (f->in->header.log_heights[s] == 0 || c->is_table ||
            ((int32_t)s == f->z->range_split_slot) != split)
            continue;
        counted_slot *own = &n.slots[n.n_slots++];
        *own = (counted_slot){
            .c = c, .n_rows = (size_t)1 << f->in->header.log_heights[s], .first_block = n.n_blocks};
        n.n_blocks += (own->n_rows + COUNT_ROWS - 1) / COUNT_ROWS;
        for (uint32_t j = 0; j < c->n_columns; j++)
            own->columns[j] = j < c->n_committed
                                  ? instance_column(f->in, s, j)
                                  : f->in->key->fixed_columns[f->z->m.slots[s].first_column + j];
    }
    pool_for_slots(threads, n.n_blocks, 1, count_blocks, &n);
    FAIL_OUT_IF(cancel_raised(f->cancel), ZK_ECANCELED, "canceled");
    const chip_interaction *missing = atomic_load(&n.missing);
    FAIL_OUT_IF(missing != NULL, ZK_EINTERNAL, "chip %s looks up a %s tuple that no table has",
                atomic_load(&n.missing_in)->name, missing->tuple->name);
    pool_for(threads, counter_base(TABLE_CHIP_COUNT), 1 << 14, add_counts, f);
out:
    free(n.slots);
    return result;
}

// The rows that answer RANGE(20, .) where the instance has them in place of the table: one a
// lookup, by value. Their own lookups are counted in turn.
static status fill_range_split(filling *f, pool *threads)
{
    uint32_t slot = (uint32_t)f->z->range_split_slot;
    if (f->in->header.log_heights[slot] == 0)
        return ZK_OK;
    fe *columns[CHIP_MAX_COLUMNS];
    committed_columns(f, f->z->range_split_slot, columns);
    size_t height = (size_t)1 << f->in->header.log_heights[slot], row = 0;
    uint32_t *n = f->counts[0] + counter_base(TABLE_RANGE20);
    for (uint32_t value = 0; value < 1U << RANGE_SPLIT_BITS; value++) {
        FAIL_IF(n[value] > height - row, ZK_EINTERNAL,
                "more range checks than the plan has rows for");
        for (; n[value] > 0; --n[value])
            range_split_fill(columns, row++, value);
    }
    return count_slots(f, slot, slot + 1, true, threads);
}

static status fill_tables(filling *f, pool *threads)
{
    size_t n_counters = counter_base(TABLE_CHIP_COUNT);
    f->counts = calloc(f->n_threads, sizeof *f->counts);
    FAIL_IF(f->counts == NULL, ZK_ENOMEM, "no memory to count lookups");
    for (unsigned i = 0; i < f->n_threads; i++) {
        void *block;
        TRY(bigmem_alloc(&block, n_counters, sizeof **f->counts));
        f->counts[i] = block;
    }
    TRY(count_slots(f, 0, f->z->m.n_slots, false, threads));
    TRY(fill_range_split(f, threads));
    for (int t = 0; t < TABLE_CHIP_COUNT; t++) {
        int32_t slot = f->z->table_slot[t];
        size_t base = counter_base(t), height = (size_t)1 << table_specs[t].log_height;
        bool present = f->in->header.log_heights[slot] != 0;
        for (uint32_t j = 0; j < f->z->tables[t]->n_committed; j++) {
            fe *column = present ? instance_column(f->in, (uint32_t)slot, j) : NULL;
            const uint32_t *counts = f->counts[0] + base + j * height;
            for (size_t row = 0; row < height; row++) {
                FAIL_IF(counts[row] != 0 && !present, ZK_EINTERNAL,
                        "table %s is missing in an instance", table_specs[t].name);
                if (present)
                    column[row] = counts[row];
            }
        }
    }
    return ZK_OK;
}

status zisk_instance_fill(instance *in, const zisk_run *run, const plan_instance *p, pool *threads,
                          const cancel_flag *cancel)
{
    status result = ZK_OK;
    unsigned n_threads = pool_threads(threads);
    filling f = {.in = in,
                 .run = run,
                 .z = run->program->z,
                 .plan = p,
                 .cancel = cancel,
                 .n_threads = n_threads};
    f.replays = calloc(n_threads, sizeof *f.replays);
    FAIL_OUT_IF(f.replays == NULL, ZK_ENOMEM, "no memory to replay");
    for (unsigned i = 0; i < n_threads; i++)
        TRY_OUT(vm_replay_open(&f.replays[i], &run->program->vm));
    TRY_OUT(fill_execution(&f, threads));
    fill_boundary(&f);
    TRY_OUT(fill_tables(&f, threads));
out:
    for (unsigned i = 0; f.replays != NULL && i < n_threads; i++)
        vm_replay_close(f.replays[i]);
    for (unsigned i = 0; f.counts != NULL && i < n_threads; i++)
        bigmem_free(f.counts[i], counter_base(TABLE_CHIP_COUNT), sizeof **f.counts);
    free(f.counts);
    free(f.replays);
    free(f.parts);
    free(f.chips);
    return result;
}
