// SPDX-License-Identifier: Apache-2.0 OR MIT
// Compiler from the factored DAG to a straight-line program.
//
// Constraints are taken group by group; each one's missing nodes are emitted operands first, so
// that values live shortly. After AIR_DOT_MAX constraints, or at the end of a group, one DOT
// multiplies their quotients by the coefficients and adds them up under one reduction. A product
// that is used once, by an addition or subtraction, becomes part of it; x (x - 1) and squares have
// instructions of their own. Registers are given by a linear scan over the finished list.
#include "air/program_compile.h"
#include "air/chip_builder.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = AIR_NO_OPERAND };

typedef struct compiler {
    const chip *c;
    factored f;
    uint32_t *uses;        // of each node by needed nodes, quotients and factors
    bool *fused;           // the node is computed by the one node that uses it
    uint32_t *value_of;    // operand that holds the node: a column, or n_columns + value number
    bool *needed;          // marks of the constraint in work
    air_instruction *list; // operands from n_columns on are value numbers until registers are given
    uint32_t n, n_values;
    uint32_t *roots;
} compiler;

static bool is_const(const compiler *k, uint32_t node)
{
    return k->f.nodes[node].op == EXPR_CONST;
}

static bool is_leaf(const expr_node *n)
{
    return n->op == EXPR_COLUMN || n->op == EXPR_CONST;
}

// A square has a cheaper instruction of its own.
static bool is_product_to_fuse(const compiler *k, uint32_t node)
{
    const expr_node *n = &k->f.nodes[node];
    return n->op == EXPR_MUL && n->a != n->b && k->uses[node] == 1;
}

// minus_one = x - 1, used here only.
static bool is_minus_one(const compiler *k, uint32_t x, uint32_t minus_one)
{
    const expr_node *n = &k->f.nodes[minus_one];
    return n->op == EXPR_SUB && n->a == x && is_const(k, n->b) && k->f.nodes[n->b].value == 1 &&
           k->uses[minus_one] == 1;
}

// Uses by what is really computed: from the quotients and factors down.
static void count_uses(compiler *k)
{
    for (uint32_t i = 0; i < k->c->n_constraints; i++) {
        k->uses[k->f.root[i]]++;
        if (k->f.factor[i] != NONE)
            k->uses[k->f.factor[i]]++;
    }
    for (uint32_t i = k->f.n_nodes; i-- > 0;) {
        const expr_node *n = &k->f.nodes[i];
        if (k->uses[i] == 0 || is_leaf(n))
            continue;
        k->uses[n->a]++;
        if (n->op != EXPR_NEG)
            k->uses[n->b]++;
    }
}

static void mark_fused(compiler *k)
{
    for (uint32_t i = 0; i < k->f.n_nodes; i++) {
        const expr_node *n = &k->f.nodes[i];
        if (k->uses[i] == 0 || is_leaf(n))
            continue;
        if (n->op == EXPR_MUL && is_minus_one(k, n->a, n->b))
            k->fused[n->b] = true;
        else if (n->op == EXPR_MUL && is_minus_one(k, n->b, n->a))
            k->fused[n->a] = true;
        if (n->op != EXPR_ADD && n->op != EXPR_SUB)
            continue;
        if (is_product_to_fuse(k, n->a) && !is_const(k, n->b))
            k->fused[n->a] = true;
        else if (is_product_to_fuse(k, n->b) && !is_const(k, n->a))
            k->fused[n->b] = true;
    }
    // A product of the form x (x - 1) is not fused further: its own instruction is better.
    for (uint32_t i = 0; i < k->f.n_nodes; i++) {
        const expr_node *n = &k->f.nodes[i];
        if (n->op == EXPR_MUL && k->fused[i] &&
            (is_minus_one(k, n->a, n->b) || is_minus_one(k, n->b, n->a)))
            k->fused[i] = false;
    }
}

// A product's factors; the constant one, if any, goes into *value and *b is NONE.
static void factors_of(const compiler *k, uint32_t product, uint32_t *a, uint32_t *b, fe *value)
{
    const expr_node *n = &k->f.nodes[product];
    bool a_is_const = is_const(k, n->a), b_is_const = is_const(k, n->b);
    ZK_ASSERT(!(a_is_const && b_is_const)); // folded by the builder
    *value = a_is_const ? k->f.nodes[n->a].value : b_is_const ? k->f.nodes[n->b].value : 0;
    *a = k->value_of[a_is_const ? n->b : n->a];
    *b = a_is_const || b_is_const ? NONE : k->value_of[n->b];
}

static void emit_product(compiler *k, air_instruction *out, uint32_t node)
{
    const expr_node *n = &k->f.nodes[node];
    if (k->fused[n->b] || k->fused[n->a]) {
        out->op = AIR_SQR_SUB;
        out->a = k->value_of[k->fused[n->b] ? n->a : n->b];
        return;
    }
    factors_of(k, node, &out->a, &out->b, &out->value);
    out->op = out->b == NONE ? AIR_MUL_CONST : out->a == out->b ? AIR_SQR : AIR_MUL;
    out->b = out->op == AIR_MUL ? out->b : 0;
}

static void emit_fused_sum(compiler *k, air_instruction *out, const expr_node *n)
{
    bool product_first = k->fused[n->a];
    factors_of(k, product_first ? n->a : n->b, &out->a, &out->b, &out->value);
    out->c = k->value_of[product_first ? n->b : n->a];
    if (out->b != NONE) {
        out->op = n->op == EXPR_ADD ? AIR_MUL_ADD : product_first ? AIR_MUL_SUB : AIR_SUB_MUL;
        return;
    }
    out->b = 0;
    if (n->op == EXPR_SUB && product_first) {
        out->op = AIR_MUL_CONST_SUB;
        return;
    }
    out->op = AIR_MUL_CONST_ADD;
    if (n->op == EXPR_SUB)
        out->value = fe_neg(out->value);
}

static void emit_sum(compiler *k, air_instruction *out, const expr_node *n)
{
    const expr_node *a = &k->f.nodes[n->a], *b = &k->f.nodes[n->b];
    if (k->fused[n->a] || k->fused[n->b]) {
        emit_fused_sum(k, out, n);
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
    const expr_node *n = &k->f.nodes[node];
    if (n->op == EXPR_COLUMN) {
        k->value_of[node] = (uint32_t)n->value;
        return;
    }
    if (n->op == EXPR_CONST || k->fused[node]) {
        k->value_of[node] = 0; // read by no operand: constants and fused nodes are immediate
        return;
    }
    air_instruction *out = &k->list[k->n++];
    *out = (air_instruction){.dst = k->c->n_columns + k->n_values++};
    k->value_of[node] = out->dst;
    if (n->op == EXPR_MUL) {
        emit_product(k, out, node);
    } else if (n->op == EXPR_NEG) {
        out->op = AIR_CONST_SUB;
        out->a = k->value_of[n->a];
    } else {
        emit_sum(k, out, n);
    }
}

// All nodes under the root that have no value yet, in their order. Returns the root's operand.
static uint32_t emit_tree(compiler *k, uint32_t root)
{
    k->needed[root] = k->value_of[root] == NONE;
    uint32_t low = root;
    for (uint32_t i = root + 1; i-- > 0;) {
        if (!k->needed[i])
            continue;
        low = i;
        const expr_node *n = &k->f.nodes[i];
        if (is_leaf(n))
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
    return k->value_of[root];
}

static void emit_all(compiler *k)
{
    uint32_t first = 0, n = k->c->n_constraints;
    for (uint32_t i = 0; i < n; i++) {
        k->roots[i] = emit_tree(k, k->f.root[i]);
        uint32_t factor = k->f.factor[i];
        if (i + 1 - first < AIR_DOT_MAX && i + 1 < n && k->f.factor[i + 1] == factor)
            continue;
        uint32_t operand = factor == NONE ? NONE : emit_tree(k, factor);
        k->list[k->n++] = (air_instruction){
            .op = AIR_DOT, .dst = NONE, .a = first, .b = i + 1 - first, .c = operand};
        first = i + 1;
    }
}

enum { MAX_READS = AIR_DOT_MAX + 1 };

// The operands that an instruction reads, by address.
static uint32_t reads_of(compiler *k, air_instruction *i, uint32_t *reads[MAX_READS])
{
    uint32_t n = 0;
    if (i->op == AIR_DOT) {
        for (uint32_t j = 0; j < i->b; j++)
            reads[n++] = &k->roots[i->a + j];
        if (i->c != NONE)
            reads[n++] = &i->c;
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
    uint32_t *reads[MAX_READS];
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

// The finished program; everything that it keeps is in the builder's arena.
static const air_program *keep(chip_builder *b, compiler *k, uint32_t *scratch, size_t n)
{
    air_program *program = builder_take(b, 1, sizeof *program);
    air_instruction *list = builder_take(b, k->n, sizeof *list);
    uint32_t *roots = builder_take(b, k->c->n_constraints, sizeof *roots);
    uint32_t *order = builder_take(b, k->c->n_constraints, sizeof *order);
    if (b->error != ZK_OK)
        return NULL;
    uint32_t n_registers = give_registers(k, scratch, scratch + n, scratch + 2 * n);
    memcpy(list, k->list, k->n * sizeof *list);
    memcpy(roots, k->roots, k->c->n_constraints * sizeof *roots);
    memcpy(order, k->f.order, k->c->n_constraints * sizeof *order);
    *program = (air_program){.n_instructions = k->n,
                             .n_registers = n_registers,
                             .instructions = list,
                             .roots = roots,
                             .order = order};
    return program;
}

const air_program *program_compile(chip_builder *b, const chip *c)
{
    compiler k = {.c = c};
    const air_program *program = NULL;
    bool ok = program_factor(&k.f, c);
    size_t n = k.f.n_nodes + 1;
    k.uses = calloc(n, sizeof *k.uses);
    k.fused = calloc(n, sizeof *k.fused);
    k.needed = calloc(n, sizeof *k.needed);
    k.value_of = malloc(n * sizeof *k.value_of);
    k.list = calloc(n + c->n_constraints, sizeof *k.list);
    k.roots = calloc(c->n_constraints + 1, sizeof *k.roots);
    uint32_t *scratch = calloc(3 * n, sizeof *scratch);
    if (!ok || k.uses == NULL || k.fused == NULL || k.needed == NULL || k.value_of == NULL ||
        k.list == NULL || k.roots == NULL || scratch == NULL) {
        builder_fail(b, ZK_ENOMEM, "no memory for the program");
    } else {
        memset(k.value_of, 0xFF, n * sizeof *k.value_of);
        count_uses(&k);
        mark_fused(&k);
        emit_all(&k);
        program = keep(b, &k, scratch, n);
    }
    factored_clear(&k.f);
    free(k.uses);
    free(k.fused);
    free(k.needed);
    free(k.value_of);
    free(k.list);
    free(k.roots);
    free(scratch);
    return program;
}
