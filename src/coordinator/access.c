// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator/access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define API_PATH "/zisk.distributed.api.v1.ZiskDistributedApi/"

enum {
    ROLE_WORKER = 1,
    ROLE_CLIENT = 2,
    ROLE_ADMIN = 4,
    ROLE_ALL = 7,
    MAX_RANGES = 256,
    MAX_TOKENS = 4096,
    MAX_TOKENS_BYTES = 1 << 20,
    MAX_GUESSERS = 512,
    GUESSES = 10,
    MS_A_GUESS = 5000,
    NAME_MAX_BYTES = 128
};

typedef struct address_range {
    uint8_t ip[16]; // IPv6 or IPv4-mapped
    unsigned bits;
} address_range;

typedef struct token {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    unsigned roles;
} token;

typedef struct tokens {
    token *at;
    size_t n;
} tokens;

// An address with wrong tokens behind it: a bucket of guesses that fills again with time.
typedef struct guesser {
    uint8_t ip[16];
    uint64_t at_ms; // of `left`
    uint32_t left;
} guesser;

struct access_list {
    address_range ranges[MAX_RANGES];
    size_t n_ranges;
    bool has_roles, certificates;
    char *tokens_file;
    tokens tokens;
    guesser guessers[MAX_GUESSERS];
    size_t n_guessers;
    char message[256];
};

// ---- Addresses ----

static bool parse_ip(uint8_t out[16], bool *is_v4, const char *text)
{
    memset(out, 0, 16);
    *is_v4 = inet_pton(AF_INET, text, out + 12) == 1;
    if (*is_v4) {
        out[10] = out[11] = 0xff;
        return true;
    }
    return inet_pton(AF_INET6, text, out) == 1;
}

static status parse_range(address_range *out, const char *text, size_t n)
{
    char copy[INET6_ADDRSTRLEN + 8];
    FAIL_IF(n >= sizeof copy, ZK_EINVAL, "\"%.60s\" is not an address", text);
    memcpy(copy, text, n);
    copy[n] = '\0';
    char *slash = strchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    bool is_v4;
    FAIL_IF(!parse_ip(out->ip, &is_v4, copy), ZK_EINVAL,
            "\"%s\" is not a numeric address, nor ADDRESS/BITS", copy);
    unsigned most = is_v4 ? 32 : 128, bits = most;
    if (slash != NULL) {
        char *end;
        errno = 0;
        unsigned long value = strtoul(slash + 1, &end, 10);
        FAIL_IF(slash[1] < '0' || slash[1] > '9' || *end != '\0' || errno != 0 || value > most,
                ZK_EINVAL, "\"%s/%s\": the part behind the slash must be 0 to %u", copy, slash + 1,
                most);
        bits = (unsigned)value;
    }
    out->bits = bits + (128 - most);
    return ZK_OK;
}

// Ranges split by commas and spaces; `ranges` may be NULL.
static status parse_ranges(address_range *ranges, size_t *n, const char *list)
{
    *n = 0;
    for (const char *at = list; *at != '\0';) {
        size_t length = strcspn(at, ", \t");
        if (length > 0) {
            FAIL_IF(*n >= MAX_RANGES, ZK_EINVAL, "more than %d addresses", MAX_RANGES);
            address_range r;
            TRY(parse_range(&r, at, length));
            if (ranges != NULL)
                ranges[*n] = r;
            ++*n;
        }
        at += length;
        at += strspn(at, ", \t");
    }
    return ZK_OK;
}

status access_check_addresses(const char *list)
{
    size_t n;
    return parse_ranges(NULL, &n, list);
}

static bool in_range(const address_range *r, const uint8_t ip[16])
{
    unsigned bytes = r->bits / 8, rest = r->bits % 8;
    if (memcmp(r->ip, ip, bytes) != 0)
        return false;
    return rest == 0 || ((r->ip[bytes] ^ ip[bytes]) >> (8 - rest)) == 0;
}

bool access_is_loopback(const char *host)
{
    uint8_t ip[16];
    bool is_v4;
    if (!parse_ip(ip, &is_v4, host))
        return false;
    static const uint8_t v6[16] = {[15] = 1};
    return is_v4 ? ip[12] == 127 : memcmp(ip, v6, 16) == 0;
}

// ---- Tokens ----

static unsigned role_of(const char *name, size_t n)
{
    static const struct {
        const char *name;
        unsigned roles;
    } roles[] = {{"worker", ROLE_WORKER}, {"client", ROLE_CLIENT}, {"admin", ROLE_ALL}};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strlen(roles[i].name) == n && memcmp(roles[i].name, name, n) == 0)
            return roles[i].roles;
    return 0;
}

typedef struct word {
    const char *at;
    size_t n;
} word;

static word next_word(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r'))
        ++*at;
    word w = {.at = *at};
    while (*at < end && **at != ' ' && **at != '\t' && **at != '\r')
        ++*at;
    w.n = (size_t)(*at - w.at);
    return w;
}

static status parse_line(token *out, const char *path, size_t line, const char *at, const char *end)
{
    word role = next_word(&at, end), name = next_word(&at, end), secret = next_word(&at, end),
         rest = next_word(&at, end);
    FAIL_IF(secret.n == 0 || (rest.n > 0 && rest.at[0] != '#'), ZK_EPARSE,
            "%s:%zu: not ROLE NAME TOKEN", path, line);
    out->roles = role_of(role.at, role.n);
    FAIL_IF(out->roles == 0, ZK_EPARSE, "%s:%zu: the role must be worker, client or admin", path,
            line);
    FAIL_IF(name.n >= NAME_MAX_BYTES, ZK_EPARSE, "%s:%zu: the name is too long", path, line);
    FAIL_IF(secret.n < ACCESS_TOKEN_MIN, ZK_EPARSE,
            "%s:%zu: a token must have at least %d characters", path, line, ACCESS_TOKEN_MIN);
    SHA256((const uint8_t *)secret.at, secret.n, out->digest);
    return ZK_OK;
}

static status parse_tokens(tokens *out, const char *path, const char *text, size_t n)
{
    out->at = calloc(MAX_TOKENS, sizeof *out->at);
    FAIL_IF(out->at == NULL, ZK_ENOMEM, "no memory for tokens");
    const char *end = text + n;
    size_t line = 0;
    for (const char *at = text; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        line++;
        const char *from = at;
        word first = next_word(&from, stop);
        if (first.n > 0 && first.at[0] != '#') {
            FAIL_IF(out->n >= MAX_TOKENS, ZK_EPARSE, "%s: more than %d tokens", path, MAX_TOKENS);
            token *t = &out->at[out->n];
            TRY(parse_line(t, path, line, at, stop));
            for (size_t i = 0; i < out->n; i++)
                FAIL_IF(memcmp(out->at[i].digest, t->digest, sizeof t->digest) == 0, ZK_EPARSE,
                        "%s:%zu: this token stands in an earlier line too", path, line);
            out->n++;
        }
        at = stop + 1;
    }
    FAIL_IF(out->n == 0, ZK_EPARSE, "%s has no tokens", path);
    return ZK_OK;
}

static status read_secret_file(char *text, size_t *n, int fd, const char *path)
{
    struct stat info;
    FAIL_IF(fstat(fd, &info) != 0, ZK_EIO, "cannot read %s: %m", path);
    FAIL_IF(!S_ISREG(info.st_mode), ZK_EPARSE, "%s is not a file", path);
    FAIL_IF((info.st_mode & (S_IWGRP | S_IRWXO)) != 0, ZK_EPARSE,
            "%s holds secrets and others can get at it; chmod 600 %s", path, path);
    *n = 0;
    for (;;) {
        ssize_t got = read(fd, text + *n, MAX_TOKENS_BYTES - *n);
        FAIL_IF(got < 0 && errno != EINTR, ZK_EIO, "cannot read %s: %m", path);
        if (got == 0)
            return ZK_OK;
        if (got > 0)
            *n += (size_t)got;
        FAIL_IF(*n == MAX_TOKENS_BYTES, ZK_EPARSE, "%s has more than %d bytes", path,
                MAX_TOKENS_BYTES - 1);
    }
}

static status load_tokens(tokens *out, const char *path)
{
    *out = (tokens){0};
    status result = ZK_OK;
    size_t n = 0;
    char *text = malloc(MAX_TOKENS_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FAIL_OUT_IF(text == NULL, ZK_ENOMEM, "no memory for tokens");
    FAIL_OUT_IF(fd < 0, ZK_EIO, "cannot open %s: %m", path);
    TRY_OUT(read_secret_file(text, &n, fd, path));
    TRY_OUT(parse_tokens(out, path, text, n));
out:
    if (fd >= 0)
        close(fd);
    if (text != NULL)
        OPENSSL_cleanse(text, n);
    free(text);
    if (result != ZK_OK) {
        free(out->at);
        *out = (tokens){0};
    }
    return result;
}

// The roles of a token; 0: not in the list. Takes the same time wherever it stands.
static unsigned roles_of_token(const access_list *a, const char *secret)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)secret, strlen(secret), digest);
    unsigned roles = 0;
    for (size_t i = 0; i < a->tokens.n; i++) {
        const token *t = &a->tokens.at[i];
        unsigned equal = CRYPTO_memcmp(t->digest, digest, sizeof digest) == 0;
        roles |= t->roles & (0 - equal);
    }
    return roles;
}

// ---- Guesses ----

// Of IPv6 the network, which one host commonly has for itself.
static void guesser_key(uint8_t out[16], const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(out, ip, 16);
    if (memcmp(ip, mapped, 12) != 0)
        memset(out + 8, 0, 8);
}

static void refill(guesser *g, uint64_t now_ms)
{
    uint64_t more = (now_ms - g->at_ms) / MS_A_GUESS;
    if (more == 0)
        return;
    g->at_ms += more * MS_A_GUESS;
    g->left = more >= GUESSES - g->left ? GUESSES : g->left + (uint32_t)more;
}

static guesser *find_guesser(access_list *a, uint64_t now_ms, const uint8_t ip[16])
{
    uint8_t key[16];
    guesser_key(key, ip);
    for (size_t i = 0; i < a->n_guessers; i++)
        if (memcmp(a->guessers[i].ip, key, 16) == 0) {
            refill(&a->guessers[i], now_ms);
            return &a->guessers[i];
        }
    return NULL;
}

static void note_wrong_token(access_list *a, uint64_t now_ms, const uint8_t ip[16])
{
    guesser *g = find_guesser(a, now_ms, ip);
    if (g == NULL) { // the table is full: in place of the one that was wrong longest ago
        size_t at = a->n_guessers;
        if (at < MAX_GUESSERS) {
            a->n_guessers++;
        } else {
            at = 0;
            for (size_t i = 1; i < MAX_GUESSERS; i++)
                if (a->guessers[i].at_ms < a->guessers[at].at_ms)
                    at = i;
        }
        g = &a->guessers[at];
        *g = (guesser){.at_ms = now_ms, .left = GUESSES};
        guesser_key(g->ip, ip);
    }
    if (g->left == GUESSES)
        g->at_ms = now_ms;
    if (g->left > 0)
        g->left--;
}

// ---- Checks ----

static unsigned roles_for(const char *path, bool *everybody)
{
    static const struct {
        const char *method;
        unsigned role;
    } methods[] = {
        {"HealthCheck", 0},
        {"WorkerStream", ROLE_WORKER},
        {"UploadArtifact", ROLE_WORKER},
        {"DownloadArtifact", ROLE_WORKER},
        {"LaunchProof", ROLE_CLIENT},
        {"UploadInput", ROLE_CLIENT},
        {"JobStatus", ROLE_CLIENT},
        {"WatchJob", ROLE_CLIENT},
        {"FetchProof", ROLE_CLIENT},
        {"CancelJob", ROLE_CLIENT},
        {"SystemStatus", ROLE_CLIENT},
        {"StatusInfo", ROLE_CLIENT},
    };
    *everybody = false;
    if (strncmp(path, API_PATH, strlen(API_PATH)) == 0) {
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
            if (strcmp(path + strlen(API_PATH), methods[i].method) == 0) {
                *everybody = methods[i].role == 0;
                return methods[i].role;
            }
        return ROLE_ADMIN;
    }
    *everybody =
        strncmp(path, "/grpc.health.v1.", 16) == 0 || strncmp(path, "/grpc.reflection.", 17) == 0;
    return ROLE_ADMIN;
}

static rpc_code check_address(access_list *a, unsigned role, const rpc_peer *peer,
                              const char **message)
{
    if (role == ROLE_WORKER)
        return RPC_OK;
    for (size_t i = 0; i < a->n_ranges; i++)
        if (in_range(&a->ranges[i], peer->ip))
            return RPC_OK;
    snprintf(a->message, sizeof a->message,
             "%s is not allowed to call this: without tokens or client certificates only the "
             "addresses of server.admin_allow are (by default this machine alone)",
             peer->address);
    *message = a->message;
    return RPC_PERMISSION_DENIED;
}

static const char *bearer(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    authorization += sizeof scheme - 1;
    return authorization + strspn(authorization, " ");
}

rpc_code access_check(access_list *a, uint64_t now_ms, const char *path, const rpc_peer *peer,
                      const char *authorization, const char **message)
{
    bool everybody;
    unsigned role = roles_for(path, &everybody);
    if (everybody)
        return RPC_OK;
    if (!a->has_roles)
        return check_address(a, role, peer, message);

    unsigned roles = 0;
    if (a->certificates) {
        size_t n = strcspn(peer->identity, ":");
        roles = peer->identity[n] == ':' ? role_of(peer->identity, n) : 0;
    }
    const char *secret = bearer(authorization);
    if (secret != NULL && a->tokens.n > 0) {
        guesser *g = find_guesser(a, now_ms, peer->ip);
        if (g != NULL && g->left == 0) {
            snprintf(a->message, sizeof a->message,
                     "too many wrong tokens came from this address; try again in %llu s",
                     (unsigned long long)((g->at_ms + MS_A_GUESS - now_ms) / 1000 + 1));
            *message = a->message;
            return RPC_RESOURCE_EXHAUSTED;
        }
        unsigned more = roles_of_token(a, secret);
        if (more == 0) {
            note_wrong_token(a, now_ms, peer->ip);
            *message = "this token is not known here";
            return RPC_UNAUTHENTICATED;
        }
        roles |= more;
    }
    if ((roles & role) != 0)
        return RPC_OK;
    if (roles != 0) {
#define NOT_ALLOWED "the role of this token or certificate does not allow this call: it is for "
        *message = role == ROLE_WORKER   ? NOT_ALLOWED "workers"
                   : role == ROLE_CLIENT ? NOT_ALLOWED "clients"
                                         : NOT_ALLOWED "admins";
#undef NOT_ALLOWED
        return RPC_PERMISSION_DENIED;
    }
    *message = a->tokens.n > 0
                   ? "this call needs a token: authorization: Bearer TOKEN"
                   : "the name in this client certificate does not begin with a role (worker:, "
                     "client: or admin:)";
    return RPC_UNAUTHENTICATED;
}

// ---- Life ----

status access_open(access_list **out, const access_options *o)
{
    *out = NULL;
    status result = ZK_OK;
    access_list *a = calloc(1, sizeof *a);
    FAIL_IF(a == NULL, ZK_ENOMEM, "no memory for the list of who may call");
    a->certificates = o->certificates;
    a->has_roles = o->certificates || o->tokens_file != NULL;
    TRY_OUT(parse_ranges(a->ranges, &a->n_ranges,
                         o->admin_allow != NULL ? o->admin_allow : "127.0.0.0/8, ::1"));
    if (o->tokens_file != NULL) {
        a->tokens_file = strdup(o->tokens_file);
        FAIL_OUT_IF(a->tokens_file == NULL, ZK_ENOMEM, "no memory for a path");
        TRY_OUT(load_tokens(&a->tokens, a->tokens_file));
    }
    *out = a;
    return ZK_OK;
out:
    access_close(a);
    return result;
}

void access_close(access_list *a)
{
    if (a == NULL)
        return;
    free(a->tokens.at);
    free(a->tokens_file);
    free(a);
}

status access_reload(access_list *a)
{
    if (a->tokens_file == NULL)
        return ZK_OK;
    tokens fresh;
    TRY(load_tokens(&fresh, a->tokens_file));
    free(a->tokens.at);
    a->tokens = fresh;
    return ZK_OK;
}
