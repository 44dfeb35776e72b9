#include "mariadb.h"

#include "sqlite_engine.h"

/* Rows of an INSERT: from 1,000 on its time a row hardly falls, and each is kept twice as text. */
#define ROWS 5000

const bm__engine bm__engine_mariadb = {.name = "mariadb",
                                       .returns_keys = true,
                                       .storage = &bm__mariadb_storage,
                                       .small_rows = SIZE_MAX,
                                       .hint_rows = SIZE_MAX,
                                       .load_rows = ROWS,
                                       .exec_rows = ROWS,
                                       .lookup_rows = ROWS,
                                       .stream_rows = ROWS,
                                       .type_of = bm__sqlite_type_of,
                                       .dialect = &bm__mariadb_dialect};
