/* A row in a statement: the driver replaces the list of marks by literals of many rows. */
#include "mariadb.h"

static void put_mark(bm__sql *sql, const bm__sql_shape *shape, size_t i)
{
    (void)shape;
    (void)i;
    bm__sql_put(sql, "?");
}

const bm__dialect bm__mariadb_dialect = {.equal = " = ",
                                         .not_equal = " <> ",
                                         .bits = " & ",
                                         .integer = "",
                                         .ordinal = "",
                                         .as_text = "",
                                         .differs = " <> ",
                                         .binary = "",
                                         .quote = '`',
                                         .binds_rows = true,
                                         .insert_ignore = true,
                                         .cell = put_mark};
