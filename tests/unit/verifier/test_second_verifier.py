#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""zisk verify and tools/verify.py agree: both take a proof, both refuse each change of it, and the
second one for the reason that the change is about.

    test_second_verifier.py ZISK ELF TOOLS [--thorough]
"""
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

ZISK, ELF, TOOLS = sys.argv[1:4]
THOROUGH = sys.argv[4:] == ["--thorough"]
sys.dont_write_bytecode = True
sys.path.insert(0, TOOLS)
import verify  # noqa: E402

SCRIPT = os.path.join(TOOLS, "verify.py")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout


def output(*command):
    code, text = run(*command)
    assert code == 0, (command, code, text)
    return text


def sections(words, machine):
    """Where the parts of the only instance lie, by the counts at the end of section 7."""
    n = words[6]
    assert words[7] == 1
    at = {"contribution": 84 + n, "gkr": 84 + n + 9 + n}
    cls = verify.CLASSES[words[at["contribution"]]]
    assert words[at["contribution"] + 1] == 1, "the preprocessed chips are to be in the instance"
    a = cls.stack
    at["zerocheck"] = at["gkr"] + 3 * (2 + 4 * a + a * (a - 1))
    at["values"] = at["zerocheck"] + 3 * machine.degree * cls.max_height
    n_values = sum(slot.n_committed + slot.n_preprocessed for slot in machine.slots)
    position = at["values"] + 3 * n_values
    for name, parameters in (("committed", cls), ("preprocessed", verify.CLASSES[words[8]])):
        for i, (m, r, k, _, cap, queries) in enumerate(parameters.rounds):
            last = i == len(parameters.rounds) - 1
            here = f"{name} {i} "
            at[here + "round"] = position
            at[here + ("final" if last else "root")] = position = position + 6 * k
            at[here + "nonce"] = position = position + (3 * 2**parameters.final if last else 7)
            at[here + "cap"] = position = position + 1
            at[here + "row"] = position = position + 4 * 2**cap
            row, levels = (1 if i == 0 else 3) * 2**k, m + r - k - cap
            path = 4 * (3 * (levels // 2) + levels % 2)
            at[here + "path"] = position + row
            position += queries * (row + path)
        at[name + " end"] = position
        position += 6 * parameters.final
    assert position == len(words), (position, len(words))
    return at


def changes(words, machine):
    """Yields name, changed words, pattern of the reason."""

    def at(position, value, reason, name):
        assert words[position] != value, name
        return name, words[:position] + [value] + words[position + 1 :], reason

    def bump(position, reason, name):
        return at(position, (words[position] + 1) % verify.P, reason, name)

    head = "head does not lead"
    of_head = ("not a proof file", "version", "not a list", "hash 1 only", "head|memory map", head,
               "number of slots", "", "no class|" + head, *["reserved"] * 3, head)  # fmt: skip
    for position, reason in enumerate(of_head):
        yield bump(position, reason, f"head word {position}")
    yield at(3, 3, "hash 1 only", "unknown hash")
    yield at(4, ord("D"), "memory map", "unknown memory map")
    yield at(7, 0, "number of instances", "no instance")
    yield at(5, 2**32, "entry point", "large entry point")
    yield at(16 + 63, verify.P, "canonical", "public output 0 as p")
    yield at(16 + 63, 2**32, "above 2", "large public output")
    # Layer 0 has no round: it holds whatever the challenges are.
    yield bump(16, "GKR: layer 1", "public output")
    yield bump(80, head, "root of the key")
    place = sections(words, machine)
    slots = range(len(machine.slots))
    key_height = next(84 + s for s in slots if words[84 + s])
    yield bump(key_height, head, "height of the key")
    yield at(key_height, 27, "height", "absurd height of the key")

    c = place["contribution"]
    heights = words[c + 9 : c + 9 + len(machine.slots)]
    absent = next(s for s in slots if heights[s] == 0)
    fixed = next(s for s in slots if heights[s] and machine.slots[s].fixed_height)
    free = next(s for s in slots if heights[s] and not machine.slots[s].fixed_height
                and not machine.slots[s].n_preprocessed)  # fmt: skip
    programs = next(s for s in slots if machine.slots[s].n_preprocessed)
    cls = verify.CLASSES[words[c]]
    other_class = next(i for i in verify.CLASSES if i != words[c])
    yield at(c, 240, "no class 240", "class of the tests")
    yield at(c, other_class, "GKR: layer|height|more than", "another class")
    yield at(c, 114, "for preprocessed columns", "class of preprocessed columns")
    yield at(c + 1, 2, "neither 0 nor 1", "preprocessed 2")
    yield at(c + 1, 0, "not the height of the key", "preprocessed chips denied")
    yield bump(c + 2, "GKR: layer 1", "root")
    yield bump(c + 6, "GKR: layer 1", "answer")
    yield at(c + 9 + absent, 6, "", "a chip more")
    yield at(c + 9 + absent, 5, "height 2.5", "height 2^5")
    tall = cls.max_height + 1
    yield at(c + 9 + absent, tall, f"height 2.{tall}", "a chip too tall")
    yield bump(c + 9 + free, "GKR: layer 1|more than|height", "a height")
    yield bump(c + 9 + fixed, "fixed height", "a fixed height")
    yield bump(c + 9 + programs, "not the height of the key", "height of a preprocessed chip")
    n = len(heights)
    none = words[: c + 1] + [0] + words[c + 2 : c + 9] + [0] * n + words[c + 9 + n :]
    yield "every chip absent", none, "without any chip"

    g = place["gkr"]
    yield at(g, verify.P, "canonical", "a word p")
    yield at(g, 2**64 - 1, "canonical", "a word 2^64 - 1")
    yield bump(g, "GKR: layer 0", "sum of the bus")
    zero_q = words[: g + 3] + [0, 0, 0] + words[g + 6 :]
    yield "zero denominator", zero_q, "denominator of the root"
    yield bump(g + 6, "GKR: layer 0", "first layer")
    yield bump(g + 6 + 12, "GKR: layer 1", "first round of GKR")
    yield bump(place["zerocheck"] - 1, f"GKR: layer {cls.stack - 1}", "last layer")
    yield bump(place["zerocheck"], "^instance 0: zerocheck", "first round of the zerocheck")
    yield bump(place["values"] - 1, "^instance 0: zerocheck", "last round of the zerocheck")
    values = place["values"]
    starts = [values]
    for slot in machine.slots:
        starts.append(starts[-1] + 3 * (slot.n_committed + slot.n_preprocessed))
    yield bump(starts[absent], "values of an absent chip", "value of an absent chip")
    yield bump(starts[free], "^instance 0: zerocheck", "value of a column")

    first = "committed 0 "
    yield bump(place[first + "round"], "zero bits", "round of WHIR")
    yield bump(place[first + "root"], "zero bits", "next root")
    yield bump(place[first + "root"] + 4, "zero bits", "out-of-domain answer")
    yield bump(place[first + "nonce"], "zero bits", "nonce")
    yield at(place[first + "nonce"], 2**40, "nonce of round 0 is too large", "large nonce")
    yield bump(place[first + "cap"], "cap of round 0", "cap")
    yield bump(place[first + "row"], "query 0 of round 0 is not", "row")
    yield bump(place[first + "path"], "query 0 of round 0 is not", "path")
    yield "a word less", words[:-1], "ends too early"
    yield "half of it", words[: len(words) // 2], "ends too early|"
    if not THOROUGH:
        return
    yield "a word more", words + [0], "goes on after"
    yield "nothing", [], "ends too early"
    yield bump(place["committed 1 row"], "query 0 of round 1 is not", "row of round 1")
    yield bump(place["committed 1 row"] - 1, "cap of round 1", "cap of round 1")
    yield bump(place["committed 2 final"], "nonce of round 2", "final polynomial")
    yield bump(place["committed end"] - 1, "query 37 of round 2", "last path")
    yield bump(place["committed end"], "opening of the committed", "first final round")
    yield bump(place["preprocessed 0 round"] - 1, "opening of the committed", "last final round")
    yield bump(place["preprocessed 0 row"], "query 0 of round 0 is not", "preprocessed row")
    yield bump(len(words) - 1, "opening of the preprocessed", "last word")
    chance = random.Random(1)
    for _ in range(30):
        position = chance.randrange(g, len(words))
        value = words[position] ^ 1 << chance.randrange(64)
        yield at(position, value, "", f"word {position} changed to {value:x}")


def check_final_polynomial(words, machine, reason):
    """Another final polynomial under the challenges of the right one: only the queries tell."""
    cls = verify.CLASSES[words[84 + words[6]]]
    position = sections(words, machine)[f"committed {len(cls.rounds) - 1} final"]
    right = [verify.K(*words[i : i + 3]) for i in range(position, position + 3 * 2**cls.final, 3)]
    changed = words[:position] + [words[position] ^ 1] + words[position + 1 :]
    honest = verify.Transcript.absorb

    def absorb(transcript, label, *values):
        of_committed = label == verify.FINAL_POLY and list(values[1:]) == right[1:]
        honest(transcript, label, *(right if of_committed else values))

    verify.Transcript.absorb = absorb
    assert reason(words) is None
    assert "differs from the final polynomial" in reason(changed)
    verify.Transcript.absorb = honest


def several_instances(folder, vk, machine_path, reason, n_with_program):
    """A longer run in small instances: one with the program's tables, two without."""
    raw, path = os.path.join(folder, "longer"), os.path.join(folder, "several")
    with open(raw, "wb") as file:
        file.write(bytes(60))
    output(ZISK, "prove", ELF, "-o", path, "--raw-input", raw, "--instance-log-cells", "20")
    command = (sys.executable, SCRIPT, "--machine", machine_path, path, "--vk", vk)
    assert output(*command) == output(ZISK, "verify", path, "--vk", vk)
    with open(path, "rb") as file:
        data = file.read()
    words = list(struct.unpack(f"<{len(data) // 8}Q", data))
    n = words[6]
    assert words[7] == 3 and [words[84 + n + k * (9 + n) + 1] for k in range(3)] == [1, 0, 0]
    tail = (len(words) - (84 + n + 3 * (9 + n)) - n_with_program) // 2  # words of the others
    head, one, two = words[: -2 * tail], words[-2 * tail : -tail], words[-tail:]
    for name, changed, pattern in (
            ("proofs in another order", head + two + one, "^instance 1: GKR: layer 1"),
            ("one proof twice", head + one + one, "^instance 2: GKR: layer 1"),
            ("the last proof missing", head + one, "ends too early"),
            ("one proof more", words + two, "goes on after")):  # fmt: skip
        with open(path, "wb") as file:
            file.write(struct.pack(f"<{len(changed)}Q", *changed))
        code, text = run(ZISK, "verify", path, "--vk", vk)
        assert code == 1 and text.startswith("invalid: "), (name, code, text)
        if THOROUGH:
            assert re.search(pattern, reason(changed)), (name, reason(changed))


def main(folder):
    proof, machine_path, publics_path = (os.path.join(folder, n) for n in ("p", "m", "publics"))
    raw = os.path.join(folder, "input")
    with open(raw, "wb") as file:
        file.write(b"abc")
    with open(machine_path, "w", encoding="ascii") as file:
        file.write(output(ZISK, "chips", "--json"))
    vk = output(ZISK, "vk", ELF).strip()
    # Twice with a folder for what depends on the program alone: one file, which changes nothing.
    cache, again = os.path.join(folder, "cache"), os.path.join(folder, "again")
    for path in (again, proof):
        output(ZISK, "prove", ELF, "-o", path, "--raw-input", raw, "--cache-dir", cache)
        assert len(os.listdir(cache)) == 1
    with open(proof, "rb") as one, open(again, "rb") as other:
        assert one.read() == other.read()

    # The command lines: the same answers, in the same words.
    first, second = (ZISK, "verify"), (sys.executable, SCRIPT, "--machine", machine_path)
    says = output(*first, proof, "--vk", vk)
    with open(publics_path, "w", encoding="ascii") as file:
        file.write(says.removeprefix("valid\n"))
    assert output(*second, proof, "--vk", vk, "--publics", publics_path).split() == says.split()
    wrong_vk = f"{int(vk, 16) ^ 1:064x}"
    with open(publics_path, "w", encoding="ascii") as file:
        file.write("1 " + says.split(" ", 1)[1])
    for command in (first, second):
        for options in (("--vk", wrong_vk), ("--vk", vk, "--publics", publics_path)):
            code, text = run(*command, proof, *options)
            assert code == 1 and text.startswith("invalid: "), (command, options, code, text)
        assert run(*command, proof, "--vk", "12")[0] == 2, command
        assert run(*command, proof + "?", "--vk", vk) == (1, ""), command

    with open(machine_path, encoding="ascii") as file:
        declaration = file.read()
    machine = verify.Machine(json.loads(declaration))
    key = verify.parse_vk(vk)
    with open(proof, "rb") as file:
        data = file.read()
    words = list(struct.unpack(f"<{len(data) // 8}Q", data))

    def reason(changed, of_machine=machine):
        try:
            verify.verify(changed, of_machine, key, None)
        except verify.Refused as refused:
            return str(refused)
        return None

    # The digest covers the declaration; the boundary counts.
    other = json.loads(declaration)
    other["chips"][3]["constraints"].pop()
    assert "head does not lead" in reason(words, verify.Machine(other))
    honest = verify.boundary
    verify.boundary = lambda entry, publics: list(honest(entry, publics))[1:]
    assert reason(words) == "the bus does not balance"
    verify.boundary = honest
    honest = verify.denominator
    verify.denominator = lambda *_: verify.ZERO
    assert reason(words) == "a boundary tuple has denominator zero"
    verify.denominator = honest
    if THOROUGH:
        check_final_polynomial(words, machine, reason)

    n_with_program = len(words) - (84 + words[6] + 9 + words[6])
    several_instances(folder, vk, machine_path, reason, n_with_program)

    n, wrong = 0, []
    for name, changed, pattern in changes(words, machine):
        with open(proof, "wb") as file:
            file.write(struct.pack(f"<{len(changed)}Q", *changed))
        code, text = run(*first, proof, "--vk", vk)
        if code != 1 or not text.startswith("invalid: "):
            wrong.append(f"{name}: zisk verify says {text} ({code})")
        why = reason(changed)
        if why is None or not re.search(pattern, why):
            wrong.append(f"{name}: verify.py says {why}, not {pattern}")
        n += 1
    assert not wrong, "\n".join(wrong)
    print(f"test_second_verifier: both refuse {n} changes")


def check_permutations():
    """Proofs of today use Poseidon alone. Source of the vectors: pil2-proofman 1.1, fields/src/
    poseidon1.rs (poseidon1_16_*) and poseidon2.rs (test_poseidon2_16)."""
    for hash_id, first, last in ((1, 9350316517402464675, 7308253070792633232),
                                 (2, 9639188652563994454, 4214638127285300968)):  # fmt: skip
        state = verify.Hash(hash_id).permute(list(range(16)))
        assert (state[0], state[15]) == (first, last), hash_id


check_permutations()
with tempfile.TemporaryDirectory() as temporary:
    main(temporary)
