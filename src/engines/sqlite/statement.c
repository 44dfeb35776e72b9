/* How a batch stands in a statement: as the virtual table, or row by row. */
#include "sqlite_engine.h"
#include "sqlite_vtab.h"
#include "statement_parts.h"

static void put_batch(bm__sql *sql, const bm__sql_shape *shape, bool ordinality)
{
    (void)shape;
    (void)ordinality; /* it always has one */
    bm__sql_put(sql, "bulkmodel_batch AS v");
}

static void put_cell(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    (void)shape;
    bm__sql_put(sql, "v.c%zu", i);
}

static void put_bound(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    bm__sql_put(sql, "?%zu", bm__sql_parameter(shape, i));
}

#define OPERATORS                                                                                  \
    .equal = " = ", .not_equal = " <> ", .bits = " & ", .integer = "", .ordinal = "v.ord",         \
    .as_text = "", .differs = " IS NOT ", .binary = " COLLATE BINARY", .count = "count(*)",        \
    .temporary = "temp", .clock = "CAST(strftime('%s', 'now') AS integer)"

/* "Parsing Ambiguity" of sqlite.org/lang_upsert.html. */
const bm__dialect bm__sqlite_dialect = {
    OPERATORS,          .batch_has_all = true, .where_conflict = true,
    .deletes_in = true, .source = put_batch,   .cell = put_cell};

const bm__dialect bm__sqlite_rows_dialect = {OPERATORS, .binds_rows = true, .cell = put_bound};

void bm__sqlite_highest(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool sequence)
{
    bm__sql_put(sql, "SELECT max(coalesce((SELECT max(");
    bm__sql_name(sql, column);
    bm__sql_put(sql, ") FROM ");
    bm__sql_put_target(sql, shape);
    bm__sql_put(sql, "), 0)");
    if (sequence) { /* sqlite.org/autoinc.html; the table's name comes as the batch's only cell */
        bm__sql_put(sql, ", coalesce((SELECT s.seq FROM ");
        if (shape->schema != NULL) {
            bm__sql_name(sql, shape->schema);
            bm__sql_put(sql, ".");
        }
        bm__sql_put(sql, "sqlite_sequence AS s, bulkmodel_batch AS v WHERE s.name = v.c0), 0)");
    }
    bm__sql_put(sql, ", 0)");
}

void bm__sqlite_settle(bm__sql *sql, const bm__sql_shape *shape)
{
    (void)shape;
    bm__sql_put(sql, "%s", BM__SQLITE_SETTLE);
}

/* Without a function of ours SQLite does not say whether something is deferred.  The driver
 * compares the count of rows without a parent with that of before. */
void bm__sqlite_rows_settle(bm__sql *sql, const bm__sql_shape *shape)
{
    bm__sql_put(sql, "SELECT count(*) FROM pragma_foreign_key_check(");
    bm__sql_name_text(sql, shape->table);
    bm__sql_put(sql, ")");
}
