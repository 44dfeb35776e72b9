/*
 * JSON as json.dumps writes it, byte for byte, where a value and all that is in it are of exact
 * built-in types: those need no encoder's default().  No Python code runs meanwhile, so nothing
 * changes what is being written.
 */
#include "core.h"

#include <math.h>
#include <string.h>

/* json.dumps goes as deep as Python's own limit; what is nested deeper than this is left to it,
 * and so is what contains itself. */
enum { DEEPEST = 100 };

/* Characters between two looks at the room; a character becomes 12 bytes at most. */
enum { RUN = 256, WIDEST = 12 };

static char *put_unit(char *at, Py_UCS4 unit)
{
    static const char digits[] = "0123456789abcdef";
    *at++ = '\\';
    *at++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) {
        *at++ = digits[(unit >> shift) & 15];
    }
    return at;
}

static char *put_escape(char *at, Py_UCS4 c)
{
    static const char from[] = "\"\\\n\r\t\b\f";
    static const char to[] = "\"\\nrtbf";
    const char *found = c > 0 && c < 128 ? strchr(from, (int)c) : NULL;
    if (found != NULL) {
        *at++ = '\\';
        *at++ = to[found - from];
        return at;
    }
    if (c < 0x10000) {
        return put_unit(at, c);
    }
    at = put_unit(at, 0xD800 | ((c - 0x10000) >> 10));
    return put_unit(at, 0xDC00 | ((c - 0x10000) & 0x3FF));
}

static int write_string(bm__buffer *out, PyObject *text)
{
    const int kind = (int)PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    Py_ssize_t n = PyUnicode_GET_LENGTH(text);
    /* Kind 0: a string of the former C interface that nobody has looked at, before Python 3.12. */
    int done = kind == 0 ? 0 : py_buffer_put(out, "\"", 1);
    for (Py_ssize_t from = 0; done == 1 && from < n; from += RUN) {
        Py_ssize_t to = n - from < RUN ? n : from + RUN;
        char *at = py_buffer_room(out, (size_t)RUN * WIDEST);
        if (at == NULL) {
            return -1;
        }
        for (Py_ssize_t i = from; i < to; i++) {
            Py_UCS4 c = PyUnicode_READ(kind, data, i);
            if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
                *at++ = (char)c;
            } else {
                at = put_escape(at, c);
            }
        }
        out->size = (size_t)(at - (char *)out->data);
    }
    return done == 1 ? py_buffer_put(out, "\"", 1) : done;
}

static int write_float(bm__buffer *out, double value)
{
    if (isfinite(value)) {
        return py_buffer_put_float(out, value);
    }
    const char *name = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    return py_buffer_put(out, name, strlen(name));
}

static int write_value(bm__buffer *out, PyObject *value, int depth);

/* A key that is a number stands in quotes; other keys are left to json.dumps. */
static int write_key(bm__buffer *out, PyObject *key)
{
    if (PyUnicode_CheckExact(key)) {
        return write_string(out, key);
    }
    if (!PyLong_CheckExact(key)) {
        return 0;
    }
    int done = py_buffer_put(out, "\"", 1);
    done = done == 1 ? py_buffer_put_int(out, key) : done;
    return done == 1 ? py_buffer_put(out, "\"", 1) : done;
}

static int write_dict(bm__buffer *out, PyObject *dict, int depth)
{
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *value;
    const char *before = "{";
    if (PyDict_GET_SIZE(dict) == 0) {
        return py_buffer_put(out, "{}", 2);
    }
    while (PyDict_Next(dict, &at, &key, &value)) {
        int done = py_buffer_put(out, before, strlen(before));
        done = done == 1 ? write_key(out, key) : done;
        done = done == 1 ? py_buffer_put(out, ": ", 2) : done;
        done = done == 1 ? write_value(out, value, depth + 1) : done;
        if (done != 1) {
            return done;
        }
        before = ", ";
    }
    return py_buffer_put(out, "}", 1);
}

/* A list or a tuple. */
static int write_list(bm__buffer *out, PyObject *list, int depth)
{
    Py_ssize_t n = PySequence_Fast_GET_SIZE(list);
    int done = py_buffer_put(out, "[", 1);
    for (Py_ssize_t i = 0; done == 1 && i < n; i++) {
        done = i > 0 ? py_buffer_put(out, ", ", 2) : done;
        done = done == 1 ? write_value(out, PySequence_Fast_GET_ITEM(list, i), depth + 1) : done;
    }
    return done == 1 ? py_buffer_put(out, "]", 1) : done;
}

static int write_value(bm__buffer *out, PyObject *value, int depth)
{
    if (depth > DEEPEST) {
        return 0;
    }
    if (PyUnicode_CheckExact(value)) {
        return write_string(out, value);
    }
    if (value == Py_None) {
        return py_buffer_put(out, "null", 4);
    }
    if (PyBool_Check(value)) {
        return value == Py_True ? py_buffer_put(out, "true", 4) : py_buffer_put(out, "false", 5);
    }
    if (PyLong_CheckExact(value)) {
        return py_buffer_put_int(out, value);
    }
    if (PyFloat_CheckExact(value)) {
        return write_float(out, PyFloat_AS_DOUBLE(value));
    }
    if (PyDict_CheckExact(value)) {
        return write_dict(out, value, depth);
    }
    if (PyList_CheckExact(value) || PyTuple_CheckExact(value)) {
        return write_list(out, value, depth);
    }
    return 0;
}

int py_write_json(bm__buffer *out, PyObject *value)
{
    return write_value(out, value, 0);
}

/* json_equal(values, texts) -> bytes, 1 where json.dumps would certainly write the text for the
 * value. */
PyObject *py_json_equal(PyObject *module, PyObject *args)
{
    PyObject *values;
    PyObject *texts;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &values, &PyList_Type, &texts)) {
        return NULL;
    }
    Py_ssize_t n = PyList_GET_SIZE(values);
    if (PyList_GET_SIZE(texts) != n) {
        PyErr_SetString(PyExc_ValueError, "there are not as many texts as values");
        return NULL;
    }
    PyObject *marks = PyBytes_FromStringAndSize(NULL, n);
    for (Py_ssize_t i = 0; marks != NULL && i < n; i++) {
        PyObject *text = PyList_GET_ITEM(texts, i);
        bm__buffer out = {0};
        int done = 0;
        if (PyUnicode_CheckExact(text) && PyUnicode_IS_ASCII(text)) {
            done = py_write_json(&out, PyList_GET_ITEM(values, i));
        }
        PyBytes_AS_STRING(marks)[i] =
            (char)(done == 1 && out.size == (size_t)PyUnicode_GET_LENGTH(text) &&
                   memcmp(out.data, PyUnicode_DATA(text), out.size) == 0);
        bm__buffer_free(&out);
        if (done < 0) {
            Py_CLEAR(marks);
        }
    }
    return marks;
}
