// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Chips: tables whose rows stand alone, declared once in one C function.
//
//     static void declare_add(chip_builder *b, const void *context)
//     {
//         expr real = chip_flag(b, "real");
//         expr x = chip_column(b, "x"), y = chip_column(b, "y"), z = chip_column(b, "z");
//         expr carry = chip_bit(b, "carry");
//         chip_equal(b, e_add(x, y), e_add(z, e_scale(1ULL << 32, carry)), "sum");
//         chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(32), z));
//     }
//
// The declaration records expressions in a DAG; everything else is derived from it: the prover's
// evaluation in blocks of rows and the verifier's at a point (program.h), the debug checker and the
// report (check.h), the digest in the key (machine.h).
//
// What a declaration promises, checked by the builder:
//  - constraints are polynomials in the columns of one row, of degree <= 4, in permutation chips
//    <= 8 (CHIP_MAX_DEGREE, CHIP_MAX_PERMUTATION_DEGREE); they vanish on every row;
//  - multiplicity and fields of an interaction are affine in the columns, and there are as many
//    fields as the catalogue (tuples.h) says;
//  - a chip has one real flag (boolean by an added constraint; a column or an affine sum of
//    selectors) and it is the multiplicity of *all* its interactions, never negated: sending minus
//    once would be receiving. Only table chips have no flag and free multiplicities; they do
//    nothing but receive tuples of domains of class TABLE, whose fields are made of closed-form and
//    preprocessed columns;
//  - nobody else receives those, but for a chip that splits range checks: it receives one
//    RANGE(w, v), sends RANGE(w_i, v_i) with constant widths that add up to w, in increasing order
//    of their place in v = sum_i 2^(w_0 + .. + w_(i-1)) v_i, and has no other interaction;
//  - the padding row (all committed and preprocessed cells zero) satisfies all constraints and has
//    multiplicity zero in all interactions;
//  - a chip with closed-form columns has a fixed height.
// The first violation makes chip_build fail with a message that names chip and object; later calls
// on the builder do nothing. A declaration must be a pure function of its context.
#include "air/closed.h"
#include "air/tuples.h"
#include "base/arena.h"

enum {
    CHIP_MAX_DEGREE = 4,
    CHIP_MAX_PERMUTATION_DEGREE = 8,
    CHIP_MAX_COLUMNS = 1024,
    CHIP_MAX_INTERACTIONS = 512,
    CHIP_MAX_CONSTRAINTS = 2048,
    CHIP_MIN_LOG_HEIGHT = 6,
    CHIP_MAX_LOG_HEIGHT = 26,
};

// ---- Expressions -------------------------------------------------------------------------------

typedef struct chip_builder chip_builder;

// A polynomial in the columns of one row. A handle: copied freely, valid while its builder lives.
typedef struct expr {
    chip_builder *owner; // NULL: the constant `value`
    uint64_t value;      // index of the node in the owner's DAG
} expr;

expr e_const(uint64_t value); // reduced mod p
expr e_int(int64_t value);    // negative values are p - |value|
expr e_add(expr a, expr b);
expr e_sub(expr a, expr b);
expr e_mul(expr a, expr b);
expr e_neg(expr a);
expr e_scale(uint64_t factor, expr a);              // factor * a
expr e_not(expr bit);                               // 1 - bit
expr e_select(expr bit, expr if_one, expr if_zero); // if_zero + bit (if_one - if_zero)
expr e_sum(const expr *terms, size_t n);
expr e_pack(const expr *limbs, size_t n, unsigned bits); // sum_i 2^(bits i) limbs[i], mod p

#define FIELDS(...) (const expr[]){__VA_ARGS__}, sizeof((const expr[]){__VA_ARGS__}) / sizeof(expr)
#define E_SUM(...)  e_sum(FIELDS(__VA_ARGS__))

// ---- Declaration -------------------------------------------------------------------------------

// Attributes; before the objects that they concern.
void chip_permutation(chip_builder *b);                       // degree <= 8
void chip_table(chip_builder *b);                             // free multiplicities
void chip_fixed_height(chip_builder *b, unsigned log_height); // 6..26

// Columns. Names are unique in the chip, and copied. They are numbered in the order of the calls:
// no two calls in one initialiser or argument list, where C leaves the order open.
expr chip_column(chip_builder *b, const char *name);       // committed
expr chip_bit(chip_builder *b, const char *name);          // committed, with a boolean constraint
expr chip_preprocessed(chip_builder *b, const char *name); // values fixed by the key
expr chip_closed(chip_builder *b, const char *name, closed_form form);
void chip_columns(chip_builder *b, expr *out, const char *stem, size_t n); // stem[0], stem[1], ..

// The real flag. chip_flag: a committed column that is it.
expr chip_flag(chip_builder *b, const char *name);
void chip_real_flag(chip_builder *b, expr flag); // adds the constraint that flag is boolean

// Constraints, with a name by a printf format (unique in the chip).
void chip_zero(chip_builder *b, expr e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void chip_equal(chip_builder *b, expr lhs, expr rhs, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void chip_boolean(chip_builder *b, expr e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Interactions: chip_send(b, TUPLE_STATE, real, FIELDS(pc, ts)).
void chip_send(chip_builder *b, tuple_domain domain, expr multiplicity, const expr *fields,
               size_t n_fields);
void chip_receive(chip_builder *b, tuple_domain domain, expr multiplicity, const expr *fields,
                  size_t n_fields);

// ---- The finished chip -------------------------------------------------------------------------

typedef enum column_kind {
    COLUMN_COMMITTED,
    COLUMN_PREPROCESSED,
    COLUMN_CLOSED,
    COLUMN_KIND_COUNT
} column_kind;

// Columns are numbered committed first, then preprocessed, then closed, each kind in order of
// declaration. "Column j" everywhere means this number.
typedef struct chip_column_info {
    const char *name;
    column_kind kind;
    closed_form closed; // COLUMN_CLOSED only
} chip_column_info;

// constant + sum coef * column; terms in increasing order of column, no zero coefficients.
typedef struct affine_term {
    uint32_t column;
    fe coef;
} affine_term;

typedef struct affine {
    fe constant;
    uint32_t n_terms;
    const affine_term *terms;
} affine;

typedef enum expr_op { EXPR_COLUMN, EXPR_CONST, EXPR_ADD, EXPR_SUB, EXPR_MUL, EXPR_NEG } expr_op;

// Nodes refer to earlier nodes only. value: COLUMN: the column number; CONST: the constant.
typedef struct expr_node {
    expr_op op;
    uint32_t a, b;
    fe value;
} expr_node;

typedef struct chip_constraint {
    const char *name;
    uint32_t node;
    unsigned degree;
} chip_constraint;

typedef struct chip_interaction {
    const tuple_info *tuple;
    bool is_send;
    affine multiplicity; // signed: negated for a received tuple
    unsigned n_fields;
    const affine *fields; // without the domain tag
    // The columns of all fields together, increasing: the support of the denominator. The supports
    // of all interactions of a chip are numbered through; first_support is the number of the first.
    uint32_t n_support, first_support;
    const uint32_t *support;
} chip_interaction;

struct air_program;

typedef struct chip {
    const char *name;
    bool is_table;
    bool is_permutation;
    unsigned fixed_log_height; // 0: data of the instance
    unsigned max_degree;       // of the constraints; 0 without constraints
    uint32_t n_columns;        // = n_committed + n_preprocessed + n_closed
    uint32_t n_committed, n_preprocessed, n_closed;
    uint32_t n_constraints, n_interactions, n_nodes;
    uint32_t n_support; // sum over all interactions
    const chip_column_info *columns;
    const chip_constraint *constraints;
    const chip_interaction *interactions;
    const expr_node *nodes;
    affine real_flag; // all zero in table chips
    const struct air_program *program;
    arena memory; // holds all of the above and the chip itself
} chip;

typedef void (*chip_declare)(chip_builder *b, const void *context);

// Runs the declaration and compiles it. ZK_EINVAL: the declaration breaks a rule above;
// ZK_ELIMIT: a CHIP_MAX_ limit; ZK_ENOMEM. *out is owned by the caller (chip_free), never changes.
MUST_CHECK status chip_build(chip **out, const char *name, chip_declare declare,
                             const void *context);
void chip_free(chip *c); // NULL is allowed

// Number of the named column, or -1.
int chip_find_column(const chip *c, const char *name);
