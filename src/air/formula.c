// SPDX-License-Identifier: Apache-2.0 OR MIT
// Expressions as text.
#include "air/report.h"

#include <stdarg.h>
#include <stdio.h>

status air_print(byte_buffer *out, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    FAIL_IF(n < 0, ZK_EINTERNAL, "a report line cannot be formatted");
    return buffer_put(out, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static status put_constant(byte_buffer *out, fe value)
{
    if (value > FE_P / 2)
        return air_print(out, "-%llu", (unsigned long long)(FE_P - value));
    return air_print(out, "%llu", (unsigned long long)value);
}

// Binding strength: 0 sum, 1 product, 2 atom. Parentheses where an operand binds less than needed.
static status put_node(byte_buffer *out, const chip *c, uint32_t node, int needed, size_t end)
{
    if (out->size >= end)
        return ZK_OK;
    const expr_node *n = &c->nodes[node];
    int strength = n->op == EXPR_ADD || n->op == EXPR_SUB || n->op == EXPR_NEG ? 0
                   : n->op == EXPR_MUL                                         ? 1
                                                                               : 2;
    if (strength < needed)
        TRY(buffer_put_text(out, "("));
    switch (n->op) {
    case EXPR_COLUMN:
        TRY(buffer_put_text(out, c->columns[n->value].name));
        break;
    case EXPR_CONST:
        TRY(put_constant(out, n->value));
        break;
    case EXPR_NEG:
        TRY(buffer_put_text(out, "-"));
        TRY(put_node(out, c, n->a, 1, end));
        break;
    case EXPR_ADD:
    case EXPR_SUB:
    case EXPR_MUL:
        TRY(put_node(out, c, n->a, strength, end));
        TRY(buffer_put_text(out, n->op == EXPR_ADD ? " + " : n->op == EXPR_SUB ? " - " : " * "));
        TRY(put_node(out, c, n->b, n->op == EXPR_ADD ? 0 : 1, end));
        break;
    }
    if (strength < needed)
        TRY(buffer_put_text(out, ")"));
    return ZK_OK;
}

status air_formula(byte_buffer *out, const chip *c, uint32_t node)
{
    size_t end = out->size + AIR_FORMULA_MAX;
    TRY(put_node(out, c, node, 0, end));
    if (out->size < end)
        return ZK_OK;
    out->size = end;
    return buffer_put_text(out, " ...");
}

status air_affine_formula(byte_buffer *out, const chip *c, const affine *a)
{
    bool empty = true;
    for (uint32_t i = 0; i < a->n_terms; i++) {
        fe coef = a->terms[i].coef;
        bool negative = coef > FE_P / 2;
        fe magnitude = negative ? FE_P - coef : coef;
        TRY(buffer_put_text(out, negative ? (empty ? "-" : " - ") : (empty ? "" : " + ")));
        if (magnitude != 1)
            TRY(air_print(out, "%llu ", (unsigned long long)magnitude));
        TRY(buffer_put_text(out, c->columns[a->terms[i].column].name));
        empty = false;
    }
    if (empty)
        return put_constant(out, a->constant);
    if (a->constant == 0)
        return ZK_OK;
    bool negative = a->constant > FE_P / 2;
    return air_print(out, " %s %llu", negative ? "-" : "+",
                     (unsigned long long)(negative ? FE_P - a->constant : a->constant));
}
