// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The inside of a chip_builder, shared by expr.c (the DAG), chip.c (declarations) and
// chip_finish.c (checks and the finished chip). Not for other layers.
//
// The first failure is kept in `error` (its message in the thread's trail); from then on every call
// is a no-op and expressions are the constant 0, so that a declaration never has to test anything.
#include "air/chip.h"

#include <stdarg.h>

typedef struct pending_constraint {
    const char *name;
    uint32_t node;
} pending_constraint;

typedef struct pending_interaction {
    const tuple_info *tuple;
    bool is_send;
    expr multiplicity;
    expr *fields; // tuple->n_fields, in the arena
} pending_interaction;

struct chip_builder {
    const char *name;
    status error;
    arena memory; // handed over to the finished chip

    bool is_table, is_permutation, has_flag;
    unsigned fixed_log_height;
    expr flag;

    // The DAG. COLUMN nodes hold the number in order of declaration until the chip is finished.
    // Equal nodes are one node: `table` is an open-addressing hash of node numbers + 1.
    expr_node *nodes;
    uint16_t *degrees;
    uint32_t n_nodes, nodes_capacity;
    uint32_t *table;
    uint32_t table_size; // a power of two, at least twice n_nodes

    chip_column_info *columns; // in order of declaration
    uint32_t n_columns, columns_capacity;
    pending_constraint *constraints;
    uint32_t n_constraints, constraints_capacity;
    pending_interaction *interactions;
    uint32_t n_interactions, interactions_capacity;
};

enum { CHIP_MAX_NODES = 1 << 20 };

// Keeps the first failure; the message is prefixed with the chip's name.
void builder_fail(chip_builder *b, status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Memory that lives as long as the chip; NULL (and failed) when there is none.
void *builder_take(chip_builder *b, size_t n, size_t item_bytes);

// Makes room for one more element in a growing array; false (and failed) when memory is out.
bool builder_reserve(chip_builder *b, void **array, uint32_t n, uint32_t *capacity, size_t size);

// The (shared) node; folded constants come back as handles without owner.
expr builder_node(chip_builder *b, expr_op op, expr x, expr y);
expr builder_column_node(chip_builder *b, uint32_t column);

unsigned expr_degree(expr e);

// Node number of the expression, making a CONST node for a constant.
uint32_t builder_node_of(chip_builder *b, expr e);

// Checks and the finished chip; sets error on failure.
void builder_finish(chip_builder *b, chip *out);
