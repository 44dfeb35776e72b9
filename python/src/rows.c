#include "core.h"

#include <string.h>

static const bm_field *field_of(const py_rows *self, Py_ssize_t field)
{
    if (field < 0 || (size_t)field >= self->table->made.n_fields) {
        PyErr_SetString(PyExc_IndexError, "the table has no such field");
        return NULL;
    }
    return &self->table->given.fields[field];
}

static void free_column(const py_rows *self, py_column *column)
{
    size_t owners = column->one ? 1 : self->n;
    for (size_t row = 0; column->owned != NULL && row < owners; row++) {
        Py_XDECREF(column->owned[row]);
    }
    Py_XDECREF(column->keeper);
    PyMem_Free(column->owned);
    PyMem_Free(column->data);
    PyMem_Free(column->states);
    *column = (py_column){0};
}

/* An empty column; what it held is dropped.  A UUID is expected to be that of the call. */
static bool begin_column(const py_rows *self, bm_type type, py_column *column)
{
    bm_layout layout;
    size_t width;
    size_t n = self->n > 0 && type != BM_UUID ? self->n : 1;
    py_cell_of(type, &layout, &width);
    bool owns = layout == BM_SLICE || type == BM_UUID;
    free_column(self, column);
    column->type = type;
    column->one = type == BM_UUID;
    column->data = PyMem_Calloc(n, width);
    column->owned = owns ? PyMem_Calloc(n, sizeof *column->owned) : NULL;
    if (column->data == NULL || (owns && column->owned == NULL)) {
        free_column(self, column);
        PyErr_NoMemory();
        return false;
    }
    return true;
}

py_column *py_rows_borrow(py_rows *self, Py_ssize_t field, PyObject *keeper)
{
    const bm_field *known = field_of(self, field);
    if (known == NULL) {
        return NULL;
    }
    py_column *column = &self->columns[field];
    size_t n = self->n > 0 ? self->n : 1;
    free_column(self, column);
    column->type = known->type;
    column->data = PyMem_Calloc(n, known->width);
    column->states = PyMem_Calloc(n, sizeof *column->states);
    if (column->data == NULL || column->states == NULL) {
        free_column(self, column);
        PyErr_NoMemory();
        return NULL;
    }
    column->keeper = Py_NewRef(keeper);
    return column;
}

static bool set_state(const py_rows *self, py_column *column, size_t row, bm_state state)
{
    if (column->states == NULL) {
        column->states = PyMem_Calloc(self->n > 0 ? self->n : 1, 1);
        if (column->states == NULL) {
            PyErr_NoMemory();
            return false;
        }
    }
    column->states[row] = (uint8_t)state;
    return true;
}

/* A cell for each row, of which the first `row` have one value. */
static bool spread(const py_rows *self, py_column *column, size_t row)
{
    unsigned char *data = PyMem_Calloc(self->n, sizeof(bm_uuid));
    PyObject **owned = PyMem_Calloc(self->n, sizeof *owned);
    if (data == NULL || owned == NULL) {
        PyMem_Free(data);
        PyMem_Free(owned);
        PyErr_NoMemory();
        return false;
    }
    for (size_t i = 0; i < row; i++) {
        memcpy(data + i * sizeof(bm_uuid), column->data, sizeof(bm_uuid));
        owned[i] = Py_XNewRef(column->owned[0]);
    }
    Py_XDECREF(column->owned[0]);
    PyMem_Free(column->data);
    PyMem_Free(column->owned);
    column->data = data;
    column->owned = owned;
    column->one = false;
    return true;
}

/* One value: as py_put. */
static int put(const py_rows *self, py_column *column, py_put how, size_t row, PyObject *value,
               const py_rule *rule)
{
    if (column->one && row > 0) {
        if (value == column->owned[0]) {
            return 1;
        }
        if (!spread(self, column, row)) {
            return -1;
        }
    }
    if (value == Py_None) {
        return set_state(self, column, row, BM_NULL) ? 1 : -1;
    }
    return how(column, row, value, rule);
}

/* The value of an attribute that stands in the object's dictionary, or NULL; a new reference. */
static PyObject *linked(PyObject *object, PyObject *name)
{
    PyObject *attributes = py_attributes(object);
    PyObject *value = attributes != NULL ? PyDict_GetItemWithError(attributes, name) : NULL;
    Py_XINCREF(value);
    Py_XDECREF(attributes);
    return value;
}

static py_rule rule_of(const py_rows *self, Py_ssize_t at, bool limited)
{
    return (py_rule){.form = &self->table->forms[at],
                     .limit = limited ? self->table->limits[at] : -1,
                     .sqlite = self->table->engine->storage != NULL};
}

/* What rows_take was asked for. */
typedef struct taking {
    PyObject *objects;
    bool limited;
    PyObject *odd; /* prepares a single value */
} taking;

/* A value that is not plain: what the field makes of it, as a prepared one. */
static int put_odd(const py_rows *self, Py_ssize_t at, const taking *asked, size_t row,
                   PyObject *object, const py_rule *rule)
{
    py_column *column = &self->columns[at];
    PyObject *value = PyObject_CallFunction(asked->odd, "nO", at, object);
    int fits = value == NULL ? -1 : value != Py_NotImplemented;
    if (fits == 1) {
        py_rule prepared = *rule;
        prepared.prepared = true;
        fits = put(self, column, py_put_of(column->type), row, value, &prepared);
    }
    Py_XDECREF(value);
    return fits;
}

static int take_value(const py_rows *self, Py_ssize_t at, const taking *asked, size_t row,
                      PyObject *object, const py_rule *rule)
{
    py_column *column = &self->columns[at];
    py_put how = rule->form->put != NULL ? rule->form->put : py_put_of(column->type);
    PyObject *name = PyTuple_GET_ITEM(self->table->names, at);
    PyObject *value =
        self->table->links[at] ? linked(object, name) : PyObject_GetAttr(object, name);
    if (value == NULL) { /* a deferred link, or an exception */
        return PyErr_Occurred() != NULL ? -1 : 0;
    }
    int fits = how != NULL ? put(self, column, how, row, value, rule) : 0;
    Py_DECREF(value);
    return fits == 0 ? put_odd(self, at, asked, row, object, rule) : fits;
}

/* Cells from .. to - 1 of column `at`, as py_put. */
static int take_part(const py_rows *self, Py_ssize_t at, const taking *asked, size_t from,
                     size_t to)
{
    py_rule rule = rule_of(self, at, asked->limited);
    int fits = 1;
    for (size_t row = from; fits == 1 && row < to; row++) {
        PyObject *object = Py_NewRef(PyList_GET_ITEM(asked->objects, (Py_ssize_t)row));
        fits = take_value(self, at, asked, row, object, &rule);
        Py_DECREF(object);
        if (PyList_GET_SIZE(asked->objects) != (Py_ssize_t)self->n) {
            PyErr_SetString(PyExc_RuntimeError, "the list of objects changed while it was read");
            fits = -1;
        }
    }
    return fits;
}

/* The columns of these fields, begun.  An exception is set where it returns false. */
static bool begin_columns(py_rows *self, PyObject *fields)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields); i++) {
        Py_ssize_t at = PyLong_AsSsize_t(PyTuple_GET_ITEM(fields, i));
        const bm_field *field = PyErr_Occurred() == NULL ? field_of(self, at) : NULL;
        if (field == NULL || !begin_column(self, field->type, &self->columns[at])) {
            return false;
        }
    }
    return true;
}

/* Rows of all fields but those marked as refused, where one that cannot be taken is marked. */
static bool take_fields(const py_rows *self, PyObject *fields, const taking *asked, char *refused)
{
    int fits = 1;
    for (size_t from = 0; fits >= 0 && from < self->n; from += BM__BLOCK) {
        size_t to = self->n - from < BM__BLOCK ? self->n : from + BM__BLOCK;
        for (Py_ssize_t i = 0; fits >= 0 && i < PyTuple_GET_SIZE(fields); i++) {
            if (refused[i] == 0) {
                Py_ssize_t at = PyLong_AsSsize_t(PyTuple_GET_ITEM(fields, i));
                fits = take_part(self, at, asked, from, to);
                refused[i] = fits == 0;
            }
        }
    }
    return fits >= 0;
}

static PyObject *marked(PyObject *fields, const char *marks)
{
    PyObject *found = PyList_New(0);
    for (Py_ssize_t i = 0; found != NULL && i < PyTuple_GET_SIZE(fields); i++) {
        if (marks[i] != 0 && PyList_Append(found, PyTuple_GET_ITEM(fields, i)) < 0) {
            Py_CLEAR(found);
        }
    }
    return found;
}

/* take(fields, objects, limited, odd) -> the fields that were not taken.  odd(field, object)
 * prepares a value that is not of the built-in type, or, where `limited`, is longer than the field;
 * a field of which it cannot is not taken.  Objects are looked at once for all fields: so many at a
 * time that they stay in the second-level cache. */
static PyObject *rows_take(PyObject *object, PyObject *args)
{
    py_rows *self = (py_rows *)object;
    PyObject *fields;
    PyObject *objects;
    PyObject *odd;
    int limited;
    if (!PyArg_ParseTuple(args, "O!O!pO", &PyTuple_Type, &fields, &PyList_Type, &objects, &limited,
                          &odd)) {
        return NULL;
    }
    if (PyList_GET_SIZE(objects) != (Py_ssize_t)self->n) {
        PyErr_SetString(PyExc_ValueError, "there are not as many objects as rows");
        return NULL;
    }
    if (!begin_columns(self, fields)) {
        return NULL;
    }
    char *refused = PyMem_Calloc((size_t)PyTuple_GET_SIZE(fields) + 1, 1);
    if (refused == NULL) {
        return PyErr_NoMemory();
    }
    const taking asked = {objects, limited != 0, odd};
    PyObject *found = NULL;
    if (take_fields(self, fields, &asked, refused)) {
        found = marked(fields, refused);
    }
    PyMem_Free(refused);
    return found;
}

/* give(field, values, limited, type): values that the field's own methods prepared, as cells of
 * this type; None: of the field's.  False: one is not of it. */
static PyObject *rows_give(PyObject *object, PyObject *args)
{
    py_rows *self = (py_rows *)object;
    Py_ssize_t at;
    PyObject *values;
    int limited;
    const char *name;
    if (!PyArg_ParseTuple(args, "nO!pz", &at, &PyList_Type, &values, &limited, &name)) {
        return NULL;
    }
    const bm_field *field = field_of(self, at);
    if (field == NULL) {
        return NULL;
    }
    bm_type type = name == NULL                ? field->type
                   : strcmp(name, "text") == 0 ? BM_ENUM
                                               : py_type_named(name);
    py_put how = py_put_of(type);
    if (PyList_GET_SIZE(values) != (Py_ssize_t)self->n || how == NULL) {
        PyErr_SetString(PyExc_ValueError, "there are not as many values as rows, or no such type");
        return NULL;
    }
    if (!begin_column(self, type, &self->columns[at])) {
        return NULL;
    }
    py_rule rule = rule_of(self, at, limited != 0);
    rule.prepared = true;
    int fits = 1;
    for (size_t row = 0; fits == 1 && row < self->n; row++) {
        PyObject *value = PyList_GET_ITEM(values, (Py_ssize_t)row);
        fits = put(self, &self->columns[at], how, row, value, &rule);
    }
    return fits < 0 ? NULL : PyBool_FromLong(fits);
}

/* (field, marks): cells whose byte in `marks` is, or is not, 0 get this state. */
static PyObject *set_states(py_rows *self, PyObject *args, bool marked, bm_state state)
{
    Py_ssize_t at;
    Py_buffer marks;
    if (!PyArg_ParseTuple(args, "ny*", &at, &marks)) {
        return NULL;
    }
    bool fits = field_of(self, at) != NULL && (size_t)marks.len == self->n;
    for (size_t row = 0; fits && row < self->n; row++) {
        if ((((const char *)marks.buf)[row] != 0) == marked) {
            fits = set_state(self, &self->columns[at], row, state);
        }
    }
    PyBuffer_Release(&marks);
    if (!fits && PyErr_Occurred() == NULL) {
        PyErr_SetString(PyExc_ValueError, "there are not as many marks as rows");
    }
    if (!fits) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* keep(field, changed): cells whose byte in `changed` is 0 stay as they are. */
static PyObject *rows_keep(PyObject *object, PyObject *args)
{
    return set_states((py_rows *)object, args, false, BM_KEEP);
}

/* default(field, marks): cells whose byte in `marks` is not 0 take the column's default. */
static PyObject *rows_default(PyObject *object, PyObject *args)
{
    return set_states((py_rows *)object, args, true, BM_DEFAULT_CELL);
}

static PyObject *new_rows(PyTypeObject *type, py_table *table, Py_ssize_t n)
{
    py_rows *self = (py_rows *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    Py_INCREF(table);
    self->table = table;
    self->n = (size_t)n;
    self->columns = PyMem_Calloc(table->made.n_fields + 1, sizeof *self->columns);
    if (self->columns == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    return (PyObject *)self;
}

/* Rows(table, n) */
static PyObject *rows_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    py_table *table;
    Py_ssize_t n;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!n", &py_table_type, &table, &n)) {
        return NULL;
    }
    if (n < 0) {
        PyErr_SetString(PyExc_ValueError, "a negative number of rows");
        return NULL;
    }
    return new_rows(type, table, n);
}

static void rows_free(PyObject *object)
{
    py_rows *self = (py_rows *)object;
    for (size_t i = 0; self->columns != NULL && i < self->table->made.n_fields; i++) {
        free_column(self, &self->columns[i]);
    }
    PyMem_Free(self->columns);
    Py_XDECREF(self->table);
    Py_TYPE(object)->tp_free(object);
}

static PyMethodDef methods[] = {
    {"take", rows_take, METH_VARARGS, NULL},
    {"give", rows_give, METH_VARARGS, NULL},
    {"keep", rows_keep, METH_VARARGS, NULL},
    {"default", rows_default, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_rows_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Rows",
    .tp_basicsize = sizeof(py_rows),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = rows_new,
    .tp_dealloc = rows_free,
    .tp_methods = methods,
};
