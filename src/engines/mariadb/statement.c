/* Rows in a statement: the driver replaces the cells of an INSERT by literals of many rows, and
 * fills a temporary table for an UPDATE, whose columns have the names of the table's. */
#include "mariadb.h"

static void put_batch(bm__sql *sql, const bm__sql_shape *shape, bool ordinality)
{
    (void)shape;
    (void)ordinality; /* rows have no number */
    bm__sql_put(sql, "bulkmodel_batch AS v");
}

/* Masks have no name.  An error of the server names the column. */
static void put_cell(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    bm__sql_put(sql, "v.");
    if (shape->columns[i].name != NULL) {
        bm__sql_name(sql, shape->columns[i].name);
    } else {
        bm__sql_put(sql, "`bulkmodel %zu`", i);
    }
}

const bm__dialect bm__mariadb_dialect = {.equal = " = ",
                                         .not_equal = " <> ",
                                         .bits = " & ",
                                         .integer = "",
                                         .ordinal = "",
                                         .as_text = "",
                                         .differs = " <> ",
                                         .binary = "",
                                         .join = " STRAIGHT_JOIN ",
                                         .quote = '`',
                                         .binds_rows = true,
                                         .insert_ignore = true,
                                         .source = put_batch,
                                         .cell = put_cell};
