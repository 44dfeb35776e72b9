#include "engine.h"

#include <stdio.h>
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

void bm__engine_urls(char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof engines / sizeof engines[0] && used < size; i++) {
        if (engines[i]->urls != NULL) {
            int n =
                snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", engines[i]->urls);
            used += n > 0 ? (size_t)n : 0;
        }
    }
}
