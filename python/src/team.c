/* Team: the rules of workers (src/executor/team.h), for threads of Python; the driver holds a
 * lock. */
#include "core.h"

#include "team.h"

#include <string.h>

typedef struct py_team {
    PyObject_HEAD bm__team team;
} py_team;

static const char *const events[] = {
    [BM__TEAM_ARRIVED] = "arrived",    [BM__TEAM_ABSENT] = "absent",
    [BM__TEAM_READY] = "ready",        [BM__TEAM_IDLE] = "idle",
    [BM__TEAM_FAILED] = "failed",      [BM__TEAM_COMMITTED] = "committed",
    [BM__TEAM_REFUSED] = "refused",    [BM__TEAM_LOST] = "lost",
    [BM__TEAM_SETTLED] = "settled",    [BM__TEAM_STOPPED] = "stopped",
    [BM__TEAM_ENTANGLED] = "entangled"};

static const char *const todos[] = {[BM__TEAM_WAIT] = "wait",
                                    [BM__TEAM_WORK] = "work",
                                    [BM__TEAM_COMMIT] = "commit",
                                    [BM__TEAM_ROLL_BACK] = "roll back"};

static const char *const members[] = {
    [BM__MEMBER_AWAY] = "away",           [BM__MEMBER_ABSENT] = "absent",
    [BM__MEMBER_AT_WORK] = "at work",     [BM__MEMBER_READY] = "ready",
    [BM__MEMBER_IDLE] = "idle",           [BM__MEMBER_COMMITTING] = "committing",
    [BM__MEMBER_COMMITTED] = "committed", [BM__MEMBER_ROLLED_BACK] = "rolled back",
    [BM__MEMBER_UNKNOWN] = "unknown"};

static const char *const fates[] = {[BM_FATE_NOT_STARTED] = "not started",
                                    [BM_FATE_ROLLED_BACK] = "rolled back",
                                    [BM_FATE_COMMITTED] = "committed",
                                    [BM_FATE_PARTIAL] = "partial",
                                    [BM_FATE_UNKNOWN] = "unknown"};

static bm__team *team_of(PyObject *object)
{
    return &((py_team *)object)->team;
}

/* Team(n) */
static PyObject *team_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    Py_ssize_t n;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "n", &n)) {
        return NULL;
    }
    if (n < 1 || n > BM__TEAM_MAX) {
        return PyErr_Format(PyExc_ValueError, "a team has 1 to %d workers", BM__TEAM_MAX);
    }
    PyObject *self = type->tp_alloc(type, 0);
    if (self != NULL) {
        bm__team_begin(team_of(self), (size_t)n);
    }
    return self;
}

/* A worker's number. */
static bool read_index(PyObject *object, PyObject *argument, size_t *index)
{
    *index = PyLong_AsSize_t(argument);
    if (PyErr_Occurred() == NULL && *index >= team_of(object)->n) {
        PyErr_SetString(PyExc_IndexError, "no such worker");
    }
    return PyErr_Occurred() == NULL;
}

/* tell(event, worker=0) -> does it make a difference? */
static PyObject *team_tell(PyObject *object, PyObject *args)
{
    const char *event;
    Py_ssize_t i = 0;
    if (!PyArg_ParseTuple(args, "s|n", &event, &i)) {
        return NULL;
    }
    for (size_t e = 0; e < sizeof events / sizeof events[0]; e++) {
        if (strcmp(events[e], event) == 0) {
            return PyBool_FromLong(bm__team_tell(team_of(object), (size_t)i, (bm__team_event)e));
        }
    }
    return PyErr_Format(PyExc_ValueError, "no event \"%s\"", event);
}

/* next(worker) -> "wait", "work", "commit" or "roll back" */
static PyObject *team_next(PyObject *object, PyObject *argument)
{
    size_t i;
    return read_index(object, argument, &i)
               ? PyUnicode_FromString(todos[bm__team_next(team_of(object), i)])
               : NULL;
}

/* asks(worker): is it the one that asks the server? */
static PyObject *team_asks(PyObject *object, PyObject *argument)
{
    size_t i;
    return read_index(object, argument, &i) ? PyBool_FromLong(bm__team_asks(team_of(object), i))
                                            : NULL;
}

/* member(worker) -> what it is: "away", "ready" ... */
static PyObject *team_member(PyObject *object, PyObject *argument)
{
    size_t i;
    return read_index(object, argument, &i)
               ? PyUnicode_FromString(members[team_of(object)->members[i]])
               : NULL;
}

/* member_fate(worker) -> the fate of its rows */
static PyObject *team_member_fate(PyObject *object, PyObject *argument)
{
    size_t i;
    return read_index(object, argument, &i)
               ? PyUnicode_FromString(fates[bm__team_member_fate(team_of(object), i)])
               : NULL;
}

static PyObject *team_fate(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyUnicode_FromString(fates[bm__team_fate(team_of(object))]);
}

static PyObject *team_needs(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(bm__team_needs(team_of(object)));
}

static PyObject *team_settles(PyObject *object, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(bm__team_settles(team_of(object)));
}

static PyMethodDef methods[] = {
    {"tell", team_tell, METH_VARARGS, NULL},
    {"next", team_next, METH_O, NULL},
    {"asks", team_asks, METH_O, NULL},
    {"member", team_member, METH_O, NULL},
    {"member_fate", team_member_fate, METH_O, NULL},
    {"fate", team_fate, METH_NOARGS, NULL},
    {"needs", team_needs, METH_NOARGS, NULL},
    {"settles", team_settles, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyObject *get_failed(PyObject *object, void *unused)
{
    (void)unused;
    return PyBool_FromLong(team_of(object)->failed);
}

static PyObject *get_commits(PyObject *object, void *unused)
{
    (void)unused;
    return PyBool_FromLong(team_of(object)->phase == BM__TEAM_COMMITTING);
}

static PyGetSetDef attributes[] = {
    {"failed", get_failed, NULL, NULL, NULL},
    {"commits", get_commits, NULL, NULL, NULL}, /* the first COMMIT may have been sent */
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject py_team_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bulkmodel._core.Team",
    .tp_basicsize = sizeof(py_team),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = team_new,
    .tp_methods = methods,
    .tp_getset = attributes,
};

/* team_sql(engine, number) -> the statements by which a worker joins the call, and by which one
 * that is ready asks whether calls wait for each other */
PyObject *py_team_sql(PyObject *module, PyObject *args)
{
    char join[BM__TEAM_SQL_MAX];
    char asks[BM__TEAM_SQL_MAX];
    const char *name;
    unsigned int number;
    (void)module;
    if (!PyArg_ParseTuple(args, "sI", &name, &number)) {
        return NULL;
    }
    const bm__engine *engine = py_engine_named(name);
    if (engine == NULL) {
        return NULL;
    }
    if (engine->team == NULL) {
        return PyErr_Format(PyExc_ValueError, "%s has one writer", name);
    }
    engine->team->join(join, number);
    engine->team->entangled(asks, number);
    return Py_BuildValue("ss", join, asks);
}
