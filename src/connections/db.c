#include "db.h"

#include <stdlib.h>
#include <string.h>

bm_db *bm__db_outermost(bm_db *tx)
{
    while (tx->outer != NULL) {
        tx = tx->outer;
    }
    return tx;
}

bm_db *bm__db_root(bm_db *db)
{
    return db->root != NULL ? db->root : db;
}

static int limit_of(const bm__engine *engine, const char *url, int asked)
{
    if (engine->one_writer || url == NULL) {
        return 1;
    }
    return asked > 0 ? asked : 10;
}

bm_status bm__db_new(const bm__transport *transport, const char *url,
                     const bm_open_options *options, bm_db **out, bm_error *err)
{
    *out = NULL;
    bm_db *db = calloc(1, sizeof *db);
    if (db == NULL) {
        return bm__no_memory(err);
    }
    db->transport = transport;
    db->engine = transport->engine;
    db->options = *options;
    db->options.max_connections = limit_of(db->engine, url, options->max_connections);
    if (db->options.max_concurrent_batch_writes <= 0) {
        db->options.max_concurrent_batch_writes = 4;
    }
    db->deadline_ns = options->timeout_ms > 0 ? bm__after_ms(options->timeout_ms) : 0;
    db->borrowed = url == NULL;
    db->keeps = transport->keeps != NULL && url != NULL && transport->keeps(url);
    db->idle = calloc((size_t)db->options.max_connections, sizeof *db->idle);
    db->url = url != NULL ? strdup(url) : NULL;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&db->lock, NULL);
    pthread_cond_init(&db->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (db->idle == NULL || (url != NULL && db->url == NULL)) {
        bm__db_free(db);
        return bm__no_memory(err);
    }
    *out = db;
    return BM_OK;
}

/* Transactions that were left open: their connections are closed, which rolls them back. */
static void end_transactions(bm_db *db)
{
    while (db->transactions != NULL) {
        bm_db *tx = db->transactions;
        db->transactions = tx->sibling;
        bm__journal_rollback(&tx->journal);
        if (tx->outer == NULL) {
            db->transport->close(tx->conn);
        }
        free(tx);
    }
}

void bm__db_free(bm_db *db)
{
    if (db == NULL) {
        return;
    }
    end_transactions(db);
    for (size_t i = 0; i < db->n_idle; i++) {
        db->transport->close(db->idle[i]);
    }
    while (db->tables != NULL) {
        bm__known_table *known = db->tables;
        db->tables = known->next;
        bm__table_free(known->table);
        free(known->schema);
        free(known->name);
        free(known);
    }
    if (db->url != NULL) {
        explicit_bzero(db->url, strlen(db->url)); /* it may hold a password */
    }
    free(db->url);
    free(db->idle);
    pthread_cond_destroy(&db->changed);
    pthread_mutex_destroy(&db->lock);
    free(db);
}

int64_t bm__own_ms(const bm__conn *conn, int64_t ms)
{
    return conn->borrowed ? -1 : ms;
}

bm__step bm__db_limits(bm_db *db, const bm_call *call)
{
    const bm_db *root = bm__db_root(db);
    bm__step limits = {.cancel = root->options.cancel};
    bm__step_until(&limits, "the timeout", root->options.timeout_ms, root->deadline_ns);
    if (call != NULL) {
        limits.cancel = call->cancel != NULL ? call->cancel : limits.cancel;
        bm__step_within(&limits, "the timeout", call->timeout_ms);
    }
    if (limits.deadline_ns != 0 && limits.deadline_ns < INT64_MAX - BM__SLACK_NS) {
        limits.end_ns = limits.deadline_ns + BM__SLACK_NS;
    }
    return limits;
}

bm_status bm__db_lost(bm__conn *conn, bm_error *err)
{
    bm_error why = BM_ERROR;
    bm__answer answer;
    const bm__step step = {.kind = BM__STEP_ROLLBACK};
    (void)conn->transport->perform(conn, &step, &answer, &why); /* is refused, with the reason */
    if (why.sqlstate[0] == '\0') {
        return bm__fail(err, BM_CONNECTION, BM_STAGE_CONNECT,
                        "the transaction's connection is lost");
    }
    size_t size = err->size;
    *err = why;
    err->size = size;
    return err->status;
}

bm_status bm__db_connect(bm_db *db, size_t want, const bm__step *limits, bm__conn **conns,
                         size_t *n, bool *inside, bm_error *err)
{
    *n = 1;
    *inside = db->root != NULL;
    if (*inside) {
        conns[0] = db->conn;
        if (db->inner != NULL) {
            return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                            "a savepoint is open in this transaction: use it, or end it");
        }
        bm__conn_state state = db->transport->state(db->conn, false);
        if (state == BM__CONN_CLOSED) {
            return bm__db_lost(db->conn, err);
        }
        if (state == BM__CONN_IDLE) { /* SQLite does so when the disk is full, among others */
            return bm__fail(err, BM_DATABASE, BM_STAGE_CHECK,
                            "the database has rolled the transaction back");
        }
        return BM_OK;
    }
    BM_TRY(bm__pool_take(db, want, limits, conns, n, err));
    *inside = db->borrowed && db->transport->state(conns[0], false) != BM__CONN_IDLE;
    return BM_OK;
}

void bm__db_disconnect(bm_db *db, bm__conn **conns, size_t n)
{
    if (db->root != NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        bm__pool_give(db, conns[i]);
    }
}

void bm__db_enlist(bm_db *tx)
{
    bm_db *root = tx->root;
    tx->owner = pthread_self();
    if (tx->outer != NULL) {
        tx->outer->inner = tx;
    }
    pthread_mutex_lock(&root->lock);
    tx->sibling = root->transactions;
    root->transactions = tx;
    pthread_mutex_unlock(&root->lock);
}

void bm__db_delist(bm_db *tx)
{
    bm_db *root = tx->root;
    pthread_mutex_lock(&root->lock);
    bm_db **at = &root->transactions;
    while (*at != tx) {
        at = &(*at)->sibling;
    }
    *at = tx->sibling;
    pthread_mutex_unlock(&root->lock);
    if (tx->outer != NULL) {
        tx->outer->inner = NULL;
    } else {
        bm__pool_give(root, tx->conn);
    }
    free(tx);
}
