// SPDX-License-Identifier: Apache-2.0 OR MIT
// Runs a fuzz target over stored inputs: the files of the folders given, in order of their names,
// and the files given. A target fails by a signal or a sanitizer; a folder that is empty or
// missing is a failure too, so that a lost corpus shows.
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 64 << 20, PATH_BYTES = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t n_inputs;

static status replay_file(const char *path)
{
    byte_buffer input = buffer_new();
    TRY(file_read(&input, path, INPUT_MAX));
    // A copy of the exact size: a read beyond it is then seen by AddressSanitizer.
    uint8_t *exact = malloc(input.size == 0 ? 1 : input.size);
    FAIL_IF(exact == NULL, ZK_ENOMEM, "no memory for %s", path);
    if (input.size != 0)
        memcpy(exact, input.data, input.size);
    (void)LLVMFuzzerTestOneInput(exact, input.size);
    n_inputs++;
    free(exact);
    buffer_clear(&input);
    return ZK_OK;
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static status replay_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_visible, alphasort);
    FAIL_IF(n < 0, ZK_EIO, "cannot read the folder %s: %m", path);
    FAIL_IF(n == 0, ZK_EIO, "the corpus %s is empty", path);
    status result = ZK_OK;
    for (int i = 0; i < n; i++) {
        char file[PATH_BYTES];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        free(entries[i]);
        if (result == ZK_OK)
            result = replay_file(file);
    }
    free(entries);
    return result;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat info;
        bool is_folder = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode);
        if ((is_folder ? replay_folder : replay_file)(argv[i]) != ZK_OK) {
            fprintf(stderr, "%s\n", status_message());
            return 1;
        }
    }
    printf("%zu inputs\n", n_inputs);
    return n_inputs == 0;
}
