/**
 * bulkmodel.h - write many rows: rows in as columns, one plan, bytes made once, any transport.
 *
 * Seven nouns: bm_db (a database, or a transaction on it), bm_model (a table and where its columns
 * stand in a row of C), bm_rows (a borrowed view of rows), bm_queryset (rows that the database is
 * known to hold), bm_result (what happened), bm_error (what went wrong) and, for every verb, its
 * options.  One form for every verb:
 *
 *     bm_status bm_VERB(bm_db *db, bm_rows rows, const bm_VERB_options *options,
 *                       bm_result *result, bm_error *err);
 *
 * `options`, `result` and `err` may be NULL; a NULL place for anything else that is given out is
 * BM_INVALID.  Structs that may grow begin with `size`; zero in any
 * other member means "the default".  Strings are NUL-terminated UTF-8 unless a length stands beside
 * them.  SPDX-License-Identifier: Apache-2.0
 */
#ifndef BULKMODEL_H
#define BULKMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BM_API __attribute__((visibility("default")))
#else
#define BM_API
#endif

#define BM_VERSION_MAJOR 0
#define BM_VERSION_MINOR 1
#define BM_VERSION_PATCH 0
#define BM_VERSION "0.1.0"

/** The version of the library that is running, as "0.1.0".  Static; never freed. */
BM_API const char *bm_version(void);

/* ------------------------------------------------------------------------------ status, error */

/** What a call returns, chosen by what the caller does next. */
typedef enum bm_status {
    BM_OK = 0,
    BM_INVALID,        /**< the call is wrong: mend the program */
    BM_UNSUPPORTED,    /**< right, but not on this engine, table or version */
    BM_CONVERT,        /**< a value does not fit its column: mend the row */
    BM_CONSTRAINT,     /**< the database refuses a row: unique, foreign key, check, not null */
    BM_RETRY,          /**< deadlock, serialization failure, busy: the same call may succeed */
    BM_CONNECTION,     /**< no connection, or it was lost before COMMIT was sent */
    BM_AUTH,           /**< the server refuses the user, the password or a privilege */
    BM_TIMEOUT,        /**< a deadline of the caller, of the library or of the server passed */
    BM_CANCELLED,      /**< the cancel token was set, or the server was asked to cancel */
    BM_NOMEM,          /**< no memory here */
    BM_LIMIT,          /**< a limit of the engine: row size, columns, connections, disk */
    BM_PARTIAL,        /**< some workers committed, some did not: see bm_result.parts */
    BM_COMMIT_UNKNOWN, /**< COMMIT was sent and its answer was lost */
    BM_DATABASE,       /**< any other error of the server: see sqlstate */
    BM_INTERNAL        /**< a defect of this library */
} bm_status;

/** The name of a status without its prefix, "CONSTRAINT".  Static; never NULL. */
BM_API const char *bm_status_name(bm_status status);

/** Where the rows of a failed call are. */
typedef enum bm_fate {
    BM_FATE_NOT_STARTED = 0,       /**< nothing was sent */
    BM_FATE_ROLLED_BACK,           /**< nothing of the call is in the table */
    BM_FATE_COMMITTED,             /**< all of the call is in the table */
    BM_FATE_PARTIAL,               /**< see bm_result.parts */
    BM_FATE_UNKNOWN,               /**< COMMIT was sent and its answer was lost */
    BM_FATE_IN_CALLERS_TRANSACTION /**< the call took its part back; the caller's transaction is as
                                      it was before the call */
} bm_fate;

/** The part of a call in which it failed. */
typedef enum bm_stage {
    BM_STAGE_CHECK = 0, /**< arguments, model against table */
    BM_STAGE_CONNECT,
    BM_STAGE_CATALOG,
    BM_STAGE_CONVERT, /**< a value into the column's bytes, or back */
    BM_STAGE_SOURCE,  /**< the caller's stream or sink */
    BM_STAGE_WRITE,
    BM_STAGE_READ,
    BM_STAGE_COMMIT
} bm_stage;

#define BM_NO_ROW SIZE_MAX

/**
 * What went wrong, where, in which row and column.  Owned by the caller, needs no allocation.  One
 * whose size is 0 is left alone: begin with BM_ERROR.  A call resets it first, so look at it before
 * the next call; within a call the first error wins.  Strings are cut to fit.  Where a constraint
 * is broken, `constraint` is its name (SQLite: its columns, "foo.name"), and `column` may be "".
 * Values of rows never stand in `message`; the server's DETAIL, which shows them, is copied only
 * where bm_call.error_detail is BM_ON.
 */
typedef struct bm_error {
    size_t size; /**< sizeof (bm_error); set by BM_ERROR */
    bm_status status;
    bm_stage stage;
    bm_fate fate;
    bool retryable;      /**< the same call, made again, may succeed */
    int native_code;     /**< SQLite's extended code; 0 elsewhere */
    size_t row;          /**< 0-based in the caller's rows, or BM_NO_ROW */
    size_t other_row;    /**< the second row of a pair of duplicates, or BM_NO_ROW */
    char sqlstate[8];    /**< five characters, or "" */
    char verb[24];       /**< "bulk_create" */
    char column[64];     /**< or "" */
    char constraint[64]; /**< or "" */
    char message[512];
    char detail[512];
} bm_error;

#define BM_ERROR_INIT                                                                              \
    {                                                                                              \
        sizeof(bm_error), BM_OK, BM_STAGE_CHECK, BM_FATE_NOT_STARTED, false, 0, BM_NO_ROW,         \
            BM_NO_ROW, "", "", "", "", "", ""                                                      \
    }

/* --------------------------------------------------------------------------------------- types */

/**
 * Column types, and the member of a C struct that holds each.  Variable types (TEXT .. BYTEA,
 * NUMERIC, JSON) stand as `const char *` (NUL-terminated; NULL is SQL NULL), as bm_slice (pointer
 * and length), or as `char[N]` (NUL-terminated when shorter than N); BYTEA only as bm_slice.
 */
typedef enum bm_type {
    BM_BOOL = 1,  /**< bool */
    BM_INT2,      /**< int16_t */
    BM_INT4,      /**< int32_t */
    BM_INT8,      /**< int64_t */
    BM_FLOAT4,    /**< float */
    BM_FLOAT8,    /**< double */
    BM_NUMERIC,   /**< text: "-12.50", "1e-7", "NaN"; every digit is sent, and a column with a scale
                       rounds, as PostgreSQL does; SQLite keeps what its NUMERIC affinity does */
    BM_TEXT,      /**< text, UTF-8, no NUL; also citext and other types read from text */
    BM_VARCHAR,   /**< text, UTF-8 */
    BM_CHAR,      /**< text, UTF-8; the database pads and compares as char(n) does */
    BM_BYTEA,     /**< bm_slice */
    BM_DATE,      /**< int32_t, days since 1970-01-01 (Gregorian, proleptic) */
    BM_TIME,      /**< int64_t, microseconds since midnight, 0 .. 86,400,000,000 */
    BM_TIMESTAMP, /**< int64_t, microseconds since 1970-01-01 00:00:00, no zone */
    BM_TIMESTAMPTZ, /**< int64_t, microseconds since 1970-01-01 00:00:00 UTC */
    BM_UUID,        /**< bm_uuid */
    BM_JSON,        /**< text, a JSON document */
    BM_JSONB,       /**< text, a JSON document */
    BM_ENUM         /**< text, a label; also any domain or type that the server reads from text */
} bm_type;

/** How a cell stands in memory. */
typedef enum bm_layout {
    BM_FIXED = 1, /**< the C type that bm_type names */
    BM_CSTR,      /**< const char * */
    BM_SLICE,     /**< bm_slice */
    BM_CHARS,     /**< char[N] inside the row */
    BM_ARRAY      /**< bm_array: a one-dimensional array of the field's type */
} bm_layout;

/** Text or bytes with their length.  Borrowed. */
typedef struct bm_slice {
    const char *data; /**< may be NULL when size is 0 */
    size_t size;
} bm_slice;

/** A UUID, 16 bytes. */
typedef struct bm_uuid {
    uint8_t bytes[16]; /**< in the order in which a UUID is written, RFC 9562 */
} bm_uuid;

/** A one-dimensional array cell.  Elements stand as FIXED types, or as bm_slice for variable ones.
 * */
typedef struct bm_array {
    const void *data;      /**< `count` elements */
    size_t count;          /**< 0 is the empty array, which is not NULL */
    const uint8_t *states; /**< `count` bm_state bytes, or NULL: no element is NULL */
} bm_array;

/** The state of a cell, one byte.  0 is a value, so a zeroed struct holds values. */
typedef enum bm_state {
    BM_VALUE = 0,
    BM_NULL = 1,
    BM_DEFAULT_CELL = 2, /**< the column's default: on create and in bm_update_fields */
    BM_KEEP = 3          /**< bm_update_fields: leave as is.  create: the column's default */
} bm_state;

/** A version 4 UUID from the operating system's random source, for bm_create_uuid.  BM_INTERNAL
 * where the source fails; *out is then unchanged. */
BM_API bm_status bm_uuid_random(bm_uuid *out);

/* --------------------------------------------------------------------------------------- model */

enum {
    BM_KEY = 1,        /**< part of the primary key */
    BM_ASSIGNED = 2,   /**< a key that the database assigns: ignored on create */
    BM_READ_ONLY = 4,  /**< never written: generated columns, or what only the database sets */
    BM_CREATE_UUID = 8 /**< one UUID for each bulk_create, the same in all its rows */
};

#define BM_NO_STATE SIZE_MAX

/** One column and the member that holds it. */
typedef struct bm_field {
    const char *name; /**< of the column */
    bm_type type;
    bm_layout layout;
    size_t offset;       /**< of the member in the row */
    size_t width;        /**< sizeof the member */
    size_t state_offset; /**< of the uint8_t that holds its bm_state, or BM_NO_STATE */
    unsigned flags;
} bm_field;

/** A table and its row of C.  Constant data, borrowed for as long as what is made from it lives. */
typedef struct bm_model {
    size_t size;        /**< sizeof (bm_model) */
    const char *table;  /**< the table's name as it is: never parsed, always quoted */
    const char *schema; /**< or NULL: found by the connection's search_path */
    size_t row_size;    /**< sizeof the row, 0 where rows stand only in columns */
    const bm_field *fields;
    size_t n_fields;
} bm_model;

/* ---------------------------------------------------------------------------------------- rows */

/** A column of cells: cell i stands at (const char *) data + i * stride.  Borrowed. */
typedef struct bm_column {
    bm_type type;
    bm_layout layout;
    size_t width; /**< of a cell: sizeof the C type; N for BM_CHARS */
    const void *data;
    ptrdiff_t stride; /**< bytes from one cell to the next; 0: one cell for all rows */
    const uint8_t
        *states; /**< bm_state of cell i at states[i * state_stride], or NULL: all values */
    ptrdiff_t state_stride;
    const uint8_t
        *validity; /**< bit i is 0: cell i is NULL (least significant bit first), or NULL */
} bm_column;

/**
 * Rows pulled chunk by chunk in constant memory.  `next` writes at most `capacity` structs of the
 * model's row to `rows` (zeroed before) and returns how many through `n`: 0 is the end.  A status
 * other than BM_OK ends the call, which rolls back and returns that status; `next` may have filled
 * `err`.
 *
 * What the structs point to must live until `release(user, rows)` is called with the same `rows`;
 * where there is no `release`, until the following `next`.  Each chunk of n > 0 rows is released
 * once, in any order, also after a failure, and before `close`.
 *
 * With `release` and `concurrent`, several workers write the rows: several chunks are then held at
 * once, at most one for each worker, and `next` and `release` are called by their threads, but by
 * one at a time.  Without `release` one worker writes them all.  After a failure or a cancel `next`
 * is not called any more, but one that is being called is waited for.
 *
 * `rewind`, where set, begins from the first row again; all chunks were released before.  It is
 * called when nothing of the call is written and it must be repeated.  `close`, where set, is
 * called once at the end of the call, whatever its outcome.  Both run on the calling thread.
 */
typedef struct bm_source {
    size_t size; /**< sizeof (bm_source) */
    void *user;
    bm_status (*next)(void *user, void *rows, size_t capacity, size_t *n, bm_error *err);
    bm_status (*rewind)(void *user, bm_error *err); /**< or NULL: can be read once */
    void (*close)(void *user);                      /**< or NULL */
    void (*release)(void *user, void *rows);        /**< or NULL: one worker */
} bm_source;

/** Rows that the database is known to hold, in order, and what they were when read or written. */
typedef struct bm_queryset bm_queryset;

/** Rows, whatever holds them.  Passed by value; made by the functions below; borrows everything. */
typedef struct bm_rows {
    int kind;
    const bm_model *model;
    const void *data;
    size_t count;
    void *reserved[4];
} bm_rows;

/** `n` structs of the model's row, one after the other. */
BM_API bm_rows bm_structs(const bm_model *model, const void *rows, size_t n);

/** `n` pointers to structs of the model's row. */
BM_API bm_rows bm_struct_pointers(const bm_model *model, const void *const *rows, size_t n);

/** `n` rows in columns: columns[i] holds model->fields[i]; a column whose data is NULL is left out
 * (on create it takes its default). */
BM_API bm_rows bm_columns(const bm_model *model, const bm_column *columns, size_t n);

/** `n` values of the model's only key, one after another: for bm_update, bm_delete, bm_copy_to. */
BM_API bm_rows bm_keys(const bm_model *model, const void *keys, size_t n);

/** All rows of the table: for bm_update and bm_copy_to. */
BM_API bm_rows bm_all(const bm_model *model);

/** Rows from a source. */
BM_API bm_rows bm_stream(const bm_model *model, const bm_source *source);

/** The rows of a queryset, with their image.  They are found by the keys that they were read with.
 * */
BM_API bm_rows bm_queryset_rows(bm_queryset *queryset);

/* ------------------------------------------------------------------------------------ queryset */

/** The number of rows.  0 for NULL. */
BM_API size_t bm_queryset_count(const bm_queryset *queryset);

/**
 * Row i as the model's struct, to read and to edit; NULL when i is out of range or the rows did not
 * come from structs.  Owned by the queryset; its key is not to be edited (BM_INVALID).  A pointer
 * stored into a member must live until the next successful write of this queryset, which copies
 * what it points to and re-points the member.
 */
BM_API void *bm_queryset_at(bm_queryset *queryset, size_t i);

/** The queryset's rows as column `name`; BM_INVALID when the model has none.  Borrowed from it. */
BM_API bm_status bm_queryset_column(const bm_queryset *queryset, const char *name, bm_column *out);

/** Free a queryset and all it owns.  NULL is legal. */
BM_API void bm_queryset_free(bm_queryset *queryset);

/* -------------------------------------------------------------------------------------- result */

/** What happened to one input row. */
typedef enum bm_row_outcome {
    BM_ROW_NONE = 0, /**< nothing: its part of the call rolled back */
    BM_ROW_INSERTED,
    BM_ROW_UPDATED,
    BM_ROW_UNCHANGED,
    BM_ROW_MISSING,
    BM_ROW_IGNORED,
    BM_ROW_DELETED
} bm_row_outcome;

/** What one worker of a concurrent call did. */
typedef struct bm_part {
    bm_fate fate;
    size_t n_ranges;
    const size_t *ranges; /**< n_ranges pairs: first row, number of rows; in the caller's rows.
                             Of a stream: whole chunks */
} bm_part;

/** Filled on every return, errors included.  Clear it before it is used again. */
typedef struct bm_result {
    size_t size; /**< sizeof (bm_result); set by BM_RESULT */
    uint64_t inserted, updated, unchanged, missing, ignored, deleted, read;
    bm_queryset *queryset; /**< where asked for */
    uint8_t *outcomes;     /**< where asked for: a bm_row_outcome for each input row.  NULL after a
                          failure, but for BM_PARTIAL: there rows not written are BM_ROW_NONE */
    size_t n_outcomes;
    bm_part *parts; /**< one for each worker, when there were several */
    size_t n_parts;
    uint64_t statements; /**< sent, BEGIN and COMMIT included */
    double seconds;
    uint64_t replays; /**< attempts before the one that this result is of: bm_call.retries */
} bm_result;

#define BM_RESULT_INIT                                                                             \
    {                                                                                              \
        sizeof(bm_result), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0, 0, 0, 0                    \
    }

/** Free what a result owns, its queryset included, and make it empty again.  NULL is legal. */
BM_API void bm_result_clear(bm_result *result);

/* ------------------------------------------------------------------------------------ database */

/** A database: connections, and what is known of its tables.  May be used by many threads.  Or a
 * transaction on one, of one thread: bm_begin. */
typedef struct bm_db bm_db;
/** What ends calls from outside: bm_cancel_create. */
typedef struct bm_cancel bm_cancel;

/** A switch: the default, on, or off. */
typedef enum bm_switch { BM_DEFAULT = 0, BM_ON = 1, BM_OFF = 2 } bm_switch;

/** Settings of bm_open.  Times in milliseconds: 0 is the default, negative is no limit. */
typedef struct bm_open_options {
    size_t size;
    int max_connections;           /**< default 10 */
    int64_t connect_timeout_ms;    /**< default 10,000 */
    int64_t dead_peer_ms;          /**< default 30,000: a peer that acknowledges nothing is gone */
    int64_t max_connection_age_ms; /**< default: none */
    int max_concurrent_batch_writes; /**< default 4: MAX_CONCURRENT_BATCH_WRITES of the page */
    int64_t timeout_ms; /**< for all work on this database, counted from bm_open; default: none */
    int64_t commit_timeout_ms; /**< for bm_commit; default 5,000 */
    bm_cancel *cancel; /**< ends what has no bm_call of its own: connecting, bm_begin, bm_execute,
                          bm_describe.  Borrowed while the database lives.  NULL: none */
} bm_open_options;

/**
 * Open a database: "sqlite:PATH", "sqlite::memory:", "postgresql://..." or "postgres://...",
 * "postgresql:" (the PG* environment variables), libpq's "key=value ..." strings, or "memory:".
 * May then be used from many threads (a SQLite database by one call at a time: others wait).
 * Connects once, so a wrong password is found here.  *out is owned by the caller, who ends it with
 * bm_close; on error it is NULL.  A password never stands in an error.
 */
BM_API bm_status bm_open(const char *url, const bm_open_options *options, bm_db **out,
                         bm_error *err);

struct pg_conn;
struct sqlite3;

/**
 * A bm_db over one connection of the caller's, which stays the caller's: one thread at a time,
 * never closed, settings as they are, an open transaction is taken part in (by a savepoint) and
 * never ended.  BM_UNSUPPORTED where the library was built without that engine.
 */
BM_API bm_status bm_attach_libpq(struct pg_conn *connection, bm_db **out, bm_error *err);
BM_API bm_status bm_attach_sqlite(struct sqlite3 *connection, bm_db **out, bm_error *err);

/** Close all connections and free the database; a transaction still open on it is rolled back.
 * NULL is legal.  No call may be using it. */
BM_API void bm_close(bm_db *db);

/** Run SQL without parameters and without rows, for the DDL that a program needs.  On SQLite it may
 * be several statements; on PostgreSQL too, in one implicit transaction.  SQL that leaves a
 * transaction open, or ends that of `db`, is BM_INVALID; what it left open is rolled back. */
BM_API bm_status bm_execute(bm_db *db, const char *sql, bm_error *err);

/** Open again what was lost, outside a transaction.  Inside one: BM_CONNECTION only if it is lost.
 * */
BM_API bm_status bm_ensure_connected(bm_db *db, bm_error *err);

/** Close idle connections; the next call connects again.  BM_INVALID inside a transaction,
 * BM_UNSUPPORTED for "sqlite::memory:" and "memory:", which live in their connection. */
BM_API bm_status bm_reset_connection(bm_db *db, bm_error *err);

/** Begin a transaction on `db` (a savepoint, when `db` is one).  *out is a bm_db bound to one
 * connection and one thread, ended and freed by bm_commit or bm_rollback.  While a nested one is
 * open, the outer one refuses calls with BM_INVALID. */
BM_API bm_status bm_begin(bm_db *db, bm_db **out, bm_error *err);

/** Commit, and free `tx` on every return.  BM_OK only when the server said COMMIT.  Savepoints that
 * are still open in it share its end: their handles are freed, too.  So it is with bm_rollback. */
BM_API bm_status bm_commit(bm_db *tx, bm_error *err);

/** Roll back, and free `tx`.  Images are what they were at bm_begin.  NULL is legal. */
BM_API void bm_rollback(bm_db *tx);

/** A token to cancel calls by: bm_cancel_set may be called from any thread and from a signal
 * handler. Once set it stays set until bm_cancel_reset. */
BM_API bm_status bm_cancel_create(bm_cancel **out, bm_error *err);

/** Cancel: calls that were given the token end with BM_CANCELLED.  Safe in a signal handler. */
BM_API void bm_cancel_set(bm_cancel *token);

/** Make a token that was set usable again. */
BM_API void bm_cancel_reset(bm_cancel *token);

/** Free a token that no call uses.  NULL is legal. */
BM_API void bm_cancel_free(bm_cancel *token);

/* --------------------------------------------------------------------------------------- verbs */

/** What every verb shares. */
typedef struct bm_call {
    size_t size;
    int64_t timeout_ms; /**< for the whole call until its first COMMIT, connecting included;
                           default: none */
    int64_t statement_timeout_ms; /**< for each statement, in place of the defaults on connections
                                     of the library's own: 3,600,000 for one that writes; 30,000
                                     for catalog, BEGIN, keys and ROLLBACK; and 60,000 for a COPY
                                     in which no byte moves, which then has none of its own */
    int64_t lock_timeout_ms;      /**< default 60,000 on connections of the library's own, where the
                                     session has no lock_timeout; else the server's */
    bm_cancel *cancel;            /**< or NULL */
    void *user; /**< for the hooks, which run on the calling thread or a worker's */
    void (*on_progress)(void *user, uint64_t rows_done,
                        uint64_t rows_total); /**< total 0: unknown */
    void (*on_statement)(void *user, const char *sql, uint64_t rows);
    bm_switch error_detail; /**< BM_ON: copy the server's DETAIL, which shows values */
    bm_switch
        dry_run; /**< BM_ON: do everything, then roll back instead of commit: counts and outcomes
                          are what they would have been; no keys and no queryset come back */
    int64_t commit_timeout_ms; /**< for all COMMITs of the call, counted from the first; default
                                  5,000 */
    bm_switch
        commit_check; /**< PostgreSQL: where the answer to COMMIT is lost, ask on another connection
                         what became of it.  Default: a call of several statements does; a call of
                         one statement, which otherwise is its own commit, does where it is BM_ON:
                         it is then BEGIN, the statement and COMMIT */
    int retries; /**< how many times the call is made again after a serialization failure (40001), a
                    deadlock (40P01), a lost connection or SQLITE_BUSY, where nothing of it is
                    committed; default 0.  Never inside a transaction, nor where its rows cannot be
                    read again.  Pauses are random, up to 2 seconds; for 30 seconds at most */
    void (*on_retry)(void *user, uint64_t replay,
                     const bm_error *why); /**< before each; `replay` counts from 1 */
} bm_call;

/** What to do with rows of one call (of a stream: of one chunk) that have the same key: the bytes
 * are the same (-0.0 is 0.0, NaN is NaN, blanks behind a BM_CHAR do not count). */
typedef enum bm_duplicates {
    BM_DUPLICATES_ERROR = 0, /**< BM_INVALID, naming both rows */
    BM_DUPLICATES_FIRST,     /**< the first is written, the others are BM_ROW_IGNORED */
    BM_DUPLICATES_LAST       /**< the last is written */
} bm_duplicates;

/** Options of bm_bulk_create. */
typedef struct bm_bulk_create_options {
    size_t size;
    const bm_call *call;
    size_t batch_size; /**< rows in a chunk; default: chosen by the engine */
    bm_switch
        concurrent; /**< BM_ON: several connections, on PostgreSQL and outside a transaction.  One
                             for a stream without `release`, for a call that must read rows back,
                             and where transactions are SERIALIZABLE by default */
    int max_concurrent_workers; /**< default: bm_open_options.max_concurrent_batch_writes */
    bm_switch return_queryset;  /**< rows written, in input order, with keys and image */
    bm_switch return_outcomes;
    bm_switch ignore_conflicts;       /**< rows that break a unique constraint are BM_ROW_IGNORED */
    bm_switch update_conflicts;       /**< rows that break `unique_fields` update that row */
    const char *const *update_fields; /**< BM_NAMES; default: all but key and unique fields */
    const char *const *unique_fields; /**< BM_NAMES; default: the primary key */
    bm_duplicates duplicates;         /**< of unique_fields, with update_conflicts */
    void *keys_into; /**< the structs of bm_structs again, writable: keys are stored there */
    const bm_uuid *create_uuid; /**< for BM_CREATE_UUID fields; default: bm_uuid_random */
    bm_switch allow_skipped;    /**< BM_ON: a trigger may drop rows without an error */
} bm_bulk_create_options;

/** Options of bm_update_fields. */
typedef struct bm_update_fields_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    const char *const *fields; /**< BM_NAMES; default: what changed against the queryset's image */
    bm_switch return_outcomes;
    bm_switch require_all; /**< BM_ON: a missing row is an error and nothing is written */
    bm_duplicates duplicates;
} bm_update_fields_options;

/** Options of bm_update. */
typedef struct bm_update_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    const void *values;        /**< one struct of the model's row: what to set ... */
    const char *const *fields; /**< ... of these columns.  None: nothing is done */
    bm_switch return_outcomes;
    bm_switch require_all;
    bm_duplicates duplicates;
} bm_update_options;

/** Options of bm_delete. */
typedef struct bm_delete_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    bm_switch return_outcomes;
    bm_switch require_all;
    bm_duplicates duplicates;
} bm_delete_options;

/** Options of bm_copy_to. */
typedef struct bm_copy_to_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;         /**< rows in a chunk given to `sink`; default 1,000 */
    const char *const *fields; /**< BM_NAMES; default: all of the model.  The key always comes;
                                * members not read are 0, in a queryset BM_KEEP by state */
    bm_switch order_by_key;    /**< bm_all: by primary key.  Keys: always in the order given */
    bm_switch require_all;     /**< keys: a missing row is an error; default: left out */
    void *user;
    /** Rows as they come, in constant memory: valid during the call, an array of the model's
     * struct.  NULL: all rows come in bm_result.queryset.  A status other than BM_OK ends the call.
     */
    bm_status (*sink)(void *user, const void *rows, size_t n, bm_error *err);
    /** bm_all, a condition on the rows to read: "value > 3".  SQL of the program's own, which may
     * call the row t: it stands in the statement as it is, so it is never made from what others
     * write. */
    const char *where;
    const char *order_by; /**< bm_all, instead of order_by_key: "name, id DESC" */
} bm_copy_to_options;

/** Insert rows.  With update_conflicts: insert or update ("upsert"). */
BM_API bm_status bm_bulk_create(bm_db *db, bm_rows rows, const bm_bulk_create_options *options,
                                bm_result *result, bm_error *err);

/** Give rows, found by key, values of their own: the named fields, or (a queryset) what changed. */
BM_API bm_status bm_update_fields(bm_db *db, bm_rows rows, const bm_update_fields_options *options,
                                  bm_result *result, bm_error *err);

/** Give rows, found by key (or bm_all), the same values. */
BM_API bm_status bm_update(bm_db *db, bm_rows rows, const bm_update_options *options,
                           bm_result *result, bm_error *err);

/** Delete rows by key. */
BM_API bm_status bm_delete(bm_db *db, bm_rows rows, const bm_delete_options *options,
                           bm_result *result, bm_error *err);

/** Read rows, by key or bm_all, into structs. */
BM_API bm_status bm_copy_to(bm_db *db, bm_rows rows, const bm_copy_to_options *options,
                            bm_result *result, bm_error *err);

/**
 * What a verb would do, without doing it: one line for each statement and fact, allocated into
 * *text (free it with bm_free).  `verb` is "bulk_create", "update_fields", "update", "delete" or
 * "copy_to", `options` is that verb's options or NULL.  Reads the catalog; writes nothing.
 */
BM_API bm_status bm_explain(bm_db *db, const char *verb, bm_rows rows, const void *options,
                            char **text, bm_error *err);

/**
 * The model of a table as the database has it, for a program that meets the table at run time:
 * every column in the table's order, in a row where each stands as its type's C value or as a
 * bm_slice, with a bm_state of its own.  BM_KEY, BM_ASSIGNED and BM_READ_ONLY are set as the table
 * says.  What bm_type does not know, arrays included, is BM_ENUM, which goes and comes as text; on
 * SQLite a declared type is read as Django means it ("char(32)" is a UUID, "datetime" is
 * BM_TIMESTAMPTZ).  `schema` may be NULL.  *out is one block of memory (free it with bm_free), NULL
 * on error: BM_INVALID where there is no such table, BM_UNSUPPORTED for "memory:".
 */
BM_API bm_status bm_describe(bm_db *db, const char *schema, const char *table, bm_model **out,
                             bm_error *err);

/** What is done to a table as a whole. */
typedef enum bm_maintenance {
    BM_ANALYZE = 0,      /**< the planner's statistics are made anew */
    BM_TRUNCATE,         /**< all rows go; inside a transaction it is part of it */
    BM_FIND_SEQUENCES,   /**< PostgreSQL: sequences below the largest value of their column, as rows
                          with keys of their own leave them behind */
    BM_SYNC_SEQUENCES,   /**< ... which are moved there, at once and in no transaction */
    BM_CHECK_CONSTRAINTS /**< PostgreSQL, inside a transaction: deferred constraints of all tables
                            are checked now, so that COMMIT does not fail because of them */
} bm_maintenance;

/** Options of bm_maintain. */
typedef struct bm_maintain_options {
    size_t size;
    const bm_call *call; /**< its times, its token, on_statement; dry_run is for rows */
    bm_maintenance what;
} bm_maintain_options;

/**
 * Do this to the model's table.  *n, where not NULL, is the number of rows that went (SQLite; 0
 * where the server does not count them), or of the sequences found or moved: 0 on SQLite, which
 * counts on by itself.  BM_UNSUPPORTED for "memory:".
 */
BM_API bm_status bm_maintain(bm_db *db, const bm_model *model, const bm_maintain_options *options,
                             uint64_t *n, bm_error *err);

/** Free what bm_explain or bm_describe allocated.  NULL is legal. */
BM_API void bm_free(void *memory);

/* ---------------------------------------------------------------------- the transport without I/O
 * */

/**
 * "memory:" is a database that does nothing: it takes every table to be as the model says, counts
 * rows, hands out keys 1, 2, 3 ..., and records what it was asked.  It is for tests of programs
 * that use this library.
 */

/** An answer to give instead, at the step-th step from now (1 is the next): BEGIN, COMMIT and
 * statements all count.  Scripted answers are used once. */
typedef struct bm_memory_answer {
    size_t size;
    uint64_t step;
    const char *sqlstate; /**< fail with this SQLSTATE ("23505"), or NULL */
    bool disconnect;      /**< lose the connection at this step */
    int64_t rows;         /**< answer that so many rows were written; negative: as many as sent */
} bm_memory_answer;

/** Queue an answer.  BM_INVALID unless `db` was opened with "memory:". */
BM_API bm_status bm_memory_script(bm_db *db, const bm_memory_answer *answer, bm_error *err);

/** The number of steps asked of the database since it was opened, or connected again.  0 unless
 * "memory:". */
BM_API size_t bm_memory_count(const bm_db *db);

/** Step i as text: "BEGIN", "COPY ... [10 rows]".  Owned by the database; NULL out of range. */
BM_API const char *bm_memory_at(const bm_db *db, size_t i);

/* ------------------------------------------------------------------------------ macros, C only */

#ifndef __cplusplus

#define BM_ERROR ((bm_error)BM_ERROR_INIT)
#define BM_RESULT ((bm_result)BM_RESULT_INIT)

/** BM_OPTIONS(bm_bulk_create_options, .batch_size = 1000): a pointer to options of that type. */
#define BM_OPTIONS(type, ...) (&(const type){.size = sizeof(type), __VA_ARGS__})

/** BM_NAMES("value", "name"): a list of columns. */
#define BM_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/**
 * BM_MODEL("foo", foo, BM_FIELD(foo, id, BM_INT8, BM_KEY | BM_ASSIGNED), ...): a model for
 * a `static const` at file scope; BM_MODEL_IN("schema", "foo", foo, ...) names the schema.  A
 * field whose member cannot hold its type does not compile.
 *   BM_FIELD(row, member, type, flags)             a column that is never NULL in C
 *   BM_FIELD_STATE(row, member, type, flags, st)   with the uint8_t member `st` as its bm_state
 *   BM_ARRAY_FIELD(row, member, type, flags, st)   a bm_array of `type`
 */
/* clang-format off */
#define BM_MODEL(table_, row_, ...) BM_MODEL_IN(NULL, table_, row_, __VA_ARGS__)
#define BM_MODEL_IN(schema_, table_, row_, ...)                                                    \
    {                                                                                              \
        .size = sizeof(bm_model), .table = (table_), .schema = (schema_),                          \
        .row_size = sizeof(row_),                                                                  \
        .fields = (const bm_field[]){__VA_ARGS__},                                                 \
        .n_fields = sizeof((const bm_field[]){__VA_ARGS__}) / sizeof(bm_field)                     \
    }
#define BM_FIELD(row_, member_, type_, flags_)                                                     \
    {                                                                                              \
        #member_, type_, BM__LAYOUT(row_, member_) + BM__FITS(row_, member_, type_),               \
            offsetof(row_, member_), sizeof(((row_ *)0)->member_), BM_NO_STATE, (flags_)           \
    }
#define BM_FIELD_STATE(row_, member_, type_, flags_, state_)                                       \
    {                                                                                              \
        #member_, type_, BM__LAYOUT(row_, member_) + BM__FITS(row_, member_, type_),               \
            offsetof(row_, member_), sizeof(((row_ *)0)->member_),                                 \
            offsetof(row_, state_) + BM__BYTE(row_, state_), (flags_)                              \
    }
#define BM_ARRAY_FIELD(row_, member_, type_, flags_, state_)                                       \
    {                                                                                              \
        #member_, type_,                                                                           \
            BM_ARRAY + BM__IS(_Generic(((row_ *)0)->member_, bm_array : 1, default : 0)),          \
            offsetof(row_, member_), sizeof(bm_array),                                             \
            offsetof(row_, state_) + BM__BYTE(row_, state_), (flags_)                              \
    }
/* clang-format on */

/** 0, or a compile error. */
#define BM__IS(condition_)                                                                         \
    (0 * (int)sizeof(struct { int the_member_cannot_hold_this_type : (condition_) ? 1 : -1; }))
#define BM__BYTE(row_, state_) BM__IS(sizeof(((row_ *)0)->state_) == 1)
#define BM__LAYOUT(row_, member_)                                                                  \
    _Generic(&((row_ *)0)->member_,                                                                \
        char **: BM_CSTR,                                                                          \
        const char **: BM_CSTR,                                                                    \
        bm_slice *: BM_SLICE,                                                                      \
        default: _Generic(((row_ *)0)->member_, char *: BM_CHARS, default: BM_FIXED))
/** Which members hold which types; a row of the table on bm_type. */
#define BM__FITS(row_, member_, type_)                                                             \
    BM__IS(_Generic(((row_ *)0)->member_,                                                          \
        bool: (type_) == BM_BOOL,                                                                  \
        short: (type_) == BM_INT2,                                                                 \
        int: (type_) == BM_INT4 || (type_) == BM_DATE,                                             \
        long: sizeof(long) == 8 ? BM__IS_I64(type_) : (type_) == BM_INT4 || (type_) == BM_DATE,    \
        long long: BM__IS_I64(type_),                                                              \
        float: (type_) == BM_FLOAT4,                                                               \
        double: (type_) == BM_FLOAT8,                                                              \
        bm_uuid: (type_) == BM_UUID,                                                               \
        bm_slice: BM__IS_TEXT(type_) || (type_) == BM_BYTEA,                                       \
        char *: BM__IS_TEXT(type_),                                                                \
        const char *: BM__IS_TEXT(type_),                                                          \
        default: 0))
#define BM__IS_I64(type_)                                                                          \
    ((type_) == BM_INT8 || (type_) == BM_TIME || (type_) == BM_TIMESTAMP ||                        \
     (type_) == BM_TIMESTAMPTZ)
#define BM__IS_TEXT(type_)                                                                         \
    ((type_) == BM_NUMERIC || (type_) == BM_TEXT || (type_) == BM_VARCHAR || (type_) == BM_CHAR || \
     (type_) == BM_JSON || (type_) == BM_JSONB || (type_) == BM_ENUM)

#endif /* !__cplusplus */

#ifdef __cplusplus
}
#endif

#endif
