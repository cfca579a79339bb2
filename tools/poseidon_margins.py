#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What published attack models say about our Poseidon: GF(2^64 - 2^32 + 1), width 16, x^7, 8 full
and 22 partial rounds. Prints the figures of doc/decisions.md; --check compares the model functions
with values that their sources print, and ours with the floors that we rely on.

Formulas, no code, from: the round conditions of Poseidon (eprint 2019/458, section 5, with the one
that 2023/537 added, as the designers' parameter script states it); interpolation of CICO-1 and
root finding (2025/937, 2025/950); S-box skipping (2026/1692, sections 5 to 7); linear and nonlinear
subspace trails for Groebner bases (2025/954; 2026/1792, sections 2 and 4); the ideal degree of
CheapLunch (2025/2040). Of the last four we had the formulas as others quote them with the tables
that they reproduce, not the papers. A model is an upper bound on what an attacker needs under its
assumptions; none of these numbers is a lower bound on all attacks.

CICO-k: given values for k elements of the input (or none, in compression mode), find an input whose
output has k given elements. A guess is right with probability p^-k. Our digests and capacities are
4 elements: a preimage is CICO-4; collisions cost 2^128 by birthday.
"""
import math
import sys

P = 2**64 - 2**32 + 1
BITS = math.log2(P)
T, ALPHA, FULL, PARTIAL, DIGEST, CAPACITY = 16, 7, 8, 22, 4, 4
TARGET = 128


def log_binomial(n, k):
    k = min(k, n - k)
    if n < 2**20:
        return math.log2(math.comb(n, k))
    return sum(math.log2(n - i) - math.log2(i + 1) for i in range(k))


# ---- Conditions on the numbers of rounds


def conditions(t, alpha, bits, full, partial, m=TARGET):
    """name -> (R_F that is needed with these partial rounds, or bits of an attack)."""
    log2_alpha = math.log2(alpha)
    needs = {
        "statistical": 6 if m <= math.floor(bits - (alpha - 1) / 2) * (t + 1) else 10,
        "interpolation": 1 + math.ceil(min(m, bits) / log2_alpha)
        + math.ceil(math.log(t, alpha)) - partial,
        "Groebner 1": min(m, bits) / log2_alpha - partial,
        "Groebner 2": t - 1 + min(m / (t + 1), bits / 2) / log2_alpha - partial,
        "Groebner 3": (t - 2 + m / (2 * log2_alpha) - partial) / (t - 1),
    }
    third = t // 3
    under = third * full // 2 + partial + alpha
    over = (full - 1) * t + partial + third + under
    return needs, 2 * log_binomial(over, under)


def holds(t, alpha, bits, full, partial):
    needs, binomial_bits = conditions(t, alpha, bits, full, partial)
    return full >= max(math.ceil(x) for x in needs.values()) and binomial_bits >= TARGET


def fewest_rounds(t, alpha, bits):
    """(R_F, R_P) with the fewest S-boxes, then with the designers' margin."""
    candidates = [
        (t * f + p, f, p)
        for f in range(4, 20, 2)
        for p in range(1, 120)
        if holds(t, alpha, bits, f, p)
    ]
    _, full, partial = min(candidates)
    return (full, partial), (full + 2, math.ceil(partial * 1.075))


# ---- S-box skipping (2026/1692): one initial full round and t - 2k partial ones cost no degree


def skipping(t, alpha, bits, k, partial, last_full):
    """log2 of time to solve CICO-k of a permutation with one full round in front."""
    log_degree = max(partial + last_full - (t - 2 * k), 0) * math.log2(alpha)
    return 2**k * log_degree + math.log2(bits)


def skipped_within(k, limit):
    """Most partial rounds for which that is below `limit` bits, all last full rounds present."""
    cheap = [p for p in range(PARTIAL + 1) if skipping(T, ALPHA, BITS, k, p, FULL // 2) < limit]
    return max(cheap)


# ---- Groebner bases with subspace trails (2025/954, 2026/1792)


def macaulay(degrees, n_variables, omega=2):
    """degrees: list of (how many equations, degree)."""
    total = sum(n * d for n, d in degrees)
    return omega * log_binomial(1 + total, n_variables)


def trail_models(t, alpha, p, c, d, first, last, partial):
    """Name of a model -> log2 of its cost. first, last: full rounds before and after."""

    def degree(e):
        return min(alpha**e, p - 2)

    budget = t - d - c
    out = {"no trail": macaulay([(d, degree(first + last + partial))], d)}
    for name, covered, extra in (("linear trail", budget, 0), ("nonlinear trail", 2 * budget, 1)):
        free = max(partial - covered, extra)  # the end of a nonlinear trail has degree alpha
        side = [(budget, degree(first + 1))] if extra else [(budget, degree(first))]
        out[name] = macaulay([(d, degree(first + last + free))] + side, t - c)
        splits = []
        for tau in range(free - extra + 1):
            equations = [(t, degree(first + tau)), (d, degree(last + free - tau))]
            if extra:
                equations.append((budget, alpha))
            splits.append(macaulay(equations, 2 * t - c if extra else t + d))
        out[name + ", split"] = min(splits)
    return out


# ---- Ideal degree (2025/2040): at most alpha^(k R_F + R_P), solved in its square


def ideal(alpha, k, full, partial):
    return 2 * (k * full + partial) * math.log2(alpha)


def report():
    print(f"Poseidon over 2^64 - 2^32 + 1, t = {T}, x^{ALPHA}, {FULL} + {PARTIAL} rounds")
    least, margin = fewest_rounds(T, ALPHA, BITS)
    print(f"round conditions: least {least[0]} + {least[1]}, with margin {margin[0]} + {margin[1]}")
    needs, binomial_bits = conditions(T, ALPHA, BITS, FULL, PARTIAL)
    for name, need in needs.items():
        print(f"  {name:14} R_F >= {math.ceil(need)}")
    print(f"  {'2023/537':14} 2^{binomial_bits:.0f}")
    print("univariate degree of CICO-1, one full round skipped, reaches p after "
          f"{math.ceil(BITS / math.log2(ALPHA))} of {FULL + PARTIAL - 1} rounds")  # fmt: skip
    print("S-box skipping, where only one full round stands in front of the partial ones:")
    for k in range(1, DIGEST + 1):
        cost = skipping(T, ALPHA, BITS, k, PARTIAL, FULL // 2)
        most = skipped_within(k, k * BITS)
        reach = f"1 + {most} + {FULL // 2}"
        print(f"  CICO-{k}: 1 + {PARTIAL} + {FULL // 2} rounds in 2^{cost:.0f}, a guess 2^"
              f"{k * BITS:.0f}; cheaper than a guess up to {reach}")  # fmt: skip
    for mode, c in (("compression", 0), ("sponge", CAPACITY)):
        costs = trail_models(T, ALPHA, P, c, DIGEST, FULL // 2 - 1, FULL // 2, PARTIAL)
        budget = T - DIGEST - c
        print(f"Groebner bases, CICO-{DIGEST}, {mode}: trails over {budget} and {2 * budget} of "
              f"{PARTIAL} partial rounds")  # fmt: skip
        for name, cost in costs.items():
            print(f"  {name:22} 2^{cost:.0f}")
    for k in (1, 2, 4):
        print(f"ideal degree, CICO-{k}, one full round skipped: 2^"
              f"{ideal(ALPHA, k, FULL - 1, PARTIAL):.0f}, a guess 2^{k * BITS:.0f}")  # fmt: skip


def check():
    # Sets that the designers' script and Plonky3 publish: (t, alpha, bits) -> (R_F, R_P).
    koala = math.log2(2**31 - 2**24 + 1)
    for (t, alpha, bits), rounds in {(16, 7, BITS): (8, 22), (12, 7, BITS): (8, 22),
                                     (8, 7, BITS): (8, 22), (8, 3, BITS): (8, 41),
                                     (16, 3, koala): (8, 20), (24, 3, koala): (8, 23),
                                     (16, 7, koala): (8, 13)}.items():  # fmt: skip
        assert fewest_rounds(t, alpha, bits)[1] == rounds, (t, alpha, bits)
    # Table 1 of 2026/1692: KoalaBear, t = 24, alpha = 3.
    for k, partial, time in ((1, 23, 20.8), (2, 23, 49.3), (2, 20, 30.3), (3, 18, 55.7),
                             (4, 16, 106.4)):  # fmt: skip
        assert abs(skipping(24, 3, 31, k, partial, 4) - time) < 0.6, (k, partial)
    # Table C.2 of 2026/1792, compression, p near 2^64, t = 24, d = 4, alpha = 3, R_F = 6: without a
    # trail 2^120.9 with 3 partial rounds and 2^133.6 with 4.
    for partial, bits in ((3, 120.9), (4, 133.6)):
        cost = trail_models(24, 3, 2**64, 0, 4, 3, 3, partial)["no trail"]
        assert abs(cost - bits) < 0.1, (partial, cost)
    # Table C.1: sponge, p near 2^256, alpha = 7, t = 4, c = d = 1, R_F = 6, 5 partial rounds.
    cost = trail_models(4, 7, 2**256, 1, 1, 3, 3, 5)["nonlinear trail, split"]
    assert abs(cost - 141.8) < 0.1, cost
    # What we rely on, for the hash in use.
    assert holds(T, ALPHA, BITS, FULL - 2, math.floor(PARTIAL / 1.075))
    for c in (0, CAPACITY):
        costs = trail_models(T, ALPHA, P, c, DIGEST, FULL // 2 - 1, FULL // 2, PARTIAL)
        assert min(costs.values()) > DIGEST * BITS
    assert ideal(ALPHA, DIGEST, FULL - 1, PARTIAL) > DIGEST * BITS
    print("poseidon_margins: as published")


if __name__ == "__main__":
    check() if sys.argv[1:] == ["--check"] else report()
