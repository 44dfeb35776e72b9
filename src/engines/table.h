/* What the server says of a table, as data. */
#ifndef BM_ENGINES_TABLE_H
#define BM_ENGINES_TABLE_H

#include "engine.h"

typedef struct bm__table_column {
    const char *name;
    uint32_t oid;      /* of the type; of the base type, for a domain */
    uint32_t element;  /* of an array's elements' base type, else 0 */
    int32_t typmod;    /* -1: none */
    char kind;         /* pg_type.typtype of the column's own type; 'e': its bytes are text */
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
    uint32_t temporal; /* the temporal keys (WITHOUT OVERLAPS) that it is in, a bit each */
    bool rowid;        /* SQLite: INTEGER PRIMARY KEY, which the engine assigns */
} bm__table_column;

/* Of the stage of a table of other servers: a table like it, on the same servers, to which rows are
 * sent so that each server joins its own.  Names are as SQL writes them, those of 'h' and 'p' are
 * not quoted. */
typedef struct bm__stage_line {
    char kind;         /* 's' the stage; 'l' a part of the table, on another server; 'h' one that is
                          here; 'p' a column that divides rows among the parts */
    const char *name;  /* of it */
    const char *other; /* 's': letters of what this role may do to all parts, 'u' update and 'd'
                          delete; 'l': the part's stage; 'h': its schema */
    const struct bm__stage_line *next;
} bm__stage_line;

/* The kind of a table that is the rows of a query. */
#define BM__QUERY 'q'
#define BM__TWICE_IN_QUERY "the query has two columns \"%s\": give one another name with AS"

typedef struct bm__table {
    bm__arena arena;
    const char *schema; /* where it was found; NULL on SQLite's main */
    const char *name;
    char kind;     /* pg_class.relkind: r table, p partitioned, v view, f foreign ... */
    bool children; /* tables that inherit from it */
    bool rules;
    bool row_security;   /* active for this role */
    bool insert_trigger; /* BEFORE or INSTEAD OF, for each row */
    bool may_ignore; /* SQLite: a trigger, or the table's own ON CONFLICT, may leave a row out */
    bool foreign;    /* it, or a partition of it, is a table of another server */
    const bm__stage_line *stage; /* in no order; NULL: there is none */
    char citus;          /* how Citus distributes it: 'h' by hash, 'n' not at all; 0: no Citus */
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

/* Free.  NULL is legal. */
void bm__table_free(bm__table *table);

/* A table that is as the model says, for a driver that knows its tables and asks nothing: a key
 * that the database assigns is the rowid (SQLite), or known only when it is made (PostgreSQL). */
bm_status bm__table_of_model(const bm__engine *engine, const bm_model *model, bm__table **out,
                             bm_error *err);

#endif
