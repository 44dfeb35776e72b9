#!/usr/bin/env bash
# DuckDB decides for a whole CSV file whether 01/02/2024 is in January or in February: February,
# until another row has a day above 12 in the middle. One row more changes the dates of all others.
cd "$(dirname "$0")" && . ./lib.sh
packages duckdb==2.0.1
seen=$(py "$folder/a.csv" <<'PY'
import sys
import duckdb


def first(*days):
    with open(sys.argv[1], "w") as file:
        file.write("day\n" + "\n".join(days) + "\n")
    return duckdb.sql(f"FROM '{sys.argv[1]}'").fetchall()[0][0]


print(first("01/02/2024", "03/04/2024"), first("01/02/2024", "03/04/2024", "01/31/2024"))
PY
)
report "01/02/2024 01/02/2024, or the same date twice" "2024-02-01 2024-01-02" "$seen"
