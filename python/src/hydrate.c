/*
 * Rows as instances: what Model.from_db makes of them, where nobody has a say in it but Django
 * (hydrate.py knows when).
 *
 * The garbage collector.  Two objects of each row are its business, the instance and its state.
 * CPython 3.12 runs it between bytecodes; before, it runs inside of allocations, each 700 of them,
 * and took four fifths of the time here, looking at rows of which none is garbage yet.  So it is
 * held while C makes the rows of a chunk, as newer versions do by themselves: no Python code runs
 * meanwhile and the GIL is not given away, hence nobody can see it; before whatever may run Python
 * code (a converter, a descriptor) it is let go.
 */
#include "core.h"

#include <string.h>

/* How a value is set: nothing stands between, the descriptor is a foreign key's (which puts the
 * value into the instance's dictionary), or it is code that we do not know. */
enum { PLAIN, DIRECT, CALLS };

typedef struct py_part {
    PyObject *name;
    Py_ssize_t at; /* in the row */
    int how;
    py_read read;
    py_memo memo;
    PyObject *converters; /* tuple */
    PyObject *expression;
    PyObject *apart; /* makes a copy of a value that can change, or None: it cannot */
} py_part;

typedef struct py_builder {
    PyObject_HEAD PyTypeObject *model;
    PyObject *state; /* the class ModelState */
    PyObject *facts; /* tuple of (name, value): attributes of each state */
    PyObject *connection;
    PyObject *zone;
    PyObject *frozen; /* set of the types whose values cannot change */
    PyObject *empty;
    PyObject *name_state;
    bool held; /* the collector, by us */
    py_part *parts;
    Py_ssize_t n;
} py_builder;

static void hold(py_builder *self)
{
    self->held = PyGC_Disable() == 1;
}

static void let_go(py_builder *self)
{
    if (self->held) {
        self->held = false;
        (void)PyGC_Enable();
    }
}

/* A class of states of ours notices what is set on it (row_state.py): not so what is read here. */
static PyObject *new_state(const py_builder *self)
{
    PyObject *state = PyObject_CallNoArgs(self->state);
    for (Py_ssize_t i = 0; state != NULL && i < PyTuple_GET_SIZE(self->facts); i++) {
        PyObject *fact = PyTuple_GET_ITEM(self->facts, i);
        PyObject *name = PyTuple_GET_ITEM(fact, 0);
        if (PyObject_GenericSetAttr(state, name, PyTuple_GET_ITEM(fact, 1)) < 0) {
            Py_CLEAR(state);
        }
    }
    return state;
}

/* What the converters make of a cell; `value` is given away. */
static PyObject *converted(py_builder *self, py_part *part, PyObject *value)
{
    if (part->read != NULL && value != NULL) {
        PyObject *read =
            value != Py_None ? part->read(&part->memo, value, self->zone) : Py_NewRef(value);
        if (read != NULL || PyErr_Occurred() != NULL) {
            Py_DECREF(value);
            return read;
        }
    }
    Py_ssize_t n = PyTuple_GET_SIZE(part->converters);
    if (n > 0) {
        let_go(self);
    }
    for (Py_ssize_t i = 0; value != NULL && i < n; i++) {
        PyObject *next = PyObject_CallFunctionObjArgs(PyTuple_GET_ITEM(part->converters, i), value,
                                                      part->expression, self->connection, NULL);
        Py_SETREF(value, next);
    }
    if (n > 0) {
        hold(self);
    }
    return value;
}

static bool set(py_builder *self, PyObject *object, const py_part *part, PyObject *value)
{
    if (part->how == DIRECT) {
        PyObject *attributes = py_attributes(object);
        bool done = attributes != NULL && PyDict_SetItem(attributes, part->name, value) == 0;
        Py_XDECREF(attributes);
        return done;
    }
    if (part->how == PLAIN) {
        return PyObject_GenericSetAttr(object, part->name, value) == 0;
    }
    let_go(self);
    bool done = PyObject_GenericSetAttr(object, part->name, value) == 0;
    hold(self);
    return done;
}

/* Cell `at` of a row; a new reference. */
static PyObject *cell_of(py_builder *self, PyObject *row, Py_ssize_t at)
{
    if (PyTuple_CheckExact(row) && at < PyTuple_GET_SIZE(row)) {
        return Py_NewRef(PyTuple_GET_ITEM(row, at));
    }
    if (PyList_CheckExact(row) && at < PyList_GET_SIZE(row)) {
        return Py_NewRef(PyList_GET_ITEM(row, at));
    }
    let_go(self);
    PyObject *cell = PySequence_GetItem(row, at);
    hold(self);
    return cell;
}

/* What a snapshot keeps: a value that cannot change; else what the driver gave, where converters
 * make the value of it again; else a copy. */
static PyObject *kept_of(py_builder *self, const py_part *part, PyObject *cell, PyObject *value)
{
    if (part->apart == Py_None) {
        return Py_NewRef(value);
    }
    if (PyTuple_GET_SIZE(part->converters) == 0) {
        PyObject *copy = py_apart_one(value, self->frozen);
        if (copy != NULL || PyErr_Occurred() != NULL) {
            return copy;
        }
    } else {
        int is_frozen = PySet_Contains(self->frozen, (PyObject *)Py_TYPE(cell));
        if (is_frozen != 0) {
            return is_frozen == 1 ? Py_NewRef(cell) : NULL;
        }
    }
    let_go(self);
    PyObject *copy = PyObject_CallOneArg(part->apart, value);
    hold(self);
    return copy;
}

static bool keep(py_builder *self, const py_part *part, PyObject *cell, PyObject *value,
                 PyObject *list)
{
    PyObject *kept = kept_of(self, part, cell, value);
    bool done = kept != NULL && PyList_Append(list, kept) == 0;
    Py_XDECREF(kept);
    return done;
}

static bool fill(py_builder *self, PyObject *object, PyObject *row, PyObject *kept)
{
    for (Py_ssize_t i = 0; i < self->n; i++) {
        py_part *part = &self->parts[i];
        PyObject *list = PyTuple_GET_ITEM(kept, i);
        PyObject *cell = cell_of(self, row, part->at);
        PyObject *value = converted(self, part, Py_XNewRef(cell));
        bool done = value != NULL && set(self, object, part, value) &&
                    (list == Py_None || keep(self, part, cell, value, list));
        Py_XDECREF(value);
        Py_XDECREF(cell);
        if (!done) {
            return false;
        }
    }
    return true;
}

static PyObject *build_one(py_builder *self, PyObject *row, PyObject *kept)
{
    PyObject *object = self->model->tp_new(self->model, self->empty, NULL);
    PyObject *state = object != NULL ? new_state(self) : NULL;
    if (state == NULL || PyObject_GenericSetAttr(object, self->name_state, state) < 0 ||
        !fill(self, object, row, kept)) {
        let_go(self);
        Py_CLEAR(object);
    }
    Py_XDECREF(state);
    return object;
}

static bool are_lists(PyObject *kept, Py_ssize_t n)
{
    bool fit = PyTuple_GET_SIZE(kept) == n;
    for (Py_ssize_t i = 0; fit && i < n; i++) {
        PyObject *list = PyTuple_GET_ITEM(kept, i);
        fit = list == Py_None || PyList_CheckExact(list);
    }
    if (!fit) {
        PyErr_SetString(PyExc_TypeError, "for each column a list, or None");
    }
    return fit;
}

/* build(rows, objects, kept): an instance for each row, appended to `objects`; what a snapshot
 * keeps of column i is appended to kept[i], where that is a list. */
static PyObject *builder_build(PyObject *object, PyObject *args)
{
    py_builder *self = (py_builder *)object;
    PyObject *rows;
    PyObject *objects;
    PyObject *kept;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyList_Type, &rows, &PyList_Type, &objects,
                          &PyTuple_Type, &kept) ||
        !are_lists(kept, self->n)) {
        return NULL;
    }
    bool done = true;
    hold(self);
    for (Py_ssize_t i = 0; done && i < PyList_GET_SIZE(rows); i++) {
        PyObject *row = Py_NewRef(PyList_GET_ITEM(rows, i));
        PyObject *made = build_one(self, row, kept);
        done = made != NULL && PyList_Append(objects, made) == 0;
        Py_XDECREF(made);
        Py_DECREF(row);
    }
    let_go(self);
    return done ? Py_NewRef(Py_None) : NULL;
}

static bool read_part(PyObject *from, py_part *part)
{
    const char *kind;
    if (!PyArg_ParseTuple(from, "UnisO!OO", &part->name, &part->at, &part->how, &kind,
                          &PyTuple_Type, &part->converters, &part->expression, &part->apart)) {
        part->name = part->converters = part->expression = part->apart = NULL;
        return false;
    }
    Py_INCREF(part->name);
    Py_INCREF(part->converters);
    Py_INCREF(part->expression);
    Py_INCREF(part->apart);
    PyUnicode_InternInPlace(&part->name);
    if (part->at < 0) {
        PyErr_SetString(PyExc_IndexError, "a row has no such cell");
        return false;
    }
    return py_reader_named(kind, &part->read);
}

static bool read_parts(py_builder *self, PyObject *columns)
{
    self->n = PyTuple_GET_SIZE(columns);
    self->parts = PyMem_Calloc((size_t)self->n + 1, sizeof *self->parts);
    if (self->parts == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < self->n; i++) {
        PyObject *column = PyTuple_GET_ITEM(columns, i);
        if (!PyTuple_Check(column)) {
            PyErr_SetString(PyExc_TypeError, "a column is a tuple");
            return false;
        }
        if (!read_part(column, &self->parts[i])) {
            return false;
        }
    }
    return true;
}

static bool are_facts(PyObject *facts)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(facts); i++) {
        PyObject *fact = PyTuple_GET_ITEM(facts, i);
        if (!PyTuple_Check(fact) || PyTuple_GET_SIZE(fact) != 2) {
            PyErr_SetString(PyExc_TypeError, "a fact is a name and a value");
            return false;
        }
    }
    return true;
}

/* Builder(model, state, facts, connection, zone, frozen, columns); a column is (name, place in the
 * row, how it is set, kind of cell, converters, their expression, what copies its values). */
static PyObject *builder_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *model;
    PyObject *state;
    PyObject *facts;
    PyObject *connection;
    PyObject *zone;
    PyObject *frozen;
    PyObject *columns;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!OO!OOO!O!", &PyType_Type, &model, &state, &PyTuple_Type, &facts,
                          &connection, &zone, &PyFrozenSet_Type, &frozen, &PyTuple_Type,
                          &columns) ||
        !are_facts(facts)) {
        return NULL;
    }
    py_builder *self = (py_builder *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->model = (PyTypeObject *)Py_NewRef(model);
    self->state = Py_NewRef(state);
    self->facts = Py_NewRef(facts);
    self->connection = Py_NewRef(connection);
    self->zone = Py_NewRef(zone);
    self->frozen = Py_NewRef(frozen);
    self->empty = PyTuple_New(0);
    self->name_state = PyUnicode_InternFromString("_state");
    if (self->empty == NULL || self->name_state == NULL || !read_parts(self, columns)) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static void builder_free(PyObject *object)
{
    py_builder *self = (py_builder *)object;
    for (Py_ssize_t i = 0; self->parts != NULL && i < self->n; i++) {
        py_part *part = &self->parts[i];
        Py_XDECREF(part->name);
        Py_XDECREF(part->converters);
        Py_XDECREF(part->expression);
        Py_XDECREF(part->apart);
        Py_XDECREF(part->memo.text);
        Py_XDECREF(part->memo.value);
    }
    PyMem_Free(self->parts);
    Py_XDECREF(self->model);
    Py_XDECREF(self->state);
    Py_XDECREF(self->facts);
    Py_XDECREF(self->connection);
    Py_XDECREF(self->zone);
    Py_XDECREF(self->frozen);
    Py_XDECREF(self->empty);
    Py_XDECREF(self->name_state);
    Py_TYPE(object)->tp_free(object);
}

static PyMethodDef methods[] = {
    {"build", builder_build, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_builder_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Builder",
    .tp_basicsize = sizeof(py_builder),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = builder_new,
    .tp_dealloc = builder_free,
    .tp_methods = methods,
};
