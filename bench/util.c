#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("bulkmodel_bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

void check(bm_status status, const bm_error *err)
{
    if (status != BM_OK) {
        die("%s: %s", bm_status_name(status), err->message);
    }
}
