// SPDX-License-Identifier: Apache-2.0 OR MIT
// The tables have every setting of ZisK's chapter "Distributed proving", with its names, type and
// default, and the chapter's example files and command lines load.
#include "config_fixture.h"

#include "coordinator/client_config.h"
#include "coordinator/coordinator_config.h"
#include "worker/worker_config.h"

// A row of the chapter's tables.
typedef struct documented_row {
    const char *key, *flag;
    char letter;
    const char *variable, *type, *fallback;
} documented_row;

static const documented_row coordinator_rows[] = {
    {"service.name", NULL, 0, NULL, "String", "ZisK Distributed Coordinator"},
    {"service.environment", NULL, 0, NULL, "String", "development"},
    {"server.host", NULL, 0, NULL, "String", "0.0.0.0"},
    {"server.port", "port", 0, NULL, "Number", "50051"},
    {"server.proofs_dir", "proofs-dir", 0, NULL, "String", "proofs"},
    {NULL, "no-save-proofs", 0, NULL, "Boolean", "false"},
    {NULL, "compressed-proofs", 'c', NULL, "Boolean", "false"},
    {"server.shutdown_timeout_seconds", NULL, 0, NULL, "Number", "30"},
    {"logging.level", NULL, 0, "RUST_LOG", "String", "debug"},
    {"logging.format", NULL, 0, NULL, "String", "pretty"},
    {"logging.file_path", NULL, 0, NULL, "String", NULL},
    {"coordinator.max_workers_per_job", NULL, 0, NULL, "Number", "10"},
    {"coordinator.max_total_workers", NULL, 0, NULL, "Number", "1000"},
    {"coordinator.phase1_timeout_seconds", NULL, 0, NULL, "Number", "300"},
    {"coordinator.phase2_timeout_seconds", NULL, 0, NULL, "Number", "600"},
    {"coordinator.webhook_url", "webhook-url", 0, NULL, "String", NULL},
};

static const documented_row prove_rows[] = {
    {NULL, "inputs-uri", 0, NULL, "String", NULL},
    {NULL, "compute-capacity", 'c', NULL, "Number", "required"},
    {NULL, "coordinator-url", 0, NULL, "String", "http://127.0.0.1:50051"},
    {NULL, "data-id", 0, NULL, "String", "Auto (from filename or UUID)"},
    {NULL, "hints-uri", 0, NULL, "String", NULL},
    {NULL, "stream-hints", 0, NULL, "Boolean", "false"},
    {NULL, "direct-inputs", 'x', NULL, "Boolean", "false"},
    {NULL, "minimal-compute-capacity", 'm', NULL, "Number", "Same as --compute-capacity"},
    {NULL, "simulated-node", 0, NULL, "Number", NULL},
};

static const documented_row worker_rows[] = {
    {"worker.worker_id", "worker-id", 0, NULL, "String", "Auto-generated UUID"},
    {"worker.compute_capacity.compute_units", "compute-capacity", 0, NULL, "Number", "10"},
    {"worker.environment", NULL, 0, NULL, "String", "development"},
    {"worker.inputs_folder", "inputs-folder", 0, NULL, "String", "."},
    {"coordinator.url", "coordinator-url", 0, NULL, "String", "http://127.0.0.1:50051"},
    {"connection.reconnect_interval_seconds", NULL, 0, NULL, "Number", "5"},
    {"connection.heartbeat_timeout_seconds", NULL, 0, NULL, "Number", "30"},
    {"logging.level", NULL, 0, "RUST_LOG", "String", "debug"},
    {"logging.format", NULL, 0, NULL, "String", "pretty"},
    {"logging.file_path", NULL, 0, NULL, "String", NULL},
    {NULL, "proving-key", 0, NULL, "String", "~/.zisk/provingKey"},
    {NULL, "elf", 0, NULL, "String", NULL},
    {NULL, "asm", 0, NULL, "String", "~/.zisk/cache"},
    {NULL, "emulator", 0, NULL, "Boolean", "false"},
    {NULL, "asm-port", 0, NULL, "Number", "23115"},
    {NULL, "shared-tables", 0, NULL, "Boolean", "false"},
    {NULL, "verbose", 'v', NULL, "Number", "0"},
    {NULL, "debug", 'd', NULL, "String", NULL},
    {NULL, "verify-constraints", 0, NULL, "Boolean", "false"},
    {NULL, "unlock-mapped-memory", 0, NULL, "Boolean", "false"},
    {NULL, "hints", 0, NULL, "Boolean", "false"},
    {NULL, "minimal-memory", 'm', NULL, "Boolean", "false"},
    {NULL, "rma", 'r', NULL, "Boolean", "false"},
    {NULL, "preallocate", 'z', NULL, "Boolean", "false"},
    {NULL, "max-streams", 't', NULL, "Number", NULL},
    {NULL, "number-threads-witness", 'n', NULL, "Number", NULL},
    {NULL, "max-witness-stored", 'x', NULL, "Number", NULL},
};

static const config_setting *find(const config_program *p, const documented_row *row)
{
    for (size_t k = 0; k < p->n_settings; k++) {
        const config_setting *s = &p->settings[k];
        if (row->key != NULL ? s->key != NULL && strcmp(s->key, row->key) == 0
                             : s->flag != NULL && strcmp(s->flag, row->flag) == 0)
            return s;
    }
    fail_msg("%s has no %s", p->name, row->key != NULL ? row->key : row->flag);
    return NULL;
}

static const char *type_of(const config_setting *s)
{
    return s->type == CONFIG_SWITCH                              ? "Boolean"
           : s->type == CONFIG_NUMBER || s->type == CONFIG_COUNT ? "Number"
                                                                 : "String";
}

static void check_rows(const config_program *p, const documented_row *rows, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        const documented_row *row = &rows[k];
        const config_setting *s = find(p, row);
        if (row->flag != NULL)
            assert_string_equal(s->flag, row->flag);
        if (row->letter != 0)
            assert_int_equal(s->letter, row->letter);
        if (row->variable != NULL)
            assert_string_equal(s->variable, row->variable);
        assert_string_equal(type_of(s), row->type);
        const char *fallback = s->required                ? "required"
                               : s->fallback != NULL      ? s->fallback
                               : s->unset != NULL         ? s->unset
                               : s->type == CONFIG_SWITCH ? "false"
                               : s->type == CONFIG_COUNT  ? "0"
                                                          : "";
        if (row->fallback != NULL && strcmp(fallback, row->fallback) != 0)
            fail_msg("%s: default %s, documented %s", s->key != NULL ? s->key : s->flag, fallback,
                     row->fallback);
        if (row->fallback == NULL)
            assert_null(s->fallback);
    }
}

#define CHECK_ROWS(program, rows) check_rows(&(program), rows, sizeof rows / sizeof rows[0])

static void every_documented_setting_is_there(void **state)
{
    (void)state;
    CHECK_ROWS(coordinator_program, coordinator_rows);
    CHECK_ROWS(prove_program, prove_rows);
    CHECK_ROWS(worker_program, worker_rows);
}

// What config_load takes for granted of a table.
static void tables_are_sound(void **state)
{
    (void)state;
    const config_program *programs[] = {&coordinator_program, &prove_program, &worker_program};
    for (int j = 0; j < 3; j++) {
        const config_program *p = programs[j];
        for (size_t k = 0; k < p->n_settings; k++) {
            const config_setting *s = &p->settings[k];
            char name[CONFIG_NAME_MAX], other[CONFIG_NAME_MAX];
            assert_true(s->key != NULL || s->flag != NULL);
            assert_true(s->key == NULL || p->prefix != NULL);
            assert_non_null(s->help);
            assert_true(!s->required || s->flag != NULL);
            assert_true(s->type != CONFIG_CHOICE || s->choices != NULL);
            assert_true(s->letter != 'h' && s->letter != 'V');
            for (size_t l = k + 1; l < p->n_settings; l++) {
                const config_setting *t = &p->settings[l];
                assert_true(s->key == NULL || t->key == NULL || strcmp(s->key, t->key) != 0);
                assert_true(s->flag == NULL || t->flag == NULL || strcmp(s->flag, t->flag) != 0);
                assert_true(s->letter == 0 || s->letter != t->letter);
                if (config_variable(name, p, s) && config_variable(other, p, t))
                    assert_string_not_equal(name, other);
            }
        }
    }
}

static void load(config *c, void *values, const config_program *p, const config_case *in)
{
    if (fixture_load(c, values, p, in) != ZK_OK)
        fail_msg("%s", status_message());
}

static void example_files_of_the_coordinator_load(void **state)
{
    (void)state;
    coordinator_config v;
    config c;
    load(&c, &v, &coordinator_program,
         &(config_case){.file = "[service]\n"
                                "name = \"ZisK Distributed Coordinator\"\n"
                                "environment = \"development\"\n"
                                "[logging]\n"
                                "level = \"debug\"\n"
                                "format = \"pretty\"\n"});
    assert_int_equal(v.port, 50051);
    assert_string_equal(v.proofs_dir, "proofs");
    config_clear(&c);
    load(&c, &v, &coordinator_program,
         &(config_case){
             .file = "[service]\n"
                     "name = \"ZisK Distributed Coordinator\"\n"
                     "environment = \"production\"\n"
                     "[server]\n"
                     "host = \"0.0.0.0\"\n"
                     "port = 50051\n"
                     "proofs_dir = \"proofs\"\n"
                     "[logging]\n"
                     "level = \"info\"\n"
                     "format = \"json\"\n"
                     "file_path = \"/var/log/distributed/coordinator.log\"\n"
                     "[coordinator]\n"
                     "max_workers_per_job = 20 # Maximum workers per proof job\n"
                     "max_total_workers = 5000 # Maximum total registered workers\n"
                     "phase1_timeout_seconds = 600 # 10 minutes for phase 1\n"
                     "phase2_timeout_seconds = 1200 # 20 minutes for phase 2\n"
                     "webhook_url = \"http://webhook.example.com/notify?job_id={$job_id}\"\n"});
    assert_string_equal(v.environment, "production");
    assert_string_equal(v.log_filter, "info");
    assert_string_equal(v.log_format, "json");
    assert_string_equal(v.log_file_path, "/var/log/distributed/coordinator.log");
    assert_int_equal(v.max_workers_per_job, 20);
    assert_int_equal(v.max_total_workers, 5000);
    assert_int_equal(v.phase1_timeout_seconds, 600);
    assert_int_equal(v.phase2_timeout_seconds, 1200);
    assert_string_equal(v.webhook_url, "http://webhook.example.com/notify?job_id={$job_id}");
    config_clear(&c);
}

static void command_lines_of_the_coordinator_load(void **state)
{
    (void)state;
    coordinator_config v;
    config c;
    load(&c, &v, &coordinator_program,
         &(config_case){.variables = {"RUST_LOG=info,rpc=warn"},
                        .arguments = {"--webhook-url", "http://webhook.example.com/notify",
                                      "--port", "50052"}});
    assert_int_equal(v.port, 50052);
    assert_string_equal(v.webhook_url, "http://webhook.example.com/notify");
    assert_string_equal(v.log_filter, "info,rpc=warn");
    config_clear(&c);
    load(&c, &v, &coordinator_program, &(config_case){.arguments = {"--no-save-proofs"}});
    assert_null(v.proofs_dir);
    config_clear(&c);
    const config_program *p = &coordinator_program;
    fixture_refused(p, &(config_case){.arguments = {"--no-save-proofs", "--proofs-dir", "p"}},
                    "exclude each other");
    fixture_refused(p, &(config_case){.arguments = {"-c"}}, "compressed proofs are not");
    fixture_refused(p, &(config_case){.arguments = {"--webhook-url", "example.com"}}, "no URL");
    fixture_refused(p, &(config_case){.variables = {"RUST_LOG=loud"}}, "variable RUST_LOG");
    // The place where the original's own file had it, and ignored it.
    fixture_refused(p, &(config_case){.file = "coordinator.shutdown_timeout_seconds = 30\n"},
                    "no such key");
}

static void example_files_of_the_worker_load(void **state)
{
    (void)state;
    worker_config v;
    config c;
    config_case in = {.file = "[worker]\n"
                              "compute_capacity.compute_units = 10\n"
                              "environment = \"development\"\n"
                              "[logging]\n"
                              "level = \"debug\"\n"
                              "format = \"pretty\"\n",
                      .variables = {"HOME=/h"},
                      .arguments = {"--elf", "program.elf", "--inputs-folder", "/data/inputs/"}};
    load(&c, &v, &worker_program, &in);
    assert_null(v.worker_id);
    assert_int_equal(v.compute_units, 10);
    assert_string_equal(v.inputs_folder, "/data/inputs/");
    assert_string_equal(v.proving_key, "/h/.zisk/provingKey");
    assert_true(v.witness_threads == CONFIG_UNSET);
    config_clear(&c);
    in.file = "[worker]\n"
              "worker_id = \"my-worker-001\"\n"
              "compute_capacity.compute_units = 12\n"
              "environment = \"production\"\n"
              "inputs_folder = \"/app/inputs\"\n"
              "[coordinator]\n"
              "url = \"http://127.0.0.1:50051\"\n"
              "[connection]\n"
              "reconnect_interval_seconds = 6\n"
              "heartbeat_timeout_seconds = 31\n"
              "[logging]\n"
              "level = \"info\"\n"
              "format = \"pretty\"\n"
              "file_path = \"/var/log/distributed/worker-001.log\"\n";
    in.arguments[2] = NULL;
    load(&c, &v, &worker_program, &in);
    assert_string_equal(v.worker_id, "my-worker-001");
    assert_int_equal(v.compute_units, 12);
    assert_string_equal(v.inputs_folder, "/app/inputs");
    assert_string_equal(v.coordinator_url, "http://127.0.0.1:50051");
    assert_int_equal(v.reconnect_interval_seconds, 6);
    assert_int_equal(v.heartbeat_timeout_seconds, 31);
    assert_string_equal(v.log_file_path, "/var/log/distributed/worker-001.log");
    config_clear(&c);
}

static void worker_flags_load_or_are_refused_with_the_reason(void **state)
{
    (void)state;
    worker_config v;
    config c;
    const config_program *p = &worker_program;
    load(&c, &v, p,
         &(config_case){
             .variables = {"HOME=/h", "ZISK_WORKER_ELF=p.elf"},
             .arguments = {"-lmvv", "-d", "-n4", "-x", "8", "--verify-constraints", "-k/keys"}});
    assert_true(v.emulator && v.minimal_memory && v.verify_constraints);
    assert_int_equal(v.verbose, 2);
    assert_string_equal(v.debug, "");
    assert_int_equal(v.witness_threads, 4);
    assert_int_equal(v.witness_stored, 8);
    assert_string_equal(v.elf, "p.elf");
    assert_string_equal(v.proving_key, "/keys");
    config_clear(&c);
    fixture_refused(p, &(config_case){.variables = {"HOME=/h"}}, "--elf is required");
    static const struct {
        const char *argument, *reason;
    } rows[] = {{"--asm=x", "assembly"},
                {"--asm-port=1", "assembly"},
                {"--unlock-mapped-memory", "assembly"},
                {"--hints", "hints"},
                {"-r", "MPI"},
                {"-j", "MPI"},
                {"-z", "GPU"},
                {"-t1", "GPU"}};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        fixture_refused(p,
                        &(config_case){.variables = {"HOME=/h"}, .arguments = {rows[k].argument}},
                        rows[k].reason);
}

static void command_lines_of_prove_load(void **state)
{
    (void)state;
    prove_config v;
    config c;
    const config_program *p = &prove_program;
    load(&c, &v, p,
         &(config_case){.variables = {"ZISK_COORDINATOR_SERVER_PORT=1"},
                        .arguments = {"--inputs-uri", "/data/inputs/my_input.v2.bin", "-x",
                                      "--compute-capacity", "10"}});
    assert_string_equal(v.inputs_uri, "/data/inputs/my_input.v2.bin");
    assert_string_equal(v.data_id, "my_input.v2");
    assert_true(v.direct_inputs);
    assert_int_equal(v.compute_capacity, 10);
    assert_int_equal(v.minimal_compute_capacity, 10);
    assert_true(v.simulated_node == CONFIG_UNSET);
    assert_string_equal(v.client.coordinator_url, "http://127.0.0.1:50051");
    config_clear(&c);
    load(&c, &v, p, &(config_case){.arguments = {"-c10", "-m4", "--data-id=d", "--no-wait"}});
    assert_null(v.inputs_uri);
    assert_string_equal(v.data_id, "d");
    assert_int_equal(v.minimal_compute_capacity, 4);
    config_clear(&c);
    load(&c, &v, p, &(config_case){.arguments = {"-c10", "--inputs-uri", ".hidden"}});
    assert_string_equal(v.data_id, ".hidden");
    config_clear(&c);
    load(&c, &v, p, &(config_case){.arguments = {"-c10", "--inputs-uri", "folder/"}});
    assert_null(v.data_id);
    config_clear(&c);
    fixture_refused(p, &(config_case){.arguments = {"--no-wait"}},
                    "--compute-capacity is required");
    fixture_refused(p, &(config_case){.arguments = {"-c0"}}, "-c: 0 is out of range");
    fixture_refused(p, &(config_case){.arguments = {"-c4", "-m5"}}, "must not exceed");
    fixture_refused(p, &(config_case){.arguments = {"-c4", "-x"}}, "needs --inputs-uri");
    fixture_refused(p, &(config_case){.arguments = {"-c4", "--no-wait", "--output=p"}}, "exclude");
    fixture_refused(p, &(config_case){.arguments = {"-c4", "--hints-uri=h"}}, "hints are not");
    fixture_refused(p, &(config_case){.arguments = {"-c4", "--stream-hints"}}, "hints are not");
    fixture_refused(p, &(config_case){.arguments = {"-c4", "--config=x"}}, "no flag --config");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_documented_setting_is_there),
        cmocka_unit_test(tables_are_sound),
        cmocka_unit_test(example_files_of_the_coordinator_load),
        cmocka_unit_test(command_lines_of_the_coordinator_load),
        cmocka_unit_test(example_files_of_the_worker_load),
        cmocka_unit_test(worker_flags_load_or_are_refused_with_the_reason),
        cmocka_unit_test(command_lines_of_prove_load),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
