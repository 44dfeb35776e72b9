/* What types that travel as text share: text.c has it. */
#ifndef BM_TYPES_TEXT_TYPE_H
#define BM_TYPES_TEXT_TYPE_H

#include "codec.h"

const char *bm__text_parse(bm_slice text, char *room, void *value);
void bm__text_print(const void *value, bm__sink *out);
int bm__text_compare(const void *a, const void *b);

/* Every column of text, and JSON's two: where text, labels and JSON may go. */
extern const bm__pg_to bm__json_to[];
extern const bm__pg_from bm__json_from[];

#endif
