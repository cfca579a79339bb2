// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/chip.h"
#include "air/chip_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 128 };

void builder_fail(chip_builder *b, status code, const char *format, ...)
{
    if (b->error != ZK_OK)
        return;
    char message[320];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    b->error = status_fail(code, __FILE__, __LINE__, "", "chip %s: %s", b->name, message);
}

void *builder_take(chip_builder *b, size_t n, size_t item_bytes)
{
    void *p;
    if (arena_alloc(&p, &b->memory, n, item_bytes) != ZK_OK)
        builder_fail(b, ZK_ENOMEM, "no memory for the declaration");
    return p;
}

bool builder_reserve(chip_builder *b, void **array, uint32_t n, uint32_t *capacity, size_t size)
{
    if (n < *capacity)
        return true;
    uint32_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL) {
        builder_fail(b, ZK_ENOMEM, "no memory for the declaration");
        return false;
    }
    *array = grown;
    *capacity = wanted;
    return true;
}

// ---- Attributes
// ----------------------------------------------------------------------------------

void chip_permutation(chip_builder *b)
{
    if (b->n_constraints > 0)
        builder_fail(b, ZK_EINVAL, "chip_permutation comes after a constraint; put it first");
    b->is_permutation = true;
}

void chip_table(chip_builder *b)
{
    if (b->has_flag)
        builder_fail(b, ZK_EINVAL, "a table chip has no real flag");
    b->is_table = true;
}

void chip_fixed_height(chip_builder *b, unsigned log_height)
{
    if (log_height < CHIP_MIN_LOG_HEIGHT || log_height > CHIP_MAX_LOG_HEIGHT)
        builder_fail(b, ZK_EINVAL, "fixed height 2^%u is outside 2^%d..2^%d", log_height,
                     CHIP_MIN_LOG_HEIGHT, CHIP_MAX_LOG_HEIGHT);
    else if (b->fixed_log_height != 0 || b->n_columns > 0)
        builder_fail(b, ZK_EINVAL, "the fixed height is declared once, before all columns");
    b->fixed_log_height = log_height;
}

// ---- Columns
// -------------------------------------------------------------------------------------

static const char *keep_name(chip_builder *b, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= NAME_MAX_BYTES) {
        builder_fail(b, ZK_EINVAL, "a name of %zu bytes (1..%d are allowed)", length,
                     NAME_MAX_BYTES - 1);
        return "";
    }
    char *copy = builder_take(b, length + 1, 1);
    if (copy == NULL)
        return "";
    memcpy(copy, name, length + 1);
    return copy;
}

static expr add_column(chip_builder *b, const char *name, column_kind kind, closed_form form)
{
    if (b->error != ZK_OK)
        return e_const(0);
    for (uint32_t i = 0; i < b->n_columns; i++)
        if (strcmp(b->columns[i].name, name) == 0)
            builder_fail(b, ZK_EINVAL, "two columns are named %s", name);
    if (b->n_columns >= CHIP_MAX_COLUMNS)
        builder_fail(b, ZK_ELIMIT, "more than %d columns", CHIP_MAX_COLUMNS);
    const char *kept = keep_name(b, name);
    if (b->error != ZK_OK || !builder_reserve(b, (void **)&b->columns, b->n_columns,
                                              &b->columns_capacity, sizeof *b->columns))
        return e_const(0);
    b->columns[b->n_columns] = (chip_column_info){.name = kept, .kind = kind, .closed = form};
    return builder_column_node(b, b->n_columns++);
}

expr chip_column(chip_builder *b, const char *name)
{
    return add_column(b, name, COLUMN_COMMITTED, (closed_form){0});
}

expr chip_bit(chip_builder *b, const char *name)
{
    expr bit = chip_column(b, name);
    chip_boolean(b, bit, "%s is boolean", name);
    return bit;
}

expr chip_preprocessed(chip_builder *b, const char *name)
{
    return add_column(b, name, COLUMN_PREPROCESSED, (closed_form){0});
}

expr chip_closed(chip_builder *b, const char *name, closed_form form)
{
    if (b->fixed_log_height == 0)
        builder_fail(b, ZK_EINVAL, "closed-form column %s needs a fixed height", name);
    else if (!closed_is_valid(&form, b->fixed_log_height))
        builder_fail(b, ZK_EINVAL,
                     "closed-form column %s (%s, bits %u, shifts %u and %u) does not "
                     "fit an index of %u bits",
                     name, closed_kind_name(form.kind), form.bits, form.shift, form.shift_b,
                     b->fixed_log_height);
    return add_column(b, name, COLUMN_CLOSED, form);
}

void chip_columns(chip_builder *b, expr *out, const char *stem, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[NAME_MAX_BYTES + 32];
        snprintf(name, sizeof name, "%s[%zu]", stem, i);
        out[i] = chip_column(b, name);
    }
}

expr chip_flag(chip_builder *b, const char *name)
{
    expr flag = chip_column(b, name);
    chip_real_flag(b, flag);
    return flag;
}

void chip_real_flag(chip_builder *b, expr flag)
{
    if (b->has_flag)
        builder_fail(b, ZK_EINVAL, "the real flag is declared twice");
    if (b->is_table)
        builder_fail(b, ZK_EINVAL, "a table chip has no real flag");
    if (expr_degree(flag) != 1)
        builder_fail(b, ZK_EINVAL, "the real flag has degree %u; it must be affine in the columns",
                     expr_degree(flag));
    b->has_flag = true;
    b->flag = flag;
    chip_boolean(b, flag, "real flag is boolean");
}

// ---- Constraints
// ---------------------------------------------------------------------------------

static void add_constraint(chip_builder *b, expr e, const char *format, va_list args)
{
    if (b->error != ZK_OK)
        return;
    char name[2 * NAME_MAX_BYTES];
    vsnprintf(name, sizeof name, format, args);
    for (uint32_t i = 0; i < b->n_constraints; i++)
        if (strcmp(b->constraints[i].name, name) == 0)
            builder_fail(b, ZK_EINVAL, "two constraints are named \"%s\"", name);
    unsigned degree = expr_degree(e);
    unsigned limit = b->is_permutation ? CHIP_MAX_PERMUTATION_DEGREE : CHIP_MAX_DEGREE;
    if (degree > limit)
        builder_fail(
            b, ZK_EINVAL,
            "constraint \"%s\" has degree %u, above %u; add a column for a partial product", name,
            degree, limit);
    if (degree == 0)
        builder_fail(b, ZK_EINVAL, "constraint \"%s\" is the constant %llu", name,
                     e.owner == NULL ? (unsigned long long)e.value : 0ULL);
    if (b->n_constraints >= CHIP_MAX_CONSTRAINTS)
        builder_fail(b, ZK_ELIMIT, "more than %d constraints", CHIP_MAX_CONSTRAINTS);
    if (e.owner != NULL && e.owner != b)
        builder_fail(b, ZK_EINVAL, "constraint \"%s\" is about columns of chip %s", name,
                     e.owner->name);
    const char *kept = keep_name(b, name);
    if (b->error != ZK_OK || !builder_reserve(b, (void **)&b->constraints, b->n_constraints,
                                              &b->constraints_capacity, sizeof *b->constraints))
        return;
    b->constraints[b->n_constraints++] =
        (pending_constraint){.name = kept, .node = builder_node_of(b, e)};
}

void chip_zero(chip_builder *b, expr e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_constraint(b, e, format, args);
    va_end(args);
}

void chip_equal(chip_builder *b, expr lhs, expr rhs, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_constraint(b, e_sub(lhs, rhs), format, args);
    va_end(args);
}

void chip_boolean(chip_builder *b, expr e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_constraint(b, e_mul(e, e_sub(e, e_const(1))), format, args);
    va_end(args);
}

// ---- Interactions
// --------------------------------------------------------------------------------

static void add_interaction(chip_builder *b, bool is_send, tuple_domain domain, expr multiplicity,
                            const expr *fields, size_t n_fields)
{
    if (b->error != ZK_OK)
        return;
    const tuple_info *tuple = tuple_find(domain);
    const char *verb = is_send ? "sends" : "receives";
    if (tuple == NULL) {
        builder_fail(b, ZK_EINVAL, "%s a tuple of the unknown domain %d", verb, (int)domain);
        return;
    }
    if (n_fields != tuple->n_fields)
        builder_fail(b, ZK_EINVAL, "%s %s with %zu fields; the catalogue has %u (%s)", verb,
                     tuple->name, n_fields, tuple->n_fields, tuple->fields);
    if (expr_degree(multiplicity) > 1)
        builder_fail(b, ZK_EINVAL, "%s %s with a multiplicity of degree %u; it must be affine",
                     verb, tuple->name, expr_degree(multiplicity));
    for (size_t i = 0; i < n_fields; i++) {
        if (expr_degree(fields[i]) > 1)
            builder_fail(b, ZK_EINVAL,
                         "%s %s (%s) with field %zu of degree %u; it must be affine (add a column)",
                         verb, tuple->name, tuple->fields, i, expr_degree(fields[i]));
        if (fields[i].owner != NULL && fields[i].owner != b)
            builder_fail(b, ZK_EINVAL, "%s %s with columns of chip %s", verb, tuple->name,
                         fields[i].owner->name);
    }
    if (multiplicity.owner != NULL && multiplicity.owner != b)
        builder_fail(b, ZK_EINVAL, "%s %s with columns of chip %s", verb, tuple->name,
                     multiplicity.owner->name);
    if (b->n_interactions >= CHIP_MAX_INTERACTIONS)
        builder_fail(b, ZK_ELIMIT, "more than %d interactions", CHIP_MAX_INTERACTIONS);
    expr *kept = b->error == ZK_OK ? builder_take(b, n_fields, sizeof *kept) : NULL;
    if (b->error != ZK_OK || !builder_reserve(b, (void **)&b->interactions, b->n_interactions,
                                              &b->interactions_capacity, sizeof *b->interactions))
        return;
    memcpy(kept, fields, n_fields * sizeof *kept);
    b->interactions[b->n_interactions++] = (pending_interaction){
        .tuple = tuple, .is_send = is_send, .multiplicity = multiplicity, .fields = kept};
}

void chip_send(chip_builder *b, tuple_domain domain, expr multiplicity, const expr *fields,
               size_t n_fields)
{
    add_interaction(b, true, domain, multiplicity, fields, n_fields);
}

void chip_receive(chip_builder *b, tuple_domain domain, expr multiplicity, const expr *fields,
                  size_t n_fields)
{
    add_interaction(b, false, domain, multiplicity, fields, n_fields);
}

// ---- Build
// ---------------------------------------------------------------------------------------

status chip_build(chip **out, const char *name, chip_declare declare, const void *context)
{
    *out = NULL;
    chip_builder b = {.name = name};
    arena_init(&b.memory, 0);
    b.name = keep_name(&b, name);
    if (b.error == ZK_OK)
        declare(&b, context);
    chip *c = b.error == ZK_OK ? builder_take(&b, 1, sizeof *c) : NULL;
    if (b.error == ZK_OK)
        builder_finish(&b, c);
    free(b.nodes);
    free(b.degrees);
    free(b.table);
    free(b.columns);
    free(b.constraints);
    free(b.interactions);
    if (b.error != ZK_OK) {
        arena_clear(&b.memory);
        return b.error;
    }
    c->memory = b.memory;
    *out = c;
    return ZK_OK;
}

void chip_free(chip *c)
{
    if (c == NULL)
        return;
    arena memory = c->memory; // the chip lies in its own arena
    arena_clear(&memory);
}

int chip_find_column(const chip *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_columns; i++)
        if (strcmp(c->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}
