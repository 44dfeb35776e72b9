/* Python's values as an Arrow stream (C data interface), for copy_to_arrow(). */
#include "arrow.h"

#include "calendar.h"
#include "type.h"

#include <errno.h>
#include <string.h>

#define CAPSULE "arrow_array_stream"

/* A column: Arrow's format, and the engine's type as which its values become cells. */
typedef struct out_column {
    const char *name;   /* the schema's */
    const char *format; /* the schema's */
    bm_type type;
    size_t width; /* of a value in Arrow; 0: bits, or offsets and bytes */
} out_column;

/* What a stream holds. */
typedef struct out_stream {
    PyObject *columns; /* (name, format, type) of each */
    PyObject *next;    /* returns a list of values for each column, or None */
    out_column *all;
    /* Of columns; unsigned, so that gcc 14 sees that what is allocated for them is no huge size. */
    unsigned n;
    size_t n_rows; /* that were given */
    char *error;
} out_stream;

static int no_memory(void)
{
    return ENOMEM;
}

/* ---- schema */

static void release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release != NULL) {
            schema->children[i]->release(schema->children[i]);
        }
    }
    if (schema->children != NULL) {
        free(schema->children[0]);
    }
    free(schema->children);
    free(schema->private_data);
    schema->release = NULL;
}

/* Name and format belong to the schema: it may outlive the stream. */
static bool set_schema(struct ArrowSchema *schema, const char *name, const char *format)
{
    size_t size = strlen(name) + 1;
    char *texts = malloc(size + strlen(format) + 1);
    *schema = (struct ArrowSchema){.release = release_schema, .private_data = texts};
    if (texts == NULL) {
        return false;
    }
    memcpy(texts, name, size);
    memcpy(texts + size, format, strlen(format) + 1);
    schema->name = texts;
    schema->format = texts + size;
    schema->flags = ARROW_FLAG_NULLABLE;
    return true;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const out_stream *self = stream->private_data;
    bool made = set_schema(out, "", "+s");
    out->flags = 0;
    out->children = calloc(self->n, sizeof *out->children);
    struct ArrowSchema *children = calloc(self->n, sizeof *children);
    if (!made || out->children == NULL || children == NULL) {
        free(children);
        free(out->children);
        out->children = NULL;
        release_schema(out);
        return no_memory();
    }
    for (Py_ssize_t i = 0; i < self->n; i++) {
        made = set_schema(&children[i], self->all[i].name, self->all[i].format) && made;
        out->children[i] = &children[i];
    }
    out->n_children = self->n;
    if (!made) {
        release_schema(out);
        return no_memory();
    }
    return 0;
}

/* ---- arrays */

static void release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release != NULL) {
            array->children[i]->release(array->children[i]);
        }
    }
    for (int64_t i = 0; array->buffers != NULL && i < array->n_buffers; i++) {
        void *buffer;
        memcpy(&buffer, &array->buffers[i], sizeof buffer);
        free(buffer);
    }
    if (array->children != NULL) {
        free(array->children[0]);
    }
    free(array->children);
    free(array->buffers);
    array->release = NULL;
}

static bool make_array(struct ArrowArray *out, int64_t length, int64_t n_buffers)
{
    *out = (struct ArrowArray){.length = length, .n_buffers = n_buffers, .release = release_array};
    out->buffers = calloc((size_t)n_buffers, sizeof *out->buffers);
    return out->buffers != NULL;
}

static void *add_buffer(struct ArrowArray *out, int64_t at, size_t size)
{
    void *buffer = calloc(size > 0 ? size : 1, 1);
    out->buffers[at] = buffer;
    if (buffer == NULL) {
        PyErr_NoMemory();
    }
    return buffer;
}

static void set_bit(void *bits, size_t at)
{
    ((uint8_t *)bits)[at / 8] |= (uint8_t)(1U << (at % 8));
}

/* ValueError: the value of a row is not of its column's type. */
static bool refuse(const out_stream *self, const out_column *column, size_t row, PyObject *value)
{
    if (PyErr_Occurred() == NULL) {
        PyErr_Format(PyExc_ValueError,
                     "row %zu, field %s: a value of type %s does not fit the Arrow type \"%s\"",
                     self->n_rows + row, column->name, Py_TYPE(value)->tp_name, column->format);
    }
    return false;
}

/* A value as a cell of the column's type.  Text must be text and bytes bytes. */
static bool put_cell(const out_stream *self, const out_column *column, py_column *cells,
                     PyObject *value, size_t row)
{
    static const py_form plain;
    const py_rule rule = {.form = &plain, .limit = -1, .sqlite = true, .prepared = true};
    bool fits = column->type != BM_TEXT || PyUnicode_Check(value);
    fits = fits && py_put_of(column->type)(cells, 0, value, &rule) == 1;
    return fits || refuse(self, column, row, value);
}

static void copy_cell(const out_column *column, const py_column *cells, void *values, size_t row)
{
    bm_interval span;
    if (column->type == BM_BOOL) {
        if (cells->data[0] != 0) {
            set_bit(values, row);
        }
    } else if (column->type == BM_INTERVAL) {
        memcpy(&span, cells->data, sizeof span);
        const int64_t all = span.days * BM__USECS_PER_DAY + span.microseconds;
        memcpy((char *)values + row * sizeof all, &all, sizeof all);
    } else {
        memcpy((char *)values + row * column->width, cells->data, column->width);
    }
}

/* The list's values, of a width, in buffer 1. */
static bool fill_values(const out_stream *self, const out_column *column, PyObject *list,
                        struct ArrowArray *out)
{
    size_t n = (size_t)PyList_GET_SIZE(list);
    uint8_t *bits = add_buffer(out, 0, (n + 7) / 8);
    void *values = add_buffer(out, 1, column->type == BM_BOOL ? (n + 7) / 8 : n * column->width);
    unsigned char cell[BM__CELL_MAX];
    PyObject *owned = NULL;
    py_column cells = {.data = cell, .owned = &owned, .type = column->type};
    bool made = bits != NULL && values != NULL;
    for (size_t row = 0; made && row < n; row++) {
        PyObject *value = PyList_GET_ITEM(list, (Py_ssize_t)row);
        if (value == Py_None) {
            out->null_count++;
            continue;
        }
        made = put_cell(self, column, &cells, value, row);
        if (made) {
            set_bit(bits, row);
            copy_cell(column, &cells, values, row);
        }
    }
    Py_XDECREF(owned);
    return made;
}

/* The list's bytes, each `width` long, in buffer 1. */
static bool fill_fixed(const out_stream *self, const out_column *column, PyObject *list,
                       struct ArrowArray *out)
{
    size_t n = (size_t)PyList_GET_SIZE(list);
    uint8_t *bits = add_buffer(out, 0, (n + 7) / 8);
    char *values = add_buffer(out, 1, n * column->width);
    bool made = bits != NULL && values != NULL;
    for (size_t row = 0; made && row < n; row++) {
        PyObject *value = PyList_GET_ITEM(list, (Py_ssize_t)row);
        if (value == Py_None) {
            out->null_count++;
        } else if (!PyBytes_Check(value) || (size_t)PyBytes_GET_SIZE(value) != column->width) {
            made = refuse(self, column, row, value);
        } else {
            set_bit(bits, row);
            memcpy(values + row * column->width, PyBytes_AS_STRING(value), column->width);
        }
    }
    return made;
}

/* The list's texts or bytes: offsets in buffer 1, what they point to in buffer 2. */
static bool fill_slices(const out_stream *self, const out_column *column, PyObject *list,
                        struct ArrowArray *out)
{
    size_t n = (size_t)PyList_GET_SIZE(list);
    uint8_t *bits = add_buffer(out, 0, (n + 7) / 8);
    int64_t *offsets = add_buffer(out, 1, (n + 1) * sizeof *offsets);
    bm__buffer bytes = {0};
    bm_slice cell;
    PyObject *owned = NULL;
    py_column cells = {.data = (unsigned char *)&cell, .owned = &owned, .type = column->type};
    bool made = bits != NULL && offsets != NULL;
    for (size_t row = 0; made && row < n; row++) {
        PyObject *value = PyList_GET_ITEM(list, (Py_ssize_t)row);
        if (value == Py_None) {
            out->null_count++;
        } else {
            made = put_cell(self, column, &cells, value, row) &&
                   py_buffer_put(&bytes, cell.data, cell.size) == 1;
            set_bit(bits, row);
        }
        offsets[row + 1] = (int64_t)bytes.size;
    }
    void *all = made ? add_buffer(out, 2, bytes.size) : NULL;
    if (all != NULL && bytes.size > 0) {
        memcpy(all, bytes.data, bytes.size);
    }
    Py_XDECREF(owned);
    bm__buffer_free(&bytes);
    return all != NULL;
}

static bool fill_column(const out_stream *self, const out_column *column, PyObject *list,
                        struct ArrowArray *out)
{
    bool slices = column->type != 0 && bm__type(column->type)->width == 0;
    if (!make_array(out, (int64_t)PyList_GET_SIZE(list), slices ? 3 : 2)) {
        PyErr_NoMemory();
        return false;
    }
    return column->type == 0 ? fill_fixed(self, column, list, out)
           : slices          ? fill_slices(self, column, list, out)
                             : fill_values(self, column, list, out);
}

static bool fill_batch(const out_stream *self, PyObject *lists, struct ArrowArray *out)
{
    struct ArrowArray *children = calloc(self->n, sizeof *children);
    bool made = make_array(out, (int64_t)PyList_GET_SIZE(PyList_GET_ITEM(lists, 0)), 1);
    out->children = made ? calloc(self->n, sizeof *out->children) : NULL;
    if (children == NULL || out->children == NULL) {
        free(children);
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < self->n; i++) {
        out->children[i] = &children[i];
    }
    out->n_children = self->n;
    for (Py_ssize_t i = 0; made && i < self->n; i++) {
        made = fill_column(self, &self->all[i], PyList_GET_ITEM(lists, i), &children[i]);
    }
    return made;
}

/* ---- stream */

static bool are_lists(const out_stream *self, PyObject *lists)
{
    bool fits = PyList_Check(lists) && PyList_GET_SIZE(lists) == self->n;
    for (Py_ssize_t i = 0; fits && i < self->n; i++) {
        PyObject *list = PyList_GET_ITEM(lists, i);
        fits = PyList_Check(list) &&
               PyList_GET_SIZE(list) == PyList_GET_SIZE(PyList_GET_ITEM(lists, 0));
    }
    if (!fits) {
        PyErr_SetString(PyExc_TypeError, "a list of values for each column");
    }
    return fits;
}

/* Keep the exception's text for get_last_error, and clear it. */
static int keep_error(out_stream *self)
{
    PyObject *type;
    PyObject *value;
    PyObject *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    int code = PyErr_GivenExceptionMatches(type, PyExc_MemoryError) ? ENOMEM : EIO;
    PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    const char *utf8 = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    free(self->error);
    self->error = strdup(utf8 != NULL ? utf8 : "the rows could not be read");
    PyErr_Clear();
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return code;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    out_stream *self = stream->private_data;
    *out = (struct ArrowArray){0};
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *lists = PyObject_CallNoArgs(self->next);
    int code = 0;
    if (lists == NULL ||
        (lists != Py_None && !(are_lists(self, lists) && fill_batch(self, lists, out)))) {
        if (out->release != NULL) {
            out->release(out);
        }
        code = keep_error(self);
    }
    self->n_rows += (size_t)out->length * (code == 0);
    Py_XDECREF(lists);
    PyGILState_Release(state);
    return code;
}

static const char *get_last_error(struct ArrowArrayStream *stream)
{
    return ((out_stream *)stream->private_data)->error;
}

static void free_stream(out_stream *self)
{
    Py_XDECREF(self->columns);
    Py_XDECREF(self->next);
    free(self->all);
    free(self->error);
    free(self);
}

static void release_stream(struct ArrowArrayStream *stream)
{
    PyGILState_STATE state = PyGILState_Ensure();
    free_stream(stream->private_data);
    PyGILState_Release(state);
    stream->release = NULL;
}

static void free_capsule(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, CAPSULE);
    if (stream->release != NULL) {
        stream->release(stream);
    }
    free(stream);
}

static bool read_columns(out_stream *self)
{
    self->n = (unsigned)PyTuple_GET_SIZE(self->columns);
    self->all = calloc((size_t)self->n + 1, sizeof *self->all);
    if (self->all == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (Py_ssize_t i = 0; i < self->n; i++) {
        out_column *column = &self->all[i];
        const char *type;
        Py_ssize_t width;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(self->columns, i), "sszn", &column->name,
                              &column->format, &type, &width)) {
            return false;
        }
        column->type = type != NULL ? py_type_named(type) : 0;
        column->width = (size_t)width;
        if (type != NULL && (column->type == 0 || py_put_of(column->type) == NULL)) {
            PyErr_Format(PyExc_ValueError, "no values of type %s", type);
            return false;
        }
    }
    return true;
}

/* arrow_stream(((name, format, type, width), ...), next) -> a capsule.  type: the engine's, or
 * None: bytes of this width.  next() returns a list of values for each column, or None. */
PyObject *py_arrow_stream(PyObject *module, PyObject *args)
{
    PyObject *columns;
    PyObject *next;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &columns, &next)) {
        return NULL;
    }
    struct ArrowArrayStream *stream = calloc(1, sizeof *stream);
    out_stream *self = calloc(1, sizeof *self);
    if (stream == NULL || self == NULL) {
        free(stream);
        free(self);
        return PyErr_NoMemory();
    }
    self->columns = Py_NewRef(columns);
    self->next = Py_NewRef(next);
    *stream = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release_stream, self};
    PyObject *capsule = NULL;
    if (read_columns(self)) {
        capsule = PyCapsule_New(stream, CAPSULE, free_capsule);
    }
    if (capsule == NULL) {
        free_stream(self);
        free(stream);
    }
    return capsule;
}
