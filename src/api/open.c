#include "entry.h"

#include "options.h"

#include <stdlib.h>
#include <string.h>

const char *bm_version(void)
{
    return BM_VERSION;
}

static bm_status transport_of(const char *url, const bm__transport **out, bm_error *err)
{
    const bm__engine *engine = bm__engine_of_url(url);
    if (engine == NULL) {
        char urls[128];
        bm__engine_urls(urls, sizeof urls);
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT,
                        "the database's URL begins with none of: %s", urls);
    }
    *out = bm__transport_of(engine);
    return *out != NULL ? BM_OK
                        : bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CONNECT,
                                   "this library was built without that engine");
}

/* Connect once, so that what is wrong is found here. */
static bm_status try_connection(bm_db *db, bm_error *err)
{
    bm__conn *conn;
    size_t n;
    const bm__step limits = bm__db_limits(db, NULL);
    BM_TRY(bm__pool_take(db, 1, &limits, &conn, &n, err));
    bm__pool_give(db, conn);
    return BM_OK;
}

bm_status bm_open(const char *url, const bm_open_options *options, bm_db **out, bm_error *err)
{
    bm_error local;
    bm_open_options read;
    const bm__transport *transport;
    err = bm__error_begin(err, &local);
    BM_TRY(bm__check_out(out, err));
    *out = NULL;
    if (url == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CONNECT, "the URL must not be NULL");
    }
    BM_TRY(bm__options_read(&read, sizeof read, options, err));
    BM_TRY(transport_of(url, &transport, err));
    BM_TRY(bm__db_new(transport, url, &read, out, err));
    bm_status status = try_connection(*out, err);
    if (status != BM_OK) {
        bm__db_free(*out);
        *out = NULL;
    }
    return status;
}

/* Closing a transaction rolls it back. */
void bm_close(bm_db *db)
{
    if (db != NULL && db->root != NULL) {
        bm_rollback(db);
        return;
    }
    while (db != NULL && db->transactions != NULL) {
        bm_db *tx = db->transactions;
        while (tx->outer != NULL) {
            tx = tx->outer;
        }
        bm_rollback(tx);
    }
    bm__db_free(db);
}

/* SQL that begins or ends a transaction would do so behind our back: what it began is taken back,
 * and what it ended is said. */
static bm_status check_transaction(bm__conn *conn, bool inside, bm_error *err)
{
    bm_error ignored = BM_ERROR;
    bm__answer answer;
    bm__step rollback = {.kind = BM__STEP_ROLLBACK};
    bm__step_within(&rollback, "the timeout for ROLLBACK", bm__own_ms(conn, BM__SHORT_MS));
    bm__conn_state state = conn->transport->state(conn, false);
    if (!inside && (state == BM__CONN_IN_TRANSACTION || state == BM__CONN_FAILED)) {
        (void)conn->transport->perform(conn, &rollback, &answer, &ignored);
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the SQL left a transaction open, and was rolled back: use bm_begin");
    }
    if (inside && state == BM__CONN_IDLE && err->status == BM_OK) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the SQL ended the transaction: use bm_commit or bm_rollback");
    }
    return err->status;
}

bm_status bm_execute(bm_db *db, const char *sql, bm_error *err)
{
    bm_error local;
    bm__conn *conn;
    size_t n;
    bool inside;
    bm__answer answer;
    err = bm__error_begin(err, &local);
    if (db == NULL || sql == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the database and the SQL must not be NULL");
    }
    bm__step step = bm__db_limits(db, NULL);
    BM_TRY(bm__db_connect(db, 1, &step, &conn, &n, &inside, err));
    step.kind = BM__STEP_EXEC;
    step.sql = sql;
    step.autocommit = !inside;
    bm__step_within(&step, "the statement timeout", bm__own_ms(conn, BM__STATEMENT_MS));
    bm_status status = conn->transport->perform(conn, &step, &answer, err);
    if (status != BM_COMMIT_UNKNOWN) {
        status = check_transaction(conn, inside, err);
    } else {
        err->fate = BM_FATE_UNKNOWN;
    }
    bm__tables_drop(bm__db_root(db), NULL); /* it may have changed any table */
    bm__db_disconnect(db, &conn, n);
    return status;
}

bm_status bm_ensure_connected(bm_db *db, bm_error *err)
{
    bm_error local;
    bm__conn *conn;
    size_t n;
    bool inside;
    err = bm__error_begin(err, &local);
    if (db == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the database must not be NULL");
    }
    const bm__step limits = bm__db_limits(db, NULL);
    BM_TRY(bm__db_connect(db, 1, &limits, &conn, &n, &inside, err));
    bool lost = inside && conn->transport->state(conn, true) == BM__CONN_CLOSED;
    bm_status status = lost ? bm__db_lost(conn, err) : BM_OK;
    bm__db_disconnect(db, &conn, n);
    return status;
}

bm_status bm_reset_connection(bm_db *db, bm_error *err)
{
    bm_error local;
    err = bm__error_begin(err, &local);
    if (db == NULL || db->root != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "the database must not be NULL or a transaction");
    }
    if (db->keeps) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "the database lives in its only connection");
    }
    bm__pool_drain(db);
    return BM_OK;
}
