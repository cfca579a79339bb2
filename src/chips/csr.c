// SPDX-License-Identifier: Apache-2.0 OR MIT
// csrrw, csrrs, csrrc and immediate forms: a read-modify-write of the CSR's word in memory. The
// address is the program table's; all CSR words lie in RAM, so it needs no check.
#include "chips/chips.h"

typedef struct csr_form {
    fetch_class class;
    bool immediate;
} csr_form;

// z = old AND source by bytes; set: old + source - z, clear: old - z, write: source.
static expr new_limb(const expr *set_clear, expr old, expr source, expr z)
{
    expr write = e_sub(e_const(1), e_add(set_clear[0], set_clear[1]));
    return E_SUM(e_mul(write, source), e_mul(set_clear[0], e_sub(e_add(old, source), z)),
                 e_mul(set_clear[1], e_sub(old, z)));
}

static void declare(const step *s, const void *context)
{
    const csr_form *f = context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    o.imm.lo = chip_column(b, "address");
    expr flags[2];
    flags[0] = chip_bit(b, "set");
    flags[1] = chip_bit(b, "clear");
    o.flags = flag_bits(flags, 2);
    expr source[8], old[8], z[8];
    unsigned n = word_bytes(s->shape);
    chip_columns(b, source, "source", n);
    chip_columns(b, old, "old", n);
    chip_columns(b, z, "and", n);
    word ws = word_of_bytes(s, source), wo = word_of_bytes(s, old), wz = word_of_bytes(s, z);
    for (unsigned i = 0; i < n; i++)
        chip_send(b, TUPLE_BYTE, s->real, FIELDS(e_const(BYTE_AND), source[i], old[i], z[i]));
    if (f->immediate) {
        o.imm.hi = ws.lo;
        chip_zero(b, ws.hi, "source has 5 bits");
    } else {
        o.rs1 = chip_column(b, "rs1");
        access_word(s, "a", SPACE_REGISTER, o.rs1, ws, ws, VM_SLOT_RS1);
    }
    word new = word_columns(s, "new");
    chip_equal(b, new.lo, new_limb(flags, wo.lo, ws.lo, wz.lo), "new value, low limb");
    chip_equal(b, new.hi, new_limb(flags, wo.hi, ws.hi, wz.hi), "new value, high limb");
    access_word(s, "m", SPACE_MEMORY, o.imm.lo, wo, new, VM_SLOT_MEM);
    write_register(s, o.rd, wo);
    step_fetch(s, f->class, o);
    step_sequential(s);
}

static void fill(cursor *c, const void *row, const void *context)
{
    const csr_form *f = context;
    const row_csr *r = row;
    const insn *i = r->head.insn;
    put_step(c, &r->head);
    put(c, i->rd);
    put(c, r->word.address);
    put(c, i->op == OP_csrrs || i->op == OP_csrrsi);
    put(c, i->op == OP_csrrc || i->op == OP_csrrci);
    put_bytes(c, r->a.value);
    put_bytes(c, r->word.old_value);
    put_bytes(c, r->a.value & r->word.old_value);
    if (!f->immediate) {
        put(c, i->rs1);
        put_access(c, r->head.ts + VM_SLOT_RS1, r->a.old_ts);
    }
    put_word(c, r->word.value);
    put_access(c, r->head.ts + VM_SLOT_MEM, r->word.old_ts);
    put_write(c, &r->head, &r->d);
}

static const csr_form form_csr = {FETCH_CSR, false}, form_csri = {FETCH_CSRI, true};
const chip_spec chip_spec_CSR = {"csr", declare, &form_csr, fill};
const chip_spec chip_spec_CSRI = {"csri", declare, &form_csri, fill};
