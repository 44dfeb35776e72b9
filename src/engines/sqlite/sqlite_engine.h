/* What the engine consists of, beside its transport. */
#ifndef BM_ENGINES_SQLITE_ENGINE_H
#define BM_ENGINES_SQLITE_ENGINE_H

#include "catalog.h"

/* catalog.c */
bm_status bm__sqlite_ask(bm__catalog *catalog, bm__step *step, bm_error *err);

/* The step's batch is the names of the model's table and schema: v.c0 and v.c1. */
void bm__sqlite_ask_of_model(bm__catalog *catalog, bm__step *step);

/* query_types.c */
bm_status bm__sqlite_ask_types(bm__catalog *catalog, bm__step *step, bm_error *err);

/* constraints.c */
bm_status bm__sqlite_constraints(bm__catalog *catalog, bm__step *step, bm_error *err);
void bm__sqlite_refuse(const struct bm__constraint *constraint, const char *table, bm_error *err);

/* statement.c */
extern const bm__dialect bm__sqlite_dialect;
extern const bm__dialect bm__sqlite_rows_dialect;
void bm__sqlite_highest(bm__sql *sql, const bm__sql_shape *shape, const char *column,
                        bool sequence);

void bm__sqlite_settle(bm__sql *sql, const bm__sql_shape *shape);
void bm__sqlite_rows_settle(bm__sql *sql, const bm__sql_shape *shape);

/* truncate.c */
void bm__sqlite_truncate_reaches(bm__sql *sql, const bm__sql_shape *shape);
bool bm__sqlite_is_delete_trigger(const char *text);

/* column_type.c */
bm_type bm__sqlite_type_of(const bm__table_column *column);

#endif
