/* Parts: which objects of a chunk to write next (src/operation/chunk_parts.h). */
#include "core.h"

#include "chunk_parts.h"

typedef struct py_parts {
    PyObject_HEAD bm__chunk_parts parts;
    bool is_asked; /* a part is open */
} py_parts;

static PyObject *no_part(void)
{
    PyErr_SetString(PyExc_RuntimeError, "no part was asked for");
    return NULL;
}

/* Parts(n): of n objects */
static PyObject *parts_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    bm_error err = BM_ERROR;
    Py_ssize_t n;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "n", &n)) {
        return NULL;
    }
    if (n < 0) {
        PyErr_SetString(PyExc_ValueError, "a chunk has no fewer than 0 objects");
        return NULL;
    }
    py_parts *self = (py_parts *)type->tp_alloc(type, 0);
    if (self != NULL && bm__chunk_parts_begin(&self->parts, 0, (size_t)n, false, &err) != BM_OK) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

static void parts_free(PyObject *object)
{
    bm__chunk_parts_free(&((py_parts *)object)->parts);
    Py_TYPE(object)->tp_free(object);
}

/* next() -> (low, end), or None: each object is written, or was rejected */
static PyObject *parts_next(PyObject *object, PyObject *unused)
{
    py_parts *self = (py_parts *)object;
    (void)unused;
    self->is_asked = bm__chunk_parts_next(&self->parts);
    if (!self->is_asked) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("nn", (Py_ssize_t)self->parts.low, (Py_ssize_t)self->parts.end);
}

static PyObject *parts_written(PyObject *object, PyObject *unused)
{
    py_parts *self = (py_parts *)object;
    bm_error err = BM_ERROR;
    (void)unused;
    if (!self->is_asked) {
        return no_part();
    }
    self->is_asked = false;
    if (bm__chunk_parts_written(&self->parts, &err) != BM_OK) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

/* refused(row): for this row of the part, or for one that is not known: None.  -> the object to
 * reject, or None */
static PyObject *parts_refused(PyObject *object, PyObject *argument)
{
    py_parts *self = (py_parts *)object;
    bm_error err = BM_ERROR;
    size_t rejected;
    size_t row = BM_NO_ROW;
    if (argument != Py_None) {
        row = PyLong_AsSize_t(argument);
        if (PyErr_Occurred() != NULL) {
            return NULL;
        }
    }
    if (!self->is_asked) {
        return no_part();
    }
    self->is_asked = false;
    if (bm__chunk_parts_refused(&self->parts, row, true, &rejected, &err) != BM_OK) {
        return PyErr_NoMemory();
    }
    if (rejected == BM_NO_ROW) {
        Py_RETURN_NONE;
    }
    return PyLong_FromSize_t(rejected);
}

static PyMethodDef methods[] = {
    {"next", parts_next, METH_NOARGS, NULL},
    {"written", parts_written, METH_NOARGS, NULL},
    {"refused", parts_refused, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_parts_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Parts",
    .tp_basicsize = sizeof(py_parts),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = parts_new,
    .tp_dealloc = parts_free,
    .tp_methods = methods,
};
