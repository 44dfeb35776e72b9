#!/usr/bin/env bash
# ADBC's SQLite driver takes a column for text as soon as one of the first rows holds text, and
# prints the numbers that it read before with six digits after the point.
cd "$(dirname "$0")" && . ./lib.sh
packages adbc-driver-sqlite==1.13.0 adbc-driver-manager==1.13.0 pyarrow==26.0.1 polars==2.1.0
seen=$(py "$folder/a.db" <<'PY'
import sqlite3, sys
import adbc_driver_sqlite.dbapi as adbc
import polars

db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE sale (id integer, amount)")
for rows in ([(1, 12345678901.5), (2, 0.1)], [(3, "n/a")]):
    db.executemany("INSERT INTO sale VALUES (?, ?)", rows)
    db.commit()
    with adbc.connect(sys.argv[1]) as lake:
        frame = polars.read_database("SELECT amount FROM sale ORDER BY id", lake)
    print(*frame["amount"], end=", ")
PY
)
report "12345678901.5 0.1, 12345678901.5 0.1 n/a" \
    "12345678901.5 0.1, 1.234568e+10 1.000000e-01 n/a" "${seen%, }"
