#include "copy_to.h"

#include "column_map.h"
#include "database.h"
#include "progress.h"
#include "row_writer.h"

#include <stdlib.h>
#include <string.h>

/* The columns to write: those of --columns, in that order, or all. */
static bm_status choose(const cli_options *options, const bm_model *table, size_t *fields,
                        const char **names, bm_error *err)
{
    for (size_t i = 0; i < options->columns.n; i++) {
        size_t at = 0;
        while (at < table->n_fields &&
               strcmp(table->fields[at].name, options->columns.at[i]) != 0) {
            at++;
        }
        if (at == table->n_fields) {
            return options->query != NULL
                       ? cli_fail(err, BM_INVALID, "--columns: the query has no column \"%s\"",
                                  options->columns.at[i])
                       : cli_fail(err, BM_INVALID, "table \"%s\" has no column \"%s\"",
                                  table->table, options->columns.at[i]);
        }
        fields[i] = at;
        names[i] = table->fields[at].name;
    }
    for (size_t i = 0; options->columns.n == 0 && i < table->n_fields; i++) {
        fields[i] = i;
        names[i] = table->fields[i].name;
    }
    return BM_OK;
}

static bm_status sink(void *user, const void *rows, size_t n, bm_error *err)
{
    return cli_row_writer_rows(user, rows, n, err);
}

/*
 * SQLite keeps dates as text, and others may have written infinity or a year before the first,
 * which the library refuses there.  So they are read as text.  Other tables are read as they are.
 */
static bm_status read_stored(const cli_options *options, const bm_model *table, bm_model *out,
                             bm_field **fields, bm_error *err)
{
    *out = *table;
    *fields = NULL;
    if (strncmp(options->database, "sqlite:", strlen("sqlite:")) != 0) {
        return BM_OK;
    }
    *fields = calloc(table->n_fields + 1, sizeof **fields);
    if (*fields == NULL) {
        return cli_no_memory(err);
    }
    size_t at = 0;
    for (size_t i = 0; i < table->n_fields; i++) {
        bm_field *field = &(*fields)[i];
        *field = table->fields[i];
        if (field->type == BM_DATE || field->type == BM_TIMESTAMP ||
            field->type == BM_TIMESTAMPTZ) {
            field->type = BM_TEXT;
            field->layout = BM_SLICE;
            field->width = sizeof(bm_slice);
        }
        const size_t align = field->width > 8 ? 8 : field->width;
        field->offset = (at + align - 1) / align * align;
        at = field->offset + field->width;
    }
    for (size_t i = 0; i < table->n_fields; i++) {
        (*fields)[i].state_offset = at++;
    }
    out->fields = *fields;
    out->row_size = (at + 7) / 8 * 8;
    return BM_OK;
}

static bm_status copy(bm_db *db, const cli_options *options, const bm_model *table,
                      const bm_field *stored, const size_t *fields, const char *const *names,
                      bm_cancel *token, bm_result *result, bm_error *err)
{
    size_t n = options->columns.n > 0 ? options->columns.n : table->n_fields;
    cli_row_writer *output;
    cli_progress progress;
    CLI_TRY(cli_check_batch_size(options, table, err));
    CLI_TRY(cli_row_writer_open(options->output, options, table, fields, n, &output, err));
    cli_row_writer_stored(output, stored);
    cli_progress_begin(&progress, options, NULL);
    const bm_call *call =
        BM_OPTIONS(bm_call, .cancel = token, .user = &progress, .on_progress = cli_progress_rows);
    bm_status status = bm_copy_to(
        db, bm_all(table),
        BM_OPTIONS(bm_copy_to_options, .call = call, .batch_size = options->batch_size,
                   .fields = names, .user = output, .sink = sink, .where = options->where,
                   .order_by = options->order_by, .query = options->query),
        result, err);
    result->seconds = cli_progress_end(&progress);
    bm_status closed = cli_row_writer_close(output, status != BM_OK, err);
    return status != BM_OK ? status : closed;
}

bm_status cli_copy_to(bm_db *db, const cli_options *options, bm_cancel *token, bm_result *result,
                      bm_error *err)
{
    bm_model *table;
    CLI_TRY(options->query != NULL ? bm_describe_query(db, options->query, &table, err)
                                   : cli_database_describe(db, options->table, &table, err));
    size_t most = table->n_fields + options->columns.n + 1;
    size_t *fields = calloc(most, sizeof *fields);
    const char **names = calloc(most, sizeof *names);
    bm_model read = {0};
    bm_field *as_text = NULL;
    bm_status status = fields != NULL && names != NULL
                           ? read_stored(options, table, &read, &as_text, err)
                           : cli_no_memory(err);
    if (status == BM_OK) {
        status = choose(options, table, fields, names, err);
    }
    if (status == BM_OK) {
        status = copy(db, options, &read, table->fields, fields, names, token, result, err);
    }
    free(as_text);
    free(fields);
    free(names);
    bm_free(table);
    return status;
}
