#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The tests that doc/attacks.md names exist, are among the tests of their file, and are built.

usage: test_attack_table.py SOURCE_FOLDER"""

import pathlib
import re
import sys

ENTRY = re.compile(r"`(\w+\.c): (\w+)`")


def is_built(path):
    """Named in the CMakeLists.txt beside it, whole or as a word of a foreach over tests."""
    text = (path.parent / "CMakeLists.txt").read_text()
    word = path.stem.removeprefix("test_")
    looped = "test_${test}.c" in text and re.search(rf"foreach\(test [^)]*\b{word}\b", text)
    return looped or re.search(rf"\b{re.escape(path.name)}\b", text)


def main():
    root = pathlib.Path(sys.argv[1])
    sources = {}
    for path in (root / "tests").rglob("test_*.c"):
        if is_built(path):
            sources[path.name] = sources.get(path.name, "") + path.read_text()
    wrong, n = [], 0
    for line in (root / "doc/attacks.md").read_text().splitlines():
        if not line.startswith("| ") or line.startswith(("| attack |", "| run |")):
            continue
        entries = ENTRY.findall(line)
        if not entries:
            wrong.append(f"no test: {line}")
        for file, function in entries:
            n += 1
            if not re.search(rf"cmocka_unit_test\({function}\)", sources.get(file, "")):
                wrong.append(f"{file} has no test {function}")
    print(f"{n} tests named")
    if wrong or n < 60:
        sys.exit("\n".join(wrong) or "the page names too few tests to be read right")


main()
