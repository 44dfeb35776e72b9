/* The options that every verb has. */
#ifndef BM_OPERATION_SETTINGS_H
#define BM_OPERATION_SETTINGS_H

#include "operation.h"

/* Check them and put them into the operation. */
bm_status bm__settings_read(bm__operation *operation, const bm_call *given, size_t batch_size,
                            bm_switch concurrent, int max_workers, bm_error *err);

/* A switch that is none of the three values is a mistake. */
bm_status bm__check_switch(bm_switch value, const char *name, bm_error *err);

#endif
