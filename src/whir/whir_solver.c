// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "whir/whir_solver.h"

#include "merkle/merkle.h"

#include <math.h>

// log2 |K|.
static double log_field(void)
{
    return 3 * log2((double)FE_P);
}

static double log_sum(double a, double b)
{
    double high = fmax(a, b);
    return isinf(high) ? high : high + log2(exp2(a - high) + exp2(b - high));
}

double whir_query_bits(whir_regime regime, unsigned log_inv_rate, unsigned mu)
{
    if (regime == WHIR_UNIQUE)
        return -log2((1 + exp2(-(double)log_inv_rate)) / 2);
    return log_inv_rate / 2.0 - log2(1 + 1 / (2.0 * mu));
}

static double log_list(whir_regime regime, unsigned log_inv_rate, unsigned mu)
{
    return regime == WHIR_UNIQUE ? 0 : log2(mu + 0.5) + log_inv_rate / 2.0;
}

double whir_agreement_bits(whir_regime regime, unsigned log_dimension, unsigned log_inv_rate,
                           unsigned mu)
{
    double n = exp2((double)log_dimension + log_inv_rate), rho = exp2(-(double)log_inv_rate);
    if (regime == WHIR_UNIQUE)
        return log_field() - log2((1 - rho) / 2 * n + 1);
    double m = mu + 0.5, delta = fmax(1 - sqrt(rho) * (1 + 1 / (2.0 * mu)), 0);
    double error = (2 * pow(m, 5) + 3 * m * delta * rho) * n / (3 * pow(rho, 1.5)) + m / sqrt(rho);
    return log_field() - log2(error);
}

static double fold_bits(whir_regime regime, unsigned log_size, unsigned log_inv_rate, unsigned mu,
                        unsigned step)
{
    const double degree = 3; // max(d*, 3), d* = 1 + deg_Z + max deg_X of the weight Z w(X)
    double list = log2(degree) + log_list(regime, log_inv_rate, mu) - log_field();
    double gap = -whir_agreement_bits(regime, log_size - step, log_inv_rate, mu);
    return -log_sum(list, gap);
}

static double ood_bits(whir_regime regime, unsigned log_size, unsigned log_inv_rate, unsigned mu)
{
    if (regime == WHIR_UNIQUE)
        return INFINITY;
    return 1 - 2 * log_list(regime, log_inv_rate, mu) - log_size + log_field();
}

// Before grinding. next_list is log2 L of the next round; there is none after the last.
static double query_bits(whir_regime regime, const whir_round *r, const double *next_list)
{
    double queries =
        -(double)r->n_queries * whir_query_bits(regime, r->log_inv_rate, r->multiplicity);
    if (next_list == NULL)
        return -queries;
    return -log_sum(queries, *next_list + log2(r->n_queries + 1.0) - log_field());
}

double whir_log_list_size(const whir_params *params, unsigned i, whir_regime regime)
{
    return log_list(regime, params->round[i].log_inv_rate, params->round[i].multiplicity);
}

const char *whir_term_name(whir_term_kind kind)
{
    static const char *const names[] = {"ood", "fold", "shift", "final", "last sumcheck"};
    return names[kind];
}

size_t whir_terms(whir_term terms[WHIR_MAX_TERMS], const whir_params *p, whir_regime regime)
{
    size_t n = 0;
    for (unsigned i = 0; i < p->n_rounds; i++) {
        const whir_round *r = &p->round[i];
        terms[n++] = (whir_term){WHIR_TERM_OOD, i, 0,
                                 ood_bits(regime, r->log_size, r->log_inv_rate, r->multiplicity)};
        for (unsigned s = 1; s <= r->n_folds; s++)
            terms[n++] =
                (whir_term){WHIR_TERM_FOLD, i, s,
                            fold_bits(regime, r->log_size, r->log_inv_rate, r->multiplicity, s)};
        if (whir_is_last(p, i)) {
            terms[n++] =
                (whir_term){WHIR_TERM_FINAL, i, 0, query_bits(regime, r, NULL) + r->grinding};
        } else {
            double next = whir_log_list_size(p, i + 1, regime);
            terms[n++] =
                (whir_term){WHIR_TERM_SHIFT, i, 0, query_bits(regime, r, &next) + r->grinding};
        }
    }
    terms[n++] = (whir_term){WHIR_TERM_LAST_SUMCHECK, p->n_rounds - 1U, 0, log_field() - 1};
    return n;
}

double whir_bits(const whir_params *params, whir_regime regime)
{
    whir_term terms[WHIR_MAX_TERMS];
    double bits = INFINITY;
    for (size_t i = whir_terms(terms, params, regime); i-- > 0;)
        bits = fmin(bits, terms[i].bits);
    return bits;
}

// Multiplicities tried: all small ones, then steps of 4 %.
static unsigned candidate(unsigned i)
{
    return i < 61 ? 3 + i : (unsigned)(64 * pow(1.04, (int)i - 61));
}

enum { N_CANDIDATES = 61 + 150 };

// Multiplicity and queries of a round: fewest queries, then the smallest multiplicity, such that
// the terms without grinding reach the target and its margin. False when there is none.
static bool choose(whir_round *r, const whir_goal *goal)
{
    unsigned n = goal->regime == WHIR_UNIQUE ? 1 : N_CANDIDATES;
    double need = goal->target_bits + goal->margin_bits;
    double best = INFINITY;
    for (unsigned i = 0; i < n; i++) {
        unsigned mu = goal->regime == WHIR_UNIQUE ? 1 : candidate(i);
        if (mu > UINT16_MAX ||
            fold_bits(goal->regime, r->log_size, r->log_inv_rate, mu, 1) < need - 1e-9 ||
            ood_bits(goal->regime, r->log_size, r->log_inv_rate, mu) < need)
            continue;
        double per_query = whir_query_bits(goal->regime, r->log_inv_rate, mu);
        double queries = ceil((goal->target_bits - goal->max_grinding) / per_query - 1e-9);
        if (queries < best) {
            best = queries;
            r->multiplicity = (uint16_t)mu;
        }
    }
    if (best > WHIR_MAX_QUERIES)
        return false;
    r->n_queries = (uint16_t)best;
    return true;
}

// The least grinding that reaches the target, and one more query at a time where the limit on
// grinding does not.
static bool settle_grinding(whir_params *p, const whir_goal *goal)
{
    for (unsigned i = 0; i < p->n_rounds; i++) {
        whir_round *r = &p->round[i];
        double next = whir_is_last(p, i) ? 0 : whir_log_list_size(p, i + 1, goal->regime);
        for (;;) {
            double bits = query_bits(goal->regime, r, whir_is_last(p, i) ? NULL : &next);
            double grinding = fmax(0, ceil(goal->target_bits - bits - 1e-9));
            if (grinding <= goal->max_grinding) {
                r->grinding = (uint8_t)grinding;
                break;
            }
            if (++r->n_queries > WHIR_MAX_QUERIES)
                return false;
        }
        unsigned log_rows = whir_log_rows(r), level = merkle_cap_level(log_rows, r->n_queries);
        r->log_cap = (uint8_t)merkle_level_log_nodes(log_rows, level);
    }
    return true;
}

// One set for a given final size. False when there is none.
static bool solve_for(whir_params *p, const whir_goal *goal, unsigned log_final)
{
    unsigned m = goal->log_stack, rate = goal->log_inv_rate;
    unsigned k = goal->first_fold, s = goal->first_reduction;
    p->n_rounds = 0;
    p->log_stack = (uint8_t)goal->log_stack;
    p->log_final = (uint8_t)log_final;
    if (m < k + log_final)
        return false;
    for (;;) {
        if (p->n_rounds == WHIR_MAX_ROUNDS || s > k + rate)
            return false;
        whir_round *r = &p->round[p->n_rounds++];
        *r = (whir_round){
            .log_size = (uint8_t)m, .log_inv_rate = (uint8_t)rate, .n_folds = (uint8_t)k};
        if (!choose(r, goal))
            return false;
        m -= k;
        rate += k - s;
        if (m <= log_final)
            break;
        k = m - log_final < goal->later_fold ? m - log_final : goal->later_fold;
        s = goal->later_reduction < k ? goal->later_reduction : k;
    }
    return settle_grinding(p, goal) && whir_params_valid(p);
}

status whir_solve(whir_params *params, const whir_goal *goal)
{
    FAIL_IF(goal->log_stack > WHIR_MAX_STACK || goal->first_fold == 0 || goal->later_fold == 0 ||
                goal->log_inv_rate == 0 || goal->max_grinding > 32,
            ZK_EINVAL, "WHIR goal out of range: 2^%u cells, folds %u and %u, rate 2^-%u",
            goal->log_stack, goal->first_fold, goal->later_fold, goal->log_inv_rate);
    whir_params found = {.id = params->id, .name = params->name};
    size_t best = SIZE_MAX;
    unsigned low = goal->log_final != 0 ? goal->log_final : 3;
    unsigned high = goal->log_final != 0 ? goal->log_final : WHIR_MAX_FINAL;
    for (unsigned f = low; f <= high; f++) {
        whir_params p = {.id = params->id, .name = params->name};
        if (solve_for(&p, goal, f) && whir_proof_words(&p) < best) {
            best = whir_proof_words(&p);
            found = p;
        }
    }
    FAIL_IF(best == SIZE_MAX, ZK_ELIMIT,
            "no WHIR parameters reach %.1f bits for 2^%u cells at rate 2^-%u with %u bits of "
            "grinding; lower the rate or allow more grinding",
            goal->target_bits, goal->log_stack, goal->log_inv_rate, goal->max_grinding);
    *params = found;
    return ZK_OK;
}

whir_cost whir_prover_cost(const whir_params *p)
{
    whir_cost cost = {0};
    for (unsigned i = 0; i < p->n_rounds; i++) {
        const whir_round *r = &p->round[i];
        double rows = exp2(whir_log_rows(r)), width = (double)whir_row_width(p, i);
        double leaf = ceil(width / 16);
        if (leaf > 1)
            leaf += ceil(leaf / 4);
        cost.tree_permutations += rows * leaf + rows / 3;
        cost.grinding_permutations += r->grinding == 0 ? 0 : exp2(r->grinding);
        cost.butterflies += width * rows / 2 * (r->log_size - r->n_folds);
    }
    return cost;
}
