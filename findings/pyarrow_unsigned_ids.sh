#!/usr/bin/env bash
# An identifier above 2^63 somewhere in the file, such as a hash: pyarrow then reads the column of
# a CSV or JSON file as floating point, and the identifiers of all other rows change, too.
cd "$(dirname "$0")" && . ./lib.sh
packages pyarrow==26.0.1 pandas==3.1.1
seen=$(py "$folder" <<'PY'
import sys
import pandas, pyarrow.csv, pyarrow.json

ids = [9007199254740993, 9007199254740995, 18446744073709551557]
table, lines = f"{sys.argv[1]}/a.csv", f"{sys.argv[1]}/a.json"
for count in (2, 3):
    with open(table, "w") as file:
        file.write("id\n" + "".join(f"{i}\n" for i in ids[:count]))
    with open(lines, "w") as file:
        file.writelines(f'{{"id":{i}}}\n' for i in ids[:count])
    for found in (
        pyarrow.csv.read_csv(table)["id"].to_pylist(),
        pyarrow.json.read_json(lines)["id"].to_pylist(),
        pandas.read_csv(table, engine="pyarrow")["id"].tolist(),
    ):
        print([int(i) for i in found] == ids[:count], int(found[0]), end=", ")
PY
)
report "True 9007199254740993, six times, or errors" "True 9007199254740993,\
 True 9007199254740993, True 9007199254740993, False 9007199254740992, False 9007199254740992,\
 False 9007199254740992" "${seen%, }"
