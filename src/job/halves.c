#include "halves.h"

bool bm__halves_next(bm__halves *rows)
{
    size_t left = rows->high - rows->low;
    rows->end = rows->low + (left > 1 ? left / 2 : left);
    return left > 0 && !rows->found;
}

void bm__halves_answer(bm__halves *rows, bool written)
{
    if (written) {
        rows->low = rows->end;
        return;
    }
    rows->high = rows->end;
    rows->found = rows->high - rows->low == 1;
}
