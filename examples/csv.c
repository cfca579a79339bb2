// SPDX-License-Identifier: Apache-2.0 OR MIT
// Aggregates over private records. Input: a CSV file (RFC 4180: quoted fields, CRLF or LF) whose
// first line is exactly "name,region,amount"; amounts have at most two decimals, such as -12.5.
//
// Output, all numbers 8 bytes little-endian, amounts in hundredths: number of records, sum, least
// and greatest amount, number of regions; then for each region in order of first appearance its
// name (8 bytes, padded with zeros) and sum. Nothing about single records is published.
//
// A malformed file, an amount that does not fit, a region name over 8 bytes or more than 8 regions
// end the program with an exit code that says which: there is then nothing to prove.
#include <stdbool.h>
#include <string.h>

#include "zkvm_io.h"

enum { MAX_REGIONS = 8, REGION_BYTES = 8, FIELD_BYTES = 256, FIELDS = 3 };

enum {
    OK,
    BAD_HEADER = 10,
    BAD_RECORD, // not three fields, or a broken quotation
    BAD_AMOUNT,
    BAD_REGION,
    TOO_MANY_REGIONS,
    OVERFLOW,
    NO_RECORD,
};

typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
} reader;

typedef struct field {
    uint8_t bytes[FIELD_BYTES];
    size_t size;
} field;

// Reads one field and what ends it. *last says that the line ended. False for a broken quotation,
// for bytes between the closing quote and the separator, and for a field that is too long.
static bool read_field(field *f, bool *last, reader *r)
{
    f->size = 0;
    if (r->at < r->end && *r->at == '"') {
        for (r->at++;; r->at++) {
            if (r->at == r->end || f->size == FIELD_BYTES)
                return false;
            if (*r->at == '"') {
                r->at++;
                if (r->at == r->end || *r->at != '"')
                    break;
            }
            f->bytes[f->size++] = *r->at;
        }
    } else {
        for (; r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r'; r->at++) {
            if (*r->at == '"' || f->size == FIELD_BYTES)
                return false;
            f->bytes[f->size++] = *r->at;
        }
    }
    *last = true;
    if (r->at == r->end)
        return true;
    if (*r->at == ',') {
        *last = false;
        r->at++;
        return true;
    }
    if (*r->at == '\r')
        r->at++;
    if (r->at == r->end || *r->at != '\n')
        return false;
    r->at++;
    return true;
}

static bool read_record(field fields[FIELDS], reader *r)
{
    for (int i = 0; i < FIELDS; i++) {
        bool last;
        if (!read_field(&fields[i], &last, r) || last != (i == FIELDS - 1))
            return false;
    }
    return true;
}

static bool field_is(const field *f, const char *text)
{
    return f->size == strlen(text) && memcmp(f->bytes, text, f->size) == 0;
}

// [-]digits[.d[d]] in hundredths, |amount| < 10^16.
static bool parse_amount(int64_t *out, const field *f)
{
    size_t i = 0, digits = 0;
    int64_t value = 0;
    const bool negative = f->size > 0 && f->bytes[0] == '-';
    for (i = negative; i < f->size && f->bytes[i] >= '0' && f->bytes[i] <= '9'; i++, digits++)
        value = value * 10 + (f->bytes[i] - '0');
    if (digits == 0 || digits > 14)
        return false;
    size_t decimals = 0;
    if (i < f->size && f->bytes[i] == '.') {
        for (i++; i < f->size && f->bytes[i] >= '0' && f->bytes[i] <= '9'; i++, decimals++)
            value = value * 10 + (f->bytes[i] - '0');
        if (decimals == 0 || decimals > 2)
            return false;
    }
    if (i != f->size)
        return false;
    for (; decimals < 2; decimals++)
        value *= 10;
    *out = negative ? -value : value;
    return true;
}

static struct {
    uint64_t records;
    int64_t sum, least, greatest;
    uint64_t regions;
    struct {
        uint8_t name[REGION_BYTES];
        int64_t sum;
    } region[MAX_REGIONS];
} totals;

static int add_record(const field fields[FIELDS])
{
    const field *region = &fields[1];
    int64_t amount;
    if (!parse_amount(&amount, &fields[2]))
        return BAD_AMOUNT;
    if (region->size == 0 || region->size > REGION_BYTES)
        return BAD_REGION;
    uint8_t name[REGION_BYTES] = {0};
    memcpy(name, region->bytes, region->size);
    uint64_t i = 0;
    while (i < totals.regions && memcmp(totals.region[i].name, name, REGION_BYTES) != 0)
        i++;
    if (i == MAX_REGIONS)
        return TOO_MANY_REGIONS;
    if (i == totals.regions) {
        memcpy(totals.region[i].name, name, REGION_BYTES);
        totals.regions++;
    }
    if (__builtin_add_overflow(totals.sum, amount, &totals.sum) ||
        __builtin_add_overflow(totals.region[i].sum, amount, &totals.region[i].sum))
        return OVERFLOW;
    if (totals.records == 0 || amount < totals.least)
        totals.least = amount;
    if (totals.records == 0 || amount > totals.greatest)
        totals.greatest = amount;
    totals.records++;
    return OK;
}

int main(void)
{
    static field fields[FIELDS];
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    reader r = {input, input + size};
    if (!read_record(fields, &r) || !field_is(&fields[0], "name") ||
        !field_is(&fields[1], "region") || !field_is(&fields[2], "amount"))
        return BAD_HEADER;
    while (r.at < r.end) {
        if (!read_record(fields, &r))
            return BAD_RECORD;
        const int problem = add_record(fields);
        if (problem != OK)
            return problem;
    }
    if (totals.records == 0)
        return NO_RECORD;
    write_output((const uint8_t *)&totals, 40 + totals.regions * sizeof totals.region[0]);
    return 0;
}
