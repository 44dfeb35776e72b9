#!/usr/bin/env bash
# sqlite-utils finds the type "integer" for a CSV column whose numbers have more than 64 bits, and
# SQLite then stores them as floating point: the last digits are gone.
cd "$(dirname "$0")" && . ./lib.sh
packages sqlite-utils==4.2.1
printf 'id,account\n1,12345678901234567890\n2,12345678901234567891\n' >"$folder/a.csv"
"$folder/venv/bin/sqlite-utils" insert "$folder/a.db" t "$folder/a.csv" --csv >/dev/null
seen=$(py "$folder/a.db" <<'PY'
import sqlite3, sys

rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT count(DISTINCT account), typeof(account), cast(account AS text) FROM t"
)
print(*rows.fetchone())
PY
)
report "2 text 12345678901234567890" "1 real 1.23456789012346e+19" "$seen"
