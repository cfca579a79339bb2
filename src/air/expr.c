// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/chip_builder.h"

#include <stdlib.h>
#include <string.h>

expr e_const(uint64_t value)
{
    return (expr){.owner = NULL, .value = fe_from_u64(value)};
}

expr e_int(int64_t value)
{
    fe magnitude = fe_from_u64(value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    return (expr){.owner = NULL, .value = value < 0 ? fe_neg(magnitude) : magnitude};
}

unsigned expr_degree(expr e)
{
    return e.owner == NULL ? 0 : e.owner->degrees[e.value];
}

// ---- Nodes
// ---------------------------------------------------------------------------------------

static uint64_t node_hash(const expr_node *n)
{
    uint64_t h = (uint64_t)n->op * 0x9E3779B97F4A7C15ULL;
    h = (h ^ n->a) * 0xBF58476D1CE4E5B9ULL;
    h = (h ^ n->b) * 0x94D049BB133111EBULL;
    h = (h ^ n->value) * 0x9E3779B97F4A7C15ULL;
    return h ^ (h >> 29);
}

static bool node_equal(const expr_node *x, const expr_node *y)
{
    return x->op == y->op && x->a == y->a && x->b == y->b && x->value == y->value;
}

static void table_insert(chip_builder *b, uint32_t node)
{
    uint32_t mask = b->table_size - 1;
    uint32_t i = (uint32_t)node_hash(&b->nodes[node]) & mask;
    while (b->table[i] != 0)
        i = (i + 1) & mask;
    b->table[i] = node + 1;
}

static bool grow_table(chip_builder *b)
{
    uint32_t size = b->table_size == 0 ? 256 : 2 * b->table_size;
    uint32_t *table = calloc(size, sizeof *table);
    if (table == NULL) {
        builder_fail(b, ZK_ENOMEM, "no memory for %u expressions", size);
        return false;
    }
    free(b->table);
    b->table = table;
    b->table_size = size;
    for (uint32_t i = 0; i < b->n_nodes; i++)
        table_insert(b, i);
    return true;
}

// The node equal to n, made when there is none yet.
static expr shared_node(chip_builder *b, expr_node n, unsigned degree)
{
    if (b->error != ZK_OK)
        return e_const(0);
    if (2 * (b->n_nodes + 1) > b->table_size && !grow_table(b))
        return e_const(0);
    uint32_t mask = b->table_size - 1;
    for (uint32_t i = (uint32_t)node_hash(&n) & mask; b->table[i] != 0; i = (i + 1) & mask)
        if (node_equal(&b->nodes[b->table[i] - 1], &n))
            return (expr){.owner = b, .value = b->table[i] - 1};
    if (b->n_nodes >= CHIP_MAX_NODES) {
        builder_fail(b, ZK_ELIMIT, "more than %d expressions", CHIP_MAX_NODES);
        return e_const(0);
    }
    uint32_t capacity = b->nodes_capacity;
    if (!builder_reserve(b, (void **)&b->degrees, b->n_nodes, &capacity, sizeof *b->degrees) ||
        !builder_reserve(b, (void **)&b->nodes, b->n_nodes, &b->nodes_capacity, sizeof *b->nodes))
        return e_const(0);
    b->nodes[b->n_nodes] = n;
    b->degrees[b->n_nodes] = (uint16_t)(degree > UINT16_MAX ? UINT16_MAX : degree);
    table_insert(b, b->n_nodes);
    return (expr){.owner = b, .value = b->n_nodes++};
}

uint32_t builder_node_of(chip_builder *b, expr e)
{
    if (e.owner != NULL)
        return (uint32_t)e.value;
    return (uint32_t)shared_node(b, (expr_node){.op = EXPR_CONST, .value = e.value}, 0).value;
}

expr builder_column_node(chip_builder *b, uint32_t column)
{
    return shared_node(b, (expr_node){.op = EXPR_COLUMN, .value = column}, 1);
}

// ---- Operations, with constants folded
// -----------------------------------------------------------

static bool is_const(expr e, fe value)
{
    return e.owner == NULL && e.value == value;
}

static bool same(expr x, expr y)
{
    return x.owner == y.owner && x.value == y.value;
}

// The builder of an operation; NULL for two constants. Operands of two chips are a failure of both.
static chip_builder *owner_of(expr x, expr y)
{
    if (x.owner == NULL || y.owner == NULL || x.owner == y.owner)
        return x.owner != NULL ? x.owner : y.owner;
    builder_fail(x.owner, ZK_EINVAL, "an expression mixes columns of two chips (with %s)",
                 y.owner->name);
    builder_fail(y.owner, ZK_EINVAL, "an expression mixes columns of two chips (with %s)",
                 x.owner->name);
    return x.owner;
}

expr builder_node(chip_builder *b, expr_op op, expr x, expr y)
{
    if (b->error != ZK_OK)
        return e_const(0);
    unsigned dx = expr_degree(x), dy = op == EXPR_NEG ? 0 : expr_degree(y);
    unsigned degree = op == EXPR_MUL ? dx + dy : (dx > dy ? dx : dy);
    uint32_t nx = builder_node_of(b, x), ny = op == EXPR_NEG ? 0 : builder_node_of(b, y);
    // One order of the operands of commutative operations, so that a + b and b + a are shared.
    if ((op == EXPR_ADD || op == EXPR_MUL) && nx > ny) {
        uint32_t t = nx;
        nx = ny;
        ny = t;
    }
    return shared_node(b, (expr_node){.op = op, .a = nx, .b = ny}, degree);
}

expr e_add(expr x, expr y)
{
    chip_builder *b = owner_of(x, y);
    if (b == NULL)
        return e_const(fe_add(x.value, y.value));
    if (is_const(x, 0))
        return y;
    if (is_const(y, 0))
        return x;
    return builder_node(b, EXPR_ADD, x, y);
}

expr e_sub(expr x, expr y)
{
    chip_builder *b = owner_of(x, y);
    if (b == NULL)
        return e_const(fe_sub(x.value, y.value));
    if (is_const(y, 0))
        return x;
    if (is_const(x, 0))
        return e_neg(y);
    if (same(x, y))
        return e_const(0);
    return builder_node(b, EXPR_SUB, x, y);
}

expr e_mul(expr x, expr y)
{
    chip_builder *b = owner_of(x, y);
    if (b == NULL)
        return e_const(fe_mul(x.value, y.value));
    if (is_const(x, 0) || is_const(y, 0))
        return e_const(0);
    if (is_const(x, 1))
        return y;
    if (is_const(y, 1))
        return x;
    if (is_const(x, FE_P - 1))
        return e_neg(y);
    if (is_const(y, FE_P - 1))
        return e_neg(x);
    return builder_node(b, EXPR_MUL, x, y);
}

expr e_neg(expr x)
{
    if (x.owner == NULL)
        return e_const(fe_neg(x.value));
    const expr_node *n = &x.owner->nodes[x.value];
    if (n->op == EXPR_NEG)
        return (expr){.owner = x.owner, .value = n->a};
    return builder_node(x.owner, EXPR_NEG, x, x);
}

expr e_scale(uint64_t factor, expr a)
{
    return e_mul(e_const(factor), a);
}

expr e_not(expr bit)
{
    return e_sub(e_const(1), bit);
}

expr e_select(expr bit, expr if_one, expr if_zero)
{
    return e_add(if_zero, e_mul(bit, e_sub(if_one, if_zero)));
}

expr e_sum(const expr *terms, size_t n)
{
    expr sum = e_const(0);
    for (size_t i = 0; i < n; i++)
        sum = e_add(sum, terms[i]);
    return sum;
}

expr e_pack(const expr *limbs, size_t n, unsigned bits)
{
    expr sum = e_const(0);
    for (size_t i = 0; i < n; i++)
        sum = e_add(sum, e_scale(fe_pow(2, (uint64_t)bits * i), limbs[i]));
    return sum;
}
