#!/usr/bin/env bash
# The same key twice in one upsert: PostgreSQL refuses it, SQLite keeps the last row, and DuckDB the
# first, also with INSERT OR REPLACE: of a file with several versions of a row the oldest stays.
cd "$(dirname "$0")" && . ./lib.sh
packages duckdb==2.0.1
seen=$(py <<'PY'
import sqlite3
import duckdb

replace = "INSERT OR REPLACE INTO t VALUES (1, 'old'), (1, 'new')"
update = "INSERT INTO t VALUES (1, 'old'), (1, 'new') ON CONFLICT (id) DO UPDATE SET v = excluded.v"
for db in (sqlite3.connect(":memory:"), duckdb.connect()):
    for statement in (replace, update):
        db.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
        db.execute(statement)
        print(db.execute("SELECT v FROM t").fetchone()[0], end=" ")
        db.execute("DROP TABLE t")
PY
)
report "new new new new, or errors by DuckDB" "new new old old" "${seen% }"
