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
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_source_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Source",
    .tp_basicsize = sizeof(py_source),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = source_free,
    .tp_methods = methods,
};
