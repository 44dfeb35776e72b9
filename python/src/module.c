#include "core.h"

static PyMethodDef functions[] = {
    {"plain", py_plain, METH_VARARGS, NULL},
    {"snapshot", py_snapshot, METH_VARARGS, NULL},
    {"changed", py_changed, METH_VARARGS, NULL},
    {"differ", py_differ, METH_VARARGS, NULL},
    {"fill", py_fill, METH_VARARGS, NULL},
    {"noted", py_noted, METH_VARARGS, NULL},
    {"note", py_note, METH_VARARGS, NULL},
    {"settle", py_settle, METH_VARARGS, NULL},
    {"json_equal", py_json_equal, METH_VARARGS, NULL},
    {"apart", py_apart, METH_VARARGS, NULL},
    {"team_sql", py_team_sql, METH_VARARGS, NULL},
    {"transaction_sql", py_transaction_sql, METH_VARARGS, NULL},
    {"may_pass", py_may_pass, METH_VARARGS, NULL},
    {"arrow_stream", py_arrow_stream, METH_VARARGS, NULL},
#if BM_HAS_SQLITE_EXTENSION
    {"take_source", py_take_source, METH_NOARGS, NULL},
    {"probe", py_probe, METH_VARARGS, NULL},
    {"source_at", py_source_at, METH_VARARGS, NULL},
    {"sqlite_facts", py_sqlite_facts, METH_VARARGS, NULL},
#endif
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "bulkmodel._core",
    .m_size = -1,
    .m_methods = functions,
};

static bool add_type(PyObject *module, const char *name, PyTypeObject *type)
{
    return PyType_Ready(type) == 0 && PyModule_AddObjectRef(module, name, (PyObject *)type) == 0;
}

static bool fill_module(PyObject *module)
{
    bool filled =
        add_type(module, "Table", &py_table_type) && add_type(module, "Rows", &py_rows_type) &&
        add_type(module, "Job", &py_job_type) && add_type(module, "Catalog", &py_catalog_type) &&
        add_type(module, "Builder", &py_builder_type) && add_type(module, "Team", &py_team_type) &&
        add_type(module, "Parts", &py_parts_type) && add_type(module, "Frame", &py_frame_type) &&
        add_type(module, "Piece", &py_piece_type) && PyType_Ready(&py_batch_type) == 0 &&
        py_error_init(module);
#if BM_HAS_SQLITE_EXTENSION
    filled = filled && add_type(module, "Source", &py_source_type);
#endif
    return filled && py_commit_init(module) && py_gather_init() && py_literal_init() &&
           py_cells_init() && py_arrow_init();
}

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && !fill_module(module)) {
        Py_CLEAR(module);
    }
    return module;
}
