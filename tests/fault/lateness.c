/*
 * W1, and row B-20 of the scoreboard: how late does a call end that has a timeout, when the server
 * stops, falls silent or swallows bytes?  At every stage of a call, in each of these ways, on a
 * connection of the library's and on a borrowed one.
 *
 *     test_fault_lateness [ROUNDS]
 *
 * The last line is "B-20: N ends, worst lateness M ms at STAGE".
 */
#include "../unit/libpq_proxy.h"
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 300, LATE_MS = 500, MANY = 60000, SOME = 2000, FEW = 5, TRIES = 3 };
enum { TOO_SOON_MAX = 7 };

#define TOO_SOON INT64_MIN /* the call ended before it came to the stage */

typedef bm_status (*verb)(bm_db *db, const bm_call *call, bm_error *err);

typedef struct stage {
    const char *name;
    char type; /* of the message from which on nothing goes through */
    const char *word;
    verb call;
    bool known; /* the table is known already */
    bool slow;  /* the table is locked by somebody else */
    int commit; /* the time of COMMIT counts as well */
} stage;

static world w;
static proxy *p;
static item *rows;
static char url[1024];
static int rounds = 1;
static int64_t timeout_ms = TIMEOUT_MS;
static int n_ends;
static int64_t worst_ms = INT64_MIN;
static char worst_at[200];

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---------------------------------------------------------------------------------- the calls */

static bm_status create(bm_db *db, size_t n, const bm_call *call, bm_error *err)
{
    fill_items(rows, n, 1000, 1);
    return bm_bulk_create(db, bm_structs(&item_assigned, rows, n),
                          BM_OPTIONS(bm_bulk_create_options, .call = call), NULL, err);
}

static bm_status few(bm_db *db, const bm_call *call, bm_error *err)
{
    return create(db, FEW, call, err);
}

static bm_status some(bm_db *db, const bm_call *call, bm_error *err)
{
    return create(db, SOME, call, err);
}

static bm_status many(bm_db *db, const bm_call *call, bm_error *err)
{
    return create(db, MANY, call, err);
}

static bm_status keys_back(bm_db *db, const bm_call *call, bm_error *err)
{
    bm_result result = BM_RESULT;
    fill_items(rows, SOME, 1000, 1);
    bm_status status = bm_bulk_create(
        db, bm_structs(&item_assigned, rows, SOME),
        BM_OPTIONS(bm_bulk_create_options, .call = call, .return_queryset = BM_ON), &result, err);
    bm_result_clear(&result);
    return status;
}

/* The key of the last row is there: the server refuses it, and a ROLLBACK follows. */
static bm_status refused(bm_db *db, const bm_call *call, bm_error *err)
{
    fill_items(rows, SOME, 1000, 1);
    rows[SOME - 1].id = 1;
    return bm_bulk_create(db, bm_structs(&item_given, rows, SOME),
                          BM_OPTIONS(bm_bulk_create_options, .call = call), NULL, err);
}

static bm_status update(bm_db *db, const bm_call *call, bm_error *err)
{
    fill_items(rows, SEEDS, 1, 7);
    return bm_update_fields(
        db, bm_structs(&item_given, rows, SEEDS),
        BM_OPTIONS(bm_update_fields_options, .call = call, .fields = BM_NAMES("value")), NULL, err);
}

static bm_status erase(bm_db *db, const bm_call *call, bm_error *err)
{
    static const int64_t keys[] = {1, 2, 3};
    return bm_delete(db, bm_keys(&item_given, keys, 3), BM_OPTIONS(bm_delete_options, .call = call),
                     NULL, err);
}

static bm_status take(void *user, const void *given, size_t n, bm_error *err)
{
    (void)user, (void)given, (void)n, (void)err;
    return BM_OK;
}

static bm_status read_all(bm_db *db, const bm_call *call, bm_error *err)
{
    return bm_copy_to(db, bm_all(&item_given),
                      BM_OPTIONS(bm_copy_to_options, .call = call, .sink = take), NULL, err);
}

static bm_status truncate_it(bm_db *db, const bm_call *call, bm_error *err)
{
    return bm_maintain(db, &item_given,
                       BM_OPTIONS(bm_maintain_options, .call = call, .what = BM_TRUNCATE), NULL,
                       err);
}

static bm_status workers(bm_db *db, const bm_call *call, bm_error *err)
{
    fill_items(rows, SOME, 1000, 1);
    return bm_bulk_create(db, bm_structs(&item_assigned, rows, SOME),
                          BM_OPTIONS(bm_bulk_create_options, .call = call, .concurrent = BM_ON,
                                     .max_concurrent_workers = 3),
                          NULL, err);
}

static const stage stages[] = {
    {"catalog", 0, "pg_attribute", some, .known = false},
    {"BEGIN", 0, "BEGIN", some, .known = true},
    {"keys", 0, "nextval", keys_back, .known = true},
    {"COPY begins", 0, "COPY", many, .known = true},
    {"COPY write", 'd', NULL, many, .known = true},
    {"COPY end", 'c', NULL, some, .known = true},
    {"statement", 0, "INSERT", few, .known = true},
    {"update", 0, "UPDATE", update, .known = true},
    {"delete", 0, "DELETE", erase, .known = true},
    {"read", 0, "COPY", read_all, .known = true},
    {"TRUNCATE", 0, "TRUNCATE", truncate_it, .known = true},
    {"ROLLBACK", 0, "ROLLBACK", refused, .known = true},
    {"COMMIT", 0, "COMMIT", some, .known = true, .commit = 1},
    {"workers, BEGIN", 0, "BEGIN", workers, .known = true},
    {"workers, COPY", 'd', NULL, workers, .known = true},
    {"workers, COMMIT", 0, "COMMIT", workers, .known = true, .commit = 1},
    {"lock", 0, "no such word", few, .known = true, .slow = true},
    {"lock, COPY", 0, "no such word", many, .known = true, .slow = true},
};

/* --------------------------------------------------------------------------- one of its ends */

static bool must_end(bm_status status, const bm_error *err)
{
    bool ends = status == BM_TIMEOUT || status == BM_COMMIT_UNKNOWN || status == BM_CONNECTION ||
                status == BM_CONSTRAINT || status == BM_PARTIAL;
    if (!ends) {
        print_error("%s: %s\n", bm_status_name(status), err->message);
    }
    return ends;
}

/* Milliseconds after its time. */
static int64_t lateness_of(const stage *s, bm_db *db)
{
    bm_error err = BM_ERROR;
    const bm_call call = {
        .size = sizeof call, .timeout_ms = timeout_ms, .commit_timeout_ms = timeout_ms};
    int64_t begun = now_ms();
    bm_status status = s->call(db, &call, &err);
    int64_t late = now_ms() - begun - timeout_ms * (1 + s->commit);
    assert_true(must_end(status, &err));
    return late;
}

static void note(const stage *s, const char *way, int64_t late)
{
    n_ends++;
    if (late > worst_ms) {
        worst_ms = late;
        snprintf(worst_at, sizeof worst_at, "%s, %s", s->name, way);
    }
}

static bm_db *open_by(const char *where)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    if (bm_open(where, NULL, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

/* Who commits behind a frozen proxy is still at it: the next stage begins without it. */
static void forget_backends(void)
{
    proxy_close_all(p);
    psql_count(w.pg,
               "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE "
               "application_name = '%s' AND pid <> pg_backend_pid()",
               w.schema);
    world_reset(&w);
}

static int64_t frozen(const stage *s, proxy_mode mode, bool borrowed)
{
    bm_db *db = NULL;
    bm_error err = BM_ERROR;
    proxy_set(p, PROXY_FORWARD, NULL);
    PGconn *own = borrowed ? PQconnectdb(url) : NULL;
    if (borrowed) {
        assert_int_equal(bm_attach_libpq(own, &db, &err), BM_OK);
    } else {
        db = open_by(url);
    }
    if (s->known) {
        assert_int_equal(read_all(db, NULL, &err), BM_OK);
    }
    if (s->slow) {
        world_sql(&w, "BEGIN; LOCK TABLE item");
        proxy_set(p, PROXY_DEAF, NULL); /* requests to stop are not heard */
    } else {
        proxy_set(p, mode, s->word);
        proxy_set_type(p, s->type);
    }
    int64_t late = lateness_of(s, db);
    bool reached = s->slow || proxy_is_frozen(p);
    int64_t begun = now_ms();
    if (own != NULL) {
        assert_true(PQsocket(own) >= 0); /* shut down, but the caller's to close */
    }
    bm_close(db);
    PQfinish(own);
    assert_true(now_ms() - begun < LATE_MS);
    if (s->slow) {
        world_sql(&w, "ROLLBACK");
    }
    proxy_set(p, PROXY_FORWARD, NULL);
    forget_backends();
    return reached ? late : TOO_SOON;
}

/* A machine with other work may be late by itself: a stage that was is tried again.  One that was
 * not reached in time gets more of it. */
static void at(const stage *s, const char *way, int64_t (*try)(const stage *s, const void *how),
               const void *how)
{
    int64_t late = INT64_MAX;
    int too_soon = 0;
    timeout_ms = TIMEOUT_MS;
    for (int i = 0; i < TRIES && late > LATE_MS;) {
        int64_t once = try(s, how);
        if (once == TOO_SOON) {
            assert_true(too_soon++ < TOO_SOON_MAX);
            timeout_ms *= 2;
        } else {
            late = once < late ? once : late;
            i++;
        }
    }
    note(s, way, late);
    if (late > LATE_MS) {
        fail_msg("%s, %s: %lld ms late", s->name, way, (long long)late);
    }
    assert_true(late >= -timeout_ms * (1 + s->commit));
}

typedef struct manner {
    const char *name;
    proxy_mode mode;
    bool borrowed;
} manner;

static int64_t try_frozen(const stage *s, const void *how)
{
    const manner *m = how;
    return frozen(s, m->mode, m->borrowed);
}

static void a_server_that_freezes(void **state)
{
    static const manner manners[] = {{"silent", PROXY_SILENT, false},
                                     {"swallows", PROXY_SWALLOW, false},
                                     {"silent, borrowed", PROXY_SILENT, true},
                                     {"swallows, borrowed", PROXY_SWALLOW, true}};
    (void)state;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
            for (size_t m = 0; m < sizeof manners / sizeof manners[0]; m++) {
                at(&stages[i], manners[m].name, try_frozen, &manners[m]);
            }
        }
    }
}

/* A worker is ready and asks the server, which falls silent, whether others wait for it: one does,
 * for a row that somebody else holds. */
static int64_t try_meeting(const stage *s, const void *how)
{
    const int64_t meeting_ms = 5 * timeout_ms;
    bm_error err = BM_ERROR;
    bm_db *db = open_by(url);
    const bm_call call = {.size = sizeof call, .timeout_ms = meeting_ms};
    assert_int_equal(read_all(db, NULL, &err), BM_OK);
    world_sql(&w, "BEGIN; INSERT INTO item VALUES (1000, 'held', 0)");
    proxy_set(p, *(const proxy_mode *)how, s->word);
    int64_t begun = now_ms();
    fill_items(rows, SOME, 1000, 1);
    bm_status status = bm_bulk_create(db, bm_structs(&item_given, rows, SOME),
                                      BM_OPTIONS(bm_bulk_create_options, .call = &call,
                                                 .concurrent = BM_ON, .max_concurrent_workers = 2),
                                      NULL, &err);
    int64_t late = now_ms() - begun - meeting_ms;
    bool reached = proxy_is_frozen(p);
    assert_int_equal(status, BM_TIMEOUT);
    bm_close(db);
    world_sql(&w, "ROLLBACK");
    proxy_set(p, PROXY_FORWARD, NULL);
    forget_backends();
    return reached ? late : TOO_SOON;
}

static void workers_that_meet(void **state)
{
    static const proxy_mode modes[] = {PROXY_SILENT, PROXY_SWALLOW};
    static const stage meeting = {"workers, meeting", 0, "pg_blocking_pids", NULL, .known = true};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        at(&meeting, i == 0 ? "silent" : "swallows", try_meeting, &modes[i]);
    }
}

/* A transaction of the caller's ends within the time for its COMMIT, and what is asked about it. */
static int64_t try_committing(const stage *s, const void *how)
{
    bm_db *db;
    bm_db *tx;
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .timeout_ms = 20000, .commit_timeout_ms = timeout_ms};
    assert_int_equal(bm_open(url, &options, &db, &err), BM_OK);
    assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
    assert_int_equal(bm_execute(tx, "INSERT INTO item VALUES (1000, 'x', 0)", &err), BM_OK);
    proxy_set(p, *(const proxy_mode *)how, s->word);
    int64_t begun = now_ms();
    assert_true(must_end(bm_commit(tx, &err), &err));
    int64_t late = now_ms() - begun - timeout_ms;
    bool reached = proxy_is_frozen(p);
    bm_close(db);
    proxy_set(p, PROXY_FORWARD, NULL);
    forget_backends();
    return reached ? late : TOO_SOON;
}

static void a_transaction_ends(void **state)
{
    static const proxy_mode modes[] = {PROXY_SILENT, PROXY_SWALLOW};
    static const stage ends[] = {
        {"bm_commit, its question", 0, "pg_current_xact_id", NULL, .known = true},
        {"bm_commit", 0, "COMMIT", NULL, .known = true}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        at(&ends[i / 2], i % 2 == 0 ? "silent" : "swallows", try_committing, &modes[i % 2]);
    }
}

/* ---------------------------------------------------------------------------------- connecting */

static int64_t try_connecting(const stage *s, const void *how)
{
    bm_db *db = open_by(url);
    assert_int_equal(bm_reset_connection(db, NULL), BM_OK);
    proxy_set(p, *(const proxy_mode *)how, NULL);
    int64_t late = lateness_of(s, db);
    bm_close(db);
    proxy_set(p, PROXY_FORWARD, NULL);
    forget_backends();
    return late;
}

static int64_t try_opening(const stage *s, const void *how)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    (void)s;
    proxy_set(p, *(const proxy_mode *)how, NULL);
    int64_t begun = now_ms();
    bm_status status =
        bm_open(url, BM_OPTIONS(bm_open_options, .timeout_ms = timeout_ms), &db, &err);
    int64_t late = now_ms() - begun - timeout_ms;
    assert_int_equal(status, BM_TIMEOUT);
    assert_non_null(strstr(err.message, "the timeout of 300 ms passed"));
    proxy_set(p, PROXY_FORWARD, NULL);
    return late;
}

static void connecting(void **state)
{
    static const proxy_mode modes[] = {PROXY_DEAF, PROXY_PASSWORD};
    static const stage in_call = {"connecting in a call", 0, NULL, few, .known = false};
    static const stage opening = {"bm_open", 0, NULL, few, .known = false};
    (void)state;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < 2; i++) {
            const char *way = i == 0 ? "silent" : "authentication";
            at(&in_call, way, try_connecting, &modes[i]);
            at(&opening, way, try_opening, &modes[i]);
        }
    }
}

/* A token ends connecting, too. */
static void a_token_ends_connecting(void **state)
{
    bm_cancel *token;
    bm_db *db;
    bm_error err = BM_ERROR;
    (void)state;
    assert_int_equal(bm_cancel_create(&token, &err), BM_OK);
    bm_cancel_set(token);
    proxy_set(p, PROXY_DEAF, NULL);
    assert_int_equal(bm_open(url, BM_OPTIONS(bm_open_options, .cancel = token), &db, &err),
                     BM_CANCELLED);
    proxy_set(p, PROXY_FORWARD, NULL);
    bm_cancel_free(token);
}

/* ------------------------------------------------------------------------- a process is stopped */

static void signal_backends(int signal)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "SELECT pid FROM pg_stat_activity WHERE application_name = '%s' AND pid <> "
             "pg_backend_pid()",
             w.schema);
    PGresult *found = PQexec(w.pg, sql);
    for (int i = 0; i < PQntuples(found); i++) {
        kill((pid_t)strtol(PQgetvalue(found, i, 0), NULL, 10), signal);
    }
    PQclear(found);
}

/* The rows are written: what follows is COMMIT. */
static void stop_now(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    signal_backends(SIGSTOP);
}

static bm_status some_then_stop(bm_db *db, const bm_call *call, bm_error *err)
{
    bm_call stopping = *call;
    stopping.on_progress = stop_now;
    return some(db, &stopping, err);
}

static int64_t try_stopped(const stage *s, const void *how)
{
    bm_error err = BM_ERROR;
    bm_db *db = open_by(w.url);
    (void)how;
    assert_int_equal(read_all(db, NULL, &err), BM_OK);
    if (s->call != some_then_stop) {
        signal_backends(SIGSTOP);
    }
    int64_t late = lateness_of(s, db);
    int64_t begun = now_ms();
    bm_close(db);
    assert_true(now_ms() - begun < LATE_MS);
    signal_backends(SIGCONT);
    forget_backends();
    return late;
}

static void a_backend_that_is_stopped(void **state)
{
    static const stage stopped[] = {
        {"BEGIN", 0, NULL, some, .known = true},
        {"statement", 0, NULL, few, .known = true},
        {"read", 0, NULL, read_all, .known = true},
        {"update", 0, NULL, update, .known = true},
        {"TRUNCATE", 0, NULL, truncate_it, .known = true},
        {"COMMIT", 0, NULL, some_then_stop, .known = true, .commit = 1}};
    (void)state;
    for (int round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof stopped / sizeof stopped[0]; i++) {
            at(&stopped[i], "stopped", try_stopped, NULL);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_freezes),   cmocka_unit_test(workers_that_meet),
        cmocka_unit_test(a_transaction_ends),      cmocka_unit_test(connecting),
        cmocka_unit_test(a_token_ends_connecting), cmocka_unit_test(a_backend_that_is_stopped),
    };
    rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    rows = calloc(MANY, sizeof *rows);
    world_begin(&w, POSTGRESQL);
    p = proxy_start();
    snprintf(url, sizeof url, "%s options='-c search_path=%s' application_name=%s", proxy_url(p),
             w.schema, w.schema);
    int failed = cmocka_run_group_tests_name("fault_lateness", tests, NULL, NULL);
    print_message("# B-20: %d ends, worst lateness %lld ms at %s\n", n_ends, (long long)worst_ms,
                  worst_at);
    proxy_stop(p);
    world_end(&w);
    free(rows);
    return failed;
}
