#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const bm_model item_assigned =
    BM_MODEL("item", item, BM_FIELD(item, id, BM_INT8, BM_KEY | BM_ASSIGNED),
             BM_FIELD(item, name, BM_VARCHAR, 0), BM_FIELD(item, value, BM_INT4, 0));

const bm_model item_given =
    BM_MODEL("item", item, BM_FIELD(item, id, BM_INT8, BM_KEY), BM_FIELD(item, name, BM_VARCHAR, 0),
             BM_FIELD(item, value, BM_INT4, 0));

void world_begin(world *w, world_engine engine)
{
    *w = (world){.engine = engine};
    if (engine == MEMORY) {
        snprintf(w->url, sizeof w->url, "memory:");
    } else if (engine == SQLITE) {
        char url[TEST_PATH_MAX];
        test_sqlite_file(w->path, url);
        snprintf(w->url, sizeof w->url, "%s", url);
        assert_int_equal(sqlite3_open(w->path, &w->lite), SQLITE_OK);
        sqlite3_busy_timeout(w->lite, 10000);
        world_sql(w, "PRAGMA synchronous = OFF");
        world_sql(w, "CREATE TABLE item (id integer PRIMARY KEY AUTOINCREMENT,"
                     " name varchar(32), value integer)");
    } else {
        w->pg = psql_open(w->schema);
        snprintf(w->url, sizeof w->url, "%s options='-c search_path=%s' application_name=%s",
                 test_postgresql(), w->schema, w->schema);
        world_sql(w, "CREATE TABLE item (id bigserial PRIMARY KEY, name varchar(32),"
                     " value integer)");
    }
    world_reset(w);
}

void world_end(world *w)
{
    sqlite3_close(w->lite);
    psql_close(w->pg, w->schema);
}

void world_sql(world *w, const char *sql)
{
    if (w->engine == POSTGRESQL) {
        psql_run(w->pg, "%s", sql);
    } else if (w->engine == SQLITE && sqlite3_exec(w->lite, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(w->lite));
    }
}

void world_reset(world *w)
{
    if (w->engine == POSTGRESQL) {
        psql_run(w->pg,
                 "TRUNCATE item RESTART IDENTITY; INSERT INTO item (name, value)"
                 " SELECT 'seed', g FROM generate_series(1, %d) g",
                 SEEDS);
    } else {
        world_sql(w, "BEGIN IMMEDIATE; DELETE FROM item; DELETE FROM sqlite_sequence;"
                     "WITH RECURSIVE g (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < 20)"
                     " INSERT INTO item SELECT i, 'seed', i FROM g; COMMIT");
    }
}

int64_t world_count(world *w, const char *sql)
{
    if (w->engine == POSTGRESQL) {
        return psql_count(w->pg, "%s", sql);
    }
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(w->lite, sql, -1, &stmt, NULL) != SQLITE_OK ||
        sqlite3_step(stmt) != SQLITE_ROW) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(w->lite));
    }
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* In one query, for somebody may commit between two. */
bool world_has(world *w, int64_t count, int64_t sum)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT CASE WHEN count(*) = %lld AND coalesce(sum(value), 0) = %lld THEN 1 ELSE 0 END"
             " FROM item",
             (long long)count, (long long)sum);
    return w->engine == MEMORY || world_count(w, sql) == 1;
}

void world_settle(world *w)
{
    enum { TRIES = 6000, PAUSE_US = 10000 };
    for (int i = 0; w->engine == POSTGRESQL; i++) {
        if (psql_count(w->pg,
                       "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s'"
                       " AND pid <> pg_backend_pid() AND state <> 'idle'",
                       w->schema) == 0) {
            return;
        }
        assert_true(i < TRIES);
        usleep(PAUSE_US);
    }
}

void world_expect(world *w, int64_t count, int64_t sum)
{
    if (w->engine != MEMORY) {
        assert_int_equal(world_count(w, "SELECT count(*) FROM item"), count);
        assert_int_equal(world_count(w, "SELECT coalesce(sum(value), 0) FROM item"), sum);
    }
}

bm_db *world_open(world *w)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    if (bm_open(w->url, NULL, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    if (w->engine == SQLITE) {
        assert_int_equal(bm_execute(db, "PRAGMA synchronous = OFF", &err), BM_OK);
    }
    return db;
}

void fill_items(item *rows, size_t n, int64_t first, int32_t value)
{
    memset(rows, 0, n * sizeof *rows);
    for (size_t i = 0; i < n; i++) {
        rows[i].id = first + (int64_t)i;
        snprintf(rows[i].name, sizeof rows[i].name, "row %zu", i);
        rows[i].value = value;
    }
}

void expect_usable(bm_db *db)
{
    item row = {.id = 900000001, .name = "usable"};
    bm_error err = BM_ERROR;
    if (bm_bulk_create(db, bm_structs(&item_given, &row, 1), NULL, NULL, &err) != BM_OK ||
        bm_delete(db, bm_keys(&item_given, &row.id, 1), NULL, NULL, &err) != BM_OK) {
        fail_msg("the next call fails: %s", err.message);
    }
}

uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}
