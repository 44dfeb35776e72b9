#include "core.h"

#define KEYS_BY 6 /* among the arguments */

/* again(keys_by, catalog) -> a job for the same rows that makes its keys so */
PyObject *py_job_again(PyObject *object, PyObject *args)
{
    const py_job *self = (const py_job *)object;
    PyObject *keys_by;
    PyObject *catalog;
    if (!PyArg_ParseTuple(args, "OO", &keys_by, &catalog)) {
        return NULL;
    }
    if (self->order == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "a twin cannot begin again");
        return NULL;
    }
    PyObject *list = PySequence_List(self->order);
    bool changed = list != NULL && PyList_SetItem(list, KEYS_BY, Py_NewRef(keys_by)) == 0 &&
                   PyList_SetItem(list, KEYS_BY + 1, Py_NewRef(catalog)) == 0;
    PyObject *order = changed ? PyList_AsTuple(list) : NULL;
    PyObject *again =
        order != NULL ? PyObject_CallObject((PyObject *)Py_TYPE(object), order) : NULL;
    Py_XDECREF(order);
    Py_XDECREF(list);
    return again;
}

/* knows_table() -> was the catalog asked? */
PyObject *py_job_knows_table(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((const py_job *)object)->catalog != NULL);
}

/* proof() -> the SELECT of whether keys rise with the rows, or None */
PyObject *py_job_proof(PyObject *object, PyObject *unused)
{
    const char *proof = ((const py_job *)object)->op.plan.proof;
    (void)unused;
    return Py_BuildValue("z", proof);
}

/* unsorted() -> did keys come back that do not rise with the rows? */
PyObject *py_job_unsorted(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(((const py_job *)object)->job.unsorted);
}

/* keys_by() -> how its keys are made */
PyObject *py_job_keys_by(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    (void)unused;
    return self->order != NULL ? Py_NewRef(PyTuple_GET_ITEM(self->order, KEYS_BY))
                               : PyLong_FromLong(BM__KEYS_ASKED);
}
