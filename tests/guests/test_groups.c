// SPDX-License-Identifier: Apache-2.0 OR MIT
// The accelerators on secp256r1, bn254 and BLS12-381 against OpenSSL, natively; and the guest that
// makes them of precompiles against the native program.
#include "guest_run.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>

#include "../../guest/include/zkvm_accelerators.h"

static BN_CTX *context;

static BIGNUM *number(const char *hex)
{
    BIGNUM *n = NULL;
    assert_true(BN_hex2bn(&n, hex) > 0);
    return n;
}

// y^2 = x^3 + b over p, with a generator of this order.
static EC_GROUP *group_new(const char *p_hex, unsigned b, const char *order, const char *x,
                           const char *y)
{
    BIGNUM *p = number(p_hex), *zero = BN_new(), *bb = BN_new(), *n = number(order);
    BIGNUM *gx = number(x), *gy = number(y);
    BN_zero(zero);
    BN_set_word(bb, b);
    EC_GROUP *g = EC_GROUP_new_curve_GFp(p, zero, bb, context);
    EC_POINT *generator = EC_POINT_new(g);
    assert_true(EC_POINT_set_affine_coordinates(g, generator, gx, gy, context));
    assert_true(EC_GROUP_set_generator(g, generator, n, BN_value_one()));
    EC_POINT_free(generator);
    BN_free(p), BN_free(zero), BN_free(bb), BN_free(n), BN_free(gx), BN_free(gy);
    return g;
}

static EC_GROUP *bn254_new(void)
{
    return group_new("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47", 3,
                     "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", "1", "2");
}

static EC_GROUP *bls12_381_new(void)
{
    return group_new("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624"
                     "1eabfffeb153ffffb9feffffffffaaab",
                     4, "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001",
                     "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905"
                     "a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
                     "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af6"
                     "00db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1");
}

// Big-endian coordinates of `bytes` bytes each; zeros for infinity.
static void store(uint8_t *out, const EC_GROUP *g, const EC_POINT *p, int bytes)
{
    BIGNUM *x = BN_new(), *y = BN_new();
    memset(out, 0, 2 * (size_t)bytes);
    if (!EC_POINT_is_at_infinity(g, p)) {
        assert_true(EC_POINT_get_affine_coordinates(g, p, x, y, context));
        assert_int_equal(BN_bn2binpad(x, out, bytes), bytes);
        assert_int_equal(BN_bn2binpad(y, out + bytes, bytes), bytes);
    }
    BN_free(x), BN_free(y);
}

static EC_POINT *random_point(const EC_GROUP *g)
{
    EC_POINT *p = EC_POINT_new(g);
    BIGNUM *k = BN_new();
    assert_true(BN_rand_range(k, EC_GROUP_get0_order(g)));
    assert_true(EC_POINT_mul(g, p, k, NULL, NULL, context));
    BN_free(k);
    return p;
}

typedef struct r1_signed {
    zkvm_secp256r1_hash hash;
    zkvm_secp256r1_signature signature;
    zkvm_secp256r1_pubkey key;
} r1_signed;

static void r1_sign(r1_signed *out)
{
    EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    const BIGNUM *n = EC_GROUP_get0_order(g);
    BIGNUM *secret = BN_new(), *k = BN_new(), *r = BN_new(), *s = BN_new(), *z = BN_new();
    EC_POINT *p = EC_POINT_new(g);
    BN_rand_range(secret, n);
    BN_rand_range(k, n);
    BN_rand(z, 256, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    assert_int_equal(BN_bn2binpad(z, out->hash.data, 32), 32);
    assert_true(EC_POINT_mul(g, p, secret, NULL, NULL, context));
    store(out->key.data, g, p, 32);
    assert_true(EC_POINT_mul(g, p, k, NULL, NULL, context));
    assert_true(EC_POINT_get_affine_coordinates(g, p, r, NULL, context));
    assert_true(BN_nnmod(r, r, n, context));
    assert_true(BN_mod_mul(s, r, secret, n, context)); // s = (z + r secret) / k
    assert_true(BN_mod_add(s, s, z, n, context));
    assert_non_null(BN_mod_inverse(k, k, n, context));
    assert_true(BN_mod_mul(s, s, k, n, context));
    assert_int_equal(BN_bn2binpad(r, out->signature.data, 32), 32);
    assert_int_equal(BN_bn2binpad(s, out->signature.data + 32, 32), 32);
    BN_free(secret), BN_free(k), BN_free(r), BN_free(s), BN_free(z);
    EC_POINT_free(p);
    EC_GROUP_free(g);
}

static void test_secp256r1(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(1);
    for (int round = 0; round < 10; round++) {
        r1_signed s, bad;
        bool verified = false;
        r1_sign(&s);
        assert_int_equal(zkvm_secp256r1_verify(&s.hash, &s.signature, &s.key, &verified), ZKVM_EOK);
        assert_true(verified);
        bad = s;
        bad.signature.data[test_rng_u64(&rng) % 64] ^= 4;
        assert_int_equal(zkvm_secp256r1_verify(&bad.hash, &bad.signature, &bad.key, &verified),
                         ZKVM_EOK);
        assert_false(verified);
        bad = s;
        bad.hash.data[test_rng_u64(&rng) % 32] ^= 4;
        assert_int_equal(zkvm_secp256r1_verify(&bad.hash, &bad.signature, &bad.key, &verified),
                         ZKVM_EOK);
        assert_false(verified);
        bad = s;
        memset(bad.signature.data + 32 * (round % 2), round % 4 < 2 ? 0 : 0xff, 32);
        assert_int_equal(zkvm_secp256r1_verify(&bad.hash, &bad.signature, &bad.key, &verified),
                         ZKVM_EOK);
        assert_false(verified);
        bad = s;
        bad.key.data[40] ^= 1;
        assert_int_equal(zkvm_secp256r1_verify(&bad.hash, &bad.signature, &bad.key, &verified),
                         ZKVM_EFAIL);
    }
}

static void test_bn254(void **state)
{
    (void)state;
    EC_GROUP *g = bn254_new();
    for (int round = 0; round < 12; round++) {
        EC_POINT *p = random_point(g), *q = random_point(g), *sum = EC_POINT_new(g);
        zkvm_bn254_g1_point a, b, out;
        zkvm_bn254_scalar scalar;
        uint8_t expected[64];
        BIGNUM *k = BN_new();
        if (round == 1)
            EC_POINT_copy(q, p);
        if (round == 2) {
            EC_POINT_copy(q, p);
            EC_POINT_invert(g, q, context);
        }
        if (round == 3)
            EC_POINT_set_to_infinity(g, q);
        if (round == 4)
            EC_POINT_set_to_infinity(g, p);
        store(a.data, g, p, 32);
        store(b.data, g, q, 32);
        assert_true(EC_POINT_add(g, sum, p, q, context));
        store(expected, g, sum, 32);
        assert_int_equal(zkvm_bn254_g1_add(&a, &b, &out), ZKVM_EOK);
        assert_memory_equal(out.data, expected, 64);

        BN_rand(k, 256, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
        if (round == 5)
            BN_zero(k);
        if (round == 6)
            BN_copy(k, EC_GROUP_get0_order(g));
        if (round == 7)
            BN_one(k);
        BN_bn2binpad(k, scalar.data, 32);
        assert_true(EC_POINT_mul(g, sum, NULL, p, k, context));
        store(expected, g, sum, 32);
        assert_int_equal(zkvm_bn254_g1_mul(&a, &scalar, &a), ZKVM_EOK);
        assert_memory_equal(a.data, expected, 64);

        b.data[round] ^= 1; // off the curve or beyond p, unless it was infinity
        assert_int_equal(zkvm_bn254_g1_add(&a, &b, &out), ZKVM_EFAIL);
        assert_int_equal(zkvm_bn254_g1_mul(&b, &scalar, &out), ZKVM_EFAIL);
        BN_free(k);
        EC_POINT_free(p), EC_POINT_free(q), EC_POINT_free(sum);
    }
    EC_GROUP_free(g);
}

static void test_bls12_381(void **state)
{
    (void)state;
    EC_GROUP *g = bls12_381_new();
    for (int round = 0; round < 6; round++) {
        EC_POINT *p = random_point(g), *q = random_point(g), *sum = EC_POINT_new(g);
        EC_POINT *t = EC_POINT_new(g);
        zkvm_bls12_381_g1_msm_pair pairs[2];
        zkvm_bls12_381_g1_point out;
        uint8_t expected[96];
        BIGNUM *k = BN_new();
        if (round == 1)
            EC_POINT_copy(q, p);
        if (round == 2) {
            EC_POINT_copy(q, p);
            EC_POINT_invert(g, q, context);
        }
        store(pairs[0].point.data, g, p, 48);
        store(pairs[1].point.data, g, q, 48);
        assert_true(EC_POINT_add(g, sum, p, q, context));
        store(expected, g, sum, 48);
        assert_int_equal(zkvm_bls12_g1_add(&pairs[0].point, &pairs[1].point, &out), ZKVM_EOK);
        assert_memory_equal(out.data, expected, 96);

        EC_POINT_set_to_infinity(g, sum);
        for (int i = 0; i < 2; i++) {
            BN_rand(k, 256, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
            BN_bn2binpad(k, pairs[i].scalar.data, 32);
            assert_true(EC_POINT_mul(g, t, NULL, i == 0 ? p : q, k, context));
            assert_true(EC_POINT_add(g, sum, sum, t, context));
        }
        store(expected, g, sum, 48);
        assert_int_equal(zkvm_bls12_g1_msm(pairs, 2, &out), ZKVM_EOK);
        assert_memory_equal(out.data, expected, 96);
        assert_int_equal(zkvm_bls12_g1_msm(pairs, 0, &out), ZKVM_EOK);
        memset(expected, 0, 96);
        assert_memory_equal(out.data, expected, 96);
        pairs[1].point.data[95] ^= 1;
        assert_int_equal(zkvm_bls12_g1_msm(pairs, 2, &out), ZKVM_EFAIL);
        BN_free(k);
        EC_POINT_free(p), EC_POINT_free(q), EC_POINT_free(sum), EC_POINT_free(t);
    }
    // (0, 2) is on the curve, of order 3: addition takes it, the sum of multiples does not.
    zkvm_bls12_381_g1_msm_pair pair = {.scalar.data[31] = 1};
    zkvm_bls12_381_g1_point out;
    pair.point.data[95] = 2;
    assert_int_equal(zkvm_bls12_g1_add(&pair.point, &pair.point, &out), ZKVM_EOK);
    assert_int_equal(zkvm_bls12_g1_msm(&pair, 1, &out), ZKVM_EFAIL);
    EC_GROUP_free(g);
}

static void test_precompiles(void **state)
{
    (void)state;
    static struct {
        r1_signed r1;
        zkvm_bn254_g1_point bn[2];
        zkvm_bn254_scalar bn_scalar;
        zkvm_bls12_381_g1_msm_pair bls[2];
    } in;
    test_rng rng = test_rng_new(4);
    EC_GROUP *groups[2] = {bn254_new(), bls12_381_new()};
    fill((uint8_t *)&in, sizeof in, &rng);
    r1_sign(&in.r1);
    for (int i = 0; i < 2; i++) {
        EC_POINT *p = random_point(groups[0]), *q = random_point(groups[1]);
        store(in.bn[i].data, groups[0], p, 32);
        store(in.bls[i].point.data, groups[1], q, 48);
        EC_POINT_free(p), EC_POINT_free(q);
    }
    const outcome native = run_native("groups", (const uint8_t *)&in, sizeof in);
    const outcome guest = run_zisk("groups-precompiles", (const uint8_t *)&in, sizeof in);
    static const uint8_t status[8] = {0, 1, 0, 0, 0, 0, 0, 0};
    assert_int_equal(native.exit_code, 0);
    assert_memory_equal(native.output + 32, status, 8);
    assert_int_equal(guest.exit_code, 0);
    assert_memory_equal(guest.output, native.output, 256);
    EC_GROUP_free(groups[0]);
    EC_GROUP_free(groups[1]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secp256r1),
        cmocka_unit_test(test_bn254),
        cmocka_unit_test(test_bls12_381),
        cmocka_unit_test(test_precompiles),
    };
    context = BN_CTX_new();
    const int failed = guest_run_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
    BN_CTX_free(context);
    return failed;
}
