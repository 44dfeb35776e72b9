#include "core.h"

#include <string.h>

/* The model, with the types that the rows' values were prepared as. */
static bool set_model(py_job *self)
{
    const py_table *table = self->table;
    self->model = self->rows->columns[table->key].data != NULL ? table->given : table->made;
    size_t n = self->model.n_fields;
    bm_field *fields = bm__arena_array(&self->op.arena, n + 1, sizeof *fields);
    for (size_t i = 0; fields != NULL && i < n; i++) {
        const py_column *column = &self->rows->columns[i];
        fields[i] = self->model.fields[i];
        if (column->data != NULL) {
            fields[i].type = column->type;
            py_cell_of(column->type, &fields[i].layout, &fields[i].width);
        }
    }
    self->model.fields = fields;
    if (fields == NULL) {
        PyErr_NoMemory();
    }
    return fields != NULL;
}

/* Columns for the engine: those that were gathered.  With keys in them the database makes none. */
static bool set_columns(py_job *self)
{
    const py_table *table = self->table;
    size_t n = table->made.n_fields;
    self->columns = PyMem_Calloc(n + 1, sizeof *self->columns);
    if (self->columns == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (!set_model(self)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const bm_field *field = &self->model.fields[i];
        const py_column *column = &self->rows->columns[i];
        self->columns[i] = (bm_column){.type = field->type,
                                       .layout = field->layout,
                                       .width = field->width,
                                       .data = column->data,
                                       .stride = column->one ? 0 : (ptrdiff_t)field->width,
                                       .states = column->states,
                                       .state_stride = 1};
    }
    return true;
}

/* Job(rows, verb, fields, batch_size, filter, plain, keys_by, catalog, also[, unique, update]): of
 * a create, `also` names columns that an INSERT which returns keys returns after them; `unique` and
 * `update` say what a conflict updates; with no field to update it ignores the row.  `plain`: the
 * filter reads no other rows.  `keys_by`: a bm__keys_by. */
static PyObject *job_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    py_order order = {.conflict = BM__CONFLICT_ERROR};
    py_rows *rows;
    PyObject *catalog;
    Py_ssize_t batch_size;
    int keys_by;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!sO!nzpiOO!|O!O!", &py_rows_type, &rows, &order.verb,
                          &PyTuple_Type, &order.fields, &batch_size, &order.filter,
                          &order.filter_plain, &keys_by, &catalog, &PyTuple_Type, &order.also,
                          &PyTuple_Type, &order.unique, &PyTuple_Type, &order.update)) {
        return NULL;
    }
    if (order.update != NULL) {
        order.conflict =
            PyTuple_GET_SIZE(order.update) > 0 ? BM__CONFLICT_UPDATE : BM__CONFLICT_NOTHING;
    }
    if (batch_size < 0 || (catalog != Py_None && Py_TYPE(catalog) != &py_catalog_type)) {
        PyErr_SetString(PyExc_TypeError, "Job: batch_size or catalog is none");
        return NULL;
    }
    py_job *self = (py_job *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    bm_error err = BM_ERROR;
    order.batch_size = (size_t)batch_size;
    order.keys_by = (bm__keys_by)keys_by;
    self->order = Py_NewRef(args);
    self->rows = (py_rows *)Py_NewRef(rows);
    self->table = rows->table;
    self->catalog = catalog != Py_None ? (py_catalog *)Py_NewRef(catalog) : NULL;
    if (!set_columns(self)) {
        Py_DECREF(self);
        return NULL;
    }
    if (py_prepare(self, &order, &err) != BM_OK) {
        Py_DECREF(self);
        return py_raise(&err, false);
    }
    return (PyObject *)self;
}

static void job_free(PyObject *object)
{
    py_job *self = (py_job *)object;
    bm__job_free(&self->job);
    bm__operation_free(&self->op);
    PyMem_Free(self->columns);
    PyMem_Free(self->search);
    Py_XDECREF(self->catalog);
    Py_XDECREF(self->rows);
    Py_XDECREF(self->odd_keys);
    Py_XDECREF(self->order);
    Py_XDECREF(self->twin_of);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *job_size(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyLong_FromSize_t(((py_job *)object)->job.call->n_rows);
}

/* twin() -> a job that carries out the same plan on another connection: each chunk is claimed by
 * one of them.  Only before the first step. */
static PyObject *job_twin(PyObject *object, PyObject *unused)
{
    py_job *self = (py_job *)object;
    bm_error err = BM_ERROR;
    (void)unused;
    if (self->twin_of != NULL || self->job.phase != BM__PHASE_BEGIN) {
        PyErr_SetString(PyExc_RuntimeError, "a job that is under way, or a twin, has no twins");
        return NULL;
    }
    py_job *twin = (py_job *)Py_TYPE(object)->tp_alloc(Py_TYPE(object), 0);
    if (twin == NULL) {
        return NULL;
    }
    twin->twin_of = (py_job *)Py_NewRef(object);
    twin->table = self->table;
    self->op.call.several = true;
    if (bm__job_begin(&twin->job, &self->op.call, BM__JOB_GUEST, &err) != BM_OK) {
        Py_DECREF(twin);
        return py_raise(&err, false);
    }
    return (PyObject *)twin;
}

/* rewind(): its twins have failed, and wrote nothing; the job itself is to write all rows. */
static PyObject *job_rewind(PyObject *object, PyObject *unused)
{
    py_job *self = (py_job *)object;
    (void)unused;
    if (self->twin_of != NULL || self->job.phase != BM__PHASE_BEGIN) {
        PyErr_SetString(PyExc_RuntimeError, "a job that is under way, or a twin, cannot begin");
        return NULL;
    }
    bm_error err = BM_ERROR;
    if (bm__operation_begin(&self->op, 1, &err) != BM_OK) {
        return py_raise(&err, false);
    }
    Py_CLEAR(self->odd_keys);
    Py_RETURN_NONE;
}

/* stop(), from any thread: next() and pull() fail from now on. */
static PyObject *job_stop(PyObject *object, PyObject *unused)
{
    (void)unused;
    ((py_job *)object)->stopped = true;
    Py_RETURN_NONE;
}

static bool may_go_on(const py_job *self)
{
    if (self->stopped) {
        PyErr_SetString(py_engine_error, "stopped");
    }
    return !self->stopped;
}

/* ranges() -> [(first, n)]: of several jobs on a plan, the rows that this one wrote */
static PyObject *job_ranges(PyObject *object, PyObject *unused)
{
    const bm__job *job = &((py_job *)object)->job;
    (void)unused;
    PyObject *ranges = PyList_New((Py_ssize_t)job->n_ranges);
    for (size_t i = 0; ranges != NULL && i < job->n_ranges; i++) {
        PyObject *range =
            Py_BuildValue("nn", (Py_ssize_t)job->ranges[2 * i], (Py_ssize_t)job->ranges[2 * i + 1]);
        if (range == NULL) {
            Py_CLEAR(ranges);
        } else {
            PyList_SET_ITEM(ranges, (Py_ssize_t)i, range);
        }
    }
    return ranges;
}

static const char *kind_of(const py_job *self)
{
    const bm__step *step = &self->step;
    if (step->kind == BM__STEP_LOAD) {
        return "load";
    }
    if (self->search != NULL && step->n_rows == 0) {
        return "plain";
    }
    if (step->batch == NULL) {
        return "exec";
    }
    return self->table->engine->dialect->binds_rows ? "rows" : "batch";
}

/* next() -> (kind, sql, params, rows), or None at the end */
static PyObject *job_next(PyObject *object, PyObject *unused)
{
    py_job *self = (py_job *)object;
    bm__job_state state;
    (void)unused;
    if (!may_go_on(self)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    if (self->search == NULL) {
        state = bm__job_next(&self->job, &self->step);
    } else {
        bool goes_on = bm__locate_next(&self->search->locate, &self->step);
        state = goes_on ? BM__JOB_STEP : BM__JOB_DONE;
    }
    Py_END_ALLOW_THREADS;
    if (state == BM__JOB_DONE) {
        Py_RETURN_NONE;
    }
    if (state == BM__JOB_FAILED && self->job.unproved) {
        PyErr_SetString(py_unproved, bm__job_error(&self->job)->message);
        return NULL;
    }
    if (state == BM__JOB_FAILED) {
        return py_raise(bm__job_error(&self->job), self->job.sent);
    }
    const bm__step *step = &self->step;
    bool writes = step->kind == BM__STEP_EXEC || step->kind == BM__STEP_LOAD;
    if (!writes && self->search == NULL) {
        PyErr_SetString(py_engine_error, "a step that a guest has not");
        return NULL;
    }
    return Py_BuildValue("ssNnO", kind_of(self), step->sql, py_params(step),
                         (Py_ssize_t)step->n_rows, step->push != NULL ? Py_True : Py_False);
}

/* pull() -> a block of a COPY, or None at the end */
static PyObject *job_pull(PyObject *object, PyObject *unused)
{
    py_job *self = (py_job *)object;
    const uint8_t *block = NULL;
    size_t size = 0;
    bm_status status;
    bm_error err = BM_ERROR;
    (void)unused;
    if (!may_go_on(self)) {
        return NULL;
    }
    if (self->step.pull == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "this step has no blocks");
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS;
    status = self->step.pull(self->step.context, &block, &size, &err);
    Py_END_ALLOW_THREADS;
    if (status != BM_OK) {
        return py_raise(&err, true);
    }
    if (size == 0) {
        Py_RETURN_NONE;
    }
    return PyBytes_FromStringAndSize((const char *)block, (Py_ssize_t)size);
}

/* The bytes of a key in PostgreSQL's binary form. */
static size_t key_size(const py_job *self)
{
    const bm__plan *plan = self->job.plan;
    if (plan->engine->format == NULL || !plan->key_tracked) {
        return 0;
    }
    const bm__table_column *key =
        bm__table_find(plan->table, plan->model->fields[plan->key_field].name);
    return key->oid == 21 ? 2 : key->oid == 23 ? 4 : 8;
}

/* The row of the batch that the number-th tuple of an answer is of, or BM_NO_ROW. */
static size_t row_answered(const py_job *self, PyObject *tuple, Py_ssize_t number)
{
    const bm__job *job = &self->job;
    size_t at = job->n_keys + (size_t)number;
    if (self->step.expect == BM__EXPECT_ORD_KEYS) {
        at = PyLong_AsSize_t(PyTuple_GET_ITEM(tuple, 0));
        PyErr_Clear();
    }
    return at < job->n ? bm__batch_row(&job->batch, at) : BM_NO_ROW;
}

/* The key stays as the driver made it; the tuple has 0 in its place. */
static bool put_aside(py_job *self, PyObject *rows, Py_ssize_t number, Py_ssize_t key)
{
    py_job *owner = self->twin_of != NULL ? self->twin_of : self;
    PyObject *tuple = PyList_GET_ITEM(rows, number);
    size_t row = row_answered(self, tuple, number);
    if (owner->odd_keys == NULL) {
        owner->odd_keys = PyDict_New();
    }
    PyObject *at = owner->odd_keys != NULL ? PyLong_FromSize_t(row) : NULL;
    PyObject *list = at != NULL ? PySequence_List(tuple) : NULL;
    bool done = list != NULL &&
                PyDict_SetItem(owner->odd_keys, at, PyTuple_GET_ITEM(tuple, key)) == 0 &&
                PyList_SetItem(list, key, PyLong_FromLong(0)) == 0;
    PyObject *plain = done ? PyList_AsTuple(list) : NULL;
    Py_XDECREF(list);
    Py_XDECREF(at);
    return plain != NULL && PyList_SetItem(rows, number, plain) == 0;
}

/* Of few rows nobody asked what the key's column is: it may give what is no integer of the model,
 * and Django takes what it gives. */
static bool put_odd_keys_aside(py_job *self, PyObject *rows, size_t size)
{
    Py_ssize_t key = self->step.expect == BM__EXPECT_ORD_KEYS ? 2 : 0;
    bool keyed = key == 2 || self->step.expect == BM__EXPECT_KEYS;
    if (self->catalog != NULL || self->search != NULL || !keyed || !self->job.plan->key_tracked) {
        return true;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(rows); i++) {
        PyObject *tuple = PyList_GET_ITEM(rows, i);
        if (PyTuple_Check(tuple) && PyTuple_GET_SIZE(tuple) > key &&
            !py_is_key(PyTuple_GET_ITEM(tuple, key), size) && !put_aside(self, rows, i, key)) {
            return false;
        }
    }
    return true;
}

/* answer(count, rows): what the database said to the step */
static PyObject *job_answer(PyObject *object, PyObject *args)
{
    py_job *self = (py_job *)object;
    Py_ssize_t count;
    PyObject *rows;
    bm_error err = BM_ERROR;
    bm_status status;
    if (!PyArg_ParseTuple(args, "nO!", &count, &PyList_Type, &rows)) {
        return NULL;
    }
    if (self->step.push == NULL && PyList_GET_SIZE(rows) > 0) {
        PyErr_SetString(PyExc_TypeError, "rows for a step that has none");
        return NULL;
    }
    bm__answer answer = {.rows = count > 0 ? (uint64_t)count : 0, .sent = true, .row = BM_NO_ROW};
    size_t size = self->step.expect == BM__EXPECT_ROWS ? 0 : key_size(self);
    if (!put_odd_keys_aside(self, rows, size) || !py_push(&self->step, rows, size, &status, &err)) {
        return NULL;
    }
    if (self->search == NULL) {
        bm__job_answer(&self->job, status, &answer, &err, true);
    } else {
        bm__locate_answer(&self->search->locate, status, &err);
    }
    Py_RETURN_NONE;
}

/* At the end; where all rows are one chunk, as soon as their keys were drawn. */
static bool has_keys(const bm__job *job)
{
    bool drawn = job->plan->reserve.sql != NULL && job->phase == BM__PHASE_WRITE;
    return job->phase == BM__PHASE_DONE || (drawn && job->n == job->call->n_rows);
}

/* knows_keys() -> has each row its key by now? */
static PyObject *job_knows_keys(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    (void)unused;
    return PyBool_FromLong(has_keys(&self->job));
}

/* The key of a row as the driver made it, where it is no integer; borrowed, or NULL. */
static PyObject *odd_key(const py_job *self, size_t row)
{
    const py_job *owner = self->twin_of != NULL ? self->twin_of : self;
    PyObject *at = owner->odd_keys != NULL ? PyLong_FromSize_t(row) : NULL;
    PyObject *key = at != NULL ? PyDict_GetItemWithError(owner->odd_keys, at) : NULL;
    Py_XDECREF(at);
    return key;
}

static PyObject *integer_key(const unsigned char *at, size_t width)
{
    int16_t i2;
    int32_t i4;
    int64_t i8;
    memcpy(&i2, at, sizeof i2);
    memcpy(&i4, at, width >= sizeof i4 ? sizeof i4 : sizeof i2);
    memcpy(&i8, at, width >= sizeof i8 ? sizeof i8 : sizeof i2);
    return PyLong_FromLongLong(width == sizeof i2 ? i2 : width == sizeof i4 ? i4 : i8);
}

/* keys() -> the keys that the database made, in the order of the rows */
static PyObject *job_keys(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    const bm__plan *plan = self->job.plan;
    (void)unused;
    if (!plan->key_tracked || !has_keys(&self->job)) {
        PyErr_SetString(PyExc_RuntimeError, "no keys were made");
        return NULL;
    }
    size_t width = plan->model->fields[plan->key_field].width;
    PyObject *keys = PyList_New((Py_ssize_t)self->job.call->caller_rows);
    for (size_t row = 0; keys != NULL && row < self->job.call->caller_rows; row++) {
        PyObject *key = Py_XNewRef(odd_key(self, row));
        if (key == NULL && PyErr_Occurred() == NULL) {
            key = integer_key(self->job.call->keys + row * width, width);
        }
        if (key == NULL) {
            Py_CLEAR(keys);
        } else {
            PyList_SET_ITEM(keys, (Py_ssize_t)row, key);
        }
    }
    return keys;
}

/* explain() -> (why, rows in a chunk, [(what, statement)]): the plan */
static PyObject *job_explain(PyObject *object, PyObject *unused)
{
    const bm__plan *plan = ((const py_job *)object)->job.plan;
    bm__plan_statement statements[BM__PLAN_STATEMENTS];
    const size_t n = bm__plan_statements(plan, statements);
    (void)unused;
    PyObject *list = PyList_New((Py_ssize_t)n);
    for (size_t i = 0; list != NULL && i < n; i++) {
        PyObject *one = Py_BuildValue("ss", statements[i].what, statements[i].sql);
        if (one == NULL) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, (Py_ssize_t)i, one);
        }
    }
    return list == NULL ? NULL
                        : Py_BuildValue("snN", plan->why, (Py_ssize_t)plan->chunk_rows, list);
}

/* written() -> the rows that were inserted or matched */
static PyObject *job_written(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->job.inserted + self->job.updated + self->job.deleted);
}

/* locate(row, context) -> (row, column) that an error of this step is about, None where unknown.
 * The row given is of the step, or -1; the one that comes back is of Rows. */
static PyObject *job_locate(PyObject *object, PyObject *args)
{
    const py_job *self = (const py_job *)object;
    const bm__job *job = &self->job;
    Py_ssize_t at;
    const char *context;
    if (!PyArg_ParseTuple(args, "nz", &at, &context)) {
        return NULL;
    }
    char column[BM__CONTEXT_MAX] = "";
    size_t row = at >= 0 ? (size_t)at : BM_NO_ROW;
    if (self->step.kind == BM__STEP_LOAD && context != NULL) {
        const bm__plan *plan = self->job.plan;
        row = plan->engine->format->copy_context(context, plan->table->name, column, sizeof column);
    }
    if (row == BM_NO_ROW && self->step.n_rows == 1) {
        row = 0;
    }
    bool known = row < job->n && self->step.n_rows > 0;
    PyObject *found =
        known ? PyLong_FromSize_t(bm__call_row(job->call, &job->batch, row)) : Py_NewRef(Py_None);
    return Py_BuildValue("Nz", found, column[0] != '\0' ? column : NULL);
}

static PyMethodDef methods[] = {
    {"again", py_job_again, METH_VARARGS, NULL},
    {"knows_table", py_job_knows_table, METH_NOARGS, NULL},
    {"keys_by", py_job_keys_by, METH_NOARGS, NULL},
    {"proof", py_job_proof, METH_NOARGS, NULL},
    {"unsorted", py_job_unsorted, METH_NOARGS, NULL},
    {"size", job_size, METH_NOARGS, NULL},
    {"explain", job_explain, METH_NOARGS, NULL},
    {"twin", job_twin, METH_NOARGS, NULL},
    {"rewind", job_rewind, METH_NOARGS, NULL},
    {"stop", job_stop, METH_NOARGS, NULL},
    {"ranges", job_ranges, METH_NOARGS, NULL},
    {"next", job_next, METH_NOARGS, NULL},
    {"texts", py_job_texts, METH_NOARGS, NULL},
    {"pull", job_pull, METH_NOARGS, NULL},
    {"bind", py_job_bind, METH_VARARGS, NULL},
    {"columns", py_job_columns, METH_NOARGS, NULL},
    {"cells", py_job_cells, METH_VARARGS, NULL},
    {"values", py_job_values, METH_VARARGS, NULL},
    {"answer", job_answer, METH_VARARGS, NULL},
    {"keys", job_keys, METH_NOARGS, NULL},
    {"written", job_written, METH_NOARGS, NULL},
    {"locate", job_locate, METH_VARARGS, NULL},
    {"knows_keys", job_knows_keys, METH_NOARGS, NULL},
    {"locator", py_job_locator, METH_VARARGS, NULL},
    {"refused", py_job_refused, METH_VARARGS, NULL},
    {"found", py_job_found, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_job_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Job",
    .tp_basicsize = sizeof(py_job),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = job_new,
    .tp_dealloc = job_free,
    .tp_methods = methods,
};
