#!/usr/bin/env bash
# fastparquet appends without comparing types: decimals added to a column of integers are cut, and
# the categories of a later append are read back as others (pyarrow reads the same file right).
cd "$(dirname "$0")" && . ./lib.sh
packages fastparquet==2026.9.0 pandas==3.1.1 pyarrow==26.0.1
seen=$(py "$folder" <<'PY'
import sys
import fastparquet, pandas
import pyarrow.parquet


def appended(name, *values):
    path = f"{sys.argv[1]}/{name}.parquet"
    for i, column in enumerate(values):
        fastparquet.write(path, pandas.DataFrame({"c": column}), append=bool(i))
    return path


prices = appended("prices", [20, 30], [19.99, 0.49])
print(*fastparquet.ParquetFile(prices).to_pandas()["c"], end=", ")
cities = appended(
    "cities", pandas.Categorical(["Bonn", "Graz"]), pandas.Categorical(["Oslo", "Rome"])
)
print(*fastparquet.ParquetFile(cities).to_pandas()["c"], end=", ")
print(*pyarrow.parquet.read_table(cities)["c"].to_pylist())
PY
)
report "20 30 19.99 0.49, Bonn Graz Oslo Rome, twice, or errors" \
    "20 30 19 0, Oslo Rome Oslo Rome, Bonn Graz Oslo Rome" "$seen"
