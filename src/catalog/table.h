/* What the server says of a table, as data. */
#ifndef BM_CATALOG_TABLE_H
#define BM_CATALOG_TABLE_H

#include "arena.h"
#include "dialect.h"
#include "step.h"

typedef struct bm__table_column {
    const char *name;
    uint32_t oid;      /* of the type; of the base type, for a domain */
    uint32_t element;  /* of an array's elements' base type, else 0 */
    int32_t typmod;    /* -1: none */
    char kind;         /* pg_type.typtype of the column's own type */
    char element_kind; /* the same of the element */
    const char *type;  /* its base type as SQL writes it, without typmod: a cast cuts nothing */
    const char *equal; /* the operator of its btree class, or NULL: pg_catalog's = */
    bool not_null;
    bool generated;          /* never written */
    bool hidden;             /* SQLite: of a virtual table, and not one of its * */
    char identity;           /* 'a' always, 'd' by default, 0 none */
    const char *default_sql; /* an expression, or NULL */
    bool volatile_default;   /* the default calls something: values differ from row to row */
    bool may_reserve;        /* this role may draw values of the default, and write them */
    bool primary_key;
    bool rowid; /* SQLite: INTEGER PRIMARY KEY, which the engine assigns */
} bm__table_column;

typedef struct bm__table {
    bm__arena arena;
    const char *schema; /* where it was found; NULL on SQLite's main */
    const char *name;
    char kind;     /* pg_class.relkind: r table, p partitioned, v view, f foreign ... */
    bool children; /* tables that inherit from it */
    bool rules;
    bool row_security;   /* active for this role */
    bool insert_trigger; /* BEFORE or INSTEAD OF, for each row */
    bool self_reference; /* a foreign key to itself */
    bool sequences;      /* SQLite: the file has a sqlite_sequence */
    double estimated_rows;
    const char *fingerprint; /* changes when a column's type does */
    bm__table_column *columns;
    size_t n_columns;
} bm__table;

/* NULL when there is none.  Names are compared as bytes: what the server would cut off is not
 * found. */
const bm__table_column *bm__table_find(const bm__table *table, const char *column);

/* The type whose member holds the column's values; BM_ENUM for what is read from text. */
bm_type bm__table_type(const bm__dialect *dialect, const bm__table_column *column);

/* Free.  NULL is legal. */
void bm__table_free(bm__table *table);

/* A table that is as the model says, for a driver that knows its tables and asks nothing: a key
 * that the database assigns is the rowid (SQLite), or known only when it is made (PostgreSQL). */
bm_status bm__table_of_model(const bm__dialect *dialect, const bm_model *model, bm__table **out,
                             bm_error *err);

/* ---- asking: a step, its rows, a table */

typedef struct bm__catalog {
    const bm__dialect *dialect;
    const bm_model *model;
    bm__table *table;   /* under construction; owned */
    bm__arena arena;    /* of the question */
    const char *quoted; /* the table's name, as text for to_regclass */
    bm__param params[1];
    bm__view views[2]; /* the batch that asks SQLite: table and schema */
    const char *cells[2];
    bm__batch batch;
    size_t capacity;
    const bm__table *known;
    bool same; /* the answer about `known` */
} bm__catalog;

/* Begin to ask for the model's table; *step is what to perform (EXEC).  Where the dialect has no
 * catalog the table is made from the model, and step->sql is NULL: nothing is to be performed. */
bm_status bm__catalog_begin(bm__catalog *catalog, const bm__dialect *dialect, const bm_model *model,
                            bm__step *step, bm_error *err);

/* After the step succeeded: the table, owned by the caller.  BM_INVALID where there is no such
 * table, or a field that it has no column for (checked by the verbs for what they touch). */
bm_status bm__catalog_end(bm__catalog *catalog, bm__table **out, bm_error *err);

/* Begin to ask, with a fraction of the work, whether the model's table is still `known`: `same`
 * says so after the step succeeded.  A dialect that cannot ask has no step->sql, and never says
 * so. */
bm_status bm__catalog_begin_same(bm__catalog *catalog, const bm__dialect *dialect,
                                 const bm_model *model, const bm__table *known, bm__step *step,
                                 bm_error *err);

/* Free what is left of the question.  A zeroed or ended one is legal. */
void bm__catalog_free(bm__catalog *catalog);

/* The statement that gives the fingerprint again (one row, one text), in the plan's arena; its only
 * parameter is the text `*quoted`. */
bm_status bm__catalog_verify(const bm__table *table, bm__arena *arena, const char **sql,
                             const char **quoted, bm_error *err);

#endif
