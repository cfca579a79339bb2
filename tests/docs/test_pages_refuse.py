#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""test_pages.py passes true pages and fails the others, saying where."""
import os
import sys
import tempfile
import time
import unittest
from unittest import mock

sys.dont_write_bytecode = True  # the source folder stays as it is
import test_pages

FENCE = "```"


class Pages(unittest.TestCase):
    def problems(self, text):
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "page.md")
            with open(page, "w", encoding="utf-8") as f:
                f.write(text.replace("~~~", FENCE))
            return test_pages.run_page(page, folder, folder)

    def test_a_true_page(self):
        problems, n = self.problems(
            "Text.\n~~~sh run\nx=1\ncat > f <<'END'\n$x\nEND\n~~~\n~~~sh\nfalse\n~~~\n"
            "~~~sh run\necho one; cat f; echo three four; echo five\n~~~\n"
            "~~~text output\none\n...\nthree ...r\n~~~\n")
        self.assertEqual((problems, n), ([], 2))

    def test_standard_error_is_printed_too(self):
        self.assertEqual(self.problems("~~~sh run\necho a >&2\n~~~\n~~~text output\na\n~~~\n")[0],
                         [])

    def test_a_command_that_fails(self):
        problems, n = self.problems("~~~sh run\ntrue\n~~~\n\n~~~sh run\necho why; exit 3\n~~~\n")
        self.assertEqual((len(problems), n), (1, 1))
        self.assertIn("page.md:5: exit code 3", problems[0])
        self.assertIn("why", problems[0])

    def test_what_runs_in_the_background_ends_with_the_page(self):
        """With namespaces of its own and without."""
        page = "~~~sh run\nsleep 250 & echo $!\n~~~\n~~~text output\n...\n~~~\n"
        start = time.monotonic()
        self.assertEqual(self.problems(page)[0], [])
        with mock.patch.object(test_pages, "private_shell", return_value=[]):
            self.assertEqual(self.problems(page)[0], [])
        self.assertLess(time.monotonic() - start, 200)

    def test_output_that_differs(self):
        for printed, expected in (("echo a", "b"), ("echo a; echo b", "b\na"), ("echo ab", "a"),
                                  ("true", "a"), ("echo a.c", "a...d")):
            problems, _ = self.problems(
                f"~~~sh run\n{printed}\n~~~\n~~~text output\n{expected}\n~~~\n")
            self.assertEqual(len(problems), 1, (printed, expected))
            self.assertIn("page.md:1", problems[0])

    def test_a_page_without_commands(self):
        self.assertEqual(len(self.problems("~~~sh\ntrue\n~~~\n")[0]), 1)

    def test_marks_that_nobody_knows(self):
        for text in ("~~~sh Run\ntrue\n~~~\n", "~~~text output\na\n~~~\n", "~~~sh run\ntrue\n"):
            with self.assertRaises(SystemExit):
                self.problems(text)


if __name__ == "__main__":
    unittest.main()
