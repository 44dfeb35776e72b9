#!/usr/bin/env bash
# sqlite-utils commits a file batch by batch: when row 150 has one key more than the rows before it,
# the command fails, and the first 100 rows stay in the table.
cd "$(dirname "$0")" && . ./lib.sh
packages sqlite-utils==4.2.1
py >"$folder/a.nl" <<'PY'
import json

for i in range(150):
    print(json.dumps({"id": i} | ({"late": 1} if i == 149 else {})))
PY
status=0
"$folder/venv/bin/sqlite-utils" insert "$folder/a.db" t "$folder/a.nl" --nl \
    >/dev/null 2>&1 || status=$?
rows=$(py "$folder/a.db" <<'PY'
import sqlite3, sys

print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM t").fetchone()[0])
PY
)
report "exit 1, 0 rows" "exit 1, 100 rows" "exit $status, $rows rows"
