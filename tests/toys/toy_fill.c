// SPDX-License-Identifier: Apache-2.0 OR MIT
// Fills the tables of a toy job. Every filler takes the rows of its slot in order; what runs
// through the instances is in `fill_state`.
#include "toys/toys.h"

#include <stdlib.h>
#include <string.h>

typedef struct toy_word {
    fe addr, value;
    uint64_t ts;
} toy_word;

typedef struct fill_state {
    uint64_t random;
    fe fib_a, fib_b;
    toy_word *words; // one for each real row of EDGE, addresses increasing
    size_t n_words, next_edge;
    uint64_t ts;
    fe sbox_step, sbox[5];
    fe *squares_count;     // of the first instance that has SQUARES
    toy_instance *current; // instance in work: its tables of closed form count the lookups
} fill_state;

static uint64_t next_random(fill_state *f)
{
    uint64_t z = (f->random += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}

static void count_range8(fill_state *f, uint64_t value)
{
    f->current->cells[TOY_RANGE8][value]++;
}

// gap - 1 as three limbs into column[0..2] of the row.
static void put_gap(fill_state *f, fe *column, size_t n, size_t row, uint64_t gap)
{
    ZK_ASSERT(gap >= 1 && gap <= 1u << 24);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t limb = (gap - 1) >> (8 * i) & 0xFF;
        column[i * n + row] = limb;
        count_range8(f, limb);
    }
}

static void fill_fib(fill_state *f, fe *cells, size_t n, size_t n_real)
{
    for (size_t i = 0; i < n_real; i++) {
        fe sum = fe_add(f->fib_a, f->fib_b);
        cells[i] = 1;
        cells[n + i] = f->fib_a;
        cells[2 * n + i] = f->fib_b;
        cells[3 * n + i] = sum;
        f->fib_a = f->fib_b;
        f->fib_b = sum;
    }
}

static void fill_memory(fill_state *f, fe *cells, size_t n, size_t n_real)
{
    for (size_t i = 0; i < n_real; i++) {
        uint64_t x = next_random(f);
        toy_word *w = &f->words[(x >> 8) % f->n_words];
        fe value = (x & 1) ? (fe)(uint32_t)(x >> 32) : w->value;
        uint64_t ts = f->ts += 1 + (x >> 1) % 3;
        const fe row[] = {1, x & 1, w->addr, w->value, value, ts};
        for (size_t j = 0; j < sizeof row / sizeof row[0]; j++)
            cells[j * n + i] = row[j];
        put_gap(f, cells + 6 * n, n, i, ts - w->ts);
        w->value = value;
        w->ts = ts;
    }
}

static void fill_edge(fill_state *f, fe *cells, size_t n, size_t n_real)
{
    for (size_t i = 0; i < n_real; i++) {
        const toy_word *w = &f->words[f->next_edge];
        fe previous = f->next_edge == 0 ? 0 : f->words[f->next_edge - 1].addr;
        const fe row[] = {1, w->addr, w->value, w->ts};
        for (size_t j = 0; j < sizeof row / sizeof row[0]; j++)
            cells[j * n + i] = row[j];
        put_gap(f, cells + 4 * n, n, i, w->addr - previous);
        f->next_edge++;
    }
}

static void fill_sbox(fill_state *f, fe *cells, size_t n, size_t n_real)
{
    for (size_t i = 0; i < n_real; i++) {
        cells[i] = 1;
        cells[n + i] = 77;
        cells[2 * n + i] = f->sbox_step;
        fe power[5], all = 0;
        for (unsigned k = 0; k < 5; k++) {
            cells[(3 + k) * n + i] = f->sbox[k];
            power[k] = fe_pow(f->sbox[k], 7);
            all = fe_add(all, power[k]);
        }
        for (unsigned k = 0; k < 5; k++) {
            f->sbox[k] = fe_add(fe_mul_add(k, power[k], all), f->sbox_step);
            cells[(8 + k) * n + i] = f->sbox[k];
        }
        f->sbox_step = fe_add(f->sbox_step, 1);
    }
}

static void fill_nibble(fill_state *f, fe *cells, size_t n, size_t n_real)
{
    fe *count = f->current->cells[TOY_RANGE4];
    for (size_t i = 0; i < n_real; i++) {
        uint64_t x = next_random(f);
        fe is_mul = x & 1, a = x >> 4 & 15, b = x >> 8 & 15, carry = is_mul ? 0 : x >> 12 & 1;
        fe result = is_mul ? a * b : a + b + carry;
        const fe row[] = {1 - is_mul, is_mul, a, b, carry, result & 15, result >> 4};
        for (size_t j = 0; j < sizeof row / sizeof row[0]; j++)
            cells[j * n + i] = row[j];
        count[a]++;
        count[b]++;
        count[result & 15]++;
        count[result >> 4]++;
    }
}

static void fill_logic(fill_state *f, fe *cells, size_t n, size_t n_real)
{
    fe *count = f->current->cells[TOY_BITOPS];
    for (size_t i = 0; i < n_real; i++) {
        uint64_t x = next_random(f), a = x & 15, b = x >> 4 & 15, op = (x >> 8) % 3;
        const fe row[] = {1, op, a, b, op == 0 ? a & b : op == 1 ? a | b : a ^ b};
        for (size_t j = 0; j < sizeof row / sizeof row[0]; j++)
            cells[j * n + i] = row[j];
        count[op * 256 + a + 16 * b]++;
    }
}

static void fill_lookup(fill_state *f, fe *cells, const fe *squares, size_t n, size_t n_real)
{
    size_t n_squares = 1u << TOY_LOG_SQUARES;
    for (size_t i = 0; i < n_real; i++) {
        size_t k = next_random(f) % n_squares;
        cells[i] = 1;
        cells[n + i] = squares[k];
        cells[2 * n + i] = squares[n_squares + k];
        f->squares_count[k]++;
    }
}

// ---- Jobs
// ----------------------------------------------------------------------------------------

static size_t real_rows(const toy_shape *s, int slot)
{
    if (s->log_heights[slot] == 0)
        return 0;
    size_t n = ((size_t)s->fill << s->log_heights[slot]) / 64;
    return n == 0 ? 1 : n;
}

static status check_shapes(const toy_machine *t, const toy_shape *shapes, size_t n)
{
    bool memory = false, edge = false, lookup = false, squares = false;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *h = shapes[i].log_heights;
        FAIL_IF(shapes[i].fill < 1 || shapes[i].fill > 64, ZK_EINVAL, "shape %zu: fill", i);
        for (int s = 0; s < TOY_SLOT_COUNT; s++) {
            unsigned fixed = t->chips[s]->fixed_log_height;
            FAIL_IF(h[s] != 0 && (h[s] < CHIP_MIN_LOG_HEIGHT || h[s] > 20), ZK_EINVAL,
                    "shape %zu: height 2^%u of slot %d", i, h[s], s);
            FAIL_IF(h[s] != 0 && fixed != 0 && h[s] != fixed, ZK_EINVAL,
                    "shape %zu: slot %d has the fixed height 2^%u", i, s, fixed);
        }
        FAIL_IF((h[TOY_MEMORY] || h[TOY_EDGE]) && !h[TOY_RANGE8], ZK_EINVAL,
                "shape %zu: memory without range table", i);
        FAIL_IF(h[TOY_NIBBLE] && !h[TOY_RANGE4], ZK_EINVAL, "shape %zu: nibble without table", i);
        FAIL_IF(h[TOY_LOGIC] && !h[TOY_BITOPS], ZK_EINVAL, "shape %zu: logic without table", i);
        FAIL_IF(h[TOY_SQUARES] && h[TOY_SQUARES] != TOY_LOG_SQUARES, ZK_EINVAL,
                "shape %zu: height of squares", i);
        memory |= h[TOY_MEMORY] != 0;
        edge |= h[TOY_EDGE] != 0;
        lookup |= h[TOY_LOOKUP] != 0;
        squares |= h[TOY_SQUARES] != 0;
    }
    FAIL_IF(memory && !edge, ZK_EINVAL, "memory without edge");
    FAIL_IF(lookup && !squares, ZK_EINVAL, "lookup without squares");
    return ZK_OK;
}

static status make_instances(toy_job *job, fill_state *f, const toy_shape *shapes)
{
    for (size_t i = 0; i < job->n_instances; i++) {
        toy_instance *instance = &job->instances[i];
        memcpy(instance->log_heights, shapes[i].log_heights, sizeof instance->log_heights);
        for (int s = 0; s < TOY_SLOT_COUNT; s++) {
            if (shapes[i].log_heights[s] == 0)
                continue;
            size_t bytes =
                ((size_t)job->t->chips[s]->n_committed << shapes[i].log_heights[s]) * sizeof(fe);
            instance->cells[s] = aligned_alloc(64, bytes);
            FAIL_IF(instance->cells[s] == NULL, ZK_ENOMEM, "no memory for a toy instance");
            memset(instance->cells[s], 0, bytes);
        }
        if (f->squares_count == NULL)
            f->squares_count = instance->cells[TOY_SQUARES];
        f->n_words += real_rows(&shapes[i], TOY_EDGE);
    }
    f->words = calloc(f->n_words + 1, sizeof *f->words);
    FAIL_IF(f->words == NULL, ZK_ENOMEM, "no memory for a toy job");
    fe addr = 0;
    for (size_t i = 0; i < f->n_words; i++)
        f->words[i].addr = addr += 8 * (1 + next_random(f) % 16);
    return ZK_OK;
}

static void fill_slot(fill_state *f, const toy_machine *t, int slot, size_t n, size_t n_real)
{
    fe *cells = f->current->cells[slot];
    switch (slot) {
    case TOY_FIB:
    case TOY_FIB_2:
        fill_fib(f, cells, n, n_real);
        break;
    case TOY_MEMORY:
        fill_memory(f, cells, n, n_real);
        break;
    case TOY_SBOX:
        fill_sbox(f, cells, n, n_real);
        break;
    case TOY_NIBBLE:
        fill_nibble(f, cells, n, n_real);
        break;
    case TOY_LOGIC:
        fill_logic(f, cells, n, n_real);
        break;
    case TOY_LOOKUP:
        fill_lookup(f, cells, t->squares, n, n_real);
        break;
    default:
        break; // EDGE is filled last, tables by their users
    }
}

static void add_boundary(toy_job *job, tuple_domain domain, bool is_send, const fe *fields)
{
    ZK_ASSERT(job->n_boundary < TOY_MAX_BOUNDARY);
    bus_tuple *b = &job->boundary[job->n_boundary++];
    *b = (bus_tuple){.domain = domain, .multiplicity = is_send ? 1 : FE_P - 1};
    memcpy(b->fields, fields, tuple_find(domain)->n_fields * sizeof *fields);
}

static void add_boundaries(toy_job *job, const fill_state *start, const fill_state *end)
{
    add_boundary(job, TUPLE_STATE, true, (fe[]){start->fib_a, start->fib_b});
    add_boundary(job, TUPLE_STATE, false, (fe[]){end->fib_a, end->fib_b});
    const fe *s = start->sbox, *e = end->sbox;
    add_boundary(job, TUPLE_LINK, true,
                 (fe[]){1, 77, start->sbox_step, s[0], s[1], s[2], s[3], s[4]});
    add_boundary(job, TUPLE_LINK, false,
                 (fe[]){1, 77, end->sbox_step, e[0], e[1], e[2], e[3], e[4]});
    fe last = end->n_words == 0 ? 0 : end->words[end->n_words - 1].addr;
    add_boundary(job, TUPLE_ADDR, true, (fe[]){SPACE_MEMORY, 0});
    add_boundary(job, TUPLE_ADDR, false, (fe[]){SPACE_MEMORY, last});
}

status toy_job_new(toy_job **out, const toy_machine *t, const toy_shape *shapes, size_t n_instances,
                   uint64_t seed)
{
    *out = NULL;
    TRY(check_shapes(t, shapes, n_instances));
    status result = ZK_OK;
    fill_state f = {.random = seed, .fib_a = 0, .fib_b = 1, .sbox = {1, 2, 3, 4, 5}};
    const fill_state start = f;
    toy_job *job = calloc(1, sizeof *job);
    FAIL_OUT_IF(job == NULL, ZK_ENOMEM, "no memory for a toy job");
    job->t = t;
    job->instances = calloc(n_instances, sizeof *job->instances);
    FAIL_OUT_IF(job->instances == NULL, ZK_ENOMEM, "no memory for a toy job");
    job->n_instances = n_instances;
    TRY_OUT(make_instances(job, &f, shapes));
    for (size_t i = 0; i < n_instances; i++) {
        f.current = &job->instances[i];
        for (int s = 0; s < TOY_SLOT_COUNT; s++)
            if (shapes[i].log_heights[s] != 0)
                fill_slot(&f, t, s, (size_t)1 << shapes[i].log_heights[s],
                          real_rows(&shapes[i], s));
    }
    for (size_t i = 0; i < n_instances; i++) {
        f.current = &job->instances[i];
        if (shapes[i].log_heights[TOY_EDGE] != 0)
            fill_edge(&f, f.current->cells[TOY_EDGE], (size_t)1 << shapes[i].log_heights[TOY_EDGE],
                      real_rows(&shapes[i], TOY_EDGE));
    }
    add_boundaries(job, &start, &f);
out:
    free(f.words);
    if (result != ZK_OK) {
        toy_job_free(job);
        job = NULL;
    }
    *out = job;
    return result;
}

void toy_job_free(toy_job *job)
{
    if (job == NULL)
        return;
    for (size_t i = 0; i < job->n_instances; i++)
        for (int s = 0; s < TOY_SLOT_COUNT; s++)
            free(job->instances[i].cells[s]);
    free(job->instances);
    free(job);
}

toy_shape toy_shape_all(unsigned log_height)
{
    toy_shape shape = {.fill = 64};
    for (int s = 0; s < TOY_SLOT_COUNT; s++)
        shape.log_heights[s] = (uint8_t)log_height;
    shape.log_heights[TOY_RANGE8] = 8;
    shape.log_heights[TOY_RANGE4] = 6;
    shape.log_heights[TOY_BITOPS] = 8;
    shape.log_heights[TOY_SQUARES] = TOY_LOG_SQUARES;
    return shape;
}

void toy_stack(fe *stack, const toy_instance *instance, const machine *m,
               const machine_layout *layout)
{
    memset(stack, 0, sizeof(fe) << layout->log_stack);
    for (uint32_t s = 0; s < m->n_slots; s++)
        if (instance->cells[s] != NULL)
            memcpy(stack + layout->slots[s].cells, instance->cells[s],
                   ((size_t)m->slots[s].c->n_committed << instance->log_heights[s]) * sizeof(fe));
}

void toy_bench_fill(fe *rows, unsigned log_height, uint64_t seed)
{
    size_t n = (size_t)1 << log_height;
    fill_state f = {.random = seed};
    for (size_t i = 0; i < n; i++) {
        rows[i] = 1;
        rows[n + i] = next_random(&f) & 1;
        for (unsigned g = 0; g < 6; g++) {
            fe x = fe_from_u64(next_random(&f)), y = next_random(&f) & 1;
            rows[(2 + 3 * g) * n + i] = x;
            rows[(3 + 3 * g) * n + i] = y;
            rows[(4 + 3 * g) * n + i] = fe_mul(x, y);
        }
    }
}
