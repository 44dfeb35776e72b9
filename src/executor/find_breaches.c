#include "find_breaches.h"

#include "savepoint.h"

#include <assert.h>

static bm_status perform(bm__conn *conn, bm__step_kind kind, const char *sql,
                         const bm__step *limits, bm_error *err)
{
    bm__step step = *limits;
    bm__answer answer = {.row = BM_NO_ROW};
    step.kind = kind;
    step.sql = sql;
    return conn->transport->perform(conn, &step, &answer, err);
}

/* A question that reads: what was set for it is undone, and where the server refuses it nothing
 * else of the transaction goes with it. */
static bm_status ask(bm__conn *conn, bm__step *step, const bm__step *limits, bm_error *err)
{
    const bm__transport *transport = conn->transport;
    const char *settings = conn->engine->lookup_settings;
    bm__answer answer = {.row = BM_NO_ROW};
    bm_error unwanted = BM_ERROR;
    BM_TRY(perform(conn, BM__STEP_SAVEPOINT, BM__SQL_SAVEPOINT_LOCATE, limits, err));
    bm_status status =
        settings != NULL ? perform(conn, BM__STEP_EXEC, settings, limits, err) : BM_OK;
    if (status == BM_OK) {
        status = transport->perform(conn, step, &answer, err);
    }
    bm_error *why = status != BM_OK ? &unwanted : err;
    if (transport->state(conn, false) != BM__CONN_CLOSED) {
        bm_status undone =
            perform(conn, BM__STEP_ROLLBACK_TO, BM__SQL_ROLLBACK_TO_LOCATE, limits, why);
        if (undone == BM_OK) {
            undone = perform(conn, BM__STEP_RELEASE, BM__SQL_RELEASE_LOCATE, limits, why);
        }
        status = status != BM_OK ? status : undone;
    }
    return status;
}

bm_status bm__ask_constraints(bm_db *tx, const bm_model *model, const bm__step *limits,
                              bm__constraints *out, bm_error *err)
{
    bm__catalog catalog;
    bm__conn *conn = tx->conn;
    bm__step step;
    const bm__engine *engine = conn->engine;
    if (engine->constraints == NULL) {
        out->never = true;
        return BM_OK;
    }
    bm_status status = bm__catalog_begin_constraints(&catalog, engine, model, &step, err);
    if (status == BM_OK) {
        step.cancel = limits->cancel;
        step.deadline_ns = limits->deadline_ns;
        step.context = out;
        step.push = bm__constraints_push;
        bm__step_within(&step, "the timeout for the catalog", bm__own_ms(conn, BM__SHORT_MS));
        status = ask(conn, &step, limits, err);
    }
    bm__catalog_free(&catalog);
    return status;
}

static bm_status look(bm__execution *x, bm__conn *conn, bm__job *job, bm__breaches *found,
                      bm_error *err)
{
    bm__step step;
    BM_TRY(bm__breaches_step(found, job, &step, err));
    step.cancel = x->limits.cancel;
    bm__step_until(&step, "the timeout", x->limits.limit_ms, x->limits.deadline_ns);
    bm__step_within(&step, "the statement timeout", x->op.call.statement_timeout_ms);
    return ask(conn, &step, &x->limits, err);
}

bm_status bm__find_breaches(bm__execution *x, uint16_t *refused, bm_result *result, bm_error *err)
{
    bm__conn *conn = x->db->conn;
    bm__breaches found = {0};
    bm__job job = {0};
    assert(x->op.verb == &bm__verb_breaches && conn != NULL);
    bm_status status = bm__execute_prepare(x, conn, err);
    if (status == BM_OK && x->op.plan.n_rules > 0) {
        status = bm__job_begin(&job, &x->op.call, BM__JOB_SAVEPOINT, err);
        if (status == BM_OK) {
            status = look(x, conn, &job, &found, err);
            result->statements += 5;
        }
        if (status == BM_OK) {
            status =
                bm__breaches_decide(&found, x->op.call.n_rows, x->op.plan.n_rules, refused, err);
        }
        bm__job_free(&job);
    }
    result->statements += x->asked;
    bm__breaches_free(&found);
    return status;
}

void bm__breach_error(const bm__execution *x, uint16_t refused, bm_error *err)
{
    const bm__plan *plan = &x->op.plan;
    assert(refused > 0 && refused <= plan->n_rules);
    plan->engine->refuse(plan->rules[refused - 1], plan->table->name, err);
}
