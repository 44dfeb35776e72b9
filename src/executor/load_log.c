#include "load_log.h"

#include "checksum.h"
#include "quoting.h"
#include "transaction.h"
#include "type.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_MS INT64_C(5000)

/* The row of bm__sql_load_find. */
typedef struct found {
    bool any;
    char verb[32];
    char state[16];
    char *target;
    char checksum[20];
    int64_t rows, renewed, now;
} found;

/* ---- statements */

static bool take_text(const bm__cell *cell, char *out, size_t size)
{
    const bool text = cell->kind == BM__CELL_TEXT || cell->kind == BM__CELL_BYTES;
    assert(size > 0);
    if (!text || cell->size >= size) {
        return false;
    }
    memcpy(out, cell->size > 0 ? cell->data : "", cell->size);
    out[cell->size] = '\0';
    return true;
}

static bm_status push_found(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    found *f = context;
    assert(!f->any && f->target == NULL);
    f->target = n == 7 ? malloc(cells[1].size + 1) : NULL;
    f->any = f->target != NULL && take_text(&cells[0], f->verb, sizeof f->verb) &&
             take_text(&cells[1], f->target, cells[1].size + 1) &&
             take_text(&cells[2], f->state, sizeof f->state) &&
             bm__cell_integer(&cells[3], &f->rows) &&
             take_text(&cells[4], f->checksum, sizeof f->checksum) &&
             bm__cell_integer(&cells[5], &f->renewed) && bm__cell_integer(&cells[6], &f->now);
    return f->any ? BM_OK
                  : bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG,
                             "a row of " BM__LOADS " is not one that was written here");
}

/* One statement; it may return a row. */
static bm_status perform(bm__load_log *log, bm__conn *conn, bm__step step, bm__sql *sql,
                         uint64_t *rows, bm_error *err)
{
    bm__answer answer = {.row = BM_NO_ROW};
    bm__arena arena = {0};
    assert(log->call != NULL && log->statements != NULL);
    step.kind = BM__STEP_EXEC;
    bm_status status = bm__sql_end(sql, &arena, &step.sql);
    if (status == BM_OK) {
        const int64_t given = log->call->statement_timeout_ms;
        bm__step_within(&step, "the statement timeout",
                        given != 0 ? given : bm__own_ms(conn, BM__STATEMENT_MS));
        status = conn->transport->perform(conn, &step, &answer, err);
        *log->statements += 1;
    }
    if (status == BM_OK && log->call->on_statement != NULL) {
        log->call->on_statement(log->call->user, step.sql, 0);
    }
    *rows = answer.rows;
    bm__arena_free(&arena);
    return status;
}

static bm_status run(bm__load_log *log, bm_db *tx, bm__sql *sql, uint64_t *rows, bm_error *err)
{
    return perform(log, tx->conn, bm__db_limits(tx, log->call), sql, rows, err);
}

static const char *print_checksum(uint64_t checksum, char out[20])
{
    snprintf(out, 20, "%016llx", (unsigned long long)checksum);
    return out;
}

/* ---- a load begins, or goes on */

bool bm__load_is_recorded(const bm__engine *engine)
{
    return engine->ask != NULL && engine->dialect->clock != NULL;
}

/* A statement of ours can only fail so because there is no table, or another one. */
static bm_status no_table(const bm_db *tx, bm_status status, bm_error *err)
{
    const bm__engine *engine = tx->engine;
    if (status != BM_OK && engine->says_stale != NULL && engine->says_stale(err)) {
        bm__error_reset(err);
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                        "load_id needs the table " BM__LOADS ", which is not here: bm_load_init "
                        "creates it");
    }
    return status;
}

static bm_status check_found(bm__load_log *log, const found *f, bm_error *err)
{
    const bm__sql_load *load = &log->load;
    const int64_t age = f->now - f->renewed;
    assert(f->any && f->target != NULL);
    const bool alive = age > -BM__LOAD_IS_ALIVE_S && age < BM__LOAD_IS_ALIVE_S;
    if (strcmp(f->target, load->target) != 0 || strcmp(f->verb, load->verb) != 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                        "load \"%s\" belongs to %s into %s, not %s into %s: choose another load_id",
                        load->id, f->verb, f->target, load->verb, load->target);
    }
    if (strcmp(f->state, "loading") == 0 && alive && log->call->take_over != BM_ON) {
        return bm__fail(err, BM_RETRY, BM_STAGE_CHECK,
                        "load \"%s\" was active %lld s ago and may still be running: try again in "
                        "%lld s, or set take_over if it is not",
                        load->id, (long long)(age > 0 ? age : 0),
                        (long long)(BM__LOAD_IS_ALIVE_S - age));
    }
    log->finished = strcmp(f->state, "finished") == 0;
    log->rows = f->rows > 0 ? (uint64_t)f->rows : 0;
    log->checksum = strtoull(f->checksum, NULL, 16);
    return BM_OK;
}

static bm_status begin(bm__load_log *log, bm_db *tx, bm_error *err)
{
    char text[20];
    uint64_t rows;
    bm__sql sql = bm__sql_begin(err);
    bm__sql_load_begin(&sql, &log->load, print_checksum(log->checksum, text));
    bm_status status = run(log, tx, &sql, &rows, err);
    if (status == BM_CONSTRAINT) {
        bm__error_reset(err);
        return bm__fail(
            err, BM_RETRY, BM_STAGE_CHECK,
            "load \"%s\" has just begun in another session: wait until it ends, then make "
            "the same call",
            log->load.id);
    }
    return status;
}

static bm_status take(bm__load_log *log, bm_db *tx, bm_error *err)
{
    uint64_t rows;
    assert(!log->finished);
    bm__sql sql = bm__sql_begin(err);
    bm__sql_load_take(&sql, &log->load);
    return run(log, tx, &sql, &rows, err);
}

static bm_status find_or_begin(bm__load_log *log, bm_db *tx, bm_error *err)
{
    found f = {.any = false};
    bm__step step = bm__db_limits(tx, log->call);
    uint64_t rows;
    bm__sql sql = bm__sql_begin(err);
    bm__sql_load_find(&sql, &log->load);
    step.push = push_found;
    step.context = &f;
    bm_status status = no_table(tx, perform(log, tx->conn, step, &sql, &rows, err), err);
    if (status == BM_OK && f.any) {
        status = check_found(log, &f, err);
    }
    if (status == BM_OK && !log->finished) {
        status = f.any ? take(log, tx, err) : begin(log, tx, err);
    }
    free(f.target);
    return status;
}

static bm_status make_target(bm__load_log *log, const bm_model *model, bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    bm__arena arena = {0};
    const char *text;
    bm__sql_table(&sql, model->schema, model->table);
    bm_status status = bm__sql_end(&sql, &arena, &text);
    if (status == BM_OK) {
        log->target = strdup(text);
        status = log->target != NULL ? BM_OK : bm__no_memory(err);
    }
    bm__arena_free(&arena);
    return status;
}

static bm_status make_token(bm__load_log *log, bm_error *err)
{
    bm_uuid random;
    if (bm_uuid_random(&random) != BM_OK) {
        return bm__fail(err, BM_INTERNAL, BM_STAGE_CHECK, "no random numbers for a token");
    }
    bm__sink sink = {log->token, sizeof log->token - 1, 0, false};
    bm__type(BM_UUID)->ops->print(&random, &sink);
    assert(sink.size > 0 && sink.size < sizeof log->token);
    log->token[sink.size] = '\0';
    return BM_OK;
}

bm_status bm__load_open(bm__load_log *log, bm__execution *x, bm_error *err)
{
    const bm_model *model = x->op.rows.model;
    bm_db *tx;
    assert(!log->mine && log->target == NULL && x->db->root == NULL);
    BM_TRY(make_token(log, err));
    BM_TRY(make_target(log, model, err));
    log->checksum = bm__checksum_begin(model);
    log->load = (bm__sql_load){.dialect = bm__db_root(x->db)->engine->dialect,
                               .id = log->call->load_id,
                               .verb = x->op.verb->name,
                               .target = log->target,
                               .token = log->token};
    BM_TRY(bm__begin(x->db, &tx, err));
    bm_status status =
        !tx->savepoint
            ? find_or_begin(log, tx, err)
            : bm__fail(err, BM_INVALID, BM_STAGE_CHECK,
                       "load_id: each part is a transaction, so the call cannot be inside one");
    if (status == BM_OK) {
        status = bm__commit(tx, err);
    } else {
        bm__rollback(tx);
    }
    *log->statements += 2;
    log->mine = status == BM_OK && !log->finished;
    return status;
}

/* ---- a call is alive, and is over */

bm_status bm__load_advance(bm__load_log *log, bm_db *tx, uint64_t rows, uint64_t checksum,
                           bool finished, bm_error *err)
{
    char text[20];
    uint64_t hit;
    assert(log->mine && rows >= log->rows);
    bm__sql sql = bm__sql_begin(err);
    bm__sql_load_advance(&sql, &log->load, rows, print_checksum(checksum, text), finished);
    BM_TRY(run(log, tx, &sql, &hit, err));
    return hit == 1 ? BM_OK
                    : bm__fail(err, BM_DATABASE, BM_STAGE_WRITE,
                               "load \"%s\" was taken over by another session, which continues it",
                               log->load.id);
}

/* A statement of its own, in no transaction. */
static bm_status alone(bm__load_log *log, bm_db *db, const bm__step *limits, bm__sql *sql,
                       bm_error *err)
{
    bm__conn *conn;
    size_t n;
    uint64_t rows;
    bool inside;
    bm__step step = *limits;
    BM_TRY(bm__db_connect(db, 1, limits, &conn, &n, &inside, err));
    assert(!inside);
    step.autocommit = true;
    bm_status status = perform(log, conn, step, sql, &rows, err);
    bm__db_disconnect(db, &conn, n);
    return status;
}

bm_status bm__load_renew(bm__load_log *log, bm_db *db, bm_error *err)
{
    bm__step limits = bm__db_limits(db, log->call);
    bm__sql sql = bm__sql_begin(err);
    assert(log->mine);
    bm__sql_load_renew(&sql, &log->load);
    return alone(log, db, &limits, &sql, err);
}

void bm__load_stop(bm__load_log *log, bm_db *db)
{
    bm_error ignored = BM_ERROR;
    bm__step limits = {.end_ns = bm__after_ms(STOP_MS)};
    if (!log->mine) {
        return;
    }
    bm__sql sql = bm__sql_begin(&ignored);
    bm__sql_load_stop(&sql, &log->load);
    bm__step_within(&limits, "the time to stop", STOP_MS);
    (void)alone(log, db, &limits, &sql, &ignored);
    log->mine = false;
}

void bm__load_close(bm__load_log *log)
{
    free(log->target);
    log->target = NULL;
}
