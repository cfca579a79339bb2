#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A second verifier, written from doc/proof-format.md and from nothing else.

    zisk chips --json --abi C > machine.json
    zisk vk program.elf > vk
    tools/verify.py PROOF --machine machine.json --vk $(cat vk) [--publics FILE]

Prints "valid" and the public outputs, or "invalid: REASON". Exit code 0 when the proof is valid, 1
when it is not, 2 on wrong usage, as `zisk verify`. It shares no source with the C verifier: where
the two disagree, one of them or the document is wrong. Section numbers are those of the document.
"""
import argparse
import json
import re
import struct
import sys

from verify_hash import (
    CHALLENGE, CLAIMS, COUNT, DOMAIN_BUS, DOMAIN_COMMIT, DOMAIN_INSTANCE, DOMAIN_JOB, DOMAIN_KEY,
    DOMAIN_MACHINE, FINAL_POLY, GKR_LAYER, GKR_ROOT, GKR_ROUND, HALF, HEADER, K, KEY, NONCE, ONE,
    OOD_ANSWER, P, PROTOCOL, PUBLICS, ROOT, WHIR_ROUND, ZEROCHECK_ROUND, ZERO, Hash, Refused,
    Transcript, byte_elements, eq_index, eq_points, eq_table, lift, pow_point, require,
)  # fmt: skip

# ---- 3. Machine -------------------------------------------------------------------------------

COMMITTED, PREPROCESSED, CLOSED = range(3)


class Slot:
    """A slot of the description: columns, constraints and interactions of its chip."""

    def __init__(self, data):
        self.data = data
        kinds = ("committed", "preprocessed", "closed")
        self.kinds = [kinds.index(c["kind"]) for c in data["columns"]]
        self.n_committed = self.kinds.count(COMMITTED)
        self.n_preprocessed = self.kinds.count(PREPROCESSED)
        self.fixed_height = data["fixed_log_height"]
        self.interactions = data["interactions"]
        self.constraints = [c["node"] for c in data["constraints"]]
        if self.kinds != sorted(self.kinds):
            raise ValueError("columns are not in the order committed, preprocessed, closed")
        if any(max(a, b) >= i for i, (op, a, b, _) in enumerate(data["nodes"]) if 2 <= op <= 4):
            raise ValueError("a node refers to a later one")

    def degree(self):
        degrees = []
        for op, a, b, _ in self.data["nodes"]:
            if op in (2, 3):
                degrees.append(max(degrees[a], degrees[b]))
            elif op == 4:
                degrees.append(degrees[a] + degrees[b])
            else:
                degrees.append((1, 0)[op] if op < 2 else degrees[a])
        return max((degrees[j] for j in self.constraints), default=0)

    def node_values(self, columns):
        values = []
        for op, a, b, value in self.data["nodes"]:
            if op == 0:
                values.append(columns[value])
            elif op == 1:
                values.append(lift(value))
            elif op == 2:
                values.append(values[a] + values[b])
            elif op == 3:
                values.append(values[a] - values[b])
            elif op == 4:
                values.append(values[a] * values[b])
            elif op == 5:
                values.append(0 - values[a])
            else:
                raise ValueError(f"there is no operation {op}")
        return values

    def closed_values(self, point):
        return [closed_form(c, point) for c in self.data["columns"] if c["kind"] == "closed"]

    def describe(self):
        data = self.data
        out = [text(data["name"]), u8(data["block"])]
        out += [u8(data["is_table"] + 2 * data["is_permutation"]), u8(self.fixed_height)]
        out.append(u32(len(data["columns"])))
        for column, kind in zip(data["columns"], self.kinds):
            out += [text(column["name"]), u8(kind)]
            if kind == CLOSED:
                out += [u8(column[key]) for key in ("form_id", "bits", "shift", "shift_b")]
                out.append(u64(column["value"]))
        out.append(u32(len(data["nodes"])))
        out += [u8(op) + u32(a) + u32(b) + u64(value) for op, a, b, value in data["nodes"]]
        out.append(u32(len(self.constraints)))
        out += [text(c["name"]) + u32(c["node"]) for c in data["constraints"]]
        out.append(describe_affine(data["real_flag"]))
        out.append(u32(len(self.interactions)))
        for i in self.interactions:
            out += [text(i["domain"]), u32(i["tag"]), u8(i["direction"] == "send")]
            out += [describe_affine(i["multiplicity_affine"]), u32(len(i["fields_affine"]))]
            out += [describe_affine(field) for field in i["fields_affine"]]
        return b"".join(out)


class Machine:
    def __init__(self, data):
        self.name = data["machine"]
        self.slots = [Slot(slot) for slot in data["chips"]]
        self.degree = max([1] + [slot.degree() for slot in self.slots])
        self.digests = {}
        self.has_preprocessed = any(slot.n_preprocessed for slot in self.slots)

    def digest(self, hash_):
        """Remembered for whoever checks many proofs."""
        if hash_.permute not in self.digests:
            parts = [u32(1), text(self.name), u32(len(self.slots))]
            description = b"".join(parts + [slot.describe() for slot in self.slots])
            self.digests[hash_.permute] = hash_.byte_string(DOMAIN_MACHINE, description)
        return self.digests[hash_.permute]


def u8(value):
    return value.to_bytes(1, "little")


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def text(value):
    data = value.encode()
    return u32(len(data)) + data


def describe_affine(form):
    terms = b"".join(u32(column) + u64(coefficient) for column, coefficient in form[1:])
    return u64(form[0]) + u32(len(form) - 1) + terms


def affine_value(form, columns):
    return sum((columns[j] * coefficient for j, coefficient in form[1:]), lift(form[0]))


CLOSED_FORMS = ("const", "bits", "and", "or", "xor", "pow2", "msb", "top")


def closed_form(column, r):
    bits = range(column["bits"])
    a = [r[column["shift"] + i] for i in bits]
    b = [r[column["shift_b"] + i] for i in bits]
    name = CLOSED_FORMS[column["form_id"]]
    if name == "const":
        return lift(column["value"])
    if name in ("bits", "and", "or", "xor"):
        bit = {
            "bits": lambda x, y: x,
            "and": lambda x, y: x * y,
            "or": lambda x, y: x + y - x * y,
            "xor": lambda x, y: x + y - 2 * (x * y),
        }[name]
        return sum((2**i * bit(a[i], b[i]) for i in bits), ZERO)
    if name == "pow2":
        result = ONE
        for i in bits:
            result = result * (1 + a[i] * (pow(2, 2**i, P) - 1))
        return result
    if name in ("msb", "top"):
        result, above = ZERO, ONE
        for i in reversed(bits):
            result = result + (i if name == "msb" else 2**i) * (a[i] * above)
            above = above * (1 - a[i])
        return result
    raise AssertionError(name)


# ---- 4. Parameter classes ---------------------------------------------------------------------


class Class:
    def __init__(self, stack, final, rounds):
        self.stack, self.final, self.rounds = stack, final, rounds
        self.max_height = min(stack - 2, 22)


CLASSES = {
    20: Class(20, 7, [(20, 1, 6, 16, 9, 226), (14, 3, 4, 16, 7, 75), (10, 6, 3, 16, 7, 38)]),
    23: Class(23, 9, [(23, 1, 6, 16, 8, 227), (17, 3, 4, 16, 8, 75), (13, 6, 4, 16, 7, 38)]),
    24: Class(24, 7, [(24, 1, 6, 16, 9, 227), (18, 3, 4, 16, 7, 75), (14, 6, 4, 16, 6, 38),
                      (10, 9, 3, 16, 6, 25)]),
    26: Class(26, 8, [(26, 1, 6, 16, 9, 228), (20, 3, 4, 16, 7, 76), (16, 6, 4, 16, 6, 38),
                      (12, 9, 4, 16, 5, 25)]),
    114: Class(14, 8, [(14, 4, 6, 16, 6, 57)]),
    117: Class(17, 8, [(17, 4, 6, 16, 7, 57), (11, 6, 3, 16, 6, 38)]),
    120: Class(20, 7, [(20, 3, 6, 16, 7, 76), (14, 5, 4, 16, 7, 45), (10, 8, 3, 16, 5, 29)]),
    123: Class(23, 9, [(23, 2, 6, 16, 7, 113), (17, 4, 4, 16, 7, 57), (13, 7, 4, 16, 6, 33)]),
}  # fmt: skip
FIXED_CLASSES = (114, 117, 120, 123)  # of preprocessed commitments alone


# ---- 5. Key -----------------------------------------------------------------------------------


class Key:
    def __init__(self, machine, hash_id, program, class_id, heights, root):
        self.machine, self.hash = machine, Hash(hash_id)
        self.class_id, self.heights, self.root = class_id, heights, root
        t = Transcript(self.hash, DOMAIN_KEY)
        t.absorb_integer(PROTOCOL, 1)
        t.absorb_integer(PROTOCOL, hash_id)
        t.absorb(KEY, machine.digest(self.hash))
        t.absorb(KEY, self.hash.elements(DOMAIN_KEY, program))
        t.absorb_integer(COUNT, class_id)
        t.absorb(HEADER, byte_elements(bytes(heights)))
        t.absorb(ROOT, root)
        self.digest = t.squeeze_digest()


# ---- 6. Contributions, layout -----------------------------------------------------------------


class Contribution:
    def __init__(self, index, reader, n_slots):
        self.index = index
        self.class_id, self.preprocessed = reader.element(), reader.element()
        self.root, self.answer = reader.digest(), reader.k()
        self.heights = reader.elements(n_slots)

    def head(self):
        return [self.index, self.class_id, self.preprocessed] + self.heights

    def absorb_into(self, t):
        t.absorb(HEADER, self.head())
        t.absorb(ROOT, self.root)

    def out_of_domain_point(self, key):
        t = Transcript(key.hash, DOMAIN_COMMIT)
        t.absorb(KEY, key.digest)
        self.absorb_into(t)
        return t.squeeze_k()

    def check(self, key):
        where = f"contribution {self.index}: "
        require(self.class_id in CLASSES, where + f"there is no class {self.class_id}")
        require(self.class_id not in FIXED_CLASSES,
                where + "the class is for preprocessed columns")  # fmt: skip
        require(self.preprocessed <= 1, where + "preprocessed is neither 0 nor 1")
        require(key.machine.has_preprocessed or self.preprocessed == 0,
                where + "the machine has no preprocessed columns")  # fmt: skip
        self.cls = CLASSES[self.class_id]
        for s, (slot, h) in enumerate(zip(key.machine.slots, self.heights)):
            at = where + f"slot {s}: "
            require(max(slot.n_committed, len(slot.interactions)) <= 2 ** (self.cls.stack - 6),
                    at + "too wide for the class")  # fmt: skip
            require(h == 0 or 6 <= h <= self.cls.max_height, at + f"height 2^{h}")
            require(h in (0, slot.fixed_height) or slot.fixed_height == 0,
                    at + "the chip has a fixed height")  # fmt: skip
            if slot.n_preprocessed > 0:
                require(h == (key.heights[s] if self.preprocessed else 0),
                        at + "not the height of the key")  # fmt: skip
        self.columns = layout(self.heights, [s.n_committed for s in key.machine.slots])
        self.leaves = layout(self.heights, [len(s.interactions) for s in key.machine.slots])
        require(self.leaves[1] > 0, where + "an instance without any chip")
        for _, total in (self.columns, self.leaves):
            require(total <= 2**self.cls.stack, where + "more than the class holds")


def layout(heights, counts):
    """For each slot the position of its first column, in units of 2^height; total of the cells."""
    offset, positions = 0, [0] * len(heights)
    for level in range(max(heights, default=0), 0, -1):
        for s, h in enumerate(heights):
            if h == level:
                positions[s] = offset >> h
                offset += counts[s] << h
    return positions, offset


def global_challenge(key, publics, contributions):
    t = Transcript(key.hash, DOMAIN_JOB)
    t.absorb_integer(PROTOCOL, 1)
    t.absorb(KEY, key.digest)
    t.absorb(PUBLICS, publics)
    t.absorb_integer(COUNT, len(contributions))
    for contribution in contributions:
        contribution.absorb_into(t)
        t.absorb(OOD_ANSWER, contribution.answer)
    return t.squeeze_digest()


# ---- 7. The proof of an instance --------------------------------------------------------------


class Reader:
    def __init__(self, words):
        self.words, self.at = words, 0

    def word(self):
        require(self.at < len(self.words), "the proof ends too early")
        self.at += 1
        return self.words[self.at - 1]

    def element(self):
        value = self.word()
        require(value < P, f"word {self.at - 1} is no canonical element")
        return value

    def elements(self, n):
        return [self.element() for _ in range(n)]

    def k(self):
        return K(*self.elements(3))

    def ks(self, n):
        return [self.k() for _ in range(n)]

    def digest(self):
        return tuple(self.elements(4))


def verify_gkr(reader, t, n_layers):
    """Returns P, Q and the claim (p, q) about the leaves at rho."""
    root = p, q = reader.ks(2)
    t.absorb(GKR_ROOT, p, q)
    require(q != ZERO, "GKR: the denominator of the root is zero")
    rho = []
    for layer in range(n_layers):
        lam = t.squeeze_k()
        c, point = p + lam * q, []
        for i in range(layer):
            d, e = reader.ks(2)
            t.absorb(GKR_ROUND, d, e)
            r = t.squeeze_k()
            c = c + d * (r - rho[i]) + r * (r - 1) * e
            point.append(r)
        p0, p1, q0, q1 = reader.ks(4)
        t.absorb(GKR_LAYER, p0, p1, q0, q1)
        require(c == p0 * q1 + p1 * q0 + lam * (q0 * q1), f"GKR: layer {layer} does not add up")
        tau = t.squeeze_k()
        p, q = p0 + tau * (p1 - p0), q0 + tau * (q1 - q0)
        rho = [tau] + point
    return *root, p, q, rho


def verify_whir(reader, t, cls, root, c):
    """Returns s, f and rest."""
    hash_, s = t.hash, []
    checks = []  # of each round but the last: xi, z, points of the queries, length of s before it

    def sumcheck(rounds, c):
        for _ in range(rounds):
            d, e = reader.ks(2)
            t.absorb(WHIR_ROUND, d, e)
            a = t.squeeze_k()
            c = (c - d) * HALF + (d + e * (a - 1)) * a
            s.append(a)
        return c

    for number, (m, r, k, g, cap, queries) in enumerate(cls.rounds):
        last = number == len(cls.rounds) - 1
        c = sumcheck(k, c)
        fold = eq_table(s[-k:])
        if last:
            final = reader.ks(2**cls.final)
            t.absorb(FINAL_POLY, *final)
        else:
            next_root = reader.digest()
            t.absorb(ROOT, next_root)
            z = t.squeeze_k()
            y = reader.k()
            t.absorb(OOD_ANSWER, y)
        nonce = reader.element()
        require(nonce < 2**40, f"WHIR: nonce of round {number} is too large")
        require(g > 0 or nonce == 0, f"WHIR: nonce of round {number} is not zero")
        t.absorb(NONCE, nonce)
        require(t.squeeze_bits(g) == 0, f"WHIR: nonce of round {number} has too few zero bits")
        nodes = [reader.digest() for _ in range(2**cap)]
        require(hash_.root(nodes) == root, f"WHIR: cap of round {number} does not hash to the root")
        n = m + r - k
        w = pow(7, (P - 1) >> n, P)
        points, values = [], []
        for q in range(queries):
            j = t.squeeze_bits(n)
            words = reader.elements(2**k if number == 0 else 3 * 2**k)
            cap_node = read_path(reader, hash_, hash_.row(words), j, n, cap)
            require(cap_node == nodes[j >> (n - cap)],
                    f"WHIR: query {q} of round {number} is not in the tree")  # fmt: skip
            if number == 0:
                lanes = words
            else:
                lanes = [K(*words[b :: 2**k]) for b in range(2**k)]
            points.append(pow(w, j, P))
            values.append(sum((f * lane for f, lane in zip(fold, lanes)), ZERO))
        if last:
            for x, v in zip(points, values):
                value = ZERO
                for g_j in reversed(final):
                    value = value * x + g_j
                require(value == v, "WHIR: a query differs from the final polynomial")
        else:
            xi = t.squeeze_k()
            factor = xi
            c = c + factor * y
            for v in values:
                factor = factor * xi
                c = c + factor * v
            checks.append((xi, z, points, len(s)))
            root = next_root
    c = sumcheck(cls.final, c)

    f = sum((e * g_j for e, g_j in zip(eq_table(s[-cls.final :]), final)), ZERO)
    weight = ZERO
    for xi, z, points, start in checks:
        factor = xi
        weight = weight + factor * pow_point(z, s[start:])
        for x in points:
            factor = factor * xi
            weight = weight + factor * pow_point(x, s[start:])
    return s, f, c - f * weight


def read_path(reader, hash_, node, index, n, cap):
    """Reads the siblings of row `index` and returns the node of the cap over it."""
    level = n
    while level > cap:
        bits = min(2, level)
        siblings = [reader.digest() for _ in range(2**bits - 1)]
        child = index & (2**bits - 1)
        node = hash_.node(siblings[:child] + [node] + siblings[child:])
        index, level = index >> bits, level - bits
    return node


class Instance:
    """The checks of one instance; `bus` is its sum P/Q."""

    def __init__(self, key, contribution, challenge, gamma, beta, reader):
        self.key, self.contribution, self.reader = key, contribution, reader
        self.slots, self.heights = key.machine.slots, contribution.heights
        self.gamma, self.beta = gamma, beta
        t = self.t = Transcript(key.hash, DOMAIN_INSTANCE)
        t.absorb(CHALLENGE, challenge)
        contribution.absorb_into(t)
        t.absorb(OOD_ANSWER, contribution.answer)
        top_p, top_q, p, q, rho = verify_gkr(reader, t, contribution.cls.stack)
        self.bus = top_p * top_q.inverse()
        self.zerocheck(p, q, rho)
        self.openings()

    def interaction_weights(self, rho):
        positions, _ = self.contribution.leaves
        return [
            [eq_index(rho[h:], position + k) for k in range(len(slot.interactions))] if h else []
            for slot, position, h in zip(self.slots, positions, self.heights)
        ]

    def zerocheck(self, p, q, rho):
        t, degree = self.t, self.key.machine.degree
        lam, alpha = t.squeeze_k(), t.squeeze_k()
        weights = self.interaction_weights(rho)
        c = p + lam * (q - 1 + sum((w for slot in weights for w in slot), ZERO))
        r = []
        for i in range(self.contribution.cls.max_height):
            message = d, *es = self.reader.ks(degree)
            t.absorb(ZEROCHECK_ROUND, *message)
            x = t.squeeze_k()
            high = ZERO
            for e in reversed(es):
                high = high * x + e
            c = c + d * (x - rho[i]) + x * (x - 1) * high
            r.append(x)
        self.r, self.values = r, []
        factor, total = alpha, ZERO
        for s, (slot, h) in enumerate(zip(self.slots, self.heights)):
            values = self.reader.ks(slot.n_committed + slot.n_preprocessed)
            t.absorb(CLAIMS, *values)
            self.values.append(values)
            if h == 0:
                require(all(v == ZERO for v in values), f"slot {s}: values of an absent chip")
                factor = factor * alpha.power(len(slot.constraints))
                continue
            columns = values + slot.closed_values(r[:h])
            nodes = slot.node_values(columns)
            for j in slot.constraints:
                total = total + factor * nodes[j]
                factor = factor * alpha
            for w, i in zip(weights[s], slot.interactions):
                multiplicity = affine_value(i["multiplicity_affine"], columns)
                fields = [affine_value(field, columns) for field in i["fields_affine"]]
                total = total + w * (multiplicity + lam * self.denominator(i["tag"], fields))
        require(c == total, "zerocheck: constraints and interactions do not give the claim")

    def denominator(self, tag, fields):
        return denominator(self.gamma, self.beta, tag, fields)

    def openings(self):
        contribution, key = self.contribution, self.key
        mu = self.t.squeeze_k()
        first, coefficients = mu, []
        for slot in self.slots:
            of_slot = []
            for _ in slot.kinds:
                of_slot.append(first)
                first = first * mu
            coefficients.append(of_slot)
        z = contribution.out_of_domain_point(key)
        split = [slot.n_committed for slot in self.slots]
        committed = [(c[:n], v[:n]) for n, c, v in zip(split, coefficients, self.values)]
        self.opening("committed", contribution.cls, contribution.root, committed,
                     contribution.columns[0], z, contribution.answer)  # fmt: skip
        if contribution.preprocessed:
            fixed = [(c[n : len(v)], v[n:]) for n, c, v in zip(split, coefficients, self.values)]
            positions, total = layout(key.heights, [s.n_preprocessed for s in self.slots])
            cls = CLASSES[key.class_id]
            require(total <= 2**cls.stack, "preprocessed columns: more than their class holds")
            self.opening("preprocessed", cls, key.root, fixed, positions, None, ZERO)

    def opening(self, name, cls, root, columns, positions, z, claim):
        """columns: of each slot the coefficients and the values."""
        for coefficients, values in columns:
            for c, v in zip(coefficients, values):
                claim = claim + c * v
        s, f, rest = verify_whir(self.reader, self.t, cls, root, claim)
        weight = ZERO if z is None else pow_point(z, s)
        for (coefficients, _), position, h in zip(columns, positions, self.heights):
            if h == 0 or not coefficients:
                continue
            of_slot = ZERO
            for j, c in enumerate(coefficients):
                of_slot = of_slot + c * eq_index(s[h:], position + j)
            weight = weight + eq_points(self.r[:h], s[:h]) * of_slot
        require(rest == f * weight, f"the opening of the {name} columns does not hold")


# ---- 8, 9. The job and its file ---------------------------------------------------------------


def denominator(gamma, beta, tag, fields):
    result, power = gamma + tag, ONE
    for field in fields:
        power = power * beta
        result = result + power * field
    return result


def boundary(entry, publics):
    """Tuples (tag, multiplicity, fields)."""
    yield 1, 1, (entry, 4)
    yield 10, -1, (93, 0)
    yield 4, 1, (0, 0)
    yield 4, -1, (0, 2**32 + 32)
    for i, word in enumerate(publics):
        yield 9, -1, (i, word)


def read_head(reader, machine):
    """Key, entry, publics and number of instances of a file; nothing is believed yet."""
    require(reader.word().to_bytes(8, "little") == b"ZISKCPRF", "not a proof file")
    require(reader.element() == 1, "not version 1 of the format")
    require(reader.element() == 1, "not a list of instance proofs")
    hash_id, abi, entry, n_slots, n_instances, class_id = reader.elements(6)
    # Were a second hash accepted, its weakness would do to find another key with the same digest.
    require(hash_id == 1, "programs are proved with hash 1 only")
    require(abi in b"ABC", "there is no such memory map")
    require(entry < 2**32, "the entry point is above 2^32")
    require(n_slots == len(machine.slots), "the proof is of another machine: number of slots")
    require(1 <= n_instances <= 2**14, "the number of instances is not 1 to 2^14")
    require(reader.elements(3) == [0, 0, 0], "reserved words are not zero")
    key_digest, publics = reader.digest(), reader.elements(64)
    require(all(word < 2**32 for word in publics), "a public output is above 2^32")
    root, heights = reader.digest(), reader.elements(n_slots)
    for slot, h in zip(machine.slots, heights):
        require(h == 0 or 6 <= h <= 22, f"preprocessed columns of height 2^{h}")
        require((h != 0) == (slot.n_preprocessed != 0), "heights of the preprocessed columns")
    if machine.has_preprocessed:
        require(class_id in CLASSES, f"there is no class {class_id}")
        require(max(heights) <= CLASSES[class_id].max_height, "a preprocessed slot is too tall")
    else:
        require(class_id == 0 and root == (0, 0, 0, 0), "there are no preprocessed columns")
    key = Key(machine, hash_id, (abi, entry), class_id, heights, root)
    require(key.digest == key_digest, "the head does not lead to its key digest")
    return key, entry, publics, n_instances


def verify(words, machine, vk, expected_publics):
    """Returns the public outputs, or raises Refused."""
    reader = Reader(words)
    key, entry, publics, n_instances = read_head(reader, machine)
    require(key.digest == vk, "the proof is for another key")
    require(expected_publics in (None, publics), "the public outputs are not the expected ones")
    contributions = [Contribution(i, reader, len(machine.slots)) for i in range(n_instances)]
    n_interactions = 0
    for contribution in contributions:
        contribution.check(key)
        n_interactions += contribution.leaves[1]
    require(n_interactions < 2**46, "too many interactions")
    challenge = global_challenge(key, publics, contributions)
    t = Transcript(key.hash, DOMAIN_BUS)
    t.absorb(CHALLENGE, challenge)
    gamma, beta = t.squeeze_k(), t.squeeze_k()
    total = ZERO
    for tag, multiplicity, fields in boundary(entry, publics):
        d = denominator(gamma, beta, tag, fields)
        require(d != ZERO, "a boundary tuple has denominator zero")
        total = total + d.inverse() * multiplicity
    for contribution in contributions:
        try:
            total = total + Instance(key, contribution, challenge, gamma, beta, reader).bus
        except Refused as reason:
            raise Refused(f"instance {contribution.index}: {reason}") from None
    require(reader.at == len(words), "the file goes on after the last proof")
    require(total == ZERO, "the bus does not balance")
    return publics


def parse_publics(text):
    words = [int(word, 0) for word in re.split(r"[\s,\[\]]+", text) if word]
    if len(words) != 64 or not all(0 <= word < 2**32 for word in words):
        raise ValueError("64 numbers below 2^32 expected")
    return words


def parse_vk(text):
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError("64 hexadecimal digits expected")
    return tuple(int(text[i : i + 16], 16) for i in range(0, 64, 16))


def main():
    parser = argparse.ArgumentParser(description="Check a proof, apart from the C sources.")
    parser.add_argument("proof", metavar="PROOF")
    parser.add_argument("--machine", required=True, metavar="FILE", help="zisk chips --json")
    parser.add_argument("--vk", required=True, type=parse_vk, metavar="HEX", help="zisk vk")
    parser.add_argument("--publics", metavar="FILE", help="the 64 expected public outputs")
    args = parser.parse_args()
    try:
        with open(args.machine, encoding="utf-8") as file:
            machine = Machine(json.load(file))
        expected = None
        if args.publics is not None:
            with open(args.publics, encoding="utf-8") as file:
                expected = parse_publics(file.read())
        with open(args.proof, "rb") as file:
            data = file.read()
    except (OSError, ValueError, KeyError) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 1
    try:
        require(len(data) % 8 == 0, "the length of the file is no multiple of 8")
        publics = verify(struct.unpack(f"<{len(data) // 8}Q", data), machine, args.vk, expected)
    except Refused as reason:
        print(f"invalid: {reason}")
        return 1
    print("valid")
    for i in range(0, 64, 8):
        print(*publics[i : i + 8])
    return 0


if __name__ == "__main__":
    sys.exit(main())
