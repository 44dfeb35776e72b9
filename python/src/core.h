/*
 * bulkmodel._core: Django's objects as columns of the engine, and the engine's job for a driver
 * in Python that owns the connection.
 *
 *   Table   what the engine knows of a Django model: columns, their types, the key
 *   Rows    values of objects, gathered column by column, owned
 *   Job     a verb over rows: steps to perform, answers to give
 *   Source  SQLite's virtual table on one connection
 *   Builder rows of a result as instances
 *   Frame   rows of an Arrow stream, in pieces
 *   Team    who of several workers may commit, and what became of their rows
 *   Parts   which objects of a chunk to write next, where some of them are refused
 */
#ifndef BULKMODEL_PYTHON_CORE_H
#define BULKMODEL_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "buffer.h"
#include "catalog.h"
#include "locate_row.h"
#include "operation.h"

extern PyTypeObject py_table_type;
extern PyTypeObject py_rows_type;
extern PyTypeObject py_job_type;
extern PyTypeObject py_source_type;
extern PyTypeObject py_catalog_type;
extern PyTypeObject py_builder_type;
extern PyTypeObject py_team_type;
extern PyTypeObject py_parts_type;
extern PyTypeObject py_frame_type;
extern PyTypeObject py_piece_type;
extern PyTypeObject py_batch_type;

PyObject *py_team_sql(PyObject *module, PyObject *args);
PyObject *py_transaction_sql(PyObject *module, PyObject *args);
PyObject *py_may_pass(PyObject *module, PyObject *args);

/* table.c: the engine of this name; NULL and ValueError where there is none. */
const bm__engine *py_engine_named(const char *name);

/* What the engine cannot do exactly, found before anything was sent: Django's way is taken. */
extern PyObject *py_unfit;
/* What went wrong behind the first byte and is no error of the database. */
extern PyObject *py_engine_error;
/* The same, of a kind: other rows came back than were sent. */
extern PyObject *py_miscounted;
/* The same, of a kind: nothing was written, since the statement could not be sure of its keys. */
extern PyObject *py_unproved;

/* What an Arrow stream holds and cannot be read: (message, row or None, column or None). */
extern PyObject *py_unread;

/* error.c: put the exceptions into the module. */
bool py_error_init(PyObject *module);

/* buffer.c: text that is put together.  py_buffer_room: where `more` bytes may be written, or NULL
 * with an exception.  The others: 1 it is there, 0 it is no such text, -1 an exception is set. */
char *py_buffer_room(bm__buffer *out, size_t more);
int py_buffer_put(bm__buffer *out, const char *text, size_t size);
int py_buffer_put_int(bm__buffer *out, PyObject *value);
int py_buffer_put_float(bm__buffer *out, double value);

/* json.c: a value as json.dumps writes it.  0: that is left to json.dumps. */
int py_write_json(bm__buffer *out, PyObject *value);

struct py_column;
struct py_form;
struct py_rule;

/* One value into cell `row`.  1: it is there; 0: it is not of the exact built-in type, or does not
 * fit; -1: a Python exception is set. */
typedef int (*py_put)(struct py_column *column, size_t row, PyObject *value,
                      const struct py_rule *rule);
/* An element as text; results as above. */
typedef int (*py_write)(bm__buffer *out, PyObject *value, const struct py_form *form);

/* How a column's values become the text that its type is written as.  `put` is NULL where the type
 * alone says it. */
typedef struct py_form {
    py_put put;
    py_write write;   /* of an array's elements or a range's bounds */
    int dimensions;   /* of an array */
    Py_ssize_t limit; /* characters of an element, or -1 */
    PyObject *range;  /* psycopg's class, or NULL */
} py_form;

/* literal.c: the form of this name, which an exception says is none. */
bool py_form_named(const char *name, py_form *out);
bool py_literal_init(void);

/* What a value must fulfil beside its type. */
typedef struct py_rule {
    const py_form *form; /* of the column */
    Py_ssize_t limit;    /* characters that the column holds, or -1 */
    bool sqlite;   /* -0.0 is a float of its own: to PostgreSQL Django's literal of it is 0; and
                         an interval is an integer */
    bool prepared; /* by the field's own methods: a subclass of int or str is its number or text,
                         and bytes are a text's */
} py_rule;

typedef struct py_table {
    PyObject_HEAD const bm__engine *engine;
    bm__arena arena;
    bm_model made;      /* the key is made by the database, where it is an assigned one */
    bm_model given;     /* the rows hold their keys */
    PyObject *names;    /* tuple of attribute names, interned: names[i] is of field i */
    bool *links;        /* field i has PY_LINK */
    Py_ssize_t *limits; /* characters that field i holds, or -1 */
    py_form *forms;     /* of field i */
    const char **casts; /* while it is made: the types that the engine does not know, or NULL */
    size_t key;         /* the field of the primary key */
    bm__table *table;
} py_table;

typedef struct py_column {
    unsigned char *data;
    uint8_t *states;  /* NULL while all cells are values */
    PyObject **owned; /* what the cells' bytes belong to, or NULL */
    PyObject *keeper; /* the same, of all cells, or NULL */
    bm_type type;     /* of the cells: the field's, or what they were prepared as */
    bool one;         /* there is one cell (and one owner), the value of all rows */
} py_column;

typedef struct py_rows {
    PyObject_HEAD py_table *table;
    size_t n;
    py_column *columns; /* of each field of the model */
} py_rows;

/* A question to the server's catalog, and its answer: the table as it is. */
typedef struct py_catalog {
    PyObject_HEAD py_table *table;
    bm__catalog question;
    bm__step step;
    bm__table *found;
} py_catalog;

/* What a job that looks for a row has beside. */
typedef struct py_search {
    bm_error error; /* that the row is looked for */
    bm__locate locate;
} py_search;

typedef struct py_job {
    PyObject_HEAD py_rows *rows;
    struct py_job *twin_of; /* whose call and plan the job carries out, or NULL: its own */
    bool stopped;           /* no further step, no further block */
    PyObject *order;        /* the arguments that it was made from, or NULL: a twin */
    py_search *search;      /* the job looks for the row of an error of twin_of; or NULL */
    PyObject *odd_keys;     /* {row: key} of keys that no integer of the model holds, or NULL */
    py_table *table;
    py_catalog *catalog; /* or NULL: the table is as the model says */
    bm_model model;
    bm_column *columns;
    bm__operation op;
    bm__job job;
    bm__step step;
} py_job;

/* rows.c: cells of a field with states, begun, whose bytes belong to `keeper`; or NULL with an
 * exception. */
py_column *py_rows_borrow(py_rows *self, Py_ssize_t field, PyObject *keeper);

/* The type of this name, or 0. */
bm_type py_type_named(const char *name);

/* How a value of the type stands in a cell. */
void py_cell_of(bm_type type, bm_layout *layout, size_t *width);

/* Raise what a failed status stands for: py_unfit before anything was sent, else py_engine_error
 * or py_miscounted. */
PyObject *py_raise(const bm_error *err, bool sent);

/* gather.c */
py_put py_put_of(bm_type type);
bool py_gather_init(void);
/* The bytes of a str or bytes object, which is given away. */
int py_put_slice(py_column *column, size_t row, PyObject *text);
/* Is it a finite Decimal, exactly?  -1: an exception is set. */
int py_is_decimal(PyObject *value);
/* The bytes of a UUID; 0: it is none, -1: an exception is set. */
int py_uuid_bytes(PyObject *value, uint8_t out[16]);

/* A flag of a Table's field: its descriptor is written in Python (a foreign key's), and would be
 * called for each value.  Other fields are read as Django reads them: getattr finds the value in
 * the instance without making a dictionary for it, or loads what is deferred. */
#define PY_LINK 256

/* The attributes of an object as it stands, or NULL with an exception; a new reference. */
static inline PyObject *py_attributes(PyObject *object)
{
    return PyObject_GenericGetDict(object, NULL);
}

/* What a Job is to do. */
typedef struct py_order {
    const char *verb;
    PyObject *fields; /* tuple of the fields that an update writes */
    size_t batch_size;
    const char *filter;
    int filter_plain;
    bm__keys_by keys_by;
    bm__sql_conflict conflict;
    PyObject *also;   /* tuple of the names of columns that are returned with the keys */
    PyObject *unique; /* tuple of the fields of the conflict */
    PyObject *update; /* tuple of the fields that it updates */
} py_order;

/* job_again.c: methods of Job. */
PyObject *py_job_again(PyObject *object, PyObject *args);
PyObject *py_job_knows_table(PyObject *object, PyObject *unused);
PyObject *py_job_keys_by(PyObject *object, PyObject *unused);
PyObject *py_job_proof(PyObject *object, PyObject *unused);
PyObject *py_job_unsorted(PyObject *object, PyObject *unused);

/* bind.c: methods of Job.
 *   bind(first, n)          the cells of these rows of the step, row by row
 *   columns()               (number, name, type) of each column that is in the step's rows
 *   cells(number, first, n) the cells of one column
 *   values(first, limit)    (text, n): n rows as a list of VALUES, as many as fit into so many
 *                           bytes, but at least one */
PyObject *py_job_bind(PyObject *object, PyObject *args);
PyObject *py_job_columns(PyObject *object, PyObject *unused);
PyObject *py_job_cells(PyObject *object, PyObject *args);
PyObject *py_job_values(PyObject *object, PyObject *args);

/* parameter_text.c: a method of Job.  The parameters of the step that next() gave, as text. */
PyObject *py_job_texts(PyObject *object, PyObject *unused);

/* operation.c: rows, plan and job, checked before anything is sent. */
bm_status py_prepare(py_job *self, const py_order *order, bm_error *err);

/* Give rows that came back (a list of tuples) to a step's push.  `key_size`: a key is so many bytes
 * in the server's binary form; 0: integers stay what they are.  False: an exception is set. */
bool py_push(const bm__step *step, PyObject *rows, size_t key_size, bm_status *status,
             bm_error *err);

/* Is it an integer that so many bytes hold (0: 64 bits)?  No exception is set. */
bool py_is_key(PyObject *value, size_t key_size);

/* Parameters in PostgreSQL's binary form, a tuple of bytes or None. */
PyObject *py_params(const bm__step *step);

/* locate_row.c: methods of a Job. */
PyObject *py_job_locator(PyObject *object, PyObject *args);
PyObject *py_job_refused(PyObject *object, PyObject *args);
PyObject *py_job_found(PyObject *object, PyObject *unused);

/* objects.c: functions of the module. */
PyObject *py_plain(PyObject *module, PyObject *args);
PyObject *py_snapshot(PyObject *module, PyObject *args);
PyObject *py_changed(PyObject *module, PyObject *args);
PyObject *py_differ(PyObject *module, PyObject *args);
PyObject *py_fill(PyObject *module, PyObject *args);
PyObject *py_noted(PyObject *module, PyObject *args);
PyObject *py_note(PyObject *module, PyObject *args);
PyObject *py_settle(PyObject *module, PyObject *args);

/* json.c */
PyObject *py_json_equal(PyObject *module, PyObject *args);

/* deepcopy.c: a copy of a value that shares nothing that can change, or the value itself where it
 * cannot; NULL without an exception: that is not known for its type.  `frozen` is a set of the
 * types that cannot change. */
PyObject *py_apart_one(PyObject *value, PyObject *frozen);
PyObject *py_apart(PyObject *module, PyObject *args);

/* cells.c: a cell of a result as Django's converters make it; a new reference.  NULL: a Python
 * exception is set, or it is none, and the converters are to be asked. */
typedef struct py_memo {
    PyObject *text; /* the last cell, and what it became; or NULL */
    PyObject *value;
} py_memo;
typedef PyObject *(*py_read)(py_memo *memo, PyObject *value, PyObject *zone);
bool py_reader_named(const char *name, py_read *out);
bool py_cells_init(void);

/* arrow_out.c */
PyObject *py_arrow_stream(PyObject *module, PyObject *args);

/* arrow_value.c */
bool py_arrow_init(void);

/* sqlite.c.  The entry point of an extension of SQLite: sqlite.org/loadext.html */
struct sqlite3;
struct sqlite3_api_routines;
__attribute__((visibility("default"))) int
sqlite3_core_init(struct sqlite3 *db, char **message, const struct sqlite3_api_routines *api);
PyObject *py_take_source(PyObject *module, PyObject *unused);
PyObject *py_sqlite_facts(PyObject *module, PyObject *args);

/* commit.c */
bool py_commit_init(PyObject *module);

/* sqlite_handle.c */
PyObject *py_probe(PyObject *module, PyObject *args);
PyObject *py_source_at(PyObject *module, PyObject *args);

#endif
