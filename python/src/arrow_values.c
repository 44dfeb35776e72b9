/* Values of Arrow that Python has, too: cells of the engine, and lists of Python's values. */
#include "arrow.h"

#include "calendar.h"
#include "codec.h"

#include <string.h>

void py_raise_unread(const bm_error *err)
{
    if (err->status == BM_NOMEM) {
        PyErr_NoMemory();
        return;
    }
    PyObject *row = err->row != BM_NO_ROW ? PyLong_FromSize_t(err->row) : Py_NewRef(Py_None);
    PyObject *what =
        Py_BuildValue("(sNz)", err->message, row, err->column[0] != '\0' ? err->column : NULL);
    if (what != NULL) {
        PyErr_SetObject(py_unread, what);
        Py_DECREF(what);
    }
}

/* As psycopg sends a timedelta: days, and microseconds of the same sign. */
static const char *settle_interval(void *cell)
{
    bm_interval span;
    memcpy(&span, cell, sizeof span);
    if (span.months != 0) {
        return "has months, which have no fixed number of days";
    }
    if (__builtin_add_overflow(span.microseconds, span.days * BM__USECS_PER_DAY,
                               &span.microseconds)) {
        return "is outside of the range of an interval in microseconds";
    }
    span.days = (int32_t)(span.microseconds / BM__USECS_PER_DAY);
    span.microseconds %= BM__USECS_PER_DAY;
    memcpy(cell, &span, sizeof span);
    return NULL;
}

/* NULL, or why Python has no such value: Django could not read it. */
static const char *settle(bm_type type, void *cell)
{
    int64_t eight = 0;
    int32_t days;
    switch (type) {
    case BM_DATE:
        memcpy(&days, cell, sizeof days);
        eight = days * BM__USECS_PER_DAY;
        break;
    case BM_TIME:
        memcpy(&eight, cell, sizeof eight);
        return eight >= 0 && eight < BM__USECS_PER_DAY ? NULL : "is not a time of a day";
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        memcpy(&eight, cell, sizeof eight);
        break;
    case BM_INTERVAL:
        return settle_interval(cell);
    default:
        return NULL;
    }
    return eight >= BM__DATE_MIN * BM__USECS_PER_DAY &&
                   eight < (BM__DATE_MAX + 1) * BM__USECS_PER_DAY
               ? NULL
               : "is outside of the years 1 to 9999";
}

static bool is_document(const bm__arrow_column *column, bm_type as)
{
    return column->document != NULL && (as == BM_JSON || as == BM_JSONB);
}

bool py_arrow_fits(const bm__arrow_column *column, bm_type as)
{
    return is_document(column, as) || (column->lists.n == 0 && as != 0 && column->type.kind != 0 &&
                                       bm__arrow_fits(&column->type, as));
}

bool py_arrow_cell(py_piece *piece, const bm__arrow_column *column, const py_part *part, size_t i,
                   bm_type as, void *cell, uint8_t *state, bm_error *err)
{
    const struct ArrowArray *batch = &part->batch->array;
    int64_t at = batch->offset + part->from + (int64_t)i;
    const struct ArrowArray *array = batch->children[column->child];
    const char *fault =
        column->document != NULL && bm__type_is_text(as)
            ? bm__arrow_json(column->document, array, at, &piece->texts, cell, state)
            : bm__arrow_cell(&column->type, array, at, as, &piece->texts, cell, state);
    if (fault == NULL && *state == BM_VALUE) {
        fault = settle(as, cell);
    }
    if (fault != NULL) {
        bm__fail_cell(err, BM_CONVERT, BM_STAGE_CONVERT, part->row + i, column->name,
                      "the value %s.", fault);
    }
    return fault == NULL;
}

typedef struct where {
    const bm__arrow_column *column;
    bm_type as;
    size_t row; /* of the stream */
} where;

static PyObject *refused(const where *at, const char *fault)
{
    bm_error err = BM_ERROR;
    bm__fail_cell(&err, BM_CONVERT, BM_STAGE_CONVERT, at->row, at->column->name, "the value %s.",
                  fault);
    py_raise_unread(&err);
    return NULL;
}

static PyObject *value_of(const where *at, const void *cell)
{
    PyObject *value = py_value_of(at->as, cell);
    if (value == NULL && PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        PyErr_Clear();
        bm_error err = BM_ERROR;
        bm__fail_cell(&err, BM_CONVERT, BM_STAGE_CONVERT, at->row, at->column->name,
                      "the text is not valid UTF-8.");
        py_raise_unread(&err);
    }
    return value;
}

static PyObject *element_of(const where *at, const bm_array *elements, size_t i)
{
    char cell[BM__CELL_MAX];
    size_t width;
    if (elements->states != NULL && elements->states[i] != BM_VALUE) {
        return Py_NewRef(Py_None);
    }
    (void)bm__element_layout(at->as, &width);
    memcpy(cell, (const char *)elements->data + i * width, width);
    const char *fault = settle(at->as, cell);
    return fault != NULL ? refused(at, fault) : value_of(at, cell);
}

/* The list of dimension `d` that begins with element *i, which moves behind it. */
static PyObject *list_of(const where *at, const bm_nd_array *array, size_t d, size_t *i)
{
    Py_ssize_t n = array->n_dimensions > 0 ? (Py_ssize_t)array->lengths[d] : 0;
    PyObject *list = PyList_New(n);
    for (Py_ssize_t k = 0; list != NULL && k < n; k++) {
        PyObject *item = d + 1 < array->n_dimensions ? list_of(at, array, d + 1, i)
                                                     : element_of(at, &array->elements, (*i)++);
        if (item == NULL) {
            Py_CLEAR(list);
            break;
        }
        PyList_SET_ITEM(list, k, item);
    }
    return list;
}

static PyObject *list_at(const where *at, const py_part *part, size_t i)
{
    const struct ArrowArray *batch = &part->batch->array;
    const bm__arrow_column *column = at->column;
    bm__arena elements = {0};
    bm_nd_array array = {.n_dimensions = 0};
    uint8_t state = BM_VALUE;
    size_t first = 0;
    const char *fault =
        bm__arrow_list(&column->lists, &column->type, batch->children[column->child],
                       batch->offset + part->from + (int64_t)i, at->as, &elements, &array, &state);
    PyObject *list = fault != NULL      ? refused(at, fault)
                     : state == BM_NULL ? Py_NewRef(Py_None)
                                        : list_of(at, &array, 0, &first);
    bm__arena_free(&elements);
    return list;
}

static PyObject *value_at(py_piece *self, const where *at, const py_part *part, size_t i)
{
    char cell[BM__CELL_MAX];
    uint8_t state = BM_VALUE;
    bm_error err = BM_ERROR;
    if (at->column->lists.n > 0 && !is_document(at->column, at->as)) {
        return list_at(at, part, i);
    }
    if (!py_arrow_cell(self, at->column, part, i, at->as, cell, &state, &err)) {
        py_raise_unread(&err);
        return NULL;
    }
    return state == BM_NULL ? Py_NewRef(Py_None) : value_of(at, cell);
}

PyObject *py_piece_values(py_piece *self, const bm__arrow_column *column, bm_type as)
{
    PyObject *values = PyList_New((Py_ssize_t)self->n);
    size_t row = 0;
    for (size_t p = 0; values != NULL && p < self->n_parts; p++) {
        const py_part *part = &self->parts[p];
        for (size_t i = 0; values != NULL && i < part->n; i++, row++) {
            const where at = {column, as, part->row + i};
            PyObject *value = value_at(self, &at, part, i);
            if (value == NULL) {
                Py_CLEAR(values);
            } else {
                PyList_SET_ITEM(values, (Py_ssize_t)row, value);
            }
        }
    }
    return values;
}
