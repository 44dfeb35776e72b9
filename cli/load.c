#include "load.h"

#include "place.h"
#include "progress.h"
#include "source.h"

#include <stdio.h>
#include <string.h>

/* One call of the library. */
typedef struct loading {
    bm_db *db;
    const cli_options *options;
    const cli_target *target;
    const bm_call *call;
    size_t batch_size;
    bm_rows rows;
    bm_result *result;
    bm_error *err;
} loading;

/* Run the verb, or explain it. */
typedef bm_status (*perform)(const loading *l);

static bm_status explained(const loading *l, const char *verb, const void *options)
{
    char *text;
    bm_status status = bm_explain(l->db, verb, l->rows, options, &text, l->err);
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

static bm_status create_with(const loading *l, bool ignore, bool update)
{
    bool keyed = l->target->keys[0] != NULL && (update || l->options->key.n > 0);
    if (update && l->target->keys[0] == NULL) {
        return cli_fail(l->err, BM_INVALID,
                        "the file has no column by which rows are found: see --key");
    }
    const bm_bulk_create_options *options = BM_OPTIONS(
        bm_bulk_create_options, .call = l->call, .batch_size = l->batch_size,
        .ignore_conflicts = ignore ? BM_ON : BM_OFF, .update_conflicts = update ? BM_ON : BM_OFF,
        .unique_fields = keyed && (ignore || update) ? l->target->keys : NULL,
        .update_fields = update ? l->target->writes : NULL);
    return explains(l) ? explained(l, "bulk_create", options)
                       : bm_bulk_create(l->db, l->rows, options, l->result, l->err);
}

static bm_status create(const loading *l)
{
    const char *rule = l->options->on_conflict != NULL ? l->options->on_conflict : "error";
    return create_with(l, strcmp(rule, "ignore") == 0, strcmp(rule, "update") == 0);
}

static bm_status upsert(const loading *l)
{
    return create_with(l, false, true);
}

static bm_status update_fields(const loading *l)
{
    if (l->target->writes[0] == NULL) {
        return cli_fail(l->err, BM_INVALID, "the file has no column to update besides the key");
    }
    const bm_update_fields_options *options =
        BM_OPTIONS(bm_update_fields_options, .call = l->call, .batch_size = l->batch_size,
                   .fields = l->target->writes);
    return explains(l) ? explained(l, "update_fields", options)
                       : bm_update_fields(l->db, l->rows, options, l->result, l->err);
}

static bm_status erase(const loading *l)
{
    const bm_delete_options *options =
        BM_OPTIONS(bm_delete_options, .call = l->call, .batch_size = l->batch_size);
    return explains(l) ? explained(l, "delete", options)
                       : bm_delete(l->db, l->rows, options, l->result, l->err);
}

static perform performer(const cli_options *options)
{
    static const struct {
        const char *verb;
        perform perform;
    } table[] = {{"create", create},
                 {"update-fields", update_fields},
                 {"upsert", upsert},
                 {"delete", erase}};
    const char *verb = options->plan_of != NULL ? options->plan_of : options->verb->name;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(table[i].verb, verb) == 0) {
            return table[i].perform;
        }
    }
    return create;
}

/* The engine's own choice, but for rows so wide that it would need much memory. */
static size_t batch_size(const cli_options *options, const cli_source *source)
{
    size_t rows = cli_source_chunk(source);
    if (options->batch_size > 0) {
        return options->batch_size;
    }
    return rows < 20000 ? rows : 0;
}

static bm_status run(bm_db *db, const cli_options *options, cli_source *source, bm_cancel *token,
                     bm_result *result, bm_error *err)
{
    cli_progress progress;
    cli_progress_begin(&progress, options, source);
    const cli_target *target = cli_source_target(source);
    const loading l = {
        .db = db,
        .options = options,
        .target = target,
        .call = BM_OPTIONS(bm_call, .cancel = token, .user = &progress,
                           .on_progress = cli_progress_rows,
                           .dry_run = options->dry_run ? BM_ON : BM_OFF),
        .batch_size = batch_size(options, source),
        .rows = bm_stream(&target->model, cli_source_rows(source)),
        .result = result,
        .err = err,
    };
    bm_status status = performer(options)(&l);
    cli_progress_end(&progress);
    if (status != BM_OK) {
        cli_source_locate(source, err);
    }
    return status;
}

bm_status cli_load(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                   bm_error *err)
{
    bm_model *table;
    cli_source *source = NULL;
    CLI_TRY(cli_place_describe(db, options->table, &table, err));
    bm_status status = cli_source_open(options, table, &source, err);
    if (status == BM_OK) {
        status = run(db, options, source, token, result, err);
    }
    cli_source_close(source);
    bm_free(table);
    return status;
}
