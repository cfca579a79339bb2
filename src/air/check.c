// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/check.h"
#include "air/report.h"

#include <stdlib.h>

void check_table_of_slot(check_table *out, const fe **columns, const machine *m, uint32_t slot,
                         const machine_layout *layout, const fe *stack,
                         const machine_layout *preprocessed_layout, const fe *preprocessed,
                         const char *label)
{
    const chip *c = m->slots[slot].c;
    unsigned log_height = layout->slots[slot].log_height;
    ZK_ASSERT(log_height != 0);
    for (uint32_t j = 0; j < c->n_committed; j++)
        columns[j] = stack + layout_column(layout, slot, j);
    for (uint32_t j = 0; j < c->n_preprocessed; j++) {
        ZK_ASSERT(preprocessed_layout->slots[slot].log_height == log_height);
        columns[c->n_committed + j] = preprocessed + layout_column(preprocessed_layout, slot, j);
    }
    *out = (check_table){.c = c, .label = label, .log_height = log_height, .columns = columns};
}

// Cell of a column, of any kind.
static fe cell(const check_table *t, uint32_t column, uint64_t row)
{
    const chip_column_info *info = &t->c->columns[column];
    return info->kind == COLUMN_CLOSED ? closed_row(&info->closed, row) : t->columns[column][row];
}

static void eval_row(fe *v, const check_table *t, uint64_t row)
{
    const chip *c = t->c;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        switch (n->op) {
        case EXPR_COLUMN:
            v[i] = cell(t, (uint32_t)n->value, row);
            break;
        case EXPR_CONST:
            v[i] = n->value;
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
}

static bool row_is_canonical(const check_table *t, uint64_t row, check_failure *failure)
{
    for (uint32_t j = 0; j < t->c->n_committed + t->c->n_preprocessed; j++)
        if (!fe_is_canonical(t->columns[j][row])) {
            *failure = (check_failure){.row = row,
                                       .constraint = UINT32_MAX,
                                       .column = j,
                                       .value = t->columns[j][row],
                                       .n_failures = 1};
            return false;
        }
    return true;
}

status check_constraints(bool *found, check_failure *first, const check_table *t)
{
    const chip *c = t->c;
    *found = false;
    *first = (check_failure){0};
    fe *v = calloc((size_t)c->n_nodes + 1, sizeof *v);
    FAIL_IF(v == NULL, ZK_ENOMEM, "no memory to check chip %s", c->name);
    for (uint64_t row = 0; row < 1ULL << t->log_height; row++) {
        check_failure bad_cell;
        if (!row_is_canonical(t, row, &bad_cell)) {
            if (!*found)
                *first = bad_cell;
            *found = true;
            break; // field operations need canonical cells
        }
        eval_row(v, t, row);
        for (uint32_t j = 0; j < c->n_constraints; j++) {
            fe value = v[c->constraints[j].node];
            if (value == 0)
                continue;
            if (!*found)
                *first = (check_failure){.row = row, .constraint = j, .value = value};
            *found = true;
            first->n_failures += first->constraint == j;
        }
    }
    free(v);
    return ZK_OK;
}

// Which columns are under a node: marks needed[] of nodes, from the root down.
static status put_values(byte_buffer *out, const check_table *t, uint32_t root, uint64_t row)
{
    const chip *c = t->c;
    status result = ZK_OK;
    bool *needed = calloc((size_t)c->n_nodes + 1, sizeof *needed);
    FAIL_IF(needed == NULL, ZK_ENOMEM, "no memory to describe a failure");
    needed[root] = true;
    for (uint32_t i = root + 1; i-- > 0;) {
        const expr_node *n = &c->nodes[i];
        if (!needed[i] || n->op == EXPR_CONST || n->op == EXPR_COLUMN)
            continue;
        needed[n->a] = true;
        if (n->op != EXPR_NEG)
            needed[n->b] = true;
    }
    for (uint32_t i = 0; i <= root; i++) {
        if (!needed[i] || c->nodes[i].op != EXPR_COLUMN)
            continue;
        uint32_t column = (uint32_t)c->nodes[i].value;
        fe value = cell(t, column, row);
        TRY_OUT(air_print(out, "    %s = %llu (0x%llx)\n", c->columns[column].name,
                          (unsigned long long)value, (unsigned long long)value));
    }
out:
    free(needed);
    return result;
}

status check_describe_failure(byte_buffer *out, const check_table *t, const check_failure *f)
{
    const chip *c = t->c;
    TRY(air_print(out, "chip %s (%s), row %llu: ", c->name, t->label, (unsigned long long)f->row));
    if (f->constraint == UINT32_MAX)
        return air_print(out, "column %s holds %llu, which is not below p\n",
                         c->columns[f->column].name, (unsigned long long)f->value);
    const chip_constraint *constraint = &c->constraints[f->constraint];
    TRY(air_print(
        out, "constraint \"%s\" is %llu, not 0 (fails in %llu rows)\n    0 = ", constraint->name,
        (unsigned long long)f->value, (unsigned long long)f->n_failures));
    TRY(air_formula(out, c, constraint->node));
    TRY(buffer_put_text(out, "\n"));
    return put_values(out, t, constraint->node, f->row);
}
