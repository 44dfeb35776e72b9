/*
 * Statements over a batch, which every engine shows as a table v: columns c0, c1, ... are the
 * chunk's columns, v.ord is the row's number in the chunk (dialect.h says how).  Where rows are
 * bound there is no v: each cell is a parameter, and the driver says it once a row.  No literal of
 * a row ever stands in the text.
 */
#ifndef BM_SQL_STATEMENT_H
#define BM_SQL_STATEMENT_H

#include "dialect.h"

/* One column of the batch, c<i> where i is its place in bm__sql_shape.columns. */
typedef struct bm__sql_column {
    const char *name;        /* of the table's column, or NULL: flags and masks have none */
    const char *type;        /* the element type of its array parameter, where it has one */
    const char *cast;        /* the cell is cast to this type, or NULL */
    const char *base;        /* the column's type without its limits, where the engine has any */
    const char *equal;       /* its operator, or NULL: the dialect's */
    bool scalar;             /* one value for all rows, a parameter of its own type */
    bool untyped;            /* ... of the type of the column that it goes to: text, and labels */
    bool written;            /* it is among the columns that the statement writes */
    bool key;                /* rows are found by it */
    bool as_text;            /* where it comes back as a key, it is read as text */
    bool made;               /* not in the batch, made by `default_sql` in the statement */
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

/* What holds of the table, or no row is written; or-ed together.  Always: it has no rules. */
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
    const bm__dialect *dialect;
    const char *schema; /* or NULL */
    const char *table;
    const bm__sql_column *columns;
    size_t n_columns;
    bm__sql_conflict conflict;
    const size_t *unique; /* columns of the conflict target */
    size_t n_unique;
    const size_t *update; /* columns that a conflict updates */
    size_t n_update;
    const size_t *compare; /* ... in rows of which one of these differs; none: in all */
    size_t n_compare;
    const char *where; /* ... that this selects, as SQL: `t` and `excluded`; or NULL */
    bool keeps;        /* rows that a conflict leaves as they are come back, too */
    bool only;         /* ... and are looked for in the table alone, not in those that inherit */
    bool triggered;    /* a trigger may change rows before INSERT */
    bool key_tells;    /* a row was inserted where its key is the one made for it; else by xmax */
    bool no_xmax;      /* the table has none to ask: `inserted` is false for all */
    bool lone;         /* create: one row, and all its columns are scalar */
    bool overriding;   /* OVERRIDING SYSTEM VALUE: identity columns that are ALWAYS */
    bm__sql_returning returning;
    const char *const *also; /* returning keys: further columns, returned after them */
    size_t n_also;
    const char
        *filter; /* update, select_all: a further condition on the rows `t`, as SQL; or NULL */
    bool fenced; /* the batch is a subquery of its own, which Citus sends once to each node */
    bool among;  /* ... of rows whose key is said twice: the planner may find them by either; a
                    DELETE says it so alone */
    const char *order;     /* select_all: the order of the rows, as SQL; or NULL */
    const char *query;     /* select_all: the rows of this query, as c0, c1, ...; or NULL */
    size_t n_query;        /* ... its columns */
    unsigned proof;        /* create: BM__PROOF_..., or nothing is written */
    const char *proof_key; /* ... of this column */
} bm__sql_shape;

void bm__sql_insert(bm__sql *sql, const bm__sql_shape *shape);

/* The columns to compare differ: `batch`: from the row of the batch, else from `excluded`. */
void bm__sql_put_differs(bm__sql *sql, const bm__sql_shape *shape, bool batch);

/* Rows of the batch that are in the table by shape.unique: (ord, they differ). */
void bm__sql_differing(bm__sql *sql, const bm__sql_shape *shape);

/* The key, in column `key`, of the row that is in the table by shape.unique; or NULL. */
void bm__sql_key_there(bm__sql *sql, const bm__sql_shape *shape, size_t key);

void bm__sql_update(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_delete(bm__sql *sql, const bm__sql_shape *shape);

/* A part of a table, and its stage: a table like it, on the same server; as SQL writes them.  Or
 * with `here` one that needs no stage: its name and its schema. */
typedef struct bm__sql_part {
    const char *table, *stage;
    bool here;
} bm__sql_part;

/* The batch goes into a stage: the columns that have a name, and bm_ord. */
void bm__sql_stage(bm__sql *sql, const bm__sql_shape *shape, const char *stage);

/* All rows go out of it. */
void bm__sql_stage_clean(bm__sql *sql, const char *stage);

/* An update or a delete of the rows that the stage has, or here the batch, each part for itself:
 * (ord). */
void bm__sql_staged(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_part *parts, size_t n,
                    bool update);

/* Rows of the batch that are in the table by `by` (columns): (ord), or with `keys`
 * (ord, false, key ...). */
void bm__sql_present(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by,
                     bool keys);

/* A constraint of which bm__sql_breaches says which rows of the batch break it. */
typedef enum bm__sql_rule_kind {
    BM__RULE_UNIQUE = 1,
    BM__RULE_REFERENCE, /* the target has a row with these values */
    BM__RULE_SELF       /* ... or the batch has one, in the columns `provides` */
} bm__sql_rule_kind;

typedef struct bm__sql_rule {
    bm__sql_rule_kind kind;
    const char *target; /* the table, as SQL writes it */
    size_t n;
    const size_t *at;           /* columns of the batch ... */
    const size_t *provides;     /* SELF */
    const char *const *other;   /* ... and of the target */
    const char *const *equal;   /* operator between the two; NULL: the column's */
    const char *const *collate; /* behind a cell */
} bm__sql_rule;

/* What a row of bm__sql_breaches says: (ord, number of the rule, one of these, group). */
enum {
    BM__BREACH_ALWAYS = 0, /* whatever other rows of the batch there are */
    BM__BREACH_REPEATS,    /* its values are those of row `group`, which is before it */
    BM__BREACH_NEEDS,      /* only with a row before it, or itself, that provides for `group` */
    BM__BREACH_PROVIDES
};

/* The rows of the batch that break one of the rules, or do so with other rows. */
void bm__sql_breaches(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_rule *rules,
                      size_t n);

/* The first row of the batch for each row of the table that the batch names by `by`: (ord). */
void bm__sql_first(bm__sql *sql, const bm__sql_shape *shape, const size_t *by, size_t n_by);

/* One column to read. */
typedef struct bm__sql_output {
    const char *name;
    bool as_text;
    bool order; /* all rows: they come in the order of the columns that have this */
} bm__sql_output;

/* All rows of the table. */
void bm__sql_select_all(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                        size_t n);

/* The rows that the batch's keys name, in the order of the batch: (ord, outputs ...). */
void bm__sql_select_keys(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                         size_t n);

/* shape.proof, asked for by itself. */
void bm__sql_ask_proof(bm__sql *sql, const bm__sql_shape *shape);

/* All rows go; the planner's statistics are made anew. */
void bm__sql_delete_all(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_truncate(bm__sql *sql, const bm__sql_shape *shape);
void bm__sql_analyze(bm__sql *sql, const bm__sql_shape *shape);

#endif
