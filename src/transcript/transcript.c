// SPDX-License-Identifier: Apache-2.0 OR MIT
#include "transcript/transcript.h"

enum {
    COUNTER_ELEMENT = HASH_RATE,
    DOMAIN_ELEMENT = HASH_RATE + 1,
    KIND_ELEMENT = HASH_RATE + 2,
    KIND_TRANSCRIPT = 2,
    ELEMENT_BYTES = 7,
};

void transcript_init(transcript *t, const hash_ops *hash, uint64_t domain)
{
    ZK_VERIFY(domain < FE_P);
    t->hash = hash;
    for (unsigned i = 0; i < HASH_WIDTH; i++)
        t->state[i] = fe_const(0);
    t->state[DOMAIN_ELEMENT] = fe_const(domain);
    t->state[KIND_ELEMENT] = fe_const(KIND_TRANSCRIPT);
    t->position = 0;
    t->squeezing = false;
}

static void count_phase(transcript *t)
{
    t->state[COUNTER_ELEMENT] = fe_add(t->state[COUNTER_ELEMENT], fe_const(1));
}

static void write_element(transcript *t, fe a)
{
    if (t->position == HASH_RATE) {
        hash_permute(t->hash, t->state);
        t->position = 0;
    }
    t->state[t->position++] = a;
}

static void write_header(transcript *t, transcript_label label, size_t count)
{
    ZK_ASSERT(label > 0 && (uint64_t)label < 1 << 24 && count <= UINT32_MAX);
    if (t->squeezing) {
        t->squeezing = false;
        count_phase(t);
        t->position = 0;
    }
    write_element(t, fe_const((uint64_t)label << 32 | count));
}

void transcript_absorb_fe(transcript *t, transcript_label label, const fe *data, size_t n)
{
    write_header(t, label, n);
    for (size_t i = 0; i < n; i++)
        write_element(t, data[i]);
}

void transcript_absorb_fe3(transcript *t, transcript_label label, const fe3 *data, size_t n)
{
    write_header(t, label, 3 * n);
    for (size_t i = 0; i < n; i++)
        for (unsigned j = 0; j < 3; j++)
            write_element(t, data[i].c[j]);
}

void transcript_absorb_digest(transcript *t, transcript_label label, digest d)
{
    transcript_absorb_fe(t, label, d.e, HASH_DIGEST);
}

void transcript_absorb_u64(transcript *t, transcript_label label, uint64_t value)
{
    fe halves[2] = {fe_const(value & 0xFFFFFFFF), fe_const(value >> 32)};
    transcript_absorb_fe(t, label, halves, 2);
}

void transcript_absorb_bytes(transcript *t, transcript_label label, const void *data, size_t n)
{
    const unsigned char *bytes = data;
    size_t n_elements = n / ELEMENT_BYTES + 1;
    write_header(t, label, n_elements);
    for (size_t i = 0; i < n_elements; i++) {
        uint64_t v = 0;
        for (size_t j = 0, at = i * ELEMENT_BYTES; j < ELEMENT_BYTES && at <= n; j++, at++)
            v |= (uint64_t)(at == n ? 1 : bytes[at]) << (8 * j);
        write_element(t, fe_const(v));
    }
}

fe transcript_squeeze_fe(transcript *t)
{
    if (!t->squeezing) {
        t->squeezing = true;
        for (unsigned i = t->position; i < HASH_RATE; i++)
            t->state[i] = fe_const(0);
        count_phase(t);
        t->position = HASH_RATE;
    }
    if (t->position == HASH_RATE) {
        hash_permute(t->hash, t->state);
        t->position = 0;
    }
    return t->state[t->position++];
}

fe3 transcript_squeeze_fe3(transcript *t)
{
    fe3 a;
    for (unsigned i = 0; i < 3; i++)
        a.c[i] = transcript_squeeze_fe(t);
    return a;
}

digest transcript_squeeze_digest(transcript *t)
{
    digest d;
    for (unsigned i = 0; i < HASH_DIGEST; i++)
        d.e[i] = transcript_squeeze_fe(t);
    return d;
}

void transcript_squeeze_index_bits(transcript *t, unsigned n_bits, fe *bits)
{
    ZK_VERIFY(n_bits <= 32);
    fe_to_bits(bits, transcript_squeeze_fe(t), n_bits);
}

void transcript_nonce_bits(transcript *t, fe nonce, unsigned n_bits, fe *bits)
{
    transcript_absorb_fe(t, LABEL_NONCE, &nonce, 1);
    transcript_squeeze_index_bits(t, n_bits, bits);
}
