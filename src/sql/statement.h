/*
 * Statements over a batch, which every engine shows as a table v: columns c0, c1, ... are the
 * chunk's columns, v.ord is the row's number in the chunk.  PostgreSQL: unnest of one array
 * parameter a column, WITH ORDINALITY; SQLite: the virtual table bulkmodel_batch.  Where rows are
 * bound (dialect.binds_rows) there is no v: cell i of the row is ?<number>, and the driver says it
 * once a row.  No literal of a row ever stands in the text.
 */
#ifndef BM_SQL_STATEMENT_H
#define BM_SQL_STATEMENT_H

#include "engine.h"
#include "text.h"

/* One column of the batch, c<i> where i is its place in bm__sql_shape.columns. */
typedef struct bm__sql_column {
    const char *name;  /* of the table's column, or NULL: flags and masks have none */
    const char *type;  /* PostgreSQL: the element type of its array parameter */
    const char *cast;  /* PostgreSQL: the cell is cast to this type, or NULL */
    const char *equal; /* PostgreSQL: its operator, or NULL: pg_catalog's = */
    bool scalar;       /* one value for all rows, a parameter of its own type */
    bool untyped;      /* ... of the type of the column that it goes to: text, and labels */
    bool written;      /* it is among the columns that the statement writes */
    bool key;          /* rows are found by it */
    bool made;         /* PostgreSQL: not in the batch, made by `default_sql` in the statement */
    const char *default_sql; /* the column's default, for `made` and for cells with a flag */
    size_t flag;             /* column of flags: true where the cell is to be the default */
    size_t mask;             /* column of mask words: the cell is written where `bit` is set */
    unsigned bit;
} bm__sql_column;

#define BM__NO_COLUMN SIZE_MAX

typedef enum bm__sql_conflict {
    BM__CONFLICT_ERROR = 0,
    BM__CONFLICT_NOTHING,
    BM__CONFLICT_UPDATE
} bm__sql_conflict;

typedef enum bm__sql_returning {
    BM__RETURN_NOTHING = 0,
    BM__RETURN_ORDINALS, /* (ord) of each row that was hit: update, delete */
    BM__RETURN_ORD_KEYS, /* (ord, inserted, key ...) of each row that was written: create */
    BM__RETURN_KEYS      /* (key ...) in the order of the rows, as far as the engine gives one */
} bm__sql_returning;

/* What holds of the table, or no row is written; or-ed together (PostgreSQL, proof.c).  Always: it
 * has no rules. */
enum {
    BM__PROOF_NOTHING = 0,
    BM__PROOF_TABLE = 1,  /* ... and no more */
    BM__PROOF_OWN = 2,    /* the key's default is its own sequence */
    BM__PROOF_RISING = 4, /* ... whose values rise, for ever */
    BM__PROOF_DRAWN = 8,  /* ... which this role may draw from, and may write the key */
    BM__PROOF_UNTOUCHED =
        16 /* it is an ordinary table, and no trigger changes rows before INSERT */
};

/* What a statement is made from. */
typedef struct bm__sql_shape {
    const bm__engine *engine;
    const char *schema; /* or NULL */
    const char *table;
    const bm__sql_column *columns;
    size_t n_columns;
    bm__sql_conflict conflict;
    const size_t *unique; /* columns of the conflict target */
    size_t n_unique;
    const size_t *update; /* columns that a conflict updates */
    size_t n_update;
    bool key_tells;  /* a row was inserted where its key is the one made for it; else by xmax */
    bool no_xmax;    /* the table has none to ask: `inserted` is false for all */
    bool lone;       /* PostgreSQL, create: one row, and all its columns are scalar */
    bool overriding; /* OVERRIDING SYSTEM VALUE: identity columns that are ALWAYS */
    bm__sql_returning returning;
    const char *filter; /* update, copy_out: a further condition on the rows `t`, as SQL; or NULL */
    bool fenced;        /* ... of rows that are looked up: the planner finds none by it */
    const char *order;  /* copy_out: the order of the rows, as SQL; or NULL */
    unsigned proof;     /* create: BM__PROOF_..., or nothing is written */
    const char *proof_key; /* ... of this column */
} bm__sql_shape;

/* COPY t (columns that are written) FROM STDIN (FORMAT binary). */
void bm__sql_copy_in(bm__sql *sql, const bm__sql_shape *shape);

void bm__sql_insert(bm__sql *sql, const bm__sql_shape *shape);

/* PostgreSQL, of a table that nobody asked about: shape.proof as a condition; and the next value of
 * the own sequence of shape.proof_key. */
void bm__sql_proof(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_ask_proof(bm__sql *sql, const bm__sql_shape *shape); /* as a statement */
void bm__sql_own_key(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_update(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_delete(bm__sql *sql, const bm__sql_shape *shape);

/* Rows of the batch that are in the table by `by` (columns): (ord), or with `keys`
 * (ord, false, key ...). */
void bm__sql_present(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by,
                     bool keys);

/* The first row of the batch for each row of the table that the batch names by `by`: (ord). */
void bm__sql_first(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by);

/* One column to read. */
typedef struct bm__sql_output {
    const char *name;
    bool as_text;
    bool order; /* all rows: they come in the order of the columns that have this */
} bm__sql_output;

/* All rows of the table: COPY (or SELECT) of the outputs.  `plain`: the table may be copied by its
 * name (an ordinary table, no text casts). */
void bm__sql_copy_out(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                      size_t n, bool plain);

/* The rows that the batch's keys name, in the order of the batch: (ord, outputs ...). */
void bm__sql_select_keys(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                         size_t n);

/* n values of an expression as a type, n being the parameter: keys to give to rows.  A row each, or
 * the bytes of an array of all. */
void bm__sql_reserve(bm__sql *sql, const char *expression, const char *type, bool array);

/* When rows are looked up one by one. */
typedef struct bm__sql_limits {
    size_t least; /* the planner believes that the table has between `least` and `most` rows */
    size_t most;
    const char *column; /* ... and a unique index of this column alone */
    bool keep;          /* what was set is kept until bm__sql_unhint, in settings of our own */
} bm__sql_limits;

/* hint.c; PostgreSQL: rows are looked up one by one, where the planner's statistics of the table
 * (its quoted name is the parameter) say that it would do so: the first column of the answer, 0 or
 * 1.  All ends with the transaction. */
void bm__sql_hint(bm__sql *sql, const bm__sql_limits *limits);
void bm__sql_unhint(bm__sql *sql);

/* SQLite: the largest integer in use for a key: of the column, and of sqlite_sequence
 * (`sequence`). */
void bm__sql_highest(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool sequence);

#endif
