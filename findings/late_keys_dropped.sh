#!/usr/bin/env bash
# JSON rows whose last row has one key more: the readers know only the keys of the rows they looked
# at first (pyarrow 1, polars 100, DuckDB 20480), and drop the others without an error.
cd "$(dirname "$0")" && . ./lib.sh
packages pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1
seen=$(py "$folder/a.json" <<'PY'
import json, sys
import duckdb, polars, pyarrow

rows = [{"id": i} for i in range(25000)] + [{"id": 25000, "refund": 7}]
with open(sys.argv[1], "w") as file:
    file.writelines(json.dumps(row) + "\n" for row in rows)
print(
    pyarrow.Table.from_pylist(rows).column_names,
    polars.read_ndjson(sys.argv[1]).columns,
    duckdb.sql(f"FROM '{sys.argv[1]}'").columns,
)
PY
)
report "['id', 'refund'] three times, or errors" "['id'] ['id'] ['id']" "$seen"
