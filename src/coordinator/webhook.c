// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/webhook.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "coordinator/webhook_body.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SECRET_MAX = 4096, MAC_BYTES = 32, RETRY_MS = 1000, RETRY_MS_MAX = 60000 };

typedef struct report {
    struct report *next;
    bool success;
    uint64_t duration_ms;
    char *job_id, *proof_path, *error_code, *error_message; // NULL where the report has none
    uint8_t sha256[32];
    bool has_sha256;
} report;

struct webhook {
    webhook_options options; // its texts are copies
    byte_buffer secret;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    report *first, **last;
    size_t n_waiting;
    bool closing;
    uint64_t give_up_ns; // monotonic, once closing
};

// ---- Texts -------------------------------------------------------------------------------------

// Every {$job_id} replaced. *replaced says whether there was one.
static status put_job_url(byte_buffer *out, bool *replaced, const char *url, const char *job_id)
{
    static const char placeholder[] = "{$job_id}";
    *replaced = false;
    for (const char *at; (at = strstr(url, placeholder)) != NULL;
         url = at + sizeof placeholder - 1) {
        TRY(buffer_put(out, url, (size_t)(at - url)));
        TRY(buffer_put_text(out, job_id));
        *replaced = true;
    }
    return buffer_put_text(out, url);
}

static status make_url(byte_buffer *out, const char *url, const char *job_id)
{
    bool replaced;
    TRY(put_job_url(out, &replaced, url, job_id));
    if (!replaced) {
        if (out->size > 0 && out->data[out->size - 1] != '/')
            TRY(buffer_put_u8(out, '/'));
        TRY(buffer_put_text(out, job_id));
    }
    return buffer_put_u8(out, 0);
}

static status put_large_proof(byte_buffer *out, const webhook *w, const report *r)
{
    TRY(buffer_put_text(out, ",\"proof_sha256\":"));
    if (r->has_sha256) {
        TRY(buffer_put_u8(out, '"'));
        TRY(buffer_put_hex(out, r->sha256, sizeof r->sha256));
        TRY(buffer_put_u8(out, '"'));
    } else {
        TRY(buffer_put_text(out, "null"));
    }
    TRY(buffer_put_text(out, ",\"proof_url\":"));
    if (w->options.proof_url == NULL)
        return buffer_put_text(out, "null");
    byte_buffer url = buffer_new();
    bool replaced;
    status result = put_job_url(&url, &replaced, w->options.proof_url, r->job_id);
    if (result == ZK_OK)
        result = buffer_put_u8(&url, 0);
    if (result == ZK_OK)
        result = buffer_put_json(out, (const char *)url.data);
    buffer_clear(&url);
    return result;
}

static status make_body(webhook_body *b, const webhook *w, const report *r, uint64_t now_s)
{
    uint64_t bytes = 0;
    int fd = -1;
    if (r->proof_path != NULL) {
        struct stat info;
        fd = open(r->proof_path, O_RDONLY | O_CLOEXEC);
        FAIL_IF(fd < 0, ZK_EIO, "%s: cannot be opened: %m", r->proof_path);
        if (fstat(fd, &info) != 0 || info.st_size % 8 != 0) {
            close(fd);
            FAIL(ZK_EIO, "%s: not a proof file of whole words", r->proof_path);
        }
        bytes = (uint64_t)info.st_size;
    }
    bool large = fd >= 0 && bytes > w->options.max_proof_bytes;
    if (large) {
        close(fd);
        fd = -1;
    }
    webhook_body_init(b, fd, fd >= 0 ? bytes / 8 : 0);
    TRY(buffer_put_text(&b->head, "{\"job_id\":"));
    TRY(buffer_put_json(&b->head, r->job_id));
    TRY(buffer_printf(&b->head, ",\"success\":%s,\"duration_ms\":%llu,\"proof\":%s",
                      r->success ? "true" : "false", (unsigned long long)r->duration_ms,
                      fd >= 0 ? "[" : "null"));
    if (fd >= 0)
        TRY(buffer_put_u8(&b->tail, ']'));
    if (large)
        TRY(put_large_proof(&b->tail, w, r));
    time_t seconds = (time_t)now_s;
    struct tm utc;
    char stamp[32];
    gmtime_r(&seconds, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    TRY(buffer_printf(&b->tail, ",\"timestamp\":\"%s\",\"error\":", stamp));
    if (r->success)
        return buffer_put_text(&b->tail, "null}");
    TRY(buffer_put_text(&b->tail, "{\"code\":"));
    TRY(buffer_put_json(&b->tail, r->error_code != NULL ? r->error_code : "INTERNAL"));
    TRY(buffer_put_text(&b->tail, ",\"message\":"));
    TRY(buffer_put_json(&b->tail, r->error_message != NULL ? r->error_message : ""));
    return buffer_put_text(&b->tail, "}}");
}

// The whole body once, for its length and, with a secret, its signature.
static status measure(uint64_t *length, uint8_t mac[MAC_BYTES], webhook *w, webhook_body *b,
                      uint64_t now_s)
{
    status result = ZK_OK;
    char piece[16 << 10];
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *hmac = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
    OSSL_PARAM sha256[] = {OSSL_PARAM_construct_utf8_string("digest", (char *)"SHA256", 0),
                           OSSL_PARAM_construct_end()};
    // Without a secret the key does not matter: the value is not used.
    const uint8_t *key = w->secret.size > 0 ? w->secret.data : (const uint8_t *)"-";
    size_t key_bytes = w->secret.size > 0 ? w->secret.size : 1, n;
    FAIL_OUT_IF(hmac == NULL || EVP_MAC_init(hmac, key, key_bytes, sha256) != 1, ZK_EINTERNAL,
                "HMAC-SHA256 is not to be had from OpenSSL");
    n = (size_t)snprintf(piece, sizeof piece, "%llu.", (unsigned long long)now_s);
    EVP_MAC_update(hmac, (const uint8_t *)piece, n);
    *length = 0;
    for (;;) {
        TRY_OUT(webhook_body_read(&n, b, piece, sizeof piece));
        if (n == 0)
            break;
        *length += n;
        if (w->secret.size > 0)
            EVP_MAC_update(hmac, (const uint8_t *)piece, n);
    }
    FAIL_OUT_IF(EVP_MAC_final(hmac, mac, &n, MAC_BYTES) != 1 || n != MAC_BYTES, ZK_EINTERNAL,
                "HMAC-SHA256 failed");
    webhook_body_rewind(b);
out:
    EVP_MAC_CTX_free(hmac);
    EVP_MAC_free(algorithm);
    return result;
}

// ---- One attempt -------------------------------------------------------------------------------

static size_t give_body(char *out, size_t size, size_t n, void *arg)
{
    size_t got;
    return webhook_body_read(&got, arg, out, size * n) == ZK_OK ? got : CURL_READFUNC_ABORT;
}

static int seek_body(void *arg, curl_off_t offset, int origin)
{
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    webhook_body_rewind(arg);
    return CURL_SEEKFUNC_OK;
}

static size_t drop_answer(char *bytes, size_t size, size_t n, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * n;
}

static bool must_stop(webhook *w)
{
    pthread_mutex_lock(&w->lock);
    bool stop = w->closing && clock_monotonic_ns() >= w->give_up_ns;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

static int watch_transfer(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return must_stop(arg) ? 1 : 0;
}

// libcurl copies headers and texts but not the body, which is read meanwhile.
static status transfer(webhook *w, const char *url, const struct curl_slist *headers,
                       webhook_body *body, uint64_t length)
{
    CURL *easy = curl_easy_init();
    FAIL_IF(easy == NULL, ZK_ENOMEM, "libcurl has no memory for a request");
    char error[CURL_ERROR_SIZE] = "";
    char agent[64];
    snprintf(agent, sizeof agent, "zisk-coordinator/%s", config_version());
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)w->options.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)w->options.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, body);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_answer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, watch_transfer);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, w);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    CURLcode code = curl_easy_perform(easy);
    long answer = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_cleanup(easy);
    FAIL_IF(code == CURLE_OPERATION_TIMEDOUT, ZK_ETIMEOUT, "no answer within %llu ms",
            (unsigned long long)w->options.timeout_ms);
    FAIL_IF(code != CURLE_OK, ZK_EIO, "%s", error[0] != 0 ? error : curl_easy_strerror(code));
    FAIL_IF(answer < 200 || answer > 299, ZK_EPROTO, "the server answered %ld", answer);
    return ZK_OK;
}

static status add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);
    FAIL_IF(longer == NULL, ZK_ENOMEM, "no memory for a request");
    *list = longer;
    return ZK_OK;
}

static status add_headers(struct curl_slist **list, const webhook *w, const uint8_t *mac,
                          uint64_t now_s)
{
    TRY(add_header(list, "Content-Type: application/json"));
    TRY(add_header(list, "Expect:")); // no round trip before the body
    if (w->secret.size == 0)
        return ZK_OK;
    char line[128], *at = line + sprintf(line, "X-Zisk-Signature: sha256=");
    for (int i = 0; i < MAC_BYTES; i++)
        at += sprintf(at, "%02x", mac[i]);
    TRY(add_header(list, line));
    snprintf(line, sizeof line, "X-Zisk-Timestamp: %llu", (unsigned long long)now_s);
    return add_header(list, line);
}

static status attempt(webhook *w, const report *r)
{
    status result = ZK_OK;
    uint64_t now_s = clock_realtime_ns() / NS_PER_SECOND, length;
    uint8_t mac[MAC_BYTES];
    webhook_body body;
    webhook_body_init(&body, -1, 0);
    byte_buffer url = buffer_new();
    struct curl_slist *headers = NULL;
    TRY_OUT(make_url(&url, w->options.url, r->job_id));
    TRY_OUT(make_body(&body, w, r, now_s));
    TRY_OUT(measure(&length, mac, w, &body, now_s));
    TRY_OUT(add_headers(&headers, w, mac, now_s));
    TRY_OUT(transfer(w, (const char *)url.data, headers, &body, length));
out:
    curl_slist_free_all(headers);
    webhook_body_clear(&body);
    buffer_clear(&url);
    return result;
}

// ---- The thread --------------------------------------------------------------------------------

// False when the webhook was closed meanwhile and its grace is over.
static bool pause_for(webhook *w, uint64_t ms)
{
    uint64_t until = clock_monotonic_ns() + ms * NS_PER_MS;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        uint64_t now = clock_monotonic_ns();
        uint64_t end = w->closing && w->give_up_ns < until ? w->give_up_ns : until;
        if (now >= end)
            break;
        struct timespec t = {(time_t)(end / NS_PER_SECOND), (long)(end % NS_PER_SECOND)};
        pthread_cond_timedwait(&w->news, &w->lock, &t);
    }
    pthread_mutex_unlock(&w->lock);
    return !must_stop(w);
}

// False when it was cut off by the end of the grace.
static bool deliver(webhook *w, const report *r)
{
    uint64_t wait_ms = w->options.retry_ms != 0 ? w->options.retry_ms : RETRY_MS;
    for (uint32_t tries = 0;; tries++) {
        bool delivered = attempt(w, r) == ZK_OK;
        if (delivered)
            log_info("webhook", "notified", log_str("job", r->job_id));
        else if (must_stop(w))
            return false;
        else
            log_warn("webhook",
                     tries < w->options.retries ? "notification failed, it will be tried again"
                                                : "notification failed, it is given up",
                     log_str("job", r->job_id), log_u64("attempt", tries + 1),
                     log_str("error", status_message()));
        if (delivered || tries >= w->options.retries) {
            if (w->options.notified != NULL)
                w->options.notified(w->options.arg, r->job_id, delivered);
            return true;
        }
        if (!pause_for(w, wait_ms))
            return false;
        wait_ms = 2 * wait_ms < RETRY_MS_MAX ? 2 * wait_ms : RETRY_MS_MAX;
    }
}

static void free_report(report *r)
{
    if (r == NULL)
        return;
    free(r->job_id);
    free(r->proof_path);
    free(r->error_code);
    free(r->error_message);
    free(r);
}

static void *run(void *arg)
{
    webhook *w = arg;
    for (;;) {
        pthread_mutex_lock(&w->lock);
        while (w->first == NULL && !w->closing)
            pthread_cond_wait(&w->news, &w->lock);
        report *r = w->first;
        bool late = w->closing && clock_monotonic_ns() >= w->give_up_ns;
        if (r != NULL) {
            w->first = r->next;
            if (w->first == NULL)
                w->last = &w->first;
        }
        pthread_mutex_unlock(&w->lock);
        if (r == NULL)
            return NULL;
        if (late || !deliver(w, r))
            log_warn("webhook", "notification cut off by the end of the program",
                     log_str("job", r->job_id));
        free_report(r);
        pthread_mutex_lock(&w->lock);
        w->n_waiting--;
        pthread_mutex_unlock(&w->lock);
    }
}

// ---- Opening and closing -----------------------------------------------------------------------

static void free_webhook(webhook *w)
{
    if (w->secret.size > 0)
        OPENSSL_cleanse(w->secret.data, w->secret.size);
    buffer_clear(&w->secret);
    free((char *)w->options.url);
    free((char *)w->options.proof_url);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->news);
    free(w);
}

static status read_secret(webhook *w, const char *path)
{
    TRY(file_read(&w->secret, path, SECRET_MAX));
    const uint8_t *end = memchr(w->secret.data, '\n', w->secret.size);
    if (end != NULL)
        w->secret.size = (size_t)(end - w->secret.data);
    while (w->secret.size > 0 && w->secret.data[w->secret.size - 1] == '\r')
        w->secret.size--;
    FAIL_IF(w->secret.size == 0, ZK_EIO, "%s: the first line, which is the secret, is empty", path);
    return ZK_OK;
}

static status start(webhook *w)
{
    FAIL_IF(strncmp(w->options.url, "http://", 7) != 0 &&
                strncmp(w->options.url, "https://", 8) != 0,
            ZK_EINVAL, "the webhook URL begins neither with http:// nor with https://");
    if (w->options.secret_file != NULL)
        TRY(read_secret(w, w->options.secret_file));
    FAIL_IF(curl_global_init(CURL_GLOBAL_DEFAULT) != 0, ZK_EINTERNAL, "libcurl cannot be used");
    FAIL_IF(pthread_create(&w->thread, NULL, run, w) != 0, ZK_ENOMEM,
            "no thread for notifications");
    return ZK_OK;
}

status webhook_open(webhook **out, const webhook_options *options)
{
    *out = NULL;
    webhook *w = calloc(1, sizeof *w);
    FAIL_IF(w == NULL, ZK_ENOMEM, "no memory for the webhook");
    w->options = *options;
    w->options.url = strdup(options->url);
    w->options.proof_url = options->proof_url != NULL ? strdup(options->proof_url) : NULL;
    w->last = &w->first;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    status result = ZK_OK;
    if (w->options.url == NULL || (options->proof_url != NULL && w->options.proof_url == NULL))
        result = status_fail(ZK_ENOMEM, __FILE__, __LINE__, "", "no memory for the webhook");
    else
        result = start(w);
    w->options.secret_file = NULL;
    if (result != ZK_OK)
        free_webhook(w);
    else
        *out = w;
    return result;
}

// False when there is no memory. NULL stays NULL.
static bool copy_text(char **out, const char *text)
{
    *out = text != NULL ? strdup(text) : NULL;
    return text == NULL || *out != NULL;
}

status webhook_send(webhook *w, const webhook_report *given)
{
    report *r = calloc(1, sizeof *r);
    FAIL_IF(r == NULL, ZK_ENOMEM, "no memory for a notification");
    r->success = given->success;
    r->duration_ms = given->duration_ms;
    r->has_sha256 = given->sha256 != NULL;
    if (r->has_sha256)
        memcpy(r->sha256, given->sha256, sizeof r->sha256);
    if (!copy_text(&r->job_id, given->job_id) || !copy_text(&r->proof_path, given->proof_path) ||
        !copy_text(&r->error_code, given->error_code) ||
        !copy_text(&r->error_message, given->error_message)) {
        free_report(r);
        FAIL(ZK_ENOMEM, "no memory for a notification");
    }
    pthread_mutex_lock(&w->lock);
    *w->last = r;
    w->last = &r->next;
    w->n_waiting++;
    pthread_cond_signal(&w->news);
    pthread_mutex_unlock(&w->lock);
    return ZK_OK;
}

size_t webhook_waiting(webhook *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->n_waiting;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void webhook_close(webhook *w, uint64_t grace_ms)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    w->give_up_ns = clock_monotonic_ns() + grace_ms * NS_PER_MS;
    pthread_cond_broadcast(&w->news);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    free_webhook(w);
}
