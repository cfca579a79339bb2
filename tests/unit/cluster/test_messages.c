// SPDX-License-Identifier: Apache-2.0 OR MIT
// The API's field numbers against the original's table, and unpacking of hostile bytes.
#include "cluster/messages.h"
#include "rpc/rpc_wire.h"
#include "unit/test.h"

#define PACKAGE "zisk.distributed.api.v1."

typedef struct row {
    const char *message;
    uint32_t number;
    const char *name, *label, *type;
} row;

typedef struct value_row {
    const char *type;
    int number;
    const char *name;
} value_row;

static const row rows[] = {
#define FIELD(message, number, name, label, type) {#message, number, #name, #label, #type},
#define VALUE(type, number, name)
#include "api_v016.inc"
#undef FIELD
#undef VALUE
};
static const value_row values[] = {
#define FIELD(message, number, name, label, type)
#define VALUE(type, number, name) {#type, number, #name},
#include "api_v016.inc"
#undef FIELD
#undef VALUE
};

// Every message reachable from the ones that RPCs carry.
static const ProtobufCMessageDescriptor *all[128];
static size_t n_all;

static void collect(const ProtobufCMessageDescriptor *m)
{
    for (size_t i = 0; i < n_all; i++)
        if (all[i] == m)
            return;
    assert_true(n_all < 128);
    all[n_all++] = m;
    for (unsigned i = 0; i < m->n_fields; i++)
        if (m->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            collect(m->fields[i].descriptor);
}

static const ProtobufCServiceDescriptor *service(void)
{
    return &zisk__distributed__api__v1__zisk_distributed_api__descriptor;
}

static const ProtobufCMessageDescriptor *find(const char *name)
{
    if (n_all == 0)
        for (unsigned i = 0; i < service()->n_methods; i++) {
            collect(service()->methods[i].input);
            collect(service()->methods[i].output);
        }
    for (size_t i = 0; i < n_all; i++)
        if (strcmp(all[i]->short_name, name) == 0)
            return all[i];
    return NULL;
}

static bool type_is(const ProtobufCFieldDescriptor *f, const char *type)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return strcmp(type, "string") == 0;
    case PROTOBUF_C_TYPE_BYTES:
        return strcmp(type, "bytes") == 0;
    case PROTOBUF_C_TYPE_UINT32:
        return strcmp(type, "u32") == 0;
    case PROTOBUF_C_TYPE_UINT64:
        return strcmp(type, "u64") == 0;
    case PROTOBUF_C_TYPE_BOOL:
        return strcmp(type, "bool") == 0;
    case PROTOBUF_C_TYPE_FLOAT:
        return strcmp(type, "float") == 0;
    case PROTOBUF_C_TYPE_DOUBLE:
        return strcmp(type, "double") == 0;
    case PROTOBUF_C_TYPE_MESSAGE:
        return strcmp(((const ProtobufCMessageDescriptor *)f->descriptor)->short_name, type) == 0;
    case PROTOBUF_C_TYPE_ENUM:
        return strcmp(((const ProtobufCEnumDescriptor *)f->descriptor)->short_name, type) == 0;
    default:
        return false;
    }
}

static void test_fields_of_the_original(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *r = &rows[i];
        const ProtobufCMessageDescriptor *m = find(r->message);
        if (m == NULL)
            fail_msg("no message %s", r->message);
        const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(m, r->number);
        bool repeated = strcmp(r->label, "repeated") == 0;
        bool optional = strcmp(r->label, "optional") == 0;
        if (f == NULL || strcmp(f->name, r->name) != 0 || !type_is(f, r->type) ||
            (f->label == PROTOBUF_C_LABEL_REPEATED) != repeated ||
            (optional && (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0))
            fail_msg("%s.%s = %u differs", r->message, r->name, r->number);
    }
    // What the table does not name has a number of ours.
    for (size_t i = 0; i < n_all; i++) {
        bool original = false;
        for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
            original |= strcmp(rows[k].message, all[i]->short_name) == 0;
        for (unsigned k = 0; original && k < all[i]->n_fields; k++) {
            bool known = false;
            for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++)
                known |= strcmp(rows[j].message, all[i]->short_name) == 0 &&
                         rows[j].number == all[i]->fields[k].id;
            if (!known && all[i]->fields[k].id < 100)
                fail_msg("%s.%s has a number below 100", all[i]->short_name,
                         all[i]->fields[k].name);
        }
    }
}

static void test_enums_and_methods_of_the_original(void **state)
{
    (void)state;
    static const ProtobufCEnumDescriptor *const enums[] = {
        &zisk__distributed__api__v1__input_mode__descriptor,
        &zisk__distributed__api__v1__hints_mode__descriptor,
        &zisk__distributed__api__v1__task_type__descriptor,
        &zisk__distributed__api__v1__stream_type__descriptor};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        bool found = false;
        for (size_t k = 0; k < 4; k++) {
            const ProtobufCEnumValue *v =
                protobuf_c_enum_descriptor_get_value(enums[k], values[i].number);
            found |= strcmp(enums[k]->short_name, values[i].type) == 0 && v != NULL &&
                     strcmp(v->name, values[i].name) == 0;
        }
        if (!found)
            fail_msg("%s = %d", values[i].name, values[i].number);
    }
    assert_string_equal(service()->name, PACKAGE "ZiskDistributedApi");
    static const char *const unary[] = {"HealthCheck", "SystemStatus", "StatusInfo", "JobsList",
                                        "JobStatus",   "WorkersList",  "LaunchProof"};
    for (size_t i = 0; i < 7; i++) {
        const ProtobufCMethodDescriptor *m =
            protobuf_c_service_descriptor_get_method_by_name(service(), unary[i]);
        char name[64];
        assert_non_null(m);
        snprintf(name, sizeof name, "%sRequest", unary[i]);
        assert_string_equal(m->input->short_name, name);
        snprintf(name, sizeof name, "%sResponse", unary[i]);
        assert_string_equal(m->output->short_name, name);
    }
    const ProtobufCMethodDescriptor *stream =
        protobuf_c_service_descriptor_get_method_by_name(service(), "WorkerStream");
    assert_string_equal(stream->input->short_name, "WorkerMessage");
    assert_string_equal(stream->output->short_name, "CoordinatorMessage");
}

// The walk before unpacking follows the types: one that contained itself would nest without end.
static void assert_finite(const ProtobufCMessageDescriptor *m, unsigned depth)
{
    if (depth > 8)
        fail_msg("%s contains itself, or nests too deep", m->short_name);
    for (unsigned i = 0; i < m->n_fields; i++)
        if (m->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            assert_finite(m->fields[i].descriptor, depth + 1);
}

static void test_types_are_finite(void **state)
{
    (void)state;
    assert_non_null(find("WorkerMessage"));
    for (size_t i = 0; i < n_all; i++)
        assert_finite(all[i], 0);
}

static void test_round_trip_and_presence(void **state)
{
    (void)state;
    Zisk__Distributed__Api__V1__LaunchProofRequest q =
        ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST__INIT;
    q.data_id = "block-\xc3\xa9";
    q.compute_capacity = 10;
    q._simulated_node_case =
        ZISK__DISTRIBUTED__API__V1__LAUNCH_PROOF_REQUEST___SIMULATED_NODE_SIMULATED_NODE;
    q.simulated_node = 0; // present, though zero
    uint8_t *bytes;
    size_t n;
    assert_int_equal(message_pack(&bytes, &n, &q.base), ZK_OK);
    // field 1 text, field 2 = 10, field 8 = 0: as proto3 `optional` would be written
    static const uint8_t wire[] = "\x0a\x08"
                                  "block-\xc3\xa9"
                                  "\x10\x0a"
                                  "\x40\x00";
    assert_int_equal(n, sizeof wire - 1);
    assert_memory_equal(bytes, wire, n);
    ProtobufCMessage *m;
    assert_int_equal(message_unpack(&m, q.base.descriptor, bytes, n, 1 << 20), ZK_OK);
    const Zisk__Distributed__Api__V1__LaunchProofRequest *back = (void *)m;
    assert_string_equal(back->data_id, q.data_id);
    assert_int_equal(back->_simulated_node_case, q._simulated_node_case);
    assert_int_equal(back->_inputs_uri_case, 0);
    message_free(m);
    free(bytes);
    message_free(NULL);
}

static status unpack(const char *name, const wire_buffer *b, size_t max_bytes)
{
    ProtobufCMessage *m;
    status s = message_unpack(&m, find(name), b->bytes, b->n, max_bytes);
    assert_true((s == ZK_OK) == (m != NULL));
    message_free(m);
    return s;
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        status s;
    } cases[] = {{"ok", 2, ZK_OK},
                 {"", 0, ZK_OK},
                 {"\xe2\x82\xac", 3, ZK_OK},
                 {"a\0b", 3, ZK_EPARSE},
                 {"\xff", 1, ZK_EPARSE},
                 {"\xc3", 1, ZK_EPARSE},
                 {"\xed\xa0\x80", 3, ZK_EPARSE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_buffer b = {0}, outer = {0};
        wire_put_bytes(&b, 1, cases[i].text, cases[i].n);
        assert_int_equal(unpack("JobStatusRequest", &b, 1000), cases[i].s);
        wire_put_bytes(&outer, 1, b.bytes, b.n); // nested: WorkerMessage.heartbeat_ack.worker_id
        assert_int_equal(unpack("WorkerMessage", &outer, 1000), cases[i].s);
        free(b.bytes);
        free(outer.bytes);
    }
}

static void test_limits(void **state)
{
    (void)state;
    wire_buffer b = {0};
    // Two-byte elements that unpack to structs: JobsList.jobs
    for (int i = 0; i < 100000; i++)
        wire_put_bytes(&b, 1, NULL, 0);
    assert_int_equal(unpack("JobsList", &b, b.n), ZK_ELIMIT);
    assert_int_equal(unpack("JobsList", &b, b.n - 1), ZK_ELIMIT);
    assert_int_equal(unpack("JobsList", &b, (size_t)64 << 20), ZK_OK);
    // Unknown fields
    b.n = 0;
    for (int i = 0; i < MESSAGE_UNKNOWN_MAX; i++)
        wire_put_number(&b, 5000, 1);
    assert_int_equal(unpack("JobsList", &b, 1 << 20), ZK_OK);
    wire_put_number(&b, 5000, 1);
    assert_int_equal(unpack("JobsList", &b, 1 << 20), ZK_ELIMIT);
    // One-byte packed numbers take eight
    b.n = 0;
    uint8_t *ones = calloc(1, 1 << 20);
    wire_put_bytes(&b, 3, ones, 1 << 20);
    assert_int_equal(unpack("Challenges", &b, b.n), ZK_ELIMIT);
    assert_int_equal(unpack("Challenges", &b, 4 << 20), ZK_OK);
    free(ones);
    free(b.bytes);
}

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        uint8_t bytes[16];
        size_t n;
    } cases[] = {
        {"JobStatusRequest", {0x08, 1}, 2},      // text as a number
        {"JobStatusRequest", {0x0a, 5, 'a'}, 3}, // longer than what is there
        {"JobStatus", {0x35, 0, 0, 0, 0}, 5},    // u64 as fixed32
        {"Challenges", {0x1a, 1, 0x80}, 3},      // packed, torn
        {"Challenges",
         {0x1a, 11, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0},
         13},
        {"WorkerMessage", {0x0b, 0x0c}, 2},       // group
        {"WorkerMessage", {0x0a, 2, 0x0a, 9}, 4}, // inner length beyond outer
        {"WorkerMessage", {0x00}, 1},             // field 0
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wire_buffer b = {(uint8_t *)cases[i].bytes, cases[i].n, 0};
        if (unpack(cases[i].type, &b, 1000) != ZK_EPARSE)
            fail_msg("case %zu was taken", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_of_the_original),
        cmocka_unit_test(test_enums_and_methods_of_the_original),
        cmocka_unit_test(test_types_are_finite),
        cmocka_unit_test(test_round_trip_and_presence),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
