// SPDX-License-Identifier: Apache-2.0 OR MIT
// Who is chosen with which units: the rules of the header one by one, then on random fleets.
#include "unit/test.h"

#include "coordinator/choose.h"

typedef struct choose_case {
    uint32_t units[6]; // capacities in order of registration, ended by UINT32_MAX
    uint32_t request, minimum;
    size_t max_workers;
    uint32_t shares[6]; // units dealt to each of them; all 0: refused
} choose_case;

enum { END = UINT32_MAX };

static const choose_case cases[] = {
    {{10, END}, 10, 0, 10, {10}},
    {{10, END}, 1, 0, 10, {1}},
    {{10, 10, 10, END}, 20, 0, 10, {10, 10, 0}},
    {{10, 10, 10, END}, 15, 0, 10, {10, 5, 0}},
    {{4, 2, 8, END}, 6, 6, 10, {4, 2, 0}},
    {{4, 2, END}, 10, 0, 10, {0}},
    {{4, 2, END}, 10, 7, 10, {0}},
    {{4, 2, END}, 10, 6, 10, {4, 2}},
    {{4, 2, END}, 10, 1, 10, {4, 2}},
    {{0, 4, 0, END}, 4, 0, 10, {0, 4, 0}},
    {{0, 0, END}, 1, 1, 10, {0}},
    {{END}, 1, 1, 10, {0}},
    // The first two fall short of 9; the largest two cover it, dealt in order of registration.
    {{2, 5, 3, 8, END}, 9, 0, 2, {0, 5, 0, 4}},
    {{2, 5, 3, 8, END}, 9, 7, 2, {2, 5, 0, 0}},
    {{2, 5, 3, 8, END}, 14, 14, 2, {0}},
    {{2, 8, 8, 8, END}, 9, 0, 2, {2, 7, 0, 0}},
    {{2, 3, 8, 8, END}, 8, 0, 1, {0, 0, 8, 0}},
    {{UINT32_MAX - 1, UINT32_MAX - 1, END}, UINT32_MAX, 0, 2, {UINT32_MAX - 1, 1}},
};

static void shares_follow_the_rules(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const choose_case *c = &cases[k];
        worker_offer offers[6] = {0};
        worker_share shares[6];
        size_t n_offers = 0, n;
        uint32_t wanted = 0, got[6] = {0}, unit = 0;
        for (; c->units[n_offers] != END; n_offers++)
            offers[n_offers].units = c->units[n_offers];
        for (size_t j = 0; j < n_offers; j++)
            wanted += c->shares[j];
        capacity_request r = {c->request, c->minimum, c->max_workers, NULL};
        status s = workers_choose(shares, &n, offers, n_offers, &r);
        assert_int_equal(s, wanted != 0 ? ZK_OK : ZK_ELIMIT);
        if (s != ZK_OK) {
            assert_int_equal(n, 0);
            assert_ptr_equal(strstr(status_message(), "Insufficient compute capacity"),
                             status_message());
            continue;
        }
        for (size_t j = 0; j < n; j++) {
            got[shares[j].offer] = shares[j].n_units;
            assert_int_equal(shares[j].first_unit, unit);
            unit += shares[j].n_units;
        }
        assert_memory_equal(got, c->shares, n_offers * sizeof got[0]);
    }
}

static void programs_are_not_mixed(void **state)
{
    (void)state;
    const worker_offer offers[] = {{5, {1}}, {5, {2}}, {5, {1}}};
    static const uint8_t second[PROGRAM_DIGEST_BYTES] = {2}, third[PROGRAM_DIGEST_BYTES] = {3};
    worker_share shares[3];
    size_t n;
    capacity_request r = {10, 0, 9, offers[0].program};
    assert_int_equal(workers_choose(shares, &n, offers, 3, &r), ZK_OK);
    assert_int_equal(n, 2);
    assert_int_equal(shares[1].offer, 2);
    r.program = second;
    assert_int_equal(workers_choose(shares, &n, offers, 3, &r), ZK_ELIMIT);
    r.program = third;
    r.units = 1;
    assert_int_equal(workers_choose(shares, &n, offers, 3, &r), ZK_ELIMIT);
    r.program = NULL;
    assert_int_equal(workers_choose(shares, &n, offers, 3, &r), ZK_EINVAL);
    assert_non_null(strstr(status_message(), "different programs"));
    assert_int_equal(workers_choose(shares, &n, offers + 1, 1, &r), ZK_OK);
    assert_int_equal(n, 1);
}

static void requests_out_of_bounds_are_refused(void **state)
{
    (void)state;
    const worker_offer offer = {5, {1}};
    worker_share share;
    size_t n;
    const capacity_request bad[] = {{0, 0, 1, NULL}, {2, 3, 1, NULL}, {2, 0, 0, NULL}};
    for (int k = 0; k < 3; k++)
        assert_int_equal(workers_choose(&share, &n, &offer, 1, &bad[k]), ZK_EINVAL);
}

// Whatever the fleet: exact units without gaps, nobody twice, nobody idle in the job, no more than
// they have; refused only when the largest max_workers do not meet the minimum.
static void random_fleets_keep_the_promises(void **state)
{
    (void)state;
    test_rng rng = test_rng_new(6);
    for (int round = 0; round < 20000; round++) {
        worker_offer offers[12] = {0};
        worker_share shares[12];
        size_t n_offers = test_rng_u64(&rng) % 13, n;
        for (size_t k = 0; k < n_offers; k++)
            offers[k].units = (uint32_t)(test_rng_u64(&rng) % 9);
        capacity_request r = {.units = 1 + (uint32_t)(test_rng_u64(&rng) % 40),
                              .max_workers = 1 + test_rng_u64(&rng) % 12};
        r.minimal_units = (uint32_t)(test_rng_u64(&rng) % (r.units + 1));
        uint32_t minimum = r.minimal_units != 0 ? r.minimal_units : r.units;
        uint32_t best = 0, left[12];
        for (size_t k = 0; k < n_offers; k++)
            left[k] = offers[k].units;
        for (size_t k = 0; k < r.max_workers; k++) {
            size_t largest = 0;
            for (size_t j = 0; j < n_offers; j++)
                largest = left[j] > left[largest] ? j : largest;
            best += n_offers > 0 ? left[largest] : 0;
            left[largest] = 0;
        }
        status s = workers_choose(shares, &n, offers, n_offers, &r);
        assert_int_equal(s, best >= minimum ? ZK_OK : ZK_ELIMIT);
        uint32_t unit = 0;
        for (size_t k = 0; k < n; k++) {
            assert_true(k == 0 || shares[k].offer > shares[k - 1].offer);
            assert_int_equal(shares[k].first_unit, unit);
            assert_in_range(shares[k].n_units, 1, offers[shares[k].offer].units);
            assert_true(k + 1 == n || shares[k].n_units == offers[shares[k].offer].units);
            unit += shares[k].n_units;
        }
        assert_true(n <= r.max_workers && unit <= r.units);
        assert_true(s != ZK_OK || unit >= minimum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_follow_the_rules),
        cmocka_unit_test(programs_are_not_mixed),
        cmocka_unit_test(requests_out_of_bounds_are_refused),
        cmocka_unit_test(random_fleets_keep_the_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
