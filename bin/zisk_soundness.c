// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "zisk.h"

#include "verifier/soundness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: zisk soundness [--json]\n"
    "\n"
    "Prints the provable security of every parameter set in bits: each round of each part of the\n"
    "protocol in the Johnson and in the unique decoding regime, then the minimum. SOUNDNESS.md\n"
    "says how the numbers come about. Bits are rounded down to hundredths.\n";

// Rounded down: a printed number never promises more than there is.
static double floor_bits(double bits)
{
    return floor(bits * 100) / 100;
}

static void print_bits(double bits)
{
    if (isinf(bits))
        printf("%8s", "-");
    else
        printf("%8.2f", floor_bits(bits));
}

static void print_json_bits(const char *key, double bits)
{
    if (isinf(bits))
        printf("\"%s\": null", key);
    else
        printf("\"%s\": %.2f", key, floor_bits(bits));
}

static void print_text(const whir_params *params, const soundness_row *rows, size_t n)
{
    printf("class %s\n  %-11s %-46s %8s %8s\n", params->name, "part", "round", "johnson", "unique");
    for (size_t i = 0; i < n; i++) {
        printf("  %-11s %-46s ", rows[i].part, rows[i].name);
        print_bits(rows[i].bits[WHIR_JOHNSON]);
        printf(" ");
        print_bits(rows[i].bits[WHIR_UNIQUE]);
        printf("\n");
    }
}

static void print_json(const whir_params *params, const soundness_row *rows, size_t n, bool last)
{
    printf("    {\"class\": \"%s\", \"rounds\": [\n", params->name);
    for (size_t i = 0; i < n; i++) {
        printf("      {\"part\": \"%s\", \"round\": \"%s\", ", rows[i].part, rows[i].name);
        print_json_bits("johnson_bits", rows[i].bits[WHIR_JOHNSON]);
        printf(", ");
        print_json_bits("unique_bits", rows[i].bits[WHIR_UNIQUE]);
        printf("}%s\n", i + 1 < n ? "," : "");
    }
    printf("    ], ");
    print_json_bits("johnson_bits", soundness_minimum(rows, n, WHIR_JOHNSON));
    printf(", ");
    print_json_bits("unique_bits", soundness_minimum(rows, n, WHIR_UNIQUE));
    printf("}%s\n", last ? "" : ",");
}

int command_soundness(int argc, char **argv)
{
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return EXIT_DONE;
        }
        if (strcmp(argv[i], "--json") != 0)
            return command_usage(argv[0], "no option \"%s\"", argv[i]);
        json = true;
    }
    double johnson = INFINITY, unique = INFINITY;
    if (json)
        printf("{\n  \"sets\": [\n");
    for (size_t k = 0; k < whir_params_count(); k++) {
        soundness_row rows[SOUNDNESS_MAX_ROWS];
        size_t n = soundness_table(rows, whir_params_at(k));
        if (json)
            print_json(whir_params_at(k), rows, n, k + 1 == whir_params_count());
        else
            print_text(whir_params_at(k), rows, n);
        johnson = fmin(johnson, soundness_minimum(rows, n, WHIR_JOHNSON));
        unique = fmin(unique, soundness_minimum(rows, n, WHIR_UNIQUE));
    }
    if (json) {
        printf("  ],\n  ");
        print_json_bits("digest_collision_bits", soundness_digest_bits());
        printf(",\n  ");
        print_json_bits("johnson_bits", johnson);
        printf(",\n  ");
        print_json_bits("unique_bits", unique);
        printf("\n}\n");
    } else {
        printf("generic collision of digests: %.2f (assumption on the hash)\n",
               soundness_digest_bits());
        printf("minimum: johnson_bits %.2f, unique_bits %.2f\n", floor_bits(johnson),
               floor_bits(unique));
    }
    return EXIT_DONE;
}
