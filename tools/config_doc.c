// SPDX-License-Identifier: Apache-2.0 OR MIT
// What is made from the tables of settings: prints doc/configuration.md; with --check FILE,
// compares it with FILE; with --write FOLDER, writes the manual pages and the completion for bash
// there.
#include "base/file.h"
#include "coordinator/client_config.h"
#include "coordinator/coordinator_config.h"
#include "worker/worker_config.h"

#include <stdio.h>
#include <string.h>

static const char head[] =
    "<!-- SPDX-License-Identifier: Apache-2.0 OR MIT -->\n"
    "<!-- Made from the tables of settings: build/release/bin/config_doc > doc/configuration.md "
    "-->\n"
    "# Configuration\n"
    "\n"
    "A setting takes its value from the last of these that gives one: its default, the file, the\n"
    "environment, the flags. The file is TOML 1.0. An unknown key or flag, a value of another "
    "type,\n"
    "one out of its range or empty ends the program at its start, with a message that names file,\n"
    "line and key. An empty variable counts as unset; unknown variables with the prefix of a "
    "program\n"
    "are warned of. A leading `~/` of a path is the home folder. Settings marked **Refused** are\n"
    "known, but giving them is an error: what they control is not there yet.\n"
    "\n";

// All programs with tables; their names are those of the manual pages, dashes for spaces.
static const config_program *const programs[] = {
    &coordinator_program, &prove_program, &jobs_program,  &workers_program,
    &status_program,      &queue_program, &watch_program, &fetch_program,
    &cancel_program,      &top_program,   &worker_program};
enum { N_PROGRAMS = sizeof programs / sizeof programs[0] };

static status print_page(byte_buffer *out)
{
    TRY(buffer_put_text(out, head));
    for (size_t k = 0; k < N_PROGRAMS; k++) {
        if (k > 0)
            TRY(buffer_put_text(out, "\n"));
        TRY(config_page(out, programs[k]));
    }
    return ZK_OK;
}

// FOLDER/zisk-coordinator.1 and so on, and FOLDER/zisk.bash.
static status write_all(const char *folder)
{
    byte_buffer text = buffer_new();
    status result = ZK_OK;
    char path[4096];
    for (size_t k = 0; k < N_PROGRAMS; k++) {
        text.size = 0;
        TRY_OUT(config_man(&text, programs[k]));
        int n = snprintf(path, sizeof path, "%s/%s.1", folder, programs[k]->name);
        FAIL_OUT_IF(n < 0 || n >= (int)sizeof path, ZK_EINVAL, "the folder's name is too long");
        for (char *c = path + strlen(folder); *c != 0; c++)
            *c = *c == ' ' ? '-' : *c;
        TRY_OUT(file_write_atomic(path, text.data, text.size));
    }
    text.size = 0;
    TRY_OUT(config_completion(&text, programs, N_PROGRAMS));
    int n = snprintf(path, sizeof path, "%s/zisk.bash", folder);
    FAIL_OUT_IF(n < 0 || n >= (int)sizeof path, ZK_EINVAL, "the folder's name is too long");
    TRY_OUT(file_write_atomic(path, text.data, text.size));
out:
    buffer_clear(&text);
    return result;
}

int main(int argc, char **argv)
{
    byte_buffer page = buffer_new(), file = buffer_new();
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    bool all = argc == 3 && strcmp(argv[1], "--write") == 0;
    int code = 0;
    if (print_page(&page) != ZK_OK ||
        (check && file_read(&file, argv[2], (size_t)1 << 20) != ZK_OK) ||
        (all && write_all(argv[2]) != ZK_OK)) {
        fprintf(stderr, "config_doc: %s\n", status_message());
        code = 2;
    } else if (!check && !all) {
        code = fwrite(page.data, 1, page.size, stdout) != page.size || fflush(stdout) != 0;
    } else if (check && (page.size != file.size || memcmp(page.data, file.data, page.size) != 0)) {
        fprintf(stderr, "config_doc: %s is not what the tables give; run config_doc > %s\n",
                argv[2], argv[2]);
        code = 1;
    }
    buffer_clear(&page);
    buffer_clear(&file);
    return code;
}
