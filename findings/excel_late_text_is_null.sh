#!/usr/bin/env bash
# polars.read_excel() and fastexcel find the type of a column in its first 1000 rows. Text further
# down is read as NULL, and a number among booleans as true, without an error.
cd "$(dirname "$0")" && . ./lib.sh
packages polars==2.1.0 fastexcel==0.21.0 XlsxWriter==3.3.1
seen=$(py "$folder/a.xlsx" <<'PY'
import sys
import polars, xlsxwriter


def last(usual, late):
    with xlsxwriter.Workbook(sys.argv[1]) as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["id", *range(1501)])
        sheet.write_column(0, 1, ["code", *[usual] * 1500, late])
    return polars.read_excel(sys.argv[1])["code"][-1]


print(last(5, "N-17"), last(True, 3))
PY
)
report "N-17 3, or errors" "None True" "$seen"
