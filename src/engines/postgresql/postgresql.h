/* What the engine consists of. */
#ifndef BM_ENGINES_POSTGRESQL_H
#define BM_ENGINES_POSTGRESQL_H

#include "catalog.h"

/* binary_format.c */
extern const bm__format bm__postgresql_format;

/* catalog.c */
bm_status bm__postgresql_ask(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__postgresql_ask_types(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__postgresql_ask_same(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__postgresql_verify(const bm__table *table, bm__arena *arena, const char **sql,
                                const char **quoted, bm_error *err);
/* `sql` with the model's table as its only parameter, text for to_regclass. */
bm_status bm__postgresql_ask_of_model(bm__catalog *catalog, const char *sql, bm__step *step,
                                      bm_error *err);
bm_type bm__postgresql_type_of(const bm__table_column *column);

/* stage.c */
bm_status bm__postgresql_ask_stage(bm__catalog *catalog, bm__step *step, bm_error *err);
bm_status bm__postgresql_ask_stage_sql(bm__catalog *catalog, bm__step *step, bm_error *err);

/* constraints.c */
bm_status bm__postgresql_constraints(bm__catalog *catalog, bm__step *step, bm_error *err);
void bm__postgresql_refuse(const struct bm__constraint *constraint, const char *table,
                           bm_error *err);

/* errors.c */
bool bm__postgresql_says_stale(const bm_error *err);
bool bm__postgresql_says_moved(const bm_error *err);
bool bm__postgresql_says_passing(const bm_error *err);
bool bm__postgresql_narrows(const char *routine);

/* shard_error.c */
void bm__postgresql_of_shard(bm_error *err);

/* statement.c */
extern const bm__dialect bm__postgresql_dialect;
void bm__postgresql_copy_in(bm__sql *sql, const bm__sql_shape *shape);
void bm__postgresql_copy_out(bm__sql *sql, const bm__sql_shape *shape,
                             const bm__sql_output *outputs, size_t n, bool plain);
void bm__postgresql_settle(bm__sql *sql, const bm__sql_shape *shape);
void bm__postgresql_reserve(bm__sql *sql, const char *expression, const char *type, bool array);

/* key_proof.c; the table's name as SQL writes it, for functions that take it as text, or NULL where
 * `sql` has failed. */
const char *bm__postgresql_quoted(bm__sql *sql, const bm__sql_shape *shape, bm__arena *arena);
void bm__postgresql_proof(bm__sql *sql, const bm__sql_shape *shape);
void bm__postgresql_own_key(bm__sql *sql, const bm__sql_shape *shape);

/* planner_hint.c */
void bm__postgresql_hint(bm__sql *sql, const bm__hint_limits *limits);
void bm__postgresql_unhint(bm__sql *sql, const bm__hint_limits *limits);
void bm__postgresql_join_there(bm__sql *sql, bool keep);
void bm__postgresql_join_here(bm__sql *sql);

/* sequence.c */
void bm__postgresql_sequence(bm__sql *sql, const bm__sql_shape *shape, const char *column,
                             bool move);

/* read_only.c */
extern const char bm__postgresql_read_only[];

/* xact_status.c, worker_locks.c */
extern const bm__commit_sql bm__postgresql_commits;
extern const bm__team_sql bm__postgresql_team;

/* The statements, the rows of each and what their errors say; the engine without a server takes the
 * same.  small_rows: measured on PostgreSQL 15, keys back: one statement wins below about 1,000
 * rows.  lookup_rows: a lookup costs 8.3 to 8.6 by the planner's defaults, and a statement that
 * costs 100,000 is compiled (jit_above_cost), which takes longer than it saves. */
#define BM__POSTGRESQL_STATEMENTS                                                                  \
    .has_copy = true, .has_privileges = true, .small_rows = 1000, .load_rows = 1000000,            \
    .exec_rows = 20000, .lookup_rows = 10000, .stream_rows = 65536,                                \
    .says_stale = bm__postgresql_says_stale, .says_moved = bm__postgresql_says_moved,              \
    .says_passing = bm__postgresql_says_passing, .dialect = &bm__postgresql_dialect,               \
    .copy_in = bm__postgresql_copy_in, .copy_out = bm__postgresql_copy_out,                        \
    .reserve = bm__postgresql_reserve, .own_key = bm__postgresql_own_key,                          \
    .format = &bm__postgresql_format, .type_of = bm__postgresql_type_of,                           \
    .narrows = bm__postgresql_narrows

#endif
