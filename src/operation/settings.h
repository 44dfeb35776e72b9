/* The options that every verb has. */
#ifndef BM_OPERATION_SETTINGS_H
#define BM_OPERATION_SETTINGS_H

#include "operation.h"

/* A call that failed for a reason that may be gone is made again after a pause.  Full jitter: any
 * pause up to one that doubles; and none that begins later. */
#define BM__RETRY_FIRST_MS 50
#define BM__RETRY_LONGEST_MS 2000
#define BM__RETRY_ALL_MS 30000

/* Check them and put them into the operation. */
bm_status bm__settings_read(bm__operation *operation, const bm_call *given, size_t batch_size,
                            bm_switch concurrent, int max_workers, bm_error *err);

/* A switch that is none of the three values is a mistake. */
bm_status bm__check_switch(bm_switch value, const char *name, bm_error *err);

#endif
