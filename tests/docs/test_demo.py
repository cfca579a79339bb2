#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""scripts/demo says what it did, and leaves nothing behind, however it ends.

usage: test_demo.py SOURCE_DIR"""
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.abspath(sys.argv[1])
DEMO = os.path.join(SOURCE, 'scripts', 'demo')
README = os.path.join(SOURCE, 'README.md')


class Demo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.environment = dict(os.environ, TMPDIR=self.folder)

    def demo(self, *arguments):
        return subprocess.run([DEMO, *arguments], capture_output=True, text=True, timeout=1200,
                              stdin=subprocess.DEVNULL, env=self.environment, cwd=self.folder)

    def start(self, *arguments):
        """The demo in a process group of its own, as a terminal would start it."""
        demo = subprocess.Popen([DEMO, *arguments], stdout=subprocess.PIPE, text=True,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                env=self.environment, start_new_session=True)
        self.addCleanup(demo.stdout.close)
        return demo

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(self.folder), [])
        for process in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{process}/cmdline', 'rb') as f:
                    self.assertNotIn(self.folder.encode(), f.read())
            except OSError:
                pass  # it has ended

    def assert_proved(self, done, data):
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        digest = hashlib.sha256(data).hexdigest()
        for line in ('valid', f'published by the proof  {digest}', f'sha256sum               {digest}',
                     '== done'):
            self.assertIn(line, done.stdout.split('\n'))
        self.assertIn('invalid:', done.stdout)  # the forged proof
        self.assertIn('not zero-knowledge', done.stdout)

    def test_it_proves_part_of_a_file(self):
        done = self.demo('--bytes', '200', README)
        with open(README, 'rb') as f:
            self.assert_proved(done, f.read(200))
        for worker in ('worker-1', 'worker-2'):
            self.assertIn(worker, done.stdout)
        self.assert_nothing_left()

    def test_a_worker_is_killed(self):
        done = self.demo('--kill-one', '--bytes', '3000', README)
        with open(README, 'rb') as f:
            self.assert_proved(done, f.read(3000))
        self.assertIn('killing worker-2', done.stdout)
        self.assert_nothing_left()

    def test_keep(self):
        with open(os.path.join(self.folder, 'a file'), 'wb') as f:
            f.write(b'abc')
        done = self.demo('--keep', '--workers', '1', 'a file')  # named from where the caller is
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        kept = done.stdout.split('kept in ')[1].strip()
        self.assertTrue({'proof', 'input', 'sha256.elf', 'coordinator.log', 'worker-1.log'}
                        <= set(os.listdir(kept)))

    def test_interrupted_while_it_proves(self):
        for number, to_all in ((signal.SIGINT, True), (signal.SIGTERM, False)):
            demo = self.start('--bytes', '30000')
            for line in demo.stdout:
                if line.startswith('Running'):
                    break
            else:
                self.fail('it never came to the proof')
            (os.killpg if to_all else os.kill)(demo.pid, number)  # Ctrl-C reaches the whole group
            self.assertIn('interrupted', demo.stdout.read())
            self.assertEqual(demo.wait(timeout=60), 130)
            self.assert_nothing_left()

    def test_wrong_usage(self):
        for arguments, code, text in ((('--bytes', '0'), 2, '"0"'), (('--bytes',), 2, 'number'),
                                      (('--what',), 2, '--what'), (('--workers', '9'), 2, '"9"'),
                                      (('--workers', '1', '--kill-one'), 2, 'two workers'), (('a', 'b'), 2, 'one file'),
                                      (('nowhere',), 1, 'nowhere'), ((self.folder,), 1, 'no file')):
            done = self.demo(*arguments)
            self.assertEqual(done.returncode, code, arguments)
            self.assertIn(text, done.stderr)
        self.assert_nothing_left()


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
