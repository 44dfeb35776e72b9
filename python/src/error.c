/* The exceptions of the module, and what a failed status becomes. */
#include "core.h"

#include <string.h>

PyObject *py_unfit;
PyObject *py_engine_error;
PyObject *py_miscounted;
PyObject *py_unproved;
PyObject *py_unread;

static bool add_exception(PyObject *module, const char *full, PyObject *base, PyObject **out)
{
    const char *name = strrchr(full, '.') + 1;
    *out = PyErr_NewException(full, base, NULL);
    return *out != NULL && PyModule_AddObjectRef(module, name, *out) == 0;
}

bool py_error_init(PyObject *module)
{
    return add_exception(module, "bulkmodel._core.Unfit", NULL, &py_unfit) &&
           add_exception(module, "bulkmodel._core.EngineError", NULL, &py_engine_error) &&
           add_exception(module, "bulkmodel._core.Miscounted", py_engine_error, &py_miscounted) &&
           add_exception(module, "bulkmodel._core.Unproved", py_engine_error, &py_unproved) &&
           add_exception(module, "bulkmodel._core.Unread", NULL, &py_unread);
}

/* The row and the column that nothing was sent for. */
static void raise_unfit(const bm_error *err)
{
    PyObject *row = err->row != BM_NO_ROW ? PyLong_FromSize_t(err->row) : Py_NewRef(Py_None);
    PyObject *unfit = row != NULL ? PyObject_CallFunction(py_unfit, "s", err->message) : NULL;
    const char *column = err->column[0] != '\0' ? err->column : NULL;
    PyObject *name = unfit != NULL ? Py_BuildValue("z", column) : NULL;
    if (name != NULL && PyObject_SetAttrString(unfit, "row", row) == 0 &&
        PyObject_SetAttrString(unfit, "column", name) == 0) {
        PyErr_SetObject(py_unfit, unfit);
    }
    Py_XDECREF(name);
    Py_XDECREF(unfit);
    Py_XDECREF(row);
}

PyObject *py_raise(const bm_error *err, bool sent)
{
    if (err->status == BM_NOMEM) {
        return PyErr_NoMemory();
    }
    if (!sent) {
        raise_unfit(err);
        return NULL;
    }
    bool miscounted = err->status == BM_DATABASE;
    PyErr_SetString(miscounted ? py_miscounted : py_engine_error, err->message);
    return NULL;
}
