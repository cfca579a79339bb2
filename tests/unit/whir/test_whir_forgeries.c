// SPDX-License-Identifier: Apache-2.0 OR MIT
// Provers that cheat in one place and are honest everywhere else, so that one check of the verifier
// stands between them and success; and, for each kind of message, a prover and a verifier that both
// forget to absorb it. Those are the sources of src/whir, compiled here with some calls replaced.
#include "unit/whir/whir_fixture.h"

// ---- What the replaced calls do.

typedef enum nonce_choice {
    NONCE_SMALLEST,
    NONCE_NEXT,  // the second smallest that is valid
    NONCE_LARGE, // valid, but not below 2^40
    NONCE_INVALID,
} nonce_choice;

static nonce_choice chosen_nonce;
static int forgotten_label; // absorbed by neither; 0: all are absorbed
static fe3 squeezed[256];   // by the prover, in order
static size_t n_squeezed;

static void forgetful_absorb_fe(transcript *t, transcript_label label, const fe *data, size_t n)
{
    if ((int)label != forgotten_label)
        transcript_absorb_fe(t, label, data, n);
}

static void forgetful_absorb_fe3(transcript *t, transcript_label label, const fe3 *data, size_t n)
{
    if ((int)label != forgotten_label)
        transcript_absorb_fe3(t, label, data, n);
}

static void forgetful_absorb_digest(transcript *t, transcript_label label, digest d)
{
    if ((int)label != forgotten_label)
        transcript_absorb_digest(t, label, d);
}

static void forgetful_nonce_bits(transcript *t, fe nonce, unsigned n_bits, fe *bits)
{
    forgetful_absorb_fe(t, LABEL_NONCE, &nonce, 1);
    transcript_squeeze_index_bits(t, n_bits, bits);
}

static fe3 noted_squeeze_fe3(transcript *t)
{
    fe3 a = transcript_squeeze_fe3(t);
    assert_true(n_squeezed < sizeof squeezed / sizeof squeezed[0]);
    squeezed[n_squeezed++] = a;
    return a;
}

static bool shows_work(const transcript *t, unsigned bits, uint64_t nonce)
{
    transcript copy = *t;
    fe work[32];
    forgetful_nonce_bits(&copy, nonce, bits, work);
    fe any = 0;
    for (unsigned i = 0; i < bits; i++)
        any |= work[i];
    return any == 0;
}

static status chosen_grind(transcript *t, unsigned bits, pool *threads, uint64_t *nonce)
{
    (void)threads;
    uint64_t n = chosen_nonce == NONCE_LARGE ? 1ULL << 40 : 0;
    unsigned skip = chosen_nonce == NONCE_NEXT;
    bool want = chosen_nonce != NONCE_INVALID;
    // Without the nonce in the transcript the work is the same for all: take what there is.
    for (; forgotten_label != LABEL_NONCE; n++)
        if (shows_work(t, bits, n) == want && skip-- == 0)
            break;
    fe ignored[32];
    forgetful_nonce_bits(t, n, bits, ignored);
    *nonce = n;
    return ZK_OK;
}

// ---- The sources.

typedef status open_fn(const whir_commitment *c, const fe *cells, const whir_weight *weights,
                       size_t n_weights, fe3 claim, transcript *t, proof_writer *w, pool *threads,
                       const cancel_flag *cancel);

open_fn cheating_open;
verify_fn forgetful_verify;
fe3 forgetful_pow_eval(fe3 z, const fe3 *s, unsigned n);

#define transcript_absorb_fe     forgetful_absorb_fe
#define transcript_absorb_fe3    forgetful_absorb_fe3
#define transcript_absorb_digest forgetful_absorb_digest
#define transcript_nonce_bits    forgetful_nonce_bits
#define transcript_grind         chosen_grind

#define whir_open              cheating_open
#define transcript_squeeze_fe3 noted_squeeze_fe3
#include "whir/whir_open.c"
#undef transcript_squeeze_fe3
#undef whir_open

#define whir_verify   forgetful_verify
#define whir_pow_eval forgetful_pow_eval
#define open_rows     verifier_open_rows
#define fold_row      verifier_fold_row
#include "whir/whir_verify.c"
#undef whir_verify
#undef whir_pow_eval
#undef open_rows
#undef fold_row

#undef transcript_absorb_fe
#undef transcript_absorb_fe3
#undef transcript_absorb_digest
#undef transcript_nonce_bits
#undef transcript_grind

// ---- One lie at a time.

typedef struct attempt {
    fixture f;
    proof_writer w;
} attempt;

static void attempt_begin(attempt *a, unsigned class_id, uint64_t seed)
{
    chosen_nonce = NONCE_SMALLEST;
    forgotten_label = 0;
    fixture_commit(&a->f, class_id, seed, NULL);
    proof_writer_init(&a->w);
}

static void attempt_end(attempt *a)
{
    proof_writer_clear(&a->w);
    fixture_clear(&a->f);
}

static void attempt_prove(attempt *a, open_fn *open)
{
    transcript t;
    fe3 mu = fixture_start(&t, &a->f);
    fixture_weights(&a->f, mu, NULL);
    fe3 claim = fe3_add(a->f.y, fe3_mul(mu, a->f.value));
    proof_writer_clear(&a->w);
    n_squeezed = 0;
    assert_int_equal(
        open(&a->f.commitment, a->f.cells, a->f.terms, 2, claim, &t, &a->w, NULL, NULL), ZK_OK);
    assert_int_equal(a->w.n_words, whir_proof_words(a->f.params));
}

static bool accepted_by(const attempt *a, verify_fn *verify)
{
    statement s = fixture_statement(&a->f);
    return fixture_check(&a->f, &s, verify, a->w.words, a->w.n_words);
}

static void test_honest_in_disguise(void **state)
{
    (void)state;
    attempt a;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 1);
    attempt_prove(&a, cheating_open);
    assert_true(accepted_by(&a, whir_verify));
    assert_true(accepted_by(&a, forgetful_verify));
    attempt_end(&a);
}

// Any nonce below 2^40 that shows the work will do; the prover's own is the smallest.
static void test_nonces(void **state)
{
    (void)state;
    attempt a;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 2);
    attempt_prove(&a, cheating_open);
    uint64_t *words = malloc(a.w.n_words * sizeof *words);
    assert_non_null(words);
    memcpy(words, a.w.words, a.w.n_words * sizeof *words);
    attempt_prove(&a, whir_open);
    assert_memory_equal(words, a.w.words, a.w.n_words * sizeof *words);
    free(words);

    chosen_nonce = NONCE_NEXT;
    attempt_prove(&a, cheating_open);
    assert_true(accepted_by(&a, whir_verify));
    chosen_nonce = NONCE_LARGE;
    attempt_prove(&a, cheating_open);
    assert_false(accepted_by(&a, whir_verify));
    chosen_nonce = NONCE_INVALID;
    attempt_prove(&a, cheating_open);
    assert_false(accepted_by(&a, whir_verify));
    attempt_end(&a);
}

// Rows and tree of other cells than the root: only the cap's hash tells.
static void test_cap_of_another_tree(void **state)
{
    (void)state;
    attempt a, b;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 3);
    attempt_begin(&b, WHIR_CLASS_TEST_14, 4);
    a.f.root = b.f.root;
    attempt_prove(&a, whir_open);
    assert_false(accepted_by(&a, whir_verify));
    attempt_end(&a);
    attempt_end(&b);
}

// The tree of other cells than the rows: only the paths tell.
static void test_rows_of_another_code(void **state)
{
    (void)state;
    attempt a, b;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 5);
    attempt_begin(&b, WHIR_CLASS_TEST_14, 6);
    merkle_tree tree = a.f.commitment.tree;
    a.f.commitment.tree = b.f.commitment.tree;
    a.f.root = b.f.root;
    attempt_prove(&a, whir_open);
    assert_false(accepted_by(&a, whir_verify));
    a.f.commitment.tree = tree;
    attempt_end(&a);
    attempt_end(&b);
}

// As open_all, with another final polynomial that has the same weighted sum: only its values at
// the opened rows tell.
static status open_with_false_final(const whir_commitment *c, const fe *cells,
                                    const whir_weight *weights, size_t n_weights, fe3 claim,
                                    transcript *t, proof_writer *w, pool *threads,
                                    const cancel_flag *cancel)
{
    opening o = {.params = c->params,
                 .t = t,
                 .writer = w,
                 .threads = threads,
                 .cancel = cancel,
                 .claim = claim};
    oracle current = {.tree = c->tree, .code = c->code}, next = {0};
    const whir_params *p = c->params;
    TRY(tables_new(&o, (size_t)1 << (p->log_stack - p->round[0].n_folds)));
    TRY(fold_cells(&o, cells, weights, n_weights));
    for (unsigned i = 0; !whir_is_last(p, i); i++) {
        TRY(next_oracle(&o, i, &current, &next));
        oracle_clear(&current);
        current = next;
        TRY(fold_tables(&o, p->round[i + 1].n_folds));
    }
    for (unsigned k = 0; k < 3; k++) { // f + (W[1], -W[0], 0, ..)
        o.f[k * o.n] = fe_add(o.f[k * o.n], o.w[k * o.n + 1]);
        o.f[k * o.n + 1] = fe_sub(o.f[k * o.n + 1], o.w[k * o.n]);
    }
    send_final(&o);
    TRY(open_rows(&o, p->n_rounds - 1U, &current));
    TRY(fold_tables(&o, p->log_final));
    oracle_clear(&current);
    bigmem_free(o.block, 9 * o.capacity, sizeof *o.block);
    return ZK_OK;
}

static void test_false_final_polynomial(void **state)
{
    (void)state;
    attempt a;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 7);
    attempt_prove(&a, open_with_false_final);
    assert_false(accepted_by(&a, whir_verify));
    attempt_end(&a);
}

// ---- Forgotten messages.

static const transcript_label labels[] = {LABEL_WHIR_ROUND, LABEL_ROOT, LABEL_OOD_ANSWER,
                                          LABEL_FINAL_POLY, LABEL_NONCE};

// Prover and verifier that both forget a message agree with each other, and their challenges are
// not those of the real verifier.
static void test_every_message_is_absorbed(void **state)
{
    (void)state;
    attempt a;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 8);
    attempt_prove(&a, cheating_open);
    static fe3 honest[sizeof squeezed / sizeof squeezed[0]];
    memcpy(honest, squeezed, sizeof honest);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        forgotten_label = (int)labels[i];
        attempt_prove(&a, cheating_open);
        if (labels[i] != LABEL_NONCE) // which then shows no work
            assert_true(accepted_by(&a, forgetful_verify));
        assert_false(accepted_by(&a, whir_verify));
        assert_memory_not_equal(squeezed, honest, n_squeezed * sizeof *honest);
    }
    attempt_end(&a);
}

static fe3 word_get(const uint64_t *words)
{
    return (fe3){{words[0], words[1], words[2]}};
}

static void word_set(uint64_t *words, fe3 a)
{
    memcpy(words, a.c, sizeof a.c);
}

// A false claim, repaired in the first round by who knows the challenge: t(r) stays what it was
// when d grows by delta / (1 - 2 r).
static void test_forgotten_round_polynomials_forge(void **state)
{
    (void)state;
    attempt a;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 9);
    forgotten_label = LABEL_WHIR_ROUND;
    attempt_prove(&a, cheating_open);
    statement lie = fixture_statement(&a.f);
    const fixture *f = &a.f;
    assert_false((lie.claim = fe3_add(lie.claim, fe3_one()),
                  fixture_check(f, &lie, forgetful_verify, a.w.words, a.w.n_words)));
    fe3 r = squeezed[0];
    fe3 d = fe3_inv(fe3_sub(fe3_one(), fe3_add(r, r)));
    word_set(a.w.words, fe3_add(word_get(a.w.words), d));
    assert_true(fixture_check(f, &lie, forgetful_verify, a.w.words, a.w.n_words));
    assert_false(fixture_check(f, &lie, whir_verify, a.w.words, a.w.n_words));
    attempt_end(&a);
}

// A false claim halves in every round that it is passed through; the answer y' enters the claim
// with factor xi, so that who knows xi before answering takes the rest off there.
static void test_forgotten_answer_forges(void **state)
{
    (void)state;
    attempt a;
    attempt_begin(&a, WHIR_CLASS_TEST_14, 10);
    forgotten_label = LABEL_OOD_ANSWER;
    attempt_prove(&a, cheating_open);
    statement lie = fixture_statement(&a.f);
    unsigned k = a.f.params->round[0].n_folds;
    lie.claim = fe3_add(lie.claim, fe3_from_fe(1ULL << k));
    uint64_t *answer = a.w.words + 6 * k + 4;
    fe3 xi = squeezed[k + 1]; // after k rounds and z
    word_set(answer, fe3_sub(word_get(answer), fe3_inv(xi)));
    // The statement of the fixture absorbs an answer too; both verifiers here see the same start.
    assert_true(fixture_check(&a.f, &lie, forgetful_verify, a.w.words, a.w.n_words));
    assert_false(fixture_check(&a.f, &lie, whir_verify, a.w.words, a.w.n_words));
    attempt_end(&a);
}

// Without the nonce in the transcript any nonce is as good as any other.
static void test_forgotten_nonce_is_free(void **state)
{
    (void)state;
    attempt a;
    bool found = false;
    for (uint64_t seed = 11; seed < 4096 && !found; seed++) { // one in 2^(4 + 3) shows the work
        attempt_begin(&a, WHIR_CLASS_TEST_10, seed);
        forgotten_label = LABEL_NONCE;
        attempt_prove(&a, cheating_open);
        if (accepted_by(&a, forgetful_verify)) {
            size_t at = 6 * (size_t)a.f.params->round[0].n_folds + 7;
            for (uint64_t nonce = 0; nonce < 10; nonce++) {
                a.w.words[at] = nonce;
                assert_true(accepted_by(&a, forgetful_verify));
            }
            found = true;
        }
        attempt_end(&a);
    }
    assert_true(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_honest_in_disguise),
        cmocka_unit_test(test_nonces),
        cmocka_unit_test(test_cap_of_another_tree),
        cmocka_unit_test(test_rows_of_another_code),
        cmocka_unit_test(test_false_final_polynomial),
        cmocka_unit_test(test_every_message_is_absorbed),
        cmocka_unit_test(test_forgotten_round_polynomials_forge),
        cmocka_unit_test(test_forgotten_answer_forges),
        cmocka_unit_test(test_forgotten_nonce_is_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
