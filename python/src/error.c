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

PyObject *py_raise(const bm_error *err, bool sent)
{
    if (err->status == BM_NOMEM) {
        return PyErr_NoMemory();
    }
    bool miscounted = err->status == BM_DATABASE;
    PyErr_SetString(!sent ? py_unfit : miscounted ? py_miscounted : py_engine_error, err->message);
    return NULL;
}
