// SPDX-License-Identifier: Apache-2.0 OR MIT
#pragma once
// The error of every round of every part of the protocol, as SOUNDNESS.md derives it, computed from
// the parameters in use and from the limits that the verifier enforces.
//
// Floating point: neither prover nor verifier calls this; `zisk soundness` and a test do. Numbers
// are bits, -log2 of the error of one round, grinding included. The security of the interactive
// protocol is the smallest of them (round-by-round soundness); the hash is an assumption apart.
//
// All machines within the limits of air/machine.h are covered: the rows count the most columns,
// constraints, tuple fields and instances that a verifier accepts, not those of one machine.
#include "verifier/proof_key.h"
#include "whir/whir_solver.h"

typedef struct soundness_row {
    const char *part; // "commitment", "bus", "gkr", "zerocheck", "opening", "whir"
    char name[64];    // of the round
    double bits[2];   // by whir_regime; infinite where there is no error
} soundness_row;

enum { SOUNDNESS_MAX_ROWS = 16 + WHIR_MAX_TERMS };

// Fills rows for one parameter set in the order of the protocol; returns their number.
size_t soundness_table(soundness_row rows[SOUNDNESS_MAX_ROWS], const whir_params *params);

// The smallest entry of a table.
double soundness_minimum(const soundness_row *rows, size_t n, whir_regime regime);

// Bits of a generic collision of digests.
double soundness_digest_bits(void);
