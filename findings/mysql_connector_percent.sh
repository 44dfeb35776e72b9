#!/usr/bin/env bash
# A percent sign in a statement with parameters is doubled, says the DB-API's format style.  MySQL
# Connector/Python takes the same style as PyMySQL, but stores both signs.
cd "$(dirname "$0")" && . ./lib.sh
packages mysql-connector-python==26.10.0 PyMySQL==1.2.4
mariadb
seen=$(py <<'PY'
import os
import mysql.connector, pymysql

socket = os.environ["MARIADB_SOCKET"]
admin = pymysql.connect(unix_socket=socket, user="root", autocommit=True).cursor()
admin.execute("CREATE DATABASE d")
admin.execute("CREATE USER u@localhost IDENTIFIED BY 'p'")
admin.execute("GRANT ALL ON d.* TO u@localhost")
for module in (pymysql, mysql.connector):
    db = module.connect(unix_socket=socket, user="u", password="p", database="d")
    cur = db.cursor()
    cur.execute("CREATE TEMPORARY TABLE t (id int, discount varchar(9))")
    cur.execute("INSERT INTO t VALUES (%s, '5%%')", (1,))
    cur.executemany("INSERT INTO t VALUES (%s, '6%%')", [(2,), (3,)])
    cur.execute("SELECT discount FROM t")
    print(module.paramstyle, *[row[0] for row in cur.fetchall()], end=", ")
PY
)
report "pyformat 5% 6% 6%, twice" "pyformat 5% 6% 6%, pyformat 5%% 6%% 6%%" "${seen%, }"
