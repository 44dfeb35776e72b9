#include "rejects.h"

#include "destination.h"
#include "messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENDING ".errors.csv"
#define DEFAULT_PERCENT 10

struct cli_rejects {
    const cli_options *options;
    cli_destination *lines;
    cli_destination *errors;
    char *errors_name;
    uint64_t most; /* rows, or percent */
    bool percent;
    uint64_t n;
    uint64_t n_rows; /* of the files, those set aside too */
    bool refused;
};

static bm_status read_limit(cli_rejects *r, const char *text, bm_error *err)
{
    char *end;
    r->most = DEFAULT_PERCENT;
    r->percent = true;
    if (text == NULL) {
        return BM_OK;
    }
    errno = 0;
    r->most = strtoull(text, &end, 10);
    r->percent = strcmp(end, "%") == 0;
    bool digit = text[0] >= '0' && text[0] <= '9';
    if (!digit || errno != 0 || (*end != '\0' && !r->percent) || r->most > INT64_MAX ||
        (r->percent && r->most > 100)) {
        return cli_fail(err, BM_INVALID,
                        "--max-rejects: \"%s\" is not a number of rows or a percentage from 0%% to "
                        "100%%",
                        text);
    }
    return BM_OK;
}

static bm_status check_options(const cli_options *options, bm_error *err)
{
    const char *what = options->workers > 1         ? "--workers"
                       : options->returning != NULL ? "--returning"
                       : options->escape != NULL    ? "--escape"
                                                    : NULL;
    if (what != NULL) {
        return cli_fail(err, BM_INVALID, "--rejects cannot be used with %s", what);
    }
    if (options->rejects[0] == '\0' || strcmp(options->rejects, "-") == 0) {
        return cli_fail(err, BM_INVALID, "--rejects needs the name of a file");
    }
    return BM_OK;
}

bm_status cli_rejects_choose(const cli_options *options, cli_rejects **out, bm_error *err)
{
    *out = NULL;
    if (options->rejects == NULL) {
        return options->max_rejects == NULL
                   ? BM_OK
                   : cli_fail(err, BM_INVALID, "--max-rejects needs --rejects");
    }
    CLI_TRY(check_options(options, err));
    cli_rejects *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return cli_no_memory(err);
    }
    *out = r;
    r->options = options;
    const size_t size = strlen(options->rejects) + sizeof ENDING;
    r->errors_name = malloc(size);
    if (r->errors_name == NULL) {
        return cli_no_memory(err);
    }
    snprintf(r->errors_name, size, "%s" ENDING, options->rejects);
    CLI_TRY(read_limit(r, options->max_rejects, err));
    CLI_TRY(cli_destination_choose(options, "rejects", options->rejects, &r->lines, err));
    return cli_destination_choose(options, "rejects", r->errors_name, &r->errors, err);
}

static bm_status put(cli_destination *to, const char *text, bm_error *err)
{
    return cli_destination_write(to, text, strlen(text), err);
}

/* Text of a file, which ends in a line end. */
static bm_status put_line(cli_destination *to, const char *text, size_t size, bm_error *err)
{
    CLI_TRY(cli_destination_write(to, text, size, err));
    return size > 0 && text[size - 1] != '\n' ? put(to, "\n", err) : BM_OK;
}

bm_status cli_rejects_open(cli_rejects *r, bm_slice header, bm_error *err)
{
    CLI_TRY(cli_destination_open(r->lines, err));
    CLI_TRY(cli_destination_open(r->errors, err));
    CLI_TRY(put_line(r->lines, header.data, header.size, err));
    return put(r->errors, "line,column,code,message,file\n", err);
}

/* A cell of CSV, in quotes. */
static bm_status put_cell(cli_destination *to, const char *text, const char *end, bm_error *err)
{
    CLI_TRY(put(to, "\"", err));
    for (const char *quote; (quote = strchr(text, '"')) != NULL; text = quote + 1) {
        CLI_TRY(cli_destination_write(to, text, (size_t)(quote + 1 - text), err));
        CLI_TRY(put(to, "\"", err));
    }
    CLI_TRY(put(to, text, err));
    CLI_TRY(put(to, "\"", err));
    return put(to, end, err);
}

static bm_status put_reject(cli_rejects *r, const cli_reject *reject, bm_error *err)
{
    char line[32];
    CLI_TRY(put_line(r->lines, reject->text, reject->size, err));
    snprintf(line, sizeof line, "%llu,", (unsigned long long)reject->line);
    CLI_TRY(put(r->errors, line, err));
    CLI_TRY(put_cell(r->errors, reject->column, ",", err));
    CLI_TRY(put(r->errors, reject->code, err));
    CLI_TRY(put(r->errors, ",", err));
    CLI_TRY(put_cell(r->errors, reject->words, ",", err));
    return put_cell(r->errors, reject->file, "\n", err);
}

bm_status cli_rejects_refuse(cli_rejects *r, bm_error *err)
{
    bm_error why = BM_ERROR;
    r->refused = true;
    if (r->percent) {
        (void)cli_fail(
            &why, BM_LIMIT,
            "%llu of %llu rows cannot be written, which is more than %llu %%: see %s, or "
            "set --max-rejects",
            (unsigned long long)r->n, (unsigned long long)r->n_rows, (unsigned long long)r->most,
            r->errors_name);
    } else {
        (void)cli_fail(&why, BM_LIMIT,
                       "more than %llu rows cannot be written: see %s, or set --max-rejects",
                       (unsigned long long)r->most, r->errors_name);
    }
    err->status = BM_OK; /* also in the place of the library's words */
    err->row = BM_NO_ROW;
    return cli_fail(err, BM_LIMIT, "%s", why.message);
}

bm_status cli_rejects_chunk(void *rejects, cli_chunk *chunk, bm_error *err)
{
    cli_rejects *r = rejects;
    r->n_rows += chunk->n + chunk->n_misread;
    for (size_t i = 0; i < chunk->n_rejects; i++) {
        CLI_TRY(put_reject(r, &chunk->rejects[i], err));
        r->n++;
        if (!r->percent && r->n > r->most) {
            return cli_rejects_refuse(r, err);
        }
    }
    return BM_OK;
}

bm_status cli_rejects_end(void *rejects, bm_error *err)
{
    cli_rejects *r = rejects;
    bool many = r->percent && (double)r->n * 100 > (double)r->most * (double)r->n_rows;
    return many ? cli_rejects_refuse(r, err) : BM_OK;
}

int64_t cli_rejects_most(const cli_rejects *r)
{
    const uint64_t most = r->most > 0 ? r->most : 1; /* 0 is the library's default */
    return r->percent ? -1 : (int64_t)most;
}

uint64_t cli_rejects_count(const cli_rejects *r)
{
    return r->n;
}

static bm_status publish(cli_rejects *r, bm_error *err)
{
    CLI_TRY(cli_destination_finish(r->lines, err));
    CLI_TRY(cli_destination_finish(r->errors, err));
    CLI_TRY(cli_destination_publish(r->lines, err));
    return cli_destination_publish(r->errors, err);
}

int cli_rejects_settle(cli_rejects *r, bm_status status, bm_error *err)
{
    bm_error other = BM_ERROR;
    bool written = status == BM_OK || err->fate == BM_FATE_COMMITTED ||
                   err->fate == BM_FATE_UNKNOWN || err->fate == BM_FATE_PARTIAL;
    if ((written || r->refused) && publish(r, &other) != BM_OK) {
        cli_warning(r->options, other.message);
        status = status == BM_OK ? BM_LIMIT : status;
    }
    return status == BM_OK ? (r->n > 0 ? CLI_EXIT_REJECTS : CLI_EXIT_OK)
           : r->refused    ? CLI_EXIT_REFUSED
                           : cli_exit_code(status);
}

void cli_rejects_free(cli_rejects *r)
{
    if (r != NULL) {
        cli_destination_free(r->lines);
        cli_destination_free(r->errors);
        free(r->errors_name);
        free(r);
    }
}
