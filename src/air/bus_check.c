// SPDX-License-Identifier: Apache-2.0 OR MIT
// The bus checker. A tuple has a 128-bit fingerprint. WEIGH keeps two sums in F for each bucket: a
// bucket whose tuples do not balance has both zero by chance with probability 2^-128. COUNT keeps
// fingerprint and sum of multiplicities of each tuple of the selected buckets in an open-addressing
// table; a collision there (2^-64 for 2^32 tuples) could hide a difference from a debug tool, never
// from a verifier. Results are listed in the order of LOCATE, so no hash order shows.
#include "air/check.h"
#include "air/report.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_BUCKETS = 16, N_BUCKETS = 1 << LOG_BUCKETS, ROWS_A_RANGE = 1 << 12 };

typedef enum bus_pass { PASS_WEIGH, PASS_COUNT, PASS_LOCATE, PASS_DONE } bus_pass;

typedef struct bus_bucket {
    fe sum[2];
    uint64_t n; // interactions
} bus_bucket;

typedef struct bus_entry {
    uint64_t key[2]; // zero: free
    fe sum;
    uint32_t listed; // 1 + index of the unbalanced tuple in the list
} bus_entry;

struct bus_checker {
    bus_pass pass;
    pool *threads;
    uint64_t max_counted;
    bus_bucket *buckets; // [slots of the pool][N_BUCKETS]; after WEIGH the first ones hold the sums
    bool *selected;      // [N_BUCKETS]
    uint64_t n_unselected; // buckets that do not balance and are not looked at
    bus_entry *entries;
    size_t n_entries, capacity; // capacity is a power of two
    uint64_t n_unbalanced;
    size_t n_listed;
    bus_unbalanced list[BUS_MAX_TUPLES];
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

static void fingerprint(uint64_t key[2], const bus_tuple *tuple, unsigned n_fields)
{
    key[0] = mix(tuple->domain + 0x9E3779B97F4A7C15ULL);
    key[1] = mix(tuple->domain + 0xD1B54A32D192ED03ULL);
    for (unsigned t = 0; t < n_fields; t++) {
        key[0] = mix((key[0] ^ tuple->fields[t]) + 0x9E3779B97F4A7C15ULL);
        key[1] = mix((key[1] + tuple->fields[t]) * 0xD6E8FEB86659FD93ULL + t);
    }
    key[0] |= 1; // never the mark of a free entry
}

static size_t bucket_of(const uint64_t key[2])
{
    return key[1] >> (64 - LOG_BUCKETS);
}

status bus_checker_new(bus_checker **out, uint64_t max_counted, pool *threads)
{
    bus_checker *bus = calloc(1, sizeof *bus);
    *out = bus;
    FAIL_IF(bus == NULL, ZK_ENOMEM, "no memory for the bus checker");
    bus->threads = threads;
    bus->max_counted = max_counted;
    bus->buckets = calloc((size_t)pool_threads(threads) * N_BUCKETS, sizeof *bus->buckets);
    bus->selected = calloc(N_BUCKETS, sizeof *bus->selected);
    if (bus->buckets != NULL && bus->selected != NULL)
        return ZK_OK;
    bus_checker_free(bus);
    *out = NULL;
    FAIL(ZK_ENOMEM, "no memory for the bus checker");
}

void bus_checker_free(bus_checker *bus)
{
    if (bus == NULL)
        return;
    free(bus->buckets);
    free(bus->selected);
    free(bus->entries);
    free(bus);
}

// The entry of the key, or the free one where it belongs.
static bus_entry *find(bus_entry *entries, size_t capacity, const uint64_t key[2])
{
    size_t i = key[1] & (capacity - 1);
    while (entries[i].key[0] != 0 && (entries[i].key[0] != key[0] || entries[i].key[1] != key[1]))
        i = (i + 1) & (capacity - 1);
    return &entries[i];
}

static status grow(bus_checker *bus)
{
    size_t capacity = bus->capacity == 0 ? 1024 : 2 * bus->capacity;
    bus_entry *entries = calloc(capacity, sizeof *entries);
    FAIL_IF(entries == NULL, ZK_ENOMEM, "no memory for %zu tuples of the bus checker", capacity);
    for (size_t i = 0; i < bus->capacity; i++)
        if (bus->entries[i].key[0] != 0)
            *find(entries, capacity, bus->entries[i].key) = bus->entries[i];
    free(bus->entries);
    bus->entries = entries;
    bus->capacity = capacity;
    return ZK_OK;
}

static void weigh(bus_bucket *buckets, const bus_tuple *tuple)
{
    if (tuple->multiplicity == 0)
        return;
    uint64_t key[2];
    fingerprint(key, tuple, tuple_find(tuple->domain)->n_fields);
    bus_bucket *b = &buckets[bucket_of(key)];
    for (int i = 0; i < 2; i++)
        b->sum[i] = fe_mul_add(tuple->multiplicity, fe_from_u64(key[i]), b->sum[i]);
    b->n++;
}

static status count(bus_checker *bus, const bus_tuple *tuple)
{
    if (tuple->multiplicity == 0)
        return ZK_OK;
    uint64_t key[2];
    fingerprint(key, tuple, tuple_find(tuple->domain)->n_fields);
    if (!bus->selected[bucket_of(key)])
        return ZK_OK;
    if (2 * (bus->n_entries + 1) > bus->capacity)
        TRY(grow(bus));
    bus_entry *entry = find(bus->entries, bus->capacity, key);
    if (entry->key[0] == 0) {
        entry->key[0] = key[0];
        entry->key[1] = key[1];
        bus->n_entries++;
    }
    entry->sum = fe_add(entry->sum, tuple->multiplicity);
    return ZK_OK;
}

static bool is_zero(const bus_bucket *b)
{
    return b->sum[0] == 0 && b->sum[1] == 0;
}

// Selects buckets that do not balance, in order, as many as the limit allows but one at least.
static bool end_weighing(bus_checker *bus)
{
    uint64_t chosen = 0, n = 0;
    for (size_t i = 0; i < N_BUCKETS; i++) {
        bus_bucket *b = &bus->buckets[i];
        for (unsigned slot = 1; slot < pool_threads(bus->threads); slot++) {
            const bus_bucket *other = &bus->buckets[slot * (size_t)N_BUCKETS + i];
            b->sum[0] = fe_add(b->sum[0], other->sum[0]);
            b->sum[1] = fe_add(b->sum[1], other->sum[1]);
            b->n += other->n;
        }
        if (is_zero(b))
            continue;
        bus->selected[i] = chosen == 0 || n + b->n <= bus->max_counted;
        if (bus->selected[i]) {
            chosen++;
            n += b->n;
        } else {
            bus->n_unselected++;
        }
    }
    return chosen > 0;
}

bool bus_next_pass(bus_checker *bus)
{
    switch (bus->pass) {
    case PASS_WEIGH:
        bus->pass = end_weighing(bus) ? PASS_COUNT : PASS_DONE;
        break;
    case PASS_COUNT:
        for (size_t i = 0; i < bus->capacity; i++)
            bus->n_unbalanced += bus->entries[i].sum != 0;
        bus->pass = PASS_LOCATE;
        break;
    default:
        bus->pass = PASS_DONE;
    }
    return bus->pass != PASS_DONE;
}

bool bus_is_balanced(const bus_checker *bus)
{
    ZK_ASSERT(bus->pass != PASS_WEIGH);
    return bus->n_unbalanced == 0 && bus->n_unselected == 0;
}

uint64_t bus_unbalanced_count(const bus_checker *bus, bool *all)
{
    *all = bus->n_unselected == 0;
    return bus->n_unbalanced;
}

static fe affine_at(const affine *form, const check_table *t, uint64_t row)
{
    fe sum = form->constant;
    for (uint32_t i = 0; i < form->n_terms; i++) {
        uint32_t column = form->terms[i].column;
        const chip_column_info *info = &t->c->columns[column];
        fe value = info->kind == COLUMN_CLOSED ? closed_row(&info->closed, row)
                                               : fe_from_u64(t->columns[column][row]);
        sum = fe_mul_add(form->terms[i].coef, value, sum);
    }
    return sum;
}

static bus_tuple tuple_at(const check_table *t, uint32_t interaction, uint64_t row)
{
    const chip_interaction *in = &t->c->interactions[interaction];
    bus_tuple tuple = {.domain = in->tuple->domain,
                       .multiplicity = affine_at(&in->multiplicity, t, row)};
    if (tuple.multiplicity == 0)
        return tuple;
    for (unsigned f = 0; f < in->n_fields; f++)
        tuple.fields[f] = affine_at(&in->fields[f], t, row);
    return tuple;
}

static void locate(bus_checker *bus, const bus_tuple *tuple, bus_origin origin)
{
    if (tuple->multiplicity == 0 || bus->capacity == 0)
        return;
    uint64_t key[2];
    fingerprint(key, tuple, tuple_find(tuple->domain)->n_fields);
    bus_entry *entry = find(bus->entries, bus->capacity, key);
    if (entry->key[0] == 0 || entry->sum == 0)
        return;
    if (entry->listed == 0) {
        if (bus->n_listed == BUS_MAX_TUPLES)
            return;
        bus->list[bus->n_listed].tuple = *tuple;
        bus->list[bus->n_listed].tuple.multiplicity = entry->sum;
        entry->listed = (uint32_t)++bus->n_listed;
    }
    bus_unbalanced *u = &bus->list[entry->listed - 1];
    origin.multiplicity = tuple->multiplicity;
    if (u->n_origins < BUS_MAX_ORIGINS)
        u->origins[u->n_origins] = origin;
    u->n_origins++;
}

typedef struct weigh_job {
    bus_checker *bus;
    const check_table *table;
} weigh_job;

static void weigh_rows(void *arg, unsigned slot, size_t first, size_t end)
{
    const weigh_job *job = arg;
    bus_bucket *buckets = job->bus->buckets + slot * (size_t)N_BUCKETS;
    for (uint32_t k = 0; k < job->table->c->n_interactions; k++)
        for (size_t row = first; row < end; row++) {
            bus_tuple tuple = tuple_at(job->table, k, row);
            weigh(buckets, &tuple);
        }
}

status bus_table(bus_checker *bus, const check_table *t)
{
    uint64_t height = 1ULL << t->log_height;
    if (bus->pass == PASS_WEIGH) {
        pool_for_slots(bus->threads, height, ROWS_A_RANGE, weigh_rows, &(weigh_job){bus, t});
        return ZK_OK;
    }
    for (uint32_t k = 0; k < t->c->n_interactions; k++)
        for (uint64_t row = 0; row < height; row++) {
            bus_tuple tuple = tuple_at(t, k, row);
            if (bus->pass == PASS_COUNT)
                TRY(count(bus, &tuple));
            else
                locate(bus, &tuple,
                       (bus_origin){.label = t->label, .c = t->c, .row = row, .interaction = k});
        }
    return ZK_OK;
}

status bus_boundary(bus_checker *bus, const char *label, const bus_tuple *tuple)
{
    if (bus->pass == PASS_WEIGH)
        weigh(bus->buckets, tuple);
    else if (bus->pass == PASS_COUNT)
        return count(bus, tuple);
    else
        locate(bus, tuple, (bus_origin){.label = label});
    return ZK_OK;
}

const bus_unbalanced *bus_unbalanced_list(const bus_checker *bus, size_t *n)
{
    *n = bus->n_listed;
    return bus->list;
}

// ---- Text
// ----------------------------------------------------------------------------------------

// "3 times too often sent" for 3, "received" for -3.
static status put_signed(byte_buffer *out, fe value, const char *positive, const char *negative)
{
    bool is_negative = value > FE_P / 2;
    return air_print(out, "%s %llu", is_negative ? negative : positive,
                     (unsigned long long)(is_negative ? FE_P - value : value));
}

// "pc = 1, ts = 2": the catalogue's names with the values.
static status put_fields(byte_buffer *out, const bus_tuple *tuple, const tuple_info *info)
{
    const char *name = info->fields;
    for (unsigned t = 0; t < info->n_fields; t++) {
        size_t length = strcspn(name, ",");
        TRY(air_print(out, "%s%.*s = %llu", t == 0 ? "" : ", ", (int)length, name,
                      (unsigned long long)tuple->fields[t]));
        name += length;
        name += strspn(name, ", ");
    }
    return ZK_OK;
}

static status put_unbalanced(byte_buffer *out, const bus_unbalanced *u)
{
    const tuple_info *info = tuple_find(u->tuple.domain);
    TRY(air_print(out, "%s (", info->name));
    TRY(put_fields(out, &u->tuple, info));
    TRY(buffer_put_text(out, "): "));
    TRY(put_signed(out, u->tuple.multiplicity, "sent minus received is",
                   "sent minus received is -"));
    TRY(buffer_put_text(out, "\n"));
    size_t n = u->n_origins < BUS_MAX_ORIGINS ? u->n_origins : BUS_MAX_ORIGINS;
    for (size_t i = 0; i < n; i++) {
        const bus_origin *o = &u->origins[i];
        TRY(buffer_put_text(out, "    "));
        TRY(put_signed(out, o->multiplicity, "sent", "received"));
        if (o->c == NULL)
            TRY(air_print(out, " by %s\n", o->label));
        else
            TRY(air_print(out, " by chip %s (%s), row %llu, interaction %u\n", o->c->name, o->label,
                          (unsigned long long)o->row, o->interaction));
    }
    if (u->n_origins > n)
        TRY(air_print(out, "    and %llu more\n", (unsigned long long)(u->n_origins - n)));
    return ZK_OK;
}

status bus_describe(byte_buffer *out, const bus_checker *bus)
{
    for (size_t i = 0; i < bus->n_listed; i++)
        TRY(put_unbalanced(out, &bus->list[i]));
    if (bus->n_unbalanced > bus->n_listed || bus->n_unselected > 0)
        TRY(air_print(out, "and %s%llu more unbalanced tuples\n",
                      bus->n_unselected > 0 ? "at least " : "",
                      (unsigned long long)(bus->n_unbalanced - bus->n_listed + bus->n_unselected)));
    return ZK_OK;
}
