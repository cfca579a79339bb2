// SPDX-License-Identifier: Apache-2.0 OR MIT
// TLS through memory BIOs: ciphertext in by rpc_tls_feed, out by rpc_tls_drain; no socket here.
//
// TLS 1.2 or later, ALPN must agree on "h2" (RFC 9113 section 3.2), no renegotiation, no
// compression. A server with a CA file refuses clients without a certificate of that CA; a client
// checks chain and name of the server.
#include "rpc/rpc_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

struct rpc_tls {
    SSL *ssl;
    BIO *in, *out; // owned by ssl
    bool ready;
    bool other_protocol; // the peer's first byte begins no TLS record
    char refused[256];   // why the peer's certificate is
    char error[320];
};

static const unsigned char alpn_h2[] = {2, 'h', '2'};

// Notes why a certificate is refused; the verdict stays OpenSSL's.
static int on_verified(int ok, X509_STORE_CTX *chain)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    rpc_tls *t = SSL_get_app_data(ssl);
    if (ok != 1)
        rpc_tls_explain(t->refused, sizeof t->refused, chain);
    return ok;
}

static int select_h2(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                     const unsigned char *in, unsigned in_n, void *arg)
{
    (void)ssl;
    (void)arg;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, out_n, alpn_h2, sizeof alpn_h2, in, in_n) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static status context_common(SSL_CTX *context, const rpc_tls_options *o)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // RFC 9113 section 9.2.2 forbids most TLS 1.2 suites; these are ephemeral AEAD ones.
    FAIL_IF(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1, ZK_EINTERNAL,
            "no TLS 1.2 cipher suite: %s", rpc_tls_reason());
    if (o->cert_file != NULL) {
        FAIL_IF(SSL_CTX_use_certificate_chain_file(context, o->cert_file) != 1, ZK_EPARSE,
                "cannot use the certificate file %s: %s", o->cert_file, rpc_tls_reason());
        FAIL_IF(o->key_file == NULL, ZK_EINVAL, "the certificate %s needs a key file",
                o->cert_file);
        FAIL_IF(SSL_CTX_use_PrivateKey_file(context, o->key_file, SSL_FILETYPE_PEM) != 1, ZK_EPARSE,
                "cannot use the key file %s: %s", o->key_file, rpc_tls_reason());
        FAIL_IF(SSL_CTX_check_private_key(context) != 1, ZK_EPARSE, "the key %s is not that of %s",
                o->key_file, o->cert_file);
    }
    if (o->ca_file != NULL)
        FAIL_IF(SSL_CTX_load_verify_file(context, o->ca_file) != 1, ZK_EPARSE,
                "cannot use the CA file %s: %s", o->ca_file, rpc_tls_reason());
    return ZK_OK;
}

status rpc_tls_server_context(SSL_CTX **out, const rpc_tls_options *o)
{
    status result = ZK_OK;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    FAIL_OUT_IF(context == NULL, ZK_ENOMEM, "no TLS context: %s", rpc_tls_reason());
    FAIL_OUT_IF(o->cert_file == NULL, ZK_EINVAL, "a TLS server needs a certificate file");
    TRY_OUT(context_common(context, o));
    SSL_CTX_set_alpn_select_cb(context, select_h2, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (o->ca_file != NULL) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, on_verified);
        STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(o->ca_file);
        if (names != NULL)
            SSL_CTX_set_client_CA_list(context, names);
        // Resumed sessions would skip the certificate; without tickets there are none.
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    }
    *out = context;
    context = NULL;
out:
    SSL_CTX_free(context);
    return result;
}

status rpc_tls_client_context(SSL_CTX **out, const rpc_tls_options *o)
{
    status result = ZK_OK;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    FAIL_OUT_IF(context == NULL, ZK_ENOMEM, "no TLS context: %s", rpc_tls_reason());
    TRY_OUT(context_common(context, o));
    if (o->ca_file == NULL)
        SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verified);
    FAIL_OUT_IF(SSL_CTX_set_alpn_protos(context, alpn_h2, sizeof alpn_h2) != 0, ZK_EINTERNAL,
                "cannot ask for h2");
    *out = context;
    context = NULL;
out:
    SSL_CTX_free(context);
    return result;
}

rpc_tls *rpc_tls_new(SSL_CTX *context, bool server, const char *name)
{
    rpc_tls *t = rpc_alloc(sizeof *t);
    t->ssl = SSL_new(context);
    t->in = BIO_new(BIO_s_mem());
    t->out = BIO_new(BIO_s_mem());
    ZK_ASSERT(t->ssl != NULL && t->in != NULL && t->out != NULL);
    SSL_set_bio(t->ssl, t->in, t->out);
    SSL_set_app_data(t->ssl, t);
    if (server) {
        SSL_set_accept_state(t->ssl);
    } else {
        SSL_set_connect_state(t->ssl);
        unsigned char address[16];
        if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1) {
            ZK_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), name) == 1);
        } else {
            ZK_ASSERT(SSL_set1_host(t->ssl, name) == 1);
            SSL_set_tlsext_host_name(t->ssl, name);
        }
    }
    return t;
}

void rpc_tls_free(rpc_tls *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    free(t);
}

void rpc_tls_feed(rpc_tls *t, const uint8_t *bytes, size_t n)
{
    enum { ALERT = 21, HANDSHAKE = 22 }; // types of the records that may come first (RFC 8446, 5.1)
    if (n > 0 && BIO_number_written(t->in) == 0)
        t->other_protocol = bytes[0] != ALERT && bytes[0] != HANDSHAKE;
    ZK_ASSERT(n <= INT32_MAX && BIO_write(t->in, bytes, (int)n) == (int)n);
}

static rpc_tls_result tls_result(rpc_tls *t, int rc, const char *during, const char **error)
{
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        ERR_clear_error();
        return RPC_TLS_MORE;
    case SSL_ERROR_ZERO_RETURN:
        return RPC_TLS_CLOSED;
    default:
        break;
    }
    if (t->other_protocol)
        snprintf(t->error, sizeof t->error,
                 "TLS %s failed: the peer speaks no TLS (is it http://?)", during);
    else if (SSL_get_verify_result(t->ssl) != X509_V_OK)
        snprintf(t->error, sizeof t->error, "TLS %s failed: %s", during, t->refused);
    else
        snprintf(t->error, sizeof t->error, "TLS %s failed: %s", during, rpc_tls_reason());
    ERR_clear_error();
    *error = t->error;
    return RPC_TLS_FAILED;
}

rpc_tls_result rpc_tls_read(rpc_tls *t, uint8_t *out, size_t size, size_t *got, const char **error)
{
    *got = 0;
    ERR_clear_error();
    if (!t->ready) {
        int rc = SSL_do_handshake(t->ssl);
        if (rc != 1)
            return tls_result(t, rc, "handshake", error);
        const unsigned char *protocol;
        unsigned n;
        SSL_get0_alpn_selected(t->ssl, &protocol, &n);
        if (n != 2 || memcmp(protocol, "h2", 2) != 0) {
            *error = "TLS handshake failed: the peer did not agree on h2 (ALPN)";
            return RPC_TLS_FAILED;
        }
        t->ready = true;
    }
    int rc = SSL_read_ex(t->ssl, out, size, got);
    if (rc == 1)
        return RPC_TLS_DATA;
    return tls_result(t, rc, "read", error);
}

bool rpc_tls_ready(const rpc_tls *t)
{
    return t->ready;
}

bool rpc_tls_write(rpc_tls *t, const uint8_t *bytes, size_t n)
{
    // The memory BIO takes everything, so a write is only ever partial by record.
    ERR_clear_error();
    while (n > 0) {
        size_t written = 0;
        if (SSL_write_ex(t->ssl, bytes, n, &written) != 1)
            return false;
        bytes += written;
        n -= written;
    }
    return true;
}

size_t rpc_tls_drain(rpc_tls *t, uint8_t *out, size_t size)
{
    int n = BIO_read(t->out, out, size > INT32_MAX ? INT32_MAX : (int)size);
    return n > 0 ? (size_t)n : 0;
}

size_t rpc_tls_pending(const rpc_tls *t)
{
    return BIO_ctrl_pending(t->out);
}

void rpc_tls_identity(const rpc_tls *t, char *out, size_t size)
{
    out[0] = '\0';
    X509 *certificate = SSL_get0_peer_certificate(t->ssl);
    if (certificate == NULL || SSL_get_verify_result(t->ssl) != X509_V_OK)
        return;
    int n = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out,
                                      (int)size);
    // A name with a NUL inside would compare equal to its prefix: no identity.
    if (n < 0 || strlen(out) != (size_t)n)
        out[0] = '\0';
}

void rpc_tls_shutdown(rpc_tls *t)
{
    ERR_clear_error();
    if (t->ready)
        (void)SSL_shutdown(t->ssl);
    ERR_clear_error();
}
