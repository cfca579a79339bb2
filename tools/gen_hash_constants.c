// SPDX-License-Identifier: Apache-2.0 OR MIT
// Writes src/hash/hash_constants.c to standard output, or with --check FILE compares it with FILE
// (exit status 1 when they differ). What the numbers are: src/hash/hash_constants.h.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define P 0xFFFFFFFF00000001ULL // 2^64 - 2^32 + 1

enum { WIDTH = 16, FULL_ROUNDS = 8, PARTIAL_ROUNDS = 22 };

// Published by Plonky3 (goldilocks/src/mds.rs, there as first row) for width 16.
static const unsigned mds_column[WIDTH] = {1,   3, 13, 22, 67, 2, 15, 63,
                                           101, 1, 2,  17, 11, 1, 51, 1};

// Published by HorizenLabs/poseidon2 for Goldilocks, t = 16: the diagonal minus one.
static const uint64_t diagonal[WIDTH] = {
    0xde9b91a467d6afc0ULL, 0xc5f16b9c76a9be17ULL, 0x0ab0fef2d540ac55ULL, 0x3001d27009d05773ULL,
    0xed23b1f906d3d9ebULL, 0x5ce73743cba97054ULL, 0x1c3bab944af4ba24ULL, 0x2faa105854dbafaeULL,
    0x53ffb3ae6d421a10ULL, 0xbcda9df8884ba396ULL, 0xfc1273e4a31807bbULL, 0xc77952573d5142c0ULL,
    0x56683339a819b85eULL, 0x328fcbd8f0ddc8ebULL, 0xb5101e303fce9cb7ULL, 0x774487b8c40089bbULL,
};

// The Grain LFSR: 80 bits, feedback b[i+80] = b[i+62] + b[i+51] + b[i+38] + b[i+23] + b[i+13] +
// b[i]; the first 160 bits are thrown away.
typedef struct grain {
    unsigned char b[80];
} grain;

static unsigned grain_step(grain *g)
{
    unsigned char *b = g->b;
    unsigned char fresh = b[62] ^ b[51] ^ b[38] ^ b[23] ^ b[13] ^ b[0];
    memmove(b, b + 1, 79);
    b[79] = fresh;
    return fresh;
}

static void grain_put(grain *g, unsigned *at, unsigned value, unsigned n_bits)
{
    for (unsigned i = n_bits; i-- > 0;)
        g->b[(*at)++] = (value >> i) & 1;
}

static grain grain_new(void)
{
    grain g;
    unsigned at = 0;
    grain_put(&g, &at, 1, 2);               // field: GF(p)
    grain_put(&g, &at, 0, 4);               // S-box: x^alpha
    grain_put(&g, &at, 64, 12);             // bits of an element
    grain_put(&g, &at, WIDTH, 12);          // t
    grain_put(&g, &at, FULL_ROUNDS, 10);    // R_F
    grain_put(&g, &at, PARTIAL_ROUNDS, 10); // R_P
    while (at < 80)
        g.b[at++] = 1;
    for (unsigned i = 0; i < 160; i++)
        grain_step(&g);
    return g;
}

// Self-shrinking: of two bits the second is put out when the first is 1.
static unsigned grain_bit(grain *g)
{
    for (;;) {
        unsigned keep = grain_step(g), bit = grain_step(g);
        if (keep)
            return bit;
    }
}

// 64 bits, most significant first; values >= p are rejected.
static uint64_t grain_element(grain *g)
{
    for (;;) {
        uint64_t v = 0;
        for (unsigned i = 0; i < 64; i++)
            v = v << 1 | grain_bit(g);
        if (v < P)
            return v;
    }
}

static void print_values(FILE *f, const uint64_t *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s0x%016" PRIx64 "ULL,%s", i % 4 == 0 ? "    " : " ", values[i],
                i % 4 == 3 || i + 1 == n ? "\n" : "");
}

enum { ROUNDS = FULL_ROUNDS + PARTIAL_ROUNDS, LAYERS = FULL_ROUNDS + PARTIAL_ROUNDS / 2 };

// out := circulant matrix of first column `column`, times in.
static void circulant(uint64_t *out, const uint64_t *column, const uint64_t *in)
{
    for (unsigned i = 0; i < WIDTH; i++) {
        unsigned __int128 sum = 0;
        for (unsigned j = 0; j < WIDTH; j++)
            sum = (sum + (unsigned __int128)column[(i + WIDTH - j) % WIDTH] * in[j]) % P;
        out[i] = (uint64_t)sum;
    }
}

static void print_signed(FILE *f, const char *name, const int64_t *values, size_t n)
{
    fprintf(f, "    .%s = {", name);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%" PRId64, i == 0 ? "" : ", ", values[i]);
    fprintf(f, "},\n");
}

// The split of a circulant matrix over x^16 - 1 = (x^4 - 1)(x^4 + 1)(x^8 + 1).
static void print_split(FILE *f, const uint64_t *column)
{
    int64_t u[8], v[15], p[7], q[7];
    for (int k = 0; k < 8; k++) {
        u[k] = (int64_t)(column[k] + column[k + 8]);
        v[7 + k] = 2 * ((int64_t)column[k] - (int64_t)column[k + 8]);
        if (k > 0)
            v[k - 1] = -v[7 + k]; // x^8 = -1
    }
    for (int k = 0; k < 4; k++) {
        p[3 + k] = u[k] + u[k + 4];
        q[3 + k] = u[k] - u[k + 4];
        if (k > 0) {
            p[k - 1] = p[3 + k];
            q[k - 1] = -q[3 + k]; // x^4 = -1
        }
    }
    print_signed(f, "p", p, 7);
    print_signed(f, "q", q, 7);
    print_signed(f, "v", v, 15);
}

// Vectors cut into limbs at the given bits, limb by limb, each in the split form of 4 times itself.
static void print_limbs(FILE *f, const char *name, uint64_t (*rows)[WIDTH], size_t n_rows,
                        unsigned n_limbs, const unsigned *offsets)
{
    fprintf(f, "\nconst poseidon_split %s[%zu][%u] = {\n", name, n_rows, n_limbs);
    for (size_t r = 0; r < n_rows; r++) {
        fprintf(f, "    {\n");
        for (unsigned l = 0; l < n_limbs; l++) {
            unsigned n_bits = (l + 1 < n_limbs ? offsets[l + 1] : 64) - offsets[l];
            int64_t a[WIDTH], p[4], q[4], v[8];
            for (unsigned i = 0; i < WIDTH; i++)
                a[i] = (int64_t)(rows[r][i] >> offsets[l] & ((1ULL << n_bits) - 1));
            for (unsigned i = 0; i < 4; i++) {
                p[i] = a[i] + a[i + 8] + (a[i + 4] + a[i + 12]);
                q[i] = a[i] + a[i + 8] - (a[i + 4] + a[i + 12]);
            }
            for (unsigned i = 0; i < 8; i++)
                v[i] = 2 * (a[i] - a[i + 8]);
            fprintf(f, "    {\n");
            print_signed(f, "p", p, 4);
            print_signed(f, "q", q, 4);
            print_signed(f, "v", v, 8);
            fprintf(f, "    },\n");
        }
        fprintf(f, "    },\n");
    }
    fprintf(f, "};\n");
}

// One element of each vector, cut into limbs.
static void print_scalars(FILE *f, const char *name, uint64_t (*rows)[WIDTH], size_t n_rows,
                          unsigned n_limbs, const unsigned *offsets)
{
    fprintf(f, "\nconst uint64_t %s[%zu][%u] = {\n", name, n_rows, n_limbs);
    for (size_t r = 0; r < n_rows; r++) {
        fprintf(f, "    {");
        for (unsigned l = 0; l < n_limbs; l++) {
            unsigned n_bits = (l + 1 < n_limbs ? offsets[l + 1] : 64) - offsets[l];
            fprintf(f, "%s%" PRIu64, l == 0 ? "" : ", ",
                    (uint64_t)(rows[r][0] >> offsets[l] & ((1ULL << n_bits) - 1)));
        }
        fprintf(f, "},\n");
    }
    fprintf(f, "};\n");
}

// What poseidon_kernel.inc needs; see hash_constants.h.
static void print_kernel_tables(FILE *f, const uint64_t *constants)
{
    uint64_t column[WIDTH], square[WIDTH], layers[LAYERS][WIDTH] = {{0}};
    uint64_t between[PARTIAL_ROUNDS / 2][WIDTH] = {{0}};
    for (unsigned i = 0; i < WIDTH; i++)
        column[i] = mds_column[i];
    circulant(square, column, column);

    unsigned layer = 0;
    for (unsigned r = 0; r < ROUNDS; layer++) {
        const uint64_t *next = constants + (r + 1) * WIDTH;
        if (r < FULL_ROUNDS / 2 || r >= ROUNDS - FULL_ROUNDS / 2) {
            for (unsigned i = 0; i < WIDTH && r + 1 < ROUNDS; i++)
                layers[layer][i] = next[i];
            r += 1;
        } else {
            uint64_t others[WIDTH];
            for (unsigned i = 0; i < WIDTH; i++)
                others[i] = i == 0 ? 0 : next[i];
            circulant(layers[layer], column, others);
            for (unsigned i = 0; i < WIDTH; i++)
                layers[layer][i] =
                    (uint64_t)(((unsigned __int128)layers[layer][i] + next[WIDTH + i]) % P);
            between[layer - FULL_ROUNDS / 2][0] = next[0];
            r += 2;
        }
    }

    static const unsigned at_32[] = {0, 32}, at_22[] = {0, 22, 43};
    fprintf(f, "\nconst poseidon_circulant poseidon_mds_split = {\n");
    print_split(f, column);
    fprintf(f, "};\n\nconst poseidon_circulant poseidon_mds_squared_split = {\n");
    print_split(f, square);
    fprintf(f, "};\n");
    print_limbs(f, "poseidon_layers_32", layers, LAYERS, 2, at_32);
    print_limbs(f, "poseidon_layers_22", layers, LAYERS, 3, at_22);
    print_scalars(f, "poseidon_between_32", between, PARTIAL_ROUNDS / 2, 2, at_32);
    print_scalars(f, "poseidon_between_22", between, PARTIAL_ROUNDS / 2, 3, at_22);
}

static void print_table(FILE *f)
{
    enum { N = ROUNDS * WIDTH };
    uint64_t constants[N];
    grain g = grain_new();
    for (size_t i = 0; i < N; i++)
        constants[i] = grain_element(&g);

    fprintf(f, "// SPDX-License-Identifier: Apache-2.0 OR MIT\n"
               "// Generated by tools/gen_hash_constants.c; do not edit.\n"
               "#include \"hash/hash_constants.h\"\n\n"
               "const fe poseidon_round_constants[POSEIDON_ROUNDS][HASH_WIDTH] = {\n");
    for (size_t r = 0; r < N / WIDTH; r++) {
        fprintf(f, "    {\n");
        print_values(f, constants + r * WIDTH, WIDTH);
        fprintf(f, "    },\n");
    }
    fprintf(f, "};\n\nconst fe poseidon_mds_column[HASH_WIDTH] = {");
    for (size_t i = 0; i < WIDTH; i++)
        fprintf(f, "%s%u", i == 0 ? "" : ", ", mds_column[i]);
    fprintf(f, "};\n\nconst fe poseidon2_round_constants[POSEIDON2_CONSTANTS] = {\n");
    print_values(f, constants, FULL_ROUNDS * WIDTH + PARTIAL_ROUNDS);
    fprintf(f, "};\n\nconst fe poseidon2_diagonal[HASH_WIDTH] = {\n");
    print_values(f, diagonal, WIDTH);
    fprintf(f, "};\n");
    print_kernel_tables(f, constants);
}

static int check(const char *path)
{
    char *fresh = NULL;
    size_t n_fresh = 0;
    FILE *memory = open_memstream(&fresh, &n_fresh);
    FILE *file = fopen(path, "rb");
    if (memory == NULL || file == NULL) {
        perror(path);
        return 1;
    }
    print_table(memory);
    fclose(memory);

    size_t at = 0;
    int c;
    while ((c = fgetc(file)) != EOF && at < n_fresh && (unsigned char)fresh[at] == c)
        at++;
    int same = c == EOF && at == n_fresh;
    fclose(file);
    free(fresh);
    if (!same)
        fprintf(stderr, "%s differs from the generated table at byte %zu\n", path, at);
    return !same;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(argv[2]);
    if (argc != 1) {
        fprintf(stderr, "usage: %s [--check FILE]\n", argv[0]);
        return 2;
    }
    print_table(stdout);
    return 0;
}
