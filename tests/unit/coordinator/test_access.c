// SPDX-License-Identifier: Apache-2.0 OR MIT
// Who may call what: by address, by token, by certificate; and that guessing tokens takes long.
#include "unit/base/scratch.h"
#include "unit/test.h"

#include "base/file.h"
#include "coordinator/access.h"

#include <arpa/inet.h>
#include <sys/stat.h>

#define API "/zisk.distributed.api.v1.ZiskDistributedApi/"

static char folder[SCRATCH_PATH], file[SCRATCH_PATH];

static int make_folder(void **state)
{
    (void)state;
    int failed = scratch_open(folder);
    scratch_path(file, folder, "tokens");
    return failed;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[SCRATCH_PATH + 16];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void write_tokens(const char *text, mode_t mode)
{
    assert_int_equal(file_write_atomic(file, text, strlen(text)), ZK_OK);
    assert_int_equal(chmod(file, mode), 0);
}

static rpc_peer peer_at(const char *address)
{
    rpc_peer p = {0};
    snprintf(p.address, sizeof p.address, "%s", address);
    if (inet_pton(AF_INET, address, p.ip + 12) == 1)
        p.ip[10] = p.ip[11] = 0xff;
    else
        assert_int_equal(inet_pton(AF_INET6, address, p.ip), 1);
    return p;
}

static access_list *open_list(const access_options *o)
{
    access_list *a;
    if (access_open(&a, o) != ZK_OK)
        fail_msg("%s", status_message());
    return a;
}

static const char *message;

static rpc_code ask(access_list *a, const char *path, const char *address, const char *token)
{
    rpc_peer p = peer_at(address);
    char authorization[128];
    snprintf(authorization, sizeof authorization, "Bearer %s", token != NULL ? token : "");
    message = "";
    return access_check(a, 1000000, path, &p, token != NULL ? authorization : NULL, &message);
}

static void without_roles_the_address_decides(void **state)
{
    (void)state;
    access_list *a = open_list(&(access_options){0});
    static const char *const open_to_all[] = {
        API "HealthCheck",
        API "WorkerStream",
        API "UploadArtifact",
        API "DownloadArtifact",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"};
    static const char *const closed[] = {API "LaunchProof",  API "UploadInput", API "JobStatus",
                                         API "WatchJob",     API "FetchProof",  API "CancelJob",
                                         API "SystemStatus", API "StatusInfo",  API "JobsList",
                                         API "WorkersList",  API "QueueList",   API "AnythingNew"};
    for (size_t i = 0; i < sizeof open_to_all / sizeof open_to_all[0]; i++)
        assert_int_equal(ask(a, open_to_all[i], "10.0.0.7", NULL), RPC_OK);
    for (size_t i = 0; i < sizeof closed / sizeof closed[0]; i++) {
        assert_int_equal(ask(a, closed[i], "10.0.0.7", NULL), RPC_PERMISSION_DENIED);
        assert_non_null(strstr(message, "server.admin_allow"));
        assert_int_equal(ask(a, closed[i], "10.0.0.7", "a-token-changes-nothing"),
                         RPC_PERMISSION_DENIED);
        assert_int_equal(ask(a, closed[i], "127.0.0.1", NULL), RPC_OK);
        assert_int_equal(ask(a, closed[i], "127.9.9.9", NULL), RPC_OK);
        assert_int_equal(ask(a, closed[i], "::1", NULL), RPC_OK);
        assert_int_equal(ask(a, closed[i], "::2", NULL), RPC_PERMISSION_DENIED);
    }
    access_close(a);
}

static void ranges_are_read_to_the_bit(void **state)
{
    (void)state;
    access_list *a =
        open_list(&(access_options){.admin_allow = "10.2.0.0/15, 192.168.7.9 ,2001:db8::/33"});
    static const struct {
        const char *address;
        rpc_code code;
    } cases[] = {
        {"10.0.255.255", RPC_PERMISSION_DENIED},
        {"10.0.0.0", RPC_PERMISSION_DENIED},
        {"192.168.7.9", RPC_OK},
        {"192.168.7.8", RPC_PERMISSION_DENIED},
        {"2001:db8:7fff::1", RPC_OK},
        {"2001:db8:8000::1", RPC_PERMISSION_DENIED},
        {"127.0.0.1", RPC_PERMISSION_DENIED},
        {"::1", RPC_PERMISSION_DENIED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (ask(a, API "JobsList", cases[i].address, NULL) != cases[i].code)
            fail_msg("%s", cases[i].address);
    access_close(a);

    static const char *const bad[] = {
        "localhost",   "10.0.0.0/33", "::1/129",      "1.2.3",        "10.0.0.0/",
        "10.0.0.0/+8", "10.0.0.1x",   "10.0.0.0/8/8", "10.0.0.0/ 8x", "*"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (access_check_addresses(bad[i]) != ZK_EINVAL)
            fail_msg("%s passed", bad[i]);
    assert_int_equal(access_check_addresses("0.0.0.0/0,::/0"), ZK_OK);
    assert_true(access_is_loopback("127.0.0.1") && access_is_loopback("::1"));
    assert_false(access_is_loopback("0.0.0.0") || access_is_loopback("::"));
}

static void tokens_have_roles(void **state)
{
    (void)state;
    write_tokens("# who\n"
                 "worker node-1   worker-token-0000001\n"
                 "\n"
                 "client alice\tclient-token-0000001  # a comment\r\n"
                 "admin  ops      admin-token-00000001",
                 0600);
    access_list *a = open_list(&(access_options){.tokens_file = file});
    static const struct {
        const char *method, *token;
        rpc_code code;
    } cases[] = {
        {"HealthCheck", NULL, RPC_OK},
        {"WorkerStream", NULL, RPC_UNAUTHENTICATED},
        {"WorkerStream", "worker-token-0000001", RPC_OK},
        {"DownloadArtifact", "worker-token-0000001", RPC_OK},
        {"LaunchProof", "worker-token-0000001", RPC_PERMISSION_DENIED},
        {"LaunchProof", "client-token-0000001", RPC_OK},
        {"WorkerStream", "client-token-0000001", RPC_PERMISSION_DENIED},
        {"UploadArtifact", "client-token-0000001", RPC_PERMISSION_DENIED},
        {"JobsList", "client-token-0000001", RPC_PERMISSION_DENIED},
        {"JobsList", "admin-token-00000001", RPC_OK},
        {"WorkerStream", "admin-token-00000001", RPC_OK},
        {"JobsList", "admin-token-0000000", RPC_UNAUTHENTICATED},
        {"JobsList", "admin-token-000000011", RPC_UNAUTHENTICATED},
        {"JobsList", "", RPC_UNAUTHENTICATED},
        {"JobsList", "# a comment", RPC_UNAUTHENTICATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[128];
        snprintf(path, sizeof path, API "%s", cases[i].method);
        // With roles even this machine needs a token.
        if (ask(a, path, "127.0.0.1", cases[i].token) != cases[i].code)
            fail_msg("%s with %s", cases[i].method, cases[i].token);
        assert_null(strstr(message, "token-0"));
        if (cases[i].code == RPC_PERMISSION_DENIED)
            assert_non_null(strstr(message, cases[i].method[0] == 'J'   ? "it is for admins"
                                            : cases[i].method[0] == 'L' ? "it is for clients"
                                                                        : "it is for workers"));
    }
    access_close(a);
}

static void tokens_are_reloaded(void **state)
{
    (void)state;
    write_tokens("admin a first-token-00000000\n", 0640);
    access_list *a = open_list(&(access_options){.tokens_file = file});
    write_tokens("admin a second-token-0000000\n", 0600);
    assert_int_equal(access_reload(a), ZK_OK);
    assert_int_equal(ask(a, API "JobsList", "::1", "first-token-00000000"), RPC_UNAUTHENTICATED);
    assert_int_equal(ask(a, API "JobsList", "::1", "second-token-0000000"), RPC_OK);
    write_tokens("nonsense\n", 0600);
    assert_int_equal(access_reload(a), ZK_EPARSE); // and the old ones stay
    assert_int_equal(ask(a, API "JobsList", "::1", "second-token-0000000"), RPC_OK);
    access_close(a);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mode_t mode;
        const char *says;
    } cases[] = {
        {"admin a secret-token-0000000\n", 0604, "chmod 600"},
        {"admin a secret-token-0000000\n", 0660, "chmod 600"},
        {"boss a secret-token-0000000\n", 0600, ":1: the role"},
        {"admin secret-token-0000000\n", 0600, ":1: not ROLE NAME TOKEN"},
        {"# x\nadmin a secret-token-0000000 more\n", 0600, ":2: not ROLE NAME TOKEN"},
        {"admin a secret-short\n", 0600, "at least 16"},
        {"admin a secret-token-0000000\nworker b secret-token-0000000\n", 0600, ":2: this token"},
        {"# nothing\n", 0600, "no tokens"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_tokens(cases[i].text, cases[i].mode);
        access_list *a;
        assert_int_equal(access_open(&a, &(access_options){.tokens_file = file}), ZK_EPARSE);
        if (strstr(status_message(), cases[i].says) == NULL)
            fail_msg("%s", status_message());
        assert_null(strstr(status_message(), "secret-"));
    }
    access_list *a;
    assert_int_equal(access_open(&a, &(access_options){.tokens_file = "/none"}), ZK_EIO);
}

static void guessing_takes_long(void **state)
{
    (void)state;
    write_tokens("admin a secret-token-0000000\n", 0600);
    access_list *a = open_list(&(access_options){.tokens_file = file});
    const char *path = API "JobsList";
    rpc_peer p = peer_at("10.0.0.1");
    const char *wrong = "Bearer wrong-token-00000000", *right = "Bearer secret-token-0000000";
    const char *m;
    for (int i = 0; i < 10; i++)
        assert_int_equal(access_check(a, 5000, path, &p, wrong, &m), RPC_UNAUTHENTICATED);
    assert_int_equal(access_check(a, 5000, path, &p, wrong, &m), RPC_RESOURCE_EXHAUSTED);
    assert_int_equal(access_check(a, 9999, path, &p, right, &m), RPC_RESOURCE_EXHAUSTED);
    // Others are not held up, and time heals.
    rpc_peer other = peer_at("10.0.0.2");
    assert_int_equal(access_check(a, 9999, path, &other, right, &m), RPC_OK);
    assert_int_equal(access_check(a, 10000, path, &p, right, &m), RPC_OK);
    assert_int_equal(access_check(a, 10000, path, &p, wrong, &m), RPC_UNAUTHENTICATED);
    assert_int_equal(access_check(a, 10001, path, &p, wrong, &m), RPC_RESOURCE_EXHAUSTED);
    // One network of IPv6 is one guesser.
    for (int i = 0; i < 10; i++) {
        char text[40];
        snprintf(text, sizeof text, "2001:db8::%d", i + 1);
        rpc_peer v6 = peer_at(text);
        assert_int_equal(access_check(a, 10001, path, &v6, wrong, &m), RPC_UNAUTHENTICATED);
    }
    rpc_peer v6 = peer_at("2001:db8::77");
    assert_int_equal(access_check(a, 10001, path, &v6, right, &m), RPC_RESOURCE_EXHAUSTED);
    // More guessers than the table holds do not break it.
    for (int i = 0; i < 2000; i++) {
        char text[40];
        snprintf(text, sizeof text, "10.1.%d.%d", i / 250, i % 250);
        rpc_peer many = peer_at(text);
        assert_int_equal(access_check(a, 20000, path, &many, wrong, &m), RPC_UNAUTHENTICATED);
    }
    access_close(a);
}

static void certificates_name_their_role(void **state)
{
    (void)state;
    access_list *a = open_list(&(access_options){.certificates = true});
    static const struct {
        const char *identity, *method;
        rpc_code code;
    } cases[] = {
        {"worker:node-7", API "WorkerStream", RPC_OK},
        {"worker:node-7", API "LaunchProof", RPC_PERMISSION_DENIED},
        {"client:alice", API "LaunchProof", RPC_OK},
        {"admin:ops", API "JobsList", RPC_OK},
        {"admin", API "JobsList", RPC_UNAUTHENTICATED},
        {"administrator:x", API "JobsList", RPC_UNAUTHENTICATED},
        {"", API "JobsList", RPC_UNAUTHENTICATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rpc_peer p = peer_at("127.0.0.1");
        snprintf(p.identity, sizeof p.identity, "%s", cases[i].identity);
        const char *m = "";
        if (access_check(a, 0, cases[i].method, &p, NULL, &m) != cases[i].code)
            fail_msg("%s %s", cases[i].identity, cases[i].method);
    }
    access_close(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_roles_the_address_decides),
        cmocka_unit_test(ranges_are_read_to_the_bit),
        cmocka_unit_test(tokens_have_roles),
        cmocka_unit_test(tokens_are_reloaded),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(guessing_takes_long),
        cmocka_unit_test(certificates_name_their_role),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
