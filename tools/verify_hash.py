# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Field, hash and transcript of tools/verify.py: sections 1 and 2 of doc/proof-format.md."""

P = 2**64 - 2**32 + 1


class Refused(Exception):
    """The proof is not valid; the text says why."""


def require(condition, reason):
    if not condition:
        raise Refused(reason)


# ---- K = F[x]/(x^3 - 2) -----------------------------------------------------------------------


class K:
    """An element; plain integers stand for elements of F."""

    __slots__ = ("c",)

    def __init__(self, c0, c1=0, c2=0):
        self.c = (c0 % P, c1 % P, c2 % P)

    def __add__(self, other):
        a, b = self.c, lift(other).c
        return K(a[0] + b[0], a[1] + b[1], a[2] + b[2])

    def __sub__(self, other):
        a, b = self.c, lift(other).c
        return K(a[0] - b[0], a[1] - b[1], a[2] - b[2])

    def __mul__(self, other):
        a0, a1, a2 = self.c
        if isinstance(other, int):
            return K(a0 * other, a1 * other, a2 * other)
        b0, b1, b2 = other.c
        return K(
            a0 * b0 + 2 * (a1 * b2 + a2 * b1),
            a0 * b1 + a1 * b0 + 2 * a2 * b2,
            a0 * b2 + a1 * b1 + a2 * b0,
        )

    def __rsub__(self, other):
        return lift(other) - self

    __radd__ = __add__
    __rmul__ = __mul__

    def __eq__(self, other):
        return self.c == lift(other).c

    def power(self, n):
        result, square = ONE, self
        while n:
            if n & 1:
                result = result * square
            square, n = square * square, n >> 1
        return result

    def inverse(self):
        return self.power(P**3 - 2)


def lift(value):
    return value if isinstance(value, K) else K(value)


ZERO, ONE = K(0), K(1)
HALF = (P + 1) // 2


def eq_index(point, index):
    """eq(point, index), index an integer whose bit i belongs to variable i."""
    result = ONE
    for i, x in enumerate(point):
        result = result * (x if index >> i & 1 else 1 - x)
    return result


def eq_points(a, b):
    result = ONE
    for x, y in zip(a, b, strict=True):
        result = result * (x * y + (1 - x) * (1 - y))
    return result


def eq_table(point):
    """eq(point, b) for all b."""
    table = [ONE]
    for x in point:
        high = [t * x for t in table]
        table = [t - h for t, h in zip(table, high)] + high
    return table


def pow_point(z, point):
    """pow(z, point), z in F or K."""
    result = ONE
    for x in point:
        result = result * (1 + x * (z - 1))
        z = z * z if isinstance(z, K) else z * z % P
    return result


# ---- 1. Hash ----------------------------------------------------------------------------------


def grain_constants(count):
    """Round constants of Poseidon by the Grain LFSR (eprint 2019/458, appendix E): prime field,
    S-box x^alpha, 64 bits, width 16, 8 full and 22 partial rounds."""
    fields = ((1, 2), (0, 4), (64, 12), (16, 12), (8, 10), (22, 10), (2**30 - 1, 30))
    state = [int(b) for value, bits in fields for b in format(value, f"0{bits}b")]

    def step():
        state.append(state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state.pop(0))
        return state[-1]

    def shrunk():
        while True:
            keep, bit = step(), step()
            if keep:
                return bit

    for _ in range(160):
        step()
    constants = []
    while len(constants) < count:
        value = 0
        for _ in range(64):
            value = 2 * value + shrunk()
        if value < P:
            constants.append(value)
    return constants


ROUND_CONSTANTS = grain_constants(30 * 16)
POSEIDON_COLUMN = (1, 3, 13, 22, 67, 2, 15, 63, 101, 1, 2, 17, 11, 1, 51, 1)
LIMB = 10  # bytes; an element or the sum of two times the row sum 371 of the matrix fits
POSEIDON_PACKED = sum(x << 8 * LIMB * i for i, x in enumerate(POSEIDON_COLUMN))
PACKED_MASK = (1 << 8 * LIMB * 16) - 1


def poseidon(s):
    for r in range(30):
        s = [x + c for x, c in zip(s, ROUND_CONSTANTS[16 * r : 16 * r + 16])]
        if 4 <= r < 26:
            s[0] = pow(s[0], 7, P)
        else:
            s = [pow(x, 7, P) for x in s]
        # The product with a circulant matrix as one product of integers, of 16 limbs each.
        packed = int.from_bytes(b"".join([x.to_bytes(LIMB, "little") for x in s]), "little")
        product = packed * POSEIDON_PACKED
        product = (product & PACKED_MASK) + (product >> 8 * LIMB * 16)
        data = product.to_bytes(LIMB * 16, "little")
        s = [int.from_bytes(data[i : i + LIMB], "little") % P for i in range(0, LIMB * 16, LIMB)]
    return s


POSEIDON2_M4 = ((5, 7, 1, 3), (4, 6, 1, 1), (1, 3, 5, 7), (1, 1, 4, 6))
POSEIDON2_DIAGONAL = (
    0xde9b91a467d6afc0, 0xc5f16b9c76a9be17, 0x0ab0fef2d540ac55, 0x3001d27009d05773,
    0xed23b1f906d3d9eb, 0x5ce73743cba97054, 0x1c3bab944af4ba24, 0x2faa105854dbafae,
    0x53ffb3ae6d421a10, 0xbcda9df8884ba396, 0xfc1273e4a31807bb, 0xc77952573d5142c0,
    0x56683339a819b85e, 0x328fcbd8f0ddc8eb, 0xb5101e303fce9cb7, 0x774487b8c40089bb,
)


def poseidon2(s):
    def outer(s):
        t = [sum(m * x for m, x in zip(POSEIDON2_M4[i % 4], s[i & ~3 :])) for i in range(16)]
        groups = [t[i] + t[i + 4] + t[i + 8] + t[i + 12] for i in range(4)]
        return [(t[i] + groups[i % 4]) % P for i in range(16)]

    constants = iter(ROUND_CONSTANTS)

    def full_rounds(s):
        for _ in range(4):
            s = outer([pow(x + next(constants), 7, P) for x in s])
        return s

    s = full_rounds(outer(s))
    for _ in range(22):
        s[0] = pow(s[0] + next(constants), 7, P)
        total = sum(s)
        s = [(total + d * x) % P for d, x in zip(POSEIDON2_DIAGONAL, s)]
    return full_rounds(s)


class Hash:
    def __init__(self, hash_id):
        self.permute = {1: poseidon, 2: poseidon2}.get(hash_id)
        require(self.permute is not None, f"there is no hash {hash_id}")

    def compress(self, x):
        return tuple((a + b) % P for a, b in zip(self.permute(list(x)), x[:4]))

    def node(self, children):
        flat = [e for child in children for e in child]
        return self.compress(flat + [0] * (16 - len(flat)))

    def row(self, row):
        while True:
            row = list(row) + [0] * (-len(row) % 16)
            digests = [self.compress(row[i : i + 16]) for i in range(0, len(row), 16)]
            if len(digests) == 1:
                return digests[0]
            row = [e for d in digests for e in d]

    def _sponge(self, state, elements):
        for i in range(0, max(len(elements), 1), 12):
            block = elements[i : i + 12]
            state[:12] = block + [0] * (12 - len(block))
            state = self.permute(state)
        return tuple(state[:4])

    def byte_string(self, domain, data):
        return self._sponge([0] * 12 + [len(data), domain, 0, 0], byte_elements(data))

    def elements(self, domain, elements):
        return self._sponge([0] * 12 + [len(elements), domain, 1, 0], list(elements))

    def root(self, nodes):
        """Root over a level of nodes."""
        while len(nodes) > 1:
            arity = 4 if len(nodes) >= 4 else 2
            nodes = [self.node(nodes[i : i + arity]) for i in range(0, len(nodes), arity)]
        return nodes[0]


def byte_elements(data):
    data = data + b"\1"
    data += b"\0" * (-len(data) % 7)
    return [int.from_bytes(data[i : i + 7], "little") for i in range(0, len(data), 7)]


# ---- 2. Transcript ----------------------------------------------------------------------------

(PROTOCOL, KEY, PUBLICS, COUNT, HEADER, ROOT, OOD_ANSWER, CHALLENGE, GKR_ROOT, GKR_ROUND, GKR_LAYER,
 ZEROCHECK_ROUND, CLAIMS, WHIR_ROUND, FINAL_POLY, NONCE) = range(1, 17)  # fmt: skip
DOMAIN_KEY, DOMAIN_COMMIT, DOMAIN_JOB = 0x6B6579, 0x636D74, 0x6A6F62
DOMAIN_BUS, DOMAIN_INSTANCE, DOMAIN_MACHINE = 0x627573, 0x696E73, 0x6D616368696E65


class Transcript:
    def __init__(self, hash_, domain):
        self.hash = hash_
        self.state = [0] * 13 + [domain, 2, 0]
        self.position, self.squeezing = 0, False

    def _write(self, e):
        if self.position == 12:
            self.state, self.position = self.hash.permute(self.state), 0
        self.state[self.position] = e
        self.position += 1

    def absorb(self, label, *values):
        """Values: elements, K elements, digests and other sequences of elements."""
        elements = []
        for v in values:
            elements += [v] if isinstance(v, int) else v.c if isinstance(v, K) else v
        if self.squeezing:
            self.squeezing, self.position = False, 0
            self.state[12] = (self.state[12] + 1) % P
        self._write((label << 32) + len(elements))
        for e in elements:
            self._write(e)

    def absorb_integer(self, label, value):
        self.absorb(label, value & 0xFFFFFFFF, value >> 32)

    def squeeze(self):
        if not self.squeezing:
            self.squeezing = True
            self.state[self.position : 12] = [0] * (12 - self.position)
            self.state[12] = (self.state[12] + 1) % P
            self.position = 12
        if self.position == 12:
            self.state, self.position = self.hash.permute(self.state), 0
        self.position += 1
        return self.state[self.position - 1]

    def squeeze_k(self):
        return K(self.squeeze(), self.squeeze(), self.squeeze())

    def squeeze_digest(self):
        return tuple(self.squeeze() for _ in range(4))

    def squeeze_bits(self, n):
        return self.squeeze() & ((1 << n) - 1)
