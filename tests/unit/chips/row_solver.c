// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "row_solver.h"

#include "row_conditions.h"
#include "unit/test.h"

// ---- The search --------------------------------------------------------------------------------

static void assign(row_solver *s, uint16_t column, fe value)
{
    s->known[column] = true;
    s->values[column] = value;
    s->trail[s->n_trail++] = column;
    for (unsigned i = 0; i < s->n_uses[column]; i++)
        s->conditions[s->uses[column][i]].n_open--;
}

static void undo(row_solver *s, unsigned n_trail)
{
    while (s->n_trail > n_trail) {
        uint16_t column = s->trail[--s->n_trail];
        s->known[column] = false;
        for (unsigned i = 0; i < s->n_uses[column]; i++)
            s->conditions[s->uses[column][i]].n_open++;
    }
}

// Whether the column may be left without value: the header says why. `own`: its one condition.
static bool is_idle(const row_solver *s, uint16_t column, const condition *own)
{
    bool sure = own->kind == CONDITION_CONSTRAINT ||
                (own->kind == CONDITION_LOOKUP &&
                 s->c->interactions[own->index].tuple->domain == TUPLE_RANGE);
    if (s->is_output[column] || !sure)
        return false;
    for (unsigned i = 0; i < s->n_uses[column]; i++) {
        const condition *q = &s->conditions[s->uses[column][i]];
        if (q->active && q != own && !is_void(s, q))
            return false;
    }
    return true;
}

static uint16_t open_column(const row_solver *s, const condition *k)
{
    unsigned i = 0;
    while (s->known[k->columns[i]])
        i++;
    return k->columns[i];
}

// Assigns what follows without a choice from the conditions of the columns that the trail has from
// `from` on (0: and from all others). False: a contradiction.
static bool propagate(row_solver *s, unsigned from, bool all)
{
    for (uint32_t k = 0; all && k < s->n_conditions; k++) {
        const condition *q = &s->conditions[k];
        if (q->active && q->n_open == 0 && !holds(s, q))
            return false;
        if (q->active && q->n_open == 1 && q->kind == CONDITION_PIN)
            assign(s, open_column(s, q), roots_of(s, q).root[0]);
    }
    for (; from < s->n_trail; from++) {
        uint16_t column = s->trail[from];
        for (unsigned i = 0; i < s->n_uses[column]; i++) {
            const condition *q = &s->conditions[s->uses[column][i]];
            if (!q->active || q->n_open > 1)
                continue;
            if (q->n_open == 0) {
                if (!holds(s, q))
                    return false;
                continue;
            }
            if (q->kind == CONDITION_LOOKUP)
                continue;
            roots r = roots_of(s, q);
            if (r.all || r.unsolved)
                continue;
            if (r.n == 0)
                return false;
            if (r.n == 1)
                assign(s, open_column(s, q), r.root[0]);
        }
    }
    return true;
}

// Number of children that branching on the condition gives; 0 when it is not ready for that.
static uint64_t n_children(const row_solver *s, const condition *q)
{
    if (!q->active || q->n_open == 0)
        return 0;
    if (q->kind != CONDITION_LOOKUP) {
        if (q->n_open > 1)
            return 0;
        roots r = roots_of(s, q);
        return r.all || r.unsolved ? 0 : r.n;
    }
    const chip_interaction *it = &s->c->interactions[q->index];
    for (unsigned f = 0; f < it->n_fields; f++)
        if (n_open_of(s, &it->fields[f]) > 1)
            return 0;
    switch (it->tuple->domain) {
    case TUPLE_RANGE:
        return 1ULL << range_bits(it);
    case TUPLE_BYTE: // an estimate: the operation and known bytes leave less
        return 1ULL << (s->shape->byte_bits *
                        (n_open_of(s, &it->fields[1]) + n_open_of(s, &it->fields[2])));
    default:
        return limb_bits(s->shape);
    }
}

static void search(row_solver *s, unsigned from, bool all);

static void branch_on_table(row_solver *s, const condition *q)
{
    const chip_interaction *it = &s->c->interactions[q->index];
    unsigned before = s->n_trail;
    fe row[4];
    for (uint64_t i = 0; !s->stopped && table_row(row, s, it->tuple->domain, range_bits(it), i);
         i++) {
        bool fits = true;
        for (unsigned f = 0; fits && f < it->n_fields; f++) {
            line l = line_of(s, &it->fields[f]);
            if (l.coef == 0)
                fits = l.constant == row[f];
            else
                assign(s, l.column, quotient(fe_sub(row[f], l.constant), l.coef));
        }
        if (fits)
            search(s, before, false);
        undo(s, before);
    }
}

static void branch_on_roots(row_solver *s, const condition *q)
{
    roots r = roots_of(s, q);
    uint16_t column = open_column(s, q);
    unsigned before = s->n_trail;
    for (unsigned i = 0; i < r.n && !s->stopped; i++) {
        assign(s, column, r.root[i]);
        search(s, before, false);
        undo(s, before);
    }
}

// ---- Hints
// ---------------------------------------------------------------------------------------

// The degree of the constraint in all columns without value together, an upper bound.
static unsigned joint_degree(const row_solver *s, const condition *q)
{
    static unsigned degree[SOLVER_MAX_NODES];
    for (unsigned i = 0; i < q->n_nodes; i++) {
        uint32_t node = q->nodes[i];
        const expr_node *e = &s->c->nodes[node];
        if (e->op == EXPR_COLUMN)
            degree[node] = !s->known[e->value];
        else if (e->op == EXPR_CONST)
            degree[node] = 0;
        else if (e->op == EXPR_MUL)
            degree[node] = degree[e->a] + degree[e->b];
        else if (e->op == EXPR_NEG)
            degree[node] = degree[e->a];
        else
            degree[node] = degree[e->a] > degree[e->b] ? degree[e->a] : degree[e->b];
    }
    return degree[s->c->constraints[q->index].node];
}

enum { MAX_HINTS = 8 };

// Rows of a linear system, coefficients and then the constant.
typedef struct linear_system {
    uint16_t columns[MAX_HINTS];
    unsigned n_columns, n_rows;
    fe rows[MAX_HINTS][MAX_HINTS + 1];
} linear_system;

static void add_row(linear_system *l, row_solver *s, const condition *q)
{
    assert_true(l->n_rows < MAX_HINTS);
    fe *row = l->rows[l->n_rows++];
    unsigned before = s->n_trail;
    for (unsigned i = 0; i <= l->n_columns; i++) { // at zero and at the unit vectors
        for (unsigned j = 0; j < l->n_columns; j++)
            assign(s, l->columns[j], j + 1 == i);
        fe v = constraint_value(s, q);
        undo(s, before);
        if (i == 0)
            row[l->n_columns] = v;
        else
            row[i - 1] = fe_sub(v, row[l->n_columns]);
    }
}

static bool has_solution(linear_system *l)
{
    unsigned rank = 0;
    for (unsigned j = 0; j < l->n_columns; j++) {
        unsigned r = rank;
        while (r < l->n_rows && l->rows[r][j] == 0)
            r++;
        if (r == l->n_rows)
            continue;
        for (unsigned i = 0; i <= l->n_columns; i++) {
            fe t = l->rows[r][i];
            l->rows[r][i] = l->rows[rank][i];
            l->rows[rank][i] = t;
        }
        for (unsigned k = rank + 1; k < l->n_rows; k++) {
            fe factor = quotient(l->rows[k][j], l->rows[rank][j]);
            for (unsigned i = 0; i <= l->n_columns; i++)
                l->rows[k][i] = fe_sub(l->rows[k][i], fe_mul(factor, l->rows[rank][i]));
        }
        rank++;
    }
    for (unsigned k = rank; k < l->n_rows; k++)
        if (l->rows[k][l->n_columns] != 0)
            return false;
    return true;
}

// Whether a condition ties the column to others or to a value.
static bool is_bound(const row_solver *s, uint16_t column)
{
    for (unsigned i = 0; i < s->n_uses[column]; i++) {
        const condition *q = &s->conditions[s->uses[column][i]];
        bool idle = n_children(s, q) > 0 && q->n_open == 1 && is_idle(s, column, q);
        if (q->active && !is_void(s, q) && !idle)
            return true;
    }
    return false;
}

// The columns without value that an active condition has: true when they are hints that exist or
// there are none; false when no values exist. *stuck: neither.
static bool hints_exist(row_solver *s, bool *stuck)
{
    linear_system l = {0};
    *stuck = false;
    for (uint32_t j = 0; j < s->c->n_columns; j++) {
        if (s->known[j] || !is_bound(s, (uint16_t)j))
            continue;
        if (s->is_output[j] || l.n_columns == MAX_HINTS) {
            *stuck = true;
            s->stuck_column = (uint16_t)j;
            return false;
        }
        l.columns[l.n_columns++] = (uint16_t)j;
    }
    for (uint32_t k = 0; k < s->n_conditions; k++) {
        const condition *q = &s->conditions[k];
        if (!q->active || q->n_open == 0 || is_void(s, q) ||
            (n_children(s, q) > 0 && q->n_open == 1 && is_idle(s, open_column(s, q), q)))
            continue;
        if (q->kind != CONDITION_CONSTRAINT || joint_degree(s, q) > 1) {
            *stuck = true;
            s->stuck_column = open_column(s, q);
            return false;
        }
        add_row(&l, s, q);
    }
    return has_solution(&l);
}

// Of a weakened chip: some values for a column that nothing decides.
static void try_values(row_solver *s, uint16_t column)
{
    unsigned before = s->n_trail, part = s->shape->part_bits;
    fe tries[] = {0,         1,         2,         3,       1ULL << part, 1ULL << 2 * part,
                  fe_neg(1), fe_neg(2), fe_inv(2), FE_P / 3};
    for (size_t i = 0; i < sizeof tries / sizeof *tries && !s->stopped; i++) {
        assign(s, column, tries[i]);
        search(s, before, false);
        undo(s, before);
    }
}

static void search(row_solver *s, unsigned from, bool all)
{
    s->n_nodes++;
    if (!propagate(s, from, all))
        return;
    uint64_t fewest = UINT64_MAX;
    const condition *best = NULL;
    for (uint32_t k = 0; k < s->n_conditions && fewest > 2; k++) {
        uint64_t n = s->conditions[k].n_open > 0 ? n_children(s, &s->conditions[k]) : 0;
        const condition *q = &s->conditions[k];
        if (n > 0 && n < fewest && !(q->n_open == 1 && is_idle(s, open_column(s, q), q))) {
            fewest = n;
            best = &s->conditions[k];
        }
    }
    if (best != NULL && best->kind == CONDITION_LOOKUP) {
        branch_on_table(s, best);
    } else if (best != NULL) {
        branch_on_roots(s, best);
    } else {
        bool stuck, exists = hints_exist(s, &stuck);
        if (stuck) {
            s->is_stuck = true;
            if (s->weakened)
                try_values(s, s->stuck_column);
        } else if (exists) {
            s->n_rows++;
            s->stopped = !s->found(s->arg, s);
        }
    }
}

void solver_search(row_solver *s, bool (*found)(void *arg, const row_solver *s), void *arg)
{
    s->found = found;
    s->arg = arg;
    s->stopped = false;
    s->n_trail = 0;
    memset(s->known, 0, sizeof s->known);
    for (uint32_t k = 0; k < s->n_conditions; k++)
        s->conditions[k].n_open = s->conditions[k].n_columns;
    for (uint32_t j = 0; j < s->c->n_columns; j++)
        if (s->fixed[j])
            assign(s, (uint16_t)j, s->given[j]);
    search(s, 0, true);
    undo(s, 0);
}
