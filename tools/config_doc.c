// SPDX-License-Identifier: Apache-2.0 OR MIT
// Prints doc/configuration.md, made from the tables of settings; with --check FILE, compares it
// with FILE.
#include "base/file.h"
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

static status print_page(byte_buffer *out)
{
    TRY(buffer_put_text(out, head));
    TRY(config_page(out, &coordinator_program));
    TRY(buffer_put_text(out, "\n"));
    TRY(config_page(out, &prove_program));
    TRY(buffer_put_text(out, "\n"));
    return config_page(out, &worker_program);
}

int main(int argc, char **argv)
{
    byte_buffer page = buffer_new(), file = buffer_new();
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    int code = 0;
    if (print_page(&page) != ZK_OK ||
        (check && file_read(&file, argv[2], (size_t)1 << 20) != ZK_OK)) {
        fprintf(stderr, "config_doc: %s\n", status_message());
        code = 2;
    } else if (!check) {
        code = fwrite(page.data, 1, page.size, stdout) != page.size || fflush(stdout) != 0;
    } else if (page.size != file.size || memcmp(page.data, file.data, page.size) != 0) {
        fprintf(stderr, "config_doc: %s is not what the tables give; run config_doc > %s\n",
                argv[2], argv[2]);
        code = 1;
    }
    buffer_clear(&page);
    buffer_clear(&file);
    return code;
}
