#!/usr/bin/env bash
# csvsql --insert (csvkit) finds a type for each column. Names such as April and May become dates of
# the year 1, sizes such as "10 m" moments of 1970, and fractions such as 1/2 dates.
cd "$(dirname "$0")" && . ./lib.sh
packages csvkit==2.2.0 agate==1.14.2 agate-sql==0.7.3 SQLAlchemy==2.1.9
printf 'name,size,part\nApril,10 m,1/2\nMay,5 m,3/4\n' >"$folder/a.csv"
"$folder/venv/bin/csvsql" --db "sqlite:///$folder/a.db" --insert --tables a "$folder/a.csv"
seen=$(py "$folder/a.db" <<'PY'
import sqlite3, sys

print(*sqlite3.connect(sys.argv[1]).execute("SELECT * FROM a").fetchone(), sep=", ")
PY
)
report "April, 10 m, 1/2" "0001-04-01, 1970-01-01 00:10:00.000000, 2001-01-02" "$seen"
