// SPDX-License-Identifier: Apache-2.0 OR MIT
// From the recorded declaration to the finished chip: columns in their final order, the nodes that
// constraints need, interactions as affine forms, and the checks that need the whole declaration.
#include "air/chip_builder.h"
#include "air/program_compile.h"

#include <stdlib.h>
#include <string.h>

// Working memory of the finish, on the heap for its duration.
typedef struct workspace {
    uint32_t *column_number; // order of declaration -> final number
    uint32_t *node_number;   // recorded node -> node of the chip; UINT32_MAX when not needed
    uint64_t *hashes;        // [n_nodes], of the nodes' structure
    fe *weights;             // [n_nodes], zero between uses
    fe *columns;             // [n_columns], zero between uses
} workspace;

// Committed, preprocessed, closed; order of declaration within a kind.
static void order_columns(chip_builder *b, workspace *w, chip *out)
{
    chip_column_info *columns = builder_take(b, b->n_columns, sizeof *columns);
    if (columns == NULL)
        return;
    uint32_t n = 0, count[COLUMN_KIND_COUNT] = {0};
    for (column_kind kind = 0; kind < COLUMN_KIND_COUNT; kind++)
        for (uint32_t i = 0; i < b->n_columns; i++)
            if (b->columns[i].kind == kind) {
                columns[n] = b->columns[i];
                w->column_number[i] = n++;
                count[kind]++;
            }
    out->columns = columns;
    out->n_columns = n;
    out->n_committed = count[COLUMN_COMMITTED];
    out->n_preprocessed = count[COLUMN_PREPROCESSED];
    out->n_closed = count[COLUMN_CLOSED];
}

static bool has_operands(expr_op op)
{
    return op == EXPR_ADD || op == EXPR_SUB || op == EXPR_MUL || op == EXPR_NEG;
}

// ---- Nodes in an order of their own
//
// The order in which a declaration makes its nodes is the compiler's choice wherever C leaves the
// order of evaluation open (arguments of a call), and the digest of the machine must not depend on
// it. So nodes are numbered by a walk from the constraints, operands first, and the operands of
// commutative operations go by a hash of their structure.

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

// Operands come before their users in the recorded order, so their hashes are there.
static uint64_t structure_hash(const expr_node *n, const uint64_t *hashes,
                               const uint32_t *column_number)
{
    uint64_t op = mix((uint64_t)n->op + 1);
    switch (n->op) {
    case EXPR_COLUMN:
        return mix(op + column_number[n->value]);
    case EXPR_CONST:
        return mix(op + mix(n->value));
    case EXPR_NEG:
        return mix(op + hashes[n->a]);
    case EXPR_SUB:
        return mix(op + 3 * hashes[n->a] + hashes[n->b]);
    default: // symmetric in the operands
        return mix(op + mix(hashes[n->a]) + mix(hashes[n->b]));
    }
}

typedef struct node_walk {
    const chip_builder *b;
    const workspace *w;
    const uint64_t *hashes;
    expr_node *out;
    uint32_t n;
} node_walk;

static uint32_t number_node(node_walk *k, uint32_t i)
{
    if (k->w->node_number[i] != UINT32_MAX)
        return k->w->node_number[i];
    expr_node node = k->b->nodes[i];
    if (node.op == EXPR_NEG) {
        node.a = number_node(k, node.a);
        node.b = 0;
    } else if (has_operands(node.op)) {
        bool swap = node.op != EXPR_SUB && k->hashes[node.a] > k->hashes[node.b];
        uint32_t first = swap ? node.b : node.a, second = swap ? node.a : node.b;
        node.a = number_node(k, first);
        node.b = number_node(k, second);
    } else if (node.op == EXPR_COLUMN) {
        node.value = k->w->column_number[node.value];
    }
    k->out[k->n] = node;
    return k->w->node_number[i] = k->n++;
}

// Keeps the nodes under a constraint, operands first.
static void keep_nodes(chip_builder *b, workspace *w, chip *out)
{
    memset(w->node_number, 0xFF, b->n_nodes * sizeof *w->node_number);
    for (uint32_t i = 0; i < b->n_nodes; i++)
        w->hashes[i] = structure_hash(&b->nodes[i], w->hashes, w->column_number);
    expr_node *nodes = builder_take(b, b->n_nodes, sizeof *nodes);
    chip_constraint *constraints = builder_take(b, b->n_constraints, sizeof *constraints);
    if (b->error != ZK_OK)
        return;
    node_walk walk = {.b = b, .w = w, .hashes = w->hashes, .out = nodes};
    for (uint32_t i = 0; i < b->n_constraints; i++) {
        unsigned degree = b->degrees[b->constraints[i].node];
        constraints[i] = (chip_constraint){.name = b->constraints[i].name,
                                           .node = number_node(&walk, b->constraints[i].node),
                                           .degree = degree};
        out->max_degree = degree > out->max_degree ? degree : out->max_degree;
    }
    out->nodes = nodes;
    out->n_nodes = walk.n;
    out->constraints = constraints;
    out->n_constraints = b->n_constraints;
}

// The affine form of e times sign. Weights go from the root down: each node hands its weight to its
// operands; in an expression of degree <= 1 one factor of every product is a constant.
static affine affine_of(chip_builder *b, workspace *w, expr e, fe sign)
{
    affine form = {0};
    if (e.owner == NULL) {
        form.constant = fe_mul(sign, e.value);
        return form;
    }
    w->weights[e.value] = sign;
    for (uint32_t i = (uint32_t)e.value + 1; i-- > 0;) {
        const expr_node *n = &b->nodes[i];
        fe weight = w->weights[i];
        if (weight == 0)
            continue;
        w->weights[i] = 0;
        switch (n->op) {
        case EXPR_CONST:
            form.constant = fe_mul_add(weight, n->value, form.constant);
            break;
        case EXPR_COLUMN: {
            uint32_t column = w->column_number[n->value];
            w->columns[column] = fe_add(w->columns[column], weight);
            break;
        }
        case EXPR_ADD:
            w->weights[n->a] = fe_add(w->weights[n->a], weight);
            w->weights[n->b] = fe_add(w->weights[n->b], weight);
            break;
        case EXPR_SUB:
            w->weights[n->a] = fe_add(w->weights[n->a], weight);
            w->weights[n->b] = fe_sub(w->weights[n->b], weight);
            break;
        case EXPR_NEG:
            w->weights[n->a] = fe_sub(w->weights[n->a], weight);
            break;
        case EXPR_MUL: {
            bool a_is_const = b->nodes[n->a].op == EXPR_CONST;
            uint32_t factor = a_is_const ? n->a : n->b, operand = a_is_const ? n->b : n->a;
            ZK_ASSERT(b->nodes[factor].op == EXPR_CONST);
            w->weights[operand] = fe_mul_add(weight, b->nodes[factor].value, w->weights[operand]);
            break;
        }
        }
    }
    uint32_t n_terms = 0;
    for (uint32_t i = 0; i < b->n_columns; i++)
        n_terms += w->columns[i] != 0;
    affine_term *terms = builder_take(b, n_terms, sizeof *terms);
    for (uint32_t i = 0; i < b->n_columns; i++) {
        if (w->columns[i] != 0 && terms != NULL)
            terms[form.n_terms++] = (affine_term){.column = i, .coef = w->columns[i]};
        w->columns[i] = 0;
    }
    form.terms = terms;
    return form;
}

static bool affine_equal(const affine *x, const affine *y, bool negated)
{
    if (x->n_terms != y->n_terms || x->constant != (negated ? fe_neg(y->constant) : y->constant))
        return false;
    for (uint32_t i = 0; i < x->n_terms; i++)
        if (x->terms[i].column != y->terms[i].column ||
            x->terms[i].coef != (negated ? fe_neg(y->terms[i].coef) : y->terms[i].coef))
            return false;
    return true;
}

// The union of the fields' columns.
static void find_support(chip_builder *b, workspace *w, chip_interaction *out)
{
    uint32_t n = 0;
    for (unsigned t = 0; t < out->n_fields; t++)
        for (uint32_t i = 0; i < out->fields[t].n_terms; i++) {
            fe *seen = &w->columns[out->fields[t].terms[i].column];
            n += *seen == 0;
            *seen = 1;
        }
    uint32_t *support = builder_take(b, n, sizeof *support);
    out->n_support = support == NULL ? 0 : n;
    out->support = support;
    for (uint32_t i = 0, k = 0; i < b->n_columns; i++) {
        if (w->columns[i] != 0 && support != NULL)
            support[k++] = i;
        w->columns[i] = 0;
    }
}

static void finish_interactions(chip_builder *b, workspace *w, chip *out)
{
    chip_interaction *interactions = builder_take(b, b->n_interactions, sizeof *interactions);
    if (b->has_flag)
        out->real_flag = affine_of(b, w, b->flag, 1);
    for (uint32_t k = 0; k < b->n_interactions && b->error == ZK_OK; k++) {
        const pending_interaction *p = &b->interactions[k];
        affine *fields = builder_take(b, p->tuple->n_fields, sizeof *fields);
        if (fields == NULL)
            return;
        for (unsigned t = 0; t < p->tuple->n_fields; t++)
            fields[t] = affine_of(b, w, p->fields[t], 1);
        fe sign = p->is_send ? 1 : FE_P - 1;
        interactions[k] = (chip_interaction){.tuple = p->tuple,
                                             .is_send = p->is_send,
                                             .multiplicity = affine_of(b, w, p->multiplicity, sign),
                                             .n_fields = p->tuple->n_fields,
                                             .fields = fields};
        find_support(b, w, &interactions[k]);
        interactions[k].first_support = out->n_support;
        out->n_support += interactions[k].n_support;
    }
    out->interactions = interactions;
    out->n_interactions = b->n_interactions;
}

// A table chip may answer lookups with what the key fixes, and nothing else: a free multiplicity on
// a tuple that the prover chooses would put any value into the table.
static void check_table_interaction(chip_builder *b, const chip *c, const chip_interaction *i)
{
    if (i->tuple->class != TUPLE_CLASS_TABLE)
        builder_fail(b, ZK_EINVAL,
                     "a table chip with free multiplicities takes part in %s, which is no table "
                     "domain",
                     i->tuple->name);
    if (i->is_send)
        builder_fail(b, ZK_EINVAL, "a table chip sends %s; tables receive only", i->tuple->name);
    for (uint32_t j = 0; j < i->n_support; j++)
        if (c->columns[i->support[j]].kind == COLUMN_COMMITTED)
            builder_fail(b, ZK_EINVAL,
                         "a table chip receives %s with the committed column %s in a field; its "
                         "tuples are made of closed-form and preprocessed columns",
                         i->tuple->name, c->columns[i->support[j]].name);
}

static bool is_range_check(const chip_interaction *i)
{
    return i->tuple->domain == TUPLE_RANGE && i->fields[0].n_terms == 0;
}

// columns += factor * a, without the constant, which is returned.
static fe add_affine(fe *columns, const affine *a, fe factor)
{
    for (uint32_t i = 0; i < a->n_terms; i++) {
        fe *sum = &columns[a->terms[i].column];
        *sum = fe_mul_add(factor, a->terms[i].coef, *sum);
    }
    return fe_mul(factor, a->constant);
}

// A row that answers a range check may only pass it on, to checks that are narrower and together
// say the same: then what is answered in the end is in range, by induction over the width.
static bool splits_a_range_check(workspace *w, const chip *c, const chip_interaction *received)
{
    enum { MAX_WIDTH = 32 };
    if (!is_range_check(received) || received->fields[0].constant > MAX_WIDTH)
        return false;
    fe width = 0, rest = add_affine(w->columns, &received->fields[1], 1);
    bool ok = true;
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *i = &c->interactions[k];
        if (i == received)
            continue;
        ok = ok && i->is_send && is_range_check(i) && i->fields[0].constant > 0 &&
             i->fields[0].constant < received->fields[0].constant;
        if (!ok)
            break;
        rest = fe_add(rest, add_affine(w->columns, &i->fields[1], fe_neg(fe_pow(2, width))));
        width += i->fields[0].constant;
    }
    ok = ok && width == received->fields[0].constant && rest == 0;
    for (uint32_t j = 0; j < c->n_columns; j++) {
        ok = ok && w->columns[j] == 0;
        w->columns[j] = 0;
    }
    return ok;
}

static void check_row_interaction(chip_builder *b, workspace *w, const chip *c,
                                  const chip_interaction *i)
{
    const char *verb = i->is_send ? "sends" : "receives";
    // Minus the flag would turn sending into receiving: an answer that the rules for it do not see.
    if (!affine_equal(&i->multiplicity, &c->real_flag, !i->is_send))
        builder_fail(b, ZK_EINVAL,
                     "%s %s with a multiplicity that is not the real flag; only table chips have "
                     "free multiplicities",
                     verb, i->tuple->name);
    if (!i->is_send && i->tuple->class == TUPLE_CLASS_TABLE && !splits_a_range_check(w, c, i))
        builder_fail(b, ZK_EINVAL,
                     "receives %s; only table chips answer lookups, and rows that split a range "
                     "check into narrower ones of the same value",
                     i->tuple->name);
}

// Which interactions a chip may have, and that a padding row takes part in nothing.
static void check_interactions(chip_builder *b, workspace *w, const chip *c)
{
    if (!c->is_table && !b->has_flag && c->n_interactions > 0)
        builder_fail(b, ZK_EINVAL, "has interactions but no real flag (and is no table chip)");
    for (uint32_t k = 0; k < c->n_interactions && b->error == ZK_OK; k++) {
        const chip_interaction *i = &c->interactions[k];
        const char *verb = i->is_send ? "sends" : "receives";
        if (c->is_table)
            check_table_interaction(b, c, i);
        else
            check_row_interaction(b, w, c, i);
        if (i->multiplicity.constant != 0)
            builder_fail(b, ZK_EINVAL, "padding rows take part: %s %s with multiplicity %llu", verb,
                         i->tuple->name, (unsigned long long)i->multiplicity.constant);
        for (uint32_t j = 0; j < i->multiplicity.n_terms; j++) {
            uint32_t column = i->multiplicity.terms[j].column;
            if (c->columns[column].kind == COLUMN_CLOSED)
                builder_fail(
                    b, ZK_EINVAL,
                    "padding rows take part: %s %s with a multiplicity that depends on the "
                    "closed-form column %s",
                    verb, i->tuple->name, c->columns[column].name);
        }
    }
}

// All constraints on a row whose committed and preprocessed cells are zero; on every row of a chip
// with closed-form columns.
static void check_padding(chip_builder *b, workspace *w, const chip *c)
{
    uint64_t n_rows = c->n_closed == 0 ? 1 : 1ULL << c->fixed_log_height;
    bool closed_is_used = false;
    for (uint32_t i = 0; i < c->n_nodes; i++)
        closed_is_used |=
            c->nodes[i].op == EXPR_COLUMN && c->columns[c->nodes[i].value].kind == COLUMN_CLOSED;
    if (!closed_is_used)
        n_rows = 1;
    fe *v = w->weights; // n_nodes <= the recorded number
    for (uint64_t row = 0; row < n_rows && b->error == ZK_OK; row++) {
        for (uint32_t i = 0; i < c->n_nodes; i++) {
            const expr_node *n = &c->nodes[i];
            const chip_column_info *column = n->op == EXPR_COLUMN ? &c->columns[n->value] : NULL;
            switch (n->op) {
            case EXPR_CONST:
                v[i] = n->value;
                break;
            case EXPR_COLUMN:
                v[i] = column->kind == COLUMN_CLOSED ? closed_row(&column->closed, row) : 0;
                break;
            case EXPR_ADD:
                v[i] = fe_add(v[n->a], v[n->b]);
                break;
            case EXPR_SUB:
                v[i] = fe_sub(v[n->a], v[n->b]);
                break;
            case EXPR_MUL:
                v[i] = fe_mul(v[n->a], v[n->b]);
                break;
            case EXPR_NEG:
                v[i] = fe_neg(v[n->a]);
                break;
            }
        }
        for (uint32_t j = 0; j < c->n_constraints; j++)
            if (v[c->constraints[j].node] != 0)
                builder_fail(b, ZK_EINVAL,
                             "the padding row (all zero, row %llu) breaks constraint \"%s\"; "
                             "multiply it by the real flag",
                             (unsigned long long)row, c->constraints[j].name);
    }
}

void builder_finish(chip_builder *b, chip *out)
{
    *out = (chip){.name = b->name,
                  .is_table = b->is_table,
                  .is_permutation = b->is_permutation,
                  .fixed_log_height = b->fixed_log_height};
    if (b->n_columns == 0) {
        builder_fail(b, ZK_EINVAL, "has no columns");
        return;
    }
    workspace w = {
        .column_number = calloc(b->n_columns, sizeof *w.column_number),
        .node_number = calloc(b->n_nodes, sizeof *w.node_number),
        .hashes = calloc(b->n_nodes, sizeof *w.hashes),
        .weights = calloc(b->n_nodes, sizeof *w.weights),
        .columns = calloc(b->n_columns, sizeof *w.columns),
    };
    if (!w.column_number || !w.node_number || !w.hashes || !w.weights || !w.columns)
        builder_fail(b, ZK_ENOMEM, "no memory for the declaration");
    if (b->error == ZK_OK)
        order_columns(b, &w, out);
    if (b->error == ZK_OK && out->n_committed == 0)
        builder_fail(b, ZK_EINVAL, "has no committed column");
    if (b->error == ZK_OK)
        keep_nodes(b, &w, out);
    if (b->error == ZK_OK)
        finish_interactions(b, &w, out);
    if (b->error == ZK_OK)
        check_interactions(b, &w, out);
    if (b->error == ZK_OK)
        check_padding(b, &w, out);
    if (b->error == ZK_OK)
        out->program = program_compile(b, out);
    free(w.column_number);
    free(w.node_number);
    free(w.hashes);
    free(w.weights);
    free(w.columns);
}
