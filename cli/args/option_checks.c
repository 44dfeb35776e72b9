/* What options mean together, and which do not go together. */
#include "options.h"

#include <string.h>

char cli_quote(const cli_options *options)
{
    const bool given = options->quote != NULL && strlen(options->quote) <= 1;
    return given ? options->quote[0] : '"';
}

bool cli_in_parts(const cli_options *options)
{
    return options->part_rows > 0 || options->part_size > 0;
}

bool cli_is_json(const cli_options *options)
{
    const char *format = options->format;
    return format != NULL && (strcmp(format, "ndjson") == 0 || strcmp(format, "json") == 0);
}

bool cli_is_null(const cli_options *options, const char *text, size_t size)
{
    for (size_t i = 0; i < options->nulls.n; i++) {
        const char *null_text = options->nulls.at[i];
        if (strlen(null_text) == size && memcmp(null_text, text, size) == 0) {
            return true;
        }
    }
    return options->nulls.n == 0 && size == 0;
}

/* A file in which two of these characters are the same cannot be read. */
static bm_status check_signs(const cli_options *options, bm_error *err)
{
    const char delimiter = options->delimiter != NULL ? options->delimiter[0] : ',';
    const char quote = cli_quote(options);
    const bool json = cli_is_json(options);
    const struct {
        const char *name;
        const char *sign; /* NULL: not given */
    } signs[] = {
        {"delimiter", options->delimiter},
        {"quote", options->quote},
        {"escape", options->escape},
        {"comment", options->comment},
        {"ragged", options->ragged},
        {"null-columns", options->null_columns.n > 0 ? "" : NULL},
        {"not-null-columns", options->not_null_columns.n > 0 ? "" : NULL},
    };
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (signs[i].sign != NULL && strpbrk(signs[i].sign, "\r\n") != NULL) {
            return cli_fail(err, BM_INVALID, "--%s cannot be a line end", signs[i].name);
        }
        if (signs[i].sign != NULL && json) {
            return cli_fail(err, BM_INVALID, "--%s is for csv and tsv, not for %s", signs[i].name,
                            options->format);
        }
    }
    const char *decimal = options->decimal != NULL ? options->decimal : ".";
    if (options->thousands != NULL && strcmp(options->thousands, decimal) == 0) {
        return cli_fail(err, BM_INVALID, "--thousands=%s needs another --decimal%s", decimal,
                        options->decimal == NULL ? ", as in --decimal=," : "");
    }
    if (options->ragged != NULL && options->rejects == NULL &&
        strcmp(options->ragged, "reject") == 0) {
        return cli_fail(err, BM_INVALID, "--ragged=reject needs --rejects FILE");
    }
    if (options->quote != NULL && strlen(options->quote) > 1 && options->verb->bit != CLI_COPY_TO) {
        return cli_fail(err, BM_INVALID,
                        "--quote=%s is for copy-to: a file is read with any cells "
                        "in quotes",
                        options->quote);
    }
    if (options->escape != NULL && quote == '\0') {
        return cli_fail(err, BM_INVALID, "--escape has no meaning with --quote=none");
    }
    if (options->comment != NULL &&
        (options->comment[0] == delimiter || options->comment[0] == quote)) {
        return cli_fail(err, BM_INVALID, "--comment must differ from --delimiter and from --quote");
    }
    if (delimiter == quote) {
        return cli_fail(err, BM_INVALID, "--delimiter and --quote must be different characters");
    }
    if (options->escape != NULL && options->escape[0] == delimiter) {
        return cli_fail(err, BM_INVALID, "--delimiter and --escape must be different characters");
    }
    return BM_OK;
}

/* What reads several spellings writes one. */
static bm_status check_output(const cli_options *options, bm_error *err)
{
    if (options->nulls.n > 1) {
        return cli_fail(err, BM_INVALID, "copy-to writes NULL as one text: give --null once");
    }
    if (cli_in_parts(options) && options->output == NULL) {
        return cli_fail(err, BM_INVALID, "--%s writes several files: it needs --output FILE",
                        options->part_rows > 0 ? "part-rows" : "part-size");
    }
    if (options->query != NULL && (options->where != NULL || options->order_by != NULL)) {
        return cli_fail(err, BM_INVALID,
                        "--query has a WHERE and an ORDER BY of its own: put --%s there",
                        options->where != NULL ? "where" : "order-by");
    }
    if (cli_names_find(&options->columns, "") != CLI_NONE) {
        return cli_fail(err, BM_INVALID, "--columns: a name is empty");
    }
    return BM_OK;
}

/* A load in parts is not one transaction. */
static bm_status check_load(const cli_options *options, bm_error *err)
{
    if (options->load_id == NULL) {
        const char *lone = options->commit_every > 0 ? "--commit-every"
                           : options->take_over      ? "--take-over"
                                                     : NULL;
        return lone == NULL ? BM_OK : cli_fail(err, BM_INVALID, "%s needs --load-id NAME", lone);
    }
    const char *what = options->workers > 1         ? "--workers"
                       : options->truncate          ? "--truncate"
                       : options->create_table      ? "--create-table"
                       : options->add_columns       ? "--add-columns"
                       : options->returning != NULL ? "--returning"
                       : options->rejects != NULL   ? "--rejects"
                       : options->dry_run           ? "--dry-run"
                                                    : NULL;
    return what == NULL ? BM_OK
                        : cli_fail(err, BM_INVALID, "--load-id cannot be used with %s", what);
}

bm_status cli_options_check(const cli_options *options, bm_error *err)
{
    CLI_TRY(check_signs(options, err));
    CLI_TRY(check_load(options, err));
    return options->verb->bit == CLI_COPY_TO ? check_output(options, err) : BM_OK;
}
