#include "catalog.h"

#include "query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bm_status bm__catalog_begin(bm__catalog *catalog, const bm__engine *engine, const bm_model *model,
                            bm__step *step, bm_error *err)
{
    *catalog = (bm__catalog){.engine = engine, .model = model};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    catalog->table = calloc(1, sizeof *catalog->table);
    if (catalog->table == NULL) {
        return bm__no_memory(err);
    }
    return engine->ask != NULL ? engine->ask(catalog, step, err)
                               : bm__catalog_from_model(catalog, err);
}

bm_status bm__catalog_begin_same(bm__catalog *catalog, const bm__engine *engine,
                                 const bm_model *model, const bm__table *known, bm__step *step,
                                 bm_error *err)
{
    *catalog = (bm__catalog){.engine = engine, .model = model, .known = known};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    return engine->ask_same != NULL ? engine->ask_same(catalog, step, err) : BM_OK;
}

bm_status bm__catalog_begin_stage(bm__catalog *catalog, const bm__engine *engine,
                                  const bm_model *model, bm__table *table, bm__step *step,
                                  bm_error *err)
{
    assert(table->foreign && table->stage == NULL);
    *catalog = (bm__catalog){.engine = engine, .model = model, .staged = table};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    return engine->ask_stage(catalog, step, err);
}

bm_status bm__catalog_begin_stage_sql(bm__catalog *catalog, const bm__engine *engine,
                                      const bm_model *model, bm__buffer *text, bm__step *step,
                                      bm_error *err)
{
    *catalog = (bm__catalog){.engine = engine, .model = model, .text = text};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    return engine->ask_stage_sql(catalog, step, err);
}

bm_status bm__catalog_begin_constraints(bm__catalog *catalog, const bm__engine *engine,
                                        const bm_model *model, bm__step *step, bm_error *err)
{
    *catalog = (bm__catalog){.engine = engine, .model = model};
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    return engine->constraints(catalog, step, err);
}

static bm_status add_column(void *context, const char *name, uint32_t oid, const char *declared,
                            bm_error *err)
{
    bm__catalog *catalog = context;
    bm__arena *arena = &catalog->table->arena;
    bm__table_column *column = bm__catalog_column(catalog);
    if (column == NULL) {
        return bm__no_memory(err);
    }
    const char *named = bm__arena_copy(arena, name, strlen(name));
    column->type = bm__arena_copy(arena, declared, strlen(declared));
    column->name = named != NULL ? named : "";
    column->oid = oid;
    return named != NULL && column->type != NULL ? BM_OK : bm__no_memory(err);
}

static const char no_columns[] = "the query returns no columns: expected a SELECT";

/* Before anything is sent: SQLite carries a PRAGMA out while it only parses it. */
static bm_status check_query(const bm__query *query, bm_error *err)
{
    if (query->size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, "%s", no_columns);
    }
    if (query->verb != NULL && query->verb_size == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, "expected a SELECT");
    }
    if (query->verb != NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                        query->verb == query->text ? "expected a SELECT: the query begins with %.*s"
                                                   : "expected a SELECT: after WITH comes %.*s",
                        query->verb_size, query->verb);
    }
    return query->several ? bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, BM__SEVERAL_STATEMENTS)
                          : BM_OK;
}

bm_status bm__catalog_begin_query(bm__catalog *catalog, const bm__engine *engine,
                                  const bm_model *model, const char *query, bm__step *step,
                                  bm_error *err)
{
    assert(query != NULL);
    *catalog = (bm__catalog){.engine = engine, .model = model, .query = query};
    *step = (bm__step){.kind = BM__STEP_DESCRIBE, .column = add_column, .context = catalog};
    const bm__query found = bm__query_of(engine->dialect, query);
    BM_TRY(check_query(&found, err));
    catalog->unites = found.unites;
    step->sql = bm__arena_copy(&catalog->arena, found.text, found.size);
    catalog->table = calloc(1, sizeof *catalog->table);
    if (catalog->table == NULL || step->sql == NULL) {
        return bm__no_memory(err);
    }
    catalog->table->kind = BM__QUERY;
    catalog->table->fingerprint = "";
    return bm__catalog_named(catalog, err);
}

bm_status bm__catalog_query_types(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    assert(catalog->query != NULL && catalog->n_typed == 0);
    if (catalog->table->n_columns == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, "%s", no_columns);
    }
    *step = (bm__step){.kind = BM__STEP_EXEC, .expect = BM__EXPECT_ROWS, .context = catalog};
    return catalog->engine->ask_types(catalog, step, err);
}

bm_status bm__catalog_query_typed(const bm__catalog *catalog, bm_error *err)
{
    return catalog->n_typed == catalog->table->n_columns
               ? BM_OK
               : bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG,
                          "unexpected answer about the query's types");
}

bm_status bm__catalog_end(bm__catalog *catalog, bm__table **out, bm_error *err)
{
    const bm_model *model = catalog->model;
    *out = NULL;
    if (catalog->table->n_columns == 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG, "there is no table \"%s%s%s\"",
                        model->schema != NULL ? model->schema : "",
                        model->schema != NULL ? "\".\"" : "", model->table);
    }
    if (strcmp(catalog->table->name, model->table) != 0) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CATALOG,
                        "the table's name is too long for the server: it found \"%s\"",
                        catalog->table->name);
    }
    *out = catalog->table;
    catalog->table = NULL;
    bm__catalog_free(catalog);
    return BM_OK;
}
