// SPDX-License-Identifier: Apache-2.0 OR MIT
// Notifications as a web server sees them: payload, URL, signature, what is tried again and when it
// ends.
#include "unit/must.h"

#include "base/clock.h"
#include "base/file.h"
#include "coordinator/webhook.h"
#include "http_catcher.h"

#include <json-c/json.h>
#include <openssl/hmac.h>
#include <unistd.h>

static char proof_path[64], secret_path[64];

static int set_up(void **state)
{
    (void)state;
    setenv("no_proxy", "*", 1); // whatever the machine that tests says
    snprintf(proof_path, sizeof proof_path, "/tmp/zisk_test_webhook.%d.proof", (int)getpid());
    snprintf(secret_path, sizeof secret_path, "/tmp/zisk_test_webhook.%d.secret", (int)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(proof_path);
    unlink(secret_path);
    return 0;
}

typedef struct told {
    pthread_mutex_t lock;
    size_t n, n_delivered;
    char last[64];
} told;

static void take_notice(void *arg, const char *job_id, bool delivered)
{
    told *t = arg;
    pthread_mutex_lock(&t->lock);
    t->n++;
    t->n_delivered += delivered;
    snprintf(t->last, sizeof t->last, "%s", job_id);
    pthread_mutex_unlock(&t->lock);
}

typedef struct world {
    catcher server;
    webhook *w;
    told told;
    char url[256];
} world;

static webhook_options options_for(world *x, const char *rest)
{
    snprintf(x->url, sizeof x->url, "http://127.0.0.1:%u%s", x->server.port, rest);
    return (webhook_options){.url = x->url,
                             .timeout_ms = 10000,
                             .max_proof_bytes = 1 << 30,
                             .retry_ms = 1,
                             .notified = take_notice,
                             .arg = &x->told};
}

static void open_world(world *x)
{
    *x = (world){.told.lock = PTHREAD_MUTEX_INITIALIZER};
    catcher_open(&x->server);
}

static const webhook_report success = {
    .job_id = "job-1", .success = true, .duration_ms = 32500, .proof_path = proof_path};
static const webhook_report failure = {.job_id = "job-2",
                                       .duration_ms = 15000,
                                       .error_code = "WORKER_FAILURE",
                                       .error_message = "Worker \"n\" failed:\nOut of memory"};

static void write_proof(size_t n_words)
{
    uint64_t *words = malloc(8 * n_words + 8);
    for (size_t i = 0; i < n_words; i++)
        words[i] = i % 3 == 0 ? UINT64_MAX - i : i * i;
    must(file_write_atomic(proof_path, words, 8 * n_words));
    free(words);
}

static struct json_object *parse(const caught *r)
{
    struct json_tokener *t = json_tokener_new_ex(8);
    json_tokener_set_flags(t, JSON_TOKENER_STRICT);
    struct json_object *o = json_tokener_parse_ex(t, (const char *)r->body.data, (int)r->body.size);
    if (o == NULL || json_tokener_get_parse_end(t) != r->body.size)
        fail_msg("no JSON: %.*s", 200, (const char *)r->body.data);
    json_tokener_free(t);
    return o;
}

static const char *text_of(struct json_object *o, const char *key)
{
    struct json_object *v;
    if (!json_object_object_get_ex(o, key, &v))
        fail_msg("the key %s is missing", key);
    return v == NULL ? "null" : json_object_get_string(v);
}

static void expect_line(const caught *r, const char *line)
{
    assert_memory_equal(r->head, line, strlen(line));
    assert_memory_equal(r->head + strlen(line), "\r\n", 2);
}

static void sends_the_documented_payload(void **state)
{
    (void)state;
    world x;
    open_world(&x);
    webhook_options o = options_for(&x, "/notify");
    must(webhook_open(&x.w, &o));
    // More words than are read at a time, and a proof of none.
    static const size_t sizes[] = {5000, 2048, 1, 0};
    for (size_t k = 0; k < 4; k++) {
        write_proof(sizes[k]);
        must(webhook_send(x.w, &success));
        catcher_wait(&x.server, k + 1);
        const caught *r = &x.server.requests[k];
        expect_line(r, "POST /notify/job-1 HTTP/1.1");
        char header[128];
        caught_header(header, sizeof header, r, "Content-Type");
        assert_string_equal(header, "application/json");
        caught_header(header, sizeof header, r, "X-Zisk-Signature");
        assert_string_equal(header, "");
        struct json_object *json = parse(r), *proof;
        assert_int_equal(json_object_object_length(json), 6);
        assert_string_equal(text_of(json, "job_id"), "job-1");
        assert_string_equal(text_of(json, "success"), "true");
        assert_string_equal(text_of(json, "duration_ms"), "32500");
        assert_string_equal(text_of(json, "error"), "null");
        struct tm t;
        const char *end = strptime(text_of(json, "timestamp"), "%Y-%m-%dT%H:%M:%SZ", &t);
        assert_non_null(end);
        assert_string_equal(end, "");
        assert_in_range(timegm(&t), time(NULL) - 60, time(NULL));
        assert_true(json_object_object_get_ex(json, "proof", &proof));
        assert_int_equal(json_object_array_length(proof), sizes[k]);
        for (size_t i = 0; i < sizes[k]; i++)
            assert_true(json_object_get_uint64(json_object_array_get_idx(proof, i)) ==
                        (i % 3 == 0 ? UINT64_MAX - i : i * i));
        json_object_put(json);
    }
    must(webhook_send(x.w, &failure));
    catcher_wait(&x.server, 5);
    expect_line(&x.server.requests[4], "POST /notify/job-2 HTTP/1.1");
    struct json_object *json = parse(&x.server.requests[4]), *error;
    assert_int_equal(json_object_object_length(json), 6);
    assert_string_equal(text_of(json, "success"), "false");
    assert_string_equal(text_of(json, "proof"), "null");
    assert_true(json_object_object_get_ex(json, "error", &error));
    assert_int_equal(json_object_object_length(error), 2);
    assert_string_equal(text_of(error, "code"), "WORKER_FAILURE");
    assert_string_equal(text_of(error, "message"), "Worker \"n\" failed:\nOut of memory");
    json_object_put(json);
    webhook_close(x.w, 10000);
    assert_int_equal(x.told.n_delivered, 5);
    assert_string_equal(x.told.last, "job-2");
    catcher_close(&x.server);
}

static void replaces_the_placeholder_everywhere(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/n?job_id={$job_id}", "POST /n?job_id=job-2 HTTP/1.1"},
        {"/{$job_id}/x/{$job_id}", "POST /job-2/x/job-2 HTTP/1.1"},
        {"", "POST /job-2 HTTP/1.1"},
        {"/", "POST /job-2 HTTP/1.1"},
        {"/n?x=1", "POST /n?x=1/job-2 HTTP/1.1"}, // as documented: the end of the URL
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        world x;
        open_world(&x);
        webhook_options o = options_for(&x, cases[k][0]);
        must(webhook_open(&x.w, &o));
        must(webhook_send(x.w, &failure));
        webhook_close(x.w, 10000);
        catcher_wait(&x.server, 1);
        expect_line(&x.server.requests[0], cases[k][1]);
        catcher_close(&x.server);
    }
}

static void tells_of_large_proofs(void **state)
{
    (void)state;
    world x;
    open_world(&x);
    webhook_options o = options_for(&x, "/n");
    o.max_proof_bytes = 8 * 100;
    o.proof_url = "https://proofs.example/{$job_id}.bin";
    must(webhook_open(&x.w, &o));
    write_proof(101);
    webhook_report r = success;
    uint8_t sha256[32];
    for (int i = 0; i < 32; i++)
        sha256[i] = (uint8_t)(i * 9);
    r.sha256 = sha256;
    must(webhook_send(x.w, &r));
    catcher_wait(&x.server, 1);
    struct json_object *json = parse(&x.server.requests[0]);
    assert_int_equal(json_object_object_length(json), 8);
    assert_string_equal(text_of(json, "proof"), "null");
    assert_string_equal(text_of(json, "success"), "true");
    assert_string_equal(text_of(json, "proof_sha256"),
                        "0009121b242d363f48515a636c757e879099a2abb4bdc6cfd8e1eaf3fc050e17");
    assert_string_equal(text_of(json, "proof_url"), "https://proofs.example/job-1.bin");
    json_object_put(json);
    write_proof(100);
    must(webhook_send(x.w, &r));
    catcher_wait(&x.server, 2);
    json = parse(&x.server.requests[1]);
    assert_int_equal(json_object_object_length(json), 6);
    json_object_put(json);
    webhook_close(x.w, 10000);
    catcher_close(&x.server);
}

static void signs(void **state)
{
    (void)state;
    must(file_write_atomic(secret_path, "top secret\r\nsecond line\n", 24));
    world x;
    open_world(&x);
    webhook_options o = options_for(&x, "/n");
    o.secret_file = secret_path;
    must(webhook_open(&x.w, &o));
    write_proof(3000);
    must(webhook_send(x.w, &success));
    catcher_wait(&x.server, 1);
    const caught *r = &x.server.requests[0];
    char stamp[64], header[128], expected[128] = "sha256=";
    caught_header(stamp, sizeof stamp, r, "X-Zisk-Timestamp");
    caught_header(header, sizeof header, r, "X-Zisk-Signature");
    size_t n = strlen(stamp) + 1 + r->body.size;
    char *signed_text = malloc(n);
    memcpy(signed_text, stamp, strlen(stamp));
    signed_text[strlen(stamp)] = '.';
    memcpy(signed_text + strlen(stamp) + 1, r->body.data, r->body.size);
    uint8_t mac[32];
    HMAC(EVP_sha256(), "top secret", 10, (const uint8_t *)signed_text, n, mac, NULL);
    for (int i = 0; i < 32; i++)
        sprintf(expected + 7 + 2 * i, "%02x", mac[i]);
    assert_string_equal(header, expected);
    free(signed_text);
    webhook_close(x.w, 10000);
    catcher_close(&x.server);

    must(file_write_atomic(secret_path, "\nsecond line\n", 13));
    assert_int_equal(webhook_open(&x.w, &o), ZK_EIO);
    assert_non_null(strstr(status_message(), secret_path));
    o.secret_file = "/nonexistent/secret";
    assert_int_equal(webhook_open(&x.w, &o), ZK_EIO);
    o.secret_file = NULL;
    o.url = "ftp://127.0.0.1/";
    assert_int_equal(webhook_open(&x.w, &o), ZK_EINVAL);
}

static void gives_up_or_tries_again(void **state)
{
    (void)state;
    for (uint32_t retries = 0; retries < 4; retries += 3) {
        world x;
        open_world(&x);
        x.server.answers[0] = "500 Oops";
        // A redirect is an answer like any other: nobody follows it.
        x.server.answers[1] = "302 Found\r\nLocation: http://127.0.0.1:1/";
        x.server.answers[2] = "404 Not Found";
        x.server.n_answers = 3;
        webhook_options o = options_for(&x, "/n");
        o.retries = retries;
        must(webhook_open(&x.w, &o));
        must(webhook_send(x.w, &failure));
        catcher_wait(&x.server, 1 + retries);
        webhook_close(x.w, 10000);
        assert_int_equal(x.server.n, 1 + retries);
        assert_int_equal(x.told.n, 1);
        assert_int_equal(x.told.n_delivered, retries == 3);
        catcher_close(&x.server);
    }
}

static void nobody_and_nothing_there(void **state)
{
    (void)state;
    world x;
    open_world(&x);
    webhook_options o = options_for(&x, "/n");
    must(webhook_open(&x.w, &o));
    webhook_report r = success;
    r.proof_path = "/nonexistent/proof";
    must(webhook_send(x.w, &r)); // fails before anything is sent
    must(webhook_send(x.w, &failure));
    webhook_close(x.w, 10000);
    assert_int_equal(x.server.n, 1);
    assert_int_equal(x.told.n, 2);
    assert_int_equal(x.told.n_delivered, 1);
    catcher_close(&x.server); // nobody listens there now
    x.told.n = 0;
    must(webhook_open(&x.w, &o));
    must(webhook_send(x.w, &failure));
    webhook_close(x.w, 10000);
    assert_int_equal(x.told.n, 1);
}

static void does_not_wait_for_ever(void **state)
{
    (void)state;
    world x;
    open_world(&x);
    x.server.n_answers = 2; // both silent
    webhook_options o = options_for(&x, "/n");
    o.timeout_ms = 200;
    must(webhook_open(&x.w, &o));
    must(webhook_send(x.w, &failure));
    webhook_close(x.w, 20000); // ends by the time limit of the request
    assert_int_equal(x.told.n, 1);
    assert_int_equal(x.told.n_delivered, 0);

    o.timeout_ms = 600000;
    o.retries = 5;
    must(webhook_open(&x.w, &o));
    must(webhook_send(x.w, &failure));
    must(webhook_send(x.w, &failure));
    catcher_wait(&x.server, 2);
    assert_int_equal(webhook_waiting(x.w), 2);
    webhook_close(x.w, 50); // ends by the grace: nobody is told that it was given up
    assert_int_equal(x.told.n, 1);
    catcher_close(&x.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_the_documented_payload),
        cmocka_unit_test(replaces_the_placeholder_everywhere),
        cmocka_unit_test(tells_of_large_proofs),
        cmocka_unit_test(signs),
        cmocka_unit_test(gives_up_or_tries_again),
        cmocka_unit_test(nobody_and_nothing_there),
        cmocka_unit_test(does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
