#include "db.h"

#include "savepoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bm__known_table *find(bm_db *db, const bm_model *model)
{
    for (bm__known_table *known = db->tables; known != NULL; known = known->next) {
        if (!known->dropped && same(known->schema, model->schema) &&
            strcmp(known->name, model->table) == 0) {
            known->refs++;
            return known;
        }
    }
    return NULL;
}

static void free_known(bm__known_table *known)
{
    if (known != NULL) {
        bm__table_free(known->table);
        free(known->schema);
        free(known->name);
        free(known);
    }
}

static bm_status ask_within(const bm_db *db, bm__conn *conn, bm__step *step, const bm__step *limits,
                            bm_error *err)
{
    bm__answer answer = {0};
    bm__step_until(step, limits->limit, limits->limit_ms, limits->deadline_ns);
    step->end_ns = limits->end_ns;
    step->cancel = limits->cancel;
    bm_status status = db->transport->perform(conn, step, &answer, err);
    err->stage = BM_STAGE_CATALOG;
    return status;
}

static bm_status ask_stage(bm_db *db, bm__conn *conn, const bm_model *model, const bm__step *limits,
                           bm__table *table, bm_error *err)
{
    bm__catalog catalog;
    bm__step step;
    if (!table->foreign || conn->engine->ask_stage == NULL) {
        return BM_OK;
    }
    bm_status status = bm__catalog_begin_stage(&catalog, conn->engine, model, table, &step, err);
    if (status == BM_OK) {
        status = ask_within(db, conn, &step, limits, err);
    }
    bm__catalog_free(&catalog);
    return status;
}

static bm_status ask(bm_db *db, bm__conn *conn, const bm_model *model, const bm__step *limits,
                     bm__table **out, bm_error *err)
{
    bm__catalog catalog;
    bm__step step;
    bm_status status = bm__catalog_begin(&catalog, conn->engine, model, &step, err);
    if (status == BM_OK && step.sql != NULL) {
        status = ask_within(db, conn, &step, limits, err);
        bool (*no_schema)(const bm_error *) = conn->engine->says_no_schema;
        if (no_schema != NULL && no_schema(err) && model->schema != NULL) {
            bm__error_reset(err);
            status = BM_OK; /* and no column came: there is no such table */
        }
    }
    if (status == BM_OK) {
        status = bm__catalog_end(&catalog, out, err);
    }
    if (status == BM_OK) {
        status = ask_stage(db, conn, model, limits, *out, err);
        if (status != BM_OK) {
            bm__table_free(*out);
            *out = NULL;
        }
    }
    bm__catalog_free(&catalog);
    assert(status != BM_OK || *out != NULL);
    return status;
}

bm_status bm__tables_same(bm_db *db, bm__conn *conn, const bm_model *model, const bm__step *limits,
                          const bm__known_table *known, bool *same, bm_error *err)
{
    bm__catalog catalog;
    bm__step step;
    bm_status status =
        bm__catalog_begin_same(&catalog, conn->engine, model, known->table, &step, err);
    if (status == BM_OK && step.sql != NULL) {
        status = ask_within(db, conn, &step, limits, err);
    }
    *same = status == BM_OK && catalog.same;
    bm__catalog_free(&catalog);
    return status;
}

bm_status bm__tables_get(bm_db *db, bm__conn *conn, const bm_model *model, const bm__step *limits,
                         bm__known_table **out, bool *fresh, bm_error *err)
{
    pthread_mutex_lock(&db->lock);
    *out = find(db, model);
    pthread_mutex_unlock(&db->lock);
    *fresh = *out == NULL;
    if (!*fresh) {
        return BM_OK;
    }
    bm__known_table *known = calloc(1, sizeof *known);
    if (known == NULL) {
        return bm__no_memory(err);
    }
    known->refs = 1;
    known->name = strdup(model->table);
    known->schema = model->schema != NULL ? strdup(model->schema) : NULL;
    bm_status status = BM_OK;
    if (known->name == NULL || (model->schema != NULL && known->schema == NULL)) {
        status = bm__no_memory(err);
    }
    if (status == BM_OK) {
        status = ask(db, conn, model, limits, &known->table, err);
    }
    if (status != BM_OK) {
        free_known(known);
        return status;
    }
    pthread_mutex_lock(&db->lock);
    known->next = db->tables;
    db->tables = known;
    pthread_mutex_unlock(&db->lock);
    *out = known;
    return BM_OK;
}

/* A query whose columns are asked for. */
typedef struct asked_query {
    const bm_model *model;
    const char *text;
    const bm__step *limits;
    const bm__step *run; /* of a run of it, or NULL: it is not to be run */
} asked_query;

static bm_status ask_query(bm_db *db, bm__conn *conn, const asked_query *query, bm__table **out,
                           bm_error *err)
{
    bm__catalog catalog;
    bm__step step;
    const bool runs = conn->engine->types_run;
    bm_status status =
        bm__catalog_begin_query(&catalog, conn->engine, query->model, query->text, &step, err);
    if (status == BM_OK) {
        status = ask_within(db, conn, &step, query->limits, err);
    }
    if (status == BM_OK) {
        status = bm__catalog_query_types(&catalog, &step, err);
    }
    if (status == BM_OK && step.sql != NULL && (!runs || query->run != NULL)) {
        status = ask_within(db, conn, &step, runs ? query->run : query->limits, err);
        if (status == BM_OK) {
            status = bm__catalog_query_typed(&catalog, err);
        }
    }
    if (status == BM_OK) {
        status = bm__catalog_end(&catalog, out, err);
    }
    bm__catalog_free(&catalog);
    return status;
}

static bm_status mark(bm_db *db, bm__conn *conn, bm__step_kind kind, const char *sql, bm_error *err)
{
    bm__answer answer = {0};
    bm__step step = {.kind = kind, .sql = sql};
    bm__step_within(&step, "the timeout for the catalog", bm__own_ms(conn, BM__SHORT_MS));
    return db->transport->perform(conn, &step, &answer, err);
}

/* A query that is wrong fails before the savepoint of its call, and must leave the caller's
 * transaction as it was. */
static bm_status ask_query_inside(bm_db *db, bm__conn *conn, const asked_query *query,
                                  bm__table **out, bm_error *err)
{
    if (db->transport->state(conn, false) != BM__CONN_IN_TRANSACTION) {
        return ask_query(db, conn, query, out, err);
    }
    bm_error late = BM_ERROR;
    BM_TRY(mark(db, conn, BM__STEP_SAVEPOINT, BM__SQL_SAVEPOINT_CALL, err));
    bm_status status = ask_query(db, conn, query, out, err);
    bool undone = status == BM_OK ||
                  mark(db, conn, BM__STEP_ROLLBACK_TO, BM__SQL_ROLLBACK_TO_CALL, &late) == BM_OK;
    if (undone) {
        (void)mark(db, conn, BM__STEP_RELEASE, BM__SQL_RELEASE_CALL, &late);
    }
    return status; /* if this failed, the transaction has, and the next step says so */
}

bm_status bm__tables_query(bm_db *db, bm__conn *conn, const bm_model *model, const char *query,
                           const bm__step *limits, const bm__step *run, bm__known_table **out,
                           bm_error *err)
{
    const asked_query asked = {model, query, limits, run};
    *out = NULL;
    if (conn->engine->ask_types == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "the database runs no queries");
    }
    bm__known_table *known = calloc(1, sizeof *known);
    if (known == NULL) {
        return bm__no_memory(err);
    }
    known->refs = 1;
    known->dropped = true; /* no other call finds it */
    bm_status status = ask_query_inside(db, conn, &asked, &known->table, err);
    if (status != BM_OK) {
        free_known(known);
        return status;
    }
    pthread_mutex_lock(&db->lock);
    known->next = db->tables;
    db->tables = known;
    pthread_mutex_unlock(&db->lock);
    *out = known;
    return BM_OK;
}

bm_status bm__tables_stage_sql(bm_db *db, bm__conn *conn, const bm_model *model,
                               const bm__step *limits, bm__buffer *text, bm_error *err)
{
    bm__catalog catalog;
    bm__step step;
    bm__table *table;
    BM_TRY(ask(db, conn, model, limits, &table, err));
    bool far = table->foreign;
    bm__table_free(table);
    if (!far || conn->engine->ask_stage_sql == NULL) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CATALOG,
                        "no partition of table \"%s\" is on another server, so it needs no stage",
                        model->table);
    }
    bm_status status = bm__catalog_begin_stage_sql(&catalog, conn->engine, model, text, &step, err);
    if (status == BM_OK) {
        status = ask_within(db, conn, &step, limits, err);
    }
    bm__catalog_free(&catalog);
    return status;
}

/* With the lock held. */
static void free_dropped(bm_db *db)
{
    bm__known_table **at = &db->tables;
    while (*at != NULL) {
        bm__known_table *known = *at;
        if (known->dropped && known->refs == 0) {
            *at = known->next;
            free_known(known);
        } else {
            at = &known->next;
        }
    }
}

void bm__tables_drop(bm_db *db, bm__known_table *known)
{
    pthread_mutex_lock(&db->lock);
    for (bm__known_table *k = db->tables; k != NULL; k = k->next) {
        k->dropped = k->dropped || known == NULL || k == known;
    }
    free_dropped(db);
    pthread_mutex_unlock(&db->lock);
}

void bm__tables_release(bm_db *db, bm__known_table *known)
{
    if (known != NULL) {
        pthread_mutex_lock(&db->lock);
        known->refs--;
        free_dropped(db);
        pthread_mutex_unlock(&db->lock);
    }
}
