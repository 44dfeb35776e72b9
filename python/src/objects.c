/* Django's instances: what they are, what they hold, what becomes of them. */
#include "core.h"

#include <string.h>

static PyObject *names[5];
enum { STATE, FIELDS_CACHE, ADDING, DB, NOTES };

static bool intern_names(void)
{
    static const char *const texts[] = {"_state", "fields_cache", "adding", "db", "bm_notes"};
    for (size_t i = 0; i < 5; i++) {
        if (names[i] == NULL) {
            names[i] = PyUnicode_InternFromString(texts[i]);
        }
        if (names[i] == NULL) {
            return false;
        }
    }
    return true;
}

/* What the state of an object says: 2 where an object that it is related to was set, and might have
 * to be looked at; 4 where it is not saved; 8 where it is of a database.  -1: a Python exception is
 * set. */
static int state_of(PyObject *object, bool related)
{
    PyObject *state = PyObject_GetAttr(object, names[STATE]);
    PyObject *adding = state != NULL ? PyObject_GetAttr(state, names[ADDING]) : NULL;
    PyObject *db = adding != NULL ? PyObject_GetAttr(state, names[DB]) : NULL;
    int mark = (adding == Py_False ? 0 : 4) + (db == Py_None ? 0 : 8);
    Py_XDECREF(db);
    Py_XDECREF(adding);
    PyObject *inside = related && db != NULL ? py_attributes(state) : NULL;
    if (inside != NULL) {
        PyObject *cache = PyDict_GetItemWithError(inside, names[FIELDS_CACHE]);
        bool plain = cache == NULL || (PyDict_Check(cache) && PyDict_GET_SIZE(cache) == 0);
        mark += plain ? 0 : 2;
        Py_DECREF(inside);
    }
    Py_XDECREF(state);
    return PyErr_Occurred() != NULL ? -1 : mark;
}

/* Is it of exactly one of these classes? */
static bool is_of(PyObject *object, PyObject *classes)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes); i++) {
        if ((PyObject *)Py_TYPE(object) == PyTuple_GET_ITEM(classes, i)) {
            return true;
        }
    }
    return false;
}

/*
 * plain(objects, classes, key, related) -> bytes, one for each object: 0 it has a key, 1 it has
 * none (its attribute is None), plus 2 where related objects are set on it (looked for where
 * `related`), plus 4 where it is not saved, plus 8 where its state names a database; or None where
 * an object is of none of these classes.
 */
PyObject *py_plain(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *classes;
    PyObject *key;
    int related;
    (void)module;
    if (!intern_names() || !PyArg_ParseTuple(args, "O!O!Up", &PyList_Type, &objects, &PyTuple_Type,
                                             &classes, &key, &related)) {
        return NULL;
    }
    Py_ssize_t n = PyList_GET_SIZE(objects);
    PyObject *out = PyBytes_FromStringAndSize(NULL, n);
    for (Py_ssize_t i = 0; out != NULL && i < n && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = PyList_GET_ITEM(objects, i);
        if (!is_of(object, classes)) {
            Py_DECREF(out);
            Py_RETURN_NONE;
        }
        Py_INCREF(object);
        PyObject *value = PyObject_GetAttr(object, key);
        int mark = value != NULL ? state_of(object, related != 0) : -1;
        PyBytes_AS_STRING(out)[i] = (char)((value == Py_None) + mark);
        Py_XDECREF(value);
        Py_DECREF(object);
        if (mark < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

/* The value of an attribute, or `missing` where it is deferred; a new reference. */
static PyObject *value_of(PyObject *object, PyObject *name, PyObject *missing)
{
    PyObject *attributes = py_attributes(object);
    PyObject *value = attributes != NULL ? PyDict_GetItemWithError(attributes, name) : NULL;
    if (value == NULL && PyErr_Occurred() == NULL) {
        value = missing;
    }
    Py_XINCREF(value);
    Py_XDECREF(attributes);
    return value;
}

/* snapshot(objects, name, missing, loaded) -> [the value of this attribute, ...].  Where all
 * objects are known to have loaded it, no dictionaries are made to look for it. */
PyObject *py_snapshot(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *name;
    PyObject *missing;
    int loaded;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!UOp", &PyList_Type, &objects, &name, &missing, &loaded)) {
        return NULL;
    }
    PyObject *values = PyList_New(PyList_GET_SIZE(objects));
    for (Py_ssize_t i = 0; values != NULL && i < PyList_GET_SIZE(values); i++) {
        PyObject *object = i < PyList_GET_SIZE(objects) ? PyList_GET_ITEM(objects, i) : Py_None;
        Py_INCREF(object);
        PyObject *value = loaded ? PyObject_GetAttr(object, name) : value_of(object, name, missing);
        Py_DECREF(object);
        if (value == NULL) {
            Py_CLEAR(values);
        } else {
            PyList_SET_ITEM(values, i, value);
        }
    }
    return values;
}

/* Is it another value?  The same object is not; 1, True and 1.0 are three values, and so are 1.0
 * and 1.00 of a Decimal, 0.0 and -0.0. */
static int differs(PyObject *a, PyObject *b)
{
    if (a == b) {
        return 0;
    }
    if (Py_TYPE(a) != Py_TYPE(b)) {
        return 1;
    }
    int equal = PyObject_RichCompareBool(a, b, Py_EQ);
    if (equal != 1 || PyLong_Check(a) || PyUnicode_Check(a)) {
        return equal < 0 ? -1 : !equal;
    }
    PyObject *x = PyObject_Repr(a);
    PyObject *y = PyObject_Repr(b);
    equal = x != NULL && y != NULL ? PyObject_RichCompareBool(x, y, Py_EQ) : -1;
    Py_XDECREF(x);
    Py_XDECREF(y);
    return equal < 0 ? -1 : !equal;
}

/* changed(objects, name, then, missing) -> bytes, 1 where the attribute is not what it was then.  A
 * value that is deferred now did not change. */
PyObject *py_changed(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *name;
    PyObject *then;
    PyObject *missing;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!UO!O", &PyList_Type, &objects, &name, &PyList_Type, &then,
                          &missing)) {
        return NULL;
    }
    Py_ssize_t n = PyList_GET_SIZE(objects);
    PyObject *out = PyBytes_FromStringAndSize(NULL, n);
    for (Py_ssize_t i = 0; out != NULL && i < n; i++) {
        if (PyList_GET_SIZE(then) != n || PyList_GET_SIZE(objects) != n) {
            PyErr_SetString(PyExc_ValueError, "rows and snapshot are not of one length");
            Py_CLEAR(out);
            break;
        }
        PyObject *before = Py_NewRef(PyList_GET_ITEM(then, i));
        PyObject *now = value_of(PyList_GET_ITEM(objects, i), name, missing);
        int other = now == NULL ? -1 : now == missing ? 0 : differs(now, before);
        PyBytes_AS_STRING(out)[i] = (char)(other == 1);
        Py_XDECREF(now);
        Py_DECREF(before);
        if (other < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

/* differ(values, then) -> bytes, 1 where a value is not what it was then. */
PyObject *py_differ(PyObject *module, PyObject *args)
{
    PyObject *values;
    PyObject *then;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!", &PyList_Type, &values, &PyList_Type, &then)) {
        return NULL;
    }
    Py_ssize_t n = PyList_GET_SIZE(values);
    PyObject *out = PyBytes_FromStringAndSize(NULL, n);
    for (Py_ssize_t i = 0; out != NULL && i < n; i++) {
        if (PyList_GET_SIZE(then) != n || PyList_GET_SIZE(values) != n) {
            PyErr_SetString(PyExc_ValueError, "the lists are not of one length");
            Py_CLEAR(out);
            break;
        }
        PyObject *now = Py_NewRef(PyList_GET_ITEM(values, i));
        PyObject *before = Py_NewRef(PyList_GET_ITEM(then, i));
        int other = differs(now, before);
        PyBytes_AS_STRING(out)[i] = (char)(other == 1);
        Py_DECREF(now);
        Py_DECREF(before);
        if (other < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

/* fill(objects, name, value): one value on all of them. */
PyObject *py_fill(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *name;
    PyObject *value;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!UO", &PyList_Type, &objects, &name, &value)) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(objects); i++) {
        if (PyObject_SetAttr(PyList_GET_ITEM(objects, i), name, value) < 0) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static bool settle(PyObject *object, PyObject *key, PyObject *value, PyObject *adding, PyObject *db)
{
    if (key != Py_None && PyObject_SetAttr(object, key, value) < 0) {
        return false;
    }
    PyObject *state = PyObject_GetAttr(object, names[STATE]);
    bool done = state != NULL && PyObject_SetAttr(state, names[ADDING], adding) == 0 &&
                PyObject_SetAttr(state, names[DB], db) == 0;
    Py_XDECREF(state);
    return done;
}

/* settle(objects, key, keys, adding, db): key, where it is a name, is set to the values of `keys`
 * (a list; or None, then to None); the objects' state says what else is known. */
PyObject *py_settle(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *key;
    PyObject *keys;
    PyObject *adding;
    PyObject *db;
    (void)module;
    if (!intern_names() ||
        !PyArg_ParseTuple(args, "O!OOOO", &PyList_Type, &objects, &key, &keys, &adding, &db)) {
        return NULL;
    }
    bool many = PyList_Check(keys);
    if (many && PyList_GET_SIZE(keys) != PyList_GET_SIZE(objects)) {
        PyErr_SetString(PyExc_ValueError, "there are not as many keys as objects");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(objects); i++) {
        PyObject *value = many ? PyList_GET_ITEM(keys, i) : Py_None;
        if (!settle(PyList_GET_ITEM(objects, i), key, value, adding, db)) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

/* The notes of an object's state (row_state.py), a new reference: None where it has none,
 * NotImplemented where the state is of another class than this. */
static PyObject *notes_of(PyObject *object, PyObject *class, PyObject **state)
{
    *state = PyObject_GetAttr(object, names[STATE]);
    if (*state == NULL) {
        return NULL;
    }
    if ((PyObject *)Py_TYPE(*state) != class) {
        return Py_NewRef(Py_NotImplemented);
    }
    return PyObject_GetAttr(*state, names[NOTES]);
}

/* What ask(notes) answers, asked once of neighbours that have the same notes.  -1: a Python
 * exception is set. */
static int answer(PyObject *ask, PyObject *notes, PyObject **last, int known)
{
    if (notes == *last) {
        return known;
    }
    PyObject *said = PyObject_CallOneArg(ask, notes);
    int yes = said != NULL ? PyObject_IsTrue(said) : -1;
    Py_XDECREF(said);
    Py_XSETREF(*last, Py_NewRef(notes));
    return yes;
}

/* noted(objects, class, tells) -> [(row, notes), ...] of the objects whose state is of this class
 * and has notes of which tells(notes) is true. */
PyObject *py_noted(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *class;
    PyObject *tells;
    (void)module;
    if (!intern_names() ||
        !PyArg_ParseTuple(args, "O!OO", &PyList_Type, &objects, &class, &tells)) {
        return NULL;
    }
    PyObject *found = PyList_New(0);
    PyObject *last = NULL;
    int yes = 0;
    for (Py_ssize_t i = 0; found != NULL && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = Py_NewRef(PyList_GET_ITEM(objects, i));
        PyObject *state;
        PyObject *notes = notes_of(object, class, &state);
        bool has = notes != NULL && notes != Py_None && notes != Py_NotImplemented;
        if (notes == NULL) {
            yes = -1;
        } else if (has) {
            yes = answer(tells, notes, &last, yes);
        }
        if (has && yes == 1) {
            PyObject *pair = Py_BuildValue("nO", i, notes);
            yes = pair == NULL || PyList_Append(found, pair) < 0 ? -1 : yes;
            Py_XDECREF(pair);
        }
        Py_XDECREF(notes);
        Py_XDECREF(state);
        Py_DECREF(object);
        if (yes < 0) {
            Py_CLEAR(found);
        }
    }
    Py_XDECREF(last);
    return found;
}

/* Notes are a record, or (former notes, record, how many); beyond MOST of them the record that says
 * nothing is all there is. */
enum { MOST = 8 };

static PyObject *added(PyObject *former, PyObject *record, PyObject *nothing)
{
    Py_ssize_t n = 1;
    if (PyTuple_Check(former) && PyTuple_GET_SIZE(former) == 3) {
        n = PyLong_AsSsize_t(PyTuple_GET_ITEM(former, 2));
    }
    return n < MOST ? Py_BuildValue("OOn", former, record, n + 1) : Py_NewRef(nothing);
}

/* note(objects, class, record, nothing, replaces): a further note on each object whose state is of
 * this class; where replaces(former notes) is true the former are forgotten. */
PyObject *py_note(PyObject *module, PyObject *args)
{
    PyObject *objects;
    PyObject *class;
    PyObject *record;
    PyObject *nothing;
    PyObject *replaces;
    (void)module;
    if (!intern_names() || !PyArg_ParseTuple(args, "O!OOOO", &PyList_Type, &objects, &class,
                                             &record, &nothing, &replaces)) {
        return NULL;
    }
    PyObject *last = NULL;
    int yes = 0;
    for (Py_ssize_t i = 0; yes >= 0 && i < PyList_GET_SIZE(objects); i++) {
        PyObject *object = Py_NewRef(PyList_GET_ITEM(objects, i));
        PyObject *state;
        PyObject *former = notes_of(object, class, &state);
        PyObject *notes = NULL;
        if (former == NULL) {
            yes = -1;
        } else if (former == Py_None) {
            notes = Py_NewRef(record);
        } else if (former != Py_NotImplemented) {
            yes = answer(replaces, former, &last, yes);
            notes = yes < 0 ? NULL : yes == 1 ? Py_NewRef(record) : added(former, record, nothing);
            yes = notes == NULL ? -1 : yes;
        }
        if (notes != NULL && PyObject_GenericSetAttr(state, names[NOTES], notes) < 0) {
            yes = -1;
        }
        Py_XDECREF(notes);
        Py_XDECREF(former);
        Py_XDECREF(state);
        Py_DECREF(object);
    }
    Py_XDECREF(last);
    if (yes < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
