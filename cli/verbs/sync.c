#include "sync.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bm_status read_percent(const char *text, bm_sync_options *out, bm_error *err)
{
    char *end;
    double percent = strtod(text, &end);
    const bool plain = strspn(text, "0123456789.%") == strlen(text);
    if (!plain || text[0] < '0' || text[0] > '9' || strcmp(end, "%") != 0 || percent > 100) {
        return cli_fail(err, BM_INVALID,
                        "--max-deletes: \"%s\" is not a number of rows or a percentage from 0%% to "
                        "100%%",
                        text);
    }
    if (percent == 0) {
        out->max_deletes = BM_NO_DELETES;
    }
    out->max_deletes_percent = percent;
    return BM_OK;
}

bm_status cli_sync_limits(const cli_options *options, bm_sync_options *out, bm_error *err)
{
    const char *text = options->max_deletes;
    char *end;
    if (options->where == NULL) {
        return cli_fail(err, BM_INVALID,
                        "sync needs --where, the condition on the rows that the file replaces; "
                        "--where true is the whole table");
    }
    if (text == NULL) {
        return BM_OK;
    }
    errno = 0;
    unsigned long long rows = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || rows > INT64_MAX) {
        return read_percent(text, out, err);
    }
    out->max_deletes = rows == 0 ? BM_NO_DELETES : (int64_t)rows;
    return BM_OK;
}

void cli_sync_words(bm_error *err)
{
    cli_reword(err, 0, "`where`", "--where");
    cli_reword(err, 0, "max_deletes", "--max-deletes");
    cli_reword(err, 0, "set allow_empty", "use --allow-empty");
    cli_reword(err, 0, "name other unique_fields", "choose other columns with --key");
    if (err->status == BM_UNSUPPORTED && strstr(err->message, "`rewind`") != NULL) {
        snprintf(err->message, sizeof err->message,
                 "sync reads its rows twice: name a FILE instead of standard input or a pipe");
    }
}

bool cli_sync_refused(const bm_error *err)
{
    return err->status == BM_LIMIT && strstr(err->message, "and --max-deletes allows") != NULL;
}
