/*
 * Connections that are cut at a random byte, in either direction, in every kind of call; what the
 * call reports must not contradict the table, and only a statement that is its own commit may be in
 * doubt (scoreboard B-05, B-06).
 *
 *     test_fault_cuts [CUTS [SEED [MODE]]]      as many cuts, 60 without an argument
 *
 * With a MODE the connections are those of a PgBouncer with that pool_mode.  Cut number i has the
 * seed SEED + i; "test_fault_cuts 1 SEED" repeats one.  Seeds that once found a fault are kept in
 * `kept` and run first.
 */
#include "bouncer.h"
#include "cutter.h"
#include "loads.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CUTS = 60, LONGEST_S = 60, FIRST_SEED = 1000 };

static const uint32_t kept[] = {1};

static oracle o;
static cutter *front;
static bm_db *db;
static load_row rows[LOAD_ROWS_MAX];
static int64_t bytes_of[32]; /* of each call, when nothing is cut */
static int32_t batch;
static long n_cuts, n_known, n_wrong;
static long cuts = CUTS;
static uint32_t first_seed = FIRST_SEED;
static const char *mode; /* of PgBouncer, or NULL */
static bouncer *pooler;

static bm_status call_it(const load_call *call, bm_result *result, bm_error *err)
{
    load_prepare(&o, call, rows, ++batch);
    alarm(LONGEST_S); /* a call that hangs ends the test */
    bm_status status = call->run(db, rows, call->n, batch, result, err);
    alarm(0);
    return status;
}

static claim claim_of(const load_call *call)
{
    return (claim){batch, call->n, call->before, call->after};
}

/* How many bytes the call moves; its connections are open by the second time. */
static void without_a_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_load_calls; i++) {
        for (int time = 0; time < 2; time++) {
            bm_error err = BM_ERROR;
            bm_result result = BM_RESULT;
            bool has_cut;
            cutter_arm(front, (cut){.bytes = -1});
            bm_status status = call_it(&load_calls[i], &result, &err);
            bytes_of[i] = cutter_disarm(front, &has_cut);
            assert_true(oracle_judge(&o, claim_of(&load_calls[i]), status, &err, &result));
            assert_int_equal(status, BM_OK);
            bm_result_clear(&result);
        }
        assert_true(bytes_of[i] > 0);
    }
}

static void one_cut(uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    bool has_cut;
    next_random(&state);
    size_t which = next_random(&state) % n_load_calls;
    uint32_t split = next_random(&state);
    cut next = {.bytes = next_random(&state) % (bytes_of[which] * 21 / 20),
                .split = split % 4 == 0 ? 1 + split / 4 % 2000 : 0,
                .all = next_random(&state) % 2 == 0};
    const load_call *call = &load_calls[which];
    cutter_arm(front, next);
    bm_status status = call_it(call, &result, &err);
    cutter_disarm(front, &has_cut);
    bool known = status != BM_COMMIT_UNKNOWN && status != BM_PARTIAL;
    bool right = oracle_judge(&o, claim_of(call), status, &err, &result);
    if (!right || (!known && !call->alone)) {
        fprintf(stderr, "    seed %u: %s, cut at byte %lld of %lld%s: %s\n", (unsigned)seed,
                call->name, (long long)next.bytes, (long long)bytes_of[which],
                next.all ? ", all" : "", bm_status_name(status));
        n_wrong++;
    }
    n_cuts += has_cut;
    n_known += has_cut && known;
    bm_result_clear(&result);
}

static void at_a_random_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        one_cut(kept[i]);
    }
    for (uint32_t seed = first_seed; n_cuts < cuts; seed++) {
        one_cut(seed);
    }
    assert_int_equal(n_wrong, 0);
}

/* The judge itself: a row that is lost, twice there, altered. */
static void the_judge_sees(void **state)
{
    static const char *const harms[] = {
        "DELETE FROM load WHERE batch = %d AND place = 3",
        "INSERT INTO load (batch, place, revision, checksum, payload)"
        " SELECT batch, place, revision, checksum, payload FROM load"
        " WHERE batch = %d AND place = 3",
        "UPDATE load SET payload = payload || 'a' WHERE batch = %d AND place = 3",
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        const load_call *call = &load_calls[2];
        bm_error err = BM_ERROR;
        bm_result result = BM_RESULT;
        oracle judge = o;
        assert_int_equal(call_it(call, &result, &err), BM_OK);
        assert_true(oracle_judge(&judge, claim_of(call), BM_OK, &err, &result));
        psql_run(o.conn, harms[i], (int)batch);
        assert_false(oracle_judge(&judge, claim_of(call), BM_OK, &err, &result));
        assert_int_equal(oracle_judge_silent(&judge, claim_of(call), true), i == 0);
        assert_int_equal(judge.lost > 0, i == 0);
        assert_int_equal(judge.duplicated > 0, i == 1);
        assert_int_equal(judge.altered > 0, i == 2);
        bm_result_clear(&result);
    }
}

/* The database is usable after all that. */
static void the_next_call(void **state)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    (void)state;
    bm_status status = call_it(&load_calls[0], &result, &err);
    assert_int_equal(status, BM_OK);
    assert_true(oracle_judge(&o, claim_of(&load_calls[0]), status, &err, &result));
    bm_result_clear(&result);
}

static int set_up(void **state)
{
    char where[512];
    (void)state;
    oracle_begin(&o);
    if (mode != NULL) {
        pooler = load_pooler(&o, mode);
        front = cutter_start(bouncer_folder(pooler), "6432");
    } else {
        front = cutter_start(PQhost(o.conn), PQport(o.conn));
    }
    snprintf(where, sizeof where, "host=%s port=5434 user=%s dbname=%s", cutter_folder(front),
             PQuser(o.conn), PQdb(o.conn));
    db = load_open(where, &o, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bm_close(db);
    cutter_stop(front);
    if (pooler != NULL) {
        bouncer_stop(pooler);
    }
    oracle_end(&o);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_cut),
        cmocka_unit_test(at_a_random_byte),
        cmocka_unit_test(the_judge_sees),
        cmocka_unit_test(the_next_call),
    };
    cuts = argc > 1 ? strtol(argv[1], NULL, 10) : CUTS;
    first_seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : FIRST_SEED;
    mode = argc > 3 ? argv[3] : NULL;
    int failed = cmocka_run_group_tests_name("fault_cuts", tests, set_up, tear_down);
    print_message("# B-06: %ld cuts%s%s, %ld wrong; %ld known, %ld of a single statement in"
                  " doubt\n",
                  n_cuts, mode != NULL ? " before PgBouncer by " : "", mode != NULL ? mode : "",
                  n_wrong, n_known, n_cuts - n_known);
    return oracle_report(&o) ? failed : 1;
}
