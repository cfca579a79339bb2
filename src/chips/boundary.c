// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/boundary.h"

// ---- Shared pieces -----------------------------------------------------------------------------

static void check(chip_builder *b, expr real, unsigned bits, expr value)
{
    chip_send(b, TUPLE_RANGE, real, FIELDS(e_const(bits), value));
}

// The row's link of the chain: columns gap.0, gap.1 with previous = key - 1 - gap.
static void declare_link(chip_builder *b, expr real, expr key)
{
    expr g0 = chip_column(b, "gap.0"), g1 = chip_column(b, "gap.1");
    check(b, real, 16, g0);
    check(b, real, 16, g1);
    expr previous = e_sub(e_sub(key, e_const(1)), e_add(g0, e_scale(1 << 16, g1)));
    chip_receive(b, TUPLE_ADDR, real, FIELDS(e_const(0), previous));
    chip_send(b, TUPLE_ADDR, real, FIELDS(e_const(0), key));
}

static void put_link(fe *const *columns, uint32_t *next, size_t row, const boundary_word *w)
{
    uint64_t gap = w->key - w->previous_key - 1;
    ZK_VERIFY(w->previous_key < w->key && gap >> 32 == 0);
    columns[(*next)++][row] = gap & 0xffff;
    columns[(*next)++][row] = gap >> 16;
}

// First and last tuple of the row's word.
static void declare_ends(chip_builder *b, expr real, expr space, expr address, expr first_lo,
                         expr first_hi, expr last_lo, expr last_hi)
{
    expr last_ts = chip_column(b, "last_ts");
    chip_send(b, TUPLE_MEM, real, FIELDS(space, address, first_lo, first_hi, e_const(0)));
    chip_receive(b, TUPLE_MEM, real, FIELDS(space, address, last_lo, last_hi, last_ts));
}

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
    (void)context;
    expr real = chip_preprocessed(b, "real");
    chip_real_flag(b, real);
    expr space = chip_preprocessed(b, "space"), address = chip_preprocessed(b, "address");
    expr first_lo = chip_preprocessed(b, "first_lo"), first_hi = chip_preprocessed(b, "first_hi");
    expr read_only = chip_preprocessed(b, "read_only");
    expr last_lo = chip_column(b, "last_lo"), last_hi = chip_column(b, "last_hi");
    chip_zero(b, e_mul(read_only, e_sub(last_lo, first_lo)), "read-only word, low half");
    chip_zero(b, e_mul(read_only, e_sub(last_hi, first_hi)), "read-only word, high half");
    declare_ends(b, real, space, address, first_lo, first_hi, last_lo, last_hi);
    declare_link(b, real, e_add(e_scale(BOUNDARY_REGISTER_KEY, space), address));
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
    (void)context;
    expr real = chip_preprocessed(b, "real");
    chip_real_flag(b, real);
    expr address = chip_preprocessed(b, "address"), index = chip_preprocessed(b, "index");
    expr last_lo = chip_column(b, "last_lo"), last_hi = chip_column(b, "last_hi");
    declare_ends(b, real, e_const(SPACE_MEMORY), address, e_const(0), e_const(0), last_lo, last_hi);
    chip_send(b, TUPLE_OUT, real, FIELDS(index, last_lo));
    chip_send(b, TUPLE_OUT, real, FIELDS(e_add(index, e_const(1)), last_hi));
    declare_link(b, real, address);
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

// address = RAM base + 8 (w0 + 2^16 w1), w0 16 bits, w1 10 bits: exactly the words of the RAM.
static void declare_zero(chip_builder *b, const void *context)
{
    _Static_assert(VM_RAM_SIZE == 8ULL << 26, "16 + 10 bits number the words of the RAM");
    (void)context;
    expr real = chip_flag(b, "real");
    expr w0 = chip_column(b, "w0"), w1 = chip_column(b, "w1");
    check(b, real, 16, w0);
    check(b, real, 10, w1);
    expr address = E_SUM(e_const(VM_RAM_BASE), e_scale(8, w0), e_scale(8 << 16, w1));
    expr last_lo = chip_column(b, "last_lo"), last_hi = chip_column(b, "last_hi");
    declare_ends(b, real, e_const(SPACE_MEMORY), address, e_const(0), e_const(0), last_lo, last_hi);
    declare_link(b, real, address);
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

// address = first word + 8 (w0 + 2^16 w1). The region has 2^k words from input_base on; the word at
// input_base itself is no memory. An address is shown to lie in the region by one range check from
// below (first data word) and one from above (end of the region).
static void declare_input(chip_builder *b, const void *context)
{
    const vm_map *map = context;
    uint64_t n_words = (map->input_base + map->input_bytes - map->input_data) / 8;
    expr real = chip_flag(b, "real");
    expr w0 = chip_column(b, "w0"), w1 = chip_column(b, "w1");
    expr v0 = chip_column(b, "v0"), v1 = chip_column(b, "v1");
    check(b, real, 16, w0);
    check(b, real, 16, w1);
    check(b, real, 16, v0);
    check(b, real, 16, v1);
    // index + distance from the last word = n_words - 1; both below 2^32.
    expr index = e_add(w0, e_scale(1 << 16, w1)), rest = e_add(v0, e_scale(1 << 16, v1));
    chip_equal(b, e_add(index, rest), e_scale(n_words - 1, real), "inside the input region");
    expr address = e_add(e_const(map->input_data), e_scale(8, index));
    expr first[4];
    chip_columns(b, first, "value", 4);
    for (int i = 0; i < 4; i++)
        check(b, real, 16, first[i]);
    expr lo = e_add(first[0], e_scale(1 << 16, first[1]));
    expr hi = e_add(first[2], e_scale(1 << 16, first[3]));
    declare_ends(b, real, e_const(SPACE_MEMORY), address, lo, hi, lo, hi);
    declare_link(b, real, address);
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
