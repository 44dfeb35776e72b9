/* Which unique constraints and foreign keys a statement can look for, and what breaking one says.
 */
#include "constraints.h"

#include "operators.h"
#include "postgresql.h"

#include <string.h>

/*
 * Unique: a btree over plain columns, all rows, with the operators and collations that the columns
 * have themselves.  A foreign key: simple match, enforced, over a table that this role may read
 * whole, and over no column whose limit cuts blanks or rounds.  To the table itself: only over
 * types whose equality is that of their bytes, for parents are looked for among the rows of the
 * batch, too.  Any trigger of a user on INSERT, and any rule, may write what a row needs or has.
 * tgtype's bits: PostgreSQL, pg_trigger.h (4 insert).
 */
#define TARGET(oid)                                                                                \
    "(SELECT pg_catalog.concat(CASE WHEN y.relkind" EQ                                             \
    "'p' THEN '' ELSE 'ONLY ' END, pg_catalog.quote_ident(m.nspname), '.', "                       \
    "pg_catalog.quote_ident(y.relname)) FROM pg_catalog.pg_class y JOIN pg_catalog.pg_namespace "  \
    "m ON m.oid" EQ "y.relnamespace WHERE y.oid" EQ oid ")"

#define OPTION(row, name) "(pg_catalog.to_jsonb(" row ")" JSON_TEXT "'" name "')"
#define JSON_TEXT " OPERATOR(pg_catalog.->>) "

static const char unique_keys[] =
    "u AS (SELECT i.indexrelid AS id, g.p, 'u' AS kind, i.indisprimary AS main, x.relname AS name, "
    "c.oid AS target, a.attname AS col, a.attname AS other, NULL::pg_catalog.text AS eq FROM c "
    "JOIN pg_catalog.pg_index i ON i.indrelid" EQ "c.oid JOIN pg_catalog.pg_class x ON x.oid" EQ
    "i.indexrelid JOIN pg_catalog.pg_am m ON m.oid" EQ
    "x.relam CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts" MINUS
    "1) AS g(p) JOIN pg_catalog.pg_attribute a ON a.attrelid" EQ "c.oid AND a.attnum" EQ
    "i.indkey[g.p] WHERE i.indisunique AND i.indisvalid AND i.indisready AND m.amname" EQ
    "'btree' AND NOT i.indisexclusion AND i.indpred IS NULL AND i.indexprs IS NULL AND "
    "coalesce(" OPTION(
        "i",
        "indnullsnotdistinct") ", 'false')" EQ "'false' AND NOT EXISTS (SELECT 1 FROM "
                               "pg_catalog.generate_series(0, i.indnkeyatts" MINUS
                               "1) AS h(p) JOIN pg_catalog.pg_attribute b ON b.attrelid" EQ
                               "c.oid AND b.attnum" EQ
                               "i.indkey[h.p] JOIN pg_catalog.pg_opclass o ON o.oid" EQ
                               "i.indclass[h.p] WHERE NOT o.opcdefault OR i.indcollation[h.p]" NE
                               "b.attcollation))";

static const char references[] =
    "f AS (SELECT k.oid AS id, g.p" MINUS "1 AS p, CASE WHEN k.confrelid" EQ
    "c.oid THEN CASE WHEN (SELECT pg_catalog.bool_and(z.atttypid" EQ
    "y.atttypid AND z.atttypid::pg_catalog.regtype::pg_catalog.text" EQ
    "ANY ('{smallint,integer,bigint,uuid,text,character varying}') AND z.atttypmod" LT "0 AND "
    "coalesce(n.collisdeterministic, true)) FROM pg_catalog.generate_subscripts(k.conkey, 1) "
    "AS s(q) JOIN pg_catalog.pg_attribute z ON z.attrelid" EQ "c.oid AND z.attnum" EQ
    "k.conkey[s.q] JOIN pg_catalog.pg_attribute y ON y.attrelid" EQ "c.oid AND y.attnum" EQ
    "k.confkey[s.q] LEFT JOIN pg_catalog.pg_collation n ON n.oid" EQ
    "y.attcollation) THEN 's' ELSE 'x' END WHEN pg_catalog.pg_partition_root(k.confrelid)" EQ
    "pg_catalog.pg_partition_root(c.oid) THEN 'x' ELSE 'f' END AS kind, false AS main, "
    "k.conname AS name, k.confrelid AS target, a.attname AS col, b.attname AS other, "
    "(SELECT pg_catalog.concat(' OPERATOR(', pg_catalog.quote_ident(n.nspname), '.', o.oprname, "
    "') ') FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid" EQ
    "o.oprnamespace WHERE o.oid" EQ
    "k.conpfeqop[g.p]) AS eq FROM c JOIN pg_catalog.pg_constraint k ON k.conrelid" EQ
    "c.oid AND k.contype" EQ
    "'f' CROSS JOIN LATERAL pg_catalog.generate_subscripts(k.conkey, 1) AS g(p) JOIN "
    "pg_catalog.pg_attribute a ON a.attrelid" EQ "c.oid AND a.attnum" EQ
    "k.conkey[g.p] JOIN pg_catalog.pg_attribute b ON b.attrelid" EQ "k.confrelid AND b.attnum" EQ
    "k.confkey[g.p] WHERE (k.confmatchtype" EQ "'s' OR pg_catalog.cardinality(k.conkey)" EQ
    "1 OR k.confrelid" EQ
    "c.oid) AND coalesce(" OPTION("k", "conenforced") ", 'true')" EQ "'true' AND coalesce(" OPTION(
        "k",
        "conperiod") ", 'false')" EQ "'false' AND NOT EXISTS (SELECT 1 FROM "
                     "pg_catalog.pg_constraint r WHERE r.oid" EQ "k.conparentid AND r.conrelid" EQ
                     "k.conrelid) AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE "
                     "t.tgconstraint" EQ "k.oid AND t.tgrelid" EQ "c.oid AND t.tgenabled" NE
                     "'O') AND pg_catalog.current_setting('session_replication_role')" NE
                     "'replica' AND pg_catalog.has_table_privilege(k.confrelid, 'SELECT') AND NOT "
                     "pg_catalog.row_security_active(k.confrelid) AND (k.confrelid" EQ
                     "c.oid OR NOT EXISTS (SELECT 1 FROM pg_catalog.generate_subscripts(k.conkey, "
                     "1) AS s(q) JOIN pg_catalog.pg_attribute z ON z.attrelid" EQ
                     "c.oid AND z.attnum" EQ "k.conkey[s.q] WHERE z.atttypmod" GE
                     "0 AND z.atttypid::pg_catalog.regtype::pg_catalog.text" NE
                     "ALL ('{numeric,character}'))))";

static const char rest[] =
    "SELECT '0', '!', 'f', '', '', '', '', NULL, '' FROM c WHERE c.relkind" NE
    "ALL ('{r,p}') OR c.relhasrules OR pg_catalog.row_security_active(c.oid) OR NOT "
    "pg_catalog.has_table_privilege(c.oid, 'SELECT') OR EXISTS (SELECT 1 FROM "
    "pg_catalog.pg_trigger t WHERE t.tgrelid" EQ "c.oid AND NOT t.tgisinternal AND t.tgenabled" NE
    "'D' AND t.tgtype" BITS "4" NE "0)";

bm_status bm__postgresql_constraints(bm__catalog *catalog, bm__step *step, bm_error *err)
{
    bm__sql sql = bm__sql_begin(err);
    bm__sql_put(&sql,
                "WITH c AS (SELECT x.* FROM pg_catalog.pg_class x WHERE x.oid" EQ
                "pg_catalog.to_regclass($1)), %s, %s SELECT e.p::pg_catalog.text, e.kind, CASE "
                "WHEN e.main THEN 't' ELSE 'f' END, e.name::pg_catalog.text, " TARGET(
                    "e.target") ", e.col::pg_catalog.text, e.other::pg_catalog.text, e.eq, '' FROM "
                                "(SELECT * FROM "
                                "(SELECT 1 AS sort, u.* FROM u UNION ALL SELECT 2, f.* FROM f) q "
                                "ORDER BY q.sort, "
                                "q.id, q.p) e UNION ALL %s",
                unique_keys, references, rest);
    const char *text;
    BM_TRY(bm__sql_end(&sql, &catalog->arena, &text));
    return bm__postgresql_ask_of_model(catalog, text, step, err);
}

void bm__postgresql_refuse(const bm__constraint *constraint, const char *table, bm_error *err)
{
    bool unique = constraint->kind == BM__CONSTRAINT_UNIQUE;
    if (unique) {
        bm__fail(err, BM_CONSTRAINT, BM_STAGE_WRITE,
                 "duplicate key value violates unique constraint \"%s\"", constraint->name);
    } else {
        bm__fail(err, BM_CONSTRAINT, BM_STAGE_WRITE,
                 "insert or update on table \"%s\" violates foreign key constraint \"%s\"", table,
                 constraint->name);
    }
    bm__copy_text(err->sqlstate, sizeof err->sqlstate, unique ? "23505" : "23503");
    bm__copy_text(err->constraint, sizeof err->constraint, constraint->name);
}
