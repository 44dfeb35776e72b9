/* Text that is put together piece by piece. */
#include "core.h"

#include <string.h>

char *py_buffer_room(bm__buffer *out, size_t more)
{
    bm_error err = BM_ERROR;
    uint8_t *at = NULL;
    if (bm__buffer_reserve(out, more, &at, &err) != BM_OK) {
        PyErr_NoMemory();
    }
    return (char *)at;
}

int py_buffer_put(bm__buffer *out, const char *text, size_t size)
{
    char *at = py_buffer_room(out, size);
    if (at == NULL) {
        return -1;
    }
    memcpy(at, text, size);
    out->size += size;
    return 1;
}

/* A C long long has at most 20 characters. */
int py_buffer_put_int(bm__buffer *out, PyObject *value)
{
    char digits[24];
    size_t n = sizeof digits;
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0) {
        return 0;
    }
    unsigned long long left =
        number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
    do {
        digits[--n] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        digits[--n] = '-';
    }
    return py_buffer_put(out, digits + n, sizeof digits - n);
}

/* As repr() prints it. */
int py_buffer_put_float(bm__buffer *out, double value)
{
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL) {
        return -1;
    }
    int done = py_buffer_put(out, text, strlen(text));
    PyMem_Free(text);
    return done;
}
