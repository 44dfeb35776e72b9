/* Cells of a step for a driver that takes them row by row: as Python's values, or as literals of
 * the engine's SQL. */
#include "core.h"

#include "type.h"

static PyObject *value_of(const bm__cell *cell)
{
    switch (cell->kind) {
    case BM__CELL_INTEGER:
        return PyLong_FromLongLong(cell->integer);
    case BM__CELL_REAL:
        return PyFloat_FromDouble(cell->real);
    case BM__CELL_TEXT:
        return PyUnicode_DecodeUTF8(cell->data, (Py_ssize_t)cell->size, "strict");
    case BM__CELL_BLOB:
        return PyBytes_FromStringAndSize(cell->data, (Py_ssize_t)cell->size);
    case BM__CELL_NULL:
    case BM__CELL_BYTES:
        break;
    }
    return Py_NewRef(Py_None);
}

/* One cell as the engine stores it. */
static PyObject *bound(const bm__storage *storage, const bm__view *view, size_t row)
{
    char scratch[BM__PRINT_MAX];
    bm__cell cell = {.kind = BM__CELL_NULL};
    if (bm__view_state(view, row) == BM_VALUE) {
        const char *fault = storage->value(view->cells.type, view->cells.layout, view->cells.width,
                                           bm__view_cell(view, row), scratch, &cell);
        if (fault != NULL) {
            PyErr_SetString(py_engine_error, fault);
            return NULL;
        }
    }
    return value_of(&cell);
}

static bool append(PyObject *list, PyObject *value)
{
    bool done = value != NULL && PyList_Append(list, value) == 0;
    Py_XDECREF(value);
    return done;
}

static bool has_rows(const py_job *self, Py_ssize_t first, Py_ssize_t n)
{
    const bm__batch *batch = self->step.batch;
    bool has = batch != NULL && first >= 0 && n >= 0 && (size_t)first <= batch->n_rows &&
               (size_t)n <= batch->n_rows - (size_t)first;
    if (!has) {
        PyErr_SetString(PyExc_IndexError, "the step has no such rows");
    }
    return has;
}

/* Is the column the statement's own? */
static bool is_made(const py_job *self, size_t column)
{
    return self->job.plan->columns[column].supply == BM__SUPPLY_STATEMENT;
}

PyObject *py_job_bind(PyObject *object, PyObject *args)
{
    const py_job *self = (const py_job *)object;
    const bm__batch *batch = self->step.batch;
    const bm__storage *storage = self->job.plan->engine->storage;
    Py_ssize_t first;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "nn", &first, &n) || !has_rows(self, first, n)) {
        return NULL;
    }
    PyObject *values = PyList_New(0);
    for (size_t i = (size_t)first; values != NULL && i < (size_t)(first + n); i++) {
        for (size_t column = 0; values != NULL && column < batch->n_views; column++) {
            const size_t row = bm__batch_row(batch, i);
            if (!is_made(self, column) &&
                !append(values, bound(storage, &batch->views[column], row))) {
                Py_CLEAR(values);
            }
        }
    }
    return values;
}

PyObject *py_job_columns(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    const bm__batch *batch = self->step.batch;
    (void)unused;
    PyObject *columns = PyList_New(0);
    for (size_t i = 0; columns != NULL && batch != NULL && i < batch->n_views; i++) {
        const bm__view *view = &batch->views[i];
        if (is_made(self, i)) {
            continue;
        }
        const char *name = view->name != NULL && view->name[0] != '\0' ? view->name : NULL;
        if (!append(columns,
                    Py_BuildValue("nzs", (Py_ssize_t)i, name, bm__type(view->cells.type)->name))) {
            Py_CLEAR(columns);
        }
    }
    return columns;
}

PyObject *py_job_cells(PyObject *object, PyObject *args)
{
    const py_job *self = (const py_job *)object;
    const bm__batch *batch = self->step.batch;
    Py_ssize_t column;
    Py_ssize_t first;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "nnn", &column, &first, &n) || !has_rows(self, first, n)) {
        return NULL;
    }
    if (column < 0 || (size_t)column >= batch->n_views || is_made(self, (size_t)column)) {
        PyErr_SetString(PyExc_IndexError, "the step has no such column");
        return NULL;
    }
    PyObject *values = PyList_New(n);
    for (Py_ssize_t i = 0; values != NULL && i < n; i++) {
        PyObject *value = bound(self->job.plan->engine->storage, &batch->views[column],
                                bm__batch_row(batch, (size_t)(first + i)));
        if (value == NULL) {
            Py_CLEAR(values);
        } else {
            PyList_SET_ITEM(values, i, value);
        }
    }
    return values;
}

/* "(1,'a')", behind a comma where it is not the first */
static bm_status put_row(const py_job *self, size_t i, bool first, bm__buffer *out, bm_error *err)
{
    const bm__batch *batch = self->step.batch;
    const bm__storage *storage = self->job.plan->engine->storage;
    const size_t row = bm__batch_row(batch, i);
    const char *between = first ? "(" : ",(";
    for (size_t column = 0; column < batch->n_views; column++) {
        const bm__view *view = &batch->views[column];
        if (is_made(self, column)) {
            continue;
        }
        BM_TRY(bm__buffer_text(out, between, err));
        between = ",";
        bool is_value = bm__view_state(view, row) == BM_VALUE;
        BM_TRY(storage->literal(view->cells.type, view->cells.layout, view->cells.width,
                                is_value ? bm__view_cell(view, row) : NULL, out, err));
    }
    return bm__buffer_text(out, ")", err);
}

/* Rows from `first` on, while they fit into `limit` bytes, but at least one; *n says how many. */
static bm_status put_rows(const py_job *self, size_t first, size_t limit, bm__buffer *out,
                          size_t *n, bm_error *err)
{
    const size_t rows = self->step.batch->n_rows;
    for (*n = 0; first + *n < rows; ++*n) {
        const size_t before = out->size;
        BM_TRY(put_row(self, first + *n, *n == 0, out, err));
        if (out->size > limit && *n > 0) {
            out->size = before;
            break;
        }
    }
    return BM_OK;
}

PyObject *py_job_values(PyObject *object, PyObject *args)
{
    const py_job *self = (const py_job *)object;
    Py_ssize_t first;
    Py_ssize_t limit;
    size_t n = 0;
    bm__buffer text = {0};
    bm_error err = BM_ERROR;
    bm_status status;
    if (!PyArg_ParseTuple(args, "nn", &first, &limit) || !has_rows(self, first, 1)) {
        return NULL;
    }
    if (self->job.plan->engine->storage->literal == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the engine writes no literals");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    status = put_rows(self, (size_t)first, limit > 0 ? (size_t)limit : 0, &text, &n, &err);
    Py_END_ALLOW_THREADS;
    PyObject *found = NULL;
    if (status != BM_OK) {
        found = py_raise(&err, true);
    } else {
        PyObject *list =
            PyUnicode_DecodeASCII((const char *)text.data, (Py_ssize_t)text.size, "strict");
        found = list != NULL ? Py_BuildValue("Nn", list, (Py_ssize_t)n) : NULL;
    }
    bm__buffer_free(&text);
    return found;
}
