#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Writes secp256k1_table.h: the odd multiples of the generator of secp256k1 (SEC 2, 2.4.1)."""

P = 2**256 - 0x1000003D1
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
COUNT = 32


def add(a, b):
    if a == b:
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def limbs(v):
    return "{{" + ", ".join("0x%016x" % (v >> 64 * i & 2**64 - 1) for i in range(4)) + "}}"


print("// SPDX-License-Identifier: Apache-2.0 OR MIT")
print("#pragma once")
print("// Written by guest/src/secp256k1_table.py: (2 i + 1) G for i < 32, as x and y in "
      "little-endian limbs.")
print("// clang-format off")
print("static const affine g_table[1 << (G_WINDOW - 2)] = {")
point, twice = G, add(G, G)
for _ in range(COUNT):
    print("    {%s,\n     %s}," % (limbs(point[0]), limbs(point[1])))
    point = add(point, twice)
print("};")
print("// clang-format on")
