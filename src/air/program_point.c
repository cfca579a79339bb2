// SPDX-License-Identifier: Apache-2.0 OR MIT
// Evaluation at a point of K: the verifier's half of program.h. Circuit subset, no heap.
#include "air/program.h"
#include "air/program_compile.h"

size_t air_scratch_point(const chip *c)
{
    return c->program->n_registers;
}

fe3 air_eval_point(const chip *c, const fe3 *values, const fe3 *coefs, fe3 *scratch)
{
    const air_program *p = c->program;
    fe3 acc = fe3_zero();
#define OPERAND(index) ((index) < c->n_columns ? values[index] : scratch[(index)-c->n_columns])
    for (uint32_t k = 0; k < p->n_instructions; k++) {
        const air_instruction *in = &p->instructions[k];
        if (in->op == AIR_DOT) {
            fe3 sum = fe3_zero();
            for (uint32_t i = in->a; i < in->a + in->b; i++)
                sum = fe3_add(sum, fe3_mul(OPERAND(p->roots[i]), coefs[p->order[i]]));
            acc = fe3_add(acc, in->c == AIR_NO_OPERAND ? sum : fe3_mul(sum, OPERAND(in->c)));
            continue;
        }
        fe3 a = OPERAND(in->a), b = OPERAND(in->b), d = OPERAND(in->c), r = fe3_zero();
        fe value = in->value;
        switch (in->op) {
        case AIR_ADD:
            r = fe3_add(a, b);
            break;
        case AIR_SUB:
            r = fe3_sub(a, b);
            break;
        case AIR_MUL:
            r = fe3_mul(a, b);
            break;
        case AIR_SQR:
            r = fe3_sqr(a);
            break;
        case AIR_SQR_SUB:
            r = fe3_sub(fe3_sqr(a), a);
            break;
        case AIR_MUL_ADD:
            r = fe3_add(fe3_mul(a, b), d);
            break;
        case AIR_MUL_SUB:
            r = fe3_sub(fe3_mul(a, b), d);
            break;
        case AIR_SUB_MUL:
            r = fe3_sub(d, fe3_mul(a, b));
            break;
        case AIR_ADD_CONST:
            r = fe3_add_fe(a, value);
            break;
        case AIR_CONST_SUB:
            r = fe3_sub(fe3_from_fe(value), a);
            break;
        case AIR_MUL_CONST:
            r = fe3_mul_fe(a, value);
            break;
        case AIR_MUL_CONST_ADD:
            r = fe3_add(fe3_mul_fe(a, value), d);
            break;
        case AIR_MUL_CONST_SUB:
            r = fe3_sub(fe3_mul_fe(a, value), d);
            break;
        case AIR_DOT:
            break;
        }
        scratch[in->dst - c->n_columns] = r;
    }
#undef OPERAND
    return acc;
}

static fe3 affine_point(const affine *form, const fe3 *values)
{
    fe3 sum = fe3_from_fe(form->constant);
    for (uint32_t i = 0; i < form->n_terms; i++)
        sum = fe3_add(sum, fe3_mul_fe(values[form->terms[i].column], form->terms[i].coef));
    return sum;
}

fe3 air_interactions_point(const chip *c, const fe3 *values, const fe3 *s, fe3 gamma,
                           const fe3 *beta_powers, fe3 lambda)
{
    fe3 sum = fe3_zero();
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *in = &c->interactions[k];
        fe3 d = fe3_add_fe(gamma, fe_const(in->tuple->domain));
        for (unsigned t = 0; t < in->n_fields; t++)
            d = fe3_add(d, fe3_mul(beta_powers[t + 1], affine_point(&in->fields[t], values)));
        fe3 term = fe3_add(affine_point(&in->multiplicity, values), fe3_mul(lambda, d));
        sum = fe3_add(sum, fe3_mul(s[k], term));
    }
    return sum;
}
