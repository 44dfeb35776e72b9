/*
 * Faults of the engines themselves: a backend that is killed, timeouts and locks, errors at COMMIT
 * and from triggers; a SQLite file that is locked, full, read-only or gone.  After each the call's
 * rows are all there or none, as it says, and the next call works.
 */
#include "world.h"

#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 200000, SOME = 2000, FEW = 6 };

static item *many;

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bm_status load(bm_db *db, size_t n, const bm_bulk_create_options *options, bm_error *err)
{
    fill_items(many, n, 1000, 1);
    return bm_bulk_create(db, bm_structs(&item_assigned, many, n), options, NULL, err);
}

static void nothing_is_left(world *w, bm_db *db)
{
    world_expect(w, SEEDS, SEED_SUM);
    expect_usable(db);
    world_expect(w, SEEDS, SEED_SUM);
}

/* -------------------------------------------------------------------------- a backend is killed */

typedef struct killer {
    PGconn *pg;
    const char *name; /* of the application whose backends are ended */
    int64_t after_us;
} killer;

static void *kill_backends(void *argument)
{
    const killer *k = argument;
    char sql[300];
    usleep((useconds_t)k->after_us);
    snprintf(sql, sizeof sql,
             "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name "
             "= '%s'",
             k->name);
    PQclear(PQexec(k->pg, sql));
    return NULL;
}

static void backend_is_killed(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    uint32_t seed = 20240229;
    int killed = 0;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = world_open(&w);
    int64_t begin = now_us();
    assert_int_equal(load(db, MANY, NULL, &err), BM_OK);
    int64_t took = now_us() - begin;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        killer k = {PQconnectdb(test_postgresql()), w.schema, next_random(&seed) % took};
        world_reset(&w);
        pthread_create(&thread, NULL, kill_backends, &k);
        bm_status status = load(db, MANY, NULL, &err);
        pthread_join(thread, NULL);
        PQfinish(k.pg);
        bool all = world_has(&w, SEEDS + MANY, SEED_SUM + MANY);
        bool none = world_has(&w, SEEDS, SEED_SUM);
        killed += status != BM_OK;
        if (status == BM_OK) {
            assert_true(all);
        } else if (status == BM_COMMIT_UNKNOWN) {
            assert_int_equal(err.fate, BM_FATE_UNKNOWN);
            assert_true(all || none);
        } else {
            assert_int_equal(status, BM_CONNECTION);
            assert_true(none);
            assert_true(err.fate == BM_FATE_ROLLED_BACK || err.fate == BM_FATE_NOT_STARTED);
        }
        expect_usable(db);
    }
    assert_true(killed > 5);
    bm_close(db);
    world_end(&w);
}

/* --------------------------------------------------------------------------- timeouts of a role */

/* A database as a role of its own with a setting, which is dropped by end_role. */
static bm_db *open_role(world *w, const char *setting)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    psql_run(w->pg,
             "CREATE ROLE %s_r LOGIN; ALTER ROLE %s_r SET %s; GRANT ALL ON SCHEMA %s TO %s_r;"
             "GRANT ALL ON ALL TABLES IN SCHEMA %s TO %s_r;"
             "GRANT ALL ON ALL SEQUENCES IN SCHEMA %s TO %s_r",
             w->schema, w->schema, setting, w->schema, w->schema, w->schema, w->schema, w->schema,
             w->schema);
    snprintf(w->url + strlen(w->url), sizeof w->url - strlen(w->url), " user=%s_r", w->schema);
    if (bm_open(w->url, NULL, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

static void end_role(world *w, bm_db *db)
{
    bm_close(db);
    psql_run(w->pg, "DROP OWNED BY %s_r; DROP ROLE %s_r", w->schema, w->schema);
    world_end(w);
}

static void lock_timeout_of_the_role(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = open_role(&w, "lock_timeout = '200ms'");
    for (size_t n = FEW; n <= SOME; n += SOME - FEW) {
        world_sql(&w, "BEGIN; LOCK TABLE item IN SHARE MODE");
        assert_int_equal(load(db, n, NULL, &err), BM_TIMEOUT);
        assert_string_equal(err.sqlstate, "55P03");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        world_sql(&w, "ROLLBACK");
        nothing_is_left(&w, db);
    }
    end_role(&w, db);
}

/* W10 */
static void statement_timeout_of_the_role(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = open_role(&w, "statement_timeout = '300ms'");
    world_sql(&w, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                  " 'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END';"
                  "CREATE TRIGGER slow BEFORE INSERT ON item FOR EACH ROW"
                  " WHEN (NEW.name <> 'usable') EXECUTE FUNCTION slow()");
    for (size_t n = FEW; n <= SOME; n += SOME - FEW) {
        assert_int_equal(load(db, n, NULL, &err), BM_TIMEOUT);
        assert_string_equal(err.sqlstate, "57014");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        nothing_is_left(&w, db);
    }
    end_role(&w, db);
}

/* W10.  Somebody cancels the statement: no timeout, though the SQLSTATE is the same. */
static void cancelled_by_an_administrator(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    bm_db *db = open_role(&w, "statement_timeout = '300s'");
    world_sql(&w, "CREATE FUNCTION cancels() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
                  " 'BEGIN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(60);"
                  " RETURN NEW; END';"
                  "CREATE TRIGGER cancels BEFORE INSERT ON item FOR EACH ROW"
                  " WHEN (NEW.name <> 'usable') EXECUTE FUNCTION cancels()");
    assert_int_equal(load(db, FEW, NULL, &err), BM_CANCELLED);
    assert_string_equal(err.sqlstate, "57014");
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    nothing_is_left(&w, db);
    end_role(&w, db);
}

/* W10.  The server closes the connection, before or while the next statement comes. */
static void idle_in_transaction_timeout(void **state)
{
    (void)state;
    for (int looks = 0; looks < 2; looks++) {
        world w;
        bm_db *tx;
        bm_error err = BM_ERROR;
        world_begin(&w, POSTGRESQL);
        bm_db *db = open_role(&w, "statement_timeout = 0");
        assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
        assert_int_equal(load(tx, FEW, NULL, &err), BM_OK);
        assert_int_equal(
            bm_execute(tx, "SET LOCAL idle_in_transaction_session_timeout = '50ms'", &err), BM_OK);
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_stat_activity WHERE usename = '%s_r'",
                 w.schema);
        while (world_count(&w, sql) > 0) {
            usleep(10000);
        }
        if (looks == 1) { /* and what it said is read */
            (void)bm_ensure_connected(tx, NULL);
        }
        assert_int_equal(load(tx, FEW, NULL, &err), BM_TIMEOUT);
        assert_string_equal(err.sqlstate, "25P03");
        bm_rollback(tx);
        nothing_is_left(&w, db);
        end_role(&w, db);
    }
}

/* ---------------------------------------------------------------------------------- late errors */

static void deferred_constraint(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    world_sql(&w, "ALTER TABLE item ADD CONSTRAINT once UNIQUE (name, value)"
                  " DEFERRABLE INITIALLY DEFERRED");
    bm_db *db = world_open(&w);
    for (size_t n = FEW; n <= SOME; n += SOME - FEW) {
        fill_items(many, n, 1000, 1);
        memcpy(many[n - 1].name, many[0].name, sizeof many[0].name);
        assert_int_equal(bm_bulk_create(db, bm_structs(&item_assigned, many, n), NULL, NULL, &err),
                         BM_CONSTRAINT);
        assert_string_equal(err.sqlstate, "23505");
        assert_string_equal(err.constraint, "once");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        nothing_is_left(&w, db);
        /* the same as the end of the caller's transaction */
        bm_db *tx;
        assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
        assert_int_equal(bm_bulk_create(tx, bm_structs(&item_assigned, many, n), NULL, NULL, &err),
                         BM_OK);
        assert_int_equal(bm_commit(tx, &err), BM_CONSTRAINT);
        assert_int_equal(err.stage, BM_STAGE_COMMIT);
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        nothing_is_left(&w, db);
    }
    bm_close(db);
    world_end(&w);
}

static void trigger_that_raises(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, POSTGRESQL);
    world_sql(&w, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                  " 'BEGIN IF NEW.value < 0 THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END';"
                  "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON item FOR EACH ROW"
                  " EXECUTE FUNCTION refuse()");
    bm_db *db = world_open(&w);
    for (size_t n = FEW; n <= SOME; n += SOME - FEW) {
        fill_items(many, n, 1000, 1);
        many[n / 2].value = -1;
        assert_int_equal(bm_bulk_create(db, bm_structs(&item_assigned, many, n), NULL, NULL, &err),
                         BM_DATABASE);
        assert_string_equal(err.sqlstate, "P0001");
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
        assert_int_equal(err.row, n == FEW ? BM_NO_ROW : n / 2); /* COPY tells the line */
        nothing_is_left(&w, db);
    }
    fill_items(many, SEEDS, 1, -1);
    assert_int_equal(
        bm_update_fields(db, bm_structs(&item_given, many, SEEDS),
                         BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")), NULL,
                         &err),
        BM_DATABASE);
    nothing_is_left(&w, db);
    bm_close(db);
    world_end(&w);
}

/* --------------------------------------------------------------------------------------- SQLite */

static void file_is_locked(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, SQLITE);
    bm_db *db = world_open(&w);
    const bm_call soon = {.size = sizeof soon, .timeout_ms = 200};
    world_sql(&w, "BEGIN IMMEDIATE");
    int64_t begin = now_us();
    assert_int_equal(load(db, FEW, BM_OPTIONS(bm_bulk_create_options, .call = &soon), &err),
                     BM_TIMEOUT);
    assert_true(now_us() - begin < 2000000);
    assert_int_equal(load(db, FEW, NULL, &err), BM_RETRY); /* SQLite's busy wait, five seconds */
    assert_true(err.retryable);
    world_sql(&w, "ROLLBACK");
    nothing_is_left(&w, db);
    bm_close(db);
    world_end(&w);
}

static void file_is_full(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, SQLITE);
    bm_db *db = world_open(&w);
    assert_int_equal(bm_execute(db, "PRAGMA max_page_count = 100", &err), BM_OK);
    assert_int_equal(load(db, MANY / 2, NULL, &err), BM_LIMIT);
    assert_int_equal(err.native_code & 0xFF, SQLITE_FULL);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    nothing_is_left(&w, db);
    /* SQLite takes the caller's transaction back, too: nothing more is written in it. */
    bm_db *tx;
    assert_int_equal(bm_begin(db, &tx, &err), BM_OK);
    assert_int_equal(load(tx, FEW, NULL, &err), BM_OK);
    assert_int_equal(load(tx, MANY / 2, NULL, &err), BM_LIMIT);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    assert_int_equal(load(tx, FEW, NULL, &err), BM_DATABASE);
    assert_int_equal(bm_execute(tx, "DELETE FROM item", &err), BM_DATABASE);
    assert_int_equal(bm_commit(tx, &err), BM_DATABASE);
    world_expect(&w, SEEDS, SEED_SUM);
    expect_usable(db);
    bm_close(db);
    assert_int_equal(world_count(&w, "SELECT count(*) FROM pragma_integrity_check"
                                     " WHERE integrity_check = 'ok'"),
                     1);
    world_end(&w);
}

/* Root may write what it may not: without that right, file modes mean what they say. */
static void obey_modes(bool obey)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    unsigned bit = 1U << CAP_DAC_OVERRIDE;
    data[0].effective =
        obey ? data[0].effective & ~bit : data[0].effective | (data[0].permitted & bit);
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

static void file_is_read_only(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, SQLITE);
    chmod(w.path, 0444);
    obey_modes(true);
    bm_db *db = world_open(&w);
    assert_int_equal(load(db, FEW, NULL, &err), BM_DATABASE);
    assert_int_equal(err.native_code & 0xFF, SQLITE_READONLY);
    assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    bm_result read = BM_RESULT;
    assert_int_equal(bm_copy_to(db, bm_all(&item_given), NULL, &read, &err), BM_OK);
    assert_int_equal(bm_queryset_count(read.queryset), SEEDS);
    bm_result_clear(&read);
    obey_modes(false);
    chmod(w.path, 0644);
    assert_int_equal(bm_reset_connection(db, &err), BM_OK);
    nothing_is_left(&w, db);
    bm_close(db);
    world_end(&w);
}

static void file_is_deleted(void **state)
{
    world w;
    bm_error err = BM_ERROR;
    (void)state;
    world_begin(&w, SQLITE);
    bm_db *db = world_open(&w);
    expect_usable(db);
    assert_int_equal(unlink(w.path), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(load(db, FEW, NULL, &err), BM_DATABASE); /* written nowhere: no success */
        assert_int_equal(err.native_code & 0xFF, SQLITE_READONLY);
        assert_int_equal(err.fate, BM_FATE_ROLLED_BACK);
    }
    assert_int_equal(bm_reset_connection(db, &err), BM_OK);
    assert_int_equal(bm_execute(db,
                                "CREATE TABLE item (id integer PRIMARY KEY, name varchar(32),"
                                " value integer)",
                                &err),
                     BM_OK);
    expect_usable(db);
    bm_close(db);
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backend_is_killed),
        cmocka_unit_test(lock_timeout_of_the_role),
        cmocka_unit_test(statement_timeout_of_the_role),
        cmocka_unit_test(cancelled_by_an_administrator),
        cmocka_unit_test(idle_in_transaction_timeout),
        cmocka_unit_test(deferred_constraint),
        cmocka_unit_test(trigger_that_raises),
        cmocka_unit_test(file_is_locked),
        cmocka_unit_test(file_is_full),
        cmocka_unit_test(file_is_read_only),
        cmocka_unit_test(file_is_deleted),
    };
    many = calloc(MANY, sizeof *many);
    alarm(1000);
    int failed = many == NULL ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
    free(many);
    return failed;
}
