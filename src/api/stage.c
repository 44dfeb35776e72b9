#include "entry.h"

#include <stdlib.h>

bm_status bm_stage_sql(bm_db *db, const char *schema, const char *table, char **text, bm_error *err)
{
    bm_error local;
    bm__lookup lookup;
    bm__buffer buffer = {0};
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(text, err));
    *text = NULL;
    BM_TRY(bm__lookup_begin(&lookup, db, schema, table, err));
    bm_status status =
        bm__tables_stage_sql(lookup.root, lookup.conn, &lookup.asked, &lookup.limits, &buffer, err);
    bm__lookup_end(&lookup, db);
    if (status != BM_OK) {
        bm__buffer_free(&buffer);
        return status;
    }
    *text = (char *)buffer.data;
    return BM_OK;
}
