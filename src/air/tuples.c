// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/tuples.h"

#include <stddef.h>

static const tuple_info catalogue[] = {
#define X(NAME, tag, CLASS, count, field_list, sent, received, what)                               \
    {.domain = TUPLE_##NAME,                                                                       \
     .class = TUPLE_CLASS_##CLASS,                                                                 \
     .n_fields = (count),                                                                          \
     .name = #NAME,                                                                                \
     .fields = (field_list),                                                                       \
     .sent_by = (sent),                                                                            \
     .received_by = (received),                                                                    \
     .meaning = (what)},
    TUPLE_CATALOGUE(X)
#undef X
};

// Two domains with one tag would be two equal case labels: the build fails here.
#define X(NAME, tag, CLASS, count, ...)                                                            \
    _Static_assert((tag) > 0 && (tag) < 256 && (count) > 0 && (count) <= TUPLE_MAX_FIELDS,         \
                   "tag or number of fields of " #NAME " is out of range");
TUPLE_CATALOGUE(X)
#undef X

const tuple_info *tuple_find(unsigned tag)
{
    size_t row = 0;
    switch (tag) {
#define X(NAME, value, ...)                                                                        \
    case (value):                                                                                  \
        while (catalogue[row].domain != TUPLE_##NAME)                                              \
            row++;                                                                                 \
        return &catalogue[row];
        TUPLE_CATALOGUE(X)
#undef X
    default:
        return NULL;
    }
}

const tuple_info *tuple_catalogue(unsigned *n)
{
    *n = sizeof catalogue / sizeof catalogue[0];
    return catalogue;
}

fe3 tuple_denominator(const bus_tuple *tuple, fe3 gamma, const fe3 *beta_powers)
{
    fe3 d = fe3_add_fe(gamma, fe_const(tuple->domain));
    unsigned n_fields = tuple_find(tuple->domain)->n_fields;
    for (unsigned t = 0; t < n_fields; t++)
        d = fe3_add(d, fe3_mul_fe(beta_powers[t + 1], tuple->fields[t]));
    return d;
}
