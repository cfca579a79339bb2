#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Signals stop zisk run, check and prove soon, with an exit code that names them, and leave no file.

usage: test_interrupts.py ZISK GUESTS_FOLDER"""
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

ZISK, GUESTS = sys.argv[1], sys.argv[2]
PATIENCE_S = 500  # a limit for a hang, not a measurement


def is_caught(pid, number):
    """Whether the process has a handler for the signal."""
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        for line in f:
            if line.startswith('SigCgt:'):
                return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


class Interrupts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.spill = os.path.join(self.folder, 'spill')
        os.mkdir(self.spill)
        self.proof = os.path.join(self.folder, 'proof')
        self.rounds = os.path.join(self.folder, 'rounds')
        with open(self.rounds, 'wb') as f:
            f.write(struct.pack('<I', 1000000))  # 10^11 steps, for run
        self.few = os.path.join(self.folder, 'few')
        with open(self.few, 'wb') as f:
            f.write(struct.pack('<I', 40))  # three instances or more, for prove and check

    def stopped(self, arguments, number, ready=lambda: True):
        """Starts zisk, sends the signal when a handler is there and ready() holds; its stderr."""
        child = subprocess.Popen([ZISK, *arguments], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not (is_caught(child.pid, number) and ready()):
                self.assertIsNone(child.poll(), 'ended before the signal')
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            child.send_signal(number)
            _, text = child.communicate(timeout=PATIENCE_S)
        finally:
            child.kill()
            child.communicate()
        self.assertEqual(child.returncode, 128 + number, text)
        self.assertIn('stopped by ' + signal.Signals(number).name, text)
        self.assertEqual(os.listdir(self.spill), [])
        self.assertEqual(sorted(os.listdir(self.folder)), ['few', 'rounds', 'spill'])
        return text

    def elf(self):
        return os.path.join(GUESTS, 'mix.elf')

    def test_run(self):
        text = self.stopped(['run', self.elf(), '--raw-input', self.rounds], signal.SIGINT)
        self.assertIn('steps', text)

    def test_check(self):
        self.stopped(['check', self.elf(), '--raw-input', self.few], signal.SIGTERM)

    def prove(self):
        return ['prove', self.elf(), '--raw-input', self.few, '-o', self.proof, '--max-memory', '3',
                '--spill-dir', self.spill]

    def test_prove_at_once(self):
        text = self.stopped(self.prove(), signal.SIGINT)
        self.assertIn('no proof was written', text)

    def test_prove_with_files_in_the_spill_folder(self):
        self.stopped(self.prove(), signal.SIGTERM, lambda: os.listdir(self.spill) != [])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
