/* Which unique constraints and foreign keys a statement can look for, and what breaking one says.
 */
#include "constraints.h"

#include "sqlite_engine.h"

#include <stdio.h>
#include <string.h>

#define QUOTED(name) "'\"' || replace(" name ", '\"', '\"\"') || '\"'"

/*
 * Unique: indexes over plain columns, all rows, and INTEGER PRIMARY KEY, which has none.  A foreign
 * key to the table itself: only where equality of the parent's column is that of its bytes, for
 * parents are looked for among the rows of the batch, too.  cid of index_xinfo: -2 is an
 * expression, -1 the rowid; "to" of foreign_key_list is NULL for the parent's primary key.
 * sqlite.org/pragma.html#pragma_index_xinfo.  A table whose SQL has ON CONFLICT, in whatever
 * meaning, may do something else with a row than to refuse it.
 */
static void put_unique(bm__sql *sql, const char *target, const char *more)
{
    bm__sql_put(sql,
                "SELECT CAST(x.seqno AS TEXT), 'u', CASE l.origin WHEN 'pk' THEN 't' ELSE 'f' END, "
                "'', %s, x.name, x.name, NULL, ' COLLATE ' || " QUOTED(
                    "x.coll") " FROM bulkmodel_batch v, pragma_index_list(v.c0%s) l, "
                              "pragma_index_xinfo(l.name%s)"
                              " x WHERE l.\"unique\" AND NOT l.partial AND x.key AND NOT EXISTS "
                              "(SELECT 1 FROM "
                              "pragma_index_xinfo(l.name%s) e WHERE e.key AND e.cid < 0) UNION ALL "
                              "SELECT '0', "
                              "'u', 't', '', %s, p.name, p.name, NULL, '' FROM bulkmodel_batch v, "
                              "pragma_table_info(v.c0%s) p WHERE p.pk > 0 AND upper(p.type) = "
                              "'INTEGER' AND 1 = "
                              "(SELECT count(*) FROM pragma_table_info(v.c0%s) k WHERE k.pk > 0)",
                target, more, more, more, target, more, more);
}

static void put_references(bm__sql *sql, const char *prefix, const char *more)
{
    bm__sql_put(
        sql,
        " UNION ALL SELECT CAST(f.seq AS TEXT), CASE WHEN f.\"table\" <> v.c0 COLLATE NOCASE THEN "
        "'f' WHEN EXISTS (SELECT 1 FROM pragma_foreign_key_list(v.c0%s) g WHERE g.id = f.id AND "
        "NOT EXISTS (SELECT 1 FROM pragma_table_info(v.c0%s) p WHERE p.name = coalesce(g.\"to\", "
        "p.name) COLLATE NOCASE AND upper(p.type) = 'INTEGER' AND (g.\"to\" IS NOT NULL OR p.pk = "
        "g.seq + 1)) AND NOT EXISTS (SELECT 1 FROM pragma_index_list(v.c0%s) l, "
        "pragma_index_xinfo(l.name%s) x WHERE x.key AND x.coll = 'BINARY' AND x.name = "
        "g.\"to\" COLLATE NOCASE)) THEN 'x' ELSE 's' END, 'f', '', %s" QUOTED(
            "f.\"table\"") ", f.\"from\", coalesce(f.\"to\", (SELECT k.name FROM "
                           "pragma_table_info(f.\"table\"%s) k WHERE k.pk = f.seq + 1)), NULL, '' "
                           "FROM bulkmodel_batch v, pragma_foreign_key_list(v.c0%s) f WHERE "
                           "(SELECT foreign_keys FROM pragma_foreign_keys)",
        more, more, more, more, prefix, more, more);
}

static void put_never(bm__sql *sql, const char *master)
{
    bm__sql_put(sql,
                " UNION ALL SELECT '0', '!', 'f', '', '', '', '', NULL, '' FROM bulkmodel_batch v "
                "WHERE EXISTS (SELECT 1 FROM (SELECT type, sql, tbl_name FROM %s UNION ALL SELECT "
                "type, sql, tbl_name FROM sqlite_temp_master) d WHERE d.tbl_name = v.c0 COLLATE "
                "NOCASE AND (d.type <> 'table' AND d.type <> 'index' OR instr(lower(d.sql), "
                "'conflict') > 0 OR instr(lower(d.sql), 'virtual') > 0))",
                master);
}

bm_status bm__sqlite_constraints(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    const char *schema = catalog->model->schema;
    const char *more = schema != NULL ? ", v.c1" : "";
    const char *target;
    const char *master;
    bm__sql sql = bm__sql_begin(err);
    bm__sql_table(&sql, schema, "sqlite_master");
    BM_TRY(bm__sql_end(&sql, &catalog->arena, &master));
    sql = bm__sql_begin(err);
    bm__sql_put(&sql, "%s" QUOTED("v.c0"), schema != NULL ? QUOTED("v.c1") " || '.' || " : "");
    BM_TRY(bm__sql_end(&sql, &catalog->arena, &target));
    sql = bm__sql_begin(err);
    put_unique(&sql, target, more);
    put_references(&sql, schema != NULL ? QUOTED("v.c1") " || '.' || " : "", more);
    put_never(&sql, master);
    BM_TRY(bm__sql_end(&sql, &catalog->arena, &step->sql));
    bm__sqlite_ask_of_model(catalog, step);
    return BM_OK;
}

/* As SQLite itself says it; its codes: sqlite.org/rescode.html */
void bm__sqlite_refuse(const bm__constraint *constraint, const char *table, bm_error *err)
{
    char names[sizeof err->constraint] = "";
    size_t used = 0;
    if (constraint->kind != BM__CONSTRAINT_UNIQUE) {
        bm__fail(err, BM_CONSTRAINT, BM_STAGE_WRITE, "FOREIGN KEY constraint failed");
        bm__copy_text(err->sqlstate, sizeof err->sqlstate, "23503");
        err->native_code = 787;
        return;
    }
    for (size_t i = 0; i < constraint->n && used < sizeof names; i++) {
        int n = snprintf(names + used, sizeof names - used, "%s%s.%s", i > 0 ? ", " : "", table,
                         constraint->column[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    bm__fail(err, BM_CONSTRAINT, BM_STAGE_WRITE, "UNIQUE constraint failed: %s", names);
    bm__copy_text(err->sqlstate, sizeof err->sqlstate, "23505");
    bm__copy_text(err->constraint, sizeof err->constraint, names);
    err->native_code = constraint->primary ? 1555 : 2067;
    if (constraint->n == 1 && strchr(constraint->column[0], '.') == NULL &&
        strchr(table, '.') == NULL) {
        bm__copy_text(err->column, sizeof err->column, constraint->column[0]);
    }
}
