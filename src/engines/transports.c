#include "transport.h"

#include "config.h"

/* Those that were built. */
static const bm__transport *const transports[] = {BM__TRANSPORTS};

const bm__transport *bm__transport_of(const bm__engine *engine)
{
    for (size_t i = 0; i < sizeof transports / sizeof transports[0]; i++) {
        if (transports[i]->engine == engine) {
            return transports[i];
        }
    }
    return NULL;
}
