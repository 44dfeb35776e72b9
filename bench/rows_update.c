/* update_fields on PostgreSQL against UPDATE FROM unnest written by hand. */
#include "floor.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct update {
    PGconn *pg;
    PGconn *other; /* for what another session does meanwhile */
    bm_db *db;
    foo *table; /* all rows of the table */
    size_t table_rows;
    foo *rows; /* those to update */
    size_t n;
    bm_queryset *set;
} update;

static update begin(const settings *given)
{
    update u = {.pg = server_connect(given->url), .table_rows = given->rows};
    server_make_table(u.pg);
    u.db = server_open(given->url);
    u.table = foo_rows(u.table_rows);
    u.rows = u.table;
    u.n = u.table_rows;
    contest_measures(u.pg);
    return u;
}

static void end(update *u)
{
    bm_queryset_free(u->set);
    bm_close(u->db);
    PQfinish(u->pg);
}

static void refill(void *context)
{
    update *u = context;
    server_fill(u->pg, u->table, u->table_rows);
    foo_change(u->rows, u->n, 1);
}

/* Of a few rows: what they leave behind is swept, the rest stays. */
static void sweep(void *context)
{
    update *u = context;
    server_execute(u->pg, "VACUUM foo");
    server_execute(u->pg, "CHECKPOINT");
    foo_change(u->rows, u->n, 1);
}

static void ours(void *context)
{
    const update *u = context;
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_update_fields(u->db, bm_structs(&foo_model, u->rows, u->n),
                           BM_OPTIONS(bm_update_fields_options, .fields = BM_NAMES("value")),
                           &result, &err),
          &err);
    if (result.updated != u->n) {
        die("%llu rows updated", (unsigned long long)result.updated);
    }
}

static void by_hand(void *context)
{
    const update *u = context;
    floor_pg_update(u->pg, u->rows, u->n);
}

static void by_hand_hinted(void *context)
{
    const update *u = context;
    server_execute(u->pg, "BEGIN");
    server_execute(u->pg, "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off");
    floor_pg_update(u->pg, u->rows, u->n);
    server_execute(u->pg, "COMMIT");
}

void row_pg_update(const settings *given)
{
    update u = begin(given);
    contest_run(&(contest){"pg_update", "UPDATE FROM unnest by hand, one statement", u.n, &u,
                           refill, ours, by_hand},
                given);
    end(&u);
}

static void update_changed(const update *u, size_t step)
{
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    check(bm_update_fields(u->db, bm_queryset_rows(u->set), NULL, &result, &err), &err);
    if (result.updated != (u->n + step - 1) / step) {
        die("%llu rows updated", (unsigned long long)result.updated);
    }
}

static void one_percent(void *context)
{
    const update *u = context;
    foo_change(u->rows, u->n, 100);
    update_changed(u, 100);
}

static void all_rows(void *context)
{
    const update *u = context;
    foo_change(u->rows, u->n, 1);
    update_changed(u, 1);
}

static void refill_only(void *context)
{
    const update *u = context;
    server_fill(u->pg, u->table, u->table_rows);
}

void row_pg_update_1pct(const settings *given)
{
    update u = begin(given);
    bm_error err = BM_ERROR;
    bm_result result = BM_RESULT;
    server_fill(u.pg, u.table, u.table_rows);
    check(bm_copy_to(u.db, bm_all(&foo_model),
                     BM_OPTIONS(bm_copy_to_options, .order_by_key = BM_ON), &result, &err),
          &err);
    u.set = result.queryset;
    u.rows = bm_queryset_at(u.set, 0);
    contest_run(&(contest){"pg_update_1pct", "the same with all rows changed", u.n, &u, refill_only,
                           one_percent, all_rows},
                given);
    end(&u);
}

/* `n` rows of the table, spread over it or side by side. */
static void choose(update *u, size_t n, bool spread)
{
    size_t step = spread ? u->table_rows / n : 1;
    u->n = n;
    for (size_t i = 0; i < n; i++) {
        u->rows[i] = u->table[i * step];
    }
}

static void part(const settings *given, const char *name, void (*ours_)(void *),
                 void (*theirs)(void *), const char *contender, size_t least)
{
    update u = begin(given);
    u.rows = calloc(u.table_rows, sizeof *u.rows);
    if (u.rows == NULL) {
        die("no memory");
    }
    for (size_t n = least; n <= u.table_rows; n *= 10) {
        for (int spread = 1; spread >= 0; spread--) {
            char id[64];
            snprintf(id, sizeof id, "%s_%zu%s", name, n, spread != 0 ? "" : "_side_by_side");
            server_fill(u.pg, u.table, u.table_rows);
            choose(&u, n, spread != 0);
            contest_run(&(contest){id, contender, n, &u, sweep, ours_, theirs}, given);
        }
    }
    free(u.rows);
    end(&u);
}

/* Few rows of a larger table. */
void row_pg_update_part(const settings *given)
{
    part(given, "pg_update", ours, by_hand, "UPDATE FROM unnest by hand, the planner's choice",
         1000);
}

/* The table as ANALYZE of another session saw it before its rows were committed: empty. */
static void refill_unseen(void *context)
{
    update *u = context;
    server_execute(u->pg, "TRUNCATE foo");
    server_execute(u->pg, "BEGIN; INSERT INTO foo TABLE foo_kept");
    server_execute(u->other, "ANALYZE foo");
    server_execute(u->pg, "COMMIT; CHECKPOINT");
    foo_change(u->rows, u->n, 1);
}

/* S1: statistics that say nothing. */
void row_pg_update_stale(const settings *given)
{
    update u = begin(given);
    u.other = server_connect(given->url);
    u.rows = calloc(u.table_rows, sizeof *u.rows);
    if (u.rows == NULL) {
        die("no memory");
    }
    server_fill(u.pg, u.table, u.table_rows);
    choose(&u, u.table_rows / 10, true);
    contest_run(&(contest){"pg_update_stale", "UPDATE FROM unnest by hand, the planner's choice",
                           u.n, &u, refill_unseen, ours, by_hand},
                given);
    free(u.rows);
    PQfinish(u.other);
    end(&u);
}

/* What the planner's hint wins, without this library. */
void row_pg_update_hints(const settings *given)
{
    part(given, "hint", by_hand_hinted, by_hand, "the planner's choice", 1000);
    part(given, "hint", by_hand_hinted, by_hand, "the planner's choice", 3000);
}
