#include "database.h"

#include "names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of "scheme://user:password@host": behind the last ':' before the '@' of the authority. */
static void wipe_authority(char *text)
{
    char *from = strstr(text, "://");
    if (from == NULL) {
        return;
    }
    from += 3;
    char *end = from + strcspn(from, "/?#");
    char *at = memrchr(from, '@', (size_t)(end - from));
    char *colon = at != NULL ? memchr(from, ':', (size_t)(at - from)) : NULL;
    if (colon != NULL) {
        memset(colon + 1, '*', (size_t)(at - colon - 1));
    }
}

/* Of "password=..." in a string of keywords or in a URL's query. */
static void wipe_keyword(char *text)
{
    static const char word[] = "password";
    for (char *at = strcasestr(text, word); at != NULL; at = strcasestr(at, word)) {
        at += sizeof word - 1;
        at += strspn(at, " ");
        if (*at != '=') {
            continue;
        }
        at += 1 + strspn(at + 1, " ");
        bool quoted = *at == '\'';
        for (at += quoted; *at != '\0' && *at != (quoted ? '\'' : ' ') && *at != '&'; at++) {
            if (*at == '\\' && at[1] != '\0') {
                *at++ = '*';
            }
            *at = '*';
        }
    }
}

bm_status cli_database_open(const cli_options *options, bm_cancel *token, bm_db **out,
                            bm_error *err)
{
    char *text = options->database;
    uint64_t connections = options->workers;
    int most = connections > 9 && connections < 1000 ? (int)connections + 1 : 0;
    bm_status status =
        bm_open(text,
                BM_OPTIONS(bm_open_options, .max_connections = most,
                           .max_concurrent_batch_writes = (int)connections, .cancel = token,
                           .timeout_ms = (int64_t)options->timeout_ms,
                           .commit_timeout_ms = (int64_t)options->commit_timeout_ms),
                out, err);
    if (strncmp(text, "sqlite:", 7) != 0) { /* a file's name has no password */
        wipe_authority(text);
        wipe_keyword(text);
    }
    return status;
}

bm_status cli_database_describe(bm_db *db, const char *text, bm_model **out, bm_error *err)
{
    cli_names names = {0};
    bm_status status = cli_names_split(&names, text, '.', err);
    *out = NULL;
    if (status == BM_OK && names.n > 2) {
        status = cli_fail(err, BM_INVALID, "\"%s\" is not [SCHEMA.]TABLE", text);
    }
    if (status == BM_OK) {
        status =
            bm_describe(db, names.n == 2 ? names.at[0] : NULL, names.at[names.n - 1], out, err);
    }
    cli_names_free(&names);
    return status;
}
