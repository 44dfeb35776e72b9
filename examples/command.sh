#!/usr/bin/env bash
# Load a CSV file into a table, update it from a second file, and look at it.
#
#     command.sh sqlite:shop.db     command.sh postgresql://localhost/test
#
# The table is there already: CREATE TABLE product (id integer PRIMARY KEY, name varchar(50),
# price numeric(10, 2), note text)
set -euo pipefail
here=$(dirname "$0")
database=$1

bulkmodel create "$database" product "$here/products.csv"
bulkmodel update-fields "$database" product "$here/prices.csv"
bulkmodel copy-to "$database" product --order-by id
