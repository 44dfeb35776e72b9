#include "files.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_pattern(const char *path)
{
    return strpbrk(path, "*?[") != NULL && access(path, F_OK) != 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bm_status add_matches(const char *pattern, cli_names *out, bm_error *err)
{
    glob_t found;
    bm_status status = BM_OK;
    const int failed = glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, &found);
    if (failed == GLOB_NOMATCH) {
        return cli_fail(err, BM_CONVERT, "%s: no file matches this pattern",
                        cli_short_path(pattern));
    }
    if (failed == GLOB_NOSPACE) {
        return cli_no_memory(err);
    }
    if (failed != 0) {
        return cli_fail_errno(err, BM_CONVERT, cli_short_path(pattern));
    }
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
    for (size_t i = 0; status == BM_OK && i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        if (cli_names_find(out, path) == CLI_NONE) {
            status = cli_names_add(out, path, strlen(path), err);
        }
    }
    globfree(&found);
    return status;
}

bm_status cli_files_expand(cli_options *options, bm_error *err)
{
    bool any = false;
    for (size_t i = 0; i < options->n_files; i++) {
        any = any || is_pattern(options->files[i]);
    }
    if (!any) {
        return BM_OK;
    }
    for (size_t i = 0; i < options->n_files; i++) {
        const char *path = options->files[i];
        CLI_TRY(is_pattern(path) ? add_matches(path, &options->expanded, err)
                                 : cli_names_add(&options->expanded, path, strlen(path), err));
    }
    options->files = options->expanded.at;
    options->n_files = options->expanded.n;
    if (options->verb->bit == CLI_INSPECT && options->n_files > 1) {
        return cli_fail(err, BM_INVALID, "inspect takes one FILE, and %zu match", options->n_files);
    }
    return BM_OK;
}
