#include "format.h"

#include <stdlib.h>

void bm__copy_reader_free(bm__copy_reader *reader)
{
    bm__buffer_free(&reader->pending);
    free(reader->cells);
    reader->cells = NULL;
}
