#include "core.h"

#include "verbs.h"

#define CELLS_MAX 64

/* Fields of the table, by their numbers. */
static bm_status fields_of(py_job *self, PyObject *numbers, bm__fields *out, bm_error *err)
{
    size_t n = (size_t)PyTuple_GET_SIZE(numbers);
    out->n = 0;
    out->at = bm__arena_array(&self->op.arena, n + 1, sizeof *out->at);
    if (out->at == NULL) {
        return bm__no_memory(err);
    }
    for (; out->n < n; out->n++) {
        Py_ssize_t field = PyLong_AsSsize_t(PyTuple_GET_ITEM(numbers, (Py_ssize_t)out->n));
        if (field < 0 || (size_t)field >= self->model.n_fields) {
            PyErr_Clear();
            return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "the table has no such field");
        }
        out->at[out->n] = (size_t)field;
    }
    return BM_OK;
}

/* Names of columns, which the order holds. */
static bm_status also_of(py_job *self, PyObject *names, bm__request *request, bm_error *err)
{
    size_t n = (size_t)PyTuple_GET_SIZE(names);
    const char **also = bm__arena_array(&self->op.arena, n + 1, sizeof *also);
    if (also == NULL) {
        return bm__no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        PyObject *name = PyTuple_GET_ITEM(names, (Py_ssize_t)i);
        also[i] = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
        if (also[i] == NULL) {
            PyErr_Clear();
            return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "a column's name is not text");
        }
    }
    request->also = also;
    request->n_also = n;
    return BM_OK;
}

/* Keys come back, as Django's do: not of rows that have them, nor where a conflict
 * ignores rows.  Of rows that have keys Django misses none, but a single one. */
static bm_status order_create(py_job *self, const py_order *order, bm_error *err)
{
    bm__request *request = &self->op.request;
    bool given = self->rows->columns[self->table->key].data != NULL;
    bool ignores = order->conflict == BM__CONFLICT_NOTHING;
    bool plain = order->conflict == BM__CONFLICT_ERROR;
    self->op.as_given = true;
    request->conflict = order->conflict;
    request->returns = !ignores;
    BM_TRY(also_of(self, order->also, request, err));
    request->keys_by =
        self->catalog != NULL && order->keys_by != BM__KEYS_EACH ? BM__KEYS_ASKED : order->keys_by;
    request->keys_back = !ignores && !given;
    request->allow_skipped = ignores || (given && (self->rows->n > 1 || !plain));
    request->untold = !plain;
    if (plain) {
        return BM_OK;
    }
    BM_TRY(fields_of(self, order->unique, &request->unique, err));
    return fields_of(self, order->update, &request->update, err);
}

static bm_status order_update(py_job *self, const py_order *order, bm_error *err)
{
    self->op.request.filter = order->filter;
    self->op.request.filter_plain = order->filter_plain != 0;
    return fields_of(self, order->fields, &self->op.request.set, err);
}

/* COPY writes into identity columns that are ALWAYS, where an INSERT is refused. */
static bm_status check_identities(const py_job *self, const bm__table *table, bm_error *err)
{
    for (size_t i = 0; self->op.verb->creates && i < self->model.n_fields; i++) {
        const bm__table_column *column = bm__table_find(table, self->model.fields[i].name);
        if (self->op.call.has[i] && column != NULL && column->identity == 'a') {
            return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CHECK, "an identity column is given");
        }
    }
    return BM_OK;
}

bm_status py_prepare(py_job *self, const py_order *order, bm_error *err)
{
    const bm__table *table = self->catalog != NULL ? self->catalog->found : self->table->table;
    size_t one = 1;
    self->op.rows = bm_columns(&self->model, self->columns, self->rows->n);
    self->op.request.engine = self->table->engine;
    self->op.request.batch_size = order->batch_size;
    self->op.verb = bm__verb_named(order->verb);
    if (self->op.verb == NULL) {
        return bm__fail(err, BM_INVALID, BM_STAGE_CHECK, "unknown verb");
    }
    BM_TRY(self->op.verb->creates ? order_create(self, order, err)
                                  : order_update(self, order, err));
    BM_TRY(bm__operation_open(&self->op, err));
    BM_TRY(check_identities(self, table, err));
    BM_TRY(bm__operation_plan(&self->op, table, &one, true, err));
    BM_TRY(bm__operation_check(&self->op, err));
    BM_TRY(bm__operation_begin(&self->op, one, err));
    return bm__job_begin(&self->job, &self->op.call, BM__JOB_GUEST, err);
}

static bool text_cell(PyObject *value, bm__cell *cell)
{
    Py_ssize_t size;
    cell->kind = BM__CELL_BYTES;
    cell->data = PyUnicode_AsUTF8AndSize(value, &size);
    cell->size = (size_t)size;
    return cell->data != NULL;
}

/* A key that the server's type does not hold is not the server's. */
static bool fits(int64_t value, size_t size)
{
    return size == 0 || size >= sizeof value || (value >> (8 * size - 1) == (value < 0 ? -1 : 0));
}

bool py_is_key(PyObject *value, size_t key_size)
{
    int overflow = 0;
    if (!PyLong_Check(value)) {
        return false;
    }
    long long wide = PyLong_AsLongLongAndOverflow(value, &overflow);
    return overflow == 0 && fits(wide, key_size);
}

static bool integer_cell(PyObject *value, size_t key_size, uint8_t scratch[8], bm__cell *cell)
{
    cell->kind = BM__CELL_INTEGER;
    cell->integer = PyLong_AsLongLong(value);
    if (key_size > 0) {
        uint64_t bits = (uint64_t)cell->integer;
        for (size_t i = key_size; i-- > 0; bits >>= 8) {
            scratch[i] = (uint8_t)bits;
        }
        cell->kind = BM__CELL_BYTES;
        cell->data = scratch;
        cell->size = key_size;
    }
    if (PyErr_Occurred() == NULL && !fits(cell->integer, key_size)) {
        PyErr_SetString(PyExc_OverflowError, "the database answered with too large a key");
    }
    return PyErr_Occurred() == NULL;
}

static bool cell_of(PyObject *value, size_t key_size, uint8_t scratch[8], bm__cell *cell)
{
    *cell = (bm__cell){.kind = BM__CELL_NULL};
    if (value == Py_None) {
        return true;
    }
    if (PyLong_Check(value)) {
        return integer_cell(value, key_size, scratch, cell);
    }
    if (PyUnicode_Check(value)) {
        return text_cell(value, cell);
    }
    if (PyBytes_Check(value)) {
        *cell = (bm__cell){.kind = BM__CELL_BYTES,
                           .data = PyBytes_AS_STRING(value),
                           .size = (size_t)PyBytes_GET_SIZE(value)};
        return true;
    }
    PyErr_Format(PyExc_TypeError, "the database answered with a %s", Py_TYPE(value)->tp_name);
    return false;
}

/* Of (ordinal, inserted, key ...) the first two are no keys. */
bool py_push(const bm__step *step, PyObject *rows, size_t key_size, bm_status *status,
             bm_error *err)
{
    bm__cell cells[CELLS_MAX];
    uint8_t scratch[CELLS_MAX][8];
    Py_ssize_t keys_from = step->expect == BM__EXPECT_ORD_KEYS ? 2 : 0;
    *status = BM_OK;
    for (Py_ssize_t row = 0; *status == BM_OK && row < PyList_GET_SIZE(rows); row++) {
        PyObject *tuple = PyList_GET_ITEM(rows, row);
        if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) > CELLS_MAX) {
            PyErr_SetString(PyExc_TypeError, "the database's answer is no list of tuples");
            return false;
        }
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
            size_t size = i >= keys_from ? key_size : 0;
            if (!cell_of(PyTuple_GET_ITEM(tuple, i), size, scratch[i], &cells[i])) {
                return false;
            }
        }
        *status = step->push(step->context, cells, (size_t)PyTuple_GET_SIZE(tuple), err);
    }
    return true;
}

PyObject *py_params(const bm__step *step)
{
    PyObject *params = PyTuple_New((Py_ssize_t)step->n_params);
    for (size_t i = 0; params != NULL && i < step->n_params; i++) {
        const bm__param *param = &step->params[i];
        PyObject *bytes = Py_NewRef(Py_None);
        if (param->data != NULL) {
            Py_DECREF(bytes);
            bytes = PyBytes_FromStringAndSize(param->data, (Py_ssize_t)param->size);
        }
        if (bytes == NULL) {
            Py_CLEAR(params);
        } else {
            PyTuple_SET_ITEM(params, (Py_ssize_t)i, bytes);
        }
    }
    return params;
}

/* ------------------------------------------------------------------------------------- Catalog */

/* Catalog(table) */
static PyObject *catalog_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    py_table *table;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!", &py_table_type, &table)) {
        return NULL;
    }
    py_catalog *self = (py_catalog *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    bm_error err = BM_ERROR;
    self->table = (py_table *)Py_NewRef(table);
    if (bm__catalog_begin(&self->question, table->engine, &table->made, &self->step, &err) !=
        BM_OK) {
        Py_DECREF(self);
        return py_raise(&err, false);
    }
    return (PyObject *)self;
}

static void catalog_free(PyObject *object)
{
    py_catalog *self = (py_catalog *)object;
    bm__catalog_free(&self->question);
    bm__table_free(self->found);
    Py_XDECREF(self->table);
    Py_TYPE(object)->tp_free(object);
}

/* question() -> (sql, params) */
static PyObject *catalog_question(PyObject *object, PyObject *unused)
{
    py_catalog *self = (py_catalog *)object;
    (void)unused;
    return Py_BuildValue("sN", self->step.sql, py_params(&self->step));
}

/* answer(rows) */
static PyObject *catalog_answer(PyObject *object, PyObject *rows)
{
    py_catalog *self = (py_catalog *)object;
    bm_error err = BM_ERROR;
    bm_status status;
    if (!PyList_Check(rows) || self->found != NULL) {
        PyErr_SetString(PyExc_TypeError, "a list of rows, once");
        return NULL;
    }
    if (!py_push(&self->step, rows, 0, &status, &err)) {
        return NULL;
    }
    if (status != BM_OK || bm__catalog_end(&self->question, &self->found, &err) != BM_OK) {
        return py_raise(&err, false);
    }
    Py_RETURN_NONE;
}

/* triggers() -> may one change or drop a row before it is inserted?  Only behind answer(). */
static PyObject *catalog_triggers(PyObject *object, PyObject *unused)
{
    const bm__table *found = ((py_catalog *)object)->found;
    (void)unused;
    return PyBool_FromLong(found != NULL && found->insert_trigger);
}

/* stage_question() -> (sql, params), or None: no part of the table is on another server.  Only
 * behind answer(), once. */
static PyObject *catalog_stage_question(PyObject *object, PyObject *unused)
{
    py_catalog *self = (py_catalog *)object;
    bm_error err = BM_ERROR;
    (void)unused;
    if (self->found == NULL || !self->found->foreign || self->found->stage != NULL ||
        self->table->engine->ask_stage == NULL) {
        Py_RETURN_NONE;
    }
    bm__catalog_free(&self->question);
    if (bm__catalog_begin_stage(&self->question, self->table->engine, &self->table->made,
                                self->found, &self->step, &err) != BM_OK) {
        return py_raise(&err, false);
    }
    return Py_BuildValue("sN", self->step.sql, py_params(&self->step));
}

/* stage_answer(rows) -> has the table a stage? */
static PyObject *catalog_stage_answer(PyObject *object, PyObject *rows)
{
    py_catalog *self = (py_catalog *)object;
    bm_error err = BM_ERROR;
    bm_status status;
    if (!PyList_Check(rows) || self->found == NULL || self->question.staged != self->found) {
        PyErr_SetString(PyExc_TypeError, "a list of rows, behind stage_question()");
        return NULL;
    }
    if (!py_push(&self->step, rows, 0, &status, &err)) {
        return NULL;
    }
    if (status != BM_OK) {
        return py_raise(&err, false);
    }
    return PyBool_FromLong(self->found->stage != NULL);
}

static PyMethodDef catalog_methods[] = {
    {"question", catalog_question, METH_NOARGS, NULL},
    {"answer", catalog_answer, METH_O, NULL},
    {"stage_question", catalog_stage_question, METH_NOARGS, NULL},
    {"stage_answer", catalog_stage_answer, METH_O, NULL},
    {"triggers", catalog_triggers, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_catalog_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Catalog",
    .tp_basicsize = sizeof(py_catalog),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = catalog_new,
    .tp_dealloc = catalog_free,
    .tp_methods = catalog_methods,
};
