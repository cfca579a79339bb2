// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk inspect: what a proof file says of itself. Nothing is verified.
#include "zisk.h"

#include "base/file.h"
#include "prover/prover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: zisk inspect PROOF\n"
    "\n"
    "Prints what a proof file says of itself: version, key, public outputs,\n"
    "instances. It verifies nothing: `zisk verify` does.\n";

static status inspect(const char *path)
{
    status result = ZK_OK;
    byte_buffer file = buffer_new();
    bundle_head head;
    const char *reason;
    zisk_machine *z = NULL;
    TRY_OUT(file_read(&file, path, MAX_PROOF_BYTES));
    const uint64_t *words = (const uint64_t *)file.data;
    FAIL_OUT_IF(file.size % 8 != 0, ZK_EPARSE, "%s: its length is no multiple of 8", path);
    FAIL_OUT_IF(!bundle_parse(&head, &reason, words, file.size / 8), ZK_EPARSE, "%s: %s", path,
                reason);
    printf("format      version %d, bundle of instance proofs\n", BUNDLE_VERSION);
    printf("bytes       %zu\n", file.size);
    printf("key         ");
    for (int k = 0; k < HASH_DIGEST; k++)
        printf("%016" PRIx64, head.key_digest.e[k]);
    printf("\nhash        %s\n", head.hash == HASH_POSEIDON    ? "poseidon"
                                 : head.hash == HASH_POSEIDON2 ? "poseidon2"
                                                               : "unknown");
    printf("memory map  %c, entry 0x%" PRIx64 "\n",
           head.abi == VM_ABI_A || head.abi == VM_ABI_B || head.abi == VM_ABI_C ? (char)head.abi
                                                                                : '?',
           head.entry);
    printf("publics    ");
    for (int i = 0; i < BUNDLE_PUBLICS; i++)
        printf("%s%" PRIu64, i % 8 == 0 && i > 0 ? "\n            " : " ", head.publics[i]);
    printf("\ninstances   %" PRIu64 "\n", head.n_instances);
    if (head.abi == VM_ABI_A || head.abi == VM_ABI_B || head.abi == VM_ABI_C) {
        vm_map map = vm_map_get((vm_abi)head.abi);
        TRY_OUT(zisk_machine_new(&z, &map));
    }
    for (size_t i = 0; i < head.n_instances; i++) {
        contribution c;
        if (!bundle_contribution(&c, &head, words, i)) {
            printf("  %zu malformed\n", i);
            continue;
        }
        printf("  %zu class 2^%u%s, root %016" PRIx64 "..\n   ", i, c.header.class_id,
               c.header.preprocessed ? " with the program's tables" : "", c.root.e[0]);
        for (uint32_t s = 0; s < head.n_slots; s++)
            if (c.header.log_heights[s] != 0)
                printf(" %s 2^%u", z != NULL && s < z->m.n_slots ? z->m.slots[s].c->name : "chip",
                       c.header.log_heights[s]);
        printf("\n");
    }
out:
    zisk_machine_free(z);
    buffer_clear(&file);
    return result;
}

int command_inspect(int argc, char **argv)
{
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        return EXIT_DONE;
    }
    for (int k = 1; k < argc; k++)
        if (argv[k][0] == '-')
            return command_usage("inspect", "it takes no option, \"%s\" is given", argv[k]);
    if (argc != 2)
        return command_usage("inspect", "give one proof file");
    return inspect(argv[1]) == ZK_OK ? EXIT_DONE : command_failed("inspect");
}
