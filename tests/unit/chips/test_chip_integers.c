// SPDX-License-Identifier: Apache-2.0 OR MIT
// Do the constraints of the chips mean over the integers what they mean mod p? A constraint whose
// value, over all cells that the lookups allow, stays between -p and p vanishes mod p only where it
// vanishes over the integers: no sum of products may come round to p.
//
// Bounds of a real row: what RANGE, BYTE, POW2 and FETCH prove of the affine forms they are sent;
// limbs of words that are received from memory or registers are below 2^32; bits; and columns that
// a constraint sets equal to something bounded. Then intervals, node by node.
#include "unit/test.h"

#include "chips/zisk_machine.h"

typedef __int128 integer;

typedef struct interval {
    bool known;
    integer low, high;
} interval;

typedef struct bound {
    affine form;
    integer low, high;
} bound;

enum { MAX_BOUNDS = 512 };

typedef struct analysis {
    const chip *c;
    bound bounds[MAX_BOUNDS];
    unsigned n_bounds;
    affine_term unit[CHIP_MAX_COLUMNS]; // forms of single columns
    interval columns[CHIP_MAX_COLUMNS];
    fe *forms;        // [n_nodes][n_columns + 1], constants last
    bool *is_affine;  // [n_nodes]
    interval *values; // [n_nodes]
} analysis;

// Beyond this products are unknown; far above p and far below 2^127.
static const integer limit = (integer)1 << 90;

static interval make(integer low, integer high)
{
    bool known = low > -limit && high < limit;
    return known ? (interval){true, low, high} : (interval){0};
}

static integer signed_value(fe a)
{
    return a > FE_P / 2 ? (integer)a - (integer)FE_P : (integer)a;
}

static fe *form_of(const analysis *a, uint32_t node)
{
    return a->forms + (size_t)node * (a->c->n_columns + 1);
}

// The affine forms of the nodes that have one.
static void find_forms(analysis *a)
{
    uint32_t n = a->c->n_columns;
    for (uint32_t i = 0; i < a->c->n_nodes; i++) {
        const expr_node *node = &a->c->nodes[i];
        fe *f = form_of(a, i), *x = form_of(a, node->a), *y = form_of(a, node->b);
        bool x_const = true, y_const = true;
        switch (node->op) {
        case EXPR_COLUMN:
            f[node->value] = 1;
            a->is_affine[i] = true;
            break;
        case EXPR_CONST:
            f[n] = node->value;
            a->is_affine[i] = true;
            break;
        case EXPR_ADD:
        case EXPR_SUB:
            a->is_affine[i] = a->is_affine[node->a] && a->is_affine[node->b];
            for (uint32_t j = 0; j <= n; j++)
                f[j] = node->op == EXPR_ADD ? fe_add(x[j], y[j]) : fe_sub(x[j], y[j]);
            break;
        case EXPR_NEG:
            a->is_affine[i] = a->is_affine[node->a];
            for (uint32_t j = 0; j <= n; j++)
                f[j] = fe_neg(x[j]);
            break;
        case EXPR_MUL:
            for (uint32_t j = 0; j < n; j++) {
                x_const = x_const && x[j] == 0;
                y_const = y_const && y[j] == 0;
            }
            a->is_affine[i] =
                a->is_affine[node->a] && a->is_affine[node->b] && (x_const || y_const);
            for (uint32_t j = 0; j <= n; j++)
                f[j] = x_const ? fe_mul(x[n], y[j]) : fe_mul(x[j], y[n]);
            break;
        }
    }
}

static bool same_form(const affine *form, const fe *f, uint32_t n_columns)
{
    uint32_t n_terms = 0;
    for (uint32_t j = 0; j < n_columns; j++)
        n_terms += f[j] != 0;
    if (n_terms != form->n_terms || form->constant != f[n_columns])
        return false;
    for (uint32_t i = 0; i < form->n_terms; i++)
        if (f[form->terms[i].column] != form->terms[i].coef)
            return false;
    return true;
}

static void add_bound(analysis *a, affine form, integer low, integer high)
{
    assert_true(a->n_bounds < MAX_BOUNDS);
    a->bounds[a->n_bounds++] = (bound){form, low, high};
}

static void bound_column(analysis *a, uint32_t column, integer low, integer high)
{
    a->unit[column] = (affine_term){column, 1};
    add_bound(a, (affine){.n_terms = 1, .terms = &a->unit[column]}, low, high);
    a->columns[column] = make(low, high);
}

static void bounds_of_interaction(analysis *a, const chip_interaction *in)
{
    const affine *f = in->fields;
    const integer limb = ((integer)1 << 32) - 1;
    switch (in->tuple->domain) {
    case TUPLE_RANGE:
        add_bound(a, f[1], 0, ((integer)1 << f[0].constant) - 1);
        break;
    case TUPLE_BYTE:
        for (int k = 1; k <= 3; k++)
            add_bound(a, f[k], 0, 255);
        break;
    case TUPLE_POW2:
        add_bound(a, f[0], 0, 31);
        add_bound(a, f[1], 1, (integer)1 << 31);
        break;
    case TUPLE_FETCH:
        for (int k = 0; k < FETCH_FIELDS; k++)
            add_bound(a, f[k], 0, limb);
        break;
    case TUPLE_STATE:
        add_bound(a, f[0], 0, limb);
        break;
    case TUPLE_MEM:
        if (!in->is_send) {
            add_bound(a, f[2], 0, limb);
            add_bound(a, f[3], 0, limb);
        }
        break;
    default:
        break;
    }
}

// x (x - 1) for a column x.
static bool is_bit(const chip *c, const expr_node *n, uint32_t *column)
{
    if (n->op != EXPR_MUL)
        return false;
    for (int swap = 0; swap < 2; swap++) {
        const expr_node *x = &c->nodes[swap ? n->b : n->a], *less = &c->nodes[swap ? n->a : n->b];
        if (x->op == EXPR_COLUMN && less->op == EXPR_SUB && &c->nodes[less->a] == x &&
            c->nodes[less->b].op == EXPR_CONST && c->nodes[less->b].value == 1) {
            *column = (uint32_t)x->value;
            return true;
        }
    }
    return false;
}

static interval product(interval x, interval y)
{
    if (!x.known || !y.known || x.low < -((integer)1 << 62) || x.high > (integer)1 << 62 ||
        y.low < -((integer)1 << 62) || y.high > (integer)1 << 62)
        return (interval){0};
    integer p[4] = {x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high};
    integer low = p[0], high = p[0];
    for (int i = 1; i < 4; i++) {
        low = p[i] < low ? p[i] : low;
        high = p[i] > high ? p[i] : high;
    }
    return make(low, high);
}

static void evaluate(analysis *a)
{
    for (uint32_t i = 0; i < a->c->n_nodes; i++) {
        const expr_node *n = &a->c->nodes[i];
        interval x = a->values[n->a], y = a->values[n->b], v = {0};
        switch (n->op) {
        case EXPR_COLUMN:
            v = a->columns[n->value];
            break;
        case EXPR_CONST:
            v = make(signed_value(n->value), signed_value(n->value));
            break;
        case EXPR_ADD:
            v = x.known && y.known ? make(x.low + y.low, x.high + y.high) : v;
            break;
        case EXPR_SUB:
            v = x.known && y.known ? make(x.low - y.high, x.high - y.low) : v;
            break;
        case EXPR_NEG:
            v = x.known ? make(-x.high, -x.low) : v;
            break;
        case EXPR_MUL:
            v = product(x, y);
            break;
        }
        for (unsigned k = 0; a->is_affine[i] && k < a->n_bounds; k++) {
            const bound *b = &a->bounds[k];
            if (same_form(&b->form, form_of(a, i), a->c->n_columns) &&
                (!v.known || b->high - b->low < v.high - v.low))
                v = make(b->low, b->high);
        }
        a->values[i] = v;
    }
}

// The node equals a bounded value: so does the one column without bound in a sum.
static bool define_column(analysis *a, uint32_t node, interval value)
{
    for (;;) {
        const expr_node *n = &a->c->nodes[node];
        interval x = a->values[n->a], y = a->values[n->b];
        if (n->op == EXPR_COLUMN && !a->columns[n->value].known) {
            bound_column(a, (uint32_t)n->value, value.low, value.high);
            return true;
        }
        if (n->op == EXPR_ADD && x.known && !y.known) {
            value = make(value.low - x.high, value.high - x.low);
            node = n->b;
        } else if (n->op == EXPR_ADD && y.known && !x.known) {
            value = make(value.low - y.high, value.high - y.low);
            node = n->a;
        } else {
            return false;
        }
        if (!value.known)
            return false;
    }
}

// A column without bound that a constraint sets equal to a bounded value (in real rows).
static bool define_columns(analysis *a)
{
    bool any = false;
    for (uint32_t j = 0; j < a->c->n_constraints; j++) {
        const expr_node *n = &a->c->nodes[a->c->constraints[j].node];
        if (n->op == EXPR_MUL)
            for (int swap = 0; swap < 2; swap++) {
                interval factor = a->values[swap ? n->b : n->a];
                if (factor.known && factor.low == 1 && factor.high == 1) {
                    n = &a->c->nodes[swap ? n->a : n->b];
                    break;
                }
            }
        if (n->op != EXPR_SUB)
            continue;
        if (a->values[n->b].known)
            any = define_column(a, n->a, a->values[n->b]) || any;
        else if (a->values[n->a].known)
            any = define_column(a, n->b, a->values[n->a]) || any;
    }
    return any;
}

// A bounded form with coefficient 1 or -1 of the one column without bound.
static bool define_from_bounds(analysis *a)
{
    bool any = false;
    for (unsigned k = 0; k < a->n_bounds; k++) {
        const affine *f = &a->bounds[k].form;
        const affine_term *open = NULL;
        unsigned n_open = 0;
        interval rest = make(signed_value(f->constant), signed_value(f->constant));
        for (uint32_t i = 0; i < f->n_terms; i++) {
            interval x = a->columns[f->terms[i].column];
            integer coef = signed_value(f->terms[i].coef);
            if (!x.known) {
                open = &f->terms[i];
                n_open++;
                continue;
            }
            x = product(x, make(coef, coef));
            rest =
                rest.known && x.known ? make(rest.low + x.low, rest.high + x.high) : (interval){0};
        }
        if (n_open != 1 || !rest.known)
            continue;
        integer low = a->bounds[k].low - rest.high, high = a->bounds[k].high - rest.low;
        if (open->coef == 1)
            bound_column(a, open->column, low, high);
        else if (open->coef == FE_P - 1)
            bound_column(a, open->column, -high, -low);
        else
            continue;
        any = true;
    }
    return any;
}

// Constraints with an inverse that the prover hints: equations mod p by intention.
static bool has_hint(const char *name)
{
    static const char *const names[] = {"different", "a7 is not 93", "divisor is not zero"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static unsigned analyse(const chip *c)
{
    static analysis a;
    memset(&a, 0, sizeof a);
    a.c = c;
    a.forms = calloc((size_t)c->n_nodes * (c->n_columns + 1) + 1, sizeof *a.forms);
    a.is_affine = calloc(c->n_nodes + 1, sizeof *a.is_affine);
    a.values = calloc(c->n_nodes + 1, sizeof *a.values);
    find_forms(&a);
    for (uint32_t k = 0; k < c->n_interactions; k++)
        bounds_of_interaction(&a, &c->interactions[k]);
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        uint32_t column;
        if (!is_bit(c, &c->nodes[c->constraints[j].node], &column))
            continue;
        bool is_real = c->real_flag.n_terms == 1 && c->real_flag.terms[0].column == column;
        bound_column(&a, column, is_real, 1);
    }
    do
        evaluate(&a);
    while (define_columns(&a) || define_from_bounds(&a));

    unsigned n_hints = 0;
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        const chip_constraint *constraint = &c->constraints[j];
        interval v = a.values[constraint->node];
        n_hints += has_hint(constraint->name);
        if (has_hint(constraint->name))
            continue;
        if (!v.known)
            fail_msg("chip %s: nothing bounds constraint \"%s\"", c->name, constraint->name);
        if (v.low <= -(integer)FE_P || v.high >= (integer)FE_P)
            fail_msg("chip %s: constraint \"%s\" can come round to p", c->name, constraint->name);
    }
    free(a.forms);
    free(a.is_affine);
    free(a.values);
    return n_hints;
}

static void constraints_hold_over_the_integers(void **state)
{
    (void)state;
    vm_map map = vm_map_get(VM_ABI_B);
    zisk_machine *z;
    assert_int_equal(zisk_machine_new(&z, &map), ZK_OK);
    unsigned n_hints = 0;
    for (int k = 0; k < EXECUTION_CHIP_COUNT; k++)
        n_hints += analyse(z->execution[k]);
    assert_int_equal(n_hints, 4); // beq, ecall, div, divw
    (void)analyse(z->boundary[BOUNDARY_INPUT]);
    (void)analyse(z->boundary[BOUNDARY_ZERO]);
    zisk_machine_free(z);
}

// The analysis itself: a sum of two products of 32 bits, and the same in one more bit.
static void declare_products(chip_builder *b, const void *context)
{
    unsigned bits = *(const unsigned *)context;
    expr real = chip_flag(b, "real"), part[4], x[2];
    chip_columns(b, part, "part", 4);
    for (int i = 0; i < 4; i++)
        chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(i % 2 == 0 ? 16 : bits - 16), part[i]));
    for (int i = 0; i < 2; i++)
        x[i] = e_add(part[2 * i], e_scale(1 << 16, part[2 * i + 1]));
    chip_zero(b, e_mul(x[0], x[1]), "product");
}

static interval bounds_of_product(unsigned bits)
{
    static analysis a;
    memset(&a, 0, sizeof a);
    chip *c;
    assert_int_equal(chip_build(&c, "products", declare_products, &bits), ZK_OK);
    a.c = c;
    a.forms = calloc((size_t)c->n_nodes * (c->n_columns + 1) + 1, sizeof *a.forms);
    a.is_affine = calloc(c->n_nodes + 1, sizeof *a.is_affine);
    a.values = calloc(c->n_nodes + 1, sizeof *a.values);
    find_forms(&a);
    for (uint32_t k = 0; k < c->n_interactions; k++)
        bounds_of_interaction(&a, &c->interactions[k]);
    evaluate(&a);
    interval v = {0};
    for (uint32_t j = 0; j < c->n_constraints; j++)
        if (strcmp(c->constraints[j].name, "product") == 0)
            v = a.values[c->constraints[j].node];
    free(a.forms);
    free(a.is_affine);
    free(a.values);
    chip_free(c);
    return v;
}

static void intervals_are_exact_for_products(void **state)
{
    (void)state;
    for (unsigned bits = 17; bits <= 32; bits++) {
        interval v = bounds_of_product(bits);
        integer most = ((integer)1 << bits) - 1;
        assert_true(v.known && v.low == 0 && v.high == most * most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(intervals_are_exact_for_products),
                                       cmocka_unit_test(constraints_hold_over_the_integers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
