#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Our TOML reader takes the documents that Python's tomllib takes, with the same values.

usage: test_toml_oracle.py TOML_DUMP
Documents are a corpus and mutations of it (seeded). Where the two may differ is named below.
"""
import json
import random
import struct
import subprocess
import sys
import tomllib

CORPUS = [
    '[service]\nname = "ZisK"\nenvironment = \'production\' # why\n\n[server]\nport = 50_051\n',
    '[worker]\ncompute_capacity.compute_units = 10\n[connection]\nreconnect = 5\n',
    'a = [1, 2,\n # c\n 3,\n]\nb = {c = 1, d.e = "x", f = [{}]}\nc = []\n',
    'a = 0x1F\nb = 0o17\nc = 0b101\nd = -17\ne = +3\nf = 9223372036854775807\ng=-9223372036854775808\n',
    'a = 1.5\nb = -0.0\nc = 1e10\nd = 6.626e-34\ne = inf\nf = -nan\ng = 1_0.0_1E+1_0\n',
    'a = true\nb = false\n"quoted key" = 1\n\'x.y\'."z" . w = 2\n"" = 3\n',
    's = "tab\\tquote\\" slash\\\\ u\\u00e9 U\\U0001F600 é"\nl = \'raw\\n\'\n',
    'm = """\nfirst\nsecond \\\n   joined\n"quoted"\n"""\nn = \'\'\'\nraw \\ \'\' x\'\'\'\'\'\n',
    'e = """"""\nf = """a"""""\ng = \'\'\'\'\'\'\nh = """\\\n  """\n',
    '[a.b.c]\nx = 1\n[a]\ny = 2\n[a.b]\nz = 3\n[[t]]\nn = 1\n[[t]]\nn = 2\n[t.sub]\nq = 1\n[[t.k]]\n',
    'a.b.c = 1\na.b.d = 2\n[fruit]\napple.color = "red"\napple.taste.sweet = true\n[fruit.apple.texture]\nsmooth = true\n',
    'a = 1\r\nb = "x"\r\n# c\r\n[t]\r\nm = """\r\nq\r\n"""\r\n',
    '',
    '# only a comment',
    'a=1 # no end of line',
]
PIECES = ['"', "'", '"""', "'''", '=', '.', '[', ']', '[[', ']]', '{', '}', ',', '\n', '\r\n', '\r',
          '#', ' ', '\t', '\\', '\\n', '\\u0041', '\\x', '0', '1', '00', '_', '-', '+', 'e', 'a', 'b',
          'true', 'inf', 'nan', '0x', 'a = 1\n', 'a.b = 1\n', '[a]\n', '[a.b]\n', '[[a]]\n', '\x00',
          '\x7f', 'é', '1.', '.5', 'c = {a = 1}\n']
# Ours alone refuses these, each by its own message. The last one is forbidden by the specification
# (no table is defined more than once), and tomllib takes it when only deeper headers made the table.
STRICTER = ('a date or a time', 'does not fit into 64 bits', 'values within values', 'than 4096 keys',
            'belongs to the header')


def mutations(rng, count):
    for _ in range(count):
        text = rng.choice(CORPUS)
        if rng.random() < 0.2:
            text += rng.choice(CORPUS)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(text) + 1)
            end = at + rng.choice([0, 0, 0, 1, 1, 2, 5])
            piece = rng.choice(PIECES) if rng.random() < 0.8 else ''
            text = text[:at] + piece + text[end:]
        yield text


def plain(v):
    """tomllib's value in the form of toml_dump."""
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if isinstance(v, list):
        return [plain(x) for x in v]
    return ('float', repr(v)) if isinstance(v, float) else v


def ours(v):
    if isinstance(v, dict):
        if list(v) == ['float'] and isinstance(v['float'], str):
            return ('float', repr(float(v['float'].replace('_', ''))))
        return {k: ours(x) for k, x in v.items()}
    return [ours(x) for x in v] if isinstance(v, list) else v


def main():
    dump = sys.argv[1]
    documents = CORPUS + list(mutations(random.Random(20261123), 6000))
    stdin = b''.join(struct.pack('<I', len(e)) + e for e in (d.encode() for d in documents))
    out = subprocess.run([dump], input=stdin, stdout=subprocess.PIPE, check=True).stdout
    lines = out.decode().split('\n')[:-1]
    assert len(lines) == len(documents), (len(lines), len(documents))
    taken = refused = 0
    for document, line in zip(documents, lines):
        try:
            expected = plain(tomllib.loads(document))
        except (tomllib.TOMLDecodeError, ValueError, RecursionError):
            expected = None
        if line.startswith('error: '):
            refused += 1
            if expected is None or any(s in line for s in STRICTER):
                continue
            sys.exit(f'only tomllib takes {document!r}: {line}')
        taken += 1
        if expected is None:
            sys.exit(f'only we take {document!r} as {line}')
        if ours(json.loads(line)) != expected:
            sys.exit(f'{document!r}: {line} is not {expected}')
    print(f'{taken} documents taken, {refused} refused')
    assert all(not line.startswith('error: ') for line in lines[:len(CORPUS)])
    assert taken > 500 and refused > 500


main()
