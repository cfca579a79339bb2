#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Every example guest that halts with 0, in both memory maps: zisk check finds nothing, and what it
publishes is right. Some of them are proved and verified, from outside, with other processes.

usage: test_examples_proved.py ZISK GUESTS_FOLDER"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

ZISK, GUESTS = sys.argv[1], sys.argv[2]


def zisk(*arguments):
    return subprocess.run([ZISK, *arguments], capture_output=True, text=True, timeout=1800)


def peak_of_check(*arguments):
    """zisk check on two processors: its output, exit code and peak memory in MiB."""
    with tempfile.TemporaryFile('w+') as out:
        two = sorted(os.sched_getaffinity(0))[:2]
        child = subprocess.Popen([ZISK, 'check', *arguments], stdout=out, stderr=out,
                                 preexec_fn=lambda: os.sched_setaffinity(0, two))
        _, code, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(code)
        out.seek(0)
        return out.read(), child.returncode, usage.ru_maxrss >> 10


def elf(name):
    return os.path.join(GUESTS, name + '.elf')


def words(data):
    """Published bytes as the 64 public words."""
    return list(struct.unpack('<64I', data.ljust(256, b'\0')))


# ---- Inputs: name -> (input, what is published; None where only the run says) ----

def lz4_input():
    """A block of one repeating pattern: literals, one long overlapping match, last literals."""
    data = b'a pattern, ' * 60
    extended = len(data) - 11 - 5 - 4 - 15
    block = bytes([11 << 4 | 15]) + data[:11] + struct.pack('<H', 11)
    block += b'\xff' * (extended // 255) + bytes([extended % 255])
    block += bytes([5 << 4]) + data[-5:]
    head = struct.pack('<II', len(data), zlib.crc32(data))
    return head + block, head


def ecdsa_input():
    """A signature made here with the textbook formulas, and the same one with another message."""
    p = 2**256 - 2**32 - 977
    n = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141
    g = (0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798,
         0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8)

    def add(a, b):
        if a is None or b is None:
            return a or b
        if a == b:
            slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, p)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, p)
        x = (slope * slope - a[0] - b[0]) % p
        return x, (slope * (a[0] - x) - a[1]) % p

    def times(k, point):
        total = None
        for bit in bin(k)[2:]:
            total = add(total, total)
            if bit == '1':
                total = add(total, point)
        return total

    def number(text):
        return int.from_bytes(hashlib.sha256(text).digest(), 'big') % n

    secret, nonce, message = number(b'secret'), number(b'nonce'), hashlib.sha256(b'text').digest()
    r = times(nonce, g)[0] % n
    s = pow(nonce, -1, n) * (int.from_bytes(message, 'big') + r * secret) % n
    rest = b''.join(x.to_bytes(32, 'big') for x in (r, s, *times(secret, g)))
    other = hashlib.sha256(b'another text').digest()
    return message + rest + other + rest, struct.pack('<IB', 2, 1)


def csv_input():
    text = b'name,region,amount\r\nann,north,12.5\nbob,"south",-3\n"c, d",north,0.01\n'
    published = struct.pack('<Qqqq', 3, 951, -300, 1250) + struct.pack('<Q', 2)
    published += b'north'.ljust(8, b'\0') + struct.pack('<q', 1251)
    return text, published + b'south'.ljust(8, b'\0') + struct.pack('<q', -300)


def fibonacci_input():
    return struct.pack('<I', 93), struct.pack('<IQ', 93, 12200160415121876738)


def sha256_input():
    text = bytes(range(256)) * 3
    return text, hashlib.sha256(text).digest()


CASES = {
    'fibonacci': fibonacci_input(),
    'sha256': sha256_input(),
    'csv': csv_input(),
    'lz4': lz4_input(),
    'ecdsa': ecdsa_input(),
    'mix': (struct.pack('<I', 3), None),
}
PROVED = ('csv-b', 'lz4', 'ecdsa')


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def file(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as f:
            f.write(content)
        return path

    def test_each_passes_the_check(self):
        for name, (data, published) in CASES.items():
            path = self.file('input', data)
            for guest in (name, name + '-b'):
                with self.subTest(guest):
                    done = zisk('run', elf(guest), '--raw-input', path, '--json')
                    self.assertEqual(done.returncode, 0, done.stderr)
                    result = json.loads(done.stdout.splitlines()[-1])
                    if published is not None:
                        self.assertEqual(result['publics'], words(published))
                    checked = zisk('check', elf(guest), '--raw-input', path)
                    self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
                    self.assertRegex(checked.stdout, f'^ok: {result["steps"]} steps, ')

    def test_some_are_proved(self):
        for guest in PROVED:
            data, published = CASES[guest.removesuffix('-b')]
            path, proof = self.file('input', data), os.path.join(self.folder, guest)
            with self.subTest(guest):
                done = zisk('prove', elf(guest), '--raw-input', path, '-o', proof)
                self.assertEqual(done.returncode, 0, done.stderr)
                key = zisk('vk', elf(guest)).stdout.strip()
                done = zisk('verify', proof, '--vk', key)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                lines = done.stdout.split('\n', 1)
                self.assertEqual(lines[0], 'valid')
                self.assertEqual(list(map(int, lines[1].split())), words(published))
                # The statement: these outputs and no others, this program and no other.
                right = self.file('right', ' '.join(map(str, words(published))).encode())
                wrong = self.file('wrong', ' '.join(map(str, words(b'\1'))).encode())
                done = zisk('verify', proof, '--elf', elf(guest), '--publics', right)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                done = zisk('verify', proof, '--elf', elf(guest), '--publics', wrong)
                self.assertEqual((done.returncode, done.stdout[:8]), (1, 'invalid:'))
                done = zisk('verify', proof, '--elf', elf('fibonacci'))
                self.assertEqual((done.returncode, done.stdout[:8]), (1, 'invalid:'))

    def test_a_run_of_several_instances(self):
        """Memory and registers pass from one instance to the next, and a check holds one instance
        (586 MiB with its tables), not the tuples of the run (2 GiB)."""
        path = self.file('input', struct.pack('<I', 20))
        output, code, peak_mib = peak_of_check(elf('mix'), '--raw-input', path)
        self.assertEqual(code, 0, output)
        self.assertGreater(int(output.split()[3]), 1, output)
        self.assertLess(peak_mib, 1024)

    def test_the_library_of_the_sdk(self):
        done = zisk('check', elf('library-short'))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_cannot_be_proved_is_refused(self):
        proof = os.path.join(self.folder, 'proof')
        # A failing guest, and one that calls a precompile that has no chip.
        for guest, data, text in (('csv', b'no header', 'exits with code 1'),
                                  ('accelerators-precompiles', bytes(400),
                                   r'calls \w+ at pc 0x8[0-9a-f]+, a precompile that has no chip')):
            path = self.file('input', data)
            done = zisk('prove', elf(guest), '--raw-input', path, '-o', proof)
            self.assertEqual(done.returncode, 1, guest)
            self.assertRegex(done.stderr, text)
            self.assertFalse(os.path.exists(proof))


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
