#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The proof in this folder, made when the format was as it is: zisk verify and tools/verify.py take
it, for the key and with the public outputs that lie beside it, and neither takes it changed. A
change of the format or of the machine that keeps the version ends here; ./renew is for the others.

usage: test_stored_proof.py ZISK TOOLS
"""
import json
import lzma
import os
import subprocess
import sys
import tempfile

ZISK, TOOLS = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
MEANT = "if that is meant: a new version in doc/proof-format.md, then tests/stored/renew"


def stored(name):
    with open(os.path.join(HERE, name), "rb") as f:
        return f.read()


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout


def main():
    machine = lzma.decompress(stored("machine.json.xz"))
    code, now = run(ZISK, "chips", "--json", "--abi", "C")
    assert code == 0
    assert json.loads(now) == json.loads(machine), f"the machine is another one; {MEANT}"
    vk, verdict = stored("vk").decode().strip(), stored("verdict").decode()
    assert verdict.startswith("valid\n100 3314859971 870020775 0"), verdict  # 100 rounds
    with tempfile.TemporaryDirectory() as folder:
        description, changed = (os.path.join(folder, n) for n in ("machine.json", "changed"))
        with open(description, "wb") as f:
            f.write(machine)
        proof = bytearray(stored("proof"))
        proof[len(proof) // 2] ^= 1
        with open(changed, "wb") as f:
            f.write(proof)
        for verifier in ([ZISK, "verify"],
                         [sys.executable, "-B", os.path.join(TOOLS, "verify.py"),
                          "--machine", description]):
            name = os.path.basename(verifier[-1] if verifier[0] == ZISK else verifier[2])
            answer = run(*verifier, os.path.join(HERE, "proof"), "--vk", vk)
            assert answer == (0, verdict), (name, answer, MEANT)
            code, text = run(*verifier, changed, "--vk", vk)
            assert code == 1 and text.startswith("invalid: "), (name, code, text)
            other = f"{int(vk[0], 16) ^ 1:x}" + vk[1:]
            code, text = run(*verifier, os.path.join(HERE, "proof"), "--vk", other)
            assert code == 1 and text.startswith("invalid: "), (name, code, text)
            print(f"{name}: takes the stored proof, and neither a changed one nor another key")


if __name__ == "__main__":
    main()
