/* Pieces of the questions that ask what a type is: p is its row of pg_type. */
#ifndef BM_POSTGRESQL_TYPE_QUESTION_H
#define BM_POSTGRESQL_TYPE_QUESTION_H

#include "operators.h"

/* typtype of `own`, but 'e' where the bytes of `base` are its text: labels of an enum, citext. */
#define BM__KIND_OF(base, own)                                                                     \
    "(CASE WHEN " base ".typtype" EQ "'e' OR " base ".typreceive" EQ                               \
    "'pg_catalog.textrecv'::pg_catalog.regproc THEN 'e' ELSE " own                                 \
    ".typtype END)::pg_catalog.text"

/* As SQL writes it, without a modifier. */
#define BM__TYPE_NAME                                                                              \
    "(SELECT pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', "                           \
    "pg_catalog.quote_ident(p.typname)) FROM pg_catalog.pg_namespace n WHERE n.oid" EQ             \
    "p.typnamespace)"

/* e is the type of an array's elements, m.oid that below its domains. */
#define BM__JOIN_ELEMENT                                                                           \
    "LEFT JOIN pg_catalog.pg_type e ON e.oid" EQ "p.typelem AND p.typcategory" EQ                  \
    "'A' LEFT JOIN LATERAL (WITH RECURSIVE m(oid, depth) AS (SELECT e.oid, 0 UNION ALL SELECT "    \
    "t.typbasetype, m.depth" PLUS "1 FROM m JOIN pg_catalog.pg_type t ON t.oid" EQ                 \
    "m.oid WHERE t.typtype" EQ "'d') SELECT m.oid FROM m ORDER BY m.depth DESC LIMIT 1) m ON true"

#endif
