// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir_params.h"

// Shape: rate 1/2 (fixed classes: lower, as much as keeps the time to make a key within a few times
// that of a proof); folds of 6, then 4; the domain shrinks by 16, then by 2; 16 bits of grinding;
// fold and out-of-domain terms 5 bits above the target (doc/decisions.md says why).
// Columns: log_size, log_inv_rate, n_folds, grinding, log_cap, n_queries, multiplicity.
static const whir_params shipped[] = {
    {WHIR_CLASS_20,
     "2^20",
     20,
     7,
     3,
     {{20, 1, 6, 16, 9, 226, 164}, {14, 3, 4, 16, 7, 75, 110}, {10, 6, 3, 16, 7, 38, 14}},
     false},
    {WHIR_CLASS_23,
     "2^23",
     23,
     9,
     3,
     {{23, 1, 6, 16, 8, 227, 110}, {17, 3, 4, 16, 8, 75, 110}, {13, 6, 4, 16, 7, 38, 14}},
     false},
    {WHIR_CLASS_24,
     "2^24",
     24,
     7,
     4,
     {{24, 1, 6, 16, 9, 227, 110},
      {18, 3, 4, 16, 7, 75, 110},
      {14, 6, 4, 16, 6, 38, 14},
      {10, 9, 3, 16, 6, 25, 36}},
     false},
    {WHIR_CLASS_26,
     "2^26",
     26,
     8,
     4,
     {{26, 1, 6, 16, 9, 228, 84},
      {20, 3, 4, 16, 7, 76, 28},
      {16, 6, 4, 16, 6, 38, 14},
      {12, 9, 4, 16, 5, 25, 36}},
     false},
    {WHIR_CLASS_FIXED_14, "fixed 2^14", 14, 8, 1, {{14, 4, 6, 16, 6, 57, 21}}, true},
    {WHIR_CLASS_FIXED_17,
     "fixed 2^17",
     17,
     8,
     2,
     {{17, 4, 6, 16, 7, 57, 21}, {11, 6, 3, 16, 6, 38, 14}},
     true},
    {WHIR_CLASS_FIXED_20,
     "fixed 2^20",
     20,
     7,
     3,
     {{20, 3, 6, 16, 7, 76, 28}, {14, 5, 4, 16, 7, 45, 66}, {10, 8, 3, 16, 5, 29, 5}},
     true},
    {WHIR_CLASS_FIXED_23,
     "fixed 2^23",
     23,
     9,
     3,
     {{23, 2, 6, 16, 7, 113, 84}, {17, 4, 4, 16, 7, 57, 21}, {13, 7, 4, 16, 6, 33, 7}},
     true},
};

// Every step of the protocol with next to no security: a lucky forger needs a handful of tries.
static const whir_params for_tests[] = {
    {WHIR_CLASS_TEST_10,
     "test 2^10",
     10,
     2,
     2,
     {{10, 1, 6, 2, 1, 5, 3}, {4, 3, 2, 1, 3, 3, 3}},
     false},
    {WHIR_CLASS_TEST_14,
     "test 2^14",
     14,
     2,
     3,
     {{14, 1, 6, 4, 3, 9, 3}, {8, 4, 4, 3, 0, 5, 3}, {4, 7, 2, 3, 1, 4, 3}},
     false},
};

size_t whir_params_count(void)
{
    return sizeof shipped / sizeof shipped[0];
}

const whir_params *whir_params_at(size_t i)
{
    ZK_ASSERT(i < whir_params_count());
    return &shipped[i];
}

const whir_params *whir_params_shipped(unsigned id)
{
    for (size_t i = 0; i < whir_params_count(); i++)
        if (shipped[i].id == id)
            return &shipped[i];
    return NULL;
}

const whir_params *whir_params_any(unsigned id)
{
    for (size_t i = 0; i < sizeof for_tests / sizeof for_tests[0]; i++)
        if (for_tests[i].id == id)
            return &for_tests[i];
    return whir_params_shipped(id);
}

unsigned whir_path_levels(const whir_round *round)
{
    return (whir_log_rows(round) - round->log_cap + 1) / 2;
}

size_t whir_path_digests(const whir_round *round)
{
    unsigned bits = whir_log_rows(round) - round->log_cap;
    return 3 * (size_t)(bits / 2) + bits % 2;
}

// Levels have log_rows, log_rows - 2, ... bits down to 0 or 1, and 0.
static bool is_tree_level(unsigned log_rows, unsigned log_nodes)
{
    return log_nodes == 0 || (log_nodes <= log_rows && (log_rows - log_nodes) % 2 == 0);
}

static bool round_valid(const whir_params *p, unsigned i)
{
    const whir_round *r = &p->round[i];
    if (r->n_folds < 1 || r->n_folds > (i == 0 ? WHIR_MAX_FOLDS : WHIR_MAX_LATER_FOLDS))
        return false;
    if (r->log_size <= r->n_folds || r->log_inv_rate < 1 || r->n_queries < 1)
        return false;
    if (r->n_queries > WHIR_MAX_QUERIES || r->grinding > 32 || r->log_cap > WHIR_MAX_CAP)
        return false;
    if (whir_log_rows(r) > FE_TWO_ADICITY || !is_tree_level(whir_log_rows(r), r->log_cap))
        return false;
    if (whir_path_levels(r) > WHIR_MAX_LEVELS)
        return false;
    if (whir_is_last(p, i))
        return r->log_size - r->n_folds == p->log_final;
    const whir_round *next = &p->round[i + 1];
    return next->log_size == r->log_size - r->n_folds && next->n_folds <= WHIR_MAX_LATER_FOLDS &&
           whir_log_rows(next) + next->n_folds < whir_log_rows(r) + r->n_folds;
}

bool whir_params_valid(const whir_params *p)
{
    if (p->n_rounds < 1 || p->n_rounds > WHIR_MAX_ROUNDS || p->log_stack > WHIR_MAX_STACK ||
        p->log_final > WHIR_MAX_FINAL || p->round[0].log_size != p->log_stack)
        return false;
    size_t n_queries = 0;
    for (unsigned i = 0; i < p->n_rounds; i++) {
        if (!round_valid(p, i))
            return false;
        n_queries += p->round[i].n_queries;
    }
    return n_queries <= WHIR_MAX_ALL_QUERIES;
}

size_t whir_proof_words(const whir_params *p)
{
    size_t words = 0;
    for (unsigned i = 0; i < p->n_rounds; i++) {
        const whir_round *r = &p->round[i];
        words += 6 * (size_t)r->n_folds;                                 // round polynomials
        words += whir_is_last(p, i) ? (size_t)3 << p->log_final : 4 + 3; // or root and answer
        words += 1;                                                      // nonce
        words += (size_t)4 << r->log_cap;                                // cap
        words += r->n_queries * (whir_row_width(p, i) + 4 * whir_path_digests(r));
    }
    return words + 6 * (size_t)p->log_final;
}

// A row is compressed in chunks of 16, the digests again, until one is left (hash/hash.h).
static size_t leaf_permutations(size_t width)
{
    size_t total = 0;
    for (;;) {
        size_t chunks = (width + 15) / 16;
        total += chunks;
        if (chunks == 1)
            return total;
        width = 4 * chunks;
    }
}

size_t whir_tree_permutations(const whir_params *p)
{
    size_t total = 0;
    for (unsigned i = 0; i < p->n_rounds; i++) {
        const whir_round *r = &p->round[i];
        total += r->n_queries * (leaf_permutations(whir_row_width(p, i)) + whir_path_levels(r));
        for (unsigned bits = r->log_cap; bits > 0;) {
            bits = bits > 1 ? bits - 2 : 0;
            total += (size_t)1 << bits;
        }
    }
    return total;
}
