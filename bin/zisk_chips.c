// SPDX-License-Identifier: Apache-2.0 OR MIT
// zisk chips: the declaration of the machine, for readers and for other verifiers.
#include "zisk.h"

#include "air/report.h"
#include "chips/zisk_machine.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
    "usage: zisk chips [--abi A|B|C] [--verbose | --json]\n"
    "\n"
    "Prints the tables of the machine that proves programs: a line for each, and totals.\n"
    "\n"
    "      --abi A|B|C  the machine of this memory map (default C)\n"
    "      --verbose    one line for each column, constraint and interaction, too\n"
    "      --json       everything as JSON, with expressions as data: what a verifier needs to\n"
    "                   know of the machine (doc/proof-format.md, section 3)\n"
    "      --help\n";

static status report(byte_buffer *out, vm_abi abi, bool verbose, bool json)
{
    vm_map map = vm_map_get(abi);
    zisk_machine *z;
    TRY(zisk_machine_new(&z, &map));
    status result = json ? air_report_json(out, &z->m) : air_report_text(out, &z->m, verbose);
    zisk_machine_free(z);
    return result;
}

enum { OPT_ABI = 256, OPT_VERBOSE, OPT_JSON };

int command_chips(int argc, char **argv)
{
    static const struct option options[] = {
        {"abi", required_argument, NULL, OPT_ABI},
        {"verbose", no_argument, NULL, OPT_VERBOSE},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    vm_abi abi = VM_ABI_C;
    bool verbose = false, json = false;
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case OPT_ABI:
            if (!parse_abi(&abi, optarg) || abi == VM_ABI_AUTO)
                return command_usage("chips", "--abi takes A, B or C, not \"%s\"", optarg);
            break;
        case OPT_VERBOSE:
            verbose = true;
            break;
        case OPT_JSON:
            json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        default:
            return command_usage("chips", "unknown option or missing argument: %s",
                                 argv[optind - 1]);
        }
    }
    if (optind != argc)
        return command_usage("chips", "no argument expected, but there is \"%s\"", argv[optind]);
    if (verbose && json)
        return command_usage("chips", "--verbose and --json exclude each other");
    byte_buffer text = buffer_new();
    status made = report(&text, abi, verbose, json);
    if (made == ZK_OK)
        fwrite(text.data, 1, text.size, stdout);
    buffer_clear(&text);
    if (made != ZK_OK)
        return command_failed("chips");
    return ferror(stdout) || fflush(stdout) != 0 ? EXIT_REFUSED : EXIT_DONE;
}
