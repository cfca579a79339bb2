// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk verify, zisk vk.
#include "zisk.h"

#include "base/file.h"
#include "prover/prover.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char verify_help[] =
    "usage: zisk verify PROOF (--elf ELF | --vk HEX) [--publics FILE]\n"
    "\n"
    "Checks that PROOF proves a run of the program. Prints \"valid\" and the public outputs and\n"
    "exits with 0, or prints \"invalid: REASON\" and exits with 1; 2 on wrong usage.\n"
    "\n"
    "      --elf ELF        the program; its key is worked out again\n"
    "      --vk HEX         the program's verification key, as `zisk vk` prints it\n"
    "      --publics FILE   also require these public outputs: 64 numbers, decimal or 0x..\n"
    "      --abi auto|A|B|C memory map of the ELF\n"
    "      --help\n"
    "\n"
    "A valid proof says that the program ran on some input and gave these outputs. It does not "
    "hide\n"
    "the input: proofs are not zero-knowledge.\n";

static const char vk_help[] =
    "usage: zisk vk ELF [--abi auto|A|B|C]\n"
    "\n"
    "Prints the verification key of the program: 64 hexadecimal digits.\n";

// 4 x 16 hexadecimal digits, the elements in order, each below p.
static bool parse_key(digest *out, const char *text)
{
    if (strlen(text) != 16 * HASH_DIGEST ||
        strspn(text, "0123456789abcdefABCDEF") != 16 * HASH_DIGEST)
        return false;
    for (int k = 0; k < HASH_DIGEST; k++) {
        char part[17] = {0};
        memcpy(part, text + 16 * k, 16);
        out->e[k] = strtoull(part, NULL, 16);
        if (!fe_is_canonical(out->e[k]))
            return false;
    }
    return true;
}

static status key_of_elf(digest *out, const char *path, vm_abi abi)
{
    status result = ZK_OK;
    zisk_program program = {0};
    pool *threads = NULL;
    TRY_OUT(pool_open(&threads, 0));
    TRY_OUT(load_provable(&program, path, abi, NULL, threads));
    *out = zisk_program_key(&program);
out:
    zisk_program_close(&program);
    pool_close(threads);
    return result;
}

static status read_publics(uint32_t out[VM_PUBLICS], const char *path)
{
    status result = ZK_OK;
    byte_buffer text = buffer_new();
    TRY_OUT(file_read(&text, path, 1 << 16));
    TRY_OUT(buffer_put_u8(&text, 0));
    char *at = (char *)text.data;
    for (int i = 0; i < VM_PUBLICS; i++) {
        char *end;
        at += strspn(at, " \t\r\n,[]");
        unsigned long long value = strtoull(at, &end, 0);
        FAIL_OUT_IF(end == at || value >> 32 != 0, ZK_EPARSE,
                    "%s: public output %d is no number below 2^32", path, i);
        out[i] = (uint32_t)value;
        at = end;
    }
    at += strspn(at, " \t\r\n,[]");
    FAIL_OUT_IF(*at != '\0', ZK_EPARSE, "%s: more than %d public outputs", path, VM_PUBLICS);
out:
    buffer_clear(&text);
    return result;
}

// ZK_OK: the verdict is printed, *valid says which.
static status verify_file(bool *valid, const char *path, digest key, const uint32_t *publics)
{
    status result = ZK_OK;
    byte_buffer proof = buffer_new();
    uint32_t outputs[VM_PUBLICS];
    *valid = false;
    TRY_OUT(file_read(&proof, path, MAX_PROOF_BYTES));
    status verdict = ZK_EPROOF;
    if (proof.size % 8 != 0)
        printf("invalid: the length of the file is no multiple of 8\n");
    else if ((verdict = zisk_verify(outputs, (const uint64_t *)proof.data, proof.size / 8, key,
                                    publics)) == ZK_EPROOF)
        printf("invalid: %s\n", status_message());
    else
        TRY_OUT(verdict);
    if (verdict == ZK_OK) {
        *valid = true;
        printf("valid\n");
        for (int i = 0; i < VM_PUBLICS; i++)
            printf("%" PRIu32 "%c", outputs[i], i % 8 == 7 ? '\n' : ' ');
    }
out:
    buffer_clear(&proof);
    return result;
}

enum { OPT_ELF = 256, OPT_VK, OPT_PUBLICS, OPT_ABI };

int command_verify(int argc, char **argv)
{
    static const struct option options[] = {
        {"elf", required_argument, NULL, OPT_ELF},
        {"vk", required_argument, NULL, OPT_VK},
        {"publics", required_argument, NULL, OPT_PUBLICS},
        {"abi", required_argument, NULL, OPT_ABI},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *elf = NULL, *vk = NULL, *publics_path = NULL;
    vm_abi abi = VM_ABI_AUTO;
    int option;
    while ((option = next_option(argv[0], argc, argv, "h", options)) != -1) {
        switch (option) {
        case OPT_ELF:
            elf = optarg;
            break;
        case OPT_VK:
            vk = optarg;
            break;
        case OPT_PUBLICS:
            publics_path = optarg;
            break;
        case OPT_ABI:
            if (!parse_abi(&abi, optarg))
                return command_usage("verify", "--abi takes auto, A, B or C, not \"%s\"", optarg);
            break;
        case 'h':
            fputs(verify_help, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc)
        return command_usage("verify", "give one proof file");
    if ((elf == NULL) == (vk == NULL))
        return command_usage("verify", "give either --elf or --vk");
    digest key;
    if (vk != NULL && !parse_key(&key, vk))
        return command_usage("verify",
                             "--vk takes the 64 hexadecimal digits that `zisk vk` prints");
    if (elf != NULL && key_of_elf(&key, elf, abi) != ZK_OK)
        return command_failed("verify");
    uint32_t publics[VM_PUBLICS];
    if (publics_path != NULL && read_publics(publics, publics_path) != ZK_OK)
        return command_failed("verify");
    bool valid;
    if (verify_file(&valid, argv[optind], key, publics_path != NULL ? publics : NULL) != ZK_OK)
        return command_failed("verify");
    return valid ? EXIT_DONE : EXIT_REFUSED;
}

int command_vk(int argc, char **argv)
{
    static const struct option options[] = {
        {"abi", required_argument, NULL, OPT_ABI},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    vm_abi abi = VM_ABI_AUTO;
    int option;
    while ((option = next_option(argv[0], argc, argv, "h", options)) != -1) {
        switch (option) {
        case OPT_ABI:
            if (!parse_abi(&abi, optarg))
                return command_usage("vk", "--abi takes auto, A, B or C, not \"%s\"", optarg);
            break;
        case 'h':
            fputs(vk_help, stdout);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind + 1 != argc)
        return command_usage("vk", "give one ELF file");
    digest key;
    if (key_of_elf(&key, argv[optind], abi) != ZK_OK)
        return command_failed("vk");
    for (int k = 0; k < HASH_DIGEST; k++)
        printf("%016" PRIx64, key.e[k]);
    printf("\n");
    return EXIT_DONE;
}
