// SPDX-License-Identifier: Apache-2.0 OR MIT
// TLS and mutual TLS, with a small authority that the test makes for itself.
#include "h2_raw.h"
#include "rpc_fixture.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

typedef struct pair {
    EVP_PKEY *key;
    X509 *certificate;
} pair;

static char folder[] = "/tmp/test_rpc_tls.XXXXXX";
static char ca_file[64], other_ca_file[64], server_cert[64], server_key[64], client_cert[64],
    client_key[64], stranger_cert[64], stranger_key[64], old_cert[64], old_key[64], odd_cert[64],
    odd_key[64];

static const char here[] = "DNS:localhost,IP:127.0.0.1";

// A certificate for `name`, signed by `by` (itself when NULL), valid for two days around now or,
// if expired, until yesterday. hosts: its alternative names, NULL for an authority.
static pair make(const char *name, const pair *by, const char *hosts, bool expired)
{
    static long serial = 1;
    pair p = {EVP_EC_gen("P-256"), X509_new()};
    assert_true(p.key != NULL && p.certificate != NULL);
    X509 *c = p.certificate;
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c), -2 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(c), expired ? -86400 : 86400);
    X509_set_pubkey(c, p.key);
    X509_NAME *subject = X509_get_subject_name(c);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0);
    const pair *issuer = by != NULL ? by : &p;
    X509_set_issuer_name(c, X509_get_subject_name(issuer->certificate));
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer->certificate, c, NULL, NULL, 0);
    X509_EXTENSION *e =
        X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints,
                            hosts == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
    X509_add_ext(c, e, -1);
    X509_EXTENSION_free(e);
    if (hosts != NULL) {
        e = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, hosts);
        assert_non_null(e);
        X509_add_ext(c, e, -1);
        X509_EXTENSION_free(e);
    }
    assert_true(X509_sign(c, issuer->key, EVP_sha256()) > 0);
    return p;
}

static void save(const pair *p, const char *name, char cert_path[64], char key_path[64])
{
    snprintf(cert_path, 64, "%s/%s.pem", folder, name);
    FILE *f = fopen(cert_path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_X509(f, p->certificate), 1);
    fclose(f);
    if (key_path == NULL)
        return;
    snprintf(key_path, 64, "%s/%s.key", folder, name);
    f = fopen(key_path, "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(f);
}

static void drop(pair *p)
{
    EVP_PKEY_free(p->key);
    X509_free(p->certificate);
}

static int setup(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    pair ca = make("test authority", NULL, NULL, false);
    pair other = make("other authority", NULL, NULL, false);
    pair server = make("server", &ca, here, false);
    pair client = make("worker-7", &ca, here, false);
    pair stranger = make("stranger", &other, here, false);
    pair old = make("old", &ca, here, true);
    // The host "xy" and an address of one byte.
    pair odd = make("odd", &ca, "DER:30:07:82:02:78:79:87:01:07", false);
    save(&ca, "ca", ca_file, NULL);
    save(&other, "other", other_ca_file, NULL);
    save(&server, "server", server_cert, server_key);
    save(&client, "client", client_cert, client_key);
    save(&stranger, "stranger", stranger_cert, stranger_key);
    save(&old, "old", old_cert, old_key);
    save(&odd, "odd", odd_cert, odd_key);
    pair *all[] = {&ca, &other, &server, &client, &stranger, &old, &odd};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        drop(all[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;)
        unlinkat(dirfd(dir), e->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(folder);
    return 0;
}

// One call with these settings on both sides; what became of it.
static rpc_code call_with(const rpc_tls_options *server, const rpc_tls_options *client, recorder *r)
{
    rpc_fixture f;
    rpc_channel_options co = {.tls = client};
    fixture_server(&f, server, NULL);
    fixture_channel(&f, &co);
    rpc_code code = echo(&f, "through TLS", r);
    if (code == RPC_OK)
        assert_memory_equal(r->first, "through TLS", 11);
    fixture_close(&f);
    return code;
}

static void test_server_certificate(void **state)
{
    (void)state;
    recorder r;
    rpc_tls_options server = {.cert_file = server_cert, .key_file = server_key};
    rpc_tls_options client = {.ca_file = ca_file};
    assert_int_equal(call_with(&server, &client, &r), RPC_OK);
    client.peer_name = "localhost";
    assert_int_equal(call_with(&server, &client, &r), RPC_OK);
    client.peer_name = "example.org"; // not in the certificate
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "is for other hosts: localhost, 127.0.0.1"));
    client = (rpc_tls_options){.ca_file = other_ca_file};
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "leads to no authority that is trusted here"));
    client = (rpc_tls_options){0}; // the system's authorities do not know ours
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    client = (rpc_tls_options){.ca_file = ca_file};
    server = (rpc_tls_options){.cert_file = old_cert, .key_file = old_key};
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "expired on 20"));
    server = (rpc_tls_options){.cert_file = odd_cert, .key_file = odd_key};
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    const char *hosts = strstr(r.message, "is for other hosts: ");
    assert_non_null(hosts);
    assert_string_equal(hosts, "is for other hosts: xy"); // the rest is no address, and not read
}

static void test_client_certificate(void **state)
{
    (void)state;
    recorder r;
    rpc_tls_options server = {.cert_file = server_cert, .key_file = server_key, .ca_file = ca_file};
    rpc_tls_options client = {.cert_file = client_cert, .key_file = client_key, .ca_file = ca_file};
    assert_int_equal(call_with(&server, &client, &r), RPC_OK);
    client = (rpc_tls_options){.ca_file = ca_file}; // none
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "the peer asks for a certificate"));
    client =
        (rpc_tls_options){.cert_file = stranger_cert, .key_file = stranger_key, .ca_file = ca_file};
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "the peer trusts no authority"));
    client = (rpc_tls_options){.cert_file = old_cert, .key_file = old_key, .ca_file = ca_file};
    assert_int_equal(call_with(&server, &client, &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "certificate has expired"));
}

static void answer_identity(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    (void)arg;
    (void)bytes;
    (void)n;
    const rpc_peer *peer = rpc_call_peer(call);
    assert_true(peer->tls);
    rpc_reply(call, (const uint8_t *)peer->identity, strlen(peer->identity));
}

static void test_identity_and_reload(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    rpc_tls_options server = {.cert_file = server_cert, .key_file = server_key, .ca_file = ca_file};
    rpc_tls_options client = {.cert_file = client_cert, .key_file = client_key, .ca_file = ca_file};
    rpc_channel_options co = {.tls = &client};
    fixture_server(&f, &server, NULL);
    assert_int_equal(rpc_server_add_unary(f.server, "/test.Test/Who", answer_identity, NULL),
                     ZK_OK);
    for (int round = 0; round < 2; round++) {
        fixture_channel(&f, &co);
        start(&call, &f, "/test.Test/Who", NULL, &r);
        assert_int_equal(rpc_send(call, NULL, 0), ZK_OK);
        rpc_half_close(call);
        run_until(&f, &r.done);
        assert_int_equal(r.code, RPC_OK);
        assert_int_equal(r.n_bytes, 8);
        assert_memory_equal(r.first, "worker-7", 8);
        rpc_channel_close(f.channel);
        // A bad file changes nothing.
        rpc_tls_options broken = {.cert_file = ca_file, .key_file = server_key};
        assert_int_equal(rpc_server_reload_tls(f.server, &broken), ZK_EPARSE);
    }
    // A good one counts for new connections: now nobody needs to show a certificate.
    server.ca_file = NULL;
    assert_int_equal(rpc_server_reload_tls(f.server, &server), ZK_OK);
    client = (rpc_tls_options){.ca_file = ca_file};
    fixture_channel(&f, &co);
    assert_int_equal(echo(&f, "no certificate", &r), RPC_OK);
    fixture_close(&f);
}

static void test_large_messages_and_streams(void **state)
{
    (void)state;
    rpc_fixture f;
    recorder r = {0};
    rpc_call *call;
    rpc_tls_options server = {.cert_file = server_cert, .key_file = server_key};
    rpc_tls_options client = {.ca_file = ca_file};
    rpc_channel_options co = {.tls = &client};
    fixture_server(&f, &server, NULL);
    fixture_channel(&f, &co);
    size_t n = (size_t)20 << 20;
    uint8_t *bytes = malloc(n);
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i += 4096)
        sum += bytes[i] = (uint8_t)(i >> 12) * 11;
    start(&call, &f, "/test.Test/Echo", NULL, &r);
    assert_int_equal(rpc_send_take(call, bytes, n), ZK_OK);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_bytes, n);
    assert_int_equal(r.sum, sum);
    uint64_t request[2] = {5000, 100};
    start(&call, &f, "/test.Test/Count", NULL, &r);
    assert_int_equal(rpc_send(call, (uint8_t *)request, 16), ZK_OK);
    rpc_half_close(call);
    run_until(&f, &r.done);
    assert_int_equal(r.code, RPC_OK);
    assert_int_equal(r.n_messages, 5000);
    fixture_close(&f);
}

typedef struct visits {
    const rpc_server *server;
    uint64_t n; // that many came, and all have left
} visits;

static bool visits_over(void *arg)
{
    const visits *v = arg;
    rpc_server_stats stats;
    rpc_server_get_stats(v->server, &stats);
    return stats.accepted == v->n && stats.connections == 0;
}

// Cleartext at a TLS port, a TLS client that does not offer h2, and one at a cleartext port.
static void test_wrong_protocols(void **state)
{
    (void)state;
    rpc_fixture f;
    rpc_tls_options server = {.cert_file = server_cert, .key_file = server_key};
    fixture_server(&f, &server, NULL);
    uint16_t port = rpc_server_port(f.server);
    h2_bytes b = {0};
    int fd = h2_connect(port);
    h2_preface(&b);
    assert_true(h2_send(fd, &b));
    visits v = {f.server, 1};
    run_while_not(&f, visits_over, &v);
    close(fd);
    free(b.p);

    recorder r;
    snprintf(f.url, sizeof f.url, "http://127.0.0.1:%u", port);
    fixture_channel(&f, NULL);
    assert_int_equal(echo(&f, "x", &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "without a word (is it https://?)"));

    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    static const unsigned char http1[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, http1, 9);
    SSL *ssl = SSL_new(context);
    fd = h2_connect(port);
    SSL_set_connect_state(ssl);
    uint8_t hello[4096];
    // The hello alone is enough; the server's alert ends the connection.
    BIO *memory = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), memory);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int n = BIO_read(memory, hello, sizeof hello);
    assert_true(n > 0);
    b = (h2_bytes){0};
    h2_put(&b, hello, (size_t)n);
    assert_true(h2_send(fd, &b));
    rpc_channel_close(f.channel);
    f.channel = NULL;
    v.n = 3;
    run_while_not(&f, visits_over, &v);
    uint8_t alert[64];
    assert_true(read(fd, alert, sizeof alert) >= 7);
    assert_int_equal(alert[0], 21);  // alert
    assert_int_equal(alert[6], 120); // no_application_protocol
    free(b.p);
    close(fd);
    SSL_free(ssl);
    SSL_CTX_free(context);
    fixture_close(&f);

    fixture_server(&f, NULL, NULL);
    rpc_tls_options client = {.ca_file = ca_file};
    snprintf(f.url, sizeof f.url, "https://127.0.0.1:%u", rpc_server_port(f.server));
    fixture_channel(&f, &(rpc_channel_options){.tls = &client});
    assert_int_equal(echo(&f, "x", &r), RPC_UNAVAILABLE);
    assert_non_null(strstr(r.message, "the peer speaks no TLS (is it http://?)"));
    fixture_close(&f);
}

static void test_bad_files(void **state)
{
    (void)state;
    rpc_loop *loop;
    rpc_server *s;
    assert_int_equal(rpc_loop_open(&loop), ZK_OK);
    const rpc_tls_options cases[] = {
        {.cert_file = "/nonexistent.pem", .key_file = server_key},
        {.cert_file = server_cert, .key_file = "/nonexistent.key"},
        {.cert_file = server_cert, .key_file = client_key}, // not its key
        {.cert_file = server_key, .key_file = server_key},  // not a certificate
        {.cert_file = server_cert, .key_file = server_key, .ca_file = server_key},
        {.cert_file = server_cert, .key_file = server_key, .ca_file = "/nonexistent.ca"},
    };
    static const char *const says[] = {
        "No such file", "No such file", "values mismatch", "none in it", "", "No such file"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rpc_server_options o = {.host = "127.0.0.1", .tls = &cases[i]};
        assert_int_equal(rpc_server_open(&s, loop, &o), ZK_EPARSE);
        assert_non_null(strchr(status_message(), '/'));
        assert_non_null(strstr(status_message(), says[i]));
    }
    rpc_channel *ch;
    rpc_channel_options co = {.tls = &cases[0]};
    assert_int_equal(rpc_channel_open(&ch, loop, "http://127.0.0.1:1", &co), ZK_EINVAL);
    rpc_loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_certificate),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_identity_and_reload),
        cmocka_unit_test(test_large_messages_and_streams),
        cmocka_unit_test(test_wrong_protocols),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
