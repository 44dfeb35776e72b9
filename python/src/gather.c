/* Python's values into cells.  Only the exact built-in types are taken, and subclasses of int and
 * str that change nothing: others may do what they like.  Not so where the field has prepared the
 * value. */
#include "core.h"

#include "calendar.h"

#include <datetime.h>
#include <math.h>
#include <string.h>

static PyObject *decimal_type;
static PyObject *uuid_type;
static PyObject *name_int;
static PyObject *name_is_finite;
static PyObject *name_utcoffset;
static PyObject *name_encode;
static PyObject *name_conform;

static bool import_type(const char *module, const char *name, PyObject **out)
{
    PyObject *found = PyImport_ImportModule(module);
    *out = found != NULL ? PyObject_GetAttrString(found, name) : NULL;
    Py_XDECREF(found);
    return *out != NULL;
}

bool py_gather_init(void)
{
    PyDateTime_IMPORT;
    name_int = PyUnicode_InternFromString("int");
    name_is_finite = PyUnicode_InternFromString("is_finite");
    name_utcoffset = PyUnicode_InternFromString("utcoffset");
    name_encode = PyUnicode_InternFromString("encode");
    name_conform = PyUnicode_InternFromString("__conform__");
    return PyDateTimeAPI != NULL && name_int != NULL && name_is_finite != NULL &&
           name_utcoffset != NULL && name_encode != NULL && name_conform != NULL &&
           import_type("decimal", "Decimal", &decimal_type) &&
           import_type("uuid", "UUID", &uuid_type);
}

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

/* An int, or a subclass of it whose int() is its number: a bool, a member of an enumeration. */
static bool is_integer(PyObject *value, const py_rule *rule)
{
    return PyLong_CheckExact(value) ||
           (PyLong_Check(value) && (rule->prepared || Py_TYPE(value)->tp_as_number->nb_int ==
                                                          PyLong_Type.tp_as_number->nb_int));
}

static int put_integer(PyObject *value, const py_rule *rule, int64_t low, int64_t high,
                       int64_t *out)
{
    int overflow;
    if (!is_integer(value, rule)) {
        return 0;
    }
    *out = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0 && *out >= low && *out <= high;
}

static int put_int2(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    int64_t wide = 0;
    int fits = put_integer(value, rule, INT16_MIN, INT16_MAX, &wide);
    int16_t cell = (int16_t)wide;
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return fits;
}

static int put_int4(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    int64_t wide = 0;
    int fits = put_integer(value, rule, INT32_MIN, INT32_MAX, &wide);
    int32_t cell = (int32_t)wide;
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return fits;
}

static int put_int8(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    int64_t cell = 0;
    int fits = put_integer(value, rule, INT64_MIN, INT64_MAX, &cell);
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return fits;
}

static int put_bool(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    column->data[row] = value == Py_True;
    return PyBool_Check(value);
}

static int put_float(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    int64_t whole;
    double cell;
    if (rule->prepared ? PyFloat_Check(value) : PyFloat_CheckExact(value)) {
        cell = PyFloat_AS_DOUBLE(value);
    } else if (PyLong_CheckExact(value) &&
               put_integer(value, rule, -EXACT_IN_DOUBLE, EXACT_IN_DOUBLE, &whole) == 1) {
        cell = (double)whole;
    } else {
        return 0;
    }
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return rule->sqlite || cell != 0 || !signbit(cell);
}

int py_put_slice(py_column *column, size_t row, PyObject *text)
{
    bm_slice cell;
    Py_ssize_t size;
    if (PyBytes_Check(text)) {
        cell.data = PyBytes_AS_STRING(text);
        size = PyBytes_GET_SIZE(text);
    } else {
        cell.data = PyUnicode_AsUTF8AndSize(text, &size);
    }
    if (cell.data == NULL) { /* a surrogate: Django says what it says */
        bool encoding = PyErr_ExceptionMatches(PyExc_UnicodeError) != 0;
        if (encoding) {
            PyErr_Clear();
        }
        Py_DECREF(text);
        return encoding ? 0 : -1;
    }
    cell.size = (size_t)size;
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    Py_XSETREF(column->owned[row], text);
    return 1;
}

/* A subclass of str that a driver takes as its text: a member of an enumeration, or text that is
 * marked as safe.  psycopg asks for encode(), sqlite3 for __conform__(). */
static bool is_plain_text(PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    return _PyType_Lookup(type, name_encode) == _PyType_Lookup(&PyUnicode_Type, name_encode) &&
           _PyType_Lookup(type, name_conform) == NULL;
}

static int put_text(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    bool text = PyUnicode_CheckExact(value) ||
                (PyUnicode_Check(value) && (rule->prepared || is_plain_text(value)));
    if (text && rule->limit >= 0 && PyUnicode_GET_LENGTH(value) > rule->limit) {
        return 0;
    }
    if (!text && !(rule->prepared && PyBytes_CheckExact(value))) {
        return 0;
    }
    return py_put_slice(column, row, Py_NewRef(value));
}

/* A buffer that may change is copied. */
static int put_bytes(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    if (PyBytes_CheckExact(value)) {
        return py_put_slice(column, row, Py_NewRef(value));
    }
    if (!PyMemoryView_Check(value) && !PyByteArray_CheckExact(value)) {
        return 0;
    }
    PyObject *bytes = PyBytes_FromObject(value);
    return bytes != NULL ? py_put_slice(column, row, bytes) : -1;
}

int py_is_decimal(PyObject *value)
{
    if ((PyObject *)Py_TYPE(value) != decimal_type) {
        return 0;
    }
    PyObject *finite = PyObject_CallMethodNoArgs(value, name_is_finite);
    int is_finite = finite != NULL ? PyObject_IsTrue(finite) : -1;
    Py_XDECREF(finite);
    return is_finite;
}

static int put_decimal(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    int is_number = PyLong_CheckExact(value) ? 1 : py_is_decimal(value);
    if (is_number != 1) {
        return is_number;
    }
    PyObject *text = PyObject_Str(value);
    return text != NULL ? py_put_slice(column, row, text) : -1;
}

/* Days since 1970-01-01: "days from civil" of the proleptic Gregorian calendar, years from 1 on. */
static int32_t days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400;
    int of_era = y - era * 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int put_date(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    if (!PyDate_CheckExact(value)) {
        return 0;
    }
    int32_t cell =
        days_of(PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value), PyDateTime_GET_DAY(value));
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return 1;
}

static int64_t usecs_of(int hour, int minute, int second, int usec)
{
    return ((hour * INT64_C(60) + minute) * 60 + second) * 1000000 + usec;
}

static int put_time(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    if (!PyTime_CheckExact(value) || PyDateTime_TIME_GET_TZINFO(value) != Py_None) {
        return 0;
    }
    int64_t cell =
        usecs_of(PyDateTime_TIME_GET_HOUR(value), PyDateTime_TIME_GET_MINUTE(value),
                 PyDateTime_TIME_GET_SECOND(value), PyDateTime_TIME_GET_MICROSECOND(value));
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return 1;
}

static int64_t wall_clock(PyObject *value)
{
    return days_of(PyDateTime_GET_YEAR(value), PyDateTime_GET_MONTH(value),
                   PyDateTime_GET_DAY(value)) *
               BM__USECS_PER_DAY +
           usecs_of(PyDateTime_DATE_GET_HOUR(value), PyDateTime_DATE_GET_MINUTE(value),
                    PyDateTime_DATE_GET_SECOND(value), PyDateTime_DATE_GET_MICROSECOND(value));
}

static int put_naive(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    if (!PyDateTime_CheckExact(value) || PyDateTime_DATE_GET_TZINFO(value) != Py_None) {
        return 0;
    }
    int64_t cell = wall_clock(value);
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return 1;
}

/* The distance from UTC, as the zone itself says it. */
static int offset_of(PyObject *value, int64_t *out)
{
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(value);
    *out = 0;
    if (zone == PyDateTime_TimeZone_UTC) {
        return 1;
    }
    PyObject *offset = zone != Py_None ? PyObject_CallMethodNoArgs(value, name_utcoffset) : NULL;
    if (offset == NULL) {
        return zone == Py_None ? 0 : -1;
    }
    bool known = PyDelta_CheckExact(offset);
    if (known) {
        *out = (PyDateTime_DELTA_GET_DAYS(offset) * INT64_C(86400) +
                PyDateTime_DELTA_GET_SECONDS(offset)) *
                   1000000 +
               PyDateTime_DELTA_GET_MICROSECONDS(offset);
    }
    Py_DECREF(offset);
    return known;
}

static int put_aware(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    int64_t offset;
    (void)rule;
    if (!PyDateTime_CheckExact(value)) {
        return 0;
    }
    int known = offset_of(value, &offset);
    if (known != 1) {
        return known;
    }
    int64_t cell = wall_clock(value) - offset;
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return cell >= BM__DATE_MIN * BM__USECS_PER_DAY &&
           cell < (BM__DATE_MAX + 1) * BM__USECS_PER_DAY;
}

/* Days whose microseconds 64 bits hold, with a day to spare. */
#define DAYS_MAX ((int32_t)(INT64_MAX / BM__USECS_PER_DAY))

/* As psycopg sends a timedelta: days and microseconds, no months. */
static int put_interval(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    if (!PyDelta_CheckExact(value)) {
        return 0;
    }
    const bm_interval cell = {PyDateTime_DELTA_GET_SECONDS(value) * INT64_C(1000000) +
                                  PyDateTime_DELTA_GET_MICROSECONDS(value),
                              PyDateTime_DELTA_GET_DAYS(value), 0};
    memcpy(column->data + row * sizeof cell, &cell, sizeof cell);
    return !rule->sqlite || (cell.days > -DAYS_MAX && cell.days < DAYS_MAX);
}

/* uuid.UUID keeps one int, which cannot be changed. */
int py_uuid_bytes(PyObject *value, uint8_t out[16])
{
    if ((PyObject *)Py_TYPE(value) != uuid_type) {
        return 0;
    }
    PyObject *number = PyObject_GetAttr(value, name_int);
    PyObject *bytes =
        number != NULL ? PyObject_CallMethod(number, "to_bytes", "is", 16, "big") : NULL;
    Py_XDECREF(number);
    if (bytes == NULL) {
        return -1;
    }
    memcpy(out, PyBytes_AS_STRING(bytes), 16);
    Py_DECREF(bytes);
    return 1;
}

static int put_uuid(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    (void)rule;
    int known = 1;
    if (row > 0 && column->owned[row - 1] == value) { /* one value for all rows of a call */
        memcpy(column->data + row * 16, column->data + (row - 1) * 16, 16);
    } else {
        known = py_uuid_bytes(value, column->data + row * 16);
    }
    if (known == 1) {
        Py_INCREF(value);
        Py_XSETREF(column->owned[row], value);
    }
    return known;
}

py_put py_put_of(bm_type type)
{
    static const py_put puts[] = {
        [BM_BOOL] = put_bool,  [BM_INT2] = put_int2,       [BM_INT4] = put_int4,
        [BM_INT8] = put_int8,  [BM_FLOAT8] = put_float,    [BM_NUMERIC] = put_decimal,
        [BM_TEXT] = put_text,  [BM_VARCHAR] = put_text,    [BM_DATE] = put_date,
        [BM_TIME] = put_time,  [BM_TIMESTAMP] = put_naive, [BM_TIMESTAMPTZ] = put_aware,
        [BM_UUID] = put_uuid,  [BM_BYTEA] = put_bytes,     [BM_JSON] = put_text,
        [BM_JSONB] = put_text, [BM_ENUM] = put_text,       [BM_INTERVAL] = put_interval,
    };
    return (size_t)type < sizeof puts / sizeof puts[0] ? puts[type] : NULL;
}
