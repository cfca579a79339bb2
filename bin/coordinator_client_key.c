// SPDX-License-Identifier: Apache-2.0 OR MIT
// The key of a program for --elf. Making it takes the prover's code, which the coordinator does not
// carry: the program `zisk` beside this one makes it, or the one in the PATH.
#include "coordinator_client.h"

#include "verifier/program_verify.h"

#include <ctype.h>
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { KEY_DIGITS = 64 };

static bool key_of_hex(client *c, digest *key, const char *hex)
{
    for (int k = 0; k < HASH_DIGEST; k++) {
        char part[17] = {0};
        memcpy(part, hex + 16 * k, 16);
        key->e[k] = strtoull(part, NULL, 16);
        if (!fe_is_canonical(key->e[k]))
            return client_note(c, "CLIENT", "--vk %s: no program has this key", hex);
    }
    return true;
}

// "zisk" in the folder of this process's program; false: there is none that can be run.
static bool zisk_beside(char *out, size_t n)
{
    ssize_t length = readlink("/proc/self/exe", out, n - 1);
    if (length < 0)
        return false;
    out[length] = 0;
    char *slash = strrchr(out, '/');
    if (slash == NULL || (size_t)(slash + 1 - out) + sizeof "zisk" > n)
        return false;
    memcpy(slash + 1, "zisk", sizeof "zisk");
    return access(out, X_OK) == 0;
}

// Runs `zisk vk -- ELF`; its output goes to two files without names. 0, or why it did not start.
static int run_zisk(int *state, const char *elf, int out, int err)
{
    char beside[4096];
    char *argv[] = {"zisk", "vk", "--", (char *)elf, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0)
        return failed;
    failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    if (failed == 0 && zisk_beside(beside, sizeof beside))
        failed = posix_spawn(&child, beside, &actions, NULL, argv, environ);
    else if (failed == 0)
        failed = posix_spawnp(&child, "zisk", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    while (failed == 0 && waitpid(child, state, 0) < 0)
        failed = errno != EINTR ? errno : 0;
    return failed;
}

// The last line that was written to a file, without its end.
static void last_line(char *out, size_t n, int fd)
{
    ssize_t got = pread(fd, out, n - 1, 0);
    out[got > 0 ? got : 0] = 0;
    size_t length = strlen(out);
    while (length > 0 && isspace((unsigned char)out[length - 1]))
        out[--length] = 0;
    char *start = strrchr(out, '\n');
    if (start != NULL)
        memmove(out, start + 1, strlen(start + 1) + 1);
}

static bool key_of_elf(client *c, digest *key, const char *elf)
{
    char text[1024];
    int state = 0, out = memfd_create("key", MFD_CLOEXEC), err = memfd_create("said", MFD_CLOEXEC);
    int failed = out >= 0 && err >= 0 ? run_zisk(&state, elf, out, err) : errno;
    bool ok = false;
    if (failed == ENOENT) {
        client_note(c, "CLIENT",
                    "--elf %s: its key is made by the program zisk, which is neither beside this "
                    "program nor in the PATH; install it, or give the key with --vk",
                    elf);
    } else if (failed != 0) {
        client_note(c, "CLIENT", "--elf %s: the program zisk cannot be run for its key: %s", elf,
                    strerror(failed));
    } else if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        last_line(text, sizeof text, err);
        client_note(c, "CLIENT", "%s: no key can be made of it: %s", elf,
                    text[0] != 0 ? text : "zisk vk ended without a word");
    } else {
        last_line(text, sizeof text, out);
        ok = strlen(text) == KEY_DIGITS && strspn(text, "0123456789abcdef") == KEY_DIGITS
                 ? key_of_hex(c, key, text)
                 : client_note(c, "CLIENT", "--elf %s: `zisk vk` printed no key but \"%s\"", elf,
                               text);
    }
    if (out >= 0)
        close(out);
    if (err >= 0)
        close(err);
    return ok;
}

bool client_key(client *c, client_proof_key *key, const char *vk, const char *elf)
{
    key->given = vk != NULL || elf != NULL;
    if (!key->given)
        return true;
    return vk != NULL ? key_of_hex(c, &key->digest, vk) : key_of_elf(c, &key->digest, elf);
}
