// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/job_store.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <openssl/sha.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORE_VERSION = 2, PATH_MAX_BYTES = 4096, HEX_BYTES = 2 * SHA256_DIGEST_LENGTH + 1 };

struct store {
    sqlite3 *db;
    char folder[PATH_MAX_BYTES];
};

static const char schema[] =
    "CREATE TABLE job(id TEXT PRIMARY KEY, state INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, failure_code TEXT,"
    " failure_message TEXT, request BLOB NOT NULL, facts BLOB NOT NULL,"
    " notified INTEGER NOT NULL) STRICT;"
    "CREATE TABLE task(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE, epoch INTEGER NOT NULL,"
    " purpose INTEGER NOT NULL, state INTEGER NOT NULL, worker TEXT NOT NULL,"
    " first_unit INTEGER NOT NULL, n_units INTEGER NOT NULL, first INTEGER NOT NULL,"
    " past INTEGER NOT NULL) STRICT;"
    "CREATE INDEX task_job ON task(job);"
    "CREATE TABLE result(job TEXT NOT NULL REFERENCES job(id) ON DELETE CASCADE,"
    " epoch INTEGER NOT NULL, kind INTEGER NOT NULL, instance INTEGER NOT NULL,"
    " sha256 TEXT NOT NULL, size INTEGER NOT NULL, worker TEXT NOT NULL, data BLOB,"
    " PRIMARY KEY(job, epoch, kind, instance)) STRICT;"
    "CREATE INDEX result_file ON result(sha256);"
    "PRAGMA user_version = 2;";

#define DATABASE_FAILED(s, what)                                                                   \
    FAIL(ZK_EIO, "%s/jobs.sqlite: %s: %s", (s)->folder, what, sqlite3_errmsg((s)->db))

static status run_sql(store *s, const char *sql)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        DATABASE_FAILED(s, "cannot be used");
    return ZK_OK;
}

static status prepare(sqlite3_stmt **out, store *s, const char *sql)
{
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK)
        DATABASE_FAILED(s, "cannot be used");
    return ZK_OK;
}

static void bind_text(sqlite3_stmt *q, int k, const char *text)
{
    // What does not bind is NULL, which the table refuses.
    (void)sqlite3_bind_text(q, k, text, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *q, int k, uint64_t v)
{
    (void)sqlite3_bind_int64(q, k, (sqlite3_int64)v);
}

static void bind_bytes(sqlite3_stmt *q, int k, const void *data, size_t size)
{
    (void)sqlite3_bind_blob64(q, k, size > 0 ? data : "", size, SQLITE_STATIC);
}

// Runs a statement without rows and frees it. *changed: rows it changed.
static status finish(int *changed, store *s, sqlite3_stmt *q, const char *what)
{
    int code = sqlite3_step(q);
    sqlite3_finalize(q);
    *changed = 0;
    if (code != SQLITE_DONE)
        DATABASE_FAILED(s, what);
    *changed = sqlite3_changes(s->db);
    return ZK_OK;
}

static status check_version(store *s)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s, "PRAGMA user_version"));
    int version = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int(q, 0) : -1;
    sqlite3_finalize(q);
    if (version == 0)
        return run_sql(s, schema);
    FAIL_IF(version != STORE_VERSION, ZK_EPARSE,
            "%s/jobs.sqlite is of version %d, this program knows %d; give it another folder",
            s->folder, version, STORE_VERSION);
    return ZK_OK;
}

void store_close(store *s)
{
    if (s == NULL)
        return;
    sqlite3_close(s->db);
    free(s);
}

status store_add_job(store *s, const job_record *job)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s, "INSERT OR IGNORE INTO job VALUES(?,?,?,?,?,?,?,?,?,?)"));
    bind_text(q, 1, job->id);
    bind_number(q, 2, job->state);
    bind_number(q, 3, job->epoch);
    bind_number(q, 4, job->created_ms);
    bind_number(q, 5, job->changed_ms);
    bind_text(q, 6, job->failure_code);
    bind_text(q, 7, job->failure_message);
    bind_bytes(q, 8, job->request, job->request_bytes);
    bind_bytes(q, 9, job->facts, job->facts_bytes);
    bind_number(q, 10, job->notified);
    int changed;
    TRY(finish(&changed, s, q, "the job cannot be stored"));
    FAIL_IF(changed != 1, ZK_EINVAL, "there is a job %s already", job->id);
    return ZK_OK;
}

status store_change_job(store *s, const job_record *job)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s,
                "UPDATE job SET state = ?2, epoch = ?3, changed_ms = ?4, failure_code = ?5,"
                " failure_message = ?6, facts = ?7, notified = ?8 WHERE id = ?1"));
    bind_text(q, 1, job->id);
    bind_number(q, 2, job->state);
    bind_number(q, 3, job->epoch);
    bind_number(q, 4, job->changed_ms);
    bind_text(q, 5, job->failure_code);
    bind_text(q, 6, job->failure_message);
    bind_bytes(q, 7, job->facts, job->facts_bytes);
    bind_number(q, 8, job->notified);
    int changed;
    TRY(finish(&changed, s, q, "the job cannot be changed"));
    FAIL_IF(changed != 1, ZK_EINVAL, "there is no job %s", job->id);
    return ZK_OK;
}

status store_each_job(store *s, status (*each)(void *arg, const job_record *job), void *arg)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s,
                "SELECT id, state, epoch, created_ms, changed_ms, failure_code, failure_message,"
                " request, facts, notified FROM job ORDER BY created_ms, rowid"));
    status result = ZK_OK;
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        sqlite3_int64 state = sqlite3_column_int64(q, 1);
        FAIL_OUT_IF(state < 0 || state >= JOB_STATE_COUNT, ZK_EPARSE,
                    "%s/jobs.sqlite: job %s has the unknown state %lld", s->folder,
                    (const char *)sqlite3_column_text(q, 0), (long long)state);
        job_record job = {.id = (const char *)sqlite3_column_text(q, 0),
                          .state = (job_state)state,
                          .epoch = (uint32_t)sqlite3_column_int64(q, 2),
                          .created_ms = (uint64_t)sqlite3_column_int64(q, 3),
                          .changed_ms = (uint64_t)sqlite3_column_int64(q, 4),
                          .failure_code = (const char *)sqlite3_column_text(q, 5),
                          .failure_message = (const char *)sqlite3_column_text(q, 6),
                          .request = sqlite3_column_blob(q, 7),
                          .request_bytes = (size_t)sqlite3_column_bytes(q, 7),
                          .facts = sqlite3_column_blob(q, 8),
                          .facts_bytes = (size_t)sqlite3_column_bytes(q, 8),
                          .notified = sqlite3_column_int(q, 9) != 0};
        TRY_OUT(each(arg, &job));
    }
    FAIL_OUT_IF(code != SQLITE_DONE, ZK_EIO, "%s/jobs.sqlite: the jobs cannot be read: %s",
                s->folder, sqlite3_errmsg(s->db));
out:
    sqlite3_finalize(q);
    return result;
}

status store_begin(store *s)
{
    return run_sql(s, "BEGIN IMMEDIATE");
}

status store_commit(store *s)
{
    status result = run_sql(s, "COMMIT");
    if (result != ZK_OK)
        store_rollback(s);
    return result;
}

void store_rollback(store *s)
{
    // A failed COMMIT may have ended the transaction already.
    if (sqlite3_get_autocommit(s->db) == 0)
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

status store_add_task(store *s, uint64_t *id, const task_record *task)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s,
                "INSERT INTO task SELECT NULL, id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM job"
                " WHERE id = ?1"));
    bind_text(q, 1, task->job);
    bind_number(q, 2, task->epoch);
    bind_number(q, 3, (uint64_t)task->purpose);
    bind_number(q, 4, (uint64_t)task->state);
    bind_text(q, 5, task->worker);
    bind_number(q, 6, task->first_unit);
    bind_number(q, 7, task->n_units);
    bind_number(q, 8, task->begin);
    bind_number(q, 9, task->end);
    int changed;
    TRY(finish(&changed, s, q, "the task cannot be stored"));
    FAIL_IF(changed != 1, ZK_EINVAL, "there is no job %s", task->job);
    *id = (uint64_t)sqlite3_last_insert_rowid(s->db);
    return ZK_OK;
}

status store_change_task(store *s, const task_record *task)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s, "UPDATE task SET state = ?2, first = ?3, past = ?4 WHERE id = ?1"));
    bind_number(q, 1, task->id);
    bind_number(q, 2, (uint64_t)task->state);
    bind_number(q, 3, task->begin);
    bind_number(q, 4, task->end);
    int changed;
    TRY(finish(&changed, s, q, "the task cannot be changed"));
    FAIL_IF(changed != 1, ZK_EINVAL, "there is no task %llu", (unsigned long long)task->id);
    return ZK_OK;
}

status store_each_task(store *s, const char *job,
                       status (*each)(void *arg, const task_record *task), void *arg)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s,
                "SELECT id, epoch, purpose, state, worker, first_unit, n_units, first, past"
                " FROM task WHERE job = ? ORDER BY id"));
    bind_text(q, 1, job);
    status result = ZK_OK;
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        const task_record task = {.id = (uint64_t)sqlite3_column_int64(q, 0),
                                  .job = job,
                                  .epoch = (uint32_t)sqlite3_column_int64(q, 1),
                                  .purpose = sqlite3_column_int(q, 2),
                                  .state = sqlite3_column_int(q, 3),
                                  .worker = (const char *)sqlite3_column_text(q, 4),
                                  .first_unit = (uint32_t)sqlite3_column_int64(q, 5),
                                  .n_units = (uint32_t)sqlite3_column_int64(q, 6),
                                  .begin = (uint32_t)sqlite3_column_int64(q, 7),
                                  .end = (uint32_t)sqlite3_column_int64(q, 8)};
        TRY_OUT(each(arg, &task));
    }
    FAIL_OUT_IF(code != SQLITE_DONE, ZK_EIO, "%s/jobs.sqlite: the tasks cannot be read: %s",
                s->folder, sqlite3_errmsg(s->db));
out:
    sqlite3_finalize(q);
    return result;
}

static void write_hex(char out[HEX_BYTES], const uint8_t digest[SHA256_DIGEST_LENGTH])
{
    for (int k = 0; k < SHA256_DIGEST_LENGTH; k++)
        snprintf(out + 2 * k, 3, "%02x", digest[k]);
}

static void digest_hex(char out[HEX_BYTES], const uint8_t *data, size_t size)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256(data, size, digest);
    write_hex(out, digest);
}

static void result_path(char out[PATH_MAX_BYTES + 96], const store *s, const char *hex)
{
    snprintf(out, PATH_MAX_BYTES + 96, "%s/results/%.2s/%s", s->folder, hex, hex);
}

// The digest that the place holds; "" when it holds none.
static status stored_digest(char out[HEX_BYTES], store *s, const char *job, const result_record *r)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s,
                "SELECT sha256 FROM result WHERE job = ? AND epoch = ? AND kind = ? AND"
                " instance = ?"));
    bind_text(q, 1, job);
    bind_number(q, 2, r->epoch);
    bind_number(q, 3, r->kind);
    bind_number(q, 4, r->instance);
    int code = sqlite3_step(q);
    snprintf(out, HEX_BYTES, "%s",
             code == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : "");
    sqlite3_finalize(q);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        DATABASE_FAILED(s, "the results cannot be read");
    return ZK_OK;
}

status store_add_result(store *s, const char *job, const result_record *r)
{
    FAIL_IF(r->size > RESULT_BYTES_MAX, ZK_ELIMIT, "a result of %zu bytes, the most is %d", r->size,
            RESULT_BYTES_MAX);
    char hex[HEX_BYTES], stored[HEX_BYTES], path[PATH_MAX_BYTES + 96];
    digest_hex(hex, r->data, r->size);
    TRY(stored_digest(stored, s, job, r));
    if (strcmp(stored, hex) == 0)
        return ZK_OK;
    FAIL_IF(stored[0] != 0, ZK_EPROTO,
            "job %s has another result for instance %u already (kind %d, epoch %u)", job,
            r->instance, (int)r->kind, r->epoch);
    bool in_row = r->kind == RESULT_CONTRIBUTION;
    result_path(path, s, hex);
    if (!in_row) {
        TRY(file_make_parent(path));
        TRY(file_write_atomic(path, r->data, r->size));
    }
    sqlite3_stmt *q;
    TRY(prepare(&q, s,
                "INSERT INTO result SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM job"
                " WHERE id = ?1"));
    bind_text(q, 1, job);
    bind_number(q, 2, r->epoch);
    bind_number(q, 3, r->kind);
    bind_number(q, 4, r->instance);
    bind_text(q, 5, hex);
    bind_number(q, 6, r->size);
    bind_text(q, 7, r->worker);
    if (in_row)
        bind_bytes(q, 8, r->data, r->size);
    int changed;
    TRY(finish(&changed, s, q, "the result cannot be stored"));
    FAIL_IF(changed != 1, ZK_EINVAL, "there is no job %s", job);
    return ZK_OK;
}

// Whether the file is what its name says; then *data holds it.
static bool read_result(byte_buffer *data, const store *s, const char *hex)
{
    char path[PATH_MAX_BYTES + 96], found[HEX_BYTES];
    result_path(path, s, hex);
    if (file_read(data, path, RESULT_BYTES_MAX) != ZK_OK)
        return false;
    digest_hex(found, data->data, data->size);
    return strcmp(found, hex) == 0;
}

// A digest's hexadecimal digits in a column.
static status column_hex(const char **out, const store *s, sqlite3_stmt *q, int column)
{
    *out = (const char *)sqlite3_column_text(q, column);
    FAIL_IF(*out == NULL || strlen(*out) != HEX_BYTES - 1, ZK_EPARSE,
            "%s/jobs.sqlite: a result has no SHA-256", s->folder);
    return ZK_OK;
}

static status forget_result(store *s, const char *job, const char *hex)
{
    log_warn("coordinator::store",
             "a stored result is missing or damaged and will be asked for again",
             log_str("job", job), log_str("sha256", hex));
    sqlite3_stmt *q;
    TRY(prepare(&q, s, "DELETE FROM result WHERE sha256 = ?"));
    bind_text(q, 1, hex);
    int changed;
    return finish(&changed, s, q, "the result cannot be forgotten");
}

status store_each_result(store *s, const char *job, uint32_t epoch,
                         status (*each)(void *arg, const result_record *result), void *arg)
{
    status result = ZK_OK;
    byte_buffer data = buffer_new(), damaged = buffer_new();
    sqlite3_stmt *q;
    TRY(prepare(
        &q, s,
        "SELECT kind, instance, sha256, worker, data FROM result WHERE job = ? AND epoch = ?"
        " ORDER BY kind, instance"));
    bind_text(q, 1, job);
    bind_number(q, 2, epoch);
    int code;
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        const char *hex;
        TRY_OUT(column_hex(&hex, s, q, 2));
        bool in_row = sqlite3_column_type(q, 4) != SQLITE_NULL;
        if (!in_row && !read_result(&data, s, hex)) {
            TRY_OUT(buffer_put(&damaged, hex, HEX_BYTES));
            continue;
        }
        result_record r = {.epoch = epoch,
                           .kind = (result_kind)sqlite3_column_int(q, 0),
                           .instance = (uint32_t)sqlite3_column_int64(q, 1),
                           .worker = (const char *)sqlite3_column_text(q, 3),
                           .data = in_row ? sqlite3_column_blob(q, 4) : data.data,
                           .size = in_row ? (size_t)sqlite3_column_bytes(q, 4) : data.size};
        TRY_OUT(each(arg, &r));
    }
    FAIL_OUT_IF(code != SQLITE_DONE, ZK_EIO, "%s/jobs.sqlite: the results cannot be read: %s",
                s->folder, sqlite3_errmsg(s->db));
out:
    sqlite3_finalize(q);
    for (size_t at = 0; at < damaged.size && result == ZK_OK; at += HEX_BYTES)
        result = forget_result(s, job, (const char *)damaged.data + at);
    buffer_clear(&data);
    buffer_clear(&damaged);
    return result;
}

// Which results a removal is about.
typedef struct selection {
    const char *where; // of these, by their numbers: ?1 job, ?2 epoch, ?3 kind, ?4 instance
    const char *job;
    uint32_t epoch, instance;
    result_kind kind;
} selection;

static status prepare_selection(sqlite3_stmt **out, store *s, const char *what,
                                const selection *which, size_t limit)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "%s FROM result WHERE rowid IN (SELECT rowid FROM result WHERE %s"
             " ORDER BY rowid LIMIT ?5)",
             what, which->where);
    TRY(prepare(out, s, sql));
    bind_text(*out, 1, which->job);
    bind_number(*out, 2, which->epoch);
    bind_number(*out, 3, which->kind);
    bind_number(*out, 4, which->instance);
    bind_number(*out, 5, limit);
    return ZK_OK;
}

static status has_row(bool *out, store *s, const char *hex)
{
    sqlite3_stmt *q;
    TRY(prepare(&q, s, "SELECT 1 FROM result WHERE sha256 = ? LIMIT 1"));
    bind_text(q, 1, hex);
    int code = sqlite3_step(q);
    sqlite3_finalize(q);
    *out = code == SQLITE_ROW;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        DATABASE_FAILED(s, "the results cannot be read");
    return ZK_OK;
}

// Removes up to `limit` rows, then the files that no row is about any more: a row never stands
// without its file. What a crash leaves behind goes when the folder is opened.
static status drop_results(size_t *dropped, store *s, const selection *which, size_t limit)
{
    status result = ZK_OK;
    byte_buffer files = buffer_new();
    sqlite3_stmt *q = NULL, *removal;
    int code, changed;
    size_t found = 0;
    *dropped = 0;
    TRY_OUT(prepare_selection(&q, s, "SELECT sha256, data IS NULL", which, limit));
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        const char *hex;
        found++;
        TRY_OUT(column_hex(&hex, s, q, 0));
        if (sqlite3_column_int(q, 1) != 0)
            TRY_OUT(buffer_put(&files, hex, HEX_BYTES));
    }
    FAIL_OUT_IF(code != SQLITE_DONE, ZK_EIO, "%s/jobs.sqlite: the results cannot be read: %s",
                s->folder, sqlite3_errmsg(s->db));
    if (found == 0)
        goto out;
    TRY_OUT(prepare_selection(&removal, s, "DELETE", which, limit));
    TRY_OUT(finish(&changed, s, removal, "results cannot be forgotten"));
    *dropped = (size_t)changed;
    for (size_t at = 0; at < files.size; at += HEX_BYTES) {
        char path[PATH_MAX_BYTES + 96];
        bool needed;
        TRY_OUT(has_row(&needed, s, (const char *)files.data + at));
        result_path(path, s, (const char *)files.data + at);
        if (!needed)
            (void)unlink(path);
    }
out:
    sqlite3_finalize(q);
    buffer_clear(&files);
    return result;
}

status store_forget_results(store *s, const char *job, uint32_t epoch, result_kind kind,
                            uint32_t instance)
{
    const selection which = {
        .where = "job = ?1 AND epoch = ?2 AND kind = ?3 AND (instance = ?4 OR ?4 = 4294967295)",
        .job = job,
        .epoch = epoch,
        .kind = kind,
        .instance = instance};
    size_t dropped;
    return drop_results(&dropped, s, &which, INT32_MAX);
}

status store_forget_epochs(bool *more, store *s, const char *job, uint32_t below_epoch)
{
    const selection which = {.where = "job = ?1 AND epoch < ?2", .job = job, .epoch = below_epoch};
    size_t dropped;
    *more = true;
    TRY(drop_results(&dropped, s, &which, STORE_SLICE));
    *more = dropped == STORE_SLICE;
    return ZK_OK;
}

bool store_result_path(const store *s, const uint8_t sha256[32], char *path, size_t size)
{
    char hex[HEX_BYTES];
    write_hex(hex, sha256);
    return snprintf(path, size, "%s/results/%.2s/%s", s->folder, hex, hex) < (int)size;
}

status store_remove_job(store *s, const char *id)
{
    bool more = true;
    while (more)
        TRY(store_forget_epochs(&more, s, id, UINT32_MAX));
    sqlite3_stmt *q;
    TRY(prepare(&q, s, "DELETE FROM job WHERE id = ?"));
    bind_text(q, 1, id);
    int changed;
    TRY(finish(&changed, s, q, "the job cannot be removed"));
    FAIL_IF(changed != 1, ZK_EINVAL, "there is no job %s", id);
    return ZK_OK;
}

// ---- Files without a row: a crash came between the two.

static status sweep_folder(store *s, const char *folder)
{
    status result = ZK_OK;
    DIR *d = opendir(folder);
    FAIL_IF(d == NULL, ZK_EIO, "cannot read %s: %m", folder);
    for (struct dirent *f; (f = readdir(d)) != NULL;) {
        bool needed;
        if (f->d_name[0] == '.' && (f->d_name[1] == 0 || strcmp(f->d_name, "..") == 0))
            continue;
        TRY_OUT(has_row(&needed, s, f->d_name));
        if (!needed)
            (void)unlinkat(dirfd(d), f->d_name, 0);
    }
out:
    closedir(d);
    return result;
}

static status sweep_results(store *s)
{
    for (int first = 0; first < 256; first++) {
        char path[PATH_MAX_BYTES + 32];
        snprintf(path, sizeof path, "%s/results/%02x", s->folder, (unsigned)first);
        if (access(path, F_OK) == 0)
            TRY(sweep_folder(s, path));
    }
    return ZK_OK;
}

status store_open(store **out, const char *folder)
{
    *out = NULL;
    status result = ZK_OK;
    store *s = calloc(1, sizeof *s);
    FAIL_IF(s == NULL, ZK_ENOMEM, "no memory for the store of jobs");
    char path[PATH_MAX_BYTES + 32];
    FAIL_OUT_IF(snprintf(s->folder, sizeof s->folder, "%s", folder) >= (int)sizeof s->folder,
                ZK_EINVAL, "the folder's path is longer than %d bytes", PATH_MAX_BYTES - 1);
    TRY_OUT(file_make_directories(folder));
    snprintf(path, sizeof path, "%s/jobs.sqlite", folder);
    TRY_OUT(file_check_target(path)); // SQLite does not say why it cannot
    if (sqlite3_open(path, &s->db) != SQLITE_OK) {
        result = status_fail(ZK_EIO, __FILE__, __LINE__, "", "%s: %s", path,
                             s->db != NULL ? sqlite3_errmsg(s->db) : "no memory");
        goto out;
    }
    // The lock is taken by the first write and kept, so a second process fails here, at once.
    result = run_sql(s, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                        "BEGIN IMMEDIATE");
    FAIL_OUT_IF(result != ZK_OK && sqlite3_errcode(s->db) == SQLITE_BUSY, ZK_EIO,
                "%s is used by another coordinator: stop that one, or give this one a "
                "server.state_dir of its own",
                path);
    TRY_OUT(result);
    TRY_OUT(check_version(s));
    TRY_OUT(run_sql(s, "COMMIT"));
    TRY_OUT(sweep_results(s));
    *out = s;
    return ZK_OK;
out:
    store_close(s);
    return result;
}
