#include "operators.h"
#include "postgresql.h"

/* What is forbidden: where rows are found by their keys, and where a filter may find them. */
static const char *const joins[2][2] = {{"hashjoin", "mergejoin"}, {"nestloop", "mergejoin"}};

/*
 * `fits` is computed from what the planner computes its estimate from, at the time of the call:
 * pg_class, and the size of the table's file (estimate_rel_size of plancat.c).  With the joins
 * forbidden the planner looks each row up only while it believes that the table is large; of one
 * that it believes to be empty it takes every pair of rows instead.  So where there are no
 * statistics, or they say that the table is small, nothing is forbidden.  Triggers, views, policies
 * and child tables have plans of their own, which must not suffer.
 */
#define FITS                                                                                       \
    "(SELECT coalesce((SELECT e.n" GE "%zu AND e.n" LE                                             \
    "%zu FROM pg_catalog.pg_class c, LATERAL (SELECT c.reltuples" OVER "c.relpages" TIMES          \
    "(pg_catalog.pg_relation_size(c.oid)" OVER                                                     \
    "pg_catalog.current_setting('block_size')::pg_catalog.int8)) e(n) WHERE c.oid" EQ              \
    "pg_catalog.to_regclass($1) AND c.relkind" EQ "'r' AND c.relpages" GT                          \
    "0 AND NOT c.relhassubclass AND NOT pg_catalog.row_security_active(c.oid) AND NOT EXISTS "     \
    "(SELECT 1 FROM pg_catalog.pg_trigger g WHERE g.tgrelid" EQ                                    \
    "c.oid AND NOT g.tgisinternal) AND EXISTS (SELECT 1 FROM pg_catalog.pg_index i JOIN "          \
    "pg_catalog.pg_attribute a ON a.attrelid" EQ "i.indrelid AND a.attnum" EQ                      \
    "i.indkey[0] WHERE i.indrelid" EQ                                                              \
    "c.oid AND i.indisunique AND i.indisvalid AND i.indnkeyatts" EQ                                \
    "1 AND i.indpred IS NULL AND a.attname" EQ

/* The columns of a SELECT are computed in their order: kept, then set. */
void bm__postgresql_hint(bm__sql *sql, const bm__hint_limits *limits)
{
    const char *const *forbidden = joins[limits->either];
    bm__sql_put(sql, "SELECT s.fits::pg_catalog.int4, ");
    for (size_t i = 0; i < 2; i++) {
        if (limits->keep) {
            bm__sql_put(sql,
                        "pg_catalog.set_config('bulkmodel.%s', "
                        "pg_catalog.current_setting('enable_%s'), true), ",
                        forbidden[i], forbidden[i]);
        }
        bm__sql_put(sql,
                    "pg_catalog.set_config('enable_%s', CASE WHEN s.fits THEN 'off' ELSE "
                    "pg_catalog.current_setting('enable_%s') END, true)%s",
                    forbidden[i], forbidden[i], i == 0 ? ", " : " ");
    }
    bm__sql_put(sql, "FROM " FITS "", limits->least, limits->most);
    bm__sql_name_text(sql, limits->column);
    bm__sql_put(sql, ")), false) AS fits) s");
}

void bm__postgresql_unhint(bm__sql *sql, const bm__hint_limits *limits)
{
    const char *const *forbidden = joins[limits->either];
    bm__sql_put(sql, "SELECT ");
    for (size_t i = 0; i < 2; i++) {
        bm__sql_put(sql,
                    "pg_catalog.set_config('enable_%s', "
                    "pg_catalog.current_setting('bulkmodel.%s'), true)%s",
                    forbidden[i], forbidden[i], i == 0 ? ", " : "");
    }
}

/* postgres_fdw's join is none of these: whatever it is believed to cost, it is then the cheapest.
 * A join here looks too dear, and would be compiled. */
static const char *const local_joins[] = {"enable_hashjoin", "enable_mergejoin", "enable_nestloop",
                                          "jit"};
#define N_JOINS (sizeof local_joins / sizeof local_joins[0])

void bm__postgresql_join_there(bm__sql *sql, bool keep)
{
    bm__sql_put(sql, "SELECT ");
    for (size_t i = 0; i < N_JOINS; i++) {
        if (keep) {
            bm__sql_put(sql,
                        "pg_catalog.set_config('bulkmodel.%s', "
                        "pg_catalog.current_setting('%s'), true), ",
                        local_joins[i], local_joins[i]);
        }
        bm__sql_put(sql, "pg_catalog.set_config('%s', 'off', true)%s", local_joins[i],
                    i + 1 < N_JOINS ? ", " : "");
    }
}

void bm__postgresql_join_here(bm__sql *sql)
{
    bm__sql_put(sql, "SELECT ");
    for (size_t i = 0; i < N_JOINS; i++) {
        bm__sql_put(sql,
                    "pg_catalog.set_config('%s', "
                    "pg_catalog.current_setting('bulkmodel.%s'), true)%s",
                    local_joins[i], local_joins[i], i + 1 < N_JOINS ? ", " : "");
    }
}
