// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/checker.h"

#include "base/clock.h"
#include "coordinator/checker_keys.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct check_task check_task;

// One epoch of a job. Until `ready` it holds what the first request brought; what is computed from
// it is computed by the first task that needs it.
typedef struct checked_job {
    struct checked_job *next;
    char *id;
    uint32_t epoch;
    unsigned users;      // under the checker's lock: the list, and each task
    size_t n_proofs;     // PROOF tasks not answered yet; under the checker's lock
    check_task *totals;  // TOTAL tasks that wait for them; likewise
    uint64_t *key_words; // as they came
    size_t n_key_words;
    digest program_key;
    uint32_t publics[VM_PUBLICS];
    size_t n_instances;
    byte_buffer raw; // contributions one after the other, all of raw_bytes
    size_t raw_bytes;
    const char *malformed; // what of the request makes every check of it a refusal

    pthread_mutex_t lock; // of the rest
    bool ready;
    checker_key *key;
    program_statement statement;
    contribution *contributions;
    job_root root;
    instance_share *shares;
    bool *accepted;
} checked_job;

struct check_task {
    checker *owner;
    check_task *next; // in a job's totals
    check_kind kind;
    uint64_t ticket;
    checked_job *job; // PROOF, TOTAL
    uint32_t plan_index;
    uint64_t *words; // PROOF
    size_t n_words;
    uint8_t sha256[32]; // FINAL
    char *job_id;       // FINAL
    digest program_key;
    uint32_t publics[VM_PUBLICS];
};

struct checker {
    checker_options options;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    checked_job *jobs;
    checker_counts counts;
};

static digest digest_of_bytes(const uint8_t bytes[32])
{
    digest d;
    memcpy(&d, bytes, sizeof d); // little-endian, as everywhere
    return d;
}

// ---- Jobs --------------------------------------------------------------------------------------

static void free_job(checked_job *j)
{
    checker_key_drop(j->key);
    free(j->contributions);
    free(j->shares);
    free(j->accepted);
    free(j->key_words);
    free(j->id);
    buffer_clear(&j->raw);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

static checked_job *find_job(checker *c, const char *id, uint32_t epoch)
{
    for (checked_job *j = c->jobs; j != NULL; j = j->next)
        if (j->epoch == epoch && strcmp(j->id, id) == 0)
            return j;
    return NULL;
}

static status copy_contributions(checked_job *j, const check_request *r)
{
    for (size_t i = 0; i < r->n_contributions; i++) {
        const api_instance_contribution *m = r->contributions[i];
        if (i == 0)
            j->raw_bytes = m->contribution.len;
        if (m->contribution.len != j->raw_bytes || m->plan_index != i) {
            j->malformed = "the contributions are not one for each instance in the order of the "
                           "plan";
            return ZK_OK;
        }
        TRY(buffer_put(&j->raw, m->contribution.data, m->contribution.len));
    }
    return ZK_OK;
}

static status fill_job(checked_job *j, const check_request *r)
{
    j->id = strdup(r->job);
    j->key_words = malloc(8 * r->n_key_words + 1);
    FAIL_IF(j->id == NULL || j->key_words == NULL, ZK_ENOMEM, "no memory to check a job");
    if (r->n_key_words > 0)
        memcpy(j->key_words, r->key_words, 8 * r->n_key_words);
    j->n_key_words = r->n_key_words;
    j->program_key = digest_of_bytes(r->program_key);
    memcpy(j->publics, r->publics, sizeof j->publics);
    j->epoch = r->epoch;
    j->n_instances = r->n_contributions;
    if (j->n_instances == 0 || j->n_instances > JOB_MAX_INSTANCES) {
        j->malformed = "the number of instances is out of range";
        return ZK_OK;
    }
    return copy_contributions(j, r);
}

// The job of a request, with one more user.
static checked_job *take_job(checker *c, const check_request *r)
{
    pthread_mutex_lock(&c->lock);
    checked_job *j = find_job(c, r->job, r->epoch);
    if (j == NULL) {
        j = calloc(1, sizeof *j);
        if (j != NULL) {
            pthread_mutex_init(&j->lock, NULL);
            if (fill_job(j, r) == ZK_OK) {
                j->users = 1;
                j->next = c->jobs;
                c->jobs = j;
            } else {
                free_job(j);
                j = NULL;
            }
        }
    }
    if (j != NULL)
        j->users++;
    pthread_mutex_unlock(&c->lock);
    return j;
}

static void drop_job_locked(checked_job *j)
{
    if (j != NULL && --j->users == 0)
        free_job(j);
}

static status make_ready(checked_job *j)
{
    FAIL_IF(j->malformed != NULL, ZK_EPROOF, "%s", j->malformed);
    if (j->key == NULL)
        TRY(checker_key_take(&j->key, j->key_words, j->n_key_words, j->program_key));
    const program_key *key = checker_key_get(j->key);
    size_t n_slots = key->z->m.n_slots;
    FAIL_IF(j->raw_bytes != 8 * bundle_contribution_words(n_slots), ZK_EPROOF,
            "a contribution of %zu bytes; this program's have %zu", j->raw_bytes,
            8 * bundle_contribution_words(n_slots));
    free(j->contributions);
    free(j->shares);
    free(j->accepted);
    j->contributions = malloc(j->n_instances * sizeof *j->contributions);
    j->shares = calloc(j->n_instances, sizeof *j->shares);
    j->accepted = calloc(j->n_instances, sizeof *j->accepted);
    FAIL_IF(j->contributions == NULL || j->shares == NULL || j->accepted == NULL, ZK_ENOMEM,
            "no memory to check a job of %zu instances", j->n_instances);
    for (size_t i = 0; i < j->n_instances; i++) {
        uint64_t words[BUNDLE_CONTRIBUTION_MAX_WORDS];
        memcpy(words, j->raw.data + i * j->raw_bytes, j->raw_bytes);
        FAIL_IF(!bundle_read_contribution(&j->contributions[i], words, n_slots, (uint32_t)i),
                ZK_EPROOF, "contribution %zu is malformed", i);
    }
    program_statement_init(&j->statement, key, j->publics);
    const char *reason =
        job_root_open(&j->root, &j->statement.job, j->contributions, j->n_instances);
    FAIL_IF(reason != NULL, ZK_EPROOF, "%s", reason);
    j->ready = true;
    return ZK_OK;
}

static status need_ready(checked_job *j)
{
    pthread_mutex_lock(&j->lock);
    status result = j->ready ? ZK_OK : make_ready(j);
    pthread_mutex_unlock(&j->lock);
    return result;
}

// ---- The three checks --------------------------------------------------------------------------

static status check_proof(const check_task *t)
{
    checked_job *j = t->job;
    TRY(need_ready(j));
    FAIL_IF(t->plan_index >= j->n_instances, ZK_EPROOF,
            "a proof of instance %u; the plan has %zu instances", t->plan_index, j->n_instances);
    FAIL_IF(t->words == NULL, ZK_EPROOF, "the length of the proof is no multiple of 8");
    instance_scratch *scratch = malloc(sizeof *scratch);
    FAIL_IF(scratch == NULL, ZK_ENOMEM, "no memory to verify");
    instance_share share;
    const char *reason =
        job_instance_check(&share, &j->statement.job, &j->root, &j->contributions[t->plan_index],
                           t->words, t->n_words, scratch);
    free(scratch);
    FAIL_IF(reason != NULL, ZK_EPROOF, "instance %u: %s", t->plan_index, reason);
    pthread_mutex_lock(&j->lock);
    j->shares[t->plan_index] = share;
    j->accepted[t->plan_index] = true;
    pthread_mutex_unlock(&j->lock);
    return ZK_OK;
}

static status check_total(const check_task *t)
{
    checked_job *j = t->job;
    TRY(need_ready(j));
    status result = ZK_OK;
    const char *reason = NULL;
    pthread_mutex_lock(&j->lock);
    instance_share total = {.sum = j->root.boundary};
    for (size_t i = 0; i < j->n_instances && reason == NULL; i++) {
        FAIL_OUT_IF(!j->accepted[i], ZK_EPROOF, "instance %zu has no accepted proof", i);
        reason = job_share_add(&total, &j->shares[i]);
    }
    if (reason == NULL)
        reason = job_total_check(&total);
    FAIL_OUT_IF(reason != NULL, ZK_EPROOF, "%s", reason);
out:
    pthread_mutex_unlock(&j->lock);
    return result;
}

// The file is mapped, since it may have gigabytes. Artifacts are named by their digest and never
// written again, so that it does not change meanwhile.
static status check_final(const check_task *t)
{
    const checker_options *o = &t->owner->options;
    char path[4096];
    FAIL_IF(!o->artifact_path(o->arg, t->sha256, path, sizeof path), ZK_EPROOF,
            "the proof file is not there");
    status result = ZK_OK;
    void *map = MAP_FAILED;
    struct stat info = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FAIL_IF(fd < 0, ZK_EIO, "%s: cannot be opened: %m", path);
    FAIL_OUT_IF(fstat(fd, &info) != 0, ZK_EIO, "%s: %m", path);
    size_t size = (size_t)info.st_size;
    FAIL_OUT_IF(size == 0 || size % 8 != 0, ZK_EPROOF,
                "the length of the proof file is no multiple of 8");
    map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    FAIL_OUT_IF(map == MAP_FAILED, ZK_ENOMEM, "%s: %zu bytes cannot be mapped: %m", path, size);
    TRY_OUT(zisk_verify(NULL, map, size / 8, t->program_key, t->publics));
out:
    if (map != MAP_FAILED)
        munmap(map, (size_t)info.st_size);
    close(fd);
    return result;
}

// ---- Tasks -------------------------------------------------------------------------------------

static void free_task(check_task *t)
{
    free(t->words);
    free(t->job_id);
    free(t);
}

static void run_task(void *arg);

// Counts an answer that was given and lets go of what the task held.
static void finish_task(check_task *t, check_verdict verdict, uint64_t took_ns)
{
    checker *c = t->owner;
    check_task *ready = NULL;
    pthread_mutex_lock(&c->lock);
    c->counts.done[t->kind]++;
    c->counts.refused[t->kind] += verdict == CHECK_REFUSED;
    c->counts.undecided[t->kind] += verdict == CHECK_UNDECIDED;
    c->counts.busy_ns += took_ns;
    if (t->kind == CHECK_PROOF && --t->job->n_proofs == 0) {
        ready = t->job->totals;
        t->job->totals = NULL;
    }
    drop_job_locked(t->job);
    pthread_mutex_unlock(&c->lock);
    while (ready != NULL) {
        check_task *next = ready->next;
        pool_submit(c->options.threads, run_task, ready);
        ready = next;
    }
    free_task(t);
    pthread_mutex_lock(&c->lock);
    if (--c->counts.waiting == 0)
        pthread_cond_broadcast(&c->idle);
    pthread_mutex_unlock(&c->lock);
}

static check_verdict verdict_of(status result)
{
    bool own_trouble = result == ZK_ENOMEM || result == ZK_EIO;
    return result == ZK_OK ? CHECK_ACCEPTED : own_trouble ? CHECK_UNDECIDED : CHECK_REFUSED;
}

static void run_task(void *arg)
{
    check_task *t = arg;
    uint64_t start = clock_monotonic_ns();
    status (*const checks[CHECK_KIND_COUNT])(const check_task *) = {check_proof, check_total,
                                                                    check_final};
    check_verdict verdict = verdict_of(checks[t->kind](t));
    uint64_t took = clock_monotonic_ns() - start;
    const checker_options *o = &t->owner->options;
    if (t->kind == CHECK_FINAL && verdict == CHECK_ACCEPTED && o->final_accepted != NULL)
        o->final_accepted(o->arg, t->job_id, t->sha256);
    o->answer(o->arg, t->ticket, verdict, verdict == CHECK_ACCEPTED ? NULL : status_message());
    finish_task(t, verdict, took);
}

static check_task *new_task(checker *c, const check_request *r)
{
    check_task *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->owner = c;
    t->kind = r->kind;
    t->ticket = r->ticket;
    t->plan_index = r->plan_index;
    t->program_key = digest_of_bytes(r->program_key);
    memcpy(t->publics, r->publics, sizeof t->publics);
    if (r->kind == CHECK_FINAL) {
        memcpy(t->sha256, r->sha256, sizeof t->sha256);
        t->job_id = strdup(r->job);
        if (t->job_id != NULL)
            return t;
        free_task(t);
        return NULL;
    }
    if (r->kind == CHECK_PROOF && r->proof_bytes > 0 && r->proof_bytes % 8 == 0) {
        t->words = malloc(r->proof_bytes);
        if (t->words != NULL)
            memcpy(t->words, r->proof, r->proof_bytes);
        t->n_words = r->proof_bytes / 8;
    }
    bool copied = t->words != NULL || t->n_words == 0;
    t->job = copied ? take_job(c, r) : NULL;
    if (t->job == NULL) {
        free_task(t);
        return NULL;
    }
    return t;
}

void checker_submit(checker *c, const check_request *r)
{
    check_task *t = new_task(c, r);
    if (t == NULL) {
        pthread_mutex_lock(&c->lock);
        c->counts.done[r->kind]++;
        c->counts.undecided[r->kind]++;
        pthread_mutex_unlock(&c->lock);
        c->options.answer(c->options.arg, r->ticket, CHECK_UNDECIDED, "no memory to check it");
        return;
    }
    bool hold = false;
    pthread_mutex_lock(&c->lock);
    c->counts.waiting++;
    if (t->kind == CHECK_PROOF)
        t->job->n_proofs++;
    if (t->kind == CHECK_TOTAL && t->job->n_proofs > 0) {
        hold = true;
        t->next = t->job->totals;
        t->job->totals = t;
    }
    pthread_mutex_unlock(&c->lock);
    if (!hold)
        pool_submit(c->options.threads, run_task, t);
}

void checker_forget(checker *c, const char *job, uint32_t epoch)
{
    pthread_mutex_lock(&c->lock);
    for (checked_job **at = &c->jobs; *at != NULL;) {
        checked_job *j = *at;
        if (strcmp(j->id, job) == 0 && (j->epoch < epoch || epoch == UINT32_MAX)) {
            *at = j->next;
            drop_job_locked(j);
        } else {
            at = &j->next;
        }
    }
    pthread_mutex_unlock(&c->lock);
}

void checker_get_counts(checker *c, checker_counts *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->counts;
    pthread_mutex_unlock(&c->lock);
}

status checker_open(checker **out, const checker_options *options)
{
    *out = calloc(1, sizeof **out);
    FAIL_IF(*out == NULL, ZK_ENOMEM, "no memory for a checker");
    (*out)->options = *options;
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->idle, NULL);
    return ZK_OK;
}

void checker_close(checker *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    while (c->counts.waiting > 0)
        pthread_cond_wait(&c->idle, &c->lock);
    while (c->jobs != NULL) {
        checked_job *j = c->jobs;
        c->jobs = j->next;
        drop_job_locked(j);
    }
    pthread_mutex_unlock(&c->lock);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->idle);
    free(c);
}

bool checker_contribution_form(const uint64_t *key_words, size_t n_key_words,
                               const uint8_t *program_key_bytes, const api_instance_contribution *m)
{
    checker_key *k;
    status taken = checker_key_take(&k, key_words, n_key_words, digest_of_bytes(program_key_bytes));
    ZK_ASSERT(taken != ZK_ENOMEM);
    if (taken != ZK_OK)
        return false;
    const program_key *key = checker_key_get(k);
    size_t n_slots = key->z->m.n_slots;
    uint64_t words[BUNDLE_CONTRIBUTION_MAX_WORDS];
    bool ok = m->plan_index < JOB_MAX_INSTANCES &&
              m->contribution.len == 8 * bundle_contribution_words(n_slots);
    contribution read;
    if (ok) {
        memcpy(words, m->contribution.data, m->contribution.len);
        ok = bundle_read_contribution(&read, words, n_slots, m->plan_index) &&
             instance_header_check(&read.header, &key->key, false) == ZK_OK;
    }
    checker_key_drop(k);
    return ok;
}
