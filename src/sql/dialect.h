/* How an engine's SQL differs from that of others: what the statements here are printed with. */
#ifndef BM_SQL_DIALECT_H
#define BM_SQL_DIALECT_H

#include "quoting.h"

struct bm__sql_shape;

typedef struct bm__dialect {
    /* Operators, with blanks around them. */
    const char *equal;
    const char *not_equal;
    const char *bits;    /* and, bit by bit */
    const char *integer; /* behind a literal of 64 bits */
    const char *ordinal; /* of a row of v, from 0 */
    const char *as_text; /* behind a column that is read as text */
    const char *image;   /* between two rows whose stored bytes differ; NULL: values are compared
                            one by one */
    const char *record;  /* behind each of the two */
    const char *differs; /* between two values, where there is no `image` */
    const char *binary;  /* behind the second of them */

    const char *count;     /* the number of rows */
    const char *temporary; /* the schema of tables that end with the connection */
    const char *lock;      /* behind a SELECT of rows `t` that are to be written; or NULL */
    const char *fence;     /* behind a lookup that is planned by itself, row by row; or NULL */
    const char *join;      /* UPDATE joins the batch to its table by this, the batch first; or NULL:
                              it has a FROM */
    const char *clock;     /* seconds since 1970, now, also inside a transaction; or NULL */
    const char *escapes;   /* before a literal in which a backslash is written twice; or NULL */

    char quote;          /* of names; 0: " */
    bool dollar_quotes;  /* it has $$, E'', comments in comments, and no names in [] */
    bool insert_ignore;  /* INSERT IGNORE is its word for a conflict that ignores the row */
    bool binds_rows;     /* there is no v: a statement is for one row, whose cells are bound; with
                            `join` so is INSERT alone */
    bool batch_has_all;  /* values that are one for all rows are cells of v, too */
    bool sorts_keys;     /* an INSERT makes keys in the order of its rows only if it sorts them */
    bool where_conflict; /* a source of rows is followed by WHERE, before ON CONFLICT */
    bool deletes_in;     /* DELETE knows no source of rows but a subquery */

    /* The batch as a table v, behind FROM: columns c0, c1, ...; with `ordinality` also v.ord. */
    void (*source)(bm__sql *sql, const struct bm__sql_shape *shape, bool ordinality);

    /* The cell of column i. */
    void (*cell)(bm__sql *sql, const struct bm__sql_shape *shape, size_t i);

    /* The row's column i is among the cells of column i; or NULL. */
    void (*among)(bm__sql *sql, const struct bm__sql_shape *shape, size_t i);

    /* An INSERT that gives (ord, inserted, key ...) of each row that was written; or NULL. */
    void (*insert_ord_keys)(bm__sql *sql, const struct bm__sql_shape *shape);

    /* shape.proof as a condition; or NULL. */
    void (*proof)(bm__sql *sql, const struct bm__sql_shape *shape);
} bm__dialect;

#endif
