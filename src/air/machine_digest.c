// SPDX-License-Identifier: Apache-2.0 OR MIT
// What the key binds of a machine: a byte string that determines every chip, then its hash. Strings
// and lists carry their length first, so that the string can be read in one way only.
#include "air/machine.h"

#include "base/bytes.h"

#include <string.h>

enum { DESCRIPTION_VERSION = 1 };
#define MACHINE_DIGEST_DOMAIN 0x6D616368696E65ULL // "machine"

static status put_name(byte_buffer *out, const char *name)
{
    TRY(buffer_put_u32(out, (uint32_t)strlen(name)));
    return buffer_put_text(out, name);
}

static status put_affine(byte_buffer *out, const affine *a)
{
    TRY(buffer_put_u64(out, a->constant));
    TRY(buffer_put_u32(out, a->n_terms));
    for (uint32_t i = 0; i < a->n_terms; i++) {
        TRY(buffer_put_u32(out, a->terms[i].column));
        TRY(buffer_put_u64(out, a->terms[i].coef));
    }
    return ZK_OK;
}

static status put_columns(byte_buffer *out, const chip *c)
{
    TRY(buffer_put_u32(out, c->n_columns));
    for (uint32_t i = 0; i < c->n_columns; i++) {
        const chip_column_info *column = &c->columns[i];
        TRY(put_name(out, column->name));
        TRY(buffer_put_u8(out, (uint8_t)column->kind));
        if (column->kind != COLUMN_CLOSED)
            continue;
        TRY(buffer_put_u8(out, (uint8_t)column->closed.kind));
        TRY(buffer_put_u8(out, column->closed.bits));
        TRY(buffer_put_u8(out, column->closed.shift));
        TRY(buffer_put_u8(out, column->closed.shift_b));
        TRY(buffer_put_u64(out, column->closed.value));
    }
    return ZK_OK;
}

static status put_constraints(byte_buffer *out, const chip *c)
{
    TRY(buffer_put_u32(out, c->n_nodes));
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        TRY(buffer_put_u8(out, (uint8_t)c->nodes[i].op));
        TRY(buffer_put_u32(out, c->nodes[i].a));
        TRY(buffer_put_u32(out, c->nodes[i].b));
        TRY(buffer_put_u64(out, c->nodes[i].value));
    }
    TRY(buffer_put_u32(out, c->n_constraints));
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        TRY(put_name(out, c->constraints[j].name));
        TRY(buffer_put_u32(out, c->constraints[j].node));
    }
    return ZK_OK;
}

static status put_interactions(byte_buffer *out, const chip *c)
{
    TRY(buffer_put_u32(out, c->n_interactions));
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *in = &c->interactions[k];
        TRY(put_name(out, in->tuple->name));
        TRY(buffer_put_u32(out, (uint32_t)in->tuple->domain));
        TRY(buffer_put_u8(out, in->is_send));
        TRY(put_affine(out, &in->multiplicity));
        TRY(buffer_put_u32(out, in->n_fields));
        for (unsigned t = 0; t < in->n_fields; t++)
            TRY(put_affine(out, &in->fields[t]));
    }
    return ZK_OK;
}

status machine_describe(byte_buffer *out, const machine *m)
{
    TRY(buffer_put_u32(out, DESCRIPTION_VERSION));
    TRY(put_name(out, m->name));
    TRY(buffer_put_u32(out, m->n_slots));
    for (uint32_t s = 0; s < m->n_slots; s++) {
        const chip *c = m->slots[s].c;
        TRY(put_name(out, c->name));
        TRY(buffer_put_u8(out, (uint8_t)m->slots[s].block));
        TRY(buffer_put_u8(out, (uint8_t)(c->is_table | c->is_permutation << 1)));
        TRY(buffer_put_u8(out, (uint8_t)c->fixed_log_height));
        TRY(put_columns(out, c));
        TRY(put_constraints(out, c));
        TRY(put_affine(out, &c->real_flag));
        TRY(put_interactions(out, c));
    }
    return ZK_OK;
}

status machine_digest(digest *out, const machine *m, const hash_ops *hash)
{
    byte_buffer description = buffer_new();
    status result = ZK_OK;
    TRY_OUT(machine_describe(&description, m));
    *out = hash_bytes(hash, MACHINE_DIGEST_DOMAIN, description.data, description.size);
out:
    buffer_clear(&description);
    return result;
}
