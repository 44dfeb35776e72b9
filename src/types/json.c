/* json and jsonb: a document is text here, and PostgreSQL judges it.  The codec is text's, which
 * adds jsonb's version. */
#include "text_type.h"

const bm__type_ops bm__ops_json = {
    .parse = bm__text_parse,
    .print = bm__text_print,
    .compare = bm__text_compare,
    .to = bm__json_to,
    .from = bm__json_from,
};
