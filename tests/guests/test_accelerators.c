// SPDX-License-Identifier: Apache-2.0 OR MIT
// The accelerators and the signature example against OpenSSL, libsecp256k1 and published vectors.
#include "guest_run.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "../../guest/include/zkvm_accelerators.h"

static secp256k1_context *secp;

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

typedef struct signed_hash {
    zkvm_secp256k1_hash hash;
    zkvm_secp256k1_signature signature;
    zkvm_secp256k1_pubkey key;
} signed_hash;

static void store_key(zkvm_secp256k1_pubkey *out, const secp256k1_pubkey *key)
{
    uint8_t bytes[65];
    size_t size = sizeof bytes;
    secp256k1_ec_pubkey_serialize(secp, bytes, &size, key, SECP256K1_EC_UNCOMPRESSED);
    memcpy(out->data, bytes + 1, 64);
}

// A valid signature of random hash and key; returns the recovery id.
static int sign(signed_hash *s, test_rng *rng)
{
    uint8_t secret[32];
    secp256k1_pubkey key;
    secp256k1_ecdsa_recoverable_signature signature;
    int recovery_id;
    do
        fill(secret, sizeof secret, rng);
    while (!secp256k1_ec_seckey_verify(secp, secret));
    fill(s->hash.data, 32, rng);
    assert_true(secp256k1_ec_pubkey_create(secp, &key, secret));
    assert_true(
        secp256k1_ecdsa_sign_recoverable(secp, &signature, s->hash.data, secret, NULL, NULL));
    secp256k1_ecdsa_recoverable_signature_serialize_compact(secp, s->signature.data, &recovery_id,
                                                            &signature);
    store_key(&s->key, &key);
    return recovery_id;
}

static bool verify(const signed_hash *s)
{
    bool verified = true;
    assert_int_equal(zkvm_secp256k1_verify(&s->hash, &s->signature, &s->key, &verified), ZKVM_EOK);
    return verified;
}

// n - s, big-endian.
static void negate(uint8_t s[32])
{
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        const int d = order[i] - s[i] - borrow;
        s[i] = (uint8_t)d;
        borrow = d < 0;
    }
}

static void test_verify(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(10);
    for (int i = 0; i < 60; i++) {
        signed_hash s, bad;
        sign(&s, &rng);
        assert_true(verify(&s));
        bad = s;
        negate(bad.signature.data + 32); // the other s is as valid
        assert_true(verify(&bad));
        bad = s;
        bad.hash.data[test_rng_u64(&rng) % 32] ^= (uint8_t)(1u << i % 8);
        assert_false(verify(&bad));
        bad = s;
        bad.signature.data[test_rng_u64(&rng) % 64] ^= (uint8_t)(1u << i % 8);
        assert_false(verify(&bad));
        bad = s;
        sign(&bad, &rng);
        bad.key = s.key;
        assert_false(verify(&bad));
    }
}

static void test_verify_edges(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(11);
    signed_hash s, bad;
    bool verified = true;
    sign(&s, &rng);
    for (int half = 0; half < 64; half += 32) { // r and s: 0, n, above n
        bad = s;
        memset(bad.signature.data + half, 0, 32);
        assert_false(verify(&bad));
        memcpy(bad.signature.data + half, order, 32);
        assert_false(verify(&bad));
        memset(bad.signature.data + half, 0xff, 32);
        assert_false(verify(&bad));
    }
    bad = s;
    bad.key.data[63] ^= 1;
    assert_int_equal(zkvm_secp256k1_verify(&bad.hash, &bad.signature, &bad.key, &verified),
                     ZKVM_EFAIL);
    assert_false(verified);
    memset(bad.key.data, 0, 64);
    assert_int_equal(zkvm_secp256k1_verify(&bad.hash, &bad.signature, &bad.key, &verified),
                     ZKVM_EFAIL);

    // Keys +-G and 2G meet the generator in the sum: doubling and infinity inside the addition.
    for (int k = 1; k <= 40; k++) {
        uint8_t secret[32] = {0};
        secp256k1_pubkey key;
        secp256k1_ecdsa_signature signature;
        secret[31] = (uint8_t)(k <= 20 ? k : k - 20);
        if (k > 20)
            negate(secret);
        memset(s.hash.data, 0, 32);
        s.hash.data[31] = (uint8_t)(k % 3); // also the hash 0
        assert_true(secp256k1_ec_pubkey_create(secp, &key, secret));
        assert_true(secp256k1_ecdsa_sign(secp, &signature, s.hash.data, secret, NULL, NULL));
        secp256k1_ecdsa_signature_serialize_compact(secp, s.signature.data, &signature);
        store_key(&s.key, &key);
        assert_true(verify(&s));
    }

    // z G + r q with q = G and z = -r: infinity, whatever s is.
    uint8_t one[32] = {0};
    secp256k1_pubkey g;
    one[31] = 1;
    assert_true(secp256k1_ec_pubkey_create(secp, &g, one));
    store_key(&s.key, &g);
    memcpy(s.hash.data, s.signature.data, 32);
    negate(s.hash.data);
    assert_false(verify(&s));

    // A hash of n + 5 counts as 5.
    uint8_t secret[32];
    secp256k1_ecdsa_signature signature;
    memcpy(s.hash.data, order, 32);
    s.hash.data[31] += 5;
    fill(secret, 32, &rng);
    assert_true(secp256k1_ec_pubkey_create(secp, &g, secret));
    assert_true(secp256k1_ecdsa_sign(secp, &signature, s.hash.data, secret, NULL, NULL));
    secp256k1_ecdsa_signature_serialize_compact(secp, s.signature.data, &signature);
    store_key(&s.key, &g);
    assert_true(verify(&s));
    memset(s.hash.data, 0, 31);
    s.hash.data[31] = 5;
    assert_true(verify(&s));
}

static void test_recover(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(12);
    unsigned recovered_count = 0;
    for (int i = 0; i < 60; i++) {
        signed_hash s;
        zkvm_secp256k1_pubkey key;
        const int id = sign(&s, &rng);
        assert_int_equal(zkvm_secp256k1_ecrecover(&s.hash, &s.signature, (uint8_t)id, &key),
                         ZKVM_EOK);
        assert_memory_equal(key.data, s.key.data, 64);
        // Random r: about half have a point; agree with the library on all four ids.
        fill(s.signature.data, 32, &rng);
        if (i % 4 == 0)
            memset(s.signature.data, 0, 20); // small enough for r + n < p
        for (int any = 0; any < 4; any++) {
            secp256k1_ecdsa_recoverable_signature signature;
            secp256k1_pubkey expected;
            const bool valid = secp256k1_ecdsa_recoverable_signature_parse_compact(
                                   secp, &signature, s.signature.data, any) &&
                               secp256k1_ecdsa_recover(secp, &expected, &signature, s.hash.data);
            assert_int_equal(zkvm_secp256k1_ecrecover(&s.hash, &s.signature, (uint8_t)any, &key),
                             valid ? ZKVM_EOK : ZKVM_EFAIL);
            if (valid) {
                zkvm_secp256k1_pubkey bytes;
                store_key(&bytes, &expected);
                assert_memory_equal(key.data, bytes.data, 64);
                recovered_count++;
            }
        }
        assert_int_equal(zkvm_secp256k1_ecrecover(&s.hash, &s.signature, 4, &key), ZKVM_EFAIL);
        memset(s.signature.data, 0, 32);
        assert_int_equal(zkvm_secp256k1_ecrecover(&s.hash, &s.signature, 0, &key), ZKVM_EFAIL);
    }
    assert_true(recovered_count > 30);
}

static void test_sha256(void **state)
{
    (void)state;
    static uint8_t data[400];
    test_rng rng = test_rng_new(13);
    fill(data, sizeof data, &rng);
    for (size_t n = 0; n < sizeof data; n++) {
        zkvm_sha256_hash ours;
        uint8_t theirs[32];
        assert_int_equal(zkvm_sha256(data + n % 3, n, &ours), ZKVM_EOK);
        SHA256(data + n % 3, n, theirs);
        assert_memory_equal(ours.data, theirs, 32);
    }
}

// Lengths around the block size of 136 bytes; digests made with PyCryptodome.
static void test_keccak256(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *digest;
    } cases[] = {
        {0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
        {135, "34bd7bed52ea092f88bc887256e7f06500ee814afa9a5566e22030af2ef1c5c0"},
        {136, "2b31811a93dfc4bdc41b6aa7790e784b987c25a2c8a0e101cfa694552dc8ae39"},
        {137, "a6103b089a404974c2b460048bfddd45108748fbdd9bad451f54d1fe95f8f284"},
        {272, "415fd325cae3a2f957fea2770d710027317ced7e7266a59905102c14fdb9959a"},
        {300, "c679632f366575cf2a1dad1f4a5de16e09def44390e346ad45cca63f4509c93f"},
    };
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        zkvm_keccak256_hash digest;
        char text[65];
        assert_int_equal(zkvm_keccak256(data, cases[i].size, &digest), ZKVM_EOK);
        for (size_t k = 0; k < 32; k++)
            snprintf(text + 2 * k, 3, "%02x", digest.data[k]);
        assert_string_equal(text, cases[i].digest);
    }
}

// BLAKE2b-512 (RFC 7693, 3.3) over zkvm_blake2f.
static void blake2b(uint8_t out[64], const uint8_t *data, size_t size)
{
    static const uint64_t iv[8] = {
        0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    };
    zkvm_blake2f_state h;
    memcpy(h.data, iv, 64);
    h.data[0] ^= 64;
    h.data[2] ^= 1;
    h.data[3] ^= 1;
    uint64_t done = 0;
    do {
        zkvm_blake2f_message block = {{0}};
        zkvm_blake2f_offset offset = {{0}};
        const size_t n = size - done < 128 ? size - done : 128;
        memcpy(block.data, data + done, n);
        done += n;
        memcpy(offset.data, &done, 8);
        assert_int_equal(zkvm_blake2f(12, &h, &block, &offset, done == size), ZKVM_EOK);
    } while (done < size);
    memcpy(out, h.data, 64);
}

static void test_blake2f(void **state)
{
    (void)state;
    static uint8_t data[600];
    test_rng rng = test_rng_new(14);
    fill(data, sizeof data, &rng);
    for (size_t n = 0; n < sizeof data; n += 1 + n / 8) {
        uint8_t ours[64], theirs[64];
        blake2b(ours, data, n);
        assert_true(EVP_Digest(data, n, theirs, NULL, EVP_blake2b512(), NULL));
        assert_memory_equal(ours, theirs, 64);
    }
    // No round: v is never mixed, so h' = h ^ h ^ v[8..] = iv with offset and flag.
    zkvm_blake2f_state h;
    zkvm_blake2f_message block = {{1, 2, 3}};
    zkvm_blake2f_offset offset = {{0}};
    fill(h.data, 64, &rng);
    assert_int_equal(zkvm_blake2f(0, &h, &block, &offset, 0), ZKVM_EOK);
    static const uint8_t first[8] = {0x08, 0xc9, 0xbc, 0xf3, 0x67, 0xe6, 0x09, 0x6a};
    assert_memory_equal(h.data, first, 8);
    assert_int_equal(zkvm_blake2f(1, &h, &block, &offset, 2), ZKVM_EFAIL);
}

static void test_ecdsa_example(void **state)
{
    (void)state;
    enum { N = 3 };
    static signed_hash batch[2001];
    test_rng rng = test_rng_new(15);
    for (int i = 0; i < N; i++)
        sign(&batch[i], &rng);
    batch[1].signature.data[3] ^= 1;
    const outcome o = run_all("ecdsa", (const uint8_t *)batch, N * sizeof batch[0]);
    assert_int_equal(o.exit_code, 0);
    assert_int_equal(o.output[0], N);
    assert_int_equal(o.output[4], 5);
    for (size_t i = 5; i < 256; i++)
        assert_int_equal(o.output[i], 0);
    assert_int_equal(run_all("ecdsa", (const uint8_t *)batch, 159).exit_code, 1);
    assert_int_equal(run_all("ecdsa", NULL, 0).exit_code, 1);
    assert_int_equal(run_all("ecdsa", (const uint8_t *)batch, sizeof batch).exit_code, 2);
}

// Native and guest builds of all accelerators agree.
static void test_guest_builds(void **state)
{
    (void)state;
    static struct {
        signed_hash s;
        uint8_t blake_state[64], blake_offset[16];
        uint32_t rounds;
        uint8_t recovery_id, last, unused[74];
        uint8_t message[1000];
    } in;
    test_rng rng = test_rng_new(16);
    fill((uint8_t *)&in, sizeof in, &rng);
    in.rounds = 25;
    in.last = 1;
    in.recovery_id = (uint8_t)sign(&in.s, &rng);
    const outcome o = run_all("accelerators", (const uint8_t *)&in, sizeof in);
    assert_int_equal(o.exit_code, 0);
    assert_memory_equal(o.output + 64, in.s.key.data, 64);
    const outcome p = run_zisk("accelerators-precompiles", (const uint8_t *)&in, sizeof in);
    assert_int_equal(p.exit_code, 0);
    assert_memory_equal(p.output, o.output, 256);
    assert_non_null(strstr(p.printed, "\"keccakf\":")); // the calls are really made
    const outcome q = run_zisk("accelerators-clang", (const uint8_t *)&in, sizeof in);
    assert_memory_equal(q.output, o.output, 256);
    assert_non_null(strstr(q.printed, "\"keccakf\":"));
    static const uint8_t status[6] = {0, 0, 0, 1, 0, 0};
    assert_memory_equal(o.output + 192, status, 6);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verify),        cmocka_unit_test(test_verify_edges),
        cmocka_unit_test(test_recover),       cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_keccak256),     cmocka_unit_test(test_blake2f),
        cmocka_unit_test(test_ecdsa_example), cmocka_unit_test(test_guest_builds),
    };
    secp = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    const int failed = guest_run_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
    secp256k1_context_destroy(secp);
    return failed;
}
