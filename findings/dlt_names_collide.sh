#!/usr/bin/env bash
# dlt gives columns names of one style: userId becomes user_id. Where a row has both, one of the two
# values is lost, even if the other is NULL, and the run succeeds.
cd "$(dirname "$0")" && . ./lib.sh
packages dlt==1.31.0 duckdb==2.0.1
export RUNTIME__DLTHUB_TELEMETRY=false
seen=$(cd "$folder" && py "$folder" 2>/dev/null <<'PY'
import sys
import dlt, duckdb

target = dlt.destinations.duckdb(f"{sys.argv[1]}/a.duckdb")
run = dlt.pipeline("p", destination=target, dataset_name="d", pipelines_dir=sys.argv[1])
run.run([{"userId": 5, "user_id": 6}, {"userId": 7, "user_id": None}], table_name="t")
db = duckdb.connect(f"{sys.argv[1]}/a.duckdb")
columns = [name for name in db.sql("FROM d.t").columns if not name.startswith("_dlt")]
print(columns, db.sql(f"SELECT {', '.join(columns)} FROM d.t").fetchall())
PY
)
report "two columns with (5, 6), (7, None), or an error" "['user_id'] [(6,), (None,)]" "$seen"
