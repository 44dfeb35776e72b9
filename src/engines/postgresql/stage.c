/* Stage tables of a table whose rows are on other servers: which there are, and how they are made.
 */
#include "operators.h"
#include "postgresql.h"

#include <string.h>

#define END "_bm_stage"
#define REST "_bm_rest" /* for keys of no partition; no longer than END */

/*
 * c is the table, s its stage: the same tree of partitions, each name with an ending.  `what` is
 * what must be the same of both: an INSERT into the stage must send a row to the server that has
 * the row of the table.  tgtype and the kinds: as in catalog.c.
 */
#define TREE                                                                                       \
    "WITH c AS (SELECT x.oid, x.relname::pg_catalog.text AS name, x.relkind, x.relnamespace FROM " \
    "pg_catalog.pg_class x WHERE x.oid" EQ "pg_catalog.to_regclass($1)), s AS (SELECT x.oid FROM " \
    "c JOIN pg_catalog.pg_class x ON x.relnamespace" EQ "c.relnamespace AND x.relkind" EQ          \
    "c.relkind AND x.relname::pg_catalog.text" EQ "pg_catalog.concat(c.name, '" END "')), "        \
    "t(staged, oid, level) AS (SELECT false, p.relid::pg_catalog.oid, p.level FROM c, LATERAL "    \
    "pg_catalog.pg_partition_tree(c.oid) p UNION SELECT false, c.oid, 0 FROM c UNION SELECT "      \
    "true, p.relid::pg_catalog.oid, p.level FROM s, LATERAL pg_catalog.pg_partition_tree(s.oid) "  \
    "p UNION SELECT true, s.oid, 0 FROM s), node AS (SELECT t.staged, t.level, x.oid, x.relkind, " \
    "n.nspname::pg_catalog.text AS room, CASE WHEN t.staged THEN "                                 \
    "pg_catalog.left(x.relname::pg_catalog.text, -9) ELSE x.relname::pg_catalog.text END AS "      \
    "name, pg_catalog.pg_get_expr(x.relpartbound, x.oid) AS bound, "                               \
    "pg_catalog.pg_get_partkeydef(x.oid) AS split, f.ftserver, f.ftoptions, x.relhasrules, "       \
    "coalesce(t.staged AND x.relkind" EQ                                                           \
    "'r' AND pg_catalog.right(x.relname::pg_catalog.text, 8)" EQ "'" REST                          \
    "' AND pg_catalog.pg_get_expr(x.relpartbound, x.oid)" EQ                                       \
    "'DEFAULT', false) AS rest FROM t JOIN pg_catalog.pg_class x ON x.oid" EQ                      \
    "t.oid JOIN pg_catalog.pg_namespace n ON n.oid" EQ                                             \
    "x.relnamespace LEFT JOIN pg_catalog.pg_foreign_table f ON f.ftrelid" EQ "t.oid)"

#define NAME(node, end)                                                                            \
    "pg_catalog.concat(pg_catalog.quote_ident(" node ".room), '.', "                               \
    "pg_catalog.quote_ident(pg_catalog.concat(" node ".name, " end ")))"

#define TREE_OF(staged)                                                                            \
    "(SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', d.level, d.room, d.name, d.bound, "   \
    "d.split, d.ftserver), '|' ORDER BY d.level, d.room, d.name) FROM node d WHERE "               \
    "NOT d.rest AND d.staged" EQ #staged ")"

/* Do some keys of a table divided by hash belong to no partition?  Each modulus divides the
 * greatest. */
#define HAS_GAPS                                                                                   \
    "coalesce((SELECT pg_catalog.sum(w.most" OVER "w.n)" NE "pg_catalog.max(w.most) FROM (SELECT " \
    "k.n, pg_catalog.max(k.n) OVER () AS most FROM (SELECT pg_catalog.substring(u.bound, "         \
    "'modulus ([0-9]+)')::pg_catalog.int4 AS n FROM pg_catalog.pg_inherits h JOIN node u ON "      \
    "u.oid" EQ "h.inhrelid WHERE h.inhparent" EQ "d.oid) k) w), true)"

/* The stage takes any key: one that belongs to no partition of the table is of no row. */
#define TAKES_ALL                                                                                  \
    "NOT EXISTS (SELECT 1 FROM node d JOIN pg_catalog.pg_partitioned_table p ON p.partrelid" EQ    \
    "d.oid WHERE d.staged AND CASE WHEN p.partstrat" EQ "'h' THEN " HAS_GAPS                       \
    " ELSE p.partdefid" EQ "0 END)"

/* A trigger, a rule or a policy of the table would not be that of a partition. */
#define ALIKE                                                                                      \
    TREE_OF(false)                                                                                 \
    EQ TREE_OF(                                                                                    \
        true) " AND NOT EXISTS (SELECT 1 FROM node d WHERE (NOT d.staged AND "                     \
              "(d.relhasrules OR EXISTS (SELECT 1 FROM pg_catalog.pg_trigger g WHERE g.tgrelid" EQ \
              "d.oid AND NOT g.tgisinternal AND g.tgenabled" NE                                    \
              "'D'))) OR pg_catalog.row_security_active(d.oid)) AND NOT EXISTS (SELECT 1 FROM "    \
              "pg_catalog.pg_attribute a WHERE a.attrelid" EQ "c.oid AND a.attnum" GT              \
              "0 AND NOT a.attisdropped AND a.attgenerated" EQ                                     \
              "'' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_attribute b WHERE b.attrelid" EQ     \
              "s.oid AND b.attname" EQ "a.attname AND b.atttypid" EQ                               \
              "a.atttypid AND b.atttypmod" EQ "a.atttypmod AND b.attcollation" EQ                  \
              "a.attcollation))"

/* What this role may do to each part of the table, by the verb's first letter. */
#define MAY(what, right)                                                                           \
    "(SELECT CASE WHEN pg_catalog.bool_and(pg_catalog.has_table_privilege(d.oid, '" right          \
    "') AND pg_catalog.has_table_privilege(d.oid, 'SELECT')) THEN '" what                          \
    "' END FROM node d WHERE NOT d.staged AND d.relkind" NE "'p')"
#define MAY_STAGE                                                                                  \
    "pg_catalog.has_table_privilege(s.oid, 'INSERT') AND (SELECT "                                 \
    "pg_catalog.bool_and(pg_catalog.has_table_privilege(d.oid, 'SELECT') AND "                     \
    "pg_catalog.has_table_privilege(d.oid, 'DELETE')) FROM node d WHERE d.staged)"

/* The lines of bm__stage_line. */
static const char question[] =
    TREE ", ready AS (SELECT pg_catalog.concat(" MAY("u", "UPDATE") ", " MAY(
        "d",
        "DELETE") ") AS may FROM c, s WHERE " ALIKE " AND " TAKES_ALL " AND " MAY_STAGE
                  ") SELECT 's', " NAME(
                      "d",
                      "'" END
                      "'") ", r.may FROM ready r, node d WHERE NOT d.staged AND "
                           "d.level" EQ "0 UNION ALL SELECT 'p', "
                           "coalesce(a.attname::pg_catalog.text, ''), '' FROM "
                           "ready r, node d JOIN pg_catalog.pg_partitioned_table p ON "
                           "p.partrelid" EQ "d.oid CROSS JOIN LATERAL "
                           "pg_catalog.UNNEST(p.partattrs) k(number) LEFT JOIN "
                           "pg_catalog.pg_attribute a ON a.attrelid" EQ "d.oid AND a.attnum" EQ
                           "k.number WHERE NOT d.staged UNION ALL SELECT 'l', " NAME(
                               "d",
                               "''") ", " NAME("d",
                                               "'" END
                                               "'") " FROM ready r, node d WHERE NOT d.staged AND "
                                                    "d.ftserver IS NOT NULL UNION ALL SELECT 'h', "
                                                    "d.name, d.room FROM ready r, node d WHERE NOT "
                                                    "d.staged AND d.ftserver IS NULL AND "
                                                    "d.relkind" NE "'p'";

static const char *text_of(bm__table *table, const bm__cell *cell)
{
    bool null = cell->kind == BM__CELL_NULL;
    return bm__arena_copy(&table->arena, null ? "" : cell->data, null ? 0 : cell->size);
}

static bm_status push(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    bm__table *table = catalog->staged;
    if (n != 3 || cells[0].size != 1) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    bm__stage_line *line = bm__arena_array(&table->arena, 1, sizeof *line);
    if (line == NULL) {
        return bm__no_memory(err);
    }
    *line = (bm__stage_line){.kind = *(const char *)cells[0].data,
                             .name = text_of(table, &cells[1]),
                             .other = text_of(table, &cells[2])};
    if (line->name == NULL || line->other == NULL) {
        return bm__no_memory(err);
    }
    line->next = table->stage;
    table->stage = line;
    return BM_OK;
}

bm_status bm__postgresql_ask_stage(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    step->push = push;
    return bm__postgresql_ask_of_model(catalog, question, step, err);
}

/* ---- the statements that make one */

#define OPTION(name, otherwise)                                                                    \
    "coalesce((SELECT o.option_value FROM pg_catalog.pg_options_to_table(d.ftoptions) o WHERE "    \
    "o.option_name" EQ "'" name "'), " otherwise ")"
#define THERE_ROOM OPTION("schema_name", "d.room")
#define THERE_NAME "pg_catalog.concat(" OPTION("table_name", "d.name") ", '" END "')"

/* Columns without the rules of the table, and as many words of masks as may be needed.  No
 * statistics: they would be those of an empty table. */
#define COLUMNS                                                                                    \
    ", a AS (SELECT a.attnum, pg_catalog.concat(', ', pg_catalog.quote_ident(a.attname), ' ', "    \
    "pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.concat(' COLLATE ', "     \
    "pg_catalog.quote_ident(m.nspname), '.', pg_catalog.quote_ident(k.collname)) FROM "            \
    "pg_catalog.pg_collation k JOIN pg_catalog.pg_namespace m ON m.oid" EQ                         \
    "k.collnamespace WHERE k.oid" EQ "a.attcollation AND k.oid" NE                                 \
    "y.typcollation)) AS line, a.attgenerated FROM c JOIN pg_catalog.pg_attribute a ON "           \
    "a.attrelid" EQ "c.oid JOIN pg_catalog.pg_type y ON y.oid" EQ "a.atttypid WHERE a.attnum" GT   \
    "0 AND NOT a.attisdropped), columns AS (SELECT pg_catalog.concat('(bm_ord bigint', (SELECT "   \
    "pg_catalog.string_agg(pg_catalog.concat(', bm_mask', g.word, ' bigint'), '' ORDER BY "        \
    "g.word) FROM pg_catalog.generate_series(0, (SELECT pg_catalog.count(*)" MINUS                 \
    "1 FROM a)" OVER "62) g(word)), (SELECT pg_catalog.string_agg(a.line, '' ORDER BY a.attnum) "  \
    "FROM a WHERE a.attgenerated" EQ "''), ')') AS list)"

#define SERVER_OF                                                                                  \
    "(SELECT pg_catalog.concat(' SERVER ', pg_catalog.quote_ident(v.srvname), ' OPTIONS "          \
    "(schema_name ', pg_catalog.quote_literal(" THERE_ROOM                                         \
    "), ', table_name ', pg_catalog.quote_literal(" THERE_NAME                                     \
    "), CASE WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4" GE            \
    "140000 THEN ', batch_size ''1000''' END, ')') FROM pg_catalog.pg_foreign_server v WHERE "     \
    "v.oid" EQ "d.ftserver)"

#define GAPS                                                                                       \
    " UNION ALL SELECT 0, 0, '', '', '!', pg_catalog.concat('\"', d.name, '\" has no partition "   \
    "for "                                                                                         \
    "some keys: add the remainders that are missing') FROM node d JOIN "                           \
    "pg_catalog.pg_partitioned_table p ON p.partrelid" EQ                                          \
    "d.oid WHERE NOT d.staged AND p.partstrat" EQ "'h' AND " HAS_GAPS
#define RESTS                                                                                      \
    " UNION ALL SELECT 2, d.level" PLUS "1, d.room, d.name, '', pg_catalog.concat('CREATE "        \
    "UNLOGGED TABLE ', " NAME("d", "'" REST "'") ", ' PARTITION OF ', " NAME(                      \
        "d",                                                                                       \
        "'" END                                                                                    \
        "'") ", ' DEFAULT') FROM node d JOIN pg_catalog.pg_partitioned_table p ON p.partrelid" EQ  \
             "d.oid WHERE NOT d.staged AND p.partstrat" NE "'h' AND p.partdefid" EQ "0"

/* (the other server, or '' for this one, or '!' where there can be none; a statement, or why not).
 */
static const char made[] = TREE COLUMNS
    ", out(place, level, room, name, server, line) AS (SELECT 0, 0, '', '', '!', "
    "pg_catalog.concat('the name \"', d.name, '\" is too long to have \"" END
    "\" behind it') FROM node d WHERE NOT d.staged AND (pg_catalog.octet_length(d.name)" GT
    "54 OR d.ftserver IS NOT NULL AND pg_catalog.octet_length(" THERE_NAME ")" GT
    "63) UNION ALL SELECT 0, 0, '', '', '!', pg_catalog.concat('\"', d.name, '\" is divided by an "
    "expression: a key does not say where its row is') FROM node d JOIN "
    "pg_catalog.pg_partitioned_table p ON p.partrelid" EQ
    "d.oid WHERE NOT d.staged AND p.partexprs IS NOT NULL" GAPS
    " UNION ALL SELECT 0, 0, '', '', '!', "
    "pg_catalog.concat('\"', d.name, '\" is a table of ', w.fdwname, ', not of postgres_fdw') FROM "
    "node d JOIN pg_catalog.pg_foreign_server v ON v.oid" EQ
    "d.ftserver JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid" EQ "v.srvfdw WHERE w.fdwname" NE
    "'postgres_fdw' UNION ALL SELECT 1, 0, d.room, d.name, v.srvname::pg_catalog.text, "
    "pg_catalog.concat('CREATE UNLOGGED TABLE ', pg_catalog.quote_ident(" THERE_ROOM
    "), '.', pg_catalog.quote_ident(" THERE_NAME "), ' ', columns.list, "
    "' WITH (autovacuum_analyze_threshold = 2147483647)') FROM columns, node d JOIN "
    "pg_catalog.pg_foreign_server v ON v.oid" EQ
    "d.ftserver WHERE NOT d.staged UNION ALL SELECT 2, d.level, d.room, d.name, '', "
    "pg_catalog.concat('CREATE ', CASE d.relkind WHEN 'f' THEN 'FOREIGN ' WHEN 'r' THEN 'UNLOGGED "
    "' END, 'TABLE ', " NAME(
        "d",
        "'" END
        "'") ", ' ', CASE WHEN d.level" EQ
             "0 THEN columns.list ELSE (SELECT pg_catalog.concat('PARTITION OF ', " NAME(
                 "u", "'" END
                      "'") ", ' ', d.bound) FROM pg_catalog.pg_inherits h JOIN node u ON u.oid" EQ
                           "h.inhparent WHERE h.inhrelid" EQ
                           "d.oid) END, CASE WHEN d.split IS NOT NULL THEN pg_catalog.concat(' "
                           "PARTITION BY ', d.split) "
                           "END, " SERVER_OF ") FROM columns, node d WHERE NOT d.staged" RESTS
                           ") SELECT out.server, out.line FROM "
                           "out ORDER BY out.place, out.server, out.level, out.room, out.name";

/* A heading for each server, then its statements. */
static bm_status push_made(void *context, const bm__cell *cells, size_t n, bm_error *err)
{
    bm__catalog *catalog = context;
    if (n != 2 || cells[0].kind == BM__CELL_NULL || cells[1].kind == BM__CELL_NULL) {
        return bm__fail(err, BM_DATABASE, BM_STAGE_CATALOG, "unexpected answer from the catalog");
    }
    const char *server = bm__arena_copy(&catalog->arena, cells[0].data, cells[0].size);
    const char *line = bm__arena_copy(&catalog->arena, cells[1].data, cells[1].size);
    if (server == NULL || line == NULL) {
        return bm__no_memory(err);
    }
    if (strcmp(server, "!") == 0) {
        return bm__fail(err, BM_UNSUPPORTED, BM_STAGE_CATALOG, "%s", line);
    }
    if (catalog->section == NULL || strcmp(catalog->section, server) != 0) {
        catalog->section = server;
        BM_TRY(bm__buffer_format(catalog->text, err, "-- %s%s%s\n",
                                 server[0] != '\0' ? "On the server \"" : "Here", server,
                                 server[0] != '\0' ? "\"" : ""));
    }
    return bm__buffer_format(catalog->text, err, "%s;\n", line);
}

bm_status bm__postgresql_ask_stage_sql(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    step->push = push_made;
    return bm__postgresql_ask_of_model(catalog, made, step, err);
}
