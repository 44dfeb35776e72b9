#include "core.h"

#include "type.h"

#include <string.h>

bm_type py_type_named(const char *name)
{
    for (int type = BM_BOOL; type < BM__TYPE_COUNT; type++) {
        if (strcmp(bm__type((bm_type)type)->name, name) == 0) {
            return (bm_type)type;
        }
    }
    return 0;
}

void py_cell_of(bm_type type, bm_layout *layout, size_t *width)
{
    const bm__type_info *info = bm__type(type);
    *layout = info->width > 0 ? BM_FIXED : BM_SLICE;
    *width = info->width > 0 ? info->width : sizeof(bm_slice);
}

static bool set_field(py_table *self, bm_field *field, PyObject *item, Py_ssize_t i)
{
    const char *column;
    const char *type;
    PyObject *name;
    const char *form;
    int flags;
    if (!PyArg_ParseTuple(item, "sUsinzs", &column, &name, &type, &flags, &self->limits[i],
                          &self->casts[i], &form) ||
        !py_form_named(form, &self->forms[i])) {
        return false;
    }
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    PyTuple_SET_ITEM(self->names, i, name);
    self->links[i] = (flags & PY_LINK) != 0;
    flags &= ~PY_LINK;
    bm_type found = py_type_named(type);
    if (bm__type(found) == NULL) {
        PyErr_Format(PyExc_ValueError, "unknown type %s", type);
        return false;
    }
    *field = (bm_field){.name = bm__arena_copy(&self->arena, column, strlen(column)),
                        .type = found,
                        .state_offset = BM_NO_STATE,
                        .flags = (unsigned)flags};
    py_cell_of(found, &field->layout, &field->width);
    if ((flags & BM_KEY) != 0) {
        self->key = (size_t)i;
    }
    if (field->name == NULL) {
        PyErr_NoMemory();
    }
    return field->name != NULL;
}

static bool set_fields(py_table *self, const char *name, PyObject *fields)
{
    Py_ssize_t n = PyTuple_GET_SIZE(fields);
    bm_field *made = bm__arena_array(&self->arena, (size_t)n + 1, sizeof *made);
    bm_field *given = bm__arena_array(&self->arena, (size_t)n + 1, sizeof *given);
    const char *table = bm__arena_copy(&self->arena, name, strlen(name));
    self->limits = bm__arena_array(&self->arena, (size_t)n + 1, sizeof *self->limits);
    self->casts = bm__arena_array(&self->arena, (size_t)n + 1, sizeof *self->casts);
    self->links = bm__arena_array(&self->arena, (size_t)n + 1, sizeof *self->links);
    self->forms = bm__arena_array(&self->arena, (size_t)n + 1, sizeof *self->forms);
    self->names = PyTuple_New(n);
    if (made == NULL || given == NULL || table == NULL || self->limits == NULL ||
        self->casts == NULL || self->links == NULL || self->forms == NULL || self->names == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!set_field(self, &made[i], PyTuple_GET_ITEM(fields, i), i)) {
            return false;
        }
        given[i] = made[i];
        given[i].flags &= ~(unsigned)BM_ASSIGNED;
        if ((made[i].flags & BM_ASSIGNED) != 0) { /* whatever integer the table makes */
            made[i].type = BM_INT8;
            made[i].width = sizeof(int64_t);
        }
    }
    self->made =
        (bm_model){.size = sizeof(bm_model), .table = table, .fields = made, .n_fields = (size_t)n};
    self->given = self->made;
    self->given.fields = given;
    return true;
}

/* Columns of types that the engine does not know travel as text, and are cast. */
static bool set_casts(py_table *self)
{
    for (size_t i = 0; i < self->made.n_fields; i++) {
        const char *cast = self->casts[i];
        if (cast == NULL) {
            continue;
        }
        self->table->columns[i].type = bm__arena_copy(&self->table->arena, cast, strlen(cast));
        self->table->columns[i].oid = 0;
        self->table->columns[i].equal = strncmp(cast, "pg_catalog.", 11) == 0 ? NULL : " = ";
        if (self->table->columns[i].type == NULL) {
            PyErr_NoMemory();
            return false;
        }
    }
    self->casts = NULL; /* the tuple's */
    return true;
}

const bm__engine *py_engine_named(const char *name)
{
    const bm__engine *engine = bm__engine_named(name);
    if (engine == NULL) {
        PyErr_Format(PyExc_ValueError, "unknown engine %s", name);
    }
    return engine;
}

/* Table(engine, name, ((column, attribute, type, flags, limit, cast, form), ...)) */
static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *engine;
    const char *name;
    PyObject *fields;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "ssO!", &engine, &name, &PyTuple_Type, &fields)) {
        return NULL;
    }
    py_table *self = (py_table *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    bm_error err = BM_ERROR;
    self->engine = py_engine_named(engine);
    self->key = SIZE_MAX;
    if (self->engine != NULL && set_fields(self, name, fields)) {
        bool fits = bm__model_check(&self->made, &err) == BM_OK &&
                    bm__table_of_model(self->engine, &self->made, &self->table, &err) == BM_OK;
        if (fits && self->key != SIZE_MAX && set_casts(self)) {
            return (PyObject *)self;
        }
        if (PyErr_Occurred() != NULL) {
            Py_DECREF(self);
            return NULL;
        }
        bm__fail(&err, BM_UNSUPPORTED, BM_STAGE_CHECK, "the table has no key");
        py_raise(&err, false);
    }
    Py_DECREF(self);
    return NULL;
}

static void table_free(PyObject *object)
{
    py_table *self = (py_table *)object;
    Py_ssize_t n = self->forms != NULL && self->names != NULL ? PyTuple_GET_SIZE(self->names) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        Py_XDECREF(self->forms[i].range);
    }
    Py_XDECREF(self->names);
    bm__table_free(self->table);
    bm__arena_free(&self->arena);
    Py_TYPE(object)->tp_free(object);
}

PyTypeObject py_table_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Table",
    .tp_basicsize = sizeof(py_table),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = table_new,
    .tp_dealloc = table_free,
};
