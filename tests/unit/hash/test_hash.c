// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "unit/test.h"

#include "hash/hash_constants.h"
#include "hash/hash_tiers.h"

static const hash_id all_ids[] = {HASH_POSEIDON, HASH_POSEIDON2};
enum { N_IDS = sizeof all_ids / sizeof *all_ids };

static fe random_fe(test_rng *rng)
{
    return fe_from_u64(test_rng_u64(rng));
}

static void check_vector(hash_id id, const fe in[16], const fe expected[16])
{
    const hash_ops *ops = hash_get(id);
    fe state[16];
    memcpy(state, in, sizeof state);
    hash_permute(ops, state);
    for (int i = 0; i < 16; i++)
        assert_int_equal(state[i], expected[i]);
    digest d = hash_compress(ops, in);
    for (int i = 0; i < 4; i++)
        assert_int_equal(d.e[i], fe_add(expected[i], in[i]));
}

static const fe zeros[16];
static const fe counting[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

// Source: pil2-proofman 1.1, fields/src/poseidon1.rs, tests poseidon1_16_*.
static void poseidon_gives_published_vectors(void **state)
{
    (void)state;
    const fe of_zeros[16] = {
        543339775275048841ULL,   13406197515273506800ULL, 16355280640120539189ULL,
        15188646379150690726ULL, 9354230821846213963ULL,  2346697939566408112ULL,
        7619017200564581325ULL,  228656875195661331ULL,   17072924943878933846ULL,
        9274179898046949852ULL,  17957639320403343698ULL, 2237659060219097400ULL,
        10040284204272520954ULL, 14389846334735599737ULL, 17768004018560868840ULL,
        14237542884911959017ULL,
    };
    const fe of_counting[16] = {
        9350316517402464675ULL,  12030202759022745826ULL, 4859973758198429733ULL,
        15185438940901174775ULL, 367739838966239011ULL,   4276588024047887050ULL,
        1856543552381299387ULL,  9084938887562314446ULL,  6457218870141715263ULL,
        9574990127189291069ULL,  13211544215836788163ULL, 12635059628010643534ULL,
        8076414907562360476ULL,  16536794806098064096ULL, 6270191904161927611ULL,
        7308253070792633232ULL,
    };
    check_vector(HASH_POSEIDON, zeros, of_zeros);
    check_vector(HASH_POSEIDON, counting, of_counting);
}

// Source: HorizenLabs/poseidon2 (poseidon2_instance_goldilocks.rs, t = 16) as tested in
// pil2-proofman 1.1, fields/src/poseidon2.rs, test_poseidon2_16.
static void poseidon2_gives_published_vector(void **state)
{
    (void)state;
    const fe of_counting[16] = {
        9639188652563994454ULL,  12273372933164734616ULL, 2905147255612444119ULL,
        17581461329934617288ULL, 14390794100096760072ULL, 5468485695976078057ULL,
        2832370985856357627ULL,  1116111836864400812ULL,  14997632823506024332ULL,
        3976503894892102369ULL,  14874978986912301676ULL, 12458748982184310703ULL,
        103345454961107931ULL,   3354965064850558444ULL,  14413825288474057217ULL,
        4214638127285300968ULL,
    };
    check_vector(HASH_POSEIDON2, counting, of_counting);
}

// The scalar tier, whose algorithm is another one, against the papers' text; the other tiers are
// compared with the scalar one by zisk-checkasm.
static void scalar_tier_follows_the_definition(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(3);
    static const fe edges[] = {0, 1, 2, 0xFFFFFFFF, 0x100000000, FE_P - 1, FE_P - 2, 1ULL << 63};
    for (int round = 0; round < 2000; round++) {
        fe a[2][16], b[2][16];
        for (int i = 0; i < 32; i++) {
            uint64_t r = test_rng_u64(&rng);
            bool edge = round < 8 || r % 4 == 0;
            a[i / 16][i % 16] =
                edge ? edges[round < 8 ? round : (int)(r >> 8 & 7)] : random_fe(&rng);
        }
        memcpy(b, a, sizeof a);
        poseidon_by_definition(a[0]);
        poseidon2_by_definition(a[1]);
        poseidon_ops_scalar.permute_many(b[0], 1);
        poseidon2_ops_scalar.permute_many(b[1], 1);
        assert_memory_equal(a, b, sizeof a);
    }
}

// The split forms of the matrix and its square, multiplied out, against the matrix.
static void split_tables_are_the_matrix(void **state)
{
    (void)state;
    const poseidon_circulant *tables[2] = {&poseidon_mds_split, &poseidon_mds_squared_split};
    int64_t columns[2][16] = {{0}};
    for (int i = 0; i < 16; i++)
        columns[0][i] = (int64_t)poseidon_mds_column[i];
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++)
            columns[1][(i + j) % 16] += columns[0][i] * columns[0][j];
    for (int k = 0; k < 2; k++) {
        int64_t sum = 0;
        for (int i = 0; i < 16; i++) {
            // Entry (i, 0) as P +- Q +- V of the unit vector.
            int64_t p = tables[k]->p[3 + i % 4], q = tables[k]->q[3 + i % 4];
            int64_t v = tables[k]->v[7 + i % 8];
            assert_int_equal(p + (i % 8 < 4 ? q : -q) + (i < 8 ? v : -v), 4 * columns[k][i]);
            sum += columns[k][i];
        }
        assert_int_equal(sum, k == 0 ? 371 : 371 * 371);
        for (int i = 1; i < 4; i++) {
            assert_int_equal(tables[k]->p[3 - i], tables[k]->p[7 - i]);
            assert_int_equal(tables[k]->q[3 - i], -tables[k]->q[7 - i]);
        }
        for (int i = 1; i < 8; i++)
            assert_int_equal(tables[k]->v[7 - i], -tables[k]->v[15 - i]);
    }
}

// A subspace that the matrix of the partial rounds maps to itself after k rounds and in which
// element 0 is always 0 would pass all S-boxes unseen. A circulant matrix of size 16 has the
// Fourier vectors as eigenvectors, none with a zero element; when the k-th powers of the
// eigenvalues differ, every invariant subspace is spanned by some of them, and so holds a vector
// with element 0 not 0.
static void no_subspace_avoids_the_partial_sboxes(void **state)
{
    (void)state;
    fe w = fe_root_of_unity(4), eigenvalue[16], power[16];
    for (unsigned j = 0; j < 16; j++) {
        eigenvalue[j] = 0;
        power[j] = 1;
        for (unsigned i = 0; i < 16; i++)
            eigenvalue[j] = fe_mul_add(poseidon_mds_column[i], fe_pow(w, i * j), eigenvalue[j]);
    }
    for (unsigned k = 1; k <= POSEIDON_ROUNDS; k++)
        for (unsigned j = 0; j < 16; j++) {
            power[j] = fe_mul(power[j], eigenvalue[j]);
            assert_int_not_equal(power[j], 0);
            for (unsigned i = 0; i < j; i++)
                assert_int_not_equal(power[i], power[j]);
        }
}

static void names_and_ids_agree(void **state)
{
    (void)state;
    for (int k = 0; k < N_IDS; k++)
        assert_int_equal(hash_get(all_ids[k])->id, all_ids[k]);
    assert_string_equal(hash_get(HASH_POSEIDON)->name, "poseidon");
    assert_string_equal(hash_get(HASH_POSEIDON2)->name, "poseidon2");
    assert_null(hash_get((hash_id)0));
    assert_null(hash_get((hash_id)3));
}

// The definition of a leaf digest, written as recursion over single compressions.
static digest row_by_definition(const hash_ops *ops, const fe *row, size_t width)
{
    size_t chunks = (width + 15) / 16;
    digest *level = calloc(chunks, sizeof *level);
    for (size_t c = 0; c < chunks; c++) {
        fe chunk[16] = {0};
        size_t left = width - c * 16;
        memcpy(chunk, row + c * 16, (left < 16 ? left : 16) * sizeof(fe));
        level[c] = hash_compress(ops, chunk);
    }
    digest d = chunks == 1 ? level[0] : row_by_definition(ops, level[0].e, chunks * 4);
    free(level);
    return d;
}

static void rows_follow_the_definition(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(1);
    static const size_t widths[] = {1,  2,  15, 16,  17,  31,  32,  63,   64,
                                    65, 80, 96, 128, 129, 256, 257, 1025, HASH_MAX_ROW_WIDTH};
    for (int k = 0; k < N_IDS; k++) {
        const hash_ops *ops = hash_get(all_ids[k]);
        for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
            size_t width = widths[w], n = width > 300 ? 2 : 37;
            fe *rows = malloc(n * width * sizeof *rows);
            digest *out = malloc(n * sizeof *out);
            for (size_t i = 0; i < n * width; i++)
                rows[i] = random_fe(&rng);
            ops->hash_rows(out, rows, n, width);
            for (size_t i = 0; i < n; i++) {
                assert_true(digest_equal(out[i], row_by_definition(ops, rows + i * width, width)));
                assert_true(digest_equal(out[i], hash_row(ops, rows + i * width, width)));
            }
            free(rows);
            free(out);
        }
    }
}

static void compress_in_place(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(2);
    enum { N = 67 };
    for (int k = 0; k < N_IDS; k++) {
        const hash_ops *ops = hash_get(all_ids[k]);
        fe in[N * 16];
        digest out[N];
        for (int i = 0; i < N * 16; i++)
            in[i] = random_fe(&rng);
        ops->compress_many(out, in, N);
        ops->compress_many((digest *)in, in, N);
        assert_memory_equal(out, in, sizeof out);
    }
}

// Lengths, contents and domains that a sloppy padding would confuse must give different digests.
static void byte_padding_is_unambiguous(void **state)
{
    (void)state;
    static const unsigned char zero_bytes[200], one_then_zeros[200] = {1};
    for (int k = 0; k < N_IDS; k++) {
        const hash_ops *ops = hash_get(all_ids[k]);
        digest seen[700];
        size_t n = 0;
        for (size_t length = 0; length <= 170; length++) {
            seen[n++] = hash_bytes(ops, 0, zero_bytes, length);
            seen[n++] = hash_bytes(ops, 1, zero_bytes, length);
            if (length > 0)
                seen[n++] = hash_bytes(ops, 0, one_then_zeros, length);
            if (length % 8 == 0)
                seen[n++] = hash_elements(ops, 0, zeros, length / 16);
        }
        // hash_elements ran on 0, 0, 1, 1, 2, ... elements: equal exactly for equal counts.
        size_t equal_pairs = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < i; j++)
                equal_pairs += digest_equal(seen[i], seen[j]);
        assert_int_equal(equal_pairs, 11);
    }
}

// Sponge written out for one and two blocks.
static void sponge_blocks_by_hand(void **state)
{
    (void)state;
    const hash_ops *ops = hash_get(HASH_POSEIDON);
    unsigned char bytes[84];
    for (int i = 0; i < 84; i++)
        bytes[i] = (unsigned char)(i + 1);

    fe s[16] = {[12] = 8, [13] = 5};
    s[0] = 0x07060504030201ULL;
    s[1] = 0x0108ULL;
    hash_permute(ops, s);
    assert_memory_equal(hash_bytes(ops, 5, bytes, 8).e, s, 32);

    // 84 bytes fill 12 elements; the padding takes a block of its own.
    fe two[16] = {[12] = 84, [13] = 5};
    for (int i = 0; i < 12; i++)
        for (int j = 6; j >= 0; j--)
            two[i] = two[i] << 8 | bytes[7 * i + j];
    hash_permute(ops, two);
    two[0] = 1;
    for (int i = 1; i < 12; i++)
        two[i] = 0;
    hash_permute(ops, two);
    assert_memory_equal(hash_bytes(ops, 5, bytes, 84).e, two, 32);

    fe e[16] = {[12] = 13, [13] = 9, [14] = 1};
    memcpy(e, counting, 12 * sizeof(fe));
    hash_permute(ops, e);
    memset(e, 0, 12 * sizeof(fe));
    e[0] = 12;
    hash_permute(ops, e);
    assert_memory_equal(hash_elements(ops, 9, counting, 13).e, e, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poseidon_gives_published_vectors),
        cmocka_unit_test(poseidon2_gives_published_vector),
        cmocka_unit_test(scalar_tier_follows_the_definition),
        cmocka_unit_test(split_tables_are_the_matrix),
        cmocka_unit_test(no_subspace_avoids_the_partial_sboxes),
        cmocka_unit_test(names_and_ids_agree),
        cmocka_unit_test(rows_follow_the_definition),
        cmocka_unit_test(compress_in_place),
        cmocka_unit_test(byte_padding_is_unambiguous),
        cmocka_unit_test(sponge_blocks_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
