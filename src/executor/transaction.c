#include "transaction.h"

#include "lost_commit.h"
#include "savepoint.h"

#include <assert.h>
#include <stdlib.h>

/* <= 0: COMMIT has no limit of its own. */
static int64_t commit_timeout(const bm_db *tx)
{
    int64_t of_db = tx->root->options.commit_timeout_ms;
    int64_t given = tx->commit_timeout_ms != 0 ? tx->commit_timeout_ms : of_db;
    return given != 0 || tx->root->deadline_ns == 0 ? given : BM__COMMIT_MS;
}

/* Of COMMIT, and of what is asked just before it. */
static void bound_commit(const bm_db *tx, bm__step *step)
{
    int64_t ms = commit_timeout(tx);
    if (ms != 0) {
        bm__step_within(step, "the commit timeout", ms);
    } else { /* deferred constraints are checked now */
        bm__step_within(step, "the statement timeout", bm__own_ms(tx->conn, BM__STATEMENT_MS));
    }
}

static bm_status perform(bm_db *tx, bm__step_kind kind, const char *sql, bm_error *err)
{
    bm__answer answer;
    bool begins = kind == BM__STEP_BEGIN || kind == BM__STEP_SAVEPOINT;
    bm__step step = bm__db_limits(tx, NULL);
    step.kind = kind;
    step.sql = sql;
    if (!begins) { /* what ends a transaction is not cancelled, and has a little time of its own */
        step.cancel = NULL;
        step.deadline_ns = kind == BM__STEP_COMMIT ? 0 : step.end_ns;
        step.end_ns = kind == BM__STEP_COMMIT ? 0 : step.end_ns;
    }
    if (kind == BM__STEP_BEGIN && !tx->conn->borrowed && tx->engine->sets_lock_timeout) {
        step.lock_timeout_ms = BM__LOCK_MS;
        step.lock_unless_set = true;
    }
    if (kind == BM__STEP_COMMIT) {
        bound_commit(tx, &step);
    } else {
        bm__step_within(&step, "the timeout for BEGIN and ROLLBACK",
                        bm__own_ms(tx->conn, BM__SHORT_MS));
    }
    return tx->transport->perform(tx->conn, &step, &answer, err);
}

bm_status bm__begin(bm_db *db, bm_db **out, bm_error *err)
{
    bool inside;
    assert(db != NULL);
    *out = NULL;
    bm_db *tx = calloc(1, sizeof *tx);
    if (tx == NULL) {
        return bm__no_memory(err);
    }
    tx->transport = db->transport;
    tx->engine = db->engine;
    tx->root = bm__db_root(db);
    tx->outer = db->root != NULL ? db : NULL;
    size_t n;
    const bm__step limits = bm__db_limits(db, NULL);
    bm_status status = bm__db_connect(db, 1, &limits, &tx->conn, &n, &inside, err);
    if (status != BM_OK) {
        free(tx);
        return status;
    }
    tx->savepoint = inside;
    status = inside ? perform(tx, BM__STEP_SAVEPOINT, BM__SQL_SAVEPOINT_NESTED, err)
                    : perform(tx, BM__STEP_BEGIN, NULL, err);
    if (status != BM_OK) {
        if (tx->outer == NULL) {
            bm__pool_give(tx->root, tx->conn);
        }
        free(tx);
        return status;
    }
    bm__db_enlist(tx);
    *out = tx;
    return BM_OK;
}

/* COMMIT took the savepoints that were left open with it. */
static void fold_inner(bm_db *tx)
{
    bm_db *inner = tx->inner;
    if (inner != NULL) {
        fold_inner(inner);
        bm__journal_commit(&inner->journal, &tx->journal);
        bm__db_delist(inner);
    }
}

/* What is needed to ask about a lost COMMIT: told by the verbs of the transaction, else asked for
 * now.  A transaction in which another session would see nothing has no id, and is rolled back. */
static bm_status commit_outermost(bm_db *tx, bm_error *err)
{
    bm__answer answer;
    const bm__commit_sql *commits = tx->engine->commits;
    bm__step ask = {.kind = BM__STEP_EXEC,
                    .sql = commits != NULL ? commits->told : NULL,
                    .push = bm__xact_push,
                    .context = &tx->xact};
    bool sound = tx->transport->state(tx->conn, false) == BM__CONN_IN_TRANSACTION;
    bound_commit(tx, &ask);
    bm__step_within(&ask, "the timeout for checking a COMMIT", bm__own_ms(tx->conn, BM__SHORT_MS));
    bool ends = ask.deadline_ns != 0 && ask.deadline_ns < INT64_MAX - BM__SLACK_NS;
    ask.end_ns = ends ? ask.deadline_ns + BM__SLACK_NS : 0;
    if (commits != NULL && tx->xact.id == 0 && sound) {
        BM_TRY(tx->transport->perform(tx->conn, &ask, &answer, err));
    }
    int64_t commit_ms = commit_timeout(tx);
    int64_t until = commit_ms > 0 ? bm__after_ms(commit_ms) : 0;
    bm_status status = perform(tx, BM__STEP_COMMIT, NULL, err);
    return status == BM_COMMIT_UNKNOWN
               ? bm__commit_resolve(tx->root, tx->conn, &tx->xact, until, err)
               : status;
}

bm_status bm__commit(bm_db *tx, bm_error *err)
{
    assert(tx != NULL && tx->root != NULL && tx->conn != NULL);
    if (tx->inner != NULL && tx->savepoint) { /* of the same name: the inner one first */
        bm_status inner = bm__commit(tx->inner, err);
        if (inner != BM_OK) {
            bm__rollback(tx);
            return inner;
        }
    }
    if (tx->transport->state(tx->conn, false) == BM__CONN_IDLE) {
        bm__rollback(tx);
        err->fate = BM_FATE_ROLLED_BACK;
        return bm__fail(err, BM_DATABASE, BM_STAGE_COMMIT,
                        "the database has rolled the transaction back");
    }
    bm_status status = tx->savepoint ? perform(tx, BM__STEP_RELEASE, BM__SQL_RELEASE_NESTED, err)
                                     : commit_outermost(tx, err);
    if (status == BM_OK) {
        fold_inner(tx);
        bm__journal_commit(&tx->journal, tx->outer != NULL ? &tx->outer->journal : NULL);
        bm__db_delist(tx);
        return BM_OK;
    }
    err->stage = BM_STAGE_COMMIT;
    err->fate = status == BM_COMMIT_UNKNOWN ? BM_FATE_UNKNOWN : BM_FATE_ROLLED_BACK;
    bm__copy_text(err->verb, sizeof err->verb, "commit");
    for (bm_db *open = tx; status == BM_COMMIT_UNKNOWN && open != NULL; open = open->inner) {
        bm__journal_drop(&open->journal);
    }
    bm__rollback(tx);
    return status;
}

void bm__rollback(bm_db *tx)
{
    bm_error ignored = BM_ERROR;
    assert(tx != NULL && tx->root != NULL && tx->conn != NULL);
    if (tx->inner != NULL) {
        bm__rollback(tx->inner);
    }
    if (tx->savepoint) {
        bm_status undone = perform(tx, BM__STEP_ROLLBACK_TO, BM__SQL_ROLLBACK_TO_NESTED, &ignored);
        if (undone == BM_OK) {
            (void)perform(tx, BM__STEP_RELEASE, BM__SQL_RELEASE_NESTED, &ignored);
        }
    } else {
        (void)perform(tx, BM__STEP_ROLLBACK, NULL, &ignored);
    }
    bm__journal_rollback(&tx->journal);
    bm__db_delist(tx);
}
