/* Cells of the engine's types as Python's values. */
#include "arrow.h"

#include "calendar.h"

#include <datetime.h>
#include <string.h>

static PyObject *decimal_type;
static PyObject *uuid_type;

/* The date of a day: "civil from days" of the proleptic Gregorian calendar, years from 1 on. */
static void date_of(int32_t days, int *year, int *month, int *day)
{
    int shifted = days + 719468;
    int era = shifted / 146097;
    int of_era = shifted - era * 146097;
    int y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int of_year = of_era - (365 * y + y / 4 - y / 100);
    int m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = era * 400 + y + (*month <= 2);
}

static PyObject *value_of_date(const void *cell)
{
    int32_t days;
    int year;
    int month;
    int day;
    memcpy(&days, cell, sizeof days);
    date_of(days, &year, &month, &day);
    return PyDate_FromDate(year, month, day);
}

static PyObject *value_of_time(int64_t time)
{
    return PyTime_FromTime((int)(time / 3600000000), (int)(time / 60000000 % 60),
                           (int)(time / 1000000 % 60), (int)(time % 1000000));
}

static PyObject *value_of_timestamp(int64_t usecs, bool utc)
{
    int year;
    int month;
    int day;
    int64_t days = usecs / BM__USECS_PER_DAY - (usecs % BM__USECS_PER_DAY < 0);
    int64_t time = usecs - days * BM__USECS_PER_DAY;
    date_of((int32_t)days, &year, &month, &day);
    return PyDateTimeAPI->DateTime_FromDateAndTime(
        year, month, day, (int)(time / 3600000000), (int)(time / 60000000 % 60),
        (int)(time / 1000000 % 60), (int)(time % 1000000), utc ? PyDateTime_TimeZone_UTC : Py_None,
        PyDateTimeAPI->DateTimeType);
}

static PyObject *value_of_interval(const void *cell)
{
    bm_interval span;
    memcpy(&span, cell, sizeof span);
    int64_t days = span.days + span.microseconds / BM__USECS_PER_DAY;
    int64_t rest = span.microseconds % BM__USECS_PER_DAY;
    return PyDelta_FromDSU((int)days, (int)(rest / 1000000), (int)(rest % 1000000));
}

static PyObject *value_of_slice(bm_type type, const void *cell)
{
    bm_slice slice;
    memcpy(&slice, cell, sizeof slice);
    const char *text = slice.data != NULL ? slice.data : "";
    if (type == BM_BYTEA) {
        return PyBytes_FromStringAndSize(text, (Py_ssize_t)slice.size);
    }
    if (type == BM_NUMERIC) {
        return PyObject_CallFunction(decimal_type, "s#", text, (Py_ssize_t)slice.size);
    }
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)slice.size, NULL);
}

static PyObject *value_of_uuid(const void *cell)
{
    return PyObject_CallFunction(uuid_type, "Oy#", Py_None, (const char *)cell,
                                 (Py_ssize_t)sizeof(bm_uuid)); /* UUID(hex, bytes) */
}

static PyObject *value_of_integer(bm_type type, const void *cell)
{
    int16_t two;
    int32_t four;
    int64_t eight;
    if (type == BM_INT2) {
        memcpy(&two, cell, sizeof two);
        return PyLong_FromLong(two);
    }
    if (type == BM_INT4) {
        memcpy(&four, cell, sizeof four);
        return PyLong_FromLong(four);
    }
    memcpy(&eight, cell, sizeof eight);
    return PyLong_FromLongLong(eight);
}

PyObject *py_value_of(bm_type type, const void *cell)
{
    int64_t eight;
    double real;
    switch (type) {
    case BM_BOOL:
        return PyBool_FromLong(*(const bool *)cell);
    case BM_INT2:
    case BM_INT4:
    case BM_INT8:
        return value_of_integer(type, cell);
    case BM_FLOAT8:
        memcpy(&real, cell, sizeof real);
        return PyFloat_FromDouble(real);
    case BM_DATE:
        return value_of_date(cell);
    case BM_INTERVAL:
        return value_of_interval(cell);
    case BM_UUID:
        return value_of_uuid(cell);
    case BM_TIME:
    case BM_TIMESTAMP:
    case BM_TIMESTAMPTZ:
        memcpy(&eight, cell, sizeof eight);
        return type == BM_TIME ? value_of_time(eight)
                               : value_of_timestamp(eight, type == BM_TIMESTAMPTZ);
    default:
        return value_of_slice(type, cell);
    }
}

static bool import_type(const char *module, const char *name, PyObject **out)
{
    PyObject *found = PyImport_ImportModule(module);
    *out = found != NULL ? PyObject_GetAttrString(found, name) : NULL;
    Py_XDECREF(found);
    return *out != NULL;
}

bool py_arrow_init(void)
{
    PyDateTime_IMPORT;
    return PyDateTimeAPI != NULL && import_type("decimal", "Decimal", &decimal_type) &&
           import_type("uuid", "UUID", &uuid_type);
}
