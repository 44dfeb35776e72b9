/*
 * An engine: what a kind of server can do, how it is asked what a table is, and how a block of rows
 * stands in its statements.  Code asks for a fact, never for an engine's name; a transport carries
 * the statements (transport.h).
 */
#ifndef BM_ENGINES_ENGINE_H
#define BM_ENGINES_ENGINE_H

#include "batch.h"
#include "format.h"
#include "statement.h"
#include "step.h"

#define BM__COMMIT_SQL_MAX 512
#define BM__TEAM_SQL_MAX 2048

struct bm__catalog;
struct bm__constraint;
struct bm__table;
struct bm__table_column;

/* How an engine without a binary format stores values. */
typedef struct bm__storage {
    /* Can a member of this form be stored?  BM_UNSUPPORTED, by name, where it cannot. */
    bm_status (*resolve)(bm_type type, bm_layout layout, size_t width, bm_error *err);

    /* Can every cell of the batch be?  The error names row (of the batch) and column. */
    bm_status (*check)(const bm__batch *batch, bm_error *err);

    /* A cell as it is stored; text that is made goes to `scratch`.  NULL, or the reason why it
     * cannot be. */
    const char *(*value)(bm_type type, bm_layout layout, size_t width, const void *cell,
                         char scratch[BM__PRINT_MAX], bm__cell *out);

    /* A value that came back, into a member; NULL, or the reason why it does not go there. */
    const char *(*read)(bm_type type, bm_layout layout, size_t width, const bm__cell *cell,
                        void *member, bm__arena *arena);

    /* Append the cell, or NULL, as a literal of the engine's SQL; NULL: cells are bound. */
    bm_status (*literal)(bm_type type, bm_layout layout, size_t width, const void *cell,
                         bm__buffer *out, bm_error *err);
} bm__storage;

/* What another connection is asked of a transaction whose COMMIT was not answered. */
typedef struct bm__commit_sql {
    /* One row of two texts, the transaction's id (NULL: it wrote nothing) and the server's process:
     * behind BEGIN, where they give the transaction its id; with the RELEASE of a call's savepoint;
     * and asked for at any time. */
    const char *after_begin;
    const char *release_call;
    const char *told;

    /* One text: "committed", "aborted", "in progress"; or another, where it cannot be said. */
    void (*ask)(char out[BM__COMMIT_SQL_MAX], uint64_t id);

    /* End the server's process, where that transaction is still its own, unless it waits for a
     * standby: then it has committed here, and would say so too early. */
    void (*end)(char out[BM__COMMIT_SQL_MAX], uint64_t id, int backend);
} bm__commit_sql;

/*
 * What the workers of one call have in common on a server.  Whoever asks it then knows that these
 * transactions wait for each other before they commit, which the server does not.
 */
typedef struct bm__team_sql {
    /* One boolean: may the server let transactions fail each other at COMMIT? */
    const char *serializable;

    /* Take part in the call `team`, until the transaction ends. */
    void (*join)(char out[BM__TEAM_SQL_MAX], uint32_t team);

    /* One boolean: does the call wait for itself?  A worker that waits in the server, for one of
     * its own call, or for a session or another call that waits for this one, waits for ever.  Of
     * the calls in such a circle that have somebody to ask, one is told: the highest number. */
    void (*entangled)(char out[BM__TEAM_SQL_MAX], uint32_t team);
} bm__team_sql;

/* When rows are looked up one by one. */
typedef struct bm__hint_limits {
    size_t least; /* the planner believes that the table has between `least` and `most` rows */
    size_t most;
    const char *column; /* ... and a unique index of this column alone */
    bool either;        /* ... or by a filter: what is looked up is then hashed, not looped over */
    bool keep;          /* what was set is kept until `unhint`, in settings of our own */
} bm__hint_limits;

typedef struct bm__engine {
    const char *name;
    const char *urls;                 /* the URLs that mean it, for a message; NULL: none does */
    bool (*accepts)(const char *url); /* NULL where `urls` is */

    /* Facts. */
    bool reads_batch;       /* a statement reads the batch itself; else it takes array parameters */
    bool returns_keys;      /* RETURNING gives the keys of an INSERT, which rise with its rows */
    bool has_copy;          /* LOAD and UNLOAD */
    bool draws_keys;        /* behind the highest key that there can be it draws lots */
    bool has_privileges;    /* a role may be refused to read what it writes */
    bool one_writer;        /* never more than one connection writes */
    bool has_arrays;        /* many values come back as one */
    bool sets_lock_timeout; /* it is a setting of the transaction */
    size_t small_rows;      /* a create of up to so many rows is one statement, not a COPY */
    size_t hint_rows;       /* a statement on fewer rows never tells the planner what to do */
    size_t load_rows;       /* rows of a chunk that is a COPY */
    size_t exec_rows;       /* rows of a chunk that is a statement */
    size_t lookup_rows;     /* ... that looks each of its rows up in an index */
    size_t stream_rows;     /* rows that are pulled from a stream at once, at most */

    /* How values go and come: one of the two. */
    const bm__format *format;
    const bm__storage *storage;

    /* The catalog: fill the step that asks for a table.  NULL: a table is as the model says. */
    bm_status (*ask)(struct bm__catalog *catalog, bm__step *step, bm_error *err);

    /* Fill the step that asks for the stage of a table of other servers (catalog->staged); NULL:
     * there are none. */
    bm_status (*ask_stage)(struct bm__catalog *catalog, bm__step *step, bm_error *err);

    /* The same, the statements that make one; catalog->text gets them. */
    bm_status (*ask_stage_sql)(struct bm__catalog *catalog, bm__step *step, bm_error *err);

    /* Fill the step that asks for the types of a query's columns (catalog->table, catalog->query),
     * of which the names are known; step->sql stays NULL where nothing is to be asked.
     * `types_run`: to answer, the query is run, which only bm_describe_query needs. */
    bm_status (*ask_types)(struct bm__catalog *catalog, bm__step *step, bm_error *err);
    bool types_run;

    /* The same, whether it is still the table that is known; NULL: it cannot be asked. */
    bm_status (*ask_same)(struct bm__catalog *catalog, bm__step *step, bm_error *err);

    /* Fill the step that asks for the constraints of the table: its rows are for
     * bm__constraints_push.  And the error of a row that breaks one, in the server's words.  NULL:
     * they cannot be asked. */
    bm_status (*constraints)(struct bm__catalog *catalog, bm__step *step, bm_error *err);
    void (*refuse)(const struct bm__constraint *constraint, const char *table, bm_error *err);

    /* Settings of the session for a statement that looks up each row of a batch; they end with its
     * savepoint, which is rolled back.  NULL: none. */
    const char *lookup_settings;

    /* The statement that gives the table's fingerprint again (one row, one text), in the arena; its
     * only parameter is the text `*quoted`.  NULL: there is none. */
    bm_status (*verify)(const struct bm__table *table, bm__arena *arena, const char **sql,
                        const char **quoted, bm_error *err);

    /* The type whose member holds the column's values; BM_ENUM for what is read from text. */
    bm_type (*type_of)(const struct bm__table_column *column);

    /* What an error of the engine's own says, beside its status: the table may not be what is known
     * of it; nor would its fingerprint show that; a call that failed so may succeed when it is made
     * again; there is no such schema.  NULL: never. */
    bool (*says_stale)(const bm_error *err);
    bool (*says_moved)(const bm_error *err);
    bool (*says_passing)(const bm_error *err);
    bool (*says_no_schema)(const bm_error *err);

    /* The error of a table's shard becomes that of the table.  NULL: there are no shards. */
    void (*of_shard)(bm_error *err);

    /* Is it the server's function that assigns an integer to a smaller one?  NULL: none does. */
    bool (*narrows)(const char *routine);

    /* Statements: how a block of rows stands in them, and those that not every engine has. */
    const bm__dialect *dialect;
    void (*copy_in)(bm__sql *sql, const bm__sql_shape *shape);

    /* `plain`: the table may be copied by its name (an ordinary table, nothing is read as text). */
    void (*copy_out)(bm__sql *sql, const bm__sql_shape *shape, const bm__sql_output *outputs,
                     size_t n, bool plain);

    /* Keys ahead of the write: n values of an expression as a type, n being the parameter, a row
     * each or the bytes of an array of all; or the largest integer in use for a key, of the column
     * and of the engine's own books (`sequence`). */
    void (*reserve)(bm__sql *sql, const char *expression, const char *type, bool array);
    void (*highest)(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool sequence);

    /* Check the transaction's deferred constraints, at least those of the table: it fails where one
     * does not hold.  What is written afterwards may be checked at once, too.  NULL: nothing is
     * deferred, or it cannot be asked. */
    void (*settle)(bm__sql *sql, const bm__sql_shape *shape);

    /* The next value of the own sequence of shape.proof_key. */
    void (*own_key)(bm__sql *sql, const bm__sql_shape *shape);

    /* Rows are looked up one by one, where the planner's statistics of the table (its quoted name
     * is the parameter) say that it would do so: the first column of the answer, 0 or 1.  All ends
     * with the transaction. */
    void (*hint)(bm__sql *sql, const bm__hint_limits *limits);
    void (*unhint)(bm__sql *sql, const bm__hint_limits *limits);

    /* Joins of tables on other servers are carried out there, however dear they look; and what was
     * set is as it was.  All ends with the transaction. */
    void (*join_there)(bm__sql *sql, bool keep);
    void (*join_here)(bm__sql *sql);

    /* A row of two texts, why and the SQLSTATE, where the transaction, or one that begins now,
     * cannot write.  Asked where bm__server.read_only is set.  NULL: what writes says so. */
    const char *read_only;

    /* From now on the transaction, or the savepoint in it, cannot write; what a query did to the
     * session is rolled back with it.  NULL: there is no such statement; what would write to a
     * table is refused when it is described. */
    const char *set_read_only;

    const bm__commit_sql *commits;
    const bm__team_sql *team;

    /* A row where the sequence that `column` owns is below the column's largest value; with `move`
     * it is moved there.  NULL: keys are counted on without help. */
    void (*sequence)(bm__sql *sql, const bm__sql_shape *shape, const char *column, bool move);

    /* There is no TRUNCATE, and DELETE does more.  What it would do it to: (name) of each other
     * table with a foreign key to this one, and (name, text) of each trigger of this one; and is
     * that one on DELETE?  Yes where it is not understood. */
    void (*truncate_reaches)(bm__sql *sql, const bm__sql_shape *shape);
    bool (*is_delete_trigger)(const char *text);
} bm__engine;

#define BM__ENGINE(name_) extern const bm__engine bm__engine_##name_;
#include "engines.def"
#undef BM__ENGINE

/* The engine of this name, and that which a URL means; NULL when there is none. */
const bm__engine *bm__engine_named(const char *name);
const bm__engine *bm__engine_of_url(const char *url);

/* The URLs that mean an engine, in words. */
void bm__engine_urls(char *out, size_t size);

#endif
