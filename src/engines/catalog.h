/* Asking what a table is: a step, its rows, a table. */
#ifndef BM_ENGINES_CATALOG_H
#define BM_ENGINES_CATALOG_H

#include "table.h"

typedef struct bm__catalog {
    const bm__engine *engine;
    const bm_model *model;
    bm__table *table;  /* under construction; owned */
    bm__table *staged; /* which gets the lines of its stage */
    bm__buffer *text;  /* the statements that make a stage go here, under a heading a server */
    const char *section;
    bm__arena arena;    /* of the question */
    const char *quoted; /* the table's name, as text for to_regclass */
    bm__param params[1];
    bm__view views[2]; /* the batch that asks SQLite: table and schema */
    const char *cells[2];
    bm__batch batch;
    size_t capacity;
    const char *query; /* whose columns are the table's */
    bool unites;       /* ... and it has a UNION */
    size_t n_typed;    /* columns of it whose type is known */
    const bm__table *known;
    bool same; /* the answer about `known` */
} bm__catalog;

/* Begin to ask for the model's table; *step is what to perform (EXEC).  Where the engine has no
 * catalog the table is made from the model, and step->sql is NULL: nothing is to be performed. */
bm_status bm__catalog_begin(bm__catalog *catalog, const bm__engine *engine, const bm_model *model,
                            bm__step *step, bm_error *err);

/* After the step succeeded: the table, owned by the caller.  BM_INVALID where there is no such
 * table, or a field that it has no column for (checked by the verbs for what they touch). */
bm_status bm__catalog_end(bm__catalog *catalog, bm__table **out, bm_error *err);

/* Begin to ask, with a fraction of the work, whether the model's table is still `known`: `same`
 * says so after the step succeeded.  An engine that cannot ask has no step->sql, and never says
 * so. */
bm_status bm__catalog_begin_same(bm__catalog *catalog, const bm__engine *engine,
                                 const bm_model *model, const bm__table *known, bm__step *step,
                                 bm_error *err);

/* Begin to ask for the stage of this table; its lines are added to it.  The engine can say them. */
bm_status bm__catalog_begin_stage(bm__catalog *catalog, const bm__engine *engine,
                                  const bm_model *model, bm__table *table, bm__step *step,
                                  bm_error *err);

/* Begin to ask for the statements that make a stage of the model's table; they are added to `text`.
 * The engine can say them. */
bm_status bm__catalog_begin_stage_sql(bm__catalog *catalog, const bm__engine *engine,
                                      const bm_model *model, bm__buffer *text, bm__step *step,
                                      bm_error *err);

/* Begin to ask for the constraints of the model's table (bm__constraints_push takes the rows); the
 * engine can say them. */
bm_status bm__catalog_begin_constraints(bm__catalog *catalog, const bm__engine *engine,
                                        const bm_model *model, bm__step *step, bm_error *err);

/*
 * Begin to ask for the columns of the rows that a query gives: they become the columns of a table
 * of kind BM__QUERY, called as the model's.  The step is a DESCRIBE.  After it
 * bm__catalog_query_types fills the step that asks what their types are; step->sql NULL: that is
 * known.
 */
bm_status bm__catalog_begin_query(bm__catalog *catalog, const bm__engine *engine,
                                  const bm_model *model, const char *query, bm__step *step,
                                  bm_error *err);
bm_status bm__catalog_query_types(bm__catalog *catalog, bm__step *step, bm_error *err);

/* After that step: each column has its type. */
bm_status bm__catalog_query_typed(const bm__catalog *catalog, bm_error *err);

/* Free what is left of the question.  A zeroed or ended one is legal. */
void bm__catalog_free(bm__catalog *catalog);

/* ---- for the engines: catalog_build.c, model_table.c */

/* The next column of the table under construction, zeroed, or NULL when there is no memory. */
bm__table_column *bm__catalog_column(bm__catalog *catalog);

/* A text cell as a string of the table's arena; "" for NULL; NULL when there is no memory. */
const char *bm__catalog_text(bm__catalog *catalog, const bm__cell *cell);

/* The table is called as the model calls it.  The names are copied: a table is known for longer
 * than the model that it was asked for. */
bm_status bm__catalog_named(bm__catalog *catalog, bm_error *err);
bm_status bm__catalog_from_model(bm__catalog *catalog, bm_error *err);

#endif
