/*
 * The same shared object is CPython's extension and SQLite's: load_extension calls
 * sqlite3_core_init (sqlite.org/loadext.html: the name comes from the file's) with the connection
 * and the API of the SQLite that Python uses.  The table bulkmodel_batch then reads what a Source
 * offers.  Whoever loads it holds a lock of Python's until it has taken the source.
 */
#include "core.h"

#include "sqlite_error.h"
#include "sqlite_vtab.h"

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include <string.h>

#define WATCHED_ROWS 100 /* fewer are written sooner than looked at */

typedef struct py_source {
    PyObject_HEAD bm__sqlite_source *source;
    bm__batch shown;
    struct sqlite3 *db; /* used only while its connection is open: the owner sees to it */
} py_source;

/* Of the last load, until it is taken. */
static bm__sqlite_source *loaded;
static struct sqlite3 *loaded_db;

int sqlite3_core_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    (void)message;
    if (sqlite3_api != NULL && sqlite3_api != api) {
        return SQLITE_ERROR; /* a second SQLite in the process */
    }
    SQLITE_EXTENSION_INIT2(api);
    if (sqlite3_libversion_number() < 3035000) {
        return SQLITE_ERROR;
    }
    bm__sqlite_source_release(loaded);
    loaded = bm__sqlite_source_create();
    loaded_db = db;
    return loaded != NULL ? bm__sqlite_source_register(loaded, db) : SQLITE_NOMEM;
}

/* take_source() -> the Source of the connection that has just loaded this extension */
PyObject *py_take_source(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    if (loaded == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no connection has loaded the extension");
        return NULL;
    }
    py_source *self = PyObject_New(py_source, &py_source_type);
    if (self != NULL) {
        self->source = loaded;
        self->db = loaded_db;
        loaded = NULL;
    }
    return (PyObject *)self;
}

static void source_free(PyObject *object)
{
    bm__sqlite_source_release(((py_source *)object)->source);
    PyObject_Free(object);
}

/* offer(job, first, n): the table holds these rows of the job's step, until withdraw() */
static PyObject *source_offer(PyObject *object, PyObject *args)
{
    py_source *self = (py_source *)object;
    py_job *job;
    Py_ssize_t first;
    Py_ssize_t n;
    bool widened;
    if (!PyArg_ParseTuple(args, "O!nn", &py_job_type, &job, &first, &n)) {
        return NULL;
    }
    const bm__batch *batch = job->step.batch;
    if (batch == NULL || first < 0 || n < 0 || (size_t)first + (size_t)n > batch->n_rows) {
        PyErr_SetString(PyExc_IndexError, "the step has no such rows");
        return NULL;
    }
    self->shown = bm__batch_slice(batch, (size_t)first, (size_t)n);
    int rc = bm__sqlite_source_offer(self->source, &self->shown, NULL, NULL, &widened);
    if (rc == SQLITE_OK && widened) {
        rc = bm__sqlite_source_register(self->source, self->db);
    }
    if (rc != SQLITE_OK) {
        PyErr_Format(py_engine_error, "the rows cannot be shown to SQLite (code %d)", rc);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *source_withdraw(PyObject *object, PyObject *unused)
{
    (void)unused;
    bm__sqlite_source_withdraw(((py_source *)object)->source);
    Py_RETURN_NONE;
}

/* Words of a program, sqlite.org/opcode.html: operations, or what they work on. */
#define MOST_WORDS 4
typedef const char *words[MOST_WORDS];

static bool is_among(const words list, const char *word)
{
    bool found = false;
    for (size_t i = 0; word != NULL && i < MOST_WORDS && list[i] != NULL; i++) {
        found = found || strcmp(list[i], word) == 0;
    }
    return found;
}

/* Has the program of a statement one of these words, and none of those?  It is compiled, not run:
 * nothing of the database is read. */
static bool compiles_to(sqlite3 *db, char *sql, const words wanted, const words refused)
{
    sqlite3_stmt *program = NULL;
    bool fits = sql != NULL && sqlite3_prepare_v2(db, sql, -1, &program, NULL) == SQLITE_OK;
    bool found = false;
    int rc = SQLITE_DONE;
    while (fits && (rc = sqlite3_step(program)) == SQLITE_ROW) {
        const char *operation = (const char *)sqlite3_column_text(program, 1);
        const char *p4 = (const char *)sqlite3_column_text(program, 5);
        found = found || is_among(wanted, operation);
        fits = !is_among(refused, operation) && !is_among(refused, p4);
    }
    sqlite3_finalize(program);
    sqlite3_free(sql);
    return fits && found && rc == SQLITE_DONE;
}

/* The INSERT makes rowids and keeps no rows aside, and the key is the rowid. */
static bool may_watch(sqlite3 *db, const bm__plan *plan)
{
    static const words makes = {"NewRowid"};
    static const words keeps = {"OpenEphemeral", "Program", "VUpdate", "last_insert_rowid(0)"};
    static const words reads_rowid = {"Rowid", "IdxRowid"};
    static const words reads_column = {"Column"};
    const char *key = plan->model->fields[plan->key_field].name;
    char *insert = sqlite3_mprintf("EXPLAIN %s", plan->watched);
    char *select = sqlite3_mprintf("EXPLAIN SELECT \"%w\" FROM \"%w\"", key, plan->table->name);
    bool plain = compiles_to(db, insert, makes, keeps);
    return compiles_to(db, select, reads_rowid, reads_column) && plain;
}

/* watch(job) -> the INSERT of the rows on offer that returns no keys, as the table sees them; or
 * None, where they are to come back */
static PyObject *source_watch(PyObject *object, PyObject *args)
{
    py_source *self = (py_source *)object;
    py_job *job;
    if (!PyArg_ParseTuple(args, "O!", &py_job_type, &job)) {
        return NULL;
    }
    const bm__batch *batch = job->step.batch;
    int64_t *keys = NULL;
    if (batch != NULL && self->shown.n_rows >= WATCHED_ROWS) {
        keys = bm__job_watch(&job->job, self->shown.first - batch->first);
    }
    if (keys == NULL || !may_watch(self->db, job->job.plan)) {
        Py_RETURN_NONE;
    }
    bm__sqlite_source_watch(self->source, keys);
    return PyUnicode_FromString(job->job.plan->watched);
}

/* watched(job) -> whether the table saw the keys; the job has them then.  Where it did not, nothing
 * was written. */
static PyObject *source_watched(PyObject *object, PyObject *args)
{
    const py_source *self = (const py_source *)object;
    py_job *job;
    if (!PyArg_ParseTuple(args, "O!", &py_job_type, &job)) {
        return NULL;
    }
    bm__sqlite_place place = bm__sqlite_source_place(self->source);
    if (!place.blind) {
        bm__job_watched(&job->job, place.n_keys);
    }
    return PyBool_FromLong(!place.blind);
}

/* sqlite_facts(code, message) -> (SQLSTATE, constraint, column), None where it has none */
PyObject *py_sqlite_facts(PyObject *module, PyObject *args)
{
    int code;
    const char *message;
    bm_error err = BM_ERROR;
    (void)module;
    if (!PyArg_ParseTuple(args, "is", &code, &message)) {
        return NULL;
    }
    bm__sqlite_fail(&err, bm__sqlite_status(code), BM_STAGE_WRITE, code, message);
    return Py_BuildValue("zzz", err.sqlstate[0] != '\0' ? err.sqlstate : NULL,
                         err.constraint[0] != '\0' ? err.constraint : NULL,
                         err.column[0] != '\0' ? err.column : NULL);
}

static PyMethodDef methods[] = {
    {"offer", source_offer, METH_VARARGS, NULL},
    {"withdraw", source_withdraw, METH_NOARGS, NULL},
    {"watch", source_watch, METH_VARARGS, NULL},
    {"watched", source_watched, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_source_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Source",
    .tp_basicsize = sizeof(py_source),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = source_free,
    .tp_methods = methods,
};
