#include "entry.h"

#include <stdlib.h>

bm_status bm_stage_sql(bm_db *db, const char *schema, const char *table, char **text, bm_error *err)
{
    bm_error local;
    bm__buffer buffer = {0};
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(text, err));
    *text = NULL;
    BM_TRY(bm__check_named(db, schema, table, err));
    bm_db *root = bm__db_root(db);
    bm__conn *conn;
    size_t n;
    bool inside;
    bm__step limits = bm__db_limits(db, NULL);
    BM_TRY(bm__db_connect(db, 1, &limits, &conn, &n, &inside, err));
    const bm_model asked = {.size = sizeof asked, .table = table, .schema = schema};
    bm__step_within(&limits, "the timeout for the catalog", bm__own_ms(conn, BM__SHORT_MS));
    bm_status status = bm__tables_stage_sql(root, conn, &asked, &limits, &buffer, err);
    bm__db_disconnect(db, &conn, n);
    if (status != BM_OK) {
        bm__buffer_free(&buffer);
        return status;
    }
    *text = (char *)buffer.data;
    return BM_OK;
}
