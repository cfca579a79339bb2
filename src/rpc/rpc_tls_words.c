// SPDX-License-Identifier: Apache-2.0 OR MIT
// Why TLS failed, in words for those who run both ends: OpenSSL's own name its insides.
#include "rpc/rpc_internal.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pemerr.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { COMMON_NAME_MAX = 64 };

const char *rpc_tls_reason(void)
{
    static const struct {
        int library, reason;
        const char *words;
    } known[] = {
        {ERR_LIB_PEM, PEM_R_NO_START_LINE, "there is none in it, in PEM"},
        {ERR_LIB_SSL, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
         "the peer asks for a certificate of this side"},
        {ERR_LIB_SSL, SSL_R_TLSV1_ALERT_UNKNOWN_CA,
         "the peer trusts no authority that signed this side's certificate"},
        {ERR_LIB_SSL, SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "this side's certificate has expired"},
        {ERR_LIB_SSL, SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
         "the peer refuses this side's certificate"},
    };
    static _Thread_local char text[200];
    // The first one is the cause, later ones say who failed because of it.
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
                         : code != 0            ? ERR_reason_error_string(code)
                                                : NULL;
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (ERR_GET_LIB(code) == known[k].library && ERR_GET_REASON(code) == known[k].reason)
            reason = known[k].words;
    snprintf(text, sizeof text, "%s", reason != NULL ? reason : "unknown reason");
    ERR_clear_error();
    return text;
}

static void common_name(char out[COMMON_NAME_MAX], const X509_NAME *name)
{
    if (X509_NAME_get_text_by_NID((X509_NAME *)name, NID_commonName, out, COMMON_NAME_MAX) <= 0)
        snprintf(out, COMMON_NAME_MAX, "nobody");
}

static void put(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void put(char *out, size_t size, const char *format, ...)
{
    size_t n = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + n, size - n, format, args);
    va_end(args);
}

// Hosts and addresses that the certificate is for. Its signature may not have been checked yet.
static void put_names(char *out, size_t size, const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int n = 0;
    for (int k = 0; names != NULL && k < sk_GENERAL_NAME_num(names); k++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, k);
        const unsigned char *bytes;
        char address[INET6_ADDRSTRLEN] = "";
        if (name->type == GEN_DNS) {
            bytes = ASN1_STRING_get0_data(name->d.dNSName);
            put(out, size, "%s%.*s", n++ > 0 ? ", " : "", ASN1_STRING_length(name->d.dNSName),
                bytes);
        } else if (name->type == GEN_IPADD) {
            bytes = ASN1_STRING_get0_data(name->d.iPAddress);
            int length = ASN1_STRING_length(name->d.iPAddress); // any: nobody has vouched for it
            if (length != 4 && length != 16)
                continue;
            inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, address, sizeof address);
            put(out, size, "%s%s", n++ > 0 ? ", " : "", address);
        }
    }
    if (n == 0)
        put(out, size, "no host");
    GENERAL_NAMES_free(names);
}

static void put_time(char *out, size_t size, const ASN1_TIME *when)
{
    struct tm tm;
    char text[32] = "an unknown time";
    if (ASN1_TIME_to_tm(when, &tm) == 1)
        strftime(text, sizeof text, "%F %T UTC", &tm);
    put(out, size, "%s", text);
}

void rpc_tls_explain(char *out, size_t size, X509_STORE_CTX *chain)
{
    X509 *certificate = X509_STORE_CTX_get_current_cert(chain);
    int error = X509_STORE_CTX_get_error(chain);
    out[0] = 0;
    if (certificate == NULL) {
        put(out, size, "certificate: %s", X509_verify_cert_error_string(error));
        return;
    }
    char subject[COMMON_NAME_MAX], issuer[COMMON_NAME_MAX];
    common_name(subject, X509_get_subject_name(certificate));
    common_name(issuer, X509_get_issuer_name(certificate));
    put(out, size, "the certificate of \"%s\", issued by \"%s\", ", subject, issuer);
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        put(out, size, "leads to no authority that is trusted here");
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        put(out, size, "expired on ");
        put_time(out, size, X509_get0_notAfter(certificate));
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        put(out, size, "is not valid before ");
        put_time(out, size, X509_get0_notBefore(certificate));
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        put(out, size, "is for other hosts: ");
        put_names(out, size, certificate);
        break;
    default:
        put(out, size, "is refused: %s", X509_verify_cert_error_string(error));
    }
}
