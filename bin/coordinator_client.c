// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "coordinator_client.h"

#include "base/text.h"
#include "cluster/message_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const config_program *program;
} commands[] = {
    {"prove", client_prove, &prove_program},
    {"watch", client_watch_command, &watch_program},
    {"fetch", client_fetch_command, &fetch_program},
    {"cancel", client_cancel, &cancel_program},
    {"status", client_status, &status_program},
    {"jobs", client_jobs, &jobs_program},
    {"queue", client_queue, &queue_program},
    {"workers", client_workers, &workers_program},
    {"top", client_top, &top_program},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

void coordinator_client_list(FILE *to)
{
    fprintf(to, "commands, which ask a running coordinator:\n");
    for (size_t k = 0; k < N_COMMANDS; k++)
        fprintf(to, "  %-8s %s\n", commands[k].name, commands[k].program->about);
    fprintf(to, "`zisk-coordinator COMMAND --help` explains one; without a command it is the "
                "coordinator.\n");
}

// A result that did not reach its reader was not given: a full disk, a closed pipe.
static int finish(const char *command, int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "error: CLIENT: zisk-coordinator %s: the output cannot be written: %m\n",
            command);
    return code == CLIENT_DONE ? CLIENT_FAILED : code;
}

int coordinator_client_main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-')
        return -1;
    for (size_t k = 0; k < N_COMMANDS; k++)
        if (strcmp(argv[1], commands[k].name) == 0)
            return finish(commands[k].name, commands[k].run(argc - 1, argv + 1));
    fprintf(stderr, "zisk-coordinator: there is no command \"%.100s\"\n", argv[1]);
    coordinator_client_list(stderr);
    return CLIENT_USAGE;
}

int client_settings(config *c, void *values, const config_program *p, int argc, char **argv)
{
    status result = config_load(c, values, p, argc, argv, environ);
    byte_buffer text = buffer_new();
    int code = -1;
    if (result == ZK_OK && c->request == CONFIG_HELP) {
        result = config_help(&text, p);
        fwrite(text.data, 1, text.size, stdout);
        code = CLIENT_DONE;
    } else if (result == ZK_OK && c->request == CONFIG_VERSION) {
        printf("%s %s\n", p->name, config_version());
        code = CLIENT_DONE;
    }
    if (result != ZK_OK) {
        fprintf(stderr, "%s: %s; `%s --help` explains it\n", p->name, status_message(), p->name);
        code = CLIENT_USAGE;
    }
    buffer_clear(&text);
    return code;
}

bool client_on_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

void client_duration(char out[32], uint64_t ms)
{
    uint64_t s = ms / 1000;
    if (s >= 3600)
        snprintf(out, 32, "%" PRIu64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(out, 32, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

int client_print_json(client *c, const ProtobufCMessage *m)
{
    byte_buffer text = buffer_new();
    bool ok = message_put_json(&text, m) == ZK_OK && buffer_put_u8(&text, '\n') == ZK_OK;
    if (ok)
        fwrite(text.data, 1, text.size, stdout);
    else
        client_note_status(c);
    buffer_clear(&text);
    return ok ? CLIENT_DONE : client_exit(c);
}

bool client_note(client *c, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    snprintf(c->code, sizeof c->code, "%s", code);
    vsnprintf(c->message, sizeof c->message, format, args);
    va_end(args);
    return false;
}

bool client_note_status(client *c)
{
    return client_note(c, "CLIENT", "%s", status_message());
}

int client_exit(const client *c)
{
    if (c->interrupted)
        return CLIENT_INTERRUPTED;
    byte_buffer line = buffer_new();
    if (buffer_printf(&line, "error: %s: ", c->code) == ZK_OK &&
        buffer_put_shown(&line, c->message) == ZK_OK && buffer_put_u8(&line, '\n') == ZK_OK)
        fwrite(line.data, 1, line.size, stderr);
    else
        fprintf(stderr, "error: CLIENT: no memory for the message\n");
    buffer_clear(&line);
    return CLIENT_FAILED;
}
