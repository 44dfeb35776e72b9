#include "verbs.h"

#include <string.h>

static const bm__verb *const verbs[] = {
#define BM__VERB(name_) &bm__verb_##name_,
#include "verbs.def"
#undef BM__VERB
};

const bm__verb *bm__verb_named(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}
