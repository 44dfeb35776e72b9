#include "run_verb.h"

#include "arrow_rows.h"
#include "result.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Of a failed call nothing counts; of one that committed in part, the parts that did. */
static void settle_outcomes(bm__execution *x, const bm_result *result, bm_status status)
{
    bm__call *call = &x->op.call;
    if (call->outcomes == NULL || status == BM_OK) {
        return;
    }
    if (status != BM_PARTIAL) {
        memset(call->outcomes, 0, call->outcomes_capacity);
        return;
    }
    for (size_t i = 0; i < result->n_parts; i++) {
        const bm_part *part = &result->parts[i];
        for (size_t k = 0; part->fate != BM_FATE_COMMITTED && k < part->n_ranges; k++) {
            memset(call->outcomes + part->ranges[2 * k], 0, part->ranges[2 * k + 1]);
        }
    }
}

static void give(bm__execution *x, bm_result *result, bm_status status)
{
    bm__call *call = &x->op.call;
    result->unchanged += x->op.unchanged;
    bool counted = call->source != NULL; /* by the jobs, chunk by chunk */
    if (!counted && (status == BM_OK || status == BM_PARTIAL)) {
        result->ignored += call->dropped;
    }
    bool rows_exist = x->op.settings.dry_run != BM_ON || !x->op.verb->creates;
    if (x->op.wants_queryset && call->made != NULL && rows_exist && status == BM_OK) {
        result->queryset = call->made;
        call->made = NULL;
    }
    if (x->op.wants_outcomes) {
        result->outcomes = call->outcomes;
        result->n_outcomes = call->outcomes != NULL ? call->caller_rows : 0;
        call->outcomes = NULL;
    }
}

/* A stream's end is told to its owner, whatever became of the call. */
static void close_source(const bm_rows *rows)
{
    const bm_source *source = rows->kind == BM__ROWS_STREAM ? rows->data : NULL;
    if (source != NULL && source->size >= offsetof(bm_source, release) && source->close != NULL) {
        source->close(source->user);
    }
}

static bm_status carry_out(bm__execution *x, const void *options, bm__set_aside *rejects,
                           bm_result *result, bm_error *err)
{
    const bool load = x->op.settings.load_id != NULL;
    if (load && (rejects == NULL || x->op.verb->sync != NULL)) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                        "load_id: this verb does not write its rows in parts");
    }
    if (!load && x->op.settings.on_error == BM_ON_ERROR_FAIL && x->op.verb->sync == NULL) {
        return bm__execute(x, result, err);
    }
    return rejects != NULL ? rejects(x, options, result, err)
                           : bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK,
                                      "on_error: this verb writes no rows");
}

/* What rows of Arrow cannot do: their model ends with the call, and has no struct of the caller. */
static bm_status check_arrow(const bm__execution *x, bm_error *err)
{
    const char *what = x->op.verb->keys_only  ? "this verb takes keys, or all rows"
                       : x->op.wants_queryset ? "return_queryset"
                       : x->op.settings.on_error != BM_ON_ERROR_FAIL ? "on_error"
                       : x->op.settings.load_id != NULL              ? "load_id"
                                                                     : NULL;
    return what == NULL
               ? BM_OK
               : bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "not with bm_arrow: %s", what);
}

/* Check, run, and tell the caller's rows. */
static bm_status run(bm__execution *x, const void *options, bm__set_aside *rejects,
                     bm_result *result, bm_error *err)
{
    bm_status status = err->status;
    if (status == BM_OK && x->db == NULL) {
        status = bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the database must not be NULL");
    }
    if (status == BM_OK && (unsigned)x->op.duplicates > BM_DUPLICATES_LAST) {
        status =
            bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "duplicates must be a bm_duplicates value");
    }
    if (status == BM_OK) {
        status = carry_out(x, options, rejects, result, err);
    }
    settle_outcomes(x, result, status);
    x->op.missing = result->missing;
    if (x->op.verb->done != NULL && x->op.call.model != NULL) {
        bm_status after = x->op.verb->done(&x->op, err);
        status = status != BM_OK ? status : after;
    }
    return status;
}

bm_status bm__run_verb(bm_db *db, const bm__verb *verb, bm_rows rows, const void *options,
                       bm__set_aside *rejects, bm_result *given, bm_error *err)
{
    bm_result local;
    assert(err->status == BM_OK);
    bm__arrow_rows arrow = {0};
    (void)bm__arrow_begin(&arrow, &rows, err);
    bm__execution x = {.db = db, .op = {.verb = verb, .rows = rows}};
    if (db != NULL && err->status == BM_OK && bm__model_check(rows.model, err) == BM_OK &&
        verb->options(&x.op, options, err) == BM_OK && arrow.stream != NULL) {
        (void)check_arrow(&x, err);
    }
    bm_result *result = bm__result_begin(given, &local);
    int64_t start = bm__now_ns();
    bm_status status = run(&x, options, rejects, result, err);
    if (status == BM_OK || status == BM_PARTIAL) {
        give(&x, result, status);
    }
    result->seconds = (double)(bm__now_ns() - start) / 1e9;
    if (status == BM_OK) {
        bm__error_reset(err);
    } else {
        bm__copy_text(err->verb, sizeof err->verb, verb->name);
        if (x.op.settings.error_detail != BM_ON) {
            err->detail[0] = '\0';
        }
    }
    if (db != NULL) {
        bm__execution_free(&x);
    }
    close_source(&rows);
    bm__arrow_end(&arrow);
    if (result == &local) {
        bm_result_clear(&local);
    }
    return status;
}
