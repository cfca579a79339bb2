#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The table of SOUNDNESS.md is what `zisk soundness --json` prints.

usage: test_soundness_page.py ZISK SOUNDNESS.md [--print]

Folds are shown by their smallest row. --print writes the table that should be in the page.
"""
import json
import re
import subprocess
import sys

REGIMES = ("johnson_bits", "unique_bits")


def table(report):
    names = [s["class"] for s in report["sets"]]
    cells, order = {}, []
    for s in report["sets"]:
        for r in s["rounds"]:
            row = (r["part"], re.sub(r"fold \d+", "smallest fold", r["round"]))
            if row not in order:
                order.append(row)
            for regime in REGIMES:
                if r[regime] is not None:
                    at = (row, s["class"], regime)
                    cells[at] = min(cells.get(at, 1e9), r[regime])
    # WHIR's last, in order of rounds, so that sets of different length fit.
    steps = ["ood", "smallest fold", "shift", "final", "last sumcheck"]
    order.sort(key=lambda r: (1, r[1].split(":")[0], steps.index(r[1].split(": ")[1]))
               if r[0] == "whir" else (0, "", 0))
    lines = ["| part | round | " + " | ".join(f"{n} Johnson | unique" for n in names) + " |",
             "|---|---|" + "---|" * (2 * len(names))]
    for row in order:
        bits = [cells.get((row, n, regime)) for n in names for regime in REGIMES]
        lines.append(f"| {row[0]} | {row[1]} | "
                     + " | ".join("-" if b is None else f"{b:.2f}" for b in bits) + " |")
    lines.append("| **minimum** | | " + " | ".join(
        f"**{s['johnson_bits']:.2f}** | {s['unique_bits']:.2f}" for s in report["sets"]) + " |")
    return lines


def main():
    report = json.loads(subprocess.check_output([sys.argv[1], "soundness", "--json"]))
    expected = table(report)
    if "--print" in sys.argv:
        print("\n".join(expected))
        return 0
    assert list(report)[-2:] == list(REGIMES), "the minimum comes last"
    for regime in REGIMES:
        least = min(r[regime] for s in report["sets"] for r in s["rounds"]
                    if r[regime] is not None)
        assert report[regime] == least, regime
    assert report["johnson_bits"] >= 128
    with open(sys.argv[2], encoding="utf-8") as page:
        found = [line.rstrip("\n") for line in page
                 if line.startswith("| ") and line.count("|") == expected[0].count("|")]
    missing = [line for line in expected if not line.startswith("|---") and line not in found]
    for line in missing:
        print("not in the page:", line)
    return 1 if missing or len(found) != len(expected) - 1 else 0


if __name__ == "__main__":
    sys.exit(main())
