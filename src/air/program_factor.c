// SPDX-License-Identifier: Apache-2.0 OR MIT
// Takes common factors out of constraints.
//
// A constraint that is a product is cut into its factors (through products that nobody else uses).
// Its group is the factor that most constraints share; a group needs two members. Nothing here
// changes a value: C_j = factor * quotient as polynomials.
#include "air/program_compile.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FACTORS = 32 };

typedef struct splitter {
    const chip *c;
    uint32_t *uses;   // of a node, by nodes and constraints
    uint32_t *shared; // number of constraints that have the node as a factor
    uint32_t *group;  // [n_constraints] the chosen factor
    uint32_t *size;   // of the group, by factor
} splitter;

// The factors of a constraint with at least two; 0 when it is no product, is itself used elsewhere
// or has too many.
static unsigned split(uint32_t factors[MAX_FACTORS], const splitter *s, uint32_t constraint)
{
    const expr_node *nodes = s->c->nodes;
    uint32_t root = s->c->constraints[constraint].node;
    if (nodes[root].op != EXPR_MUL || s->uses[root] != 1)
        return 0;
    unsigned n = 1;
    factors[0] = root;
    for (unsigned i = 0; i < n;) {
        const expr_node *node = &nodes[factors[i]];
        if (node->op != EXPR_MUL || s->uses[factors[i]] != 1) {
            i++;
            continue;
        }
        if (n == MAX_FACTORS)
            return 0;
        factors[i] = node->a;
        factors[n++] = node->b;
    }
    return n;
}

static bool is_first(const uint32_t *factors, unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (factors[j] == factors[i])
            return false;
    return true;
}

static void count(splitter *s)
{
    const chip *c = s->c;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        if (n->op == EXPR_COLUMN || n->op == EXPR_CONST)
            continue;
        s->uses[n->a]++;
        if (n->op != EXPR_NEG)
            s->uses[n->b]++;
    }
    for (uint32_t j = 0; j < c->n_constraints; j++)
        s->uses[c->constraints[j].node]++;
    uint32_t factors[MAX_FACTORS];
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        unsigned n = split(factors, s, j);
        for (unsigned i = 0; i < n; i++)
            s->shared[factors[i]] += is_first(factors, i) && c->nodes[factors[i]].op != EXPR_CONST;
    }
}

static void choose(splitter *s)
{
    uint32_t factors[MAX_FACTORS];
    for (uint32_t j = 0; j < s->c->n_constraints; j++) {
        unsigned n = split(factors, s, j), n_variable = 0;
        uint32_t best = AIR_NO_OPERAND;
        for (unsigned i = 0; i < n; i++) {
            if (s->c->nodes[factors[i]].op == EXPR_CONST)
                continue;
            n_variable++;
            if (best == AIR_NO_OPERAND || s->shared[factors[i]] > s->shared[best] ||
                (s->shared[factors[i]] == s->shared[best] && factors[i] < best))
                best = factors[i];
        }
        s->group[j] = n_variable < 2 ? AIR_NO_OPERAND : best; // a quotient is no constant
        if (s->group[j] != AIR_NO_OPERAND)
            s->size[best]++;
    }
    for (uint32_t j = 0; j < s->c->n_constraints; j++)
        if (s->group[j] != AIR_NO_OPERAND && s->size[s->group[j]] < 2)
            s->group[j] = AIR_NO_OPERAND;
}

// The product of all factors but one occurrence of the group's. Constants come last, so that no two
// of them meet.
static uint32_t quotient(factored *out, const splitter *s, uint32_t constraint)
{
    uint32_t factors[MAX_FACTORS], product = AIR_NO_OPERAND;
    unsigned n = split(factors, s, constraint);
    bool removed = false;
    for (int constants = 0; constants < 2; constants++)
        for (unsigned i = 0; i < n; i++) {
            if ((s->c->nodes[factors[i]].op == EXPR_CONST) != (constants == 1))
                continue;
            if (!removed && factors[i] == s->group[constraint]) {
                removed = true;
                continue;
            }
            if (product == AIR_NO_OPERAND) {
                product = factors[i];
                continue;
            }
            out->nodes[out->n_nodes] = (expr_node){.op = EXPR_MUL, .a = product, .b = factors[i]};
            product = out->n_nodes++;
        }
    return product;
}

static void place(factored *out, const splitter *s)
{
    const chip *c = s->c;
    uint32_t n = 0;
    for (uint32_t j = 0; j < c->n_constraints; j++)
        if (s->group[j] == AIR_NO_OPERAND) {
            out->order[n] = j;
            out->root[n] = c->constraints[j].node;
            out->factor[n++] = AIR_NO_OPERAND;
        }
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        uint32_t group = s->group[j];
        if (group == AIR_NO_OPERAND || s->size[group] == 0)
            continue; // placed already
        for (uint32_t i = j; i < c->n_constraints; i++)
            if (s->group[i] == group) {
                out->order[n] = i;
                out->root[n] = quotient(out, s, i);
                out->factor[n++] = group;
            }
        s->size[group] = 0;
    }
    ZK_ASSERT(n == c->n_constraints);
}

bool program_factor(factored *out, const chip *c)
{
    // A quotient has at most as many products as its constraint has factors, less two.
    size_t n = c->n_nodes + 1, n_constraints = c->n_constraints + 1;
    splitter s = {.c = c,
                  .uses = calloc(n, sizeof *s.uses),
                  .shared = calloc(n, sizeof *s.shared),
                  .group = calloc(n_constraints, sizeof *s.group),
                  .size = calloc(n, sizeof *s.size)};
    *out = (factored){
        .nodes = malloc((n + n_constraints * MAX_FACTORS) * sizeof *out->nodes),
        .n_nodes = c->n_nodes,
        .order = calloc(n_constraints, sizeof *out->order),
        .root = calloc(n_constraints, sizeof *out->root),
        .factor = calloc(n_constraints, sizeof *out->factor),
    };
    bool ok = s.uses != NULL && s.shared != NULL && s.group != NULL && s.size != NULL &&
              out->nodes != NULL && out->order != NULL && out->root != NULL && out->factor != NULL;
    if (ok) {
        memcpy(out->nodes, c->nodes, c->n_nodes * sizeof *c->nodes);
        count(&s);
        choose(&s);
        place(out, &s);
    }
    free(s.uses);
    free(s.shared);
    free(s.group);
    free(s.size);
    return ok;
}

void factored_clear(factored *f)
{
    free(f->nodes);
    free(f->order);
    free(f->root);
    free(f->factor);
    *f = (factored){0};
}
