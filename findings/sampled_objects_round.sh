#!/usr/bin/env bash
# A column of Python objects gets its type from a sample of its rows. A string further down is an
# error in DuckDB and polars, but a decimal is rounded (DuckDB) or cut (polars) without one.
cd "$(dirname "$0")" && . ./lib.sh
packages duckdb==2.0.1 pandas==3.1.1 polars==2.1.0
seen=$(py <<'PY'
import decimal
import duckdb, pandas, polars


def by_duckdb(usual, late):
    values = [usual] * 4321 + [late] + [usual] * 678
    prices = pandas.DataFrame({"c": pandas.Series(values, dtype=object)})
    return duckdb.sql("SELECT c FROM prices").fetchall()[4321][0]


exact = by_duckdb(decimal.Decimal("1.5"), decimal.Decimal("1.4562"))
rows = [{"c": 20}] * 150 + [{"c": 19.99}]
print(by_duckdb(20, 19.99), exact, polars.from_dicts(rows)["c"][-1])
PY
)
report "19.99 1.4562 19.99, or errors" "20 1.5 19" "$seen"
