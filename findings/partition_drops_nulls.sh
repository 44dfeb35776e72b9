#!/usr/bin/env bash
# Readers that cut a query into ranges of a column, to read them at the same time, never ask for the
# rows where it is NULL: connectorx and polars (partition_on) and dask (index_col) leave them out.
cd "$(dirname "$0")" && . ./lib.sh
packages connectorx==0.4.6 polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1 'dask[dataframe]==2026.8.0' \
    SQLAlchemy==2.1.9
seen=$(py "$folder/a.db" <<'PY'
import sqlite3, sys
import connectorx
import dask.dataframe
import polars

db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE sale (id integer, customer integer)")
rows = [(i, i if i % 4 else None) for i in range(100)]
db.executemany("INSERT INTO sale VALUES (?, ?)", rows)
db.commit()
url, query = f"sqlite://{sys.argv[1]}", "SELECT id, customer FROM sale"
parts = {"partition_on": "customer", "partition_num": 2}
whole = connectorx.read_sql(url, query, return_type="arrow")
cut = connectorx.read_sql(url, query, return_type="arrow", **parts)
frame = polars.read_database_uri(query, url, **parts)
dasks = dask.dataframe.read_sql_table(
    "sale", f"sqlite:///{sys.argv[1]}", index_col="customer", npartitions=2
)
print(whole.num_rows, cut.num_rows, len(frame), len(dasks))
PY
)
report "100 100 100 100" "100 75 75 75" "$seen"
