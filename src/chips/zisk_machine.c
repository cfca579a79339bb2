// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "chips/zisk_machine.h"

#include <stdlib.h>
#include <string.h>

// Chips with a second slot: the frequent ones. More would make every proof longer (24 bytes a
// column) and every verification slower.
static bool has_two_slots(execution_chip c)
{
    switch (c) {
    case CHIP_ADD:
    case CHIP_ADDI:
    case CHIP_ADDW:
    case CHIP_ADDIW:
    case CHIP_BIT:
    case CHIP_BITI:
    case CHIP_SLLI:
    case CHIP_SRI:
    case CHIP_BEQ:
    case CHIP_BLT:
    case CHIP_LOAD8:
    case CHIP_LOAD4:
    case CHIP_STORE8:
    case CHIP_LOAD_SMALL:
        return true;
    default:
        return false;
    }
}

static status add_slot(zisk_machine *z, const chip *c, int32_t *slot)
{
    *slot = (int32_t)z->m.n_slots;
    return machine_add(&z->m, c);
}

static status build(zisk_machine *z)
{
    machine_init(&z->m, "rv64imac");
    for (int i = 0; i < EXECUTION_CHIP_COUNT; i++) {
        z->execution_slot[i][1] = -1;
        TRY(execution_chip_build(&z->execution[i], execution_specs[i], &word_shape_64));
        TRY(add_slot(z, z->execution[i], &z->execution_slot[i][0]));
    }
    for (int i = 0; i < EXECUTION_CHIP_COUNT; i++)
        if (has_two_slots(i))
            TRY(add_slot(z, z->execution[i], &z->execution_slot[i][1]));
    for (int i = 0; i < TABLE_CHIP_COUNT; i++) {
        TRY(chip_build(&z->tables[i], table_specs[i].name, table_specs[i].declare, NULL));
        TRY(add_slot(z, z->tables[i], &z->table_slot[i]));
    }
    boundary_context context = {&word_shape_64, &z->map};
    for (int i = 0; i < BOUNDARY_CHIP_COUNT; i++) {
        const boundary_spec *s = &boundary_specs[i];
        TRY(chip_build(&z->boundary[i], s->name, s->declare, &context));
        TRY(add_slot(z, z->boundary[i], &z->boundary_slot[i]));
    }
    TRY(chip_build(&z->range_split, "range20_split", range_split_declare, NULL));
    TRY(add_slot(z, z->range_split, &z->range_split_slot));
    return ZK_OK;
}

status zisk_machine_new(zisk_machine **out, const vm_map *map)
{
    zisk_machine *z = calloc(1, sizeof *z);
    FAIL_IF(z == NULL, ZK_ENOMEM, "no memory for the chips");
    z->map = *map;
    status result = build(z);
    if (result != ZK_OK) {
        zisk_machine_free(z);
        z = NULL;
    }
    *out = z;
    return result;
}

void zisk_machine_free(zisk_machine *z)
{
    if (z == NULL)
        return;
    for (int i = 0; i < EXECUTION_CHIP_COUNT; i++)
        chip_free(z->execution[i]);
    for (int i = 0; i < TABLE_CHIP_COUNT; i++)
        chip_free(z->tables[i]);
    for (int i = 0; i < BOUNDARY_CHIP_COUNT; i++)
        chip_free(z->boundary[i]);
    chip_free(z->range_split);
    free(z);
}

// ---- Program rows
// --------------------------------------------------------------------------------

static status fetch_rows(program_rows *out, const vm_program *p)
{
    out->fetch = malloc((p->n_slots + 1) * sizeof *out->fetch);
    out->fetch_slot = malloc((p->n_slots + 1) * sizeof *out->fetch_slot);
    FAIL_IF(!out->fetch || !out->fetch_slot, ZK_ENOMEM, "no memory for the program table");
    // The exit instructions have the smallest pc and the last slots.
    for (uint64_t i = 0; i < p->n_slots; i++) {
        uint64_t slot = (p->exit_slot + i) % p->n_slots;
        fetch_row *row = &out->fetch[out->n_fetch];
        if (fetch_row_of(row, p, &p->insns[slot], (uint32_t)vm_program_pc(p, slot)))
            out->fetch_slot[out->n_fetch++] = slot;
    }
    return ZK_OK;
}

static status image_rows(program_rows *out, const vm_program *p)
{
    size_t n = VM_REGISTERS;
    for (uint64_t i = 0; i < p->n_image; i++)
        n += p->image[i].n_words;
    out->image = malloc(n * sizeof *out->image);
    FAIL_IF(out->image == NULL, ZK_ENOMEM, "no memory for the program's image");
    uint64_t output_end = p->map.output + 8 * OUTPUT_WORDS;
    for (uint64_t i = 0; i < p->n_image; i++) {
        const vm_range *r = &p->image[i];
        uint64_t end = r->address + 8 * r->n_words;
        FAIL_IF(r->address < output_end && end > p->map.output, ZK_EINVAL,
                "the program has data at 0x%llx, where its public outputs are",
                (unsigned long long)p->map.output);
        for (uint64_t k = 0; k < r->n_words; k++)
            out->image[out->n_image++] =
                (fixed_word){r->address + 8 * k, r->words[k], !r->writable};
    }
    for (unsigned i = 0; i < VM_REGISTERS; i++) {
        uint64_t value = i == 1    ? VM_EXIT_PC
                         : i == 10 ? p->map.input_base
                         : i == 11 ? p->map.output
                                   : 0;
        out->image[out->n_image++] = (fixed_word){BOUNDARY_REGISTER_KEY + i, value, false};
    }
    return ZK_OK;
}

status program_rows_new(program_rows *out, const vm_program *program)
{
    *out = (program_rows){.output = program->map.output};
    status result = fetch_rows(out, program);
    if (result == ZK_OK)
        result = image_rows(out, program);
    if (result != ZK_OK)
        program_rows_clear(out);
    return result;
}

void program_rows_clear(program_rows *rows)
{
    free(rows->fetch);
    free(rows->fetch_slot);
    free(rows->image);
    *rows = (program_rows){0};
}

static uint8_t log_height_of(size_t n)
{
    uint8_t h = CHIP_MIN_LOG_HEIGHT;
    while ((size_t)1 << h < n)
        h++;
    return h;
}

void program_rows_heights(uint8_t *heights, const program_rows *rows, const zisk_machine *z)
{
    memset(heights, 0, MACHINE_MAX_SLOTS);
    heights[z->boundary_slot[BOUNDARY_PROGRAM]] = log_height_of(rows->n_fetch);
    heights[z->boundary_slot[BOUNDARY_IMAGE]] = log_height_of(rows->n_image);
    heights[z->boundary_slot[BOUNDARY_OUTPUT]] = log_height_of(OUTPUT_WORDS);
}

status program_fill_columns(void *arg, uint32_t slot, fe *const *columns, unsigned log_height)
{
    const program_fill *f = arg;
    (void)log_height;
    if ((int32_t)slot == f->z->boundary_slot[BOUNDARY_PROGRAM])
        for (size_t i = 0; i < f->rows->n_fetch; i++)
            fix_program(columns, i, &f->rows->fetch[i]);
    else if ((int32_t)slot == f->z->boundary_slot[BOUNDARY_IMAGE])
        for (size_t i = 0; i < f->rows->n_image; i++)
            fix_image(columns, i, f->rows->image[i].key, f->rows->image[i].value,
                      f->rows->image[i].read_only);
    else
        for (unsigned i = 0; i < OUTPUT_WORDS; i++)
            fix_output(columns, i, f->rows->output + 8 * i, 2 * i);
    return ZK_OK;
}

void zisk_boundary(bus_tuple out[ZISK_BOUNDARY_TUPLES], uint64_t entry,
                   const uint32_t publics[VM_PUBLICS])
{
    fe received = fe_neg(1);
    size_t n = 0;
    out[n++] = (bus_tuple){TUPLE_STATE, 1, {entry, VM_TS_START}};
    out[n++] = (bus_tuple){TUPLE_HALT, received, {93, 0}};
    out[n++] = (bus_tuple){TUPLE_ADDR, 1, {0, 0}};
    out[n++] = (bus_tuple){TUPLE_ADDR, received, {0, BOUNDARY_LAST_KEY}};
    for (unsigned i = 0; i < VM_PUBLICS; i++)
        out[n++] = (bus_tuple){TUPLE_OUT, received, {i, publics[i]}};
}
