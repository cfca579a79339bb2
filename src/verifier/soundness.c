// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/soundness.h"

#include "air/chip.h"
#include "air/tuples.h"

#include <math.h>
#include <stdio.h>

// The most that one sumcheck round of the zerocheck, of GKR, and of a line can hide.
enum { DEGREE_ZEROCHECK = CHIP_MAX_PERMUTATION_DEGREE, DEGREE_GKR = 2 };

static double log_field(void)
{
    return 3 * log2((double)FE_P);
}

typedef struct table {
    soundness_row *rows;
    size_t n;
} table;

static void add(table *t, const char *part, const char *name, double johnson, double unique)
{
    ZK_ASSERT(t->n < SOUNDNESS_MAX_ROWS);
    soundness_row *row = &t->rows[t->n++];
    row->part = part;
    snprintf(row->name, sizeof row->name, "%s", name);
    row->bits[WHIR_JOHNSON] = johnson;
    row->bits[WHIR_UNIQUE] = unique;
}

// A round whose error is `numerator` / |K| in both regimes.
static void add_degree(table *t, const char *part, const char *name, double numerator)
{
    double bits = log_field() - log2(numerator);
    add(t, part, name, bits, bits);
}

static void add_whir(table *t, const whir_params *params)
{
    whir_term johnson[WHIR_MAX_TERMS], unique[WHIR_MAX_TERMS];
    size_t n = whir_terms(johnson, params, WHIR_JOHNSON);
    ZK_ASSERT(whir_terms(unique, params, WHIR_UNIQUE) == n);
    for (size_t i = 0; i < n; i++) {
        char name[64];
        const whir_term *term = &johnson[i];
        if (params->is_fixed && term->kind == WHIR_TERM_OOD && term->round == 0)
            continue; // no answer at commit time: SOUNDNESS.md, "Commitment"
        if (term->kind == WHIR_TERM_FOLD)
            snprintf(name, sizeof name, "round %u: fold %u", term->round, term->step);
        else
            snprintf(name, sizeof name, "round %u: %s", term->round, whir_term_name(term->kind));
        add(t, "whir", name, term->bits, unique[i].bits);
    }
}

size_t soundness_table(soundness_row rows[SOUNDNESS_MAX_ROWS], const whir_params *params)
{
    table t = {rows, 0};
    whir_term terms[WHIR_MAX_TERMS];
    double pinned[2], list[2];
    for (int r = WHIR_JOHNSON; r <= WHIR_UNIQUE; r++) {
        whir_terms(terms, params, (whir_regime)r);
        ZK_ASSERT(terms[0].kind == WHIR_TERM_OOD && terms[0].round == 0);
        pinned[r] = terms[0].bits - log2(JOB_MAX_INSTANCES);
        list[r] = whir_log_list_size(params, 0, (whir_regime)r);
    }
    double batch = log_field() - log2(MACHINE_MAX_COLUMNS);
    if (params->is_fixed) { // a second opening in an instance of another class, nothing else
        add(&t, "opening", "mu over all columns", batch - list[0], batch - list[1]);
        add_whir(&t, params);
        return t.n;
    }
    add(&t, "commitment", "one polynomial for each of 2^14 instances", pinned[0], pinned[1]);

    // Numerator of the bus sum: total degree in gamma and beta.
    add_degree(&t, "bus", "gamma, beta over 2^46 tuples",
               exp2(JOB_MAX_LOG_TUPLES) * TUPLE_MAX_FIELDS);

    add_degree(&t, "gkr", "lambda of a layer", 1);
    add_degree(&t, "gkr", "round of a sumcheck, coordinate of rho", DEGREE_GKR + 1);
    add_degree(&t, "gkr", "tau of a layer, coordinate of rho", 1 + 1);

    add_degree(&t, "zerocheck", "lambda", 1);
    add_degree(&t, "zerocheck", "alpha over all constraints", MACHINE_MAX_CONSTRAINTS);
    add_degree(&t, "zerocheck", "round of the sumcheck", DEGREE_ZEROCHECK);

    add(&t, "opening", "mu over all columns", batch - list[0], batch - list[1]);
    add_whir(&t, params);
    return t.n;
}

double soundness_minimum(const soundness_row *rows, size_t n, whir_regime regime)
{
    double bits = INFINITY;
    for (size_t i = 0; i < n; i++)
        bits = fmin(bits, rows[i].bits[regime]);
    return bits;
}

double soundness_digest_bits(void)
{
    return HASH_DIGEST * log2((double)FE_P) / 2;
}
