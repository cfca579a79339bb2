// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "air/program.h"
#include "air/program_compile.h"
#include "air/program_tiers.h"

#include "base/cpu.h"

const air_ops *air_ops_get(void)
{
    cpu_tier tier = cpu_tier_current();
    const air_ops *ops = &air_ops_scalar;
    if (tier >= CPU_AVX2)
        ops = &air_ops_avx2;
    if (tier >= CPU_AVX512)
        ops = &air_ops_avx512;
    return ops;
}

size_t air_scratch_base(const chip *c, size_t n)
{
    return c->program->n_registers * n;
}

size_t air_scratch_extension(const chip *c, size_t n)
{
    return 3 * air_scratch_base(c, n);
}

// ---- Interactions
// --------------------------------------------------------------------------------

size_t air_fractions_size(const chip *c)
{
    return (size_t)c->n_interactions + c->n_support;
}

void air_fractions_bind(air_fractions *out, const chip *c, fe3 gamma, fe3 beta, fe3 *memory)
{
    fe3 *constants = memory, *coefficients = memory + c->n_interactions;
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *in = &c->interactions[k];
        fe3 *coefs = coefficients + in->first_support;
        fe3 constant = fe3_add_fe(gamma, in->tuple->domain), power = fe3_one();
        for (uint32_t j = 0; j < in->n_support; j++)
            coefs[j] = fe3_zero();
        for (unsigned t = 0; t < in->n_fields; t++) {
            const affine *field = &in->fields[t];
            power = fe3_mul(power, beta);
            constant = fe3_add(constant, fe3_mul_fe(power, field->constant));
            // Terms and support are both in order of columns.
            for (uint32_t i = 0, j = 0; i < field->n_terms; i++) {
                while (in->support[j] != field->terms[i].column)
                    j++;
                coefs[j] = fe3_add(coefs[j], fe3_mul_fe(power, field->terms[i].coef));
            }
        }
        constants[k] = constant;
    }
    *out = (air_fractions){.c = c, .constants = constants, .coefficients = coefficients};
}

void air_collapse_interactions(fe3 *coefs, fe3 *constant, const air_fractions *f, const fe3 *s,
                               fe3 lambda)
{
    const chip *c = f->c;
    *constant = fe3_zero();
    for (uint32_t j = 0; j < c->n_columns; j++)
        coefs[j] = fe3_zero();
    for (uint32_t k = 0; k < c->n_interactions; k++) {
        const chip_interaction *in = &c->interactions[k];
        fe3 weight = fe3_mul(s[k], lambda);
        fe3 fixed =
            fe3_add(fe3_mul_fe(s[k], in->multiplicity.constant), fe3_mul(weight, f->constants[k]));
        *constant = fe3_add(*constant, fixed);
        for (uint32_t i = 0; i < in->multiplicity.n_terms; i++) {
            fe3 *coef = &coefs[in->multiplicity.terms[i].column];
            *coef = fe3_add(*coef, fe3_mul_fe(s[k], in->multiplicity.terms[i].coef));
        }
        for (uint32_t j = 0; j < in->n_support; j++) {
            fe3 *coef = &coefs[in->support[j]];
            *coef = fe3_add(*coef, fe3_mul(weight, f->coefficients[in->first_support + j]));
        }
    }
}

air_program_info air_program_describe(const chip *c)
{
    const air_program *p = c->program;
    air_program_info info = {.n_instructions = p->n_instructions,
                             .n_registers = p->n_registers,
                             .n_constraints = c->n_constraints};
    for (uint32_t i = 0; i < p->n_instructions; i++)
        switch (p->instructions[i].op) {
        case AIR_MUL:
        case AIR_SQR:
        case AIR_SQR_SUB:
        case AIR_MUL_ADD:
        case AIR_MUL_SUB:
        case AIR_SUB_MUL:
            info.n_mul++;
            break;
        case AIR_MUL_CONST:
        case AIR_MUL_CONST_ADD:
        case AIR_MUL_CONST_SUB:
            info.n_mul_const++;
            break;
        case AIR_ADD:
        case AIR_SUB:
        case AIR_ADD_CONST:
        case AIR_CONST_SUB:
            info.n_add++;
            break;
        case AIR_DOT:
            info.n_mul += p->instructions[i].c != AIR_NO_OPERAND;
            break;
        }
    return info;
}
