/* Copies of values that can change, as copy.deepcopy makes them, for what drivers and JSON give. */
#include "core.h"

/* What is nested deeper, or has more parts, is left to copy.deepcopy; and so is what contains
 * itself. */
enum { DEEPEST = 32, PARTS = 100000 };

typedef struct copying {
    PyObject *frozen;
    int parts; /* that are left */
} copying;

static PyObject *copy_of(copying *self, PyObject *value, int depth);

static PyObject *copy_of_list(copying *self, PyObject *value, int depth)
{
    bool is_list = PyList_CheckExact(value);
    Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
    PyObject *made = is_list ? PyList_New(n) : PyTuple_New(n);
    for (Py_ssize_t i = 0; made != NULL && i < n; i++) {
        PyObject *item = copy_of(self, PySequence_Fast_GET_ITEM(value, i), depth + 1);
        if (item == NULL) {
            Py_CLEAR(made);
        } else if (is_list) {
            PyList_SET_ITEM(made, i, item);
        } else {
            PyTuple_SET_ITEM(made, i, item);
        }
    }
    return made;
}

/* Keys are str: hashing runs no code. */
static PyObject *copy_of_dict(copying *self, PyObject *value, int depth)
{
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *item;
    PyObject *made = PyDict_New();
    while (made != NULL && PyDict_Next(value, &at, &key, &item)) {
        PyObject *copied = PyUnicode_CheckExact(key) ? copy_of(self, item, depth + 1) : NULL;
        if (copied == NULL || PyDict_SetItem(made, key, copied) < 0) {
            Py_CLEAR(made);
        }
        Py_XDECREF(copied);
    }
    return made;
}

static PyObject *copy_of(copying *self, PyObject *value, int depth)
{
    bool plain = PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || value == Py_None;
    int is_frozen = plain ? 1 : PySet_Contains(self->frozen, (PyObject *)Py_TYPE(value));
    if (is_frozen != 0) {
        return is_frozen == 1 ? Py_NewRef(value) : NULL;
    }
    if (depth > DEEPEST || self->parts-- == 0) {
        return NULL;
    }
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
        return copy_of_list(self, value, depth);
    }
    return PyDict_CheckExact(value) ? copy_of_dict(self, value, depth) : NULL;
}

/* The garbage collector could run code that changes the value: it is held meanwhile. */
PyObject *py_apart_one(PyObject *value, PyObject *frozen)
{
    copying self = {frozen, PARTS};
    int was_on = PyGC_Disable();
    PyObject *made = copy_of(&self, value, 0);
    if (was_on == 1) {
        (void)PyGC_Enable();
    }
    return made;
}

/* apart(values, frozen, copy) -> [a copy of each value that can change, or the value]; copy(value)
 * is asked for one of a type that is neither frozen nor a list, tuple or dict. */
PyObject *py_apart(PyObject *module, PyObject *args)
{
    PyObject *values;
    PyObject *frozen;
    PyObject *copy;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!O", &PyList_Type, &values, &PyFrozenSet_Type, &frozen,
                          &copy)) {
        return NULL;
    }
    PyObject *made = PyList_New(0);
    for (Py_ssize_t i = 0; made != NULL && i < PyList_GET_SIZE(values); i++) {
        PyObject *value = Py_NewRef(PyList_GET_ITEM(values, i));
        PyObject *copied = py_apart_one(value, frozen);
        if (copied == NULL && PyErr_Occurred() == NULL) {
            copied = PyObject_CallOneArg(copy, value);
        }
        if (copied == NULL || PyList_Append(made, copied) < 0) {
            Py_CLEAR(made);
        }
        Py_XDECREF(copied);
        Py_DECREF(value);
    }
    return made;
}
