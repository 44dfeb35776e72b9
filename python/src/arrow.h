/* Rows of an Arrow stream: Frame reads them, a Piece holds some of them. */
#ifndef BULKMODEL_PYTHON_ARROW_H
#define BULKMODEL_PYTHON_ARROW_H

#include "core.h"

#include "arrow_stream.h"

/* A batch of the stream, which pieces share. */
typedef struct py_batch {
    PyObject_HEAD struct ArrowArray array;
} py_batch;

typedef struct py_frame {
    PyObject_HEAD struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    bm__arena arena;
    bm__arrow_column *columns; /* one for each of the stream's */
    size_t n_columns;
    py_batch *batch; /* the last one, or NULL */
    int64_t at;      /* rows of it that were given */
    size_t n_read;   /* rows of the whole stream that were read */
    bool busy;       /* a thread reads, without the interpreter's lock */
} py_frame;

/* Rows of one batch. */
typedef struct py_part {
    py_batch *batch;
    int64_t from;
    size_t n;
    size_t row; /* the number of its first row in the stream */
} py_part;

typedef struct py_piece {
    PyObject_HEAD py_frame *frame;
    size_t n;
    py_part *parts;
    size_t n_parts;
    bm__arena texts; /* of cells that are no bytes of a batch: decimals */
} py_piece;

/* Does a type of the engine hold the column's values? */
bool py_arrow_fits(const bm__arrow_column *column, bm_type as);

/* The values of column `at`, of its lists' elements where it has lists, as Python's; a new list. */
PyObject *py_piece_values(py_piece *self, const bm__arrow_column *column, bm_type as);

/* Raise _core.Unread(message, row or None, column or None). */
void py_raise_unread(const bm_error *err);

/* Cell `i` of a part as a value of this type.  *state is as bm__arrow_cell says.  False: *err says
 * what is wrong with it. */
bool py_arrow_cell(py_piece *piece, const bm__arrow_column *column, const py_part *part, size_t i,
                   bm_type as, void *cell, uint8_t *state, bm_error *err);

/* The type that holds every value of Arrow's type. */
bm_type py_natural_type(const bm__arrow_type *type);

/* arrow_value.c: a cell of this type as Python's value; a new reference.  NULL: an exception is
 * set. */
PyObject *py_value_of(bm_type type, const void *cell);

#endif
