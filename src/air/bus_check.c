// SPDX-License-Identifier: Apache-2.0 OR MIT
// The bus checker. Pass 1 keeps, for each different tuple, a 128-bit fingerprint and the sum of its
// multiplicities in an open-addressing table. A collision of fingerprints (2^-64 for 2^32 tuples)
// could hide a difference from a debug tool, never from a verifier. Results are listed in the order
// of pass 2, so no hash order shows.
#include "air/check.h"
#include "air/report.h"

#include <stdlib.h>
#include <string.h>

typedef struct bus_entry {
    uint64_t key[2]; // zero: free
    fe sum;
    uint32_t listed; // 1 + index of the unbalanced tuple in the list
} bus_entry;

struct bus_checker {
    bus_entry *entries;
    size_t n_entries, capacity; // capacity is a power of two
    bool closed;
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

status bus_checker_new(bus_checker **out)
{
    *out = calloc(1, sizeof **out);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory for the bus checker");
    return ZK_OK;
}

void bus_checker_free(bus_checker *bus)
{
    if (bus == NULL)
        return;
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

status bus_count_tuple(bus_checker *bus, const bus_tuple *tuple)
{
    ZK_ASSERT(!bus->closed);
    if (tuple->multiplicity == 0)
        return ZK_OK;
    if (2 * (bus->n_entries + 1) > bus->capacity)
        TRY(grow(bus));
    uint64_t key[2];
    fingerprint(key, tuple, tuple_find(tuple->domain)->n_fields);
    bus_entry *entry = find(bus->entries, bus->capacity, key);
    if (entry->key[0] == 0) {
        entry->key[0] = key[0];
        entry->key[1] = key[1];
        bus->n_entries++;
    }
    entry->sum = fe_add(entry->sum, tuple->multiplicity);
    return ZK_OK;
}

uint64_t bus_checker_close(bus_checker *bus)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bus->capacity; i++)
        n += bus->entries[i].sum != 0;
    bus->closed = true;
    return n;
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

status bus_count_table(bus_checker *bus, const check_table *t)
{
    for (uint32_t k = 0; k < t->c->n_interactions; k++)
        for (uint64_t row = 0; row < 1ULL << t->log_height; row++) {
            bus_tuple tuple = tuple_at(t, k, row);
            TRY(bus_count_tuple(bus, &tuple));
        }
    return ZK_OK;
}

static void locate(bus_checker *bus, const bus_tuple *tuple, bus_origin origin)
{
    ZK_ASSERT(bus->closed);
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

status bus_locate_table(bus_checker *bus, const check_table *t)
{
    for (uint32_t k = 0; k < t->c->n_interactions; k++)
        for (uint64_t row = 0; row < 1ULL << t->log_height; row++) {
            bus_tuple tuple = tuple_at(t, k, row);
            locate(bus, &tuple,
                   (bus_origin){.label = t->label, .c = t->c, .row = row, .interaction = k});
        }
    return ZK_OK;
}

status bus_locate_tuple(bus_checker *bus, const char *label, const bus_tuple *tuple)
{
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
    return ZK_OK;
}
