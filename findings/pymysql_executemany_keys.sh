#!/usr/bin/env bash
# PyMySQL turns executemany() of an INSERT into one statement only where its pattern fits the text.
# lastrowid is then the first row's key; with a comment at the end of the text it is the last
# row's, and with RETURNING only the last row's key comes back.
cd "$(dirname "$0")" && . ./lib.sh
packages PyMySQL==1.2.4
mariadb
seen=$(py <<'PY'
import os
import pymysql

db = pymysql.connect(unix_socket=os.environ["MARIADB_SOCKET"], user="root")
cur = db.cursor()
cur.execute("CREATE DATABASE d")
cur.execute("CREATE TABLE d.t (id int AUTO_INCREMENT PRIMARY KEY, a int)")
rows = [(1,), (2,), (3,)]
cur.executemany("INSERT INTO d.t (a) VALUES (%s)", rows)
first = cur.lastrowid
cur.executemany("INSERT INTO d.t (a) VALUES (%s) -- from a file", rows)
second = cur.lastrowid
cur.executemany("INSERT INTO d.t (a) VALUES (%s) RETURNING id", rows)
print(first, second, [key for (key,) in cur.fetchall()])
PY
)
report "1 4 [7, 8, 9], or 3 6 [7, 8, 9]" "1 6 [9]" "$seen"
