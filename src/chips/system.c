// SPDX-License-Identifier: Apache-2.0 OR MIT
// csrr rd, 0xFFE (a word that the prover chooses), ecall, halt.
#include "chips/chips.h"

enum { A7 = 17, A0 = 10, LINK = 1 };

static void declare_free(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    fetch_operands o = {.rd = chip_column(b, "rd")};
    write_register(s, o.rd, checked_word(s, "value"));
    step_fetch(s, FETCH_FREE, o);
    step_sequential(s);
}

static void fill_free(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_free *r = row;
    put_step(c, &r->head);
    put(c, r->head.insn->rd);
    put_parts(c, r->d.value);
    put_write(c, &r->head, &r->d);
}

// The decoder names the registers of an ecall.
static fetch_operands ecall_operands(void)
{
    return (fetch_operands){.rd = e_const(LINK), .rs1 = e_const(A7), .rs2 = e_const(A0)};
}

// a7 != 93: the hints make (a7.lo - 93) h0 + a7.hi h1 = 1, which nothing does when a7 = 93.
static void declare_ecall(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    word a7 = read_register(s, "a7", e_const(A7), VM_SLOT_RS1);
    (void)read_register(s, "a0", e_const(A0), VM_SLOT_RS2);
    expr h0 = chip_column(b, "hint0"), h1 = chip_column(b, "hint1");
    expr distance = e_sub(a7.lo, e_scale(s->shape->halt_call, s->real));
    chip_equal(b, e_add(e_mul(distance, h0), e_mul(a7.hi, h1)), s->real, "a7 is not 93");
    write_register(s, e_const(LINK), (word){e_add(s->pc, s->length), e_const(0)});
    step_fetch(s, FETCH_ECALL, ecall_operands());
    step_sequential(s);
}

static void fill_ecall(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_system *r = row;
    put_step(c, &r->head);
    put_read(c, &r->head, &r->a7, VM_SLOT_RS1);
    put_read(c, &r->head, &r->a0, VM_SLOT_RS2);
    fe distance = fe_sub(low32(r->a7.value), word_shape_64.halt_call);
    put(c, fe_inv(distance)); // 0 for 0
    put(c, distance == 0 ? fe_inv(high32(r->a7.value)) : 0);
    put_write(c, &r->head, &r->link);
}

// The end of the chain of STATE tuples: the row receives one and sends none.
static void declare_halt(const step *s, const void *context)
{
    (void)context;
    chip_builder *b = s->b;
    word a7 = read_register(s, "a7", e_const(A7), VM_SLOT_RS1);
    word a0 = read_register(s, "a0", e_const(A0), VM_SLOT_RS2);
    chip_equal(b, a7.lo, e_scale(s->shape->halt_call, s->real), "a7 is 93, low limb");
    chip_zero(b, a7.hi, "a7 is 93, high limb");
    chip_zero(b, a0.lo, "a0 is 0, low limb");
    chip_zero(b, a0.hi, "a0 is 0, high limb");
    chip_send(b, TUPLE_HALT, s->real, FIELDS(a7.lo, a0.lo));
    step_fetch(s, FETCH_ECALL, ecall_operands());
}

static void fill_halt(cursor *c, const void *row, const void *context)
{
    (void)context;
    const row_system *r = row;
    put_step(c, &r->head);
    put_read(c, &r->head, &r->a7, VM_SLOT_RS1);
    put_read(c, &r->head, &r->a0, VM_SLOT_RS2);
}

const chip_spec chip_spec_FREE = {"free", declare_free, NULL, fill_free};
const chip_spec chip_spec_ECALL = {"ecall", declare_ecall, NULL, fill_ecall};
const chip_spec chip_spec_HALT = {"halt", declare_halt, NULL, fill_halt};
