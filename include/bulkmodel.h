/**
 * bulkmodel.h - bulk insert, update, upsert, delete and read for PostgreSQL and SQLite.
 *
 * Every verb has the same form:
 *
 *     bm_status bm_VERB(bm_db *db, bm_rows rows, const bm_VERB_options *options,
 *                       bm_result *result, bm_error *err);
 *
 * What holds everywhere is said here alone:
 *
 *   - `options`, `result` and `err` may be NULL; any other output pointer that is NULL is
 *     BM_INVALID.  A pointer that a call gives out is NULL after an error.
 *   - Structs that may grow begin with `size`; zero in any other member means the default.
 *   - Times are in milliseconds: 0 is the default, negative is no limit.
 *   - Strings are NUL-terminated UTF-8, unless they have a length.
 *   - bm_free frees the texts and models that calls allocate.  What frees accepts NULL.
 *   - `where`, `order_by` and `query` are SQL and are copied into the statement unchanged, so never
 *     build them from untrusted input.  In the first two the alias of the table's row is t.
 *
 * The sections, in this order:
 *
 *     status and error      what went wrong: bm_error
 *     types                 of columns, and the C type of each
 *     model                 a table, and which member of a C struct holds which column: bm_model
 *     rows                  a borrowed view of structs, columns, keys, a stream, Arrow: bm_rows
 *     queryset              rows as the database holds them: bm_queryset
 *     result                what happened: bm_result
 *     database              connections, transactions, cancelling: bm_db
 *     options of each call  timeouts, retries, rejected rows, loads in parts: bm_call
 *     verbs                 bm_bulk_create, bm_upsert, bm_sync, bm_update_fields ...
 *     tables                describe, create, maintain
 *     memory                a database without I/O, for tests
 *     macros                BM_MODEL, BM_OPTIONS, BM_NAMES
 *
 * SPDX-License-Identifier: Apache-2.0
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

/* ----------------------------------------------------------------------------- status and error */

/** The result of a call.  Each value says what the caller should do next. */
typedef enum bm_status {
    BM_OK = 0,
    BM_INVALID,        /**< the call is wrong: fix the program */
    BM_UNSUPPORTED,    /**< not possible on this engine, table or version */
    BM_CONVERT,        /**< a value does not fit its column: correct the row */
    BM_CONSTRAINT,     /**< the database refuses a row: unique, foreign key, check, not null */
    BM_RETRY,          /**< deadlock, serialization failure, busy: the same call may succeed */
    BM_CONNECTION,     /**< no connection, or it was lost before COMMIT was sent */
    BM_AUTH,           /**< the server refuses the user, the password or a privilege */
    BM_TIMEOUT,        /**< a timeout of the caller, of the library or of the server passed */
    BM_CANCELLED,      /**< the cancel token was set, or the server was asked to cancel */
    BM_NOMEM,          /**< out of memory in this process */
    BM_LIMIT,          /**< a limit of the engine: row size, columns, connections, disk */
    BM_PARTIAL,        /**< some workers committed, some did not: see bm_result.parts */
    BM_COMMIT_UNKNOWN, /**< the answer to COMMIT was lost, and the outcome could not be found */
    BM_DATABASE,       /**< any other error of the server: see sqlstate */
    BM_INTERNAL        /**< a bug in this library */
} bm_status;

/** The name of a status without its prefix, "CONSTRAINT".  Static; never NULL. */
BM_API const char *bm_status_name(bm_status status);

/** Where the rows of a failed call are. */
typedef enum bm_fate {
    BM_FATE_NOT_STARTED = 0,       /**< nothing was sent */
    BM_FATE_ROLLED_BACK,           /**< nothing of the call is in the table */
    BM_FATE_COMMITTED,             /**< all of the call is in the table */
    BM_FATE_PARTIAL,               /**< see bm_result.parts */
    BM_FATE_UNKNOWN,               /**< as BM_COMMIT_UNKNOWN */
    BM_FATE_IN_CALLERS_TRANSACTION /**< rolled back; the caller's transaction goes on */
} bm_fate;

/** The stage of a call in which it failed. */
typedef enum bm_stage {
    BM_STAGE_CHECK = 0, /**< arguments, model against table */
    BM_STAGE_CONNECT,
    BM_STAGE_CATALOG,
    BM_STAGE_CONVERT, /**< encoding or decoding a value */
    BM_STAGE_SOURCE,  /**< the caller's stream or sink */
    BM_STAGE_WRITE,
    BM_STAGE_READ,
    BM_STAGE_COMMIT
} bm_stage;

#define BM_NO_ROW SIZE_MAX

/**
 * What went wrong, in which stage, row and column.  Initialise it with BM_ERROR; a struct whose
 * size is 0 is not written.  The caller owns it, and it holds no allocated memory.  Each call
 * resets it first; within a call the first error is kept.  Strings are truncated to fit.  If a
 * constraint is violated, `constraint` is its name (SQLite: its columns, "foo.name") and `column`
 * may be "".  `message` never contains values of rows.  The server's DETAIL, which does, is copied
 * to `detail` only if bm_call.error_detail is BM_ON.
 */
typedef struct bm_error {
    size_t size; /**< sizeof (bm_error); set by BM_ERROR */
    bm_status status;
    bm_stage stage;
    bm_fate fate;
    bool retryable;      /**< the same call, made again, may succeed */
    int native_code;     /**< SQLite's extended code; 0 elsewhere */
    size_t row;          /**< index in the caller's rows, from 0, or BM_NO_ROW */
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
 * Column types, and the member of a C struct that holds each.  Types of variable length (TEXT ..
 * BYTEA, NUMERIC, JSON) are a `const char *` (NUL-terminated; NULL is SQL NULL), a bm_slice
 * (pointer and length) or a `char[N]` (NUL-terminated if shorter than N); BYTEA only a bm_slice.
 */
typedef enum bm_type {
    BM_BOOL = 1,  /**< bool */
    BM_INT2,      /**< int16_t */
    BM_INT4,      /**< int32_t */
    BM_INT8,      /**< int64_t */
    BM_FLOAT4,    /**< float */
    BM_FLOAT8,    /**< double */
    BM_NUMERIC,   /**< text: "-12.50", "1e-7", "NaN"; all digits are sent, and PostgreSQL rounds to
                       the column's scale; SQLite stores what its NUMERIC affinity makes of it */
    BM_TEXT,      /**< text, UTF-8, no NUL; also any column but bytea, as PostgreSQL reads it */
    BM_VARCHAR,   /**< text, UTF-8 */
    BM_CHAR,      /**< text, UTF-8; the database pads and compares as char(n) does */
    BM_BYTEA,     /**< bm_slice */
    BM_DATE,      /**< int32_t, days since 1970-01-01 (Gregorian, proleptic); INT32_MIN and
                       INT32_MAX are PostgreSQL's -infinity and infinity */
    BM_TIME,      /**< int64_t, microseconds since midnight, 0 .. 86,400,000,000 */
    BM_TIMESTAMP, /**< int64_t, microseconds since 1970-01-01 00:00:00, no zone; INT64_MIN and
                       INT64_MAX are PostgreSQL's -infinity and infinity */
    BM_TIMESTAMPTZ, /**< int64_t, microseconds since 1970-01-01 00:00:00 UTC; infinities alike */
    BM_UUID,        /**< bm_uuid */
    BM_JSON,        /**< text, a JSON document */
    BM_JSONB,       /**< text, a JSON document */
    BM_ENUM,        /**< text, a label; also any domain or type that the server reads from text */
    BM_INTERVAL,    /**< bm_interval */
    BM_INET         /**< bm_inet; also for columns of cidr */
} bm_type;

/** How a cell is stored in memory. */
typedef enum bm_layout {
    BM_FIXED = 1, /**< the C type that bm_type names */
    BM_CSTR,      /**< const char * */
    BM_SLICE,     /**< bm_slice */
    BM_CHARS,     /**< char[N] inside the row */
    BM_ARRAY,     /**< bm_array: a one-dimensional array of the field's type */
    BM_ND_ARRAY   /**< bm_nd_array: an array of the field's type with one to six dimensions */
} bm_layout;

/** Text or bytes with a length.  Borrowed. */
typedef struct bm_slice {
    const char *data; /**< may be NULL when size is 0 */
    size_t size;
} bm_slice;

/** A UUID, 16 bytes. */
typedef struct bm_uuid {
    uint8_t bytes[16]; /**< in the order of the UUID's text, RFC 9562 */
} bm_uuid;

/** An interval.  Its parts are not converted into each other: months have no fixed number of days,
 * nor days of hours. */
typedef struct bm_interval {
    int64_t microseconds;
    int32_t days;
    int32_t months;
} bm_interval;

/** An IPv4 or IPv6 address with its netmask, in the smallest form. */
typedef struct bm_inet {
    uint8_t family;      /**< 4 or 6 */
    uint8_t bits;        /**< of the netmask: 32, or 128, for a single host */
    uint8_t address[16]; /**< in network order; of IPv4 the first four */
} bm_inet;

/** A cell that is a one-dimensional array.  Elements are the C type of a fixed-length type, or
 * bm_slice for a type of variable length. */
typedef struct bm_array {
    const void *data;      /**< `count` elements */
    size_t count;          /**< 0 is the empty array, which is not NULL */
    const uint8_t *states; /**< `count` bm_state bytes, or NULL if no element is NULL */
} bm_array;

/** The maximum number of dimensions of an array. */
#define BM_DIMENSIONS_MAX 6

/** A cell that is an array of one to six dimensions.  Elements of the last dimension are adjacent:
 * `{{1,2,3},{4,5,6}}` has the elements 1 to 6 and the lengths 2 and 3. */
typedef struct bm_nd_array {
    bm_array elements;   /**< of all dimensions; their count is the product of the lengths */
    size_t n_dimensions; /**< 0 counts as 1, whose length is the count of the elements */
    size_t lengths[BM_DIMENSIONS_MAX]; /**< of each dimension, the outermost first */
} bm_nd_array;

/** The state of a cell, in one byte.  0 is a value, so a zeroed struct holds values. */
typedef enum bm_state {
    BM_VALUE = 0,
    BM_NULL = 1,
    BM_DEFAULT_CELL = 2, /**< the column's default, in create and bm_update_fields */
    BM_KEEP = 3          /**< bm_update_fields: keep the stored value; create: the default */
} bm_state;

/**
 * Read text as a value of a type: what the command reads from a file.  `value` is the C type that
 * bm_type names, or a bm_slice for variable types.  A slice borrows `text`; the bytes of BM_BYTEA
 * ("\\x00ff") are written to `room`, which has text.size bytes and is NULL for other types.  Blanks
 * around numbers, dates and the like do not count.
 *
 * Dates and times: ISO 8601, as "2024-02-29 13:45:00.5+01:00", "BC" after years before the first,
 * and "infinity".  BM_BOOL: true, t, yes, y, on, 1 and their opposites, in any case.  JSON is not
 * parsed.
 *
 * BM_CONVERT where the text is not a value: err->message is to be read after a subject, as in "is
 * not a date of the calendar".  *value is written on success alone, *err on failure alone.
 */
BM_API bm_status bm_value_parse(bm_type type, bm_slice text, char *room, void *value,
                                bm_error *err);

/**
 * Print a value as text that bm_value_parse reads back as the same value, and that PostgreSQL reads
 * whatever its settings.  At most out_size bytes, the last of them NUL, are written to `out`; *size
 * (NULL: not wanted) is the length of the whole text, also where it does not fit: BM_LIMIT.
 * BM_CONVERT where the value is outside of its type's range.  *err is written on failure alone.
 */
BM_API bm_status bm_value_print(bm_type type, const void *value, char *out, size_t out_size,
                                size_t *size, bm_error *err);

/** Make a version 4 UUID from the operating system's random source, for bm_create_uuid.
 * BM_INTERNAL if the source fails; *out is then unchanged. */
BM_API bm_status bm_uuid_random(bm_uuid *out);

/* --------------------------------------------------------------------------------------- model */

enum {
    BM_KEY = 1,        /**< part of the primary key */
    BM_ASSIGNED = 2,   /**< a key that the database assigns: not sent on create */
    BM_READ_ONLY = 4,  /**< never written: generated columns, and what only the database sets */
    BM_CREATE_UUID = 8 /**< one UUID for each bulk_create, the same in all its rows */
};

#define BM_NO_STATE SIZE_MAX

/** A column and the struct member that holds it. */
typedef struct bm_field {
    const char *name; /**< of the column */
    bm_type type;
    bm_layout layout;
    size_t offset;       /**< of the member in the row */
    size_t width;        /**< sizeof the member */
    size_t state_offset; /**< of the uint8_t that holds its bm_state, or BM_NO_STATE */
    unsigned flags;
} bm_field;

/** A table and the C struct of its rows.  Constant data; it must outlive all that is made from it.
 */
typedef struct bm_model {
    size_t size;        /**< sizeof (bm_model) */
    const char *table;  /**< the table's name: never parsed, always quoted */
    const char *schema; /**< or NULL: the connection's search_path decides */
    size_t row_size;    /**< sizeof the row, 0 if rows are only in columns */
    const bm_field *fields;
    size_t n_fields;
} bm_model;

/* ---------------------------------------------------------------------------------------- rows */

/** A column of cells: cell i is at (const char *) data + i * stride.  Borrowed. */
typedef struct bm_column {
    bm_type type;
    bm_layout layout;
    size_t width; /**< of a cell: sizeof the C type; N for BM_CHARS */
    const void *data;
    ptrdiff_t stride;      /**< bytes from one cell to the next; 0: the same cell for all rows */
    const uint8_t *states; /**< bm_state of cell i at states[i * state_stride], or NULL */
    ptrdiff_t state_stride;
    const uint8_t *validity; /**< bit i is 0: cell i is NULL; low bits first; or NULL */
} bm_column;

/**
 * A source of rows that is read chunk by chunk, in constant memory.
 *
 * `next` writes at most `capacity` structs of the model's row to `rows` (zeroed before) and stores
 * their number in `n`; 0 is the end.  If it returns a status other than BM_OK, the call rolls back
 * and returns that status; `next` may fill `err`.
 *
 * What the structs point to must live until `release(user, rows)` is called with the same `rows`,
 * or, without `release`, until the following `next`.  Each chunk of n > 0 rows is released once, in
 * any order, also after a failure, and before `close`.
 *
 * With `release` and `concurrent`, several workers write the rows.  Each worker holds at most one
 * chunk.  Their threads call `next` and `release`, one at a time.  Without `release` one worker
 * writes all rows.  After a failure or a cancel `next` is not called again, but the call waits for
 * a `next` that is running.
 *
 * `rewind`, if set, starts from the first row again.  It is called if the call must be repeated and
 * nothing of it is written, after all chunks were released.  `close`, if set, is called once at the
 * end of the call, whatever its outcome.  Both run on the calling thread.
 *
 * `skip`, if set, is called at most once, before the first `next`: with bm_call.load_id, where
 * earlier calls have written `n` rows.  It moves past these rows, which are then not checked; a
 * finished load then writes nothing, even if the source has more rows.  Without it these rows are
 * read and compared with those that were written.
 */
typedef struct bm_source {
    size_t size; /**< sizeof (bm_source) */
    void *user;
    bm_status (*next)(void *user, void *rows, size_t capacity, size_t *n, bm_error *err);
    bm_status (*rewind)(void *user, bm_error *err); /**< or NULL: the source can be read once */
    void (*close)(void *user);                      /**< or NULL */
    void (*release)(void *user, void *rows);        /**< or NULL: one worker */
    bm_status (*skip)(void *user, uint64_t n, bm_error *err); /**< or NULL */
} bm_source;

/** Rows in order, with a snapshot of the values that the database holds. */
typedef struct bm_queryset bm_queryset;

/** A view of rows.  Passed by value, made by the functions below; it borrows everything. */
typedef struct bm_rows {
    int kind;
    const bm_model *model;
    const void *data;
    size_t count;
    void *reserved[4];
} bm_rows;

/** An array of `n` structs of the model's row. */
BM_API bm_rows bm_structs(const bm_model *model, const void *rows, size_t n);

/** An array of `n` pointers to structs of the model's row. */
BM_API bm_rows bm_struct_pointers(const bm_model *model, const void *const *rows, size_t n);

/** `n` rows in columns: columns[i] holds model->fields[i].  A column whose data is NULL is left
 * out; on create it gets its default. */
BM_API bm_rows bm_columns(const bm_model *model, const bm_column *columns, size_t n);

/** An array of `n` values of the model's only key, for bm_update, bm_delete and bm_copy_to. */
BM_API bm_rows bm_keys(const bm_model *model, const void *keys, size_t n);

/** All rows of the table, for bm_update and bm_copy_to. */
BM_API bm_rows bm_all(const bm_model *model);

/** Rows from a source. */
BM_API bm_rows bm_stream(const bm_model *model, const bm_source *source);

/** The rows of a queryset, with their snapshot.  They are found by the keys that they were read
 * with. */
BM_API bm_rows bm_queryset_rows(bm_queryset *queryset);

/* Arrow's C data and C stream interface, as its specification prints them for programs to copy. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

/**
 * Rows of an Arrow stream of structs (record batches), for bm_bulk_create, bm_update_fields and
 * bm_delete.  They are read batch by batch, as bm_stream reads its chunks, by one worker, and are
 * final when the whole stream was read.  The call releases the stream, whatever its outcome.
 *
 * A column of the stream belongs to the model's field of the same name; one that the model does not
 * have is BM_INVALID.  A field without a column is left out of the call: on create it gets the
 * column's default.  A key that is there is written, BM_ASSIGNED or not.  Of the model only table,
 * names, types and flags are used; row_size may be 0.
 *
 *     BM_BOOL                   bool
 *     BM_INT2, BM_INT4, BM_INT8 integers, signed or not
 *     BM_FLOAT4                 float32
 *     BM_FLOAT8                 float32, float64; integers up to 2^53
 *     BM_NUMERIC                decimals, integers, text
 *     BM_TEXT .. BM_CHAR, BM_JSON, BM_JSONB, BM_ENUM     text
 *     BM_BYTEA                  binary, fixed-size binary
 *     BM_DATE                   date32, date64
 *     BM_TIME                   time32, time64
 *     BM_TIMESTAMP              timestamp without a zone
 *     BM_TIMESTAMPTZ            timestamp with a zone
 *     BM_UUID                   fixed-size binary of 16 bytes, text
 *     BM_INET                   text
 *     BM_INTERVAL               duration
 *
 * Text and binary may have offsets of 32 or 64 bits, or be views.  Each may be a dictionary or
 * run-end encoded, and a column of Arrow's null type is NULL in all rows.  Another pair of types is
 * BM_INVALID.  A value that the field's type does not hold exactly is BM_CONVERT with row and
 * column: an integer out of range, nanoseconds between two microseconds.
 *
 * return_queryset and on_error are BM_UNSUPPORTED, as are bm_update, bm_copy_to and bm_explain,
 * which take keys.
 */
BM_API bm_rows bm_arrow(const bm_model *model, struct ArrowArrayStream *stream);

/* ------------------------------------------------------------------------------------ queryset */

/** The number of rows.  0 for NULL. */
BM_API size_t bm_queryset_count(const bm_queryset *queryset);

/**
 * Row i as the model's struct, to read and to edit.  The queryset owns it.  NULL if i is out of
 * range or the rows did not come from structs.  Do not edit its key: the next write would be
 * BM_INVALID.  A pointer that you store into a member must live until the next successful write of
 * this queryset, which copies the text and points the member to the copy.
 */
BM_API void *bm_queryset_at(bm_queryset *queryset, size_t i);

/** The column `name` of the queryset.  Borrowed from it.  BM_INVALID if the model has none. */
BM_API bm_status bm_queryset_column(const bm_queryset *queryset, const char *name, bm_column *out);

/** Free a queryset and all it owns. */
BM_API void bm_queryset_free(bm_queryset *queryset);

/* -------------------------------------------------------------------------------------- result */

/** The outcome of one input row. */
typedef enum bm_row_outcome {
    BM_ROW_NONE = 0, /**< nothing: its part of the call is rolled back */
    BM_ROW_INSERTED,
    BM_ROW_UPDATED,
    BM_ROW_UNCHANGED,
    BM_ROW_MISSING,
    BM_ROW_IGNORED,
    BM_ROW_DELETED
} bm_row_outcome;

/** Rows of a call that share an outcome: those of one worker, or of a load in parts. */
typedef struct bm_part {
    bm_fate fate;
    size_t n_ranges;
    const size_t *ranges; /**< n_ranges pairs: first row, number of rows; in the caller's rows.
                             Of a stream: whole chunks */
} bm_part;

/** What a call did.  Filled on every return, also after an error.  Clear it before you use it
 * again. */
typedef struct bm_result {
    size_t size; /**< sizeof (bm_result); set by BM_RESULT */
    uint64_t inserted, updated, unchanged, missing, ignored, deleted, read;
    bm_queryset *queryset; /**< with return_queryset */
    uint8_t *outcomes;     /**< with return_outcomes: a bm_row_outcome for each input row.  NULL
                          after a failure, except BM_PARTIAL: rows not written are BM_ROW_NONE */
    size_t n_outcomes;
    bm_part *parts; /**< one for each worker, if there were several; with load_id after a
                      failure: the committed rows, then those of the part that failed */
    size_t n_parts;
    uint64_t statements; /**< sent, BEGIN and COMMIT included */
    double seconds;
    uint64_t replays;  /**< how many times the call was repeated: bm_call.retries */
    uint64_t rejected; /**< rows that were set aside: bm_call.on_error */
} bm_result;

#define BM_RESULT_INIT                                                                             \
    {                                                                                              \
        sizeof(bm_result), 0, 0, 0, 0, 0, 0, 0, NULL, NULL, 0, NULL, 0, 0, 0, 0, 0                 \
    }

/** Free what a result owns, including its queryset, and make it empty again. */
BM_API void bm_result_clear(bm_result *result);

/* ------------------------------------------------------------------------------------ database */

/** A database: its connections and what is known of its tables.  Many threads may use it.  Or a
 * transaction on one (bm_begin), for one thread. */
typedef struct bm_db bm_db;
/** A token that cancels calls: bm_cancel_create. */
typedef struct bm_cancel bm_cancel;

/** An option that is the default, on or off. */
typedef enum bm_switch { BM_DEFAULT = 0, BM_ON = 1, BM_OFF = 2 } bm_switch;

/** Options of bm_open. */
typedef struct bm_open_options {
    size_t size;
    int max_connections;        /**< default 10 */
    int64_t connect_timeout_ms; /**< default 10,000 */
    int64_t dead_peer_ms; /**< default 30,000: a peer that acknowledges nothing so long is lost */
    int64_t max_connection_age_ms;   /**< default: none */
    int max_concurrent_batch_writes; /**< the most workers of a call; default 4 */
    int64_t timeout_ms; /**< for all work on this database, counted from bm_open; default: none */
    int64_t commit_timeout_ms; /**< for bm_commit; default 5,000 */
    bm_cancel *cancel;         /**< cancels what has no bm_call: connecting, bm_begin, bm_execute,
                          bm_describe.  Borrowed while the database lives.  NULL: none */
} bm_open_options;

/**
 * Open a database: "sqlite:PATH", "sqlite::memory:", "postgresql://..." or "postgres://...",
 * "postgresql:" (the PG* environment variables), libpq's "key=value ..." strings, or "memory:".  It
 * connects once, so a wrong password is an error here.  Many threads may use the database (on
 * SQLite one call at a time; others wait).  The caller owns *out and ends it with bm_close.  No
 * error contains a password.
 */
BM_API bm_status bm_open(const char *url, const bm_open_options *options, bm_db **out,
                         bm_error *err);

struct pg_conn;
struct sqlite3;

/**
 * Use a connection of the caller as a bm_db, for one thread at a time.  The connection stays the
 * caller's: it is never closed and its settings are not changed.  Inside an open transaction a call
 * sets a savepoint and never ends the transaction.  BM_UNSUPPORTED if the library was built without
 * that engine.
 */
BM_API bm_status bm_attach_libpq(struct pg_conn *connection, bm_db **out, bm_error *err);
BM_API bm_status bm_attach_sqlite(struct sqlite3 *connection, bm_db **out, bm_error *err);

/** Close all connections and free the database.  Open transactions on it are rolled back.  No call
 * may be using it. */
BM_API void bm_close(bm_db *db);

/** Run SQL without parameters and without result rows, for example DDL.  It may be several
 * statements; on PostgreSQL they are one implicit transaction.  SQL that leaves a transaction open,
 * or ends that of `db`, is BM_INVALID; what it left open is rolled back. */
BM_API bm_status bm_execute(bm_db *db, const char *sql, bm_error *err);

/** Reconnect if the connection was lost.  Inside a transaction a lost connection is BM_CONNECTION.
 */
BM_API bm_status bm_ensure_connected(bm_db *db, bm_error *err);

/** Close idle connections; the next call reconnects.  BM_INVALID inside a transaction.
 * BM_UNSUPPORTED for "sqlite::memory:" and "memory:", whose data is in their connection. */
BM_API bm_status bm_reset_connection(bm_db *db, bm_error *err);

/** Begin a transaction on `db`, or a savepoint if `db` is a transaction.  *out is a bm_db for one
 * connection and one thread; bm_commit or bm_rollback end and free it.  While it is open, calls on
 * an outer transaction are BM_INVALID. */
BM_API bm_status bm_begin(bm_db *db, bm_db **out, bm_error *err);

/** Commit, and free `tx` on every return.  BM_OK only after the server has confirmed the COMMIT.
 * Savepoints that are still open in it are committed and freed, too. */
BM_API bm_status bm_commit(bm_db *tx, bm_error *err);

/** Roll back and free `tx` and its open savepoints.  Snapshots of querysets are again as at
 * bm_begin. */
BM_API void bm_rollback(bm_db *tx);

/** Create a token that cancels calls.  Once set it stays set until bm_cancel_reset. */
BM_API bm_status bm_cancel_create(bm_cancel **out, bm_error *err);

/** Cancel the calls that have this token: they end with BM_CANCELLED.  May be called from any
 * thread and from a signal handler. */
BM_API void bm_cancel_set(bm_cancel *token);

/** Clear a token that was set. */
BM_API void bm_cancel_reset(bm_cancel *token);

/** Free a token that no call uses. */
BM_API void bm_cancel_free(bm_cancel *token);

/* ------------------------------------------------------------------------- options of each call */

/** What a call does with a row that cannot be written. */
typedef enum bm_on_error {
    BM_ON_ERROR_FAIL = 0, /**< the call fails and writes nothing */
    BM_ON_ERROR_REJECT    /**< the row is set aside and the others are written */
} bm_on_error;

/** Options of every verb. */
typedef struct bm_call {
    size_t size;
    int64_t timeout_ms;           /**< for the whole call until it sends its first COMMIT, including
                           connecting; default: none */
    int64_t statement_timeout_ms; /**< for each statement.  Default on connections that the library
                                     opened: 3,600,000 for a statement that writes; 30,000 for
                                     catalog, BEGIN, keys and ROLLBACK; 60,000 for a COPY in which
                                     no byte moves (a value here replaces that one too) */
    int64_t lock_timeout_ms;      /**< default 60,000 on connections that the library opened, if the
                                     session has no lock_timeout; else the server's */
    bm_cancel *cancel;            /**< or NULL */
    void *user; /**< for the hooks, which run on the calling thread or on a worker's */
    void (*on_progress)(void *user, uint64_t rows_done,
                        uint64_t rows_total); /**< total 0: unknown */
    void (*on_statement)(void *user, const char *sql, uint64_t rows);
    bm_switch error_detail; /**< BM_ON: copy the server's DETAIL, which shows values */
    bm_switch dry_run; /**< BM_ON: do everything, then roll back instead of committing.  Counts and
                          outcomes are as if committed; no keys and no queryset are returned */
    int64_t commit_timeout_ms; /**< for all COMMITs of the call, counted from the first; default
                                  5,000 */
    bm_switch
        commit_check; /**< PostgreSQL: if the answer to COMMIT is lost, ask on another connection
                         whether it was committed.  Default: only calls of several statements ask.
                         BM_ON: calls of one statement too; they then send BEGIN, the statement and
                         COMMIT.  BM_OFF: never */
    int retries; /**< how many times the call is repeated after a serialization failure (40001), a
                    deadlock (40P01), a lost connection or SQLITE_BUSY, if nothing of it is
                    committed; default 0.  Never inside a transaction, and only if its rows can be
                    read again.  Pauses are random, up to 2 seconds; for at most 30 seconds */
    void (*on_retry)(void *user, uint64_t replay,
                     const bm_error *why); /**< before each repetition; `replay` counts from 1 */
    /**
     * BM_ON_ERROR_REJECT: a row that cannot be converted, or that the database refuses, is rejected
     * and the call goes on.  The rows are bm_structs, bm_struct_pointers or bm_stream.  The table
     * then holds what it would hold if the rows had been written one by one, in order, without
     * those that fail.  All is one transaction on one connection, in which deferred constraints are
     * checked at once.  Of rows with equal keys in an update, upsert or delete the first is kept
     * and the others are rejected, unless the options have a rule for duplicates.  The call is not
     * repeated (`retries`), and returns no keys, outcomes or queryset.
     */
    bm_on_error on_error;
    int64_t max_rejects; /**< more rejected rows are BM_LIMIT, and nothing is written; default: 10 %
                            of the rows, checked at the end.  Negative: no limit */
    /** Called for each rejected row, in the order of rows: why->row is its number, before the
     * following `next` of a stream.  A status other than BM_OK ends the call, which is rolled back.
     */
    bm_status (*on_reject)(void *user, const bm_error *why, bm_error *err);
    /**
     * The name of a load that can be resumed.  The rows must be a bm_stream.  They are written in
     * parts of `commit_every` rows, each a transaction, which also records in the table
     * bulkmodel_load (bm_load_init) how many rows were written and a checksum of them.  The same
     * call after a crash reads these rows again, compares them, and continues after the last part:
     * no row is written twice or lost.  A load that is finished is compared and writes nothing.
     *
     * Rows that differ, fewer rows, more rows than a finished load has, another table or another
     * verb are BM_INVALID.  BM_RETRY: the load seems to be running: its record is younger than 60
     * seconds (see `take_over`).  A call that was taken over can no longer commit.  After a failure
     * the rows of earlier parts stay: see bm_error.fate and bm_result.parts.  `timeout_ms` is for
     * all parts together.  Not inside a transaction, nor with `concurrent`, dry_run, on_error,
     * keys, outcomes or querysets, nor, on PostgreSQL, lock_timeout_ms; the call is not repeated
     * (`retries`).
     */
    const char *load_id;
    uint64_t commit_every; /**< with load_id; default 100,000 */
    bm_switch take_over;   /**< with load_id, BM_ON: the process that ran this load is dead */
    /** With load_id: `rows` rows are committed so far.  Called before the first part, with the rows
     * of earlier calls, and after each part. */
    void (*on_part)(void *user, uint64_t rows);
} bm_call;

/* ---------------------------------------------------------------------------------------- verbs */

/** What to do with rows of one call (when streaming: of one chunk) that have the same key.  Keys
 * are compared as bytes; -0.0 equals 0.0, NaN equals NaN, and trailing blanks of a BM_CHAR are
 * ignored. */
typedef enum bm_duplicates {
    BM_DUPLICATES_ERROR = 0, /**< BM_INVALID; the error gives both rows */
    BM_DUPLICATES_FIRST,     /**< the first is written, the others are BM_ROW_IGNORED */
    BM_DUPLICATES_LAST       /**< the last is written */
} bm_duplicates;

/**
 * Options that verbs share have the same name and meaning in each.  Lists of columns are BM_NAMES.
 *
 *     batch_size              rows in a chunk; default: chosen by the engine
 *     concurrent              BM_ON: write on several connections, on PostgreSQL and outside a
 *                             transaction.  One connection is used for a stream without `release`,
 *                             for a call that must read rows back, and if transactions are
 *                             SERIALIZABLE by default
 *     max_concurrent_workers  default: bm_open_options.max_concurrent_batch_writes
 *     unique_fields           rows exist by these, which have a unique index; default: the primary
 *                             key
 *     update_fields           columns to update; default: all except key and unique fields
 *     update_unchanged        BM_ON: write rows that already have these values, too
 *     duplicates              rows with equal unique_fields; without these, with equal keys
 *     require_all             BM_ON: a missing row is an error, and nothing is written
 *     return_queryset         the rows written, in input order, with keys and snapshot
 *     return_outcomes         an outcome for each row
 *     keys_into               the array of bm_structs, writable: keys are stored there
 *     create_uuid             for BM_CREATE_UUID fields; default: bm_uuid_random
 *     allow_skipped           BM_ON: a trigger may drop rows without an error
 */

/** Options of bm_bulk_create. */
typedef struct bm_bulk_create_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    bm_switch return_queryset;
    bm_switch return_outcomes;
    bm_switch ignore_conflicts; /**< rows that violate a unique constraint are BM_ROW_IGNORED */
    bm_switch update_conflicts; /**< upsert: rows that exist by `unique_fields` are updated */
    const char *const *update_fields;
    const char *const *unique_fields;
    bm_duplicates duplicates; /**< with update_conflicts */
    void *keys_into;
    const bm_uuid *create_uuid;
    bm_switch allow_skipped;
} bm_bulk_create_options;

/** Insert rows.  With update_conflicts: insert or update ("upsert"). */
BM_API bm_status bm_bulk_create(bm_db *db, bm_rows rows, const bm_bulk_create_options *options,
                                bm_result *result, bm_error *err);

/** Options of bm_upsert. */
typedef struct bm_upsert_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    const char *const *unique_fields;
    const char *const *update_fields;
    bm_switch update_unchanged;
    /** Which rows to update: "t.updated < excluded.updated", where excluded is the row of the call.
     * Rows that exist and are not written, also since nothing would change, are BM_ROW_IGNORED. */
    const char *where;
    bm_duplicates duplicates;
    bm_switch return_queryset;
    bm_switch return_outcomes;
    void *keys_into;            /**< also of unchanged rows */
    const bm_uuid *create_uuid; /**< a new one alone is no change */
    bm_switch allow_skipped;
} bm_upsert_options;

/**
 * Insert rows that are new, update rows that exist by `unique_fields` and differ.  Rows that have
 * these values already are counted as `unchanged` and are not written: values are compared as they
 * are stored, so 1.0 differs from 1.00 where the column keeps that apart.  Keys that the database
 * assigns are drawn for new rows only, where PostgreSQL's table is an ordinary one.
 */
BM_API bm_status bm_upsert(bm_db *db, bm_rows rows, const bm_upsert_options *options,
                           bm_result *result, bm_error *err);

/** bm_sync_options.max_deletes: no row may be deleted. */
#define BM_NO_DELETES INT64_MIN

/** Options of bm_sync. */
typedef struct bm_sync_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    const char *const *unique_fields;
    const char *const *update_fields;
    bm_switch update_unchanged;
    const char *where;   /**< which rows the call's rows replace: "supplier_id = 7"; "true" is the
                            whole table.  Required */
    int64_t max_deletes; /**< more deletes are BM_LIMIT, and nothing is written.  BM_NO_DELETES:
                            none; negative: no limit.  Default: 10 %, as max_deletes_percent */
    double max_deletes_percent; /**< the same in percent of the rows that `where` selects, but at
                                   least 10 rows.  With max_deletes, both limits apply */
    bm_switch allow_empty; /**< BM_ON: no rows at all is no error: all that `where` selects go */
    bm_duplicates duplicates;
    bm_switch return_outcomes;
    const bm_uuid *create_uuid; /**< a new one alone is no change */
} bm_sync_options;

/**
 * Make the rows that `where` selects those of the call: delete the others, update rows that differ,
 * insert new ones, in this order and in one transaction on one connection.  The result counts
 * inserted, updated, unchanged and deleted.
 *
 * The rows that `where` selects are locked first, so a row that another session inserts meanwhile
 * is never deleted; if it has the key of one of the call's rows, that is BM_CONSTRAINT.
 * BM_CONSTRAINT with a row: it exists and `where` does not select it, or `where` does not select
 * what was written.  More deletes than allowed are BM_LIMIT.  A call without rows is BM_INVALID, as
 * is a NULL in the primary key, or `unique_fields` without a unique index over exactly these
 * columns.
 *
 * The rows are read twice: a bm_source needs `rewind`.  The model needs the primary key.  The call
 * is not repeated (`retries`); on_error is BM_UNSUPPORTED.  PostgreSQL: the role may create
 * temporary tables, two of which hold the keys.
 */
BM_API bm_status bm_sync(bm_db *db, bm_rows rows, const bm_sync_options *options, bm_result *result,
                         bm_error *err);

/** Options of bm_update_fields. */
typedef struct bm_update_fields_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    const char *const *fields; /**< default: what differs from the queryset's snapshot */
    bm_switch return_outcomes;
    bm_switch require_all;
    bm_duplicates duplicates;
} bm_update_fields_options;

/** Update each row, found by key, with its own values: the named fields or, for a queryset, what
 * changed. */
BM_API bm_status bm_update_fields(bm_db *db, bm_rows rows, const bm_update_fields_options *options,
                                  bm_result *result, bm_error *err);

/** Options of bm_update. */
typedef struct bm_update_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;
    bm_switch concurrent;
    int max_concurrent_workers;
    const void *values;        /**< one struct of the model's row with the values to set ... */
    const char *const *fields; /**< ... for these columns.  None: nothing is done */
    bm_switch return_outcomes;
    bm_switch require_all;
    bm_duplicates duplicates;
} bm_update_options;

/** Update rows, found by key or bm_all, with the same values. */
BM_API bm_status bm_update(bm_db *db, bm_rows rows, const bm_update_options *options,
                           bm_result *result, bm_error *err);

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

/** Delete rows by key. */
BM_API bm_status bm_delete(bm_db *db, bm_rows rows, const bm_delete_options *options,
                           bm_result *result, bm_error *err);

/** Options of bm_copy_to. */
typedef struct bm_copy_to_options {
    size_t size;
    const bm_call *call;
    size_t batch_size;         /**< for `sink`; default 1,000 */
    const char *const *fields; /**< default: all of the model.  The key is always read.  Members
                                  not read are 0, in a queryset their state is BM_KEEP */
    bm_switch order_by_key; /**< bm_all: order by primary key.  Keys: always in the order given */
    bm_switch require_all;  /**< keys: a missing row is an error; default: left out */
    void *user;
    /** Receives the rows chunk by chunk, in constant memory: an array of the model's struct, valid
     * during the call of `sink`.  A status other than BM_OK ends the read.  NULL: all rows are
     * returned in bm_result.queryset. */
    bm_status (*sink)(void *user, const void *rows, size_t n, bm_error *err);
    const char *where;    /**< bm_all: which rows to read, "value > 3" */
    const char *order_by; /**< bm_all, instead of order_by_key: "name, id DESC" */
    /** bm_all, without where and any order: the rows of this query instead of the table's, "SELECT
     * name, count(*) AS n FROM foo GROUP BY name".  Fields are its columns of the same name.  It is
     * one SELECT, WITH, VALUES or TABLE (not on SQLite); anything else is BM_INVALID and is not
     * sent.  On PostgreSQL its transaction, or inside yours its savepoint, is read-only and is
     * rolled back.  On SQLite a query that writes is BM_INVALID, but what functions of your own do
     * is not looked at.  BM_UNSUPPORTED for "memory:". */
    const char *query;
} bm_copy_to_options;

/** Read rows, by key or bm_all, into structs. */
BM_API bm_status bm_copy_to(bm_db *db, bm_rows rows, const bm_copy_to_options *options,
                            bm_result *result, bm_error *err);

/**
 * Print the plan of a verb without running it: one line for each statement and fact.  `verb` is
 * "bulk_create", "upsert", "sync", "update_fields", "update", "delete" or "copy_to"; `options` are
 * that verb's options or NULL.  Of a sync it is the pass that finds existing rows.  It reads the
 * catalog and writes nothing.
 */
BM_API bm_status bm_explain(bm_db *db, const char *verb, bm_rows rows, const void *options,
                            char **text, bm_error *err);

/* --------------------------------------------------------------------------------------- tables */

/**
 * Make a model from a table of the database, for a program that does not know the table when it is
 * compiled.
 *
 * The model has every column, in the table's order.  In the row each is its type's C value or a
 * bm_slice, with a bm_state of its own.  BM_KEY, BM_ASSIGNED and BM_READ_ONLY are set from the
 * table.  A type that bm_type does not have, arrays included, is BM_ENUM, which is sent and
 * received as text.  On SQLite declared types mean what Django means by them ("char(32)" is a UUID,
 * "datetime" is BM_TIMESTAMPTZ).
 *
 * `schema` may be NULL.  *out is one block of memory.  BM_INVALID if there is no such table.
 */
BM_API bm_status bm_describe(bm_db *db, const char *schema, const char *table, bm_model **out,
                             bm_error *err);

/**
 * Make a model from the rows of a query, for bm_copy_to with this query.  The model is as
 * bm_describe makes it, with the table "query" and without a key.
 *
 * PostgreSQL says what the columns are and does not run the query.  On SQLite an expression has no
 * declared type, and a UNION has those of its first part.  So there the whole query runs once, for
 * at most an hour, and a column whose values do not have its declared type gets the one that all of
 * them have: BM_INT8, BM_FLOAT8, BM_BYTEA, else BM_TEXT.
 *
 * *out is one block of memory; free it with bm_free.  On error it is NULL: BM_INVALID if the query
 * is no SELECT, is more than one statement, returns no columns, writes (SQLite), or if two of its
 * columns have the same name, or one has none, or one with a tab or a line end; BM_UNSUPPORTED for
 * "memory:".
 */
BM_API bm_status bm_describe_query(bm_db *db, const char *query, bm_model **out, bm_error *err);

/** A column of bm_create_table_sql. */
typedef struct bm_new_column {
    const char *name; /**< as it is: the library quotes it */
    const char *type; /**< as SQL, "numeric(8,2)"; it is copied unchanged, so never build it from
                         untrusted input */
    bm_switch not_null;
} bm_new_column;

/** Options of bm_create_table_sql. */
typedef struct bm_create_table_options {
    size_t size;
    const char *schema; /**< may be NULL */
    const char *table;
    const bm_new_column *columns;
    size_t n_columns;
    const char *const *key; /**< the primary key, columns among those above; NULL: none */
    bm_switch add_columns;  /**< BM_ON: the table exists, and gets these columns */
} bm_create_table_options;

/**
 * Write the CREATE TABLE of a table, or with add_columns an ALTER TABLE for each column, for
 * bm_execute on any database.  Names are quoted.  Nothing is executed.  If there are no columns to
 * add, *sql is an empty string.
 */
BM_API bm_status bm_create_table_sql(const bm_create_table_options *options, char **sql,
                                     bm_error *err);

/** What bm_maintain does. */
typedef enum bm_maintenance {
    BM_ANALYZE = 0,    /**< update the planner's statistics */
    BM_TRUNCATE,       /**< delete all rows; inside a transaction it is part of it */
    BM_FIND_SEQUENCES, /**< PostgreSQL: count sequences below the largest value of their column, as
                          after an insert of rows with their own keys */
    BM_SYNC_SEQUENCES, /**< ... and move them there, at once and in no transaction */
    BM_CHECK_CONSTRAINTS /**< inside a transaction: check deferred constraints of all tables now, so
                            that COMMIT does not fail because of them */
} bm_maintenance;

/** Options of bm_maintain. */
typedef struct bm_maintain_options {
    size_t size;
    const bm_call *call; /**< timeouts, cancel token, on_statement; dry_run is refused */
    bm_maintenance what;
} bm_maintain_options;

/**
 * Maintain the model's table.  *n, if not NULL, is the number of rows deleted (0 if the server does
 * not count them), or of the sequences found or moved (0 on SQLite, which needs no sequences).
 */
BM_API bm_status bm_maintain(bm_db *db, const bm_model *model, const bm_maintain_options *options,
                             uint64_t *n, bm_error *err);

/**
 * The SQL that makes stage tables for a table whose rows are on other servers (postgres_fdw).
 *
 * If there are such tables, bm_update, bm_update_fields and bm_delete send their rows to them, each
 * to the server of the row that it changes; else the server changes row by row.  They are looked
 * for when the table is first used.  Nothing is created here: each part of the text begins with a
 * line that names the server where its statements are to be run.
 *
 * `schema` may be NULL.  BM_UNSUPPORTED if the table needs no stage or can have none; the message
 * says why.
 */
BM_API bm_status bm_stage_sql(bm_db *db, const char *schema, const char *table, char **text,
                              bm_error *err);

/**
 * Create the table bulkmodel_load, in which loads with bm_call.load_id are recorded, if it is not
 * there.  The library never creates it unasked.  With `text` it is not created: *text is the
 * statement that would do it.
 */
BM_API bm_status bm_load_init(bm_db *db, char **text, bm_error *err);

/** Free what another function allocated: text, or the model of bm_describe and
 * bm_describe_query. */
BM_API void bm_free(void *memory);

/* --------------------------------------------------------------------------------------- memory */

/**
 * "memory:" is a database without I/O, for tests of programs that use this library.  It accepts
 * every table as the model describes it, counts rows, hands out the keys 1, 2, 3 ..., and records
 * the statements.  It has no catalog, so bm_sync and the functions on tables are BM_UNSUPPORTED.
 */

/** An answer for the step-th step from now (1 is the next).  BEGIN, COMMIT and statements are
 * steps. Each answer is used once. */
typedef struct bm_memory_answer {
    size_t size;
    uint64_t step;
    const char *sqlstate; /**< fail with this SQLSTATE ("23505"), or NULL */
    bool disconnect;      /**< lose the connection at this step */
    int64_t rows;         /**< the number of rows written; negative: as many as were sent */
} bm_memory_answer;

/** Queue an answer.  BM_INVALID unless `db` was opened with "memory:". */
BM_API bm_status bm_memory_script(bm_db *db, const bm_memory_answer *answer, bm_error *err);

/** The number of steps since the database was opened or reconnected.  0 unless "memory:". */
BM_API size_t bm_memory_count(const bm_db *db);

/** Step i as text: "BEGIN", "COPY ... [10 rows]".  Owned by the database; NULL out of range. */
BM_API const char *bm_memory_at(const bm_db *db, size_t i);

/* --------------------------------------------------------------------------------------- macros */

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
 * member that cannot hold its field's type does not compile.
 *   BM_FIELD(row, member, type, flags)             a column that is never NULL in C
 *   BM_FIELD_STATE(row, member, type, flags, st)   with the uint8_t member `st` as its bm_state
 *   BM_ARRAY_FIELD(row, member, type, flags, st)   a bm_array of `type`
 *   BM_ND_ARRAY_FIELD(row, member, type, flags, st)   a bm_nd_array of `type`
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
#define BM_ND_ARRAY_FIELD(row_, member_, type_, flags_, state_)                                    \
    {                                                                                              \
        #member_, type_,                                                                           \
            BM_ND_ARRAY + BM__IS(_Generic(((row_ *)0)->member_, bm_nd_array : 1, default : 0)),    \
            offsetof(row_, member_), sizeof(bm_nd_array),                                          \
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
        bm_interval: (type_) == BM_INTERVAL,                                                       \
        bm_inet: (type_) == BM_INET,                                                               \
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
