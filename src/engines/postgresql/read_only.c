#include "operators.h"
#include "postgresql.h"

/* transaction_read_only is on in recovery, too; 25006 is what a statement that writes would say:
 * src/backend/access/transam/xact.c, src/backend/tcop/utility.c. */
const char bm__postgresql_read_only[] =
    "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'the server is a standby, which cannot "
    "write: connect to the primary server' ELSE 'the session is read-only: set "
    "default_transaction_read_only to off' END, '25006' WHERE "
    "pg_catalog.current_setting('transaction_read_only')" EQ "'on'";
