#include "cells.h"

#include <string.h>

const char *cli_cell_fault(bm_type type, bm_slice text, bm_error *why)
{
    bm_slice value;
    why->size = sizeof *why;
    if (memchr(text.data, '\0', text.size) != NULL) {
        return CLI_HAS_NUL;
    }
    if (bm_value_parse(BM_TEXT, text, NULL, &value, why) != BM_OK) {
        return "is not UTF-8: say the file's encoding, as in --encoding=WINDOWS-1252";
    }
    if (type == BM_BYTEA || bm_value_parse(type, text, NULL, &value, why) == BM_OK) {
        return NULL;
    }
    return why->message;
}
