#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The parameter classes are the same in the source, in the page on the format and in verify.py.

usage: test_class_tables.py ROOT

Proofs of a class that no test proves would find a difference only at their users'.
"""
import re
import sys

root = sys.argv[1]
sys.path.insert(0, root + "/tools")
import verify  # noqa: E402


def read(path):
    with open(f"{root}/{path}", encoding="utf-8") as f:
        return f.read()


def of_source():
    header, source = read("src/whir/whir_params.h"), read("src/whir/whir_params.c")
    ids = {name: int(value, 0)
           for name, value in re.findall(r"(WHIR_CLASS_\w+) = (\w+),", header)}
    classes = {}
    for name, rest in re.findall(r"\{(WHIR_CLASS_\w+),((?:(?!\{WHIR_CLASS).)*)", source, re.S):
        stack, final, n_rounds = map(int, re.findall(r"(?<![\w^])\d+(?=,)", rest)[:3])
        rounds = [tuple(map(int, r.split(",")))[:6]
                  for r in re.findall(r"\{(\d+(?:, \d+){6})\}", rest)]
        assert len(rounds) == n_rounds, name
        classes[ids[name]] = (stack, final, rounds)
    assert set(classes) == set(ids.values())
    return classes


def of_page():
    classes = {}
    for line in read("doc/proof-format.md").splitlines():
        row = re.match(r"\| (\d+)[^|]*\| (\d+) \| (\d+) \| (\(.*\)) \|$", line)
        if row:
            rounds = [tuple(map(int, r.split(","))) for r in re.findall(r"\(([\d,]+)\)", row[4])]
            classes[int(row[1])] = (int(row[2]), int(row[3]), rounds)
    return classes


source, page = of_source(), of_page()
verifier = {i: (c.stack, c.final, c.rounds) for i, c in verify.CLASSES.items()}
tests_only = {i for i in source if i >= 240}
assert len(source) >= 9 and tests_only == {240, 241}
for i, c in source.items():
    assert page.get(i) == c, f"class {i}: {page.get(i)} in the page, {c} in the source"
    if i not in tests_only:
        assert verifier.get(i) == c, f"class {i}: {verifier.get(i)} in verify.py, {c} in the source"
assert set(page) == set(source) and set(verifier) == set(source) - tests_only
fixed = {i for i in source if i > 100 and i < 240}
assert set(verify.FIXED_CLASSES) == fixed
print(f"{len(source)} classes")
