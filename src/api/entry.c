#include "entry.h"

#include <assert.h>
#include <stddef.h>

bm_error *bm__error_begin(bm_error *given, bm_error *local)
{
    *local = BM_ERROR;
    if (given == NULL || given->size < sizeof *local) {
        return local;
    }
    bm__error_reset(given);
    return given;
}

bm_status bm__check_out(const void *out, bm_error *err)
{
    return out != NULL
               ? BM_OK
               : bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "output pointer must not be NULL");
}

static bm_status check_named(bm_db *db, const char *schema, const char *table, bm_error *err)
{
    if (db == NULL || table == NULL || table[0] == '\0' || (schema != NULL && schema[0] == '\0')) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        db == NULL ? "the database must not be NULL"
                                   : "the table's name must not be NULL");
    }
    if (bm__db_root(db)->engine->ask == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "the database has no catalog to ask");
    }
    return BM_OK;
}

bm_status bm__lookup_begin(bm__lookup *lookup, bm_db *db, const char *schema, const char *table,
                           bm_error *err)
{
    size_t n;
    bool inside;
    BM_TRY(check_named(db, schema, table, err));
    *lookup =
        (bm__lookup){.root = bm__db_root(db),
                     .asked = {.size = sizeof lookup->asked, .table = table, .schema = schema},
                     .limits = bm__db_limits(db, NULL)};
    BM_TRY(bm__db_connect(db, 1, &lookup->limits, &lookup->conn, &n, &inside, err));
    assert(n == 1 && lookup->conn != NULL);
    bm__step_within(&lookup->limits, "the timeout for the catalog",
                    bm__own_ms(lookup->conn, BM__SHORT_MS));
    return BM_OK;
}

void bm__lookup_end(bm__lookup *lookup, bm_db *db)
{
    assert(lookup->root == bm__db_root(db));
    bm__db_disconnect(db, &lookup->conn, 1);
}
