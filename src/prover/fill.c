// SPDX-License-Identifier: Apache-2.0 OR MIT
// The cells of an instance: replayed rows, boundary rows, then the multiplicities of the tables,
// counted from the cells themselves through the declarations of the chips, so that no chip has to
// say twice what it looks up.
#include "prover/plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct fill_columns {
    fe *slot[2][CHIP_MAX_COLUMNS]; // committed columns of the one or two tables
    size_t split;                  // rows of the first table
} fill_columns;

typedef struct filling {
    instance *in;
    const zisk_run *run;
    const zisk_machine *z;
    const plan_instance *plan;
    const cancel_flag *cancel;
    fill_columns *chips; // [EXECUTION_CHIP_COUNT]
    vm_replay **replays; // one a slot of the pool
    // The chunks that the instance needs, with the place of their first row of each chip.
    size_t first_chunk, n_chunks;
    size_t *first_batch, *end_batch;
    uint64_t (*first_row)[EXECUTION_CHIP_COUNT]; // relative to the instance
    status *results;
    uint32_t **counts; // lookup counters, one array a slot of the pool
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

static void fill_chunks(void *arg, unsigned slot, size_t first, size_t end)
{
    filling *f = arg;
    for (size_t i = first; i < end; i++) {
        if (cancel_raised(f->cancel)) {
            f->results[i] = ZK_ECANCELED;
            continue;
        }
        row_place place = {.f = f};
        memcpy(place.next, f->first_row[i], sizeof place.next);
        f->results[i] = zisk_run_rows(f->run, f->replays[slot], f->first_chunk + i,
                                      f->first_batch[i], f->end_batch[i], place_row, &place);
    }
}

// Which batches of which chunks, and how many rows come before.
static status locate_chunks(filling *f)
{
    const zisk_run *run = f->run;
    uint64_t index = 0, rows[EXECUTION_CHIP_COUNT] = {0};
    f->first_batch = calloc(run->n_chunks + 1, sizeof *f->first_batch);
    f->end_batch = calloc(run->n_chunks + 1, sizeof *f->end_batch);
    f->first_row = calloc(run->n_chunks + 1, sizeof *f->first_row);
    f->results = calloc(run->n_chunks + 1, sizeof *f->results);
    FAIL_IF(!f->first_batch || !f->end_batch || !f->first_row || !f->results, ZK_ENOMEM,
            "no memory to fill an instance");
    for (size_t c = 0; c < run->n_chunks; c++) {
        const run_chunk *chunk = &run->chunks[c];
        uint64_t begin = index, end = index + chunk->n_batches;
        index = end;
        if (end <= f->plan->first_batch || begin >= f->plan->end_batch)
            continue;
        if (f->n_chunks == 0)
            f->first_chunk = c;
        size_t i = f->n_chunks++;
        f->first_batch[i] = begin < f->plan->first_batch ? f->plan->first_batch - begin : 0;
        f->end_batch[i] = (end > f->plan->end_batch ? f->plan->end_batch : end) - begin;
        memcpy(f->first_row[i], rows, sizeof rows);
        for (size_t b = f->first_batch[i]; b < f->end_batch[i]; b++)
            for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
                rows[k] += chunk->batches[b].rows[k];
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
    TRY(locate_chunks(f));
    pool_for_slots(threads, f->n_chunks, 1, fill_chunks, f);
    for (size_t i = 0; i < f->n_chunks; i++)
        FAIL_IF(f->results[i] != ZK_OK, f->results[i], "chunk %zu could not be replayed",
                f->first_chunk + i);
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

typedef struct lookup_job {
    const filling *f;
    const chip *c;
    const fe *const *columns; // committed and preprocessed
    const chip_interaction *interaction;
    atomic_bool *missing;
} lookup_job;

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
static bool count_range_checks(const lookup_job *job, uint32_t *counts, size_t first, size_t end)
{
    const chip_interaction *it = job->interaction;
    table_place place;
    if (it->tuple->domain != TUPLE_RANGE || it->fields[0].n_terms != 0 ||
        !is_one_column(&it->fields[1]) || !is_one_column(&it->multiplicity) ||
        !table_find(&place, TUPLE_RANGE, (const fe[2]){it->fields[0].constant, 0}))
        return false;
    const fe *real = job->columns[it->multiplicity.terms[0].column];
    const fe *value = job->columns[it->fields[1].terms[0].column];
    fe width = it->fields[0].constant;
    counts += counter_base(place.table) + place.row;
    for (size_t row = first; row < end; row++) {
        if (real[row] == 0)
            continue;
        if (value[row] >> width != 0) {
            atomic_store(job->missing, true);
            return true;
        }
        counts[value[row]]++;
    }
    return true;
}

static void count_rows(void *arg, unsigned slot, size_t first, size_t end)
{
    const lookup_job *job = arg;
    uint32_t *counts = job->f->counts[slot];
    const chip_interaction *it = job->interaction;
    if (count_range_checks(job, counts, first, end))
        return;
    for (size_t row = first; row < end; row++) {
        if (affine_at(&it->multiplicity, job->columns, row) == 0)
            continue;
        fe fields[TUPLE_MAX_FIELDS];
        for (unsigned k = 0; k < it->n_fields; k++)
            fields[k] = affine_at(&it->fields[k], job->columns, row);
        table_place place;
        if (!table_find(&place, it->tuple->domain, fields)) {
            atomic_store(job->missing, true);
            return;
        }
        size_t height = (size_t)1 << table_specs[place.table].log_height;
        counts[counter_base(place.table) + place.column * height + place.row]++;
    }
}

static status count_slot(filling *f, uint32_t s, pool *threads)
{
    const chip *c = f->z->m.slots[s].c;
    const fe *columns[CHIP_MAX_COLUMNS];
    for (uint32_t j = 0; j < c->n_columns; j++)
        columns[j] = j < c->n_committed
                         ? instance_column(f->in, s, j)
                         : f->in->key->fixed_columns[f->z->m.slots[s].first_column + j];
    for (uint32_t i = 0; i < c->n_interactions; i++) {
        const chip_interaction *it = &c->interactions[i];
        if (!it->is_send || it->tuple->class != TUPLE_CLASS_TABLE ||
            it->tuple->domain == TUPLE_FETCH)
            continue;
        FAIL_IF(cancel_raised(f->cancel), ZK_ECANCELED, "canceled");
        atomic_bool missing = false;
        lookup_job job = {f, c, columns, it, &missing};
        pool_for_slots(threads, (size_t)1 << f->in->header.log_heights[s], 4096, count_rows, &job);
        FAIL_IF(missing, ZK_EINTERNAL, "chip %s looks up a %s tuple that no table has", c->name,
                it->tuple->name);
    }
    return ZK_OK;
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
    size_t base = counter_base(TABLE_RANGE20);
    for (uint32_t value = 0; value < 1U << RANGE_SPLIT_BITS; value++)
        for (unsigned i = 0; i < pool_threads(threads); i++) {
            uint32_t *n = &f->counts[i][base + value];
            FAIL_IF(*n > height - row, ZK_EINTERNAL,
                    "more range checks than the plan has rows for");
            for (; *n > 0; --*n)
                range_split_fill(columns, row++, value);
        }
    return count_slot(f, slot, threads);
}

static status fill_tables(filling *f, pool *threads)
{
    unsigned n_slots = pool_threads(threads);
    size_t n_counters = counter_base(TABLE_CHIP_COUNT);
    f->counts = calloc(n_slots, sizeof *f->counts);
    FAIL_IF(f->counts == NULL, ZK_ENOMEM, "no memory to count lookups");
    for (unsigned i = 0; i < n_slots; i++) {
        f->counts[i] = calloc(n_counters, sizeof **f->counts);
        FAIL_IF(f->counts[i] == NULL, ZK_ENOMEM, "no memory to count lookups");
    }
    for (uint32_t s = 0; s < f->z->m.n_slots; s++)
        if (f->in->header.log_heights[s] != 0 && !f->z->m.slots[s].c->is_table &&
            (int32_t)s != f->z->range_split_slot)
            TRY(count_slot(f, s, threads));
    TRY(fill_range_split(f, threads));
    for (int t = 0; t < TABLE_CHIP_COUNT; t++) {
        int32_t slot = f->z->table_slot[t];
        size_t base = counter_base(t), height = (size_t)1 << table_specs[t].log_height;
        bool present = f->in->header.log_heights[slot] != 0;
        for (uint32_t j = 0; j < f->z->tables[t]->n_committed; j++) {
            fe *column = present ? instance_column(f->in, (uint32_t)slot, j) : NULL;
            for (size_t row = 0; row < height; row++) {
                uint64_t n = 0;
                for (unsigned i = 0; i < n_slots; i++)
                    n += f->counts[i][base + j * height + row];
                FAIL_IF(n != 0 && !present, ZK_EINTERNAL, "table %s is missing in an instance",
                        table_specs[t].name);
                if (present)
                    column[row] = n;
            }
        }
    }
    return ZK_OK;
}

status zisk_instance_fill(instance *in, const zisk_run *run, const plan_instance *p, pool *threads,
                          const cancel_flag *cancel)
{
    status result = ZK_OK;
    unsigned n_slots = pool_threads(threads);
    filling f = {.in = in, .run = run, .z = run->program->z, .plan = p, .cancel = cancel};
    f.replays = calloc(n_slots, sizeof *f.replays);
    FAIL_OUT_IF(f.replays == NULL, ZK_ENOMEM, "no memory to replay");
    for (unsigned i = 0; i < n_slots; i++)
        TRY_OUT(vm_replay_open(&f.replays[i], &run->program->vm));
    TRY_OUT(fill_execution(&f, threads));
    fill_boundary(&f);
    TRY_OUT(fill_tables(&f, threads));
out:
    for (unsigned i = 0; f.replays != NULL && i < n_slots; i++)
        vm_replay_close(f.replays[i]);
    for (unsigned i = 0; f.counts != NULL && i < n_slots; i++)
        free(f.counts[i]);
    free(f.counts);
    free(f.replays);
    free(f.first_batch);
    free(f.end_batch);
    free(f.first_row);
    free(f.results);
    free(f.chips);
    return result;
}
