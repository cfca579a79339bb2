#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""zisk run and zisk disasm from outside: streams, exit codes, JSON, profile, refusals.

usage: test_zisk_run.py ZISK GUESTS_FOLDER"""

import hashlib
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import unittest

ZISK, GUESTS = sys.argv[1], sys.argv[2]
SHA256 = os.path.join(GUESTS, 'sha256.elf')
MIX = os.path.join(GUESTS, 'mix.elf')
FIBONACCI = os.path.join(GUESTS, 'fibonacci.elf')


def zisk(*arguments):
    return subprocess.run([ZISK, *arguments], capture_output=True, timeout=60)


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, content):
        path = os.path.join(self.folder.name, name)
        with open(path, 'wb') as f:
            f.write(content)
        return path

    def test_raw_input_and_records_are_the_same_to_the_guest(self):
        message = b'a message of no particular length'
        record = struct.pack('<Q', len(message)) + message + bytes(-len(message) % 8)
        for flags in (['--raw-input', self.file('raw', message)],
                      ['-i', self.file('records', record)]):
            done = zisk('run', SHA256, '--json', *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            result = json.loads(done.stdout.splitlines()[-1])
            self.assertEqual(len(result['publics']), 64)
            self.assertEqual(struct.pack('<8I', *result['publics'][:8]),
                             hashlib.sha256(message).digest())
            self.assertEqual(result['exit_code'], 0)
            self.assertGreater(result['instructions_per_second'], 0)
            self.assertEqual(sum(result['rows'].values()), result['steps'])

    def test_a_place_that_takes_no_proof_is_refused_before_the_work(self):
        pipe = os.path.join(self.folder.name, 'pipe')
        os.mkfifo(pipe)
        for place, word in ((pipe, 'device or a pipe'), (self.folder.name, 'folder'),
                            (os.path.join(self.folder.name, 'none', 'p'), 'No such file')):
            # Before the program is even looked at.
            done = zisk('prove', self.file('no.elf', b''), '-o', place)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout, b'')
            self.assertIn(place, done.stderr.decode())
            self.assertIn(word, done.stderr.decode())
        self.assertEqual(sorted(os.listdir(self.folder.name)), ['no.elf', 'pipe'])

    def test_every_command_names_the_file_that_is_no_program(self):
        empty = self.file('empty.elf', b'')
        proof = self.file('some.proof', b'')
        for command in (['run', empty], ['vk', empty], ['check', empty], ['chips', empty],
                        ['disasm', empty], ['verify', proof, '--elf', empty],
                        ['prove', empty, '-o', proof]):
            done = zisk(*command)
            self.assertEqual(done.returncode, 1, command)
            self.assertTrue(done.stderr.decode().startswith(
                f'zisk {command[0]}: {empty}: ELF header'), done.stderr)

    def test_a_wrong_flag_gives_one_line(self):
        for command in ('run', 'prove', 'verify', 'inspect', 'check', 'vk', 'chips', 'disasm',
                        'soundness'):
            done = zisk(command, '--bogus')
            self.assertEqual(done.returncode, 2, command)
            self.assertEqual(done.stderr.count(b'\n'), 1, done.stderr)
            self.assertTrue(done.stderr.startswith(f'zisk {command}: '.encode()), done.stderr)

    def test_a_wrong_flag_is_named(self):
        for arguments, words in (
                (['prove', 'x.elf', '-o', 'a', '--threads', '2', '-o', 'b'],
                 '--output is given twice'),
                (['prove', 'x.elf', '--output=a', '-o', 'b'], '--output is given twice'),
                (['verify', 'p', '--vk', '0', '--vk=1'], '--vk is given twice'),
                (['soundness', '--json', '--json'], '--json is given twice'),
                (['run', 'x.elf', '--max-steps'], '--max-steps needs a value'),
                (['run', 'x.elf', '-i'], '-i is unknown or needs a value'),
                (['chips', '--json=yes'], '--json takes no value'),
                (['check', '--jsno'], 'unknown option --jsno'),
                (['prove', 'x.elf', '--max-memory', '0.01'],
                 '--max-memory takes whole GiB, 1 to 1048576, not "0.01"')):
            done = zisk(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(done.stderr.decode(),
                             f'zisk {arguments[0]}: {words}; `zisk {arguments[0]} --help` '
                             'explains it\n')

    def test_summary_goes_to_stderr(self):
        done = zisk('run', FIBONACCI)
        self.assertEqual(done.returncode, 0)
        text = done.stderr.decode()
        for word in ('steps', 'instructions/s', 'memory touched', 'rows of chips', 'exit code'):
            self.assertIn(word, text)
        self.assertNotIn(b'instructions/s', done.stdout)

    def test_profile_accounts_for_every_step(self):
        path = os.path.join(self.folder.name, 'stacks')
        done = zisk('run', SHA256, '--json', '--profile', path)
        self.assertEqual(done.returncode, 0, done.stderr)
        steps = json.loads(done.stdout.splitlines()[-1])['steps']
        with open(path, encoding='ascii') as f:
            lines = f.read().splitlines()
        stacks = dict(line.rsplit(' ', 1) for line in lines)
        self.assertEqual(sum(int(n) for n in stacks.values()), steps)
        self.assertEqual(len(stacks), len(lines))
        self.assertEqual(lines, sorted(lines))
        self.assertTrue(any(';main' in s for s in stacks), lines)

    def test_rows_of_chips(self):
        chips = json.loads(zisk('run', FIBONACCI, '--json').stdout)['chips']
        summary = zisk('run', FIBONACCI).stderr.decode()
        steps = int(re.search(r'^steps +(\d+)$', summary, re.M).group(1))
        lines = summary.split('rows of chips\n')[1].split('exit code')[0].splitlines()
        rows = {name: int(n) for name, n in (line.split() for line in lines)}
        self.assertEqual(rows, {name: n for name, n in chips.items() if n})
        self.assertEqual(sum(rows.values()), steps)
        self.assertEqual(rows['halt'], 1)
        for name in ('addi', 'jal', 'store8'):
            self.assertGreater(rows[name], 0)

    def test_chips_of_a_run(self):
        rows = json.loads(zisk('run', FIBONACCI, '--json').stdout)['chips']
        done = zisk('chips', FIBONACCI, '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        chips = json.loads(done.stdout)['chips']
        of_run = {}
        for c in chips:
            of_run[c['name']] = of_run.get(c['name'], 0) + c['rows']
            self.assertLessEqual(c['rows'], c['padded_rows'])
            self.assertEqual(c['rows'] == 0, c['padded_rows'] == 0, c['name'])
        for name, n in rows.items():
            self.assertEqual(of_run[name], n)
        self.assertEqual(of_run['output'], 32)
        self.assertEqual(of_run['range16'], 1 << 17)
        self.assertNotIn('rows', json.loads(zisk('chips', '--json').stdout)['chips'][0])
        line = re.search(r'^halt .* 1 +64$', zisk('chips', FIBONACCI).stdout.decode(), re.M)
        self.assertIsNotNone(line)
        fails = zisk('chips', FIBONACCI, '--raw-input', self.file('short', b'x'))
        self.assertEqual(fails.returncode, 1)
        self.assertIn(b'exits with code', fails.stderr)

    def test_a_run_that_fails_still_tells_what_there_is(self):
        path = os.path.join(self.folder.name, 'stacks')
        done = zisk('run', SHA256, '--json', '--profile', path, '--max-steps', '100')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'within 100 steps', done.stderr)
        result = json.loads(done.stdout.splitlines()[-1])
        self.assertIsNone(result['exit_code'])
        self.assertIn('within 100 steps', result['reason'])
        self.assertEqual(result['steps'], 100)
        self.assertGreaterEqual(result['pc'], 0x80000000)
        with open(path, encoding='ascii') as f:
            self.assertEqual(sum(int(line.rsplit(' ', 1)[1]) for line in f), 100)

    def test_limits(self):
        done = zisk('run', SHA256, '--max-steps', '100')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'within 100 steps', done.stderr)

        done = zisk('run', SHA256, '--max-guest-mib', '1', '--raw-input',
                    self.file('long', bytes(1200000)))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'more than 1024 KiB', done.stderr)

    def test_time_limit_and_progress(self):
        rounds = self.file('rounds', struct.pack('<I', 0xffffffff))
        outside, terminal = pty.openpty()
        done = subprocess.run([ZISK, 'run', MIX, '--raw-input', rounds, '--max-seconds', '2'],
                              stderr=terminal, timeout=60)
        os.close(terminal)
        said = os.read(outside, 1 << 16)
        os.close(outside)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'within 2000 ms', said)
        self.assertRegex(said.split(b'zisk run:')[0], rb'\r[0-9]+ M steps, ')

    def test_refusals_say_what_is_wrong(self):
        odd = self.file('odd', b'abc')
        cut = self.file('cut', open(SHA256, 'rb').read()[:5000])
        for flags, code, text in (
                (['run'], 2, b'give one ELF file'),
                (['run', SHA256, SHA256], 2, b'give one ELF file'),
                (['run', SHA256, '--bogus'], 2, b'--bogus'),
                (['run', SHA256, '--max-steps', '0'], 2, b'--max-steps'),
                (['run', SHA256, '--max-steps', '-1'], 2, b'--max-steps'),
                (['run', SHA256, '--max-steps', '1e9'], 2, b'--max-steps'),
                (['run', SHA256, '--max-steps', '100G'], 2, b'--max-steps'),
                (['run', SHA256, '--max-guest-mib', '99999'], 2, b'--max-guest-mib'),
                (['run', SHA256, '--abi', 'D'], 2, b'--abi'),
                (['run', SHA256, '-i', odd, '--raw-input', odd], 2, b'exclude'),
                (['run', SHA256, '-i', odd], 1, b'--raw-input'),
                (['run', SHA256, '-i', '/nowhere'], 1, b'/nowhere'),
                (['run', '/nowhere'], 1, b'/nowhere'),
                (['run', odd], 1, b'ELF header'),
                (['run', cut], 1, b'program header'),
                (['chips', '-i', odd], 2, b'ELF file'),
                (['chips', SHA256, SHA256], 2, b'at most one'),
                (['chips', odd], 1, b'ELF header'),
                (['bogus'], 2, b'bogus'),
                ([], 2, b'usage')):
            done = zisk(*flags)
            self.assertEqual(done.returncode, code, (flags, done.stderr))
            self.assertIn(text, done.stderr, flags)

    def test_output_that_is_lost_is_a_failure(self):
        with open('/dev/null', 'rb') as reader:  # cannot be written to
            for command in (['vk', FIBONACCI], ['disasm', FIBONACCI], ['run', FIBONACCI, '--json'],
                            ['soundness'], ['chips'], ['vk', '--help'], ['--help'], ['--version']):
                done = subprocess.run([ZISK, *command], stdout=reader, stderr=subprocess.PIPE,
                                      timeout=60)
                self.assertEqual(done.returncode, 1, command)
                self.assertRegex(done.stderr, b'^zisk( [a-z]+)?: the output cannot be written: ' if
                                 command[0] != 'run' else b'the output cannot be written', command)

    def test_version(self):
        for flag in '--version', '-V':
            done = zisk(flag)
            self.assertRegex(done.stdout, rb'^zisk \d+\.\d+\.\d+\n$')
            self.assertEqual(done.returncode, 0)

    def test_help(self):
        for flags in (['--help'], ['run', '--help'], ['disasm', '--help']):
            done = zisk(*flags)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b'usage: zisk', done.stdout)

    def test_disasm(self):
        done = zisk('disasm', FIBONACCI)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = done.stdout.decode()
        self.assertIn('memory map C', text)
        self.assertIn('\nmain:\n', text)
        self.assertIn('ecall', text)
        self.assertIn('memory map A', zisk('disasm', FIBONACCI, '--abi', 'A').stdout.decode())


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
