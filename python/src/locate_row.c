/* A job that looks for the row for which another one failed, where the driver writes the parts. */
#include "core.h"

/* What the database said of an error: (is_value, sqlstate, constraint, column), as far as two
 * errors are compared. */
typedef struct py_said {
    int is_value;
    const char *sqlstate, *constraint, *column;
} py_said;

static void set_failure(bm_error *err, const py_said *said)
{
    *err = (bm_error)BM_ERROR;
    (void)bm__fail(err, said->is_value ? BM_CONVERT : BM_CONSTRAINT, BM_STAGE_WRITE, "refused");
    if (said->sqlstate != NULL) {
        bm__copy_text(err->sqlstate, sizeof err->sqlstate, said->sqlstate);
    }
    if (said->constraint != NULL) {
        bm__copy_text(err->constraint, sizeof err->constraint, said->constraint);
    }
    if (said->column != NULL) {
        bm__copy_text(err->column, sizeof err->column, said->column);
    }
}

/* A job over the call of `self` whose steps look for a row; a new reference. */
static py_job *new_locator(py_job *self)
{
    bm_error err = BM_ERROR;
    py_job *locator = (py_job *)Py_TYPE(self)->tp_alloc(Py_TYPE(self), 0);
    if (locator == NULL) {
        return NULL;
    }
    locator->twin_of = (py_job *)Py_NewRef((PyObject *)self);
    locator->table = self->table;
    locator->search = PyMem_Calloc(1, sizeof *locator->search);
    if (locator->search == NULL) {
        Py_DECREF(locator);
        PyErr_NoMemory();
        return NULL;
    }
    if (bm__job_begin(&locator->job, self->job.call, BM__JOB_GUEST, &err) != BM_OK) {
        Py_DECREF(locator);
        (void)py_raise(&err, false);
        return NULL;
    }
    return locator;
}

/* locator(is_value, sqlstate, constraint, column, deferred, in_place) -> a job whose steps look for
 * the row of this error, or None where it cannot be looked for.  The driver has begun a
 * transaction, and rolls it back.  in_place: what the job wrote before is there. */
PyObject *py_job_locator(PyObject *object, PyObject *args)
{
    py_job *self = (py_job *)object;
    py_said said;
    int deferred;
    int in_place;
    if (!PyArg_ParseTuple(args, "pzzzpp", &said.is_value, &said.sqlstate, &said.constraint,
                          &said.column, &deferred, &in_place)) {
        return NULL;
    }
    py_job *locator = new_locator(self);
    if (locator == NULL) {
        return NULL;
    }
    bm__suspects suspects = {
        .n = self->job.call->n_rows, .deferred = deferred != 0, .immediate = deferred != 0};
    if (in_place != 0) {
        suspects.from = self->job.from;
        suspects.n = self->job.n;
        suspects.in_place = true;
        suspects.deferred = false;
    }
    py_search *search = locator->search;
    set_failure(&search->error, &said);
    if (!bm__locate_begin(&search->locate, &locator->job, &search->error, &suspects)) {
        Py_DECREF(locator);
        Py_RETURN_NONE;
    }
    return (PyObject *)locator;
}

/* refused(is_value, sqlstate, constraint, column): the database refused the step */
PyObject *py_job_refused(PyObject *object, PyObject *args)
{
    py_job *self = (py_job *)object;
    py_said said;
    bm_error err;
    if (!PyArg_ParseTuple(args, "pzzz", &said.is_value, &said.sqlstate, &said.constraint,
                          &said.column)) {
        return NULL;
    }
    if (self->search == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "only a locator is told that a step was refused");
        return NULL;
    }
    set_failure(&err, &said);
    bm__locate_answer(&self->search->locate, err.status, &err);
    Py_RETURN_NONE;
}

/* found() -> (row, all): the row, None where it was not found; whether all rows were written */
PyObject *py_job_found(PyObject *object, PyObject *unused)
{
    const py_job *self = (const py_job *)object;
    (void)unused;
    if (self->search == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "only a locator finds a row");
        return NULL;
    }
    const bm__locate *locate = &self->search->locate;
    bool all = !locate->gave_up && locate->row == BM_NO_ROW;
    if (locate->row != BM_NO_ROW) {
        return Py_BuildValue("nO", (Py_ssize_t)locate->row, Py_False);
    }
    return Py_BuildValue("OO", Py_None, all ? Py_True : Py_False);
}
