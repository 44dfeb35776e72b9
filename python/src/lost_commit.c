/* CommitQuestion: what became of a transaction whose COMMIT was not answered, where the driver asks
 * on a connection of its own. */
#include "core.h"

#include "lost_commit.h"
#include "settings.h"

#include <string.h>

typedef struct py_question {
    PyObject_HEAD bm__commit_question question;
    bm__step step;
} py_question;

static const bm__commit_sql *commits_of(const char *name)
{
    const bm__engine *engine = py_engine_named(name);
    if (engine != NULL && engine->commits == NULL) {
        PyErr_Format(PyExc_ValueError, "%s does not say what became of a transaction", name);
    }
    return engine != NULL ? engine->commits : NULL;
}

/* transaction_sql(engine) -> the statement whose row identifies the open transaction */
PyObject *py_transaction_sql(PyObject *module, PyObject *args)
{
    const char *name;
    (void)module;
    if (!PyArg_ParseTuple(args, "s", &name)) {
        return NULL;
    }
    const bm__commit_sql *commits = commits_of(name);
    return commits != NULL ? PyUnicode_FromString(commits->told) : NULL;
}

/* may_pass(engine, sqlstate, code) -> may a call that failed so succeed when it is made again? */
PyObject *py_may_pass(PyObject *module, PyObject *args)
{
    const char *name;
    const char *sqlstate;
    bm_error err = BM_ERROR;
    (void)module;
    if (!PyArg_ParseTuple(args, "ssi", &name, &sqlstate, &err.native_code)) {
        return NULL;
    }
    const bm__engine *engine = py_engine_named(name);
    if (engine == NULL) {
        return NULL;
    }
    bm__copy_text(err.sqlstate, sizeof err.sqlstate, sqlstate);
    return PyBool_FromLong(engine->says_passing != NULL && engine->says_passing(&err));
}

/* CommitQuestion(engine, id, backend, seconds); the id and the backend as the row of
 * transaction_sql has them */
static PyObject *question_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *name;
    const char *id;
    const char *backend;
    double seconds;
    bm_error err = BM_ERROR;
    bm__xact xact = {0};
    (void)keywords;
    if (!PyArg_ParseTuple(args, "szzd", &name, &id, &backend, &seconds)) {
        return NULL;
    }
    const bm__commit_sql *commits = commits_of(name);
    if (commits == NULL) {
        return NULL;
    }
    const char *const texts[] = {id, backend};
    bm__cell cells[2] = {{.kind = BM__CELL_NULL}, {.kind = BM__CELL_NULL}};
    for (size_t i = 0; i < 2; i++) {
        if (texts[i] != NULL) {
            cells[i] =
                (bm__cell){.kind = BM__CELL_BYTES, .data = texts[i], .size = strlen(texts[i])};
        }
    }
    if (bm__xact_push(&xact, cells, 2, &err) != BM_OK) {
        return py_raise(&err, true);
    }
    py_question *self = (py_question *)type->tp_alloc(type, 0);
    if (self != NULL) {
        int64_t now_ns = bm__now_ns();
        bm__commit_begin(&self->question, commits, &xact, now_ns,
                         now_ns + (int64_t)(seconds * 1e9));
    }
    return (PyObject *)self;
}

/* next() -> (sql, seconds): the statement, and how long to wait before it; None: it is over */
static PyObject *question_next(PyObject *object, PyObject *unused)
{
    py_question *self = (py_question *)object;
    int64_t wait_ms = 0;
    (void)unused;
    if (!bm__commit_next(&self->question, bm__now_ns(), &self->step, &wait_ms)) {
        Py_RETURN_NONE;
    }
    return Py_BuildValue("sd", self->step.sql, (double)wait_ms / 1e3);
}

/* answer(text): the only cell of its only row, None for NULL */
static PyObject *question_answer(PyObject *object, PyObject *args)
{
    py_question *self = (py_question *)object;
    const char *text;
    bm_error err = BM_ERROR;
    if (!PyArg_ParseTuple(args, "z", &text)) {
        return NULL;
    }
    bm__cell cell = {.kind = BM__CELL_NULL};
    if (text != NULL) {
        cell = (bm__cell){.kind = BM__CELL_BYTES, .data = text, .size = strlen(text)};
    }
    bm_status status = self->step.push(self->step.context, &cell, 1, &err);
    bm__commit_answer(&self->question, status);
    Py_RETURN_NONE;
}

/* failed(reached): the server refused the statement, or it was not reached */
static PyObject *question_failed(PyObject *object, PyObject *args)
{
    py_question *self = (py_question *)object;
    int reached;
    if (!PyArg_ParseTuple(args, "p", &reached)) {
        return NULL;
    }
    bm__commit_answer(&self->question, reached != 0 ? BM_DATABASE : BM_CONNECTION);
    Py_RETURN_NONE;
}

/* fate() -> "committed", "rolled back" or "unknown" */
static PyObject *question_fate(PyObject *object, PyObject *unused)
{
    const py_question *self = (const py_question *)object;
    (void)unused;
    switch (self->question.fate) {
    case BM__COMMIT_DONE:
        return PyUnicode_FromString("committed");
    case BM__COMMIT_UNDONE:
        return PyUnicode_FromString("rolled back");
    default:
        return PyUnicode_FromString("unknown");
    }
}

static PyMethodDef methods[] = {
    {"next", question_next, METH_NOARGS, NULL},
    {"answer", question_answer, METH_VARARGS, NULL},
    {"failed", question_failed, METH_VARARGS, NULL},
    {"fate", question_fate, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyTypeObject py_question_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.CommitQuestion",
    .tp_basicsize = sizeof(py_question),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = question_new,
    .tp_methods = methods,
};

bool py_commit_init(PyObject *module)
{
    return PyType_Ready(&py_question_type) == 0 &&
           PyModule_AddObjectRef(module, "CommitQuestion", (PyObject *)&py_question_type) == 0 &&
           PyModule_AddIntConstant(module, "RETRY_FIRST_MS", BM__RETRY_FIRST_MS) == 0 &&
           PyModule_AddIntConstant(module, "RETRY_LONGEST_MS", BM__RETRY_LONGEST_MS) == 0 &&
           PyModule_AddIntConstant(module, "RETRY_ALL_MS", BM__RETRY_ALL_MS) == 0;
}
