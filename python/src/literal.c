/*
 * Values of columns that take text which the server parses: arrays, ranges, hstore, addresses.  The
 * text is what psycopg writes, or one that the server reads as the same value.  Only exact built-in
 * types are taken, which the field's own methods leave as they are.
 */
#include "core.h"

#include <arpa/inet.h>
#include <datetime.h>
#include <string.h>

/* Text that contains no NUL, in quotes; quotes and backslashes get a backslash. */
static int put_quoted(bm__buffer *out, const char *text, size_t size)
{
    char *at = memchr(text, '\0', size) == NULL ? py_buffer_room(out, 2 * size + 2) : NULL;
    if (at == NULL) {
        return PyErr_Occurred() != NULL ? -1 : 0;
    }
    *at++ = '"';
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"' || text[i] == '\\') {
            *at++ = '\\';
        }
        *at++ = text[i];
    }
    *at++ = '"';
    out->size = (size_t)(at - (char *)out->data);
    return 1;
}

/* A surrogate has no UTF-8: Django says what it says. */
static int put_quoted_text(bm__buffer *out, PyObject *text)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data != NULL) {
        return put_quoted(out, data, (size_t)size);
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        return -1;
    }
    PyErr_Clear();
    return 0;
}

/* What str() says; it has no quotes, backslashes or NUL. */
static int put_str(bm__buffer *out, PyObject *value, bool quotes)
{
    PyObject *text = PyObject_Str(value);
    if (text == NULL) {
        return -1;
    }
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    int done = data == NULL ? -1
               : quotes     ? put_quoted(out, data, (size_t)size)
                            : py_buffer_put(out, data, (size_t)size);
    Py_DECREF(text);
    return done;
}

/* ------------------------------------------------------------------------------------- elements */

static int write_int(bm__buffer *out, PyObject *value, const py_form *form)
{
    (void)form;
    return PyLong_CheckExact(value) ? py_buffer_put_int(out, value) : 0;
}

static int write_float(bm__buffer *out, PyObject *value, const py_form *form)
{
    (void)form;
    return PyFloat_CheckExact(value) ? py_buffer_put_float(out, PyFloat_AS_DOUBLE(value)) : 0;
}

static int write_bool(bm__buffer *out, PyObject *value, const py_form *form)
{
    (void)form;
    return PyBool_Check(value) ? py_buffer_put(out, value == Py_True ? "t" : "f", 1) : 0;
}

static int write_text(bm__buffer *out, PyObject *value, const py_form *form)
{
    if (!PyUnicode_CheckExact(value) ||
        (form->limit >= 0 && PyUnicode_GET_LENGTH(value) > form->limit)) {
        return 0;
    }
    return put_quoted_text(out, value);
}

/* A range's bounds may be integers, and need not be finite: nobody checks them. */
static int write_number(bm__buffer *out, PyObject *value, const py_form *form)
{
    if (form->range != NULL && PyLong_CheckExact(value)) {
        return py_buffer_put_int(out, value);
    }
    int finite = py_is_decimal(value);
    return finite == 1 ? put_str(out, value, false) : finite;
}

static int write_date(bm__buffer *out, PyObject *value, const py_form *form)
{
    (void)form;
    return PyDate_CheckExact(value) ? put_str(out, value, false) : 0;
}

/* An array's elements need a zone, a range's bounds do not: Django gives them none. */
static int write_datetime(bm__buffer *out, PyObject *value, const py_form *form)
{
    bool zoned = PyDateTime_CheckExact(value) && PyDateTime_DATE_GET_TZINFO(value) != Py_None;
    bool taken = form->range != NULL ? PyDateTime_CheckExact(value) : zoned;
    return taken ? put_str(out, value, true) : 0;
}

static int write_uuid(bm__buffer *out, PyObject *value, const py_form *form)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];
    char text[32];
    (void)form;
    int known = py_uuid_bytes(value, bytes);
    for (size_t i = 0; known == 1 && i < 16; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return known == 1 ? py_buffer_put(out, text, sizeof text) : known;
}

/* None is JSON's null or SQL's NULL: the versions of Django differ. */
static int write_json(bm__buffer *out, PyObject *value, const py_form *form)
{
    bm__buffer text = {0};
    (void)form;
    int done = value != Py_None ? py_write_json(&text, value) : 0;
    done = done == 1 ? put_quoted(out, (const char *)text.data, text.size) : done;
    bm__buffer_free(&text);
    return done;
}

/* ------------------------------------------------------------------------------------ addresses */

/* Four numbers up to 255 without leading zeros. */
static bool is_ipv4(const char *text, size_t size)
{
    int numbers = 0;
    size_t at = 0;
    while (numbers < 4) {
        size_t first = at;
        int number = 0;
        while (at < size && at - first < 4 && text[at] >= '0' && text[at] <= '9') {
            number = number * 10 + (text[at++] - '0');
        }
        if (at == first || number > 255 || (text[first] == '0' && at - first > 1)) {
            return false;
        }
        numbers++;
        if (numbers < 4 && (at == size || text[at++] != '.')) {
            return false;
        }
    }
    return at == size;
}

/* The longest run of zero groups, the first of several, if there is more than one in it. */
static void zero_run(const uint16_t group[8], int *first, int *n)
{
    *first = 8;
    *n = 1;
    for (int i = 0; i < 8; i++) {
        int end = i;
        while (end < 8 && group[end] == 0) {
            end++;
        }
        if (end - i > *n) {
            *first = i;
            *n = end - i;
        }
    }
}

/* As RFC 5952 and Python's ipaddress write it. */
static size_t print_ipv6(const uint16_t group[8], char out[48])
{
    int first;
    int n;
    size_t size = 0;
    zero_run(group, &first, &n);
    for (int i = 0; i < 8; i++) {
        if (i == first) {
            i += n - 1;
            out[size++] = ':';
            if (i == 7) {
                out[size++] = ':';
            }
        } else {
            const char *colon = i > 0 ? ":" : "";
            size += (size_t)PyOS_snprintf(out + size, 48 - size, "%s%x", colon, group[i]);
        }
    }
    return size;
}

/* An address that its field writes as it is; others, as those that contain one of IPv4, are left to
 * the field. */
static bool is_ipv6(const char *text, size_t size)
{
    char copy[48];
    char printed[48];
    uint8_t bytes[16];
    uint16_t group[8];
    if (size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (inet_pton(AF_INET6, copy, bytes) != 1) {
        return false;
    }
    for (size_t i = 0; i < 8; i++) {
        group[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
    bool mapped = group[5] == 0xFFFF && (group[0] | group[1] | group[2] | group[3] | group[4]) == 0;
    return !mapped && print_ipv6(group, printed) == size && memcmp(printed, text, size) == 0;
}

static bool is_address(PyObject *value)
{
    if (!PyUnicode_CheckExact(value) || !PyUnicode_IS_ASCII(value)) {
        return false;
    }
    const char *text = PyUnicode_DATA(value);
    size_t size = (size_t)PyUnicode_GET_LENGTH(value);
    return is_ipv4(text, size) || is_ipv6(text, size);
}

static int write_address(bm__buffer *out, PyObject *value, const py_form *form)
{
    (void)form;
    return is_address(value) ? put_quoted_text(out, value) : 0;
}

static int put_address(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    return is_address(value) ? py_put_of(BM_TEXT)(column, row, value, rule) : 0;
}

/* ------------------------------------------------------------------------------ lists, mappings */

/* The text becomes the cell's; `done` is what writing it said. */
static int put_buffer(py_column *column, size_t row, bm__buffer *text, int done)
{
    if (done == 1) {
        PyObject *bytes =
            PyBytes_FromStringAndSize((const char *)text->data, (Py_ssize_t)text->size);
        done = bytes != NULL ? py_put_slice(column, row, bytes) : -1;
    }
    bm__buffer_free(text);
    return done;
}

static int put_json(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    bm__buffer text = {0};
    (void)rule;
    return put_buffer(column, row, &text, py_write_json(&text, value));
}

/* A list or a tuple, of so many dimensions.  str() of an element may run code that changes it. */
static int write_array(bm__buffer *out, PyObject *list, const py_form *form, int dimensions)
{
    if (!PyList_CheckExact(list) && !PyTuple_CheckExact(list)) {
        return 0;
    }
    if (dimensions < form->dimensions && PySequence_Fast_GET_SIZE(list) == 0) {
        return 0; /* an empty list in a list: the drivers differ */
    }
    int done = py_buffer_put(out, "{", 1);
    for (Py_ssize_t i = 0; done == 1 && i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));
        done = i > 0 ? py_buffer_put(out, ",", 1) : done;
        if (done == 1 && dimensions > 1) {
            done = write_array(out, item, form, dimensions - 1);
        } else if (done == 1) {
            bool is_null = item == Py_None && form->write != write_json;
            done = is_null ? py_buffer_put(out, "NULL", 4) : form->write(out, item, form);
        }
        Py_DECREF(item);
    }
    return done == 1 ? py_buffer_put(out, "}", 1) : done;
}

static int put_array(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    bm__buffer text = {0};
    int done = write_array(&text, value, rule->form, rule->form->dimensions);
    return put_buffer(column, row, &text, done);
}

static int write_bound(bm__buffer *out, PyObject *bound, const py_form *form)
{
    return bound == Py_None ? 1 : form->write(out, bound, form);
}

/* The driver chooses by one bound how it writes both. */
static bool are_of_two_types(PyObject *low, PyObject *high)
{
    return low != Py_None && high != Py_None && Py_TYPE(low) != Py_TYPE(high);
}

static int write_range(bm__buffer *out, PyObject *parts[3], const py_form *form)
{
    PyObject *bounds = parts[2];
    if (are_of_two_types(parts[0], parts[1])) {
        return 0;
    }
    if (!PyUnicode_CheckExact(bounds) || !PyUnicode_IS_ASCII(bounds)) {
        return 0;
    }
    if (PyUnicode_GET_LENGTH(bounds) != 2) {
        return PyUnicode_GET_LENGTH(bounds) == 0 ? py_buffer_put(out, "empty", 5) : 0;
    }
    const char *marks = PyUnicode_DATA(bounds);
    int done = py_buffer_put(out, parts[0] == Py_None ? "(" : marks, 1);
    done = done == 1 ? write_bound(out, parts[0], form) : done;
    done = done == 1 ? py_buffer_put(out, ",", 1) : done;
    done = done == 1 ? write_bound(out, parts[1], form) : done;
    return done == 1 ? py_buffer_put(out, parts[1] == Py_None ? ")" : marks + 1, 1) : done;
}

static int put_range(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    static const char *const names[] = {"_lower", "_upper", "_bounds"};
    PyObject *parts[3] = {NULL, NULL, NULL};
    bm__buffer text = {0};
    if ((PyObject *)Py_TYPE(value) != rule->form->range) {
        return 0;
    }
    int done = 1;
    for (size_t i = 0; done == 1 && i < 3; i++) {
        parts[i] = PyObject_GetAttrString(value, names[i]);
        done = parts[i] != NULL ? 1 : -1;
    }
    done = done == 1 ? write_range(&text, parts, rule->form) : done;
    for (size_t i = 0; i < 3; i++) {
        Py_XDECREF(parts[i]);
    }
    return put_buffer(column, row, &text, done);
}

/* Django makes text of what is not, by str(). */
static int write_hstore_value(bm__buffer *out, PyObject *value)
{
    if (value == Py_None) {
        return py_buffer_put(out, "NULL", 4);
    }
    if (PyUnicode_CheckExact(value)) {
        return put_quoted_text(out, value);
    }
    bool number = PyLong_CheckExact(value) || PyBool_Check(value) || PyFloat_CheckExact(value);
    return number ? put_str(out, value, true) : 0;
}

static int write_pair(bm__buffer *out, PyObject *key, PyObject *value)
{
    int done = out->size > 0 ? py_buffer_put(out, ",", 1) : 1;
    done = done == 1 ? put_quoted_text(out, key) : done;
    done = done == 1 ? py_buffer_put(out, "=>", 2) : done;
    return done == 1 ? write_hstore_value(out, value) : done;
}

static int put_hstore(py_column *column, size_t row, PyObject *value, const py_rule *rule)
{
    Py_ssize_t at = 0;
    PyObject *key;
    PyObject *item;
    bm__buffer text = {0};
    (void)rule;
    if (!PyDict_CheckExact(value)) {
        return 0;
    }
    int done = 1;
    while (done == 1 && PyDict_Next(value, &at, &key, &item)) {
        done = PyUnicode_CheckExact(key) ? write_pair(&text, key, item) : 0;
    }
    return put_buffer(column, row, &text, done);
}

/* ---------------------------------------------------------------------------------------- forms */

static py_write writer_of(const char *name, size_t size)
{
    static const struct {
        const char *name;
        py_write write;
    } writers[] = {{"int", write_int},     {"float", write_float}, {"bool", write_bool},
                   {"text", write_text},   {"json", write_json},   {"numeric", write_number},
                   {"date", write_date},   {"uuid", write_uuid},   {"timestamptz", write_datetime},
                   {"inet", write_address}};
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        if (strlen(writers[i].name) == size && memcmp(writers[i].name, name, size) == 0) {
            return writers[i].write;
        }
    }
    return NULL;
}

/* psycopg 3's class of ranges, by Django's name.  None: psycopg2, which has a class for each type
 * of ranges and writes no other. */
static PyObject *range_type(void)
{
    PyObject *found = NULL;
    PyObject *module = PyImport_ImportModule("django.db.backends.postgresql.psycopg_any");
    PyObject *newer = module != NULL ? PyObject_GetAttrString(module, "is_psycopg3") : NULL;
    if (newer != NULL) {
        found = newer == Py_True ? PyObject_GetAttrString(module, "Range") : Py_NewRef(Py_None);
    }
    Py_XDECREF(newer);
    Py_XDECREF(module);
    return found;
}

/* "int[][]", "text(40)[]", "range int", with the names of the table above. */
static bool read_elements(const char *name, py_form *out)
{
    size_t size = strcspn(name, "([");
    const char *end = name + size;
    out->limit = -1;
    if (*end == '(') {
        char *behind;
        out->limit = (Py_ssize_t)strtol(end + 1, &behind, 10);
        end = *behind == ')' ? behind + 1 : behind;
    }
    for (; strncmp(end, "[]", 2) == 0; end += 2) {
        out->dimensions++;
    }
    out->write = *end == '\0' ? writer_of(name, size) : NULL;
    return out->write != NULL;
}

bool py_form_named(const char *name, py_form *out)
{
    static const char range[] = "range ";
    bool known = true;
    *out = (py_form){0};
    if (strcmp(name, "json") == 0) {
        out->put = put_json;
    } else if (strcmp(name, "inet") == 0) {
        out->put = put_address;
    } else if (strcmp(name, "hstore") == 0) {
        out->put = put_hstore;
    } else if (strncmp(name, range, sizeof range - 1) == 0) {
        known = read_elements(name + sizeof range - 1, out) && out->dimensions == 0;
        out->put = put_range;
        out->range = known ? range_type() : NULL;
    } else if (*name != '\0') {
        known = read_elements(name, out) && out->dimensions > 0;
        out->put = put_array;
    }
    if (!known) {
        PyErr_Format(PyExc_ValueError, "unknown form %s", name);
    }
    return known && PyErr_Occurred() == NULL;
}

bool py_literal_init(void)
{
    PyDateTime_IMPORT;
    return PyDateTimeAPI != NULL;
}
