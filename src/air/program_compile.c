// SPDX-License-Identifier: Apache-2.0 OR MIT
// Compiler from the DAG to a straight-line program.
//
// Constraints are taken in order; each one's missing nodes are emitted operands first, so that
// values live shortly. After AIR_DOT_MAX constraints one DOT multiplies them by their coefficients
// and adds them up under one reduction. A product that is used once, by an addition or subtraction,
// becomes part of it. Registers are given by a linear scan over the finished list.
#include "air/program_compile.h"
#include "air/chip_builder.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = UINT32_MAX };

typedef struct compiler {
    const chip *c;
    uint32_t *uses;        // of each node, by nodes and constraints
    bool *fused;           // the product is computed by the node that uses it
    uint32_t *value_of;    // operand that holds the node: a column, or n_columns + value number
    bool *needed;          // marks of the constraint in work
    air_instruction *list; // operands from n_columns on are value numbers until registers are given
    uint32_t n, n_values;
    uint32_t *roots;
} compiler;

static bool is_product_to_fuse(const compiler *k, uint32_t node)
{
    return k->c->nodes[node].op == EXPR_MUL && k->uses[node] == 1;
}

static void count_uses(compiler *k)
{
    const chip *c = k->c;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        if (n->op == EXPR_COLUMN || n->op == EXPR_CONST)
            continue;
        k->uses[n->a]++;
        if (n->op != EXPR_NEG)
            k->uses[n->b]++;
    }
    for (uint32_t j = 0; j < c->n_constraints; j++)
        k->uses[c->constraints[j].node]++;
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        if (n->op != EXPR_ADD && n->op != EXPR_SUB)
            continue;
        bool other_is_const_a = c->nodes[n->a].op == EXPR_CONST;
        bool other_is_const_b = c->nodes[n->b].op == EXPR_CONST;
        if (is_product_to_fuse(k, n->a) && !other_is_const_b)
            k->fused[n->a] = true;
        else if (is_product_to_fuse(k, n->b) && !other_is_const_a)
            k->fused[n->b] = true;
    }
}

// A product's factors; the constant one, if any, goes into *value and *b is NONE.
static void factors_of(const compiler *k, uint32_t product, uint32_t *a, uint32_t *b, fe *value)
{
    const expr_node *n = &k->c->nodes[product];
    bool a_is_const = k->c->nodes[n->a].op == EXPR_CONST;
    bool b_is_const = k->c->nodes[n->b].op == EXPR_CONST;
    ZK_ASSERT(!(a_is_const && b_is_const)); // folded by the builder
    *value = a_is_const ? k->c->nodes[n->a].value : b_is_const ? k->c->nodes[n->b].value : 0;
    *a = k->value_of[a_is_const ? n->b : n->a];
    *b = a_is_const || b_is_const ? NONE : k->value_of[n->b];
}

static void emit_fused(compiler *k, air_instruction *out, const expr_node *n)
{
    bool product_first = k->fused[n->a];
    factors_of(k, product_first ? n->a : n->b, &out->a, &out->b, &out->value);
    out->c = k->value_of[product_first ? n->b : n->a];
    if (out->b != NONE) {
        out->op = n->op == EXPR_ADD ? AIR_MUL_ADD : product_first ? AIR_MUL_SUB : AIR_SUB_MUL;
        return;
    }
    out->b = 0;
    if (n->op == EXPR_SUB && product_first) { // value a - c = -(c - value a)
        out->op = AIR_MUL_CONST_SUB;
        return;
    }
    out->op = AIR_MUL_CONST_ADD;
    if (n->op == EXPR_SUB)
        out->value = fe_neg(out->value);
}

static void emit_sum(compiler *k, air_instruction *out, const expr_node *n)
{
    const expr_node *a = &k->c->nodes[n->a], *b = &k->c->nodes[n->b];
    if (k->fused[n->a] || k->fused[n->b]) {
        emit_fused(k, out, n);
    } else if (b->op == EXPR_CONST) {
        out->op = AIR_ADD_CONST;
        out->a = k->value_of[n->a];
        out->value = n->op == EXPR_ADD ? b->value : fe_neg(b->value);
    } else if (a->op == EXPR_CONST) {
        out->op = n->op == EXPR_ADD ? AIR_ADD_CONST : AIR_CONST_SUB;
        out->a = k->value_of[n->b];
        out->value = a->value;
    } else {
        out->op = n->op == EXPR_ADD ? AIR_ADD : AIR_SUB;
        out->a = k->value_of[n->a];
        out->b = k->value_of[n->b];
    }
}

static void emit_node(compiler *k, uint32_t node)
{
    const expr_node *n = &k->c->nodes[node];
    if (n->op == EXPR_COLUMN) {
        k->value_of[node] = (uint32_t)n->value;
        return;
    }
    if (n->op == EXPR_CONST || k->fused[node]) {
        k->value_of[node] = 0; // read by no operand: constants and fused products are immediate
        return;
    }
    air_instruction *out = &k->list[k->n++];
    *out = (air_instruction){.dst = k->c->n_columns + k->n_values++};
    k->value_of[node] = out->dst;
    if (n->op == EXPR_MUL) {
        factors_of(k, node, &out->a, &out->b, &out->value);
        out->op = out->b == NONE ? AIR_MUL_CONST : AIR_MUL;
        out->b = out->b == NONE ? 0 : out->b;
    } else if (n->op == EXPR_NEG) {
        out->op = AIR_CONST_SUB;
        out->a = k->value_of[n->a];
    } else {
        emit_sum(k, out, n);
    }
}

// All nodes under the constraint that have no value yet, in their order.
static void emit_constraint(compiler *k, uint32_t root)
{
    const chip *c = k->c;
    k->needed[root] = k->value_of[root] == NONE;
    uint32_t low = root;
    for (uint32_t i = root + 1; i-- > 0;) {
        if (!k->needed[i])
            continue;
        low = i;
        const expr_node *n = &c->nodes[i];
        if (n->op == EXPR_COLUMN || n->op == EXPR_CONST)
            continue;
        k->needed[n->a] = k->value_of[n->a] == NONE;
        if (n->op != EXPR_NEG)
            k->needed[n->b] = k->value_of[n->b] == NONE;
    }
    for (uint32_t i = low; i <= root; i++)
        if (k->needed[i]) {
            emit_node(k, i);
            k->needed[i] = false;
        }
}

static void emit_all(compiler *k)
{
    uint32_t first = 0;
    for (uint32_t j = 0; j < k->c->n_constraints; j++) {
        uint32_t root = k->c->constraints[j].node;
        emit_constraint(k, root);
        k->roots[j] = k->value_of[root];
        if (j + 1 - first == AIR_DOT_MAX || j + 1 == k->c->n_constraints) {
            k->list[k->n++] =
                (air_instruction){.op = AIR_DOT, .dst = NONE, .a = first, .b = j + 1 - first};
            first = j + 1;
        }
    }
}

// The value operands that an instruction reads, by address; at most 3 (DOT: its roots).
static uint32_t reads_of(compiler *k, air_instruction *i, uint32_t *reads[AIR_DOT_MAX])
{
    uint32_t n = 0;
    if (i->op == AIR_DOT) {
        for (uint32_t j = 0; j < i->b; j++)
            reads[n++] = &k->roots[i->a + j];
        return n;
    }
    reads[n++] = &i->a;
    if (i->op == AIR_ADD || i->op == AIR_SUB || i->op == AIR_MUL || i->op == AIR_MUL_ADD ||
        i->op == AIR_MUL_SUB || i->op == AIR_SUB_MUL)
        reads[n++] = &i->b;
    if (i->op == AIR_MUL_ADD || i->op == AIR_MUL_SUB || i->op == AIR_SUB_MUL ||
        i->op == AIR_MUL_CONST_ADD || i->op == AIR_MUL_CONST_SUB)
        reads[n++] = &i->c;
    return n;
}

// Value numbers to registers: a register is free again after the last read of its value. Scratch:
// last_read, register_of and free_list have n_values entries. Returns the number of registers.
static uint32_t give_registers(compiler *k, uint32_t *last_read, uint32_t *register_of,
                               uint32_t *free_list)
{
    uint32_t n_columns = k->c->n_columns, n_registers = 0, n_free = 0;
    uint32_t *reads[AIR_DOT_MAX];
    for (uint32_t i = 0; i < k->n; i++) {
        uint32_t n = reads_of(k, &k->list[i], reads);
        for (uint32_t r = 0; r < n; r++)
            if (*reads[r] >= n_columns)
                last_read[*reads[r] - n_columns] = i;
    }
    for (uint32_t i = 0; i < k->n; i++) {
        uint32_t n = reads_of(k, &k->list[i], reads);
        for (uint32_t r = 0; r < n; r++) {
            if (*reads[r] < n_columns)
                continue;
            uint32_t value = *reads[r] - n_columns;
            *reads[r] = n_columns + register_of[value];
            if (last_read[value] == i) {
                free_list[n_free++] = register_of[value];
                last_read[value] = NONE; // once, also when it is read twice here
            }
        }
        if (k->list[i].dst == NONE)
            continue;
        uint32_t value = k->list[i].dst - n_columns;
        register_of[value] = n_free > 0 ? free_list[--n_free] : n_registers++;
        k->list[i].dst = n_columns + register_of[value];
    }
    return n_registers;
}

const air_program *program_compile(chip_builder *b, const chip *c)
{
    compiler k = {.c = c};
    size_t n = c->n_nodes + 1;
    air_program *program = builder_take(b, 1, sizeof *program);
    air_instruction *list = builder_take(b, n + c->n_constraints, sizeof *list);
    k.roots = builder_take(b, c->n_constraints + 1, sizeof *k.roots);
    k.uses = calloc(n, sizeof *k.uses);
    k.fused = calloc(n, sizeof *k.fused);
    k.needed = calloc(n, sizeof *k.needed);
    k.value_of = malloc(n * sizeof *k.value_of);
    uint32_t *scratch = calloc(3 * n, sizeof *scratch);
    if (k.uses == NULL || k.fused == NULL || k.needed == NULL || k.value_of == NULL ||
        scratch == NULL)
        builder_fail(b, ZK_ENOMEM, "no memory for the program");
    if (b->error == ZK_OK) {
        memset(k.value_of, 0xFF, n * sizeof *k.value_of);
        k.list = list;
        count_uses(&k);
        emit_all(&k);
        *program = (air_program){.n_instructions = k.n, .instructions = list, .roots = k.roots};
        program->n_registers = give_registers(&k, scratch, scratch + n, scratch + 2 * n);
    }
    free(k.uses);
    free(k.fused);
    free(k.needed);
    free(k.value_of);
    free(scratch);
    return b->error == ZK_OK ? program : NULL;
}
