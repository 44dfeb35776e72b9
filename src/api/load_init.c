#include "entry.h"

#include "load_log.h"

#include <string.h>

bm_status bm_load_init(bm_db *db, char **text, bm_error *err)
{
    bm_error local;
    bm__arena arena = {0};
    const char *sql_text;
    err = bm__error_begin(err, &local);
    if (text != NULL) {
        *text = NULL;
    }
    if (db == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the database must not be NULL");
    }
    if (!bm__load_is_recorded(bm__db_root(db)->engine)) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "this database cannot record loads");
    }
    bm__sql sql = bm__sql_begin(err);
    bm__sql_load_table(&sql);
    bm_status status = bm__sql_end(&sql, &arena, &sql_text);
    if (status == BM_OK && text != NULL) {
        *text = strdup(sql_text);
        status = *text != NULL ? BM_OK : bm__no_memory(err);
    } else if (status == BM_OK) {
        status = bm_execute(db, sql_text, err);
    }
    bm__arena_free(&arena);
    return status;
}
