// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/report.h"
#include "air/program.h"

static const char *const kind_names[COLUMN_KIND_COUNT] = {"committed", "preprocessed", "closed"};

// ---- Text
// ----------------------------------------------------------------------------------------

static status text_interaction(byte_buffer *out, const chip *c, const chip_interaction *in)
{
    TRY(air_print(out, "    %-7s %s(", in->is_send ? "send" : "receive", in->tuple->name));
    for (unsigned t = 0; t < in->n_fields; t++) {
        TRY(buffer_put_text(out, t == 0 ? "" : ", "));
        TRY(air_affine_formula(out, c, &in->fields[t]));
    }
    TRY(buffer_put_text(out, ")  multiplicity "));
    TRY(air_affine_formula(out, c, &in->multiplicity));
    return buffer_put_text(out, "\n");
}

static status text_chip(byte_buffer *out, const chip *c)
{
    for (uint32_t j = 0; j < c->n_columns; j++) {
        const chip_column_info *column = &c->columns[j];
        TRY(air_print(out, "    column  %s  %s", column->name, kind_names[column->kind]));
        if (column->kind == COLUMN_CLOSED)
            TRY(air_print(out, " (%s)", closed_kind_name(column->closed.kind)));
        TRY(buffer_put_text(out, "\n"));
    }
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        TRY(air_print(out, "    zero    \"%s\" degree %u: ", c->constraints[j].name,
                      c->constraints[j].degree));
        TRY(air_formula(out, c, c->constraints[j].node));
        TRY(buffer_put_text(out, "\n"));
    }
    for (uint32_t k = 0; k < c->n_interactions; k++)
        TRY(text_interaction(out, c, &c->interactions[k]));
    return ZK_OK;
}

status air_report_text(byte_buffer *out, const machine *m, bool verbose, const air_rows *rows)
{
    TRY(air_print(out, "machine %s\n%-20s %9s %7s %6s %11s %6s %12s %5s", m->name, "chip",
                  "committed", "preproc", "closed", "constraints", "degree", "interactions",
                  "mults"));
    if (rows != NULL)
        TRY(air_print(out, " %12s %12s", "rows", "padded"));
    TRY(buffer_put_text(out, "\n"));
    uint32_t n_committed = 0;
    uint64_t cells = 0, padded = 0;
    for (uint32_t s = 0; s < m->n_slots; s++) {
        const chip *c = m->slots[s].c;
        air_program_info info = air_program_describe(c);
        TRY(air_print(out, "%-18s%s %9u %7u %6u %11u %6u %12u %5u", c->name,
                      m->slots[s].block == 0 ? "  " : "#2", c->n_committed, c->n_preprocessed,
                      c->n_closed, c->n_constraints, c->max_degree, c->n_interactions,
                      info.n_mul + info.n_mul_const));
        n_committed += c->n_committed;
        if (rows != NULL) {
            TRY(air_print(out, " %12llu %12llu", (unsigned long long)rows->used[s],
                          (unsigned long long)rows->padded[s]));
            cells += c->n_committed * rows->used[s];
            padded += c->n_committed * rows->padded[s];
        }
        TRY(buffer_put_text(out, "\n"));
        if (verbose && m->slots[s].block == 0)
            TRY(text_chip(out, c));
    }
    TRY(air_print(out,
                  "%u slots, %u columns (%u committed), %u constraints of degree <= %u, "
                  "%u interactions\n",
                  m->n_slots, m->n_columns, n_committed, m->n_constraints, m->max_degree,
                  m->n_interactions));
    if (rows == NULL)
        return ZK_OK;
    return air_print(out, "%llu committed cells in rows in use, %llu with padding\n",
                     (unsigned long long)cells, (unsigned long long)padded);
}

// ---- JSON
// ----------------------------------------------------------------------------------------

static status json_string(byte_buffer *out, const void *text, size_t n)
{
    const uint8_t *bytes = text;
    TRY(buffer_put_text(out, "\""));
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\')
            TRY(buffer_put_u8(out, '\\'));
        if (bytes[i] < 0x20)
            TRY(air_print(out, "\\u%04x", bytes[i]));
        else
            TRY(buffer_put_u8(out, bytes[i]));
    }
    return buffer_put_text(out, "\"");
}

// ,"key": before every member but the first of an object
static status json_key(byte_buffer *out, const char *key)
{
    uint8_t last = out->size == 0 ? '{' : out->data[out->size - 1];
    return air_print(out, "%s\"%s\":", last == '{' ? "" : ",", key);
}

static status json_text(byte_buffer *out, const char *key, const char *text)
{
    TRY(json_key(out, key));
    size_t n = 0;
    while (text[n] != 0)
        n++;
    return json_string(out, text, n);
}

static status json_number(byte_buffer *out, const char *key, uint64_t value)
{
    TRY(json_key(out, key));
    return air_print(out, "%llu", (unsigned long long)value);
}

static status json_separator(byte_buffer *out, uint32_t index)
{
    return buffer_put_text(out, index == 0 ? "" : ",");
}

// A formula goes through a buffer of its own, to be escaped.
static status json_formula(byte_buffer *out, const char *key, const chip *c, const affine *form,
                           uint32_t node)
{
    status result = ZK_OK;
    byte_buffer text = buffer_new();
    if (key != NULL)
        TRY_OUT(json_key(out, key));
    if (form != NULL)
        TRY_OUT(air_affine_formula(&text, c, form));
    else
        TRY_OUT(air_formula(&text, c, node));
    TRY_OUT(json_string(out, text.data, text.size));
out:
    buffer_clear(&text);
    return result;
}

static status json_closed(byte_buffer *out, const closed_form *form)
{
    TRY(json_text(out, "form", closed_kind_name(form->kind)));
    TRY(json_number(out, "form_id", form->kind));
    TRY(json_number(out, "bits", form->bits));
    TRY(json_number(out, "shift", form->shift));
    TRY(json_number(out, "shift_b", form->shift_b));
    return json_number(out, "value", form->value);
}

// [constant, [column, coefficient], ..]; key NULL: an element of a list
static status json_affine(byte_buffer *out, const char *key, const affine *a)
{
    if (key != NULL)
        TRY(json_key(out, key));
    TRY(air_print(out, "[%llu", (unsigned long long)a->constant));
    for (uint32_t t = 0; t < a->n_terms; t++)
        TRY(air_print(out, ",[%u,%llu]", a->terms[t].column, (unsigned long long)a->terms[t].coef));
    return buffer_put_text(out, "]");
}

static status json_columns(byte_buffer *out, const chip *c)
{
    TRY(json_key(out, "columns"));
    TRY(buffer_put_text(out, "["));
    for (uint32_t j = 0; j < c->n_columns; j++) {
        TRY(json_separator(out, j));
        TRY(buffer_put_text(out, "{"));
        TRY(json_text(out, "name", c->columns[j].name));
        TRY(json_text(out, "kind", kind_names[c->columns[j].kind]));
        if (c->columns[j].kind == COLUMN_CLOSED)
            TRY(json_closed(out, &c->columns[j].closed));
        TRY(buffer_put_text(out, "}"));
    }
    return buffer_put_text(out, "]");
}

static status json_nodes(byte_buffer *out, const chip *c)
{
    TRY(json_key(out, "nodes"));
    TRY(buffer_put_text(out, "["));
    for (uint32_t i = 0; i < c->n_nodes; i++) {
        const expr_node *n = &c->nodes[i];
        TRY(json_separator(out, i));
        TRY(air_print(out, "[%u,%u,%u,%llu]", (unsigned)n->op, n->a, n->b,
                      (unsigned long long)n->value));
    }
    return buffer_put_text(out, "]");
}

static status json_constraints(byte_buffer *out, const chip *c)
{
    TRY(json_key(out, "constraints"));
    TRY(buffer_put_text(out, "["));
    for (uint32_t j = 0; j < c->n_constraints; j++) {
        TRY(json_separator(out, j));
        TRY(buffer_put_text(out, "{"));
        TRY(json_text(out, "name", c->constraints[j].name));
        TRY(json_number(out, "degree", c->constraints[j].degree));
        TRY(json_number(out, "node", c->constraints[j].node));
        TRY(json_formula(out, "zero", c, NULL, c->constraints[j].node));
        TRY(buffer_put_text(out, "}"));
    }
    return buffer_put_text(out, "]");
}

static status json_interactions(byte_buffer *out, const chip *c)
{
    TRY(json_key(out, "interactions"));
    TRY(buffer_put_text(out, "["));
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *in = &c->interactions[k];
        TRY(json_separator(out, k));
        TRY(buffer_put_text(out, "{"));
        TRY(json_text(out, "direction", in->is_send ? "send" : "receive"));
        TRY(json_text(out, "domain", in->tuple->name));
        TRY(json_number(out, "tag", in->tuple->domain));
        TRY(json_formula(out, "multiplicity", c, &in->multiplicity, 0));
        TRY(json_key(out, "fields"));
        TRY(buffer_put_text(out, "["));
        for (unsigned t = 0; t < in->n_fields; t++) {
            TRY(json_separator(out, t));
            TRY(json_formula(out, NULL, c, &in->fields[t], 0));
        }
        TRY(buffer_put_text(out, "]"));
        TRY(json_affine(out, "multiplicity_affine", &in->multiplicity));
        TRY(json_key(out, "fields_affine"));
        TRY(buffer_put_text(out, "["));
        for (unsigned t = 0; t < in->n_fields; t++) {
            TRY(json_separator(out, t));
            TRY(json_affine(out, NULL, &in->fields[t]));
        }
        TRY(buffer_put_text(out, "]}"));
    }
    return buffer_put_text(out, "]");
}

static status json_chip(byte_buffer *out, const machine *m, uint32_t s, const air_rows *rows)
{
    const machine_slot *slot = &m->slots[s];
    const chip *c = slot->c;
    air_program_info info = air_program_describe(c);
    TRY(buffer_put_text(out, "{"));
    TRY(json_text(out, "name", c->name));
    TRY(json_number(out, "block", slot->block));
    TRY(json_text(out, "kind", c->is_table ? "table" : c->is_permutation ? "permutation" : "rows"));
    TRY(json_number(out, "is_table", c->is_table));
    TRY(json_number(out, "is_permutation", c->is_permutation));
    TRY(json_number(out, "fixed_log_height", c->fixed_log_height));
    TRY(json_number(out, "committed", c->n_committed));
    TRY(json_number(out, "preprocessed", c->n_preprocessed));
    TRY(json_number(out, "closed", c->n_closed));
    TRY(json_number(out, "max_degree", c->max_degree));
    TRY(json_number(out, "multiplications", info.n_mul + info.n_mul_const));
    TRY(json_number(out, "registers", info.n_registers));
    if (rows != NULL) {
        TRY(json_number(out, "rows", rows->used[s]));
        TRY(json_number(out, "padded_rows", rows->padded[s]));
    }
    TRY(json_columns(out, c));
    TRY(json_nodes(out, c));
    TRY(json_constraints(out, c));
    TRY(json_affine(out, "real_flag", &c->real_flag));
    TRY(json_interactions(out, c));
    return buffer_put_text(out, "}");
}

status air_report_json(byte_buffer *out, const machine *m, const air_rows *rows)
{
    TRY(buffer_put_text(out, "{"));
    TRY(json_text(out, "machine", m->name));
    TRY(json_number(out, "slots", m->n_slots));
    TRY(json_number(out, "columns", m->n_columns));
    TRY(json_number(out, "constraints", m->n_constraints));
    TRY(json_number(out, "interactions", m->n_interactions));
    TRY(json_number(out, "max_degree", m->max_degree));
    TRY(json_key(out, "chips"));
    TRY(buffer_put_text(out, "["));
    for (uint32_t s = 0; s < m->n_slots; s++) {
        TRY(json_separator(out, s));
        TRY(json_chip(out, m, s, rows));
    }
    return buffer_put_text(out, "]}\n");
}
