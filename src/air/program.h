// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Evaluation of a chip's constraints and interactions: a straight-line program compiled from the
// declaration (common subexpressions shared, constants folded, registers reused), run over blocks
// of rows by vector kernels, or at one point of K.
//
// Conventions
//  - A block has n rows, n a multiple of AIR_BLOCK_ALIGN and at most AIR_BLOCK_MAX. 64 to 256 keep
//    the registers in the first-level cache.
//  - "Planar K": an array of 3 n elements, coordinate c of row i at [c n + i].
//  - Columns are numbered as in chip.h (committed, preprocessed, closed). `columns[j]` points to
//    the n cells of column j (base), or to planar K cells (extension). No alignment is needed.
//  - Columns that no constraint (air_eval_*) or no term (others) uses may be NULL.
//  - All buffers hold canonical elements; outputs do not alias inputs. Thread-safe.
//  - The same results from every tier.
#include "air/chip.h"

enum {
    AIR_BLOCK_ALIGN = 8,
    AIR_BLOCK_MAX = 1024,
};

// The interactions of a chip bound to challenges: denominators
// d_k = gamma + tag + sum_t beta^t field_t, as one coefficient of K per column of the support.
typedef struct air_fractions {
    const chip *c;
    const fe3 *constants;    // [n_interactions]
    const fe3 *coefficients; // of interaction k: [first_support .. + n_support)
} air_fractions;

// Number of fe3 that air_fractions_bind needs.
size_t air_fractions_size(const chip *c);

// Binds; `memory` stays in use as long as *out is.
void air_fractions_bind(air_fractions *out, const chip *c, fe3 gamma, fe3 beta, fe3 *memory);

// Number of fe of scratch that air_ops need for blocks of n rows (extension: K columns).
size_t air_scratch_base(const chip *c, size_t n);
size_t air_scratch_extension(const chip *c, size_t n);

typedef struct air_ops {
    const char *tier; // "scalar", "avx2", "avx512"

    // acc (planar K) := sum_j coefs[j] C_j(row), j over all constraints of the chip.
    void (*eval_base)(fe *acc, const chip *c, const fe *const *columns, const fe3 *coefs, size_t n,
                      fe *scratch);
    // The same over planar K columns.
    void (*eval_extension)(fe *acc, const chip *c, const fe *const *columns, const fe3 *coefs,
                           size_t n, fe *scratch);

    // m := numerator (base, sign included) and d := denominator (planar K) of interaction k.
    void (*fraction)(fe *m, fe *d, const air_fractions *f, size_t k, const fe *const *columns,
                     size_t n);

    // acc (planar K) := constant + sum_j coefs[j] column_j, j < n_columns, over base columns.
    // For the collapsed interactions, and for any other combination of columns.
    void (*linear_base)(fe *acc, fe3 constant, const fe3 *coefs, const fe *const *columns,
                        size_t n_columns, size_t n);
    // The same over planar K columns.
    void (*linear_extension)(fe *acc, fe3 constant, const fe3 *coefs, const fe *const *columns,
                             size_t n_columns, size_t n);
} air_ops;

// The table of this machine's best tier (honours ZISK_CPU).
const air_ops *air_ops_get(void);

// sum_k s[k] (m_k + lambda d_k) = *constant + sum_j coefs[j] column_j: the interactions of a chip
// as one linear form. coefs: [n_columns], overwritten.
void air_collapse_interactions(fe3 *coefs, fe3 *constant, const air_fractions *f, const fe3 *s,
                               fe3 lambda);

// ---- At a point, for the verifier. Circuit subset: control flow depends on the chip only. -------

// Number of fe3 of scratch.
size_t air_scratch_point(const chip *c);

// sum_j coefs[j] C_j(values), values: [n_columns].
fe3 air_eval_point(const chip *c, const fe3 *values, const fe3 *coefs, fe3 *scratch);

// sum_k s[k] (m_k + lambda d_k) at values, beta_powers[t] = beta^t for t <= TUPLE_MAX_FIELDS.
fe3 air_interactions_point(const chip *c, const fe3 *values, const fe3 *s, fe3 gamma,
                           const fe3 *beta_powers, fe3 lambda);

// ---- Facts about the program, for reports and benches -------------------------------------------

typedef struct air_program_info {
    unsigned n_instructions, n_registers;
    unsigned n_mul, n_mul_const, n_add; // multiplications, by a constant, additions and the like
    unsigned n_constraints;             // one multiplication by a coefficient each
} air_program_info;

air_program_info air_program_describe(const chip *c);
