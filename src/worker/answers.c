// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "worker/answers.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cluster/messages.h"
#include "worker/faults.h"
#include "worker/wire.h"

enum { PROOF_BYTES_MAX = 64 << 20 }; // of one instance; today's are below 1 MiB

const char *task_code(status s)
{
    switch (s) {
    case ZK_EGUEST:
        return TASK_PROGRAM_FAILED;
    case ZK_ECANCELED:
        return TASK_CANCELLED;
    case ZK_ENOMEM:
        return TASK_OUT_OF_MEMORY;
    case ZK_EIO:
        return TASK_STORAGE;
    default:
        return TASK_INTERNAL;
    }
}

status answer_pack(uint8_t **bytes, size_t *n, const api_worker_message *m)
{
    return message_pack(bytes, n, &m->base);
}

// Names a response and packs it into an entry.
static status make_entry(outbox_entry **out, const char *worker_id, const task_name *task,
                         api_execute_task_response *r)
{
    r->job_id = task->job;
    r->worker_id = (char *)worker_id;
    r->task_type = task->type;
    r->epoch = task->epoch;
    r->task_id = task->task_id;
    fault_hook(FAULT_ANSWER, r, NULL);
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = FROM_WORKER(EXECUTE_TASK_RESPONSE);
    m.execute_task_response = r;
    TRY(outbox_entry_new(out, task));
    status s = answer_pack(&(*out)->bytes, &(*out)->n_bytes, &m);
    if (s != ZK_OK) {
        outbox_entry_free(*out);
        *out = NULL;
    }
    return s;
}

status answer_failure(outbox_entry **out, const char *worker_id, const task_name *task,
                      const char *code, const char *message)
{
    // The original's readers want a result with every answer, also an empty one.
    api_challenges_list none = API_CHALLENGES_LIST_INIT;
    api_witness_exec_info witness = API_WITNESS_EXEC_INFO_INIT;
    api_zisk_execute_time times = API_ZISK_EXECUTE_TIME_INIT;
    none.witness_info = &witness;
    none.zisk_execution_time = &times;
    api_proof_list no_proofs = API_PROOF_LIST_INIT;
    api_final_proof no_final = API_FINAL_PROOF_INIT;
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.error_code = (char *)code;
    r.error_message = (char *)message;
    switch (task->type) {
    case TASK_CONTRIBUTE:
        r.result_data_case = RESULT_DATA(CHALLENGES);
        r.challenges = &none;
        break;
    case TASK_PROVE:
        r.result_data_case = RESULT_DATA(PROOFS);
        r.proofs = &no_proofs;
        break;
    default:
        r.result_data_case = RESULT_DATA(FINAL_PROOF);
        r.final_proof = &no_final;
        break;
    }
    return make_entry(out, worker_id, task, &r);
}

void digest_bytes(uint8_t out[32], digest d)
{
    memcpy(out, d.e, 32); // canonical words, little-endian as everything here
}

status contribution_read(contribution *out, const api_instance_contribution *m,
                         const proof_key *key, uint32_t index)
{
    size_t n_slots = key->machine->n_slots, n = bundle_contribution_words(n_slots);
    uint64_t words[16 + MACHINE_MAX_SLOTS];
    ZK_ASSERT(n <= sizeof words / sizeof *words);
    FAIL_IF(m->plan_index != index, ZK_EPROTO, "contribution %u of the job has plan index %u",
            index, m->plan_index);
    FAIL_IF(m->contribution.len != 8 * n, ZK_EPROTO, "contribution %u has %zu bytes, not %zu",
            index, m->contribution.len, 8 * n);
    memcpy(words, m->contribution.data, 8 * n);
    FAIL_IF(!bundle_read_contribution(out, words, n_slots, index), ZK_EPROTO,
            "contribution %u is malformed", index);
    FAIL_IF(instance_header_check(&out->header, key, false) != ZK_OK, ZK_EPROTO,
            "contribution %u: %s", index, status_message());
    return ZK_OK;
}

// ---- Contributions ----

// What a ChallengesList points to.
typedef struct contributions_memory {
    api_challenges *challenges;
    api_challenges **challenge_pointers;
    api_instance_contribution *contributions;
    api_instance_contribution **contribution_pointers;
    uint64_t *words;
} contributions_memory;

static void memory_clear(contributions_memory *m)
{
    free(m->challenges);
    free(m->challenge_pointers);
    free(m->contributions);
    free(m->contribution_pointers);
    free(m->words);
}

static status memory_new(contributions_memory *m, const contributions_answer *a)
{
    size_t n = a->end - a->begin, n_slots = a->key->machine->n_slots;
    size_t n_words = bundle_contribution_words(n_slots);
    *m = (contributions_memory){
        .challenges = calloc(n + 1, sizeof *m->challenges),
        .challenge_pointers = calloc(n + 1, sizeof(void *)),
        .contributions = calloc(n + 1, sizeof *m->contributions),
        .contribution_pointers = calloc(n + 1, sizeof(void *)),
        .words = calloc(n * (n_words + HASH_DIGEST) + 1, sizeof(uint64_t)),
    };
    FAIL_IF(!m->challenges || !m->challenge_pointers || !m->contributions ||
                !m->contribution_pointers || !m->words,
            ZK_ENOMEM, "no memory for %zu contributions", n);
    for (size_t i = 0; i < n; i++) {
        const contribution *c = &a->contributions[i];
        uint64_t *words = m->words + i * (n_words + HASH_DIGEST), *root = words + n_words;
        bundle_write_contribution(words, c, n_slots);
        memcpy(root, c->root.e, HASH_DIGEST * sizeof *root);
        m->contributions[i] = API_INSTANCE_CONTRIBUTION_INIT;
        m->contributions[i].plan_index = (uint32_t)(a->begin + i);
        m->contributions[i].contribution.data = (uint8_t *)words;
        m->contributions[i].contribution.len = 8 * n_words;
        m->contribution_pointers[i] = &m->contributions[i];
        m->challenges[i] = API_CHALLENGES_INIT;
        m->challenges[i].worker_index = a->rank_id;
        m->challenges[i].airgroup_id = (uint32_t)(a->begin + i);
        m->challenges[i].challenge = root;
        m->challenges[i].n_challenge = HASH_DIGEST;
        m->challenge_pointers[i] = &m->challenges[i];
    }
    return ZK_OK;
}

status answer_contributions(outbox_entry **out, const char *worker_id, const task_name *task,
                            const contributions_answer *a)
{
    status result = ZK_OK;
    contributions_memory memory;
    *out = NULL;
    TRY_OUT(memory_new(&memory, a));
    const zisk_run *run = zisk_job_run(a->job);
    const zisk_plan *plan = zisk_job_plan(a->job);
    const zisk_job_times *t = zisk_job_timing(a->job);
    uint64_t publics[VM_PUBLICS];
    for (size_t i = 0; i < VM_PUBLICS; i++)
        publics[i] = run->publics[i];
    api_witness_exec_info witness = API_WITNESS_EXEC_INFO_INIT;
    witness.witness_time = (float)(1000 * (t->fill + t->commit));
    witness.publics = publics;
    witness.n_publics = VM_PUBLICS;
    api_zisk_execute_time times = API_ZISK_EXECUTE_TIME_INIT;
    times.total_duration = (float)(1000 * a->seconds);
    times.execution_duration = (float)(1000 * t->execute);
    times.task_received_time = (double)a->received_ms;
    uint8_t plan_digest[32];
    digest_bytes(plan_digest, zisk_plan_digest(plan, a->key->hash));
    api_challenges_list list = API_CHALLENGES_LIST_INIT;
    list.challenges = memory.challenge_pointers;
    list.contributions = memory.contribution_pointers;
    list.n_challenges = list.n_contributions = a->end - a->begin;
    list.witness_info = &witness;
    list.zisk_execution_time = &times;
    list.plan_digest.data = plan_digest;
    list.plan_digest.len = sizeof plan_digest;
    list.plan_instances = (uint32_t)plan->n;
    list.executed_steps = run->steps;
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.success = true;
    r.result_data_case = RESULT_DATA(CHALLENGES);
    r.challenges = &list;
    TRY_OUT(make_entry(out, worker_id, task, &r));
out:
    memory_clear(&memory);
    return result;
}

// ---- Proofs ----

status answer_proofs(outbox_entry **out, const char *worker_id, const task_name *task,
                     uint32_t rank_id, size_t begin, size_t end)
{
    status result = ZK_OK;
    size_t n = end - begin;
    *out = NULL;
    api_proof *proofs = calloc(n + 1, sizeof *proofs);
    api_proof **pointers = calloc(n + 1, sizeof *pointers);
    FAIL_OUT_IF(!proofs || !pointers, ZK_ENOMEM, "no memory for an answer");
    for (size_t i = 0; i < n; i++) {
        proofs[i] = API_PROOF_INIT;
        proofs[i].worker_idx = rank_id;
        proofs[i].airgroup_id = begin + i;
        pointers[i] = &proofs[i];
    }
    api_proof_list list = API_PROOF_LIST_INIT;
    list.proofs = pointers;
    list.n_proofs = n;
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.success = true;
    r.result_data_case = RESULT_DATA(PROOFS);
    r.proofs = &list;
    TRY_OUT(make_entry(out, worker_id, task, &r));
out:
    free(proofs);
    free(pointers);
    return result;
}

status answer_final(outbox_entry **out, const char *worker_id, const task_name *task,
                    const uint8_t *sha256, uint64_t executed_steps)
{
    api_final_proof final = API_FINAL_PROOF_INIT;
    final.executed_steps = executed_steps;
    if (sha256 != NULL) {
        final.sha256.data = (uint8_t *)sha256;
        final.sha256.len = SHA256_DIGEST_LENGTH;
    }
    api_execute_task_response r = API_EXECUTE_TASK_RESPONSE_INIT;
    r.success = true;
    r.result_data_case = RESULT_DATA(FINAL_PROOF);
    r.final_proof = &final;
    return make_entry(out, worker_id, task, &r);
}

status answer_instance_proof(outbox_entry **out, const task_name *task, uint32_t index,
                             const char *path, const uint8_t sha256[32])
{
    TRY(outbox_entry_new(out, task));
    (*out)->plan_index = index;
    memcpy((*out)->proof_sha256, sha256, SHA256_DIGEST_LENGTH);
    (*out)->proof_path = strdup(path);
    if ((*out)->proof_path != NULL)
        return ZK_OK;
    outbox_entry_free(*out);
    *out = NULL;
    FAIL(ZK_ENOMEM, "no memory for a result");
}

status answer_load_proof(uint8_t **bytes, size_t *n, const outbox_entry *e)
{
    status result = ZK_OK;
    byte_buffer proof = buffer_new();
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    *bytes = NULL;
    TRY_OUT(file_read(&proof, e->proof_path, PROOF_BYTES_MAX));
    SHA256(proof.data, proof.size, sha256);
    FAIL_OUT_IF(memcmp(sha256, e->proof_sha256, sizeof sha256) != 0, ZK_EIO,
                "the disk changed the proof in %s", e->proof_path);
    api_instance_proof p = API_INSTANCE_PROOF_INIT;
    p.job_id = e->task.job;
    p.task_id = e->task.task_id;
    p.epoch = e->task.epoch;
    p.plan_index = e->plan_index;
    p.proof.data = proof.data;
    p.proof.len = proof.size;
    api_worker_message m = API_WORKER_MESSAGE_INIT;
    m.payload_case = FROM_WORKER(INSTANCE_PROOF);
    m.instance_proof = &p;
    TRY_OUT(answer_pack(bytes, n, &m));
out:
    buffer_clear(&proof);
    return result;
}
