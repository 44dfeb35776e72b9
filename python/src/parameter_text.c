/*
 * A step's parameters as text, for a driver that takes no binary ones (psycopg2).  They are read
 * from the server's binary format, in which the engine makes them, and printed as their types
 * print: as PostgreSQL reads them back, whatever its settings.
 */
#include "core.h"

#include "table.h"

#define MEMBER_MAX 32 /* bytes of a value of fixed width, or of a slice */

/* How values of one type are read and printed. */
typedef struct text_way {
    bm__print_form *print; /* of the bytes; NULL: by way of a member */
    const bm__type_info *info;
    bm__pg_reader reader;
    bool quoted; /* in an array literal */
} text_way;

/* Can the column's bytes be read as such a type? */
static bool reads(const bm__format *format, bm_type type, uint32_t oid, text_way *out)
{
    const bm__table_column from = {.oid = oid, .typmod = -1, .kind = 'b'};
    bm__member_form to = {.type = type};
    bm_error err = BM_ERROR;
    py_cell_of(type, &to.layout, &to.width);
    *out = (text_way){.info = bm__type(type)};
    out->quoted = !out->info->ops->bare;
    return to.width <= MEMBER_MAX && format->decode_plan(to, &from, &out->reader, &err) == BM_OK &&
           !out->reader.as_text;
}

static bool find_way(const bm__format *format, uint32_t oid, text_way *out)
{
    const bm__form *form = bm__form_of(oid);
    if (form != NULL && form->print != NULL) {
        *out = (text_way){.print = form->print, .quoted = true};
        return true;
    }
    const bm__type_info *own = bm__type_of_oid(oid);
    for (int i = 1; own != NULL && i < BM__TYPE_COUNT; i++) {
        if (own == bm__type((bm_type)i) && reads(format, (bm_type)i, oid, out)) {
            return true;
        }
    }
    return false;
}

static void print(const text_way *way, const void *member, const uint8_t *data, size_t size,
                  bm__sink *out)
{
    if (way->print != NULL) {
        way->print(data, size, out);
    } else {
        way->info->ops->print(member, out);
    }
}

/* Append the text of one value.  False: it cannot be read, or there is no memory. */
static bool put_value(const text_way *way, bool in_array, const uint8_t *data, size_t size,
                      bm__buffer *out)
{
    _Alignas(16) unsigned char member[MEMBER_MAX];
    bm__arena arena = {0};
    uint8_t *at = NULL;
    bm_error err = BM_ERROR;
    const bool quoted = in_array && way->quoted;
    bool done =
        way->print != NULL || way->reader.read(&way->reader, data, size, member, &arena) == NULL;
    if (done) {
        bm__sink measured = {.escapes = quoted};
        print(way, member, data, size, &measured);
        done = bm__buffer_reserve(out, measured.size + 2, &at, &err) == BM_OK;
        bm__sink written = {.at = (char *)at + quoted, .room = measured.size, .escapes = quoted};
        if (done) {
            print(way, member, data, size, &written);
            assert(written.size == measured.size);
            out->size += measured.size + (quoted ? 2 : 0);
        }
        if (done && quoted) {
            at[0] = '"';
            at[measured.size + 1] = '"';
        }
    }
    bm__arena_free(&arena);
    return done;
}

static bool put_text(bm__buffer *out, const char *text)
{
    bm_error err = BM_ERROR;
    return bm__buffer_text(out, text, &err) == BM_OK;
}

/* An array of one dimension: src/backend/utils/adt/arrayfuncs.c, array_send. */
static bool put_array(const text_way *way, const uint8_t *data, size_t size, bm__buffer *out)
{
    const uint8_t *at = data + BM__ARRAY_HEADER_MAX;
    const uint8_t *end = data + size;
    bool fits = put_text(out, "{");
    for (bool first = true; fits && at < end; first = false) {
        assert(end - at >= 4);
        const uint32_t length = bm__get32(at);
        at += 4;
        fits = first || put_text(out, ",");
        if (length == UINT32_MAX) {
            fits = fits && put_text(out, "NULL");
        } else {
            assert(length <= (size_t)(end - at));
            fits = fits && put_value(way, true, at, length, out);
            at += length;
        }
    }
    return fits && put_text(out, "}");
}

/* An array's parameter has no OID; its header has that of the elements. */
static bool put_parameter(const bm__format *format, const bm__param *param, bm__buffer *out)
{
    const uint8_t *data = param->data;
    const bool array = param->oid == 0;
    text_way way;
    if (array && param->size < BM__ARRAY_HEADER_MAX) {
        return put_text(out, "{}");
    }
    if (!find_way(format, array ? bm__get32(data + 8) : param->oid, &way)) {
        return false;
    }
    return array ? put_array(&way, data, param->size, out)
                 : put_value(&way, false, data, param->size, out);
}

static PyObject *text_of(const bm__format *format, const bm__param *param)
{
    bm__buffer out = {0};
    PyObject *text = NULL;
    if (param->data == NULL) {
        return Py_NewRef(Py_None);
    }
    if (put_parameter(format, param, &out)) {
        const char *data = out.size > 0 ? (const char *)out.data : "";
        text = PyUnicode_DecodeUTF8(data, (Py_ssize_t)out.size, "strict");
    } else {
        PyErr_SetString(py_engine_error, "a parameter has no text");
    }
    bm__buffer_free(&out);
    return text;
}

PyObject *py_job_texts(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    const bm__step *step = &self->step;
    const bm__format *format = self->table->engine->format;
    (void)unused;
    if (format == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the engine has no binary format");
        return NULL;
    }
    PyObject *texts = PyTuple_New((Py_ssize_t)step->n_params);
    for (size_t i = 0; texts != NULL && i < step->n_params; i++) {
        PyObject *text = text_of(format, &step->params[i]);
        if (text == NULL) {
            Py_CLEAR(texts);
        } else {
            PyTuple_SET_ITEM(texts, (Py_ssize_t)i, text);
        }
    }
    return texts;
}
