// SPDX-License-Identifier: Apache-2.0 OR MIT
// The coordinator's checks over real proofs: a job of two instances in any order, forged ones, a
// run whose every proof is accepted and whose bus is not balanced. argv: sha256.elf
#include "unit/prover/open_program.h"

#include "base/file.h"
#include "coordinator/checker.h"
#include "prover/prover.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_INSTANCES = 4, MAX_ANSWERS = 64 };

typedef struct proved {
    size_t n;
    contribution all[MAX_INSTANCES];
    proof_writer proofs[MAX_INSTANCES];
    uint32_t publics[VM_PUBLICS];
    uint64_t *contribution_words[MAX_INSTANCES];
    api_instance_contribution messages[MAX_INSTANCES];
    const api_instance_contribution *list[MAX_INSTANCES];
    char file[64];
} proved;

static const char *elf_path;
static zisk_program program;
static uint64_t key_words[PROGRAM_KEY_MAX_WORDS];
static size_t n_key_words;
static proved honest, unbalanced;

// A run over n_bytes of input; `forged`: with an output that it did not give.
static void prove(proved *p, size_t n_bytes, bool forged, pool *threads)
{
    uint8_t *bytes = calloc(1, n_bytes + 1);
    vm_input input;
    must(vm_input_load(&input, &program.vm.map, bytes, n_bytes, true));
    free(bytes);
    zisk_job_options options = {.max_class = WHIR_CLASS_23, .threads = threads, .keep = 1};
    zisk_job *job;
    must(zisk_job_open(&job, &program, &input, &options));
    vm_input_clear(&input);
    zisk_run *run = (zisk_run *)zisk_job_run(job);
    if (forged)
        run->publics[3] ^= 1;
    memcpy(p->publics, run->publics, sizeof p->publics);
    p->n = zisk_job_plan(job)->n;
    assert_in_range(p->n, 1, MAX_INSTANCES);
    size_t n_slots = program.z->m.n_slots;
    for (size_t i = 0; i < p->n; i++) {
        must(zisk_job_contribute(&p->all[i], job, i));
        size_t n_words = bundle_contribution_words(n_slots);
        p->contribution_words[i] = malloc(8 * n_words);
        bundle_write_contribution(p->contribution_words[i], &p->all[i], n_slots);
        p->messages[i] = API_INSTANCE_CONTRIBUTION_INIT;
        p->messages[i].plan_index = (uint32_t)i;
        p->messages[i].contribution =
            (ProtobufCBinaryData){8 * n_words, (uint8_t *)p->contribution_words[i]};
        p->list[i] = &p->messages[i];
    }
    for (size_t i = 0; i < p->n; i++) {
        proof_writer_init(&p->proofs[i]);
        must(zisk_job_prove(&p->proofs[i], job, p->all, i));
    }
    zisk_job_close(job);
    uint64_t *words;
    size_t n_words;
    must(zisk_bundle(&words, &n_words, &program, p->publics, p->all, p->proofs, p->n));
    snprintf(p->file, sizeof p->file, "/tmp/zisk_test_checker.%d.%d", (int)getpid(), forged);
    must(file_write_atomic(p->file, words, 8 * n_words));
    free(words);
}

static void clear(proved *p)
{
    for (size_t i = 0; i < p->n; i++) {
        proof_writer_clear(&p->proofs[i]);
        free(p->contribution_words[i]);
    }
    unlink(p->file);
}

static int set_up(void **state)
{
    (void)state;
    pool *threads;
    must(pool_open(&threads, 2));
    open_program(&program, elf_path, threads);
    n_key_words =
        program_key_write(key_words, &program.key.key, program.vm.map.abi, program.vm.entry);
    prove(&honest, 3000, false, threads);
    assert_true(honest.n >= 2);
    prove(&unbalanced, 3, true, threads);
    pool_close(threads);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    clear(&honest);
    clear(&unbalanced);
    zisk_program_close(&program);
    return 0;
}

// ---- A checker with its answers ----------------------------------------------------------------

static const char file_digest[33] = "0123456789abcdef0123456789abcdef";

typedef struct answers {
    pthread_mutex_t lock;
    unsigned n[MAX_ANSWERS]; // by ticket
    check_verdict verdict[MAX_ANSWERS];
    char reason[MAX_ANSWERS][256];
    unsigned order[MAX_ANSWERS], n_all;
    const char *artifact;             // path of every artifact; NULL: there is none
    unsigned n_files, answers_before; // accepted final files, and the answers before the last
} answers;

static void take_answer(void *arg, uint64_t ticket, check_verdict verdict, const char *reason)
{
    answers *a = arg;
    pthread_mutex_lock(&a->lock);
    assert_true(ticket < MAX_ANSWERS);
    a->order[ticket] = a->n_all++;
    a->n[ticket]++;
    a->verdict[ticket] = verdict;
    snprintf(a->reason[ticket], sizeof a->reason[ticket], "%s", reason != NULL ? reason : "");
    pthread_mutex_unlock(&a->lock);
}

static bool artifact_path(void *arg, const uint8_t sha256[32], char *path, size_t size)
{
    answers *a = arg;
    (void)sha256;
    if (a->artifact == NULL)
        return false;
    snprintf(path, size, "%s", a->artifact);
    return true;
}

static void take_file(void *arg, const char *job, const uint8_t sha256[32])
{
    answers *a = arg;
    pthread_mutex_lock(&a->lock);
    assert_string_equal(job, "j");
    assert_memory_equal(sha256, file_digest, 32);
    a->n_files++;
    a->answers_before = a->n_all;
    pthread_mutex_unlock(&a->lock);
}

typedef struct bench {
    pool *threads;
    checker *c;
    answers a;
    uint64_t next;
} bench;

static void open_bench(bench *b, unsigned n_threads)
{
    *b = (bench){.a.lock = PTHREAD_MUTEX_INITIALIZER};
    if (n_threads > 0)
        must(pool_open(&b->threads, n_threads));
    checker_options options = {b->threads, &b->a, take_answer, artifact_path, take_file};
    must(checker_open(&b->c, &options));
}

static void close_bench(bench *b)
{
    checker_close(b->c);
    for (uint64_t t = 0; t < b->next; t++)
        assert_int_equal(b->a.n[t], 1); // every answer comes, once
    pool_close(b->threads);
}

static uint64_t submit(bench *b, check_request r)
{
    r.ticket = b->next++;
    checker_submit(b->c, &r);
    return r.ticket;
}

static check_request request(const proved *p, const char *job, uint32_t epoch, check_kind kind)
{
    return (check_request){.kind = kind,
                           .job = job,
                           .epoch = epoch,
                           .key_words = key_words,
                           .n_key_words = n_key_words,
                           .program_key = (const uint8_t *)&program.key.key.digest,
                           .publics = p->publics,
                           .contributions = p->list,
                           .n_contributions = p->n,
                           .sha256 = (const uint8_t *)file_digest};
}

static uint64_t submit_proof(bench *b, const proved *p, const char *job, uint32_t epoch, size_t i)
{
    check_request r = request(p, job, epoch, CHECK_PROOF);
    r.plan_index = (uint32_t)i;
    r.proof = (const uint8_t *)p->proofs[i].words;
    r.proof_bytes = 8 * p->proofs[i].n_words;
    return submit(b, r);
}

static void expect(bench *b, uint64_t ticket, const char *reason) // NULL: accepted
{
    if (b->a.n[ticket] != 1)
        fail_msg("check %d has %u answers", (int)ticket, b->a.n[ticket]);
    if (b->a.verdict[ticket] != (reason == NULL ? CHECK_ACCEPTED : CHECK_REFUSED) ||
        (reason != NULL && strstr(b->a.reason[ticket], reason) == NULL))
        fail_msg("check %d: \"%s\" instead of \"%s\"", (int)ticket, b->a.reason[ticket],
                 reason != NULL ? reason : "accepted");
}

// ---- Tests -------------------------------------------------------------------------------------

static void accepts_in_any_order_and_adds_up(void **state)
{
    (void)state;
    for (unsigned n_threads = 0; n_threads < 4; n_threads += 3) {
        bench b;
        open_bench(&b, n_threads);
        b.a.artifact = honest.file;
        for (size_t i = honest.n; i-- > 0;)
            submit_proof(&b, &honest, "j", 0, i);
        submit_proof(&b, &honest, "j", 0, 0); // again: changes nothing
        uint64_t total = submit(&b, request(&honest, "j", 0, CHECK_TOTAL));
        uint64_t file = submit(&b, request(&honest, "j", 0, CHECK_FINAL));
        pool_drain(b.threads);
        checker_close(b.c);
        b.c = NULL;
        for (uint64_t t = 0; t < b.next; t++)
            expect(&b, t, NULL);
        for (uint64_t t = 0; t < total; t++) // it waited for them
            assert_true(b.a.order[t] < b.a.order[total]);
        (void)file;
        close_bench(&b);
    }
}

static void refuses_what_is_not_the_instances_proof(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 0); // answers come at once
    proved *p = &honest;
    uint64_t t = submit_proof(&b, p, "j", 0, 0);
    expect(&b, t, NULL);
    // One word of it.
    uint64_t *middle = &p->proofs[1].words[p->proofs[1].n_words / 2];
    *middle ^= 1;
    expect(&b, submit_proof(&b, p, "j", 0, 1), "instance 1: ");
    *middle ^= 1;
    // The proof of another instance, of another epoch's contributions, cut, long, empty, odd.
    check_request r = request(p, "j", 0, CHECK_PROOF);
    r.plan_index = 1;
    r.proof = (const uint8_t *)p->proofs[0].words;
    r.proof_bytes = 8 * p->proofs[0].n_words;
    expect(&b, submit(&b, r), "instance 1: ");
    r.proof = (const uint8_t *)p->proofs[1].words;
    r.proof_bytes = 8 * p->proofs[1].n_words - 8;
    expect(&b, submit(&b, r), "instance 1: ");
    r.proof_bytes -= 4;
    expect(&b, submit(&b, r), "no multiple of 8");
    r.proof_bytes = 0;
    expect(&b, submit(&b, r), "no multiple of 8");
    uint64_t *longer = malloc(8 * p->proofs[1].n_words + 8);
    memcpy(longer, p->proofs[1].words, 8 * p->proofs[1].n_words);
    longer[p->proofs[1].n_words] = 0;
    r.proof = (const uint8_t *)longer;
    r.proof_bytes = 8 * p->proofs[1].n_words + 8;
    expect(&b, submit(&b, r), "too long");
    free(longer);
    r.proof = (const uint8_t *)p->proofs[1].words;
    r.proof_bytes = 8 * p->proofs[1].n_words;
    r.plan_index = (uint32_t)p->n;
    expect(&b, submit(&b, r), "the plan has");
    // None of the refused ones counts as a proof of instance 1.
    expect(&b, submit(&b, request(p, "j", 0, CHECK_TOTAL)), "instance 1 has no accepted proof");
    for (size_t i = 1; i < p->n; i++)
        expect(&b, submit_proof(&b, p, "j", 0, i), NULL);
    expect(&b, submit(&b, request(p, "j", 0, CHECK_TOTAL)), NULL);
    // Another statement: other outputs, other contributions.
    p->publics[5] ^= 1;
    expect(&b, submit_proof(&b, p, "other outputs", 0, 0), "instance 0: ");
    p->publics[5] ^= 1;
    p->contribution_words[1][2] ^= 1;
    expect(&b, submit_proof(&b, p, "j", 1, 0), "instance 0: "); // another challenge
    p->contribution_words[1][2] ^= 1;
    checker_counts counts;
    checker_get_counts(b.c, &counts);
    assert_int_equal(counts.done[CHECK_PROOF], 9 + p->n);
    assert_int_equal(counts.refused[CHECK_PROOF], 9);
    assert_int_equal(counts.done[CHECK_TOTAL], 2);
    assert_int_equal(counts.refused[CHECK_TOTAL], 1);
    assert_int_equal(counts.waiting, 0);
    assert_true(counts.busy_ns > 0);
    close_bench(&b);
}

static void refuses_a_bus_that_is_not_balanced(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 0);
    for (size_t i = 0; i < unbalanced.n; i++)
        expect(&b, submit_proof(&b, &unbalanced, "j", 0, i), NULL);
    expect(&b, submit(&b, request(&unbalanced, "j", 0, CHECK_TOTAL)), "the bus is not balanced");
    b.a.artifact = unbalanced.file;
    expect(&b, submit(&b, request(&unbalanced, "j", 0, CHECK_FINAL)), "the bus is not balanced");
    close_bench(&b);
}

static void refuses_files(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 0);
    check_request r = request(&honest, "j", 0, CHECK_FINAL);
    expect(&b, submit(&b, r), "not there");
    b.a.artifact = elf_path; // some other file
    expect(&b, submit(&b, r), "");
    b.a.artifact = honest.file;
    assert_int_equal(b.a.n_files, 0);
    uint64_t accepted = submit(&b, r);
    expect(&b, accepted, NULL);
    assert_int_equal(b.a.n_files, 1);
    assert_int_equal(b.a.answers_before, b.a.order[accepted]);
    r.publics = unbalanced.publics;
    expect(&b, submit(&b, r), "public output");
    r = request(&honest, "j", 0, CHECK_FINAL);
    digest other = program.key.key.digest;
    other.e[0] ^= 1;
    r.program_key = (const uint8_t *)&other;
    expect(&b, submit(&b, r), "another program");
    close_bench(&b);
}

static void refuses_requests_that_make_no_sense(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 0);
    proved *p = &honest;
    const api_instance_contribution *swapped[] = {p->list[1], p->list[0]};
    check_request r = request(p, "swapped", 0, CHECK_TOTAL);
    r.contributions = swapped;
    r.n_contributions = 2;
    expect(&b, submit(&b, r), "in the order of the plan");
    r = request(p, "none", 0, CHECK_TOTAL);
    r.n_contributions = 0;
    expect(&b, submit(&b, r), "out of range");
    r = request(p, "key", 0, CHECK_TOTAL);
    r.n_key_words--;
    expect(&b, submit(&b, r), "machine");
    r = request(p, "key", 1, CHECK_TOTAL);
    digest other = program.key.key.digest;
    other.e[3] ^= 1;
    r.program_key = (const uint8_t *)&other;
    expect(&b, submit(&b, r), "another program");
    api_instance_contribution short_one = p->messages[0];
    short_one.contribution.len -= 8;
    const api_instance_contribution *shorts[] = {&short_one};
    r = request(p, "short", 0, CHECK_TOTAL);
    r.contributions = shorts;
    r.n_contributions = 1;
    expect(&b, submit(&b, r), "bytes");
    uint64_t keep = p->contribution_words[1][0];
    p->contribution_words[1][0] = 999;
    expect(&b, submit(&b, request(p, "class", 0, CHECK_TOTAL)), "contribution 1 is malformed");
    p->contribution_words[1][0] = WHIR_CLASS_TEST_14;
    expect(&b, submit(&b, request(p, "class", 1, CHECK_TOTAL)), "unknown parameter class");
    p->contribution_words[1][0] = keep;
    close_bench(&b);
}

static void forgets(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 0);
    proved *p = &unbalanced;
    for (uint32_t epoch = 0; epoch < 3; epoch++)
        expect(&b, submit_proof(&b, p, "j", epoch, 0), NULL);
    expect(&b, submit_proof(&b, p, "k", 0, 0), NULL);
    checker_forget(b.c, "j", 1);
    const char *gone = "instance 0 has no accepted proof", *there = "the bus is not balanced";
    expect(&b, submit(&b, request(p, "j", 0, CHECK_TOTAL)), gone);
    expect(&b, submit(&b, request(p, "j", 1, CHECK_TOTAL)), there);
    expect(&b, submit(&b, request(p, "k", 0, CHECK_TOTAL)), there);
    checker_forget(b.c, "j", UINT32_MAX);
    expect(&b, submit(&b, request(p, "j", 2, CHECK_TOTAL)), gone);
    expect(&b, submit(&b, request(p, "k", 0, CHECK_TOTAL)), there);
    close_bench(&b);
}

static void closes_with_work_in_flight(void **state)
{
    (void)state;
    bench b;
    open_bench(&b, 3);
    for (int k = 0; k < 8; k++) {
        submit_proof(&b, &honest, "j", (uint32_t)(k % 2), (size_t)k % honest.n);
        if (k == 5)
            checker_forget(b.c, "j", UINT32_MAX);
    }
    submit(&b, request(&honest, "j", 0, CHECK_TOTAL));
    close_bench(&b); // all answers are there
    for (uint64_t t = 0; t < 8; t++)
        expect(&b, t, NULL);
}

// Nothing is known of a proof that there is no memory to look at, or of a file that the disk does
// not give; the same check is accepted afterwards.
static void is_undecided_without_memory(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); // they take address space as they like
#endif
    bench b;
    open_bench(&b, 0);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    expect(&b, submit_proof(&b, &honest, "j", 0, 0), NULL); // the key is parsed
    const struct rlimit none = {1 << 20, before.rlim_max};
    void **heap = NULL; // a chain of what the allocator still has, so that nothing comes from there
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    for (void **block; (block = malloc(1 << 12)) != NULL; heap = block)
        *block = heap;
    uint64_t proof = submit_proof(&b, &honest, "j", 0, 1);
    while (heap != NULL) {
        void **next = *heap;
        free(heap);
        heap = next;
    }
    b.a.artifact = honest.file;
    uint64_t file = submit(&b, request(&honest, "j", 0, CHECK_FINAL)); // cannot be mapped
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(b.a.verdict[proof], CHECK_UNDECIDED);
    assert_int_equal(b.a.verdict[file], CHECK_UNDECIDED);
    b.a.artifact = "/nowhere/at/all";
    uint64_t missing = submit(&b, request(&honest, "j", 0, CHECK_FINAL));
    assert_int_equal(b.a.verdict[missing], CHECK_UNDECIDED);
    checker_counts counts;
    checker_get_counts(b.c, &counts);
    assert_int_equal(counts.undecided[CHECK_PROOF], 1);
    assert_int_equal(counts.undecided[CHECK_FINAL], 2);
    assert_int_equal(counts.done[CHECK_FINAL], 2);
    assert_int_equal(counts.refused[CHECK_PROOF] + counts.refused[CHECK_FINAL], 0);
    b.a.artifact = honest.file;
    expect(&b, submit_proof(&b, &honest, "j", 0, 1), NULL);
    expect(&b, submit(&b, request(&honest, "j", 0, CHECK_FINAL)), NULL);
    close_bench(&b);
}

static void looks_at_the_form_of_contributions(void **state)
{
    (void)state;
    proved *p = &honest;
    const uint8_t *key = (const uint8_t *)&program.key.key.digest;
    api_instance_contribution m = p->messages[1];
    assert_true(checker_contribution_form(key_words, n_key_words, key, &m));
    for (size_t w = 0; w < 2 + HASH_DIGEST + 3; w++) { // class, preprocessed, root, answer
        uint64_t keep = p->contribution_words[1][w];
        p->contribution_words[1][w] = FE_P;
        if (checker_contribution_form(key_words, n_key_words, key, &m))
            fail_msg("word %zu may be anything", w);
        p->contribution_words[1][w] = keep;
    }
    size_t tall = 2 + HASH_DIGEST + 3;
    uint64_t keep = p->contribution_words[1][tall];
    p->contribution_words[1][tall] = 60;
    assert_false(checker_contribution_form(key_words, n_key_words, key, &m));
    p->contribution_words[1][tall] = keep;
    m.plan_index = JOB_MAX_INSTANCES;
    assert_false(checker_contribution_form(key_words, n_key_words, key, &m));
    m.plan_index = 1;
    m.contribution.len -= 8;
    assert_false(checker_contribution_form(key_words, n_key_words, key, &m));
    m.contribution.len += 8;
    digest other = program.key.key.digest;
    other.e[0] ^= 1;
    assert_false(checker_contribution_form(key_words, n_key_words, (const uint8_t *)&other, &m));
    assert_false(checker_contribution_form(key_words, 3, key, &m));
    assert_true(checker_contribution_form(key_words, n_key_words, key, &m));
}

// Words of a key, there and back; each of them altered is refused for its reason.
static void keys_as_words(void **state)
{
    (void)state;
    digest expected = program.key.key.digest;
    program_key k;
    must(program_key_open(&k, key_words, n_key_words, expected));
    assert_true(digest_equal(k.key.digest, expected));
    uint64_t again[PROGRAM_KEY_MAX_WORDS];
    assert_int_equal(program_key_write(again, &k.key, k.abi, k.entry), n_key_words);
    assert_memory_equal(again, key_words, 8 * n_key_words);
    program_key_close(&k);

    static const struct {
        size_t at;
        uint64_t value;
        const char *reason;
    } bad[] = {
        {0, 0, "hash"},
        {0, HASH_POSEIDON2 + 1, "hash"},
        {0, UINT64_MAX, "hash"},
        {0, HASH_POSEIDON2, "hash that programs are not proved with"},
        {1, 'D', "memory map"},
        {1, UINT64_MAX, "memory map"},
        {2, 1ULL << 32, "entry point"},
        {2, 4, "another program"},
        {3, 0, "impossible machine"},
        {3, UINT64_MAX, "impossible machine"},
        {3, MACHINE_MAX_SLOTS + 1, "impossible machine"},
        {4, 0, "parameter class"},
        {4, WHIR_CLASS_TEST_14, "parameter class"},
        {4, 1ULL << 32 | WHIR_CLASS_23, "parameter class"},
        {5, FE_P, "root"},
        {8, UINT64_MAX, "root"},
        {8, 0, "another program"},
        {PROGRAM_KEY_FIXED_WORDS, 256 + 1, "height is out of range"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint64_t words[PROGRAM_KEY_MAX_WORDS];
        memcpy(words, key_words, sizeof words);
        words[bad[i].at] = bad[i].value;
        if (program_key_open(&k, words, n_key_words, expected) != ZK_EPROOF)
            fail_msg("case %zu was taken", i);
        if (strstr(status_message(), bad[i].reason) == NULL)
            fail_msg("case %zu: %s", i, status_message());
        assert_null(k.z);
    }
    for (size_t w = PROGRAM_KEY_FIXED_WORDS; w < n_key_words; w++) { // each height
        uint64_t words[PROGRAM_KEY_MAX_WORDS];
        memcpy(words, key_words, sizeof words);
        words[w] ^= 8;
        assert_int_equal(program_key_open(&k, words, n_key_words, expected), ZK_EPROOF);
    }
    for (size_t n = 0; n < n_key_words; n += 5)
        assert_int_equal(program_key_open(&k, key_words, n, expected), ZK_EPROOF);
    // A machine of one slot fewer or more than the program's own.
    uint64_t words[PROGRAM_KEY_MAX_WORDS + 1] = {0};
    memcpy(words, key_words, 8 * n_key_words);
    words[3]++;
    assert_int_equal(program_key_open(&k, words, n_key_words + 1, expected), ZK_EPROOF);
    assert_non_null(strstr(status_message(), "another machine"));
    digest other = expected;
    other.e[2] ^= 1;
    assert_int_equal(program_key_open(&k, key_words, n_key_words, other), ZK_EPROOF);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    elf_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_as_words),
        cmocka_unit_test(is_undecided_without_memory),
        cmocka_unit_test(looks_at_the_form_of_contributions),
        cmocka_unit_test(accepts_in_any_order_and_adds_up),
        cmocka_unit_test(refuses_what_is_not_the_instances_proof),
        cmocka_unit_test(refuses_a_bus_that_is_not_balanced),
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(refuses_requests_that_make_no_sense),
        cmocka_unit_test(forgets),
        cmocka_unit_test(closes_with_work_in_flight),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
