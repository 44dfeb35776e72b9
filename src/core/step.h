/*
 * Steps: what a job asks of a connection, and what it is told.  Data only: a transport performs a
 * step; the loop in executor/, or a driver that owns its connection, carries it there and the
 * answer back.
 */
#ifndef BM_CORE_STEP_H
#define BM_CORE_STEP_H

#include "batch.h"

typedef enum bm__step_kind {
    BM__STEP_BEGIN = 1, /* start a transaction that writes (SQLite: BEGIN IMMEDIATE); `sql`, where
                           set, follows in the same message; its rows go to `push` */
    BM__STEP_SAVEPOINT, /* `sql` is the whole statement, as for the next two */
    BM__STEP_RELEASE,
    BM__STEP_ROLLBACK_TO,
    BM__STEP_EXEC,     /* `sql` with parameters or over a batch; rows, if any, go to `push` */
    BM__STEP_DESCRIBE, /* `sql` is one statement, which is not carried out: the columns of its rows
                          go to `column` */
    BM__STEP_LOAD,     /* `sql` is COPY ... FROM STDIN; bytes come from `pull` */
    BM__STEP_UNLOAD,   /* `sql` is COPY ... TO STDOUT; bytes go to `take` */
    BM__STEP_READY,    /* all is written: answered only when every worker is here */
    BM__STEP_COMMIT,
    BM__STEP_ROLLBACK
} bm__step_kind;

/* A transaction, as another connection may ask for it.  `id` 0: it has none, for it wrote nothing;
 * or, where `backend` is 0 too, it is not known. */
typedef struct bm__xact {
    uint64_t id;
    int backend; /* the server's process */
} bm__xact;

/* A parameter: `size` bytes in PostgreSQL's binary format of type `oid`; data NULL is SQL NULL. */
typedef struct bm__param {
    uint32_t oid;
    const void *data;
    size_t size;
} bm__param;

typedef enum bm__cell_kind {
    BM__CELL_NULL = 0,
    BM__CELL_BYTES, /* PostgreSQL's binary format */
    BM__CELL_INTEGER,
    BM__CELL_REAL,
    BM__CELL_TEXT, /* SQLite's storage classes, these four */
    BM__CELL_BLOB
} bm__cell_kind;

/* One value of a row that came back, or of one that goes to SQLite.  `data` lives until the
 * function that was given the cell returns. */
typedef struct bm__cell {
    bm__cell_kind kind;
    const void *data;
    size_t size;
    int64_t integer;
    double real;
} bm__cell;

/* What a statement's rows mean.  Only the transport without I/O needs it, to make rows up. */
typedef enum bm__expect {
    BM__EXPECT_COUNT = 0, /* no rows; the count of rows written matters */
    BM__EXPECT_KEYS,      /* n_rows rows: the keys for the rows of the chunk, in any order */
    BM__EXPECT_KEY_ARRAY, /* one row: the same as array_send's bytes */
    BM__EXPECT_ORDINALS,  /* (ordinal) of each row of the chunk that was hit, in any order */
    BM__EXPECT_ORD_KEYS,  /* (ordinal, inserted, key ...) of each row that was written */
    BM__EXPECT_ROWS,      /* rows of the table: a transport that makes answers up gives none */
    BM__EXPECT_ONE        /* one integer */
} bm__expect;

typedef struct bm__step {
    bm__step_kind kind;
    const char *sql; /* EXEC, LOAD, UNLOAD, SAVEPOINT, RELEASE, ROLLBACK_TO; borrowed */
    const bm__param *params;
    size_t n_params;
    const bm__batch *batch; /* EXEC on an engine that reads the batch itself, or NULL */
    size_t n_rows;          /* rows of the chunk that the step is for; 0 where it is for none */
    bm__expect expect;
    bool autocommit; /* EXEC outside a transaction: it is its own commit */

    /* LOAD: the next block, *size 0 at the end.  A failure must end the COPY by CopyFail. */
    bm_status (*pull)(void *context, const uint8_t **block, size_t *size, bm_error *err);
    /* EXEC: one row that came back. */
    bm_status (*push)(void *context, const bm__cell *cells, size_t n_cells, bm_error *err);
    /* DESCRIBE: one column.  Its type by PostgreSQL's OID, or as the table declares it ("": it is
     * an expression, or there is no declaration). */
    bm_status (*column)(void *context, const char *name, uint32_t oid, const char *declared,
                        bm_error *err);
    /* UNLOAD: bytes that came, cut anywhere. */
    bm_status (*take)(void *context, const uint8_t *bytes, size_t size, bm_error *err);
    void *context; /* of pull, push, column and take */

    /* PostgreSQL: the lock_timeout of a transaction that BEGIN begins, or of a statement that is
     * its own commit; 0: as the session has it.  SQLite: wait so long for another writer; 0: 5 s.
     * Negative: no limit. */
    int64_t lock_timeout_ms;
    bool lock_unless_set; /* ... only where the session has none */
    int64_t deadline_ns;  /* on bm__now_ns's clock; 0: none */
    const char *limit;    /* which timeout the deadline is, in words for its message ... */
    int64_t limit_ms;     /* ... and how long that is; NULL: not known */
    int64_t stall_ms;     /* COPY, and rows that are read: no byte moves for so long; 0: none */
    int64_t answer_ms; /* COPY: the server's answer before it begins, or after its end; 0: none */
    const int64_t
        *paused_ns; /* time spent in the caller's code, which no timeout counts, or NULL */
    int64_t paused_before_ns; /* ... and how much of it the deadline allows for already */
    int64_t end_ns; /* when the step is over at the latest, with all that follows a failure; 0: a
                       few seconds after that */
    const bm_cancel *cancel;
} bm__step;

/* Why DESCRIBE refuses more than one statement. */
#define BM__SEVERAL_STATEMENTS "the query is more than one statement: expected one SELECT"

/* Bound a step by one more timeout, which ends at `deadline_ns` (0: never). */
void bm__step_until(bm__step *step, const char *limit, int64_t limit_ms, int64_t deadline_ns);

/* The same, counted from now; `limit_ms` <= 0: no limit. */
void bm__step_within(bm__step *step, const char *limit, int64_t limit_ms);

/* The deadline, or the end, of a step, moved by the time that was spent in the caller's code
 * since. */
int64_t bm__step_moved(const bm__step *step, int64_t at_ns);

/* "the statement timeout of 30 s passed". */
void bm__step_says(const bm__step *step, char *out, size_t size);

/* Record BM_TIMEOUT with the step's timeout in its message. */
bm_status bm__step_late(const bm__step *step, bm_stage stage, bm_error *err);

#define BM__CONTEXT_MAX 512

/* What a connection answers beside status and error. */
typedef struct bm__answer {
    uint64_t rows;    /* written or read by EXEC, LOAD, UNLOAD, as the server counts */
    bool sent;        /* bytes of this step were handed to the connection */
    size_t row;       /* of the batch, where the engine knows it (SQLite), or BM_NO_ROW */
    char routine[32]; /* the function of the server that failed */
    char context[BM__CONTEXT_MAX]; /* the server's CONTEXT, which names the line of a COPY */
} bm__answer;

#endif
