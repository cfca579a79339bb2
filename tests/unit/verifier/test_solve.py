#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""zisk soundness --solve finds the sets of doc/proof-format.md (as tools/verify.py has them) and
refuses goals that it cannot reach or read.

usage: test_solve.py ZISK TOOLS
"""
import json
import subprocess
import sys

ZISK, TOOLS = sys.argv[1:3]
sys.dont_write_bytecode = True
sys.path.insert(0, TOOLS)
import verify  # noqa: E402


def run(*options):
    return subprocess.run([ZISK, "soundness", *options], capture_output=True, text=True)


def solve(**goal):
    options = [word for k, v in goal.items() for word in (f"--{k.replace('_', '-')}", str(v))]
    done = run("--solve", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def words(final, rounds):
    """Of an opening, by the counts at the end of section 7 of the document."""
    n = 6 * final
    for i, (m, r, k, _, cap, queries) in enumerate(rounds):
        levels = m + r - k - cap
        path = 4 * (3 * (levels // 2) + levels % 2)
        n += 6 * k + (3 * 2**final if i == len(rounds) - 1 else 7) + 1 + 4 * 2**cap
        n += queries * ((1 if i == 0 else 3) * 2**k + path)
    return n


for class_id, expected in verify.CLASSES.items():
    found = solve(log_cells=expected.stack, log_rate=expected.rounds[0][1])
    rounds = [tuple(r[key] for key in ("log_cells", "log_inv_rate", "folds", "grinding", "log_cap",
                                       "queries")) for r in found["rounds"]]  # fmt: skip
    assert (rounds, found["log_final"]) == (expected.rounds, expected.final), class_id
    assert found["proof_bytes"] == 8 * words(expected.final, rounds), class_id
    assert 128 <= found["johnson_bits"] < 128.5 and found["unique_bits"] < 70, class_id
    assert all(r["ood_samples"] == 1 for r in found["rounds"])

# Each number of the goal changes what is found.
base = solve()
assert base["row_and_path_permutations"] > 1000
for goal in ({"target": 100}, {"margin": 12}, {"grinding": 8}, {"log_cells": 25}, {"log_rate": 2},
             {"first_fold": 5}, {"fold": 3}, {"first_reduction": 3}, {"reduction": 2},
             {"log_final": 7}, {"regime": "unique"}):  # fmt: skip
    found = solve(**goal)
    assert found["rounds"] != base["rounds"], goal
    bits = "unique_bits" if "regime" in goal else "johnson_bits"
    assert found[bits] >= goal.get("target", 128), goal
assert solve(regime="unique")["johnson_bits"] is None
assert solve(regime="johnson") == base
assert "228" in run("--solve").stdout

for options, code, text in (
        (("--solve", "--target", "180"), 1, "no WHIR parameters reach 180.0 bits"),
        (("--solve", "--fold", "9"), 2, "--fold takes a number from 1 to 4"),
        (("--solve", "--target", "many"), 2, "--target takes a number"),
        (("--solve", "--regime", "capacity"), 2, "--regime takes johnson or unique"),
        (("--solve", "--target"), 2, "--target"),
        (("--target", "100"), 2, "--target needs --solve"),
        (("--regime", "unique"), 2, "--regime needs --solve"),
        (("--conjecture",), 2, "--conjecture"),
        (("more",), 2, "more")):  # fmt: skip
    done = run(*options)
    assert done.returncode == code and text in done.stderr, (options, done)
