// SPDX-License-Identifier: Apache-2.0 OR MIT
// Server reflection, v1 and v1alpha (wire-identical; reflection.proto of the gRPC project), over an
// index of every symbol in the embedded FileDescriptorSets.
//
// Field numbers used below, from descriptor.proto: FileDescriptorSet 1 file; FileDescriptorProto
// 1 name, 2 package, 3 dependency, 4 message_type, 5 enum_type, 6 service, 7 extension;
// DescriptorProto 1 name, 2 field, 3 nested_type, 4 enum_type, 6 extension, 8 oneof_decl;
// EnumDescriptorProto 1 name, 2 value; ServiceDescriptorProto 1 name, 2 method.
#include "rpc/rpc_internal.h"
#include "rpc/rpc_descriptors.h"
#include "rpc/rpc_wire.h"

enum { NOT_FOUND = RPC_NOT_FOUND, NESTING_MAX = 32 };

typedef struct file_entry {
    char *name;
    const uint8_t *bytes;
    size_t n;
} file_entry;

typedef struct symbol {
    char *name; // full, without leading dot
    size_t file;
    bool is_service;
} symbol;

struct rpc_reflection {
    const rpc_server *server;
    file_entry *files;
    size_t n_files;
    symbol *symbols; // sorted by name
    size_t n_symbols, cap_symbols;
};

// ---- Index ----

// "scope.name" or "name".
static char *join(const char *scope, const wire_field *name)
{
    size_t scope_n = strlen(scope);
    char *full = rpc_alloc(scope_n + name->n + 2);
    memcpy(full, scope, scope_n);
    size_t at = scope_n;
    if (scope_n > 0)
        full[at++] = '.';
    if (name->n > 0)
        memcpy(full + at, name->bytes, name->n);
    return full;
}

static bool find_field(wire_field *out, const uint8_t *bytes, size_t n, uint32_t number)
{
    wire_reader r = wire_read(bytes, n);
    while (wire_next(&r, out))
        if (out->number == number && out->type == WIRE_BYTES)
            return true;
    return false;
}

// Adds scope.name for the named thing in `item`; returns the full name (owned by the index).
static const char *add_symbol(struct rpc_reflection *x, const char *scope, const wire_field *item,
                              size_t file, bool is_service)
{
    wire_field name;
    if (!find_field(&name, item->bytes, item->n, 1))
        return NULL;
    if (x->n_symbols == x->cap_symbols) {
        x->cap_symbols = x->cap_symbols == 0 ? 256 : 2 * x->cap_symbols;
        x->symbols = realloc(x->symbols, x->cap_symbols * sizeof *x->symbols);
        ZK_ASSERT(x->symbols != NULL);
    }
    char *full = join(scope, &name);
    x->symbols[x->n_symbols++] = (symbol){full, file, is_service};
    return full;
}

static status add_enum(struct rpc_reflection *x, const char *scope, const wire_field *item,
                       size_t file)
{
    FAIL_IF(add_symbol(x, scope, item, file, false) == NULL, ZK_EPARSE, "an enum without a name");
    wire_reader r = wire_read(item->bytes, item->n);
    wire_field f;
    while (wire_next(&r, &f)) // values live in the scope of their enum, as in C++
        if (f.number == 2 && f.type == WIRE_BYTES)
            add_symbol(x, scope, &f, file, false);
    FAIL_IF(r.bad, ZK_EPARSE, "malformed EnumDescriptorProto");
    return ZK_OK;
}

static status add_message(struct rpc_reflection *x, const char *scope, const wire_field *item,
                          size_t file, unsigned depth)
{
    FAIL_IF(depth > NESTING_MAX, ZK_EPARSE, "messages nested deeper than %d", NESTING_MAX);
    const char *full = add_symbol(x, scope, item, file, false);
    FAIL_IF(full == NULL, ZK_EPARSE, "a message without a name");
    wire_reader r = wire_read(item->bytes, item->n);
    wire_field f;
    while (wire_next(&r, &f)) {
        if (f.type != WIRE_BYTES)
            continue;
        if (f.number == 3)
            TRY(add_message(x, full, &f, file, depth + 1));
        else if (f.number == 4)
            TRY(add_enum(x, full, &f, file));
        else if (f.number == 2 || f.number == 6 || f.number == 8)
            add_symbol(x, full, &f, file, false);
    }
    FAIL_IF(r.bad, ZK_EPARSE, "malformed DescriptorProto");
    return ZK_OK;
}

static status add_service(struct rpc_reflection *x, const char *scope, const wire_field *item,
                          size_t file)
{
    const char *full = add_symbol(x, scope, item, file, true);
    FAIL_IF(full == NULL, ZK_EPARSE, "a service without a name");
    wire_reader r = wire_read(item->bytes, item->n);
    wire_field f;
    while (wire_next(&r, &f))
        if (f.number == 2 && f.type == WIRE_BYTES)
            add_symbol(x, full, &f, file, false);
    FAIL_IF(r.bad, ZK_EPARSE, "malformed ServiceDescriptorProto");
    return ZK_OK;
}

static long find_file(const struct rpc_reflection *x, const uint8_t *name, size_t n)
{
    for (size_t i = 0; i < x->n_files; i++)
        if (strlen(x->files[i].name) == n && memcmp(x->files[i].name, name, n) == 0)
            return (long)i;
    return -1;
}

static status add_file(struct rpc_reflection *x, const wire_field *file)
{
    wire_field name, package;
    FAIL_IF(!find_field(&name, file->bytes, file->n, 1), ZK_EPARSE, "a file without a name");
    if (find_file(x, name.bytes, name.n) >= 0)
        return ZK_OK; // several sets carry their imports
    size_t index = x->n_files;
    x->files = realloc(x->files, (index + 1) * sizeof *x->files);
    ZK_ASSERT(x->files != NULL);
    x->files[index] = (file_entry){join("", &name), file->bytes, file->n};
    x->n_files++;
    bool has_package = find_field(&package, file->bytes, file->n, 2);
    wire_field none = {0};
    char *scope = join("", has_package ? &package : &none);
    wire_reader r = wire_read(file->bytes, file->n);
    wire_field f;
    status result = ZK_OK;
    while (wire_next(&r, &f)) {
        if (f.type != WIRE_BYTES)
            continue;
        if (f.number == 4)
            TRY_OUT(add_message(x, scope, &f, index, 0));
        else if (f.number == 5)
            TRY_OUT(add_enum(x, scope, &f, index));
        else if (f.number == 6)
            TRY_OUT(add_service(x, scope, &f, index));
        else if (f.number == 7)
            add_symbol(x, scope, &f, index, false);
    }
    FAIL_OUT_IF(r.bad, ZK_EPARSE, "malformed FileDescriptorProto");
out:
    free(scope);
    return result;
}

static status add_set(struct rpc_reflection *x, const uint8_t *bytes, size_t n)
{
    wire_reader r = wire_read(bytes, n);
    wire_field f;
    while (wire_next(&r, &f)) {
        FAIL_IF(f.number != 1 || f.type != WIRE_BYTES, ZK_EPARSE,
                "not a FileDescriptorSet: field %u", f.number);
        TRY(add_file(x, &f));
    }
    FAIL_IF(r.bad, ZK_EPARSE, "not a FileDescriptorSet: malformed");
    return ZK_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const symbol *)a)->name, ((const symbol *)b)->name);
}

static const symbol *find_symbol(const struct rpc_reflection *x, const wire_field *name)
{
    // An empty index has no array to search.
    if (x->n_symbols == 0 || (name->n > 0 && memchr(name->bytes, 0, name->n) != NULL))
        return NULL;
    char *text = join("", name);
    symbol key = {.name = text};
    const symbol *found = bsearch(&key, x->symbols, x->n_symbols, sizeof *x->symbols, by_name);
    free(text);
    return found;
}

// ---- Answers ----

static void put_error(wire_buffer *answer, uint64_t code, const char *what, const wire_field *name)
{
    wire_buffer b = {0};
    char text[256];
    size_t n = name->n < 150 ? name->n : 150;
    if (!wire_is_utf8(name->bytes, n))
        n = 0;
    size_t what_n = strlen(what);
    memcpy(text, what, what_n);
    if (n > 0)
        memcpy(text + what_n, name->bytes, n);
    wire_put_number(&b, 1, code);
    wire_put_bytes(&b, 2, text, what_n + n);
    wire_put_bytes(answer, 7, b.bytes, b.n);
    free(b.bytes);
}

// The file, then everything it imports, each once.
static void put_closure(const struct rpc_reflection *x, wire_buffer *b, size_t file, bool *seen)
{
    if (seen[file])
        return;
    seen[file] = true;
    wire_put_bytes(b, 1, x->files[file].bytes, x->files[file].n);
    wire_reader r = wire_read(x->files[file].bytes, x->files[file].n);
    wire_field f;
    while (wire_next(&r, &f)) {
        if (f.number != 3 || f.type != WIRE_BYTES)
            continue;
        long dependency = find_file(x, f.bytes, f.n);
        if (dependency >= 0)
            put_closure(x, b, (size_t)dependency, seen);
    }
}

static void put_files(const struct rpc_reflection *x, wire_buffer *answer, size_t file)
{
    wire_buffer b = {0};
    bool *seen = rpc_alloc(x->n_files * sizeof *seen);
    put_closure(x, &b, file, seen);
    wire_put_bytes(answer, 4, b.bytes, b.n);
    free(seen);
    free(b.bytes);
}

// Descriptors may describe more than this server offers.
static bool offered(const rpc_server *s, const char *service)
{
    size_t n = strlen(service);
    for (size_t i = 0; i < s->n_methods; i++) {
        const char *path = s->methods[i].path;
        if (strncmp(path + 1, service, n) == 0 && path[1 + n] == '/')
            return true;
    }
    return false;
}

static void put_services(const struct rpc_reflection *x, wire_buffer *answer)
{
    wire_buffer list = {0};
    for (size_t i = 0; i < x->n_symbols; i++) {
        if (!x->symbols[i].is_service || !offered(x->server, x->symbols[i].name))
            continue;
        wire_buffer one = {0};
        wire_put_text(&one, 1, x->symbols[i].name);
        wire_put_bytes(&list, 1, one.bytes, one.n);
        free(one.bytes);
    }
    wire_put_bytes(answer, 6, list.bytes, list.n);
    free(list.bytes);
}

static void answer_request(const struct rpc_reflection *x, wire_buffer *answer,
                           const uint8_t *bytes, size_t n, bool *bad)
{
    wire_reader r = wire_read(bytes, n);
    wire_field f, host = {0}, what = {0};
    while (wire_next(&r, &f)) {
        if (f.type != WIRE_BYTES)
            continue;
        if (f.number == 1)
            host = f;
        else if (f.number >= 3 && f.number <= 7)
            what = f; // the last member of a oneof counts
    }
    *bad = r.bad;
    if (r.bad)
        return;
    wire_put_bytes(answer, 1, host.bytes, host.n);
    wire_put_bytes(answer, 2, bytes, n);
    switch (what.number) {
    case 3: {
        long file = find_file(x, what.bytes, what.n);
        if (file >= 0)
            put_files(x, answer, (size_t)file);
        else
            put_error(answer, NOT_FOUND, "unknown file ", &what);
        return;
    }
    case 4: {
        const symbol *s = find_symbol(x, &what);
        if (s != NULL)
            put_files(x, answer, s->file);
        else
            put_error(answer, NOT_FOUND, "unknown symbol ", &what);
        return;
    }
    case 6: { // proto3 files have no extensions: known types have none
        if (find_symbol(x, &what) == NULL) {
            put_error(answer, NOT_FOUND, "unknown type ", &what);
            return;
        }
        wire_buffer b = {0};
        wire_put_bytes(&b, 1, what.bytes, what.n);
        wire_put_bytes(answer, 5, b.bytes, b.n);
        free(b.bytes);
        return;
    }
    case 7:
        put_services(x, answer);
        return;
    case 5:
        what.n = 0;
        put_error(answer, NOT_FOUND, "no such extension", &what);
        return;
    default:
        put_error(answer, RPC_INVALID_ARGUMENT, "empty request", &what);
        return;
    }
}

// ---- The stream ----

static void on_request(rpc_call *call, void *arg, const uint8_t *bytes, size_t n)
{
    wire_buffer answer = {0};
    bool bad;
    answer_request(arg, &answer, bytes, n, &bad);
    if (bad)
        rpc_finish(call, RPC_INVALID_ARGUMENT, "not a ServerReflectionRequest");
    else if (rpc_send_take(call, answer.bytes, answer.n) != ZK_OK)
        rpc_finish(call, RPC_RESOURCE_EXHAUSTED, "answers are read too slowly");
    if (bad)
        free(answer.bytes);
}

static void on_requests_over(rpc_call *call, void *arg)
{
    (void)arg;
    rpc_finish(call, RPC_OK, NULL);
}

static void on_open(rpc_call *call, void *arg)
{
    static const rpc_call_events events = {.on_message = on_request,
                                           .on_half_close = on_requests_over};
    rpc_call_set_events(call, &events, arg);
}

status rpc_reflection_add(rpc_server *s, const rpc_descriptor_set *sets, size_t n_sets)
{
    FAIL_IF(s->reflection != NULL, ZK_EINVAL, "reflection is there already");
    struct rpc_reflection *x = rpc_alloc(sizeof *x);
    s->reflection = x;
    x->server = s;
    TRY(add_set(x, rpc_descriptors, rpc_descriptors_n));
    for (size_t i = 0; i < n_sets; i++)
        TRY(add_set(x, sets[i].bytes, sets[i].n));
    qsort(x->symbols, x->n_symbols, sizeof *x->symbols, by_name);
    static const char *const paths[] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
    for (size_t i = 0; i < 2; i++)
        TRY(rpc_server_add(s, paths[i], on_open, x));
    return ZK_OK;
}

void reflection_free(struct rpc_reflection *x)
{
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->n_files; i++)
        free(x->files[i].name);
    for (size_t i = 0; i < x->n_symbols; i++)
        free(x->symbols[i].name);
    free(x->files);
    free(x->symbols);
    free(x);
}
