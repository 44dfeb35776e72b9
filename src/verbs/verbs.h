/* The verbs, by name.  Each is a descriptor in its own file. */
#ifndef BM_VERBS_VERBS_H
#define BM_VERBS_VERBS_H

#include "operation.h"

#define BM__VERB(name_) extern const bm__verb bm__verb_##name_;
#include "verbs.def"
#undef BM__VERB

/* NULL where there is none. */
const bm__verb *bm__verb_named(const char *name);

#endif
