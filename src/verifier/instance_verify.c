// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "verifier/instance_verify.h"

#include "air/program.h"
#include "sumcheck/gkr.h"
#include "sumcheck/zerocheck.h"

enum { MIN_H = INSTANCE_MIN_LOG_HEIGHT, MAX_VARS = WHIR_MAX_STACK };

// ---- Layout ------------------------------------------------------------------------------------

// Section 2 with heights as data: from the tallest level down, every slot of that level is appended
// in the order of the machine. Positions are counted in units of the level, so that going down one
// level doubles them.
static void select_layout(slot_selectors *slots, const machine *m, const fe *heights,
                          unsigned max_h, unsigned log_stack, proof_reader *reader)
{
    for (uint32_t s = 0; s < m->n_slots; s++) {
        slots[s].present = slots[s].cell_position = slots[s].leaf_position = fe_const(0);
        for (unsigned i = 0; i < INSTANCE_MAX_LEVELS; i++) // those above max_h stay 0
            slots[s].is_level[i] = fe_const(0);
    }
    fe cells = fe_const(0), leaves = fe_const(0);
    for (unsigned h = max_h; h >= MIN_H; h--) {
        cells = fe_double(cells);
        leaves = fe_double(leaves);
        for (uint32_t s = 0; s < m->n_slots; s++) {
            const chip *c = m->slots[s].c;
            fe is = fe_equal_bit(heights[s], fe_const(h));
            slots[s].is_level[h - MIN_H] = is;
            slots[s].present = fe_add(slots[s].present, is);
            slots[s].cell_position = fe_select(is, cells, slots[s].cell_position);
            slots[s].leaf_position = fe_select(is, leaves, slots[s].leaf_position);
            cells = fe_mul_add(is, fe_const(c->n_committed), cells);
            leaves = fe_mul_add(is, fe_const(c->n_interactions), leaves);
        }
    }
    // Absent means height 0, and what is used fits into the stack.
    for (uint32_t s = 0; s < m->n_slots; s++) {
        const chip *c = m->slots[s].c;
        require_equal_fe(reader, fe_select(slots[s].present, fe_const(0), heights[s]), fe_const(0),
                         "a height out of range");
        if (c->fixed_log_height != 0)
            require_equal_fe(reader, slots[s].is_level[c->fixed_log_height - MIN_H],
                             slots[s].present, "a table of the wrong height");
    }
    require_nonzero_fe3(reader, fe3_from_fe(leaves), "an instance without any chip");
    fe room = fe_const(1ULL << (log_stack - MIN_H));
    require_below(reader, fe_sub(room, cells), log_stack - MIN_H + 1, "the columns do not fit");
    require_below(reader, fe_sub(room, leaves), log_stack - MIN_H + 1,
                  "the interactions do not fit");
}

// out[i] := point[h + i] for a slot of height 2^h, zero beyond the point's end: the coordinates
// that number the slot's columns or interactions. n_out coordinates.
static void upper_coordinates(fe3 *out, unsigned n_out, const slot_selectors *slot, unsigned max_h,
                              const fe3 *point, unsigned n_point)
{
    for (unsigned i = 0; i < n_out; i++) {
        out[i] = fe3_zero();
        for (unsigned h = MIN_H; h <= max_h && h + i < n_point; h++)
            out[i] = fe3_select(slot->is_level[h - MIN_H], point[h + i], out[i]);
    }
}

// eq(point, position + i) = (factor of the high bits, which are those of the position's block or of
// the next one) * (factor of the low bits). The two blocks are laid out one after the other and
// shifted by the low bits of the position.
void eq_run(fe3 *out, size_t n, const fe3 *point, unsigned n_vars, fe position, fe3 *room)
{
    unsigned n_low = 0;
    while ((size_t)1 << n_low < n)
        n_low++;
    ZK_VERIFY(n_low <= n_vars && (size_t)2 << n_low <= EQ_RUN_MAX);
    size_t size = (size_t)1 << n_low;
    fe bits[64], next_bits[64];
    fe_to_bits(bits, position, n_vars);

    fe block = fe_const(0);
    for (unsigned i = n_vars; i-- > n_low;)
        block = fe_add(fe_double(block), bits[i]);
    fe_to_bits(next_bits, fe_add(block, fe_const(1)), n_vars - n_low);
    fe3 here = fe3_one(), next = fe3_one();
    for (unsigned i = n_low; i < n_vars; i++) {
        fe3 zero = fe3_sub(fe3_one(), point[i]);
        here = fe3_mul(here, fe3_select(bits[i], point[i], zero));
        next = fe3_mul(next, fe3_select(next_bits[i - n_low], point[i], zero));
    }

    room[0] = here;
    room[size] = next;
    for (unsigned i = 0; i < n_low; i++)
        for (size_t b = 0; b < (size_t)1 << i; b++)
            for (size_t half = 0; half <= size; half += size) {
                fe3 *low = &room[half + b], *high = &room[half + ((size_t)1 << i) + b];
                *high = fe3_mul(*low, point[i]);
                *low = fe3_sub(*low, *high);
            }
    for (unsigned i = 0; i < n_low; i++)
        for (size_t k = 0; k + ((size_t)1 << i) < 2 * size; k++)
            room[k] = fe3_select(bits[i], room[k + ((size_t)1 << i)], room[k]);
    for (size_t k = 0; k < n; k++)
        out[k] = room[k];
}

// ---- Steps of the protocol
// -----------------------------------------------------------------------

typedef struct verification {
    const proof_key *key;
    const whir_params *params;
    const machine *m;
    unsigned max_h; // rounds of the zerocheck
    bool preprocessed;
    bus_challenge bus;
    transcript t;
    proof_reader *reader;
    instance_scratch *scratch;
    fe3 point[INSTANCE_MAX_LEVELS + MIN_H]; // of the column values
} verification;

// Section 6, first half: the weights s_k of all interactions at the point of GKR, and their sum.
static fe3 interaction_weights(verification *v, const fe3 *rho)
{
    unsigned n_vars = v->params->log_stack - MIN_H;
    fe3 sum = fe3_zero();
    for (uint32_t s = 0; s < v->m->n_slots; s++) {
        const machine_slot *slot = &v->m->slots[s];
        const slot_selectors *sel = &v->scratch->slots[s];
        fe3 *weights = v->scratch->weights + slot->first_interaction;
        fe3 upper[MAX_VARS];
        upper_coordinates(upper, n_vars, sel, v->max_h, rho, v->params->log_stack);
        eq_run(weights, slot->c->n_interactions, upper, n_vars, sel->leaf_position,
               v->scratch->run);
        for (uint32_t k = 0; k < slot->c->n_interactions; k++) {
            weights[k] = fe3_select(sel->present, weights[k], fe3_zero());
            sum = fe3_add(sum, weights[k]);
        }
    }
    return sum;
}

static void read_values(verification *v)
{
    for (uint32_t s = 0; s < v->m->n_slots; s++) {
        const machine_slot *slot = &v->m->slots[s];
        const chip *c = slot->c;
        fe present = v->scratch->slots[s].present;
        fe3 *values = v->scratch->values + slot->first_column;
        uint32_t n_sent = c->n_committed + c->n_preprocessed;
        for (uint32_t j = 0; j < n_sent; j++) {
            values[j] = proof_read_fe3(v->reader);
            require_equal_fe3(v->reader, fe3_select(present, fe3_zero(), values[j]), fe3_zero(),
                              "a value of a column that is not there");
        }
        transcript_absorb_fe3(&v->t, LABEL_CLAIMS, values, n_sent);
        for (uint32_t j = n_sent; j < c->n_columns; j++)
            values[j] = closed_at_point(&c->columns[j].closed, v->point);
    }
}

// out[i] := base^(i + 1)
static void fill_powers(fe3 *out, size_t n, fe3 base)
{
    fe3 power = base;
    for (size_t i = 0; i < n; i++) {
        out[i] = power;
        power = fe3_mul(power, base);
    }
}

// Section 6, second half: sum over the chips of G at the claimed values.
static fe3 constraints_and_interactions(verification *v, fe3 alpha, fe3 lambda)
{
    fe3 beta_powers[TUPLE_MAX_FIELDS + 1];
    beta_powers[0] = fe3_one();
    fill_powers(beta_powers + 1, TUPLE_MAX_FIELDS, v->bus.beta);
    fill_powers(v->scratch->powers, v->m->n_constraints, alpha);
    fe3 sum = fe3_zero();
    for (uint32_t s = 0; s < v->m->n_slots; s++) {
        const machine_slot *slot = &v->m->slots[s];
        const fe3 *values = v->scratch->values + slot->first_column;
        fe3 g = air_eval_point(slot->c, values, v->scratch->powers + slot->first_constraint,
                               v->scratch->point_scratch);
        g = fe3_add(g, air_interactions_point(slot->c, values,
                                              v->scratch->weights + slot->first_interaction,
                                              v->bus.gamma, beta_powers, lambda));
        sum = fe3_add(sum, fe3_select(v->scratch->slots[s].present, g, fe3_zero()));
    }
    return sum;
}

// Section 7: sum of the coefficients times the values of columns [first, first + n) of every slot.
typedef enum column_group { GROUP_COMMITTED, GROUP_PREPROCESSED } column_group;

static uint32_t group_first(const chip *c, column_group group)
{
    return group == GROUP_COMMITTED ? 0 : c->n_committed;
}

static uint32_t group_size(const chip *c, column_group group)
{
    return group == GROUP_COMMITTED ? c->n_committed : c->n_preprocessed;
}

static fe3 combined_values(const verification *v, column_group group)
{
    fe3 sum = fe3_zero();
    for (uint32_t s = 0; s < v->m->n_slots; s++) {
        const machine_slot *slot = &v->m->slots[s];
        uint32_t first = slot->first_column + group_first(slot->c, group);
        for (uint32_t j = first; j < first + group_size(slot->c, group); j++)
            sum = fe3_add(sum, fe3_mul(v->scratch->powers[j], v->scratch->values[j]));
    }
    return sum;
}

// W~ of the columns of a group at the point of their opening. `slots` holds their positions.
static fe3 combined_weights(verification *v, column_group group, const slot_selectors *slots,
                            const whir_params *params, const fe3 *s_point)
{
    // prefix[h - 6] = eq(r_<h, s_<h)
    fe3 prefix[INSTANCE_MAX_LEVELS], product = fe3_one();
    for (unsigned i = 0; i < v->max_h && i < params->log_stack; i++) {
        fe3 both = fe3_mul(v->point[i], s_point[i]);
        fe3 neither = fe3_sub(fe3_add(fe3_one(), both), fe3_add(v->point[i], s_point[i]));
        product = fe3_mul(product, fe3_add(both, neither));
        if (i + 1 >= MIN_H)
            prefix[i + 1 - MIN_H] = product;
    }
    unsigned n_vars = params->log_stack - MIN_H;
    fe3 sum = fe3_zero();
    for (uint32_t s = 0; s < v->m->n_slots; s++) {
        const machine_slot *slot = &v->m->slots[s];
        uint32_t n = group_size(slot->c, group);
        if (n == 0)
            continue;
        fe3 upper[MAX_VARS], part = fe3_zero(), low = fe3_zero();
        fe3 *factors = v->scratch->point_scratch;
        upper_coordinates(upper, n_vars, &slots[s], v->max_h, s_point, params->log_stack);
        eq_run(factors, n, upper, n_vars, slots[s].cell_position, v->scratch->run);
        const fe3 *powers = v->scratch->powers + slot->first_column + group_first(slot->c, group);
        for (uint32_t j = 0; j < n; j++)
            part = fe3_add(part, fe3_mul(powers[j], factors[j]));
        for (unsigned h = MIN_H; h <= v->max_h && h <= params->log_stack; h++)
            low = fe3_select(slots[s].is_level[h - MIN_H], prefix[h - MIN_H], low);
        sum = fe3_add(sum, fe3_mul(low, part));
    }
    return sum;
}

static void verify_opening(verification *v, const contribution_elements *c)
{
    fe3 mu = transcript_squeeze_fe3(&v->t);
    fill_powers(v->scratch->powers, v->m->n_columns, mu);

    fe3 z = contribution_point(v->key, c);
    whir_result *opened = &v->scratch->opened;
    fe3 claim = fe3_add(c->answer, combined_values(v, GROUP_COMMITTED));
    whir_verify(opened, v->params, v->key->hash, c->root, claim, &v->t, v->reader,
                &v->scratch->whir);
    fe3 weight = combined_weights(v, GROUP_COMMITTED, v->scratch->slots, v->params, opened->point);
    weight = fe3_add(weight, whir_pow_eval(z, opened->point, v->params->log_stack));
    require_equal_fe3(v->reader, fe3_mul(weight, opened->value), opened->remaining,
                      "the opening does not match the column values");
}

// The preprocessed stack: heights are the key's, so that its layout is known beforehand; the same
// selectors serve.
static void verify_preprocessed(verification *v)
{
    const whir_params *params = whir_params_any(v->key->preprocessed_class);
    const machine *m = v->m;
    fe cells = fe_const(0);
    for (unsigned h = v->max_h; h >= MIN_H; h--) {
        cells = fe_double(cells);
        for (uint32_t s = 0; s < m->n_slots; s++)
            if (v->key->preprocessed_heights[s] == h) {
                v->scratch->slots[s].cell_position = cells;
                cells = fe_add(cells, fe_const(m->slots[s].c->n_preprocessed));
            }
    }
    whir_result *opened = &v->scratch->opened;
    whir_verify(opened, params, v->key->hash, v->key->preprocessed_root,
                combined_values(v, GROUP_PREPROCESSED), &v->t, v->reader, &v->scratch->whir);
    fe3 weight = combined_weights(v, GROUP_PREPROCESSED, v->scratch->slots, params, opened->point);
    require_equal_fe3(v->reader, fe3_mul(weight, opened->value), opened->remaining,
                      "the preprocessed opening does not match the column values");
}

void instance_verify(instance_sum *sum, const proof_key *key, const whir_params *params,
                     bool preprocessed, digest challenge, bus_challenge bus,
                     const contribution_elements *c, proof_reader *reader,
                     instance_scratch *scratch)
{
    verification v = {.key = key,
                      .params = params,
                      .m = key->machine,
                      .max_h = instance_max_log_height(params),
                      .preprocessed = preprocessed,
                      .bus = bus,
                      .reader = reader,
                      .scratch = scratch};
    const fe *heights = c->head + 3;
    require_equal_fe(reader, c->head[1], fe_const(params->id), "another parameter class");
    require_equal_fe(reader, c->head[2], fe_const(preprocessed), "another kind of instance");
    select_layout(scratch->slots, v.m, heights, v.max_h, params->log_stack, reader);
    for (uint32_t s = 0; s < v.m->n_slots; s++)
        if (key->preprocessed_heights[s] != 0)
            require_equal_fe(reader, heights[s],
                             fe_const(preprocessed ? key->preprocessed_heights[s] : 0),
                             "a preprocessed chip of the wrong height");

    instance_transcript(&v.t, key, challenge, c);
    fe3 rho[MAX_VARS], p, q;
    gkr_verify(&sum->p, &sum->q, rho, &p, &q, params->log_stack, &v.t, reader);

    fe3 lambda = transcript_squeeze_fe3(&v.t);
    fe3 alpha = transcript_squeeze_fe3(&v.t);
    fe3 used = interaction_weights(&v, rho);
    fe3 claim = fe3_add(p, fe3_mul(lambda, fe3_add(fe3_sub(q, fe3_one()), used)));
    claim = zerocheck_verify(v.point, v.max_h, v.m->max_degree, rho, claim, &v.t, reader);
    read_values(&v);
    require_equal_fe3(reader, constraints_and_interactions(&v, alpha, lambda), claim,
                      "constraints and interactions do not add up to the claim");

    verify_opening(&v, c);
    if (preprocessed)
        verify_preprocessed(&v);
}
