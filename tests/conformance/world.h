/*
 * One case on one engine: a fresh database, the library's handle on it, and a judge beside the
 * library (plain libpq, plain sqlite3) that says what is in the tables.  SQL is a printf format.
 */
#ifndef CONFORMANCE_WORLD_H
#define CONFORMANCE_WORLD_H

#include "bulkmodel.h"
#include "check.h"
#include "engine.h"
#include "psql.h"
#include "testdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct world {
    const engine *on;
    bm_db *db;
    bm_error err;
    bm_result result;
    PGconn *pg; /* the judge, on PostgreSQL; NULL elsewhere */
    char schema[TEST_NAME_MAX];
    char role[TEST_NAME_MAX]; /* made by world_role, dropped in the end */
    char path[TEST_PATH_MAX]; /* of the file, on SQLite */
    char url[TEST_PATH_MAX * 2];
} world;

typedef struct conformance_case {
    const char *name;
    unsigned engines;
    void (*run)(world *w);
} conformance_case;

#define CASE(engines_, function_)                                                                  \
    {                                                                                              \
#function_, engines_, function_                                                            \
    }

/* Run each case on each of its engines; main's return value. */
int conformance_run(const char *group, const conformance_case *cases, size_t n);

/* ---- the judge */

/* Run statements that must succeed; nothing on an engine that keeps no rows. */
void run(world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Rows as text, cells separated by '|', NULL as "NULL", each row ended by '\n'. */
char *rows_of(world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The rows, as rows_of writes them, must be `expected`. */
void expect(world *w, const char *expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The only cell of the only row, a number. */
int64_t number(world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A text to print into; when the stream is closed, *text is the text, to be freed by the caller. */
FILE *text_begin(char **text);

/* A number that must be `expected`. */
void expect_number(world *w, int64_t expected, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- the library */

/* Options of the calls. */
#define CREATE(...) BM_OPTIONS(bm_bulk_create_options, __VA_ARGS__)
#define KEYS_BACK CREATE(.return_queryset = BM_ON)
#define COPY(...) BM_OPTIONS(bm_copy_to_options, __VA_ARGS__)
#define SET(...) BM_OPTIONS(bm_update_options, __VA_ARGS__)
#define DELETE(...) BM_OPTIONS(bm_delete_options, __VA_ARGS__)

/* The call must have succeeded; its error is w->err. */
void ok(const world *w, bm_status status);

/* The call must have failed so; `row` BM_NO_ROW, `column` "": it names none. */
void refused(const world *w, bm_status got, bm_status want, size_t row, const char *column);

/* Clear w->result; returns it, for the next call. */
bm_result *fresh(world *w);

/* Another handle on the same database, with further words for its connection (PostgreSQL). */
bm_db *open_again(world *w, const char *words);

/* A login role without rights on this server, which may use the schema; w->db becomes its. */
void world_role(world *w);

/* The strategy line of bm_explain must hold `words`. */
void explains(world *w, const char *verb, bm_rows rows, const void *options, const char *words);

/* Outcomes as letters: '-' none, i u = m g d. */
void expect_outcomes(const world *w, const char *letters);

/* ---- the table of most cases: item (id, name varchar(50), value DEFAULT 7, note) */

typedef struct item {
    int64_t id;
    const char *name;
    int32_t value;
    const char *note; /* NULL is NULL */
    uint8_t id_state, name_state, value_state, note_state;
} item;

extern const bm_model item_model;       /* the database makes the key */
extern const bm_model item_given_model; /* the rows give it, or DEFAULT cells let it be made */

/* The table; `more` is further text of the column list, "" or ", CHECK ...". */
void make_items(world *w, const char *more);

/* n items "n0", "n1" ... with ids first, first + step ..., values 0, 10 ...; freed by free. */
item *some_items(size_t n, int64_t first, int64_t step);

/* One more item of this value, by way of `db`. */
void add_item(world *w, bm_db *db, int32_t value);

/* The upsert of three rows with the keys 1 to 3, the first of which is there; a trigger drops the
 * second, and nobody minds. */
void upsert_with_a_dropped_row(world *w);

/* ---- word (word text, n): a key of text; a case makes the table */

typedef struct word {
    const char *word;
    int32_t n;
} word;

extern const bm_model word_model;

#endif
