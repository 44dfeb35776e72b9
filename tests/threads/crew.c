#include "crew.h"

bm_db *crew_open(world *w, int workers)
{
    bm_db *db;
    bm_error err = BM_ERROR;
    const bm_open_options options = {
        .size = sizeof options, .max_connections = workers, .max_concurrent_batch_writes = workers};
    if (bm_open(w->url, &options, &db, &err) != BM_OK) {
        fail_msg("%s", err.message);
    }
    return db;
}

void crew_meets(world *w, int workers, const char *when, const char *then)
{
    psql_run(w->pg,
             "CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " PERFORM pg_advisory_xact_lock_shared('item'::regclass::oid::int8);"
             " WHILE (SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory'"
             "        AND objid = 'item'::regclass::oid AND granted) < %d LOOP"
             " PERFORM pg_sleep(0.002); END LOOP; %s RETURN NEW; END $$;"
             "CREATE TRIGGER meet BEFORE INSERT OR UPDATE ON item FOR EACH ROW"
             " WHEN (NEW.name LIKE 'row%%' AND %s) EXECUTE FUNCTION meet()",
             workers, then, when);
}

void crew_commits(world *w, int least, const char *when, const char *how)
{
    psql_run(w->pg,
             "CREATE TABLE shadow (x integer);"
             "CREATE FUNCTION early() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " SET CONSTRAINTS late DEFERRED; INSERT INTO shadow VALUES (1); RETURN NULL; END $$;"
             "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " IF (SELECT count(*) FROM item WHERE name LIKE 'row%%'"
             "     AND xmin <> pg_current_xact_id()::xid) >= %d THEN %s; END IF;"
             " RETURN NULL; END $$;"
             "CREATE CONSTRAINT TRIGGER early AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
             " FOR EACH ROW WHEN (%s) EXECUTE FUNCTION early();"
             "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shadow DEFERRABLE INITIALLY DEFERRED"
             " FOR EACH ROW EXECUTE FUNCTION late()",
             least, how, when);
}
