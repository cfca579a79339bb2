// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "row_conditions.h"

#include "unit/test.h"

// ---- Setting up --------------------------------------------------------------------------------

static void add_column(condition *k, uint32_t column)
{
    unsigned i = 0;
    while (i < k->n_columns && k->columns[i] < column)
        i++;
    if (i < k->n_columns && k->columns[i] == column)
        return;
    assert_true(k->n_columns < SOLVER_MAX_SUPPORT);
    memmove(&k->columns[i + 1], &k->columns[i], (k->n_columns - i) * sizeof *k->columns);
    k->columns[i] = (uint16_t)column;
    k->n_columns++;
}

static void add_form(condition *k, const affine *form)
{
    for (uint32_t t = 0; t < form->n_terms; t++)
        add_column(k, form->terms[t].column);
}

static condition *add_condition(row_solver *s, condition_kind kind, uint32_t index)
{
    assert_true(s->n_conditions < SOLVER_MAX_CONDITIONS);
    condition *k = &s->conditions[s->n_conditions++];
    *k = (condition){.kind = kind, .index = index, .active = true};
    return k;
}

static void add_constraint(row_solver *s, uint32_t j)
{
    static bool needed[SOLVER_MAX_NODES];
    const chip *c = s->c;
    condition *k = add_condition(s, CONDITION_CONSTRAINT, j);
    memset(needed, 0, sizeof needed);
    needed[c->constraints[j].node] = true;
    unsigned n = 0;
    for (uint32_t i = c->constraints[j].node + 1; i-- > 0;) {
        const expr_node *e = &c->nodes[i];
        if (!needed[i])
            continue;
        n++;
        if (e->op == EXPR_COLUMN)
            add_column(k, (uint32_t)e->value);
        if (e->op != EXPR_COLUMN && e->op != EXPR_CONST) {
            needed[e->a] = true;
            if (e->op != EXPR_NEG)
                needed[e->b] = true;
        }
    }
    k->nodes = calloc(n, sizeof *k->nodes);
    assert_non_null(k->nodes);
    for (uint32_t i = 0; i <= c->constraints[j].node; i++)
        if (needed[i])
            k->nodes[k->n_nodes++] = i;
}

void solver_open(row_solver *s, const chip *c, const word_shape *shape)
{
    *s = (row_solver){.c = c, .shape = shape};
    assert_true(c->n_columns <= SOLVER_MAX_COLUMNS && c->n_nodes <= SOLVER_MAX_NODES);
    for (uint32_t j = 0; j < c->n_constraints; j++)
        add_constraint(s, j);
    for (uint32_t i = 0; i < c->n_interactions; i++) {
        const chip_interaction *it = &c->interactions[i];
        // What a chip receives of a table domain it answers (range20_split): no lookup of its own.
        if (it->tuple->class != TUPLE_CLASS_TABLE || it->tuple->domain == TUPLE_FETCH ||
            !it->is_send)
            continue;
        assert_true(it->tuple->domain != TUPLE_RANGE || it->fields[0].n_terms == 0);
        condition *k = add_condition(s, CONDITION_LOOKUP, i);
        for (unsigned f = 0; f < it->n_fields; f++)
            add_form(k, &it->fields[f]);
    }
    s->conditions[solver_pin(s, &c->real_flag)].value = 1;
}

void solver_close(row_solver *s)
{
    for (uint32_t k = 0; k < s->n_conditions; k++) {
        free(s->conditions[k].nodes);
        free(s->conditions[k].own_roots);
    }
    for (uint32_t j = 0; j < s->c->n_columns; j++)
        free(s->uses[j]);
}

uint32_t solver_pin(row_solver *s, const affine *form)
{
    condition *k = add_condition(s, CONDITION_PIN, 0);
    k->pin = form;
    add_form(k, form);
    return s->n_conditions - 1;
}

static bool is_pinned(const row_solver *s, const affine *form)
{
    for (uint32_t k = 0; k < s->n_conditions; k++)
        if (s->conditions[k].kind == CONDITION_PIN && s->conditions[k].pin == form)
            return true;
    return false;
}

static void keep_own_roots(row_solver *s);

void solver_ready(row_solver *s)
{
    const chip *c = s->c;
    keep_own_roots(s);
    for (uint32_t i = 0; i < c->n_interactions; i++)
        for (unsigned f = 0; f < c->interactions[i].n_fields; f++) {
            const affine *form = &c->interactions[i].fields[f];
            bool is_lookup =
                c->interactions[i].tuple->class == TUPLE_CLASS_TABLE && c->interactions[i].is_send;
            if (!is_lookup && !is_pinned(s, form))
                for (uint32_t t = 0; t < form->n_terms; t++)
                    s->is_output[form->terms[t].column] = true;
        }
    for (uint32_t j = 0; j < c->n_columns; j++) {
        s->uses[j] = calloc(s->n_conditions, sizeof *s->uses[j]);
        assert_non_null(s->uses[j]);
        for (uint32_t k = 0; k < s->n_conditions; k++)
            for (unsigned i = 0; i < s->conditions[k].n_columns; i++)
                if (s->conditions[k].columns[i] == j)
                    s->uses[j][s->n_uses[j]++] = (uint16_t)k;
    }
}

void solver_activate(row_solver *s, const bool *columns, uint32_t dropped)
{
    s->weakened = dropped != UINT32_MAX;
    for (uint32_t k = 0; k < s->n_conditions; k++) {
        condition *q = &s->conditions[k];
        q->active = k != dropped;
        for (unsigned i = 0; columns != NULL && i < q->n_columns; i++)
            q->active = q->active && columns[q->columns[i]];
    }
}

const char *solver_name(char *out, size_t size, const row_solver *s, uint32_t k)
{
    const condition *q = &s->conditions[k];
    if (q->kind == CONDITION_CONSTRAINT) {
        snprintf(out, size, "constraint \"%s\"", s->c->constraints[q->index].name);
        return out;
    }
    const char *what = q->kind == CONDITION_PIN ? "pin" : s->c->interactions[q->index].tuple->name;
    int n = snprintf(out, size, "%s of", what);
    for (unsigned i = 0; i < q->n_columns && n > 0 && (size_t)n < size; i++)
        n += snprintf(out + n, size - (size_t)n, " %s", s->c->columns[q->columns[i]].name);
    return out;
}

// ---- Values
// --------------------------------------------------------------------------------------

bool solver_is_known(const row_solver *s, const affine *form)
{
    for (uint32_t t = 0; t < form->n_terms; t++)
        if (!s->known[form->terms[t].column])
            return false;
    return true;
}

fe solver_value(const row_solver *s, const affine *form)
{
    fe sum = form->constant;
    for (uint32_t t = 0; t < form->n_terms; t++)
        sum = fe_mul_add(form->terms[t].coef, s->values[form->terms[t].column], sum);
    return sum;
}

line line_of(const row_solver *s, const affine *form)
{
    line l = {.constant = form->constant};
    for (uint32_t t = 0; t < form->n_terms; t++) {
        const affine_term *term = &form->terms[t];
        if (s->known[term->column]) {
            l.constant = fe_mul_add(term->coef, s->values[term->column], l.constant);
        } else {
            l.coef = term->coef;
            l.column = (uint16_t)term->column;
        }
    }
    return l;
}

unsigned n_open_of(const row_solver *s, const affine *form)
{
    unsigned n = 0;
    for (uint32_t t = 0; t < form->n_terms; t++)
        n += !s->known[form->terms[t].column];
    return n;
}

// The same few divisors come again and again.
static fe inverse(fe b)
{
    enum { SIZE = 1024 };
    static struct {
        fe of, is;
    } cache[SIZE];
    size_t i = (b * 0x9E3779B97F4A7C15ULL) >> 54;
    if (cache[i].of != b) {
        cache[i].of = b;
        cache[i].is = fe_inv(b);
    }
    return cache[i].is;
}

fe quotient(fe a, fe b)
{
    return b == 1 ? a : b == FE_P - 1 ? fe_neg(a) : fe_mul(a, inverse(b));
}

// The constraint as a polynomial in the column without value; node by node, because the roots of a
// product are those of its factors.
enum { POLY = CHIP_MAX_DEGREE + 1 };

typedef struct poly {
    unsigned degree;
    fe c[POLY];
} poly;

static poly poly_nodes[SOLVER_MAX_NODES];

static void trim(poly *p)
{
    while (p->degree > 0 && p->c[p->degree] == 0)
        p->degree--;
}

static void set_constant(poly *p, fe value)
{
    p->degree = 0;
    p->c[0] = value;
}

// a + sign b, sign 1 or -1.
static void combine(poly *p, const poly *a, const poly *b, bool subtract)
{
    p->degree = a->degree > b->degree ? a->degree : b->degree;
    for (unsigned i = 0; i <= p->degree; i++) {
        fe x = i <= a->degree ? a->c[i] : 0, y = i <= b->degree ? b->c[i] : 0;
        p->c[i] = subtract ? fe_sub(x, y) : fe_add(x, y);
    }
    trim(p);
}

static void multiply(poly *p, const poly *a, const poly *b)
{
    p->degree = a->degree + b->degree;
    assert_true(p->degree < POLY);
    if (p->degree == 0) {
        p->c[0] = fe_mul(a->c[0], b->c[0]);
        return;
    }
    memset(p->c, 0, sizeof p->c);
    for (unsigned i = 0; i <= a->degree; i++)
        for (unsigned j = 0; j <= b->degree; j++)
            p->c[i + j] = fe_mul_add(a->c[i], b->c[j], p->c[i + j]);
    trim(p);
}

static void evaluate(const row_solver *s, const condition *k)
{
    static const poly zero;
    for (unsigned i = 0; i < k->n_nodes; i++) {
        const expr_node *e = &s->c->nodes[k->nodes[i]];
        poly *v = &poly_nodes[k->nodes[i]];
        switch (e->op) {
        case EXPR_COLUMN:
            set_constant(v, s->values[e->value]);
            if (!s->known[e->value])
                *v = (poly){1, {0, 1}};
            break;
        case EXPR_CONST:
            set_constant(v, e->value);
            break;
        case EXPR_ADD:
            combine(v, &poly_nodes[e->a], &poly_nodes[e->b], false);
            break;
        case EXPR_SUB:
            combine(v, &poly_nodes[e->a], &poly_nodes[e->b], true);
            break;
        case EXPR_MUL:
            multiply(v, &poly_nodes[e->a], &poly_nodes[e->b]);
            break;
        case EXPR_NEG:
            combine(v, &zero, &poly_nodes[e->a], true);
            break;
        }
    }
}

static void roots_of_node(roots *out, const row_solver *s, uint32_t node)
{
    const poly *p = &poly_nodes[node];
    const expr_node *e = &s->c->nodes[node];
    if (p->degree == 0) {
        out->all = out->all || p->c[0] == 0;
    } else if (p->degree == 1) {
        fe x = quotient(fe_neg(p->c[0]), p->c[1]);
        for (unsigned i = 0; i < out->n; i++)
            if (out->root[i] == x)
                return;
        assert_true(out->n < MAX_ROOTS);
        out->root[out->n++] = x;
    } else if (e->op == EXPR_MUL) {
        roots_of_node(out, s, e->a);
        roots_of_node(out, s, e->b);
    } else if (e->op == EXPR_NEG) {
        roots_of_node(out, s, e->a);
    } else {
        out->unsolved = true;
    }
}

roots roots_of(const row_solver *s, const condition *k)
{
    roots r = {0};
    if (k->own_roots != NULL)
        return *k->own_roots;
    if (k->kind == CONDITION_PIN) {
        line l = line_of(s, k->pin);
        r.n = 1;
        r.root[0] = quotient(fe_sub(k->value, l.constant), l.coef);
        return r;
    }
    evaluate(s, k);
    roots_of_node(&r, s, s->c->constraints[k->index].node);
    return r;
}

static void keep_own_roots(row_solver *s)
{
    for (uint32_t k = 0; k < s->n_conditions; k++) {
        condition *q = &s->conditions[k];
        if (q->kind != CONDITION_CONSTRAINT || q->n_columns != 1)
            continue;
        roots r = roots_of(s, q);
        q->own_roots = malloc(sizeof *q->own_roots);
        assert_non_null(q->own_roots);
        *q->own_roots = r;
    }
}

fe constraint_value(const row_solver *s, const condition *k)
{
    static fe v[SOLVER_MAX_NODES];
    for (unsigned i = 0; i < k->n_nodes; i++) {
        uint32_t node = k->nodes[i];
        const expr_node *e = &s->c->nodes[node];
        switch (e->op) {
        case EXPR_COLUMN:
            v[node] = s->values[e->value];
            break;
        case EXPR_CONST:
            v[node] = e->value;
            break;
        case EXPR_ADD:
            v[node] = fe_add(v[e->a], v[e->b]);
            break;
        case EXPR_SUB:
            v[node] = fe_sub(v[e->a], v[e->b]);
            break;
        case EXPR_MUL:
            v[node] = fe_mul(v[e->a], v[e->b]);
            break;
        case EXPR_NEG:
            v[node] = fe_neg(v[e->a]);
            break;
        }
    }
    return v[s->c->constraints[k->index].node];
}

// ---- Tables
// --------------------------------------------------------------------------------------

bool table_row(fe out[4], const row_solver *s, tuple_domain domain, unsigned bits, uint64_t i)
{
    unsigned byte = s->shape->byte_bits;
    switch (domain) {
    case TUPLE_RANGE:
        out[0] = bits;
        out[1] = i;
        return i >> bits == 0;
    case TUPLE_BYTE: {
        uint64_t mask = (1ULL << byte) - 1, op = i >> (2 * byte), x = i & mask,
                 y = i >> byte & mask;
        out[0] = op;
        out[1] = x;
        out[2] = y;
        out[3] = op == BYTE_AND ? (x & y) : op == BYTE_OR ? (x | y) : (x ^ y);
        return op <= BYTE_XOR;
    }
    case TUPLE_POW2:
        out[0] = i;
        out[1] = 1ULL << i;
        return i < limb_bits(s->shape);
    default:
        fail_msg("no table has tuples %d", (int)domain);
        return false;
    }
}

unsigned range_bits(const chip_interaction *it)
{
    return it->tuple->domain == TUPLE_RANGE ? (unsigned)it->fields[0].constant : 0;
}

// ---- Conditions
// ----------------------------------------------------------------------------------

bool holds(const row_solver *s, const condition *k)
{
    if (k->kind == CONDITION_PIN)
        return solver_value(s, k->pin) == k->value;
    if (k->kind == CONDITION_CONSTRAINT)
        return constraint_value(s, k) == 0;
    const chip_interaction *it = &s->c->interactions[k->index];
    fe f[4], row[4] = {0};
    for (unsigned i = 0; i < it->n_fields; i++)
        f[i] = solver_value(s, &it->fields[i]);
    switch (it->tuple->domain) {
    case TUPLE_RANGE:
        return f[1] >> range_bits(it) == 0;
    case TUPLE_BYTE:
        return f[0] <= BYTE_XOR && f[1] >> s->shape->byte_bits == 0 &&
               f[2] >> s->shape->byte_bits == 0 &&
               table_row(row, s, TUPLE_BYTE, 0,
                         f[0] << (2 * s->shape->byte_bits) | f[2] << s->shape->byte_bits | f[1]) &&
               f[3] == row[3];
    default:
        return table_row(row, s, it->tuple->domain, 0, f[0]) && f[1] == row[1];
    }
}

bool is_void(const row_solver *s, const condition *q)
{
    static bool decided[SOLVER_MAX_NODES];
    static fe v[SOLVER_MAX_NODES];
    if (q->kind != CONDITION_CONSTRAINT)
        return false;
    for (unsigned i = 0; i < q->n_nodes; i++) {
        uint32_t node = q->nodes[i];
        const expr_node *e = &s->c->nodes[node];
        bool both = e->op != EXPR_COLUMN && e->op != EXPR_CONST && decided[e->a] && decided[e->b];
        decided[node] = both;
        switch (e->op) {
        case EXPR_COLUMN:
            decided[node] = s->known[e->value];
            v[node] = s->values[e->value];
            break;
        case EXPR_CONST:
            decided[node] = true;
            v[node] = e->value;
            break;
        case EXPR_ADD:
            v[node] = both ? fe_add(v[e->a], v[e->b]) : 0;
            break;
        case EXPR_SUB:
            v[node] = both ? fe_sub(v[e->a], v[e->b]) : 0;
            break;
        case EXPR_NEG:
            decided[node] = decided[e->a];
            v[node] = decided[e->a] ? fe_neg(v[e->a]) : 0;
            break;
        case EXPR_MUL:
            v[node] = both ? fe_mul(v[e->a], v[e->b]) : 0;
            decided[node] =
                both || (decided[e->a] && v[e->a] == 0) || (decided[e->b] && v[e->b] == 0);
            break;
        }
    }
    uint32_t root = s->c->constraints[q->index].node;
    return decided[root] && v[root] == 0;
}

// ---- Groups
// --------------------------------------------------------------------------------------

static uint16_t root_of(uint16_t *group, uint16_t j)
{
    while (group[j] != j)
        j = group[j] = group[group[j]];
    return j;
}

static void tie(const row_solver *s, uint16_t *group, uint16_t *first, uint16_t column)
{
    if (s->fixed[column] || column == s->c->real_flag.terms[0].column)
        return;
    if (*first == UINT16_MAX)
        *first = column;
    else
        group[root_of(group, column)] = root_of(group, *first);
}

void solver_groups(const row_solver *s, uint16_t *group)
{
    for (uint16_t j = 0; j < s->c->n_columns; j++)
        group[j] = j;
    for (uint32_t k = 0; k < s->n_conditions; k++) {
        uint16_t first = UINT16_MAX;
        for (unsigned i = 0; i < s->conditions[k].n_columns; i++)
            tie(s, group, &first, s->conditions[k].columns[i]);
    }
    for (uint32_t i = 0; i < s->c->n_interactions; i++)
        for (unsigned f = 0; f < s->c->interactions[i].n_fields; f++) {
            const affine *form = &s->c->interactions[i].fields[f];
            uint16_t first = UINT16_MAX;
            for (uint32_t t = 0; t < form->n_terms; t++)
                tie(s, group, &first, (uint16_t)form->terms[t].column);
        }
    for (uint16_t j = 0; j < s->c->n_columns; j++)
        group[j] = root_of(group, j);
}
