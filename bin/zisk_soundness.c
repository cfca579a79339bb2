// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "zisk.h"

#include "verifier/soundness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: zisk soundness [--json]\n"
    "       zisk soundness --solve [GOAL]... [--json]\n"
    "\n"
    "Prints the provable security of every parameter set in bits: each round of each part of the\n"
    "protocol in the Johnson and in the unique decoding regime, then the minimum. SOUNDNESS.md\n"
    "says how the numbers come about. Bits are rounded down to hundredths.\n"
    "\n"
    "With --solve it looks for a parameter set of the commitment, by the same formulas, and "
    "prints\n"
    "its rounds, the bytes of an opening and the permutations of who verifies its rows and paths.\n"
    "Nothing is proved with such a set: prover and verifier know their own sets alone.\n"
    "\n"
    "      --target BITS         security of every step (128)\n"
    "      --regime R            johnson (default) or unique decoding\n"
    "      --margin BITS         what fold and out-of-domain terms have beyond the target (5)\n"
    "      --grinding BITS       most proof of work of a round (16)\n"
    "      --log-cells N         log2 of the cells (26)\n"
    "      --log-rate N          rate 2^-N (1)\n"
    "      --first-fold N        variables of the first round (6), of the others: --fold (4)\n"
    "      --first-reduction N   log2 of how much the domain shrinks first (4), then: --reduction "
    "(1)\n"
    "      --log-final N         log2 of the last polynomial (the one of the smallest proof)\n";

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

static void print_shipped(bool json)
{
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
}

// ---- Solving -----------------------------------------------------------------------------------

static void print_rounds(const whir_params *p)
{
    printf("round  cells  rate   folds  grinding  nodes of the cap  queries\n");
    for (unsigned i = 0; i < p->n_rounds; i++) {
        const whir_round *r = &p->round[i];
        printf("%-6u 2^%-4u 2^-%-3u %-6u %-9u 2^%-15u %u\n", i, r->log_size, r->log_inv_rate,
               r->n_folds, r->grinding, r->log_cap, r->n_queries);
    }
    printf(
        "out-of-domain samples: 1 a round, that of round 0 at commit time\n"
        "final polynomial of 2^%u coefficients, %zu bytes, %zu permutations for rows and paths\n",
        p->log_final, 8 * whir_proof_words(p), whir_tree_permutations(p));
}

static void print_json_rounds(const whir_params *p)
{
    printf("{\"rounds\": [");
    for (unsigned i = 0; i < p->n_rounds; i++) {
        const whir_round *r = &p->round[i];
        printf("%s{\"log_cells\": %u, \"log_inv_rate\": %u, \"folds\": %u, \"grinding\": %u, "
               "\"log_cap\": %u, \"queries\": %u, \"ood_samples\": 1}",
               i > 0 ? ", " : "", r->log_size, r->log_inv_rate, r->n_folds, r->grinding, r->log_cap,
               r->n_queries);
    }
    printf("], \"log_final\": %u, \"proof_bytes\": %zu, \"row_and_path_permutations\": %zu, ",
           p->log_final, 8 * whir_proof_words(p), whir_tree_permutations(p));
}

static int solve(const whir_goal *goal, bool json)
{
    whir_params p = {.name = "solved"};
    if (whir_solve(&p, goal) != ZK_OK)
        return command_failed("soundness");
    // A set for unique decoding has no multiplicity of a list decoder: nothing to say of the other.
    double johnson = goal->regime == WHIR_JOHNSON ? whir_bits(&p, WHIR_JOHNSON) : (double)INFINITY;
    if (json) {
        print_json_rounds(&p);
        print_json_bits("johnson_bits", johnson);
        printf(", ");
        print_json_bits("unique_bits", whir_bits(&p, WHIR_UNIQUE));
        printf("}\n");
    } else {
        print_rounds(&p);
        printf("johnson_bits");
        print_bits(johnson);
        printf(", unique_bits");
        print_bits(whir_bits(&p, WHIR_UNIQUE));
        printf("\n");
    }
    return EXIT_DONE;
}

// One number of the goal.
typedef struct goal_option {
    const char *name;
    unsigned least, most;
} goal_option;

enum {
    GOAL_TARGET,
    GOAL_MARGIN,
    GOAL_GRINDING,
    GOAL_CELLS,
    GOAL_RATE,
    GOAL_FIRST_FOLD,
    GOAL_FOLD,
    GOAL_FIRST_REDUCTION,
    GOAL_REDUCTION,
    GOAL_FINAL,
    GOAL_NUMBERS,
    GOAL_REGIME = GOAL_NUMBERS,
};

static const goal_option goal_options[GOAL_NUMBERS] = {
    [GOAL_TARGET] = {"target", 1, 180},
    [GOAL_MARGIN] = {"margin", 0, 64},
    [GOAL_GRINDING] = {"grinding", 0, 32},
    [GOAL_CELLS] = {"log-cells", 8, WHIR_MAX_STACK},
    [GOAL_RATE] = {"log-rate", 1, 6},
    [GOAL_FIRST_FOLD] = {"first-fold", 1, WHIR_MAX_FOLDS},
    [GOAL_FOLD] = {"fold", 1, WHIR_MAX_LATER_FOLDS},
    [GOAL_FIRST_REDUCTION] = {"first-reduction", 1, WHIR_MAX_FOLDS},
    [GOAL_REDUCTION] = {"reduction", 1, WHIR_MAX_LATER_FOLDS},
    [GOAL_FINAL] = {"log-final", 1, WHIR_MAX_FINAL},
};

int command_soundness(int argc, char **argv)
{
    enum { OPT_JSON = 256, OPT_SOLVE, N_OPTIONS = GOAL_NUMBERS + 5 };
    struct option options[N_OPTIONS] = {0};
    for (int i = 0; i < GOAL_NUMBERS; i++)
        options[i] = (struct option){goal_options[i].name, required_argument, NULL, 1 + i};
    options[GOAL_NUMBERS] = (struct option){"regime", required_argument, NULL, 1 + GOAL_REGIME};
    options[GOAL_NUMBERS + 1] = (struct option){"solve", no_argument, NULL, OPT_SOLVE};
    options[GOAL_NUMBERS + 2] = (struct option){"json", no_argument, NULL, OPT_JSON};
    options[GOAL_NUMBERS + 3] = (struct option){"help", no_argument, NULL, 'h'};

    unsigned goal[GOAL_NUMBERS] = {128, 5, 16, 26, 1, 6, 4, 4, 1, 0};
    whir_regime regime = WHIR_JOHNSON;
    bool json = false, to_solve = false;
    const char *of_goal = NULL; // an option that needs --solve
    int option;
    while ((option = next_option(argv[0], argc, argv, "h", options)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return EXIT_DONE;
        } else if (option == OPT_JSON) {
            json = true;
        } else if (option == OPT_SOLVE) {
            to_solve = true;
        } else if (option == 1 + GOAL_REGIME) {
            of_goal = "regime";
            if (strcmp(optarg, "johnson") != 0 && strcmp(optarg, "unique") != 0)
                return command_usage(argv[0], "--regime takes johnson or unique, not \"%s\"",
                                     optarg);
            regime = strcmp(optarg, "unique") == 0 ? WHIR_UNIQUE : WHIR_JOHNSON;
        } else if (option >= 1 && option <= GOAL_NUMBERS) {
            const goal_option *o = &goal_options[option - 1];
            uint64_t value;
            if (!parse_number(&value, optarg) || value < o->least || value > o->most)
                return command_usage(argv[0], "--%s takes a number from %u to %u, not \"%s\"",
                                     o->name, o->least, o->most, optarg);
            of_goal = o->name;
            goal[option - 1] = (unsigned)value;
        } else {
            return EXIT_USAGE;
        }
    }
    if (optind < argc)
        return command_usage(argv[0], "no argument \"%s\" is expected", argv[optind]);
    if (of_goal != NULL && !to_solve)
        return command_usage(argv[0], "--%s needs --solve", of_goal);
    if (to_solve)
        return solve(&(whir_goal){.regime = regime,
                                  .target_bits = goal[GOAL_TARGET],
                                  .margin_bits = goal[GOAL_MARGIN],
                                  .max_grinding = goal[GOAL_GRINDING],
                                  .log_stack = goal[GOAL_CELLS],
                                  .log_inv_rate = goal[GOAL_RATE],
                                  .first_fold = goal[GOAL_FIRST_FOLD],
                                  .later_fold = goal[GOAL_FOLD],
                                  .first_reduction = goal[GOAL_FIRST_REDUCTION],
                                  .later_reduction = goal[GOAL_REDUCTION],
                                  .log_final = goal[GOAL_FINAL]},
                     json);
    print_shipped(json);
    return EXIT_DONE;
}
