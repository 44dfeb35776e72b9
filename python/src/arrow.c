/* Frame: an Arrow stream's rows, in pieces, as cells of the engine or as Python's values. */
#include "arrow.h"

#include "type.h"

#include <string.h>

#define CAPSULE "arrow_array_stream"

/* --------------------------------------------------------------------------------------- Batch */

static void batch_free(PyObject *object)
{
    py_batch *self = (py_batch *)object;
    if (self->array.release != NULL) {
        self->array.release(&self->array);
    }
    Py_TYPE(object)->tp_free(object);
}

PyTypeObject py_batch_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Batch",
    .tp_basicsize = sizeof(py_batch),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = batch_free,
};

/* --------------------------------------------------------------------------------------- Frame */

bm_type py_natural_type(const bm__arrow_type *type)
{
    static const bm_type types[] = {
        [BM__ARROW_NULL] = BM_TEXT,
        [BM__ARROW_BOOL] = BM_BOOL,
        [BM__ARROW_INT] = BM_INT8,
        [BM__ARROW_UINT] = BM_INT8,
        [BM__ARROW_FLOAT] = BM_FLOAT8,
        [BM__ARROW_DECIMAL] = BM_NUMERIC,
        [BM__ARROW_TEXT] = BM_TEXT,
        [BM__ARROW_BYTES] = BM_BYTEA,
        [BM__ARROW_DATE] = BM_DATE,
        [BM__ARROW_TIME] = BM_TIME,
        [BM__ARROW_TIMESTAMP] = BM_TIMESTAMP,
        [BM__ARROW_DURATION] = BM_INTERVAL,
        [BM__ARROW_INTERVAL] = BM_INTERVAL,
    };
    return type->zoned ? BM_TIMESTAMPTZ : types[type->kind];
}

static bm_status read_columns(py_frame *self, bm_error *err)
{
    BM_TRY(bm__arrow_schema(&self->stream, &self->schema, err));
    size_t n = (size_t)self->schema.n_children;
    self->columns = bm__arena_array(&self->arena, n, sizeof *self->columns);
    if (self->columns == NULL) {
        return bm__no_memory(err);
    }
    for (; self->n_columns < n; self->n_columns++) {
        const struct ArrowSchema *schema = self->schema.children[self->n_columns];
        bm__arrow_column *column = &self->columns[self->n_columns];
        column->name = schema->name != NULL ? schema->name : "";
        column->child = (int64_t)self->n_columns;
        column->document = bm__arrow_document_of(schema, &self->arena);
        bool read = bm__arrow_lists_of(schema, &column->lists, &column->type);
        if (!read && column->document != NULL) {
            column->lists = (bm__arrow_lists){0};
            column->type = (bm__arrow_type){0};
        } else if (!read) {
            return bm__fail_cell(err, BM_INVALID, BM_STAGE_CHECK, BM_NO_ROW, column->name,
                                 "column \"%s\" of the frame has an Arrow type that cannot be read "
                                 "(\"%s\"): cast it, or leave it out",
                                 column->name, schema->format != NULL ? schema->format : "");
        }
    }
    return BM_OK;
}

/* Frame(capsule): a PyCapsule of __arrow_c_stream__(), whose stream is taken. */
static PyObject *frame_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *capsule;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O", &capsule)) {
        return NULL;
    }
    struct ArrowArrayStream *given = PyCapsule_GetPointer(capsule, CAPSULE);
    py_frame *self = given != NULL ? (py_frame *)type->tp_alloc(type, 0) : NULL;
    if (self == NULL) {
        return NULL;
    }
    bm_error err = BM_ERROR;
    bm_status status;
    self->stream = *given;
    given->release = NULL; /* moved, as the specification says */
    if (self->stream.release == NULL) {
        bm__fail(&err, BM_INVALID, BM_STAGE_CHECK, "the Arrow stream was released before");
        py_raise_unread(&err);
        Py_DECREF(self);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS; /* the frame's own threads may need the lock */
    status = read_columns(self, &err);
    Py_END_ALLOW_THREADS;
    if (status != BM_OK) {
        py_raise_unread(&err);
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void frame_free(PyObject *object)
{
    py_frame *self = (py_frame *)object;
    Py_CLEAR(self->batch);
    Py_BEGIN_ALLOW_THREADS;
    if (self->schema.release != NULL) {
        self->schema.release(&self->schema);
    }
    if (self->stream.release != NULL) {
        self->stream.release(&self->stream);
    }
    Py_END_ALLOW_THREADS;
    bm__arena_free(&self->arena);
    Py_TYPE(object)->tp_free(object);
}

/* The next batch that has rows; the last one is dropped.  No batch: the stream has ended, or an
 * exception is set. */
static bool next_batch(py_frame *self)
{
    bm_error err = BM_ERROR;
    bm_status status = BM_OK;
    Py_CLEAR(self->batch);
    self->at = 0;
    do {
        Py_XDECREF(self->batch);
        self->batch = (py_batch *)py_batch_type.tp_alloc(&py_batch_type, 0);
        if (self->batch == NULL) {
            return false;
        }
        struct ArrowArray *array = &self->batch->array;
        Py_BEGIN_ALLOW_THREADS;
        status = bm__arrow_batch(&self->stream, &self->schema, self->columns, self->n_columns,
                                 self->n_read, array, &err);
        Py_END_ALLOW_THREADS;
    } while (status == BM_OK && self->batch->array.release != NULL &&
             self->batch->array.length == 0);
    if (status != BM_OK) {
        py_raise_unread(&err);
    }
    if (status != BM_OK || self->batch->array.release == NULL) {
        Py_CLEAR(self->batch);
    }
    return self->batch != NULL;
}

/* Up to `left` of the batch's rows, at the piece's end. */
static bool add_part(py_frame *self, py_piece *piece, size_t left)
{
    size_t n = (size_t)(self->batch->array.length - self->at);
    if (piece->n_parts % 8 == 0) {
        py_part *parts = PyMem_Realloc(piece->parts, (piece->n_parts + 8) * sizeof *parts);
        if (parts == NULL) {
            PyErr_NoMemory();
            return false;
        }
        piece->parts = parts;
    }
    n = n < left ? n : left;
    piece->parts[piece->n_parts++] =
        (py_part){(py_batch *)Py_NewRef((PyObject *)self->batch), self->at, n, self->n_read};
    piece->n += n;
    self->at += (int64_t)n;
    self->n_read += n;
    return true;
}

static bool fill_piece(py_frame *self, py_piece *piece, size_t n)
{
    while (piece->n < n) {
        bool drained = self->batch == NULL || self->at >= self->batch->array.length;
        if (drained && !next_batch(self)) {
            return PyErr_Occurred() == NULL;
        }
        if (!add_part(self, piece, n - piece->n)) {
            return false;
        }
    }
    return true;
}

/* read(n) -> the next n rows, or fewer at the end; None: there are no more. */
static PyObject *frame_read(PyObject *object, PyObject *args)
{
    py_frame *self = (py_frame *)object;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "n", &n)) {
        return NULL;
    }
    if (n < 1 || self->busy) {
        PyErr_SetString(PyExc_RuntimeError, "no rows are asked for, or another thread reads");
        return NULL;
    }
    py_piece *piece = (py_piece *)py_piece_type.tp_alloc(&py_piece_type, 0);
    if (piece == NULL) {
        return NULL;
    }
    piece->frame = (py_frame *)Py_NewRef(object);
    self->busy = true;
    bool filled = fill_piece(self, piece, (size_t)n);
    self->busy = false;
    if (filled && piece->n > 0) {
        return (PyObject *)piece;
    }
    Py_DECREF(piece);
    return filled ? Py_NewRef(Py_None) : NULL;
}

/* columns() -> (name, Arrow's format) of each. */
static PyObject *frame_columns(PyObject *object, PyObject *unused)
{
    const py_frame *self = (py_frame *)object;
    PyObject *columns = PyTuple_New((Py_ssize_t)self->n_columns);
    (void)unused;
    for (size_t i = 0; columns != NULL && i < self->n_columns; i++) {
        const struct ArrowSchema *schema = self->schema.children[i];
        if (self->columns[i].lists.n == 0 && self->columns[i].type.run_width > 0) {
            schema = schema->children[1];
        }
        if (schema->dictionary != NULL) {
            schema = schema->dictionary;
        }
        PyObject *column = Py_BuildValue("(ss)", self->columns[i].name, schema->format);
        if (column == NULL) {
            Py_CLEAR(columns);
            break;
        }
        PyTuple_SET_ITEM(columns, (Py_ssize_t)i, column);
    }
    return columns;
}

static const bm__arrow_column *column_of(const py_frame *self, Py_ssize_t at)
{
    if (at < 0 || (size_t)at >= self->n_columns) {
        PyErr_SetString(PyExc_IndexError, "the frame has no such column");
        return NULL;
    }
    return &self->columns[at];
}

/* fits(column, type) -> does the engine's type of this name hold the column's values? */
static PyObject *frame_fits(PyObject *object, PyObject *args)
{
    Py_ssize_t at;
    const char *name;
    if (!PyArg_ParseTuple(args, "ns", &at, &name)) {
        return NULL;
    }
    const bm__arrow_column *column = column_of((py_frame *)object, at);
    return column == NULL ? NULL : PyBool_FromLong(py_arrow_fits(column, py_type_named(name)));
}

static PyMethodDef frame_methods[] = {
    {"columns", frame_columns, METH_NOARGS, NULL},
    {"fits", frame_fits, METH_VARARGS, NULL},
    {"read", frame_read, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_frame_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Frame",
    .tp_basicsize = sizeof(py_frame),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = frame_new,
    .tp_dealloc = frame_free,
    .tp_methods = frame_methods,
};

/* --------------------------------------------------------------------------------------- Piece */

static void piece_free(PyObject *object)
{
    py_piece *self = (py_piece *)object;
    for (size_t i = 0; i < self->n_parts; i++) {
        Py_DECREF(self->parts[i].batch);
    }
    PyMem_Free(self->parts);
    bm__arena_free(&self->texts);
    Py_XDECREF(self->frame);
    Py_TYPE(object)->tp_free(object);
}

/* fill(rows, field, column) -> how many NULLs.  The cells of a field of Rows, whose type must
 * fit. */
static PyObject *piece_fill(PyObject *object, PyObject *args)
{
    py_piece *self = (py_piece *)object;
    py_rows *rows;
    Py_ssize_t field;
    Py_ssize_t at;
    if (!PyArg_ParseTuple(args, "O!nn", &py_rows_type, &rows, &field, &at)) {
        return NULL;
    }
    const bm__arrow_column *column = column_of(self->frame, at);
    py_column *out = column != NULL ? py_rows_borrow(rows, field, object) : NULL;
    if (out == NULL) {
        return NULL;
    }
    bool document = column->document != NULL && bm__type_is_text(out->type); /* of a JSONField */
    if (rows->n != self->n || !(document || py_arrow_fits(column, out->type))) {
        PyErr_SetString(PyExc_ValueError, "there are not as many rows, or their type does not fit");
        return NULL;
    }
    bm_error err = BM_ERROR;
    size_t width = bm__type(out->type)->width;
    size_t nulls = 0;
    size_t row = 0;
    width = width > 0 ? width : sizeof(bm_slice);
    for (const py_part *part = self->parts; part < self->parts + self->n_parts; part++) {
        for (size_t i = 0; i < part->n; i++, row++) {
            if (!py_arrow_cell(self, column, part, i, out->type, out->data + row * width,
                               &out->states[row], &err)) {
                py_raise_unread(&err);
                return NULL;
            }
            nulls += out->states[row] == BM_NULL;
        }
    }
    if (nulls == 0) {
        PyMem_Free(out->states);
        out->states = NULL;
    }
    return PyLong_FromSize_t(nulls);
}

/* values(column, type) -> a list.  type: the engine's, which must fit; None: Arrow's own. */
static PyObject *piece_values(PyObject *object, PyObject *args)
{
    py_piece *self = (py_piece *)object;
    Py_ssize_t at;
    const char *name;
    if (!PyArg_ParseTuple(args, "nz", &at, &name)) {
        return NULL;
    }
    const bm__arrow_column *column = column_of(self->frame, at);
    if (column == NULL) {
        return NULL;
    }
    bm_type as = name != NULL ? py_type_named(name) : py_natural_type(&column->type);
    if (name != NULL ? !py_arrow_fits(column, as) : as == 0) {
        PyErr_SetString(PyExc_ValueError, "the column's type does not fit");
        return NULL;
    }
    return py_piece_values(self, column, as);
}

/* Parts that hold the rows at these places of the piece, which ascend: a part for each run.  0: an
 * exception is set. */
static size_t take_runs(const py_piece *self, PyObject *places, py_part *out)
{
    const py_part *part = self->parts;
    size_t before = 0; /* rows before this part */
    size_t n_parts = 0;
    size_t end = 0; /* behind the last place */
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(places); i++) {
        size_t place = PyLong_AsSize_t(PyList_GET_ITEM(places, i));
        if (PyErr_Occurred() != NULL || place < end || place >= self->n) {
            PyErr_SetString(PyExc_ValueError, "places must ascend, and be in the piece");
            return 0;
        }
        bool moved = false;
        for (; place - before >= part->n; part++, moved = true) {
            before += part->n;
        }
        if (n_parts > 0 && place == end && !moved) {
            out[n_parts - 1].n++;
        } else {
            out[n_parts++] = (py_part){part->batch, part->from + (int64_t)(place - before), 1,
                                       part->row + (place - before)};
        }
        end = place + 1;
    }
    return n_parts;
}

/* take(places) -> a Piece of the rows at these places of this one, a list of numbers that ascend.
 * Errors name the rows of the stream. */
static PyObject *piece_take(PyObject *object, PyObject *places)
{
    const py_piece *self = (py_piece *)object;
    if (!PyList_Check(places) || PyList_GET_SIZE(places) == 0) {
        PyErr_SetString(PyExc_ValueError, "take() takes a list that is not empty");
        return NULL;
    }
    py_piece *piece = (py_piece *)py_piece_type.tp_alloc(&py_piece_type, 0);
    if (piece == NULL) {
        return NULL;
    }
    piece->frame = (py_frame *)Py_NewRef((PyObject *)self->frame);
    piece->n = (size_t)PyList_GET_SIZE(places);
    piece->parts = PyMem_Calloc(piece->n, sizeof *piece->parts);
    size_t n_parts = piece->parts != NULL ? take_runs(self, places, piece->parts) : 0;
    if (n_parts == 0) {
        if (piece->parts == NULL) {
            PyErr_NoMemory();
        }
        Py_DECREF(piece);
        return NULL;
    }
    for (; piece->n_parts < n_parts; piece->n_parts++) {
        Py_INCREF(piece->parts[piece->n_parts].batch);
    }
    return (PyObject *)piece;
}

static Py_ssize_t piece_length(PyObject *object)
{
    return (Py_ssize_t)((py_piece *)object)->n;
}

/* The number of its first row in the stream. */
static PyObject *piece_first(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromSize_t(((py_piece *)object)->parts->row);
}

static PyMethodDef piece_methods[] = {
    {"fill", piece_fill, METH_VARARGS, NULL},
    {"take", piece_take, METH_O, NULL},
    {"values", piece_values, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef piece_members[] = {
    {"first", piece_first, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PySequenceMethods piece_sequence = {.sq_length = piece_length};

PyTypeObject py_piece_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Piece",
    .tp_basicsize = sizeof(py_piece),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = piece_free,
    .tp_methods = piece_methods,
    .tp_getset = piece_members,
    .tp_as_sequence = &piece_sequence,
};
