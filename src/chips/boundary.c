// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/boundary.h"

#include "chips/gadgets.h"

// ---- Shared pieces -----------------------------------------------------------------------------

// A row of the boundary is no step of a program, but it has what most gadgets need.
static step boundary_row(chip_builder *b, const boundary_context *c, expr real)
{
    return (step){.b = b, .shape = c->shape, .real = real};
}

// The row's link of the chain: columns gap.0, gap.1 with previous = key - 1 - gap.
static void declare_link(const step *row, expr key)
{
    expr previous = e_sub(e_sub(key, e_const(1)), checked_limb(row, "gap"));
    chip_receive(row->b, TUPLE_ADDR, row->real, FIELDS(e_const(0), previous));
    chip_send(row->b, TUPLE_ADDR, row->real, FIELDS(e_const(0), key));
}

// Keys that do not ascend, or by too much, give a cell that no range check lets through: forged
// runs get as far as that.
static void put_link(fe *const *columns, uint32_t *next, size_t row, const boundary_word *w)
{
    uint64_t gap = w->key - w->previous_key - 1;
    columns[(*next)++][row] = gap & 0xffff;
    columns[(*next)++][row] = gap >> 16;
}

// First and last tuple of the row's word.
static void declare_ends(const step *row, expr space, expr address, word first, word last)
{
    expr last_ts = chip_column(row->b, "last_ts");
    chip_send(row->b, TUPLE_MEM, row->real, FIELDS(space, address, first.lo, first.hi, e_const(0)));
    chip_receive(row->b, TUPLE_MEM, row->real, FIELDS(space, address, last.lo, last.hi, last_ts));
}

// Columns last_lo, last_hi.
static word last_columns(chip_builder *b)
{
    word w = {.lo = chip_column(b, "last_lo")};
    w.hi = chip_column(b, "last_hi");
    return w;
}

static const word zero_word; // both limbs the constant 0

static void put_last(fe *const *columns, uint32_t *next, size_t row, const boundary_word *w)
{
    columns[(*next)++][row] = (uint32_t)w->last;
    columns[(*next)++][row] = w->last >> 32;
}

// ---- PROGRAM
// -------------------------------------------------------------------------------------

static void declare_program(chip_builder *b, const void *context)
{
    (void)context;
    static const char *const names[FETCH_FIELDS] = {"pc",  "class",  "rd",     "rs1",
                                                    "rs2", "imm_lo", "imm_hi", "flags"};
    chip_table(b);
    expr n = chip_column(b, "n");
    expr fields[FETCH_FIELDS];
    for (int i = 0; i < FETCH_FIELDS; i++)
        fields[i] = chip_preprocessed(b, names[i]);
    chip_receive(b, TUPLE_FETCH, n, fields, FETCH_FIELDS);
}

void fix_program(fe *const *columns, size_t row, const fetch_row *f)
{
    for (int i = 0; i < FETCH_FIELDS; i++)
        columns[i][row] = f->field[i];
}

// ---- IMAGE
// ---------------------------------------------------------------------------------------

static void declare_image(chip_builder *b, const void *context)
{
    expr real = chip_preprocessed(b, "real");
    chip_real_flag(b, real);
    step row = boundary_row(b, context, real);
    expr space = chip_preprocessed(b, "space"), address = chip_preprocessed(b, "address");
    word first = {.lo = chip_preprocessed(b, "first_lo")};
    first.hi = chip_preprocessed(b, "first_hi");
    expr read_only = chip_preprocessed(b, "read_only");
    word last = last_columns(b);
    chip_zero(b, e_mul(read_only, e_sub(last.lo, first.lo)), "read-only word, low half");
    chip_zero(b, e_mul(read_only, e_sub(last.hi, first.hi)), "read-only word, high half");
    declare_ends(&row, space, address, first, last);
    declare_link(&row, e_add(carry_out(&row, space), address)); // registers after all of memory
}

void fix_image(fe *const *columns, size_t row, uint64_t key, uint64_t first, bool read_only)
{
    bool is_register = key >= BOUNDARY_REGISTER_KEY;
    columns[0][row] = 1;
    columns[1][row] = is_register ? SPACE_REGISTER : SPACE_MEMORY;
    columns[2][row] = is_register ? key - BOUNDARY_REGISTER_KEY : key;
    columns[3][row] = (uint32_t)first;
    columns[4][row] = first >> 32;
    columns[5][row] = read_only;
}

void fill_image(fe *const *columns, size_t row, const boundary_word *w)
{
    uint32_t next = 0;
    put_last(columns, &next, row, w);
    columns[next++][row] = w->last_ts;
    put_link(columns, &next, row, w);
}

// ---- OUTPUT
// --------------------------------------------------------------------------------------

static void declare_output(chip_builder *b, const void *context)
{
    expr real = chip_preprocessed(b, "real");
    chip_real_flag(b, real);
    step row = boundary_row(b, context, real);
    expr address = chip_preprocessed(b, "address"), index = chip_preprocessed(b, "index");
    word last = last_columns(b);
    declare_ends(&row, e_const(SPACE_MEMORY), address, zero_word, last);
    chip_send(b, TUPLE_OUT, real, FIELDS(index, last.lo));
    chip_send(b, TUPLE_OUT, real, FIELDS(e_add(index, e_const(1)), last.hi));
    declare_link(&row, address);
}

void fix_output(fe *const *columns, size_t row, uint64_t address, unsigned index)
{
    columns[0][row] = 1;
    columns[1][row] = address;
    columns[2][row] = index;
}

void fill_output(fe *const *columns, size_t row, const boundary_word *w)
{
    fill_image(columns, row, w);
}

// ---- ZERO
// ----------------------------------------------------------------------------------------

// address = RAM base + index words, index of as many bits as the RAM has: exactly its words.
static void declare_zero(chip_builder *b, const void *context)
{
    step row = boundary_row(b, context, chip_flag(b, "real"));
    region ram = ram_only(&row);
    expr index = checked_value(&row, "w0", "w1", ram.bits);
    expr address = e_add(e_const(ram.base), e_scale(word_bytes(row.shape), index));
    declare_ends(&row, e_const(SPACE_MEMORY), address, zero_word, last_columns(b));
    declare_link(&row, address);
}

void fill_zero(fe *const *columns, size_t row, const boundary_word *w)
{
    uint64_t index = (w->key - VM_RAM_BASE) >> 3;
    uint32_t next = 0;
    columns[next++][row] = 1;
    columns[next++][row] = index & 0xffff;
    columns[next++][row] = index >> 16;
    put_last(columns, &next, row, w);
    columns[next++][row] = w->last_ts;
    put_link(columns, &next, row, w);
}

// ---- INPUT
// ---------------------------------------------------------------------------------------

// address = first word + index words. The region has 2^k words from input_base on; the word at
// input_base itself is no memory. An address is shown to lie in the region by one range check from
// below (first data word) and one from above (end of the region).
static void declare_input(chip_builder *b, const void *context)
{
    const boundary_context *c = context;
    step row = boundary_row(b, c, chip_flag(b, "real"));
    unsigned bytes = word_bytes(row.shape), limb = limb_bits(row.shape);
    uint64_t n_words = (c->map->input_base + c->map->input_bytes - c->map->input_data) / bytes;
    // index + distance from the last word = n_words - 1; both are limbs.
    expr index = checked_value(&row, "w0", "w1", limb);
    expr rest = checked_value(&row, "v0", "v1", limb);
    chip_equal(b, e_add(index, rest), e_scale(n_words - 1, row.real), "inside the input region");
    expr address = e_add(e_const(c->map->input_data), e_scale(bytes, index)), parts[4];
    word value = checked_parts(&row, "value", parts);
    declare_ends(&row, e_const(SPACE_MEMORY), address, value, value);
    declare_link(&row, address);
}

void fill_input(fe *const *columns, size_t row, const boundary_word *w, const vm_map *map)
{
    uint64_t n_words = (map->input_base + map->input_bytes - map->input_data) / 8;
    uint64_t index = (w->key - map->input_data) / 8, rest = n_words - 1 - index;
    uint32_t next = 0;
    columns[next++][row] = 1;
    columns[next++][row] = index & 0xffff;
    columns[next++][row] = index >> 16;
    columns[next++][row] = rest & 0xffff;
    columns[next++][row] = rest >> 16;
    for (int i = 0; i < 4; i++)
        columns[next++][row] = w->first >> (16 * i) & 0xffff;
    columns[next++][row] = w->last_ts;
    put_link(columns, &next, row, w);
}

const boundary_spec boundary_specs[BOUNDARY_CHIP_COUNT] = {
    [BOUNDARY_PROGRAM] = {"program", declare_program}, [BOUNDARY_IMAGE] = {"image", declare_image},
    [BOUNDARY_OUTPUT] = {"output", declare_output},    [BOUNDARY_ZERO] = {"zero", declare_zero},
    [BOUNDARY_INPUT] = {"input", declare_input},
};
