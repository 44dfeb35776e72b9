/*
 * What a statement makes sure of before it writes a row: a condition that is computed once.  Each
 * part is a subquery over one catalog; joined, they would take the planner three times as long.
 */
#include "operators.h"
#include "postgresql.h"

/* A row level trigger before INSERT: pg_trigger.h, 1 row, 2 before, 4 insert. */
#define BEFORE_INSERT "7"

/* The key's sequence, which belongs to its column, or NULL.  pg_get_serial_sequence takes the table
 * as text, as it stands in SQL. */
static void put_sequence(bm__sql *sql, const bm__sql_shape *shape, const char *table)
{
    bm__sql_put(sql, "pg_catalog.to_regclass(pg_catalog.pg_get_serial_sequence(");
    bm__sql_name_text(sql, table);
    bm__sql_put(sql, ", ");
    bm__sql_name_text(sql, shape->proof_key);
    bm__sql_put(sql, "))");
}

static void put_table(bm__sql *sql, const char *table)
{
    bm__sql_name_text(sql, table);
    bm__sql_put(sql, "::pg_catalog.regclass");
}

/* The column is an integer, and an identity or nothing but nextval of that sequence.  pg_get_expr
 * writes an expression as this session would read it: of another nextval it writes the schema. */
static void put_own(bm__sql *sql, const bm__sql_shape *shape, const char *table)
{
    bm__sql_put(sql, " AND (SELECT a.atttypid" EQ
                     "ANY ('{20,21,23}'::pg_catalog.oid[]) AND (a.attidentity" NE
                     "'' OR (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM "
                     "pg_catalog.pg_attrdef d WHERE d.adrelid" EQ "a.attrelid AND d.adnum" EQ
                     "a.attnum)" EQ "pg_catalog.format('nextval(%%L::regclass)', ");
    put_sequence(sql, shape, table);
    bm__sql_put(sql, "::pg_catalog.text)) FROM pg_catalog.pg_attribute a WHERE a.attrelid" EQ);
    put_table(sql, table);
    bm__sql_put(sql, " AND a.attname" EQ);
    bm__sql_name_text(sql, shape->proof_key);
    bm__sql_put(sql, ")");
}

static void put_rising(bm__sql *sql, const bm__sql_shape *shape, const char *table)
{
    bm__sql_put(sql, " AND (SELECT s.seqincrement" GT
                     "0 AND NOT s.seqcycle FROM pg_catalog.pg_sequence s WHERE s.seqrelid" EQ);
    put_sequence(sql, shape, table);
    bm__sql_put(sql, ")");
}

static void put_drawn(bm__sql *sql, const bm__sql_shape *shape, const char *table)
{
    bm__sql_put(sql, " AND pg_catalog.has_sequence_privilege(");
    put_sequence(sql, shape, table);
    bm__sql_put(sql, ", 'USAGE, UPDATE') AND pg_catalog.has_column_privilege(");
    put_table(sql, table);
    bm__sql_put(sql, ", ");
    bm__sql_name_text(sql, shape->proof_key);
    bm__sql_put(sql, ", 'INSERT')");
}

static void put_untouched(bm__sql *sql, const char *table)
{
    bm__sql_put(sql, " AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g WHERE g.tgrelid" EQ);
    put_table(sql, table);
    bm__sql_put(sql, " AND g.tgenabled" NE "'D' AND (g.tgtype" BITS BEFORE_INSERT
                     "::pg_catalog.int2)" EQ BEFORE_INSERT ")");
}

static void put_parts(bm__sql *sql, const bm__sql_shape *shape, const char *table)
{
    unsigned proof = shape->proof;
    bool touched = (proof & BM__PROOF_UNTOUCHED) == 0;
    bm__sql_put(sql, "(SELECT NOT c.relhasrules AND (c.relkind" EQ "'r'%s",
                touched ? " OR c.relkind" EQ "'p'" : "");
    bm__sql_put(sql, ") FROM pg_catalog.pg_class c WHERE c.oid" EQ);
    put_table(sql, table);
    bm__sql_put(sql, ")");
    if ((proof & BM__PROOF_OWN) != 0) {
        put_own(sql, shape, table);
    }
    if ((proof & BM__PROOF_RISING) != 0) {
        put_rising(sql, shape, table);
    }
    if ((proof & BM__PROOF_DRAWN) != 0) {
        put_drawn(sql, shape, table);
    }
    if (!touched) {
        put_untouched(sql, table);
    }
}

const char *bm__postgresql_quoted(bm__sql *sql, const bm__sql_shape *shape, bm__arena *arena)
{
    const char *table = NULL;
    bm__sql name = bm__sql_begin(sql->err);
    bm__sql_table(&name, shape->schema, shape->table);
    if (bm__sql_end(&name, arena, &table) != BM_OK && sql->status == BM_OK) {
        sql->status = sql->err->status;
    }
    return table;
}

void bm__postgresql_proof(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__arena arena = {0};
    const char *table = bm__postgresql_quoted(sql, shape, &arena);
    if (table != NULL) {
        put_parts(sql, shape, table);
    }
    bm__arena_free(&arena);
}

void bm__postgresql_own_key(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__arena arena = {0};
    const char *table = bm__postgresql_quoted(sql, shape, &arena);
    if (table != NULL) {
        bm__sql_put(sql, "pg_catalog.nextval((SELECT ");
        put_sequence(sql, shape, table);
        bm__sql_put(sql, "))");
    }
    bm__arena_free(&arena);
}
