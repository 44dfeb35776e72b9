#include "engine.h"

#include <string.h>

static const bm__engine *const engines[] = {
#define BM__ENGINE(name_) &bm__engine_##name_,
#include "engines.def"
#undef BM__ENGINE
};

const bm__engine *bm__engine_named(const char *name)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(engines[i]->name, name) == 0) {
            return engines[i];
        }
    }
    return NULL;
}

const bm__engine *bm__engine_of_url(const char *url)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (engines[i]->accepts != NULL && engines[i]->accepts(url)) {
            return engines[i];
        }
    }
    return NULL;
}
