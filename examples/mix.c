// SPDX-License-Identifier: Apache-2.0 OR MIT
// Benchmark: sorting, matrix products, text and hashing, in rounds of about 130 000 steps.
//
// Input: number of rounds as a 4-byte little-endian number (an empty input means 75, some ten
// million steps). Output: the rounds (4 bytes), then four 8-byte checksums: of the sorted arrays,
// of the matrices, of the word counts, of the table that all rounds share (512 KiB).
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "zkvm_io.h"

enum {
    SORT_ITEMS = 256,
    MATRIX = 12,
    TEXT_BYTES = 1024,
    WORD_SLOTS = 256, // power of two, above the number of different words in a text
    TABLE_WORDS = 1 << 16,
    TABLE_ACCESSES = 1500,
};

static uint64_t random_state = 0x2545f4914f6cdd1dULL;

// xorshift64* (Vigna 2016).
static uint64_t random_u64(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1dULL;
}

static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3ULL;
}

// ---- Sorting: quicksort with the middle as pivot, insertion sort for short ranges ----

typedef struct item {
    int64_t key;
    uint32_t payload;
    uint16_t group;
} item;

static void sort(item *a, long n)
{
    while (n > 12) {
        const int64_t pivot = a[n / 2].key;
        long i = 0, j = n - 1;
        while (i <= j) {
            while (a[i].key < pivot)
                i++;
            while (a[j].key > pivot)
                j--;
            if (i <= j) {
                const item t = a[i];
                a[i++] = a[j];
                a[j--] = t;
            }
        }
        sort(a, j + 1); // then go on with the upper part
        a += i;
        n -= i;
    }
    for (long i = 1; i < n; i++) {
        const item t = a[i];
        long j = i;
        for (; j > 0 && a[j - 1].key > t.key; j--)
            a[j] = a[j - 1];
        a[j] = t;
    }
}

static uint64_t round_sort(uint64_t sum)
{
    static item items[SORT_ITEMS];
    for (int i = 0; i < SORT_ITEMS; i++) {
        const uint64_t r = random_u64();
        items[i] = (item){.key = (int64_t)r >> 20, .payload = (uint32_t)r, .group = (uint16_t)i};
    }
    sort(items, SORT_ITEMS);
    for (int i = 0; i < SORT_ITEMS; i++) {
        if (i > 0 && items[i - 1].key > items[i].key)
            abort();
        sum = mix(sum, (uint64_t)items[i].key + items[i].payload + items[i].group);
    }
    return sum;
}

// ---- Matrices over the integers modulo the prime 2^61 - 1 ----

static uint64_t mul_mod(uint64_t a, uint64_t b)
{
    const uint64_t p = (1ULL << 61) - 1;
    const unsigned __int128 x = (unsigned __int128)a * b;
    const uint64_t folded = ((uint64_t)x & p) + (uint64_t)(x >> 61);
    return folded >= p ? folded - p : folded;
}

static uint64_t round_matrix(uint64_t sum)
{
    static uint64_t a[MATRIX][MATRIX], b[MATRIX][MATRIX], c[MATRIX][MATRIX];
    const uint64_t p = (1ULL << 61) - 1;
    for (int i = 0; i < MATRIX; i++) {
        for (int j = 0; j < MATRIX; j++) {
            a[i][j] = random_u64() % p;
            b[i][j] = a[i][j] ^ (uint64_t)(i * MATRIX + j);
        }
    }
    for (int i = 0; i < MATRIX; i++) {
        for (int j = 0; j < MATRIX; j++) {
            uint64_t s = 0;
            for (int k = 0; k < MATRIX; k++) {
                s += mul_mod(a[i][k], b[k][j]);
                s = s >= p ? s - p : s;
            }
            c[i][j] = s;
        }
    }
    for (int i = 0; i < MATRIX; i++)
        sum = mix(sum, c[i][(i * 5 + 3) % MATRIX] + (uint32_t)c[i][0] / (uint32_t)(i + 1));
    return sum;
}

// ---- Text: make sentences, count words in a hash table, upper-case, reverse ----

typedef struct word_count {
    char word[8]; // padded with zeros
    uint32_t count;
    uint32_t first_at;
} word_count;

static void count_word(word_count *counts, const char *word, size_t length, uint32_t at)
{
    uint32_t hash = 2166136261u; // FNV-1a
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (uint8_t)word[i]) * 16777619u;
    for (uint32_t slot = hash;; slot++) {
        word_count *w = &counts[slot % WORD_SLOTS];
        if (w->count == 0) {
            memcpy(w->word, word, length);
            w->first_at = at;
        } else if (w->word[length] != '\0' || memcmp(w->word, word, length) != 0) {
            continue;
        }
        w->count++;
        return;
    }
}

static uint64_t round_text(uint64_t sum)
{
    static char text[TEXT_BYTES + 8];
    word_count *counts = calloc(WORD_SLOTS, sizeof *counts);
    if (counts == NULL)
        abort();
    size_t n = 0;
    while (n < TEXT_BYTES - 8) {
        static const char syllables[16][3] = {"ka", "lo", "mi", "ne", "po", "ra", "su", "ti",
                                              "wa", "xe", "yo", "za", "be", "du", "fi", "go"};
        const uint64_t r = random_u64();
        for (unsigned i = 0; i <= r % 3; i++) {
            memcpy(text + n, syllables[r >> (8 + 4 * i) & 15], 2);
            n += 2;
        }
        text[n++] = r >> 60 == 0 ? '.' : ' ';
    }
    text[n] = '\0';
    n = strlen(text);
    for (size_t i = 0, start = 0; i < n; i++) {
        if (text[i] != ' ' && text[i] != '.')
            continue;
        if (i > start)
            count_word(counts, text + start, i - start, (uint32_t)start);
        start = i + 1;
    }
    for (size_t i = 0; i < n; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
    for (size_t i = 0; i < n / 2; i++) {
        const char t = text[i];
        text[i] = text[n - 1 - i];
        text[n - 1 - i] = t;
    }
    for (unsigned i = 0; i < WORD_SLOTS; i++)
        if (counts[i].count != 0)
            sum = mix(sum, (uint64_t)counts[i].first_at << 32 | counts[i].count);
    sum = mix(sum, (uint64_t)(uint8_t)text[0] << 8 | (uint8_t)text[n / 3]);
    free(counts);
    return sum;
}

// ---- A table larger than any cache line's neighbourhood: dependent loads and stores ----

static uint64_t table[TABLE_WORDS];

static uint64_t round_table(uint64_t sum)
{
    uint64_t at = sum % TABLE_WORDS;
    for (int i = 0; i < TABLE_ACCESSES; i++) {
        const uint64_t old = table[at];
        table[at] = old + (sum << 1 | 1);
        sum = (sum ^ old) * 0x9e3779b97f4a7c15ULL + (uint64_t)i;
        at = (at + (sum >> 48)) % TABLE_WORDS;
    }
    return sum;
}

int main(void)
{
    const uint8_t *input;
    size_t size;
    uint32_t rounds = 75;
    read_input(&input, &size);
    if (size != 0 && size != sizeof rounds)
        return 1;
    if (size == sizeof rounds)
        memcpy(&rounds, input, sizeof rounds);
    uint64_t sums[4] = {1, 2, 3, 4};
    for (uint32_t i = 0; i < rounds; i++) {
        sums[0] = round_sort(sums[0]);
        sums[1] = round_matrix(sums[1]);
        sums[2] = round_text(sums[2]);
        sums[3] = round_table(sums[3]);
    }
    write_output((const uint8_t *)&rounds, sizeof rounds);
    write_output((const uint8_t *)sums, sizeof sums);
    return 0;
}
