#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bm_status cli_fail(bm_error *err, bm_status status, const char *format, ...)
{
    if (err->status == BM_OK) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(err->message, sizeof err->message, format, arguments);
        va_end(arguments);
        err->status = status;
    }
    return status;
}

bm_status cli_fail_errno(bm_error *err, bm_status status, const char *what)
{
    char words[128];
    return cli_fail(err, status, "%s: %s", what, strerror_r(errno, words, sizeof words));
}

bm_status cli_no_memory(bm_error *err)
{
    return cli_fail(err, BM_NOMEM, "out of memory");
}

int cli_exit_code(bm_status status)
{
    switch (status) {
    case BM_OK:
        return CLI_EXIT_OK;
    case BM_INVALID:
    case BM_UNSUPPORTED:
        return CLI_EXIT_USAGE;
    case BM_CONVERT:
        return CLI_EXIT_INPUT;
    case BM_CONSTRAINT:
        return CLI_EXIT_CONSTRAINT;
    case BM_CONNECTION:
    case BM_AUTH:
        return CLI_EXIT_CONNECTION;
    case BM_RETRY:
    case BM_TIMEOUT:
        return CLI_EXIT_RETRY;
    case BM_PARTIAL:
    case BM_COMMIT_UNKNOWN:
        return CLI_EXIT_UNKNOWN;
    case BM_CANCELLED:
        return CLI_EXIT_CANCELLED;
    case BM_NOMEM:
    case BM_LIMIT:
    case BM_DATABASE:
    case BM_INTERNAL:
        break;
    }
    return CLI_EXIT_FAILED;
}
