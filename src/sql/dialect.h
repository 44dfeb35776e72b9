/* What an engine can do, as data.  Code asks a dialect, never for an engine's name. */
#ifndef BM_SQL_DIALECT_H
#define BM_SQL_DIALECT_H

#include "bulkmodel.h"

typedef struct bm__dialect {
    const char *name;
    bool reads_batch;   /* a statement reads the batch itself; else it takes array parameters */
    bool binds_rows;    /* a statement is written for one row, whose cells the driver binds */
    bool returns_keys;  /* RETURNING gives the keys of an INSERT, which rise with its rows */
    bool has_copy;      /* LOAD and UNLOAD */
    bool has_catalog;   /* false: a table is taken to be as the model says */
    bool one_writer;    /* never more than one connection writes */
    bool stores_lite;   /* cells go and come as lite/ has them; else as pg/ has them */
    bool has_hints;     /* PostgreSQL's planner settings */
    bool defers;        /* constraints may be deferred, and made immediate */
    bool has_arrays;    /* many values come back as one */
    bool tells_commits; /* another connection may ask what became of a transaction */
    size_t small_rows;  /* a create of up to so many rows is one statement, not a COPY */
    size_t hint_rows;   /* a statement on fewer rows never tells the planner what to do */
    size_t load_rows;   /* rows of a chunk that is a COPY */
    size_t exec_rows;   /* rows of a chunk that is a statement */
    size_t stream_rows; /* rows that are pulled from a stream at once, at most */
} bm__dialect;

/* The dialect of a transport's name; NULL when there is none. */
const bm__dialect *bm__dialect_named(const char *name);

#endif
