// SPDX-License-Identifier: Apache-2.0 OR MIT
// Why each value is absorbed: for every label, prover and verifier with a transcript that forgets
// it accept something false, made by the attack that the comment describes; with the real
// transcript the same attack is refused.
#include "unit/prover/toy_prover.h"
#include "sumcheck/gkr.h"
#include "wrapped_transcript.h"

static toy_machine *toys;
static prover_key key;
static toy_job *job; // one instance with every chip
static instance_scratch scratch;
static const whir_params *params;

static int set_up(void **state)
{
    (void)state;
    must(toy_machine_new(&toys));
    toy_key(&key, toys);
    toy_shape shape = toy_shape_all(6);
    must(toy_job_new(&job, toys, &shape, 1, 1));
    params = whir_params_any(WHIR_CLASS_TEST_14);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    toy_job_free(job);
    prover_key_clear(&key);
    toy_machine_free(toys);
    return 0;
}

static uint32_t only(transcript_label label)
{
    return 1U << label;
}

static toy_proof prove(const toy_job *j, const toy_attack *attack)
{
    return toy_prove(j, &key, WHIR_CLASS_TEST_14, NULL, attack);
}

// An instance by itself; leaves its challenges in `squeezed` and its values in `scratch`.
static bool accepts_instance(const toy_proof *p, size_t index, const proof_writer *words,
                             instance_sum *sum)
{
    const contribution *c = &p->contributions[index];
    digest challenge = job_challenge(&key.key, p->publics, TOY_PUBLICS, p->contributions, p->n);
    bus_challenge bus = bus_challenge_from(&key.key, challenge);
    contribution_elements elements;
    contribution_to_elements(&elements, c);
    proof_reader reader = proof_reader_open(words->words, words->n_words);
    squeezed.n = 0;
    instance_verify(sum, &key.key, params, c->header.preprocessed, challenge, bus, &elements,
                    &reader, &scratch);
    return reader.ok && proof_reader_finished(&reader);
}

// ---- Places in proof and log -----------------------------------------------------------------

static size_t at_zerocheck(void)
{
    return gkr_proof_words(params->log_stack);
}

static size_t at_values(void)
{
    return at_zerocheck() + 3 * (size_t)toys->m.max_degree * instance_max_log_height(params);
}

static size_t at_value(uint32_t slot, uint32_t column)
{
    size_t at = at_values() + 3 * (size_t)column;
    for (uint32_t s = 0; s < slot; s++)
        at += 3 * (size_t)(toys->m.slots[s].c->n_committed + toys->m.slots[s].c->n_preprocessed);
    return at;
}

static size_t at_whir(void)
{
    return at_value(TOY_SLOT_COUNT, 0);
}

// Challenges of GKR: lambda, one of each round, tau; l rounds in layer l.
enum { LOG_LAMBDA_0 = 0, LOG_TAU_0 = 1, LOG_ROUND_1 = 3 };

static size_t log_gkr(void)
{
    size_t a = params->log_stack;
    return 2 * a + a * (a - 1) / 2;
}

static size_t log_zerocheck(void)
{
    return log_gkr() + 2; // lambda, alpha
}

static size_t log_whir(void)
{
    return log_zerocheck() + instance_max_log_height(params) + 2; // mu, z
}

static void add_to(proof_writer *w, size_t at, fe3 delta)
{
    for (unsigned i = 0; i < 3; i++)
        w->words[at + i] = fe_add(w->words[at + i], delta.c[i]);
}

static fe3 read_at(const proof_writer *w, size_t at)
{
    return (fe3){{w->words[at], w->words[at + 1], w->words[at + 2]}};
}

static fe3 divide(fe3 a, fe3 b)
{
    assert_false(fe3_is_zero(b));
    return fe3_mul(a, fe3_inv(b));
}

// The sum of the boundary's fractions.
static fe3 boundary_sum(const toy_job *j, bus_challenge bus)
{
    fe3 powers[TUPLE_MAX_FIELDS + 1], sum = fe3_zero();
    powers[0] = fe3_one();
    for (unsigned t = 1; t <= TUPLE_MAX_FIELDS; t++)
        powers[t] = fe3_mul(powers[t - 1], bus.beta);
    for (size_t i = 0; i < j->n_boundary; i++) {
        fe3 d = tuple_denominator(&j->boundary[i], bus.gamma, powers);
        sum = fe3_add(sum, fe3_mul_fe(fe3_inv(d), j->boundary[i].multiplicity));
    }
    return sum;
}

static toy_job false_job(void)
{
    toy_job lie = *job;
    lie.boundary[0].fields[0] = fe_add(lie.boundary[0].fields[0], 1);
    return lie;
}

static bus_challenge bus_of(const toy_proof *p)
{
    digest c = job_challenge(&key.key, p->publics, TOY_PUBLICS, p->contributions, p->n);
    return bus_challenge_from(&key.key, c);
}

// ---- Statement
// ---------------------------------------------------------------------------------

// Another public value under the same proof.
static const char *claim_other_publics(uint32_t labels)
{
    dropped_labels = labels;
    toy_proof p = prove(job, NULL);
    assert_null(toy_verify(&p, job, &key.key));
    p.publics[1] = 1234567;
    const char *reason = toy_verify(&p, job, &key.key);
    toy_proof_clear(&p);
    return reason;
}

static void publics(void **state)
{
    (void)state;
    assert_null(claim_other_publics(only(LABEL_PUBLICS)));
    assert_non_null(claim_other_publics(0));
}

// The same where instances and bus do not depend on what was hashed over all of the job.
static void global_challenge(void **state)
{
    (void)state;
    assert_null(claim_other_publics(only(LABEL_CHALLENGE)));
}

// A proof for one program as a proof for another.
static const char *claim_another_program(uint32_t labels)
{
    dropped_labels = labels;
    proof_key mine = key.key, other = key.key;
    must(proof_key_seal(&mine)); // its digest as the forgetful transcript makes it
    prover_key prover = key;
    prover.key = mine;
    toy_proof p = toy_prove(job, &prover, WHIR_CLASS_TEST_14, NULL, NULL);
    assert_null(toy_verify(&p, job, &mine));
    other.program.e[0] = fe_add(other.program.e[0], 1);
    must(proof_key_seal(&other));
    const char *reason = toy_verify(&p, job, &other);
    toy_proof_clear(&p);
    return reason;
}

static void program(void **state)
{
    (void)state;
    assert_null(claim_another_program(only(LABEL_KEY)));
    assert_non_null(claim_another_program(0));
}

// Contributions are absorbed one by one, so that their number is bound by them as well: only with
// both forgotten are a job and its beginning one job. Either alone keeps them apart.
static bool same_challenge_for_one_and_two(uint32_t labels)
{
    dropped_labels = labels;
    contribution c[2] = {{.index = 0}, {.index = 1}};
    fe none[1] = {0};
    digest one = job_challenge(&key.key, none, 0, c, 1);
    digest two = job_challenge(&key.key, none, 0, c, 2);
    return digest_equal(one, two);
}

static void number_of_instances(void **state)
{
    (void)state;
    uint32_t contributions = only(LABEL_HEADER) | only(LABEL_ROOT) | only(LABEL_OOD_ANSWER);
    assert_true(same_challenge_for_one_and_two(contributions | only(LABEL_COUNT)));
    assert_false(same_challenge_for_one_and_two(contributions));
    assert_false(same_challenge_for_one_and_two(only(LABEL_COUNT)));
    assert_false(same_challenge_for_one_and_two(0));
}

// The proof of an instance once more, as that of another place in the plan.
static bool repeat_an_instance(uint32_t labels)
{
    dropped_labels = labels;
    toy_instance twice[2] = {job->instances[0], job->instances[0]};
    toy_job both = *job;
    both.n_instances = 2;
    both.instances = twice;
    toy_proof p = prove(&both, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    assert_true(accepts_instance(&p, 1, &p.proofs[1], &sum));
    bool accepted = accepts_instance(&p, 1, &p.proofs[0], &sum);
    toy_proof_clear(&p);
    return accepted;
}

static bool point_ignores_heights(uint32_t labels)
{
    dropped_labels = labels;
    contribution_elements a = {.head = {0, 20, 0, 6, 7}}, b = {.head = {0, 20, 0, 7, 6}};
    return fe3_equal(contribution_point(&key.key, &a), contribution_point(&key.key, &b));
}

static void headers(void **state)
{
    (void)state;
    assert_true(repeat_an_instance(only(LABEL_HEADER)));
    assert_false(repeat_an_instance(0));
    assert_true(point_ignores_heights(only(LABEL_HEADER)));
    assert_false(point_ignores_heights(0));
}

// ---- Roots
// -------------------------------------------------------------------------------------

// Cells chosen after the challenge. A false boundary leaves the bus out of balance by an element of
// K; lookups that nobody made, in six rows of a table whose counts are free, make up for it (three
// equations over F) without changing the answer y at the out-of-domain point (three more).
enum { N_FREE = 6 };
static fe free_delta[N_FREE];
static size_t free_cell[N_FREE];

static void change_free_cells(instance *in, size_t index)
{
    (void)index;
    for (int i = 0; i < N_FREE; i++)
        in->stack[free_cell[i]] = fe_add(in->stack[free_cell[i]], free_delta[i]);
}

static void solve(fe m[N_FREE][N_FREE + 1])
{
    for (int c = 0; c < N_FREE; c++) {
        int pivot = c;
        while (pivot < N_FREE && m[pivot][c] == 0)
            pivot++;
        assert_true(pivot < N_FREE);
        for (int k = 0; k <= N_FREE; k++) {
            fe swap = m[c][k];
            m[c][k] = m[pivot][k];
            m[pivot][k] = swap;
        }
        fe inverse = fe_inv(m[c][c]);
        for (int k = 0; k <= N_FREE; k++)
            m[c][k] = fe_mul(m[c][k], inverse);
        for (int r = 0; r < N_FREE; r++)
            for (int k = N_FREE; r != c && k >= c; k--)
                m[r][k] = fe_sub(m[r][k], fe_mul(m[r][c], m[c][k]));
    }
}

static const char *choose_cells_late(uint32_t labels)
{
    dropped_labels = labels;
    toy_job lie = false_job();
    toy_proof honest = prove(job, NULL);
    bus_challenge bus = bus_of(&honest);
    fe3 missing = fe3_sub(boundary_sum(&lie, bus), boundary_sum(job, bus));
    contribution_elements elements;
    contribution_to_elements(&elements, &honest.contributions[0]);
    fe3 z = contribution_point(&key.key, &elements);

    instance in = toy_instance_of(job, 0, &key, WHIR_CLASS_TEST_14);
    fe3 powers[TUPLE_MAX_FIELDS + 1];
    powers[0] = fe3_one();
    for (unsigned t = 1; t <= TUPLE_MAX_FIELDS; t++)
        powers[t] = fe3_mul(powers[t - 1], bus.beta);
    fe m[N_FREE][N_FREE + 1];
    for (unsigned i = 0; i < N_FREE; i++) {
        fe a = i, b = i + 3; // row a + 16 b, operation AND
        free_cell[i] = layout_column(&in.layout, TOY_BITOPS, 0) + a + 16 * b;
        bus_tuple tuple = {TUPLE_BYTE, 1, {0, a, b, a & b}};
        fe3 fraction = fe3_inv(tuple_denominator(&tuple, bus.gamma, powers));
        fe3 power = fe3_pow(z, free_cell[i]);
        for (unsigned k = 0; k < 3; k++) {
            m[k][i] = fraction.c[k]; // received: one more takes the fraction off
            m[3 + k][i] = power.c[k];
        }
    }
    for (unsigned k = 0; k < 3; k++) {
        m[k][N_FREE] = missing.c[k];
        m[3 + k][N_FREE] = 0;
    }
    solve(m);
    for (unsigned i = 0; i < N_FREE; i++)
        free_delta[i] = m[i][N_FREE];
    instance_clear(&in);

    toy_attack attack = {.cells = change_free_cells};
    toy_proof forged = prove(job, &attack);
    if (labels == 0) // the point has moved with the root, the answer with it
        assert_false(fe3_equal(forged.contributions[0].answer, honest.contributions[0].answer));
    else
        assert_true(fe3_equal(forged.contributions[0].answer, honest.contributions[0].answer));
    const char *reason = toy_verify(&forged, &lie, &key.key);
    toy_proof_clear(&honest);
    toy_proof_clear(&forged);
    return reason;
}

static void roots(void **state)
{
    (void)state;
    assert_null(choose_cells_late(only(LABEL_ROOT)));
    assert_string_equal(choose_cells_late(0), "the bus is not balanced");
}

// ---- Answers
// -----------------------------------------------------------------------------------

// A false answer at commit time, made good by a false answer of the next oracle: six rounds of
// sumcheck halve the difference, then it meets xi times the other one.
static const char *lie_about_answers(uint32_t labels)
{
    dropped_labels = labels;
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    size_t i = log_whir();
    while (squeezed.after[i] != LABEL_NONCE)
        i++;
    fe3 xi = squeezed.value[i], delta = {{5, 6, 7}};
    fe3 *answer = &p.contributions[0].answer;
    *answer = fe3_add(*answer, delta);
    fe3 other = divide(fe3_neg(delta), fe3_mul_fe(xi, 1 << params->round[0].n_folds));
    add_to(&p.proofs[0], at_whir() + 6 * (size_t)params->round[0].n_folds + HASH_DIGEST, other);
    const char *reason = toy_verify(&p, job, &key.key);
    toy_proof_clear(&p);
    return reason;
}

static void out_of_domain_answers(void **state)
{
    (void)state;
    assert_null(lie_about_answers(only(LABEL_OOD_ANSWER)));
    assert_non_null(lie_about_answers(0));
}

// ---- GKR
// ---------------------------------------------------------------------------------------

// Any bus sum: the first layer only sees P + lambda Q.
static const char *lie_about_the_bus(uint32_t labels)
{
    dropped_labels = labels;
    toy_job lie = false_job();
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    fe3 lambda = squeezed.value[LOG_LAMBDA_0];
    fe3 wanted = fe3_neg(boundary_sum(&lie, bus_of(&p)));
    fe3 delta =
        divide(fe3_sub(fe3_mul(wanted, sum.q), sum.p), fe3_add(fe3_one(), divide(wanted, lambda)));
    add_to(&p.proofs[0], 0, delta);
    add_to(&p.proofs[0], 3, fe3_neg(divide(delta, lambda)));
    const char *reason = toy_verify(&p, &lie, &key.key);
    toy_proof_clear(&p);
    return reason;
}

static void bus_sums(void **state)
{
    (void)state;
    assert_null(lie_about_the_bus(only(LABEL_GKR_ROOT)));
    assert_non_null(lie_about_the_bus(0));
}

// Any bus sum by a root that the first layer does not lead to: where roots are forgotten nothing
// else changes, and only the layer's own check tells.
static void layers_add_up(void **state)
{
    (void)state;
    dropped_labels = only(LABEL_GKR_ROOT);
    toy_job lie = false_job();
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    assert_string_equal(toy_verify(&p, &lie, &key.key), "the bus is not balanced");
    fe3 wanted = fe3_neg(boundary_sum(&lie, bus_of(&p)));
    add_to(&p.proofs[0], 0, fe3_sub(fe3_mul(wanted, sum.q), sum.p));
    assert_string_equal(toy_verify(&p, &lie, &key.key), "a GKR layer does not add up");
    toy_proof_clear(&p);
}

// Other ends of layer 0 with the same values at tau, which is known beforehand: with
// u = (1 - tau) / tau, (p0 + a, p1 - u a, q0 + b, q1 - u b) for any b, and the a that keeps
// p0 q1 + p1 q0 + lambda q0 q1.
static const char *lie_about_a_layer(uint32_t labels)
{
    dropped_labels = labels;
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    fe3 lambda = squeezed.value[LOG_LAMBDA_0], tau = squeezed.value[LOG_TAU_0];
    fe3 u = divide(fe3_sub(fe3_one(), tau), tau), b = {{3, 1, 4}}, end[4];
    for (size_t k = 0; k < 4; k++)
        end[k] = read_at(&p.proofs[0], 6 + 3 * k);
    fe3 h = fe3_add(fe3_mul(end[0], end[3]), fe3_mul(end[1], end[2]));
    h = fe3_add(h, fe3_mul(lambda, fe3_mul(end[2], end[3])));
    fe3 q0 = fe3_add(end[2], b), q1 = fe3_sub(end[3], fe3_mul(u, b));
    h = fe3_sub(h, fe3_add(fe3_mul(end[0], q1), fe3_mul(end[1], q0)));
    h = fe3_sub(h, fe3_mul(lambda, fe3_mul(q0, q1)));
    fe3 a = divide(h, fe3_sub(q1, fe3_mul(u, q0)));
    add_to(&p.proofs[0], 6, a);
    add_to(&p.proofs[0], 9, fe3_neg(fe3_mul(u, a)));
    add_to(&p.proofs[0], 12, b);
    add_to(&p.proofs[0], 15, fe3_neg(fe3_mul(u, b)));
    const char *reason = toy_verify(&p, job, &key.key);
    toy_proof_clear(&p);
    return reason;
}

static void layer_ends(void **state)
{
    (void)state;
    assert_null(lie_about_a_layer(only(LABEL_GKR_LAYER)));
    assert_non_null(lie_about_a_layer(0));
}

// ---- Round polynomials
// -------------------------------------------------------------------------

// Another polynomial with the same value at the challenge, which is known beforehand:
// d + 1, and e such that (r - rho) + e r (r - 1) = 0.
static fe3 other_slope(fe3 r, fe3 rho)
{
    return fe3_neg(divide(fe3_sub(r, rho), fe3_mul(r, fe3_sub(r, fe3_one()))));
}

typedef enum round_kind { ROUND_GKR, ROUND_ZEROCHECK, ROUND_WHIR } round_kind;

static const char *lie_in_a_round(uint32_t labels, round_kind kind)
{
    dropped_labels = labels;
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    fe3 half = fe3_from_fe((FE_P + 1) / 2), r, rho;
    size_t at;
    switch (kind) {
    case ROUND_GKR: // of layer 1, after root and layer 0
        at = 6 + 12;
        r = squeezed.value[LOG_ROUND_1];
        rho = squeezed.value[LOG_TAU_0];
        break;
    case ROUND_ZEROCHECK: // the first; rho_0 is GKR's last tau
        assert_true(toys->m.max_degree >= 2);
        at = at_zerocheck();
        r = squeezed.value[log_zerocheck()];
        rho = squeezed.value[log_gkr() - 1];
        break;
    default: // (c - d)/2 + d r: as rho = 1/2
        at = at_whir();
        r = squeezed.value[log_whir()];
        rho = half;
        break;
    }
    add_to(&p.proofs[0], at, fe3_one());
    add_to(&p.proofs[0], at + 3, other_slope(r, rho));
    const char *reason = toy_verify(&p, job, &key.key);
    toy_proof_clear(&p);
    return reason;
}

static void round_polynomials(void **state)
{
    (void)state;
    assert_null(lie_in_a_round(only(LABEL_GKR_ROUND), ROUND_GKR));
    assert_non_null(lie_in_a_round(0, ROUND_GKR));
    assert_null(lie_in_a_round(only(LABEL_ZEROCHECK_ROUND), ROUND_ZEROCHECK));
    assert_non_null(lie_in_a_round(0, ROUND_ZEROCHECK));
    assert_null(lie_in_a_round(only(LABEL_WHIR_ROUND), ROUND_WHIR));
    assert_non_null(lie_in_a_round(0, ROUND_WHIR));
}

// ---- Claims
// ------------------------------------------------------------------------------------

// Three counts of a table enter the zerocheck's end with weights s_k and the opening with powers of
// mu; the vector product of both keeps both sums.
static const char *lie_about_values(uint32_t labels)
{
    dropped_labels = labels;
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    const machine_slot *slot = &toys->m.slots[TOY_BITOPS];
    assert_true(slot->c->n_interactions == 3 && slot->c->n_committed == 3);
    const fe3 *s = scratch.weights + slot->first_interaction;
    const fe3 *mu = scratch.powers + slot->first_column;
    for (unsigned k = 0; k < 3; k++) {
        unsigned a = (k + 1) % 3, b = (k + 2) % 3;
        fe3 delta = fe3_sub(fe3_mul(s[a], mu[b]), fe3_mul(s[b], mu[a]));
        assert_false(fe3_is_zero(delta));
        add_to(&p.proofs[0], at_value(TOY_BITOPS, k), delta);
    }
    const char *reason = toy_verify(&p, job, &key.key);
    toy_proof_clear(&p);
    return reason;
}

static void claims(void **state)
{
    (void)state;
    assert_null(lie_about_values(only(LABEL_CLAIMS)));
    assert_non_null(lie_about_values(0));
}

// Where claims are forgotten, values can be changed that pass all checks but one. That one is then
// all that refuses them.
typedef struct value_change {
    uint32_t slot, column; // and the next column
    fe3 delta[2];
} value_change;

static const char *reason_without(const toy_job *j, toy_proof *p, const value_change *change)
{
    size_t at = at_value(change->slot, change->column);
    assert_false(fe3_is_zero(change->delta[0]));
    add_to(&p->proofs[0], at, change->delta[0]);
    add_to(&p->proofs[0], at + 3, change->delta[1]);
    const char *reason = toy_verify(p, j, &key.key);
    add_to(&p->proofs[0], at, fe3_neg(change->delta[0]));
    add_to(&p->proofs[0], at + 3, fe3_neg(change->delta[1]));
    assert_null(toy_verify(p, j, &key.key));
    return reason ? reason : "accepted";
}

static void each_check_of_values(void **state)
{
    (void)state;
    dropped_labels = only(LABEL_CLAIMS);
    toy_proof p = prove(job, NULL);
    instance_sum sum;
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    // Two counts of a table: as before, for one of the two sums.
    const machine_slot *slot = &toys->m.slots[TOY_BITOPS];
    const fe3 *s = scratch.weights + slot->first_interaction;
    const fe3 *mu = scratch.powers + slot->first_column;
    value_change keeps_zerocheck = {TOY_BITOPS, 0, {s[1], fe3_neg(s[0])}};
    value_change keeps_opening = {TOY_BITOPS, 0, {mu[1], fe3_neg(mu[0])}};
    // Key and value of the preprocessed table are fields 2 and 3 of one tuple.
    assert_int_equal(toys->m.slots[TOY_SQUARES].c->n_committed, 1);
    value_change keeps_tuple = {TOY_SQUARES, 1, {bus_of(&p).beta, fe3_neg(fe3_one())}};
    assert_string_equal(reason_without(job, &p, &keeps_zerocheck),
                        "the opening does not match the column values");
    assert_string_equal(reason_without(job, &p, &keeps_opening),
                        "constraints and interactions do not add up to the claim");
    assert_string_equal(reason_without(job, &p, &keeps_tuple),
                        "the preprocessed opening does not match the column values");
    toy_proof_clear(&p);

    // Columns of a chip that is not there are in no sum but that of the values.
    toy_shape shape = {.fill = 50};
    shape.log_heights[TOY_FIB] = 7;
    toy_job *small;
    must(toy_job_new(&small, toys, &shape, 1, 2));
    p = prove(small, NULL);
    assert_true(accepts_instance(&p, 0, &p.proofs[0], &sum));
    mu = scratch.powers + toys->m.slots[TOY_MEMORY].first_column;
    value_change absent = {TOY_MEMORY, 0, {mu[1], fe3_neg(mu[0])}};
    assert_string_equal(reason_without(small, &p, &absent),
                        "a value of a column that is not there");
    toy_proof_clear(&p);
    toy_job_free(small);
}

// ---- Ends of an opening, by itself
// ---------------------------------------------------------------

typedef struct opening {
    whir_params params;
    digest root;
    fe3 z, y;
    proof_writer w;
} opening;

static opening open_random(uint32_t labels, uint64_t seed)
{
    dropped_labels = labels;
    opening o = {.params = *whir_params_any(WHIR_CLASS_TEST_10), .z = {{seed, 2, 3}}};
    o.params.round[1].n_queries = 2;
    static fe cells[1 << 10], low[3 * 64], high[3 << 4];
    for (size_t i = 0; i < 1 << 10; i++)
        cells[i] = seed = fe_mul(fe_add(fe_sqr(seed), 11), 7);
    whir_commitment c;
    must(whir_commit(&c, &o.params, hash_get(HASH_POSEIDON), cells, NULL, NULL));
    o.root = merkle_root(&c.tree);
    must(whir_ood_answer(&o.y, &o.params, cells, o.z, NULL));
    whir_pow_weight(low, high, &o.params, o.z, NULL);
    transcript t;
    transcript_init(&t, c.tree.hash, 1);
    transcript_absorb_digest(&t, LABEL_ROOT, o.root);
    proof_writer_init(&o.w);
    must(whir_open(&c, cells, &(whir_weight){low, high}, 1, o.y, &t, &o.w, NULL, NULL));
    whir_clear(&c);
    return o;
}

static bool opens(const opening *o, whir_result *result, whir_scratch *room)
{
    transcript t;
    transcript_init(&t, hash_get(HASH_POSEIDON), 1);
    transcript_absorb_digest(&t, LABEL_ROOT, o->root);
    proof_reader reader = proof_reader_open(o->w.words, o->w.n_words);
    whir_verify(result, &o->params, hash_get(HASH_POSEIDON), o->root, o->y, &t, &reader, room);
    fe3 weight = whir_pow_eval(o->z, result->point, o->params.log_stack);
    require_equal_fe3(&reader, fe3_mul(weight, result->value), result->remaining, "claim");
    return reader.ok && proof_reader_finished(&reader);
}

// Words of round 0 up to its nonce, and of all of it.
static size_t at_first_nonce(const opening *o)
{
    return 6 * (size_t)o->params.round[0].n_folds + 4 + 3;
}

static size_t first_round_words(const opening *o)
{
    const whir_round *r = &o->params.round[0];
    return at_first_nonce(o) + 1 + ((size_t)4 << r->log_cap) +
           r->n_queries * (whir_row_width(&o->params, 0) + 4 * whir_path_digests(r));
}

// Queries and last challenges are known before the polynomial: add g = (X - x0)(X - x1)(a + b X),
// which is zero at both queries, with a and b such that its multilinear extension is zero at s.
static bool lie_about_the_final_polynomial(uint32_t labels)
{
    bool accepted = false;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        opening o = open_random(labels, seed);
        whir_result result;
        whir_scratch room;
        assert_true(opens(&o, &result, &room));
        const fe *x = room.positions + o.params.round[0].n_queries;
        const fe3 *s = result.point + o.params.log_stack - o.params.log_final;
        fe product[3] = {fe_mul(x[0], x[1]), fe_neg(fe_add(x[0], x[1])), 1};
        fe3 eq[4] = {fe3_mul(fe3_sub(fe3_one(), s[0]), fe3_sub(fe3_one(), s[1])),
                     fe3_mul(s[0], fe3_sub(fe3_one(), s[1])),
                     fe3_mul(fe3_sub(fe3_one(), s[0]), s[1]), fe3_mul(s[0], s[1])};
        fe3 at_s[2] = {fe3_zero(), fe3_zero()}; // of the product, of X times the product
        for (int k = 0; k < 3; k++)
            for (int shift = 0; shift < 2; shift++)
                at_s[shift] = fe3_add(at_s[shift], fe3_mul_fe(eq[k + shift], product[k]));
        fe3 a = at_s[1], b = fe3_neg(at_s[0]);
        size_t at = first_round_words(&o) + 6 * (size_t)o.params.round[1].n_folds;
        fe3 before = read_at(&o.w, at);
        for (int k = 0; k < 3; k++) {
            add_to(&o.w, at + 3 * (size_t)k, fe3_mul_fe(a, product[k]));
            add_to(&o.w, at + 3 * (size_t)(k + 1), fe3_mul_fe(b, product[k]));
        }
        assert_false(fe3_equal(before, read_at(&o.w, at)));
        bool now = opens(&o, &result, &room);
        assert_true(seed == 1 || now == accepted);
        accepted = now;
        proof_writer_clear(&o.w);
    }
    return accepted;
}

static void final_polynomial(void **state)
{
    (void)state;
    assert_true(lie_about_the_final_polynomial(only(LABEL_FINAL_POLY)));
    assert_false(lie_about_the_final_polynomial(0));
}

// Any nonce will do: the work is shown by one proof in eight, whatever its nonce says.
static bool change_a_nonce(uint32_t labels)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        opening o = open_random(labels, seed);
        whir_result result;
        whir_scratch room;
        bool honest = opens(&o, &result, &room);
        assert_true(honest || labels != 0);
        size_t at = at_first_nonce(&o);
        o.w.words[at] += 12345;
        bool accepted = opens(&o, &result, &room);
        proof_writer_clear(&o.w);
        if (honest)
            return accepted;
    }
    fail_msg("no proof shows work by luck");
    return false;
}

static void nonces(void **state)
{
    (void)state;
    assert_true(change_a_nonce(only(LABEL_NONCE)));
    assert_false(change_a_nonce(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publics),
        cmocka_unit_test(global_challenge),
        cmocka_unit_test(program),
        cmocka_unit_test(number_of_instances),
        cmocka_unit_test(headers),
        cmocka_unit_test(roots),
        cmocka_unit_test(out_of_domain_answers),
        cmocka_unit_test(bus_sums),
        cmocka_unit_test(layers_add_up),
        cmocka_unit_test(layer_ends),
        cmocka_unit_test(round_polynomials),
        cmocka_unit_test(claims),
        cmocka_unit_test(each_check_of_values),
        cmocka_unit_test(final_polynomial),
        cmocka_unit_test(nonces),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
