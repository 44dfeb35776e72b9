#include "load.h"

#include "batches.h"
#include "create_table.h"
#include "database.h"
#include "load_init.h"
#include "messages.h"
#include "partial_commit.h"
#include "rejects.h"
#include "sync.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define WORKERS_MAX 32

typedef struct loading loading;

/* Runs a verb on some rows, or explains it. */
typedef bm_status (*perform)(const loading *l, bm_db *db, bm_rows rows, void *keys_into,
                             bm_result *result, bm_error *err);

/* One command. */
struct loading {
    const cli_options *options;
    const bm_model *table;
    cli_source *source;
    const cli_column_map *map;
    cli_progress *progress;
    bm_cancel *token;
    const bm_call *call;
    bm_db *tx; /* --create-table: the transaction in which the table was made; or NULL */
    size_t batch_size;
    perform perform;
};

static bm_status explained(bm_db *db, const char *verb, bm_rows rows, const void *options,
                           bm_error *err)
{
    char *text;
    bm_status status = bm_explain(db, verb, rows, options, &text, err);
    if (status == BM_OK) {
        fputs(text, stdout);
    }
    bm_free(text);
    return status;
}

static bool explains(const loading *l)
{
    return l->options->verb->bit == CLI_EXPLAIN;
}

static bm_switch concurrent(const loading *l)
{
    return l->options->workers > 1 ? BM_ON : BM_OFF;
}

static bool conflict_is(const loading *l, const char *rule)
{
    return l->options->on_conflict != NULL && strcmp(l->options->on_conflict, rule) == 0;
}

static bm_status need_key(const loading *l, bm_error *err)
{
    return l->map->keys[0] != NULL
               ? BM_OK
               : cli_fail(err, BM_INVALID,
                          "the file has no key column: use --key to name the columns that "
                          "identify a row");
}

static bm_status create(const loading *l, bm_db *db, bm_rows rows, void *keys_into,
                        bm_result *result, bm_error *err)
{
    bool ignore = conflict_is(l, "ignore");
    bool update = conflict_is(l, "update");
    bool keyed = update || (ignore && l->options->key.n > 0);
    if (update) {
        CLI_TRY(need_key(l, err));
    }
    const bm_bulk_create_options *options = BM_OPTIONS(
        bm_bulk_create_options, .call = l->call, .batch_size = l->batch_size,
        .ignore_conflicts = ignore ? BM_ON : BM_OFF, .update_conflicts = update ? BM_ON : BM_OFF,
        .concurrent = concurrent(l), .max_concurrent_workers = (int)l->options->workers,
        .unique_fields = keyed ? l->map->keys : NULL,
        .update_fields = update ? l->map->writes : NULL,
        .return_outcomes = ignore && l->options->returning != NULL ? BM_ON : BM_OFF,
        .keys_into = keys_into);
    return explains(l) ? explained(db, "bulk_create", rows, options, err)
                       : bm_bulk_create(db, rows, options, result, err);
}

static bm_status upsert(const loading *l, bm_db *db, bm_rows rows, void *keys_into,
                        bm_result *result, bm_error *err)
{
    CLI_TRY(need_key(l, err));
    const bm_upsert_options *options =
        BM_OPTIONS(bm_upsert_options, .call = l->call, .batch_size = l->batch_size,
                   .concurrent = concurrent(l), .max_concurrent_workers = (int)l->options->workers,
                   .unique_fields = l->map->keys, .update_fields = l->map->writes,
                   .update_unchanged = l->options->update_unchanged ? BM_ON : BM_OFF,
                   .where = l->options->where,
                   .return_outcomes =
                       l->options->where != NULL && l->options->returning != NULL ? BM_ON : BM_OFF,
                   .keys_into = keys_into);
    return explains(l) ? explained(db, "upsert", rows, options, err)
                       : bm_upsert(db, rows, options, result, err);
}

static bm_status sync_rows(const loading *l, bm_db *db, bm_rows rows, void *keys_into,
                           bm_result *result, bm_error *err)
{
    (void)keys_into;
    bm_sync_options options = {.size = sizeof options,
                               .call = l->call,
                               .batch_size = l->batch_size,
                               .unique_fields = l->map->keys,
                               .update_fields = l->map->writes,
                               .update_unchanged = l->options->update_unchanged ? BM_ON : BM_OFF,
                               .where = l->options->where,
                               .allow_empty = l->options->allow_empty ? BM_ON : BM_OFF};
    CLI_TRY(need_key(l, err));
    CLI_TRY(cli_sync_limits(l->options, &options, err));
    if (explains(l)) {
        return explained(db, "sync", rows, &options, err);
    }
    bm_status status = bm_sync(db, rows, &options, result, err);
    cli_sync_words(err);
    return status;
}

static bm_status update_fields(const loading *l, bm_db *db, bm_rows rows, void *keys_into,
                               bm_result *result, bm_error *err)
{
    (void)keys_into;
    if (l->map->writes[0] == NULL) {
        return cli_fail(err, BM_INVALID,
                        "nothing to update: every column of the file is part of the key");
    }
    const bm_update_fields_options *options =
        BM_OPTIONS(bm_update_fields_options, .call = l->call, .batch_size = l->batch_size,
                   .concurrent = concurrent(l), .max_concurrent_workers = (int)l->options->workers,
                   .fields = l->map->writes);
    return explains(l) ? explained(db, "update_fields", rows, options, err)
                       : bm_update_fields(db, rows, options, result, err);
}

static bm_status erase(const loading *l, bm_db *db, bm_rows rows, void *keys_into,
                       bm_result *result, bm_error *err)
{
    (void)keys_into;
    const bm_delete_options *options =
        BM_OPTIONS(bm_delete_options, .call = l->call, .batch_size = l->batch_size,
                   .concurrent = concurrent(l), .max_concurrent_workers = (int)l->options->workers);
    return explains(l) ? explained(db, "delete", rows, options, err)
                       : bm_delete(db, rows, options, result, err);
}

static perform performer(const cli_options *options)
{
    static const struct {
        const char *verb;
        perform perform;
    } table[] = {{"create", create},
                 {"update-fields", update_fields},
                 {"upsert", upsert},
                 {"sync", sync_rows},
                 {"delete", erase}};
    const char *verb = options->plan_of != NULL ? options->plan_of : options->verb->name;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].verb, verb) == 0) {
            return table[i].perform;
        }
    }
    return create;
}

/* 0, the engine's choice, unless rows are so wide that it would need much memory. */
static size_t batch_size(const cli_options *options, const cli_source *source)
{
    size_t rows = cli_source_chunk(source);
    if (options->batch_size > 0) {
        return options->batch_size;
    }
    return rows < 20000 ? rows : 0;
}

static bm_status maintain(const loading *l, bm_db *db, bm_maintenance what, uint64_t *n,
                          bm_error *err)
{
    const bm_call *call = BM_OPTIONS(bm_call, .cancel = l->token);
    return bm_maintain(db, l->table, BM_OPTIONS(bm_maintain_options, .call = call, .what = what), n,
                       err);
}

static bool is_sqlite(const cli_options *options)
{
    return strncmp(options->database, "sqlite:", 7) == 0;
}

/* ---- in a transaction of the command */

static bm_status write_chunk(void *user, bm_db *tx, bm_rows rows, void *keys_into,
                             bm_result *result, bm_error *err)
{
    const loading *l = user;
    return l->perform(l, tx, rows, keys_into, result, err);
}

static bm_status check_constraints(const loading *l, bm_db *tx, bm_error *err)
{
    return maintain(l, tx, BM_CHECK_CONSTRAINTS, NULL, err);
}

static cli_batches batches_of(loading *l)
{
    return (cli_batches){.options = l->options,
                         .source = l->source,
                         .progress = l->progress,
                         .rows = cli_source_chunk(l->source),
                         .write = write_chunk,
                         .user = l};
}

/* Finding the rows that would not change is slow, so only --dry-run does it. */
static bool compares(const loading *l)
{
    bool updates = l->perform == update_fields || conflict_is(l, "update");
    return l->options->dry_run && updates && l->options->rejects == NULL;
}

static bool by_chunks(const loading *l)
{
    return l->options->returning != NULL || compares(l);
}

/* bm_call.on_reject; its user is that of all hooks. */
static bm_status reject(void *user, const bm_error *why, bm_error *err)
{
    const cli_progress *progress = user;
    return cli_source_reject(progress->source, why, err);
}

static bm_status open_rejects(const loading *l, bm_error *err)
{
    cli_rejects *rejects = l->options->set_aside;
    const cli_set_aside to = {.user = rejects, .rows = cli_rejects_chunk, .end = cli_rejects_end};
    if (rejects == NULL) {
        return BM_OK;
    }
    cli_source_set_aside(l->source, &to);
    return cli_rejects_open(rejects, cli_source_header(l->source), err);
}

/* The library counts only the rows that it has rejected itself. */
static bm_status count_rejects(const loading *l, bm_status status, bm_result *result, bm_error *err)
{
    cli_rejects *rejects = l->options->set_aside;
    if (rejects == NULL) {
        return status;
    }
    const int64_t most = cli_rejects_most(rejects);
    bool many = status == BM_LIMIT && most > 0 && result->rejected >= (uint64_t)most;
    if (many) {
        status = cli_rejects_refuse(rejects, err);
    }
    result->rejected = cli_rejects_count(rejects);
    return status;
}

/* The files as one stream, which the library writes with --workers. */
static bm_status write_stream(loading *l, bm_db *db, bm_result *result, bm_error *err)
{
    const bm_source *source;
    CLI_TRY(open_rejects(l, err));
    CLI_TRY(cli_source_rows(l->source, l->options->workers, &source, err));
    bm_status status = l->perform(l, db, bm_stream(&l->map->model, source), NULL, result, err);
    status = count_rejects(l, status, result, err);
    if (status != BM_OK) {
        cli_source_locate(l->source, err);
        status = err->status;
    }
    if (status != BM_OK && l->options->load_id != NULL) {
        cli_load_words(l->options, err);
    }
    if (status == BM_PARTIAL) {
        cli_partial_commit(l->options, l->source, result);
    }
    return status;
}

static bm_status write_all(loading *l, bm_db *tx, bm_result *result, bm_error *err)
{
    if (l->options->truncate) {
        CLI_TRY(maintain(l, tx, BM_TRUNCATE, NULL, err));
    }
    if (by_chunks(l)) {
        const cli_batches batches = batches_of(l);
        CLI_TRY(cli_batches_run(&batches, tx, result, err));
    } else {
        CLI_TRY(write_stream(l, tx, result, err));
    }
    return l->options->dry_run ? check_constraints(l, tx, err) : BM_OK;
}

static bm_status in_transaction(loading *l, bm_db *db, bm_result *result, bm_error *err)
{
    bm_db *tx = l->tx;
    if (tx == NULL) {
        CLI_TRY(bm_begin(db, &tx, err));
    }
    l->tx = NULL; /* it ends here */
    bm_status status = write_all(l, tx, result, err);
    if (status == BM_OK && !l->options->dry_run) {
        return bm_commit(tx, err);
    }
    bm_rollback(tx);
    if (status != BM_OK) {
        err->fate = BM_FATE_ROLLED_BACK;
    }
    return status;
}

static bm_status write_rows(loading *l, bm_db *db, bm_result *result, bm_error *err)
{
    if (l->options->truncate || l->tx != NULL || by_chunks(l)) {
        return in_transaction(l, db, result, err);
    }
    return write_stream(l, db, result, err);
}

/* ---- afterwards */

static bool gives_keys(const loading *l)
{
    bool inserts = l->perform == create || l->perform == upsert || l->perform == sync_rows;
    for (size_t i = 0; inserts && i < l->table->n_fields; i++) {
        const bm_field *field = &l->table->fields[i];
        for (size_t k = 0; (field->flags & BM_ASSIGNED) != 0 && k < l->map->model.n_fields; k++) {
            if (strcmp(l->map->fields[k].name, field->name) == 0) {
                return !l->map->makes_key;
            }
        }
    }
    return false;
}

/* The rows are committed already, also if this fails. */
static bm_status afterwards(const loading *l, bm_db *db, bm_error *err)
{
    const cli_options *options = l->options;
    uint64_t behind = 0;
    if (options->dry_run || explains(l)) {
        return BM_OK;
    }
    bm_status status = BM_OK;
    if (options->sync_sequences) {
        status = maintain(l, db, BM_SYNC_SEQUENCES, NULL, err);
    } else if (gives_keys(l) && maintain(l, db, BM_FIND_SEQUENCES, &behind, NULL) == BM_OK &&
               behind > 0) {
        cli_warning(options, "the file has keys above the sequence of the table, so keys that the "
                             "database generates later will collide with them: use "
                             "--sync-sequences");
    }
    if (status == BM_OK && options->analyze) {
        status = maintain(l, db, BM_ANALYZE, NULL, err);
    }
    if (status != BM_OK) {
        err->fate = BM_FATE_COMMITTED;
    }
    return status;
}

/* In TSV quotes may be text.  Then they have joined rows, which nothing else would tell. */
static void warn_of_joined(const loading *l)
{
    const char *file;
    char words[512];
    const uint64_t line = cli_source_joined(l->source, &file);
    if (line > 0) {
        snprintf(words, sizeof words,
                 "%s:%llu: a quoted cell has line ends and tabs: if quotes are text in this file, "
                 "load it with --quote=none; --quote='\"' says that it is right",
                 cli_short_path(file), (unsigned long long)line);
        cli_warning(l->options, words);
    }
}

static bm_status run(bm_db *db, const cli_options *options, const bm_model *table,
                     cli_source *source, bm_db **tx, bm_cancel *token, bm_result *result,
                     bm_error *err)
{
    cli_progress progress;
    CLI_TRY(cli_check_batch_size(options, &cli_source_map(source)->model, err));
    cli_progress_begin(&progress, options, source);
    loading l = {.options = options,
                 .table = table,
                 .source = source,
                 .map = cli_source_map(source),
                 .progress = &progress,
                 .token = token,
                 .tx = *tx,
                 .batch_size = batch_size(options, source),
                 .perform = performer(options)};
    const cli_rejects *rejects = options->set_aside;
    bool streams = !by_chunks(&l);
    bool one_call = streams && !options->truncate && l.tx == NULL;
    *tx = NULL;
    l.call = BM_OPTIONS(bm_call, .cancel = token, .user = &progress,
                        .on_progress = streams ? cli_progress_rows : NULL, .on_retry = cli_retry,
                        .retries = options->retries < INT_MAX ? (int)options->retries : INT_MAX,
                        .commit_check = options->commit_check ? BM_ON : BM_DEFAULT,
                        .dry_run = options->dry_run && one_call ? BM_ON : BM_OFF,
                        .on_error = rejects != NULL ? BM_ON_ERROR_REJECT : BM_ON_ERROR_FAIL,
                        .max_rejects = rejects != NULL ? cli_rejects_most(rejects) : 0,
                        .on_reject = rejects != NULL ? reject : NULL, .load_id = options->load_id,
                        .commit_every = options->commit_every,
                        .take_over = options->take_over ? BM_ON : BM_OFF, .on_part = cli_part);
    bm_status status = write_rows(&l, db, result, err);
    result->seconds = cli_progress_end(&progress);
    if (status == BM_OK && cli_load_has_none(options, result) && progress.earlier > 0) {
        cli_load_is_finished(options);
    }
    warn_of_joined(&l);
    return status == BM_OK ? afterwards(&l, db, err) : status;
}

static bm_status check_workers(const cli_options *options, bm_error *err)
{
    const char *why = options->truncate                ? "cannot be used with --truncate"
                      : options->returning != NULL     ? "cannot be used with --returning"
                      : options->workers > WORKERS_MAX ? "the maximum is 32"
                                                       : NULL;
    if (options->workers > 1 && why != NULL) {
        return cli_fail(err, BM_INVALID, "--workers: %s", why);
    }
    return BM_OK;
}

bm_status cli_load(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                   bm_error *err)
{
    bm_model *table = NULL;
    bm_db *tx = NULL;
    cli_source *source = NULL;
    cli_options own;
    CLI_TRY(check_workers(options, err));
    if (options->workers > 1 && is_sqlite(options)) {
        cli_warning(options, "SQLite allows only one writer: --workers is ignored");
        own = *options; /* it borrows all that it points to */
        own.workers = 1;
        options = &own;
    }
    if (options->print_ddl) {
        return cli_create_table_print(db, options, err);
    }
    if (options->create_table || options->add_columns) {
        CLI_TRY(cli_create_table(db, options, &tx, err));
    }
    bm_status status = cli_database_describe(tx != NULL ? tx : db, options->table, &table, err);
    if (status == BM_OK) {
        status = cli_source_open(options, table, &source, err);
    }
    if (status == BM_OK) {
        status = run(db, options, table, source, &tx, token, result, err);
    }
    bm_rollback(tx);
    cli_source_close(source);
    bm_free(table);
    return status;
}
