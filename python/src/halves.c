/* Halves: which of n rows a statement fails for, where the driver writes the parts. */
#include "core.h"

#include "halves.h"

typedef struct py_halves {
    PyObject_HEAD size_t n;
    bm__halves rows;
} py_halves;

/* Halves(n) */
static PyObject *halves_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Py_ssize_t n;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "n", &n)) {
        return NULL;
    }
    if (n < 0) {
        PyErr_SetString(PyExc_ValueError, "a negative number of rows");
        return NULL;
    }
    py_halves *self = (py_halves *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->n = (size_t)n;
        self->rows.high = self->n;
    }
    return (PyObject *)self;
}

/* next() -> (first, rows) to write, or None at the end */
static PyObject *halves_next(PyObject *object, PyObject *unused)
{
    bm__halves *rows = &((py_halves *)object)->rows;
    (void)unused;
    if (!bm__halves_next(rows)) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("nn", (Py_ssize_t)rows->low, (Py_ssize_t)(rows->end - rows->low));
}

/* answer(written): what became of them */
static PyObject *halves_answer(PyObject *object, PyObject *args)
{
    int written;
    if (!PyArg_ParseTuple(args, "p", &written)) {
        return NULL;
    }
    bm__halves_answer(&((py_halves *)object)->rows, written != 0);
    Py_RETURN_NONE;
}

/* row() -> the row; n where all were written; None where those that failed went well in halves */
static PyObject *halves_row(PyObject *object, PyObject *unused)
{
    const py_halves *self = (const py_halves *)object;
    (void)unused;
    if (self->rows.found || self->rows.low == self->n) {
        return PyLong_FromSize_t(self->rows.low);
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"next", halves_next, METH_NOARGS, NULL},
    {"answer", halves_answer, METH_VARARGS, NULL},
    {"row", halves_row, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_halves_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Halves",
    .tp_basicsize = sizeof(py_halves),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = halves_new,
    .tp_methods = methods,
};
