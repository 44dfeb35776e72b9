/*
 * A plan: the statements of a call over one table, as data.  A verb makes it from the rows' shape,
 * the options and the catalog; jobs carry it out chunk by chunk; explain prints it.
 */
#ifndef BM_OPERATION_PLAN_H
#define BM_OPERATION_PLAN_H

#include "engine.h"
#include "model.h"
#include "statement.h"
#include "table.h"

/* Where the cells of a column of the batch come from. */
typedef enum bm__supply {
    BM__SUPPLY_FIELD = 1, /* the caller's rows */
    BM__SUPPLY_KEY,       /* the call's keys: drawn from the database, or given */
    BM__SUPPLY_FLAG,      /* bool: the state of `field` says default */
    BM__SUPPLY_MASK,      /* int8: word `word` of the row's mask of changed columns */
    BM__SUPPLY_UUID,      /* the call's UUID */
    BM__SUPPLY_VALUES,    /* the struct of values that bm_update sets */
    BM__SUPPLY_STATEMENT  /* nothing is sent: the statement makes it */
} bm__supply;

typedef struct bm__plan_column {
    bm__supply supply;
    size_t field; /* of the model */
    size_t word;
    bm__slot slot; /* engines with a binary format */
    bm__sql_column sql;
} bm__plan_column;

/* Bits of a mask word that are used: an int8 stays positive. */
#define BM__MASK_BITS 62

/* A column that is read back, and the reader of its bytes. */
typedef struct bm__plan_output {
    size_t field;
    bm__pg_reader reader;
} bm__plan_output;

/* What a statement takes as parameters, where the engine takes parameters. */
typedef enum bm__takes {
    BM__TAKES_NOTHING = 0,
    BM__TAKES_COLUMNS, /* an array (or a scalar) for each column that is sent */
    BM__TAKES_COUNT,   /* one int8: the rows of the chunk */
    BM__TAKES_TABLE    /* one text: the table's name */
} bm__takes;

/* One statement; sql NULL: there is none. */
typedef struct bm__statement {
    const char *sql;
    bm__step_kind kind;
    bm__expect expect;
    bm__takes takes;
} bm__statement;

/* How rows get in, by the facts; the strategy table is in strategy.c. */
typedef enum bm__strategy {
    BM__COPY = 1,         /* COPY; a key that the database assigns is left to it */
    BM__RESERVE_COPY,     /* keys drawn first, then COPY with them */
    BM__INSERT,           /* INSERT of the batch; nothing comes back */
    BM__RESERVE_INSERT,   /* keys drawn first, then INSERT with them; nothing comes back */
    BM__INSERT_RETURNING, /* INSERT of the batch, keys made in the statement, found again by key */
    BM__INSERT_EACH,      /* a statement a row, in one transaction */
    BM__INSERT_KEYS,      /* INSERT of the batch; the keys come back in any order, and rise with the
                             rows */
    BM__INSERT_LOOKUP,    /* INSERT of the batch; keys are looked up by the conflict's columns */
    BM__HIGHEST_INSERT    /* keys counted on from the highest in use, then INSERT with them */
} bm__strategy;

/* PostgreSQL: how the keys that a create makes find their rows, where nobody asked the catalog. */
typedef enum bm__keys_by {
    BM__KEYS_ASKED = 0, /* the catalog was asked: by what it says */
    BM__KEYS_PROVED,    /* they rise with the rows, or they are made in the statement: it makes sure
                           that this can be, or writes nothing */
    BM__KEYS_MADE,      /* they are made in the statement; a trigger may change them, and then rows
                           are missing in its answer */
    BM__KEYS_EACH,      /* a statement a row */
    BM__KEYS_KNOWN /* as BM__KEYS_PROVED, but an earlier statement made sure of it: where keys do
                           not come back rising, the driver asks plan.proof before it believes so */
} bm__keys_by;

/* What is known of a chunk's row: marks, or-ed together. */
enum {
    BM__SEEN_BEFORE = 1,   /* it was in the table before the write */
    BM__SEEN = 2,          /* the write, or the look behind it, named it */
    BM__SEEN_INSERTED = 4, /* ... as inserted */
    BM__SEEN_KEPT = 8      /* it is in the table, and an upsert has no reason to write it */
};

/* What a write's answer means: a row is a `hit` where its marks under `mask` are `match`. */
typedef struct bm__tally {
    bool counted;  /* no row is named: the answer is the number of hits */
    bool each;     /* chunks of one row: it is hit where the server counts it */
    bool by_marks; /* the rows written are those that are BM__SEEN, else what the server counted */
    bool skips;    /* a row that is not BM__SEEN was left out: it is ignored */
    bool keeps;    /* an upsert that leaves rows as they are: they are `kept` */
    bool exact;    /* ... and each row must be written or kept */
    uint8_t mask, match;
    bm_row_outcome kept;
    bm_row_outcome hit, miss; /* miss BM_ROW_NONE: nothing is said of the others */
} bm__tally;

typedef struct bm__plan {
    bm__arena arena;
    const struct bm__verb *verb;
    const bm_model *model;
    const bm__engine *engine;
    const bm__table *table; /* borrowed from the call */
    const bm__view *views;  /* the request's */
    const char *why;        /* the row of the strategy table, in words */
    bm__strategy strategy;  /* of bulk_create */

    bm__plan_column *columns;
    size_t n_columns;
    bm__fields keys;              /* the primary key, fields of the model */
    bm__plan_output *key_readers; /* for each of `keys`: how it comes back */
    bm__plan_output *outputs;     /* of `read` */
    size_t n_outputs;
    bm__plan_column *read_columns; /* the batch of `read`: keys */
    size_t n_read_columns;

    bm__statement join;    /* once, after BEGIN; several workers: what tells others of the call */
    bm__statement setup;   /* once, behind BEGIN; only in a transaction of our own */
    bm__statement hint;    /* once, before the first chunk; only in the caller's transaction */
    bm__statement before;  /* each chunk: which rows are in the table already */
    bm__statement reserve; /* each chunk: keys */
    bm__statement clean;   /* each chunk, and once behind the last: the stage is empty */
    bm__statement stage;   /* each chunk: its rows go there; the write then takes them from it */
    bm__statement write;   /* each chunk */
    const char *looked_up; /* the same, where the answer to `hint` says that rows are looked up one
                                 by one; or NULL */
    const char *watched;   /* the same for a driver that sees the keys of rows as they are made,
                                 so that none come back; or NULL */
    bm__statement after;   /* each chunk: which rows are in the table now */
    bm__statement read;    /* each chunk: rows back; or once, all rows */
    bm__statement unhint;  /* once, behind the last chunk: the settings are what they were */
    bm__statement settle;  /* once, before other workers commit, or in a dry run, which has
                                  no COMMIT: deferred constraints; and in a search for a row */
    bm__statement highest; /* after a failure that may be the last key's: of highest_column */
    const char *highest_column;
    bm__statement verify;     /* once, before COMMIT: the table is what it was */
    const char *verify_table; /* the table's name, quoted: verify's parameter, and hint's */
    const char *fingerprint;  /* what verify must give */

    const struct bm__constraint **rules; /* of bm__verb_breaches: what it looks for */
    size_t n_rules;

    uint32_t team; /* several workers: the number of the call */
    size_t chunk_rows;
    bool whole_table;  /* no rows are given: all rows of the table */
    bool proved;       /* the write does nothing unless what it relies on holds */
    const char *proof; /* keys that rise with the rows, unasked: whether they do, as a SELECT */
    bool key_made;     /* the key field that is not in the rows but made: key_field */
    bool key_tracked;  /* the call keeps the values of key_field as the database has them */
    size_t key_field;
    bool keeps;      /* an upsert writes only what it has a reason to write */
    bool matched;    /* the key that is made is that of the row that is there, where one is */
    bool keys_rise;  /* they come back in any order, and rise with the rows */
    bool mixed_keys; /* of key_field some rows have a value, some are to be given one */
    bm__tally tally;
    bool undone;      /* nothing that it did may stay: a query of the caller's calls functions */
    bool count_exact; /* rows written must be rows sent */
    bool count_known; /* SQLite: another count shows that the table is not what is known of it */
    bool uncounted;   /* SQLite counts nothing that an INSTEAD OF trigger writes */
    bool by_key;      /* update, delete: a row not written is a row missing */
} bm__plan;

void bm__plan_free(bm__plan *plan);

/* The statements that say what a call does, with their names, in the order in which they are sent.
 * `out` gets those that there are; returns how many. */
#define BM__PLAN_STATEMENTS 8
typedef struct bm__plan_statement {
    const char *what;
    const char *sql;
} bm__plan_statement;
size_t bm__plan_statements(const bm__plan *plan, bm__plan_statement out[BM__PLAN_STATEMENTS]);

/* What a verb is told of the call. */
typedef struct bm__request {
    const struct bm__verb *verb;
    const bm_model *model;
    const bm__engine *engine;
    const bm__table *table;
    const bool *has;       /* for each field: the rows hold it */
    const bm__view *views; /* for each field that they hold: its cells, whose layout may be another
                              than the model's */
    const bool *defaults;  /* for each field: some cell is BM_DEFAULT_CELL (create: or BM_KEEP) */
    const bool *changes;   /* update_fields: the fields to write */
    const bool *keeps;     /* update_fields: some cell of the field stays as it is */
    size_t n_rows;         /* SIZE_MAX: unknown, a stream */
    size_t batch_size;     /* 0: chosen */
    bool whole_table;
    bool keys_back;          /* the caller wants to know them */
    bool returns;            /* ... as RETURNING gives them, also of rows that have them */
    const char *const *also; /* create: columns that a statement which returns keys returns, too:
                                the driver takes them from its answer */
    size_t n_also;
    bm__keys_by keys_by;
    bool outcomes;  /* of each row */
    bool read_back; /* columns that the database computes are wanted */
    bool several_workers;
    uint32_t team;        /* ... their call's number among all calls on the server */
    bool own_transaction; /* the call begins its own */
    bool allow_skipped;
    bm__sql_conflict conflict;
    bool untold;       /* nobody asks which rows a conflict ignored or updated */
    bool selective;    /* a conflict does not write each row, but only ... */
    bool compares;     /* ... one that it changes */
    const char *where; /* ... that this condition selects; or NULL */
    bool match_first;  /* keys are made for new rows only */
    bm__fields unique; /* the conflict's columns */
    bm__fields update; /* what a conflict updates */
    bm__fields set;    /* bm_update: the columns */
    bm__fields read;   /* bm_copy_to: the columns */
    bool order_by_key;
    const char *filter; /* update: a further condition on the rows `t`, the driver's; copy_to of all
                           rows: the caller's; or NULL */
    bool filter_plain;  /* update: ... that reads no other rows */
    const struct bm__constraints *constraints; /* bm__verb_breaches */
    const char *order; /* copy_to of all rows: their order, as SQL; or NULL */
    const char *query; /* copy_to: the rows are those of this query; or NULL */
} bm__request;

/* ---- for the verbs: plan.c */

/* Begin: model, engine, keys and their readers. */
bm_status bm__plan_begin(const bm__request *request, bm__plan *plan, bm_error *err);

/* The rows of a chunk: the caller's, else the engine's, for a stream no more than its buffer. */
size_t bm__plan_chunk(const bm__request *request, size_t engine_rows);

/* Add a column for a field of the table; `in_array` as for bm__format. */
bm_status bm__plan_add_field(bm__plan *plan, size_t field, bm__supply supply, bool in_array,
                             bm__plan_column **out, bm_error *err);

/* Add a column that is in no table: flags (bool) or a mask word (int8). */
bm__plan_column *bm__plan_add_helper(bm__plan *plan, bm__supply supply, size_t field, size_t word);

/* The columns as statement.c wants them. */
bm__sql_shape bm__plan_shape(const bm__plan *plan, bm__sql_column *columns);

/* The key's columns, by which rows are found; the rows must hold them. */
bm_status bm__plan_add_keys(const bm__request *request, bm__plan *plan, bm_error *err);

/* Readers for fields; those that the table lacks are an error. */
bm_status bm__plan_outputs(bm__plan *plan, const bm__fields *fields, bm__plan_output **out,
                           bm_error *err);

/* The table's column of a field: BM_INVALID, named, where there is none. */
bm_status bm__plan_server(const bm__plan *plan, size_t field, const bm__table_column **out,
                          bm_error *err);

/* Bytes were made for, or read as, the types that the catalog said: ask once more at the end, where
 * the statement itself casts nothing. */
bm_status bm__plan_verify(bm__plan *plan, bm_error *err);

/* What stands behind BEGIN: the lock timeout, the planner's hints.  In the caller's transaction
 * hints stand around the chunks, and not for few rows.  `hint_rows`: the rows of a statement that
 * wants hints, or 0. */
bm_status bm__plan_setup(const bm__request *request, bm__plan *plan, size_t hint_rows,
                         bm_error *err);

/*
 * Measured on PostgreSQL 15, tables of 10,000 to 1,000,000 rows: with fewer rows than a 400th of
 * the table the planner looks each one up unasked, with more than a quarter a join over the whole
 * table is as fast.  Between them it takes that join too early: up to ten times slower.
 */
#define BM__LEAST_SHARE 400
#define BM__MOST_SHARE 4

#endif
