// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "prover/plan.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_H = INSTANCE_MIN_LOG_HEIGHT };

typedef struct planner {
    const zisk_run *run;
    const zisk_machine *z;
    zisk_plan *plan;
    uint32_t max_class; // and log2 of its cells
    size_t capacity;
    uint32_t wide_checks[EXECUTION_CHIP_COUNT]; // lookups of RANGE(20, .) of a row
} planner;

static unsigned log2_up(uint64_t n)
{
    unsigned h = MIN_H;
    while (1ULL << h < n)
        h++;
    return h;
}

// Heights of the one or two tables for n rows, the taller first: of all pairs that hold them, the
// one with the smallest sum.
static void split_rows(uint8_t heights[2], uint64_t n, bool two)
{
    heights[0] = heights[1] = 0;
    if (n == 0)
        return;
    unsigned h = log2_up(n);
    heights[0] = (uint8_t)h;
    if (!two || h == MIN_H || n == 1ULL << h)
        return;
    unsigned rest = log2_up(n - (1ULL << (h - 1)));
    if (rest < h - 1) {
        heights[0] = (uint8_t)(h - 1);
        heights[1] = (uint8_t)rest;
    }
}

static uint32_t count_wide_checks(const chip *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n_interactions; i++) {
        const chip_interaction *it = &c->interactions[i];
        n += it->tuple->domain == TUPLE_RANGE && it->fields[0].n_terms == 0 &&
             it->fields[0].constant == RANGE_SPLIT_BITS;
    }
    return n;
}

// What answers n lookups of RANGE(20, .): the table or a row each, whichever has fewer cells.
static void set_wide_checks(instance_header *header, const zisk_machine *z, uint64_t n)
{
    if (n == 0)
        return;
    unsigned table = table_specs[TABLE_RANGE20].log_height, split = log2_up(n);
    bool is_split = (uint64_t)z->range_split->n_committed << split < 1ULL << table;
    if (is_split)
        header->log_heights[z->range_split_slot] = (uint8_t)split;
    else
        header->log_heights[z->table_slot[TABLE_RANGE20]] = (uint8_t)table;
}

// Fills the heights of an instance with these rows; false when it does not fit into the class.
static bool make_header(instance_header *header, const planner *pl, const plan_instance *p,
                        uint32_t class_id, uint64_t *cells)
{
    const zisk_machine *z = pl->z;
    const whir_params *params = whir_params_any(class_id);
    *header = (instance_header){.class_id = class_id, .preprocessed = p->boundary};
    bool bytes = false, powers = false;
    uint64_t wide_checks = 0;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        uint8_t h[2];
        split_rows(h, p->rows[k], z->execution_slot[k][1] >= 0);
        header->log_heights[z->execution_slot[k][0]] = h[0];
        if (z->execution_slot[k][1] >= 0)
            header->log_heights[z->execution_slot[k][1]] = h[1];
        wide_checks += p->rows[k] * pl->wide_checks[k];
        for (uint32_t i = 0; p->rows[k] > 0 && i < z->execution[k]->n_interactions; i++) {
            tuple_domain domain = z->execution[k]->interactions[i].tuple->domain;
            bytes = bytes || domain == TUPLE_BYTE;
            powers = powers || domain == TUPLE_POW2;
        }
    }
    if (p->boundary)
        for (int k = BOUNDARY_PROGRAM; k <= BOUNDARY_OUTPUT; k++) {
            int32_t slot = z->boundary_slot[k];
            header->log_heights[slot] = pl->run->program->key.key.preprocessed_heights[slot];
        }
    if (p->n_zero > 0)
        header->log_heights[z->boundary_slot[BOUNDARY_ZERO]] = (uint8_t)log2_up(p->n_zero);
    if (p->n_input > 0)
        header->log_heights[z->boundary_slot[BOUNDARY_INPUT]] = (uint8_t)log2_up(p->n_input);
    header->log_heights[z->table_slot[TABLE_RANGE16]] =
        (uint8_t)table_specs[TABLE_RANGE16].log_height;
    set_wide_checks(header, z, wide_checks);
    if (bytes)
        header->log_heights[z->table_slot[TABLE_BYTES]] =
            (uint8_t)table_specs[TABLE_BYTES].log_height;
    if (powers)
        header->log_heights[z->table_slot[TABLE_POW2]] =
            (uint8_t)table_specs[TABLE_POW2].log_height;

    uint64_t n_cells = 0, n_leaves = 0;
    for (uint32_t s = 0; s < z->m.n_slots; s++) {
        unsigned h = header->log_heights[s];
        if (h == 0)
            continue;
        if (h > instance_max_log_height(params))
            return false;
        n_cells += (uint64_t)z->m.slots[s].c->n_committed << h;
        n_leaves += (uint64_t)z->m.slots[s].c->n_interactions << h;
    }
    *cells = n_cells;
    return n_cells <= 1ULL << params->log_stack && n_leaves <= 1ULL << params->log_stack;
}

static status append(planner *pl, const plan_instance *p)
{
    zisk_plan *plan = pl->plan;
    FAIL_IF(plan->n == JOB_MAX_INSTANCES, ZK_ELIMIT,
            "the run of %llu steps needs more than %d instances of at most 2^%u cells; take larger "
            "instances, or prove it as several shorter runs",
            (unsigned long long)pl->run->steps, JOB_MAX_INSTANCES, pl->max_class);
    if (plan->n == pl->capacity) {
        size_t capacity = pl->capacity == 0 ? 16 : 2 * pl->capacity;
        plan_instance *instances = realloc(plan->instances, capacity * sizeof *instances);
        FAIL_IF(instances == NULL, ZK_ENOMEM, "no memory for a plan");
        plan->instances = instances;
        pl->capacity = capacity;
    }
    plan->instances[plan->n++] = *p;
    plan->n_cells += p->weight;
    plan->n_area += 1ULL << whir_params_any(p->header.class_id)->log_stack;
    return ZK_OK;
}

// Takes as many of the remaining words as a table of the instance may hold.
static void take_words(const planner *pl, plan_instance *p, size_t *count, size_t remaining)
{
    instance_header header;
    uint64_t cells;
    size_t most = (size_t)1 << instance_max_log_height(whir_params_any(pl->max_class));
    *count = remaining < most ? remaining : most;
    while (*count > 0 && !make_header(&header, pl, p, pl->max_class, &cells))
        *count = *count > 1 ? (size_t)1 << (log2_up(*count) - 1) : 0;
}

// The batches of all chunks, in order.
typedef struct batch_walk {
    const zisk_run *run;
    size_t chunk, batch;
    uint64_t index;
} batch_walk;

static const run_batch *walk_peek(batch_walk *w)
{
    while (w->chunk < w->run->n_chunks && w->batch == w->run->chunks[w->chunk].n_batches) {
        w->chunk++;
        w->batch = 0;
    }
    return w->chunk < w->run->n_chunks ? &w->run->chunks[w->chunk].batches[w->batch] : NULL;
}

// Gives the instance the smallest class up to the largest that holds it; false when none does.
static bool choose_class(plan_instance *p, const planner *pl)
{
    static const uint32_t classes[] = {WHIR_CLASS_20, WHIR_CLASS_23, WHIR_CLASS_24, WHIR_CLASS_26};
    for (size_t i = 0; i < sizeof classes / sizeof *classes && classes[i] <= pl->max_class; i++)
        if (make_header(&p->header, pl, p, classes[i], &p->weight))
            return true;
    return false;
}

// The whole run as one instance; false when it has to be cut.
static bool plan_whole(plan_instance *p, const planner *pl)
{
    const zisk_run *run = pl->run;
    *p = (plan_instance){.boundary = true, .n_zero = run->n_zero, .n_input = run->n_input};
    for (size_t c = 0; c < run->n_chunks; c++)
        p->end_batch += run->chunks[c].n_batches;
    memcpy(p->rows, run->row_count, sizeof p->rows);
    if (!choose_class(p, pl))
        return false;
    const proof_key *key = &run->program->key.key;
    const whir_params *params = whir_params_any(p->header.class_id);
    return 8 * instance_proof_words(key, params, true) <= PLAN_PROOF_BYTES;
}

// How far the execution is planned.
typedef struct position {
    batch_walk walk;
    size_t zero, input; // words of the run
    uint64_t rows[EXECUTION_CHIP_COUNT];
} position;

static bool at_end(position *at)
{
    const zisk_run *run = at->walk.run;
    return walk_peek(&at->walk) == NULL && at->zero == run->n_zero && at->input == run->n_input;
}

// The next stretch of the execution, with the zero and input words that are left.
static status plan_stretch(plan_instance *p, position *at, const planner *pl)
{
    const zisk_run *run = pl->run;
    uint64_t cells;
    *p = (plan_instance){
        .first_batch = at->walk.index, .first_zero = at->zero, .first_input = at->input};
    memcpy(p->first_row, at->rows, sizeof p->first_row);
    take_words(pl, p, &p->n_zero, run->n_zero - p->first_zero);
    take_words(pl, p, &p->n_input, run->n_input - p->first_input);
    batch_walk *walk = &at->walk;
    for (const run_batch *b; (b = walk_peek(walk)) != NULL; walk->batch++, walk->index++) {
        plan_instance longer = *p;
        for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
            longer.rows[k] += b->rows[k];
        if (!make_header(&longer.header, pl, &longer, pl->max_class, &cells))
            break;
        *p = longer;
    }
    p->end_batch = walk->index;
    FAIL_IF(p->end_batch == p->first_batch && p->n_zero == 0 && p->n_input == 0, ZK_EINTERNAL,
            "a single batch of steps does not fit into an instance");
    FAIL_IF(!choose_class(p, pl), ZK_EINTERNAL, "an instance that fits does not fit");
    at->zero += p->n_zero;
    at->input += p->n_input;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        at->rows[k] += p->rows[k];
    return ZK_OK;
}

// Two instances of 2^24 cells for what is left from `at` on, which takes one of 2^26: half of the
// time, for 400 KB more of proof. *holds: they hold it.
static status plan_pair(plan_instance pair[2], bool *holds, position at, const planner *pl)
{
    planner smaller = *pl;
    smaller.max_class = WHIR_CLASS_24;
    TRY(plan_stretch(&pair[0], &at, &smaller));
    TRY(plan_stretch(&pair[1], &at, &smaller)); // there is a rest: one of 2^24 does not hold it
    *holds = at_end(&at);
    return ZK_OK;
}

static status make_plan(planner *pl)
{
    const zisk_run *run = pl->run;
    plan_instance p;
    if (plan_whole(&p, pl))
        return append(pl, &p);
    p = (plan_instance){.boundary = true};
    const uint8_t *fixed = run->program->key.key.preprocessed_heights;
    FAIL_IF(!choose_class(&p, pl), ZK_ELIMIT,
            "the program's tables, 2^%u instructions and 2^%u words of code and data, do not fit "
            "into an instance of 2^%u cells; take larger instances",
            fixed[pl->z->boundary_slot[BOUNDARY_PROGRAM]],
            fixed[pl->z->boundary_slot[BOUNDARY_IMAGE]], pl->max_class);
    TRY(append(pl, &p));
    position at = {.walk.run = run};
    while (!at_end(&at)) {
        const position before = at;
        TRY(plan_stretch(&p, &at, pl));
        bool pair_holds = false;
        plan_instance pair[2];
        if (p.header.class_id == WHIR_CLASS_26 && at_end(&at))
            TRY(plan_pair(pair, &pair_holds, before, pl));
        if (pair_holds) {
            TRY(append(pl, &pair[0]));
            p = pair[1];
        }
        TRY(append(pl, &p));
    }
    return ZK_OK;
}

status zisk_plan_new(zisk_plan **out, const zisk_run *run, uint32_t max_class)
{
    *out = NULL;
    FAIL_IF(max_class != WHIR_CLASS_20 && max_class != WHIR_CLASS_23 && max_class != WHIR_CLASS_26,
            ZK_EINVAL, "instances can be of class 20, 23 or 26, not %u", max_class);
    planner pl = {.run = run,
                  .z = run->program->z,
                  .max_class = max_class,
                  .plan = calloc(1, sizeof *pl.plan)};
    FAIL_IF(pl.plan == NULL, ZK_ENOMEM, "no memory for a plan");
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        pl.wide_checks[k] = count_wide_checks(pl.z->execution[k]);
    status result = make_plan(&pl);
    if (result != ZK_OK) {
        zisk_plan_free(pl.plan);
        return result;
    }
    *out = pl.plan;
    return ZK_OK;
}

void zisk_plan_free(zisk_plan *p)
{
    if (p == NULL)
        return;
    free(p->instances);
    free(p);
}

static void add_rows(air_rows *sum, const instance_header *h, int32_t slot, uint64_t used)
{
    if (h->log_heights[slot] == 0)
        return;
    sum->used[slot] += used;
    sum->padded[slot] += 1ULL << h->log_heights[slot];
}

static void add_instance_rows(air_rows *sum, const plan_instance *p, const zisk_program *program)
{
    const zisk_machine *z = program->z;
    const instance_header *h = &p->header;
    uint64_t wide_checks = 0;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++) {
        const int32_t *slot = z->execution_slot[k];
        uint64_t most = 1ULL << h->log_heights[slot[0]];
        uint64_t first = p->rows[k] < most ? p->rows[k] : most;
        add_rows(sum, h, slot[0], first);
        if (slot[1] >= 0)
            add_rows(sum, h, slot[1], p->rows[k] - first);
        wide_checks += p->rows[k] * count_wide_checks(z->execution[k]);
    }
    for (int k = 0; k < TABLE_CHIP_COUNT; k++)
        add_rows(sum, h, z->table_slot[k], 1ULL << table_specs[k].log_height);
    add_rows(sum, h, z->range_split_slot, wide_checks);
    add_rows(sum, h, z->boundary_slot[BOUNDARY_PROGRAM], program->rows.n_fetch);
    add_rows(sum, h, z->boundary_slot[BOUNDARY_IMAGE], program->rows.n_image);
    add_rows(sum, h, z->boundary_slot[BOUNDARY_OUTPUT], OUTPUT_WORDS);
    add_rows(sum, h, z->boundary_slot[BOUNDARY_ZERO], p->n_zero);
    add_rows(sum, h, z->boundary_slot[BOUNDARY_INPUT], p->n_input);
}

void zisk_plan_rows(air_rows *sum, const zisk_plan *p, const zisk_run *run)
{
    for (size_t i = 0; i < p->n; i++)
        add_instance_rows(sum, &p->instances[i], run->program);
}

digest zisk_plan_digest(const zisk_plan *p, const hash_ops *hash)
{
    enum { NUMBERS = 8 };
    fe element[HASH_DIGEST + NUMBERS + MACHINE_MAX_SLOTS];
    digest sum = {{0}};
    for (size_t i = 0; i < p->n; i++) {
        const plan_instance *k = &p->instances[i];
        fe numbers[NUMBERS] = {
            i,         k->header.class_id, k->boundary, k->first_batch, k->end_batch,
            k->n_zero, k->n_input,         k->weight};
        memcpy(element, sum.e, sizeof sum.e);
        memcpy(element + HASH_DIGEST, numbers, sizeof numbers);
        for (int s = 0; s < MACHINE_MAX_SLOTS; s++)
            element[HASH_DIGEST + NUMBERS + s] = k->header.log_heights[s];
        sum = hash_elements(hash, DOMAIN_JOB, element, sizeof element / sizeof *element);
    }
    return sum;
}
