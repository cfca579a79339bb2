#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What `cmake --install` leaves works away from the checkout: programs, guest SDK, manual pages,
completion, and the verifier as a library that a stranger links with.

usage: test_install.py SOURCE_DIR BUILD_DIR"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD = (os.path.abspath(p) for p in sys.argv[1:3])

STRANGER = r'''
#include <stdio.h>
#include <stdlib.h>
#include <zisk/verifier.h>
int main(int argc, char **argv)
{
    static unsigned char proof[4 << 20];
    uint8_t vk[ZISK_VK_BYTES];
    uint32_t publics[ZISK_PUBLICS];
    FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (f == NULL || !zisk_vk_parse(vk, argv[2]))
        return 2;
    size_t n = fread(proof, 1, sizeof proof, f);
    zisk_verifier *v = zisk_verifier_new();
    bool ok = zisk_verifier_check(v, proof, n, vk, NULL, publics);
    puts(ok ? "valid" : zisk_verifier_reason(v));
    if (ok)
        printf("%u\n", publics[0]);
    zisk_verifier_free(v);
    return ok ? 0 : 1;
}
'''

GUEST = r'''
#include "zkvm_io.h"
int main(void)
{
    const uint32_t answer = 42;
    write_output((const uint8_t *)&answer, sizeof answer);
    return 0;
}
'''


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='zisk-install-')
        cls.prefix = os.path.join(cls.folder, 'usr')
        for component in ('programs', 'development'):
            done = run('cmake', '--install', BUILD, '--prefix', cls.prefix, '--component', component)
            assert done.returncode == 0, done.stderr
        # What is found is what was installed.
        cls.environment = dict(os.environ, PATH=os.path.join(cls.prefix, 'bin') + ':/usr/bin:/bin')

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def do(self, *command, code=0, says=''):
        done = run(*command, cwd=self.folder, env=self.environment)
        self.assertEqual(done.returncode, code, f'{command}\n{done.stdout}{done.stderr}')
        self.assertIn(says, done.stderr)
        return done.stdout

    def test_a_guest_from_source_to_a_stranger_who_verifies(self):
        with open(self.path('guest.c'), 'w') as f:
            f.write(GUEST)
        with open(self.path('stranger.c'), 'w') as f:
            f.write(STRANGER)
        self.do('zisk-guest-cc', 'guest.c', '-o', 'guest.elf')
        self.do('zisk', 'prove', 'guest.elf', '-o', 'guest.proof')
        vk = self.do('zisk', 'vk', 'guest.elf').strip()

        (lib,) = [os.path.join(d, 'pkgconfig') for d, names, _ in os.walk(self.prefix)
                  if 'pkgconfig' in names]
        flags = run('pkg-config', '--cflags', '--libs', f'--define-variable=prefix={self.prefix}',
                    'zisk-verifier', env=dict(os.environ, PKG_CONFIG_PATH=lib))
        self.assertEqual(flags.returncode, 0, flags.stderr)
        self.do('gcc', '-std=c11', '-Wall', '-Werror', 'stranger.c', '-o', 'stranger',
                *flags.stdout.split())
        self.assertEqual(self.do('./stranger', 'guest.proof', vk), 'valid\n42\n')
        other = ('0' if vk[0] != '0' else '1') + vk[1:]
        self.assertIn('program', self.do('./stranger', 'guest.proof', other, code=1))

    def test_what_goes_wrong_at_first(self):
        def guest(name, body):
            with open(self.path(name + '.c'), 'w') as f:
                f.write('#include <assert.h>\n#include <stdlib.h>\n#include "zkvm_io.h"\n'
                        'int deeper(int n) { volatile char room[4096]; room[0] = n; '
                        'return deeper(n + 1) + room[0]; }\n'
                        f'int main(void) {{ {body} }}\n')
            self.do('zisk-guest-cc', name + '.c', '-o', name + '.elf')
            return name + '.elf'
        stack, null = guest('stack', 'return deeper(0);'), guest('null', 'return *(volatile int *)8;')
        self.do('zisk', 'run', stack, code=1, says='; is the stack full?')
        self.do('zisk', 'run', null, code=1, says='; a null pointer?')
        for elf in (guest('assertion', 'assert(0);'),
                    guest('much', 'static uint8_t a[300]; write_output(a, sizeof a); return 0;')):
            for command in ('run', 'check'):
                self.do('zisk', command, elf, code=1, says='code 134 (abort: ')
        self.do('zisk', 'run', guest('three', 'return 3;'), code=1, says='exit code 3 at pc')
        for arguments in (['-o', 'x.elf'], ['-c', 'three.c'], ['--strange', 'three.c'], ['three.c', '-o'],
                          ['--map=d', 'three.c'], ['--march=x', 'three.c'], ['--cc=tcc', 'three.c']):
            self.do('zisk-guest-cc', *arguments, code=2, says='`zisk-guest-cc --help` explains it')
        self.do('zisk-guest-cc', 'none.c', '-o', 'x.elf', code=1, says='none.c')
        self.assertFalse(os.path.exists(self.path('x.elf')))

    def test_manual_pages(self):
        pages = os.listdir(os.path.join(self.prefix, 'share/man/man1'))
        for program in os.listdir(os.path.join(self.prefix, 'bin')):
            self.assertIn(program + '.1', pages)
        commands = re.findall(r'^  ([a-z]+) ', self.do('zisk', '--help'), re.M)
        with open(os.path.join(self.prefix, 'share/man/man1/zisk.1')) as f:
            text = f.read()
        for command in commands:
            self.assertIn(f'.SH "zisk {command}"', text)
        if shutil.which('groff') is None:
            print('SKIPPED: pages are not set, groff is missing')
            return
        for page in pages:
            done = run('groff', '-man', '-Tascii', '-ww', '-z',
                       os.path.join(self.prefix, 'share/man/man1', page))
            self.assertEqual(done.stderr, '', page)

    def test_pages_lead_somewhere(self):
        for folder, _, names in os.walk(os.path.join(self.prefix, 'share/doc')):
            for name in (n for n in names if n.endswith('.md')):
                with open(os.path.join(folder, name), encoding='utf-8') as f:
                    for target in re.findall(r'\]\((?!http)([^)#]+)', f.read()):
                        self.assertTrue(os.path.exists(os.path.join(folder, target)),
                                        f'{name}: {target}')

    def test_completion(self):
        scripts = os.path.join(self.prefix, 'share/bash-completion/completions')
        self.assertEqual(sorted(os.listdir(scripts)), sorted(os.listdir(
            os.path.join(self.prefix, 'bin'))))

        def complete(*words):
            return run('bash', '-c', f'''source {scripts}/{words[0]}; COMP_WORDS=("$@")
                COMP_CWORD=$(($# - 1)); _${{1//-/_}}; printf '%s\\n' "${{COMPREPLY[@]}}"''', '-',
                       *words).stdout.split()
        self.assertIn('--elf', complete('zisk-worker', '--e'))
        self.assertIn('prove', complete('zisk-coordinator', 'pr'))
        self.assertNotIn('prove', complete('zisk-coordinator', '--port', 'p'))
        self.assertEqual(complete('zisk-coordinator', 'prove', '--inp'), ['--inputs-uri'])
        self.assertNotIn('--asm', complete('zisk-worker', '--as'))  # what is refused is not offered
        self.assertEqual(complete('zisk', 'ins'), ['inspect'])
        self.assertEqual(complete('zisk', 'prove', '--in'), ['--input', '--instance-log-cells'])
        self.assertEqual(complete('zisk', 'vk', '--a'), ['--abi'])
        self.assertEqual(complete('zisk', 'vk', '--abi', 'a'), ['auto'])
        self.assertEqual(complete('zisk-guest-cc', '--pre'), ['--precompiles'])
        self.assertEqual(complete('zisk', 'vk', os.path.join(self.prefix, 'b')),
                         [os.path.join(self.prefix, 'bin')])


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
