/*
 * MariaDB under a driver that owns the connection.  Such drivers bind nothing on the server, so a
 * block of rows is a list of VALUES, whose literals need no escaping: numbers, digits in quotes,
 * and _utf8mb4 x'...'.  An UPDATE joins a temporary table that such a list fills.  Values are those
 * that Django stores, which are SQLite's, too (storage.h).
 */
#ifndef BM_ENGINES_MARIADB_H
#define BM_ENGINES_MARIADB_H

#include "engine.h"

/* statement.c */
extern const bm__dialect bm__mariadb_dialect;

/* literal.c */
extern const bm__storage bm__mariadb_storage;

#endif
