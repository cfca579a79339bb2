#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A proof that will not fit into memory or onto the disk is refused before its long work begins.

usage: test_limits.py ZISK GUESTS_FOLDER"""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

ZISK, GUESTS = sys.argv[1], sys.argv[2]
TMPFS = 'mount -t tmpfs -o size=1m tmpfs "$1" && shift && exec "$@"'


class Limits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.spill = os.path.join(self.folder, 'spill')
        os.mkdir(self.spill)
        rounds = os.path.join(self.folder, 'rounds')
        with open(rounds, 'wb') as f:
            f.write(struct.pack('<I', 40))  # three instances or more
        self.proof = os.path.join(self.folder, 'proof')
        self.command = [ZISK, 'prove', os.path.join(GUESTS, 'mix.elf'), '--raw-input', rounds,
                        '-o', self.proof, '--threads', '2']

    def refused(self, command, pattern):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, pattern)
        self.assertNotIn('committed', done.stderr)
        self.assertFalse(os.path.exists(self.proof))
        self.assertEqual(os.listdir(self.spill), [])

    def test_memory(self):
        self.refused(self.command + ['--max-memory', '2'],
                     r'takes about 2\d\d\d MiB of memory, and the limit is 2048 MiB')

    def test_disk(self):
        mounted = ['unshare', '--mount', 'sh', '-c', TMPFS, 'sh', self.spill]
        if subprocess.run(mounted + ['true'], capture_output=True, check=False).returncode != 0:
            self.skipTest('a file system of 1 MiB cannot be mounted here (needs root)')
        self.refused(mounted + self.command + ['--max-memory', '3', '--spill-dir', self.spill],
                     r'spill folder \S+ has room for [01] MiB, but \d\d+ MiB will be needed')

    def test_no_folder(self):
        self.refused(self.command + ['--spill-dir', '/nowhere/at/all'], '/nowhere/at/all')
        self.refused(self.command + ['--spill-dir', self.command[2]], r'mix\.elf is no folder')


if __name__ == '__main__':
    result = unittest.main(argv=sys.argv[:1], exit=False).result
    for _, reason in result.skipped:
        print('SKIPPED:', reason)
    sys.exit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
