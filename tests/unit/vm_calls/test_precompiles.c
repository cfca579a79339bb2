// SPDX-License-Identifier: Apache-2.0 OR MIT
// The precompiles against OpenSSL, GMP and published vectors.
#include "test_port.h"

#include <gmp.h>
#define OPENSSL_SUPPRESS_DEPRECATED // SHA256_Transform: the compression alone
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#include "hash/hash.h"

enum { BLOCK = PORT_BASE, AREA = PORT_BASE + 0x100, STEP = 0x100 };

static struct vm_port port;

static uint64_t *operand(unsigned i)
{
    return port_word(&port, AREA + i * STEP);
}

// Points the block's words at operands 0, 1, ... n - 1.
static void point_block(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        *port_word(&port, BLOCK + 8 * i) = AREA + i * STEP;
}

static void random_words(uint64_t *out, unsigned n, test_rng *rng)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = test_rng_u64(rng);
}

static void from_words(mpz_t out, const uint64_t *a, unsigned n)
{
    mpz_import(out, n, -1, 8, 0, 0, a);
}

static void assert_words(const mpz_t expected, const uint64_t *a, unsigned n)
{
    uint64_t words[16] = {0};
    assert_true(mpz_sgn(expected) >= 0 && mpz_sizeinbase(expected, 2) <= 64 * n);
    mpz_export(words, NULL, -1, 8, 0, 0, expected);
    assert_memory_equal(a, words, 8 * n);
}

// ---- Hashes ----

// SHA3-256 over the precompile: rate 136 bytes, padding 0x06 .. 0x80.
static void test_keccakf(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(1);
    for (size_t n = 0; n < 500; n += 23) {
        uint8_t message[680] = {0}, hash[32];
        for (size_t i = 0; i < n; i++)
            message[i] = (uint8_t)test_rng_u64(&rng);
        assert_true(EVP_Digest(message, n, hash, NULL, EVP_sha3_256(), NULL));
        message[n] ^= 0x06;
        const size_t blocks = n / 136 + 1;
        message[136 * blocks - 1] ^= 0x80;
        memset(operand(0), 0, 200);
        for (size_t b = 0; b < blocks; b++) {
            uint64_t words[17];
            memcpy(words, message + 136 * b, 136);
            for (unsigned i = 0; i < 17; i++)
                operand(0)[i] ^= words[i];
            assert_int_equal(port_call_pointer(&port, 0x800, AREA), ZK_OK);
        }
        assert_memory_equal(operand(0), hash, 32);
    }
}

static void test_sha256f(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(2);
    for (int round = 0; round < 200; round++) {
        SHA256_CTX c;
        SHA256_Init(&c);
        random_words(operand(0), 4, &rng);
        random_words(operand(1), 8, &rng);
        memcpy(c.h, operand(0), 32);
        SHA256_Transform(&c, (const uint8_t *)operand(1));
        point_block(2);
        assert_int_equal(port_call_pointer(&port, 0x805, BLOCK), ZK_OK);
        assert_memory_equal(operand(0), c.h, 32);
    }
}

// BLAKE2b-512 of one block (RFC 7693, 3.2 and 3.3) over twelve rounds.
static void test_blake2b_round(void **state)
{
    (void)state;
    static const uint64_t iv[8] = {
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    };
    test_rng rng = test_rng_new(3);
    for (size_t n = 0; n <= 128; n += 8) {
        uint8_t hash[64];
        uint64_t h[8], *v = operand(1), *m = operand(2);
        memset(m, 0, 128);
        random_words(m, (unsigned)n / 8, &rng);
        assert_true(EVP_Digest(m, n, hash, NULL, EVP_blake2b512(), NULL));
        memcpy(h, iv, sizeof h);
        h[0] ^= 0x01010040;
        memcpy(v, h, 64);
        memcpy(v + 8, iv, 64);
        v[12] ^= n;
        v[14] = ~v[14];
        for (unsigned round = 0; round < 12; round++) {
            point_block(3);
            *port_word(&port, BLOCK) = round % 10;
            assert_int_equal(port_call_pointer(&port, 0x819, BLOCK), ZK_OK);
        }
        for (unsigned i = 0; i < 8; i++)
            h[i] ^= v[i] ^ v[i + 8];
        assert_memory_equal(h, hash, 64);
    }
    *port_word(&port, BLOCK) = 10;
    assert_int_equal(port_call_pointer(&port, 0x819, BLOCK), ZK_EGUEST);
}

// HorizenLabs/poseidon2 (poseidon2_instance_goldilocks.rs, t = 16) as tested in pil2-proofman; and
// the prover's own Poseidon2, which was written separately.
static void test_poseidon2(void **state)
{
    (void)state;
    static const uint64_t of_counting[16] = {
        9639188652563994454ULL,  12273372933164734616ULL, 2905147255612444119ULL,
        17581461329934617288ULL, 14390794100096760072ULL, 5468485695976078057ULL,
        2832370985856357627ULL,  1116111836864400812ULL,  14997632823506024332ULL,
        3976503894892102369ULL,  14874978986912301676ULL, 12458748982184310703ULL,
        103345454961107931ULL,   3354965064850558444ULL,  14413825288474057217ULL,
        4214638127285300968ULL,
    };
    for (unsigned i = 0; i < 16; i++)
        operand(0)[i] = i;
    assert_int_equal(port_call_pointer(&port, 0x812, AREA), ZK_OK);
    assert_memory_equal(operand(0), of_counting, 128);

    test_rng rng = test_rng_new(4);
    for (int round = 0; round < 100; round++) {
        fe reduced[16];
        random_words(operand(0), 16, &rng);
        if (round % 2 == 0)
            operand(0)[round % 16] = ~0ULL - (uint64_t)round; // not canonical
        for (unsigned i = 0; i < 16; i++)
            reduced[i] = operand(0)[i] % 0xffffffff00000001ULL;
        hash_get(HASH_POSEIDON2)->permute_many(reduced, 1);
        assert_int_equal(port_call_pointer(&port, 0x812, AREA), ZK_OK);
        assert_memory_equal(operand(0), reduced, 128);
    }
}

// ---- Integers ----

static void test_arith256(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(5);
    mpz_t a, b, c;
    mpz_inits(a, b, c, NULL);
    for (int round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 3; i++) {
            random_words(operand(i), 4, &rng);
            if (round < 8 && (round >> i & 1) != 0)
                memset(operand(i), 0xff, 32);
        }
        from_words(a, operand(0), 4);
        from_words(b, operand(1), 4);
        from_words(c, operand(2), 4);
        mpz_addmul(c, a, b);
        point_block(5);
        assert_int_equal(port_call_pointer(&port, 0x801, BLOCK), ZK_OK);
        uint64_t d[8];
        memcpy(d, operand(3), 32);
        memcpy(d + 4, operand(4), 32);
        assert_words(c, d, 8);
    }
    mpz_clears(a, b, c, NULL);
}

static void test_arith_mod(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(6);
    mpz_t a, b, c, m;
    mpz_inits(a, b, c, m, NULL);
    for (int round = 0; round < 400; round++) {
        const unsigned n = round % 2 == 0 ? 4 : 6;
        const unsigned csr = n == 4 ? 0x802 : 0x80b;
        for (unsigned i = 0; i < 4; i++) {
            random_words(operand(i), n, &rng);
            if (round < 32 && (round >> (1 + i) & 1) != 0)
                memset(operand(i), 0xff, 8 * n);
        }
        for (unsigned i = (unsigned)round % n + 1; round >= 64 && i < n; i++)
            operand(3)[i] = 0; // moduli of all lengths
        from_words(a, operand(0), n);
        from_words(b, operand(1), n);
        from_words(c, operand(2), n);
        from_words(m, operand(3), n);
        mpz_addmul(c, a, b);
        mpz_mod(c, c, m);
        point_block(5);
        assert_int_equal(port_call_pointer(&port, csr, BLOCK), ZK_OK);
        assert_words(c, operand(4), n);
        memset(operand(3), 0, 8 * n);
        assert_int_equal(port_call_pointer(&port, csr, BLOCK), ZK_EGUEST);
    }
    mpz_clears(a, b, c, m, NULL);
}

static void test_add256(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(7);
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    for (int round = 0; round < 200; round++) {
        uint64_t sum[5];
        random_words(operand(0), 4, &rng);
        random_words(operand(1), 4, &rng);
        if (round < 16) { // carries through all limbs, from the carry in too
            memset(operand(0), round & 2 ? 0xff : 0, 32);
            memset(operand(1), round & 4 ? 0xff : 0, 32);
        }
        from_words(a, operand(0), 4);
        from_words(b, operand(1), 4);
        mpz_add(a, a, b);
        mpz_add_ui(a, a, (unsigned long)round & 1);
        point_block(4);
        *port_word(&port, BLOCK + 16) = (uint64_t)round & 1;
        assert_int_equal(port_call(&port, 0x811, &(call_args){.pointer = BLOCK}, &sum[4]), ZK_OK);
        memcpy(sum, operand(3), 32);
        assert_words(a, sum, 5);
    }
    *port_word(&port, BLOCK + 16) = 2;
    assert_int_equal(port_call_pointer(&port, 0x811, BLOCK), ZK_EGUEST);
    mpz_clears(a, b, NULL);
}

// ---- Curves and extensions ----

static const char BN254_P[] = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
static const char BLS12_381_P[] = "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
                                  "1eabfffeb153ffffb9feffffffffaaab";

static BIGNUM *bn_from_hex(const char *hex)
{
    BIGNUM *n = NULL;
    assert_true(BN_hex2bn(&n, hex) > 0);
    return n;
}

// y^2 = x^3 + b with a given generator.
static EC_GROUP *short_curve(const char *p_hex, unsigned b, const char *gx, const char *gy)
{
    BIGNUM *p = bn_from_hex(p_hex), *zero = BN_new(), *bb = BN_new();
    BIGNUM *x = bn_from_hex(gx), *y = bn_from_hex(gy), *order = bn_from_hex("7fffffffffffffff");
    BN_zero(zero);
    BN_set_word(bb, b);
    EC_GROUP *g = EC_GROUP_new_curve_GFp(p, zero, bb, NULL);
    assert_non_null(g);
    EC_POINT *generator = EC_POINT_new(g);
    assert_true(EC_POINT_set_affine_coordinates(g, generator, x, y, NULL)); // checks the equation
    assert_true(EC_GROUP_set_generator(g, generator, order, BN_value_one()));
    EC_POINT_free(generator);
    BN_free(p), BN_free(zero), BN_free(bb), BN_free(x), BN_free(y), BN_free(order);
    return g;
}

static void store_point(uint64_t *out, const EC_GROUP *g, const EC_POINT *p, unsigned n)
{
    BIGNUM *x = BN_new(), *y = BN_new();
    assert_true(EC_POINT_get_affine_coordinates(g, p, x, y, NULL));
    assert_true(BN_bn2lebinpad(x, (uint8_t *)out, (int)(8 * n)) > 0);
    assert_true(BN_bn2lebinpad(y, (uint8_t *)(out + n), (int)(8 * n)) > 0);
    BN_free(x), BN_free(y);
}

static void check_curve(EC_GROUP *g, unsigned add_csr, unsigned double_csr, unsigned n,
                        uint64_t seed)
{
    test_rng rng = test_rng_new(seed);
    EC_POINT *p = EC_POINT_new(g), *q = EC_POINT_new(g), *r = EC_POINT_new(g);
    BIGNUM *k = BN_new();
    for (int round = 0; round < 40; round++) {
        uint64_t expected[12];
        BN_set_word(k, 1 + (test_rng_u64(&rng) >> 2));
        assert_true(EC_POINT_mul(g, p, k, NULL, NULL, NULL));
        BN_set_word(k, 1 + (test_rng_u64(&rng) >> 2));
        assert_true(EC_POINT_mul(g, q, k, NULL, NULL, NULL));
        assert_true(EC_POINT_add(g, r, p, q, NULL));
        store_point(operand(0), g, p, n);
        store_point(operand(1), g, q, n);
        store_point(expected, g, r, n);
        point_block(2);
        assert_int_equal(port_call_pointer(&port, add_csr, BLOCK), ZK_OK);
        assert_memory_equal(operand(0), expected, 16 * n);
        assert_true(EC_POINT_dbl(g, r, r, NULL));
        store_point(expected, g, r, n);
        assert_int_equal(port_call_pointer(&port, double_csr, AREA), ZK_OK);
        assert_memory_equal(operand(0), expected, 16 * n);
    }
    // Equal points, opposite points: the chord is not defined.
    memcpy(operand(0), operand(1), 16 * n);
    point_block(2);
    assert_int_equal(port_call_pointer(&port, add_csr, BLOCK), ZK_EGUEST);
    assert_true(EC_POINT_invert(g, q, NULL));
    store_point(operand(0), g, q, n);
    assert_int_equal(port_call_pointer(&port, add_csr, BLOCK), ZK_EGUEST);
    memset(operand(0) + n, 0, 8 * n);
    assert_int_equal(port_call_pointer(&port, double_csr, AREA), ZK_EGUEST);
    EC_POINT_free(p), EC_POINT_free(q), EC_POINT_free(r), BN_free(k), EC_GROUP_free(g);
}

static void test_curves(void **state)
{
    (void)state;
    check_curve(EC_GROUP_new_by_curve_name(NID_secp256k1), 0x803, 0x804, 4, 8);
    check_curve(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1), 0x817, 0x818, 4, 9);
    check_curve(short_curve(BN254_P, 3, "1", "2"), 0x806, 0x807, 4, 10);
    // Generator: EIP-2537.
    check_curve(short_curve(BLS12_381_P, 4,
                            "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905"
                            "a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
                            "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af6"
                            "00db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"),
                0x80c, 0x80d, 6, 11);
}

static void check_fp2(const char *p_hex, unsigned first_csr, unsigned n, uint64_t seed)
{
    test_rng rng = test_rng_new(seed);
    mpz_t p, in[4], re, im;
    mpz_init_set_str(p, p_hex, 16);
    mpz_inits(in[0], in[1], in[2], in[3], re, im, NULL);
    for (int round = 0; round < 100; round++) {
        for (unsigned operation = 0; operation < 3; operation++) { // add, sub, mul
            for (unsigned i = 0; i < 4; i++) {                     // any numbers, also above p
                uint64_t *words = operand(i / 2) + i % 2 * n;
                random_words(words, n, &rng);
                if (round < 16 && (round >> i & 1) != 0)
                    memset(words, 0, 8 * n);
                from_words(in[i], words, n);
            }
            if (operation == 0) {
                mpz_add(re, in[0], in[2]);
                mpz_add(im, in[1], in[3]);
            } else if (operation == 1) {
                mpz_sub(re, in[0], in[2]);
                mpz_sub(im, in[1], in[3]);
            } else {
                mpz_mul(re, in[0], in[2]);
                mpz_submul(re, in[1], in[3]);
                mpz_mul(im, in[0], in[3]);
                mpz_addmul(im, in[1], in[2]);
            }
            mpz_mod(re, re, p);
            mpz_mod(im, im, p);
            point_block(2);
            assert_int_equal(port_call_pointer(&port, first_csr + operation, BLOCK), ZK_OK);
            assert_words(re, operand(0), n);
            assert_words(im, operand(0) + n, n);
        }
    }
    mpz_clears(p, in[0], in[1], in[2], in[3], re, im, NULL);
}

static void test_fp2(void **state)
{
    (void)state;
    check_fp2(BN254_P, 0x808, 4, 12);
    check_fp2(BLS12_381_P, 0x80e, 6, 13);
}

static void test_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < vm_precompile_count; i++) {
        const vm_precompile *row = &vm_precompiles[i];
        assert_int_equal(row->csr, 0x800 + i);
        assert_int_equal(precompile_find(row->csr), i);
        assert_true(row->slots > VM_CALL_SLOT_MEMORY && row->slots <= 64);
    }
    assert_int_equal(vm_precompile_count, 0x81a - 0x800);
    assert_int_equal(precompile_find(0x7ff), -1);
    assert_int_equal(precompile_find(0x81a), -1);
    for (unsigned id = 1; id <= 23; id++)
        assert_int_equal(hint_find((uint16_t)id)->id, id);
    assert_null(hint_find(0));
    assert_null(hint_find(24));
}

// The last test: none was forgotten above. Ranges of bytes are in test_precompile_dma.c.
static void test_every_row_was_here(void **state)
{
    (void)state;
    for (unsigned i = 0; i < vm_precompile_count; i++) {
        const vm_precompile *row = &vm_precompiles[i];
        bool known = row->form != CALL_POINTER && row->form != CALL_RESULT;
        if (!known && port.n_calls[i] == 0)
            fail_msg("%s has no known answer", row->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keccakf),
        cmocka_unit_test(test_sha256f),
        cmocka_unit_test(test_blake2b_round),
        cmocka_unit_test(test_poseidon2),
        cmocka_unit_test(test_arith256),
        cmocka_unit_test(test_arith_mod),
        cmocka_unit_test(test_add256),
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_fp2),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_every_row_was_here),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    port_clear(&port);
    return failed;
}
