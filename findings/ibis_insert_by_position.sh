#!/usr/bin/env bash
# ibis' insert() puts the columns of a frame into those of the same name, unless one name differs:
# then all go by position, and price and stock change places because of a capital letter.
cd "$(dirname "$0")" && . ./lib.sh
packages 'ibis-framework[sqlite,duckdb]==12.0.0' sqlglot==30.30.0 duckdb==2.0.1
seen=$(py <<'PY'
import ibis, pyarrow

for connect in (ibis.sqlite.connect, ibis.duckdb.connect):
    for price in ("price", "Price"):
        db = connect()
        db.raw_sql("CREATE TABLE t (price integer, stock integer)")
        try:
            db.insert("t", pyarrow.table({"stock": [5], price: [1999]}))
        except Exception:
            print("error", end=" ")
        print(*db.con.execute("SELECT price, stock FROM t").fetchall(), end=" ")
PY
)
report "(1999, 5), four times, or errors for the second and fourth" \
    "(1999, 5) (5, 1999) (1999, 5) (5, 1999)" "${seen% }"
