#include "sqlite_engine.h"

#include "storage.h"

#include <string.h>

static bool accepts(const char *url)
{
    return strncmp(url, "sqlite:", strlen("sqlite:")) == 0;
}

/* sqlite.org/rescode.html: SQLITE_ERROR, for what a name no longer means; SQLITE_BUSY, of which
 * SQLITE_BUSY_SNAPSHOT is a kind */
static bool says_error(const bm_error *err)
{
    return err->native_code == 1;
}

static bool says_busy(const bm_error *err)
{
    return (err->native_code & 0xFF) == 5;
}

static const bm__storage storage = {.resolve = bm__sqlite_resolve,
                                    .check = bm__sqlite_check,
                                    .value = bm__sqlite_value,
                                    .read = bm__sqlite_read};

/* Under every driver: one writer, no round trip to save, its own way to store. */
#define EVERY_DRIVER                                                                               \
    .one_writer = true, .draws_keys = true, .storage = &storage, .small_rows = SIZE_MAX,           \
    .hint_rows = SIZE_MAX, .load_rows = 1000000, .exec_rows = 1000000, .lookup_rows = 1000000,     \
    .stream_rows = 65536, .type_of = bm__sqlite_type_of, .highest = bm__sqlite_highest,            \
    .says_passing = says_busy, .truncate_reaches = bm__sqlite_truncate_reaches,                    \
    .is_delete_trigger = bm__sqlite_is_delete_trigger

const bm__engine bm__engine_sqlite = {.name = "sqlite",
                                      .urls = "sqlite:",
                                      .accepts = accepts,
                                      .reads_batch = true,
                                      .ask = bm__sqlite_ask,
                                      .ask_types = bm__sqlite_ask_types,
                                      .types_run = true,
                                      .constraints = bm__sqlite_constraints,
                                      .refuse = bm__sqlite_refuse,
                                      .says_stale = says_error,
                                      .says_no_schema = says_error,
                                      .settle = bm__sqlite_settle,
                                      .dialect = &bm__sqlite_dialect,
                                      EVERY_DRIVER};

/* Under a driver that owns the connection: one statement makes keys and tells them. */
const bm__engine bm__engine_sqlite_table = {.name = "sqlite-table",
                                            .reads_batch = true,
                                            .returns_keys = true,
                                            .settle = bm__sqlite_settle,
                                            .dialect = &bm__sqlite_dialect,
                                            EVERY_DRIVER};

const bm__engine bm__engine_sqlite_rows = {.name = "sqlite-rows",
                                           .returns_keys = true,
                                           .settle = bm__sqlite_rows_settle,
                                           .dialect = &bm__sqlite_rows_dialect,
                                           EVERY_DRIVER};
