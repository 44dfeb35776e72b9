/*
 * SQLite's virtual table where Python's sqlite3 was built without enable_load_extension: the
 * connection's own handle is found in the Connection object.  docs/decisions/005 weighs the risk;
 * every check that fails ends in None, and rows are bound instead.
 */
#include "core.h"

#include <dlfcn.h>
#include <sqlite3ext.h>
#include <string.h>

#define PROBES 3

/* sqlite.org/c3ref/auto_extension.html */
typedef int (*auto_extension)(void (*entry)(void));

typedef struct library {
    auto_extension add, cancel;
} library;

/* What the connection of this thread was given, from add to cancel. */
static struct {
    unsigned long thread;
    sqlite3 *db;
    const sqlite3_api_routines *api;
} seen;

static const sqlite3_api_routines *probed_api;

/* As SQLite calls it for a new connection. */
static int note(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    (void)message;
    if (PyThread_get_thread_ident() == seen.thread && seen.db == NULL) {
        seen.db = db;
        seen.api = api;
    }
    return SQLITE_OK;
}

/* The functions of the SQLite that _sqlite3 itself uses.  False: it has none to be found. */
static bool find_library(const char *file, library *out)
{
    void *handle = dlopen(file, RTLD_NOLOAD | RTLD_LAZY);
    if (handle == NULL) {
        return false;
    }
    void *add = dlsym(handle, "sqlite3_auto_extension");
    void *cancel = dlsym(handle, "sqlite3_cancel_auto_extension");
    memcpy(&out->add, &add, sizeof out->add);
    memcpy(&out->cancel, &cancel, sizeof out->cancel);
    dlclose(handle); /* it stays: Python has it loaded */
    return add != NULL && cancel != NULL;
}

/* The only place in the object that holds the pointer, or -1. */
static Py_ssize_t place_of(PyObject *object, Py_ssize_t size, const void *pointer)
{
    Py_ssize_t found = -1;
    for (Py_ssize_t at = (Py_ssize_t)sizeof(PyObject); at + (Py_ssize_t)sizeof pointer <= size;
         at += (Py_ssize_t)sizeof pointer) {
        if (memcmp((const char *)object + at, &pointer, sizeof pointer) == 0) {
            if (found >= 0) {
                return -1;
            }
            found = at;
        }
    }
    return found;
}

static PyObject *open_and_note(const library *sqlite, PyObject *connect)
{
    void (*entry)(void) = (void (*)(void))note;
    seen.thread = PyThread_get_thread_ident();
    seen.db = NULL;
    seen.api = NULL;
    if (sqlite->add(entry) != SQLITE_OK) {
        return PyErr_NoMemory();
    }
    PyObject *connection = PyObject_CallFunction(connect, "s", ":memory:");
    sqlite->cancel(entry);
    return connection;
}

/* One probe: the place of the handle in a Connection, -1 where it is not sure, -2: an exception. */
static Py_ssize_t probe_once(const library *sqlite, PyObject *connect, PyTypeObject *class)
{
    PyObject *connection = open_and_note(sqlite, connect);
    if (connection == NULL) {
        return -2;
    }
    Py_ssize_t place = -1;
    if (Py_TYPE(connection) == class && seen.db != NULL && seen.api != NULL &&
        (probed_api == NULL || probed_api == seen.api)) {
        place = place_of(connection, class->tp_basicsize, seen.db);
        probed_api = seen.api;
    }
    PyObject *closed = PyObject_CallMethod(connection, "close", NULL);
    Py_DECREF(connection);
    Py_XDECREF(closed);
    return closed != NULL ? place : -2;
}

/* probe(file, connect, class) -> where a Connection holds its handle, the same in all probes, or
 * None.  `file` is _sqlite3's; the caller holds a lock. */
PyObject *py_probe(PyObject *module, PyObject *args)
{
    const char *file;
    PyObject *connect;
    PyTypeObject *class;
    library sqlite;
    Py_ssize_t place = -1;
    (void)module;
    if (!PyArg_ParseTuple(args, "sOO!", &file, &connect, &PyType_Type, &class)) {
        return NULL;
    }
    bool found = find_library(file, &sqlite);
    for (int i = 0; found && i < PROBES; i++) {
        Py_ssize_t again = probe_once(&sqlite, connect, class);
        if (again == -2) {
            return NULL;
        }
        found = again >= 0 && (i == 0 || again == place);
        place = again;
    }
    if (!found) {
        Py_RETURN_NONE;
    }
    return PyLong_FromSsize_t(place);
}

/* source_at(connection, class, place) -> the Source of an open Connection, which was probed. */
PyObject *py_source_at(PyObject *module, PyObject *args)
{
    PyObject *connection;
    PyTypeObject *class;
    Py_ssize_t place;
    sqlite3 *db;
    (void)module;
    if (!PyArg_ParseTuple(args, "OO!n", &connection, &PyType_Type, &class, &place)) {
        return NULL;
    }
    if (!PyObject_TypeCheck(connection, class) || place < (Py_ssize_t)sizeof(PyObject) ||
        place + (Py_ssize_t)sizeof db > class->tp_basicsize || probed_api == NULL) {
        PyErr_SetString(PyExc_TypeError, "a Connection of the class that was probed");
        return NULL;
    }
    /* Raises where it is closed. */
    PyObject *changes = PyObject_GetAttrString(connection, "total_changes");
    if (changes == NULL) {
        return NULL;
    }
    long expected = PyLong_AsLong(changes);
    Py_DECREF(changes);
    memcpy(&db, (const char *)connection + place, sizeof db);
    if (db == NULL || probed_api->total_changes(db) != (int)expected ||
        sqlite3_core_init(db, NULL, probed_api) != SQLITE_OK) {
        PyErr_SetString(py_engine_error, "the Connection does not hold the handle that was probed");
        return NULL;
    }
    return py_take_source(NULL, NULL);
}
