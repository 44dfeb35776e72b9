/* Cells as the database's driver gives them, made what Django's converters make of them. */
#include "core.h"

#include <datetime.h>

static PyObject *uuid_type;
static PyObject *unknown_safety;
static PyObject *name_int;
static PyObject *name_is_safe;
static PyObject *scan_json; /* of json.loads without a decoder of one's own: a function of C */
static PyObject *zero;

static bool find_scanner(void)
{
    PyObject *module = PyImport_ImportModule("json");
    PyObject *decoder = module != NULL ? PyObject_GetAttrString(module, "_default_decoder") : NULL;
    scan_json = decoder != NULL ? PyObject_GetAttrString(decoder, "scan_once") : NULL;
    zero = PyLong_FromLong(0);
    Py_XDECREF(decoder);
    Py_XDECREF(module);
    return scan_json != NULL && zero != NULL;
}

bool py_cells_init(void)
{
    PyDateTime_IMPORT;
    name_int = PyUnicode_InternFromString("int");
    name_is_safe = PyUnicode_InternFromString("is_safe");
    PyObject *module = PyImport_ImportModule("uuid");
    PyObject *safety = module != NULL ? PyObject_GetAttrString(module, "SafeUUID") : NULL;
    if (safety != NULL) {
        uuid_type = PyObject_GetAttrString(module, "UUID");
        unknown_safety = PyObject_GetAttrString(safety, "unknown");
    }
    Py_XDECREF(safety);
    Py_XDECREF(module);
    return PyDateTimeAPI != NULL && name_int != NULL && name_is_safe != NULL && uuid_type != NULL &&
           unknown_safety != NULL && find_scanner();
}

static PyObject *to_bool(py_memo *memo, PyObject *value, PyObject *zone)
{
    (void)memo;
    (void)zone;
    if (PyBool_Check(value)) {
        return Py_NewRef(value);
    }
    int overflow = 0;
    long number = PyLong_CheckExact(value) ? PyLong_AsLongAndOverflow(value, &overflow) : 2;
    return overflow == 0 && (number == 0 || number == 1) ? PyBool_FromLong(number) : NULL;
}

static PyObject *to_date(py_memo *memo, PyObject *value, PyObject *zone)
{
    (void)memo;
    (void)zone;
    return PyDate_Check(value) ? Py_NewRef(value) : NULL;
}

static PyObject *to_time(py_memo *memo, PyObject *value, PyObject *zone)
{
    (void)memo;
    (void)zone;
    return PyTime_Check(value) ? Py_NewRef(value) : NULL;
}

/* `zone` is the connection's, or None where times have none. */
static PyObject *to_datetime(py_memo *memo, PyObject *value, PyObject *zone)
{
    (void)memo;
    if (!PyDateTime_CheckExact(value)) {
        return NULL;
    }
    if (zone == Py_None) {
        return Py_NewRef(value);
    }
    if (PyDateTime_DATE_GET_TZINFO(value) != Py_None || !PyTZInfo_Check(zone)) {
        return NULL;
    }
    return PyDateTimeAPI->DateTime_FromDateAndTimeAndFold(
        PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value),
        PyDateTime_DATE_GET_HOUR(value), PyDateTime_DATE_GET_MINUTE(value),
        PyDateTime_DATE_GET_SECOND(value), PyDateTime_DATE_GET_MICROSECOND(value), zone,
        PyDateTime_DATE_GET_FOLD(value), PyDateTimeAPI->DateTimeType);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The 32 hex digits of a UUID's text: as they are, or in groups of 8-4-4-4-12. */
static bool hex_of(const char *text, Py_ssize_t size, char digits[33])
{
    Py_ssize_t n = 0;
    for (Py_ssize_t i = 0; i < size; i++) {
        bool dash = size == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
        if (dash ? text[i] != '-' : n == 32 || !is_hex(text[i])) {
            return false;
        }
        if (!dash) {
            digits[n++] = text[i];
        }
    }
    digits[n] = '\0';
    return n == 32;
}

/* A UUID has slots, and refuses its own __setattr__: its __init__ sets them as object does. */
static PyObject *make_uuid(const char *digits)
{
    PyTypeObject *type = (PyTypeObject *)uuid_type;
    PyObject *number = PyLong_FromString(digits, NULL, 16);
    PyObject *made = number != NULL ? type->tp_alloc(type, 0) : NULL;
    if (made != NULL && (PyObject_GenericSetAttr(made, name_int, number) < 0 ||
                         PyObject_GenericSetAttr(made, name_is_safe, unknown_safety) < 0)) {
        Py_CLEAR(made);
    }
    Py_XDECREF(number);
    return made;
}

/* One value for all rows of a call is common: rows that follow share the UUID, which cannot be
 * changed. */
static PyObject *to_uuid(py_memo *memo, PyObject *value, PyObject *zone)
{
    char digits[33];
    Py_ssize_t size;
    (void)zone;
    if (!PyUnicode_CheckExact(value) || !PyUnicode_IS_ASCII(value)) {
        return NULL;
    }
    if (memo->text != NULL && PyUnicode_Compare(memo->text, value) == 0) {
        return Py_NewRef(memo->value);
    }
    const char *text = PyUnicode_AsUTF8AndSize(value, &size);
    PyObject *made = text != NULL && hex_of(text, size, digits) ? make_uuid(digits) : NULL;
    if (made != NULL) {
        Py_XSETREF(memo->text, Py_NewRef(value));
        Py_XSETREF(memo->value, Py_NewRef(made));
    }
    return made;
}

/* Does what json.loads does with text that neither begins nor ends with blanks. */
static PyObject *to_json(py_memo *memo, PyObject *value, PyObject *zone)
{
    (void)memo;
    (void)zone;
    if (!PyUnicode_CheckExact(value)) {
        return NULL;
    }
    PyObject *found = PyObject_CallFunctionObjArgs(scan_json, value, zero, NULL);
    if (found == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_MemoryError)) {
            PyErr_Clear(); /* json.loads says what is wrong */
        }
        return NULL;
    }
    PyObject *made = NULL;
    if (PyTuple_CheckExact(found) && PyTuple_GET_SIZE(found) == 2 &&
        PyLong_AsSsize_t(PyTuple_GET_ITEM(found, 1)) == PyUnicode_GET_LENGTH(value)) {
        made = Py_NewRef(PyTuple_GET_ITEM(found, 0));
    }
    Py_DECREF(found);
    return made;
}

bool py_reader_named(const char *name, py_read *out)
{
    static const struct {
        const char *name;
        py_read read;
    } readers[] = {{"", NULL},        {"bool", to_bool},         {"date", to_date},
                   {"time", to_time}, {"datetime", to_datetime}, {"uuid", to_uuid},
                   {"json", to_json}};
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (strcmp(readers[i].name, name) == 0) {
            *out = readers[i].read;
            return true;
        }
    }
    PyErr_SetString(PyExc_ValueError, "no such kind of cell");
    return false;
}
