// SPDX-License-Identifier: Apache-2.0 OR MIT
// Real programs from ELF file to verdict. argv: sha256.elf fibonacci.elf
#include "unit/prover/open_program.h"

#include "base/cpu.h"
#include "prover/check_job.h"
#include "prover/prover.h"
#include "zisk/verifier.h"

static const char *elf_paths[2];
static zisk_program sha, fibonacci;

static int set_up(void **state)
{
    (void)state;
    open_program(&sha, elf_paths[0], NULL);
    open_program(&fibonacci, elf_paths[1], NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zisk_program_close(&sha);
    zisk_program_close(&fibonacci);
    return 0;
}

typedef struct proof {
    uint64_t *words;
    size_t n;
    uint32_t publics[VM_PUBLICS];
} proof;

static zisk_job *open_job(const zisk_program *program, const char *text, pool *threads, size_t keep)
{
    vm_input input;
    must(vm_input_load(&input, &program->vm.map, text, strlen(text), true));
    zisk_job_options options = {.threads = threads, .keep = keep};
    zisk_job *job;
    must(zisk_job_open(&job, program, &input, &options));
    vm_input_clear(&input);
    return job;
}

static proof prove(const zisk_program *program, const char *text, pool *threads)
{
    zisk_job *job = open_job(program, text, threads, 1);
    size_t n = zisk_job_plan(job)->n;
    assert_int_equal(n, 1);
    contribution all[1];
    proof_writer proofs[1];
    proof_writer_init(&proofs[0]);
    must(zisk_job_contribute(&all[0], job, 0));
    must(zisk_job_prove(&proofs[0], job, all, 0));
    proof p;
    memcpy(p.publics, zisk_job_run(job)->publics, sizeof p.publics);
    must(zisk_bundle(&p.words, &p.n, program, p.publics, all, proofs, n));
    proof_writer_clear(&proofs[0]);
    zisk_job_close(job);
    return p;
}

static bool refused(const proof *p, digest key, const uint32_t *publics)
{
    return zisk_verify(NULL, p->words, p->n, key, publics) == ZK_EPROOF;
}

// FIPS 180-2, appendix B.1: the digest of "abc".
static void proves_sha256_of_abc(void **state)
{
    (void)state;
    static const uint8_t expected[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                         0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                         0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                         0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    pool *threads;
    must(pool_open(&threads, 2));
    proof p = prove(&sha, "abc", threads);
    uint32_t publics[VM_PUBLICS];
    must(zisk_verify(publics, p.words, p.n, zisk_program_key(&sha), NULL));
    assert_memory_equal(publics, expected, sizeof expected);
    must(zisk_verify(NULL, p.words, p.n, zisk_program_key(&sha), publics));

    // Statement: other key, other outputs, each word of them.
    digest other = zisk_program_key(&sha);
    other.e[1] ^= 1;
    assert_true(refused(&p, other, NULL));
    assert_true(refused(&p, zisk_program_key(&fibonacci), NULL));
    for (int i = 0; i < VM_PUBLICS; i += 7) {
        publics[i] ^= 1;
        assert_true(refused(&p, zisk_program_key(&sha), publics));
        publics[i] ^= 1;
    }
    // The same through the public interface, from an unaligned buffer.
    zisk_verifier *v = zisk_verifier_new();
    char hex[65];
    for (int k = 0; k < HASH_DIGEST; k++)
        snprintf(hex + 16 * k, 17, "%016llx", (unsigned long long)zisk_program_key(&sha).e[k]);
    uint8_t vk[ZISK_VK_BYTES], *bytes = malloc(8 * p.n + 1);
    memcpy(bytes + 1, p.words, 8 * p.n);
    uint32_t outputs[ZISK_PUBLICS];
    assert_true(zisk_vk_parse(vk, hex));
    assert_true(zisk_verifier_check(v, bytes + 1, 8 * p.n, vk, publics, outputs));
    assert_memory_equal(outputs, publics, sizeof outputs);
    assert_string_equal(zisk_verifier_reason(v), "");
    assert_false(zisk_verifier_check(v, bytes + 1, 8 * p.n - 1, vk, NULL, NULL));
    assert_string_equal(zisk_verifier_reason(v), "the length of the proof is no multiple of 8");
    vk[5] ^= 1;
    assert_false(zisk_verifier_check(v, bytes + 1, 8 * p.n, vk, NULL, NULL));
    assert_string_equal(zisk_verifier_reason(v), "the proof is of another program");
    hex[7] = 'g';
    assert_false(zisk_vk_parse(vk, hex));
    assert_false(zisk_vk_parse(vk, "ffffffff"));
    memset(hex, 'f', 64); // digits, but no elements
    assert_false(zisk_vk_parse(vk, hex));
    free(bytes);
    zisk_verifier_free(v);

    // The file: every word of the head, a sample of the proof, its length.
    size_t head = bundle_head_words(sha.z->m.n_slots, 1);
    for (size_t i = 0; i < p.n; i += i < head ? 1 : 2503) {
        uint64_t keep = p.words[i];
        p.words[i] = keep + 1;
        if (!refused(&p, zisk_program_key(&sha), NULL))
            fail_msg("word %zu of %zu may be changed", i, p.n);
        p.words[i] = keep;
    }
    uint64_t *longer = calloc(p.n + 1, sizeof *longer);
    memcpy(longer, p.words, 8 * p.n);
    assert_int_equal(zisk_verify(NULL, longer, p.n + 1, zisk_program_key(&sha), NULL), ZK_EPROOF);
    assert_string_equal(status_message(), "bytes after the end of the proof");
    free(longer);
    p.n--;
    assert_true(refused(&p, zisk_program_key(&sha), NULL));
    for (p.n = 0; p.n < head; p.n += 13)
        assert_true(refused(&p, zisk_program_key(&sha), NULL));
    free(p.words);
    pool_close(threads);
}

static void same_bytes_with_and_without_what_was_kept(void **state)
{
    (void)state;
    pool *threads;
    must(pool_open(&threads, 7));
    proof a = prove(&sha, "", threads);
    proof b = prove(&sha, "", NULL);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.words, b.words, 8 * a.n);
    free(a.words);
    free(b.words);
    pool_close(threads);
}

static void a_failing_guest_has_no_proof(void **state)
{
    (void)state;
    // fibonacci wants an 8-byte number and exits with a code otherwise.
    vm_input input;
    must(vm_input_load(&input, &fibonacci.vm.map, "x", 1, true));
    zisk_job_options options = {0};
    zisk_job *job;
    assert_int_equal(zisk_job_open(&job, &fibonacci, &input, &options), ZK_EGUEST);
    assert_non_null(strstr(status_message(), "exit"));
    assert_null(job);
    vm_input_clear(&input);
}

static void a_spill_folder_is_looked_at_first(void **state)
{
    (void)state;
    vm_input input;
    must(vm_input_load(&input, &sha.vm.map, "abc", 3, true));
    zisk_job_options options = {.spill_dir = "/nonexistent/folder"};
    zisk_job *job;
    assert_int_equal(zisk_job_open(&job, &sha, &input, &options), ZK_EIO);
    assert_non_null(strstr(status_message(), "/nonexistent/folder"));
    vm_input_clear(&input);
}

static void checks_pass_and_find_what_is_wrong(void **state)
{
    (void)state;
    zisk_job *job = open_job(&sha, "some input for the hash", NULL, 0);
    byte_buffer text = buffer_new();
    bool ok;
    must(zisk_check(&ok, &text, zisk_job_run(job), zisk_job_plan(job), NULL, NULL));
    assert_true(ok);
    // A forged output: the boundary asks for a word that the run did not leave.
    zisk_run *run = (zisk_run *)zisk_job_run(job);
    run->publics[3] ^= 1;
    must(zisk_check(&ok, &text, run, zisk_job_plan(job), NULL, NULL));
    assert_false(ok);
    must(buffer_put_u8(&text, 0));
    assert_non_null(strstr((const char *)text.data, "OUT"));
    run->publics[3] ^= 1;
    // A word of the input that two reads would see differently: its last value is altered.
    buffer_clear(&text);
    assert_true(run->n_input > 0);
    run->input[0].first ^= 1;
    run->input[0].last ^= 1;
    must(zisk_check(&ok, &text, run, zisk_job_plan(job), NULL, NULL));
    assert_false(ok);
    run->input[0].first ^= 1;
    run->input[0].last ^= 1;
    // RAM that did not begin as zero.
    buffer_clear(&text);
    assert_true(run->n_zero > 0);
    run->zero[0].last_ts ^= 1;
    must(zisk_check(&ok, &text, run, zisk_job_plan(job), NULL, NULL));
    assert_false(ok);
    buffer_clear(&text);
    zisk_job_close(job);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    elf_paths[0] = argv[1];
    elf_paths[1] = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_pass_and_find_what_is_wrong),
        cmocka_unit_test(a_failing_guest_has_no_proof),
        cmocka_unit_test(a_spill_folder_is_looked_at_first),
        cmocka_unit_test(proves_sha256_of_abc),
        cmocka_unit_test(same_bytes_with_and_without_what_was_kept),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
