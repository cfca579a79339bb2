// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// Loads settings from texts: a file that is written to a scratch folder, variables, and arguments.
#include "unit/base/scratch.h"
#include "unit/test.h"

#include "base/file.h"
#include "config/config.h"

typedef struct config_case {
    const char *file; // content; NULL: no file. Goes by --config
    const char *variables[6];
    const char *arguments[10];
} config_case;

static char fixture_folder[SCRATCH_PATH], fixture_file[SCRATCH_PATH];

static int fixture_open(void **state)
{
    (void)state;
    if (scratch_open(fixture_folder) != 0)
        return -1;
    scratch_path(fixture_file, fixture_folder, "a.toml");
    return 0;
}

static int fixture_close(void **state)
{
    (void)state;
    remove(fixture_file);
    return remove(fixture_folder);
}

// config_clear(c) is due.
static status fixture_load(config *c, void *values, const config_program *p, const config_case *in)
{
    char *argv[16] = {"program"}, *environment[8] = {NULL};
    int argc = 1;
    if (in->file != NULL) {
        assert_int_equal(file_write_atomic(fixture_file, in->file, strlen(in->file)), ZK_OK);
        argv[argc++] = "--config";
        argv[argc++] = fixture_file;
    }
    for (int k = 0; k < 10 && in->arguments[k] != NULL; k++)
        argv[argc++] = (char *)in->arguments[k];
    for (int k = 0; k < 6 && in->variables[k] != NULL; k++)
        environment[k] = (char *)in->variables[k];
    return config_load(c, values, p, argc, argv, environment);
}

// Loading fails with EINVAL or EPARSE, and the message holds `message`.
static void fixture_refused(const config_program *p, const config_case *in, const char *message)
{
    config c;
    unsigned char values[1024];
    status s = fixture_load(&c, values, p, in);
    if ((s != ZK_EINVAL && s != ZK_EPARSE) || strstr(status_message(), message) == NULL)
        fail_msg("wanted %s, got %s: %s", message, status_name(s), status_message());
    config_clear(&c);
}
