#include "bisect.h"

bool bm__bisect_next(bm__bisect *rows)
{
    size_t left = rows->high - rows->low;
    size_t part = left > rows->most ? rows->most : left > 1 ? left / 2 : left;
    rows->end = rows->low + part;
    return left > 0 && !rows->found;
}

void bm__bisect_answer(bm__bisect *rows, bool written)
{
    if (written) {
        rows->low = rows->end;
        return;
    }
    rows->high = rows->end;
    rows->found = rows->high - rows->low == 1;
}
