/*
 * An engine: what a kind of server can do, how it is asked what a table is, and how a block of rows
 * stands in its statements.  Code asks for a fact, never for an engine's name; a transport carries
 * the statements (transport.h).
 */
#ifndef BM_ENGINES_ENGINE_H
#define BM_ENGINES_ENGINE_H

#include "arena.h"
#include "step.h"

struct bm__catalog;
struct bm__table;
struct bm__table_column;

typedef struct bm__engine {
    const char *name;
    bool (*accepts)(const char *url); /* NULL: no URL means it */

    /* Facts. */
    bool reads_batch;   /* a statement reads the batch itself; else it takes array parameters */
    bool binds_rows;    /* a statement is written for one row, whose cells the driver binds */
    bool returns_keys;  /* RETURNING gives the keys of an INSERT, which rise with its rows */
    bool has_copy;      /* LOAD and UNLOAD */
    bool one_writer;    /* never more than one connection writes */
    bool stores_lite;   /* cells go and come as lite/ has them; else as pg/ has them */
    bool has_hints;     /* settings tell the planner how to find rows */
    bool defers;        /* constraints may be deferred, and made immediate */
    bool has_arrays;    /* many values come back as one */
    bool tells_commits; /* another connection may ask what became of a transaction */
    size_t small_rows;  /* a create of up to so many rows is one statement, not a COPY */
    size_t hint_rows;   /* a statement on fewer rows never tells the planner what to do */
    size_t load_rows;   /* rows of a chunk that is a COPY */
    size_t exec_rows;   /* rows of a chunk that is a statement */
    size_t stream_rows; /* rows that are pulled from a stream at once, at most */

    /* The catalog: fill the step that asks for a table.  NULL: a table is as the model says. */
    bm_status (*ask)(struct bm__catalog *catalog, bm__step *step, bm_error *err);

    /* The same, whether it is still the table that is known; NULL: it cannot be asked. */
    bm_status (*ask_same)(struct bm__catalog *catalog, bm__step *step, bm_error *err);

    /* The statement that gives the table's fingerprint again (one row, one text), in the arena; its
     * only parameter is the text `*quoted`.  NULL: there is none. */
    bm_status (*verify)(const struct bm__table *table, bm__arena *arena, const char **sql,
                        const char **quoted, bm_error *err);

    /* The type whose member holds the column's values; BM_ENUM for what is read from text. */
    bm_type (*type_of)(const struct bm__table_column *column);
} bm__engine;

#define BM__ENGINE(name_) extern const bm__engine bm__engine_##name_;
#include "engines.def"
#undef BM__ENGINE

/* The engine of this name, and that which a URL means; NULL when there is none. */
const bm__engine *bm__engine_named(const char *name);
const bm__engine *bm__engine_of_url(const char *url);

#endif
