/* The results of a statement, to the last one. */
#include "libpq_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bm_status push_rows(const PGresult *result, const bm__step *step, bm_error *err)
{
    enum { FEW = 32 };
    bm__cell few[FEW];
    int n = PQnfields(result);
    bm__cell *cells = n <= FEW ? few : malloc((size_t)n * sizeof *cells);
    bm_status status = cells != NULL ? BM_OK : bm__no_memory(err);
    for (int row = 0; status == BM_OK && row < PQntuples(result); row++) {
        for (int i = 0; i < n; i++) {
            bool null = PQgetisnull(result, row, i) != 0;
            cells[i] = (bm__cell){.kind = null ? BM__CELL_NULL : BM__CELL_BYTES,
                                  .data = PQgetvalue(result, row, i),
                                  .size = (size_t)PQgetlength(result, row, i)};
        }
        status = step->push(step->context, cells, (size_t)n, err);
    }
    if (cells != few) {
        free(cells);
    }
    return status;
}

static bm_status push_columns(const PGresult *result, const bm__step *step, bm_error *err)
{
    for (int i = 0; i < PQnfields(result); i++) {
        BM_TRY(step->column(step->context, PQfname(result, i), PQftype(result, i), "", err));
    }
    return BM_OK;
}

bm_status bm__libpq_take(bm__libpq *conn, PGresult *result, const bm__step *step,
                         bm__answer *answer, bm_error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE: {
        int rows = PQntuples(result);
        const char *count = PQcmdTuples(result);
        bool counted = PQresultStatus(result) == PGRES_TUPLES_OK && count[0] != '\0';
        answer->rows = counted ? strtoull(count, NULL, 10) : answer->rows + (uint64_t)rows;
        return step->push != NULL ? push_rows(result, step, err) : BM_OK;
    }
    case PGRES_COMMAND_OK:
        if (step->kind == BM__STEP_COMMIT && strcmp(PQcmdStatus(result), "COMMIT") != 0) {
            return bm__fail(err, BM_DATABASE, BM_STAGE_COMMIT,
                            "the server rolled the transaction back: a statement in it had failed");
        }
        answer->rows = strtoull(PQcmdTuples(result), NULL, 10);
        return step->kind == BM__STEP_DESCRIBE ? push_columns(result, step, err) : BM_OK;
    case PGRES_EMPTY_QUERY:
        return BM_OK;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        return bm__fail(err, BM_INVALID, BM_STAGE_WRITE, "the statement begins a COPY");
    default:
        return bm__libpq_fail(conn, result, BM_STAGE_WRITE, answer, err);
    }
}

bool bm__libpq_is_closed(const bm__libpq *conn)
{
    return conn->given_up || conn->doomed || conn->pid != getpid() ||
           PQstatus(conn->pg) != CONNECTION_OK;
}

/* The end of a step that went wrong.  `refused`: the server said that the statement failed. */
static bm_status end_badly(bm__libpq *conn, const bm__step *step, bm_status status, bool refused,
                           bm_error *err)
{
    if (bm__libpq_is_closed(conn)) {
        bm__libpq_give_up(conn);
    }
    if (step->kind == BM__STEP_COMMIT) {
        err->stage = BM_STAGE_COMMIT;
    }
    if (!refused && (step->autocommit || step->kind == BM__STEP_COMMIT)) {
        err->retryable = false;
        return err->status = BM_COMMIT_UNKNOWN;
    }
    return status;
}

/* We will not wait, or not read, any longer: true when the server said that the statement failed.
 * A COMMIT is never cancelled: while it waits for a standby it has already happened here. */
static bool stop(bm__libpq *conn, const bm__step *step, bm_status status)
{
    if (step->kind == BM__STEP_COMMIT) {
        bm__libpq_give_up(conn);
        return false;
    }
    return bm__libpq_settle(conn, step, status != BM_CONNECTION);
}

#define LOOK_EVERY 64 /* results, each of which may have been there already */

bm_status bm__libpq_drain(bm__libpq *conn, const bm__step *step, bm__answer *answer, bm_error *err)
{
    bm_status first = BM_OK;
    bool refused = false;
    for (unsigned n = 1;; n++) {
        PGresult *result;
        bm_status status = n % LOOK_EVERY == 0 ? bm__libpq_in_time(step, err) : BM_OK;
        if (status == BM_OK) {
            status = bm__libpq_result(conn, step, &result, err);
        }
        if (status != BM_OK) {
            first = first != BM_OK ? first : status;
            refused = stop(conn, step, status) || refused;
            break;
        }
        if (result == NULL) {
            break;
        }
        status = bm__libpq_take(conn, result, step, answer, err);
        bool error = PQresultStatus(result) == PGRES_FATAL_ERROR;
        bool tag = PQresultStatus(result) == PGRES_COMMAND_OK; /* ROLLBACK, of a COMMIT */
        PQclear(result);
        first = first != BM_OK ? first : status;
        refused = refused || ((error || tag) && status != BM_OK && status != BM_CONNECTION);
        if (status != BM_OK && !error && !tag) {
            refused = stop(conn, step, status) || refused;
            break;
        }
    }
    return first != BM_OK ? end_badly(conn, step, first, refused, err) : BM_OK;
}
