#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""WHIR parameters and error terms, computed apart from src/whir/whir_solver.c, as test vectors.

    tools/whir_vectors.py > tests/unit/whir/whir_vectors.inc

Formulas: WHIR Theorem 5.2 and Claim 5.4 (eprint 2024/1586), STIR Lemma 4.5 (2024/390), BCHKS25
Theorems 1.3 and 4.6 (2025/2055). All values are base-2 logarithms of errors, negated.
"""
import math

LOG_FIELD = 3 * math.log2(2**64 - 2**32 + 1)
MULTIPLICITIES = list(range(3, 64)) + [int(64 * 1.04**i) for i in range(150)]


def query(regime, r, mu):
    agreement = (1 + 2.0**-r) / 2 if regime == "UNIQUE" else 2 ** (-r / 2) * (1 + 1 / (2 * mu))
    return -math.log2(agreement)


def list_size(regime, r, mu):
    return 1.0 if regime == "UNIQUE" else (mu + 0.5) * 2 ** (r / 2)


def fold(regime, m, r, mu, step=1):
    n, rho = 2.0 ** (m - step + r), 2.0**-r
    if regime == "UNIQUE":
        gap = (1 - rho) / 2 * n + 1
    else:
        big = mu + 0.5
        delta = max(1 - math.sqrt(rho) * (1 + 1 / (2 * mu)), 0)
        gap = (2 * big**5 + 3 * big * delta * rho) * n / (3 * rho**1.5) + big / math.sqrt(rho)
    return LOG_FIELD - math.log2(gap + 3 * list_size(regime, r, mu))


def ood(regime, m, r, mu):
    return LOG_FIELD + 1 - m - 2 * math.log2(list_size(regime, r, mu))


def choose(regime, m, r, target, margin, grinding):
    """Fewest queries, then the smallest multiplicity; the query term is to reach the target."""
    best = None
    for mu in [1] if regime == "UNIQUE" else MULTIPLICITIES:
        enough = fold(regime, m, r, mu) >= target + margin - 1e-9
        if regime != "UNIQUE":
            enough = enough and ood(regime, m, r, mu) >= target + margin
        t = math.ceil((target - grinding) / query(regime, r, mu) - 1e-9)
        if enough and (best is None or t < best[0]):
            best = (t, mu)
    return best


def solve(regime, cells, rate, folds, reductions, target, margin, grinding):
    rounds, m, r = [], cells, rate
    for k, s in zip(folds, reductions):
        t, mu = choose(regime, m, r, target, margin, grinding)
        rounds.append(dict(m=m, r=r, k=k, t=t, mu=mu))
        m, r = m - k, r + k - s
    for i, c in enumerate(rounds):
        while True:
            error = 2.0 ** (-c["t"] * query(regime, c["r"], c["mu"]))
            if i + 1 < len(rounds):
                after = rounds[i + 1]
                error += list_size(regime, after["r"], after["mu"]) * (c["t"] + 1) / 2**LOG_FIELD
            c["g"] = max(0, math.ceil(target + math.log2(error) - 1e-9))
            if c["g"] <= grinding:
                break
            c["t"] += 1
        c["query"] = c["g"] - math.log2(error)
    return rounds


SETS = [  # regime, cells, rate, folds, log2 of the domain reductions, target, margin, grinding
    ("JOHNSON", 20, 1, (6, 4, 3), (4, 1, 1), 128, 5, 16),
    ("JOHNSON", 23, 1, (6, 4, 4), (4, 1, 1), 128, 5, 16),
    ("JOHNSON", 26, 1, (6, 4, 4, 4), (4, 1, 1, 1), 128, 5, 16),
    ("JOHNSON", 26, 1, (6, 4, 4, 4), (4, 1, 1, 1), 128, 0, 16),
    ("JOHNSON", 26, 1, (6, 4, 4, 4), (3, 1, 1, 1), 128, 0, 16),
    ("JOHNSON", 26, 1, (5, 4, 4, 4), (3, 1, 1, 1), 128, 0, 16),
    ("JOHNSON", 22, 2, (5, 4, 4, 3), (3, 1, 1, 1), 128, 0, 20),
    ("JOHNSON", 20, 4, (5, 4, 4), (1, 1, 1), 100, 0, 20),
    ("UNIQUE", 26, 1, (6, 4, 4, 4), (4, 1, 1, 1), 128, 0, 20),
    ("UNIQUE", 20, 2, (6, 4, 4), (3, 1, 1), 100, 0, 20),
]

print("// SPDX-License-Identifier: Apache-2.0 OR MIT")
print("// Made by tools/whir_vectors.py; do not edit.")
for regime, cells, rate, folds, reductions, target, margin, grinding in SETS:
    rounds = solve(regime, cells, rate, folds, reductions, target, margin, grinding)
    print(f"{{WHIR_{regime}, {cells}, {rate}, {folds[0]}, {reductions[0]}, {cells - sum(folds)},")
    print(f" {target}, {margin}, {grinding}, {len(rounds)},")
    print(" {", end="")
    for c in rounds:
        bits = fold(regime, c["m"], c["r"], c["mu"])
        answer = 0 if regime == "UNIQUE" else ood(regime, c["m"], c["r"], c["mu"])
        print(f"{{{c['m']}, {c['r']}, {c['k']}, {c['g']}, {c['t']}, {c['mu']}, "
              f"{answer:.9f}, {bits:.9f}, {c['query']:.9f}}},\n  ", end="")
    print("}},")
